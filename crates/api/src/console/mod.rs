//! The console: pages for people, in French unless English is asked for. Forms work without any script; the script only
//! keeps figures fresh.

mod calls;
mod campaigns;
mod directory;
mod duplicates;
mod import;
pub(crate) mod live;
mod messages;
mod metering;
mod own;
mod page;
mod policy;
mod recipient;
mod statistics;
mod trail;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::desk::{Author, Caller, Desk, Target, blocking};
use crate::extract::{Form, Part};
use crate::gate::LANGUAGE_COOKIE;
use crate::problem::Problem;
use crate::rest::account::{self, Credentials};
use crate::text::Language;
pub(crate) use import::Upload;
use page::{Page, put};

/// The routes of the console.
pub(crate) fn routes(desk: &Arc<Desk>) -> Router<Arc<Desk>> {
    Router::new()
        .route("/assets/{file}", get(asset))
        .route("/connexion", get(login_page).post(login))
        .route("/deconnexion", post(logout))
        .route("/langue/{tag}", get(language))
        .route("/", get(campaigns::dashboard))
        .route("/campagnes/nouvelle", get(campaigns::new))
        .route("/campagnes", post(campaigns::create))
        .route("/campagnes/{id}", get(live::page))
        .route("/campagnes/{id}/completer", post(live::extend))
        .route("/campagnes/{id}/message", post(live::message))
        .route("/appels", get(calls::page))
        .route("/messages", get(messages::page).post(messages::save))
        .merge(directory::routes(desk))
        .route("/moi/{token}", get(own::page).post(own::subscribe))
        .route("/moi/{token}/{form}", get(own::data))
        .route("/statistiques", get(statistics::page))
        .route("/utilisateurs", get(users::page).post(users::create))
        .route("/utilisateurs/{login}", post(users::update))
        .route("/utilisateurs/{login}/telephone", post(users::telephone))
        .route("/groupes", post(users::group))
        .route("/facturation", get(metering::page))
        .route("/journal", get(trail::page))
}

/// What was done, told by the page that follows.
#[derive(serde::Deserialize)]
pub(crate) struct Done {
    fait: Option<String>,
}

async fn asset(Part(file): Part<String>) -> Result<Response, Problem> {
    let (kind, content) = match file.as_str() {
        "console.css" => ("text/css; charset=utf-8", include_str!("../../assets/console.css")),
        "console.js" => (
            "text/javascript; charset=utf-8",
            include_str!("../../assets/console.js"),
        ),
        "icon.svg" => ("image/svg+xml", include_str!("../../assets/icon.svg")),
        _ => return Err(Problem::not_found()),
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=300")];
    Ok((headers, content).into_response())
}

/// `GET /langue/{tag}`: the other language, on this browser.
async fn language(Part(tag): Part<String>) -> Response {
    let tag = Language::from_tag(&tag).tag();
    let cookie = format!("{LANGUAGE_COOKIE}={tag}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000");
    let cookie = HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""));
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

async fn login_page(State(desk): State<Arc<Desk>>, caller: Caller) -> Html<String> {
    login_form(&desk, &caller, None)
}

fn login_form(desk: &Desk, caller: &Caller, problem: Option<&Problem>) -> Html<String> {
    let caller = Caller {
        login: String::new(),
        token: None,
        ..caller.clone()
    };
    let mut page = Page::new(desk, &caller);
    put!(page, "<div class=card><h1>{}</h1>", page.t("login-title"));
    if let Some(problem) = problem {
        let sentence = problem.sentence(page.words);
        page.wrong(&sentence);
    }
    put!(
        page,
        "<form method=post action=/connexion class=stack><div><label for=user>{}</label><input type=text id=user name=user \
         autocomplete=username autocapitalize=none spellcheck=false required autofocus></div><div><label for=password>{}</label>\
         <input type=password id=password name=password autocomplete=current-password required></div>\
         <button class=\"first big\">{}</button></form></div>",
        page.t("login-user"),
        page.t("login-password"),
        page.t("login-submit"),
    );
    let title = page.words.get("login-title");
    page.finish(&title, "/connexion")
}

async fn login(State(desk): State<Arc<Desk>>, caller: Caller, Form(credentials): Form<Credentials>) -> Response {
    let user = credentials.user.clone();
    let mut response = match account::open(&desk, &caller, credentials).await {
        Ok(token) => {
            let cookie = [(header::SET_COOKIE, account::cookie(Some(&token)))];
            let mut response = (cookie, Redirect::to("/")).into_response();
            response.extensions_mut().insert(Author(user.clone()));
            response
        }
        Err(problem) => {
            let mut response = login_form(&desk, &caller, Some(&problem)).into_response();
            *response.status_mut() = problem.status();
            problem.decorate(&mut response);
            response
        }
    };
    response.extensions_mut().insert(Target(user));
    response
}

async fn logout(State(desk): State<Arc<Desk>>, caller: Caller) -> Result<Response, Problem> {
    if let Some(token) = caller.token {
        blocking(move || desk.sessions.end(&token)).await?;
    }
    Ok((
        [(header::SET_COOKIE, account::cookie(None))],
        Redirect::to("/connexion"),
    )
        .into_response())
}

/// A page that says what is wrong and leads back.
pub(crate) fn problem_page(desk: &Desk, caller: &Caller, problem: &Problem) -> Html<String> {
    let mut page = Page::new(desk, caller);
    put!(page, "<h1>{}</h1>", page.t("problem-title"));
    let sentence = problem.sentence(page.words);
    page.wrong(&sentence);
    if problem.status() == StatusCode::FORBIDDEN {
        put!(page, "<p>{}</p>", page.t("problem-forbidden-hint"));
    }
    put!(page, "<p><a class=button href=/>{}</a></p>", page.t("problem-back"));
    let title = page.words.get("problem-title");
    page.finish(&title, "")
}
