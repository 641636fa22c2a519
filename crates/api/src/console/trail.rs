//! The audit trail, for people.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;

use super::page::{Esc, Page, put};
use crate::access::RULES;
use crate::audit::{Entry, Search};
use crate::desk::{Caller, Desk, blocking};
use crate::extract::Query;
use crate::problem::Problem;

/// `GET /journal`.
pub(crate) async fn page(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Query(search): Query<Search>,
) -> Result<Html<String>, Problem> {
    let (asked, wanted) = (Arc::clone(&desk), search.clone());
    let found = blocking(move || asked.audit.search(&wanted))
        .await?
        .map_err(|error| Problem::internal(&error))?;
    let mut page = Page::new(&desk, &caller);
    put!(
        page,
        "<h1>{}</h1><form class=card><div class=pair>",
        page.t("nav-audit")
    );
    for (name, key, value) in [
        ("user", "column-user", &search.user),
        ("target", "column-target", &search.target),
    ] {
        put!(
            page,
            "<div><label for={name}>{}</label><input type=search id={name} name={name} value=\"{}\"></div>",
            page.t(key),
            Esc(value.as_deref().unwrap_or_default()),
        );
    }
    let operations: BTreeSet<&str> = RULES
        .iter()
        .map(|rule| rule.operation)
        .filter(|name| !name.is_empty())
        .collect();
    put!(
        page,
        "<div><label for=operation>{}</label><select id=operation name=operation><option value=\"\">{}</option>",
        page.t("column-operation"),
        page.t("any")
    );
    for name in operations {
        let chosen = if search.operation.as_deref() == Some(name) {
            " selected"
        } else {
            ""
        };
        put!(page, "<option value={name}{chosen}>{}</option>", operation(&page, name));
    }
    put!(page, "</select></div>");
    put!(
        page,
        "</div><p class=actions><button>{}</button></p></form>",
        page.t("search")
    );
    put!(
        page,
        "<div class=\"card scroll\"><table><caption>{}</caption><thead><tr><th scope=col class=number>{}<th scope=col>{}<th scope=col>{}<th scope=col>{}\
         <th scope=col>{}<th scope=col>{}<th scope=col>{}</tr></thead><tbody>",
        page.t("audit-caption"),
        page.t("column-number-of"),
        page.t("column-when"),
        page.t("column-user"),
        page.t("column-address"),
        page.t("column-operation"),
        page.t("column-target"),
        page.t("column-result"),
    );
    for entry in &found {
        row(&mut page, entry);
    }
    put!(page, "</tbody></table>");
    if let Some(last) = found.last().filter(|entry| entry.number > 1) {
        let field = |name: &str, value: &Option<String>| {
            value
                .as_deref()
                .filter(|text| !text.is_empty())
                .map(|text| format!("<input type=hidden name={name} value=\"{}\">", Esc(text)))
        };
        let hidden = [
            field("user", &search.user),
            field("operation", &search.operation),
            field("target", &search.target),
        ];
        put!(
            page,
            "<form class=actions><input type=hidden name=before value={}>{}<button>{}</button></form>",
            last.number,
            hidden.into_iter().flatten().collect::<String>(),
            page.t("audit-older"),
        );
    }
    put!(page, "</div>");
    let title = page.words.get("nav-audit");
    Ok(page.finish(&title, "/journal"))
}

/// The words for an operation.
fn operation(page: &Page<'_>, name: &str) -> String {
    let key = format!("operation-{}", name.replace('.', "-"));
    if page.words.has(&key) {
        page.t(&key)
    } else {
        Esc(name).to_string()
    }
}

fn row(page: &mut Page<'_>, entry: &Entry) {
    let operation = operation(page, &entry.operation);
    let (class, result) = if entry.status < 400 {
        ("up", "audit-done")
    } else {
        ("down", "audit-refused")
    };
    put!(
        page,
        "<tr><td class=number>{}<td>{}<td>{}<td>{}<td>{operation}<td>{}<td><span class=\"badge {class}\">{}</span></tr>",
        entry.number,
        page.moment(entry.utc_ms),
        Esc(&entry.user),
        Esc(&entry.address),
        Esc(&entry.target),
        page.t(result),
    );
}
