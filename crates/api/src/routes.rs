//! All routes: what is here without a rule in [`crate::access`] is refused, and a test finds it.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse;
use axum::{Router, middleware};

use crate::desk::Desk;
use crate::problem::Problem;
use crate::{console, gate, levers, rest};

/// Largest body where a route does not say otherwise, in bytes.
const USUAL_BODY: usize = 256 << 10;

/// The whole service.
pub(crate) fn router(desk: Arc<Desk>) -> Router {
    let routes = Router::new()
        .merge(rest::routes(&desk))
        .merge(console::routes(&desk))
        .merge(levers::routes());
    routes
        .fallback(async || Problem::not_found().into_response())
        .layer(middleware::from_fn_with_state(Arc::clone(&desk), gate::gate))
        .layer(DefaultBodyLimit::max(USUAL_BODY))
        .layer(middleware::from_fn(gate::harden))
        .with_state(desk)
}
