//! The carrier, its telephones and the gateway: what they hear, and what must never be asked of them.

use super::*;

impl World {
    pub(super) fn place(&mut self, order: Order) {
        let (seed, time) = (self.seed, self.time);
        let at = usize::from(order.trunk.0);
        let settings = &self.settings.trunks[at];
        assert!(
            self.durable_starts.contains(&order.attempt),
            "seed {seed}: {order:?} placed before its intent is durable"
        );
        assert!(
            self.is_recall || !self.durable_confirmed.contains(&(order.campaign, order.recipient)),
            "seed {seed}: {order:?} rings somebody who confirmed"
        );
        self.calls
            .retain(|_, call| !call.is_over || call.started + secs(200) > time);
        let on_trunk = self
            .calls
            .values()
            .filter(|call| !call.is_over && call.order.trunk == order.trunk)
            .count();
        assert!(
            on_trunk < settings.channels as usize,
            "seed {seed}: more than {} channels",
            settings.channels
        );
        for other in self.calls.values().filter(|call| !call.is_over) {
            assert!(
                other.order.recipient != order.recipient || other.order.campaign == order.campaign,
                "seed {seed}: {order:?} rings somebody whom another campaign rings"
            );
            assert!(
                other.order.number != order.number,
                "seed {seed}: {order:?} rings a number that is being rung"
            );
        }
        let window = &mut self.windows[at];
        while window.front().is_some_and(|first| *first + secs(1) <= time) {
            window.pop_front();
        }
        window.push_back(time);
        assert!(
            window.len() <= settings.calls_per_second.ceil() as usize,
            "seed {seed}: {} calls in a second on {}",
            window.len(),
            settings.name
        );
        let before = *self
            .calls_to
            .entry(order.number)
            .and_modify(|count| *count += 1)
            .or_insert(0);
        let answer = (self.behaviour)(&mut self.rng, &order, before);
        self.play(&order, answer);
        self.placed.push((time, order.clone()));
        let call = Call {
            order,
            answer,
            is_over: false,
            is_answered: false,
            has_pressed: false,
            started: time,
        };
        self.calls.insert(call.order.attempt, call);
    }

    pub(super) fn send(&mut self, notice: Notice) {
        let seed = self.seed;
        assert!(
            self.durable_starts.contains(&notice.attempt),
            "seed {seed}: {notice:?} sent before its intent is durable"
        );
        assert!(
            self.is_recall || !self.durable_confirmed.contains(&(notice.campaign, notice.recipient)),
            "seed {seed}: {notice:?} is sent to somebody who confirmed"
        );
        let before = self
            .sent
            .iter()
            .filter(|(_, sent)| sent.number == notice.number)
            .count();
        let attempt = notice.attempt;
        let ended = |outcome| CallReport::Ended {
            attempt,
            outcome,
            stats: CallStats::default(),
        };
        match (self.texting)(&notice, before as u32) {
            Text::Sent => self.tell(ms(300), ended(Outcome::Sent)),
            Text::Delivered { after } => {
                self.tell(ms(300), ended(Outcome::Sent));
                self.tell(after, CallReport::Delivered { attempt });
            }
            Text::Ends(outcome) => self.tell(ms(300), ended(outcome)),
        }
        self.sent.push((self.time, notice));
    }

    fn play(&mut self, order: &Order, answer: Answer) {
        let attempt = order.attempt;
        let rings = ms(self.rng.random_range(500..6_000)).min(order.ring_timeout);
        self.tell(ms(200), CallReport::Ringing { attempt });
        let end = |world: &mut Self, after: Duration, outcome: Outcome, talking: Duration| {
            let stats = CallStats {
                ringing: after.saturating_sub(talking),
                talking,
                ..CallStats::default()
            };
            world.tell(
                after,
                CallReport::Ended {
                    attempt,
                    outcome,
                    stats,
                },
            );
            world.after(after, Happening::Ended(attempt));
        };
        match answer {
            Answer::Confirms { after } => {
                self.tell(rings, CallReport::Answered { attempt });
                self.tell(rings + after, CallReport::ConfirmRequested { attempt });
                end(self, rings + after + secs(4), Outcome::Confirmed, after + secs(4));
            }
            Answer::ConfirmsAndHangsUp { after } => {
                self.tell(rings, CallReport::Answered { attempt });
                self.tell(rings + after, CallReport::ConfirmRequested { attempt });
                end(self, rings + after, Outcome::Confirmed, after);
            }
            Answer::Listens => {
                self.tell(rings, CallReport::Answered { attempt });
                end(
                    self,
                    rings + secs(30),
                    Outcome::AnsweredNotConfirmed(Heard::Whole),
                    secs(30),
                );
            }
            Answer::HangsUp => {
                self.tell(rings, CallReport::Answered { attempt });
                end(
                    self,
                    rings + secs(5),
                    Outcome::AnsweredNotConfirmed(Heard::Part),
                    secs(5),
                );
            }
            Answer::Ends(outcome, after) => end(self, after, outcome, Duration::ZERO),
            Answer::Vanishes => self.after(rings + secs(60), Happening::Ended(attempt)),
        }
    }

    pub(super) fn acknowledge(&mut self, attempt: AttemptId) {
        let seed = self.seed;
        let Some(call) = self.calls.get(&attempt) else {
            panic!("seed {seed}: thanks for an unknown call {attempt}")
        };
        let (campaign, recipient) = (call.order.campaign, call.order.recipient);
        assert!(
            self.durable_confirmed.contains(&(campaign, recipient)),
            "seed {seed}: {attempt} is thanked before the confirmation is durable"
        );
        self.acknowledged.insert(recipient);
    }

    pub(super) fn hang_up(&mut self, attempt: AttemptId) {
        let Some(call) = self.calls.get_mut(&attempt) else {
            return;
        };
        if call.is_over {
            return;
        }
        call.is_over = true;
        let outcome = Outcome::Cancelled;
        self.tell(
            ms(50),
            CallReport::Ended {
                attempt,
                outcome,
                stats: CallStats::default(),
            },
        );
    }
}
