//! Reports of campaigns, in four formats.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::desk::{Caller, Desk, blocking};
use crate::extract::{Part, Query};
use crate::problem::Problem;
use crate::report::{Report, build, csv, json, pdf, xlsx};
use crate::rooms;

/// Gathers and writes away from the serving threads: a report of 100,000 calls takes a second.
async fn written(
    desk: Arc<Desk>,
    caller: Caller,
    id: u64,
    (extension, kind): (&'static str, &'static str),
    write: impl FnOnce(&Report) -> Result<Vec<u8>, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let report = rooms::report(&desk, id).await?;
    let (message, version) = (report.summary.message.0, report.summary.message_version);
    let edition = rooms::message(&desk, message, Some(version)).await.ok();
    let texts = edition.map(|edition| edition.message.texts).unwrap_or_default();
    let text = texts.into_iter().map(|text| text.words).collect::<Vec<_>>().join("\n");
    let language = caller.language;
    let name = file_name(&report.summary.name, id, extension);
    let bytes = blocking(move || write(&build::build(&desk, &report, &text, language))).await??;
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .map_err(|error| Problem::internal(&error))?;
    Ok((
        [
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::CONTENT_DISPOSITION, disposition),
        ],
        bytes,
    )
        .into_response())
}

/// A name that every system takes: letters and digits of the campaign's name, its number, the extension.
fn file_name(name: &str, id: u64, extension: &str) -> String {
    let mut plain = String::new();
    for c in name.chars().take(60) {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' => plain.push(c),
            'à' | 'â' | 'ä' => plain.push('a'),
            'é' | 'è' | 'ê' | 'ë' => plain.push('e'),
            'É' | 'È' => plain.push('E'),
            'î' | 'ï' => plain.push('i'),
            'ô' | 'ö' => plain.push('o'),
            'ù' | 'û' | 'ü' => plain.push('u'),
            'ç' => plain.push('c'),
            _ if plain.ends_with('-') || plain.is_empty() => {}
            _ => plain.push('-'),
        }
    }
    let plain = plain.trim_end_matches('-');
    if plain.is_empty() {
        format!("{id}.{extension}")
    } else {
        format!("{id}-{plain}.{extension}")
    }
}

/// `GET /campaigns/{id}/report.xlsx`.
pub(crate) async fn as_xlsx(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<u64>,
) -> Result<Response, Problem> {
    let kind = (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    );
    written(desk, caller, id, kind, |report| {
        xlsx::write(report).map_err(|error| Problem::internal(&error))
    })
    .await
}

/// `GET /campaigns/{id}/report.pdf`.
pub(crate) async fn as_pdf(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<u64>,
) -> Result<Response, Problem> {
    written(desk, caller, id, ("pdf", "application/pdf"), |report| {
        Ok(pdf::write(report))
    })
    .await
}

/// Which table.
#[derive(Deserialize)]
pub(crate) struct Choice {
    #[serde(default)]
    table: csv::Choice,
}

/// `GET /campaigns/{id}/report.csv?table=recipients|attempts`.
pub(crate) async fn as_csv(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<u64>,
    Query(Choice { table }): Query<Choice>,
) -> Result<Response, Problem> {
    let write = move |report: &Report| csv::write(report, table).map_err(|error| Problem::internal(&error));
    written(desk, caller, id, ("csv", "text/csv; charset=utf-8"), write).await
}

/// `GET /campaigns/{id}/report.json`.
pub(crate) async fn as_json(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<u64>,
) -> Result<Response, Problem> {
    let write = |report: &Report| serde_json::to_vec(&json::write(report)).map_err(|error| Problem::internal(&error));
    written(desk, caller, id, ("json", "application/json"), write).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_plain() {
        assert_eq!(file_name("Crue été 2026 – n° 1 !", 7, "pdf"), "7-Crue-ete-2026-n-1.pdf");
        assert_eq!(file_name("\"; rm -rf /\r\n", 7, "pdf"), "7-rm-rf.pdf");
        assert_eq!(file_name("日本", 7, "csv"), "7.csv");
    }
}
