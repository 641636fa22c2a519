//! The live view: what is happening now, for consoles and metrics.

use crate::{AttemptId, CampaignId, Cause, E164, Medium, MessageId, RecipientId, TrunkIndex};
use dashmap::DashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that an operator sees at a glance.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct LiveView {
    /// When it was taken, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Campaigns, newest first.
    pub campaigns: Vec<CampaignView>,
    /// Trunks.
    pub trunks: Vec<TrunkView>,
    /// The journal's health.
    pub journal: JournalView,
}

impl LiveView {
    /// One campaign of the view.
    #[must_use]
    pub fn campaign(&self, id: CampaignId) -> Option<&CampaignView> {
        self.campaigns.iter().find(|campaign| campaign.id == id)
    }
}

/// Where a campaign is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignState {
    /// Made, not launched.
    #[default]
    Ready,
    /// Calling.
    Running,
    /// No new calls until resumed.
    Paused,
    /// Stopped by an operator.
    Stopped,
    /// Over.
    Ended,
}

impl std::fmt::Display for CampaignState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Ended => "ended",
        })
    }
}

/// One campaign in the live view. Recipients are each in exactly one of `confirmed`, `informed`, `not_confirmed`,
/// `spared`, `failed` (by cause) and `pending`.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct CampaignView {
    /// Which campaign.
    pub id: CampaignId,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: CampaignState,
    /// Whether it is practice.
    pub exercise: bool,
    /// What it says.
    pub message: MessageId,
    /// Which version.
    pub message_version: u32,
    /// Milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// Milliseconds since 1970 UTC.
    pub launched_ms: Option<i64>,
    /// Milliseconds since 1970 UTC.
    pub ended_ms: Option<i64>,
    /// All recipients.
    pub recipients: u64,
    /// Recipients who confirmed.
    pub confirmed: u64,
    /// Recipients who heard the whole message where no confirmation was asked.
    pub informed: u64,
    /// Recipients who answered or got a text on their handset, did not confirm and will not be called again.
    pub not_confirmed: u64,
    /// Recipients who need not be called: enough others answered, or somebody confirmed on the telephone they share.
    pub spared: u64,
    /// Recipients who will not be called again and never answered, by the cause of the last attempt. `cancelled`:
    /// the campaign ended before they could be called to the end.
    pub failed: BTreeMap<Cause, u64>,
    /// Recipients still to be reached, those in a call included.
    pub pending: u64,
    /// The wave of an escalation that is called now, from 1; 0 without escalation.
    pub wave: u32,
    /// Waves of the escalation; 0 without.
    pub waves: u32,
    /// People whom the escalation still needs; 0 without, or once it has them.
    pub needed: u64,
    /// Attempts started, all told ("placed").
    pub attempts: u64,
    /// Attempts now on their way that do not ring yet.
    pub calling: u64,
    /// Attempts now ringing.
    pub ringing: u64,
    /// Attempts now answered.
    pub speaking: u64,
    /// Attempts over, by cause.
    pub outcomes: BTreeMap<Cause, u64>,
    /// Attempts started per second over the last ten seconds.
    pub rate: f64,
    /// When it will be over, in milliseconds since 1970 UTC, as far as can be told.
    pub predicted_end_ms: Option<i64>,
    /// Cost so far, in millionths of a euro.
    pub cost_micros: u64,
    /// Billed seconds so far.
    pub billed_seconds: u64,
}

/// One trunk in the live view.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct TrunkView {
    /// Its name.
    pub name: String,
    /// What it carries.
    pub medium: Medium,
    /// Whether it works.
    pub is_up: bool,
    /// Until when the carrier wants no call, in milliseconds since 1970 UTC.
    pub blocked_until_ms: Option<i64>,
    /// Channels that it has.
    pub channels: u32,
    /// Channels in use.
    pub in_use: u32,
    /// Calls per second that it may start.
    pub calls_per_second: f64,
    /// Calls placed since the start of the program.
    pub placed: u64,
    /// Calls refused for congestion since the start of the program.
    pub congested: u64,
}

/// The journal's health in the live view.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct JournalView {
    /// Records that are durable.
    pub durable: u64,
    /// Head of the hash chain after them, in hexadecimal; empty until something was written.
    pub head: String,
    /// Records that wait to become durable.
    pub waiting: u64,
    /// What is wrong, if anything. While it stands no new attempt is made; calls in progress go on.
    pub alarm: Option<String>,
    /// How long the last flush took, in microseconds.
    pub flush_us: u64,
}

/// The call-state table: written by the signalling side, read by everyone else.
pub type CallTable = Arc<DashMap<AttemptId, CallState>>;

/// One call in the call-state table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallState {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// To whom.
    pub recipient: RecipientId,
    /// To which number.
    pub number: E164,
    /// Over which trunk.
    pub trunk: TrunkIndex,
    /// How far it is.
    pub phase: CallPhase,
    /// Since when it is in this phase, in milliseconds since 1970 UTC.
    pub since_ms: i64,
}

/// How far a call is, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallPhase {
    /// INVITE sent.
    Calling,
    /// 180 or 183 seen.
    Ringing,
    /// Answered, the message is spoken.
    Speaking,
    /// The key was pressed; the journal has not said yes yet.
    Confirming,
    /// Thanked; about to end.
    Confirmed,
}

impl CallPhase {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [
        Self::Calling,
        Self::Ringing,
        Self::Speaking,
        Self::Confirming,
        Self::Confirmed,
    ];

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calling => "calling",
            Self::Ringing => "ringing",
            Self::Speaking => "speaking",
            Self::Confirming => "confirming",
            Self::Confirmed => "confirmed",
        }
    }
}

/// What a policy would lead to, before a launch.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Prediction {
    /// Recipients.
    pub recipients: u64,
    /// Seconds until half of those who will be reached are reached.
    pub half_s: f64,
    /// Seconds until 90 % of them are.
    pub ninety_s: f64,
    /// Seconds until 99 % of them are.
    pub ninety_nine_s: f64,
    /// Seconds until the end.
    pub end_s: f64,
    /// Attempts in all.
    pub attempts: u64,
    /// Recipients reached in the end.
    pub reached: u64,
    /// Cost in millionths of a euro.
    pub cost_micros: u64,
}
