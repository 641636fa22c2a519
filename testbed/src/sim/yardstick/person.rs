//! What the policy still wants of one person: written a second time, so that the dialer is not its own judge.

use dialer::{Cause, NumberOrder, Policy};
use std::time::Duration;

const SLOTS: usize = 3;

/// One person's account. Times are from the launch on.
#[derive(Debug, Clone)]
pub(super) struct Person {
    slots: [Slot; SLOTS],
    tries: u32,
    /// Calls begun.
    pub(super) calls: u32,
    last: usize,
    not_before: Duration,
    pub(super) has_confirmed: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    is_open: bool,
    is_live: bool,
    tries: u32,
    calls: u32,
    refusals: u32,
    not_before: Duration,
}

impl Person {
    pub(super) fn new(numbers: usize) -> Self {
        let mut slots = [Slot::default(); SLOTS];
        slots.iter_mut().take(numbers).for_each(|slot| slot.is_open = true);
        Self {
            slots,
            tries: 0,
            calls: 0,
            last: SLOTS - 1,
            not_before: Duration::ZERO,
            has_confirmed: false,
        }
    }

    /// The numbers that may be called next, and from when on.
    pub(super) fn next(&self, policy: &Policy) -> Vec<(usize, Duration)> {
        if self.has_confirmed || self.tries >= u32::from(policy.tries_per_recipient) {
            return Vec::new();
        }
        let at_once = policy.order == NumberOrder::AllAtOnce;
        if !at_once && self.slots.iter().any(|slot| slot.is_live) {
            return Vec::new();
        }
        let is_open = |at: &usize| {
            let slot = &self.slots[*at];
            slot.is_open && !slot.is_live && slot.tries < u32::from(policy.tries_per_number)
        };
        let in_turn = (1..=SLOTS).map(|step| (self.last + step) % SLOTS).filter(is_open);
        if at_once {
            return in_turn.map(|at| (at, self.slots[at].not_before)).collect();
        }
        in_turn
            .map(|at| (at, self.slots[at].not_before.max(self.not_before)))
            .min_by_key(|(_, due)| *due)
            .into_iter()
            .collect()
    }

    /// A call begins; returns which one of this number it is, from 1.
    pub(super) fn begin(&mut self, at: usize) -> u32 {
        self.calls += 1;
        self.last = at;
        let slot = &mut self.slots[at];
        slot.is_live = true;
        slot.calls += 1;
        slot.calls
    }

    pub(super) fn calls_of(&self, at: usize) -> u32 {
        self.slots[at].calls
    }

    /// A call is over; `None`: given up by us.
    pub(super) fn end(&mut self, at: usize, cause: Option<Cause>, now: Duration, policy: &Policy) {
        let slot = &mut self.slots[at];
        slot.is_live = false;
        let Some(cause) = cause else { return };
        if cause == Cause::Congestion {
            slot.not_before = now + Duration::from_secs(1 << slot.refusals.min(5)).min(Duration::from_secs(30));
            slot.refusals += 1;
            return;
        }
        slot.refusals = 0;
        slot.tries += 1;
        self.tries += 1;
        let delays = &policy.delays;
        let delay = match cause {
            Cause::Busy => delays.busy,
            Cause::NoAnswer => delays.no_answer,
            Cause::NotConfirmed => delays.not_confirmed,
            Cause::HungUpEarly => delays.hung_up_early,
            Cause::Machine => delays.machine,
            Cause::Rejected => delays.rejected,
            Cause::Unreachable => delays.unreachable,
            Cause::Failed => delays.failed,
            _ => Some(Duration::ZERO),
        };
        match delay {
            Some(delay) => slot.not_before = now + delay,
            None => slot.is_open = false,
        }
        self.not_before = now + policy.between_numbers;
    }
}
