//! One call of a probe and its story.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rtp_media::sdp::{OfferSettings, SdpError};
use rtp_media::{Codec, Command, Session, Stats, StreamId};
use sip_core::{Cause, StatusCode};

use crate::switchboard::Description;

/// One thing that happened, and how long after the INVITE.
#[derive(Debug, Clone)]
pub struct Moment {
    /// Since the INVITE.
    pub after: Duration,
    /// What.
    pub step: Step,
}

/// What can happen on a call.
#[derive(Debug, Clone)]
pub enum Step {
    /// A provisional response.
    Provisional(StatusCode),
    /// The call was answered.
    Answered,
    /// Media was agreed.
    Agreed {
        /// Codec that we send.
        codec: Codec,
        /// Where to.
        remote: std::net::SocketAddr,
        /// Whether the far end takes telephone events.
        has_events: bool,
        /// Whether it is encrypted.
        is_encrypted: bool,
    },
    /// The far end's SDP cannot be used.
    NoAgreement(SdpError),
    /// The first RTP packet came.
    MediaStarted,
    /// A key was heard.
    Digit(char, &'static str),
    /// Nothing is heard from the far end any more.
    Dead,
    /// We offered the session once more: by UPDATE, or by re-INVITE.
    Reoffered {
        /// By UPDATE.
        is_update: bool,
    },
    /// The far end did not take our offer; the session stays as it was.
    OfferRefused(StatusCode),
    /// The call failed or ended.
    Over(Cause),
}

/// One call.
#[derive(Debug)]
pub struct Leg {
    placed: Instant,
    answered: Option<Instant>,
    over: Option<(Instant, Cause)>,
    stream: StreamId,
    ours: Description,
    /// The offer of somebody who calls us, until we answer it.
    pub(super) asked: Option<Bytes>,
    is_open: bool,
    tells_story: bool,
    story: Vec<Moment>,
    digits: String,
    stats: Option<Stats>,
}

impl Leg {
    pub(super) fn new(now: Instant, stream: StreamId, offer: OfferSettings, tells_story: bool) -> Self {
        Self {
            placed: now,
            answered: None,
            over: None,
            stream,
            ours: Description::new(offer),
            asked: None,
            is_open: false,
            tells_story,
            story: Vec::new(),
            digits: String::new(),
            stats: None,
        }
    }

    /// What happened, in order.
    pub fn story(&self) -> &[Moment] {
        &self.story
    }

    /// Keys heard, in order.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// From the INVITE to the answer.
    pub fn answered(&self) -> Option<Duration> {
        self.answered.map(|at| at.saturating_duration_since(self.placed))
    }

    /// From the answer to the end.
    pub fn talked(&self) -> Option<Duration> {
        let (end, _) = self.over.as_ref()?;
        self.answered.map(|at| end.saturating_duration_since(at))
    }

    /// Why the call failed or how it ended.
    pub fn cause(&self) -> Option<&Cause> {
        self.over.as_ref().map(|(_, cause)| cause)
    }

    /// Media statistics.
    pub fn stats(&self) -> Option<&Stats> {
        self.stats.as_ref()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.is_some()
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    pub(super) fn stream(&self) -> StreamId {
        self.stream
    }

    pub(super) fn offer(&mut self) -> Bytes {
        self.ours.offer()
    }

    pub(super) fn note(&mut self, now: Instant, step: Step) {
        if self.tells_story {
            self.story.push(Moment {
                after: now.saturating_duration_since(self.placed),
                step,
            });
        }
    }

    pub(super) fn note_answered(&mut self, now: Instant) {
        self.answered = Some(now);
        self.note(now, Step::Answered);
    }

    pub(super) fn note_digit(&mut self, now: Instant, digit: char, source: &'static str) {
        self.digits.push(digit);
        self.note(now, Step::Digit(digit, source));
    }

    pub(super) fn note_over(&mut self, now: Instant, cause: Cause) {
        self.note(now, Step::Over(cause.clone()));
        self.over = Some((now, cause));
    }

    pub(super) fn note_stats(&mut self, stats: Stats) {
        self.stats = Some(stats);
    }

    pub(super) fn negotiate(&mut self, now: Instant, answer: &[u8]) -> Option<Command> {
        match self.ours.accept(answer) {
            Ok(session) => {
                self.note(now, agreed(&session));
                Some(self.take(session))
            }
            Err(error) => {
                self.note(now, Step::NoAgreement(error));
                None
            }
        }
    }

    pub(super) fn answer_offer(&mut self, now: Instant, offer: &[u8]) -> Result<(Bytes, Command), SdpError> {
        let (answer, session) = self.ours.answer(offer)?;
        self.note(now, agreed(&session));
        Ok((answer, self.take(session)))
    }

    /// The order that opens the stream, or changes it if it is open.
    fn take(&mut self, session: Session) -> Command {
        let (stream, session) = (self.stream, Box::new(session));
        if std::mem::replace(&mut self.is_open, true) {
            Command::Update { stream, session }
        } else {
            Command::Open { stream, session }
        }
    }
}

fn agreed(session: &Session) -> Step {
    Step::Agreed {
        codec: session.codec,
        remote: session.remote,
        has_events: session.events_out.is_some(),
        is_encrypted: session.srtp.is_some(),
    }
}
