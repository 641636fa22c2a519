//! Programs that others wrote judge what we send: FFmpeg decodes it, and the sound must be the one that was played; tshark
//! analyses the same packets, and must find no loss, no wrong sequence and the keys that were pressed.
//!
//! Needs the Debian packages `ffmpeg` and `tshark` (`scripts/install-dependencies.sh`).
#![allow(clippy::unwrap_used)]

mod peer;

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use peer::{Capture, Ffmpeg, Tshark};
use rtp_media::driver::{Media, Settings};
use rtp_media::{Clip, Codec, Command, Event, MasterKey, Session, Srtp, Suite, TelephoneEvent};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SECONDS: f64 = 3.0;
/// Pressed before the sound.
const KEYS: &str = "15#";

/// One call: what is sent, and how it is named to the judges.
#[derive(Debug, Clone, Copy)]
struct Call {
    name: &'static str,
    codec: Codec,
    payload_type: u8,
    /// Of `a=rtpmap`.
    format: &'static str,
    ptime: u32,
    suite: Option<Suite>,
    /// Least share that what was played must have in any tenth of a second. Opus keeps what an ear hears, and no more.
    likeness: f64,
}

const PCMA: Call = Call {
    name: "PCMA",
    codec: Codec::Pcma,
    payload_type: 8,
    format: "PCMA/8000",
    ptime: 20,
    suite: None,
    likeness: 0.99,
};

const CALLS: [Call; 9] = [
    PCMA,
    Call {
        name: "PCMA, 10 ms",
        ptime: 10,
        ..PCMA
    },
    Call {
        name: "PCMA, 60 ms",
        ptime: 60,
        ..PCMA
    },
    Call {
        name: "PCMU",
        codec: Codec::Pcmu,
        payload_type: 0,
        format: "PCMU/8000",
        ..PCMA
    },
    Call {
        name: "G.722",
        codec: Codec::G722,
        payload_type: 9,
        format: "G722/8000",
        likeness: 0.98,
        ..PCMA
    },
    Call {
        name: "Opus",
        codec: Codec::Opus,
        payload_type: 111,
        format: "opus/48000/2",
        likeness: 0.9,
        ..PCMA
    },
    Call {
        name: "PCMA, SRTP with an 80-bit tag",
        suite: Some(Suite::AesCm128HmacSha1_80),
        ..PCMA
    },
    Call {
        name: "PCMA, SRTP with a 32-bit tag",
        suite: Some(Suite::AesCm128HmacSha1_32),
        ..PCMA
    },
    Call {
        name: "Opus, SRTP",
        codec: Codec::Opus,
        payload_type: 111,
        format: "opus/48000/2",
        suite: Some(Suite::AesCm128HmacSha1_80),
        likeness: 0.9,
        ..PCMA
    },
];

/// The phase of a tone that rises from 300 to 3,000 Hz, at `at` seconds of its course: each instant is like no other, so a
/// lost, doubled or misplaced packet shows.
fn phase(at: f64) -> f64 {
    let rise = 2_700.0 / SECONDS;
    std::f64::consts::TAU * (300.0 * at + rise * at * at / 2.0)
}

/// How much of `heard`, at 8 kHz, is the rising tone from `from` seconds of its course on: 1 if all. Its phase is left open,
/// for codecs may turn it.
fn share(heard: &[i16], from: f64) -> f64 {
    let (mut re, mut im, mut square) = (0.0, 0.0, 0.0);
    for (n, &sample) in heard.iter().enumerate() {
        let (sin, cos) = phase(from + n as f64 / 8_000.0).sin_cos();
        re += f64::from(sample) * cos;
        im += f64::from(sample) * sin;
        square += f64::from(sample).powi(2);
    }
    (2.0 * (re * re + im * im) / (square * heard.len() as f64).max(1.0)).sqrt()
}

/// The least share of the rising tone in any tenth of a second of `heard`, at the one offset that fits the whole best.
fn likeness(heard: &[i16]) -> f64 {
    let length = (SECONDS * 8_000.0) as usize;
    let onset = heard.iter().position(|sample| sample.unsigned_abs() > 500).unwrap_or(0);
    let part = |from: usize, len: usize| heard.get(from..from + len).unwrap_or_default();
    let fit = |start: usize| share(part(start, length), 0.0);
    let starts = onset.saturating_sub(200)..onset + 200;
    let start = starts.max_by(|&a, &b| fit(a).total_cmp(&fit(b))).unwrap_or(onset);
    // The codec's own start and end are left out.
    (1..length / 800 - 1)
        .map(|tenth| share(part(start + tenth * 800, 800), tenth as f64 / 10.0))
        .fold(1.0, f64::min)
}

fn run(call: Call, ports: u16) {
    let Call { name, codec, .. } = call;
    let keys = |fill: u8, suite: Suite| MasterKey {
        key: (0..suite.key_len() as u8).map(|n| n * 7 + fill).collect(),
        salt: (0..suite.salt_len() as u8).map(|n| n * 11 + fill).collect(),
    };
    let srtp = call.suite.map(|suite| Srtp {
        suite,
        local: keys(3, suite),
        remote: keys(5, suite),
    });
    let ffmpeg = Ffmpeg::listen(call.payload_type, call.format, srtp.as_ref(), SECONDS + 2.0);
    let tap = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    let media = Media::start(Settings::new(LOOPBACK, ports..ports + 20)).unwrap();
    let (stream, _) = media.reserve().unwrap();
    let session = Session {
        codec,
        payload_type: call.payload_type,
        receive: vec![(call.payload_type, codec)],
        ptime: rtp_media::Ptime::new(call.ptime).unwrap(),
        events_out: Some(TelephoneEvent {
            payload_type: 101,
            clock: codec.clock(),
        }),
        srtp,
        ..Session::pcma(tap.local_addr().unwrap())
    };
    let capture = Capture::start(tap, ffmpeg.address());
    media.send(Command::Open {
        stream,
        session: Box::new(session),
    });
    media.send(Command::SendDigits {
        stream,
        digits: KEYS.into(),
        hold: Duration::from_millis(100),
    });
    peer::wait(|| match media.try_event() {
        Some(Event::DigitsSent { .. }) => Some(()),
        _ => None,
    });
    let pcm = (0..(SECONDS * 16_000.0) as usize)
        .map(|n| (10_000.0 * phase(n as f64 / 16_000.0).sin()) as i16)
        .collect();
    media.send(Command::Play {
        stream,
        clips: vec![Arc::new(Clip::from_pcm(pcm, 16_000))],
    });
    let heard = ffmpeg.finish();
    media.send(Command::Close { stream });
    let stats = peer::wait(|| match media.try_event() {
        Some(Event::Closed { stats, .. }) => Some(stats),
        _ => None,
    });
    let alike = likeness(&heard);
    assert!(alike >= call.likeness, "{name}: likeness {alike:.4}");

    let tshark = Tshark::of(&capture.finish());
    let streams = tshark.streams();
    assert_eq!(streams.len(), 1, "{name}: {streams:?}");
    let found = &streams[0];
    assert_eq!(
        (found.packets, found.lost, found.has_problems),
        (stats.sent, 0, false),
        "{name}: {found:?}"
    );
    if call.suite.is_none() {
        assert_eq!(tshark.keys(), KEYS, "{name}");
    }
}

/// FFmpeg plays in real time, and on a busy machine it gives a late packet up: what is wrong with ours is wrong three times.
fn is_heard(call: Call, ports: u16) -> bool {
    (0..3).any(|_| std::panic::catch_unwind(|| run(call, ports)).is_ok())
}

#[test]
fn ffmpeg_hears_what_is_played_and_tshark_finds_every_packet_in_its_place() {
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0u16..)
            .zip(CALLS)
            .map(|(n, call)| (call.name, scope.spawn(move || is_heard(call, 21_000 + 20 * n))))
            .collect();
        let failed: Vec<&str> = calls
            .into_iter()
            .filter_map(|(name, call)| (!call.join().unwrap()).then_some(name))
            .collect();
        assert!(failed.is_empty(), "failed: {failed:?}");
    });
}

#[test]
fn the_check_itself_sees_a_lost_frame_a_doubled_and_a_swapped_one() {
    let tone = |n: i32| (8_000.0 * phase(f64::from(n) / 8_000.0).sin()) as i16;
    let whole: Vec<i16> = (-2_000..28_000)
        .map(|n| if (0..24_000).contains(&n) { tone(n) } else { 0 })
        .collect();
    assert!(likeness(&whole) > 0.999, "{}", likeness(&whole));
    let mut lost = whole.clone();
    lost.drain(12_000..12_160);
    assert!(likeness(&lost) < 0.7, "{}", likeness(&lost));
    let mut doubled = whole.clone();
    doubled.splice(12_160..12_160, whole[12_000..12_160].to_vec());
    assert!(likeness(&doubled) < 0.7, "{}", likeness(&doubled));
    let mut swapped = whole;
    for n in 12_000..12_160 {
        swapped.swap(n, n + 160);
    }
    assert!(likeness(&swapped) < 0.85, "{}", likeness(&swapped));
}
