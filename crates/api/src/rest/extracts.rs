//! Extracts that refresh the directory by themselves (R31).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::desk::Desk;
use crate::extract::Part;
use crate::problem::Problem;

/// `GET /extracts`: when each was refreshed, what it changed, and why it failed if it did.
pub(crate) async fn list(State(desk): State<Arc<Desk>>) -> Response {
    axum::Json(json!({ "extracts": desk.services.extracts.states() })).into_response()
}

/// `POST /extracts/{name}/refresh`: now.
pub(crate) async fn refresh(State(desk): State<Arc<Desk>>, Part(name): Part<String>) -> Result<StatusCode, Problem> {
    if desk.services.extracts.ask(&name) {
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(Problem::not_found())
    }
}
