//! One call's media, without I/O: what it sends at each packet time, and what it makes of each datagram that comes.

mod ears;
mod keys;
mod playlist;
mod press;
mod receive;
mod reorder;
mod reports;
mod send;
mod source;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::clip::{Clip, Encoded};
use crate::command::{Event, StreamId};
use crate::rtcp::NtpClock;
use crate::session::{Session, Source};
use crate::srtp::Protection;
use crate::stats::Stats;

pub(crate) use receive::Ingress;

/// Longest datagram that is sent or taken; a longer one is no telephone audio.
pub const DATAGRAM_MAX: usize = 2_048;

/// What a call sends while it has nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Idle {
    /// Encoded silence at the usual pace. NAT bindings, and gateways that end calls without media, stay content.
    #[default]
    Silence,
    /// One silent packet each ten seconds (RFC 6263), for trunks that bill or limit by packets.
    KeepAlive,
}

/// One call's media. Made when its ports are reserved, of use once [`Stream::open`]ed.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    session: Session,
    opened: Instant,
    out: send::Egress,
    pub(crate) ingress: Ingress,
    reports: reports::Reports,
    protection: Option<Box<Protection>>,
}

/// What a stream needs of the engine around it.
pub(crate) struct Surroundings<'a> {
    pub(crate) events: &'a mut VecDeque<Event>,
    pub(crate) rng: &'a mut ChaCha8Rng,
    pub(crate) clock: &'a NtpClock,
    /// For decoded samples; left empty.
    pub(crate) samples: &'a mut Vec<i16>,
    pub(crate) idle: Idle,
}

impl Stream {
    /// Starts to send and to listen. `silence` is one frame in the session's codec.
    pub(crate) fn open(
        now: Instant,
        id: StreamId,
        session: Session,
        silence: Arc<Encoded>,
        around: &mut Surroundings<'_>,
    ) -> Stream {
        let protection = protection(&session);
        let out = send::Egress::new(&session, silence, around.rng);
        let ingress = Ingress::new(now, &session);
        let reports = reports::Reports::new(now, around.rng);
        Stream {
            id,
            session,
            opened: now,
            out,
            ingress,
            reports,
            protection,
        }
    }

    /// What is agreed has changed. SSRC, sequence and playlist go on; the peer is learned again if it has moved.
    pub(crate) fn update(&mut self, now: Instant, session: Session, silence: Arc<Encoded>) {
        if session.srtp != self.session.srtp {
            self.protection = protection(&session);
        }
        self.out.update(&self.session, &session, silence);
        self.ingress.update(now, &self.session, &session);
        self.session = session;
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// May packets be expected from one address only, so that the kernel can refuse all others?
    pub(crate) fn is_exact(&self) -> bool {
        self.session.source == Source::Exact
    }

    pub(crate) fn play(&mut self, clips: Vec<Arc<Clip>>) {
        self.out.playlist.play(clips, self.session.codec, self.session.ptime);
    }

    pub(crate) fn stop(&mut self) {
        self.out.playlist.stop();
    }

    pub(crate) fn replace(&mut self, old: &Arc<Clip>, new: &Arc<Clip>) {
        self.out
            .playlist
            .replace(old, new, self.session.codec, self.session.ptime);
    }

    /// Presses keys: as events if the peer takes them, otherwise as tones.
    pub(crate) fn send_digits(&mut self, digits: &str, hold: Duration) {
        let session = &self.session;
        self.out
            .digits
            .get_or_insert_with(|| Box::new(press::Press::new(session)))
            .press(digits, hold);
    }

    pub(crate) fn record(&mut self, max: Duration) {
        self.ingress.ears.record(max);
    }

    pub(crate) fn stop_record(&mut self, events: &mut VecDeque<Event>) {
        self.ingress.ears.stop_record(self.id, events);
    }

    /// The figures so far.
    pub(crate) fn stats(&self, now: Instant) -> Stats {
        let mut stats = Stats {
            sent: self.out.sent,
            sent_bytes: self.out.sent_bytes,
            send_errors: self.out.errors,
            duration: now.saturating_duration_since(self.opened),
            ..Stats::default()
        };
        self.ingress.add_to(&mut stats, self.opened);
        self.reports.add_to(&mut stats, self.session.codec.clock());
        stats
    }
}

fn protection(session: &Session) -> Option<Box<Protection>> {
    // Keys come from our own SDP room, which has checked their length; a mistake there must not send plain audio,
    // so `is_mute` holds such a stream's tongue.
    session
        .srtp
        .as_ref()
        .and_then(|keys| Protection::new(keys).ok())
        .map(Box::new)
}

/// A random start for SSRC, sequence and timestamp (RFC 3550 §5.1).
fn random_start(rng: &mut ChaCha8Rng) -> (u32, u16, u32) {
    (rng.random(), rng.random(), rng.random())
}
