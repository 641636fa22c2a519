//! The report of a campaign, from the fold of its records.

use crate::{
    AttemptId, CampaignId, CampaignView, ConfirmedBy, E164, NumberRow, Outcome, Policy, RecipientId, RecipientResult,
    Tariff,
};
use serde::Serialize;

/// Everything about one campaign.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CampaignReport {
    /// When the report was made, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Records of the journal that it tells of: everything before this place.
    pub records: u64,
    /// The counts.
    pub summary: CampaignView,
    /// How it was to go.
    pub policy: Policy,
    /// Who made it.
    pub created_by: String,
    /// Who launched it.
    pub launched_by: Option<String>,
    /// The service that pays.
    pub service: String,
    /// One row per recipient, in the order of the list.
    pub recipients: Vec<RecipientRow>,
    /// One row per attempt, in order of start.
    pub attempts: Vec<AttemptRow>,
}

/// What became of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FinalState {
    /// Not over yet.
    Pending,
    /// Confirmed.
    Confirmed,
    /// Heard the message where no confirmation was asked.
    Informed,
    /// Answered, never confirmed.
    NotConfirmed,
    /// Never answered, every try used up.
    NotReached,
    /// The text reached the handset; never confirmed, every try used up.
    Delivered,
    /// The text was sent, whether it arrived is not known; every try used up.
    Sent,
    /// Not called (any more): somebody else confirmed on the telephone that they share.
    ConfirmedElsewhere,
    /// Not called (any more): an escalation had enough people.
    NotNeeded,
    /// No number that can be called.
    NoNumber,
    /// Not called any more: they have left the directory, or wanted no alerts any more, while the campaign was under way.
    Withdrawn,
    /// The campaign ended (period over, or stopped) before every try was used up.
    CampaignOver,
}

/// One recipient in a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecipientRow {
    /// Who.
    pub recipient: RecipientId,
    /// What became of them.
    pub state: FinalState,
    /// The same in full.
    pub result: RecipientResult,
    /// What became of each of their numbers.
    pub numbers: Vec<NumberRow>,
    /// The wave of an escalation that they are in, from 0.
    pub wave: u8,
    /// The last attempt's outcome.
    pub last: Option<Outcome>,
    /// Attempts made.
    pub attempts: u32,
    /// The slot of the number on which the person confirmed.
    pub confirmed_slot: Option<u8>,
    /// The number on which the person confirmed, if the directory still knows it.
    pub confirmed_number: Option<E164>,
    /// How they confirmed.
    pub confirmed_by: Option<ConfirmedBy>,
    /// When, in milliseconds since 1970 UTC.
    pub confirmed_ms: Option<i64>,
    /// First attempt, in milliseconds since 1970 UTC.
    pub first_ms: Option<i64>,
    /// End of the last attempt, in milliseconds since 1970 UTC.
    pub last_ms: Option<i64>,
}

/// What one campaign did with one recipient.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PersonRow {
    /// Which campaign.
    pub campaign: CampaignId,
    /// Its name.
    pub name: String,
    /// When it was launched, in milliseconds since 1970 UTC.
    pub launched_ms: Option<i64>,
    /// What became of them.
    pub recipient: RecipientRow,
    /// The calls to them.
    pub attempts: Vec<AttemptRow>,
}

/// One attempt in a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttemptRow {
    /// Which attempt.
    pub attempt: AttemptId,
    /// To whom.
    pub recipient: RecipientId,
    /// To which of their numbers, from 0.
    pub slot: u8,
    /// The number, if the directory still knows it.
    pub number: Option<E164>,
    /// Over which trunk.
    pub trunk: String,
    /// Start, in milliseconds since 1970 UTC.
    pub started_ms: i64,
    /// End, in milliseconds since 1970 UTC; `None` while in progress.
    pub ended_ms: Option<i64>,
    /// Time from start to answer or end, in milliseconds.
    pub ringing_ms: u64,
    /// Time from answer to end, in milliseconds.
    pub talking_ms: u64,
    /// How it ended; `None` while in progress.
    pub outcome: Option<Outcome>,
    /// Final SIP status.
    pub status: Option<u16>,
    /// Version of the message that it was to say.
    pub message_version: u32,
    /// When it was answered, in milliseconds since 1970 UTC.
    pub answered_ms: Option<i64>,
    /// The price that applied; `None` where none was configured.
    pub tariff: Option<Tariff>,
    /// Parts of a text message; 0 for a call.
    pub parts: u32,
    /// Billed seconds.
    pub billed_seconds: u32,
    /// Cost in millionths of a euro.
    pub cost_micros: u64,
}
