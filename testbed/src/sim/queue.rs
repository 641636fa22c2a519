//! What will happen, by time.

use std::time::Instant;

use bytes::Bytes;

use super::carrier::Due;
use super::media::Playout;

/// What will happen.
#[derive(Debug)]
pub(super) enum Happening {
    ToUs(Bytes),
    ToCarrier(Bytes),
    Telephone(Due),
    Playout(Playout),
    Flushed,
    Crash,
    Restart,
}

/// When it will happen; at one moment, in the order of scheduling.
pub(super) struct Timed {
    pub(super) at: Instant,
    pub(super) order: u64,
    pub(super) happening: Happening,
}

impl PartialEq for Timed {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl Eq for Timed {}
impl PartialOrd for Timed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Timed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}
