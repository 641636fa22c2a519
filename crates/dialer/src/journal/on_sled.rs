//! The journal's blocks in sled.
//!
//! sled 0.34 makes writes durable with `sync_file_range` on Linux, which neither empties the disk's own cache nor
//! writes the file's size: enough for a killed process, not for a power loss. Each flush is therefore followed by a
//! full `fsync` of sled's file.

use super::JournalError;
use super::block::Sealed;
use super::store::{self, Blocks, Shelf, io_error};
use crate::Sequence;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// sled's data file.
pub(super) const FILE: &str = "db";
const TREE: &str = "records";
/// Memory that sled may use for its pages; the journal is read once at start.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;
/// How often, and at what distance, a store that is still being closed is tried again: ten seconds in all.
const LOCK_TRIES: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

pub(super) struct Store {
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

/// Opens the store once threads of an earlier one have let go of its lock. That they are of this very process is sure: the caller
/// holds the folder's own lock, which no other process can hold at the same time.
fn open_once_free(config: &sled::Config) -> sled::Result<sled::Db> {
    let mut tries = 0;
    loop {
        match config.open() {
            Err(sled::Error::Io(error))
                if tries < LOCK_TRIES && error.to_string().contains("could not acquire lock") =>
            {
                tries += 1;
                std::thread::sleep(LOCK_PAUSE);
            }
            done => return done,
        }
    }
}

/// Takes away snapshots that are not whole; whether there were any. sled writes one when it is opened, and with a full disk
/// it leaves an empty one behind, on which it then refuses to open for ever. A snapshot only saves reading: without one, sled
/// reads its log from the beginning.
fn drop_broken_snapshots(folder: &Path) -> bool {
    let mut was_any = false;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with("snap.") {
            continue;
        }
        let path = entry.path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        // Content, its length (8), its CRC-32 (4).
        let is_whole = bytes.split_last_chunk::<4>().is_some_and(|(rest, crc)| {
            let content = rest.len().checked_sub(8).and_then(|end| rest.get(..end));
            content.is_some_and(|content| !content.is_empty() && crc32fast::hash(content).to_le_bytes() == *crc)
        });
        if !is_whole && std::fs::remove_file(&path).is_ok() {
            tracing::warn!(path = %path.display(), "a snapshot of the journal's store was not whole; its log is read instead");
            was_any = true;
        }
    }
    was_any
}

impl Store {
    pub(super) fn open(folder: &Path) -> Result<Self, JournalError> {
        let refused =
            |error: &dyn std::fmt::Display| JournalError::Open(folder.display().to_string(), error.to_string());
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None);
        let mut opened = open_once_free(&config);
        if matches!(opened, Err(sled::Error::Corruption { .. })) && drop_broken_snapshots(folder) {
            opened = open_once_free(&config);
        }
        let db = opened.map_err(|error| match error {
            sled::Error::Corruption { .. } => JournalError::Damaged {
                at: Sequence(0),
                what: format!("the store cannot be opened: {error}"),
            },
            sled::Error::Io(error) if matches!(io_error(&error), JournalError::Full) => JournalError::Full,
            other => refused(&other),
        })?;
        let tree = db.open_tree(TREE).map_err(store_error)?;
        let file = File::open(folder.join(FILE)).map_err(|error| refused(&error))?;
        Ok(Self { db, tree, file })
    }
}

impl store::Store for Store {
    fn put(&mut self, blocks: Vec<Sealed>) -> Result<(), JournalError> {
        let mut batch = sled::Batch::default();
        for sealed in blocks {
            batch.insert(&key(sealed.first), sealed.bytes);
        }
        self.tree.apply_batch(batch).map_err(store_error)
    }

    fn flush(&mut self) -> Result<(), JournalError> {
        self.db.flush().map_err(store_error)?;
        self.file.sync_all().map_err(|error| io_error(&error))
    }

    fn shelf(&self) -> Result<Box<dyn Shelf>, JournalError> {
        Ok(Box::new(self.tree.clone()))
    }
}

impl Shelf for sled::Tree {
    fn last(&self) -> Result<Option<(Sequence, Vec<u8>)>, JournalError> {
        let last = sled::Tree::last(self).map_err(store_error)?;
        last.map(|(key, bytes)| Ok((sequence(&key)?, bytes.to_vec())))
            .transpose()
    }

    fn floor(&self, record: Sequence) -> Result<Option<Sequence>, JournalError> {
        let found = self.get_lt(key(record.next())).map_err(store_error)?;
        found.map(|(key, _)| sequence(&key)).transpose()
    }

    fn blocks(&self, first: Sequence) -> Blocks {
        Box::new(self.range(key(first)..).map(|pair| {
            let (key, bytes) = pair.map_err(store_error)?;
            Ok((sequence(&key)?, bytes.to_vec()))
        }))
    }
}
