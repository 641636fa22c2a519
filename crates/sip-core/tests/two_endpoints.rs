//! Two endpoints call each other through a network that loses, doubles and reorders, with owners that do what they like. Whatever
//! happens, every call has one end on each side, both sides agree, and nothing is left over.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{A, B, Weather, World};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sip_core::{CallId, Destination, Event, Invite, StatusCode, Timing};

#[derive(Debug, Clone, Copy)]
enum Act {
    Ring,
    EarlyMedia,
    Answer,
    Reject,
    HangUp,
    Reinvite,
    Update,
    Info,
    AnswerOffer,
    RefuseOffer,
}

/// What a side was told about one call.
#[derive(Debug, Default)]
struct Told {
    incoming: u32,
    answered: u32,
    failed: u32,
    ended: u32,
    is_placed: bool,
}

impl Told {
    fn check(&self, context: &str) {
        let is_right = if self.is_placed {
            self.failed + self.ended == 1 && self.answered == self.ended && self.incoming == 0
        } else {
            self.incoming == 1 && self.ended == 1 && self.failed == 0
        };
        assert!(is_right, "{context}: {self:?}");
    }
}

struct Play {
    world: World,
    rng: ChaCha8Rng,
    agenda: BTreeMap<(Instant, u64), (usize, CallId, Act)>,
    serial: u64,
    told: [HashMap<CallId, Told>; 2],
    seed: u64,
}

impl Play {
    fn new(seed: u64, is_calm: bool) -> Play {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let demands = rng.random_range(0..3);
        let timer = rng.random_bool(0.3);
        let world = World::with(seed, |_, config, trunk| {
            config.timing = Timing::default();
            trunk.reliable_provisional = match demands {
                0 => sip_core::Reliable::Off,
                1 => sip_core::Reliable::Supported,
                _ => sip_core::Reliable::Required,
            };
            trunk.session_timer.interval = timer.then(|| Duration::from_secs(90));
        });
        let mut play = Play {
            world,
            rng,
            agenda: BTreeMap::new(),
            serial: 0,
            told: [HashMap::new(), HashMap::new()],
            seed,
        };
        if !is_calm {
            play.world.weather = Weather {
                loss: play.rng.random_range(0..300),
                twice: play.rng.random_range(0..200),
                jitter: Duration::from_millis(play.rng.random_range(0..700)),
            };
        }
        play
    }

    fn later(&mut self, side: usize, call: CallId, most: u64, act: Act) {
        let at = self.world.now + Duration::from_millis(self.rng.random_range(0..most));
        self.serial += 1;
        self.agenda.insert((at, self.serial), (side, call, act));
    }

    fn place(&mut self, side: usize) {
        let to = Destination::User("0199000001".to_owned());
        let mut invite = Invite::new(self.world.trunks[side], to, Bytes::from_static(b"v=0"));
        invite.ring_timeout = Duration::from_millis(self.rng.random_range(1..60_000));
        let call = self.world.sides[side].invite(self.world.now, invite).unwrap();
        self.told[side].entry(call).or_default().is_placed = true;
        if self.rng.random_bool(0.2) {
            self.later(side, call, 8000, Act::HangUp);
        }
    }

    fn hear(&mut self) {
        self.world.collect();
        for side in [A, B] {
            while let Some(event) = self.world.events[side].pop_front() {
                self.hear_one(side, event);
            }
        }
    }

    fn hear_one(&mut self, side: usize, event: Event) {
        match event {
            Event::Incoming { call, .. } => {
                self.told[side].entry(call).or_default().incoming += 1;
                match self.rng.random_range(0..10) {
                    0 => self.later(side, call, 5000, Act::Reject),
                    1 => {}
                    n => {
                        self.later(side, call, 3000, if n % 2 == 0 { Act::Ring } else { Act::EarlyMedia });
                        self.later(side, call, 20_000, Act::Answer);
                    }
                }
                if self.rng.random_bool(0.1) {
                    self.later(side, call, 20_000, Act::HangUp);
                }
            }
            Event::Answered { call, .. } => {
                self.told[side].entry(call).or_default().answered += 1;
                self.talk(side, call);
            }
            Event::Confirmed { call } => self.talk(side, call),
            Event::Failed { call, .. } => self.told[side].entry(call).or_default().failed += 1,
            Event::Ended { call, .. } => self.told[side].entry(call).or_default().ended += 1,
            Event::Offer { call, .. } | Event::OfferWanted { call } => {
                let act = if self.rng.random_bool(0.8) {
                    Act::AnswerOffer
                } else {
                    Act::RefuseOffer
                };
                self.later(side, call, 3000, act);
            }
            _ => {}
        }
    }

    fn talk(&mut self, side: usize, call: CallId) {
        for _ in 0..self.rng.random_range(0..3) {
            let act = [Act::Reinvite, Act::Update, Act::Info][self.rng.random_range(0..3)];
            self.later(side, call, 20_000, act);
        }
        if self.rng.random_bool(0.5) {
            self.later(side, call, 200_000, Act::HangUp);
        }
    }

    fn act(&mut self, side: usize, call: CallId, act: Act) {
        let now = self.world.now;
        let endpoint = &mut self.world.sides[side];
        let sdp = Bytes::from_static(b"v=0");
        // Owners act on calls that may be over: that is an error for them and nothing else.
        let _ = match act {
            Act::Ring => endpoint.ring(now, call, None),
            Act::EarlyMedia => endpoint.ring(now, call, Some(sdp)),
            Act::Answer => endpoint.answer(now, call, sdp),
            Act::Reject => endpoint.reject(now, call, StatusCode::BUSY_HERE),
            Act::HangUp => endpoint.hang_up(now, call),
            Act::Reinvite => endpoint.reinvite(now, call, sdp),
            Act::Update => endpoint.update(now, call, sdp),
            Act::Info => endpoint.info(now, call, "application/dtmf-relay", Bytes::from_static(b"Signal=1")),
            Act::AnswerOffer => endpoint.answer_offer(now, call, sdp),
            Act::RefuseOffer => endpoint.refuse_offer(now, call, StatusCode::NOT_ACCEPTABLE_HERE),
        };
    }

    fn run_until(&mut self, end: Instant) {
        loop {
            self.hear();
            let act = self.agenda.keys().next().map(|(at, _)| *at);
            let next = [act, self.world.next()].into_iter().flatten().min();
            match next {
                Some(at) if at <= end => {
                    if act == Some(at) && self.world.next().is_none_or(|other| at <= other) {
                        let ((_, _), (side, call, act)) = self.agenda.pop_first().unwrap();
                        self.world.now = self.world.now.max(at);
                        self.act(side, call, act);
                    } else {
                        self.world.step();
                    }
                }
                _ => break,
            }
        }
        self.world.now = end;
    }

    fn finish(&mut self) {
        let context = format!("seed {}", self.seed);
        self.run_until(self.world.now + Duration::from_secs(300));
        // What still talks is hung up, from either side.
        for side in [A, B] {
            let calls: Vec<CallId> = self.told[side].keys().copied().collect();
            for call in calls {
                self.later(side, call, 5000, Act::HangUp);
            }
        }
        self.run_until(self.world.now + Duration::from_secs(600));
        for side in [A, B] {
            for (call, told) in &self.told[side] {
                told.check(&format!("{context}, side {side}, {call:?}"));
            }
            assert_eq!(
                self.world.sides[side].calls(),
                0,
                "{context}: calls of side {side} are left"
            );
        }
    }
}

#[test]
fn every_call_ends_once_on_a_calm_network() {
    for seed in 0..60 {
        let mut play = Play::new(seed, true);
        for side in [A, B, A] {
            play.place(side);
        }
        play.finish();
    }
}

#[test]
fn every_call_ends_once_in_a_storm() {
    let (mut answered, mut failed, mut lines) = (0, 0, 0);
    for seed in 1000..1300 {
        let mut play = Play::new(seed, false);
        for side in [A, B, A, B] {
            play.place(side);
        }
        play.finish();
        lines += play.world.wire.len();
        for told in play.told.iter().flat_map(|calls| calls.values()) {
            answered += told.answered;
            failed += told.failed;
        }
    }
    assert!(
        answered > 300 && failed > 300 && lines > 10_000,
        "{answered} {failed} {lines}: the storm is too tame"
    );
}

#[test]
fn both_sides_agree_once_the_storm_is_over() {
    for seed in 2000..2150 {
        let mut play = Play::new(seed, false);
        play.place(A);
        play.run_until(play.world.now + Duration::from_secs(30));
        play.world.weather = Weather::default();
        // Longer than any transaction lives.
        play.run_until(play.world.now + Duration::from_secs(400));
        let states = [A, B].map(|side| {
            play.told[side]
                .values()
                .any(|told| (told.answered == 1 || told.incoming == 1) && told.ended == 0 && told.failed == 0)
        });
        assert_eq!(
            states[A],
            states[B],
            "seed {seed}: {:?}\n{}",
            play.told,
            play.world.ladder()
        );
        play.finish();
    }
}
