//! Login, logout, and one's own account.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::desk::{Author, Caller, Desk, Target, blocking, now_ms};
use crate::extract::Json;
use crate::gate::COOKIE;
use crate::problem::Problem;
use crate::users::{User, UserError};

/// Name and password.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// Checks a password and opens a session: the token.
pub(crate) async fn open(desk: &Arc<Desk>, caller: &Caller, credentials: Credentials) -> Result<String, Problem> {
    let address = caller.peer.0;
    if let Err(seconds) = desk.attempts.may_try(address, now_ms()) {
        metrics::counter!("tocsin_logins_total", "result" => "slowed").increment(1);
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts")
            .with("seconds", seconds.to_string())
            .retry_after(seconds));
    }
    let _turn = desk
        .verifying
        .acquire()
        .await
        .map_err(|error| Problem::internal(&error))?;
    let asked = Arc::clone(desk);
    let login = credentials.user.trim().to_owned();
    let user = login.clone();
    let fits = blocking(move || asked.users.verify(&user, &credentials.password)).await?;
    if !fits {
        metrics::counter!("tocsin_logins_total", "result" => "refused").increment(1);
        desk.attempts.wrong(address, now_ms());
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "bad-credentials"));
    }
    metrics::counter!("tocsin_logins_total", "result" => "accepted").increment(1);
    desk.attempts.right(address);
    let asked = Arc::clone(desk);
    blocking(move || asked.sessions.start(&login, now_ms())).await
}

/// The cookie of a session; without a token, its end.
pub(crate) fn cookie(token: Option<&str>) -> HeaderValue {
    let text = match token {
        Some(token) => format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict"),
        None => format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"),
    };
    // A token is hexadecimal: it always fits.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// `POST /login`: the token, which also travels as the console's cookie when a browser asks.
pub(crate) async fn login(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Json(credentials): Json<Credentials>,
) -> Response {
    let user = credentials.user.clone();
    let mut response = match open(&desk, &caller, credentials).await {
        Ok(token) => {
            let rights = desk.users.rights(&user).unwrap_or_default();
            let mut response = axum::Json(json!({ "token": token, "user": user, "rights": rights })).into_response();
            response.extensions_mut().insert(Author(user.clone()));
            response
        }
        Err(problem) => problem.into_response(),
    };
    response.extensions_mut().insert(Target(user));
    response
}

/// `POST /logout`.
pub(crate) async fn logout(State(desk): State<Arc<Desk>>, caller: Caller) -> Result<Response, Problem> {
    if let Some(token) = caller.token {
        blocking(move || desk.sessions.end(&token)).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(None))]).into_response())
}

/// `GET /me`.
pub(crate) async fn me(State(desk): State<Arc<Desk>>, caller: Caller) -> Result<Response, Problem> {
    let user = desk.users.list().into_iter().find(|user| user.login == caller.login);
    let User {
        login, name, groups, ..
    } = user.ok_or_else(Problem::unauthenticated)?;
    Ok(axum::Json(json!({ "user": login, "name": name, "groups": groups, "rights": caller.rights })).into_response())
}

/// A new password, with the present one.
#[derive(Deserialize)]
pub(crate) struct NewPassword {
    current: String,
    new: String,
}

/// `PUT /me/password`. Ends the other sessions of the user.
pub(crate) async fn password(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Json(NewPassword { current, new }): Json<NewPassword>,
) -> Result<StatusCode, Problem> {
    let address = caller.peer.0;
    if let Err(seconds) = desk.attempts.may_try(address, now_ms()) {
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts")
            .with("seconds", seconds.to_string())
            .retry_after(seconds));
    }
    let _turn = desk
        .verifying
        .acquire()
        .await
        .map_err(|error| Problem::internal(&error))?;
    let desk = Arc::clone(&desk);
    blocking(move || {
        if !desk.users.verify(&caller.login, &current) {
            desk.attempts.wrong(address, now_ms());
            return Err(Problem::new(StatusCode::FORBIDDEN, "bad-credentials"));
        }
        let user = desk.users.list().into_iter().find(|user| user.login == caller.login);
        desk.users
            .update(user.ok_or_else(Problem::unauthenticated)?, Some(&new))?;
        desk.sessions.end_all(&caller.login)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}

impl From<UserError> for Problem {
    fn from(error: UserError) -> Problem {
        let refused = |code| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code);
        match error {
            UserError::Unknown => Problem::new(StatusCode::NOT_FOUND, "unknown-user-or-group"),
            UserError::Taken => Problem::new(StatusCode::CONFLICT, "name-taken"),
            UserError::Login => refused("bad-login"),
            UserError::GroupName => refused("bad-group-name"),
            UserError::Password => refused("weak-password").with("least", crate::users::MIN_PASSWORD.to_string()),
            UserError::PhoneCodes => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "phone-codes"),
            UserError::LastAdministrator => Problem::new(StatusCode::CONFLICT, "last-administrator"),
            UserError::GroupInUse => Problem::new(StatusCode::CONFLICT, "group-in-use"),
            UserError::Store(error) => error.into(),
        }
    }
}
