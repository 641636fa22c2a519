//! Secrets: passwords and keys that are read from the file, a file of their own, or the environment, and never shown.

use std::path::{Path, PathBuf};

pub use sip_core::Secret;

use crate::words::{Phrase, Told, error_in_english, system};

/// Where a secret was said to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file that holds it, alone.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
}

/// Why a secret could not be had.
#[derive(Debug)]
pub enum SecretError {
    /// The file cannot be read.
    File {
        /// The file as written in the configuration.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The variable is not set, or is not UTF-8.
    Environment {
        /// Its name.
        name: String,
    },
    /// There is nothing in it.
    Empty,
}

impl Told for SecretError {
    fn told(&self) -> Phrase {
        match self {
            Self::File { path, source } => Phrase::new("secret-file")
                .with("path", path.display().to_string())
                .with("reason", system(source)),
            Self::Environment { name } => Phrase::new("secret-environment").with("name", name.clone()),
            Self::Empty => Phrase::new("secret-empty"),
        }
    }
}

error_in_english!(SecretError);

/// Largest secret file that is read, in bytes: a password, not a disk.
const LIMIT: usize = 4096;

impl Place {
    /// Reads the secret. Relative file names start from `base`, the configuration file's folder.
    pub fn read(&self, base: &Path) -> Result<Secret, SecretError> {
        let value = match self {
            Self::File(path) => {
                let text = std::fs::read(base.join(path)).map_err(|source| SecretError::File {
                    path: path.clone(),
                    source,
                })?;
                let end = text.len().min(LIMIT);
                String::from_utf8_lossy(&text[..end])
                    .trim_end_matches(['\r', '\n'])
                    .to_owned()
            }
            Self::Environment(name) => {
                std::env::var(name).map_err(|_| SecretError::Environment { name: name.clone() })?
            }
        };
        if value.is_empty() {
            Err(SecretError::Empty)
        } else {
            Ok(Secret::new(value))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        assert!(!format!("{:?}", Secret::new("azerty")).contains("azerty"));
    }

    #[test]
    fn a_secret_in_a_file_loses_its_line_end_only() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p"), " with spaces \n").unwrap();
        assert_eq!(
            Place::File("p".into()).read(folder.path()).unwrap().reveal(),
            " with spaces "
        );
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        assert!(matches!(
            Place::File("empty".into()).read(folder.path()),
            Err(SecretError::Empty)
        ));
        assert!(matches!(
            Place::File("none".into()).read(folder.path()),
            Err(SecretError::File { .. })
        ));
    }
}
