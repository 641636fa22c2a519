//! The audit trail, for administrators.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::audit::Search;
use crate::desk::{Desk, blocking};
use crate::extract::Query;
use crate::problem::Problem;

/// `GET /audit?before=&limit=&user=&operation=&target=`: newest first.
pub(crate) async fn search(State(desk): State<Arc<Desk>>, Query(search): Query<Search>) -> Result<Response, Problem> {
    let found = blocking(move || desk.audit.search(&search))
        .await?
        .map_err(|error| Problem::internal(&error))?;
    let next = found.last().map(|entry| entry.number);
    Ok(axum::Json(json!({ "entries": found, "before": next })).into_response())
}
