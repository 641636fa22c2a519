//! Who the members of a campaign are. The chain of records holds no person: it names members by their place in the campaign,
//! and each record that adds some holds a proof of who they are. Who they are stands here, in one small file per campaign
//! that can be overwritten, so that persons can be forgotten and the chain stays as it is.
//!
//! A file is a row of entries of 32 bytes, one per place: kind (1), zeros (3), content (24), CRC-32 of these, the campaign
//! and the place (4). The content of a person is the directory's number (8, little-endian) and 16 random bytes; that of an
//! erased one is SHA-256 over the random bytes, campaign, place and number, cut to 24 bytes. Without the random bytes nobody
//! can find out by trying whose it was. The proof in the record is SHA-256 over these hashes of all whom it adds: it holds
//! while some are erased, and tells nothing when the file is gone.
//!
//! Entries are durable before the record that proves them is given to the store; they are overwritten before the record that
//! says so is. A crash in between leaves a person forgotten of whom the records do not say so yet: the dialer says it then.

use super::JournalError;
use super::files::{Files, InMemory};
use super::store::io_error;
use crate::contact::{altered, anonymous, gone};
use crate::{CampaignId, Event, RecipientId, Record};
use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

const ENTRY: usize = 32;
const PERSON: u8 = 1;
const ERASED: u8 = 2;
const SALT: usize = 16;
const LEAF: usize = 24;

/// What a record holds of those whom it adds.
pub(crate) type Proof = [u8; 32];

type Salt = [u8; SALT];
type Leaf = [u8; LEAF];

/// The lists of all campaigns of a journal. Cheap to clone; all clones are the same lists.
#[derive(Clone)]
pub(crate) struct Roster {
    files: Arc<dyn Files>,
    /// Files written to and not durable yet.
    unsynced: Arc<RwLock<BTreeSet<u64>>>,
    salts: fn(CampaignId, u32, &mut [Salt]) -> io::Result<()>,
}

impl Default for Roster {
    /// In memory, and the same in every run: for simulations and tests.
    fn default() -> Self {
        Self {
            salts: |campaign, first, salts| {
                for (place, salt) in (first..).zip(salts) {
                    let bytes = Sha256::new()
                        .chain_update(campaign.0.to_le_bytes())
                        .chain_update(place.to_le_bytes())
                        .finalize();
                    salt.copy_from_slice(&bytes[..SALT]);
                }
                Ok(())
            },
            ..Self::on(InMemory::default())
        }
    }
}

enum Entry {
    Person(RecipientId, Salt),
    Erased(Leaf),
    /// Nothing was written there, or it was overwritten.
    Empty,
    Broken,
}

fn leaf(campaign: CampaignId, place: u32, recipient: RecipientId, salt: &Salt) -> Leaf {
    let hash = Sha256::new()
        .chain_update(salt)
        .chain_update(campaign.0.to_le_bytes())
        .chain_update(place.to_le_bytes())
        .chain_update(recipient.0.to_le_bytes())
        .finalize();
    let mut leaf = [0; LEAF];
    leaf.copy_from_slice(&hash[..LEAF]);
    leaf
}

fn checksum(campaign: CampaignId, place: u32, bytes: &[u8]) -> [u8; 4] {
    let mut hash = crc32fast::Hasher::new();
    hash.update(bytes);
    hash.update(&campaign.0.to_le_bytes());
    hash.update(&place.to_le_bytes());
    hash.finalize().to_le_bytes()
}

impl Entry {
    fn read(bytes: &[u8], campaign: CampaignId, place: u32) -> Self {
        if bytes.iter().all(|byte| *byte == 0) {
            return Self::Empty;
        }
        let (Some((body, crc)), Some(content)) = (bytes.split_at_checked(ENTRY - 4), bytes.get(4..ENTRY - 4)) else {
            return Self::Broken;
        };
        let (number, salt) = content.split_at(8);
        match (bytes[0], number.try_into(), salt.try_into(), content.try_into()) {
            _ if checksum(campaign, place, body) != crc => Self::Broken,
            (PERSON, Ok(number), Ok(salt), _) => Self::Person(RecipientId(u64::from_le_bytes(number)), salt),
            (ERASED, _, _, Ok(leaf)) => Self::Erased(leaf),
            _ => Self::Broken,
        }
    }

    fn write(&self, campaign: CampaignId, place: u32) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        match self {
            Self::Person(recipient, salt) => {
                bytes[0] = PERSON;
                bytes[4..12].copy_from_slice(&recipient.0.to_le_bytes());
                bytes[12..ENTRY - 4].copy_from_slice(salt);
            }
            Self::Erased(leaf) => {
                bytes[0] = ERASED;
                bytes[4..ENTRY - 4].copy_from_slice(leaf);
            }
            Self::Empty | Self::Broken => return bytes,
        }
        let crc = checksum(campaign, place, &bytes[..ENTRY - 4]);
        bytes[ENTRY - 4..].copy_from_slice(&crc);
        bytes
    }
}

fn offset(place: u32) -> u64 {
    u64::from(place) * ENTRY as u64
}

struct Prover(Sha256);

impl Prover {
    fn new(campaign: CampaignId, first: u32, count: usize) -> Self {
        let hash = Sha256::new()
            .chain_update(campaign.0.to_le_bytes())
            .chain_update(first.to_le_bytes())
            .chain_update((count as u64).to_le_bytes());
        Self(hash)
    }

    fn proof(self) -> Proof {
        self.0.finalize().into()
    }
}

impl Roster {
    pub(super) fn on(files: impl Files + 'static) -> Self {
        Self {
            files: Arc::new(files),
            unsynced: Arc::default(),
            salts: |_, _, salts| OsRng.try_fill_bytes(salts.as_flattened_mut()).map_err(io::Error::other),
        }
    }

    fn reading(&self) -> RwLockReadGuard<'_, BTreeSet<u64>> {
        self.unsynced.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn writing(&self) -> RwLockWriteGuard<'_, BTreeSet<u64>> {
        self.unsynced.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Notes who has the places of a campaign from `first` on; gives the proof for the record. What is there of a record that
    /// did not come to be is replaced. Durable after [`Roster::sync`].
    pub(crate) fn enrol(
        &self,
        campaign: CampaignId,
        first: u32,
        recipients: &[RecipientId],
    ) -> Result<Proof, JournalError> {
        let mut unsynced = self.writing();
        let known = self
            .files
            .read(campaign.0, offset(first), recipients.len() * ENTRY)
            .map_err(|error| io_error(&error))?
            .unwrap_or_default();
        let mut salts = vec![[0; SALT]; recipients.len()];
        (self.salts)(campaign, first, &mut salts).map_err(|error| io_error(&error))?;
        let mut prover = Prover::new(campaign, first, recipients.len());
        let mut bytes = Vec::with_capacity(recipients.len() * ENTRY);
        let mut known = known.chunks_exact(ENTRY);
        for ((place, recipient), salt) in (first..).zip(recipients).zip(salts) {
            // A record that is written again after an error keeps its proof.
            let salt = match known.next().map(|entry| Entry::read(entry, campaign, place)) {
                Some(Entry::Person(same, salt)) if same == *recipient => salt,
                _ => salt,
            };
            prover.0.update(leaf(campaign, place, *recipient, &salt));
            bytes.extend_from_slice(&Entry::Person(*recipient, salt).write(campaign, place));
        }
        unsynced.insert(campaign.0);
        let end = offset(first) + bytes.len() as u64;
        self.files
            .write(campaign.0, offset(first), &bytes)
            .and_then(|()| self.files.cut(campaign.0, end))
            .map_err(|error| io_error(&error))?;
        Ok(prover.proof())
    }

    /// Makes everything that was enrolled durable.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        let mut unsynced = self.writing();
        while let Some(name) = unsynced.first().copied() {
            self.files.sync(name).map_err(|error| io_error(&error))?;
            unsynced.remove(&name);
        }
        Ok(())
    }

    /// Who has the places of a campaign from `first` on. Who was erased is told by their place; so are those whose entries are
    /// gone, and those whose entries are not what the record proves.
    pub(crate) fn members(
        &self,
        campaign: CampaignId,
        first: u32,
        count: usize,
        proof: &Proof,
    ) -> Result<Vec<RecipientId>, JournalError> {
        let bytes = {
            let _held = self.reading();
            let read = self.files.read(campaign.0, offset(first), count * ENTRY);
            read.map_err(|error| io_error(&error))?.unwrap_or_default()
        };
        let mut entries = bytes.chunks(ENTRY);
        let mut prover = Some(Prover::new(campaign, first, count));
        let mut members = Vec::with_capacity(count);
        for place in (first..).take(count) {
            let entry = entries
                .next()
                .map_or(Entry::Empty, |entry| Entry::read(entry, campaign, place));
            let (member, leaf) = match entry {
                Entry::Person(recipient, salt) => (recipient, Some(leaf(campaign, place, recipient, &salt))),
                Entry::Erased(leaf) => (anonymous(place as usize), Some(leaf)),
                Entry::Empty => (gone(place), None),
                Entry::Broken => (altered(place), None),
            };
            members.push(member);
            prover = prover.zip(leaf).map(|(mut prover, leaf)| {
                prover.0.update(leaf);
                prover
            });
        }
        if prover.is_some_and(|prover| prover.proof() != *proof) {
            return Ok((first..).take(count).map(altered).collect());
        }
        Ok(members)
    }

    /// Forgets whom records say to forget. What cannot be forgotten now is no reason to stop an alert: it is said, and tried
    /// again at the next start.
    pub(super) fn forget_in(&self, records: &[Record]) {
        for record in records {
            match &record.event {
                Event::CampaignAnonymised { campaign } => self.forget(*campaign, None),
                Event::RecipientErased { members, .. } => {
                    let members = members.iter();
                    members.for_each(|(campaign, place)| self.forget(*campaign, Some(*place)));
                }
                _ => {}
            }
        }
    }

    /// Forgets a member of a campaign, or all of them.
    pub(crate) fn forget(&self, campaign: CampaignId, place: Option<u32>) {
        let done = match place {
            Some(place) => self.erase(campaign, place),
            None => self.destroy(campaign),
        };
        if let Err(error) = done {
            tracing::error!(
                %campaign, %error,
                "persons of a campaign could not be forgotten; this is tried again when tocsin is started anew"
            );
        }
    }

    /// Overwrites one entry, so that what is left of it still proves the others.
    fn erase(&self, campaign: CampaignId, place: u32) -> io::Result<()> {
        let _held = self.writing();
        let Some(bytes) = self.files.read(campaign.0, offset(place), ENTRY)? else {
            return Ok(());
        };
        let Entry::Person(recipient, salt) = Entry::read(&bytes, campaign, place) else {
            return Ok(());
        };
        let erased = Entry::Erased(leaf(campaign, place, recipient, &salt));
        self.files
            .write(campaign.0, offset(place), &erased.write(campaign, place))?;
        self.files.sync(campaign.0)
    }

    /// Overwrites a whole list, and takes it away.
    fn destroy(&self, campaign: CampaignId) -> io::Result<()> {
        let mut unsynced = self.writing();
        unsynced.remove(&campaign.0);
        let Some(length) = self.files.length(campaign.0)? else {
            return Ok(());
        };
        let zeros = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.files.write(campaign.0, 0, &zeros)?;
        self.files.sync(campaign.0)?;
        self.files.remove(campaign.0)
    }

    /// Every list as it is.
    pub(super) fn lists(&self) -> Result<Vec<CampaignId>, JournalError> {
        let names = self.files.names().map_err(|error| io_error(&error))?;
        Ok(names.into_iter().map(CampaignId).collect())
    }

    /// The entries of a list, as they are stored.
    pub(super) fn entries(&self, campaign: CampaignId) -> Result<Vec<u8>, JournalError> {
        let _held = self.reading();
        let length = self.files.length(campaign.0).map_err(|error| io_error(&error))?;
        let length = usize::try_from(length.unwrap_or(0)).unwrap_or(usize::MAX);
        let read = self.files.read(campaign.0, 0, length);
        Ok(read.map_err(|error| io_error(&error))?.unwrap_or_default())
    }

    /// Takes over a list from another journal, durably.
    pub(super) fn adopt(&self, campaign: CampaignId, entries: &[u8]) -> Result<(), JournalError> {
        {
            let mut unsynced = self.writing();
            unsynced.insert(campaign.0);
            let length = entries.len() as u64;
            self.files
                .write(campaign.0, 0, entries)
                .and_then(|()| self.files.cut(campaign.0, length))
                .map_err(|error| io_error(&error))?;
        }
        self.sync()
    }
}

#[cfg(test)]
#[path = "roster_tests.rs"]
mod tests;
