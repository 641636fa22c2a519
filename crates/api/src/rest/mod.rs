//! The interface for programs, under `/api/v1`.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post, put};

use crate::desk::Desk;

pub(crate) mod account;
pub(crate) mod calls;
pub(crate) mod campaigns;
pub(crate) mod directory;
pub(crate) mod extracts;
pub(crate) mod imports;
pub(crate) mod messages;
pub(crate) mod metering;
pub(crate) mod openapi;
pub(crate) mod persons;
pub(crate) mod reports;
pub(crate) mod statements;
pub(crate) mod trail;
pub(crate) mod users;
pub(crate) mod watch;

/// The routes of the interface.
pub(crate) fn routes(desk: &Arc<Desk>) -> Router<Arc<Desk>> {
    let import = post(imports::create).layer(DefaultBodyLimit::max(desk.settings.max_body));
    Router::new()
        .route("/api/v1/imports", import.get(imports::list))
        .route("/api/v1/imports/{id}/undo", post(imports::undo))
        .route("/health", get(watch::health))
        .route("/metrics", get(watch::metrics))
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/api/v1/login", post(account::login))
        .route("/api/v1/logout", post(account::logout))
        .route("/api/v1/me", get(account::me))
        .route("/api/v1/me/password", put(account::password))
        .route("/api/v1/users", get(users::list).post(users::create))
        .route("/api/v1/users/{login}", put(users::update).delete(users::delete))
        .route(
            "/api/v1/users/{login}/telephone",
            put(users::put_telephone).delete(users::delete_telephone),
        )
        .route("/api/v1/groups", get(users::groups))
        .route(
            "/api/v1/groups/{name}",
            put(users::put_group).delete(users::delete_group),
        )
        .route("/api/v1/audit", get(trail::search))
        .route("/api/v1/recipients", get(directory::recipients).post(directory::create))
        .route(
            "/api/v1/recipients/{id}",
            get(persons::one).put(directory::update).delete(directory::delete),
        )
        .route("/api/v1/recipients/{id}/data/{form}", get(persons::data))
        .route("/api/v1/recipients/{id}/erase", post(persons::erase))
        .route("/api/v1/recipients/{id}/merge", post(persons::merge))
        .route("/api/v1/recipients/{id}/link", post(persons::link))
        .route("/api/v1/duplicates", get(persons::duplicates))
        .route("/api/v1/extracts", get(extracts::list))
        .route("/api/v1/extracts/{name}/refresh", post(extracts::refresh))
        .route("/api/v1/lists", get(directory::lists).post(directory::create_list))
        .route(
            "/api/v1/lists/{id}",
            put(directory::update_list).delete(directory::delete_list),
        )
        .route("/api/v1/lists/{id}/export", get(directory::export_list))
        .route("/api/v1/communes", get(directory::communes))
        .route("/api/v1/selections/preview", post(directory::preview))
        .route("/api/v1/messages", get(messages::list).post(messages::create))
        .route("/api/v1/messages/{id}", get(messages::one).put(messages::update))
        .route("/api/v1/messages/{id}/audio", get(messages::audio))
        .route("/api/v1/speech", post(messages::speech))
        .route("/api/v1/live", get(campaigns::live))
        .route("/api/v1/calls", get(calls::list))
        .route("/api/v1/calls/events", get(calls::events))
        .route("/api/v1/campaigns", get(campaigns::list).post(campaigns::create))
        .route("/api/v1/campaigns/{id}", get(campaigns::one))
        .route("/api/v1/campaigns/{id}/events", get(campaigns::events))
        .route("/api/v1/campaigns/{id}/prediction", get(campaigns::prediction))
        .route("/api/v1/campaigns/{id}/results", get(campaigns::results))
        .route("/api/v1/campaigns/{id}/extend", post(campaigns::extend))
        .route("/api/v1/campaigns/{id}/message", put(campaigns::message))
        .route("/api/v1/metering", get(metering::account))
        .route("/api/v1/metering.csv", get(metering::as_csv))
        .route("/api/v1/metering.xlsx", get(metering::as_xlsx))
        .route("/api/v1/campaigns/{id}/report.xlsx", get(reports::as_xlsx))
        .route("/api/v1/campaigns/{id}/report.pdf", get(reports::as_pdf))
        .route("/api/v1/campaigns/{id}/report.csv", get(reports::as_csv))
        .route("/api/v1/campaigns/{id}/report.json", get(reports::as_json))
        .route("/api/v1/statements", get(statements::kept))
        .route("/api/v1/statements/{file}", get(statements::file))
        .route("/api/v1/statements/kept/{file}", get(statements::kept_file))
}
