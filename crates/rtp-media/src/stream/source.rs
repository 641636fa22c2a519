//! Whose packets are taken, and where ours go: the peer that signalling promised, until another within the promise has
//! proven that it speaks in its place.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::session::Source;

/// Another sender within the promise is listened to once the locked one has been silent for this long.
const SILENCE: Duration = Duration::from_millis(400);
/// The same when the locked one is the promised sender itself: it may only be pausing.
const PROMISED_SILENCE: Duration = Duration::from_secs(1);
/// For so long after signalling has moved the peer, the one it left cannot win: what comes from there is under way still.
const LEFT_BEHIND: Duration = Duration::from_secs(1);
/// So many packets that follow each other prove a sender who was not promised.
const PROOF: u8 = 3;
/// They must take this long at least: a talker has a pace, a burst has none.
const PROOF_TIME: Duration = Duration::from_millis(15);
/// A newcomer that pauses for so long begins again.
const TRIAL_PAUSE: Duration = Duration::from_millis(250);
/// Packets that a newcomer may lose in a row, or that may overtake each other.
const TOLERANCE: u16 = 8;

/// The lock on one sender.
#[derive(Debug)]
pub(crate) struct Lock {
    promise: SocketAddr,
    policy: Source,
    locked: Option<SocketAddr>,
    heard: Option<Instant>,
    trial: Option<Trial>,
    /// Whom signalling has told us to leave, and when.
    left: Option<(SocketAddr, Instant)>,
}

/// A newcomer that must prove itself.
#[derive(Debug)]
struct Trial {
    from: SocketAddr,
    ssrc: u32,
    highest: u16,
    count: u8,
    began: Instant,
    heard: Instant,
}

/// What the lock says of a packet's sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The peer.
    Known,
    /// The sender that signalling promised, though it is not the one locked onto: it is from its first sound packet on.
    Promised,
    /// Within what is allowed, while nobody better is heard: [`Lock::try_sender`] tells once it is believed.
    Newcomer,
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
            trial: None,
            left: None,
        }
    }

    /// Signalling has moved the peer, or changed who is allowed: ours go there from now on.
    pub(crate) fn update(&mut self, now: Instant, promise: SocketAddr, policy: Source) {
        let left = Some(self.target()).filter(|&before| before != promise);
        *self = Lock {
            left: left.map(|before| (before, now)),
            ..Lock::new(promise, policy)
        };
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
        if from == self.promise {
            return Verdict::Promised;
        }
        let fits = match self.policy {
            Source::Exact => false,
            Source::SameAddress => from.ip() == self.promise.ip(),
            Source::Any => true,
        };
        let is_left = self
            .left
            .is_some_and(|(left, since)| left == from && now.saturating_duration_since(since) < LEFT_BEHIND);
        if fits && !is_left && self.is_silent(now) {
            Verdict::Newcomer
        } else {
            Verdict::Stranger
        }
    }

    /// A sound packet of a [`Verdict::Newcomer`]. True once it has proven itself: some packets of one SSRC that follow each
    /// other at a pace, while nobody better was heard. One packet, or a handful at once, moves nothing.
    pub(crate) fn try_sender(&mut self, now: Instant, from: SocketAddr, ssrc: u32, sequence: u16) -> bool {
        if let Some(trial) = &mut self.trial
            && now.saturating_duration_since(trial.heard) < TRIAL_PAUSE
        {
            if trial.from != from {
                // One at a time; this one's turn comes when the other has won, erred or stopped.
                return false;
            }
            let step = sequence.wrapping_sub(trial.highest);
            let follows = trial.ssrc == ssrc && (1..=TOLERANCE).contains(&step);
            let is_late = trial.ssrc == ssrc && step.wrapping_neg() <= TOLERANCE;
            if follows {
                trial.highest = sequence;
                trial.count = trial.count.saturating_add(1);
                trial.heard = now;
                return trial.count >= PROOF && now.saturating_duration_since(trial.began) >= PROOF_TIME;
            }
            if !is_late {
                self.trial = None;
            }
            return false;
        }
        self.trial = Some(Trial {
            from,
            ssrc,
            highest: sequence,
            count: 1,
            began: now,
            heard: now,
        });
        false
    }

    /// A sound packet came from `from`, who is believed. True if the lock moved from another sender.
    pub(crate) fn take(&mut self, now: Instant, from: SocketAddr) -> bool {
        let moved = self.locked.is_some_and(|locked| locked != from);
        self.locked = Some(from);
        self.touch(now);
        moved
    }

    /// A sound packet came from the locked sender.
    pub(crate) fn touch(&mut self, now: Instant) {
        self.heard = Some(now);
        self.trial = None;
    }

    /// Has the locked sender been silent for so long that others are listened to?
    pub(crate) fn is_silent(&self, now: Instant) -> bool {
        let silence = if self.has_promised() { PROMISED_SILENCE } else { SILENCE };
        self.heard
            .is_none_or(|heard| now.saturating_duration_since(heard) >= silence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Packets of one newcomer, 20 ms apart from `start` on; after how many it is believed.
    fn proof(lock: &mut Lock, start: Instant, from: SocketAddr, sequences: &[u16]) -> Option<usize> {
        sequences.iter().enumerate().find_map(|(n, &sequence)| {
            let now = start + ms(20 * n as u64);
            let is_heard = lock.judge(now, from) == Verdict::Newcomer;
            (is_heard && lock.try_sender(now, from, 7, sequence)).then_some(n + 1)
        })
    }

    #[test]
    fn each_policy_admits_what_its_name_says() {
        use Verdict::{Newcomer, Promised, Stranger};
        let now = Instant::now();
        for (policy, port, other) in [
            (Source::Exact, Stranger, Stranger),
            (Source::SameAddress, Newcomer, Stranger),
            (Source::Any, Newcomer, Newcomer),
        ] {
            let lock = Lock::new(address("192.0.2.1:4000"), policy);
            assert_eq!(lock.judge(now, address("192.0.2.1:4000")), Promised, "{policy:?}");
            assert_eq!(lock.judge(now, address("192.0.2.1:5000")), port, "{policy:?}");
            assert_eq!(lock.judge(now, address("192.0.2.9:4000")), other, "{policy:?}");
        }
    }

    #[test]
    fn a_newcomer_proves_itself_by_packets_that_follow_each_other() {
        let from = address("192.0.2.1:5000");
        let start = Instant::now();
        for (name, sequences, believed) in [
            ("in order", &[65_534, 65_535, 0, 1][..], Some(3)),
            ("two packets", &[1, 2], None),
            ("with loss", &[1, 4, 9], Some(3)),
            ("with overtaking and repeats", &[2, 1, 1, 4, 3, 5], Some(6)),
            ("the same one again and again", &[1, 1, 1, 1, 1, 1], None),
            ("backwards", &[9, 8, 7, 6, 5, 4], None),
            ("anything", &[7, 20_000, 300, 40_000, 90, 5_000, 61_000], None),
            ("anything, then in order", &[7, 20_000, 300, 301, 302], Some(5)),
        ] {
            let mut lock = Lock::new(address("192.0.2.1:4000"), Source::SameAddress);
            assert_eq!(proof(&mut lock, start, from, sequences), believed, "{name}");
        }
    }

    #[test]
    fn bursts_other_ssrcs_and_turns_prove_nothing() {
        let (from, other) = (address("192.0.2.1:5000"), address("192.0.2.1:6000"));
        let start = Instant::now();
        let new = || Lock::new(address("192.0.2.1:4000"), Source::SameAddress);
        let mut lock = new();
        assert!(!(0..50).any(|n| lock.try_sender(start + ms(n / 10), from, 7, n as u16)));
        let mut lock = new();
        assert!(!(0..50).any(|n| lock.try_sender(start + ms(20 * n), from, n as u32, n as u16)));
        let mut lock = new();
        assert!(!(0..50).any(|n| lock.try_sender(start + ms(300 * n), from, 7, n as u16)));
        // Who sends in between does not keep another from being believed.
        let mut lock = new();
        let believed = (0..9u16).find(|&n| {
            let now = start + ms(20 * u64::from(n));
            let first = lock.try_sender(now, from, 7, n);
            assert!(!lock.try_sender(now, other, 8, n * 31));
            first
        });
        assert_eq!(believed, Some(2));
    }

    #[test]
    fn once_locked_others_wait_until_it_is_silent_but_the_promised_one_wins() {
        let start = Instant::now();
        let mut lock = Lock::new(address("192.0.2.1:4000"), Source::Any);
        let (nat, thief) = (address("198.51.100.7:1024"), address("203.0.113.9:9"));
        assert_eq!(proof(&mut lock, start, nat, &[1, 2, 3]), Some(3));
        assert!(!lock.take(start, nat));
        assert_eq!(lock.target(), nat);
        let soon = start + ms(40);
        assert_eq!(lock.judge(soon, nat), Verdict::Known);
        assert_eq!(lock.judge(soon, thief), Verdict::Stranger);
        assert_eq!(lock.judge(start + SILENCE, thief), Verdict::Newcomer);
        assert_eq!(lock.judge(soon, address("192.0.2.1:4000")), Verdict::Promised);
        assert!(!lock.has_promised());
        assert!(lock.take(soon, address("192.0.2.1:4000")));
        assert!(lock.has_promised());
    }

    #[test]
    fn the_promised_sender_is_left_only_when_silent_and_for_one_that_is_proven() {
        let start = Instant::now();
        let promised = address("192.0.2.1:4000");
        let mut lock = Lock::new(promised, Source::SameAddress);
        let other = address("192.0.2.1:5000");
        // What was proven before it spoke is worth nothing after.
        assert!(!lock.try_sender(start, other, 7, 1));
        assert!(!lock.try_sender(start + ms(20), other, 7, 2));
        lock.take(start + ms(30), promised);
        assert_eq!(lock.judge(start + ms(40), other), Verdict::Stranger);
        assert_eq!(lock.judge(start + ms(30) + SILENCE, other), Verdict::Stranger);
        let silent = start + ms(30) + PROMISED_SILENCE;
        assert_eq!(lock.judge(silent, other), Verdict::Newcomer);
        assert_eq!(proof(&mut lock, silent, other, &[3, 4]), None);
        assert_eq!(lock.target(), promised);
        assert!(lock.try_sender(silent + ms(40), other, 7, 5));
    }

    #[test]
    fn signalling_moves_at_once_and_what_is_under_way_does_not_move_back() {
        let start = Instant::now();
        let mut lock = Lock::new(address("192.0.2.1:4000"), Source::SameAddress);
        lock.take(start, address("192.0.2.1:4000"));
        lock.update(start, address("192.0.2.1:4500"), Source::SameAddress);
        assert_eq!(lock.target(), address("192.0.2.1:4500"));
        assert_eq!(lock.judge(start, address("192.0.2.1:4000")), Verdict::Stranger);
        assert_eq!(lock.judge(start, address("192.0.2.1:4600")), Verdict::Newcomer);
        assert_eq!(
            lock.judge(start + LEFT_BEHIND, address("192.0.2.1:4000")),
            Verdict::Newcomer
        );
    }
}
