//! GStreamer's SRTP (libsrtp) judges ours in both directions, with every suite that we offer: it decrypts and decodes what we
//! send, we hear what it encrypts, and the sound must be the one that was played. With another key nothing may be heard.
//!
//! Packets travel to and from GStreamer in files (RFC 4571), so that nothing depends on its pace.
//!
//! Needs the Debian packages `gstreamer1.0-tools` and `gstreamer1.0-plugins-{base,good,bad}`
//! (`scripts/install-dependencies.sh`).
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Command as Program, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtp_media::driver::{Media, Settings};
use rtp_media::{Clip, Command, Event, MasterKey, Session, Srtp, Stats, StreamId, Suite};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SECONDS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(60);

/// A tone that rises from 300 to 3,000 Hz: each instant is like no other.
fn rising(rate: usize) -> Vec<i16> {
    (0..SECONDS * rate)
        .map(|n| {
            let at = n as f64 / rate as f64;
            let cycles = 300.0 * at + 2_700.0 / SECONDS as f64 * at * at / 2.0;
            (10_000.0 * (std::f64::consts::TAU * cycles).sin()) as i16
        })
        .collect()
}

/// Correlation of what was heard with what was played, both at 8 kHz, at the offset that fits best: 1 if alike.
fn correlation(heard: &[i16], played: &[i16]) -> f64 {
    let energy = |pcm: &[i16]| pcm.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>();
    let at = |offset: usize| {
        let part = &heard[offset..offset + played.len()];
        let dot: f64 = part
            .iter()
            .zip(played)
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum();
        dot / (energy(part) * energy(played)).sqrt().max(1.0)
    };
    let offsets = 0..=heard.len().saturating_sub(played.len());
    if heard.len() < played.len() {
        return 0.0;
    }
    offsets.map(at).fold(0.0, f64::max)
}

fn keys(suite: Suite, fill: u8) -> MasterKey {
    MasterKey {
        key: (0..suite.key_len() as u8).map(|n| n.wrapping_mul(7) + fill).collect(),
        salt: (0..suite.salt_len() as u8).map(|n| n.wrapping_mul(11) + fill).collect(),
    }
}

/// GStreamer's names of the cipher, of the authentication of RTP, and of that of RTCP.
fn names(suite: Suite) -> [&'static str; 3] {
    match suite {
        Suite::AesCm128HmacSha1_80 => ["aes-128-icm", "hmac-sha1-80", "hmac-sha1-80"],
        // RFC 4568 §6.2.1: the short tag is RTP's alone.
        Suite::AesCm128HmacSha1_32 => ["aes-128-icm", "hmac-sha1-32", "hmac-sha1-80"],
        Suite::AeadAes128Gcm => ["aes-128-gcm", "null", "null"],
        Suite::AeadAes256Gcm => ["aes-256-gcm", "null", "null"],
    }
}

fn hex(key: &MasterKey) -> String {
    key.key.iter().chain(&key.salt).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn gstreamer(pipeline: &str) {
    let output = Program::new("gst-launch-1.0")
        .arg("-q")
        .args(pipeline.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "gst-launch-1.0 cannot be run; scripts/install-dependencies.sh installs it (Debian package gstreamer1.0-tools): {error}"
            )
        });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "GStreamer ({}); it needs the Debian packages gstreamer1.0-plugins-{{base,good,bad}}: {said}",
        output.status
    );
}

/// Our media with one call.
fn call(ports: u16, srtp: Srtp, peer: &UdpSocket) -> (Media, StreamId, SocketAddr) {
    let media = Media::start(Settings::new(LOOPBACK, ports..ports + 20)).unwrap();
    let (stream, address) = media.reserve().unwrap();
    let session = Session {
        srtp: Some(srtp),
        ..Session::pcma(peer.local_addr().unwrap())
    };
    media.send(Command::Open {
        stream,
        session: Box::new(session),
    });
    (media, stream, address)
}

/// What we send under a suite, packet by packet.
fn sent(ports: u16, srtp: &Srtp) -> Vec<Vec<u8>> {
    let peer = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    peer.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let (media, stream, _) = call(ports, srtp.clone(), &peer);
    media.send(Command::Play {
        stream,
        clips: vec![Arc::new(Clip::from_pcm(rising(8_000), 8_000))],
    });
    let deadline = Instant::now() + PATIENCE;
    let (mut packets, mut buffer, mut is_said) = (Vec::new(), [0; 2_048], false);
    loop {
        assert!(Instant::now() < deadline, "the message never ended");
        match peer.recv(&mut buffer) {
            // RTCP shares no port with RTP here.
            Ok(len) => packets.push(buffer[..len].to_vec()),
            // The message is over, and nothing more is on its way.
            Err(_) if is_said => return packets,
            Err(_) => {}
        }
        while let Some(event) = media.try_event() {
            if matches!(event, Event::PromptEnded { .. }) {
                is_said = true;
                media.send(Command::Close { stream });
            }
        }
    }
}

/// What GStreamer hears in our packets with a key.
fn heard_by_gstreamer(folder: &Path, suite: Suite, key: &MasterKey, packets: &[Vec<u8>]) -> Vec<i16> {
    let (sent, heard) = (folder.join("sent"), folder.join("heard"));
    let framed: Vec<u8> = packets
        .iter()
        .flat_map(|packet| [&(packet.len() as u16).to_be_bytes(), packet.as_slice()].concat())
        .collect();
    fs::write(&sent, framed).unwrap();
    let ssrc = u32::from_be_bytes(packets[0][8..12].try_into().unwrap());
    let [cipher, auth, rtcp_auth] = names(suite);
    gstreamer(&format!(
        "filesrc location={} ! application/x-srtp-stream,media=(string)audio,clock-rate=(int)8000,encoding-name=(string)PCMA,\
         payload=(int)8,ssrc=(uint){ssrc},roc=(uint)0,srtp-key=(buffer){},srtp-cipher=(string){cipher},srtp-auth=(string){auth},\
         srtcp-cipher=(string){cipher},srtcp-auth=(string){rtcp_auth} ! rtpstreamdepay ! srtpdec ! rtppcmadepay ! alawdec ! filesink \
         location={}",
        sent.display(),
        hex(key),
        heard.display()
    ));
    let bytes = fs::read(heard).unwrap_or_default();
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|&b| i16::from_le_bytes(b))
        .collect()
}

/// Packets of the rising tone as GStreamer encrypts them.
fn made_by_gstreamer(folder: &Path, suite: Suite, key: &MasterKey) -> Vec<Vec<u8>> {
    let (played, packets) = (folder.join("played"), folder.join("packets"));
    let mut pcm: Vec<u8> = rising(8_000).iter().flat_map(|s| s.to_le_bytes()).collect();
    // Half a second of silence after it: what is still under way when the call closes is not of the tone.
    pcm.resize(pcm.len() + 8_000, 0);
    fs::write(&played, pcm).unwrap();
    let [cipher, auth, rtcp_auth] = names(suite);
    gstreamer(&format!(
        "filesrc location={} blocksize=320 ! rawaudioparse use-sink-caps=false format=pcm pcm-format=s16le sample-rate=8000 \
         num-channels=1 ! alawenc ! rtppcmapay min-ptime=20000000 max-ptime=20000000 ! srtpenc key={} rtp-cipher={cipher} rtp-auth={auth} \
         rtcp-cipher={cipher} rtcp-auth={rtcp_auth} ! rtpstreampay ! filesink location={}",
        played.display(),
        hex(key),
        packets.display()
    ));
    let bytes = fs::read(packets).unwrap();
    let mut rest = bytes.as_slice();
    let mut packets = Vec::new();
    while let Some((len, tail)) = rest.split_first_chunk::<2>() {
        let (packet, tail) = tail.split_at(usize::from(u16::from_be_bytes(*len)));
        packets.push(packet.to_vec());
        rest = tail;
    }
    packets
}

/// What we hear in those packets, sent to us at their pace.
fn heard_by_us(ports: u16, srtp: Srtp, packets: &[Vec<u8>]) -> (Vec<i16>, Stats) {
    let peer = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    let (media, stream, address) = call(ports, srtp, &peer);
    media.send(Command::Record {
        stream,
        max: Duration::from_secs(10),
    });
    let start = Instant::now();
    for (n, packet) in (0u32..).zip(packets) {
        let due = start + Duration::from_millis(20) * n;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        peer.send_to(packet, address).unwrap();
    }
    media.send(Command::StopRecord { stream });
    media.send(Command::Close { stream });
    let deadline = Instant::now() + PATIENCE;
    let mut heard = Vec::new();
    loop {
        assert!(Instant::now() < deadline, "the call never closed");
        match media.try_event() {
            Some(Event::Recorded { pcm, .. }) => heard = pcm,
            Some(Event::Closed { stats, .. }) => return (heard, *stats),
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

#[test]
fn gstreamer_and_we_hear_each_other_with_every_suite() {
    for (n, suite) in (0u16..).zip(Suite::ALL) {
        let name = suite.name();
        let folder = tempfile::tempdir().unwrap();
        let srtp = Srtp {
            suite,
            local: keys(suite, 3),
            remote: keys(suite, 5),
        };
        let played = rising(8_000);
        let ports = 21_400 + 60 * n;

        let packets = sent(ports, &srtp);
        let heard = heard_by_gstreamer(folder.path(), suite, &srtp.local, &packets);
        let alike = correlation(&heard, &played);
        assert!(
            alike > 0.99,
            "{name}: GStreamer hears us at {alike:.4}, {} samples",
            heard.len()
        );
        let with_another_key = heard_by_gstreamer(folder.path(), suite, &srtp.remote, &packets);
        assert!(with_another_key.is_empty(), "{name}: heard with another key");

        let packets = made_by_gstreamer(folder.path(), suite, &srtp.remote);
        let (heard, stats) = heard_by_us(ports + 20, srtp.clone(), &packets);
        assert_eq!(stats.srtp_refused, 0, "{name}");
        let alike = correlation(&heard, &played);
        assert!(
            alike > 0.99,
            "{name}: we hear GStreamer at {alike:.4}, {} samples",
            heard.len()
        );
        let reversed = Srtp {
            suite,
            local: srtp.remote,
            remote: srtp.local,
        };
        let (heard, stats) = heard_by_us(ports + 40, reversed, &packets[..10]);
        assert!(
            stats.received == 0 && stats.srtp_refused > 0,
            "{name}: with another key: {stats:?}"
        );
        assert!(heard.is_empty(), "{name}: heard with another key");
    }
}
