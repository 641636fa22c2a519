//! One call in progress: its order, its script, its media, and what is known of its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dialer::{AttemptId, CallStats, MessageId, Order, Outcome};
use ivr::{Prompt, Script};
use rtp_media::sdp::SdpError;
use rtp_media::tone::Progress;
use rtp_media::{Clip, Command, Session, StreamId};
use sip_core::Cause;

use super::description::Description;
use super::outcome;
use super::voice::{Voice, VoiceKey};

pub(super) struct Call {
    order: Order,
    stream: StreamId,
    ours: Description,
    script: Script,
    timer: Option<Instant>,
    placed: Instant,
    answered: Option<Instant>,
    over: Option<(Instant, Cause)>,
    stats_deadline: Option<Instant>,
    is_open: bool,
    /// What early media agreed, until the answer.
    early: Option<Box<Session>>,
    /// The network's last word in tones before the answer.
    tone: Option<Progress>,
    /// Playlists ordered so far; the latest is being said unless it was stopped.
    plays: u32,
    is_speaking: bool,
    has_rung: bool,
    /// From the order to the first sign of the called telephone.
    post_dial: Option<Duration>,
    is_given_up: bool,
    is_media_unusable: bool,
}

impl Call {
    pub(super) fn new(now: Instant, order: Order, stream: StreamId, ours: Description) -> Self {
        let script = Script::new(order.script.clone());
        Self {
            order,
            stream,
            ours,
            script,
            timer: None,
            placed: now,
            answered: None,
            over: None,
            stats_deadline: None,
            is_open: false,
            early: None,
            tone: None,
            plays: 0,
            is_speaking: false,
            has_rung: false,
            post_dial: None,
            is_given_up: false,
            is_media_unusable: false,
        }
    }

    pub(super) fn attempt(&self) -> AttemptId {
        self.order.attempt
    }

    pub(super) fn stream(&self) -> StreamId {
        self.stream
    }

    /// Our offer, in the middle of the call.
    pub(super) fn offer(&mut self) -> Bytes {
        self.ours.offer()
    }

    pub(super) fn script(&mut self) -> &mut Script {
        &mut self.script
    }

    /// Whether the media engine knows the stream.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Notes that a playlist is ordered.
    pub(super) fn note_play(&mut self) {
        self.plays = self.plays.wrapping_add(1);
        self.is_speaking = true;
    }

    /// Notes that what is said is stopped.
    pub(super) fn note_stop(&mut self) {
        self.is_speaking = false;
    }

    /// Whether this playlist of the stream is the one being said.
    pub(super) fn is_saying(&self, play: u32) -> bool {
        self.is_speaking && self.plays == play
    }

    pub(super) fn stats_deadline(&self) -> Option<Instant> {
        self.stats_deadline
    }

    pub(super) fn await_stats(&mut self, until: Instant) {
        self.stats_deadline = Some(until);
    }

    /// Notes that the far end rings; true the first time.
    pub(super) fn note_ringing(&mut self, now: Instant) -> bool {
        self.note_sign(now);
        !std::mem::replace(&mut self.has_rung, true)
    }

    pub(super) fn is_answered(&self) -> bool {
        self.answered.is_some()
    }

    /// Notes what the network said in tones.
    pub(super) fn note_tone(&mut self, tone: Progress) {
        if self.answered.is_none() {
            self.tone = Some(tone);
        }
    }

    pub(super) fn note_answered(&mut self, now: Instant) {
        self.note_sign(now);
        self.answered = Some(now);
    }

    fn note_sign(&mut self, now: Instant) {
        let placed = self.placed;
        self.post_dial
            .get_or_insert_with(|| now.saturating_duration_since(placed));
    }

    pub(super) fn note_over(&mut self, now: Instant, cause: Cause) {
        self.over = Some((now, cause));
    }

    /// The far end's SDP cannot be used: the call ends, and counts as failed.
    pub(super) fn note_unusable_media(&mut self) {
        self.is_media_unusable = true;
    }

    /// The dialer does not want this call any more.
    pub(super) fn give_up(&mut self) {
        self.is_given_up = true;
    }

    pub(super) fn change_message(&mut self, message: MessageId, version: u32) {
        self.order.message = message;
        self.order.version = version;
    }

    /// Applies the far end's answer to our offer; gives the order for the media engine. `is_early`: the person has not
    /// answered yet.
    pub(super) fn negotiate(&mut self, answer: &[u8], is_early: bool) -> Result<Command, SdpError> {
        let mut session = Box::new(self.ours.accept(answer)?);
        session.is_early = is_early;
        self.early = is_early.then(|| session.clone());
        Ok(self.open(session))
    }

    /// The order that opens the stream, or changes it if it is open.
    fn open(&mut self, session: Box<Session>) -> Command {
        let stream = self.stream;
        if std::mem::replace(&mut self.is_open, true) {
            Command::Update { stream, session }
        } else {
            Command::Open { stream, session }
        }
    }

    /// The person answered, on what early media had agreed. `None` if there was no early media.
    pub(super) fn end_early_media(&mut self) -> Option<Command> {
        let mut session = self.early.take()?;
        session.is_early = false;
        Some(Command::Update {
            stream: self.stream,
            session,
        })
    }

    /// Answers an offer that came in the middle of the call.
    pub(super) fn answer_offer(&mut self, offer: &[u8]) -> Result<(Bytes, Command), SdpError> {
        let (answer, mut session) = self.ours.answer(offer)?;
        session.is_early = self.answered.is_none();
        self.early = session.is_early.then(|| Box::new(session.clone()));
        Ok((answer, self.open(Box::new(session))))
    }

    pub(super) fn clips(&self, prompts: &[Prompt], voice: &impl Voice) -> Vec<Arc<Clip>> {
        let key = VoiceKey {
            message: self.order.message,
            version: self.order.version,
            language: self.order.language,
        };
        prompts
            .iter()
            .filter_map(|prompt| voice.clip(&key, *prompt, &self.order.script))
            .collect()
    }

    /// The script's timer, if it changed since the last time.
    pub(super) fn new_timer(&mut self) -> Option<Instant> {
        let timer = self.script.poll_timeout();
        if timer == self.timer {
            return None;
        }
        self.timer = timer;
        timer
    }

    pub(super) fn outcome(&self) -> Outcome {
        if self.script.outcome() == ivr::Outcome::Confirmed {
            return Outcome::Confirmed;
        }
        match (&self.answered, &self.over) {
            _ if self.is_given_up => Outcome::Cancelled,
            (Some(_), _) if self.is_media_unusable => Outcome::Failed { status: 488 },
            (Some(_), _) => outcome::of_script(self.script.outcome()),
            (None, Some((_, cause))) => outcome::of_failure(cause, self.has_rung, self.tone),
            (None, None) => Outcome::Unknown,
        }
    }

    pub(super) fn stats(&self, media: Option<&rtp_media::Stats>) -> CallStats {
        let end = self.over.as_ref().map_or(self.placed, |(at, _)| *at);
        let cause = self.over.as_ref().map(|(_, cause)| cause);
        let status = match self.answered {
            Some(_) => Some(200),
            None => cause.and_then(|cause| cause.status).map(|status| status.code()),
        };
        let mut stats = CallStats {
            ringing: self.answered.unwrap_or(end).saturating_duration_since(self.placed),
            talking: self
                .answered
                .map_or(Duration::ZERO, |answered| end.saturating_duration_since(answered)),
            status,
            q850: cause.and_then(|cause| cause.q850),
            post_dial: self.post_dial,
            ..CallStats::default()
        };
        if let Some(media) = media {
            stats.packets_sent = media.sent;
            stats.packets_received = media.received;
            stats.packets_lost = media.lost;
            stats.jitter_us = (media.jitter_ms * 1000.0) as u32;
            stats.round_trip = media.round_trip;
            stats.remote_lost = media.remote_lost;
            stats.digits = u16::try_from(media.digits).unwrap_or(u16::MAX);
        }
        stats
    }
}

/// The key in an INFO request, by the two formats that gateways send.
pub fn relayed_digit(content_type: &str, body: &[u8]) -> Option<char> {
    let text = std::str::from_utf8(body).ok()?;
    let kind = content_type.split(';').next()?.trim().to_ascii_lowercase();
    let key = match kind.as_str() {
        "application/dtmf-relay" => text.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            name.trim().eq_ignore_ascii_case("signal").then(|| value.trim())
        })?,
        "application/dtmf" => text.trim(),
        _ => return None,
    };
    let key = match key {
        "10" => '*',
        "11" => '#',
        _ => key.chars().next().filter(|_| key.len() == 1)?.to_ascii_uppercase(),
    };
    matches!(key, '0'..='9' | '*' | '#' | 'A'..='D').then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_info_requests_are_read() {
        let cases = [
            ("application/dtmf-relay", "Signal=1\r\nDuration=160\r\n", Some('1')),
            (
                "application/dtmf-relay; charset=utf-8",
                "Signal= 5\nDuration= 160",
                Some('5'),
            ),
            ("Application/DTMF-Relay", "signal=11", Some('#')),
            ("application/dtmf", "10", Some('*')),
            ("application/dtmf", "2", Some('2')),
            ("application/dtmf", "hello", None),
            ("application/sdp", "Signal=1", None),
            ("application/dtmf-relay", "Duration=160", None),
        ];
        for (kind, body, expected) in cases {
            assert_eq!(relayed_digit(kind, body.as_bytes()), expected, "{kind} {body}");
        }
    }
}
