//! The message library: what is said, in which languages, and what it said before.

use crate::{Language, MessageId};
use serde::{Deserialize, Serialize};

/// One version of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its number in the library. 0 asks [`crate::Command::SaveMessage`] to give a new one.
    pub id: MessageId,
    /// Version, from 1; set by the library.
    pub version: u32,
    /// What operators call it.
    pub title: String,
    /// What is spoken, by language. The first one is spoken to people whose language is missing or not listed.
    pub texts: Vec<Text>,
}

/// A message in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// The language.
    pub language: Language,
    /// The words to speak; shown to operators even when there is a recording.
    pub words: String,
    /// A recording to play instead of synthesised speech: its name in the audio store.
    pub audio: Option<String>,
}

impl Message {
    /// The text for a language; the first text if there is none in it.
    #[must_use]
    pub fn text(&self, language: Language) -> Option<&Text> {
        self.texts
            .iter()
            .find(|text| text.language == language)
            .or_else(|| self.texts.first())
    }
}

/// One version of a message in the library, with who saved it and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edition {
    /// The message as saved.
    pub message: Message,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// The user who saved it.
    pub by: String,
}
