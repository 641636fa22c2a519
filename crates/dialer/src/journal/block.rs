//! Blocks: the records of one group commit, as they are stored.
//!
//! Layout, integers little-endian: format (1), first sequence (8), count (4), length of the payload (4), payload, head
//! of the hash chain after the block (32), CRC-32 of everything before (4). The chain goes from record to record:
//! head = SHA-256(previous head, record's bytes), so that it does not depend on how records were grouped.

use super::{JournalError, Roster};
use crate::codec::{self, CodecError, Reader};
use crate::{Record, Sequence};
use sha2::{Digest, Sha256};

/// The newest format. The second holds records of the second version; the blocks are the same.
const FORMAT: u8 = 2;
const HEADER: usize = 17;
const TRAILER: usize = 36;

/// The end of the hash chain.
pub(super) type Head = [u8; 32];
/// The chain before the first record.
pub(super) const GENESIS: Head = [0; 32];

/// Payload after which a new block is begun; keeps blocks well below what the store keeps in one piece.
const FULL: usize = 32 * 1024;

fn link(head: &Head, record: &[u8]) -> Head {
    Sha256::new().chain_update(head).chain_update(record).finalize().into()
}

/// One block ready to be stored.
#[derive(Clone)]
pub(super) struct Sealed {
    pub(super) first: Sequence,
    pub(super) bytes: Vec<u8>,
}

/// Makes blocks of records that follow each other, and notes in the roster whom they add; returns the head after them.
pub(super) fn seal(records: &[Record], mut head: Head, roster: &Roster) -> Result<(Vec<Sealed>, Head), JournalError> {
    let mut blocks = Vec::new();
    let mut records = records.iter().peekable();
    while let Some(first) = records.peek().map(|record| record.sequence) {
        let mut bytes = vec![0; HEADER];
        let mut count = 0u32;
        while bytes.len() < FULL
            && let Some(record) = records.next()
        {
            let start = bytes.len();
            codec::write(record, &mut bytes, roster)?;
            head = link(&head, &bytes[start..]);
            count += 1;
        }
        let length = (bytes.len() - HEADER) as u32;
        bytes[0] = FORMAT;
        bytes[1..9].copy_from_slice(&first.0.to_le_bytes());
        bytes[9..13].copy_from_slice(&count.to_le_bytes());
        bytes[13..17].copy_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&head);
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        blocks.push(Sealed { first, bytes });
    }
    Ok((blocks, head))
}

/// A block that was read and whose checksum is right.
pub(super) struct Opened {
    pub(super) records: Vec<Record>,
    /// The head that the block claims.
    pub(super) head: Head,
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// Reads a block that should begin with record `first`. With `previous`, the hash chain is checked too; without a roster, the
/// records tell members by their places only.
pub(super) fn open(
    bytes: &[u8],
    first: Sequence,
    previous: Option<&Head>,
    roster: Option<&Roster>,
) -> Result<Opened, JournalError> {
    let damaged = |what: &str| JournalError::Damaged {
        at: first,
        what: what.to_owned(),
    };
    let format = *bytes.first().ok_or_else(|| damaged("an empty block"))?;
    if format > FORMAT {
        return Err(JournalError::Version {
            found: format,
            known: FORMAT,
        });
    }
    let short = || damaged("a block is cut short");
    let body = bytes.len().checked_sub(4).ok_or_else(short)?;
    let crc = u32::from_le_bytes(array(bytes, body).ok_or_else(short)?);
    if crc32fast::hash(&bytes[..body]) != crc {
        return Err(damaged("a checksum is wrong"));
    }
    let sequence = Sequence(u64::from_le_bytes(array(bytes, 1).ok_or_else(short)?));
    let count = u32::from_le_bytes(array(bytes, 9).ok_or_else(short)?);
    let length = u32::from_le_bytes(array(bytes, 13).ok_or_else(short)?) as usize;
    if sequence != first {
        return Err(damaged("a block is missing or in the wrong place"));
    }
    if bytes.len() != HEADER + length + TRAILER {
        return Err(short());
    }
    let head: Head = array(bytes, HEADER + length).ok_or_else(short)?;
    let payload = &bytes[HEADER..HEADER + length];
    let mut reader = Reader::new(payload);
    let mut records = Vec::with_capacity((count as usize).min(length));
    let mut chain = previous.copied();
    let mut start = 0;
    for at in 0..count {
        let sequence = first.advanced(at as usize);
        let record = codec::read(&mut reader, sequence, roster).map_err(|error| match error {
            CodecError::Lists(why) => JournalError::Store(why),
            error => JournalError::Damaged {
                at: sequence,
                what: error.to_string(),
            },
        })?;
        records.push(record);
        let end = length - reader.left();
        if let Some(head) = &mut chain {
            *head = link(head, &payload[start..end]);
        }
        start = end;
    }
    if !reader.is_empty() {
        return Err(damaged("a block holds more than its records"));
    }
    if chain.is_some_and(|chain| chain != head) {
        return Err(damaged(
            "the hash chain is broken: records were changed, or come from another journal",
        ));
    }
    Ok(Opened { records, head })
}

/// Follows the chain through a block that must begin with record `first`, up to and without record `upto`; returns where
/// it stopped, and the head there.
pub(super) fn chain(
    bytes: &[u8],
    first: Sequence,
    mut head: Head,
    upto: Sequence,
) -> Result<(Sequence, Head), JournalError> {
    let opened = open(bytes, first, Some(&head), None)?;
    let end = first.advanced(opened.records.len());
    if end <= upto {
        return Ok((end, opened.head));
    }
    let payload = &bytes[HEADER..bytes.len() - TRAILER];
    let mut reader = Reader::new(payload);
    let mut start = 0;
    for record in opened.records.iter().take_while(|record| record.sequence < upto) {
        codec::read(&mut reader, record.sequence, None).map_err(|error| JournalError::Damaged {
            at: record.sequence,
            what: error.to_string(),
        })?;
        let end = payload.len() - reader.left();
        head = link(&head, &payload[start..end]);
        start = end;
    }
    Ok((upto, head))
}

/// Reads blocks one after the other from `first` on, and gives the records from `from` on.
pub(super) struct Walk<I> {
    blocks: I,
    roster: Roster,
    expected: Option<Sequence>,
    from: Sequence,
    head: Option<Head>,
    records: std::vec::IntoIter<Record>,
    is_over: bool,
}

impl<I> Walk<I> {
    /// `head` is the chain before the first block if it is known; else it is taken from the first block unchecked.
    pub(super) fn new(
        blocks: I,
        expected: Option<Sequence>,
        from: Sequence,
        head: Option<Head>,
        roster: Roster,
    ) -> Self {
        Self {
            blocks,
            roster,
            expected,
            from,
            head,
            records: Vec::new().into_iter(),
            is_over: false,
        }
    }

    /// The head after everything read so far.
    pub(super) fn head(&self) -> Option<Head> {
        self.head
    }
}

impl<I, B> Iterator for Walk<I>
where
    I: Iterator<Item = Result<(Sequence, B), JournalError>>,
    B: AsRef<[u8]>,
{
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.records.next() {
                if record.sequence < self.from {
                    continue;
                }
                return Some(Ok(record));
            }
            if self.is_over {
                return None;
            }
            let opened = self.blocks.next()?.and_then(|(first, bytes)| {
                let first = self.expected.unwrap_or(first);
                open(bytes.as_ref(), first, self.head.as_ref(), Some(&self.roster))
            });
            match opened {
                Ok(opened) => {
                    self.expected = opened
                        .records
                        .last()
                        .map(|record| record.sequence.next())
                        .or(self.expected);
                    self.head = Some(opened.head);
                    self.records = opened.records.into_iter();
                }
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;

    fn sealed(records: &[Record], head: Head) -> (Vec<Sealed>, Head) {
        seal(records, head, &Roster::default()).unwrap()
    }

    fn records(count: u64) -> Vec<Record> {
        (0..count)
            .map(|at| Record {
                sequence: Sequence(at),
                at_ms: at as i64,
                event: Event::Noted {
                    by: "op".into(),
                    action: "test".into(),
                    subject: at.to_string(),
                },
            })
            .collect()
    }

    #[test]
    fn the_chain_does_not_depend_on_the_grouping() {
        let all = records(100);
        let (_, once) = sealed(&all, GENESIS);
        let mut head = GENESIS;
        for part in all.chunks(7) {
            head = sealed(part, head).1;
        }
        assert_eq!(once, head);
    }

    #[test]
    fn large_batches_are_cut_into_blocks_that_read_back() {
        let all = records(5_000);
        let (blocks, head) = sealed(&all, GENESIS);
        assert!(blocks.len() > 1);
        let mut walk = Walk::new(
            blocks.iter().map(|b| Ok((b.first, &b.bytes))),
            Some(Sequence(0)),
            Sequence(0),
            Some(GENESIS),
            Roster::default(),
        );
        let read: Vec<Record> = walk.by_ref().map(Result::unwrap).collect();
        assert_eq!(read, all);
        assert_eq!(walk.head(), Some(head));
    }

    /// A block of the first format, as it lies on disks: whatever the program becomes, it must be read.
    #[test]
    fn a_block_of_the_first_format_is_read_for_ever() {
        let hex = include_str!("block_v1.hex").trim();
        let bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        let opened = open(&bytes, Sequence(0), Some(&GENESIS), None).unwrap();
        assert_eq!(opened.records, first_format());
    }

    /// One record of each kind that a campaign writes, as the first version wrote them.
    fn first_format() -> Vec<Record> {
        use crate::{AttemptId, Bill, CallStats, CampaignId, ConfirmedBy, Heard, Outcome, RecipientId, Whom};
        let (campaign, attempt, recipient) = (CampaignId(3), AttemptId(700), RecipientId(41));
        let whom = Whom::Recipient(recipient);
        let outcome = Outcome::AnsweredNotConfirmed(Heard::Whole);
        let stats = CallStats {
            talking: std::time::Duration::from_millis(31_250),
            digits: 2,
            ..CallStats::default()
        };
        let events = [
            Event::Started {
                version: "0.1.0".into(),
            },
            Event::RecipientsAdded {
                campaign,
                first: None,
                recipients: vec![recipient, RecipientId(7)],
                numbers: Vec::new(),
                by: "op".into(),
                wave: 0,
            },
            Event::CampaignLaunched {
                campaign,
                by: "op".into(),
            },
            Event::AttemptStarted {
                attempt,
                campaign,
                whom,
                slot: 1,
                trunk: "a".into(),
                version: 2,
                tariff: 0,
                parts: 0,
            },
            Event::Confirmed {
                campaign,
                whom,
                attempt,
                how: ConfirmedBy::Key,
                by: String::new(),
            },
            Event::AttemptEnded {
                attempt,
                campaign,
                outcome,
                stats,
                bill: Bill {
                    seconds: 60,
                    micros: 9_000,
                },
            },
            Event::CampaignEnded {
                campaign,
                expired: true,
            },
            Event::TrunkChanged {
                trunk: "a".into(),
                is_up: false,
            },
        ];
        let at_ms = |at: usize| 1_764_072_000_000 + at as i64;
        let record = |(at, event)| Record {
            sequence: Sequence(at as u64),
            at_ms: at_ms(at),
            event,
        };
        events.into_iter().enumerate().map(record).collect()
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let (blocks, _) = sealed(&records(3), GENESIS);
        let bytes = &blocks[0].bytes;
        for at in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[at / 8] ^= 1 << (at % 8);
            assert!(open(&changed, Sequence(0), Some(&GENESIS), None).is_err(), "bit {at}");
        }
        for cut in 0..bytes.len() {
            assert!(
                open(&bytes[..cut], Sequence(0), Some(&GENESIS), None).is_err(),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn a_record_that_was_forged_with_a_right_checksum_breaks_the_chain() {
        let (honest, _) = sealed(&records(3), GENESIS);
        let mut forged = records(3);
        forged[1].at_ms += 1;
        let (forged, _) = sealed(&forged, [1; 32]);
        assert!(open(&honest[0].bytes, Sequence(0), Some(&GENESIS), None).is_ok());
        assert!(matches!(
            open(&forged[0].bytes, Sequence(0), Some(&GENESIS), None),
            Err(JournalError::Damaged { .. })
        ));
    }
}
