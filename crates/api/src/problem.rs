//! What a request can be refused with: a status, a code for programs, a sentence for people.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json};

use crate::text::{Value, Words};

/// A refusal. It travels in the response's extensions until the language of the reader is known.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    args: Vec<(&'static str, Value)>,
    fields: Map<String, Json>,
    retry_after: Option<u64>,
}

impl Problem {
    /// A refusal whose sentence is the catalogue's `problem-CODE`.
    pub(crate) fn new(status: StatusCode, code: &'static str) -> Problem {
        Problem {
            status,
            code,
            args: Vec::new(),
            fields: Map::new(),
            retry_after: None,
        }
    }

    /// Fills in `{ $name }` of the sentence, and adds the field to the JSON.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Problem {
        let value = value.into();
        self.fields.insert(name.to_owned(), Json::String(value.clone()));
        self.args.push((name, Value::from(value)));
        self
    }

    /// Seconds after which the same request may succeed.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Problem {
        self.retry_after = Some(seconds.max(1));
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn not_found() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found")
    }

    pub(crate) fn unauthenticated() -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated")
    }

    pub(crate) fn forbidden() -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden")
    }

    /// Something failed on our side. The cause is logged, not shown.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Problem {
        tracing::error!(%cause, "a request failed");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal")
    }

    /// The sentence for people.
    pub(crate) fn sentence(&self, words: Words<'_>) -> String {
        words.with(&format!("problem-{}", self.code), &self.args)
    }

    /// The JSON answer.
    pub(crate) fn json(&self, words: Words<'_>) -> Response {
        let mut body = Map::new();
        body.insert("error".into(), Json::String(self.code.replace('-', "_")));
        body.insert("message".into(), Json::String(self.sentence(words)));
        body.extend(self.fields.clone());
        let mut response = (self.status, axum::Json(Json::Object(body))).into_response();
        self.decorate(&mut response);
        response
    }

    /// Adds what belongs in the headers.
    pub(crate) fn decorate(&self, response: &mut Response) {
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<crate::store::StoreError> for Problem {
    fn from(error: crate::store::StoreError) -> Problem {
        Problem::internal(&error)
    }
}
