//! Extracts of other directories, fetched again and again (R31).
//!
//! [`Refresh`] decides when, without a clock of its own; a [`Source`] fetches (a [`Folder`] here, an HTTPS address
//! where the program has its client); [`run`] fetches once and applies what is new.

mod driver;
mod folder;
mod schedule;

use sha2::{Digest, Sha256};

pub use driver::{Extracts, State, Task, start};
pub use folder::Folder;
pub use schedule::{Refresh, Schedule};

use crate::import::{self, Import, ImportError, Options};
use crate::{Applied, Shared, StoreError, Target};

/// An extract as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extract {
    /// Name of the file, for reports.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What a fetch brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// There is no extract yet.
    Nothing,
    /// The source says itself that it has nothing newer than what was kept.
    Unchanged,
    /// An extract.
    Extract(Extract),
}

/// Where extracts come from.
pub trait Source {
    /// The latest extract. Takes at most `limit` bytes.
    fn fetch(&mut self, limit: usize) -> Result<Fetched, SourceError>;

    /// What was fetched last is in the directory now: it need not be fetched again. Not called when it was refused.
    fn keep(&mut self) {}
}

/// Why nothing could be fetched.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The folder or file cannot be read.
    #[error("{place} cannot be read: {source}")]
    Unreadable {
        /// Which.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// The extract is larger than accepted.
    #[error("{place} has more than {limit} bytes")]
    TooLarge {
        /// Which.
        place: String,
        /// Bytes accepted.
        limit: usize,
    },
    /// The address did not answer, or not with an extract.
    #[error("{place} gave no extract: {reason}")]
    Refused {
        /// The address, without credentials.
        place: String,
        /// What it said.
        reason: String,
    },
}

/// The content of an extract, to know it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// SHA-256 of the bytes.
    pub fn of(bytes: &[u8]) -> Fingerprint {
        Fingerprint(Sha256::digest(bytes).into())
    }
}

/// How extracts are read and applied.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How to read them.
    pub options: Options,
    /// Where their rows go.
    pub target: Target,
    /// Rows left out, in percent, beyond which an extract is not applied: its format has changed, or it is the wrong file.
    pub max_rejected: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            options: Options::default(),
            target: Target::Directory,
            max_rejected: 20,
        }
    }
}

/// What a refresh did.
#[derive(Clone, Debug)]
pub enum Refreshed {
    /// No extract is there yet.
    Nothing,
    /// The source has nothing newer.
    Unchanged,
    /// The extract says what the directory holds already.
    Same(Fingerprint),
    /// The extract was applied.
    Applied {
        /// To recognise it the next time.
        fingerprint: Fingerprint,
        /// What was read, with the problems.
        import: Box<Import>,
        /// What changed.
        applied: Applied,
    },
}

/// Why a refresh failed. The directory is as before.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// Nothing could be fetched.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The extract cannot be read.
    #[error("the extract {name} cannot be read: {source}")]
    Import {
        /// Name of the extract.
        name: String,
        /// Why.
        source: ImportError,
    },
    /// Too many of its rows would be left out.
    #[error("{rejected} of {total} rows of the extract {name} cannot be read; it was not applied")]
    TooManyRejected {
        /// Name of the extract.
        name: String,
        /// Rows left out.
        rejected: usize,
        /// All rows.
        total: usize,
    },
    /// The directory cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Fetches once and applies what is new. Blocks on the source and the disk. `at_ms`: milliseconds since 1970 (UTC).
pub fn run(
    source: &mut dyn Source,
    known: Option<Fingerprint>,
    shared: &Shared,
    settings: &Settings,
    at_ms: i64,
) -> Result<Refreshed, RefreshError> {
    let extract = match source.fetch(settings.options.limits.bytes)? {
        Fetched::Nothing => return Ok(Refreshed::Nothing),
        Fetched::Unchanged => return Ok(Refreshed::Unchanged),
        Fetched::Extract(extract) => extract,
    };
    let fingerprint = Fingerprint::of(&extract.bytes);
    if known == Some(fingerprint) {
        return Ok(Refreshed::Same(fingerprint));
    }
    let name = extract.name;
    let import = import::read(&extract.bytes, &name, &settings.options, &shared.snapshot()).map_err(|source| {
        RefreshError::Import {
            name: name.clone(),
            source,
        }
    })?;
    let (rejected, total) = (unreadable(&import), import.total);
    if rejected * 100 > total * usize::from(settings.max_rejected) {
        return Err(RefreshError::TooManyRejected { name, rejected, total });
    }
    // After a restart of the program an old extract is new to it: it must not push older imports out of the undo.
    if shared.changes_nothing(&import, &settings.target) {
        source.keep();
        return Ok(Refreshed::Same(fingerprint));
    }
    let applied = shared.apply(&import, &settings.target, at_ms)?;
    source.keep();
    Ok(Refreshed::Applied {
        fingerprint,
        import: Box::new(import),
        applied,
    })
}

/// Rows left out though something stands in them.
fn unreadable(import: &Import) -> usize {
    let empty: usize = import
        .problems
        .iter()
        .filter(|problem| problem.reason == import::Reason::EmptyRow)
        .map(|problem| problem.last_line + 1 - problem.line)
        .sum();
    import.rejected() - empty
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    /// Gives what the test put in.
    struct Hand(Option<&'static str>);

    impl Source for Hand {
        fn fetch(&mut self, _limit: usize) -> Result<Fetched, SourceError> {
            Ok(self.0.map_or(Fetched::Nothing, |text| {
                Fetched::Extract(Extract {
                    name: "extrait.csv".into(),
                    bytes: text.into(),
                })
            }))
        }
    }

    #[test]
    fn an_extract_is_applied_once_and_a_strange_one_not_at_all() {
        let shared = Shared::new(Store::temporary().unwrap()).unwrap();
        let settings = Settings::default();
        let mut known = None;
        let mut refresh = |text| {
            let refreshed = run(&mut Hand(text), known, &shared, &settings, 0);
            if let Ok(Refreshed::Applied { fingerprint, .. }) = refreshed {
                known = Some(fingerprint);
            }
            refreshed
        };
        assert!(matches!(refresh(None), Ok(Refreshed::Nothing)));
        let first = "id;Nom;Tél\n1;Martin;0199000001\n\n\n2;Petit;0199000002\n";
        assert!(matches!(refresh(Some(first)), Ok(Refreshed::Applied { applied, .. }) if applied.plan.created == 2));
        assert!(matches!(refresh(Some(first)), Ok(Refreshed::Same(_))));
        let second = "id;Nom;Tél\n1;Martin;0199000011\n";
        assert!(matches!(refresh(Some(second)), Ok(Refreshed::Applied { applied, .. }) if applied.plan.updated == 1));
        let strange = "id;Nom;Tél\n1;Martin;?\n2;Petit;?\n3;Durand;0199000003\n";
        assert!(matches!(
            refresh(Some(strange)),
            Err(RefreshError::TooManyRejected {
                rejected: 2,
                total: 3,
                ..
            })
        ));
        assert!(matches!(refresh(Some("%PDF-1.7")), Err(RefreshError::Import { .. })));
        let shuffled = "id;Nom;Tél\n2;Petit;0199000002\n1;Martin;0199000011\n";
        let again = run(&mut Hand(Some(shuffled)), None, &shared, &settings, 0);
        assert!(matches!(again, Ok(Refreshed::Same(_))), "other bytes, the same people");
        assert_eq!(shared.imports().unwrap().len(), 2);
        assert_eq!(
            shared.snapshot().len(),
            2,
            "what is no longer in the extract is not removed"
        );
    }
}
