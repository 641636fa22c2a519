//! Whether a connection lives: our keep-alives on those that we opened (RFC 5626 §4.4.1), and patience with those that others did.

use std::time::{Duration, Instant};

/// Interval of our CRLF keep-alives.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long after a keep-alive its answer may take, from peers that have answered before.
const PONG: Duration = Duration::from_secs(10);

/// How long a connection that somebody opened to us may go without a whole message or keep-alive.
pub(super) const SILENCE: Duration = Duration::from_secs(900);

/// What is to be done when the time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing: it lives.
    Lives,
    /// Send a keep-alive.
    Ping,
    /// Close it: the peer is gone, or never was one.
    Close,
}

/// Who opened the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    Ours,
    /// The peer; its first whole message must come within this time.
    Theirs(Duration),
}

pub(super) struct Heart {
    by: Opened,
    last_heard: Instant,
    pinged: Option<Instant>,
    /// The peer has answered a keep-alive, so silence after one means that it is gone.
    answers: bool,
    /// Whole messages that were known the last time.
    messages: u64,
}

impl Heart {
    pub fn new(now: Instant, by: Opened) -> Heart {
        Heart {
            by,
            last_heard: now,
            pinged: None,
            answers: false,
            messages: 0,
        }
    }

    /// Bytes came.
    pub fn hear(&mut self, now: Instant, bytes: &[u8]) {
        let is_keep_alive = bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        match self.by {
            Opened::Ours => {
                self.last_heard = now;
                if self.pinged.take().is_some() && bytes.starts_with(b"\r\n") {
                    self.answers = true;
                }
            }
            // Who sends a message one byte at a time is not taken for alive, and who only sends keep-alives not for a telephone.
            Opened::Theirs(_) if is_keep_alive && self.messages > 0 => self.last_heard = now,
            Opened::Theirs(_) => {}
        }
    }

    /// When to call [`Heart::beat`].
    pub fn next(&self) -> Instant {
        match (self.by, self.pinged) {
            (Opened::Ours, Some(at)) if self.answers => at + PONG,
            (Opened::Ours, Some(at)) => at + KEEP_ALIVE,
            (Opened::Ours, None) => self.last_heard + KEEP_ALIVE,
            (Opened::Theirs(first), _) if self.messages == 0 => self.last_heard + first,
            (Opened::Theirs(_), _) => self.last_heard + SILENCE,
        }
    }

    /// The time has come. `messages`: whole messages that came so far.
    pub fn beat(&mut self, now: Instant, messages: u64) -> Beat {
        match self.by {
            Opened::Ours if self.answers && self.pinged.is_some() => Beat::Close,
            Opened::Ours => {
                self.pinged = Some(now);
                Beat::Ping
            }
            Opened::Theirs(_) if messages == self.messages => Beat::Close,
            Opened::Theirs(_) => {
                self.messages = messages;
                self.last_heard = now;
                Beat::Lives
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Step {
        /// Bytes at this second.
        Hear(u64, &'static [u8]),
        /// At the second at which it wants to be woken, with so many messages.
        Beat(u64, u64, Beat),
    }
    use Step::{Beat as At, Hear};

    fn walk(name: &str, by: Opened, steps: &[Step]) {
        let zero = Instant::now();
        let second = |n: u64| zero + Duration::from_secs(n);
        let mut heart = Heart::new(zero, by);
        for (index, step) in steps.iter().enumerate() {
            match *step {
                Hear(at, bytes) => heart.hear(second(at), bytes),
                At(at, messages, expected) => {
                    assert_eq!(heart.next(), second(at), "{name}, step {index}");
                    assert_eq!(heart.beat(second(at), messages), expected, "{name}, step {index}");
                }
            }
        }
    }

    #[test]
    fn connections_live_as_long_as_their_peers() {
        let theirs = Opened::Theirs(Duration::from_secs(15));
        walk("silent from the start", theirs, &[At(15, 0, Beat::Close)]);
        walk(
            "byte by byte",
            theirs,
            &[
                Hear(5, b"OPT"),
                Hear(10, b"IONS"),
                Hear(14, b" "),
                At(15, 0, Beat::Close),
            ],
        );
        walk(
            "keep-alives alone",
            theirs,
            &[Hear(5, b"\r\n\r\n"), Hear(14, b"\r\n\r\n"), At(15, 0, Beat::Close)],
        );
        walk(
            "one message, then bytes without end",
            theirs,
            &[
                Hear(1, b"OPTIONS"),
                At(15, 1, Beat::Lives),
                Hear(800, b"OPT"),
                At(915, 1, Beat::Close),
            ],
        );
        walk(
            "messages, then keep-alives",
            theirs,
            &[
                At(15, 2, Beat::Lives),
                At(915, 3, Beat::Lives),
                Hear(1_000, b"\r\n\r\n"),
                At(1_900, 3, Beat::Close),
            ],
        );
        walk(
            "ours, to a peer that does not answer keep-alives",
            Opened::Ours,
            &[
                At(30, 0, Beat::Ping),
                At(60, 0, Beat::Ping),
                Hear(70, b"SIP"),
                At(100, 0, Beat::Ping),
            ],
        );
        walk(
            "ours, to a peer that did and does no more",
            Opened::Ours,
            &[
                At(30, 0, Beat::Ping),
                Hear(31, b"\r\n"),
                At(61, 0, Beat::Ping),
                At(71, 0, Beat::Close),
            ],
        );
    }
}
