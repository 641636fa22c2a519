//! Reading a journal, also while another thread writes to it.

use super::block::{self, GENESIS, Head, Walk};
use super::store::{Blocks, Shelf};
use super::{JournalError, Records, Roster, Verified};
use crate::contact::{Absence, absence};
use crate::{CampaignId, Event, Record, Sequence};
use std::collections::{BTreeMap, BTreeSet};

/// A journal up to what was durable when this reader was made. Another thread may use it while the journal is written to:
/// records are only ever added behind its end.
pub struct Reader {
    shelf: Box<dyn Shelf>,
    roster: Roster,
    end: Sequence,
    head: Head,
}

impl Reader {
    pub(super) fn new(shelf: Box<dyn Shelf>, roster: Roster, end: Sequence, head: Head) -> Self {
        Self {
            shelf,
            roster,
            end,
            head,
        }
    }

    /// The place after its last record, which is the number of its records.
    #[must_use]
    pub fn end(&self) -> Sequence {
        self.end
    }

    /// The hash chain's head after its last record.
    #[must_use]
    pub fn head(&self) -> [u8; 32] {
        self.head
    }

    /// Records from a place on, in order, checked.
    ///
    /// # Errors
    /// In the items: damage, with the place where it begins.
    pub fn records(&self, from: Sequence) -> Records<'_> {
        records(&*self.shelf, &self.roster, from, self.end)
    }

    /// Reads everything and checks every checksum, the hash chain, that nothing is missing at the end, and that the lists of
    /// members are those that the records prove.
    ///
    /// # Errors
    /// The first damage found.
    pub fn verify(&self) -> Result<Verified, JournalError> {
        let verified = verify(&*self.shelf, &self.roster, self.end)?;
        if verified.records != self.end.0 {
            return Err(JournalError::Damaged {
                at: Sequence(verified.records),
                what: format!("records are missing: there must be {}", self.end),
            });
        }
        if verified.head != self.head {
            return Err(JournalError::Damaged {
                at: Sequence(0),
                what: "the hash chain does not end where it must".to_owned(),
            });
        }
        Ok(verified)
    }

    /// The head as it was when the journal held this many records; `None` if it never held so many. Everything before is
    /// checked on the way.
    ///
    /// # Errors
    /// The first damage found.
    pub fn head_at(&self, records: u64) -> Result<Option<[u8; 32]>, JournalError> {
        if records > self.end.0 {
            return Ok(None);
        }
        let mut head = GENESIS;
        let mut expected = Sequence(0);
        for block in self.blocks(Sequence(0)) {
            if expected.0 >= records {
                break;
            }
            let (_, bytes) = block?;
            (expected, head) = block::chain(&bytes, expected, head, Sequence(records))?;
        }
        Ok((expected.0 == records).then_some(head))
    }

    /// The same from what the blocks state, unchecked and without reading all of them: for a report that is made now and
    /// checked later.
    ///
    /// # Errors
    /// When a block cannot be read.
    pub fn stated_head(&self, records: u64) -> Result<Option<[u8; 32]>, JournalError> {
        let (Some(last), true) = (records.checked_sub(1), records <= self.end.0) else {
            return Ok((records == 0).then_some(GENESIS));
        };
        let Some(first) = self.shelf.floor(Sequence(last))? else {
            return Ok(None);
        };
        let before = match first.0.checked_sub(1).map(Sequence) {
            Some(before) => self.shelf.floor(before)?,
            None => None,
        };
        let mut blocks = self.blocks(before.unwrap_or(first));
        let mut head = GENESIS;
        if before.is_some()
            && let Some(block) = blocks.next()
        {
            let (first, bytes) = block?;
            head = block::open(&bytes, first, None, None)?.head;
        }
        match blocks.next() {
            Some(block) => {
                let (first, bytes) = block?;
                let (at, head) = block::chain(&bytes, first, head, Sequence(records))?;
                Ok((at.0 == records).then_some(head))
            }
            None => Ok(None),
        }
    }

    /// Who the members of campaigns are.
    pub(super) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The blocks as they are stored.
    pub(super) fn blocks(&self, first: Sequence) -> Blocks {
        bounded(&*self.shelf, first, self.end)
    }
}

fn bounded(shelf: &dyn Shelf, first: Sequence, end: Sequence) -> Blocks {
    let is_before = move |block: &Result<(Sequence, Vec<u8>), JournalError>| match block {
        Ok((first, _)) => *first < end,
        Err(_) => true,
    };
    Box::new(shelf.blocks(first).take_while(is_before))
}

/// The place after the last record of a shelf, and the head of the chain.
pub(super) fn end_of(shelf: &dyn Shelf) -> Result<(Sequence, Head), JournalError> {
    let Some((first, bytes)) = shelf.last()? else {
        return Ok((Sequence(0), GENESIS));
    };
    let opened = block::open(&bytes, first, None, None)?;
    Ok((first.advanced(opened.records.len()), opened.head))
}

fn walk(shelf: &dyn Shelf, roster: &Roster, from: Sequence, end: Sequence) -> Result<Walk<Blocks>, JournalError> {
    // The block that holds `from` may begin before it.
    let first = shelf.floor(from)?.unwrap_or(Sequence(0));
    let is_start = first == Sequence(0);
    Ok(Walk::new(
        bounded(shelf, first, end),
        is_start.then_some(Sequence(0)),
        from,
        is_start.then_some(GENESIS),
        roster.clone(),
    ))
}

pub(super) fn records(shelf: &dyn Shelf, roster: &Roster, from: Sequence, end: Sequence) -> Records<'static> {
    match walk(shelf, roster, from, end) {
        Ok(walk) => Box::new(walk),
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}

pub(super) fn verify(shelf: &dyn Shelf, roster: &Roster, end: Sequence) -> Result<Verified, JournalError> {
    let mut walk = walk(shelf, roster, Sequence(0), end)?;
    let mut records = 0;
    let mut absences = Absences::default();
    for record in walk.by_ref() {
        absences.apply(&record?);
        records += 1;
    }
    absences.check()?;
    Ok(Verified {
        records,
        head: walk.head().unwrap_or(GENESIS),
    })
}

/// Campaigns whose members are not known although they should be.
#[derive(Default)]
struct Absences {
    open: BTreeSet<CampaignId>,
    by_campaign: BTreeMap<CampaignId, Absence>,
}

impl Absences {
    fn apply(&mut self, record: &Record) {
        match &record.event {
            Event::CampaignCreated { campaign, .. } | Event::UnconfirmedRetried { campaign, .. } => {
                self.open.insert(*campaign);
            }
            Event::MessageChanged {
                campaign,
                recall_confirmed: true,
                ..
            } => {
                self.open.insert(*campaign);
            }
            Event::CampaignEnded { campaign, .. } | Event::CampaignStopped { campaign, .. } => {
                self.open.remove(campaign);
            }
            Event::CampaignAnonymised { campaign } => {
                self.by_campaign.remove(campaign);
            }
            Event::RecipientsAdded {
                campaign, recipients, ..
            } => {
                for absence in recipients.iter().filter_map(|recipient| absence(*recipient)) {
                    if absence != Absence::Forgotten && self.by_campaign.get(campaign) != Some(&Absence::Altered) {
                        self.by_campaign.insert(*campaign, absence);
                    }
                }
            }
            _ => {}
        }
    }

    /// A list is forgotten before the record that says so is there: one that is gone is no damage once the campaign is over.
    fn check(&self) -> Result<(), JournalError> {
        for (campaign, absence) in &self.by_campaign {
            let what = match absence {
                Absence::Altered => "is not the one that its records prove",
                _ if self.open.contains(campaign) => "is missing",
                _ => continue,
            };
            return Err(JournalError::Members {
                campaign: *campaign,
                what,
            });
        }
        Ok(())
    }
}
