//! How telephones behave: what is assumed before anything was observed, and what was observed.

use crate::campaign::Attempt;
use crate::member::is_text;
use crate::{Cause, Outcome};
use serde::Serialize;
use std::time::Duration;

/// Attempts that weigh as much as what was assumed before.
const WEIGHT: f64 = 50.0;
/// From the key to the end of the call: the thanks.
pub(crate) const THANKS: Duration = Duration::from_secs(4);

/// How telephones behave. Shares are of all attempts, in parts of a million; what is left of a million is not answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assumptions {
    /// Numbers that are not in service.
    pub out_of_service: u32,
    /// Answered and confirmed.
    pub confirmed: u32,
    /// Answered, heard, not confirmed.
    pub not_confirmed: u32,
    /// Answered and hung up early.
    pub hung_up: u32,
    /// Answering machines.
    pub machine: u32,
    /// Busy.
    pub busy: u32,
    /// Refused.
    pub rejected: u32,
    /// Failed for other reasons.
    pub failed: u32,
    /// Attempts that the carrier had no line for.
    pub congested: u32,
    /// Mean time until somebody answers.
    pub answers_after: Duration,
    /// Mean time from the answer to the key.
    pub confirms_after: Duration,
    /// Mean length of calls that were heard and not confirmed.
    pub listens_for: Duration,
    /// Mean length of calls that were hung up early.
    pub hangs_up_after: Duration,
    /// Mean time until a call that fails has failed.
    pub fails_after: Duration,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            out_of_service: 20_000,
            confirmed: 480_000,
            not_confirmed: 50_000,
            hung_up: 40_000,
            machine: 80_000,
            busy: 60_000,
            rejected: 0,
            failed: 10_000,
            congested: 0,
            answers_after: Duration::from_secs(8),
            confirms_after: Duration::from_secs(25),
            listens_for: Duration::from_secs(56),
            hangs_up_after: Duration::from_secs(5),
            fails_after: Duration::from_secs(2),
        }
    }
}

/// Counts and times of attempts that are over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed {
    counts: [u64; Cause::ALL.len()],
    answered: Mean,
    confirmed: Mean,
    listened: Mean,
    hung_up: Mean,
    failed: Mean,
}

#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum_ms: u64,
    count: u64,
}

impl Mean {
    fn add(&mut self, ms: u32) {
        self.sum_ms += u64::from(ms);
        self.count += 1;
    }

    /// With the value that was assumed counting as so many observations.
    fn with(self, assumed: Duration) -> Duration {
        let sum = self.sum_ms as f64 / 1e3 + assumed.as_secs_f64() * WEIGHT;
        Duration::from_secs_f64(sum / (self.count as f64 + WEIGHT))
    }
}

impl Observed {
    /// Takes up one attempt.
    pub(crate) fn add(&mut self, attempt: &Attempt) {
        let Some(outcome) = attempt.outcome.filter(|_| !is_text(attempt.slot)) else {
            return;
        };
        // What we gave up ourselves, and what nobody knows the end of, says nothing about telephones.
        if matches!(outcome, Outcome::Cancelled | Outcome::Unknown) {
            return;
        }
        self.counts[outcome.cause() as usize] += 1;
        if outcome.is_answered() {
            self.answered.add(attempt.ringing_ms);
        }
        match outcome.cause() {
            Cause::Confirmed => self.confirmed.add(attempt.talking_ms),
            Cause::NotConfirmed => self.listened.add(attempt.talking_ms),
            Cause::HungUpEarly => self.hung_up.add(attempt.talking_ms),
            Cause::Busy | Cause::Unreachable | Cause::Rejected | Cause::Failed => self.failed.add(attempt.ringing_ms),
            _ => {}
        }
    }

    /// What was assumed, corrected by what was seen; the more was seen, the less counts what was assumed.
    pub(crate) fn correct(&self, assumed: &Assumptions) -> Assumptions {
        let all: u64 = self.counts.iter().sum();
        let share = |cause: Cause, assumed: u32| {
            let seen = self.counts[cause as usize] as f64;
            let part = (seen + f64::from(assumed) / 1e6 * WEIGHT) / (all as f64 + WEIGHT);
            (part * 1e6) as u32
        };
        Assumptions {
            out_of_service: share(Cause::Unreachable, assumed.out_of_service),
            confirmed: share(Cause::Confirmed, assumed.confirmed),
            not_confirmed: share(Cause::NotConfirmed, assumed.not_confirmed),
            hung_up: share(Cause::HungUpEarly, assumed.hung_up),
            machine: share(Cause::Machine, assumed.machine),
            busy: share(Cause::Busy, assumed.busy),
            rejected: share(Cause::Rejected, assumed.rejected),
            failed: share(Cause::Failed, assumed.failed),
            congested: share(Cause::Congestion, assumed.congested),
            answers_after: self.answered.with(assumed.answers_after),
            confirms_after: self
                .confirmed
                .with(assumed.confirms_after + THANKS)
                .saturating_sub(THANKS),
            listens_for: self.listened.with(assumed.listens_for),
            hangs_up_after: self.hung_up.with(assumed.hangs_up_after),
            fails_after: self.failed.with(assumed.fails_after),
        }
    }
}
