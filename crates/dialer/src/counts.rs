//! The counts of a campaign.

use crate::member::Member;
use crate::{CallPhase, Cause, FinalState};

/// Counts that are kept as things happen, so that a view costs nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    pub(crate) confirmed: u64,
    pub(crate) informed: u64,
    pub(crate) not_confirmed: u64,
    pub(crate) spared: u64,
    pub(crate) failed: [u64; Cause::ALL.len()],
    pub(crate) pending: u64,
    pub(crate) calling: u64,
    pub(crate) ringing: u64,
    pub(crate) speaking: u64,
    pub(crate) outcomes: [u64; Cause::ALL.len()],
    pub(crate) cost_micros: u64,
    pub(crate) billed_seconds: u64,
}

impl Counts {
    pub(crate) fn phase(&mut self, phase: CallPhase) -> &mut u64 {
        match phase {
            CallPhase::Calling => &mut self.calling,
            CallPhase::Ringing => &mut self.ringing,
            CallPhase::Speaking | CallPhase::Confirming | CallPhase::Confirmed => &mut self.speaking,
        }
    }

    /// The counter of a final state.
    pub(crate) fn of(&mut self, member: &Member) -> &mut u64 {
        match member.state {
            FinalState::Pending => &mut self.pending,
            FinalState::Confirmed => &mut self.confirmed,
            FinalState::Informed => &mut self.informed,
            FinalState::NotConfirmed | FinalState::Delivered => &mut self.not_confirmed,
            FinalState::ConfirmedElsewhere | FinalState::NotNeeded => &mut self.spared,
            FinalState::Sent => &mut self.failed[Cause::Sent as usize],
            FinalState::NoNumber => &mut self.failed[Cause::Unreachable as usize],
            FinalState::CampaignOver | FinalState::Withdrawn => &mut self.failed[Cause::Cancelled as usize],
            FinalState::NotReached => {
                let cause = member.last.map_or(Cause::Failed, |outcome| outcome.cause());
                &mut self.failed[cause as usize]
            }
        }
    }
}
