//! One recipient: seen, told all that is known of them, erased, merged; and who looks like whom.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dialer::{Answer, PersonRow, Query as Question};
use directory::{Directory, Duplicate, Recipient, RecipientId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::desk::{Caller, Desk, Target, blocking, now_ms};
use crate::extract::{Json, Part, Query};
use crate::problem::Problem;
use crate::renewal;
use crate::report::document::{self, Document};
use crate::report::person;
use crate::rest::directory::commune;
use crate::text::Language;

/// The recipient with this id.
pub(crate) fn known(directory: &Directory, id: u64) -> Result<Arc<Recipient>, Problem> {
    let found = directory.recipient(RecipientId(id)).cloned();
    found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no-recipient"))
}

/// `GET /recipients/{id}`.
pub(crate) async fn one(State(desk): State<Arc<Desk>>, Part(id): Part<u64>) -> Result<Response, Problem> {
    let recipient = known(&desk.services.directory.snapshot(), id)?;
    Ok(axum::Json(&*recipient).into_response())
}

/// All that is known of a person.
pub(crate) async fn told(desk: &Arc<Desk>, id: u64, language: Language) -> Result<Document, Problem> {
    let recipient = known(&desk.services.directory.snapshot(), id)?;
    let desk = Arc::clone(desk);
    blocking(move || {
        let rows = history(&desk, recipient.id)?;
        Ok(person::build(&desk, &recipient, &rows, language))
    })
    .await?
}

fn history(desk: &Desk, id: RecipientId) -> Result<Vec<PersonRow>, Problem> {
    match desk.services.campaigns.query(Question::Person(id))? {
        Answer::Person(rows) => Ok(rows),
        _ => Err(Problem::internal(&"the dialer answered another question")),
    }
}

/// The document in the form that is asked for: `json`, `pdf` or `xlsx`.
pub(crate) async fn file(desk: &Arc<Desk>, id: u64, form: &str, language: Language) -> Result<Response, Problem> {
    let media = match form {
        "json" => "application/json",
        "pdf" => "application/pdf",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => return Err(Problem::not_found()),
    };
    let told = told(desk, id, language).await?;
    let (desk, form) = (Arc::clone(desk), form.to_owned());
    let name = format!("attachment; filename=\"donnees-{id}.{form}\"");
    let bytes = blocking(move || match form.as_str() {
        "json" => serde_json::to_vec_pretty(&document::json(&told)).map_err(|error| Problem::internal(&error)),
        "xlsx" => document::xlsx(&told).map_err(|error| Problem::internal(&error)),
        _ => Ok(document::pdf(&told, desk.words(language))),
    })
    .await??;
    let name = HeaderValue::from_str(&name).map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media)),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, bytes).into_response())
}

/// `GET /recipients/{id}/data/{form}` (R24, free access).
pub(crate) async fn data(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part((id, form)): Part<(u64, String)>,
) -> Result<Response, Problem> {
    let mut response = file(&desk, id, &form, caller.language).await?;
    response.extensions_mut().insert(Target(id.to_string()));
    Ok(response)
}

/// How a person is erased.
#[derive(Debug, Deserialize)]
pub(crate) struct Erasure {
    /// Whether later files must not bring them back; they must not unless said otherwise.
    #[serde(default = "yes")]
    keep_away: bool,
}

fn yes() -> bool {
    true
}

/// Erases a person: from the directory, and from what the dialer remembers to ring.
pub(crate) async fn forget(desk: &Arc<Desk>, id: u64, keep_away: bool, by: &str) -> Result<(), Problem> {
    let (shared, recipient) = (desk.services.directory.clone(), RecipientId(id));
    blocking(move || {
        if keep_away {
            shared.erase_and_keep_away(recipient)
        } else {
            shared.erase(recipient)
        }
    })
    .await??;
    renewal::tell_erased(desk, recipient, by).await
}

/// `POST /recipients/{id}/erase?keep_away=` (R24, erasure).
pub(crate) async fn erase(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<u64>,
    Query(Erasure { keep_away }): Query<Erasure>,
) -> Result<StatusCode, Problem> {
    forget(&desk, id, keep_away, &caller.login).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who is merged into the recipient.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Others {
    others: Vec<RecipientId>,
}

/// `POST /recipients/{id}/merge`.
pub(crate) async fn merge(
    State(desk): State<Arc<Desk>>,
    Part(id): Part<u64>,
    Json(Others { others }): Json<Others>,
) -> Result<Response, Problem> {
    let shared = desk.services.directory.clone();
    let merged = blocking(move || shared.merge(RecipientId(id), &others)).await??;
    Ok(axum::Json(merged).into_response())
}

/// `POST /recipients/{id}/link`: a link for the person, to be sent to them.
pub(crate) async fn link(State(desk): State<Arc<Desk>>, Part(id): Part<u64>) -> Result<Response, Problem> {
    let recipient = known(&desk.services.directory.snapshot(), id)?;
    let (token, end_ms) = desk.links.make(recipient.id, now_ms());
    Ok(axum::Json(json!({ "path": format!("/moi/{token}"), "ends_ms": end_ms })).into_response())
}

/// A page of duplicates.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Range {
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

/// `GET /duplicates?offset=&limit=`: recipients that share a number, or a name and commune.
pub(crate) async fn duplicates(State(desk): State<Arc<Desk>>, Query(range): Query<Range>) -> Result<Response, Problem> {
    let directory = desk.services.directory.snapshot();
    let body = blocking(move || {
        let found = directory.duplicates();
        let limit = range.limit.unwrap_or(100).min(1000);
        let shown: Vec<Value> = found
            .iter()
            .skip(range.offset)
            .take(limit)
            .map(|duplicate| described(&directory, duplicate))
            .collect();
        json!({ "total": found.len(), "duplicates": shown })
    })
    .await?;
    Ok(axum::Json(body).into_response())
}

fn described(directory: &Directory, duplicate: &Duplicate) -> Value {
    let (kind, number, ids) = match duplicate {
        Duplicate::SameNumber { number, recipients } => ("same_number", Some(number.international()), recipients),
        Duplicate::SamePerson { recipients } => ("same_person", None, recipients),
    };
    let people: Vec<Value> = ids
        .iter()
        .filter_map(|id| directory.recipient(*id))
        .map(|recipient| {
            json!({
                "id": recipient.id,
                "name": recipient.full_name(),
                "function": recipient.function,
                "commune": commune(directory, recipient),
                "numbers": recipient.numbers,
            })
        })
        .collect();
    json!({ "kind": kind, "number": number, "recipients": people })
}
