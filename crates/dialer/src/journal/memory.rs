//! A journal in memory that fails like a disk: for simulations and tests.

use super::block::{self, GENESIS, Head, Sealed, Walk};
use super::{Journal, JournalError, Records, Verified};
use crate::{Record, Sequence};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Faults of the pretended disk; may be switched while the journal is in use.
#[derive(Debug, Default)]
pub struct Faults {
    /// Nothing more can be written.
    pub is_full: AtomicBool,
    /// Each flush takes this many milliseconds.
    pub flush_ms: AtomicU64,
    /// Flushes done.
    pub flushes: AtomicU64,
}

/// A journal in memory. What is appended and not flushed is lost in a [`Memory::crash`].
#[derive(Default)]
pub struct Memory {
    blocks: Vec<Sealed>,
    /// Blocks, records and head that a crash leaves.
    durable: (usize, Sequence, Head),
    next: Sequence,
    head: Head,
    faults: Arc<Faults>,
}

impl Memory {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The switches of its faults.
    #[must_use]
    pub fn faults(&self) -> Arc<Faults> {
        Arc::clone(&self.faults)
    }

    /// The machine stops: what was not flushed is gone.
    pub fn crash(&mut self) {
        let (blocks, next, head) = self.durable;
        self.blocks.truncate(blocks);
        (self.next, self.head) = (next, head);
    }

    /// The place after the last record that a crash leaves.
    #[must_use]
    pub fn durable(&self) -> Sequence {
        self.durable.1
    }

    fn walk(&self, from: Sequence) -> Walk<impl Iterator<Item = Result<(Sequence, &[u8]), JournalError>>> {
        let blocks = self
            .blocks
            .iter()
            .map(|block| Ok((block.first, block.bytes.as_slice())));
        Walk::new(blocks, Some(Sequence(0)), from, Some(GENESIS))
    }
}

impl Journal for Memory {
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
        if self.faults.is_full.load(Ordering::Relaxed) {
            return Err(JournalError::Full);
        }
        let (blocks, head) = block::seal(records, self.head);
        self.blocks.extend(blocks);
        self.head = head;
        self.next = self.next.advanced(records.len());
        Ok(self.next)
    }

    fn flush(&mut self) -> Result<Sequence, JournalError> {
        let wait = self.faults.flush_ms.load(Ordering::Relaxed);
        if wait > 0 {
            std::thread::sleep(Duration::from_millis(wait));
        }
        if self.faults.is_full.load(Ordering::Relaxed) {
            return Err(JournalError::Full);
        }
        self.faults.flushes.fetch_add(1, Ordering::Relaxed);
        self.durable = (self.blocks.len(), self.next, self.head);
        Ok(self.next)
    }

    fn recover(&mut self) -> Result<Sequence, JournalError> {
        if self.faults.is_full.load(Ordering::Relaxed) {
            return Err(JournalError::Full);
        }
        Ok(self.next)
    }

    fn read_from(&self, sequence: Sequence) -> Records<'_> {
        Box::new(self.walk(sequence))
    }

    fn verify(&self) -> Result<Verified, JournalError> {
        let mut walk = self.walk(Sequence(0));
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
