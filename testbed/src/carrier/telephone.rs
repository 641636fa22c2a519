//! One call to one telephone, as a machine without I/O.

use std::time::{Duration, Instant};

use super::behaviour::{Deed, LONGEST_RINGING, Plan};

/// What the exchange must do for the telephone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// Tell the caller that it rings.
    Ring,
    /// Answer the call.
    Answer,
    /// Refuse the call with a status and perhaps a Retry-After in seconds.
    Refuse(u16, Option<u32>),
    /// Do something within the answered call.
    Do(Deed),
}

/// A telephone that is being called.
#[derive(Debug)]
pub struct Telephone {
    plan: Plan,
    state: State,
    due: Option<Instant>,
    acts: Option<Act>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Ringing,
    Answering,
    Talking { answered: Instant, done: usize },
    Over,
}

/// A key is put off by this much while nothing has been heard from the other side yet.
const PATIENCE: Duration = Duration::from_millis(300);

impl Telephone {
    /// A call arrives now. The telephone rings at once if it rings at all.
    pub fn new(now: Instant, plan: Plan) -> Telephone {
        let (due, acts) = match &plan {
            Plan::Answer { after, .. } => (Some(now + *after), Some(Act::Ring)),
            Plan::Refuse { after, .. } => (Some(now + *after), None),
            Plan::Ring => (Some(now + LONGEST_RINGING), Some(Act::Ring)),
        };
        Telephone {
            plan,
            state: State::Ringing,
            due,
            acts,
        }
    }

    /// The call is up: the caller has acknowledged the answer.
    pub fn handle_up(&mut self, now: Instant) {
        if self.state == State::Answering {
            self.state = State::Talking { answered: now, done: 0 };
            self.wait_for_next_deed();
        }
    }

    /// The call is over, whoever ended it.
    pub fn handle_over(&mut self) {
        self.state = State::Over;
        self.due = None;
        self.acts = None;
    }

    /// Time has come. `has_heard` says whether any audio has arrived since the answer: nobody presses a key into nothing.
    pub fn handle_timeout(&mut self, now: Instant, has_heard: bool) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        self.due = None;
        match (&mut self.state, &self.plan) {
            (State::Ringing, Plan::Answer { .. }) => {
                self.state = State::Answering;
                self.acts = Some(Act::Answer);
            }
            (
                State::Ringing,
                Plan::Refuse {
                    status, retry_after, ..
                },
            ) => {
                self.acts = Some(Act::Refuse(*status, *retry_after));
                self.state = State::Over;
            }
            (State::Ringing, Plan::Ring) => {
                self.acts = Some(Act::Refuse(480, None));
                self.state = State::Over;
            }
            (State::Talking { done, .. }, Plan::Answer { deeds, .. }) => {
                let Some((_, deed)) = deeds.get(*done) else { return };
                if matches!(deed, Deed::Press(..)) && !has_heard {
                    self.due = Some(now + PATIENCE);
                    return;
                }
                self.acts = Some(Act::Do(*deed));
                *done += 1;
                self.wait_for_next_deed();
            }
            _ => {}
        }
    }

    /// The next thing to do, until `None`.
    pub fn poll_act(&mut self) -> Option<Act> {
        self.acts.take()
    }

    /// When the telephone wants to be woken.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    fn wait_for_next_deed(&mut self) {
        if let (State::Talking { answered, done }, Plan::Answer { deeds, .. }) = (self.state, &self.plan) {
            self.due = deeds.get(done).map(|(at, _)| answered + *at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::behaviour::KeyPath;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn it_rings_answers_listens_and_presses() {
        let start = Instant::now();
        let press = Deed::Press('1', KeyPath::Events);
        let mut phone = Telephone::new(
            start,
            Plan::Answer {
                after: 5 * SECOND,
                deeds: vec![(2 * SECOND, press), (9 * SECOND, Deed::Leave)],
            },
        );
        assert_eq!(phone.poll_act(), Some(Act::Ring));
        phone.handle_timeout(start + 4 * SECOND, false);
        assert_eq!(phone.poll_act(), None);
        phone.handle_timeout(start + 5 * SECOND, false);
        assert_eq!(phone.poll_act(), Some(Act::Answer));
        assert_eq!(phone.poll_timeout(), None, "nothing happens before the acknowledgement");
        let up = start + 6 * SECOND;
        phone.handle_up(up);
        phone.handle_timeout(up + 2 * SECOND, false);
        assert_eq!(phone.poll_act(), None, "nothing heard yet: the key waits");
        phone.handle_timeout(up + 3 * SECOND, true);
        assert_eq!(phone.poll_act(), Some(Act::Do(press)));
        assert_eq!(phone.poll_timeout(), Some(up + 9 * SECOND));
        phone.handle_over();
        assert_eq!(phone.poll_timeout(), None);
    }

    #[test]
    fn it_refuses_after_a_while_and_then_is_silent() {
        let start = Instant::now();
        let mut phone = Telephone::new(
            start,
            Plan::Refuse {
                after: SECOND,
                status: 503,
                retry_after: Some(4),
            },
        );
        assert_eq!(phone.poll_act(), None, "a busy telephone does not ring");
        phone.handle_timeout(start + SECOND, false);
        assert_eq!(phone.poll_act(), Some(Act::Refuse(503, Some(4))));
        assert_eq!(phone.poll_timeout(), None);
    }

    #[test]
    fn an_unanswered_telephone_rings_until_the_carrier_has_had_enough() {
        let start = Instant::now();
        let mut phone = Telephone::new(start, Plan::Ring);
        assert_eq!(phone.poll_act(), Some(Act::Ring));
        assert_eq!(phone.poll_timeout(), Some(start + LONGEST_RINGING));
        phone.handle_timeout(start + LONGEST_RINGING, false);
        assert_eq!(phone.poll_act(), Some(Act::Refuse(480, None)));
        assert_eq!(phone.poll_timeout(), None);
    }
}
