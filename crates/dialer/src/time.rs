//! Time as the dialer sees it.
//!
//! Every decision (pacing, retries, periods) uses a steady time that only moves forward with the monotonic clock; the
//! wall clock is written into records and consulted for allowed hours, nothing else. A clock that steps by an hour
//! therefore moves no retry.

use std::time::{Duration, Instant};

/// The two clocks, read at the same moment by the driver.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Durations are measured with this one.
    pub monotonic: Instant,
    /// Milliseconds since 1970-01-01 UTC; written into records, and compared with allowed hours.
    pub utc_ms: i64,
}

impl Now {
    /// Reads the machine's clocks. For drivers; the machines never call it.
    #[must_use]
    pub fn read() -> Self {
        let utc_ms = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        Self {
            monotonic: Instant::now(),
            utc_ms,
        }
    }

    /// The same moment, `by` later on both clocks.
    #[must_use]
    pub fn later(self, by: Duration) -> Self {
        Self {
            monotonic: self.monotonic + by,
            utc_ms: self.utc_ms + i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 2),
        }
    }
}

/// A point of steady time, in microseconds. Starts at the wall clock of the program's start and then follows the
/// monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    pub(crate) const FAR: Self = Self(i64::MAX);

    pub(crate) fn from_ms(ms: i64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// Time from `earlier` to this moment; zero if it is not earlier.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// Turns [`Now`] into steady time and back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    start_moment: Moment,
}

impl Clock {
    pub(crate) fn new(now: Now) -> Self {
        Self {
            start: now.monotonic,
            start_moment: Moment::from_ms(now.utc_ms),
        }
    }

    pub(crate) fn moment(&self, now: Now) -> Moment {
        self.start_moment + now.monotonic.saturating_duration_since(self.start)
    }

    pub(crate) fn instant(&self, moment: Moment) -> Instant {
        self.start + moment.since(self.start_moment)
    }
}
