//! Text to speech, behind one interface: espeak-ng by default, any command instead, results cached by content.

mod cache;
mod command;
mod espeak;
mod prompts;

pub use cache::Cached;
pub use command::{ExternalCommand, Silent};
pub use espeak::Espeak;
pub use prompts::{PromptError, PromptSet, PromptText};

use std::time::Duration;

/// Mono audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pcm {
    /// The samples.
    pub samples: Vec<i16>,
    /// Samples per second.
    pub rate: u32,
}

impl Pcm {
    /// How long it sounds.
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.samples.len() as f64 / f64::from(self.rate.max(1)))
    }
}

/// Speaks text.
pub trait Synthesizer: Send + Sync {
    /// `text` spoken in `language` (an ISO 639 code such as `fr`, with a region if wanted: `fr-BE`), levelled for the
    /// telephone. May take seconds; not for a pacing or signalling thread.
    ///
    /// # Errors
    /// When the engine is missing, fails, or takes too long.
    fn speak(&self, text: &str, language: &str) -> Result<Pcm, SpeechError>;

    /// Tells this engine and its settings from others, for the cache.
    fn identity(&self) -> String;
}

/// Why there is no speech.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// The program is not there.
    #[error(
        "“{program}” is not installed or cannot be run ({source}); on Debian and Ubuntu: apt install {package}, or set another command under [speech]"
    )]
    Missing {
        /// What was to be run.
        program: String,
        /// What provides it.
        package: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The program ran and failed.
    #[error("“{program}” failed ({status}): {message}")]
    Failed {
        /// What was run.
        program: String,
        /// How it ended.
        status: String,
        /// The first lines of what it wrote as its error.
        message: String,
    },
    /// It took too long and was stopped.
    #[error("“{program}” did not finish within {} s", .limit.as_secs())]
    TimedOut {
        /// What was run.
        program: String,
        /// How long it was given.
        limit: Duration,
    },
    /// What it gave is no audio.
    #[error("“{program}” gave no usable audio: {source}")]
    Audio {
        /// What was run.
        program: String,
        /// What is wrong with it.
        source: crate::import::ImportError,
    },
    /// Nothing to say, or far too much.
    #[error("the text to speak must have between 1 and {limit} characters; it has {length}")]
    Length {
        /// What it has.
        length: usize,
        /// What is accepted.
        limit: usize,
    },
    /// The language is not of the form `fr` or `fr-BE`.
    #[error("“{0}” is not a language code such as fr or en-GB")]
    Language(String),
    /// The cache folder cannot be used.
    #[error("the speech cache {path}: {source}")]
    Cache {
        /// Its path.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Longest text that is spoken: more than half an hour.
pub const MAX_CHARACTERS: usize = 20_000;

/// The text without what no voice can say (control characters), checked for its length.
fn clean(text: &str) -> Result<String, SpeechError> {
    let cleaned: String = text
        .chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .collect();
    let length = cleaned.chars().count();
    if cleaned.trim().is_empty() || length > MAX_CHARACTERS {
        return Err(SpeechError::Length {
            length: if cleaned.trim().is_empty() { 0 } else { length },
            limit: MAX_CHARACTERS,
        });
    }
    Ok(cleaned)
}

/// Letters, digits and hyphens only, so that a language can be part of a command line and a path.
fn check_language(language: &str) -> Result<(), SpeechError> {
    let is_good = (2..=16).contains(&language.len())
        && language.starts_with(|c: char| c.is_ascii_alphabetic())
        && language.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_good {
        Ok(())
    } else {
        Err(SpeechError::Language(language.to_owned()))
    }
}
