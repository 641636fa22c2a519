//! What the desk needs from the other rooms.

use std::sync::Arc;

/// The rooms behind the desk.
#[derive(Clone)]
pub struct Services {
    /// Speaks a message so that the operator hears what the recipients will hear.
    pub speech: Arc<dyn Speech>,
}

/// A voice for previews.
pub trait Speech: Send + Sync + 'static {
    /// Speaks `text` in `language` (BCP 47: "fr", "en") and returns a complete WAV file. May block; the desk calls it
    /// on a thread where blocking is allowed.
    ///
    /// # Errors
    /// When no voice can speak this text.
    fn preview(&self, text: &str, language: &str) -> Result<Vec<u8>, SpeechError>;
}

/// Why a text could not be spoken.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// No voice for this language.
    #[error("no voice speaks the language “{0}”")]
    Language(String),
    /// The engine failed; the text says how.
    #[error("the speech engine failed: {0}")]
    Engine(String),
}
