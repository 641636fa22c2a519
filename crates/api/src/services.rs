//! What the desk needs from the other rooms.

use std::sync::Arc;

use dialer::{Answer, CallTable, Command, CommandError, Contact, LiveView, Policy, Prediction, Query, Reply};

/// The rooms behind the desk.
#[derive(Clone)]
pub struct Services {
    /// Campaigns and the message library: [`dialer::Handle`].
    pub campaigns: Arc<dyn Campaigns>,
    /// Recipients and lists.
    pub directory: directory::Shared,
    /// Extracts that refresh the directory by themselves.
    pub extracts: directory::refresh::Extracts,
    /// Speaks a message so that the operator hears what the recipients will hear.
    pub speech: Arc<dyn Speech>,
    /// Calls in progress, as the signalling side writes them.
    pub calls: CallTable,
}

/// What the desk asks of the dialer.
pub trait Campaigns: Send + Sync + 'static {
    /// Carries out an order; returns when it is durable. May block.
    ///
    /// # Errors
    /// Why nothing was done.
    fn command(&self, command: Command) -> Result<Reply, CommandError>;

    /// Looks something up. May block.
    ///
    /// # Errors
    /// When it is not there.
    fn query(&self, query: Query) -> Result<Answer, CommandError>;

    /// What is happening now. Costs nothing.
    fn view(&self) -> Arc<LiveView>;

    /// Head of the journal's hash chain after this many records, by which a report is checked later; `None` when the
    /// journal does not tell. May block.
    fn seal(&self, records: u64) -> Option<[u8; 32]> {
        let _ = records;
        None
    }

    /// What a policy would lead to, if the dialer can tell. May block.
    fn predict(&self, recipients: &[Contact], policy: &Policy) -> Option<Prediction> {
        let _ = (recipients, policy);
        None
    }
}

impl Campaigns for dialer::Handle {
    fn command(&self, command: Command) -> Result<Reply, CommandError> {
        dialer::Handle::command(self, command)
    }

    fn query(&self, query: Query) -> Result<Answer, CommandError> {
        dialer::Handle::query(self, query)
    }

    fn view(&self) -> Arc<LiveView> {
        dialer::Handle::view(self)
    }

    fn seal(&self, records: u64) -> Option<[u8; 32]> {
        dialer::Handle::seal(self, records)
    }

    fn predict(&self, recipients: &[Contact], policy: &Policy) -> Option<Prediction> {
        Some(dialer::Handle::predict(self, recipients, policy))
    }
}

/// A voice for previews.
pub trait Speech: Send + Sync + 'static {
    /// Speaks `text` in `language` (BCP 47: "fr", "en") and returns a complete WAV file. May block; the desk calls it
    /// on a thread where blocking is allowed.
    ///
    /// # Errors
    /// When no voice can speak this text.
    fn preview(&self, text: &str, language: &str) -> Result<Vec<u8>, SpeechError>;

    /// A recording of the audio store, by the name that a message gives it, as a complete WAV file. May block.
    ///
    /// # Errors
    /// When there is no such recording.
    fn recording(&self, name: &str) -> Result<Vec<u8>, SpeechError> {
        Err(SpeechError::Engine(format!("there is no recording “{name}”")))
    }
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
