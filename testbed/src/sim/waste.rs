//! Work conservation: how much of the channels stood idle while somebody was due and a call could have been started.

use std::collections::{HashMap, VecDeque};

use dialer::{AttemptRow, CampaignReport, Cause, NumberOrder, Policy};

use super::bound::{counts, wait};

/// At one moment, in this order: a start of a second ago is forgotten, a call ends, somebody becomes due, a call starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Forgotten,
    Ended,
    Due,
    Started,
}

/// Channel time that was left unused while somebody who was due waited and the calls per second allowed a call, as a share
/// of the channel time that was used.
#[must_use]
pub fn waste(report: &CampaignReport, channels: u32, calls_per_second: u32) -> f64 {
    let launched = report.summary.launched_ms.unwrap_or(0);
    let mut steps: Vec<(i64, Step)> = Vec::new();
    let mut people: HashMap<u64, Vec<&AttemptRow>> = HashMap::new();
    for row in &report.attempts {
        people.entry(row.recipient.0).or_default().push(row);
    }
    let mut used = 0;
    for calls in people.values() {
        for (at, row) in calls.iter().enumerate() {
            let due = due(&report.policy, &calls[..at], row).unwrap_or(launched);
            let ended = row.ended_ms.unwrap_or(row.started_ms);
            used += ended - row.started_ms;
            steps.push((due.min(row.started_ms), Step::Due));
            steps.push((row.started_ms, Step::Started));
            steps.push((row.started_ms + 1_000, Step::Forgotten));
            steps.push((ended, Step::Ended));
        }
    }
    steps.sort_unstable();
    let (mut waiting, mut live, mut since, mut lost) = (0i64, 0i64, launched, 0i64);
    let mut starts: VecDeque<i64> = VecDeque::new();
    for (at, step) in steps {
        let free = (i64::from(channels) - live)
            .min(i64::from(calls_per_second) - starts.len() as i64)
            .max(0);
        lost += waiting.min(free) * (at - since);
        since = at;
        match step {
            Step::Forgotten => drop(starts.pop_front()),
            Step::Ended => live -= 1,
            Step::Due => waiting += 1,
            Step::Started => {
                waiting -= 1;
                live += 1;
                starts.push_back(at);
            }
        }
    }
    lost as f64 / used.max(1) as f64
}

/// When a call might have started, after those before it; `None`: with the launch.
fn due(policy: &Policy, before: &[&AttemptRow], row: &AttemptRow) -> Option<i64> {
    let one_by_one = policy.order == NumberOrder::OneAfterTheOther;
    let last = before.last().filter(|_| one_by_one);
    let after_last = last.and_then(|last| {
        let pause = if counts(last) {
            policy.between_numbers
        } else {
            std::time::Duration::ZERO
        };
        Some(last.ended_ms? + pause.as_millis() as i64)
    });
    let same = before.iter().rposition(|other| other.slot == row.slot);
    let after_same = same.and_then(|at| {
        let wait = match before[at].outcome.map(|outcome| outcome.cause()) {
            Some(Cause::Congestion) => refused(&before[..=at], row.slot),
            _ => wait(policy, before[at]),
        };
        Some(before[at].ended_ms? + (wait * 1e3) as i64)
    });
    after_last.max(after_same)
}

/// The wait after the carrier refused a number again and again: 1, 2, 4 … 30 s.
fn refused(before: &[&AttemptRow], slot: u8) -> f64 {
    let of_slot = before.iter().rev().filter(|other| other.slot == slot);
    let is_refusal = |row: &&&AttemptRow| row.outcome.map(|outcome| outcome.cause()) == Some(Cause::Congestion);
    let count = of_slot.take_while(is_refusal).count() as i32;
    2f64.powi((count - 1).clamp(0, 5)).min(30.0)
}
