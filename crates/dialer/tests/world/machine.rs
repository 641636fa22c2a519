//! The machine that the dialer runs on: its journal, its clock, its end.

use super::*;

impl World {
    /// Does what is to be done now: records to the journal, actions to the carrier.
    pub(super) fn settle(&mut self) {
        loop {
            let records: Vec<Record> = std::iter::from_fn(|| self.dialer.poll_record()).collect();
            self.unflushed.extend(records);
            if !self.is_flushing && !self.unflushed.is_empty() {
                self.append();
            }
            let mut is_idle = true;
            while let Some(action) = self.dialer.poll_action() {
                is_idle = false;
                self.actions.push((self.time, action.clone()));
                match action {
                    Action::Place(order) => self.place(order),
                    Action::Send(notice) => self.send(notice),
                    Action::Acknowledge(attempt) => self.acknowledge(attempt),
                    Action::HangUp(attempt) => self.hang_up(attempt),
                    Action::ChangeMessage { .. } => {}
                }
            }
            if is_idle {
                break;
            }
        }
    }

    fn append(&mut self) {
        let first = self.unflushed[0].sequence;
        let appended = if self.journal.next() == first {
            self.journal.append(first, self.unflushed.make_contiguous()).map(|_| ())
        } else {
            Ok(())
        };
        match appended {
            Ok(()) => {
                self.is_flushing = true;
                self.after(self.flush, Happening::Flushed);
            }
            Err(error) => {
                self.dialer.handle_journal_failure(self.now(), &error.to_string());
                self.is_flushing = true;
                self.after(ms(250), Happening::Flushed);
            }
        }
    }

    pub(super) fn flushed(&mut self) {
        self.is_flushing = false;
        if self
            .unflushed
            .front()
            .is_some_and(|record| record.sequence == self.journal.next())
        {
            return self.append();
        }
        match self.journal.flush() {
            Ok(upto) => {
                self.take_durable(upto);
                self.dialer.handle_durable(self.now(), upto);
            }
            Err(error) => {
                self.dialer.handle_journal_failure(self.now(), &error.to_string());
                self.is_flushing = true;
                self.after(ms(250), Happening::Flushed);
            }
        }
    }

    fn take_durable(&mut self, upto: Sequence) {
        while self.unflushed.front().is_some_and(|record| record.sequence < upto) {
            match self.unflushed.pop_front().unwrap().event {
                Event::AttemptStarted { attempt, .. } => {
                    self.durable_starts.insert(attempt);
                }
                Event::Confirmed {
                    campaign,
                    whom: Whom::Member(place),
                    ..
                } => {
                    let recipient = self.members[&campaign][place as usize];
                    self.durable_confirmed.insert((campaign, recipient));
                }
                Event::RecipientsAdded {
                    campaign,
                    first,
                    recipients,
                    ..
                } => {
                    let members = self.members.entry(campaign).or_default();
                    members.truncate(first.unwrap() as usize);
                    members.extend(recipients);
                }
                _ => {}
            }
        }
    }

    /// Lets time pass until `until`, or with `None` until nothing is left to happen.
    fn run(&mut self, until: Option<Duration>, mut stop: impl FnMut(&Self) -> bool) {
        self.settle();
        loop {
            if stop(self) {
                return;
            }
            let wake = self
                .dialer
                .poll_timeout()
                .map(|due| due.saturating_duration_since(self.epoch));
            let happening = self.happenings.peek().map(|Reverse((at, _))| *at);
            let Some(next) = [wake, happening].into_iter().flatten().min() else {
                return;
            };
            if let Some(until) = until
                && next > until
            {
                self.time = until;
                return;
            }
            assert!(
                self.time < secs(60 * 86_400),
                "seed {}: the world does not come to rest",
                self.seed
            );
            self.time = self.time.max(next);
            if happening.is_some_and(|at| at <= self.time) {
                let Some(Reverse((_, id))) = self.happenings.pop() else {
                    continue;
                };
                let (life, happening) = self.details.remove(&id).unwrap();
                self.happen(life, happening);
            } else {
                self.dialer.handle_timeout(self.now());
            }
            self.settle();
        }
    }

    pub fn run_until(&mut self, stop: impl FnMut(&Self) -> bool) {
        self.run(None, stop);
    }

    pub fn run_for(&mut self, duration: Duration) {
        self.run(Some(self.time + duration), |_| false);
    }

    pub fn run_to_end(&mut self) {
        self.run(None, |_| false);
    }

    fn happen(&mut self, life: u32, happening: Happening) {
        let is_of_this_life = life == self.life;
        match happening {
            Happening::Report(report) if is_of_this_life => {
                if let Some(call) = self.calls.get_mut(&report.attempt()) {
                    let is_end = matches!(report, CallReport::Ended { .. });
                    if call.is_over && !is_end {
                        return;
                    }
                }
                self.dialer.handle_report(self.now(), report);
            }
            Happening::Ended(attempt) => {
                if let Some(call) = self.calls.get_mut(&attempt) {
                    call.is_over = true;
                }
            }
            Happening::Flushed if is_of_this_life => self.flushed(),
            Happening::Trunk(trunk, change) => self.dialer.handle_trunk(self.now(), TrunkIndex(trunk), change),
            Happening::Crash => self.crash_and_restart(),
            Happening::Report(_) | Happening::Flushed | Happening::Thanked => {}
        }
    }

    /// The machine loses power and comes back three seconds later.
    pub fn crash_and_restart(&mut self) {
        self.crashes += 1;
        self.life += 1;
        self.journal.crash();
        let durable = self.journal.durable();
        self.unflushed.clear();
        self.is_flushing = false;
        self.calls.values_mut().for_each(|call| call.is_over = true);
        self.time += secs(3);
        let records: Vec<_> = self.journal.read_from(Sequence(0)).collect();
        let restored = Dialer::restore(self.settings.clone(), self.now(), records.into_iter(), &self.contacts);
        self.dialer = restored.unwrap_or_else(|error| panic!("seed {}: {error}", self.seed));
        assert_eq!(self.dialer.durable(), durable);
        self.settle();
    }
}
