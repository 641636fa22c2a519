//! A world in virtual time: a dialer, a journal that a crash cuts off, and a carrier that does what a test says.
//! Whatever the test, the world checks the promises that must hold at every instant.
#![allow(dead_code, clippy::unwrap_used)]

use dialer::journal::{Faults, Journal, Memory};
use dialer::{
    Action, AttemptId, CallReport, CallStats, CampaignId, CampaignReport, CampaignView, Command, Contact, Dialer, E164,
    Event, Heard, LiveView, Message, MessageId, Notice, Now, Order, Outcome, Policy, Preset, Query, RecipientId,
    Record, Reply, Sequence, Settings, TrunkChange, TrunkIndex, TrunkSettings, Whom,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What a telephone does when it is called.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// Picks up, listens, presses the key, and hangs up after the thanks (or when it has waited long enough).
    Confirms { after: Duration },
    /// Presses the key and hangs up at once.
    ConfirmsAndHangsUp { after: Duration },
    /// Picks up and listens to all of it.
    Listens,
    /// Hangs up early.
    HangsUp,
    /// Ends like this after that time.
    Ends(Outcome, Duration),
    /// Nothing is ever heard of the call again.
    Vanishes,
}

/// What becomes of a text.
#[derive(Debug, Clone, Copy)]
pub enum Text {
    /// The gateway takes it; nothing more is heard.
    Sent,
    /// The gateway takes it, and it reaches the handset after that time.
    Delivered { after: Duration },
    /// The gateway answers this.
    Ends(Outcome),
}

/// Decides what becomes of a text. Gets the notice and the number of texts that this number got before.
pub type Texting = Box<dyn FnMut(&Notice, u32) -> Text>;

/// Decides what a telephone does. Gets the order and the number of calls that this number got before.
pub type Behaviour = Box<dyn FnMut(&mut ChaCha8Rng, &Order, u32) -> Answer>;

#[derive(Debug)]
enum Happening {
    Report(CallReport),
    Ended(AttemptId),
    Flushed,
    Thanked,
    Crash,
    Trunk(u16, TrunkChange),
}

struct Call {
    order: Order,
    answer: Answer,
    is_over: bool,
    is_answered: bool,
    has_pressed: bool,
    started: Duration,
}

pub struct World {
    pub seed: u64,
    pub rng: ChaCha8Rng,
    pub settings: Settings,
    pub dialer: Dialer,
    pub journal: Memory,
    pub contacts: HashMap<RecipientId, Contact>,
    pub behaviour: Behaviour,
    pub texting: Texting,
    /// Every text sent, in order.
    pub sent: Vec<(Duration, Notice)>,
    /// Time that a flush takes.
    pub flush: Duration,
    /// Share of reports that never arrive.
    pub loss: f64,
    /// Every call placed, in order: when, and the order.
    pub placed: Vec<(Duration, Order)>,
    pub actions: Vec<(Duration, Action)>,
    pub acknowledged: HashSet<RecipientId>,
    /// The wall clock is off by this much.
    pub clock_step_ms: i64,
    epoch: Instant,
    epoch_utc_ms: i64,
    time: Duration,
    happenings: BinaryHeap<Reverse<(Duration, u64)>>,
    details: HashMap<u64, (u32, Happening)>,
    counter: u64,
    /// Counts restarts; what the carrier tells an earlier life of the program is not heard.
    life: u32,
    calls: BTreeMap<AttemptId, Call>,
    calls_to: HashMap<E164, u32>,
    is_flushing: bool,
    unflushed: VecDeque<Record>,
    durable_starts: HashSet<AttemptId>,
    durable_confirmed: HashSet<(CampaignId, RecipientId)>,
    /// Who is at which place of which campaign.
    members: HashMap<CampaignId, Vec<RecipientId>>,
    windows: Vec<VecDeque<Duration>>,
    pub crashes: u32,
    /// Whether somebody may be rung again who confirmed: after a recall.
    pub is_recall: bool,
}

pub fn number(n: u64) -> E164 {
    E164::parse(&format!("+331990{n:05}"))
        .or_else(|_| E164::parse(&format!("+33{:09}", 100_000_000 + n)))
        .unwrap()
}

pub fn trunk(name: &str, channels: u32, rate: f64) -> TrunkSettings {
    TrunkSettings::new(name, channels, rate)
}

impl World {
    pub fn new(seed: u64, trunks: Vec<TrunkSettings>) -> Self {
        Self::with(
            seed,
            Settings {
                trunks,
                ..Settings::default()
            },
        )
    }

    pub fn with(seed: u64, settings: Settings) -> Self {
        let epoch = Instant::now();
        // Tuesday, 25 November 2025, 12:00 UTC.
        let epoch_utc_ms = 1_764_072_000_000;
        let trunks = settings.trunks.len();
        let now = Now {
            monotonic: epoch,
            utc_ms: epoch_utc_ms,
        };
        Self {
            seed,
            rng: ChaCha8Rng::seed_from_u64(seed),
            dialer: Dialer::new(settings.clone(), now),
            settings,
            journal: Memory::new(),
            contacts: HashMap::new(),
            behaviour: Box::new(|_, _, _| Answer::Confirms { after: secs(20) }),
            texting: Box::new(|_, _| Text::Sent),
            sent: Vec::new(),
            flush: ms(3),
            loss: 0.0,
            placed: Vec::new(),
            actions: Vec::new(),
            acknowledged: HashSet::new(),
            clock_step_ms: 0,
            epoch,
            epoch_utc_ms,
            time: Duration::ZERO,
            happenings: BinaryHeap::new(),
            details: HashMap::new(),
            counter: 0,
            life: 0,
            calls: BTreeMap::new(),
            calls_to: HashMap::new(),
            is_flushing: false,
            unflushed: VecDeque::new(),
            durable_starts: HashSet::new(),
            durable_confirmed: HashSet::new(),
            members: HashMap::new(),
            windows: vec![VecDeque::new(); trunks],
            crashes: 0,
            is_recall: false,
        }
    }

    pub fn answering(mut self, behaviour: impl FnMut(&mut ChaCha8Rng, &Order, u32) -> Answer + 'static) -> Self {
        self.behaviour = Box::new(behaviour);
        self
    }

    pub fn texting(mut self, texting: impl FnMut(&Notice, u32) -> Text + 'static) -> Self {
        self.texting = Box::new(texting);
        self
    }

    /// Recipients `from..from + count` with `numbers` numbers each.
    pub fn people(&mut self, from: u64, count: u64, numbers: u64) -> Vec<Contact> {
        (from..from + count)
            .map(|n| {
                let contact = Contact {
                    recipient: RecipientId(n),
                    numbers: (0..numbers).map(|slot| number(n * 3 + slot)).collect(),
                    ..Contact::default()
                };
                self.contacts.insert(contact.recipient, contact.clone());
                contact
            })
            .collect()
    }

    pub fn now(&self) -> Now {
        Now {
            monotonic: self.epoch + self.time,
            utc_ms: self.epoch_utc_ms + self.time.as_millis() as i64 + self.clock_step_ms,
        }
    }

    pub fn time(&self) -> Duration {
        self.time
    }

    pub fn faults(&self) -> Arc<Faults> {
        self.journal.faults()
    }

    pub fn command(&mut self, command: Command) -> Reply {
        self.try_command(command).unwrap()
    }

    pub fn try_command(&mut self, command: Command) -> Result<Reply, dialer::CommandError> {
        let reply = self.dialer.handle_command(self.now(), command);
        self.settle();
        reply
    }

    pub fn message(&mut self, words: &str) -> MessageId {
        let text = dialer::Text {
            language: dialer::Language::FRENCH,
            words: words.into(),
            audio: None,
        };
        let message = Message {
            id: MessageId(0),
            version: 0,
            title: "Crue".into(),
            texts: vec![text],
        };
        match self.command(Command::SaveMessage {
            message,
            by: "op".into(),
        }) {
            Reply::Message(id, _) => id,
            other => panic!("{other:?}"),
        }
    }

    pub fn create(&mut self, policy: Policy, recipients: Vec<Contact>) -> CampaignId {
        let message = self.message("La Somme déborde.");
        let create = Command::Create {
            name: "Crue".into(),
            message,
            policy,
            recipients,
            service: "SIDPC".into(),
            by: "op".into(),
        };
        match self.command(create) {
            Reply::Campaign(campaign) => campaign,
            other => panic!("{other:?}"),
        }
    }

    pub fn launch(&mut self, policy: Policy, recipients: Vec<Contact>) -> CampaignId {
        let campaign = self.create(policy, recipients);
        self.command(Command::Launch {
            campaign,
            by: "op".into(),
        });
        campaign
    }

    pub fn view(&self) -> LiveView {
        self.dialer.view(self.now())
    }

    pub fn campaign(&self, id: CampaignId) -> CampaignView {
        self.view().campaign(id).unwrap().clone()
    }

    pub fn report(&self, id: CampaignId) -> CampaignReport {
        match self.dialer.query(self.now(), Query::Report(id)).unwrap() {
            dialer::Answer::Report(report) => *report,
            other => panic!("{other:?}"),
        }
    }

    pub fn account(&self, period: dialer::Period) -> dialer::Account {
        let query = Query::Account { period, detail: true };
        match self.dialer.query(self.now(), query).unwrap() {
            dialer::Answer::Account(account) => *account,
            other => panic!("{other:?}"),
        }
    }

    pub fn calls_to(&self, recipient: u64) -> Vec<(Duration, Order)> {
        self.placed
            .iter()
            .filter(|(_, order)| order.recipient == RecipientId(recipient))
            .cloned()
            .collect()
    }

    pub fn calls_now(&self) -> usize {
        self.calls.values().filter(|call| !call.is_over).count()
    }

    pub fn trunk_at(&mut self, at: Duration, trunk: u16, change: TrunkChange) {
        self.at(at, Happening::Trunk(trunk, change));
    }

    pub fn crash_at(&mut self, at: Duration) {
        self.at(at, Happening::Crash);
    }

    fn at(&mut self, at: Duration, happening: Happening) {
        self.counter += 1;
        self.happenings.push(Reverse((at, self.counter)));
        self.details.insert(self.counter, (self.life, happening));
    }

    fn after(&mut self, after: Duration, happening: Happening) {
        self.at(self.time + after, happening);
    }

    fn tell(&mut self, after: Duration, report: CallReport) {
        if !self.rng.random_bool(self.loss) {
            self.after(after, Happening::Report(report));
        }
    }

    /// Does what is to be done now: records to the journal, actions to the carrier.
    fn settle(&mut self) {
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

    fn flushed(&mut self) {
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

    fn place(&mut self, order: Order) {
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

    fn send(&mut self, notice: Notice) {
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

    fn acknowledge(&mut self, attempt: AttemptId) {
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

    fn hang_up(&mut self, attempt: AttemptId) {
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

    pub fn fill_disk(&self, is_full: bool) {
        self.faults().is_full.store(is_full, Ordering::Relaxed);
    }
}

/// "Alerte immédiate" with short delays.
pub fn alert() -> Policy {
    Preset::Immediate.policy()
}
