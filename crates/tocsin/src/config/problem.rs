//! What is wrong with a configuration, with its line.

use std::fmt;

/// One mistake and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, from 1; `None` when something is missing altogether.
    pub line: Option<usize>,
    /// What is wrong.
    pub mistake: Mistake,
}

/// The kinds of mistake that a configuration can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// Not TOML.
    #[error("this is not valid TOML: {message}")]
    Syntax {
        /// The TOML parser's words.
        message: String,
    },
    /// A key that tocsin does not know.
    #[error("unknown setting “{key}” in {section}{}", hint(.nearest))]
    Unknown {
        /// As written.
        key: String,
        /// Where.
        section: String,
        /// A known key with almost the same name.
        nearest: Option<String>,
    },
    /// A setting that must be there.
    #[error("{section} lacks “{key}”: {purpose}")]
    Missing {
        /// The key.
        key: String,
        /// Where.
        section: String,
        /// What it is for.
        purpose: &'static str,
    },
    /// The wrong type of value.
    #[error("“{key}” must be {expected}, not {found}")]
    Type {
        /// The key.
        key: String,
        /// What is wanted.
        expected: &'static str,
        /// The TOML type found.
        found: &'static str,
    },
    /// A value that cannot be used.
    #[error("“{key}” = {value}: {reason}")]
    Value {
        /// The key.
        key: String,
        /// As written (never a secret).
        value: String,
        /// Why not, and what would do.
        reason: String,
    },
    /// Two settings that do not go together.
    #[error("{reason}")]
    Conflict {
        /// Why.
        reason: String,
    },
    /// A secret that cannot be read.
    #[error("“{key}”: {reason}")]
    Secret {
        /// The key.
        key: String,
        /// Why.
        reason: String,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|name| format!("; did you mean “{name}”?"))
        .unwrap_or_default()
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.mistake),
            None => write!(f, "{}", self.mistake),
        }
    }
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read at all.
    #[error(
        "{path} cannot be read: {source}. Copy tocsin.example.toml and adapt it, or name another file with --config"
    )]
    Unreadable {
        /// As given.
        path: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It holds mistakes; all of them are listed.
    #[error("{path} holds {} mistake(s):{}", problems.len(), listed(problems))]
    Mistakes {
        /// As given.
        path: std::path::PathBuf,
        /// In the order of the file.
        problems: Vec<Problem>,
    },
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}
