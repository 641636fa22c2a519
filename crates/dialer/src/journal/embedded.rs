//! The journal on sled, in a folder.
//!
//! sled 0.34 makes writes durable with `sync_file_range` on Linux, which neither empties the disk's own cache nor
//! writes the file's size: enough for a killed process, not for a power loss. Each flush is therefore followed by a
//! full `fsync` of sled's file.

use super::block::{self, GENESIS, Head, Walk};
use super::{Journal, JournalError, Records, Verified};
use crate::{Record, Sequence};
use std::fs::File;
use std::path::{Path, PathBuf};

const TREE: &str = "records";
/// Memory that sled may use for its pages; the journal is read once at start.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// The journal on sled.
pub struct Embedded {
    path: PathBuf,
    /// `None` only between a failure and the next successful [`Journal::recover`].
    store: Option<Store>,
    next: Sequence,
    head: Head,
    /// Whether anything was appended since the last flush.
    is_dirty: bool,
}

struct Store {
    db: sled::Db,
    tree: sled::Tree,
    /// sled's data file, for the real flush.
    file: File,
}

fn store_error(error: sled::Error) -> JournalError {
    match error {
        sled::Error::Io(error) => io_error(&error),
        other => JournalError::Store(other.to_string()),
    }
}

fn io_error(error: &std::io::Error) -> JournalError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => JournalError::Full,
        _ => JournalError::Store(error.to_string()),
    }
}

fn key(sequence: Sequence) -> [u8; 8] {
    sequence.0.to_be_bytes()
}

fn sequence(key: &[u8]) -> Result<Sequence, JournalError> {
    let bytes: [u8; 8] = key.try_into().map_err(|_| JournalError::Damaged {
        at: Sequence(0),
        what: "a key is not a record's place".to_owned(),
    })?;
    Ok(Sequence(u64::from_be_bytes(bytes)))
}

/// The store's blocks, in order.
type Blocks<'a> = Box<dyn Iterator<Item = Result<(Sequence, sled::IVec), JournalError>> + 'a>;

impl Store {
    fn open(path: &Path) -> Result<Self, JournalError> {
        let refused = |error: &dyn std::fmt::Display| JournalError::Open(path.display().to_string(), error.to_string());
        std::fs::create_dir_all(path).map_err(|error| refused(&error))?;
        let db = sled::Config::new()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .open()
            .map_err(|error| match error {
                sled::Error::Corruption { .. } => JournalError::Damaged {
                    at: Sequence(0),
                    what: format!("the store cannot be opened: {error}"),
                },
                other => refused(&other),
            })?;
        let tree = db.open_tree(TREE).map_err(store_error)?;
        let file = File::open(path.join("db")).map_err(|error| refused(&error))?;
        Ok(Self { db, tree, file })
    }

    /// The place after the last record, and the head of the chain.
    fn end(&self) -> Result<(Sequence, Head), JournalError> {
        let Some((key, bytes)) = self.tree.last().map_err(store_error)? else {
            return Ok((Sequence(0), GENESIS));
        };
        let first = sequence(&key)?;
        let opened = block::open(&bytes, first, None)?;
        Ok((first.advanced(opened.records.len()), opened.head))
    }

    fn flush(&self) -> Result<(), JournalError> {
        self.db.flush().map_err(store_error)?;
        self.file.sync_all().map_err(|error| io_error(&error))
    }
}

impl Embedded {
    /// Opens the journal in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder cannot be used, is in use, or its last record is damaged.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let store = Store::open(path)?;
        let (next, head) = store.end()?;
        Ok(Self {
            path: path.to_owned(),
            store: Some(store),
            next,
            head,
            is_dirty: false,
        })
    }

    /// Bytes that it takes on disk.
    ///
    /// # Errors
    /// The store's error.
    pub fn size(&self) -> Result<u64, JournalError> {
        self.store()?.db.size_on_disk().map_err(store_error)
    }

    fn store(&self) -> Result<&Store, JournalError> {
        self.store
            .as_ref()
            .ok_or_else(|| JournalError::Store("closed after a failure".to_owned()))
    }

    fn walk(&self, from: Sequence) -> Result<Walk<Blocks<'_>>, JournalError> {
        let tree = &self.store()?.tree;
        // The block that holds `from` may begin before it.
        let first = match tree.get_lt(key(from.next())).map_err(store_error)? {
            Some((key, _)) => sequence(&key)?,
            None => Sequence(0),
        };
        let is_start = first == Sequence(0);
        let blocks = tree.range(key(first)..).map(|pair| {
            let (key, bytes) = pair.map_err(store_error)?;
            Ok((sequence(&key)?, bytes))
        });
        Ok(Walk::new(
            Box::new(blocks),
            is_start.then_some(Sequence(0)),
            from,
            is_start.then_some(GENESIS),
        ))
    }
}

impl Journal for Embedded {
    fn next(&self) -> Sequence {
        self.next
    }

    fn append(&mut self, expected: Sequence, records: &[Record]) -> Result<Sequence, JournalError> {
        if expected != self.next {
            return Err(JournalError::Conflict {
                expected,
                actual: self.next,
            });
        }
        if records.is_empty() {
            return Ok(self.next);
        }
        let (blocks, head) = block::seal(records, self.head);
        let mut batch = sled::Batch::default();
        for sealed in blocks {
            batch.insert(&key(sealed.first), sealed.bytes);
        }
        self.store()?.tree.apply_batch(batch).map_err(store_error)?;
        self.is_dirty = true;
        self.head = head;
        self.next = self.next.advanced(records.len());
        Ok(self.next)
    }

    fn flush(&mut self) -> Result<Sequence, JournalError> {
        if self.is_dirty {
            self.store()?.flush()?;
            self.is_dirty = false;
        }
        Ok(self.next)
    }

    fn recover(&mut self) -> Result<Sequence, JournalError> {
        // After an I/O error sled refuses everything until it is opened anew.
        self.store = None;
        let store = Store::open(&self.path)?;
        (self.next, self.head) = store.end()?;
        self.store = Some(store);
        // Whether what is there has reached the disk is not known: flush again.
        self.is_dirty = true;
        Ok(self.next)
    }

    fn read_from(&self, sequence: Sequence) -> Records<'_> {
        match self.walk(sequence) {
            Ok(walk) => Box::new(walk),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn verify(&self) -> Result<Verified, JournalError> {
        let mut walk = self.walk(Sequence(0))?;
        let mut records = 0;
        for record in walk.by_ref() {
            record?;
            records += 1;
        }
        Ok(Verified {
            records,
            head: walk.head().unwrap_or(GENESIS),
        })
    }
}

#[cfg(test)]
#[path = "embedded_tests.rs"]
mod tests;
