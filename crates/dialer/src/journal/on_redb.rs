//! The journal's blocks in redb.
//!
//! Blocks that were put lie in a transaction that is not durable; a flush commits durably, and redb then writes its
//! pages, empties the disk's cache (`fdatasync`), and only then makes the new root the valid one. After a crash redb
//! goes back to the last root that is whole.

use super::JournalError;
use super::block::Sealed;
use super::store::{self, Blocks, Shelf, io_error};
use crate::Sequence;
use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};
use std::fs::File;
use std::path::Path;

/// redb's file.
pub(super) const FILE: &str = "journal.redb";
const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
/// Memory that redb may use for its pages; the journal is read once at start.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

pub(super) struct Store {
    db: Database,
}

fn store_error(error: impl Into<redb::Error>) -> JournalError {
    match error.into() {
        redb::Error::Io(error) => io_error(&error),
        redb::Error::Corrupted(what) => JournalError::Damaged { at: Sequence(0), what },
        other => JournalError::Store(other.to_string()),
    }
}

impl Store {
    pub(super) fn open(folder: &Path) -> Result<Self, JournalError> {
        let path = folder.join(FILE);
        if !path.exists() {
            Self::make(folder, &path)?;
        }
        Self::with(Self::database(folder, &path)?)
    }

    /// A file that took its name before it was whole would be no journal after a power failure; and one whose name is not
    /// durable is lost in it, whatever was flushed into it.
    fn make(folder: &Path, path: &Path) -> Result<(), JournalError> {
        let fresh = path.with_extension("new");
        let io = |error: std::io::Error| match io_error(&error) {
            JournalError::Full => JournalError::Full,
            _ => JournalError::Open(folder.display().to_string(), error.to_string()),
        };
        if fresh.exists() {
            std::fs::remove_file(&fresh).map_err(io)?;
        }
        drop(Self::with(Self::database(folder, &fresh)?)?);
        File::open(&fresh).and_then(|file| file.sync_all()).map_err(io)?;
        std::fs::rename(&fresh, path).map_err(io)?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
    }

    fn database(folder: &Path, path: &Path) -> Result<Database, JournalError> {
        Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(path)
            .map_err(|error| match error {
                redb::DatabaseError::Storage(redb::StorageError::Io(error))
                    if matches!(io_error(&error), JournalError::Full) =>
                {
                    JournalError::Full
                }
                redb::DatabaseError::Storage(redb::StorageError::Corrupted(what)) => JournalError::Damaged {
                    at: Sequence(0),
                    what: format!("the store cannot be opened: {what}"),
                },
                other => JournalError::Open(folder.display().to_string(), other.to_string()),
            })
    }

    /// On any file that redb can use: for tests of what a disk may do.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(super) fn on(backend: impl StorageBackend) -> Result<Self, JournalError> {
        let db = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(backend)
            .map_err(store_error)?;
        Self::with(db)
    }

    fn with(db: Database) -> Result<Self, JournalError> {
        let write = db.begin_write().map_err(store_error)?;
        write.open_table(RECORDS).map_err(store_error)?;
        write.commit().map_err(store_error)?;
        Ok(Self { db })
    }
}

impl store::Store for Store {
    fn put(&mut self, blocks: Vec<Sealed>) -> Result<(), JournalError> {
        let mut write = self.db.begin_write().map_err(store_error)?;
        write.set_durability(Durability::None).map_err(store_error)?;
        {
            let mut records = write.open_table(RECORDS).map_err(store_error)?;
            for sealed in blocks {
                records
                    .insert(sealed.first.0, sealed.bytes.as_slice())
                    .map_err(store_error)?;
            }
        }
        write.commit().map_err(store_error)
    }

    fn flush(&mut self) -> Result<(), JournalError> {
        let write = self.db.begin_write().map_err(store_error)?;
        write.commit().map_err(store_error)
    }

    fn shelf(&self) -> Result<Box<dyn Shelf>, JournalError> {
        let read = self.db.begin_read().map_err(store_error)?;
        Ok(Box::new(read.open_table(RECORDS).map_err(store_error)?))
    }
}

impl Shelf for ReadOnlyTable<u64, &'static [u8]> {
    fn last(&self) -> Result<Option<(Sequence, Vec<u8>)>, JournalError> {
        let last = ReadableTable::last(self).map_err(store_error)?;
        Ok(last.map(|(key, bytes)| (Sequence(key.value()), bytes.value().to_vec())))
    }

    fn floor(&self, record: Sequence) -> Result<Option<Sequence>, JournalError> {
        let mut before = self.range(..=record.0).map_err(store_error)?;
        let found = before.next_back().transpose().map_err(store_error)?;
        Ok(found.map(|(key, _)| Sequence(key.value())))
    }

    fn blocks(&self, first: Sequence) -> Blocks {
        match self.range(first.0..) {
            Ok(range) => Box::new(range.map(|pair| {
                let (key, bytes) = pair.map_err(store_error)?;
                Ok((Sequence(key.value()), bytes.value().to_vec()))
            })),
            Err(error) => Box::new(std::iter::once(Err(store_error(error)))),
        }
    }
}
