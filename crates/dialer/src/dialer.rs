//! The dialer: all campaigns as one machine without I/O.

use crate::campaign::Campaign;
use crate::plan::{Item, Locks, Plan};
use crate::prediction::Forecasts;
use crate::state::State;
use crate::time::{Clock, Moment};
use crate::trunk::{Router, Trunk};
use crate::{
    Action, AttemptId, CampaignId, CampaignState, Contact, E164, Event, Medium, Now, RecipientId, Record, Sequence,
    Settings, TrunkChange, TrunkIndex,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Records that are not durable after this long mean a disk that stalls.
const STALL: Duration = Duration::from_secs(2);
/// Bounds of how far ahead of their turn attempts are written down, so that the journal's flush costs no pace.
const AHEAD: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// How often the wall clock is asked whether a message has expired, so that a clock that is set right is noticed.
const CLOCK_CHECK: Duration = Duration::from_secs(60);

/// All campaigns: told of commands, reports, durable records and time; answers with records to make durable and
/// actions to take.
#[derive(Debug)]
pub struct Dialer {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) state: State,
    pub(crate) plans: BTreeMap<CampaignId, Plan>,
    pub(crate) trunks: Vec<Trunk>,
    pub(crate) router: Router,
    pub(crate) locks: Locks,
    pub(crate) waiting: BinaryHeap<Reverse<(Moment, CampaignId, Item)>>,
    pub(crate) calls: HashMap<AttemptId, Call>,
    pub(crate) watch: BinaryHeap<Reverse<(Moment, AttemptId)>>,
    pub(crate) forecasts: Forecasts,
    gated: VecDeque<(Sequence, Gate)>,
    records: VecDeque<Record>,
    pub(crate) actions: VecDeque<Action>,
    pub(crate) durable: Sequence,
    pub(crate) alarm: Option<String>,
    alarm_since_ms: i64,
    pub(crate) ahead: Duration,
    pub(crate) last_turn: Moment,
    /// Campaigns that do not go on because nobody knows their members.
    pub(crate) held: Vec<CampaignId>,
    /// When the next campaign loses its persons.
    pub(crate) expiry: Option<Moment>,
    /// Wall clock at the last turn.
    pub(crate) last_ms: i64,
    /// The pass at which a campaign was served last: where a campaign that comes to the queue lines up.
    pub(crate) served: f64,
    /// A record of which the time to durability is measured.
    probe: Option<(Sequence, Moment)>,
}

/// An attempt in progress, as the scheduler holds it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) campaign: CampaignId,
    pub(crate) member: u32,
    pub(crate) slot: u8,
    pub(crate) recipient: RecipientId,
    pub(crate) number: E164,
    pub(crate) trunk: usize,
    pub(crate) throttles: Vec<usize>,
    /// Parts of a text.
    pub(crate) parts: u32,
    pub(crate) is_placed: bool,
    /// The carrier took it: it rings or was answered.
    pub(crate) is_taken: bool,
    pub(crate) is_thanked: bool,
}

/// What waits for a record to be durable.
#[derive(Debug)]
pub(crate) enum Gate {
    Place(AttemptId),
    Thank(AttemptId),
    HangUp(Vec<AttemptId>),
    Change(Vec<AttemptId>),
}

impl Dialer {
    /// A dialer on an empty journal.
    #[must_use]
    pub fn new(settings: Settings, now: Now) -> Self {
        let mut dialer = Self::bare(settings, now);
        dialer.publish_tariffs(now);
        dialer
    }

    /// A dialer that has written nothing yet.
    pub(crate) fn bare(settings: Settings, now: Now) -> Self {
        let clock = Clock::new(now);
        let moment = clock.moment(now);
        let all = || {
            let gateways = settings.gateways.iter().map(|gateway| (gateway, Medium::Text));
            settings
                .trunks
                .iter()
                .map(|trunk| (trunk, Medium::Voice))
                .chain(gateways)
        };
        let names = all().map(|(trunk, _)| trunk.name.clone()).collect();
        Self {
            clock,
            state: State::new(names),
            plans: BTreeMap::new(),
            trunks: all()
                .map(|(trunk, medium)| Trunk::new(trunk.clone(), medium, moment))
                .collect(),
            router: Router::new(&settings),
            locks: Locks::new(&settings.throttles),
            waiting: BinaryHeap::new(),
            calls: HashMap::new(),
            watch: BinaryHeap::new(),
            forecasts: Forecasts::default(),
            gated: VecDeque::new(),
            records: VecDeque::new(),
            actions: VecDeque::new(),
            durable: Sequence(0),
            alarm: None,
            alarm_since_ms: 0,
            ahead: AHEAD.0,
            last_turn: moment,
            held: Vec::new(),
            expiry: None,
            last_ms: now.utc_ms,
            served: 0.0,
            probe: None,
            settings,
        }
    }

    /// Every record before `upto` is durable.
    pub fn handle_durable(&mut self, now: Now, upto: Sequence) {
        let moment = self.clock.moment(now);
        self.durable = self.durable.max(upto);
        if let Some(why) = self.alarm.take() {
            let since_ms = self.alarm_since_ms;
            self.emit(now, Event::JournalRecovered { since_ms, why });
        }
        if let Some((sequence, since)) = self.probe
            && sequence < upto
        {
            self.probe = None;
            self.ahead = (moment.since(since) * 2).clamp(AHEAD.0, AHEAD.1);
        }
        while let Some((sequence, _)) = self.gated.front()
            && *sequence < upto
        {
            if let Some((_, gate)) = self.gated.pop_front() {
                self.open(gate);
            }
        }
        self.turn(now, moment);
    }

    /// The journal takes no records: no new attempt is made until the next [`Dialer::handle_durable`].
    pub fn handle_journal_failure(&mut self, now: Now, why: &str) {
        if self.alarm.is_none() {
            self.alarm_since_ms = now.utc_ms;
        }
        self.alarm = Some(why.to_owned());
    }

    /// The program is about to end in order: written down, so that the next start is not taken for the end of an outage.
    pub fn handle_stop(&mut self, now: Now) {
        if self.alarm.is_none() {
            self.emit(now, Event::Stopped);
        }
    }

    /// A trunk changed.
    pub fn handle_trunk(&mut self, now: Now, trunk: TrunkIndex, change: TrunkChange) {
        let moment = self.clock.moment(now);
        let Some(known) = self.trunks.get_mut(usize::from(trunk.0)) else {
            return;
        };
        let was_up = known.is_up;
        known.change(moment, change);
        let is_up = known.is_up;
        if was_up != is_up {
            let trunk = known.settings.name.clone();
            self.emit(now, Event::TrunkChanged { trunk, is_up });
        }
        self.turn(now, moment);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.turn(now, self.clock.moment(now));
    }

    /// The next record to append, in order.
    pub fn poll_record(&mut self) -> Option<Record> {
        self.records.pop_front()
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Dialer::handle_timeout`] is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let mut next = Moment::FAR;
        next = next.min(self.expiry.unwrap_or(Moment::FAR));
        if let Some(Reverse((due, ..))) = self.waiting.peek() {
            next = next.min(*due);
        }
        if let Some(Reverse((due, _))) = self.watch.peek() {
            next = next.min(*due);
        }
        let has_ready = self.plans.values().any(Plan::has_ready);
        for trunk in &self.trunks {
            if let Some(due) = trunk.next_place() {
                next = next.min(due);
            }
            if has_ready && trunk.is_up && trunk.blocked_until > self.last_turn {
                next = next.min(trunk.blocked_until);
            }
        }
        for (id, plan) in &self.plans {
            let campaign = self.state.campaigns.get(id);
            if let Some(deadline) = campaign.and_then(Campaign::deadline) {
                next = next.min(deadline);
                if let Some(expires) = campaign.and_then(|campaign| campaign.policy.expires_ms) {
                    let left = Duration::from_millis(u64::try_from(expires - self.last_ms).unwrap_or(0));
                    next = next.min(self.last_turn + left.min(CLOCK_CHECK));
                }
            }
            if let Some(wave) = campaign.and_then(Campaign::next_wave) {
                next = next.min(wave);
            }
            if let (true, Some(until)) = (plan.has_ready(), plan.hours_until())
                && until > self.last_turn
            {
                next = next.min(until);
            }
        }
        (next != Moment::FAR).then(|| self.clock.instant(next))
    }

    /// The place that the next record will take.
    #[must_use]
    pub fn next_sequence(&self) -> Sequence {
        self.state.next
    }

    /// Every record before this place is durable.
    #[must_use]
    pub fn durable(&self) -> Sequence {
        self.durable
    }

    /// What is wrong with the journal, if anything.
    #[must_use]
    pub fn alarm(&self) -> Option<&str> {
        self.alarm.as_deref()
    }

    /// What to say of a disk that takes long. Nothing has to be held back: whatever depends on a record waits for it.
    pub(crate) fn slow_disk(&self, now: Moment) -> Option<String> {
        let waited = now.since(self.probe?.1);
        (waited >= STALL).then(|| {
            format!(
                "the disk that holds the journal has not confirmed a record for {} s: new calls and thanks wait for it",
                waited.as_secs()
            )
        })
    }

    /// Prices are written down before calls name them, so that the journal alone proves every bill.
    pub(crate) fn publish_tariffs(&mut self, now: Now) {
        for at in 0..self.trunks.len() {
            let index = TrunkIndex(u16::try_from(at).unwrap_or(u16::MAX));
            let tariffs = self.trunks[at].settings.tariffs.clone();
            if tariffs.iter().any(|tariff| self.state.tariff(index, tariff).is_none()) {
                let trunk = self.trunks[at].settings.name.clone();
                let tariffs = tariffs.clone();
                self.emit(now, Event::TariffsSet { trunk, tariffs });
            }
            self.trunks[at].prices = tariffs
                .iter()
                .map(|tariff| self.state.tariff(index, tariff).unwrap_or(0))
                .collect();
        }
    }

    /// Writes an event down and takes it up.
    pub(crate) fn emit(&mut self, now: Now, event: Event) -> Sequence {
        self.emit_with(now, event, &mut |_| None)
    }

    pub(crate) fn emit_with(
        &mut self,
        now: Now,
        event: Event,
        contacts: &mut dyn FnMut(RecipientId) -> Option<Contact>,
    ) -> Sequence {
        let record = Record {
            sequence: self.state.next,
            at_ms: now.utc_ms,
            event,
        };
        let moment = self.clock.moment(now);
        self.state.apply(&record, moment, contacts);
        if crate::retention::concerns(&record.event) {
            self.find_expiry();
        }
        let sequence = record.sequence;
        self.probe.get_or_insert((sequence, moment));
        self.records.push_back(record);
        sequence
    }

    pub(crate) fn gate(&mut self, sequence: Sequence, gate: Gate) {
        self.gated.push_back((sequence, gate));
    }

    fn open(&mut self, gate: Gate) {
        match gate {
            Gate::Place(attempt) => {
                if let Some(call) = self.calls.get(&attempt) {
                    self.trunks[call.trunk].outbox.push_back(attempt);
                }
            }
            Gate::Thank(attempt) => {
                if let Some(call) = self.calls.get_mut(&attempt) {
                    call.is_thanked = true;
                    self.actions.push_back(Action::Acknowledge(attempt));
                }
                self.hang_up_others(attempt);
            }
            Gate::HangUp(attempts) => {
                for attempt in attempts {
                    if self.is_placed(attempt) {
                        self.actions.push_back(Action::HangUp(attempt));
                    }
                }
            }
            Gate::Change(attempts) => {
                for attempt in attempts {
                    let Some(call) = self.calls.get(&attempt).filter(|call| call.is_placed) else {
                        continue;
                    };
                    if let Some(Campaign { message, version, .. }) = self.state.campaigns.get(&call.campaign) {
                        self.actions.push_back(Action::ChangeMessage {
                            attempt,
                            message: *message,
                            version: *version,
                        });
                    }
                }
            }
        }
    }

    pub(crate) fn is_placed(&self, attempt: AttemptId) -> bool {
        self.calls.get(&attempt).is_some_and(|call| call.is_placed)
    }

    pub(crate) fn watch(&mut self, attempt: AttemptId, until: Moment) {
        self.watch.push(Reverse((until, attempt)));
    }

    /// Ends campaigns that have nothing left to do.
    pub(crate) fn finish_if_done(&mut self, now: Now, id: CampaignId) {
        let Some(campaign) = self.state.campaigns.get(&id) else {
            return;
        };
        let is_going = matches!(campaign.state, CampaignState::Running | CampaignState::Paused);
        if is_going && campaign.counts.pending == 0 {
            self.emit(
                now,
                Event::CampaignEnded {
                    campaign: id,
                    expired: false,
                },
            );
        }
        self.drop_plan(id);
    }

    /// The queues of a campaign that is over are not needed any more.
    pub(crate) fn drop_plan(&mut self, id: CampaignId) {
        let is_open = self.state.campaigns.get(&id).is_some_and(Campaign::is_open);
        if !is_open && self.plans.get(&id).is_some_and(|plan| plan.in_use == 0) {
            self.plans.remove(&id);
        }
    }
}
