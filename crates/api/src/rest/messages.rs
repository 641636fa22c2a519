//! The message library, and its voice.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use dialer::Edition;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::desk::{Caller, Desk, Target, blocking};
use crate::extract::{Json, Part, Query};
use crate::problem::Problem;
use crate::rooms::{self, LONGEST_TEXT, Written};
use crate::services::{Speech, SpeechError};

fn shown(edition: &Edition) -> Value {
    let message = &edition.message;
    let texts: Vec<Value> = message
        .texts
        .iter()
        .map(|text| json!({ "language": text.language.code(), "text": text.words }))
        .collect();
    json!({
        "id": message.id,
        "version": message.version,
        "title": message.title,
        "text": message.texts.first().map(|text| text.words.as_str()),
        "language": message.texts.first().map(|text| text.language.code()),
        "texts": texts,
        "saved_ms": edition.at_ms,
        "saved_by": edition.by,
    })
}

/// `GET /messages`.
pub(crate) async fn list(State(desk): State<Arc<Desk>>) -> Result<Response, Problem> {
    let messages: Vec<Value> = rooms::messages(&desk).await?.iter().map(shown).collect();
    Ok(axum::Json(json!({ "messages": messages })).into_response())
}

/// Which version; without it the newest.
#[derive(Deserialize)]
pub(crate) struct Which {
    version: Option<u32>,
    language: Option<String>,
}

/// `GET /messages/{id}?version=`.
pub(crate) async fn one(
    State(desk): State<Arc<Desk>>,
    Part(id): Part<u64>,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    Ok(axum::Json(shown(&rooms::message(&desk, id, which.version).await?)).into_response())
}

/// `POST /messages`.
pub(crate) async fn create(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Json(written): Json<Written>,
) -> Result<Response, Problem> {
    save(&desk, 0, written, &caller).await
}

/// `PUT /messages/{id}`: a new version.
pub(crate) async fn update(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Part(id): Part<u64>,
    Json(written): Json<Written>,
) -> Result<Response, Problem> {
    save(&desk, id, written, &caller).await
}

async fn save(desk: &Arc<Desk>, id: u64, written: Written, caller: &Caller) -> Result<Response, Problem> {
    let status = if id == 0 { StatusCode::CREATED } else { StatusCode::OK };
    let (id, version) = rooms::save_message(desk, id, written, &caller.login).await?;
    let mut response = (status, axum::Json(json!({ "id": id, "version": version }))).into_response();
    response.extensions_mut().insert(Target(id.to_string()));
    Ok(response)
}

/// `GET /messages/{id}/audio?language=&version=`: what recipients hear, as WAV.
pub(crate) async fn audio(
    State(desk): State<Arc<Desk>>,
    Part(id): Part<u64>,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let message = rooms::message(&desk, id, which.version).await?.message;
    let text = match which.language.as_deref().map(str::parse) {
        Some(Ok(language)) => message.text(language),
        Some(Err(_)) => return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-language")),
        None => message.texts.first(),
    };
    let text = text.ok_or_else(Problem::not_found)?;
    let (words, language, audio) = (text.words.clone(), text.language.code().to_owned(), text.audio.clone());
    match audio {
        Some(audio) => sound(&desk, move |speech| speech.recording(&audio)).await,
        None => speak(&desk, words, language).await,
    }
}

/// A text that is not saved yet.
#[derive(Deserialize)]
pub(crate) struct Draft {
    text: String,
    #[serde(default)]
    language: Option<String>,
}

/// `POST /speech`: hear a text before it is saved.
pub(crate) async fn speech(
    State(desk): State<Arc<Desk>>,
    Json(Draft { text, language }): Json<Draft>,
) -> Result<Response, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "empty-message"));
    }
    if text.chars().count() > LONGEST_TEXT {
        return Err(
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "text-too-long").with("most", LONGEST_TEXT.to_string())
        );
    }
    speak(&desk, text, language.unwrap_or_else(|| "fr".into())).await
}

async fn speak(desk: &Arc<Desk>, text: String, language: String) -> Result<Response, Problem> {
    sound(desk, move |speech| speech.preview(&text, &language)).await
}

async fn sound(
    desk: &Arc<Desk>,
    make: impl FnOnce(&dyn Speech) -> Result<Vec<u8>, SpeechError> + Send + 'static,
) -> Result<Response, Problem> {
    let speech = Arc::clone(&desk.services.speech);
    let wav = blocking(move || make(&*speech)).await?.map_err(|error| match error {
        SpeechError::Language(language) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no-voice").with("language", language)
        }
        SpeechError::Engine(reason) => {
            tracing::error!(%reason, "a message could not be spoken");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "speech").with("reason", reason)
        }
    })?;
    Ok(([(header::CONTENT_TYPE, "audio/wav")], wav).into_response())
}
