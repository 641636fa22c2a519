//! What an outcome costs: tries used up, and the wait before the next one.

use crate::campaign::Campaign;
use crate::member::is_text;
use crate::time::Moment;
use crate::{Cause, Heard, Outcome, TrunkIndex};
use std::time::Duration;

/// Unknown ends of one number that do not count as tries; beyond, they do, so that lost reports cannot ring for ever.
const FREE_UNKNOWNS: u8 = 3;

impl Campaign {
    /// Enters an outcome into the account of its number and its member.
    pub(crate) fn charge(&mut self, at: usize, slot: u8, trunk: TrunkIndex, outcome: Outcome, now: Moment, at_ms: i64) {
        let is_text = is_text(slot);
        let delay = match (is_text, &outcome) {
            // A number that takes no texts never will.
            (true, Outcome::Unreachable { .. } | Outcome::Rejected { .. }) => None,
            (true, _) => Some(self.policy.texts.delay),
            (false, outcome) => self.delay(outcome),
        };
        let Some(member) = self.members.get_mut(at) else { return };
        let Some(slot) = member.slots.get_mut(usize::from(slot)) else {
            return;
        };
        slot.live = None;
        if outcome == Outcome::Cancelled {
            return;
        }
        member.last_ms = Some(at_ms);
        // Safe for the counts: a member that is over without an answer has no call that could end.
        // A text that failed does not hide what became of the calls.
        if !is_text || member.last.is_none() {
            member.last = Some(outcome);
        }
        member.has_answered |= matches!(outcome, Outcome::Confirmed | Outcome::AnsweredNotConfirmed(_));
        member.has_heard |= matches!(
            outcome,
            Outcome::Confirmed | Outcome::AnsweredNotConfirmed(Heard::Whole)
        );
        slot.avoid = None;
        if let Outcome::Congestion { .. } = outcome {
            slot.avoid = Some(trunk);
            slot.not_before = now + congestion_delay(slot.congestions);
            slot.congestions = slot.congestions.saturating_add(1);
            return;
        }
        slot.congestions = 0;
        let is_free = outcome == Outcome::Unknown && slot.unknowns < FREE_UNKNOWNS;
        if is_free {
            slot.unknowns += 1;
        } else {
            slot.tries = slot.tries.saturating_add(1);
            if !is_text {
                member.tries = member.tries.saturating_add(1);
            }
        }
        match delay {
            Some(delay) => slot.not_before = now + delay,
            None => slot.is_dead = true,
        }
        if !is_text {
            member.not_before = now + self.policy.between_numbers;
        }
    }

    /// The wait after an outcome; `None`: the number is not tried again.
    fn delay(&self, outcome: &Outcome) -> Option<Duration> {
        let delays = &self.policy.delays;
        match outcome.cause() {
            // Only seen when an older message was confirmed that had been recalled.
            Cause::Confirmed | Cause::Cancelled | Cause::Congestion => Some(Duration::ZERO),
            Cause::NotConfirmed => delays.not_confirmed,
            Cause::HungUpEarly => delays.hung_up_early,
            Cause::Machine => delays.machine,
            Cause::Busy => delays.busy,
            Cause::NoAnswer => delays.no_answer,
            Cause::Unreachable => delays.unreachable,
            Cause::Rejected => delays.rejected,
            Cause::Failed => delays.failed,
            Cause::Sent | Cause::Delivered => None,
            Cause::Unknown => Some(delays.unknown.unwrap_or(Duration::from_secs(5))),
        }
    }
}

/// Wait after carrier failures in a row: 1, 2, 4 … 30 s. The first one leaves time for a change of trunk.
fn congestion_delay(failures: u8) -> Duration {
    Duration::from_secs(1 << failures.min(5)).min(Duration::from_secs(30))
}
