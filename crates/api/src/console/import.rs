//! The import of a spreadsheet in steps: look, say which column holds what, look again, apply, take back.

use std::sync::{Arc, PoisonError};

use axum::body::Bytes;
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use directory::ImportRecord;
use directory::Plan;
use directory::import::{Import, Role};
use rand::RngCore;
use serde::Deserialize;

use super::page::{Esc, Page, put};
use crate::desk::{Caller, Desk, Target, blocking, now_ms};
use crate::extract::{Form, Part};
use crate::problem::Problem;
use crate::rest::imports::{self, Wish};
use crate::sessions::hex;

/// Problems of a file shown on the page; the interface gives all of them.
const SHOWN_PROBLEMS: usize = 500;
/// Lines of kept-away persons that are named.
const SHOWN_LINES: usize = 20;

/// What a column may be said to hold, with the end of its key in the catalogue.
const ROLES: [(Role, &str); 13] = [
    (Role::Key, "key"),
    (Role::Name, "name"),
    (Role::FirstName, "first-name"),
    (Role::Function, "function"),
    (Role::Domain, "domain"),
    (Role::Commune, "commune"),
    (Role::Insee, "insee"),
    (Role::PostalCode, "postal-code"),
    (Role::Number, "number"),
    (Role::Use, "use"),
    (Role::Email, "email"),
    (Role::Language, "language"),
    (Role::Group, "group"),
];

/// A file that was looked at and not yet applied. One per user, forgotten by the next one.
pub(crate) struct Upload {
    word: String,
    bytes: Bytes,
    file_name: String,
    import: Import,
    wish: Wish,
}

pub(super) fn form(page: &mut Page<'_>) {
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
pub(super) fn done(page: &mut Page<'_>, records: &[ImportRecord]) {
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
pub(super) async fn undo(State(desk): State<Arc<Desk>>, Part(id): Part<u64>) -> Result<Redirect, Problem> {
    let shared = desk.services.directory.clone();
    blocking(move || shared.undo(directory::ImportId(id))).await??;
    Ok(Redirect::to("/annuaire?fait=undo"))
}

/// `POST /annuaire/lecture`: what the file holds, and what importing it would do.
pub(super) async fn read(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    mut form: Multipart,
) -> Result<Response, Problem> {
    let bad = |error: axum::extract::multipart::MultipartError| {
        let code = if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            "too-large"
        } else {
            "bad-body"
        };
        Problem::new(error.status(), code)
    };
    let (mut bytes, mut file_name, mut wish) = (Bytes::new(), String::new(), Wish::default());
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
    let html = look(&desk, &caller, bytes, file_name.clone(), wish).await?;
    let mut response = html.into_response();
    response.extensions_mut().insert(Target(file_name));
    Ok(response)
}

/// `POST /annuaire/colonnes`: the same file again, with its columns and its sheet as the operator says.
pub(super) async fn columns(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let upload = take(&desk, &caller, field("word").unwrap_or_default())?;
    let mut wish = upload.wish;
    let sheet = field("sheet").unwrap_or_default();
    // Another sheet has other columns: they are guessed afresh.
    wish.columns = if sheet == upload.import.sheet {
        let said: Vec<&str> = (0..upload.import.columns.len())
            .map(|index| field(&format!("column{index}")).unwrap_or_default())
            .collect();
        Some(said.join(","))
    } else {
        None
    };
    wish.sheet = Some(sheet.to_owned()).filter(|sheet| !sheet.is_empty());
    let html = look(&desk, &caller, upload.bytes, upload.file_name.clone(), wish).await?;
    let mut response = html.into_response();
    response.extensions_mut().insert(Target(upload.file_name));
    Ok(response)
}

/// Reads the file, shows what it holds, and keeps it for the next step.
async fn look(
    desk: &Arc<Desk>,
    caller: &Caller,
    bytes: Bytes,
    file_name: String,
    wish: Wish,
) -> Result<Html<String>, Problem> {
    let (asked, named, wanted, content) = (Arc::clone(desk), file_name.clone(), wish.clone(), bytes.clone());
    let (import, plan, kept_away) = blocking(move || {
        wanted.target()?;
        let import = imports::read(&asked, &content, &named, &wanted)?;
        let plan = asked.services.directory.plan(&import);
        let kept_away = asked.services.directory.kept_away_lines(&import);
        Ok::<_, Problem>((import, plan, kept_away))
    })
    .await??;
    let mut word = [0_u8; 16];
    rand::rng().fill_bytes(&mut word);
    let word = hex(&word);
    let mut page = Page::new(desk, caller);
    put!(
        page,
        "<h1>{}</h1>",
        page.t_with("import-preview", &[("file", file_name.as_str().into())])
    );
    figures(&mut page, &import, &plan, &wish, &word);
    if !kept_away.is_empty() {
        let lines: Vec<String> = kept_away.iter().take(SHOWN_LINES).map(ToString::to_string).collect();
        let args = [("count", kept_away.len().into()), ("lines", lines.join(", ").into())];
        put!(page, "<p class=note>{}</p>", page.t_with("import-kept-away", &args));
    }
    mapping(&mut page, &import, &word);
    problems(&mut page, &import);
    let title = page.words.get("import-title");
    let html = page.finish(&title, "/annuaire");
    let upload = Upload {
        word,
        bytes,
        file_name,
        import,
        wish,
    };
    let mut uploads = desk.uploads.lock().unwrap_or_else(PoisonError::into_inner);
    uploads.insert(caller.login.clone(), upload);
    Ok(html)
}

fn figures(page: &mut Page<'_>, import: &Import, plan: &Plan, wish: &Wish, word: &str) {
    put!(page, "<section class=card><dl class=figures>");
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
}

/// Which column holds what, as it was understood; the operator may say otherwise.
fn mapping(page: &mut Page<'_>, import: &Import, word: &str) {
    let unsure = import
        .columns
        .iter()
        .any(|column| column.role.is_none() && !column.header.is_empty());
    put!(
        page,
        "<details class=card{}><summary>{}</summary>",
        if unsure { " open" } else { "" },
        page.t("import-columns")
    );
    page.form("/annuaire/colonnes", "class=stack");
    put!(page, "<input type=hidden name=word value={word}>");
    if !import.other_sheets.is_empty() {
        put!(
            page,
            "<div><label for=sheet>{}</label><select id=sheet name=sheet><option selected>{}</option>",
            page.t("import-sheet"),
            Esc(&import.sheet)
        );
        for sheet in &import.other_sheets {
            put!(page, "<option>{}</option>", Esc(sheet));
        }
        put!(page, "</select></div>");
    } else {
        put!(page, "<input type=hidden name=sheet value=\"{}\">", Esc(&import.sheet));
    }
    put!(page, "<div class=pair>");
    for (index, column) in import.columns.iter().enumerate() {
        let header = if column.header.is_empty() {
            page.words.with("import-column", &[("n", (index + 1).into())])
        } else {
            column.header.clone()
        };
        put!(
            page,
            "<div><label for=column{index}>{}</label><select id=column{index} name=column{index}><option value=\"\">{}</option>",
            Esc(header),
            page.t("role-none")
        );
        for (role, key) in ROLES {
            let selected = if column.role == Some(role) { " selected" } else { "" };
            put!(
                page,
                "<option value={}{selected}>{}</option>",
                key.replace('-', "_"),
                page.t(&format!("role-{key}"))
            );
        }
        put!(page, "</select></div>");
    }
    put!(
        page,
        "</div><button>{}</button></form></details>",
        page.t("import-again")
    );
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
pub(super) async fn apply(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Form(confirm): Form<Confirm>,
) -> Result<Response, Problem> {
    let upload = take(&desk, &caller, &confirm.word)?;
    let target = Target(upload.import.file_name.clone());
    let shared = desk.services.directory.clone();
    blocking(move || Ok::<_, Problem>(shared.apply(&upload.import, &upload.wish.target()?, now_ms())?)).await??;
    let mut response = Redirect::to("/annuaire?fait=import").into_response();
    response.extensions_mut().insert(target);
    Ok(response)
}

/// The file that waits for the next step, if it is the one that the form is about.
fn take(desk: &Desk, caller: &Caller, word: &str) -> Result<Upload, Problem> {
    let kept = desk
        .uploads
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(&caller.login);
    kept.filter(|upload| upload.word == word)
        .ok_or_else(|| Problem::new(StatusCode::CONFLICT, "import-gone"))
}
