//! Thousands of streams in step: each sends at its own millisecond, and what came for it is read just after.
//!
//! The engine owns no socket: a [`Link`] carries its datagrams. In a steady tick nothing is allocated or locked
//! (`tests/steady.rs` counts), except by encrypted calls.

mod wheel;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::clip::Clip;
use crate::codec::fit_ptime;
use crate::command::{Command, DigitSource, Event, StreamId};
use crate::rtcp::NtpClock;
use crate::session::Session;
use crate::stream::{DATAGRAM_MAX, Idle, Stream, Surroundings};
use wheel::Wheel;

/// Where a stream lives in its engine; used again once the stream is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(pub u32);

/// One of a call's two sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// RTP, and RTCP too if the peer multiplexes.
    Rtp,
    /// RTCP.
    Rtcp,
    /// What others send to the RTP port while it is [locked](Link::lock). Only received on; may be always empty.
    Guard,
}

/// A datagram that was received.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// Bytes written into the buffer.
    pub len: usize,
    /// Who sent it; `None` if the link was [locked](Link::lock) and so vouches for the sender.
    pub from: Option<SocketAddr>,
    /// When it came, if that was asked for.
    pub at: Option<Instant>,
}

/// What carries the engine's datagrams: sockets in production, a virtual network in tests.
pub trait Link {
    /// Takes the oldest waiting datagram of a call, if there is one. Never waits. `is_timed`: tell when it came.
    fn receive(&mut self, slot: Slot, channel: Channel, buffer: &mut [u8], is_timed: bool) -> Option<Arrival>;
    /// Sends a datagram. False if it was refused.
    fn send(&mut self, slot: Slot, channel: Channel, to: SocketAddr, datagram: &[u8]) -> bool;
    /// From now on only this sender is expected on the RTP port, and everything goes to it; others may be refused
    /// unseen. `None`: anyone may come again.
    fn lock(&mut self, slot: Slot, peer: Option<SocketAddr>);
    /// The call is over.
    fn close(&mut self, slot: Slot);
}

/// How an engine behaves.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What is sent while there is nothing to say.
    pub idle: Idle,
    /// Canonical name in RTCP (RFC 3550 §6.5.1); must tell nothing about the machine. Cut at 40 bytes.
    pub cname: String,
}

/// After a stall, ticks older than this are skipped: their packets would come too late to be played.
const MAX_LAG_MS: u64 = 60;
/// Datagrams read from one call in one visit, at most; more is a flood, and the rest waits or is dropped by the kernel.
const READ_LIMIT: usize = 256;
/// One visit in so many reads until nothing is left, and not just the one packet that is expected, and asks when each came:
/// jitter is an estimate over many packets (RFC 3550 A.8), for which these are enough. A prime, so that a far end whose lateness
/// has a rhythm (each second packet, each fourth) is not always met at the same beat.
const DRAIN_EVERY: u32 = 17;
/// One visit in so many looks at the RTCP port, and at what strangers sent. RTCP comes each five seconds, and its arrival is
/// known by the kernel's time stamp.
const ASIDE_EVERY: u32 = 64;
/// Datagrams read then, at most.
const ASIDE_LIMIT: usize = 16;

/// Behind the clock by more than this, what is due is sent and what has come waits: sound that leaves late is heard, a key that
/// is read some milliseconds later is not. So a thread that was stopped is back in step sooner.
const HURRY_MS: u64 = 2;
/// Visits in a row that may leave the socket unread.
const UNREAD_LIMIT: u8 = 4;

/// All streams of one pacing thread.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    start: Instant,
    /// The next millisecond since `start` to be run.
    tick: u64,
    clock: NtpClock,
    rng: ChaCha8Rng,
    entries: Vec<Entry>,
    free: Vec<u32>,
    by_id: HashMap<StreamId, u32>,
    wheel: Wheel,
    silence: Arc<Clip>,
    events: VecDeque<Event>,
    samples: Vec<i16>,
    buffer: Box<[u8; DATAGRAM_MAX]>,
}

#[derive(Debug)]
enum Entry {
    Free,
    Reserved,
    Open(Box<Live>),
}

/// An open stream and where it stands in the round.
#[derive(Debug)]
struct Live {
    stream: Stream,
    phase: usize,
    last_tick: u64,
    visits: u32,
    /// The last visit did not find exactly the one packet that is expected.
    is_uneven: bool,
    /// Visits since the socket was read.
    unread: u8,
    is_locked: bool,
}

impl Engine {
    /// An empty engine. `wall` is the time of day at `start`, for RTCP; `seed` makes SSRCs and the like.
    pub fn new(settings: Settings, seed: [u8; 32], start: Instant, wall: SystemTime) -> Engine {
        Engine {
            settings,
            start,
            tick: 0,
            clock: NtpClock::new(start, wall),
            rng: ChaCha8Rng::from_seed(seed),
            entries: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            wheel: Wheel::new(),
            // 120 ms at 8 kHz: at least one frame of any codec and packet time.
            silence: Arc::new(Clip::from_pcm(vec![0; 960], 8_000)),
            events: VecDeque::with_capacity(256),
            samples: Vec::with_capacity(2_048),
            buffer: Box::new([0; DATAGRAM_MAX]),
        }
    }

    /// A call's ports were reserved: a place for it.
    pub fn add(&mut self, stream: StreamId) -> Slot {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry::Free);
            (self.entries.len() - 1) as u32
        });
        self.entries[slot as usize] = Entry::Reserved;
        self.by_id.insert(stream, slot);
        Slot(slot)
    }

    /// How many streams there are, open or reserved.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// When [`Engine::tick`] wants to be called next.
    pub fn poll_timeout(&self) -> Instant {
        self.start + Duration::from_millis(self.tick)
    }

    /// The next event, if one waits.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Obeys an order.
    pub fn handle_command(&mut self, now: Instant, command: Command, link: &mut impl Link) {
        match command {
            Command::Open { stream, session } | Command::Update { stream, session } => {
                self.open(now, stream, *session, link);
            }
            Command::Play { stream, clips } => {
                self.with(stream, |live, _| live.stream.play(clips));
            }
            Command::Stop { stream } => self.with(stream, |live, _| live.stream.stop()),
            Command::Replace { old, new } => {
                for entry in &mut self.entries {
                    if let Entry::Open(live) = entry {
                        live.stream.replace(&old, &new);
                    }
                }
            }
            Command::SendDigits { stream, digits, hold } => {
                self.with(stream, |live, _| live.stream.send_digits(&digits, hold));
            }
            Command::Relay { stream, digit } => self.with(stream, |live, events| {
                live.stream.handle_digit(now, digit, DigitSource::Info, events);
            }),
            Command::Record { stream, max } => self.with(stream, |live, _| live.stream.record(max)),
            Command::StopRecord { stream } => self.with(stream, |live, events| live.stream.stop_record(events)),
            Command::Close { stream } => self.close(now, stream, link),
        }
    }

    fn with(&mut self, stream: StreamId, f: impl FnOnce(&mut Live, &mut VecDeque<Event>)) {
        let Some(&slot) = self.by_id.get(&stream) else { return };
        if let Some(Entry::Open(live)) = self.entries.get_mut(slot as usize) {
            f(live, &mut self.events);
        }
    }

    fn open(&mut self, now: Instant, id: StreamId, mut session: Session, link: &mut impl Link) {
        let Some(&slot) = self.by_id.get(&id) else { return };
        session.ptime = fit_ptime(session.codec, session.ptime);
        let silence = self.silence.encoded(session.codec, session.ptime);
        let ptime = session.ptime;
        let Engine {
            entries,
            wheel,
            events,
            rng,
            clock,
            samples,
            settings,
            tick,
            ..
        } = self;
        let Some(entry) = entries.get_mut(slot as usize) else {
            return;
        };
        match entry {
            Entry::Free => {}
            Entry::Reserved => {
                let mut around = Surroundings {
                    events,
                    rng,
                    clock,
                    samples,
                    idle: settings.idle,
                };
                let stream = Stream::open(now, id, session, silence, &mut around);
                let phase = wheel.add(slot, ptime, *tick);
                // The first visit is one packet time after this.
                let last_tick = tick.saturating_sub(u64::from(ptime.ms()));
                let mut live = Live {
                    stream,
                    phase,
                    last_tick,
                    visits: slot,
                    is_uneven: true,
                    unread: 0,
                    is_locked: false,
                };
                if live.stream.is_exact() {
                    link.lock(Slot(slot), Some(live.stream.ingress.target()));
                    live.is_locked = true;
                }
                *entry = Entry::Open(Box::new(live));
            }
            Entry::Open(live) => {
                let before = live.stream.session().ptime;
                if before != ptime {
                    wheel.remove(slot, before, live.phase);
                    live.phase = wheel.add(slot, ptime, *tick);
                }
                live.stream.update(now, session, silence);
                let target = live.stream.is_exact().then(|| live.stream.ingress.target());
                link.lock(Slot(slot), target);
                live.is_locked = target.is_some();
            }
        }
    }

    fn close(&mut self, now: Instant, id: StreamId, link: &mut impl Link) {
        let Some(slot) = self.by_id.remove(&id) else { return };
        let Some(entry) = self.entries.get_mut(slot as usize) else {
            return;
        };
        let entry = std::mem::replace(entry, Entry::Free);
        self.free.push(slot);
        if let Entry::Open(mut live) = entry {
            self.wheel.remove(slot, live.stream.session().ptime, live.phase);
            let Engine {
                events,
                rng,
                clock,
                samples,
                settings,
                buffer,
                ..
            } = self;
            live.stream.stop_record(events);
            let mut around = Surroundings {
                events,
                rng,
                clock,
                samples,
                idle: settings.idle,
            };
            // The peer's last report, and strangers of a short call, belong to its figures.
            live.read_aside(now, Slot(slot), buffer, &mut around, link);
            report(
                now,
                Slot(slot),
                &mut live.stream,
                buffer,
                &mut around,
                &settings.cname,
                true,
                link,
            );
            events.push_back(Event::Closed {
                stream: id,
                stats: Box::new(live.stream.stats(now)),
            });
        }
        link.close(Slot(slot));
    }

    /// Runs every millisecond up to `now`: receives for, and sends from, each stream that is due.
    pub fn tick(&mut self, now: Instant, link: &mut impl Link) {
        let target = now.saturating_duration_since(self.start).as_millis() as u64;
        if target > self.tick + MAX_LAG_MS {
            self.tick = target - MAX_LAG_MS;
        }
        let Engine {
            entries,
            wheel,
            events,
            rng,
            clock,
            samples,
            settings,
            buffer,
            tick,
            ..
        } = self;
        let mut around = Surroundings {
            events,
            rng,
            clock,
            samples,
            idle: settings.idle,
        };
        let name = &settings.cname;
        while *tick <= target {
            let hurries = *tick + HURRY_MS < target;
            for round in 0..wheel.rounds() {
                // First all that leaves, then all that came: it leaves on time, and each half finds its code and the kernel's
                // in the cache.
                for &slot in wheel.due(round, *tick) {
                    if let Some(Entry::Open(live)) = entries.get_mut(slot as usize) {
                        live.speak(now, *tick, Slot(slot), buffer, &mut around, name, link);
                    }
                }
                for &slot in wheel.due(round, *tick) {
                    if let Some(Entry::Open(live)) = entries.get_mut(slot as usize) {
                        live.listen(now, hurries, Slot(slot), buffer, &mut around, link);
                    }
                }
            }
            *tick += 1;
        }
    }
}

impl Live {
    /// Sends what is due.
    #[allow(clippy::too_many_arguments)] // The engine's own parts, borrowed apart.
    fn speak(
        &mut self,
        now: Instant,
        tick: u64,
        slot: Slot,
        buffer: &mut [u8; DATAGRAM_MAX],
        around: &mut Surroundings<'_>,
        cname: &str,
        link: &mut impl Link,
    ) {
        let stream = &mut self.stream;
        let ptime = u64::from(stream.session().ptime.ms());
        let steps = (tick.saturating_sub(self.last_tick) / ptime).max(1) as u32;
        self.last_tick = tick;
        if let Some(len) = stream.next_packet(now, steps, buffer, around) {
            let target = stream.ingress.target();
            if !link.send(slot, Channel::Rtp, target, &buffer[..len]) {
                stream.handle_send_error();
            }
        }
        if stream.is_report_due(now) {
            report(now, slot, stream, buffer, around, cname, false, link);
        }
    }

    /// Takes what has come, unless that must wait.
    fn listen(
        &mut self,
        now: Instant,
        hurries: bool,
        slot: Slot,
        buffer: &mut [u8; DATAGRAM_MAX],
        around: &mut Surroundings<'_>,
        link: &mut impl Link,
    ) {
        self.visits = self.visits.wrapping_add(1);
        if hurries && self.unread < UNREAD_LIMIT {
            self.unread += 1;
        } else {
            self.read(now, slot, buffer, around, link);
        }
        let stream = &mut self.stream;
        let is_settled = stream.ingress.is_settled(now) || stream.is_exact();
        if is_settled != self.is_locked {
            link.lock(slot, is_settled.then(|| stream.ingress.target()));
            self.is_locked = is_settled;
        }
        if self.visits.is_multiple_of(ASIDE_EVERY) {
            self.read_aside(now, slot, buffer, around, link);
        }
        if self.stream.ingress.take_death(now) {
            around.events.push_back(Event::Dead { stream: self.stream.id });
        }
    }

    /// Takes what is not urgent: RTCP, and what strangers sent.
    fn read_aside(
        &mut self,
        now: Instant,
        slot: Slot,
        buffer: &mut [u8; DATAGRAM_MAX],
        around: &mut Surroundings<'_>,
        link: &mut impl Link,
    ) {
        let stream = &mut self.stream;
        if stream.rtcp_target().is_some_and(|(_, shared)| !shared) {
            for _ in 0..ASIDE_LIMIT {
                let Some(arrival) = link.receive(slot, Channel::Rtcp, &mut buffer[..], true) else {
                    break;
                };
                stream.handle_rtcp(arrival.at.unwrap_or(now), arrival.from, &buffer[..arrival.len], around);
            }
        }
        if self.is_locked {
            for _ in 0..ASIDE_LIMIT {
                let Some(arrival) = link.receive(slot, Channel::Guard, &mut buffer[..], false) else {
                    break;
                };
                stream.handle_datagram(now, arrival, &buffer[..arrival.len], around);
            }
        }
    }

    /// Takes what has come. One packet is expected in each packet time, and asking for a second one that is not there
    /// costs a third of a receive; so that is done only when the arrivals are uneven, or once in a while.
    fn read(
        &mut self,
        now: Instant,
        slot: Slot,
        buffer: &mut [u8; DATAGRAM_MAX],
        around: &mut Surroundings<'_>,
        link: &mut impl Link,
    ) {
        let mut count = 0;
        let expected = 1 + usize::from(std::mem::take(&mut self.unread));
        let drains = self.is_uneven || self.visits.is_multiple_of(DRAIN_EVERY);
        while count < READ_LIMIT {
            let Some(arrival) = link.receive(slot, Channel::Rtp, &mut buffer[..], drains) else {
                break;
            };
            count += 1;
            self.stream
                .handle_datagram(now, arrival, &buffer[..arrival.len], around);
            if !drains && count == expected {
                break;
            }
        }
        self.is_uneven = count != expected;
    }
}

#[allow(clippy::too_many_arguments)] // The engine's own parts, borrowed apart.
fn report(
    now: Instant,
    slot: Slot,
    stream: &mut Stream,
    buffer: &mut [u8; DATAGRAM_MAX],
    around: &mut Surroundings<'_>,
    cname: &str,
    is_bye: bool,
    link: &mut impl Link,
) {
    let Some((target, shared)) = stream.rtcp_target() else {
        return;
    };
    let channel = if shared { Channel::Rtp } else { Channel::Rtcp };
    if let Some(len) = stream.next_report(now, buffer, around, cname, is_bye) {
        link.send(slot, channel, target, &buffer[..len]);
    }
}
