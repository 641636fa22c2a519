//! The non-INVITE server transaction (RFC 3261 §17.2.2, figure 8).

use std::time::Instant;

use crate::config::Timing;
use crate::message::StatusCode;

use super::timer::Fired;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Trying,
    Proceeding,
    Completed,
}

/// One request other than INVITE and ACK, from a peer.
#[derive(Debug)]
pub(crate) struct Server {
    state: State,
    /// Timer J. Before the final response it bounds how long our user may think (RFC 4320 §4.2).
    end: Instant,
    is_reliable: bool,
}

impl Server {
    /// The request has just come.
    pub fn start(now: Instant, timing: &Timing, is_reliable: bool) -> Server {
        Server {
            state: State::Trying,
            end: now + timing.patience(),
            is_reliable,
        }
    }

    /// The request came again. Returns whether the last response is sent again.
    pub fn handle_repeat(&self) -> bool {
        self.state != State::Trying
    }

    /// The user responds. Returns whether the response is sent; after a final one nothing is.
    pub fn respond(&mut self, now: Instant, timing: &Timing, status: StatusCode) -> bool {
        match self.state {
            State::Completed => false,
            State::Trying | State::Proceeding if status.is_provisional() => {
                self.state = State::Proceeding;
                true
            }
            State::Trying | State::Proceeding => {
                self.state = State::Completed;
                self.end = if self.is_reliable { now } else { now + timing.patience() };
                true
            }
        }
    }

    pub fn handle_timeout(&mut self, now: Instant) -> Fired {
        match (self.end <= now, self.state) {
            (false, _) => Fired::Nothing,
            (true, State::Completed) => Fired::Done,
            (true, State::Trying | State::Proceeding) => Fired::TimedOut,
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        Some(self.end)
    }

    /// Whether our user has not given a final response.
    pub fn is_pending(&self) -> bool {
        self.state != State::Completed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_arrow_of_figure_8() {
        let timing = Timing::default();
        let zero = Instant::now();
        let ms = |n: u64| zero + Duration::from_millis(n);
        for (is_reliable, end) in [(false, 32_050), (true, 50)] {
            let mut server = Server::start(zero, &timing, is_reliable);
            assert!(!server.handle_repeat(), "Trying absorbs repeats");
            assert!(server.respond(ms(20), &timing, StatusCode::TRYING));
            assert!(server.handle_repeat(), "Proceeding sends the provisional again");
            assert!(
                server.respond(ms(30), &timing, StatusCode::TRYING),
                "another provisional"
            );
            assert!(server.is_pending());
            assert!(server.respond(ms(50), &timing, StatusCode::OK));
            assert!(server.handle_repeat(), "Completed sends the final response again");
            assert!(
                !server.respond(ms(60), &timing, StatusCode::OK),
                "only one final response"
            );
            assert!(!server.is_pending());
            assert_eq!(server.poll_timeout(), Some(ms(end)), "Timer J");
            assert_eq!(server.handle_timeout(ms(end)), Fired::Done);
        }
        let mut forgotten = Server::start(zero, &timing, false);
        assert_eq!(forgotten.handle_timeout(ms(31_999)), Fired::Nothing);
        assert_eq!(
            forgotten.handle_timeout(ms(32_000)),
            Fired::TimedOut,
            "the user never responded"
        );
    }
}
