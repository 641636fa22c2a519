//! The end of a running campaign, quickly enough for a view that is made several times a second.

use crate::campaign::Campaign;
use crate::{Cause, Settings};
use std::time::Duration;

/// Attempts that weigh as much as the assumptions in what a running campaign observed.
const WEIGHT: f64 = 50.0;
const EXPECTED_HOLD_S: f64 = 35.0;
const EXPECTED_SUCCESS: f64 = 0.5;

/// Time until a running campaign is over, from what is left and what was observed so far: round after round, each as
/// long as its calls take on the channels, or as the wait before a number is tried again, whichever is longer.
pub(crate) fn remaining(campaign: &Campaign, settings: &Settings) -> Duration {
    let (counts, policy) = (&campaign.counts, &campaign.policy);
    let channels: f64 = settings.trunks.iter().map(|trunk| f64::from(trunk.channels)).sum();
    let channels = (channels * f64::from(policy.channel_share) / 100.0).max(1.0);
    let rate: f64 = settings.trunks.iter().map(|trunk| trunk.calls_per_second).sum();
    let observed = counts.held as f64;
    let hold = (EXPECTED_HOLD_S * WEIGHT + counts.held_ms as f64 / 1000.0) / (WEIGHT + observed);
    let won = (counts.confirmed + counts.informed) as f64;
    let success = ((EXPECTED_SUCCESS * WEIGHT + won) / (WEIGHT + observed.max(won))).clamp(0.01, 0.99);
    let pace = (channels / hold).min(rate).max(0.01);
    let numbers = (counts.numbers as f64 / campaign.members.len().max(1) as f64).max(1.0);
    let wait = retry_wait(campaign) / numbers;
    let done = campaign.members.len() as f64 - counts.pending as f64;
    let tried = (observed - done).max(0.0) / (counts.pending as f64).max(1.0);
    let tries = f64::from(policy.tries_per_recipient).min(f64::from(policy.tries_per_number) * numbers);
    let mut left = counts.pending as f64;
    let mut time = 0.0;
    for round in 0..(tries - tried).max(1.0) as u32 {
        if left < 0.5 {
            break;
        }
        let calls = left / pace;
        time += if round == 0 { calls } else { calls.max(wait) };
        left *= 1.0 - success;
    }
    Duration::try_from_secs_f64(time + hold).unwrap_or(policy.total_period)
}

/// The mean wait before a number is tried again, over the outcomes seen so far, in seconds.
fn retry_wait(campaign: &Campaign) -> f64 {
    let delays = &campaign.policy.delays;
    let by_cause = [
        (Cause::Busy, delays.busy),
        (Cause::NoAnswer, delays.no_answer),
        (Cause::NotConfirmed, delays.not_confirmed),
        (Cause::HungUpEarly, delays.hung_up_early),
        (Cause::Machine, delays.machine),
        (Cause::Rejected, delays.rejected),
        (Cause::Failed, delays.failed),
    ];
    let (mut sum, mut weight) = (delays.no_answer.map_or(0.0, |delay| delay.as_secs_f64()), 1.0);
    for (cause, delay) in by_cause {
        if let Some(delay) = delay {
            let count = campaign.counts.outcomes[cause as usize] as f64;
            sum += delay.as_secs_f64() * count;
            weight += count;
        }
    }
    sum / weight
}
