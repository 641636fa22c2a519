//! How long a campaign will take, and what it will cost.

use crate::Settings;
use crate::campaign::Campaign;
use crate::time::Moment;
use std::time::Duration;

/// What is assumed about people and calls until enough of them were observed.
const EXPECTED_HOLD: f64 = 35.0;
const EXPECTED_ATTEMPTS: f64 = 1.6;
/// Observations that weigh as much as the assumption.
const WEIGHT: f64 = 50.0;

/// Time until a running campaign is over, from what is left and what was observed so far.
pub(crate) fn remaining(campaign: &Campaign, settings: &Settings, moment: Moment) -> Duration {
    let _ = moment;
    let counts = &campaign.counts;
    if counts.pending == 0 {
        return Duration::ZERO;
    }
    let channels: f64 = settings.trunks.iter().map(|trunk| f64::from(trunk.channels)).sum();
    let channels = (channels * f64::from(campaign.policy.channel_share) / 100.0).max(1.0);
    let rate: f64 = settings.trunks.iter().map(|trunk| trunk.calls_per_second).sum();
    let observed = counts.held as f64;
    let hold = (EXPECTED_HOLD * WEIGHT + counts.held_ms as f64 / 1000.0) / (WEIGHT + observed);
    let done = (campaign.members.len() as u64 - counts.pending) as f64;
    let per_recipient = (EXPECTED_ATTEMPTS * WEIGHT + observed) / (WEIGHT + done);
    let left = counts.pending as f64 * per_recipient.clamp(1.0, f64::from(campaign.policy.tries_per_recipient));
    let pace = (channels / hold).min(rate).max(0.01);
    Duration::try_from_secs_f64(left / pace + hold).unwrap_or(campaign.policy.total_period)
}
