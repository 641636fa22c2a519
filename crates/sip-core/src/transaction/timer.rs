//! Timer values of RFC 3261 §17 (table 4), retransmission, and the schedule that wakes the endpoint.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use crate::config::Timing;

impl Timing {
    /// 64·T1: how long a transaction waits in vain (Timers B, F, H, J, L, M).
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.t1 * 64
    }

    /// Timer D: how long answers to an INVITE may still be repeated over an unreliable transport. At least 32 s.
    #[must_use]
    pub fn linger(&self) -> Duration {
        self.patience().max(self.t4)
    }
}

/// A message that is repeated at growing intervals (Timers A, E, G).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Repeat {
    at: Instant,
    interval: Duration,
    longest: Duration,
}

impl Repeat {
    /// Repeats after `first`, then at doubled intervals up to `longest`.
    pub fn start(now: Instant, first: Duration, longest: Duration) -> Repeat {
        Repeat {
            at: now + first,
            interval: first,
            longest,
        }
    }

    /// When the next repeat is due.
    pub fn at(&self) -> Instant {
        self.at
    }

    fn is_due(&self, now: Instant) -> bool {
        self.at <= now
    }

    /// Plans the next repeat.
    fn step(&mut self, now: Instant) {
        self.interval = (self.interval * 2).min(self.longest);
        self.at = now + self.interval;
    }

    /// From now on at the longest interval (Timer E in Proceeding).
    pub fn slow_down(&mut self) {
        self.interval = self.longest;
    }
}

/// What a machine wants done after its time came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fired {
    /// Nothing yet.
    Nothing,
    /// Send the last message again.
    Retransmit,
    /// Nobody answered: tell the user and forget the transaction.
    TimedOut,
    /// The transaction has served; forget it.
    Done,
}

/// Fires a repeat that may have been stopped.
pub(crate) fn fire(repeat: &mut Option<Repeat>, now: Instant) -> Fired {
    match repeat {
        Some(repeat) if repeat.is_due(now) => {
            repeat.step(now);
            Fired::Retransmit
        }
        _ => Fired::Nothing,
    }
}

/// The earlier of two moments that may not be planned.
pub(crate) fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Wake-up times of everything that waits, earliest first.
///
/// An entry is not removed when its owner's plans change; the owner recognises a stale entry by its time. One entry per
/// owner is usual, since timers mostly move later.
#[derive(Debug)]
pub(crate) struct Schedule<K> {
    heap: BinaryHeap<Entry<K>>,
}

#[derive(Debug)]
struct Entry<K> {
    at: Instant,
    key: K,
}

impl<K> PartialEq for Entry<K> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl<K> Eq for Entry<K> {}

impl<K> PartialOrd for Entry<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Entry<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}

impl<K: Copy> Schedule<K> {
    pub fn new() -> Schedule<K> {
        Schedule {
            heap: BinaryHeap::new(),
        }
    }

    /// The earliest entry, which may be stale.
    pub fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// Takes the earliest entry that is due.
    pub fn pop(&mut self, now: Instant) -> Option<(Instant, K)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|entry| (entry.at, entry.key))
    }

    /// Makes sure that `key` is woken at `wanted`. `planned` is its owner's note of its earliest entry.
    pub fn plan(&mut self, key: K, planned: &mut Option<Instant>, wanted: Option<Instant>) {
        let Some(at) = wanted else { return };
        if planned.is_some_and(|planned| planned <= at) {
            return;
        }
        *planned = Some(at);
        self.heap.push(Entry { at, key });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_double_up_to_the_longest() {
        let start = Instant::now();
        let mut repeat = Some(Repeat::start(start, Duration::from_millis(500), Duration::from_secs(4)));
        let mut at = Vec::new();
        for _ in 0..6 {
            let now = repeat.expect("still repeating").at();
            assert_eq!(fire(&mut repeat, now), Fired::Retransmit);
            assert_eq!(fire(&mut repeat, now), Fired::Nothing);
            at.push((now - start).as_millis());
        }
        assert_eq!(fire(&mut None, start), Fired::Nothing);
        assert_eq!(at, [500, 1500, 3500, 7500, 11500, 15500]);
    }

    #[test]
    fn a_plan_that_moves_later_needs_no_second_entry() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut schedule = Schedule::new();
        let mut planned = None;
        schedule.plan('a', &mut planned, Some(start + second));
        schedule.plan('a', &mut planned, Some(start + 5 * second));
        assert_eq!(schedule.heap.len(), 1);
        schedule.plan('a', &mut planned, Some(start));
        assert_eq!(schedule.pop(start), Some((start, 'a')));
        assert_eq!(schedule.pop(start), None);
        assert_eq!(schedule.pop(start + second), Some((start + second, 'a')));
        assert_eq!(schedule.next(), None);
    }
}
