//! The least time in which a campaign's calls could have been made: what a schedule is measured against.
//!
//! The calls that were made, with the lengths they had, are taken as given; asked is how early any schedule, even one
//! that knows the future, could have ended them on these channels at this rate while keeping the waits of the policy.
//! The true best is not computed (that is hard); each bound here is one that no schedule can beat:
//!
//! - chain: one person's calls and the waits between them;
//! - channels: the sum of the lengths of some calls, divided by the channels, after the earliest moment at which the
//!   first of them can begin and before the least that must follow each of them;
//! - rate: the same with the time that so many starts take.

use std::collections::HashMap;
use std::time::Duration;

use dialer::{CampaignReport, Cause, NumberOrder, Policy};

/// One call: what must lie before it, its length, what must lie behind it, all in seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Job {
    head: f64,
    length: f64,
    tail: f64,
}

/// The least time from the launch to the end of the last call.
#[must_use]
pub fn bound(report: &CampaignReport, channels: u32, calls_per_second: u32) -> Duration {
    let jobs = jobs(report);
    let chain = jobs
        .iter()
        .map(|job| job.head + job.length + job.tail)
        .fold(0.0, f64::max);
    let (channels, rate) = (f64::from(channels.max(1)), f64::from(calls_per_second.max(1)));
    let late = sets(&jobs, |job| job.head, |job| job.tail, channels, rate);
    let early = sets(&jobs, |job| job.tail, |job| job.head, channels, rate);
    Duration::from_secs_f64(chain.max(late).max(early))
}

/// The best bound over all sets of calls that have at least so much on their one side.
fn sets(jobs: &[Job], one: impl Fn(&Job) -> f64, other: impl Fn(&Job) -> f64, channels: f64, rate: f64) -> f64 {
    let mut sorted: Vec<&Job> = jobs.iter().collect();
    sorted.sort_by(|a, b| one(b).total_cmp(&one(a)));
    let (mut sum, mut least, mut shortest, mut best) = (0.0, f64::INFINITY, f64::INFINITY, 0.0_f64);
    for (count, job) in sorted.iter().enumerate() {
        sum += job.length;
        least = least.min(other(job));
        shortest = shortest.min(job.length + other(job));
        best = best.max(one(job) + sum / channels + least);
        // A second may begin with all its starts at once.
        best = best.max(one(job) + (count as f64 / rate).floor() + shortest);
    }
    best
}

/// Every call with the earliest moment at which it can begin, and the least time that follows its end.
fn jobs(report: &CampaignReport) -> Vec<Job> {
    let policy = &report.policy;
    let mut people: HashMap<u64, Vec<&dialer::AttemptRow>> = HashMap::new();
    for attempt in &report.attempts {
        people.entry(attempt.recipient.0).or_default().push(attempt);
    }
    let mut all = Vec::new();
    for attempts in people.values() {
        let mut jobs: Vec<Job> = attempts
            .iter()
            .map(|row| Job {
                length: (row.ringing_ms + row.talking_ms) as f64 / 1e3,
                ..Job::default()
            })
            .collect();
        // Which calls follow which, and after what wait: the next one, and the next one on the same number.
        let mut follows: Vec<(usize, usize, f64)> = Vec::new();
        for (at, row) in attempts.iter().enumerate() {
            if policy.order == NumberOrder::OneAfterTheOther && at + 1 < attempts.len() {
                follows.push((
                    at,
                    at + 1,
                    if counts(row) {
                        policy.between_numbers.as_secs_f64()
                    } else {
                        0.0
                    },
                ));
            }
            let again = attempts[at + 1..].iter().position(|next| next.slot == row.slot);
            if let Some(again) = again {
                follows.push((at, at + 1 + again, wait(policy, row)));
            }
        }
        for (from, to, wait) in &follows {
            let earliest = jobs[*from].head + jobs[*from].length + wait;
            jobs[*to].head = jobs[*to].head.max(earliest);
        }
        for (from, to, wait) in follows.iter().rev() {
            let least = wait + jobs[*to].length + jobs[*to].tail;
            jobs[*from].tail = jobs[*from].tail.max(least);
        }
        all.extend(jobs);
    }
    all
}

/// Whether the call was one that ended for reasons of the person called.
pub(super) fn counts(row: &dialer::AttemptRow) -> bool {
    let cause = row.outcome.map(|outcome| outcome.cause());
    !matches!(cause, None | Some(Cause::Cancelled | Cause::Congestion))
}

/// The least wait before the same number is called again.
pub(super) fn wait(policy: &Policy, row: &dialer::AttemptRow) -> f64 {
    let delays = &policy.delays;
    let delay = match row.outcome.map(|outcome| outcome.cause()) {
        Some(Cause::Busy) => delays.busy,
        Some(Cause::NoAnswer) => delays.no_answer,
        Some(Cause::NotConfirmed) => delays.not_confirmed,
        Some(Cause::HungUpEarly) => delays.hung_up_early,
        Some(Cause::Machine) => delays.machine,
        Some(Cause::Rejected) => delays.rejected,
        Some(Cause::Failed) => delays.failed,
        _ => None,
    };
    delay.map_or(0.0, |delay| delay.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_calls_bound_what_channels_and_rate_allow() {
        let job = |head, length, tail| Job { head, length, tail };
        let of = |jobs: &[Job], channels, rate| sets(jobs, |job| job.head, |job| job.tail, channels, rate);
        // Four calls of 10 s on two channels take 20 s; at one start in five seconds, the fourth starts after 15.
        let four = [job(0.0, 10.0, 0.0); 4];
        assert_eq!(of(&four, 2.0, 100.0), 20.0);
        assert_eq!(of(&four, 100.0, 0.2), 25.0);
        // Calls that cannot begin before the hundredth second are no help to the channels before it.
        let late = [job(0.0, 10.0, 0.0), job(100.0, 10.0, 3.0), job(100.0, 10.0, 5.0)];
        assert_eq!(of(&late, 1.0, 100.0), 123.0);
    }
}
