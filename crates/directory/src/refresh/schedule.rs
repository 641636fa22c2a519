use std::time::{Duration, Instant};

/// How often an extract is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Time between two refreshes that went well.
    pub every: Duration,
    /// Wait after a first failure; it doubles with each further one, up to `every`.
    pub retry: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule {
            every: Duration::from_secs(3600),
            retry: Duration::from_secs(60),
        }
    }
}

/// Decides when the next refresh is due. Owns no clock; times are monotonic, so that clock steps do not matter.
///
/// ```text
/// Waiting ─due→ Running ─went well→ Waiting(every)
///                       └failed→ Waiting(retry, doubled each time)
/// ```
#[derive(Debug)]
pub struct Refresh {
    schedule: Schedule,
    /// `None` while a refresh runs.
    due: Option<Instant>,
    is_asked: bool,
    failures: u32,
}

impl Refresh {
    /// A refresh that is due at once.
    pub fn new(schedule: Schedule, now: Instant) -> Refresh {
        Refresh {
            schedule,
            due: Some(now),
            is_asked: false,
            failures: 0,
        }
    }

    /// The operator asks for a refresh now. While one runs, nothing more is asked.
    pub fn handle_request(&mut self, now: Instant) {
        if self.due.is_some() {
            self.due = Some(now);
            self.handle_timeout(now);
        }
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            self.is_asked = true;
        }
    }

    /// True once when a refresh has to be run; its end is told by [`Refresh::handle_done`].
    pub fn poll_run(&mut self) -> bool {
        std::mem::take(&mut self.is_asked)
    }

    /// The refresh that ran went well or failed.
    pub fn handle_done(&mut self, now: Instant, went_well: bool) {
        let Schedule { every, retry } = self.schedule;
        let wait = if went_well {
            self.failures = 0;
            every
        } else {
            let doubled = retry.saturating_mul(1 << self.failures.min(16)).min(every);
            self.failures += 1;
            doubled
        };
        self.due = Some(now + wait);
    }

    /// When [`Refresh::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Failures since the last refresh that went well; for alarms.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn refreshes_follow_each_other_and_failures_are_tried_again_ever_later() {
        let start = Instant::now();
        let schedule = Schedule {
            every: 60 * MINUTE,
            retry: MINUTE,
        };
        let mut refresh = Refresh::new(schedule, start);
        let mut now = start;
        let waits = [
            (true, 60),
            (false, 1),
            (false, 2),
            (false, 4),
            (false, 8),
            (false, 16),
            (false, 32),
            (false, 60),
            (false, 60),
            (true, 60),
            (false, 1),
        ];
        for (went_well, minutes) in waits {
            refresh.handle_timeout(now);
            assert!(refresh.poll_run());
            assert!(!refresh.poll_run(), "asked once");
            assert_eq!(refresh.poll_timeout(), None, "one at a time");
            refresh.handle_timeout(now + 600 * MINUTE);
            assert!(!refresh.poll_run());
            refresh.handle_done(now, went_well);
            now += minutes * MINUTE;
            assert_eq!(refresh.poll_timeout(), Some(now));
            refresh.handle_timeout(now - Duration::from_millis(1));
            assert!(!refresh.poll_run());
        }
        assert_eq!(refresh.failures(), 1);
    }

    #[test]
    fn the_operator_need_not_wait() {
        let now = Instant::now();
        let mut refresh = Refresh::new(Schedule::default(), now);
        refresh.handle_timeout(now);
        assert!(refresh.poll_run());
        refresh.handle_request(now);
        assert!(!refresh.poll_run(), "one is running");
        refresh.handle_done(now, true);
        refresh.handle_request(now);
        assert!(refresh.poll_run());
    }
}
