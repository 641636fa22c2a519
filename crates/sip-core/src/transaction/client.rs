//! The non-INVITE client transaction (RFC 3261 §17.1.2, figure 6).

use std::time::Instant;

use crate::config::Timing;
use crate::message::StatusCode;

use super::timer::{Fired, Repeat, earliest, fire};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Trying,
    Proceeding,
    Completed,
}

/// One request other than INVITE and ACK, from us.
#[derive(Debug)]
pub(crate) struct Client {
    state: State,
    /// Timer E.
    repeat: Option<Repeat>,
    /// Timer F until the final response, Timer K after it.
    end: Instant,
    is_reliable: bool,
}

impl Client {
    /// The request has just been sent.
    pub fn start(now: Instant, timing: &Timing, is_reliable: bool) -> Client {
        Client {
            state: State::Trying,
            repeat: (!is_reliable).then(|| Repeat::start(now, timing.t1, timing.t2)),
            end: now + timing.patience(),
            is_reliable,
        }
    }

    /// A response matched. Returns whether the user hears of it; repeats of the final response are absorbed.
    pub fn handle_response(&mut self, now: Instant, timing: &Timing, status: StatusCode) -> bool {
        match self.state {
            State::Trying | State::Proceeding if status.is_provisional() => {
                self.state = State::Proceeding;
                if let Some(repeat) = &mut self.repeat {
                    repeat.slow_down();
                }
                true
            }
            State::Trying | State::Proceeding => {
                self.state = State::Completed;
                self.repeat = None;
                self.end = if self.is_reliable { now } else { now + timing.t4 };
                true
            }
            State::Completed => false,
        }
    }

    pub fn handle_timeout(&mut self, now: Instant) -> Fired {
        if self.end <= now {
            return if self.state == State::Completed {
                Fired::Done
            } else {
                Fired::TimedOut
            };
        }
        fire(&mut self.repeat, now)
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(self.repeat.map(|r| r.at()), Some(self.end))
    }

    /// Whether no response at all has come.
    pub fn is_trying(&self) -> bool {
        self.state == State::Trying
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What happens, at which millisecond, and what the machine does.
    enum Step {
        Response(u64, u16, bool),
        Timeout(u64, Fired),
    }
    use Step::{Response, Timeout};

    const NONE: Option<u64> = None;

    fn walk(name: &str, is_reliable: bool, steps: &[Step], end: Option<u64>) {
        let timing = Timing::default();
        let zero = Instant::now();
        let ms = |n: u64| zero + Duration::from_millis(n);
        let mut client = Client::start(zero, &timing, is_reliable);
        for (i, step) in steps.iter().enumerate() {
            match *step {
                Response(at, code, heard) => {
                    let status = StatusCode::new(code).expect("a status");
                    assert_eq!(
                        client.handle_response(ms(at), &timing, status),
                        heard,
                        "{name}, step {i}"
                    );
                }
                Timeout(at, fired) => {
                    assert_eq!(client.poll_timeout(), Some(ms(at)), "{name}, step {i}: time");
                    assert_eq!(client.handle_timeout(ms(at)), fired, "{name}, step {i}");
                }
            }
        }
        if let Some(end) = end {
            assert_eq!(client.poll_timeout(), Some(ms(end)), "{name}: end");
        }
    }

    #[test]
    fn each_arrow_of_figure_6() {
        use Fired::{Done, Retransmit, TimedOut};
        walk(
            "E doubles to T2",
            false,
            &[
                Timeout(500, Retransmit),
                Timeout(1500, Retransmit),
                Timeout(3500, Retransmit),
                Timeout(7500, Retransmit),
                Timeout(11_500, Retransmit),
                Timeout(15_500, Retransmit),
                Timeout(19_500, Retransmit),
                Timeout(23_500, Retransmit),
                Timeout(27_500, Retransmit),
                Timeout(31_500, Retransmit),
                Timeout(32_000, TimedOut),
            ],
            NONE,
        );
        walk(
            "final in Trying, then K",
            false,
            &[Response(100, 200, true), Response(200, 200, false), Timeout(5100, Done)],
            NONE,
        );
        walk(
            "Proceeding slows E down",
            false,
            &[
                Response(100, 100, true),
                Timeout(500, Retransmit),
                Timeout(4500, Retransmit),
                Response(4600, 180, true),
                Response(4700, 404, true),
                Response(4800, 100, false),
                Timeout(9700, Done),
            ],
            NONE,
        );
        walk(
            "Proceeding times out",
            true,
            &[Response(1, 100, true), Timeout(32_000, TimedOut)],
            NONE,
        );
        walk(
            "reliable: no E, K is zero",
            true,
            &[Response(40, 503, true), Timeout(40, Done)],
            NONE,
        );
        walk("reliable: F", true, &[Timeout(32_000, TimedOut)], NONE);
    }
}
