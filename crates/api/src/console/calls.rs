//! The panel of calls in progress: on a page of its own, and on the live page of a campaign.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;
use dialer::CallPhase;
use serde_json::{Map, Value};

use super::page::{Esc, Page, put};
use crate::desk::{Caller, Desk};
use crate::rest::calls::{Filter, look};

/// Calls shown at once; the figures above them count all.
const SHOWN: usize = 50;

/// `GET /appels`.
pub(crate) async fn page(State(desk): State<Arc<Desk>>, caller: Caller) -> Html<String> {
    let mut page = Page::new(&desk, &caller);
    put!(page, "<h1>{}</h1>", page.t("calls-title"));
    panel(&mut page, None);
    let title = page.words.get("calls-title");
    page.finish(&title, "/appels")
}

/// The panel. Its rows are personal data: without the script they are not shown, with it their reading is traced.
pub(super) fn panel(page: &mut Page<'_>, campaign: Option<u64>) {
    let filter = Filter {
        campaign,
        limit: Some(0),
    };
    let now = look(page.desk, filter);
    let mut source = format!("/api/v1/calls/events?limit={SHOWN}");
    if let Some(id) = campaign {
        source.push_str(&format!("&campaign={id}"));
    }
    let labels: Map<String, Value> = CallPhase::ALL
        .iter()
        .map(|phase| (phase.name().to_owned(), label(page, *phase).into()))
        .collect();
    put!(
        page,
        "<section class=card aria-labelledby=t-appels data-calls=\"{}\" data-phases=\"{}\" data-more=\"{}\"><h2 id=t-appels>{}</h2>\
         <dl class=figures>",
        Esc(source),
        Esc(Value::Object(labels).to_string()),
        page.t("calls-more"),
        page.t("calls-title"),
    );
    for phase in CallPhase::ALL {
        put!(
            page,
            "<div class=live><dt>{}<dd data-phase={}>{}</div>",
            Esc(label(page, phase)),
            phase.name(),
            page.number(now.phases.get(phase.name()).copied().unwrap_or(0) as u64),
        );
    }
    put!(page, "</dl><div class=scroll><table><thead><tr>");
    let mut columns = vec![
        "column-name",
        "column-number",
        "column-state",
        "calls-since",
        "column-trunk",
    ];
    if campaign.is_none() {
        columns.push("column-campaign");
    }
    for key in columns {
        put!(page, "<th scope=col>{}", page.t(key));
    }
    put!(
        page,
        "</tr></thead><tbody></tbody></table></div><p class=soft data-none>{}</p><p class=soft data-rest hidden></p></section>",
        page.t("calls-none"),
    );
}

fn label(page: &Page<'_>, phase: CallPhase) -> String {
    page.words.get(&format!("phase-{}", phase.name())).into_owned()
}
