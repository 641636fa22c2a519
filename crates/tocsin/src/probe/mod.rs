//! Probes of a trunk: calls that play a sound, listen for keys and hang up, and the story of what happened.
//!
//! `tocsin dial` is a probe of one call whose story is told, `tocsin load` is a probe of many whose figures are told.
//! Sans-I/O like the switchboard: the same machine can be driven in virtual time.

mod failure;
mod leg;
mod totals;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtp_media::sdp::OfferSettings;
use rtp_media::{Clip, Command, StreamId};
use sip_core::{CallId, Destination, Endpoint, Event, Invite, StatusCode, TrunkId};

pub use failure::Failure;
pub use leg::{Leg, Moment, Step};
pub use totals::Totals;

use crate::switchboard::Ports;

/// What to place.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Trunk to call through.
    pub trunk: TrunkId,
    /// Whom to call.
    pub to: Destination,
    /// User part of From.
    pub from_user: Option<String>,
    /// How many calls in all.
    pub calls: u32,
    /// New calls a second.
    pub rate: f64,
    /// What the called person hears.
    pub clip: Arc<Clip>,
    /// How long an answered call lasts; `None`: until the sound has been heard once.
    pub hold: Option<Duration>,
    /// How long it may ring.
    pub ring_timeout: Duration,
    /// Keys that we press once the call is up.
    pub keys: String,
    /// Media offered; the address is filled in for each call.
    pub offer: OfferSettings,
    /// The INVITE goes without offer; the far end makes one, and our ACK answers it.
    pub is_late_offer: bool,
    /// The session is offered once more this long after the answer.
    pub reoffer: Option<Reoffer>,
    /// More headers of the INVITE.
    pub headers: Vec<(String, String)>,
    /// Calls that come in ring this long and are answered; `None`: they are declined.
    pub answer_after: Option<Duration>,
    /// Keep the whole story of each call, not the figures alone.
    pub tells_story: bool,
}

/// How keys that were heard in the sound are named; those of telephone events are named by their RFC, those of INFO
/// requests by the method.
pub const IN_BAND: &str = "in-band";

/// A second offer within a call, which shows whether the far end takes changes of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reoffer {
    /// Since the answer.
    pub after: Duration,
    /// By UPDATE instead of re-INVITE.
    pub is_update: bool,
}

/// What a timer of a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Answer,
    Reoffer,
    HangUp,
    /// Statistics did not come.
    Forget,
}

/// Statistics of a closed stream are awaited this long.
const STATS_PATIENCE: Duration = Duration::from_secs(2);

/// How long a key is held down.
const KEY_HOLD: Duration = Duration::from_millis(120);

/// A set of calls in progress.
pub struct Probe<P> {
    plan: Plan,
    ports: P,
    started: Instant,
    placed: u32,
    is_stopped: bool,
    legs: HashMap<CallId, Leg>,
    by_stream: HashMap<StreamId, CallId>,
    timers: BinaryHeap<Reverse<(Instant, CallId, Alarm)>>,
    media: VecDeque<Command>,
    over: VecDeque<Leg>,
    totals: Totals,
}

impl<P: Ports> Probe<P> {
    /// A probe that starts at `now`.
    pub fn new(now: Instant, plan: Plan, ports: P) -> Self {
        Self {
            plan,
            ports,
            started: now,
            placed: 0,
            is_stopped: false,
            legs: HashMap::new(),
            by_stream: HashMap::new(),
            timers: BinaryHeap::new(),
            media: VecDeque::new(),
            over: VecDeque::new(),
            totals: Totals::default(),
        }
    }

    /// Figures so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Whether every call has been placed and is over.
    pub fn is_done(&self) -> bool {
        self.legs.is_empty() && (self.is_stopped || self.placed >= self.plan.calls)
    }

    /// The next call that is over, with its story.
    pub fn poll_over(&mut self) -> Option<Leg> {
        self.over.pop_front()
    }

    /// The next order for the media engine.
    pub fn poll_media(&mut self) -> Option<Command> {
        self.media.pop_front()
    }

    /// When [`Probe::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timer = self.timers.peek().map(|Reverse((at, ..))| *at);
        [timer, self.next_call()].into_iter().flatten().min()
    }

    fn next_call(&self) -> Option<Instant> {
        let is_more = !self.is_stopped && self.placed < self.plan.calls;
        is_more.then(|| self.started + Duration::from_secs_f64(f64::from(self.placed) / self.plan.rate.max(0.001)))
    }

    /// No further calls; those in progress are hung up.
    pub fn stop(&mut self, now: Instant, endpoint: &mut Endpoint) {
        self.is_stopped = true;
        for id in self.legs.keys() {
            let _ = endpoint.hang_up(now, *id);
        }
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Instant, endpoint: &mut Endpoint) {
        while self.next_call().is_some_and(|at| at <= now) {
            self.placed += 1;
            self.place(now, endpoint);
        }
        while let Some(Reverse((at, id, alarm))) = self.timers.peek().copied() {
            if at > now {
                break;
            }
            self.timers.pop();
            let Some(leg) = self.legs.get_mut(&id) else { continue };
            match (alarm, leg.is_over()) {
                (Alarm::Forget, true) => self.finish(id),
                (Alarm::HangUp, false) => {
                    let _ = endpoint.hang_up(now, id);
                }
                (Alarm::Answer, false) => self.answer(now, endpoint, id),
                (Alarm::Reoffer, false) => self.offer_again(now, endpoint, id),
                _ => {}
            }
        }
    }

    fn offer_again(&mut self, now: Instant, endpoint: &mut Endpoint, id: CallId) {
        let (Some(leg), Some(Reoffer { is_update, .. })) = (self.legs.get_mut(&id), self.plan.reoffer) else {
            return;
        };
        let offer = leg.offer();
        let sent = if is_update {
            endpoint.update(now, id, offer)
        } else {
            endpoint.reinvite(now, id, offer)
        };
        leg.note(
            now,
            match sent {
                Ok(()) => Step::Reoffered { is_update },
                Err(_) => Step::OfferRefused(StatusCode::METHOD_NOT_ALLOWED),
            },
        );
    }

    fn place(&mut self, now: Instant, endpoint: &mut Endpoint) {
        self.totals.placed += 1;
        let Some((stream, address)) = self.ports.reserve() else {
            self.totals.fail(Failure::NoPort);
            return;
        };
        let offer = OfferSettings {
            address,
            session_id: stream.0,
            ..self.plan.offer.clone()
        };
        let mut leg = Leg::new(now, stream, offer, self.plan.tells_story);
        let invite = Invite {
            from_user: self.plan.from_user.clone(),
            ring_timeout: self.plan.ring_timeout,
            headers: self.plan.headers.clone(),
            offer: (!self.plan.is_late_offer).then(|| leg.offer()),
            ..Invite::new(self.plan.trunk, self.plan.to.clone(), Bytes::new())
        };
        match endpoint.invite(now, invite) {
            Ok(id) => {
                self.by_stream.insert(stream, id);
                self.legs.insert(id, leg);
                self.totals.in_progress += 1;
            }
            Err(error) => {
                self.ports.release(stream);
                self.totals.fail(Failure::Stack(error.to_string()));
            }
        }
    }

    /// The endpoint noticed something.
    pub fn handle_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        match event {
            Event::Provisional { call, status, sdp } => {
                let Some(leg) = self.legs.get_mut(&call) else { return };
                leg.note(now, Step::Provisional(status));
                match sdp {
                    Some(sdp) if self.plan.is_late_offer => self.answer_late(now, endpoint, call, &sdp),
                    Some(sdp) => self.media.extend(leg.negotiate(now, &sdp)),
                    None => {}
                }
            }
            Event::Answered { call, sdp } => self.handle_answered(now, endpoint, call, sdp),
            Event::Failed { call, cause } | Event::Ended { call, cause, .. } => {
                let Some(leg) = self.legs.get_mut(&call) else { return };
                if leg.answered().is_some() {
                    self.totals.up -= 1;
                } else {
                    self.totals.fail(Failure::from(&cause));
                }
                leg.note_over(now, cause);
                if leg.is_open() {
                    self.media.push_back(Command::Close { stream: leg.stream() });
                    self.timers.push(Reverse((now + STATS_PATIENCE, call, Alarm::Forget)));
                } else {
                    self.ports.release(leg.stream());
                    self.finish(call);
                }
            }
            Event::Offer { call, sdp } => {
                let Some(leg) = self.legs.get_mut(&call) else { return };
                match leg.answer_offer(now, &sdp) {
                    Ok((answer, command)) => {
                        self.media.push_back(command);
                        let _ = endpoint.answer_offer(now, call, answer);
                    }
                    Err(_) => {
                        let _ = endpoint.refuse_offer(now, call, StatusCode::NOT_ACCEPTABLE_HERE);
                    }
                }
            }
            Event::OfferWanted { call } => {
                if let Some(leg) = self.legs.get_mut(&call) {
                    let _ = endpoint.answer_offer(now, call, leg.offer());
                }
            }
            Event::OfferAnswered { call, sdp } => {
                let Some(leg) = self.legs.get_mut(&call) else { return };
                let was_open = leg.is_open();
                self.media.extend(leg.negotiate(now, &sdp));
                if !was_open {
                    self.begin(now, endpoint, call);
                }
            }
            Event::OfferRefused { call, status } => {
                if let Some(leg) = self.legs.get_mut(&call) {
                    leg.note(now, Step::OfferRefused(status));
                }
            }
            Event::Incoming { call, sdp, .. } => self.take(now, endpoint, call, sdp),
            Event::Info {
                call,
                content_type,
                body,
            } => {
                let digit = crate::switchboard::relayed_digit(&content_type, &body);
                if let (Some(leg), Some(digit)) = (self.legs.get_mut(&call), digit) {
                    leg.note_digit(now, digit, "INFO");
                    self.totals.digits += 1;
                }
            }
            _ => {}
        }
    }

    fn handle_answered(&mut self, now: Instant, endpoint: &mut Endpoint, id: CallId, sdp: Option<Bytes>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.note_answered(now);
        self.totals.answered += 1;
        self.totals.up += 1;
        self.totals.peak = self.totals.peak.max(self.totals.up);
        match sdp {
            Some(sdp) if self.plan.is_late_offer && !leg.is_open() => self.answer_late(now, endpoint, id, &sdp),
            Some(sdp) => self.media.extend(leg.negotiate(now, &sdp)),
            None => {}
        }
        self.begin(now, endpoint, id);
    }

    /// The call is up, and media should be agreed.
    fn begin(&mut self, now: Instant, endpoint: &mut Endpoint, id: CallId) {
        let Some(leg) = self.legs.get(&id) else { return };
        if !leg.is_open() {
            let _ = endpoint.hang_up(now, id);
            return;
        }
        let stream = leg.stream();
        self.media.push_back(Command::Play {
            stream,
            clips: vec![Arc::clone(&self.plan.clip)],
        });
        if !self.plan.keys.is_empty() {
            self.media.push_back(Command::SendDigits {
                stream,
                digits: self.plan.keys.clone(),
                hold: KEY_HOLD,
            });
        }
        if let Some(hold) = self.plan.hold {
            self.timers.push(Reverse((now + hold, id, Alarm::HangUp)));
        }
        if let Some(reoffer) = self.plan.reoffer {
            self.timers.push(Reverse((now + reoffer.after, id, Alarm::Reoffer)));
        }
    }

    /// Somebody calls.
    fn take(&mut self, now: Instant, endpoint: &mut Endpoint, id: CallId, offer: Option<Bytes>) {
        let Some(after) = self.plan.answer_after else {
            let _ = endpoint.reject(now, id, StatusCode::DECLINE);
            return;
        };
        let Some((stream, address)) = self.ports.reserve() else {
            let _ = endpoint.reject(now, id, StatusCode::SERVICE_UNAVAILABLE);
            return;
        };
        let settings = OfferSettings {
            address,
            session_id: stream.0,
            ..self.plan.offer.clone()
        };
        let mut leg = Leg::new(now, stream, settings, self.plan.tells_story);
        leg.asked = offer;
        self.by_stream.insert(stream, id);
        self.legs.insert(id, leg);
        self.totals.in_progress += 1;
        // Both fail only if the caller has gone; then the end follows as an event.
        let _ = endpoint.ring(now, id, None);
        self.timers.push(Reverse((now + after, id, Alarm::Answer)));
    }

    /// It has rung long enough. Without an offer of the caller our answer is the offer, and media begins with the ACK.
    fn answer(&mut self, now: Instant, endpoint: &mut Endpoint, id: CallId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let (answer, command) = match leg.asked.take() {
            None => (leg.offer(), None),
            Some(offer) => match leg.answer_offer(now, &offer) {
                Ok((answer, command)) => (answer, Some(command)),
                Err(error) => {
                    leg.note(now, Step::NoAgreement(error));
                    let _ = endpoint.reject(now, id, StatusCode::NOT_ACCEPTABLE_HERE);
                    return;
                }
            },
        };
        if endpoint.answer(now, id, answer).is_err() {
            return;
        }
        leg.note_answered(now);
        self.totals.answered += 1;
        self.totals.up += 1;
        self.totals.peak = self.totals.peak.max(self.totals.up);
        if let Some(command) = command {
            self.media.push_back(command);
            self.begin(now, endpoint, id);
        }
    }

    /// The far end's response to an INVITE without offer is the offer. An unreliable one cannot be answered yet (RFC 3262 §5).
    fn answer_late(&mut self, now: Instant, endpoint: &mut Endpoint, id: CallId, offer: &[u8]) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        match leg.answer_offer(now, offer) {
            Ok((answer, command)) => {
                if endpoint.answer_offer(now, id, answer).is_ok() {
                    self.media.push_back(command);
                }
            }
            Err(error) => leg.note(now, Step::NoAgreement(error)),
        }
    }

    /// The media engine noticed something.
    pub fn handle_media(&mut self, now: Instant, endpoint: &mut Endpoint, event: rtp_media::Event) {
        use rtp_media::Event as Media;
        match event {
            Media::Digit { stream, digit, source } => {
                if let Some(leg) = self.leg_of(stream) {
                    let source = match source {
                        rtp_media::DigitSource::Rfc4733 => "RFC 4733",
                        rtp_media::DigitSource::InBand => IN_BAND,
                        rtp_media::DigitSource::Info => "INFO",
                    };
                    leg.note_digit(now, digit, source);
                    self.totals.digits += 1;
                    *self.totals.digits_by_source.entry(source.to_owned()).or_default() += 1;
                }
            }
            Media::PromptEnded { stream, .. } => {
                let Some(id) = self.by_stream.get(&stream).copied() else {
                    return;
                };
                if self.plan.hold.is_some() {
                    self.media.push_back(Command::Play {
                        stream,
                        clips: vec![Arc::clone(&self.plan.clip)],
                    });
                } else {
                    let _ = endpoint.hang_up(now, id);
                }
            }
            Media::Dead { stream } => {
                if let Some(leg) = self.leg_of(stream) {
                    leg.note(now, Step::Dead);
                }
            }
            Media::MediaStarted { stream } => {
                if let Some(leg) = self.leg_of(stream) {
                    leg.note(now, Step::MediaStarted);
                }
            }
            Media::Closed { stream, stats } => {
                let Some(id) = self.by_stream.get(&stream).copied() else {
                    return;
                };
                self.totals.add_media(&stats);
                if let Some(leg) = self.legs.get_mut(&id) {
                    leg.note_stats(*stats);
                    self.finish(id);
                }
            }
            _ => {}
        }
    }

    fn leg_of(&mut self, stream: StreamId) -> Option<&mut Leg> {
        let id = self.by_stream.get(&stream)?;
        self.legs.get_mut(id)
    }

    fn finish(&mut self, id: CallId) {
        let Some(leg) = self.legs.remove(&id) else { return };
        self.by_stream.remove(&leg.stream());
        self.totals.in_progress -= 1;
        if self.plan.tells_story {
            self.over.push_back(leg);
        }
    }
}
