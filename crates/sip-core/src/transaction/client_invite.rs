//! The INVITE client transaction (RFC 3261 §17.1.1, figure 5, with the Accepted state of RFC 6026 §7.2).

use std::time::{Duration, Instant};

use crate::config::Timing;
use crate::message::StatusCode;

use super::timer::{Fired, Repeat, earliest, fire};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Calling,
    Proceeding,
    Completed,
    Accepted,
}

/// One INVITE from us.
#[derive(Debug)]
pub(crate) struct ClientInvite {
    state: State,
    /// Timer A.
    repeat: Option<Repeat>,
    /// Timer B, then D or M. None while the other side rings.
    end: Option<Instant>,
    /// The end is that of a cancelled INVITE: provisional responses do not put it off.
    is_cancelled: bool,
    is_reliable: bool,
}

/// What a response means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// News for the user.
    Response,
    /// News for the user, who finds it acknowledged: send the transaction's ACK.
    Failure,
    /// A repeated failure: send the same ACK again.
    AcknowledgeAgain,
    /// A 2xx after the first one: a repeat, or another branch of a fork. The user knows which.
    Success,
    /// Nothing.
    Ignored,
}

impl ClientInvite {
    /// The INVITE has just been sent.
    pub fn start(now: Instant, timing: &Timing, is_reliable: bool) -> ClientInvite {
        ClientInvite {
            state: State::Calling,
            repeat: (!is_reliable).then(|| Repeat::start(now, timing.t1, Duration::MAX / 4)),
            end: Some(now + timing.patience()),
            is_cancelled: false,
            is_reliable,
        }
    }

    pub fn handle_response(&mut self, now: Instant, timing: &Timing, status: StatusCode) -> Heard {
        match self.state {
            State::Calling | State::Proceeding if status.is_provisional() => {
                self.state = State::Proceeding;
                self.repeat = None;
                if !self.is_cancelled {
                    self.end = None;
                }
                Heard::Response
            }
            State::Calling | State::Proceeding if status.is_success() => {
                self.state = State::Accepted;
                self.repeat = None;
                self.end = Some(now + timing.patience());
                Heard::Success
            }
            State::Calling | State::Proceeding => {
                self.state = State::Completed;
                self.repeat = None;
                self.end = Some(if self.is_reliable { now } else { now + timing.linger() });
                Heard::Failure
            }
            State::Completed if status.is_failure() => Heard::AcknowledgeAgain,
            State::Accepted if status.is_success() => Heard::Success,
            State::Completed | State::Accepted => Heard::Ignored,
        }
    }

    pub fn handle_timeout(&mut self, now: Instant) -> Fired {
        if self.end.is_some_and(|end| end <= now) {
            return match self.state {
                State::Calling | State::Proceeding => Fired::TimedOut,
                State::Completed | State::Accepted => Fired::Done,
            };
        }
        fire(&mut self.repeat, now)
    }

    /// The user sent CANCEL, or ended the dialog: if no final response comes within 64·T1, the transaction is over (RFC 3261 §9.1).
    pub fn handle_cancel(&mut self, now: Instant, timing: &Timing) {
        if matches!(self.state, State::Calling | State::Proceeding) {
            self.end = Some(now + timing.patience());
            self.is_cancelled = true;
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(self.repeat.map(|r| r.at()), self.end)
    }

    /// Whether no final response has come.
    pub fn is_pending(&self) -> bool {
        matches!(self.state, State::Calling | State::Proceeding)
    }

    /// Whether a provisional response has come and no final one, so that CANCEL may be sent.
    pub fn is_proceeding(&self) -> bool {
        self.state == State::Proceeding
    }

    /// Whether CANCEL was sent.
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Step {
        Response(u64, u16, Heard),
        Timeout(u64, Fired),
        Cancel(u64),
        /// No timer runs.
        Idle,
    }
    use Step::{Cancel, Idle, Response, Timeout};

    fn walk(name: &str, is_reliable: bool, steps: &[Step]) {
        let timing = Timing::default();
        let zero = Instant::now();
        let ms = |n: u64| zero + Duration::from_millis(n);
        let mut client = ClientInvite::start(zero, &timing, is_reliable);
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
                Cancel(at) => client.handle_cancel(ms(at), &timing),
                Idle => assert_eq!(client.poll_timeout(), None, "{name}, step {i}"),
            }
        }
    }

    #[test]
    fn each_arrow_of_figure_5_and_of_rfc_6026() {
        use Fired::{Done, Retransmit, TimedOut};
        walk(
            "A doubles without bound until B",
            false,
            &[
                Timeout(500, Retransmit),
                Timeout(1500, Retransmit),
                Timeout(3500, Retransmit),
                Timeout(7500, Retransmit),
                Timeout(15_500, Retransmit),
                Timeout(31_500, Retransmit),
                Timeout(32_000, TimedOut),
            ],
        );
        walk("reliable: only B", true, &[Timeout(32_000, TimedOut)]);
        walk(
            "a provisional stops A and B",
            false,
            &[
                Response(100, 100, Heard::Response),
                Idle,
                Response(200, 180, Heard::Response),
                Response(90_000, 486, Heard::Failure),
                Response(90_100, 486, Heard::AcknowledgeAgain),
                Response(90_200, 180, Heard::Ignored),
                Response(90_300, 200, Heard::Ignored),
                Timeout(122_000, Done),
            ],
        );
        walk(
            "failure in Calling",
            false,
            &[Response(10, 404, Heard::Failure), Timeout(32_010, Done)],
        );
        walk(
            "reliable: D is zero",
            true,
            &[Response(10, 404, Heard::Failure), Timeout(10, Done)],
        );
        walk(
            "2xx in Calling, M",
            false,
            &[
                Response(10, 200, Heard::Success),
                Response(600, 200, Heard::Success),
                Response(700, 486, Heard::Ignored),
                Response(800, 180, Heard::Ignored),
                Timeout(32_010, Done),
            ],
        );
        walk(
            "2xx in Proceeding, reliable too",
            true,
            &[
                Response(10, 183, Heard::Response),
                Response(20, 202, Heard::Success),
                Timeout(32_020, Done),
            ],
        );
        walk(
            "CANCEL bounds the wait",
            false,
            &[
                Response(10, 180, Heard::Response),
                Cancel(5000),
                Timeout(37_000, TimedOut),
            ],
        );
        walk(
            "ringing after the CANCEL does not put it off (found by fuzzing)",
            false,
            &[
                Response(10, 180, Heard::Response),
                Cancel(5000),
                Response(6000, 180, Heard::Response),
                Timeout(37_000, TimedOut),
            ],
        );
        walk(
            "CANCEL, then 487",
            false,
            &[
                Response(10, 180, Heard::Response),
                Cancel(5000),
                Response(5010, 487, Heard::Failure),
                Timeout(37_010, Done),
            ],
        );
    }
}
