//! One campaign in virtual time, against telephones that behave as [`Assumptions`] say.

use super::assumptions::{Assumptions, THANKS};
use crate::member::Member;
use crate::time::Moment;
use crate::{
    Action, AttemptId, CallReport, CallStats, CampaignId, CampaignState, Command, Contact, Dialer, Heard, Message,
    MessageId, Now, Order, Outcome, Policy, Reply, Settings, Text,
};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::{Duration, Instant};

/// Time from a text to the handset.
const DELIVERED_AFTER: Duration = Duration::from_secs(10);

/// One campaign in virtual time.
pub(super) struct Play<'a> {
    dialer: Dialer,
    campaign: CampaignId,
    assumed: &'a Assumptions,
    policy: &'a Policy,
    start: Now,
    /// Time played.
    pub(super) time: Duration,
    reports: BinaryHeap<Reverse<(Duration, u64)>>,
    details: HashMap<u64, CallReport>,
    count: u64,
    /// When calls in progress were placed, and after what time they are answered.
    live: HashMap<AttemptId, (Duration, Duration)>,
    /// When people were reached, in order.
    pub(super) reached: Vec<Duration>,
}

impl<'a> Play<'a> {
    /// A campaign that is about to be launched; `None` if the dialer would refuse it.
    pub(super) fn new(
        settings: Settings,
        people: Vec<Contact>,
        policy: &'a Policy,
        assumed: &'a Assumptions,
        start: Now,
    ) -> Option<Self> {
        let mut play = Self::prepared(settings, people, policy, assumed, start)?;
        play.launch()?;
        Some(play)
    }

    /// A campaign that goes on where these members stand, in this wave. Moments are relative to `since`.
    pub(super) fn going_on(
        settings: Settings,
        (members, wave): (Vec<Member>, u8),
        policy: &'a Policy,
        assumed: &'a Assumptions,
        (start, since): (Now, Moment),
    ) -> Option<Self> {
        let contact = |member: &Member| {
            let numbers = |slots: &[crate::member::Slot]| slots.iter().filter_map(|slot| slot.number).collect();
            let (voice, text) = member.slots.split_at(crate::member::VOICE);
            Contact {
                recipient: member.recipient,
                numbers: numbers(voice),
                texts: numbers(text),
                language: member.language,
                wave: member.wave,
            }
        };
        let people = members.iter().map(contact).collect();
        let mut play = Self::prepared(settings, people, policy, assumed, start)?;
        let now = play.dialer.clock.moment(start);
        let shifted = |moment: Moment| now + moment.since(since);
        let campaign = play.dialer.state.campaigns.get_mut(&play.campaign)?;
        campaign.wave = wave;
        for member in members {
            let Some(at) = campaign.index.get(&member.recipient) else {
                continue;
            };
            let known = &mut campaign.members[*at as usize];
            let routes = known.slots.map(|slot| slot.has_no_route);
            *known = member;
            known.not_before = shifted(known.not_before);
            for (slot, has_no_route) in known.slots.iter_mut().zip(routes) {
                slot.live = None;
                slot.has_no_route = has_no_route;
                slot.not_before = shifted(slot.not_before);
            }
        }
        play.launch()?;
        Some(play)
    }

    fn prepared(
        settings: Settings,
        people: Vec<Contact>,
        policy: &'a Policy,
        assumed: &'a Assumptions,
        start: Now,
    ) -> Option<Self> {
        let mut dialer = Dialer::new(settings, start);
        let by = String::new;
        let text = Text {
            language: policy.language,
            words: "-".to_owned(),
            audio: None,
        };
        let message = Message {
            id: MessageId(0),
            version: 0,
            title: by(),
            texts: vec![text],
        };
        let Ok(Reply::Message(message, _)) = dialer.handle_command(start, Command::SaveMessage { message, by: by() })
        else {
            return None;
        };
        let create = Command::Create {
            name: by(),
            message,
            policy: policy.clone(),
            recipients: people,
            service: by(),
            by: by(),
        };
        let Ok(Reply::Campaign(campaign)) = dialer.handle_command(start, create) else {
            return None;
        };
        Some(Self {
            dialer,
            campaign,
            assumed,
            policy,
            start,
            time: Duration::ZERO,
            reports: BinaryHeap::new(),
            details: HashMap::new(),
            count: 0,
            live: HashMap::new(),
            reached: Vec::new(),
        })
    }

    fn launch(&mut self) -> Option<()> {
        let campaign = self.campaign;
        let by = String::new();
        let launched = self.dialer.handle_command(self.start, Command::Launch { campaign, by });
        launched.ok().map(|_| ())
    }

    pub(super) fn now(&self) -> Now {
        self.start.later(self.time)
    }

    /// Attempts and cost so far.
    pub(super) fn totals(&self) -> (u64, u64) {
        let campaign = self.dialer.state.campaigns.get(&self.campaign);
        campaign.map_or((0, 0), |campaign| {
            (campaign.attempts.len() as u64, campaign.counts.cost_micros)
        })
    }

    fn is_over(&self) -> bool {
        self.dialer
            .state
            .campaigns
            .get(&self.campaign)
            .is_none_or(|campaign| campaign.state == CampaignState::Ended)
    }

    /// Plays to the end of the campaign.
    pub(super) fn run(&mut self) {
        loop {
            self.settle();
            if self.is_over() {
                return;
            }
            let wake = self
                .dialer
                .poll_timeout()
                .map(|due: Instant| due.saturating_duration_since(self.start.monotonic));
            let report = self.reports.peek().map(|Reverse((at, _))| *at);
            let Some(next) = [wake, report].into_iter().flatten().min() else {
                return;
            };
            self.time = self.time.max(next);
            let now = self.now();
            if report.is_some_and(|at| at <= self.time)
                && let Some(Reverse((_, id))) = self.reports.pop()
                && let Some(report) = self.details.remove(&id)
            {
                if let CallReport::Ended { attempt, .. } = &report {
                    self.live.remove(attempt);
                }
                let before = self.answered();
                self.dialer.handle_report(now, report);
                if self.answered() > before {
                    self.reached.push(self.time);
                }
            } else {
                self.dialer.handle_timeout(now);
            }
        }
    }

    fn answered(&self) -> u64 {
        let campaign = self.dialer.state.campaigns.get(&self.campaign);
        campaign.map_or(0, |campaign| campaign.counts.confirmed + campaign.counts.informed)
    }

    /// Everything is durable at once, and every call is placed.
    fn settle(&mut self) {
        loop {
            let mut upto = None;
            while let Some(record) = self.dialer.poll_record() {
                upto = Some(record.sequence.next());
            }
            if let Some(upto) = upto {
                self.dialer.handle_durable(self.now(), upto);
            }
            let mut is_idle = upto.is_none();
            while let Some(action) = self.dialer.poll_action() {
                is_idle = false;
                match action {
                    Action::Place(order) => self.place(&order),
                    Action::Send(notice) => {
                        self.end(notice.attempt, DELIVERED_AFTER, Duration::ZERO, Outcome::Delivered);
                    }
                    Action::HangUp(attempt) => {
                        self.hang_up(attempt);
                    }
                    _ => {}
                }
            }
            if is_idle {
                return;
            }
        }
    }

    /// What was spoken until now is billed.
    fn hang_up(&mut self, attempt: AttemptId) {
        let (placed, rings) = self.live.remove(&attempt).unwrap_or_default();
        let lasted = self.time.saturating_sub(placed);
        let stats = CallStats {
            ringing: lasted.min(rings),
            talking: lasted.saturating_sub(rings),
            ..CallStats::default()
        };
        let outcome = Outcome::Cancelled;
        self.tell(
            Duration::ZERO,
            CallReport::Ended {
                attempt,
                outcome,
                stats,
            },
        );
    }

    fn tell(&mut self, after: Duration, report: CallReport) {
        self.count += 1;
        self.reports.push(Reverse((self.time + after, self.count)));
        self.details.insert(self.count, report);
    }

    fn place(&mut self, order: &Order) {
        let (assumed, attempt) = (self.assumed, order.attempt);
        let name = order.recipient.0.wrapping_mul(8).wrapping_add(u64::from(order.slot));
        let mut luck = chance(name, attempt.0) % 1_000_000;
        let mut falls = |share: u32| {
            let is_it = luck < share;
            luck = luck.saturating_sub(share);
            is_it
        };
        // Evenly spread around the mean.
        let around = |mean: Duration, salt: u64| {
            let part = f64::from(chance(name ^ salt, attempt.0) % 1_000_000) / 1e6;
            mean.mul_f64(2.0 * part)
        };
        let ring = around(assumed.answers_after, 1).min(order.ring_timeout);
        let short = around(assumed.fails_after, 2);
        if falls(assumed.out_of_service) {
            self.end(attempt, short, Duration::ZERO, Outcome::Unreachable { status: 404 });
        } else if falls(assumed.confirmed) {
            let talk = around(assumed.confirms_after, 3);
            if !self.policy.confirmation {
                return self.end(attempt, ring, talk, Outcome::AnsweredNotConfirmed(Heard::Whole));
            }
            self.tell(ring + talk, CallReport::ConfirmRequested { attempt });
            self.end(attempt, ring, talk + THANKS, Outcome::Confirmed);
        } else if falls(assumed.not_confirmed) {
            let talk = around(assumed.listens_for, 4);
            self.end(attempt, ring, talk, Outcome::AnsweredNotConfirmed(Heard::Whole));
        } else if falls(assumed.hung_up) {
            let talk = around(assumed.hangs_up_after, 5);
            self.end(attempt, ring, talk, Outcome::AnsweredNotConfirmed(Heard::Part));
        } else if falls(assumed.machine) {
            let talk = Duration::from_secs(5);
            self.end(attempt, ring, talk, Outcome::Machine { message_left: false });
        } else if falls(assumed.busy) {
            self.end(attempt, short, Duration::ZERO, Outcome::Busy);
        } else if falls(assumed.rejected) {
            self.end(attempt, short, Duration::ZERO, Outcome::Rejected { status: 603 });
        } else if falls(assumed.failed) {
            self.end(attempt, short, Duration::ZERO, Outcome::Failed { status: 500 });
        } else if falls(assumed.congested) {
            let outcome = Outcome::Congestion {
                status: 503,
                retry_after: None,
            };
            self.end(attempt, Duration::from_millis(100), Duration::ZERO, outcome);
        } else {
            self.end(attempt, order.ring_timeout, Duration::ZERO, Outcome::NoAnswer);
        }
    }

    fn end(&mut self, attempt: AttemptId, ringing: Duration, talking: Duration, outcome: Outcome) {
        self.live.insert(attempt, (self.time, ringing));
        // The carrier takes these at once: what it refuses is judged against them.
        if self.assumed.congested > 0 && !matches!(outcome, Outcome::Congestion { .. }) {
            self.tell(Duration::ZERO, CallReport::Ringing { attempt });
        }
        let stats = CallStats {
            ringing,
            talking,
            ..CallStats::default()
        };
        self.tell(
            ringing + talking,
            CallReport::Ended {
                attempt,
                outcome,
                stats,
            },
        );
    }
}

/// Chance out of a name: the same people give the same prediction.
fn chance(name: u64, salt: u64) -> u32 {
    let mut x = name.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 32) as u32
}
