//! Users and groups, for administrators.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::desk::{Desk, Target, blocking};
use crate::extract::{Json, Part};
use crate::problem::Problem;
use crate::users::{Group, Right, User};

/// `GET /users`.
pub(crate) async fn list(State(desk): State<Arc<Desk>>) -> Response {
    axum::Json(json!({ "users": desk.users.list() })).into_response()
}

/// A user as an administrator writes it.
#[derive(Deserialize)]
pub(crate) struct Written {
    #[serde(default)]
    pub(crate) login: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) groups: BTreeSet<String>,
    #[serde(default)]
    pub(crate) disabled: bool,
    pub(crate) password: Option<String>,
}

/// Adds a user.
pub(crate) async fn add(desk: Arc<Desk>, written: Written) -> Result<(), Problem> {
    let Written {
        login,
        name,
        groups,
        disabled,
        password,
    } = written;
    blocking(move || {
        desk.users.create(
            User {
                login,
                name,
                groups,
                disabled,
            },
            password.as_deref().unwrap_or_default(),
        )?;
        Ok(())
    })
    .await?
}

/// Changes a user. A new password or a disabled account ends the user's sessions.
pub(crate) async fn change(desk: Arc<Desk>, written: Written) -> Result<(), Problem> {
    let Written {
        login,
        name,
        groups,
        disabled,
        password,
    } = written;
    blocking(move || {
        desk.users.update(
            User {
                login: login.clone(),
                name,
                groups,
                disabled,
            },
            password.as_deref(),
        )?;
        if disabled || password.is_some() {
            desk.sessions.end_all(&login)?;
        }
        Ok(())
    })
    .await?
}

/// `POST /users`.
pub(crate) async fn create(State(desk): State<Arc<Desk>>, Json(written): Json<Written>) -> Result<Response, Problem> {
    let target = Target(written.login.clone());
    add(desk, written).await?;
    let mut response = StatusCode::CREATED.into_response();
    response.extensions_mut().insert(target);
    Ok(response)
}

/// `PUT /users/{login}`.
pub(crate) async fn update(
    State(desk): State<Arc<Desk>>,
    Part(login): Part<String>,
    Json(written): Json<Written>,
) -> Result<StatusCode, Problem> {
    change(desk, Written { login, ..written }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /users/{login}`.
pub(crate) async fn delete(State(desk): State<Arc<Desk>>, Part(login): Part<String>) -> Result<StatusCode, Problem> {
    blocking(move || {
        desk.users.delete(&login)?;
        desk.sessions.end_all(&login)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}

/// Codes for launches by telephone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhoneCodes {
    code: String,
    pin: String,
}

/// `PUT /users/{login}/telephone`.
pub(crate) async fn put_telephone(
    State(desk): State<Arc<Desk>>,
    Part(login): Part<String>,
    Json(PhoneCodes { code, pin }): Json<PhoneCodes>,
) -> Result<StatusCode, Problem> {
    blocking(move || {
        desk.users.set_telephone(&login, Some((&code, &pin)))?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}

/// `DELETE /users/{login}/telephone`.
pub(crate) async fn delete_telephone(
    State(desk): State<Arc<Desk>>,
    Part(login): Part<String>,
) -> Result<StatusCode, Problem> {
    blocking(move || {
        desk.users.set_telephone(&login, None)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}

/// `GET /groups`.
pub(crate) async fn groups(State(desk): State<Arc<Desk>>) -> Response {
    axum::Json(json!({ "groups": desk.users.groups() })).into_response()
}

/// The rights of a group.
#[derive(Deserialize)]
pub(crate) struct Rights {
    rights: BTreeSet<Right>,
}

/// `PUT /groups/{name}`.
pub(crate) async fn put_group(
    State(desk): State<Arc<Desk>>,
    Part(name): Part<String>,
    Json(Rights { rights }): Json<Rights>,
) -> Result<StatusCode, Problem> {
    blocking(move || {
        desk.users.put_group(Group { name, rights })?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}

/// `DELETE /groups/{name}`.
pub(crate) async fn delete_group(
    State(desk): State<Arc<Desk>>,
    Part(name): Part<String>,
) -> Result<StatusCode, Problem> {
    blocking(move || {
        desk.users.delete_group(&name)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}
