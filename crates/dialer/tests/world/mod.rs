//! A world in virtual time: a dialer, a journal that a crash cuts off, and a carrier that does what a test says.
//! Whatever the test, the world checks the promises that must hold at every instant.
#![allow(dead_code, clippy::unwrap_used)]

mod carrier;
mod desk;
mod machine;

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

    pub fn fill_disk(&self, is_full: bool) {
        self.faults().is_full.store(is_full, Ordering::Relaxed);
    }
}

/// "Alerte immédiate" with short delays.
pub fn alert() -> Policy {
    Preset::Immediate.policy()
}
