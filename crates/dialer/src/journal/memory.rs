//! A journal in memory that fails like a disk: for simulations and tests.

use super::block::{self, Head, Sealed};
use super::reader::{self, Reader};
use super::store::{Blocks, Shelf};
use super::{Journal, JournalError, Records, Roster, Verified};
use crate::{CampaignId, Record, Sequence};
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
    roster: Roster,
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
}

impl Shelf for Vec<Sealed> {
    fn last(&self) -> Result<Option<(Sequence, Vec<u8>)>, JournalError> {
        let last = self.as_slice().last();
        Ok(last.map(|block| (block.first, block.bytes.clone())))
    }

    fn floor(&self, record: Sequence) -> Result<Option<Sequence>, JournalError> {
        let after = self.partition_point(|block| block.first <= record);
        Ok(after.checked_sub(1).map(|at| self[at].first))
    }

    fn blocks(&self, first: Sequence) -> Blocks {
        let at = self.partition_point(|block| block.first < first);
        let blocks = self[at..].to_vec();
        Box::new(blocks.into_iter().map(|block| Ok((block.first, block.bytes))))
    }
}

impl Journal for Memory {
    fn next(&self) -> Sequence {
        self.next
    }

    fn head(&self) -> [u8; 32] {
        self.head
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
        let (blocks, head) = block::seal(records, self.head, &self.roster)?;
        self.roster.forget_in(records);
        self.blocks.extend(blocks);
        self.head = head;
        self.next = self.next.advanced(records.len());
        Ok(self.next)
    }

    fn adopt(&mut self, expected: Sequence, block: Vec<u8>) -> Result<Sequence, JournalError> {
        let opened = block::open(&block, expected, Some(&self.head), None)?;
        if expected != self.next {
            return Err(JournalError::Conflict {
                expected,
                actual: self.next,
            });
        }
        self.blocks.push(Sealed {
            first: expected,
            bytes: block,
        });
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
        reader::records(&self.blocks, &self.roster, sequence, self.next)
    }

    fn verify(&self) -> Result<Verified, JournalError> {
        reader::verify(&self.blocks, &self.roster, self.next)
    }

    fn reader(&self) -> Result<Reader, JournalError> {
        let (blocks, end, head) = self.durable;
        let blocks = Box::new(self.blocks[..blocks].to_vec());
        Ok(Reader::new(blocks, self.roster.clone(), end, head))
    }
}
