//! Who is not the peer moves nothing: not our sending, not the figures of the call, not a key. In virtual time, from seeds.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rtp_media::engine::{Arrival, Channel, Engine, Link, Settings, Slot};
use rtp_media::rtp::Header;
use rtp_media::{Command, Event, Session, Source, Stats, StreamId};

const STREAM: StreamId = StreamId(1);

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn promised() -> SocketAddr {
    address("192.0.2.1:4000")
}

/// A network that delivers at once, whose locks refuse nobody, so that the engine's own refusal is tried.
#[derive(Default)]
struct Network {
    inbox: VecDeque<(SocketAddr, Vec<u8>)>,
    /// Where the last packet went.
    target: Option<SocketAddr>,
}

impl Link for Network {
    fn receive(&mut self, _: Slot, channel: Channel, buffer: &mut [u8], _: bool) -> Option<Arrival> {
        if channel != Channel::Rtp {
            return None;
        }
        let (from, bytes) = self.inbox.pop_front()?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Some(Arrival {
            len: bytes.len(),
            from: Some(from),
            at: None,
        })
    }

    fn send(&mut self, _: Slot, channel: Channel, to: SocketAddr, _: &[u8]) -> bool {
        if channel == Channel::Rtp {
            self.target = Some(to);
        }
        true
    }

    fn lock(&mut self, _: Slot, _: Option<SocketAddr>) {}

    fn close(&mut self, _: Slot) {}
}

/// A call in progress, a millisecond at a time.
struct Call {
    engine: Engine,
    network: Network,
    now: Instant,
    keys: String,
    stats: Option<Stats>,
}

impl Call {
    fn open(source: Source) -> Call {
        let now = Instant::now();
        let mut call = Call {
            engine: Engine::new(Settings::default(), [5; 32], now, SystemTime::now()),
            network: Network::default(),
            now,
            keys: String::new(),
            stats: None,
        };
        call.engine.add(STREAM);
        call.agree(Session {
            source,
            inband_dtmf: true,
            ..Session::pcma(promised())
        });
        call
    }

    fn agree(&mut self, session: Session) {
        let (stream, session) = (STREAM, Box::new(session));
        let command = Command::Open { stream, session };
        self.engine.handle_command(self.now, command, &mut self.network);
    }

    fn deliver(&mut self, from: SocketAddr, header: Header, payload: &[u8]) {
        self.network
            .inbox
            .push_back((from, [header.to_bytes().as_slice(), payload].concat()));
    }

    fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += Duration::from_millis(1);
            self.engine.tick(self.now, &mut self.network);
            while let Some(event) = self.engine.poll_event() {
                match event {
                    Event::Digit { digit, .. } => self.keys.push(digit),
                    Event::Closed { stats, .. } => self.stats = Some(*stats),
                    _ => {}
                }
            }
        }
    }

    /// Where our last packet went, after a packet time more.
    fn target(&mut self) -> SocketAddr {
        self.pass(20);
        self.network.target.unwrap()
    }

    fn close(mut self) -> Stats {
        let close = Command::Close { stream: STREAM };
        self.engine.handle_command(self.now, close, &mut self.network);
        self.pass(1);
        self.stats.unwrap()
    }
}

/// A telephone that sends quiet audio.
struct Phone {
    from: SocketAddr,
    header: Header,
}

impl Phone {
    fn new(from: SocketAddr, ssrc: u32) -> Phone {
        let header = Header {
            marker: false,
            payload_type: 8,
            sequence: 65_530,
            timestamp: 9,
            ssrc,
        };
        Phone { from, header }
    }

    fn speak(&mut self, call: &mut Call, packets: usize) {
        for _ in 0..packets {
            self.header.sequence = self.header.sequence.wrapping_add(1);
            self.header.timestamp = self.header.timestamp.wrapping_add(160);
            call.deliver(self.from, self.header, &[0xd5; 160]);
            call.pass(20);
        }
    }
}

/// Somebody who knows the call's address, ports and formats, but not the numbers its packets carry.
fn forge(rng: &mut ChaCha8Rng, call: &mut Call, from: SocketAddr) {
    let is_key = rng.random_bool(0.5);
    let header = Header {
        marker: rng.random_bool(0.5),
        payload_type: if is_key { 101 } else { 8 },
        sequence: rng.random(),
        timestamp: rng.random(),
        ssrc: rng.random_range(1..4),
    };
    let payload: &[u8] = if is_key { &[1, 0x8a, 3, 0x20] } else { &[0x55; 160] };
    call.deliver(from, header, payload);
}

#[test]
fn forged_packets_from_seeds_move_nothing_and_press_no_key() {
    for (policy, forger) in [
        (Source::Exact, "192.0.2.1:9999"),
        (Source::SameAddress, "192.0.2.1:9999"),
        (Source::SameAddress, "203.0.113.5:4000"),
        (Source::Any, "203.0.113.5:4000"),
    ] {
        for seed in 0..40 {
            let name = format!("{policy:?}, {forger}, seed {seed}");
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut call = Call::open(policy);
            let forger = address(forger);
            // Before the peer is heard: one packet now and then, or some at once.
            for _ in 0..30 {
                for _ in 0..rng.random_range(0..4) {
                    forge(&mut rng, &mut call, forger);
                }
                assert_eq!(call.target(), promised(), "{name}: before the peer is heard");
            }
            // While it speaks, and while it pauses for less than a second.
            let mut phone = Phone::new(promised(), 77);
            for _ in 0..20 {
                phone.speak(&mut call, 1);
                forge(&mut rng, &mut call, forger);
                assert_eq!(call.target(), promised(), "{name}: while it speaks");
            }
            // A patient forger whose packets follow each other is refused too, as long as the peer is there.
            let mut patient = Phone::new(forger, 78);
            for n in 0..40 {
                patient.speak(&mut call, 1);
                assert_eq!(call.target(), promised(), "{name}: a patient forger");
                if n % 20 == 0 || rng.random_bool(0.2) {
                    phone.speak(&mut call, 1);
                }
            }
            // The peer goes on, and is heard.
            let before = call.keys.clone();
            phone.speak(&mut call, 5);
            let stats = call.close();
            assert_eq!(before, "", "{name}");
            assert!(stats.foreign > 0 && stats.received >= 25, "{name}: {stats:?}");
            assert_eq!((stats.source_changes, stats.ssrc_changes), (0, 0), "{name}: {stats:?}");
        }
    }
}

#[test]
fn a_peer_behind_another_port_is_found_by_its_third_packet_and_the_promised_one_still_wins() {
    let nat = address("192.0.2.1:61000");
    let mut call = Call::open(Source::SameAddress);
    let mut phone = Phone::new(nat, 5);
    phone.speak(&mut call, 2);
    assert_eq!(call.network.target, Some(promised()));
    phone.speak(&mut call, 2);
    assert_eq!(call.network.target, Some(nat));
    // A key of the found one counts.
    let mut header = phone.header;
    header.payload_type = 101;
    header.sequence = header.sequence.wrapping_add(1);
    call.deliver(nat, header, &[7, 0x8a, 3, 0x20]);
    call.pass(20);
    assert_eq!(call.keys, "7");
    // It wins although the other goes on.
    let mut right = Phone::new(promised(), 6);
    phone.header.sequence = header.sequence;
    for _ in 0..3 {
        phone.speak(&mut call, 1);
        right.speak(&mut call, 1);
    }
    assert_eq!(call.network.target, Some(promised()));
    assert_eq!(call.close().source_changes, 1);
}

#[test]
fn a_peer_that_moves_without_a_word_is_followed_once_the_promised_address_is_silent() {
    let other = address("192.0.2.1:61000");
    let mut call = Call::open(Source::SameAddress);
    Phone::new(promised(), 5).speak(&mut call, 50);
    let mut moved = Phone::new(other, 6);
    let after = (1..200).find(|_| {
        moved.speak(&mut call, 1);
        call.network.target == Some(other)
    });
    // A second of silence, then three packets; it is heard from then on.
    assert!(after.is_some_and(|n| (50..60).contains(&n)), "{after:?}");
    let stats = call.close();
    assert_eq!((stats.source_changes, stats.ssrc_changes), (1, 1), "{stats:?}");
}

#[test]
fn the_same_description_again_keeps_the_sender_that_was_found() {
    let nat = address("192.0.2.1:61000");
    let same = || Session {
        source: Source::SameAddress,
        ..Session::pcma(promised())
    };
    let mut call = Call::open(Source::SameAddress);
    call.agree(same());
    let mut phone = Phone::new(nat, 5);
    phone.speak(&mut call, 5);
    assert_eq!(call.network.target, Some(nat));
    // What a refresh of the SIP session brings each half hour (RFC 4028).
    call.agree(same());
    call.pass(20);
    assert_eq!(call.network.target, Some(nat));
}

#[test]
fn signalling_moves_at_once_whatever_still_comes_from_the_old_port() {
    let next = address("192.0.2.1:4500");
    let mut call = Call::open(Source::SameAddress);
    let mut old = Phone::new(promised(), 5);
    old.speak(&mut call, 50);
    call.agree(Session::pcma(next));
    old.speak(&mut call, 1);
    for _ in 0..20 {
        assert_eq!(call.target(), next);
        old.speak(&mut call, 1);
    }
    let mut new = Phone::new(next, 9);
    new.speak(&mut call, 10);
    assert_eq!(call.network.target, Some(next));
}
