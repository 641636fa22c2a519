//! Records as bytes, and back.
//!
//! Each event is written as: tag (1 byte), length of the body, body. A body is its fields in order; numbers are
//! LEB128, texts are their length and UTF-8. A reader takes defaults for fields that an older body lacks and skips
//! what a newer body has beyond its own fields, so that fields may be added at the end of a body for ever. A tag is
//! never used again for something else. Policies and messages, which grow most, are JSON inside a text field.
//!
//! The first version of the records (tags 3, 11, 12, 40) named persons by the directory's numbers; the second (42 to 46) names
//! members by their places, and takes the persons from the [`Roster`].

mod fields;

use crate::journal::{Proof, Roster};
use crate::{
    AttemptId, Bill, CallStats, CampaignId, ConfirmedBy, Event, Heard, JournalError, MessageId, Outcome, RecipientId,
    Record, Sequence,
};
pub(crate) use fields::{Reader, Writer};
use std::time::Duration;

/// Why bytes are no record.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodecError {
    #[error("it ends too early")]
    Short,
    #[error("unknown kind of record {0}")]
    Tag(u8),
    #[error("a field holds what it cannot hold")]
    Field,
    /// Not the bytes are wrong: the disk.
    #[error("{0}")]
    Lists(String),
}

/// Writes one record behind what is in `out`, and the members whom it adds into the roster. The sequence is not written: it
/// follows from the place.
pub(crate) fn write(record: &Record, out: &mut Vec<u8>, roster: &Roster) -> Result<(), JournalError> {
    let mut body = Vec::with_capacity(64);
    let mut w = Writer(&mut body);
    // Zigzag: clocks before 1970 exist.
    w.number(((record.at_ms << 1) ^ (record.at_ms >> 63)) as u64);
    let tag = body_of(&record.event, &mut w, roster)?;
    out.push(tag);
    Writer(out).number(body.len() as u64);
    out.extend_from_slice(&body);
    Ok(())
}

/// Reads one record; `sequence` is its place. Without a roster, members are told by their places only.
pub(crate) fn read(reader: &mut Reader<'_>, sequence: Sequence, roster: Option<&Roster>) -> Result<Record, CodecError> {
    let tag = reader.byte()?;
    let length = reader.number()?;
    let mut body = Reader(reader.bytes(length)?);
    let time = body.number()?;
    let at_ms = (time >> 1) as i64 ^ -((time & 1) as i64);
    let event = event_of(tag, &mut body, roster)?;
    Ok(Record { sequence, at_ms, event })
}

fn body_of(event: &Event, w: &mut Writer<'_>, roster: &Roster) -> Result<u8, JournalError> {
    Ok(match event {
        Event::MessageSaved { message, by } => {
            w.json(message);
            w.text(by);
            1
        }
        Event::CampaignCreated {
            campaign,
            name,
            message,
            version,
            policy,
            service,
            by,
        } => {
            w.number(campaign.0);
            w.text(name);
            w.number(message.0);
            w.number((*version).into());
            w.json(policy);
            w.text(service);
            w.text(by);
            2
        }
        Event::RecipientsAdded {
            campaign,
            first: Some(first),
            recipients,
            numbers,
            by,
            wave,
        } => {
            let proof = roster.enrol(*campaign, *first, recipients)?;
            w.number(campaign.0);
            w.text(by);
            w.number(recipients.len() as u64);
            w.number((*first).into());
            w.0.extend_from_slice(&proof);
            w.number((*wave).into());
            for at in 0..recipients.len() {
                w.number(numbers.get(at).copied().unwrap_or_default().into());
            }
            42
        }
        Event::RecipientsAdded {
            campaign,
            first: None,
            recipients,
            numbers,
            by,
            wave,
        } => {
            w.number(campaign.0);
            w.text(by);
            w.number(recipients.len() as u64);
            // Lists are mostly in order of id: small differences make small records.
            let mut last = 0u64;
            for recipient in recipients {
                let step = recipient.0.wrapping_sub(last) as i64;
                w.number(((step << 1) ^ (step >> 63)) as u64);
                last = recipient.0;
            }
            for count in numbers {
                w.number((*count).into());
            }
            // What comes after is only found behind a count for each of them.
            if numbers.len() == recipients.len() {
                w.number((*wave).into());
            }
            3
        }
        Event::NumbersChanged {
            campaign,
            members,
            numbers,
            by,
        } => {
            w.number(campaign.0);
            w.text(by);
            w.number(members.len() as u64);
            for (at, place) in members.iter().enumerate() {
                w.number((*place).into());
                w.number(numbers.get(at).copied().unwrap_or_default().into());
            }
            46
        }
        Event::CampaignLaunched { campaign, by } => campaign_by(w, *campaign, by, 4),
        Event::CampaignPaused { campaign, by } => campaign_by(w, *campaign, by, 5),
        Event::CampaignResumed { campaign, by } => campaign_by(w, *campaign, by, 6),
        Event::CampaignStopped { campaign, by } => campaign_by(w, *campaign, by, 7),
        Event::CampaignEnded { campaign, expired } => {
            w.number(campaign.0);
            w.number((*expired).into());
            8
        }
        Event::UnconfirmedRetried { campaign, by } => campaign_by(w, *campaign, by, 9),
        Event::MessageChanged {
            campaign,
            message,
            version,
            in_progress,
            recall_confirmed,
            by,
        } => {
            w.number(campaign.0);
            w.number(message.0);
            w.number((*version).into());
            w.number((*in_progress).into());
            w.number((*recall_confirmed).into());
            w.text(by);
            10
        }
        Event::AttemptStarted {
            attempt,
            campaign,
            whom,
            slot,
            trunk,
            version,
            tariff,
            parts,
        } => {
            w.number(attempt.0);
            w.number(campaign.0);
            let tag = w.whom(*whom, (11, 43));
            w.number((*slot).into());
            w.text(trunk);
            w.number((*version).into());
            w.number((*tariff).into());
            w.number((*parts).into());
            tag
        }
        Event::Confirmed {
            campaign,
            whom,
            attempt,
            how,
            by,
        } => {
            w.number(campaign.0);
            let tag = w.whom(*whom, (12, 44));
            w.number(attempt.0);
            w.number(match how {
                ConfirmedBy::Key => 0,
                ConfirmedBy::CallBack => 1,
                ConfirmedBy::Operator => 2,
            });
            w.text(by);
            tag
        }
        Event::AttemptEnded {
            attempt,
            campaign,
            outcome,
            stats,
            bill,
        } => {
            w.number(attempt.0);
            w.number(campaign.0);
            write_outcome(outcome, w);
            w.millis(stats.ringing);
            w.millis(stats.talking);
            w.number(stats.status.unwrap_or(0).into());
            w.number(stats.q850.map_or(0, |cause| u64::from(cause) + 1));
            w.number(stats.packets_sent);
            w.number(stats.packets_received);
            w.number(stats.packets_lost);
            w.number(stats.jitter_us.into());
            w.number(stats.digits.into());
            w.number(bill.seconds.into());
            w.number(bill.micros);
            // One more than the value, so that 0 says that it is not known.
            let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX - 1) + 1;
            let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX - 1) + 1;
            w.number(stats.post_dial.map_or(0, millis));
            w.number(stats.round_trip.map_or(0, micros));
            w.number(stats.remote_lost.map_or(0, |lost| lost.saturating_add(1)));
            13
        }
        Event::Started { version } => {
            w.text(version);
            14
        }
        Event::TrunkChanged { trunk, is_up } => {
            w.text(trunk);
            w.number((*is_up).into());
            15
        }
        Event::CampaignAnonymised { campaign } => {
            w.number(campaign.0);
            41
        }
        Event::RecipientErased {
            recipient: Some(recipient),
            by,
            ..
        } => {
            w.number(recipient.0);
            w.text(by);
            40
        }
        Event::RecipientErased {
            members,
            recipient: None,
            by,
        } => {
            w.number(members.len() as u64);
            for (campaign, place) in members {
                w.number(campaign.0);
                w.number((*place).into());
            }
            w.text(by);
            45
        }
        Event::Noted { by, action, subject } => {
            w.text(by);
            w.text(action);
            w.text(subject);
            16
        }
        Event::TariffsSet { trunk, tariffs } => {
            w.text(trunk);
            w.json(tariffs);
            32
        }
        Event::Stopped => 17,
        Event::JournalRecovered { since_ms, why } => {
            w.number(((since_ms << 1) ^ (since_ms >> 63)) as u64);
            w.text(why);
            18
        }
        Event::WaveOpened { campaign, wave } => {
            w.number(campaign.0);
            w.number((*wave).into());
            33
        }
        Event::EnoughAnswered { campaign } => {
            w.number(campaign.0);
            34
        }
        Event::TextDelivered { campaign, attempt } => {
            w.number(campaign.0);
            w.number(attempt.0);
            35
        }
    })
}

fn campaign_by(w: &mut Writer<'_>, campaign: CampaignId, by: &str, tag: u8) -> u8 {
    w.number(campaign.0);
    w.text(by);
    tag
}

fn event_of(tag: u8, r: &mut Reader<'_>, roster: Option<&Roster>) -> Result<Event, CodecError> {
    Ok(match tag {
        1 => Event::MessageSaved {
            message: r.json()?,
            by: r.text()?,
        },
        2 => Event::CampaignCreated {
            campaign: CampaignId(r.number()?),
            name: r.text()?,
            message: MessageId(r.number()?),
            version: r.small()?,
            policy: r.json()?,
            service: r.text()?,
            by: r.text()?,
        },
        3 => {
            let (campaign, by, count) = (CampaignId(r.number()?), r.text()?, r.number()?);
            let mut recipients = Vec::with_capacity(usize::try_from(count).unwrap_or(0).min(r.0.len()));
            let mut last = 0u64;
            for _ in 0..count {
                let step = r.number()?;
                last = last.wrapping_add(((step >> 1) as i64 ^ -((step & 1) as i64)) as u64);
                recipients.push(RecipientId(last));
            }
            let mut numbers = Vec::new();
            while numbers.len() < recipients.len() && !r.is_empty() {
                numbers.push(r.small()?);
            }
            Event::RecipientsAdded {
                campaign,
                first: None,
                recipients,
                numbers,
                by,
                wave: r.small_optional()?,
            }
        }
        42 => {
            let (campaign, by, count, first) = (CampaignId(r.number()?), r.text()?, r.number()?, r.small()?);
            let mut proof = Proof::default();
            proof.copy_from_slice(r.bytes(32)?);
            let wave = r.small()?;
            // Each of them has a byte below at least: a count that is none does not take memory.
            let count = usize::try_from(count).ok().filter(|count| *count <= r.left());
            let count = count.ok_or(CodecError::Short)?;
            if u32::try_from(count)
                .ok()
                .and_then(|count| count.checked_add(first))
                .is_none()
            {
                return Err(CodecError::Field);
            }
            let numbers = (0..count).map(|_| r.small()).collect::<Result<_, _>>()?;
            let recipients = match roster {
                Some(roster) => roster
                    .members(campaign, first, count, &proof)
                    .map_err(|error| CodecError::Lists(error.to_string()))?,
                None => (first..).take(count).map(crate::contact::gone).collect(),
            };
            Event::RecipientsAdded {
                campaign,
                first: Some(first),
                recipients,
                numbers,
                by,
                wave,
            }
        }
        46 => {
            let (campaign, by, count) = (CampaignId(r.number()?), r.text()?, r.number()?);
            let (mut members, mut numbers) = (Vec::new(), Vec::new());
            for _ in 0..count {
                members.push(r.small()?);
                numbers.push(r.small()?);
            }
            Event::NumbersChanged {
                campaign,
                members,
                numbers,
                by,
            }
        }
        4 => Event::CampaignLaunched {
            campaign: CampaignId(r.number()?),
            by: r.text()?,
        },
        5 => Event::CampaignPaused {
            campaign: CampaignId(r.number()?),
            by: r.text()?,
        },
        6 => Event::CampaignResumed {
            campaign: CampaignId(r.number()?),
            by: r.text()?,
        },
        7 => Event::CampaignStopped {
            campaign: CampaignId(r.number()?),
            by: r.text()?,
        },
        8 => Event::CampaignEnded {
            campaign: CampaignId(r.number()?),
            expired: r.flag()?,
        },
        9 => Event::UnconfirmedRetried {
            campaign: CampaignId(r.number()?),
            by: r.text()?,
        },
        10 => Event::MessageChanged {
            campaign: CampaignId(r.number()?),
            message: MessageId(r.number()?),
            version: r.small()?,
            in_progress: r.flag()?,
            recall_confirmed: r.flag()?,
            by: r.text()?,
        },
        11 | 43 => Event::AttemptStarted {
            attempt: AttemptId(r.number()?),
            campaign: CampaignId(r.number()?),
            whom: r.whom(tag == 11)?,
            slot: r.small()?,
            trunk: r.text()?,
            version: r.small()?,
            tariff: r.small_optional()?,
            parts: r.small_optional()?,
        },
        12 | 44 => Event::Confirmed {
            campaign: CampaignId(r.number()?),
            whom: r.whom(tag == 12)?,
            attempt: AttemptId(r.number()?),
            how: match r.number()? {
                0 => ConfirmedBy::Key,
                1 => ConfirmedBy::CallBack,
                2 => ConfirmedBy::Operator,
                _ => return Err(CodecError::Field),
            },
            by: r.text()?,
        },
        13 => attempt_ended(r)?,
        14 => Event::Started { version: r.text()? },
        15 => Event::TrunkChanged {
            trunk: r.text()?,
            is_up: r.flag()?,
        },
        16 => Event::Noted {
            by: r.text()?,
            action: r.text()?,
            subject: r.text()?,
        },
        32 => Event::TariffsSet {
            trunk: r.text()?,
            tariffs: r.json()?,
        },
        41 => Event::CampaignAnonymised {
            campaign: CampaignId(r.number()?),
        },
        40 => Event::RecipientErased {
            members: Vec::new(),
            recipient: Some(RecipientId(r.number()?)),
            by: r.text()?,
        },
        45 => {
            let count = r.number()?;
            let mut members = Vec::with_capacity(usize::try_from(count).unwrap_or(0).min(r.left()));
            for _ in 0..count {
                members.push((CampaignId(r.number()?), r.small()?));
            }
            Event::RecipientErased {
                members,
                recipient: None,
                by: r.text()?,
            }
        }
        17 => Event::Stopped,
        18 => {
            let since = r.number()?;
            Event::JournalRecovered {
                since_ms: (since >> 1) as i64 ^ -((since & 1) as i64),
                why: r.text()?,
            }
        }
        33 => Event::WaveOpened {
            campaign: CampaignId(r.number()?),
            wave: r.small()?,
        },
        34 => Event::EnoughAnswered {
            campaign: CampaignId(r.number()?),
        },
        35 => Event::TextDelivered {
            campaign: CampaignId(r.number()?),
            attempt: AttemptId(r.number()?),
        },
        other => return Err(CodecError::Tag(other)),
    })
}

fn attempt_ended(r: &mut Reader<'_>) -> Result<Event, CodecError> {
    let (attempt, campaign) = (AttemptId(r.number()?), CampaignId(r.number()?));
    let outcome = read_outcome(r)?;
    let mut stats = CallStats {
        ringing: r.millis()?,
        talking: r.millis()?,
        status: Some(r.small()?).filter(|status| *status != 0),
        q850: r.optional()?.checked_sub(1).and_then(|cause| u8::try_from(cause).ok()),
        packets_sent: r.optional()?,
        packets_received: r.optional()?,
        packets_lost: r.optional()?,
        jitter_us: r.small()?,
        digits: r.small()?,
        ..CallStats::default()
    };
    let bill = Bill {
        seconds: r.small()?,
        micros: r.number()?,
    };
    stats.post_dial = r.optional()?.checked_sub(1).map(Duration::from_millis);
    stats.round_trip = r.optional()?.checked_sub(1).map(Duration::from_micros);
    stats.remote_lost = r.optional()?.checked_sub(1);
    Ok(Event::AttemptEnded {
        attempt,
        campaign,
        outcome,
        stats,
        bill,
    })
}

fn write_outcome(outcome: &Outcome, w: &mut Writer<'_>) {
    let (kind, status) = match outcome {
        Outcome::Confirmed => (0, 0),
        Outcome::AnsweredNotConfirmed(Heard::Whole) => (1, 0),
        Outcome::AnsweredNotConfirmed(Heard::Part) => (2, 0),
        Outcome::AnsweredNotConfirmed(Heard::Nothing) => (3, 0),
        Outcome::Machine { message_left } => (4, u16::from(*message_left)),
        Outcome::Busy => (5, 0),
        Outcome::NoAnswer => (6, 0),
        Outcome::Unreachable { status } => (7, *status),
        Outcome::Rejected { status } => (8, *status),
        Outcome::Congestion { status, .. } => (9, *status),
        Outcome::Failed { status } => (10, *status),
        Outcome::Cancelled => (11, 0),
        Outcome::Unknown => (12, 0),
        Outcome::Sent => (13, 0),
        Outcome::Delivered => (14, 0),
    };
    w.number(kind);
    w.number(status.into());
    let wait = match outcome {
        Outcome::Congestion {
            retry_after: Some(wait),
            ..
        } => wait.as_secs() + 1,
        _ => 0,
    };
    w.number(wait);
}

fn read_outcome(r: &mut Reader<'_>) -> Result<Outcome, CodecError> {
    let (kind, status, wait): (u64, u16, u64) = (r.number()?, r.small()?, r.number()?);
    Ok(match kind {
        0 => Outcome::Confirmed,
        1 => Outcome::AnsweredNotConfirmed(Heard::Whole),
        2 => Outcome::AnsweredNotConfirmed(Heard::Part),
        3 => Outcome::AnsweredNotConfirmed(Heard::Nothing),
        4 => Outcome::Machine {
            message_left: status != 0,
        },
        5 => Outcome::Busy,
        6 => Outcome::NoAnswer,
        7 => Outcome::Unreachable { status },
        8 => Outcome::Rejected { status },
        9 => Outcome::Congestion {
            status,
            retry_after: wait.checked_sub(1).map(Duration::from_secs),
        },
        10 => Outcome::Failed { status },
        11 => Outcome::Cancelled,
        12 => Outcome::Unknown,
        13 => Outcome::Sent,
        14 => Outcome::Delivered,
        _ => return Err(CodecError::Field),
    })
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
