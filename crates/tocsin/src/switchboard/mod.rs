//! The switchboard: where an order of the dialer becomes a telephone call.
//!
//! It ties three machines together, and like them it owns no socket and no clock: the SIP [`Endpoint`], the media of
//! [`rtp_media`] (as commands and events) and the [`ivr::Script`] of each call. One thread owns it in production, the
//! simulator owns it in virtual time.

mod call;
mod description;
mod incoming;
mod line;
mod outcome;
mod voice;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dialer::{AttemptId, CallReport, Order, Outcome};
use rtp_media::tone::Progress;
use rtp_media::{Command, StreamId};
use sip_core::{CallId, Endpoint, Event, Invite, StatusCode};

pub use call::relayed_digit;
pub(crate) use description::Description;
pub use incoming::{Ask, Member, Piece, Reception, Route, Sound, Told};
pub use line::{Line, write_number};
pub use voice::{Voice, VoiceKey};

use call::Call;
use incoming::{Arrival, House, Incoming};

/// Where RTP ports come from. Reserving one is quick and never waits.
pub trait Ports {
    /// A stream and the address for its SDP; `None` when all are in use.
    fn reserve(&mut self) -> Option<(StreamId, SocketAddr)>;
    /// Gives back a stream that was never opened.
    fn release(&mut self, stream: StreamId);
}

/// How long the statistics of a closed stream are awaited before the attempt is reported without them.
const STATS_PATIENCE: Duration = Duration::from_secs(2);

/// How long an order waits for its message to be spoken by the synthesizer.
const VOICE_PATIENCE: Duration = Duration::from_secs(30);

/// How often waiting orders look whether their message is ready.
const VOICE_POLL: Duration = Duration::from_millis(100);

/// All calls in progress.
pub struct Switchboard<P, V> {
    lines: Vec<Line>,
    ports: P,
    voice: V,
    calls: HashMap<CallId, Call>,
    by_attempt: HashMap<AttemptId, CallId>,
    by_stream: HashMap<StreamId, CallId>,
    timers: BinaryHeap<Reverse<(Instant, CallId)>>,
    waiting: VecDeque<(Instant, Order)>,
    next_look: Option<Instant>,
    media: VecDeque<Command>,
    reports: VecDeque<CallReport>,
    incoming: Incoming,
}

impl<P: Ports, V: Voice> Switchboard<P, V> {
    /// A switchboard without calls. `lines` are the trunks, in the order of the dialer's indices.
    pub fn new(lines: Vec<Line>, ports: P, voice: V) -> Self {
        Self {
            lines,
            ports,
            voice,
            calls: HashMap::new(),
            by_attempt: HashMap::new(),
            by_stream: HashMap::new(),
            timers: BinaryHeap::new(),
            waiting: VecDeque::new(),
            next_look: None,
            media: VecDeque::new(),
            reports: VecDeque::new(),
            incoming: Incoming::default(),
        }
    }

    /// Receives calls from outside from now on. Before, every number is unknown.
    pub fn receive(&mut self, reception: Reception) {
        self.incoming.set(reception);
    }

    /// Calls that are not over yet.
    pub fn calls(&self) -> usize {
        self.calls.len() + self.incoming.len()
    }

    /// Places a call for the dialer; its fate comes out of [`Switchboard::poll_report`].
    pub fn handle_order(&mut self, now: Instant, endpoint: &mut Endpoint, order: Order) {
        if self.voice.is_ready(&order_key(&order), &order.script) {
            self.place(now, endpoint, order);
        } else {
            self.waiting.push_back((now + VOICE_PATIENCE, order));
            self.next_look.get_or_insert(now + VOICE_POLL);
        }
    }

    fn place(&mut self, now: Instant, endpoint: &mut Endpoint, order: Order) {
        let attempt = order.attempt;
        let Some(line) = self.lines.get(usize::from(order.trunk.0)) else {
            return self.refuse(attempt, Outcome::Failed { status: 0 });
        };
        let Some((stream, address)) = self.ports.reserve() else {
            return self.refuse(
                attempt,
                Outcome::Congestion {
                    status: 0,
                    retry_after: None,
                },
            );
        };
        let hears_machines = order.script.machine != ivr::MachinePolicy::Ignore;
        let mut description = Description::new(line.offer(stream, address, hears_machines));
        let invite = Invite {
            from_user: order
                .caller
                .as_ref()
                .or(line.default_caller())
                .map(|number| line.write_number(number)),
            ring_timeout: order.ring_timeout,
            ..Invite::new(line.trunk(), line.destination(&order.number), description.offer())
        };
        match endpoint.invite(now, invite) {
            Ok(id) => {
                self.by_attempt.insert(attempt, id);
                self.by_stream.insert(stream, id);
                self.calls.insert(id, Call::new(now, order, stream, description));
            }
            Err(_) => {
                self.ports.release(stream);
                self.refuse(
                    attempt,
                    Outcome::Congestion {
                        status: 0,
                        retry_after: None,
                    },
                );
            }
        }
    }

    fn refuse(&mut self, attempt: AttemptId, outcome: Outcome) {
        self.reports.push_back(CallReport::Ended {
            attempt,
            outcome,
            stats: dialer::CallStats::default(),
        });
    }

    /// The dialer made this attempt's confirmation durable.
    pub fn handle_acknowledged(&mut self, now: Instant, endpoint: &mut Endpoint, attempt: AttemptId) {
        self.feed_attempt(now, endpoint, attempt, ivr::Input::ConfirmationDurable);
    }

    /// The dialer gives this attempt up.
    pub fn handle_hang_up(&mut self, now: Instant, endpoint: &mut Endpoint, attempt: AttemptId) {
        if let Some(position) = self.waiting.iter().position(|(_, order)| order.attempt == attempt) {
            self.waiting.remove(position);
            return self.refuse(attempt, Outcome::Cancelled);
        }
        let Some(id) = self.by_attempt.get(&attempt).copied() else {
            return;
        };
        if let Some(call) = self.calls.get_mut(&id) {
            call.give_up();
            let _ = endpoint.hang_up(now, id);
        }
    }

    /// Forgets the orders that wait for their message to be spoken, without a report.
    pub fn forget_waiting(&mut self) {
        self.waiting.clear();
        self.next_look = None;
    }

    /// Ends every call; each is reported as usual.
    pub fn hang_up_all(&mut self, now: Instant, endpoint: &mut Endpoint) {
        for (_, order) in std::mem::take(&mut self.waiting) {
            self.refuse(order.attempt, Outcome::Cancelled);
        }
        for id in self.calls.keys() {
            let _ = endpoint.hang_up(now, *id);
        }
        self.incoming.hang_up_all(now, endpoint);
    }

    /// The message was changed under this call.
    pub fn handle_message_changed(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        attempt: AttemptId,
        message: dialer::MessageId,
        version: u32,
    ) {
        if let Some((_, order)) = self.waiting.iter_mut().find(|(_, order)| order.attempt == attempt) {
            order.message = message;
            order.version = version;
        }
        let Some(call) = self.by_attempt.get(&attempt).and_then(|id| self.calls.get_mut(id)) else {
            return;
        };
        call.change_message(message, version);
        self.feed_attempt(now, endpoint, attempt, ivr::Input::MessageChanged);
    }

    /// The endpoint noticed something.
    pub fn handle_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        match event {
            Event::Provisional { call, status, sdp } => self.handle_provisional(now, call, status, sdp),
            Event::Answered { call, sdp } => self.handle_answered(now, endpoint, call, sdp),
            Event::Ended { call, .. } if self.incoming.has(call) => self.with_incoming(endpoint, |incoming, house| {
                incoming.handle_over(now, house, call);
            }),
            Event::Failed { call, cause } | Event::Ended { call, cause, .. } => {
                self.handle_over(now, endpoint, call, cause);
            }
            Event::Incoming {
                call,
                trunk,
                from,
                to,
                sdp,
                headers,
            } => {
                let named = headers.iter().filter(|(name, _)| name == "To");
                let named = named.filter_map(|(_, value)| incoming::user_of(value));
                let arrival = Arrival {
                    call,
                    trunk,
                    from: from.user.into(),
                    to: std::iter::once(to.user.into()).chain(named).collect(),
                    sdp,
                };
                self.with_incoming(endpoint, |incoming, house| incoming.handle_arrival(now, house, arrival));
            }
            Event::Confirmed { call } => {
                self.with_incoming(endpoint, |incoming, house| incoming.handle_confirmed(now, house, call));
            }
            Event::OfferAnswered { call, sdp } if self.incoming.has(call) => {
                self.with_incoming(endpoint, |incoming, house| {
                    incoming.handle_offer_answered(now, house, call, &sdp);
                });
            }
            Event::Offer { call, sdp } if self.incoming.has(call) => {
                self.with_incoming(endpoint, |incoming, house| {
                    incoming.handle_offer(now, house, call, Some(&sdp));
                });
            }
            Event::OfferWanted { call } if self.incoming.has(call) => {
                self.with_incoming(endpoint, |incoming, house| {
                    incoming.handle_offer(now, house, call, None)
                });
            }
            Event::Info {
                call,
                content_type,
                body,
            } if self.incoming.has(call) => self.with_incoming(endpoint, |incoming, house| {
                incoming.handle_info(now, house, call, &content_type, &body);
            }),
            Event::Offer { call, sdp } => self.handle_offer(now, endpoint, call, &sdp),
            Event::OfferWanted { call } => {
                if let Some(state) = self.calls.get_mut(&call) {
                    let _ = endpoint.answer_offer(now, call, state.offer());
                }
            }
            Event::Info {
                call,
                content_type,
                body,
            } => {
                let Some(digit) = call::relayed_digit(&content_type, &body) else {
                    return;
                };
                // Some gateways send a key by INFO and in the media: the engine knows which it has told already.
                match self.calls.get(&call) {
                    Some(state) if state.is_open() => self.media.push_back(Command::Relay {
                        stream: state.stream(),
                        digit,
                    }),
                    _ => self.feed(now, endpoint, call, ivr::Input::Key(digit)),
                }
            }
            _ => {}
        }
    }

    fn handle_provisional(&mut self, now: Instant, id: CallId, status: StatusCode, sdp: Option<Bytes>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if status.code() >= 180 && call.note_ringing(now) {
            self.reports.push_back(CallReport::Ringing {
                attempt: call.attempt(),
            });
        }
        // Early media is opened so that the port is alive both ways before the answer; nothing is played into it.
        if let Some(sdp) = sdp {
            self.media.extend(call.negotiate(&sdp, true).ok());
        }
    }

    fn handle_answered(&mut self, now: Instant, endpoint: &mut Endpoint, id: CallId, sdp: Option<Bytes>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let negotiated = match sdp {
            Some(sdp) => call.negotiate(&sdp, false),
            None => call.end_early_media().ok_or(rtp_media::sdp::SdpError::NoAudio),
        };
        call.note_answered(now);
        self.reports.push_back(CallReport::Answered {
            attempt: call.attempt(),
        });
        match negotiated {
            Ok(command) => self.media.push_back(command),
            Err(_) => {
                call.note_unusable_media();
                let _ = endpoint.hang_up(now, id);
                return;
            }
        }
        self.feed(now, endpoint, id, ivr::Input::Answered);
    }

    fn handle_offer(&mut self, now: Instant, endpoint: &mut Endpoint, id: CallId, sdp: &[u8]) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        match call.answer_offer(sdp) {
            Ok((answer, command)) => {
                self.media.push_back(command);
                let _ = endpoint.answer_offer(now, id, answer);
            }
            Err(_) => {
                let _ = endpoint.refuse_offer(now, id, StatusCode::NOT_ACCEPTABLE_HERE);
            }
        }
    }

    fn handle_over(&mut self, now: Instant, endpoint: &mut Endpoint, id: CallId, cause: sip_core::Cause) {
        self.feed(now, endpoint, id, ivr::Input::HungUp);
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.note_over(now, cause);
        if call.is_open() {
            self.media.push_back(Command::Close { stream: call.stream() });
            self.timers.push(Reverse((now + STATS_PATIENCE, id)));
            call.await_stats(now + STATS_PATIENCE);
        } else {
            self.ports.release(call.stream());
            self.finish(id, None);
        }
    }

    fn with_incoming(&mut self, endpoint: &mut Endpoint, act: impl FnOnce(&mut Incoming, &mut House<'_, P, V>)) {
        let mut house = House {
            lines: &self.lines,
            ports: &mut self.ports,
            voice: &self.voice,
            media: &mut self.media,
            timers: &mut self.timers,
            endpoint,
        };
        act(&mut self.incoming, &mut house);
    }

    /// What a call from outside asks of the house. The answer goes to [`Switchboard::handle_told`].
    pub fn poll_ask(&mut self) -> Option<(CallId, Ask)> {
        self.incoming.poll_ask()
    }

    /// The house answers a call from outside.
    pub fn handle_told(&mut self, now: Instant, endpoint: &mut Endpoint, call: CallId, told: Told) {
        self.with_incoming(endpoint, |incoming, house| incoming.handle_told(now, house, call, told));
    }

    /// The media engine noticed something.
    pub fn handle_media(&mut self, now: Instant, endpoint: &mut Endpoint, event: rtp_media::Event) {
        use rtp_media::Event as Media;
        if let Some(call) = self.incoming.call_of(event.stream()) {
            return self.with_incoming(endpoint, |incoming, house| {
                incoming.handle_media(now, house, call, event)
            });
        }
        let (stream, input) = match event {
            Media::Digit { stream, digit, .. } => (stream, ivr::Input::Key(digit)),
            Media::PromptEnded { stream, play } => {
                // The end of what was replaced or stopped meanwhile must not end what is said now.
                let call = self.by_stream.get(&stream).and_then(|id| self.calls.get(id));
                if call.is_none_or(|call| !call.is_saying(play)) {
                    return;
                }
                (stream, ivr::Input::PromptEnded)
            }
            Media::Answerer {
                stream,
                answerer: rtp_media::Answerer::Machine,
            } => (stream, ivr::Input::Machine),
            Media::Beep { stream } => (stream, ivr::Input::Beep),
            Media::Progress { stream, progress } => {
                let id = self.by_stream.get(&stream).copied();
                let Some(call) = id.and_then(|id| self.calls.get_mut(&id)) else {
                    return;
                };
                match progress {
                    Progress::Fax if call.is_answered() => (stream, ivr::Input::Fax),
                    _ => return call.note_tone(progress),
                }
            }
            Media::Dead { stream } => {
                if let Some(id) = self.by_stream.get(&stream) {
                    let _ = endpoint.hang_up(now, *id);
                }
                return;
            }
            Media::Closed { stream, stats } => {
                if let Some(id) = self.by_stream.get(&stream).copied() {
                    self.finish(id, Some(&stats));
                }
                return;
            }
            _ => return,
        };
        if let Some(id) = self.by_stream.get(&stream).copied() {
            self.feed(now, endpoint, id, input);
        }
    }

    /// When [`Switchboard::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        [timer, self.next_look].into_iter().flatten().min()
    }

    /// Time passed. Early or repeated calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant, endpoint: &mut Endpoint) {
        while let Some(Reverse((at, id))) = self.timers.peek().copied() {
            if at > now {
                break;
            }
            self.timers.pop();
            if self.incoming.has(id) {
                self.with_incoming(endpoint, |incoming, house| incoming.handle_timeout(now, house, id));
                continue;
            }
            let Some(call) = self.calls.get_mut(&id) else { continue };
            if call.stats_deadline().is_some_and(|deadline| deadline <= now) {
                self.finish(id, None);
                continue;
            }
            call.script().handle_timeout(now);
            self.obey_script(now, endpoint, id);
        }
        if self.next_look.is_some_and(|look| look <= now) {
            self.look_for_voices(now, endpoint);
        }
    }

    fn look_for_voices(&mut self, now: Instant, endpoint: &mut Endpoint) {
        for (deadline, order) in std::mem::take(&mut self.waiting) {
            if self.voice.is_ready(&order_key(&order), &order.script) {
                self.place(now, endpoint, order);
            } else if deadline <= now {
                self.refuse(order.attempt, Outcome::Failed { status: 0 });
            } else {
                self.waiting.push_back((deadline, order));
            }
        }
        self.next_look = (!self.waiting.is_empty()).then(|| now + VOICE_POLL);
    }

    /// The attempt that a stream belongs to, while the call lasts.
    pub fn attempt_of(&self, stream: StreamId) -> Option<AttemptId> {
        let id = self.by_stream.get(&stream)?;
        self.calls.get(id).map(Call::attempt)
    }

    /// The next order for the media engine.
    pub fn poll_media(&mut self) -> Option<Command> {
        self.media.pop_front()
    }

    /// The next report for the dialer.
    pub fn poll_report(&mut self) -> Option<CallReport> {
        self.reports.pop_front()
    }

    fn feed_attempt(&mut self, now: Instant, endpoint: &mut Endpoint, attempt: AttemptId, input: ivr::Input) {
        if let Some(id) = self.by_attempt.get(&attempt).copied() {
            self.feed(now, endpoint, id, input);
        }
    }

    fn feed(&mut self, now: Instant, endpoint: &mut Endpoint, id: CallId, input: ivr::Input) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.script().handle(now, input);
            self.obey_script(now, endpoint, id);
        }
    }

    fn obey_script(&mut self, now: Instant, endpoint: &mut Endpoint, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        while let Some(action) = call.script().poll_action() {
            match action {
                ivr::Action::Play(prompts) => {
                    let clips = call.clips(&prompts, &self.voice);
                    call.note_play();
                    self.media.push_back(Command::Play {
                        stream: call.stream(),
                        clips,
                    });
                }
                ivr::Action::Stop => {
                    call.note_stop();
                    self.media.push_back(Command::Stop { stream: call.stream() });
                }
                ivr::Action::Confirm => {
                    self.reports.push_back(CallReport::ConfirmRequested {
                        attempt: call.attempt(),
                    });
                }
                ivr::Action::HangUp => {
                    let _ = endpoint.hang_up(now, id);
                }
            }
        }
        if let Some(at) = call.new_timer() {
            self.timers.push(Reverse((at, id)));
        }
    }

    /// Everything about the call is known: report its end and forget it.
    fn finish(&mut self, id: CallId, stats: Option<&rtp_media::Stats>) {
        let Some(call) = self.calls.remove(&id) else { return };
        self.by_attempt.remove(&call.attempt());
        self.by_stream.remove(&call.stream());
        self.reports.push_back(CallReport::Ended {
            attempt: call.attempt(),
            outcome: call.outcome(),
            stats: call.stats(stats),
        });
    }
}

fn order_key(order: &Order) -> VoiceKey {
    VoiceKey {
        message: order.message,
        version: order.version,
        language: order.language,
    }
}
