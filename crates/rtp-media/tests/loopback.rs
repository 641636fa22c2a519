//! Two media drivers talk to each other over the kernel's loopback: what is played and pressed arrives.
#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rtp_media::driver::{Media, Settings};
use rtp_media::{Clip, Command, DigitSource, Event, Rtcp, Session, Source, Srtp, StreamId, Suite};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Media that can be waited for.
struct Side {
    media: Media,
    woken: Receiver<()>,
}

impl Side {
    fn start(ports: std::ops::Range<u16>) -> Side {
        let (wake, woken) = channel();
        let wake = Arc::new(move || {
            let _ = wake.send(());
        });
        let settings = Settings {
            wake: Some(wake),
            ..Settings::new(LOOPBACK, ports)
        };
        Side {
            media: Media::start(settings).unwrap(),
            woken,
        }
    }

    /// Waits for an event that `wanted` takes; fails after ten seconds without any.
    fn wait<T>(&self, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        loop {
            while let Some(event) = self.media.try_event() {
                if let Some(found) = wanted(&event) {
                    return found;
                }
            }
            self.woken.recv_timeout(Duration::from_secs(10)).expect("an event");
        }
    }
}

fn call(us: &Side, peer: &Side, adapt: impl Fn(&mut Session, bool)) -> (StreamId, StreamId) {
    let (ours, our_address) = us.media.reserve().unwrap();
    let (theirs, their_address) = peer.media.reserve().unwrap();
    let mut session = Session::pcma(their_address);
    adapt(&mut session, true);
    us.media.send(Command::Open {
        stream: ours,
        session: Box::new(session),
    });
    let mut session = Session::pcma(our_address);
    adapt(&mut session, false);
    peer.media.send(Command::Open {
        stream: theirs,
        session: Box::new(session),
    });
    (ours, theirs)
}

fn digits(side: &Side, stream: StreamId, count: usize) -> String {
    let mut digits = String::new();
    side.wait(|event| {
        if let Event::Digit {
            stream: of,
            digit,
            source: DigitSource::Rfc4733,
        } = event
        {
            assert_eq!(*of, stream);
            digits.push(*digit);
        }
        (digits.len() == count).then_some(())
    });
    digits
}

fn play_and_press(adapt: impl Fn(&mut Session, bool), ports: u16) {
    let (us, peer) = (Side::start(ports..ports + 20), Side::start(ports + 20..ports + 40));
    let (ours, theirs) = call(&us, &peer, adapt);
    let message = Arc::new(Clip::from_pcm(vec![3_000; 8_000], 8_000));
    us.media.send(Command::Play {
        stream: ours,
        clips: vec![message],
    });
    us.wait(|event| matches!(event, Event::PromptEnded { stream, .. } if *stream == ours).then_some(()));
    let press = Command::SendDigits {
        stream: theirs,
        digits: "12#".into(),
        hold: Duration::from_millis(80),
    };
    peer.media.send(press);
    assert_eq!(digits(&us, ours, 3), "12#");
    us.media.send(Command::Close { stream: ours });
    let stats = us.wait(|event| match event {
        Event::Closed { stats, .. } => Some(stats.clone()),
        _ => None,
    });
    assert!(stats.sent >= 50 && stats.received > 0, "{stats:?}");
    assert_eq!(
        (stats.foreign, stats.refused, stats.srtp_refused, stats.digits),
        (0, 0, 0, 3),
        "{stats:?}"
    );
}

#[test]
fn a_message_is_played_and_keys_come_back() {
    play_and_press(|_, _| (), 45_000);
}

#[test]
fn the_same_with_srtp_and_rtcp_on_one_port() {
    let suite = Suite::AesCm128HmacSha1_80;
    let key = |fill| rtp_media::MasterKey {
        key: vec![fill; suite.key_len()],
        salt: vec![fill; suite.salt_len()],
    };
    play_and_press(
        |session, is_ours| {
            let (local, remote) = if is_ours { (key(1), key(2)) } else { (key(2), key(1)) };
            session.srtp = Some(Srtp { suite, local, remote });
            session.rtcp = Rtcp::Mux;
        },
        45_100,
    );
}

#[test]
fn ports_are_told_when_they_run_out_and_come_back_after_the_close() {
    let side = Side::start(45_200..45_204);
    let (first, _) = side.media.reserve().unwrap();
    side.media.reserve().unwrap();
    let error = side.media.reserve().unwrap_err();
    assert_eq!(error.to_string(), "all UDP ports given to media are in use");
    side.media.release(first);
    // The close is done by the pacing thread; an opened stream tells when.
    let mut reserved = side.media.reserve();
    for _ in 0..1_000 {
        if reserved.is_ok() {
            break;
        }
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(5));
        reserved = side.media.reserve();
    }
    assert!(reserved.is_ok());
}

#[test]
fn a_stranger_who_sends_to_a_running_call_is_refused_and_counted() {
    // One pair of ports on our side, so that the stranger knows which: ports begin at a random place.
    let (us, peer) = (Side::start(45_300..45_302), Side::start(45_320..45_340));
    // Exact, so that a test machine that stands still for a moment does not make the peer look silent.
    let (ours, theirs) = call(&us, &peer, |session, _| session.source = Source::Exact);
    let our_address = SocketAddr::new(LOOPBACK, 45_300);
    us.wait(|event| matches!(event, Event::MediaStarted { .. }).then_some(()));
    let stranger = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    // A key that would confirm, if it were believed.
    let mut forged = vec![0x80u8, 0xe5, 0, 1, 0, 0, 0, 9, 0, 0, 0, 7, 1, 0x8a, 3, 0x20];
    // Until the peer's keys have come: the call is settled well before, and the strangers' packets with them.
    let press = Command::SendDigits {
        stream: theirs,
        digits: "234567".into(),
        hold: Duration::from_millis(100),
    };
    peer.media.send(press);
    let mut heard = String::new();
    us.wait(|event| {
        for _ in 0..4 {
            forged[3] = forged[3].wrapping_add(1);
            stranger.send_to(&forged, our_address).unwrap();
        }
        if let Event::Digit { digit, .. } = event {
            heard.push(*digit);
        }
        (heard.len() == 6).then_some(())
    });
    assert_eq!(heard, "234567");
    us.media.send(Command::Close { stream: ours });
    let stats = us.wait(|event| match event {
        Event::Closed { stats, .. } => Some(stats.clone()),
        _ => None,
    });
    assert!(stats.foreign >= 4, "{stats:?}");
    assert_eq!((stats.digits, stats.lost), (6, 0), "{stats:?}");
}
