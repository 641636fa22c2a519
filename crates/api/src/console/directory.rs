//! The directory: who is in it, lists, and the import of a spreadsheet in two steps: look, then apply.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use directory::import::Import;
use directory::{Content, Directory, Field, ImportRecord, Selection, Test, Zone};
use rand::RngCore;
use serde::Deserialize;

use super::page::{Esc, Page, put};
use crate::desk::{Caller, Desk, Target, blocking, now_ms};
use crate::extract::{Form, Part, Query};
use crate::problem::Problem;
use crate::rest::directory::{Filter, add_list, commune, filtered};
use crate::rest::imports::{self, Wish};
use crate::sessions::hex;

/// Recipients on one page.
const PAGE: usize = 50;
/// Problems of a file shown on the page; the interface gives all of them.
const SHOWN_PROBLEMS: usize = 500;

pub(super) fn routes(desk: &Arc<Desk>) -> Router<Arc<Desk>> {
    let read = post(read).layer(DefaultBodyLimit::max(desk.settings.max_body));
    Router::new()
        .route("/annuaire", get(page))
        .route("/annuaire/lecture", read)
        .route("/annuaire/import", post(apply))
        .route("/annuaire/imports/{id}/annuler", post(undo))
        .route("/annuaire/listes", post(new_list))
        .route("/annuaire/listes/{id}/supprimer", post(delete_list))
}

/// A file that was looked at and not yet applied. One per user, forgotten by the next one.
pub(crate) struct Upload {
    word: String,
    import: Import,
    wish: Wish,
}

/// `GET /annuaire`.
pub(crate) async fn page(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Query(filter): Query<Filter>,
    Query(done): Query<super::Done>,
) -> Result<Html<String>, Problem> {
    let filter = Filter {
        limit: Some(PAGE),
        ..filter
    };
    let shared = desk.services.directory.clone();
    let records = blocking(move || shared.imports()).await??;
    let mut page = Page::new(&desk, &caller);
    let directory = desk.services.directory.snapshot();
    put!(page, "<h1>{}</h1>", page.t("nav-directory"));
    page.done(done.fait.as_deref());
    put!(page, "<div class=grid><div>");
    people(&mut page, &directory, &filter)?;
    put!(page, "</div><div>");
    import_form(&mut page);
    lists(&mut page, &directory);
    imports(&mut page, &records);
    put!(page, "</div></div>");
    let title = page.words.get("nav-directory");
    Ok(page.finish(&title, "/annuaire"))
}

fn people(page: &mut Page<'_>, directory: &Directory, filter: &Filter) -> Result<(), Problem> {
    let (found, total) = filtered(directory, filter)?;
    put!(
        page,
        "<form class=card role=search><label for=search>{}</label><div class=actions><input type=search id=search name=search value=\"{}\">",
        page.t("directory-search"),
        Esc(&filter.search),
    );
    if let Some(list) = filter.list {
        put!(page, "<input type=hidden name=list value={list}>");
    }
    put!(page, "<button>{}</button></div></form>", page.t("search"));
    put!(
        page,
        "<section class=\"card scroll\"><table><caption>{}</caption><thead><tr><th scope=col>{}<th scope=col>{}<th scope=col>{}<th scope=col>{}\
         <th scope=col>{}</tr></thead><tbody>",
        page.t_with("people", &[("count", total.into())]),
        page.t("column-name"),
        page.t("column-function"),
        page.t("column-domain"),
        page.t("column-commune"),
        page.t("column-numbers"),
    );
    for recipient in &found {
        put!(
            page,
            "<tr><th scope=row>{}<td>{}<td>{}<td>{}<td>",
            Esc(recipient.full_name()),
            Esc(&recipient.function),
            Esc(&recipient.domain),
            Esc(commune(directory, recipient)),
        );
        for (index, number) in recipient.numbers.iter().enumerate() {
            put!(
                page,
                "{}{}",
                if index > 0 { "<br>" } else { "" },
                Esc(number.e164.to_string())
            );
        }
        put!(page, "</tr>");
    }
    put!(page, "</tbody></table>");
    if filter.offset + found.len() < total {
        let list = filter
            .list
            .map(|list| format!("<input type=hidden name=list value={list}>"))
            .unwrap_or_default();
        put!(
            page,
            "<form class=actions><input type=hidden name=search value=\"{}\">{list}<input type=hidden name=offset value={}><button>{}</button></form>",
            Esc(&filter.search),
            filter.offset + PAGE,
            page.t("directory-more"),
        );
    }
    put!(page, "</section>");
    Ok(())
}

fn import_form(page: &mut Page<'_>) {
    let word = page.word();
    put!(
        page,
        "<section class=card aria-labelledby=t-import><h2 id=t-import>{}</h2><form method=post enctype=\"multipart/form-data\" \
         action=\"/annuaire/lecture?csrf={word}\" class=stack><div><label for=file>{}</label><input type=file id=file name=file required \
         accept=\".xlsx,.xls,.ods,.csv,.txt\" aria-describedby=file-hint><p class=hint id=file-hint>{}</p></div>\
         <div><label for=into>{}</label><input type=text id=into name=list maxlength=200 aria-describedby=into-hint><p class=hint id=into-hint>{}</p></div>\
         <div><label for=domain>{}</label><input type=text id=domain name=domain maxlength=200></div>\
         <button class=first>{}</button></form></section>",
        page.t("import-title"),
        page.t("import-file"),
        page.t("import-file-hint"),
        page.t("import-list"),
        page.t("import-list-hint"),
        page.t("import-domain"),
        page.t("import-look"),
    );
}

/// The imports that can be taken back, newest first.
fn imports(page: &mut Page<'_>, records: &[ImportRecord]) {
    if records.is_empty() {
        return;
    }
    put!(
        page,
        "<section class=card aria-labelledby=t-imports><h2 id=t-imports>{}</h2>",
        page.t("imports-title")
    );
    put!(page, "<div class=scroll><table><tbody>");
    for record in records.iter().rev() {
        put!(
            page,
            "<tr><th scope=row>{}<br><span class=hint>{}</span><td>+{} ~{}<td>",
            Esc(&record.file_name),
            page.moment(record.at_ms),
            page.number(record.created as u64),
            page.number(record.updated as u64),
        );
        page.form(&format!("/annuaire/imports/{}/annuler", record.id), "");
        let label = page.t_with("import-undo-label", &[("file", record.file_name.as_str().into())]);
        put!(
            page,
            "<button class=small aria-label=\"{label}\">{}</button></form></tr>",
            page.t("import-undo")
        );
    }
    put!(
        page,
        "</tbody></table></div><p class=hint>{}</p></section>",
        page.t("import-undo-hint")
    );
}

/// `POST /annuaire/imports/{id}/annuler`.
async fn undo(State(desk): State<Arc<Desk>>, Part(id): Part<u64>) -> Result<Redirect, Problem> {
    let shared = desk.services.directory.clone();
    blocking(move || shared.undo(directory::ImportId(id))).await??;
    Ok(Redirect::to("/annuaire?fait=undo"))
}

fn lists(page: &mut Page<'_>, directory: &Directory) {
    put!(
        page,
        "<section class=card aria-labelledby=t-listes><h2 id=t-listes>{}</h2><div class=scroll><table><tbody>",
        page.t("lists-title")
    );
    for list in directory.lists() {
        let size = directory.members(list.id).map_or(0, |members| members.len());
        put!(
            page,
            "<tr><th scope=row><a href=\"/annuaire?list={}\">{}</a>",
            list.id,
            Esc(&list.name)
        );
        if matches!(list.content, Content::Live(_)) {
            put!(page, " <span class=badge>{}</span>", page.t("list-live"));
        }
        put!(page, "<td class=number>{}<td>", page.number(size as u64));
        let label = page.t_with("list-export", &[("name", list.name.as_str().into())]);
        put!(
            page,
            "<a class=\"button small\" download aria-label=\"{label}\" href=\"/api/v1/lists/{}/export\">XLSX</a> ",
            list.id
        );
        if list.id != directory::ListId::GLOBAL {
            page.form(&format!("/annuaire/listes/{}/supprimer", list.id), "");
            let label = page.t_with("list-delete", &[("name", list.name.as_str().into())]);
            put!(
                page,
                "<button class=small aria-label=\"{label}\">{}</button></form>",
                page.t("delete")
            );
        }
        put!(page, "</tr>");
    }
    put!(
        page,
        "</tbody></table></div><details><summary>{}</summary>",
        page.t("list-new")
    );
    page.form("/annuaire/listes", "class=stack");
    put!(
        page,
        "<div><label for=list-name>{}</label><input type=text id=list-name name=name maxlength=200 required></div>",
        page.t("column-name")
    );
    let recipients = directory.recipients();
    let functions: BTreeSet<&str> = recipients.iter().map(|recipient| recipient.function.as_str()).collect();
    let domains: BTreeSet<&str> = recipients.iter().map(|recipient| recipient.domain.as_str()).collect();
    let groups: BTreeSet<&str> = recipients
        .iter()
        .flat_map(|recipient| recipient.groups.iter().map(String::as_str))
        .collect();
    let communes = directory.gazetteer().communes();
    let arrondissements: BTreeSet<&str> = communes
        .iter()
        .map(|commune| commune.arrondissement.name.as_str())
        .collect();
    let cantons: BTreeSet<&str> = communes.iter().map(|commune| commune.canton.name.as_str()).collect();
    let epcis: BTreeSet<&str> = communes.iter().map(|commune| commune.epci.name.as_str()).collect();
    for (name, key, values) in [
        ("domain", "column-domain", domains),
        ("function", "column-function", functions),
        ("group", "column-group", groups),
        ("arrondissement", "zone-arrondissement", arrondissements),
        ("canton", "zone-canton", cantons),
        ("epci", "zone-epci", epcis),
    ] {
        let values: Vec<&str> = values.into_iter().filter(|value| !value.is_empty()).take(500).collect();
        if values.is_empty() {
            continue;
        }
        put!(
            page,
            "<div><label for=\"list-{name}\">{}</label><select id=\"list-{name}\" name={name}><option value=\"\">{}</option>",
            page.t(key),
            page.t("any")
        );
        for value in values {
            put!(page, "<option>{}</option>", Esc(value));
        }
        put!(page, "</select></div>");
    }
    put!(
        page,
        "<p class=hint>{}</p><button>{}</button></form></details></section>",
        page.t("list-new-hint"),
        page.t("list-create")
    );
}

/// The form of a live list: all criteria that are given must hold (R6).
#[derive(Deserialize)]
pub(crate) struct NewList {
    name: String,
    #[serde(default)]
    domain: String,
    #[serde(default)]
    function: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    arrondissement: String,
    #[serde(default)]
    canton: String,
    #[serde(default)]
    epci: String,
}

/// `POST /annuaire/listes`.
pub(crate) async fn new_list(State(desk): State<Arc<Desk>>, Form(new): Form<NewList>) -> Result<Response, Problem> {
    let mut parts = Vec::new();
    for (field, value) in [
        (Field::Domain, new.domain),
        (Field::Function, new.function),
        (Field::Group, new.group),
    ] {
        if !value.is_empty() {
            parts.push(Selection::Field {
                field,
                test: Test::Is(value),
            });
        }
    }
    let zones = [
        (Zone::Arrondissement as fn(String) -> Zone, new.arrondissement),
        (Zone::Canton as fn(String) -> Zone, new.canton),
        (Zone::Epci as fn(String) -> Zone, new.epci),
    ];
    for (zone, value) in zones {
        if !value.is_empty() {
            parts.push(Selection::Zone(zone(value)));
        }
    }
    let selection = if parts.is_empty() {
        Selection::All
    } else {
        Selection::And(parts)
    };
    let id = add_list(&desk, &new.name, Content::Live(selection)).await?;
    let mut response = Redirect::to("/annuaire?fait=list").into_response();
    response.extensions_mut().insert(Target(id.to_string()));
    Ok(response)
}

/// `POST /annuaire/listes/{id}/supprimer`.
pub(crate) async fn delete_list(State(desk): State<Arc<Desk>>, Part(id): Part<u64>) -> Result<Redirect, Problem> {
    let shared = desk.services.directory.clone();
    blocking(move || shared.remove_list(directory::ListId(id))).await??;
    Ok(Redirect::to("/annuaire?fait=list"))
}

/// `POST /annuaire/lecture`: what the file holds, and what importing it would do.
pub(crate) async fn read(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    mut form: Multipart,
) -> Result<Response, Problem> {
    let bad = |error: axum::extract::multipart::MultipartError| {
        let code = if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
            "too-large"
        } else {
            "bad-body"
        };
        Problem::new(error.status(), code)
    };
    let (mut bytes, mut file_name, mut wish) = (axum::body::Bytes::new(), String::new(), Wish::default());
    while let Some(field) = form.next_field().await.map_err(bad)? {
        match field.name() {
            Some("file") => {
                file_name = imports::decoded(field.file_name().unwrap_or_default().as_bytes());
                bytes = field.bytes().await.map_err(bad)?;
            }
            Some("list") => wish.list = field.text().await.map_err(bad)?,
            Some("domain") => wish.domain = Some(field.text().await.map_err(bad)?),
            _ => {}
        }
    }
    let (asked, named, wanted) = (Arc::clone(&desk), file_name.clone(), wish.clone());
    let (import, plan) = blocking(move || {
        wanted.target()?;
        let import = imports::read(&asked, &bytes, &named, &wanted)?;
        let plan = asked.services.directory.plan(&import);
        Ok::<_, Problem>((import, plan))
    })
    .await??;
    let mut word = [0_u8; 16];
    rand::rng().fill_bytes(&mut word);
    let word = hex(&word);
    let mut page = Page::new(&desk, &caller);
    put!(
        page,
        "<h1>{}</h1><section class=card><dl class=figures>",
        page.t_with("import-preview", &[("file", file_name.as_str().into())])
    );
    for (class, key, value) in [
        ("live", "import-read", import.rows.len()),
        ("confirmed", "import-created", plan.created),
        ("informed", "import-updated", plan.updated),
        ("pending", "import-unchanged", plan.unchanged),
        ("failed", "import-rejected", import.rejected()),
    ] {
        put!(
            page,
            "<div class={class}><dt>{}<dd>{}</div>",
            page.t(key),
            page.number(value as u64)
        );
    }
    put!(page, "</dl>");
    if !wish.list.trim().is_empty() {
        put!(
            page,
            "<p>{}</p>",
            page.t_with("import-into", &[("list", wish.list.trim().into())])
        );
    }
    page.form("/annuaire/import", "class=actions");
    put!(
        page,
        "<input type=hidden name=word value={word}><button class=\"first big\">{}</button> <a class=button href=/annuaire>{}</a></form></section>",
        page.t("import-apply"),
        page.t("cancel"),
    );
    problems(&mut page, &import);
    let title = page.words.get("import-title");
    let html = page.finish(&title, "/annuaire");
    let mut uploads = desk.uploads.lock().unwrap_or_else(PoisonError::into_inner);
    uploads.insert(caller.login.clone(), Upload { word, import, wish });
    drop(uploads);
    let mut response = html.into_response();
    response.extensions_mut().insert(Target(file_name));
    Ok(response)
}

fn problems(page: &mut Page<'_>, import: &Import) {
    if import.problems.is_empty() {
        put!(page, "<p class=\"note good\">{}</p>", page.t("import-no-problem"));
        return;
    }
    put!(
        page,
        "<section class=\"card scroll\"><table><caption>{}</caption><thead><tr><th scope=col class=number>{}<th scope=col>{}<th scope=col>{}<th scope=col>{}\
         <th scope=col>{}</tr></thead><tbody>",
        page.t_with("import-problems", &[("count", import.problems.len().into())]),
        page.t("column-line"),
        page.t("column-column"),
        page.t("column-value"),
        page.t("column-reason"),
        page.t("column-row"),
    );
    for problem in import.problems.iter().take(SHOWN_PROBLEMS) {
        let lines = if problem.last_line > problem.line {
            format!("{}–{}", problem.line, problem.last_line)
        } else {
            problem.line.to_string()
        };
        let (class, key) = if problem.is_rejected {
            ("down", "import-row-rejected")
        } else {
            ("", "import-row-read")
        };
        put!(
            page,
            "<tr><td class=number>{lines}<td>{}<td>{}<td>{}<td><span class=\"badge {class}\">{}</span></tr>",
            Esc(&problem.column),
            Esc(&problem.value),
            Esc(imports::reason(page.words, &problem.reason)),
            page.t(key),
        );
    }
    put!(page, "</tbody></table>");
    if import.problems.len() > SHOWN_PROBLEMS {
        put!(
            page,
            "<p class=hint>{}</p>",
            page.t_with(
                "import-more-problems",
                &[("count", (import.problems.len() - SHOWN_PROBLEMS).into())]
            )
        );
    }
    put!(page, "</section>");
}

/// Confirms what was looked at.
#[derive(Deserialize)]
pub(crate) struct Confirm {
    word: String,
}

/// `POST /annuaire/import`.
pub(crate) async fn apply(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Form(confirm): Form<Confirm>,
) -> Result<Response, Problem> {
    let kept = desk
        .uploads
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(&caller.login);
    let upload = kept.filter(|upload| upload.word == confirm.word);
    let upload = upload.ok_or_else(|| Problem::new(axum::http::StatusCode::CONFLICT, "import-gone"))?;
    let target = Target(upload.import.file_name.clone());
    let shared = desk.services.directory.clone();
    blocking(move || Ok::<_, Problem>(shared.apply(&upload.import, &upload.wish.target()?, now_ms())?)).await??;
    let mut response = Redirect::to("/annuaire?fait=import").into_response();
    response.extensions_mut().insert(target);
    Ok(response)
}
