//! Keys pressed towards a peer that takes no telephone events: as tones, which our own detector and one that others wrote
//! (multimon-ng) hear in what was sent.
//!
//! Needs the Debian package `multimon-ng` (`scripts/install-dependencies.sh`).
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rtp_media::codec::Decoder;
use rtp_media::dtmf::InBand;
use rtp_media::engine::{Arrival, Channel, Engine, Link, Settings, Slot};
use rtp_media::resample::resample_i16;
use rtp_media::rtp::Packet;
use rtp_media::{Clip, Codec, Command, Event, Ptime, Session, StreamId, TelephoneEvent};

const STREAM: StreamId = StreamId(1);
const KEYS: &str = "1590*#2ABCD3467788";

/// Takes what is sent: payload type and payload of each packet.
#[derive(Default)]
struct Wire(Vec<(u8, Vec<u8>)>);

impl Link for Wire {
    fn receive(&mut self, _: Slot, _: Channel, _: &mut [u8], _: bool) -> Option<Arrival> {
        None
    }

    fn send(&mut self, _: Slot, channel: Channel, _: SocketAddr, datagram: &[u8]) -> bool {
        if channel == Channel::Rtp {
            let packet = Packet::parse(datagram).unwrap();
            self.0.push((packet.header.payload_type, packet.payload.to_vec()));
        }
        true
    }

    fn lock(&mut self, _: Slot, _: Option<SocketAddr>) {}

    fn close(&mut self, _: Slot) {}
}

fn session(codec: Codec, ptime: u32, events: bool) -> Session {
    let payload_type = codec.static_payload_type().unwrap_or(111);
    Session {
        codec,
        payload_type,
        ptime: Ptime::new(ptime).unwrap(),
        receive: vec![(payload_type, codec)],
        events_out: events.then_some(TelephoneEvent {
            payload_type: 101,
            clock: codec.clock(),
        }),
        silence_timeout: None,
        ..Session::pcma("192.0.2.1:4000".parse().unwrap())
    }
}

struct Call {
    engine: Engine,
    wire: Wire,
    now: Instant,
    /// Ends that were told: of keys, of what is played.
    keys_sent: u32,
    played: u32,
}

impl Call {
    fn open(session: Session) -> Call {
        let now = Instant::now();
        let mut call = Call {
            engine: Engine::new(Settings::default(), [5; 32], now, SystemTime::now()),
            wire: Wire::default(),
            now,
            keys_sent: 0,
            played: 0,
        };
        call.engine.add(STREAM);
        call.agree(session);
        call
    }

    fn order(&mut self, command: Command) {
        self.engine.handle_command(self.now, command, &mut self.wire);
    }

    fn agree(&mut self, session: Session) {
        let (stream, session) = (STREAM, Box::new(session));
        self.order(Command::Open { stream, session });
    }

    fn press(&mut self, keys: &str, hold_ms: u64) {
        self.order(Command::SendDigits {
            stream: STREAM,
            digits: keys.into(),
            hold: Duration::from_millis(hold_ms),
        });
    }

    fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += Duration::from_millis(1);
            self.engine.tick(self.now, &mut self.wire);
            while let Some(event) = self.engine.poll_event() {
                match event {
                    Event::DigitsSent { .. } => self.keys_sent += 1,
                    Event::PromptEnded { .. } => self.played += 1,
                    _ => {}
                }
            }
        }
    }

    /// What a telephone makes of the audio, at 8 kHz.
    fn heard(&self, codec: Codec) -> Vec<i16> {
        let mut decoder = Decoder::new(codec).unwrap();
        let mut pcm = Vec::new();
        let wanted = codec.static_payload_type().unwrap_or(111);
        for (payload_type, payload) in &self.wire.0 {
            assert_eq!(*payload_type, wanted);
            decoder.decode(payload, &mut pcm);
        }
        pcm
    }
}

/// What our own detector hears.
fn by_ours(pcm: &[i16]) -> String {
    let mut detector = InBand::default();
    pcm.chunks(160).filter_map(|frame| detector.push(frame)).collect()
}

/// What multimon-ng hears; it takes 22,050 samples a second.
fn by_multimon(pcm: &[i16]) -> String {
    let mut child = Process::new("multimon-ng")
        .args(["-q", "-t", "raw", "-a", "DTMF", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("multimon-ng cannot be run; scripts/install-dependencies.sh installs it (Debian package multimon-ng): {error}")
        });
    let bytes: Vec<u8> = resample_i16(pcm, 8_000, 22_050)
        .into_iter()
        .flat_map(i16::to_le_bytes)
        .collect();
    let mut stdin = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || {
        let _ = stdin.write_all(&bytes);
    });
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    assert!(output.status.success(), "multimon-ng: {}", output.status);
    let lines = String::from_utf8_lossy(&output.stdout);
    lines.lines().filter_map(|line| line.strip_prefix("DTMF: ")).collect()
}

#[test]
fn without_events_keys_are_tones_that_two_detectors_hear_in_every_codec() {
    for (codec, ptime) in [
        (Codec::Pcma, 20),
        (Codec::Pcma, 10),
        (Codec::Pcmu, 60),
        (Codec::G722, 20),
        (Codec::Opus, 20),
    ] {
        let mut call = Call::open(session(codec, ptime, false));
        call.pass(100);
        call.press(KEYS, 100);
        call.pass(KEYS.len() as u64 * 260 + 300);
        let pcm = call.heard(codec);
        assert_eq!(by_ours(&pcm), KEYS, "{codec:?}, {ptime} ms, by our detector");
        assert_eq!(by_multimon(&pcm), KEYS, "{codec:?}, {ptime} ms, by multimon-ng");
        assert_eq!(call.keys_sent, 1, "{codec:?}, {ptime} ms");
        let loudest = pcm.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        assert!((6_000..24_000).contains(&loudest), "{codec:?}: {loudest}");
    }
}

#[test]
fn what_is_played_waits_for_the_tones_and_goes_on_after() {
    let mut call = Call::open(session(Codec::Pcma, 20, false));
    let clip = Arc::new(Clip::from_pcm(vec![5_000; 8_000], 8_000));
    call.order(Command::Play {
        stream: STREAM,
        clips: vec![Arc::clone(&clip)],
    });
    call.pass(500);
    call.press("7x5", 20);
    call.pass(1_100);
    assert_eq!((call.keys_sent, call.played), (1, 1));
    assert_eq!(by_ours(&call.heard(Codec::Pcma)), "75");
    let frame = clip.encoded(Codec::Pcma, Ptime::MS_20).frame(0).unwrap().to_vec();
    let played = call.wire.0.iter().filter(|(_, payload)| *payload == frame).count();
    assert_eq!(played, 50, "no frame of the clip is lost, none is doubled");
}

#[test]
fn a_peer_that_takes_events_gets_no_tones_and_one_that_stops_taking_them_gets_the_rest_as_tones() {
    let mut call = Call::open(session(Codec::Pcma, 20, true));
    call.press("12345", 100);
    // The first key, its end and its pause.
    call.pass(180);
    let events = call.wire.0.iter().filter(|(kind, _)| *kind == 101);
    assert!(events.clone().count() >= 5 && events.clone().all(|(_, payload)| payload[0] == 1));
    call.wire.0.clear();
    call.agree(session(Codec::Pcma, 20, false));
    call.pass(1_200);
    assert_eq!(by_ours(&call.heard(Codec::Pcma)), "2345");
    assert_eq!(call.keys_sent, 1);
}
