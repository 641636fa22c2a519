//! For those who watch over the service.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::desk::Caller;
use crate::numbers;
use crate::problem::Problem;
use crate::users::Right;

/// `GET /health`: the service answers.
pub(crate) async fn health() -> Response {
    axum::Json(json!({ "status": "ok" })).into_response()
}

/// `GET /metrics` in the Prometheus text format, for this machine, or for an administrator's token.
pub(crate) async fn metrics(caller: Caller) -> Result<Response, Problem> {
    if !caller.peer.0.to_canonical().is_loopback() && !caller.may(Right::Administration) {
        return Err(Problem::forbidden());
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], numbers::render()).into_response())
}
