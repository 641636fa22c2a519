//! Hostile networks in virtual time: whatever happens to the packets, each key is heard once, and playing keeps its pace.
//!
//! A peer presses keys by its own [`EventSender`]; the network between loses in bursts, delays, reorders and repeats by a
//! seed, which a failing case prints.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rtp_media::dtmf::{EventSender, KEYS as KEY_CODES, Step, Tone, digit_tones};
use rtp_media::engine::{Arrival, Channel, Engine, Link, Settings, Slot};
use rtp_media::rtp::{Header, Packet};
use rtp_media::{Clip, Codec, Command, Event, Ptime, Session, Stats, StreamId, TelephoneEvent};

const PEER: &str = "192.0.2.1:4000";
const STREAM: StreamId = StreamId(1);
const KEYS: &str = "1290*#5567711";

fn peer() -> SocketAddr {
    PEER.parse().unwrap()
}

/// What the network does, and what the peer is like.
#[derive(Debug, Clone, Copy, Default)]
struct Weather {
    /// Share of packets lost, in bursts of so many on average.
    loss: f64,
    burst: f64,
    /// Highest random delay in ms.
    jitter_ms: u64,
    /// May a packet overtake another?
    reorders: bool,
    duplicates: f64,
    /// Of the peer's clock, in millionths.
    drift_ppm: i64,
    /// The peer takes a new SSRC, sequence and timestamp every so many packets.
    ssrc_every: u32,
    /// The peer alternates between PCMA and PCMU every so many packets.
    codec_every: u32,
    /// Empty and giant datagrams, garbage.
    junk: bool,
    /// Datagrams a second from a forged source.
    forged: u64,
    /// Keys come as tones in the audio, not as events.
    inband: bool,
}

/// The far telephone.
struct Phone {
    header: Header,
    audio: VecDeque<i16>,
    digits: EventSender,
    packets: u32,
}

struct Network {
    weather: Weather,
    rng: ChaCha8Rng,
    now: Instant,
    is_bad: bool,
    last_delivery: Instant,
    inbox: Vec<(Instant, SocketAddr, Vec<u8>)>,
    sent: Vec<(Instant, Header)>,
    /// Starts of the events of which a packet was let through, and their keys.
    passed: BTreeMap<u32, char>,
}

impl Network {
    /// Puts a datagram of `from` on its way to the engine.
    fn carry(&mut self, from: SocketAddr, bytes: Vec<u8>) {
        // Bursts: a state that is left with probability 1/burst, and entered so often that the share is right.
        let weather = self.weather;
        if weather.loss > 0.0 {
            let leave = 1.0 / weather.burst.max(1.0);
            let enter = leave * weather.loss / (1.0 - weather.loss);
            let flips = self.rng.random_bool(if self.is_bad { leave } else { enter });
            self.is_bad ^= flips;
            if self.is_bad {
                return;
            }
        }
        if let Ok(Packet {
            header,
            payload: &[event, ..],
        }) = Packet::parse(&bytes)
            && header.payload_type == 101
        {
            self.passed
                .insert(header.timestamp.wrapping_add(1 << 20), KEY_CODES[usize::from(event)]);
        }
        let copies = 1 + usize::from(self.rng.random_bool(weather.duplicates));
        for _ in 0..copies {
            let delay = Duration::from_micros(self.rng.random_range(0..=weather.jitter_ms * 1_000));
            let mut arrival = self.now + delay;
            if !weather.reorders {
                arrival = arrival.max(self.last_delivery);
                self.last_delivery = arrival;
            }
            self.inbox.push((arrival, from, bytes.clone()));
        }
    }
}

impl Link for Network {
    fn receive(&mut self, _slot: Slot, channel: Channel, buffer: &mut [u8], is_timed: bool) -> Option<Arrival> {
        if channel != Channel::Rtp {
            return None;
        }
        let ready = self.inbox.iter().enumerate().filter(|(_, (at, ..))| *at <= self.now);
        let (index, _) = ready.min_by_key(|(_, (at, ..))| *at)?;
        let (at, from, bytes) = self.inbox.remove(index);
        let len = if bytes.len() > buffer.len() { 0 } else { bytes.len() };
        buffer[..len].copy_from_slice(&bytes[..len]);
        Some(Arrival {
            len,
            from: Some(from),
            at: is_timed.then_some(at),
        })
    }

    fn send(&mut self, _slot: Slot, channel: Channel, _to: SocketAddr, datagram: &[u8]) -> bool {
        if channel == Channel::Rtp {
            self.sent.push((self.now, Packet::parse(datagram).unwrap().header));
        }
        true
    }

    // This network's locks refuse nobody, so that the engine's own refusal is tried.
    fn lock(&mut self, _slot: Slot, _peer: Option<SocketAddr>) {}

    fn close(&mut self, _slot: Slot) {}
}

impl Phone {
    fn new(inband: bool) -> Phone {
        let format = TelephoneEvent {
            payload_type: 101,
            clock: 8_000,
        };
        let mut digits = EventSender::new(format, Ptime::MS_20);
        let mut audio = VecDeque::new();
        if inband {
            let tone = Tone {
                on: Duration::from_millis(120),
                off: Duration::from_millis(200),
                ..Tone::default()
            };
            audio.extend(digit_tones(KEYS, tone, 8_000));
        } else {
            digits.press(KEYS, Duration::from_millis(160));
        }
        let header = Header {
            marker: true,
            payload_type: 8,
            sequence: 65_500,
            timestamp: u32::MAX - 9_000,
            ssrc: 77,
        };
        Phone {
            header,
            audio,
            digits,
            packets: 0,
        }
    }

    /// The packet of the next 20 ms.
    fn speak(&mut self, weather: &Weather) -> Vec<u8> {
        self.packets += 1;
        let is_due = |every: u32| every > 0 && self.packets.is_multiple_of(every);
        if is_due(weather.ssrc_every) && !matches!(self.digits.clone().next(self.header.timestamp), Step::Packet(_)) {
            self.header.ssrc = self.header.ssrc.wrapping_mul(31);
            self.header.sequence = self.header.sequence.wrapping_mul(17);
            self.header.timestamp = self.header.timestamp.wrapping_mul(13);
        }
        if is_due(weather.codec_every) {
            self.header.payload_type ^= 8;
        }
        let mut header = self.header;
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(160);
        self.header.marker = false;
        let samples: Vec<i16> = (0..160).map(|_| self.audio.pop_front().unwrap_or(0)).collect();
        // The press begins after a second of silence, once the call is settled.
        if self.packets > 50
            && let Step::Packet(event) = self.digits.next(header.timestamp)
        {
            header.payload_type = 101;
            header.marker = event.marker;
            header.timestamp = event.timestamp;
            return [header.to_bytes().as_slice(), &event.payload].concat();
        }
        let codec = if header.payload_type == 0 {
            Codec::Pcmu
        } else {
            Codec::Pcma
        };
        let clip = Clip::from_pcm(samples, 8_000).encoded(codec, Ptime::MS_20);
        [header.to_bytes().as_slice(), clip.frame(0).unwrap()].concat()
    }
}

struct Outcome {
    digits: String,
    /// Keys that can be known: those of which at least one packet came through.
    passed: String,
    stats: Stats,
    sent: Vec<(Instant, Header)>,
    start: Instant,
}

fn run(seed: u64, weather: Weather) -> Outcome {
    let start = Instant::now();
    let mut engine = Engine::new(Settings::default(), [seed as u8; 32], start, SystemTime::now());
    let mut network = Network {
        weather,
        rng: ChaCha8Rng::seed_from_u64(seed),
        now: start,
        is_bad: false,
        last_delivery: start,
        inbox: Vec::new(),
        sent: Vec::new(),
        passed: BTreeMap::new(),
    };
    engine.add(STREAM);
    let session = Session {
        receive: vec![(8, Codec::Pcma), (0, Codec::Pcmu)],
        inband_dtmf: true,
        ..Session::pcma(peer())
    };
    engine.handle_command(
        start,
        Command::Open {
            stream: STREAM,
            session: Box::new(session),
        },
        &mut network,
    );
    let message = Arc::new(Clip::from_pcm(vec![1_000; 8_000 * 30], 8_000));
    engine.handle_command(
        start,
        Command::Play {
            stream: STREAM,
            clips: vec![message],
        },
        &mut network,
    );
    let mut phone = Phone::new(weather.inband);
    let mut next_word = start;
    let step = Duration::from_nanos((20_000_000 + 20 * weather.drift_ppm) as u64);
    let forger: SocketAddr = "203.0.113.66:4000".parse().unwrap();
    let (mut digits, mut stats) = (String::new(), None);
    for ms in 0..12_000u64 {
        network.now = start + Duration::from_millis(ms);
        if next_word <= network.now {
            next_word += step;
            let packet = phone.speak(&weather);
            network.carry(peer(), packet);
            if weather.junk {
                for junk in [
                    vec![],
                    vec![0x80; 11],
                    vec![0xff; 60_000],
                    vec![0; 300],
                    [0x80, 0x7f].repeat(30),
                ] {
                    network.carry(peer(), junk);
                }
            }
        }
        // Forged keys, by somebody who knows the call's format.
        for n in 0..weather.forged / 1_000 {
            let header = Header {
                marker: true,
                payload_type: 101,
                sequence: (ms * 10 + n) as u16,
                timestamp: ms as u32 * 800,
                ssrc: 77,
            };
            let bytes = [header.to_bytes().as_slice(), &[9, 0x8a, 0, 160]].concat();
            network.inbox.push((network.now, forger, bytes));
        }
        engine.tick(network.now, &mut network);
        if ms == 11_999 {
            engine.handle_command(network.now, Command::Close { stream: STREAM }, &mut network);
        }
        while let Some(event) = engine.poll_event() {
            match event {
                Event::Digit { digit, .. } => digits.push(digit),
                Event::Closed { stats: closed, .. } => stats = Some(*closed),
                Event::Dead { .. } => panic!("seed {seed}: a living call is called dead"),
                _ => {}
            }
        }
    }
    Outcome {
        digits,
        passed: network.passed.into_values().collect(),
        stats: stats.unwrap(),
        sent: network.sent,
        start,
    }
}

/// Every 20 ms one packet, whatever happens on the other side.
fn assert_pace(name: &str, outcome: &Outcome) {
    assert_eq!(outcome.sent.len(), 600, "{name}");
    for (n, pair) in outcome.sent.windows(2).enumerate() {
        let ((before, a), (after, b)) = (pair[0], pair[1]);
        assert_eq!(after - before, Duration::from_millis(20), "{name}: packet {n}");
        assert_eq!(b.sequence, a.sequence.wrapping_add(1), "{name}: packet {n}");
        assert_eq!(b.timestamp, a.timestamp.wrapping_add(160), "{name}: packet {n}");
        assert!(!b.marker, "{name}: packet {n}");
    }
    assert!(outcome.sent[0].1.marker && outcome.sent[0].0 - outcome.start < Duration::from_millis(20));
}

fn weathers() -> Vec<(&'static str, Weather)> {
    let fair = Weather::default();
    vec![
        ("fair", fair),
        (
            "loss of 20 % in bursts of 3",
            Weather {
                loss: 0.2,
                burst: 3.0,
                ..fair
            },
        ),
        ("jitter of 200 ms", Weather { jitter_ms: 200, ..fair }),
        (
            "jitter of 200 ms with reordering",
            Weather {
                jitter_ms: 200,
                reorders: true,
                ..fair
            },
        ),
        (
            "reordering within 60 ms",
            Weather {
                jitter_ms: 60,
                reorders: true,
                ..fair
            },
        ),
        (
            "half of the packets twice",
            Weather {
                duplicates: 0.5,
                jitter_ms: 40,
                reorders: true,
                ..fair
            },
        ),
        ("a fast clock", Weather { drift_ppm: 300, ..fair }),
        (
            "a slow clock",
            Weather {
                drift_ppm: -300,
                ..fair
            },
        ),
        ("a new SSRC each second", Weather { ssrc_every: 50, ..fair }),
        (
            "another codec each half second",
            Weather {
                codec_every: 25,
                ..fair
            },
        ),
        ("empty, giant and garbled datagrams", Weather { junk: true, ..fair }),
        (
            "a forger at 10,000 packets a second",
            Weather { forged: 10_000, ..fair },
        ),
        (
            "all at once",
            Weather {
                loss: 0.1,
                burst: 2.0,
                jitter_ms: 80,
                reorders: true,
                duplicates: 0.2,
                drift_ppm: 300,
                codec_every: 25,
                junk: true,
                forged: 2_000,
                ..fair
            },
        ),
    ]
}

#[test]
fn every_key_is_heard_once_and_the_pace_is_kept() {
    let mut missed = 0;
    for (name, weather) in weathers() {
        for seed in 0..8 {
            let outcome = run(seed, weather);
            assert_eq!(
                outcome.digits, outcome.passed,
                "{name}, seed {seed}: {:?}",
                outcome.stats
            );
            missed += KEYS.len() - outcome.passed.len();
            assert_pace(name, &outcome);
        }
    }
    // Ten packets in a row can be lost, and a key with them; not often.
    assert!(missed <= 5, "{missed} keys were never let through");
}

/// What loses no packet must lose no tone; a sender that starts anew in the middle of one has sent two.
fn keeps_tones(weather: &Weather) -> bool {
    weather.loss == 0.0 && weather.ssrc_every == 0
}

#[test]
fn tones_are_heard_once_over_jitter_reordering_duplicates_drift_and_junk() {
    for (name, weather) in weathers() {
        if keeps_tones(&weather) {
            for seed in 0..4 {
                let outcome = run(
                    seed,
                    Weather {
                        inband: true,
                        ..weather
                    },
                );
                assert_eq!(outcome.digits, KEYS, "{name}, seed {seed}: {:?}", outcome.stats);
                assert_pace(name, &outcome);
            }
        }
    }
}

/// Is `heard` what remains of the keys when some are lost: none twice, none that was not pressed?
fn is_remainder(heard: &str) -> bool {
    let mut pressed = KEYS.chars();
    heard.chars().all(|key| pressed.any(|other| other == key))
}

#[test]
fn tones_that_lose_packets_are_never_doubled_or_taken_for_another_key() {
    let (mut heard, mut pressed) = (0, 0);
    for (name, weather) in weathers() {
        if !keeps_tones(&weather) {
            for seed in 0..8 {
                let outcome = run(
                    seed,
                    Weather {
                        inband: true,
                        ..weather
                    },
                );
                assert!(is_remainder(&outcome.digits), "{name}, seed {seed}: {}", outcome.digits);
                assert_pace(name, &outcome);
                heard += outcome.digits.len();
                pressed += KEYS.len();
            }
        }
    }
    assert!(heard * 10 > pressed * 7, "{heard} of {pressed} keys");
}

#[test]
fn the_figures_tell_what_the_network_did() {
    let fair = Weather::default();
    let lossy = run(
        1,
        Weather {
            loss: 0.2,
            burst: 3.0,
            ..fair
        },
    )
    .stats;
    assert!((0.1..0.3).contains(&lossy.loss()), "{lossy:?}");
    let jittery = run(
        1,
        Weather {
            jitter_ms: 60,
            reorders: true,
            ..fair
        },
    )
    .stats;
    assert!(jittery.lost <= 3 && jittery.reordered > 50, "{jittery:?}");
    assert!((10.0..40.0).contains(&jittery.jitter_ms), "{jittery:?}");
    let double = run(
        1,
        Weather {
            duplicates: 0.5,
            ..fair
        },
    )
    .stats;
    assert!(double.duplicates > 200 && double.lost == 0, "{double:?}");
    let forged = run(1, Weather { forged: 10_000, ..fair }).stats;
    assert!(forged.foreign > 100_000 && forged.received >= 590, "{forged:?}");
    let drifting = run(1, Weather { drift_ppm: 300, ..fair }).stats;
    assert!(drifting.lost == 0 && drifting.jitter_ms < 1.0, "{drifting:?}");
    let changing = run(1, Weather { ssrc_every: 50, ..fair }).stats;
    assert!(changing.ssrc_changes > 5, "{changing:?}");
}
