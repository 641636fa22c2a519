//! Recipients, lists, communes, selections.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use directory::{Content, Directory, List, ListId, Recipient, RecipientId, Selection, export};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::desk::{Desk, Target, blocking};
use crate::extract::{Json, Part, Query};
use crate::problem::Problem;
use crate::rooms;

/// Which recipients to show.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Filter {
    /// Words that name, function, domain, commune, key or number contain.
    #[serde(default)]
    pub(crate) search: String,
    pub(crate) list: Option<u64>,
    #[serde(default)]
    pub(crate) offset: usize,
    pub(crate) limit: Option<usize>,
}

/// Recipients of a page, and how many there are in all.
pub(crate) fn filtered(directory: &Directory, filter: &Filter) -> Result<(Vec<Arc<Recipient>>, usize), Problem> {
    let words: Vec<String> = filter
        .search
        .split_whitespace()
        .take(8)
        .map(str::to_lowercase)
        .collect();
    let chosen = match filter.list {
        Some(list) => {
            let list = rooms::list(directory, Some(&rooms::Named::Id(list)))?;
            let members = directory.members(list)?;
            members
                .into_iter()
                .filter_map(|id| directory.recipient(id).cloned())
                .collect()
        }
        None => directory.recipients().to_vec(),
    };
    let mut found: Vec<Arc<Recipient>> = chosen;
    if !words.is_empty() {
        found.retain(|recipient| {
            let text = haystack(directory, recipient);
            words.iter().all(|word| text.contains(word))
        });
    }
    let total = found.len();
    let limit = filter.limit.unwrap_or(100).min(1000);
    Ok((found.into_iter().skip(filter.offset).take(limit).collect(), total))
}

fn haystack(directory: &Directory, recipient: &Recipient) -> String {
    let mut text = format!(
        "{} {} {} {} {} {}",
        recipient.name,
        recipient.first_name,
        recipient.function,
        recipient.domain,
        recipient.key,
        commune(directory, recipient)
    );
    for number in &recipient.numbers {
        text.push_str(&format!(" {} {}", number.e164, number.e164.dialled_from_france()));
    }
    text.to_lowercase()
}

/// Name of the recipient's commune; empty when there is none.
pub(crate) fn commune<'a>(directory: &'a Directory, recipient: &Recipient) -> &'a str {
    let known = recipient.commune.and_then(|insee| directory.gazetteer().get(insee));
    known.map_or("", |commune| commune.name.as_str())
}

/// `GET /recipients?search=&list=&offset=&limit=`.
pub(crate) async fn recipients(
    State(desk): State<Arc<Desk>>,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let directory = desk.services.directory.snapshot();
    let body = blocking(move || {
        let (found, total) = filtered(&directory, &filter)?;
        Ok::<Value, Problem>(
            json!({ "total": total, "recipients": found.iter().map(AsRef::as_ref).collect::<Vec<&Recipient>>() }),
        )
    })
    .await??;
    Ok(axum::Json(body).into_response())
}

/// Whether somebody may be added who was erased at their own wish.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Again {
    #[serde(default)]
    again: bool,
}

/// `POST /recipients?again=`.
pub(crate) async fn create(
    State(desk): State<Arc<Desk>>,
    Query(Again { again }): Query<Again>,
    Json(recipient): Json<Recipient>,
) -> Result<Response, Problem> {
    let shared = desk.services.directory.clone();
    let id = blocking(move || {
        if again {
            shared.let_back(&recipient)?;
        }
        shared.save(Recipient {
            id: RecipientId(0),
            ..recipient
        })
    })
    .await??;
    let mut response = (StatusCode::CREATED, axum::Json(json!({ "id": id }))).into_response();
    response.extensions_mut().insert(Target(id.to_string()));
    Ok(response)
}

/// `PUT /recipients/{id}` with the revision that was read.
pub(crate) async fn update(
    State(desk): State<Arc<Desk>>,
    Part(id): Part<u64>,
    Json(recipient): Json<Recipient>,
) -> Result<StatusCode, Problem> {
    let shared = desk.services.directory.clone();
    // Id 0 would create.
    if id == 0 {
        return Err(Problem::new(StatusCode::NOT_FOUND, "no-recipient"));
    }
    blocking(move || {
        shared.save(Recipient {
            id: RecipientId(id),
            ..recipient
        })
    })
    .await??;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /recipients/{id}`: removed, not erased; see `persons::erase`.
pub(crate) async fn delete(State(desk): State<Arc<Desk>>, Part(id): Part<u64>) -> Result<StatusCode, Problem> {
    let shared = desk.services.directory.clone();
    blocking(move || shared.remove(&[RecipientId(id)])).await??;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /lists`: with the number of recipients in each.
pub(crate) async fn lists(State(desk): State<Arc<Desk>>) -> Result<Response, Problem> {
    let directory = desk.services.directory.snapshot();
    let body = blocking(move || json!({ "lists": counted(&directory) })).await?;
    Ok(axum::Json(body).into_response())
}

/// The lists with their sizes.
fn counted(directory: &Directory) -> Vec<Value> {
    let size = |list: &List| directory.members(list.id).map_or(0, |members| members.len());
    let shown = |list: &Arc<List>| {
        let mut value = serde_json::to_value(&**list).unwrap_or_default();
        if let Value::Object(fields) = &mut value {
            fields.insert("recipients".into(), size(list).into());
            // A static list can hold 100,000 ids; who is in it is asked with /recipients?list=.
            if matches!(list.content, Content::Static(_)) {
                fields.remove("content");
            }
        }
        value
    };
    directory.lists().iter().map(shown).collect()
}

/// A list as it is asked for.
#[derive(Deserialize)]
pub(crate) struct NewList {
    name: String,
    content: Content,
}

/// `POST /lists`.
pub(crate) async fn create_list(
    State(desk): State<Arc<Desk>>,
    Json(NewList { name, content }): Json<NewList>,
) -> Result<Response, Problem> {
    let id = add_list(&desk, &name, content).await?;
    let mut response = (StatusCode::CREATED, axum::Json(json!({ "id": id }))).into_response();
    response.extensions_mut().insert(Target(id.to_string()));
    Ok(response)
}

/// Adds a list.
pub(crate) async fn add_list(desk: &Desk, name: &str, content: Content) -> Result<ListId, Problem> {
    let name = rooms::name(name, "name")?;
    let shared = desk.services.directory.clone();
    let made = blocking(move || {
        if let Content::Live(selection) = &content {
            shared.snapshot().select(selection)?;
        }
        Ok::<_, Problem>(shared.create_list(&name, content)?)
    });
    made.await?
}

/// `PUT /lists/{id}`.
pub(crate) async fn update_list(
    State(desk): State<Arc<Desk>>,
    Part(id): Part<u64>,
    Json(NewList { name, content }): Json<NewList>,
) -> Result<StatusCode, Problem> {
    let name = rooms::name(&name, "name")?;
    let shared = desk.services.directory.clone();
    blocking(move || {
        shared.save_list(List {
            id: ListId(id),
            name,
            content,
        })
    })
    .await??;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /lists/{id}`.
pub(crate) async fn delete_list(State(desk): State<Arc<Desk>>, Part(id): Part<u64>) -> Result<StatusCode, Problem> {
    let shared = desk.services.directory.clone();
    blocking(move || shared.remove_list(ListId(id))).await??;
    Ok(StatusCode::NO_CONTENT)
}

/// In which form a list is exported.
#[derive(Deserialize)]
pub(crate) struct Export {
    #[serde(default)]
    format: Format,
}

/// A form of export.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// Office Open XML.
    #[default]
    Xlsx,
    /// Open Document.
    Ods,
    /// Text.
    Csv,
}

/// `GET /lists/{id}/export?format=xlsx|ods|csv` (R22).
pub(crate) async fn export_list(
    State(desk): State<Arc<Desk>>,
    Part(id): Part<u64>,
    Query(Export { format }): Query<Export>,
) -> Result<Response, Problem> {
    let directory = desk.services.directory.snapshot();
    let list = rooms::list(&directory, Some(&rooms::Named::Id(id)))?;
    let (extension, kind) = match format {
        Format::Xlsx => (
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        Format::Ods => ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
        Format::Csv => ("csv", "text/csv; charset=utf-8"),
    };
    let bytes = blocking(move || {
        let members = directory.members(list)?;
        let recipients: Vec<Arc<Recipient>> = members
            .iter()
            .filter_map(|id| directory.recipient(*id))
            .cloned()
            .collect();
        let written = match format {
            Format::Xlsx => export::xlsx(&recipients, &directory),
            Format::Ods => export::ods(&recipients, &directory),
            Format::Csv => export::csv(&recipients, &directory),
        };
        written.map_err(|error| Problem::internal(&error))
    })
    .await??;
    let disposition = format!("attachment; filename=\"liste-{id}.{extension}\"");
    Ok((
        [
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::CONTENT_DISPOSITION, disposition),
        ],
        bytes,
    )
        .into_response())
}

/// `GET /communes`.
pub(crate) async fn communes(State(desk): State<Arc<Desk>>) -> Response {
    let directory = desk.services.directory.snapshot();
    axum::Json(json!({ "communes": directory.gazetteer().communes() })).into_response()
}

/// What is chosen, to be counted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chosen {
    list: Option<rooms::Named>,
    selection: Option<Selection>,
}

/// `POST /selections/preview`: how many it chooses, and the first of them.
pub(crate) async fn preview(
    State(desk): State<Arc<Desk>>,
    Json(Chosen { list, selection }): Json<Chosen>,
) -> Result<Response, Problem> {
    let directory = desk.services.directory.snapshot();
    let body = blocking(move || {
        let chosen = rooms::chosen(&directory, list.as_ref(), selection.as_ref())?;
        let callable = rooms::contacts(&directory, &chosen).len();
        let sample: Vec<Value> = chosen
            .iter()
            .take(20)
            .filter_map(|id| directory.recipient(*id))
            .map(|recipient| {
                json!({
                    "id": recipient.id,
                    "name": recipient.full_name(),
                    "function": recipient.function,
                    "commune": commune(&directory, recipient),
                })
            })
            .collect();
        Ok::<_, Problem>(json!({ "recipients": chosen.len(), "callable": callable, "sample": sample }))
    })
    .await??;
    Ok(axum::Json(body).into_response())
}
