//! What calls cost, for people: choose days, see sums, take the files for the invoices.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;
use dialer::Totals;

use super::page::{Esc, Page, put};
use crate::desk::{Caller, Desk};
use crate::extract::Query;
use crate::problem::Problem;
use crate::report::euros;
use crate::rest::metering::Days;
use crate::rooms;

/// `GET /facturation?from=&to=`.
pub(crate) async fn page(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Query(days): Query<Days>,
) -> Result<Html<String>, Problem> {
    let span = days.span(&desk)?;
    let account = rooms::account(&desk, span.period, false).await?;
    let mut page = Page::new(&desk, &caller);
    put!(
        page,
        "<h1>{}</h1><p class=hint>{}</p><form class=card><div class=pair>",
        page.t("metering-title"),
        page.t("metering-hint")
    );
    for (name, key, day) in [("from", "metering-from", span.from), ("to", "metering-to", span.to)] {
        put!(
            page,
            "<div><label for={name}>{}</label><input type=date id={name} name={name} value={day}></div>",
            page.t(key)
        );
    }
    put!(
        page,
        "</div><p class=actions><button>{}</button></p></form><p class=actions>",
        page.t("metering-show")
    );
    let query = format!("from={}&amp;to={}", span.from, span.to);
    for (target, key) in [
        (format!("/api/v1/metering.xlsx?{query}"), "metering-xlsx"),
        (
            format!("/api/v1/metering.csv?{query}&amp;table=lines"),
            "metering-csv-lines",
        ),
        (
            format!("/api/v1/metering.csv?{query}&amp;table=attempts"),
            "metering-csv-attempts",
        ),
    ] {
        put!(
            page,
            "<a class=\"button small\" download href=\"{target}\">{}</a> ",
            page.t(key)
        );
    }
    put!(page, "</p>");
    let services = account.by(|line| (line.month, line.service.clone()));
    let rows: Vec<_> = services
        .into_iter()
        .map(|((month, service), totals)| ([month.to_string(), service], totals))
        .collect();
    table(
        &mut page,
        "metering-services",
        ["column-month", "column-service"],
        &rows,
        account.total(),
    );
    let campaigns = account.by(|line| (line.campaign, line.name.clone()));
    let rows: Vec<_> = campaigns
        .into_iter()
        .map(|((id, name), totals)| ([id.to_string(), name], totals))
        .collect();
    let keys = ["column-campaign", "column-campaign-name"];
    table(&mut page, "metering-campaigns", keys, &rows, account.total());
    let title = page.words.get("metering-title");
    Ok(page.finish(&title, "/facturation"))
}

fn table(page: &mut Page<'_>, caption: &str, keys: [&str; 2], rows: &[([String; 2], Totals)], total: Totals) {
    put!(
        page,
        "<section class=card><div class=scroll><table><caption>{}</caption><thead><tr>",
        page.t(caption)
    );
    for key in keys {
        put!(page, "<th scope=col>{}", page.t(key));
    }
    for key in [
        "column-attempts",
        "column-answered",
        "column-billed",
        "column-parts",
        "column-unmetered",
        "column-cost",
    ] {
        put!(page, "<th scope=col class=number>{}", page.t(key));
    }
    put!(page, "</tr></thead><tbody>");
    for ([first, second], totals) in rows {
        put!(page, "<tr><th scope=row>{}<td>{}", Esc(first), Esc(second));
        sums(page, totals);
    }
    put!(page, "<tr><th scope=row colspan=2>{}", page.t("report-total"));
    sums(page, &total);
    put!(page, "</tbody></table></div></section>");
}

fn sums(page: &mut Page<'_>, totals: &Totals) {
    for count in [
        totals.attempts,
        totals.answered,
        totals.billed_seconds,
        totals.parts,
        totals.unmetered,
    ] {
        put!(page, "<td class=number>{}", page.number(count));
    }
    put!(page, "<td class=number>{}</tr>", euros(totals.cost_micros));
}
