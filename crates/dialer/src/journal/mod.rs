//! The journal: an append-only sequence of records. Everything else is its fold.
//!
//! All access goes through [`Journal`], so that another engine can take the place of the embedded one.

mod block;
mod embedded;
mod memory;

pub use embedded::Embedded;
pub use memory::{Faults, Memory};

use crate::{Record, Sequence};

/// An append-only, durable sequence of records.
pub trait Journal: Send {
    /// The place that the next record takes.
    fn next(&self) -> Sequence;

    /// Appends records whose sequences follow each other from `expected` on. They are durable only after the next
    /// [`Journal::flush`]. After an error none, some or all of them may be there: see [`Journal::recover`].
    ///
    /// # Errors
    /// [`JournalError::Conflict`] if `expected` is not [`Journal::next`]; else the store's error.
    fn append(&mut self, expected: Sequence, records: &[Record]) -> Result<Sequence, JournalError>;

    /// Makes everything appended so far durable; returns the place after the last durable record.
    ///
    /// # Errors
    /// The store's error; what was appended may or may not be durable.
    fn flush(&mut self) -> Result<Sequence, JournalError>;

    /// Brings the journal back into use after an error; returns the place after the last record that is there.
    ///
    /// # Errors
    /// If it still cannot be used.
    fn recover(&mut self) -> Result<Sequence, JournalError>;

    /// Reads records from a place on, in order, checked.
    ///
    /// # Errors
    /// In the items: damage, with the place where it begins.
    fn read_from(&self, sequence: Sequence) -> Records<'_>;

    /// Reads everything and checks every checksum and the hash chain.
    ///
    /// # Errors
    /// The first damage found.
    fn verify(&self) -> Result<Verified, JournalError>;
}

/// Records as they are read.
pub type Records<'a> = Box<dyn Iterator<Item = Result<Record, JournalError>> + 'a>;

/// The result of a complete check of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Records read.
    pub records: u64,
    /// SHA-256 at the end of the chain: two journals with the same head hold the same records.
    pub head: [u8; 32],
}

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Somebody else appended.
    #[error("the journal is at record {actual}, not {expected}: is a second program writing to it?")]
    Conflict {
        /// Where the caller thought it was.
        expected: Sequence,
        /// Where it is.
        actual: Sequence,
    },
    /// The bytes on disk are not what was written.
    #[error(
        "the journal is damaged from record {at} on ({what}). Stop the program, copy the journal folder away, and restore \
         the newest backup with `tocsin journal restore`; `tocsin journal verify` shows how far a journal is intact"
    )]
    Damaged {
        /// The first record that cannot be trusted.
        at: Sequence,
        /// What is wrong.
        what: String,
    },
    /// Written by a newer program.
    #[error("the journal was written in format {found}; this program reads up to {known}: install the newer program")]
    Version {
        /// Its format.
        found: u8,
        /// The newest format that this program reads.
        known: u8,
    },
    /// No space left.
    #[error("the disk that holds the journal is full: free some space; the journal goes on by itself")]
    Full,
    /// In use.
    #[error("the journal folder {0} is in use by another program, or cannot be opened: {1}")]
    Open(String, String),
    /// Any other error of the store.
    #[error("the journal could not be written or read: {0}")]
    Store(String),
}

/// Copies every record of one journal into another one, which must be empty: backup and restore.
///
/// # Errors
/// Damage in the source, or the target's error.
pub fn copy(from: &dyn Journal, to: &mut dyn Journal) -> Result<Verified, JournalError> {
    const BATCH: usize = 1_000;
    let mut batch = Vec::with_capacity(BATCH);
    let mut expected = Sequence(0);
    for record in from.read_from(expected) {
        batch.push(record?);
        if batch.len() == BATCH {
            expected = to.append(expected, &batch)?;
            batch.clear();
        }
    }
    to.append(expected, &batch)?;
    to.flush()?;
    to.verify()
}
