//! The page behind a personal link: what is known of the person, and whether they want to be alerted (R24). No account;
//! the link is the proof.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use directory::{Recipient, RecipientId};
use serde::Deserialize;

use super::page::{Esc, Page, put};
use super::statistics::{facts, show};
use crate::desk::{Author, Caller, Desk, Target, blocking, now_ms};
use crate::extract::{Form, Part};
use crate::problem::Problem;
use crate::rest::persons;

/// Whose link it is. Wrong links from one address are counted, as wrong passwords are.
fn owner(desk: &Desk, caller: &Caller, token: &str) -> Result<RecipientId, Problem> {
    let address = caller.peer.0;
    desk.strangers.may_try(address, now_ms()).map_err(|seconds| {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts")
            .with("seconds", seconds.to_string())
            .retry_after(seconds)
    })?;
    let gone = || Problem::new(StatusCode::NOT_FOUND, "link-gone");
    let Some(id) = desk.links.read(token, now_ms()) else {
        desk.strangers.wrong(address, now_ms());
        return Err(gone());
    };
    // Who was erased has no data any more, and no link.
    desk.services
        .directory
        .snapshot()
        .recipient(id)
        .map(|_| id)
        .ok_or_else(gone)
}

/// The audit trail names the person's number in the directory, never the link.
fn signed(mut response: Response, id: RecipientId) -> Response {
    response.extensions_mut().insert(Target(id.to_string()));
    response.extensions_mut().insert(Author(format!("destinataire {id}")));
    response
}

/// A refusal whose link does not go to the audit trail either.
fn unsigned(problem: Problem) -> Response {
    let mut response = problem.into_response();
    response.extensions_mut().insert(Target(String::new()));
    response
}

/// `GET /moi/{token}`.
pub(crate) async fn page(State(desk): State<Arc<Desk>>, caller: Caller, Part(token): Part<String>) -> Response {
    match shown(&desk, &caller, &token).await {
        Ok((html, id)) => signed(html.into_response(), id),
        Err(problem) => unsigned(problem),
    }
}

async fn shown(desk: &Arc<Desk>, caller: &Caller, token: &str) -> Result<(Html<String>, RecipientId), Problem> {
    let id = owner(desk, caller, token)?;
    let recipient = persons::known(&desk.services.directory.snapshot(), id.0)?;
    let document = persons::told(desk, id.0, caller.language).await?;
    let nobody = Caller {
        login: String::new(),
        token: None,
        ..caller.clone()
    };
    let mut page = Page::new(desk, &nobody);
    put!(page, "<h1>{}</h1>", page.t("own-title"));
    put!(page, "<section class=card><h2>{}</h2>", page.t("own-subscription"));
    let (state, button, value) = if recipient.unsubscribed {
        ("own-unsubscribed", "own-subscribe", "oui")
    } else {
        ("own-subscribed", "own-unsubscribe", "non")
    };
    put!(
        page,
        "<p>{}</p><form method=post action=\"/moi/{}\"><input type=hidden name=abonne value={value}><button class=first>{}</button></form></section>",
        page.t(state),
        Esc(token),
        page.t(button),
    );
    put!(page, "<p>{}</p><p class=actions>", page.t("own-hint"));
    for form in ["pdf", "json"] {
        put!(
            page,
            "<a class=\"button small\" download href=\"/moi/{}/{form}\">{}</a>",
            Esc(token),
            form.to_uppercase()
        );
    }
    put!(page, "</p>");
    facts(&mut page, &document);
    for section in &document.sections {
        show(&mut page, &document, section);
    }
    let title = page.words.get("own-title");
    Ok((page.finish(&title, "/moi"), id))
}

/// What the person wants.
#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    abonne: Choice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    Oui,
    Non,
}

/// `POST /moi/{token}`: subscribes or unsubscribes.
pub(crate) async fn subscribe(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(token): Part<String>,
    Form(Wish { abonne }): Form<Wish>,
) -> Response {
    let id = match owner(&desk, &caller, &token) {
        Ok(id) => id,
        Err(problem) => return unsigned(problem),
    };
    let shared = desk.services.directory.clone();
    let unsubscribed = abonne == Choice::Non;
    let changed = blocking(move || shared.set_unsubscribed(id, unsubscribed)).await;
    match changed.and_then(|done| done.map_err(Problem::from)) {
        Ok(()) => signed(Redirect::to(&format!("/moi/{token}")).into_response(), id),
        Err(problem) => unsigned(problem),
    }
}

/// `GET /moi/{token}/{form}`: the data as a file.
pub(crate) async fn data(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part((token, form)): Part<(String, String)>,
) -> Response {
    let file = match owner(&desk, &caller, &token) {
        Ok(id) => persons::file(&desk, id.0, &form, caller.language)
            .await
            .map(|file| (file, id)),
        Err(problem) => Err(problem),
    };
    match file {
        Ok((file, id)) => signed(file, id),
        Err(problem) => unsigned(problem),
    }
}

/// Whether the person is alerted, in words.
pub(super) fn subscription<'a>(page: &Page<'a>, recipient: &Recipient) -> std::borrow::Cow<'a, str> {
    page.words.get(if recipient.unsubscribed {
        "own-unsubscribed"
    } else {
        "own-subscribed"
    })
}
