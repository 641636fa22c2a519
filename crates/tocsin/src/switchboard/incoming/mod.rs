//! Being called: who rings, what the number leads to, and the conversation.
//!
//! Whoever reaches this place was let in by the endpoint: a trunk's address, or a telephone with a password. Everybody else
//! was answered 403 there.

mod ask;
mod call_back;
mod deed;
mod launch;
mod leg;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use directory::E164;
use ivr::{Language, LaunchInput, LaunchSettings};
use rtp_media::{Command, StreamId};
use sip_core::message::NameAddr;
use sip_core::{CallId, Endpoint, StatusCode, TrunkId};

pub use ask::{Ask, Member, Piece, Sound, Told};

use super::line::Line;
use super::voice::Voice;
use super::{Ports, call::relayed_digit};
use call_back::CallBack;
use deed::Deed;
use launch::LaunchCall;
use leg::Leg;

/// What a called number leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// The message that the caller missed.
    CallBack,
    /// The launch of a campaign, for those who know the codes.
    Launch,
}

/// How calls from outside are received.
#[derive(Debug, Clone, Default)]
pub struct Reception {
    /// Called numbers, as [`crate::config::called`] writes them.
    pub routes: HashMap<String, Route>,
    /// Most calls at once; beyond, the line is busy.
    pub channels: usize,
    /// How launches by telephone go.
    pub launch: LaunchSettings,
}

/// An INVITE that was let in.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub call: CallId,
    /// Where it came from; `None` for a telephone with a password.
    pub trunk: Option<TrunkId>,
    /// The user that the network, or the telephone, says is calling.
    pub from: String,
    /// Whom the INVITE is for: Request-URI, then To.
    pub to: Vec<String>,
    /// The offer.
    pub sdp: Option<Bytes>,
}

/// The user part of a header such as To.
pub(super) fn user_of(value: &str) -> Option<String> {
    let address: NameAddr = value.parse().ok()?;
    let user = address.uri().user_decoded()?;
    Some(String::from_utf8_lossy(&user).into_owned())
}

/// What the conversations need of the switchboard.
pub(super) struct House<'a, P, V> {
    pub lines: &'a [Line],
    pub ports: &'a mut P,
    pub voice: &'a V,
    pub media: &'a mut VecDeque<Command>,
    pub timers: &'a mut BinaryHeap<Reverse<(Instant, CallId)>>,
    pub endpoint: &'a mut Endpoint,
}

/// One call from outside.
struct Visit {
    leg: Leg,
    talk: Talk,
    timer: Option<Instant>,
    /// Counts what is said, so that words that come late are not said.
    turn: u32,
}

enum Talk {
    CallBack(Box<CallBack>),
    Launch(Box<LaunchCall>),
}

/// All calls from outside.
#[derive(Default)]
pub(super) struct Incoming {
    settings: Reception,
    visits: HashMap<CallId, Visit>,
    by_stream: HashMap<StreamId, CallId>,
    asks: VecDeque<(CallId, Ask)>,
}

impl Incoming {
    pub fn set(&mut self, settings: Reception) {
        self.settings = settings;
    }

    pub fn len(&self) -> usize {
        self.visits.len()
    }

    pub fn has(&self, call: CallId) -> bool {
        self.visits.contains_key(&call)
    }

    pub fn call_of(&self, stream: StreamId) -> Option<CallId> {
        self.by_stream.get(&stream).copied()
    }

    pub fn poll_ask(&mut self) -> Option<(CallId, Ask)> {
        self.asks.pop_front()
    }

    /// Somebody rings.
    pub fn handle_arrival<P: Ports, V: Voice>(&mut self, now: Instant, house: &mut House<'_, P, V>, arrival: Arrival) {
        let called = arrival.to.iter().map(|user| crate::config::called(user));
        let route = called
            .into_iter()
            .find_map(|user| self.settings.routes.get(&user).copied());
        let result = match route {
            None => Err(StatusCode::NOT_FOUND),
            Some(_) if self.visits.len() >= self.settings.channels => Err(StatusCode::BUSY_HERE),
            Some(route) => self.receive(now, house, route, &arrival),
        };
        let told = match &result {
            Ok(()) => "received",
            Err(StatusCode::NOT_FOUND) => "no_such_number",
            Err(StatusCode::BUSY_HERE) => "busy",
            Err(_) => "no_media",
        };
        metrics::counter!("tocsin_incoming_calls_total", "result" => told).increment(1);
        if let Err(status) = result {
            let _ = house.endpoint.reject(now, arrival.call, status);
        }
    }

    fn receive<P: Ports, V: Voice>(
        &mut self,
        now: Instant,
        house: &mut House<'_, P, V>,
        route: Route,
        arrival: &Arrival,
    ) -> Result<(), StatusCode> {
        let trunk = arrival.trunk;
        let line = house.lines.iter().find(|line| trunk == Some(line.trunk()));
        // A telephone with a password is spoken to as the first trunk is.
        let line = line
            .or(house.lines.first())
            .ok_or(StatusCode::TEMPORARILY_UNAVAILABLE)?;
        let (stream, address) = house.ports.reserve().ok_or(StatusCode::TEMPORARILY_UNAVAILABLE)?;
        let settings = line.offer(stream, address, false);
        let Ok(leg) = Leg::new(arrival.call, stream, settings, arrival.sdp.as_deref()) else {
            house.ports.release(stream);
            return Err(StatusCode::NOT_ACCEPTABLE_HERE);
        };
        let _ = house.endpoint.ring(now, arrival.call, None);
        let (talk, first) = match route {
            Route::CallBack => {
                let (talk, first) = CallBack::new(now, E164::parse(&arrival.from).ok());
                (Talk::CallBack(Box::new(talk)), first)
            }
            Route::Launch => {
                let settings = self.settings.launch.clone();
                let talk = LaunchCall::new(settings, Language::default(), arrival.from.clone());
                (Talk::Launch(Box::new(talk)), Deed::Answer)
            }
        };
        let visit = Visit {
            leg,
            talk,
            timer: None,
            turn: 0,
        };
        self.by_stream.insert(stream, arrival.call);
        self.visits.insert(arrival.call, visit);
        self.act(now, house, arrival.call, vec![first]);
        Ok(())
    }

    /// Our 200 was acknowledged.
    pub fn handle_confirmed<P: Ports, V: Voice>(&mut self, now: Instant, house: &mut House<'_, P, V>, id: CallId) {
        let Some(visit) = self.visits.get_mut(&id) else { return };
        visit.leg.is_confirmed = true;
        if visit.leg.is_open {
            let deeds = visit.talk.handle_answered(now);
            self.act(now, house, id, deeds);
        }
    }

    /// The caller answered our offer.
    pub fn handle_offer_answered<P: Ports, V: Voice>(
        &mut self,
        now: Instant,
        house: &mut House<'_, P, V>,
        id: CallId,
        sdp: &[u8],
    ) {
        let Some(visit) = self.visits.get_mut(&id) else { return };
        let was_open = visit.leg.is_open;
        match visit.leg.take_answer(sdp) {
            Ok(command) => house.media.push_back(command),
            Err(_) => {
                let _ = house.endpoint.hang_up(now, id);
                return;
            }
        }
        if visit.leg.is_confirmed && !was_open {
            let deeds = visit.talk.handle_answered(now);
            self.act(now, house, id, deeds);
        }
    }

    /// The caller offers something else; `None`: wants an offer.
    pub fn handle_offer<P: Ports, V: Voice>(
        &mut self,
        now: Instant,
        house: &mut House<'_, P, V>,
        id: CallId,
        sdp: Option<&[u8]>,
    ) {
        let Some(visit) = self.visits.get_mut(&id) else { return };
        let answer = match sdp {
            None => Ok(visit.leg.own_offer()),
            Some(sdp) => visit.leg.take_offer(sdp).map(|(answer, command)| {
                house.media.push_back(command);
                answer
            }),
        };
        let _ = match answer {
            Ok(answer) => house.endpoint.answer_offer(now, id, answer),
            Err(_) => house.endpoint.refuse_offer(now, id, StatusCode::NOT_ACCEPTABLE_HERE),
        };
    }

    /// A key in an INFO request.
    pub fn handle_info<P: Ports, V: Voice>(
        &mut self,
        now: Instant,
        house: &mut House<'_, P, V>,
        id: CallId,
        content_type: &str,
        body: &[u8],
    ) {
        let Some(digit) = relayed_digit(content_type, body) else {
            return;
        };
        // A gateway may send a key in the media too: the engine knows which it has told already.
        match self.visits.get(&id) {
            Some(visit) if visit.leg.is_open => {
                let stream = visit.leg.stream;
                house.media.push_back(Command::Relay { stream, digit });
            }
            _ => self.handle_key(now, house, id, digit),
        }
    }

    fn handle_key<P: Ports, V: Voice>(&mut self, now: Instant, house: &mut House<'_, P, V>, id: CallId, key: char) {
        let Some(visit) = self.visits.get_mut(&id) else { return };
        let deeds = visit.talk.handle_key(now, key);
        self.act(now, house, id, deeds);
    }

    /// The media engine noticed something on a call from outside.
    pub fn handle_media<P: Ports, V: Voice>(
        &mut self,
        now: Instant,
        house: &mut House<'_, P, V>,
        id: CallId,
        event: rtp_media::Event,
    ) {
        use rtp_media::Event as Media;
        let Some(visit) = self.visits.get_mut(&id) else { return };
        match event {
            Media::Digit { digit, .. } => self.handle_key(now, house, id, digit),
            Media::PromptEnded { play, .. } if visit.leg.has_ended(play) => {
                let deeds = visit.talk.handle_prompt_ended(now);
                self.act(now, house, id, deeds);
            }
            Media::Recorded { pcm, rate, .. } => {
                let deeds = visit.talk.handle_recorded(now, pcm, rate);
                self.act(now, house, id, deeds);
            }
            Media::Dead { .. } => {
                let _ = house.endpoint.hang_up(now, id);
            }
            _ => {}
        }
    }

    /// The house answered a question.
    pub fn handle_told<P: Ports, V: Voice>(
        &mut self,
        now: Instant,
        house: &mut House<'_, P, V>,
        id: CallId,
        told: Told,
    ) {
        let Some(visit) = self.visits.get_mut(&id) else { return };
        if let Told::Spoken { turn, clips } = told {
            if turn == visit.turn {
                house.media.push_back(visit.leg.play(clips));
            }
            return;
        }
        let deeds = visit.talk.handle_told(now, told, house.voice);
        self.act(now, house, id, deeds);
    }

    /// A timer of this call, or of one before it, has come.
    pub fn handle_timeout<P: Ports, V: Voice>(&mut self, now: Instant, house: &mut House<'_, P, V>, id: CallId) {
        let Some(visit) = self.visits.get_mut(&id) else { return };
        if visit.timer.is_some_and(|timer| timer <= now) {
            visit.timer = None;
        }
        let deeds = visit.talk.handle_timeout(now, house.voice);
        self.act(now, house, id, deeds);
    }

    /// The call is over. What its script still asks for was pressed before, and is done.
    pub fn handle_over<P: Ports, V: Voice>(&mut self, now: Instant, house: &mut House<'_, P, V>, id: CallId) {
        let Some(mut visit) = self.visits.remove(&id) else {
            return;
        };
        self.by_stream.remove(&visit.leg.stream);
        let asks = visit.talk.handle_hung_up(now).into_iter();
        self.asks.extend(asks.filter_map(|deed| match deed {
            Deed::Ask(ask) => Some((id, ask)),
            _ => None,
        }));
        if visit.leg.is_open {
            house.media.push_back(Command::Close {
                stream: visit.leg.stream,
            });
        } else {
            house.ports.release(visit.leg.stream);
        }
    }

    /// Ends every call.
    pub fn hang_up_all(&self, now: Instant, endpoint: &mut Endpoint) {
        for id in self.visits.keys() {
            let _ = endpoint.hang_up(now, *id);
        }
    }

    fn act<P: Ports, V: Voice>(&mut self, now: Instant, house: &mut House<'_, P, V>, id: CallId, deeds: Vec<Deed>) {
        let Some(visit) = self.visits.get_mut(&id) else { return };
        for deed in deeds {
            match deed {
                Deed::Answer => house.media.extend(visit.leg.answer(now, house.endpoint)),
                Deed::Say { key, prompts, settings } => {
                    visit.turn = visit.turn.wrapping_add(1);
                    let clips = prompts.iter();
                    let clips = clips.filter_map(|prompt| house.voice.clip(&key, *prompt, &settings));
                    let clips = clips.collect();
                    house.media.push_back(visit.leg.play(clips));
                }
                Deed::Speak(pieces) => {
                    visit.turn = visit.turn.wrapping_add(1);
                    let turn = visit.turn;
                    self.asks.push_back((id, Ask::Speak { turn, pieces }));
                }
                Deed::Stop => {
                    visit.turn = visit.turn.wrapping_add(1);
                    house.media.extend(visit.leg.stop());
                }
                Deed::Record(max) => {
                    let stream = visit.leg.stream;
                    house.media.push_back(Command::Record { stream, max });
                }
                Deed::StopRecording => {
                    let stream = visit.leg.stream;
                    house.media.push_back(Command::StopRecord { stream });
                }
                Deed::Ask(ask) => self.asks.push_back((id, ask)),
                Deed::HangUp => {
                    let _ = house.endpoint.hang_up(now, id);
                }
            }
        }
        let timer = visit.talk.poll_timeout();
        if let Some(at) = timer
            && visit.timer.is_none_or(|planned| at < planned || planned <= now)
        {
            visit.timer = Some(at);
            house.timers.push(Reverse((at, id)));
        }
    }
}

impl Talk {
    fn handle_answered(&mut self, now: Instant) -> Vec<Deed> {
        match self {
            Talk::CallBack(talk) => talk.handle_answered(now),
            Talk::Launch(talk) => talk.handle(now, LaunchInput::Answered),
        }
    }

    fn handle_key(&mut self, now: Instant, key: char) -> Vec<Deed> {
        match self {
            Talk::CallBack(talk) => talk.handle_key(now, key),
            Talk::Launch(talk) => talk.handle(now, LaunchInput::Key(key)),
        }
    }

    fn handle_prompt_ended(&mut self, now: Instant) -> Vec<Deed> {
        match self {
            Talk::CallBack(talk) => talk.handle_prompt_ended(now),
            Talk::Launch(talk) => talk.handle(now, LaunchInput::PromptEnded),
        }
    }

    fn handle_recorded(&mut self, now: Instant, pcm: Vec<i16>, rate: u32) -> Vec<Deed> {
        match self {
            Talk::CallBack(_) => Vec::new(),
            Talk::Launch(talk) => talk.handle_recorded(now, pcm, rate),
        }
    }

    fn handle_told(&mut self, now: Instant, told: Told, voice: &impl Voice) -> Vec<Deed> {
        match self {
            Talk::CallBack(talk) => talk.handle_told(now, told, voice),
            Talk::Launch(talk) => talk.handle_told(now, told),
        }
    }

    fn handle_timeout(&mut self, now: Instant, voice: &impl Voice) -> Vec<Deed> {
        match self {
            Talk::CallBack(talk) => talk.handle_timeout(now, voice),
            Talk::Launch(talk) => talk.handle_timeout(now),
        }
    }

    /// The line is gone; what is still to be done.
    fn handle_hung_up(&mut self, now: Instant) -> Vec<Deed> {
        match self {
            Talk::CallBack(talk) => {
                talk.handle_hung_up();
                Vec::new()
            }
            Talk::Launch(talk) => talk.handle(now, LaunchInput::HungUp),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Talk::CallBack(talk) => talk.poll_timeout(),
            Talk::Launch(talk) => talk.poll_timeout(),
        }
    }
}
