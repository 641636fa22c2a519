//! When the driver looks again: a wake-up costs more than a message, so that what comes within two milliseconds is handled together.

use std::time::{Duration, Instant};

/// How long the driver rests after it has handled something. Nothing to SIP, whose shortest timer is 500 ms.
const REST: Duration = Duration::from_millis(2);

/// Messages in one round above which there is no rest: they come faster than the kernel's buffer should have to hold.
const MANY: usize = 24;

/// The endpoint's timers are looked at on this grid: repeats and forgetting may be late by as much. Without it each of the half a
/// dozen timers that a call leaves behind would be a wake-up of its own.
const GRID: Duration = Duration::from_millis(10);

/// Whether and until when to rest.
pub(super) struct Pace {
    may_rest: bool,
    began: Instant,
    woken: Instant,
}

impl Pace {
    pub fn new(now: Instant, may_rest: bool) -> Pace {
        Pace {
            may_rest,
            began: now,
            woken: now,
        }
    }

    /// The driver looks at what has come.
    pub fn wake(&mut self, now: Instant) {
        self.woken = now;
    }

    /// After a round in which so many messages came and something was done or not: how long to keep the thread asleep before the
    /// next look, which is one that does not wait. `None`: wait until something happens.
    pub fn rest(&self, now: Instant, messages: usize, is_idle: bool) -> Option<Duration> {
        if !self.may_rest || is_idle {
            return None;
        }
        if messages > MANY {
            return Some(Duration::ZERO);
        }
        Some((self.woken + REST).saturating_duration_since(now))
    }

    /// When to wake up for a timer of the endpoint.
    pub fn on_grid(&self, at: Instant) -> Instant {
        let since = at.saturating_duration_since(self.began).as_micros() as u64;
        let grid = GRID.as_micros() as u64;
        self.began + Duration::from_micros(since.div_ceil(grid) * grid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_after_work_and_never_in_a_flood() {
        let zero = Instant::now();
        let ms = |n: u64| zero + Duration::from_millis(n);
        let mut pace = Pace::new(zero, true);
        pace.wake(ms(5));
        // (now, messages, nothing happened): how long
        let cases = [
            (5, 1, false, Some(2)),
            (5, 0, false, Some(2)),
            (6, 3, false, Some(1)),
            (7, 3, false, Some(0)),
            (9, 3, false, Some(0)),
            (5, MANY, false, Some(2)),
            (5, MANY + 1, false, Some(0)),
            (5, 0, true, None),
        ];
        for (now, messages, is_idle, expected) in cases {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(
                pace.rest(ms(now), messages, is_idle),
                expected,
                "{now} {messages} {is_idle}"
            );
        }
        assert_eq!(
            Pace::new(zero, false).rest(zero, 1, false),
            None,
            "the thread is not ours alone"
        );
    }

    #[test]
    fn timers_are_late_by_less_than_the_grid_and_never_early() {
        let zero = Instant::now();
        let pace = Pace::new(zero, true);
        for us in [0, 1, 9_999, 10_000, 10_001, 500_000, 500_001, 31_999_999] {
            let at = zero + Duration::from_micros(us);
            let woken = pace.on_grid(at);
            assert!(woken >= at && woken < at + GRID, "{us}");
        }
    }
}
