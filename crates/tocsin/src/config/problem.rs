//! What is wrong with a configuration, with its line.

use std::path::PathBuf;

use crate::words::{Argument, Phrase, Told, Words, error_in_english, system};

/// One mistake and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, from 1; `None` when something is missing altogether.
    pub line: Option<usize>,
    /// What is wrong.
    pub mistake: Mistake,
}

/// The kinds of mistake that a configuration can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistake {
    /// Not TOML.
    Syntax {
        /// The TOML parser's words.
        message: String,
    },
    /// Not UTF-8.
    Encoding,
    /// A key that tocsin does not know.
    Unknown {
        /// As written.
        key: String,
        /// Where.
        section: Argument,
        /// A known key with almost the same name.
        nearest: Option<String>,
    },
    /// A setting that must be there.
    Missing {
        /// The key.
        key: String,
        /// Where.
        section: Argument,
        /// What it is for.
        purpose: Phrase,
    },
    /// The wrong type of value.
    Type {
        /// The key.
        key: String,
        /// What is wanted.
        expected: Phrase,
        /// What is there.
        found: Phrase,
    },
    /// A value that cannot be used.
    Value {
        /// The key.
        key: String,
        /// As written (never a secret).
        value: String,
        /// Why not, and what would do.
        reason: Phrase,
    },
    /// Two settings that do not go together.
    Conflict(Phrase),
    /// A secret that cannot be read.
    Secret {
        /// The key.
        key: String,
        /// Why.
        reason: Phrase,
    },
}

impl Told for Mistake {
    fn told(&self) -> Phrase {
        match self {
            Self::Syntax { message } => Phrase::new("config-syntax").with("words", message.clone()),
            Self::Encoding => Phrase::new("config-encoding"),
            Self::Unknown { key, section, nearest } => {
                let phrase = match nearest {
                    Some(nearest) => Phrase::new("config-unknown-near").with("nearest", nearest.clone()),
                    None => Phrase::new("config-unknown"),
                };
                phrase.with("key", key.clone()).with("section", section.clone())
            }
            Self::Missing { key, section, purpose } => Phrase::new("config-missing")
                .with("key", key.clone())
                .with("section", section.clone())
                .with("purpose", purpose.clone()),
            Self::Type { key, expected, found } => Phrase::new("config-type")
                .with("key", key.clone())
                .with("expected", expected.clone())
                .with("found", found.clone()),
            Self::Value { key, value, reason } => Phrase::new("config-value")
                .with("key", key.clone())
                .with("value", value.clone())
                .with("reason", reason.clone()),
            Self::Conflict(reason) => reason.clone(),
            Self::Secret { key, reason } => Phrase::new("config-secret")
                .with("key", key.clone())
                .with("reason", reason.clone()),
        }
    }
}

impl Told for Problem {
    fn told(&self) -> Phrase {
        match self.line {
            Some(line) => Phrase::new("config-line")
                .with("line", line.to_string())
                .with("mistake", self.mistake.told()),
            None => self.mistake.told(),
        }
    }
}

/// The file cannot be used.
#[derive(Debug)]
pub enum ConfigError {
    /// It cannot be read at all.
    Unreadable {
        /// As given.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It holds mistakes; all of them are listed.
    Mistakes {
        /// As given.
        path: PathBuf,
        /// In the order of the file.
        problems: Vec<Problem>,
    },
}

impl ConfigError {
    /// The whole complaint: one sentence, then one line for each mistake.
    pub fn listed(&self, words: &Words<'_>) -> String {
        let mut text = self.told().say(words);
        if let Self::Mistakes { problems, .. } = self {
            for problem in problems {
                text.push_str("\n  ");
                text.push_str(&problem.told().say(words));
            }
        }
        text
    }
}

/// The first sentence; [`ConfigError::listed`] gives the mistakes too.
impl Told for ConfigError {
    fn told(&self) -> Phrase {
        match self {
            Self::Unreadable { path, source } => Phrase::new("config-unreadable")
                .with("path", path.display().to_string())
                .with("reason", system(source)),
            Self::Mistakes { path, problems } => Phrase::new("config-mistakes")
                .with("path", path.display().to_string())
                .with("count", problems.len()),
        }
    }
}

error_in_english!(Mistake, Problem, ConfigError);
