//! One campaign in virtual time, against telephones that behave as [`Assumptions`] say.

use super::assumptions::{Assumptions, THANKS};
use crate::member::{Member, VOICE};
use crate::time::Moment;
use crate::{
    Action, AttemptId, CallReport, CallStats, CampaignId, CampaignState, Command, Contact, Dialer, Heard, Message,
    MessageId, Now, Order, Outcome, Policy, RecipientId, Reply, Settings, Text,
};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::{Duration, Instant};

/// Time from a text to the handset.
const DELIVERED_AFTER: Duration = Duration::from_secs(10);

/// Calls per second that take no time.
const AT_ONCE: f64 = 1e9;
/// Ends that are drawn for a call under way until one fits how long it has lasted.
const DRAWS: u64 = 64;

/// A call in progress.
#[derive(Debug, Clone, Copy, Default)]
struct Live {
    placed: Duration,
    /// How long it had lasted when the play began.
    before: Duration,
    /// After what time it is answered.
    rings: Duration,
}

/// Calls under way, by person and slot.
pub(super) type UnderWay = HashMap<(RecipientId, u8), Past>;

/// How far a call under way has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    /// How long it rang, or has been ringing.
    pub(super) rings: Duration,
    /// Since when it has been answered.
    pub(super) talks: Option<Duration>,
}

impl Past {
    fn lasted(self) -> Duration {
        self.rings + self.talks.unwrap_or_default()
    }

    /// The call with this end, if it can be its end.
    fn with(self, end: End) -> Option<End> {
        match self.talks {
            None => (end.rings > self.rings).then_some(end),
            Some(talks) => (end.outcome.is_answered() && end.talks > talks).then_some(End {
                rings: self.rings,
                ..end
            }),
        }
    }
}

/// How a call ends.
#[derive(Debug, Clone, Copy)]
struct End {
    rings: Duration,
    talks: Duration,
    /// From the answer to the key.
    key: Option<Duration>,
    outcome: Outcome,
}

/// One campaign in virtual time.
pub(super) struct Play<'a> {
    dialer: Dialer,
    campaign: CampaignId,
    assumed: &'a Assumptions,
    policy: &'a Policy,
    start: Now,
    /// Which chance this play has; another one meets other telephones.
    draw: u64,
    /// Time played.
    pub(super) time: Duration,
    reports: BinaryHeap<Reverse<(Duration, u64)>>,
    details: HashMap<u64, CallReport>,
    count: u64,
    live: HashMap<AttemptId, Live>,
    /// Calls that are under way when the play begins, by person and slot.
    under_way: UnderWay,
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

    /// A campaign that goes on where these members stand, in this wave, with these calls under way. Moments are relative to
    /// `since`. `draw` is the chance that it has.
    pub(super) fn going_on(
        settings: Settings,
        (members, wave, under_way): (Vec<Member>, u8, UnderWay),
        draw: u64,
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
        play.draw = draw;
        let campaign = play.dialer.state.campaigns.get_mut(&play.campaign)?;
        campaign.wave = wave;
        // Calls under way come first, whatever the pace; nobody else is due until they are there.
        let soon = now + Duration::from_millis(1);
        for member in members {
            let Some(at) = campaign.index.get(&member.recipient) else {
                continue;
            };
            let known = &mut campaign.members[*at as usize];
            let routes = known.slots.map(|slot| slot.has_no_route);
            *known = member;
            known.not_before = shifted(known.not_before);
            for (at, (slot, has_no_route)) in (0u8..).zip(known.slots.iter_mut().zip(routes)) {
                slot.live = None;
                slot.has_no_route = has_no_route;
                slot.not_before = shifted(slot.not_before).max(soon);
                if under_way.contains_key(&(known.recipient, at)) {
                    slot.not_before = now;
                    known.not_before = now;
                    // The one after the last is called first.
                    known.last_slot = (at + VOICE as u8 - 1) % VOICE as u8;
                }
            }
        }
        play.under_way = under_way;
        let paces: Vec<f64> = play
            .dialer
            .trunks
            .iter()
            .map(|trunk| trunk.settings.calls_per_second)
            .collect();
        let is_under_way = !play.under_way.is_empty();
        if is_under_way {
            let trunks = play.dialer.trunks.iter_mut();
            trunks.for_each(|trunk| trunk.set_pace(AT_ONCE, now));
        }
        play.launch()?;
        if is_under_way {
            play.settle();
            let trunks = play.dialer.trunks.iter_mut().zip(paces);
            trunks.for_each(|(trunk, pace)| trunk.set_pace(pace, now));
            play.under_way.clear();
        }
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
            draw: 0,
            time: Duration::ZERO,
            reports: BinaryHeap::new(),
            details: HashMap::new(),
            count: 0,
            live: HashMap::new(),
            under_way: HashMap::new(),
            reached: Vec::new(),
        })
    }

    fn launch(&mut self) -> Option<()> {
        let campaign = self.campaign;
        let by = String::new();
        let launched = self.dialer.handle_command(self.start, Command::Launch { campaign, by });
        launched.ok().map(|_| ())
    }

    /// The same with another chance.
    pub(super) fn drawn(self, draw: u64) -> Self {
        Self { draw, ..self }
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
                        let delivered = End::failed(DELIVERED_AFTER, Outcome::Delivered);
                        self.end(notice.attempt, Duration::ZERO, delivered);
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
        let Live { placed, before, rings } = self.live.remove(&attempt).unwrap_or_default();
        let lasted = before + self.time.saturating_sub(placed);
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
        let past = self.under_way.remove(&(order.recipient, order.slot));
        let Some(past) = past else {
            return self.end(order.attempt, Duration::ZERO, self.drawn_end(order, 0));
        };
        let fitting = (0..DRAWS).find_map(|again| past.with(self.drawn_end(order, again)));
        // So long a call is not to be expected: it is about to end.
        let end = fitting.unwrap_or_else(|| End::failed(past.lasted(), Outcome::NoAnswer));
        self.end(order.attempt, past.lasted(), end);
    }

    /// How a call ends; `again` draws another end.
    fn drawn_end(&self, order: &Order, again: u64) -> End {
        let (assumed, attempt) = (self.assumed, order.attempt.0 ^ again << 32);
        let name = order.recipient.0.wrapping_mul(8).wrapping_add(u64::from(order.slot));
        let name = name ^ self.draw << 48;
        let mut luck = chance(name, attempt) % 1_000_000;
        let mut falls = |share: u32| {
            let is_it = luck < share;
            luck = luck.saturating_sub(share);
            is_it
        };
        // Evenly spread around the mean.
        let around = |mean: Duration, salt: u64| {
            let part = f64::from(chance(name ^ salt, attempt) % 1_000_000) / 1e6;
            mean.mul_f64(2.0 * part)
        };
        let rings = around(assumed.answers_after, 1).min(order.ring_timeout);
        let short = around(assumed.fails_after, 2);
        let answered = |talks, outcome| End {
            rings,
            talks,
            key: None,
            outcome,
        };
        if falls(assumed.out_of_service) {
            End::failed(short, Outcome::Unreachable { status: 404 })
        } else if falls(assumed.confirmed) {
            let talk = around(assumed.confirms_after, 3);
            if !self.policy.confirmation {
                return answered(talk, Outcome::AnsweredNotConfirmed(Heard::Whole));
            }
            End {
                key: Some(talk),
                ..answered(talk + THANKS, Outcome::Confirmed)
            }
        } else if falls(assumed.not_confirmed) {
            answered(
                around(assumed.listens_for, 4),
                Outcome::AnsweredNotConfirmed(Heard::Whole),
            )
        } else if falls(assumed.hung_up) {
            answered(
                around(assumed.hangs_up_after, 5),
                Outcome::AnsweredNotConfirmed(Heard::Part),
            )
        } else if falls(assumed.machine) {
            answered(Duration::from_secs(5), Outcome::Machine { message_left: false })
        } else if falls(assumed.busy) {
            End::failed(short, Outcome::Busy)
        } else if falls(assumed.rejected) {
            End::failed(short, Outcome::Rejected { status: 603 })
        } else if falls(assumed.failed) {
            End::failed(short, Outcome::Failed { status: 500 })
        } else if falls(assumed.congested) {
            let outcome = Outcome::Congestion {
                status: 503,
                retry_after: None,
            };
            End::failed(Duration::from_millis(100), outcome)
        } else {
            End::failed(order.ring_timeout, Outcome::NoAnswer)
        }
    }

    /// A call ends like this; it had lasted so long `before` the play began.
    fn end(&mut self, attempt: AttemptId, before: Duration, end: End) {
        let End {
            rings,
            talks,
            key,
            outcome,
        } = end;
        let placed = self.time;
        self.live.insert(attempt, Live { placed, before, rings });
        // The carrier takes these at once: what it refuses is judged against them.
        if self.assumed.congested > 0 && !matches!(outcome, Outcome::Congestion { .. }) {
            self.tell(Duration::ZERO, CallReport::Ringing { attempt });
        }
        if let Some(key) = key {
            let left = (rings + key).saturating_sub(before);
            self.tell(left, CallReport::ConfirmRequested { attempt });
        }
        let stats = CallStats {
            ringing: rings,
            talking: talks,
            ..CallStats::default()
        };
        self.tell(
            (rings + talks).saturating_sub(before),
            CallReport::Ended {
                attempt,
                outcome,
                stats,
            },
        );
    }
}

impl End {
    /// Nobody answers.
    fn failed(after: Duration, outcome: Outcome) -> Self {
        Self {
            rings: after,
            talks: Duration::ZERO,
            key: None,
            outcome,
        }
    }
}

/// Chance out of a name: the same people give the same prediction.
fn chance(name: u64, salt: u64) -> u32 {
    let mut x = name.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 32) as u32
}
