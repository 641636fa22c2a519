//! How telephones behave, as far as nothing was observed yet.

use serde::Serialize;
use std::time::Duration;

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
