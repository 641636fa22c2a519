//! What the engine makes of what it hears, in virtual time: tones before the answer, who answered, keys by signalling,
//! recordings, and silence.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use rtp_media::dtmf::digit_tones;
use rtp_media::engine::{Arrival, Channel, Engine, Link, Settings, Slot};
use rtp_media::rtcp::{self, Block, Item, NtpClock, SenderPart};
use rtp_media::rtp::{Header, Packet};
use rtp_media::tone::Progress;
use rtp_media::{Answerer, Clip, Codec, Command, DigitSource, Direction, Event, Ptime, Session, Stats, StreamId, amd};

const STREAM: StreamId = StreamId(1);

fn peer() -> SocketAddr {
    "192.0.2.1:4000".parse().unwrap()
}

/// A call, its far end, and a clock.
struct Call {
    engine: Engine,
    wire: Wire,
    now: Instant,
    header: Header,
    session: Session,
    events: Vec<Event>,
}

#[derive(Default)]
struct Wire {
    rtp: VecDeque<(Instant, Vec<u8>)>,
    rtcp: VecDeque<(Instant, Vec<u8>)>,
    /// What the engine has sent.
    sent: Vec<(Channel, Vec<u8>)>,
}

impl Link for Wire {
    fn receive(&mut self, _slot: Slot, channel: Channel, buffer: &mut [u8], is_timed: bool) -> Option<Arrival> {
        let (at, bytes) = match channel {
            Channel::Rtp => self.rtp.pop_front()?,
            Channel::Rtcp => self.rtcp.pop_front()?,
            Channel::Guard => return None,
        };
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Some(Arrival {
            len: bytes.len(),
            from: Some(peer()),
            at: is_timed.then_some(at),
        })
    }

    fn send(&mut self, _slot: Slot, channel: Channel, _to: SocketAddr, datagram: &[u8]) -> bool {
        self.sent.push((channel, datagram.to_vec()));
        true
    }

    fn lock(&mut self, _slot: Slot, _peer: Option<SocketAddr>) {}

    fn close(&mut self, _slot: Slot) {}
}

impl Call {
    fn open(session: Session) -> Call {
        let now = Instant::now();
        let mut call = Call {
            engine: Engine::new(Settings::default(), [5; 32], now, SystemTime::now()),
            wire: Wire::default(),
            now,
            header: Header {
                marker: false,
                payload_type: 8,
                sequence: 1,
                timestamp: 0,
                ssrc: 9,
            },
            session: session.clone(),
            events: Vec::new(),
        };
        call.engine.add(STREAM);
        call.order(Command::Open {
            stream: STREAM,
            session: Box::new(session),
        });
        call
    }

    fn order(&mut self, command: Command) {
        self.engine.handle_command(self.now, command, &mut self.wire);
        self.events.extend(std::iter::from_fn(|| self.engine.poll_event()));
    }

    fn update(&mut self, change: impl FnOnce(&mut Session)) {
        change(&mut self.session);
        let session = Box::new(self.session.clone());
        self.order(Command::Update {
            stream: STREAM,
            session,
        });
    }

    /// 20 ms pass, in which `packet` comes.
    fn pass(&mut self, packet: Option<Vec<u8>>) {
        if let Some(packet) = packet {
            self.wire.rtp.push_back((self.now, packet));
        }
        self.now += Duration::from_millis(20);
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(160);
        self.engine.tick(self.now, &mut self.wire);
        self.events.extend(std::iter::from_fn(|| self.engine.poll_event()));
    }

    /// The far end sends this sound; what was noticed meanwhile.
    fn hear(&mut self, pcm: &[i16]) -> Vec<Event> {
        for frame in pcm.chunks(160) {
            let encoded = Clip::from_pcm(frame.to_vec(), 8_000).encoded(Codec::Pcma, Ptime::MS_20);
            let packet = [self.header.to_bytes().as_slice(), encoded.frame(0).unwrap()].concat();
            self.pass(Some(packet));
        }
        std::mem::take(&mut self.events)
    }

    /// Headers of what the engine has sent since this was last asked.
    fn sent(&mut self) -> Vec<Header> {
        let sent = std::mem::take(&mut self.wire.sent).into_iter();
        sent.filter(|(channel, _)| *channel == Channel::Rtp)
            .map(|(_, bytes)| Packet::parse(&bytes).unwrap().header)
            .collect()
    }

    fn close(&mut self) -> Stats {
        self.order(Command::Close { stream: STREAM });
        let stats = self.events.iter().find_map(|event| match event {
            Event::Closed { stats, .. } => Some(stats.as_ref().clone()),
            _ => None,
        });
        stats.unwrap()
    }

    /// The far end sends nothing.
    fn nothing(&mut self, seconds: u32) -> Vec<Event> {
        for _ in 0..seconds * 50 {
            self.pass(None);
        }
        std::mem::take(&mut self.events)
    }

    /// A telephone event of 100 ms.
    fn press(&mut self, code: u8) -> Vec<Event> {
        let mut header = Header {
            payload_type: 101,
            ..self.header
        };
        for n in 1..=5u16 {
            header.marker = n == 1;
            header.sequence = self.header.sequence;
            let flags = if n == 5 { 0x8a } else { 0x0a };
            let [high, low] = (n * 160).to_be_bytes();
            let packet = [header.to_bytes().as_slice(), &[code, flags, high, low]].concat();
            self.pass(Some(packet));
        }
        std::mem::take(&mut self.events)
    }
}

/// `times` a tone of `hz` for `on` ms, and silence for `off` ms.
fn tone(hz: f32, on: usize, off: usize, times: usize) -> Vec<i16> {
    let wave = |n: usize| (5_000.0 * (std::f32::consts::TAU * hz * n as f32 / 8_000.0).sin()) as i16;
    let once: Vec<i16> = (0..on * 8).map(wave).chain(std::iter::repeat_n(0, off * 8)).collect();
    once.repeat(times)
}

/// Something like a voice.
fn speech(ms: usize) -> Vec<i16> {
    let wave = |n: usize| {
        let time = n as f32 / 8_000.0 * std::f32::consts::TAU;
        let loudness = (time * 2.0).sin().abs() + 0.2;
        ([130.0, 260.0, 650.0, 1_170.0]
            .map(|hz| (time * hz).sin())
            .iter()
            .sum::<f32>()
            * loudness
            * 1_800.0) as i16
    };
    (0..ms * 8).map(wave).collect()
}

fn silence(ms: usize) -> Vec<i16> {
    vec![0; ms * 8]
}

fn progress(events: &[Event]) -> Vec<Progress> {
    let told = |event: &Event| match event {
        Event::Progress { progress, .. } => Some(*progress),
        _ => None,
    };
    events.iter().filter_map(told).collect()
}

fn answerers(events: &[Event]) -> Vec<Answerer> {
    let told = |event: &Event| match event {
        Event::Answerer { answerer, .. } => Some(*answerer),
        _ => None,
    };
    events.iter().filter_map(told).collect()
}

fn digits(events: &[Event]) -> Vec<(char, DigitSource)> {
    let told = |event: &Event| match event {
        Event::Digit { digit, source, .. } => Some((*digit, *source)),
        _ => None,
    };
    events.iter().filter_map(told).collect()
}

fn outgoing() -> Session {
    Session {
        tones: true,
        amd: Some(amd::Settings::default()),
        is_early: true,
        ..Session::pcma(peer())
    }
}

#[test]
fn the_tones_of_early_media_are_told_and_are_nobodys_greeting() {
    let mut call = Call::open(outgoing());
    let ringing = call.hear(&tone(440.0, 1_500, 3_500, 3));
    assert_eq!(progress(&ringing), [Progress::Ringing]);
    assert_eq!(answerers(&ringing), [], "nobody has answered");
    call.update(|session| session.is_early = false);
    let answered = call.hear(&[silence(300), speech(600), silence(2_000)].concat());
    assert_eq!(answerers(&answered), [Answerer::Person]);
    assert_eq!(progress(&answered), []);
}

#[test]
fn busy_and_congestion_in_early_media_are_told_apart() {
    for (on, expected) in [(500, Progress::Busy), (250, Progress::Congestion)] {
        let mut call = Call::open(outgoing());
        assert_eq!(progress(&call.hear(&tone(440.0, on, on, 12))), [expected]);
    }
    let mut call = Call::open(outgoing());
    let information = [
        tone(950.0, 330, 0, 1),
        tone(1_400.0, 330, 0, 1),
        tone(1_800.0, 330, 1_000, 1),
    ]
    .concat();
    assert_eq!(progress(&call.hear(&information)), [Progress::Information]);
}

#[test]
fn a_fax_machine_is_told_before_it_is_taken_for_a_beep() {
    let mut call = Call::open(Session {
        is_early: false,
        ..outgoing()
    });
    let mut heard = call.hear(&[silence(1_800), tone(2_100.0, 2_000, 0, 1)].concat());
    assert_eq!(progress(&heard), [Progress::Fax]);
    let told = heard.iter().position(|event| matches!(event, Event::Progress { .. }));
    let beep = heard.iter().position(|event| matches!(event, Event::Beep { .. }));
    assert!(beep.is_none_or(|beep| told < Some(beep)));
    // A busy tone after the answer is a far end that hung up badly; only fax is told then.
    heard = call.hear(&tone(440.0, 500, 500, 6));
    assert_eq!(progress(&heard), []);
}

#[test]
fn a_key_that_comes_by_signalling_and_in_the_media_is_told_once() {
    let mut call = Call::open(Session {
        inband_dtmf: true,
        ..Session::pcma(peer())
    });
    let relay = |digit| Command::Relay { stream: STREAM, digit };
    call.order(relay('1'));
    let mut heard = call.press(1);
    heard.extend(call.hear(&silence(400)));
    heard.extend(call.press(2));
    call.order(relay('2'));
    heard.extend(call.hear(&silence(2_000)));
    call.order(relay('2'));
    heard.extend(call.hear(&silence(100)));
    assert_eq!(
        digits(&heard),
        [
            ('1', DigitSource::Info),
            ('2', DigitSource::Rfc4733),
            ('2', DigitSource::Info)
        ]
    );
}

#[test]
fn a_message_is_recorded_without_the_silence_around_it_and_without_the_key_that_ends_it() {
    let mut call = Call::open(Session {
        inband_dtmf: true,
        ..Session::pcma(peer())
    });
    call.order(Command::Record {
        stream: STREAM,
        max: Duration::from_secs(60),
    });
    let mut heard = call.hear(&[silence(3_000), speech(4_000), silence(600)].concat());
    heard.extend(call.hear(&digit_tones("#", rtp_media::dtmf::Tone::default(), 8_000)));
    assert_eq!(digits(&heard), [('#', DigitSource::InBand)]);
    call.order(Command::StopRecord { stream: STREAM });
    let pcm = call.events.iter().find_map(|event| match event {
        Event::Recorded { pcm, rate: 8_000, .. } => Some(pcm.clone()),
        _ => None,
    });
    let ms = pcm.unwrap().len() / 8;
    assert!((4_000..4_800).contains(&ms), "{ms} ms");
}

#[test]
fn a_recording_ends_at_its_longest_and_at_the_call() {
    let mut call = Call::open(Session::pcma(peer()));
    let record = Command::Record {
        stream: STREAM,
        max: Duration::from_secs(2),
    };
    call.order(record);
    let lengths = |events: &[Event]| -> Vec<usize> {
        let told = |event: &Event| match event {
            Event::Recorded { pcm, .. } => Some(pcm.len() / 8),
            _ => None,
        };
        events.iter().filter_map(told).collect()
    };
    assert_eq!(lengths(&call.hear(&speech(3_000))), [2_000]);
    call.order(Command::Record {
        stream: STREAM,
        max: Duration::from_secs(60),
    });
    call.hear(&speech(1_000));
    call.order(Command::Close { stream: STREAM });
    assert_eq!(lengths(&call.events), [1_000]);
    assert!(matches!(call.events.last(), Some(Event::Closed { .. })));
}

#[test]
fn a_silent_peer_is_reported_dead_once_unless_it_may_be_silent() {
    let dead = |events: &[Event]| {
        events
            .iter()
            .filter(|event| matches!(event, Event::Dead { .. }))
            .count()
    };
    let mut call = Call::open(Session {
        silence_timeout: Some(Duration::from_secs(5)),
        ..Session::pcma(peer())
    });
    assert_eq!(dead(&call.hear(&speech(1_000))), 0);
    assert_eq!(dead(&call.nothing(4)), 0);
    assert_eq!(dead(&call.nothing(2)), 1);
    assert_eq!(dead(&call.nothing(20)), 0, "reported once");
    assert_eq!(dead(&call.hear(&speech(200))), 0);
    assert_eq!(dead(&call.nothing(6)), 1, "it had come back");
    // On hold the peer may send nothing.
    call.update(|session| session.direction = Direction::SendOnly);
    assert_eq!(dead(&call.nothing(30)), 0);
    call.update(|session| {
        session.direction = Direction::SendRecv;
        session.silence_timeout = None;
    });
    assert_eq!(dead(&call.nothing(30)), 0, "switched off");
}

#[test]
fn comfort_noise_keeps_a_call_alive_and_is_counted_as_received() {
    let mut call = Call::open(Session {
        silence_timeout: Some(Duration::from_secs(1)),
        inband_dtmf: true,
        ..Session::pcma(peer())
    });
    let mut heard = call.hear(&speech(500));
    // RFC 3389: one noise level (-60 dBov) and no spectrum, each half second.
    for _ in 0..10 {
        let header = Header {
            payload_type: 13,
            ..call.header
        };
        let packet = [header.to_bytes().as_slice(), &[60]].concat();
        call.pass(Some(packet));
        for _ in 0..24 {
            call.header.sequence = call.header.sequence.wrapping_sub(1);
            call.pass(None);
        }
        heard.append(&mut call.events);
    }
    heard.extend(call.hear(&digit_tones("7", rtp_media::dtmf::Tone::default(), 8_000)));
    heard.extend(call.hear(&silence(200)));
    assert!(!heard.iter().any(|event| matches!(event, Event::Dead { .. })));
    assert_eq!(digits(&heard), [('7', DigitSource::InBand)]);
    let stats = call.close();
    assert_eq!((stats.refused, stats.lost, stats.digits), (0, 0, 1), "{stats:?}");
}

#[test]
fn lateness_with_a_rhythm_is_jitter() {
    for every in [2, 3, 4, 5] {
        let mut call = Call::open(Session::pcma(peer()));
        for number in 0..3_000 {
            let late = Duration::from_millis(if number % every == 0 { 12 } else { 0 });
            let packet = [call.header.to_bytes().as_slice(), &[0xd5; 160]].concat();
            call.wire.rtp.push_back((call.now + late, packet));
            call.pass(None);
        }
        let stats = call.close();
        assert_eq!((stats.received, stats.lost), (3_000, 0));
        assert!(stats.jitter_ms > 2.0, "each {every}th packet is late: {stats:?}");
    }
}

#[test]
fn the_peers_reports_tell_loss_jitter_and_the_round_trip_and_ours_go_out() {
    let mut call = Call::open(Session::pcma(peer()));
    call.hear(&speech(10_000));
    let clock = NtpClock::new(call.now, SystemTime::now());
    let reports = |sent: &[(Channel, Vec<u8>)]| -> Vec<Item> {
        let mut items = Vec::new();
        for (_, bytes) in sent.iter().filter(|(channel, _)| *channel == Channel::Rtcp) {
            assert!(rtcp::read(bytes, |item| items.push(item)));
        }
        items
    };
    let ours = call
        .wire
        .sent
        .iter()
        .find(|(channel, _)| *channel == Channel::Rtp)
        .unwrap();
    let ssrc = Packet::parse(&ours.1).unwrap().header.ssrc;
    let items = reports(&call.wire.sent);
    let told = items.iter().rev().find_map(|item| match item {
        Item::Sender { part, .. } => Some(*part),
        _ => None,
    });
    let told = told.expect("a sender report within ten seconds");
    assert!(told.packets > 100 && told.bytes == told.packets * 160, "{told:?}");
    assert!(
        items
            .iter()
            .any(|item| matches!(item, Item::Block { block, .. } if block.ssrc == 9 && block.lost == 0))
    );
    // The peer got that report 30 ms after it was sent, and answers a second later; its answer takes 50 ms.
    call.nothing(5);
    let sent_at = (told.ntp >> 16) as u32;
    let engine_now = call.now;
    let block = Block {
        ssrc,
        fraction_lost: 10,
        lost: 21,
        highest: 500,
        jitter: 80,
        last_report: sent_at,
        delay: 65_536,
    };
    let mut compound = [0; rtcp::MAX_LEN];
    let sender = SenderPart {
        ntp: clock.ntp(engine_now),
        ..SenderPart::default()
    };
    let len = rtcp::write(&mut compound, 9, Some(sender), Some(block), "peer", false);
    call.wire.rtcp.push_back((engine_now, compound[..len].to_vec()));
    call.hear(&speech(1_000));
    let stats = call.close();
    assert_eq!((stats.remote_lost, stats.rtcp_received), (Some(21), 1), "{stats:?}");
    assert_eq!(stats.remote_jitter_ms, Some(10.0));
    assert!(stats.rtcp_sent >= 2, "{stats:?}");
    // Whatever lies between our report and the answer, less the second that the peer had it.
    assert!(
        stats.round_trip.is_some_and(|trip| trip > Duration::from_secs(3)),
        "{stats:?}"
    );
    assert!(
        reports(&call.wire.sent)
            .iter()
            .any(|item| matches!(item, Item::Bye { ssrc: left } if *left == ssrc))
    );
}

#[test]
fn our_ssrc_gives_way_to_a_peer_that_has_chosen_the_same_and_only_once() {
    let mut call = Call::open(Session::pcma(peer()));
    call.nothing(1);
    let ours = call.sent().last().unwrap().ssrc;
    call.header.ssrc = ours;
    call.hear(&speech(200));
    let after = call.sent().last().unwrap().ssrc;
    assert_ne!(after, ours);
    // If what we send is echoed to us, a new SSRC each time would help nobody.
    call.header.ssrc = after;
    call.hear(&speech(2_000));
    assert_eq!(call.sent().last().unwrap().ssrc, after);
}

#[test]
fn timestamps_go_on_over_a_hold_and_the_first_packet_after_it_is_marked() {
    let mut call = Call::open(Session::pcma(peer()));
    call.nothing(1);
    let before = *call.sent().last().unwrap();
    call.update(|session| session.direction = Direction::RecvOnly);
    call.nothing(2);
    assert_eq!(call.sent().len(), 0, "on hold");
    call.update(|session| session.direction = Direction::SendRecv);
    call.nothing(1);
    let sent = call.sent();
    let after = sent[0];
    assert!(after.marker && sent[1..].iter().all(|header| !header.marker));
    assert_eq!(after.sequence, before.sequence.wrapping_add(1));
    let passed = after.timestamp.wrapping_sub(before.timestamp) / 160;
    assert!((100..=102).contains(&passed), "{passed} packet times");
}

#[test]
fn each_call_starts_at_an_ssrc_a_sequence_and_a_timestamp_of_its_own() {
    let mut call = Call::open(Session::pcma(peer()));
    for n in 2..=32 {
        call.engine.add(StreamId(n));
        call.order(Command::Open {
            stream: StreamId(n),
            session: Box::new(Session::pcma(peer())),
        });
    }
    call.pass(None);
    let sent: Vec<Header> = call.sent().into_iter().filter(|header| header.marker).collect();
    assert_eq!(sent.len(), 32, "the first packet of each");
    let distinct = |part: fn(&Header) -> u32| sent.iter().map(part).collect::<BTreeSet<u32>>().len();
    assert_eq!(distinct(|header| header.ssrc), 32);
    assert_eq!(distinct(|header| header.timestamp), 32);
    // Sixteen bits: two may meet. All over the range, for a start near zero could be guessed.
    assert!(distinct(|header| u32::from(header.sequence)) >= 30);
    let high = sent.iter().filter(|header| header.sequence >= 1 << 15).count();
    assert!((8..=24).contains(&high), "{high} of 32 in the upper half");
}

#[test]
fn a_bye_of_the_peer_ends_nothing_for_it_may_be_forged() {
    let mut call = Call::open(Session::pcma(peer()));
    call.hear(&speech(500));
    let mut compound = [0; rtcp::MAX_LEN];
    let len = rtcp::write(&mut compound, 9, None, None, "peer", true);
    call.wire.rtcp.push_back((call.now, compound[..len].to_vec()));
    call.hear(&speech(100));
    call.sent();
    assert_eq!(digits(&call.press(1)), [('1', DigitSource::Rfc4733)]);
    assert_eq!(call.sent().len(), 5, "it is still spoken to");
    assert_eq!(call.close().rtcp_received, 1);
}
