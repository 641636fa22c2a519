//! The INVITE server transaction (RFC 3261 §17.2.1, figure 7, with the Accepted state of RFC 6026 §7.1).
//!
//! The 2xx is repeated here too, although RFC 3261 §13.3.1.4 gives that task to the user: its timers are the same as those of the
//! other final responses, except that it is also repeated over reliable transports.

use std::time::Instant;

use crate::config::Timing;
use crate::message::StatusCode;

use super::timer::{Fired, Repeat, earliest, fire};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Proceeding,
    Completed,
    Confirmed,
    Accepted,
}

/// One INVITE from a peer. The caller sends 100 at once.
#[derive(Debug)]
pub(crate) struct ServerInvite {
    state: State,
    /// Timer G, or the repeat of the 2xx.
    repeat: Option<Repeat>,
    /// Timer H, then I; or L.
    end: Option<Instant>,
    /// In Accepted: the ACK has come.
    is_acknowledged: bool,
    is_reliable: bool,
}

/// What an ACK means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acknowledged {
    /// The failure was heard.
    Failure,
    /// The success was heard, for the first time.
    Success,
    /// A repeat, or out of place.
    Ignored,
}

impl ServerInvite {
    /// The INVITE has just come.
    pub fn start(is_reliable: bool) -> ServerInvite {
        ServerInvite {
            state: State::Proceeding,
            repeat: None,
            end: None,
            is_acknowledged: false,
            is_reliable,
        }
    }

    /// The INVITE came again. Returns whether the last response is sent again.
    pub fn handle_repeat(&self) -> bool {
        match self.state {
            State::Proceeding | State::Completed => true,
            // RFC 6026 §7.1: absorbed, since the 2xx has its own repeat.
            State::Confirmed | State::Accepted => false,
        }
    }

    /// The user responds. Returns whether the response is sent.
    pub fn respond(&mut self, now: Instant, timing: &Timing, status: StatusCode) -> bool {
        if self.state != State::Proceeding {
            return false;
        }
        if status.is_provisional() {
            return true;
        }
        self.end = Some(now + timing.patience());
        if status.is_success() {
            self.state = State::Accepted;
            self.repeat = Some(Repeat::start(now, timing.t1, timing.t2));
        } else {
            self.state = State::Completed;
            self.repeat = (!self.is_reliable).then(|| Repeat::start(now, timing.t1, timing.t2));
        }
        true
    }

    /// An ACK came for this INVITE: by the transaction's branch for a failure, by the dialog for a success.
    pub fn handle_ack(&mut self, now: Instant, timing: &Timing) -> Acknowledged {
        match self.state {
            State::Completed => {
                self.state = State::Confirmed;
                self.repeat = None;
                self.end = Some(if self.is_reliable { now } else { now + timing.t4 });
                Acknowledged::Failure
            }
            State::Accepted if !self.is_acknowledged => {
                self.is_acknowledged = true;
                self.repeat = None;
                Acknowledged::Success
            }
            State::Proceeding | State::Confirmed | State::Accepted => Acknowledged::Ignored,
        }
    }

    /// The dialog ended before the ACK came: the 2xx is not repeated any more.
    pub fn stop_repeating(&mut self) {
        if self.state == State::Accepted {
            self.is_acknowledged = true;
            self.repeat = None;
        }
    }

    pub fn handle_timeout(&mut self, now: Instant) -> Fired {
        if self.end.is_some_and(|end| end <= now) {
            let was_heard = self.state == State::Confirmed || self.is_acknowledged;
            return if was_heard { Fired::Done } else { Fired::TimedOut };
        }
        fire(&mut self.repeat, now)
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(self.repeat.map(|r| r.at()), self.end)
    }

    /// Whether our user gave a 2xx.
    pub fn is_accepted(&self) -> bool {
        self.state == State::Accepted
    }

    /// Whether our user has not given a final response.
    pub fn is_pending(&self) -> bool {
        self.state == State::Proceeding
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    enum Step {
        Repeat(bool),
        Respond(u64, u16, bool),
        Ack(u64, Acknowledged),
        Timeout(u64, Fired),
        Idle,
    }
    use Step::{Ack, Idle, Repeat, Respond, Timeout};

    fn walk(name: &str, is_reliable: bool, steps: &[Step]) {
        let timing = Timing::default();
        let zero = Instant::now();
        let ms = |n: u64| zero + Duration::from_millis(n);
        let mut server = ServerInvite::start(is_reliable);
        for (i, step) in steps.iter().enumerate() {
            match *step {
                Repeat(again) => assert_eq!(server.handle_repeat(), again, "{name}, step {i}"),
                Respond(at, code, sent) => {
                    let status = StatusCode::new(code).expect("a status");
                    assert_eq!(server.respond(ms(at), &timing, status), sent, "{name}, step {i}");
                }
                Ack(at, heard) => assert_eq!(server.handle_ack(ms(at), &timing), heard, "{name}, step {i}"),
                Timeout(at, fired) => {
                    assert_eq!(server.poll_timeout(), Some(ms(at)), "{name}, step {i}: time");
                    assert_eq!(server.handle_timeout(ms(at)), fired, "{name}, step {i}");
                }
                Idle => assert_eq!(server.poll_timeout(), None, "{name}, step {i}"),
            }
        }
    }

    #[test]
    fn each_arrow_of_figure_7_and_of_rfc_6026() {
        use Fired::{Done, Retransmit, TimedOut};
        walk(
            "failure, G until the ACK, then I",
            false,
            &[
                Idle,
                Repeat(true),
                Respond(100, 180, true),
                Repeat(true),
                Respond(200, 486, true),
                Repeat(true),
                Respond(210, 200, false),
                Timeout(700, Retransmit),
                Timeout(1700, Retransmit),
                Ack(1800, Acknowledged::Failure),
                Repeat(false),
                Ack(1900, Acknowledged::Ignored),
                Timeout(6800, Done),
            ],
        );
        walk(
            "failure, no ACK: H",
            false,
            &[
                Respond(0, 404, true),
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
        );
        walk(
            "failure over a stream: no G, I is zero",
            true,
            &[Respond(0, 404, true), Ack(5, Acknowledged::Failure), Timeout(5, Done)],
        );
        walk(
            "failure over a stream, no ACK",
            true,
            &[Respond(0, 404, true), Timeout(32_000, TimedOut)],
        );
        walk(
            "success, acknowledged, L",
            false,
            &[
                Respond(0, 200, true),
                Repeat(false),
                Timeout(500, Retransmit),
                Ack(600, Acknowledged::Success),
                Ack(700, Acknowledged::Ignored),
                Respond(800, 486, false),
                Timeout(32_000, Done),
            ],
        );
        walk(
            "success is repeated over streams too, and gives up",
            true,
            &[
                Respond(0, 200, true),
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
        );
    }
}
