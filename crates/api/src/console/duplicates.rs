//! Recipients that look like one, side by side, to be merged.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, Redirect};
use directory::{Directory, Duplicate, RecipientId};
use serde::Deserialize;

use super::page::{Esc, Page, put};
use crate::desk::{Caller, Desk, blocking};
use crate::extract::{Form, Query};
use crate::problem::Problem;
use crate::rest::directory::commune;

/// Groups on one page.
const PAGE: usize = 50;

/// Which page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    offset: usize,
    fait: Option<String>,
}

/// `GET /annuaire/doublons`.
pub(crate) async fn page(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Problem> {
    let directory = desk.services.directory.snapshot();
    let looked = Arc::clone(&directory);
    let found = blocking(move || looked.duplicates()).await?;
    let mut page = Page::new(&desk, &caller);
    put!(page, "<h1>{}</h1>", page.t("duplicates-title"));
    page.done(asked.fait.as_deref());
    put!(
        page,
        "<p>{}</p><p class=hint>{}</p>",
        page.t_with("duplicates-count", &[("count", found.len().into())]),
        page.t("duplicates-hint")
    );
    for (index, duplicate) in found.iter().enumerate().skip(asked.offset).take(PAGE) {
        group(&mut page, &directory, index, duplicate);
    }
    if asked.offset + PAGE < found.len() {
        put!(
            page,
            "<p><a class=button href=\"/annuaire/doublons?offset={}\">{}</a></p>",
            asked.offset + PAGE,
            page.t("directory-more")
        );
    }
    let title = page.words.get("duplicates-title");
    Ok(page.finish(&title, "/annuaire"))
}

fn group(page: &mut Page<'_>, directory: &Directory, index: usize, duplicate: &Duplicate) {
    let (ids, why) = match duplicate {
        Duplicate::SameNumber { number, recipients } => {
            let number = number.to_string();
            (
                recipients,
                page.t_with("duplicate-number", &[("number", number.into())]),
            )
        }
        Duplicate::SamePerson { recipients } => (recipients, page.t("duplicate-person")),
    };
    put!(
        page,
        "<section class=card aria-labelledby=g-{index}><h2 id=g-{index}>{why}</h2>"
    );
    page.form("/annuaire/doublons", "");
    put!(
        page,
        "<div class=scroll><table><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col>{}</tr></thead><tbody>",
        page.t("duplicate-keep"),
        page.t("duplicate-merge"),
        page.t("column-name"),
        page.t("column-function"),
        page.t("column-commune"),
        page.t("column-numbers")
    );
    for (place, recipient) in ids.iter().filter_map(|id| directory.recipient(*id)).enumerate() {
        let numbers: Vec<String> = recipient.numbers.iter().map(|number| number.e164.to_string()).collect();
        let (id, name) = (recipient.id, recipient.full_name());
        put!(
            page,
            "<tr><td><input type=radio name=keep value={id}{} aria-label=\"{}\"><td><input type=checkbox name=others value={id} aria-label=\"{}\">\
             <th scope=row><a href=\"/annuaire/personnes/{id}\">{}</a><td>{}<td>{}<td>{}</tr>",
            if place == 0 { " checked" } else { "" },
            page.t_with("duplicate-keep-label", &[("name", name.as_str().into())]),
            page.t_with("duplicate-merge-label", &[("name", name.as_str().into())]),
            Esc(&name),
            Esc(&recipient.function),
            Esc(commune(directory, recipient)),
            Esc(numbers.join(", "))
        );
    }
    put!(
        page,
        "</tbody></table></div><button>{}</button></form></section>",
        page.t("duplicate-submit")
    );
}

/// The form: one `keep`, several `others`.
fn choice(form: Vec<(String, u64)>) -> (Option<RecipientId>, Vec<RecipientId>) {
    let ids = |wanted: &'static str| {
        form.iter()
            .filter(move |(name, _)| name == wanted)
            .map(|(_, id)| RecipientId(*id))
    };
    (ids("keep").next(), ids("others").collect())
}

/// `POST /annuaire/doublons`.
pub(crate) async fn merge(
    State(desk): State<Arc<Desk>>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Redirect, Problem> {
    let form = form
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.parse().ok()?)));
    let (Some(keep), others) = choice(form.collect()) else {
        return Err(Problem::new(axum::http::StatusCode::BAD_REQUEST, "bad-body"));
    };
    let shared = desk.services.directory.clone();
    let merged = blocking(move || shared.merge(keep, &others)).await??;
    let done = if merged.dropped.is_empty() {
        "merged"
    } else {
        "merged-dropped"
    };
    Ok(Redirect::to(&format!("/annuaire/doublons?fait={done}")))
}
