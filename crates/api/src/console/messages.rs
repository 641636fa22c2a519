//! The message library.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page::{Esc, Page, put};
use crate::desk::{Caller, Desk, Target};
use crate::extract::{Form, Query};
use crate::problem::Problem;
use crate::rooms::{self, Written};

/// `GET /messages`.
pub(crate) async fn page(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Query(done): Query<super::Done>,
) -> Result<Html<String>, Problem> {
    let library = rooms::messages(&desk).await?;
    let mut page = Page::new(&desk, &caller);
    put!(page, "<h1>{}</h1>", page.t("nav-messages"));
    page.done(done.fait.as_deref());
    put!(page, "<div class=grid><div>");
    if library.is_empty() {
        put!(page, "<p class=soft>{}</p>", page.t("messages-none"));
    }
    for edition in library.iter().rev() {
        let message = &edition.message;
        put!(page, "<section class=card><h2>{}</h2>", Esc(&message.title));
        for text in &message.texts {
            put!(
                page,
                "<blockquote lang={}>{}</blockquote><audio controls preload=none aria-label=\"{}\" src=\"/api/v1/messages/{}/audio?language={}\"></audio>",
                text.language.code(),
                Esc(&text.words),
                page.t("hear-player"),
                message.id,
                text.language.code(),
            );
        }
        let saved = page.t_with(
            "message-saved",
            &[
                ("version", u64::from(message.version).into()),
                ("at", page.moment(edition.at_ms).into()),
                ("by", edition.by.as_str().into()),
            ],
        );
        put!(page, "<p class=hint>{saved}</p></section>");
    }
    put!(
        page,
        "</div><section class=card aria-labelledby=t-nouveau><h2 id=t-nouveau>{}</h2>",
        page.t("message-new")
    );
    page.form("/messages", "class=stack");
    put!(
        page,
        "<div><label for=title>{}</label><input type=text id=title name=title maxlength=200 required></div>\
         <div><label for=text>{}</label><textarea id=text name=text maxlength=8000 required></textarea></div>",
        page.t("message-title"),
        page.t("message-text"),
    );
    super::campaigns::language_choice(&mut page, "fr");
    super::campaigns::hear(&mut page);
    put!(
        page,
        "<button class=first>{}</button></form></section></div>",
        page.t("message-save")
    );
    let title = page.words.get("nav-messages");
    Ok(page.finish(&title, "/messages"))
}

/// The form.
#[derive(Deserialize)]
pub(crate) struct Sent {
    title: String,
    text: String,
    language: Option<String>,
}

/// `POST /messages`.
pub(crate) async fn save(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    let written = Written {
        title: sent.title,
        text: sent.text,
        language: sent.language,
        texts: Vec::new(),
    };
    let (id, _) = rooms::save_message(&desk, 0, written, &caller.login).await?;
    let mut response = Redirect::to("/messages?fait=message").into_response();
    response.extensions_mut().insert(Target(id.to_string()));
    Ok(response)
}
