//! Service report and capacity statement of a period, in four formats.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::desk::{Caller, Desk, Target, blocking};
use crate::extract::{Part, Query};
use crate::kept;
use crate::problem::Problem;
use crate::report::document;
use crate::statements::{self, Kind, Wanted};

/// `GET /statements/{file}?period=&which=&table=`: the file is `service` or `capacity` with `.json`, `.csv`,
/// `.xlsx` or `.pdf`.
pub(crate) async fn file(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(file): Part<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let (name, extension) = file.split_once('.').ok_or_else(Problem::not_found)?;
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.name() == name)
        .ok_or_else(Problem::not_found)?;
    let media = match extension {
        "json" => "application/json",
        "csv" => "text/csv; charset=utf-8",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pdf" => "application/pdf",
        _ => return Err(Problem::not_found()),
    };
    let period = wanted.period(&desk, kind)?;
    let made = statements::document(&desk, kind, &wanted, caller.language).await?;
    let table = wanted.table;
    if let Some(table) = table.as_deref()
        && !made.sections.iter().any(|section| section.key == table)
    {
        return Err(Problem::not_found());
    }
    let form = extension.to_owned();
    let bytes = blocking(move || match form.as_str() {
        "json" => serde_json::to_vec(&document::json(&made)).map_err(|error| Problem::internal(&error)),
        "csv" => document::csv(&made, table.as_deref()).map_err(|error| Problem::internal(&error)),
        "xlsx" => document::xlsx(&made).map_err(|error| Problem::internal(&error)),
        _ => Ok(document::pdf(&made, desk.words(caller.language))),
    })
    .await??;
    let disposition = format!("attachment; filename=\"tocsin-{name}-{period}.{extension}\"");
    let disposition = HeaderValue::from_str(&disposition).map_err(|error| Problem::internal(&error))?;
    let mut response = (
        [
            (header::CONTENT_TYPE, HeaderValue::from_static(media)),
            (header::CONTENT_DISPOSITION, disposition),
        ],
        bytes,
    )
        .into_response();
    response.extensions_mut().insert(Target(format!("{file} {period}")));
    Ok(response)
}

/// `GET /statements`: the kept service reports, newest first.
pub(crate) async fn kept(State(desk): State<Arc<Desk>>) -> Result<Response, Problem> {
    let names = blocking(move || kept::names(&kept::folder(&desk))).await?;
    Ok(axum::Json(serde_json::json!({ "kept": names })).into_response())
}

/// `GET /statements/kept/{file}`.
pub(crate) async fn kept_file(State(desk): State<Arc<Desk>>, Part(file): Part<String>) -> Result<Response, Problem> {
    let (_, form) = kept::period_of(&file).ok_or_else(Problem::not_found)?;
    let media = if form == "pdf" {
        "application/pdf"
    } else {
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    };
    let path = kept::folder(&desk).join(&file);
    let bytes = blocking(move || std::fs::read(path))
        .await?
        .map_err(|_| Problem::not_found())?;
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{file}\""))
        .map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media)),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, bytes).into_response())
}
