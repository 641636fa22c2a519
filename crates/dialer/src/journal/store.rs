//! What the journal needs of a store, and which stores there are.

use super::block::Sealed;
use super::{JournalError, on_redb, on_sled};
use crate::Sequence;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Blocks in order, each with the place of its first record.
pub(super) type Blocks = Box<dyn Iterator<Item = Result<(Sequence, Vec<u8>), JournalError>>>;

/// Keeps blocks by the place of their first record. Blocks are only ever added, behind those that are there.
pub(super) trait Store: Send {
    /// Adds blocks; they are durable after the next [`Store::flush`]. All or none are there after a crash in between.
    fn put(&mut self, blocks: Vec<Sealed>) -> Result<(), JournalError>;

    /// Makes everything that was put durable.
    fn flush(&mut self) -> Result<(), JournalError>;

    /// A second way to read, which another thread may use while this one writes.
    fn shelf(&self) -> Result<Box<dyn Shelf>, JournalError>;
}

/// Reads blocks.
pub(super) trait Shelf: Send {
    /// The last block.
    fn last(&self) -> Result<Option<(Sequence, Vec<u8>)>, JournalError>;

    /// The place of the block that holds this record, or of the last one before it.
    fn floor(&self, record: Sequence) -> Result<Option<Sequence>, JournalError>;

    /// Blocks from the one at `first` on.
    fn blocks(&self, first: Sequence) -> Blocks;
}

/// The embedded stores that can hold a journal. A journal stays in the store in which it was made; a backup restored with
/// another engine moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// [redb](https://docs.rs/redb): a copy-on-write B-tree in one file.
    Redb,
    /// [sled](https://docs.rs/sled): a log-structured tree.
    #[default]
    Sled,
}

impl Engine {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Redb, Self::Sled];

    /// Its name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Redb => "redb",
            Self::Sled => "sled",
        }
    }

    /// The engine of the journal that lies in a folder, if there is one.
    #[must_use]
    pub fn found(folder: &Path) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| folder.join(engine.file()).exists())
    }

    /// The file by which its journals are known.
    fn file(self) -> &'static str {
        match self {
            Self::Redb => on_redb::FILE,
            Self::Sled => on_sled::FILE,
        }
    }

    pub(super) fn open(self, folder: &Path) -> Result<Box<dyn Store>, JournalError> {
        Ok(match self {
            Self::Redb => Box::new(on_redb::Store::open(folder)?),
            Self::Sled => Box::new(on_sled::Store::open(folder)?),
        })
    }
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Engine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|engine| engine.name() == text)
            .ok_or_else(|| format!("“{text}” is not a store: write \"redb\" or \"sled\""))
    }
}

pub(super) fn io_error(error: &std::io::Error) -> JournalError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => JournalError::Full,
        _ => JournalError::Store(error.to_string()),
    }
}
