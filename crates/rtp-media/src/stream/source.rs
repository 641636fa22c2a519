//! Whose packets are taken: the peer that signalling promised, and nobody else.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::session::Source;

/// Another sender within the promise is believed once the locked one has been silent for this long.
const SILENCE: Duration = Duration::from_millis(400);

/// The lock on one sender.
#[derive(Debug)]
pub(crate) struct Lock {
    promise: SocketAddr,
    policy: Source,
    locked: Option<SocketAddr>,
    heard: Option<Instant>,
}

/// What the lock says of a packet's sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The peer.
    Known,
    /// Would be the peer from now on: call [`Lock::take`] if the packet proves sound.
    Candidate,
    /// Somebody else.
    Stranger,
}

impl Lock {
    pub(crate) fn new(promise: SocketAddr, policy: Source) -> Lock {
        Lock {
            promise,
            policy,
            locked: None,
            heard: None,
        }
    }

    /// Where our packets go: to the sender we hear, or where signalling said (symmetric RTP, RFC 4961).
    pub(crate) fn target(&self) -> SocketAddr {
        self.locked.unwrap_or(self.promise)
    }

    /// Is the promised sender itself the one locked onto, so that no other can win any more?
    pub(crate) fn has_promised(&self) -> bool {
        self.locked == Some(self.promise)
    }

    /// Judges the sender of a packet.
    pub(crate) fn judge(&self, now: Instant, from: SocketAddr) -> Verdict {
        if self.locked == Some(from) {
            return Verdict::Known;
        }
        let fits = from == self.promise
            || match self.policy {
                Source::Exact => false,
                Source::SameAddress => from.ip() == self.promise.ip(),
                Source::Any => true,
            };
        // The promised sender itself wins over one that only fits.
        let free = self.locked.is_none() || from == self.promise || self.is_silent(now);
        if fits && free {
            Verdict::Candidate
        } else {
            Verdict::Stranger
        }
    }

    /// A sound packet came from `from`. True if the lock moved from another sender.
    pub(crate) fn take(&mut self, now: Instant, from: SocketAddr) -> bool {
        let moved = self.locked.is_some_and(|locked| locked != from);
        self.locked = Some(from);
        self.heard = Some(now);
        moved
    }

    /// A sound packet came from the locked sender.
    pub(crate) fn touch(&mut self, now: Instant) {
        self.heard = Some(now);
    }

    /// Has the locked sender been silent for so long that others are listened to?
    pub(crate) fn is_silent(&self, now: Instant) -> bool {
        self.heard
            .is_none_or(|heard| now.saturating_duration_since(heard) >= SILENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_policy_admits_what_its_name_says() {
        use Verdict::{Candidate, Stranger};
        let now = Instant::now();
        for (policy, exact, port, other) in [
            (Source::Exact, Candidate, Stranger, Stranger),
            (Source::SameAddress, Candidate, Candidate, Stranger),
            (Source::Any, Candidate, Candidate, Candidate),
        ] {
            let lock = Lock::new(address("192.0.2.1:4000"), policy);
            assert_eq!(lock.judge(now, address("192.0.2.1:4000")), exact, "{policy:?}");
            assert_eq!(lock.judge(now, address("192.0.2.1:5000")), port, "{policy:?}");
            assert_eq!(lock.judge(now, address("192.0.2.9:4000")), other, "{policy:?}");
        }
    }

    #[test]
    fn once_locked_others_wait_until_it_is_silent_but_the_promised_one_wins() {
        let start = Instant::now();
        let mut lock = Lock::new(address("192.0.2.1:4000"), Source::Any);
        let (nat, thief) = (address("198.51.100.7:1024"), address("203.0.113.9:9"));
        assert!(!lock.take(start, nat));
        assert_eq!(lock.target(), nat);
        let soon = start + Duration::from_millis(40);
        assert_eq!(lock.judge(soon, nat), Verdict::Known);
        assert_eq!(lock.judge(soon, thief), Verdict::Stranger);
        assert_eq!(lock.judge(start + SILENCE, thief), Verdict::Candidate);
        assert_eq!(lock.judge(soon, address("192.0.2.1:4000")), Verdict::Candidate);
        assert!(!lock.has_promised());
        assert!(lock.take(soon, address("192.0.2.1:4000")));
        assert!(lock.has_promised());
    }
}
