//! The journal: an append-only sequence of records, and beside it the lists of who the members of campaigns are, which can be
//! forgotten. Everything else is its fold.
//!
//! All access goes through [`Journal`], so that another engine can take the place of the embedded one.

mod backup;
mod block;
mod embedded;
mod files;
mod memory;
mod on_redb;
mod on_sled;
mod reader;
mod roster;
mod store;

pub use backup::{NotRestored, Restored, open_backup, restore, write_backup};
pub use embedded::Embedded;
pub use memory::{Faults, Memory};
pub use reader::Reader;
pub(crate) use roster::{Proof, Roster};
pub use store::Engine;

use crate::{CampaignId, Record, Sequence};

/// An append-only, durable sequence of records.
pub trait Journal: Send {
    /// The place that the next record takes.
    fn next(&self) -> Sequence;

    /// The hash chain's head after everything that was appended.
    fn head(&self) -> [u8; 32];

    /// Appends records whose sequences follow each other from `expected` on. They are durable only after the next
    /// [`Journal::flush`]. After an error none, some or all of them may be there: see [`Journal::recover`].
    ///
    /// # Errors
    /// [`JournalError::Conflict`] if `expected` is not [`Journal::next`]; else the store's error.
    fn append(&mut self, expected: Sequence, records: &[Record]) -> Result<Sequence, JournalError>;

    /// Appends one block as another journal stored it, so that the copy is the same to the last bit, whichever version of
    /// the program wrote it.
    ///
    /// # Errors
    /// As for [`Journal::append`]; and when the block does not follow from what is there.
    fn adopt(&mut self, expected: Sequence, block: Vec<u8>) -> Result<Sequence, JournalError>;

    /// Takes over the list of a campaign's members as another journal stored it, before the blocks that prove it.
    ///
    /// # Errors
    /// The store's error.
    fn adopt_list(&mut self, campaign: CampaignId, entries: &[u8]) -> Result<(), JournalError>;

    /// Forgets persons again of whom the records say that they were forgotten (see [`crate::Dialer::forgotten`]): at the start,
    /// in case that it could not be done at the time.
    fn forget(&mut self, persons: &[(CampaignId, Option<u32>)]);

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

    /// What is durable now, to be read by another thread while this one goes on writing.
    ///
    /// # Errors
    /// The store's error.
    fn reader(&self) -> Result<Reader, JournalError>;
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
    /// Nobody knows who the members of a campaign are.
    #[error(
        "the list of the people of campaign {campaign} {what}: restore the newest backup with `tocsin journal restore`. \
         Nothing else is lost"
    )]
    Members {
        /// Which campaign.
        campaign: CampaignId,
        /// What is wrong.
        what: &'static str,
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
    #[error("the journal folder {0} is in use by another program: is tocsin running?")]
    InUse(String),
    /// Cannot be opened.
    #[error("the journal folder {0} cannot be opened: {1}")]
    Open(String, String),
    /// Kept in another engine.
    #[error(
        "the journal in {folder} is kept in {found}, and the configuration says {wanted}: write store = \"{found}\" in \
         [journal], or move it with `tocsin journal backup` and `tocsin journal restore --replace`"
    )]
    Engine {
        /// The folder.
        folder: String,
        /// What it is kept in.
        found: Engine,
        /// What was asked for.
        wanted: Engine,
    },
    /// A backup cannot be used.
    #[error("the backup {path} cannot be used: {what}")]
    Backup {
        /// The file.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// Any other error of the store.
    #[error("the journal could not be written or read: {0}")]
    Store(String),
}

/// A head as people compare it: in hexadecimal.
#[must_use]
pub fn hex(head: &[u8; 32]) -> String {
    head.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Copies a whole journal, bit by bit, into another one, which must be empty.
///
/// # Errors
/// Damage in the source, or the target's error.
pub fn copy(from: &Reader, to: &mut dyn Journal) -> Result<Verified, JournalError> {
    for campaign in from.roster().lists()? {
        to.adopt_list(campaign, &from.roster().entries(campaign)?)?;
    }
    let mut expected = Sequence(0);
    for block in from.blocks(expected) {
        expected = to.adopt(expected, block?.1)?;
    }
    if expected != from.end() {
        return Err(JournalError::Damaged {
            at: expected,
            what: format!("records are missing: there must be {}", from.end()),
        });
    }
    to.flush()?;
    to.verify()
}
