//! The raw rows of a span of time, copied out of the dialer.

use super::{Incident, Span};
use crate::campaign::Campaign;
use crate::{Bill, CallStats, CampaignId, CampaignState, Dialer, FinalState, Now, Outcome};

/// What happened in a span of time. Copying it takes some milliseconds for 100,000 calls; everything else is computed
/// from the copy.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Activity {
    /// Which span.
    pub span: Span,
    /// When it was taken, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Campaigns that were launched before the end of the span and not over before its beginning, in order of creation.
    pub campaigns: Vec<CampaignActivity>,
    /// Trunk names; [`Call::trunk`] is a place in them.
    pub trunks: Vec<String>,
    /// Incidents that touch the span.
    pub incidents: Vec<Incident>,
}

/// One campaign, whole: also what it did outside the span.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignActivity {
    /// Which campaign.
    pub id: CampaignId,
    /// Its name.
    pub name: String,
    /// The service that pays; may be empty.
    pub service: String,
    /// Whether it is practice.
    pub exercise: bool,
    /// Where it is in its life.
    pub state: CampaignState,
    /// When it was launched, in milliseconds since 1970 UTC.
    pub launched_ms: i64,
    /// When it ended, in milliseconds since 1970 UTC.
    pub ended_ms: Option<i64>,
    /// Its recipients, nameless.
    pub people: Vec<Person>,
    /// Its calls, in order of start.
    pub calls: Vec<Call>,
}

/// What became of one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// In the end.
    pub state: FinalState,
    /// When they confirmed, in milliseconds since 1970 UTC.
    pub confirmed_ms: Option<i64>,
}

/// One call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call {
    /// To whom: a place in [`CampaignActivity::people`].
    pub person: u32,
    /// Over which trunk: a place in [`Activity::trunks`].
    pub trunk: u16,
    /// How it ended; `None` while in progress.
    pub outcome: Option<Outcome>,
    /// Start, in milliseconds since 1970 UTC.
    pub started_ms: i64,
    /// End, in milliseconds since 1970 UTC.
    pub ended_ms: Option<i64>,
    /// From the start to the answer or the end, in milliseconds.
    pub ringing_ms: u32,
    /// From the answer to the end, in milliseconds.
    pub talking_ms: u32,
    /// What the network did.
    pub quality: Quality,
    /// What it cost.
    pub bill: Bill,
}

impl Call {
    /// When somebody or something took it, in milliseconds since 1970 UTC.
    #[must_use]
    pub fn answered_ms(&self) -> Option<i64> {
        self.outcome
            .is_some_and(|outcome| outcome.is_answered())
            .then(|| self.started_ms + i64::from(self.ringing_ms))
    }
}

/// What the network did with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quality {
    /// Post-dial delay, in milliseconds.
    pub post_dial_ms: Option<u32>,
    /// Round trip, in microseconds.
    pub round_trip_us: Option<u32>,
    /// Packets of ours that the far end reports lost.
    pub remote_lost: Option<u32>,
    /// RTP packets sent.
    pub packets_sent: u32,
    /// RTP packets received.
    pub packets_received: u32,
    /// RTP packets lost on the way to us.
    pub packets_lost: u32,
    /// Interarrival jitter, in microseconds.
    pub jitter_us: u32,
}

impl Quality {
    pub(crate) fn of(stats: &CallStats) -> Self {
        let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let wide = |value: u128| u32::try_from(value).unwrap_or(u32::MAX);
        Self {
            post_dial_ms: stats.post_dial.map(|delay| wide(delay.as_millis())),
            round_trip_us: stats.round_trip.map(|trip| wide(trip.as_micros())),
            remote_lost: stats.remote_lost.map(small),
            packets_sent: small(stats.packets_sent),
            packets_received: small(stats.packets_received),
            packets_lost: small(stats.packets_lost),
            jitter_us: stats.jitter_us,
        }
    }
}

impl Dialer {
    /// What happened in the span.
    pub(crate) fn activity(&self, span: Span, now: Now) -> Activity {
        let campaigns = self.state.campaigns.values();
        Activity {
            span,
            at_ms: now.utc_ms,
            campaigns: campaigns.filter_map(|campaign| of(campaign, span)).collect(),
            trunks: self.state.trunks.clone(),
            incidents: self.state.incidents.within(span),
        }
    }
}

fn of(campaign: &Campaign, span: Span) -> Option<CampaignActivity> {
    let launched_ms = campaign.launched_ms.filter(|at| *at < span.to_ms)?;
    // Calls may end, and people be called again, after the campaign's end: its last call decides too.
    let last_ms = campaign.attempts.last().map(|attempt| attempt.started_ms);
    let is_over = |at: i64| at < span.from_ms;
    if campaign.ended_ms.is_some_and(is_over) && last_ms.is_none_or(is_over) {
        return None;
    }
    let people = campaign.members.iter().map(|member| Person {
        state: member.state,
        confirmed_ms: member
            .confirmation
            .filter(|_| member.state == FinalState::Confirmed)
            .map(|confirmation| confirmation.at_ms),
    });
    let calls = campaign.attempts.iter().map(|attempt| Call {
        person: attempt.member,
        trunk: attempt.trunk.0,
        outcome: attempt.outcome,
        started_ms: attempt.started_ms,
        ended_ms: attempt.ended_ms,
        ringing_ms: attempt.ringing_ms,
        talking_ms: attempt.talking_ms,
        quality: attempt.quality,
        bill: attempt.bill,
    });
    Some(CampaignActivity {
        id: campaign.id,
        name: campaign.name.clone(),
        service: campaign.service.clone(),
        exercise: campaign.policy.exercise,
        state: campaign.state,
        launched_ms,
        ended_ms: campaign.ended_ms,
        people: people.collect(),
        calls: calls.collect(),
    })
}
