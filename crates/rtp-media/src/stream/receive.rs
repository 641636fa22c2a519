//! The receiving half: who sent this, is it sound, what does it say.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::ears::Ears;
use super::keys::Keys;
use super::source::{Lock, Verdict};
use super::{Stream, Surroundings};
use crate::command::{DigitSource, Event};
use crate::dtmf::EventReceiver;
use crate::engine::Arrival;
use crate::rtp::{self, Admission, Packet, Reception};
use crate::session::{Codec, Rtcp, Session};
use crate::stats::Stats;

/// A new SSRC takes over once the old one has been silent for so long, and two of its packets have followed each other.
const SSRC_SILENCE: Duration = Duration::from_millis(50);
/// RFC 3389's static payload type, which some peers send without having offered it.
const COMFORT_NOISE: u8 = 13;

#[derive(Debug)]
pub(crate) struct Ingress {
    lock: Lock,
    reception: Option<Reception>,
    trial: Option<Trial>,
    events: Option<EventReceiver>,
    /// Whose events are in `events`; some gateways send them under an SSRC of their own.
    events_ssrc: u32,
    keys: Keys,
    pub(super) ears: Ears,
    first: Option<Instant>,
    heard: Instant,
    silence_timeout: Option<Duration>,
    is_dead: bool,
    has_collided: bool,
    totals: Totals,
}

/// A new SSRC that must prove itself (RFC 3550 A.1).
#[derive(Debug)]
struct Trial {
    ssrc: u32,
    next: u16,
    has_followed: bool,
}

/// What does not belong to one reception.
#[derive(Debug, Default)]
struct Totals {
    bytes: u64,
    // Of receptions before this one.
    received: u64,
    lost: u64,
    duplicates: u64,
    reordered: u64,
    max_jitter_ms: f32,
    foreign: u64,
    refused: u64,
    srtp_refused: u64,
    ssrc_changes: u32,
    source_changes: u32,
    digits: u32,
}

enum Content {
    Audio(Codec),
    Events,
    ComfortNoise,
}

impl Ingress {
    pub(super) fn new(now: Instant, session: &Session) -> Ingress {
        Ingress {
            lock: Lock::new(session.remote, session.source),
            reception: None,
            trial: None,
            events: session.events_in.map(|format| EventReceiver::new(format.clock)),
            events_ssrc: 0,
            keys: Keys::default(),
            ears: Ears::new(session),
            first: None,
            heard: now,
            silence_timeout: silence_timeout(session),
            is_dead: false,
            has_collided: false,
            totals: Totals::default(),
        }
    }

    pub(super) fn update(&mut self, now: Instant, before: &Session, after: &Session) {
        if (before.remote, before.source) != (after.remote, after.source) {
            self.lock.update(now, after.remote, after.source);
        }
        if before.events_in != after.events_in {
            self.events = after.events_in.map(|format| EventReceiver::new(format.clock));
        }
        self.ears.update(before, after);
        self.silence_timeout = silence_timeout(after);
        self.heard = now;
    }

    /// Where packets go, and where they are expected from.
    pub(crate) fn target(&self) -> SocketAddr {
        self.lock.target()
    }

    /// Is the sender settled, so that the kernel may refuse all others? Only the promised one is: behind another, such as
    /// a leftover of an earlier call on this port, the promised sender must still get through.
    pub(crate) fn is_settled(&self, now: Instant) -> bool {
        self.lock.has_promised() && !self.lock.is_silent(now)
    }

    pub(super) fn reception(&self) -> Option<&Reception> {
        self.reception.as_ref()
    }

    pub(super) fn reception_mut(&mut self) -> Option<&mut Reception> {
        self.reception.as_mut()
    }

    pub(super) fn count_foreign(&mut self) {
        self.totals.foreign += 1;
    }

    pub(super) fn count_refused(&mut self) {
        self.totals.refused += 1;
    }

    pub(super) fn count_srtp_refused(&mut self) {
        self.totals.srtp_refused += 1;
    }

    /// True once when nothing has come for the silence timeout.
    pub(crate) fn take_death(&mut self, now: Instant) -> bool {
        let Some(timeout) = self.silence_timeout else {
            return false;
        };
        let died = !self.is_dead && now.saturating_duration_since(self.heard) >= timeout;
        self.is_dead |= died;
        died
    }

    pub(super) fn add_to(&self, stats: &mut Stats, opened: Instant) {
        let totals = &self.totals;
        stats.received_bytes = totals.bytes;
        stats.received = totals.received;
        stats.lost = totals.lost;
        stats.duplicates = totals.duplicates;
        stats.reordered = totals.reordered;
        stats.max_jitter_ms = totals.max_jitter_ms;
        stats.foreign = totals.foreign;
        stats.refused = totals.refused;
        stats.srtp_refused = totals.srtp_refused;
        stats.ssrc_changes = totals.ssrc_changes;
        stats.source_changes = totals.source_changes;
        stats.digits = totals.digits;
        stats.first_packet_after = self.first.map(|first| first.saturating_duration_since(opened));
        if let Some(reception) = &self.reception {
            stats.received += reception.received();
            stats.lost += reception.lost();
            stats.duplicates += reception.duplicates();
            stats.reordered += reception.reordered();
            let (jitter, max) = reception.jitter_ms();
            stats.jitter_ms = jitter;
            stats.max_jitter_ms = stats.max_jitter_ms.max(max);
        }
    }

    /// Starts to count the packets of a new SSRC.
    fn begin(&mut self, ssrc: u32, sequence: u16, clock: u32) {
        if let Some(old) = self.reception.replace(Reception::new(ssrc, sequence, clock)) {
            self.totals.received += old.received();
            self.totals.lost += old.lost();
            self.totals.duplicates += old.duplicates();
            self.totals.reordered += old.reordered();
            self.totals.max_jitter_ms = self.totals.max_jitter_ms.max(old.jitter_ms().1);
            self.totals.ssrc_changes += 1;
        }
        self.trial = None;
    }

    /// A packet of another SSRC than the current one. True once it has proved itself, by two packets in a row.
    fn try_ssrc(&mut self, ssrc: u32, sequence: u16) -> bool {
        match &mut self.trial {
            Some(trial) if trial.ssrc == ssrc => {
                // One or two lost packets do not make a liar of it.
                trial.has_followed |= (0..3).contains(&sequence.wrapping_sub(trial.next));
                trial.next = sequence.wrapping_add(1);
                trial.has_followed
            }
            _ => {
                self.trial = Some(Trial {
                    ssrc,
                    next: sequence.wrapping_add(1),
                    has_followed: false,
                });
                false
            }
        }
    }
}

fn silence_timeout(session: &Session) -> Option<Duration> {
    session.silence_timeout.filter(|_| session.direction.receives())
}

impl Stream {
    /// A datagram that came on the RTP port is read.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        arrival: Arrival,
        bytes: &[u8],
        around: &mut Surroundings<'_>,
    ) {
        let from = arrival.from;
        let at = arrival.at.unwrap_or(now);
        let verdict = from.map_or(Verdict::Known, |from| self.ingress.lock.judge(at, from));
        if verdict == Verdict::Stranger {
            return self.ingress.totals.foreign += 1;
        }
        if rtp::is_rtcp(bytes) {
            match self.session.rtcp {
                Rtcp::Mux if verdict == Verdict::Known => self.handle_rtcp(at, None, bytes, around),
                _ => self.ingress.totals.refused += 1,
            }
            return;
        }
        if self.session.srtp.is_none() {
            return self.handle_rtp(at, arrival, verdict, bytes, around);
        }
        match self
            .protection
            .as_mut()
            .and_then(|protection| protection.unprotect(at, bytes))
        {
            Some(plain) => self.handle_rtp(at, arrival, verdict, &plain, around),
            None => self.ingress.totals.srtp_refused += 1,
        }
    }

    fn handle_rtp(
        &mut self,
        at: Instant,
        arrival: Arrival,
        verdict: Verdict,
        bytes: &[u8],
        around: &mut Surroundings<'_>,
    ) {
        let Ok(packet) = Packet::parse(bytes) else {
            return self.ingress.totals.refused += 1;
        };
        let Some(content) = self.content(packet.header.payload_type) else {
            return self.ingress.totals.refused += 1;
        };
        let header = packet.header;
        let has_won = match (verdict, arrival.from) {
            (Verdict::Newcomer, Some(from)) => {
                let lock = &mut self.ingress.lock;
                if !lock.try_sender(at, from, header.ssrc, header.sequence) {
                    return self.ingress.totals.refused += 1;
                }
                true
            }
            _ => false,
        };
        if header.ssrc == self.out.ssrc && !self.ingress.has_collided {
            // §8.2: a collision, and ours gives way. If it comes again it is an echo of what we send, which is harmless.
            self.ingress.has_collided = true;
            self.out.change_ssrc(around.rng);
        }
        let ingress = &mut self.ingress;
        let clock = match content {
            Content::Audio(codec) => codec.clock(),
            _ => self.session.codec.clock(),
        };
        match &ingress.reception {
            Some(reception) if reception.ssrc == header.ssrc => {}
            // Its packets have followed each other already.
            Some(_) if has_won => ingress.begin(header.ssrc, header.sequence, clock),
            Some(_) => {
                let proved = ingress.try_ssrc(header.ssrc, header.sequence);
                // The promised sender need not wait until one that took its place falls silent.
                let silent =
                    verdict == Verdict::Promised || at.saturating_duration_since(ingress.heard) >= SSRC_SILENCE;
                match (proved, silent, &content) {
                    (true, true, _) => ingress.begin(header.ssrc, header.sequence, clock),
                    // Events under an SSRC of their own, beside the audio's.
                    (true, false, Content::Events) => return self.handle_event(at, &packet, around),
                    _ => return ingress.totals.refused += 1,
                }
            }
            None => ingress.begin(header.ssrc, header.sequence, clock),
        }
        let Some(reception) = &mut ingress.reception else {
            return;
        };
        let admission = reception.handle_packet(header.sequence);
        if matches!(admission, Admission::Duplicate | Admission::Suspect) {
            return;
        }
        if let Some(from) = arrival.from {
            ingress.totals.source_changes += u32::from(ingress.lock.take(at, from));
        } else {
            ingress.lock.touch(at);
        }
        ingress.heard = at;
        ingress.is_dead = false;
        ingress.totals.bytes += packet.payload.len() as u64;
        if ingress.first.is_none() {
            ingress.first = Some(at);
            around.events.push_back(Event::MediaStarted { stream: self.id });
        }
        let codec = match content {
            Content::Audio(codec) => {
                if arrival.at.is_some() {
                    reception.handle_arrival(at, header.timestamp);
                }
                Some(codec)
            }
            Content::Events => {
                self.handle_event(at, &packet, around);
                None
            }
            Content::ComfortNoise => None,
        };
        if self.ingress.ears.is_listening() {
            self.handle_audio(at, codec, &packet, around);
        }
    }

    fn content(&self, payload_type: u8) -> Option<Content> {
        let session = &self.session;
        if let Some((_, codec)) = session.receive.iter().find(|(known, _)| *known == payload_type) {
            return Some(Content::Audio(*codec));
        }
        if session
            .events_in
            .is_some_and(|format| format.payload_type == payload_type)
        {
            return Some(Content::Events);
        }
        let is_noise = payload_type == COMFORT_NOISE || session.comfort_noise_in == Some(payload_type);
        is_noise.then_some(Content::ComfortNoise)
    }

    fn handle_event(&mut self, at: Instant, packet: &Packet<'_>, around: &mut Surroundings<'_>) {
        let header = packet.header;
        let Some(receiver) = &mut self.ingress.events else {
            return;
        };
        if self.ingress.events_ssrc != header.ssrc {
            self.ingress.events_ssrc = header.ssrc;
            receiver.reset();
        }
        if let Some(digit) = receiver.push(packet.payload, header.timestamp, header.sequence, header.marker) {
            self.handle_digit(at, digit, DigitSource::Rfc4733, around.events);
        }
    }

    /// A key was heard, in whatever way; told once.
    pub(crate) fn handle_digit(&mut self, at: Instant, digit: char, source: DigitSource, events: &mut VecDeque<Event>) {
        if self.ingress.keys.handle_digit(at, digit, source) {
            self.ingress.totals.digits += 1;
            events.push_back(Event::Digit {
                stream: self.id,
                digit,
                source,
            });
        }
    }
}
