//! The journal in a folder, on an embedded store.

use super::block::{self, Head};
use super::files::Folder;
use super::reader::{self, Reader};
use super::store::{Engine, Store, io_error};
use super::{Journal, JournalError, Records, Roster, Verified};
use crate::{CampaignId, Record, Sequence};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The file whose lock says that the folder is in use.
const LOCK: &str = "lock";
/// The folder of the lists of members.
const MEMBERS: &str = "members";

/// The journal in a folder.
pub struct Embedded {
    path: PathBuf,
    engine: Engine,
    /// `None` only between a failure and the next successful [`Journal::recover`].
    store: Option<Box<dyn Store>>,
    roster: Roster,
    next: Sequence,
    head: Head,
    /// The end that the last flush made durable.
    durable: (Sequence, Head),
    /// Whether anything was appended since the last flush.
    is_dirty: bool,
    _lock: File,
}

/// Holds a journal's folder until it is dropped, so that nobody else opens it.
pub(super) fn lock(folder: &Path) -> Result<File, JournalError> {
    let refused = |error: &dyn std::fmt::Display| JournalError::Open(folder.display().to_string(), error.to_string());
    std::fs::create_dir_all(folder).map_err(|error| refused(&error))?;
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK))
        .map_err(|error| match io_error(&error) {
            JournalError::Full => JournalError::Full,
            _ => refused(&error),
        })?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(JournalError::InUse(folder.display().to_string())),
        Err(TryLockError::Error(error)) => Err(refused(&error)),
    }
}

impl Embedded {
    /// Opens the journal in a folder; one is made with the usual engine if there is none.
    ///
    /// # Errors
    /// When the folder cannot be used, is in use, or its last record is damaged.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Self::open_with(path, Engine::found(path).unwrap_or_default())
    }

    /// Opens the journal in a folder with this engine; one is made if there is none.
    ///
    /// # Errors
    /// When the folder cannot be used, is in use, holds a journal of another engine, or its last record is damaged.
    pub fn open_with(path: &Path, engine: Engine) -> Result<Self, JournalError> {
        let lock = lock(path)?;
        if let Some(found) = Engine::found(path).filter(|found| *found != engine) {
            return Err(JournalError::Engine {
                folder: path.display().to_string(),
                found,
                wanted: engine,
            });
        }
        Self::with(path, engine, lock)
    }

    /// The journal in a folder of which the caller holds the lock.
    pub(super) fn held(path: &Path) -> Result<Self, JournalError> {
        let engine = Engine::found(path).unwrap_or_default();
        let lock = File::open(path.join(LOCK)).map_err(|error| io_error(&error))?;
        Self::with(path, engine, lock)
    }

    fn with(path: &Path, engine: Engine, lock: File) -> Result<Self, JournalError> {
        let store = engine.open(path)?;
        let (next, head) = reader::end_of(&*store.shelf()?)?;
        Ok(Self {
            path: path.to_owned(),
            engine,
            store: Some(store),
            roster: Roster::on(Folder(path.join(MEMBERS))),
            next,
            head,
            durable: (next, head),
            is_dirty: false,
            _lock: lock,
        })
    }

    /// What it is kept in.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Bytes that its files take on disk.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn size(&self) -> Result<u64, JournalError> {
        size(&self.path).map_err(|error| io_error(&error))
    }

    fn store(&self) -> Result<&dyn Store, JournalError> {
        self.store.as_deref().ok_or_else(closed)
    }

    fn store_mut(&mut self) -> Result<&mut (dyn Store + 'static), JournalError> {
        self.store.as_deref_mut().ok_or_else(closed)
    }

    fn expect(&self, expected: Sequence) -> Result<(), JournalError> {
        if expected == self.next {
            Ok(())
        } else {
            Err(JournalError::Conflict {
                expected,
                actual: self.next,
            })
        }
    }
}

fn closed() -> JournalError {
    JournalError::Store("closed after a failure".to_owned())
}

fn size(path: &Path) -> std::io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() {
            size(&entry.path())?
        } else {
            entry.metadata()?.blocks() * 512
        };
    }
    Ok(bytes)
}

impl Journal for Embedded {
    fn next(&self) -> Sequence {
        self.next
    }

    fn head(&self) -> [u8; 32] {
        self.head
    }

    fn append(&mut self, expected: Sequence, records: &[Record]) -> Result<Sequence, JournalError> {
        self.expect(expected)?;
        if records.is_empty() {
            return Ok(self.next);
        }
        // Who the members are is durable before the records that prove it; what is forgotten is so before they say it.
        let (blocks, head) = block::seal(records, self.head, &self.roster)?;
        self.roster.sync()?;
        self.roster.forget_in(records);
        self.is_dirty = true;
        self.store_mut()?.put(blocks)?;
        self.head = head;
        self.next = self.next.advanced(records.len());
        Ok(self.next)
    }

    fn adopt(&mut self, expected: Sequence, block: Vec<u8>) -> Result<Sequence, JournalError> {
        self.expect(expected)?;
        let opened = block::open(&block, expected, Some(&self.head), None)?;
        self.is_dirty = true;
        self.store_mut()?.put(vec![block::Sealed {
            first: expected,
            bytes: block,
        }])?;
        self.head = opened.head;
        self.next = self.next.advanced(opened.records.len());
        Ok(self.next)
    }

    fn adopt_list(&mut self, campaign: CampaignId, entries: &[u8]) -> Result<(), JournalError> {
        self.roster.adopt(campaign, entries)
    }

    fn forget(&mut self, persons: &[(CampaignId, Option<u32>)]) {
        for (campaign, place) in persons {
            self.roster.forget(*campaign, *place);
        }
    }

    fn flush(&mut self) -> Result<Sequence, JournalError> {
        if self.is_dirty {
            self.store_mut()?.flush()?;
            self.is_dirty = false;
        }
        self.durable = (self.next, self.head);
        Ok(self.next)
    }

    fn recover(&mut self) -> Result<Sequence, JournalError> {
        // After an I/O error the stores refuse everything until they are opened anew.
        self.store = None;
        let store = self.engine.open(&self.path)?;
        (self.next, self.head) = reader::end_of(&*store.shelf()?)?;
        self.store = Some(store);
        // Whether what is there has reached the disk is not known: flush again.
        self.is_dirty = true;
        Ok(self.next)
    }

    fn read_from(&self, sequence: Sequence) -> Records<'_> {
        match self.store().and_then(Store::shelf) {
            Ok(shelf) => reader::records(&*shelf, &self.roster, sequence, self.next),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn verify(&self) -> Result<Verified, JournalError> {
        reader::verify(&*self.store()?.shelf()?, &self.roster, self.next)
    }

    fn reader(&self) -> Result<Reader, JournalError> {
        let (end, head) = self.durable;
        Ok(Reader::new(self.store()?.shelf()?, self.roster.clone(), end, head))
    }
}

#[cfg(test)]
#[path = "embedded_tests.rs"]
pub(in crate::journal) mod tests;

#[cfg(test)]
#[path = "power_tests.rs"]
mod power_tests;
