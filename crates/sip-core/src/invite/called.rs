//! Being called: from the peer's INVITE to the ACK of our answer (RFC 3261 §13.3).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::dialog::Dialog;
use crate::endpoint::core::Context;
use crate::event::{Address, CallId, Cause, Event, Origin, Party, TrunkId};
use crate::flow::Flow;
use crate::ids::hex;
use crate::message::{Headers, Method, Name, NameAddr, Request, StatusCode, Uri};
use crate::slots::Key;
use crate::transaction::server_invite::Acknowledged;
use crate::transaction::timer::{Fired, Repeat, earliest};

use super::CallError;
use super::call::{Call, Phase, sdp_of};
use super::offer::Exchange;
use super::prack::Pending;
use super::session_timer;

/// How long an incoming call may wait for our owner.
const PATIENCE: Duration = Duration::from_secs(180);

/// An INVITE of a peer that waits for our final response.
pub(crate) struct Called {
    pub server: Key,
    pub request: Request,
    pub source: SocketAddr,
    pub local_tag: Box<str>,
    until: Instant,
    /// Our provisional responses are reliable: the peer demands it.
    is_reliable: bool,
    sequence: u32,
    pub reliable: Option<Pending>,
    /// Our owner's answer, held back until the PRACK.
    pub answer: Option<Bytes>,
    /// The INVITE had no offer, so our SDP is the offer.
    pub sdp_is_ours: bool,
}

/// Our 2xx that waits for its ACK.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unconfirmed {
    pub server: Key,
    sequence: u32,
    /// Of the INVITE that made the call.
    is_first: bool,
}

impl Called {
    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(
            Some(self.until),
            self.reliable.as_ref().and_then(|pending| pending.poll_timeout()),
        )
    }
}

impl Call {
    /// A new incoming call. Tells the owner.
    pub fn receive(
        cx: &mut Context<'_>,
        key: Key,
        server: Key,
        request: &Request,
        flow: Flow,
        trunk: Option<TrunkId>,
    ) -> Option<Call> {
        let headers = request.headers();
        let tag = hex(cx.core.ids.draw());
        let tag = std::str::from_utf8(&tag).unwrap_or_default();
        let mut dialog = Dialog::of_callee(request, tag, flow)?;
        cx.route(trunk, &mut dialog);
        let uri = request.uri().ok()?;
        let hash = cx.core.dialog_hash(headers.call_id().ok()?, tag);
        cx.core.by_dialog.insert(hash, key);
        cx.core.table.set_server_owner(server, key);
        let supports_reliable = headers.has_token(Name::Supported, "100rel");
        let demands_reliable = headers.has_token(Name::Require, "100rel");
        let we_demand = cx
            .trunk(trunk)
            .is_some_and(|t| t.config.reliable_provisional == crate::config::Reliable::Required);
        let sdp = sdp_of(headers, request.body());
        let called = Called {
            server,
            request: request.clone(),
            source: flow.remote,
            local_tag: tag.into(),
            until: cx.now + PATIENCE,
            is_reliable: demands_reliable || (supports_reliable && we_demand),
            // RFC 3262 §3: the first number is chosen at random below 2³¹.
            sequence: cx.core.ids.draw() as u32 & 0x3fff_ffff,
            reliable: None,
            answer: None,
            sdp_is_ours: sdp.is_none(),
        };
        let id = CallId(key.to_u64());
        cx.core.emit(Event::Incoming {
            call: id,
            trunk,
            from: caller(headers, trunk.is_some()),
            to: address(None, &uri),
            sdp,
            headers: other_headers(headers),
        });
        Some(Call {
            id,
            key,
            trunk,
            hash,
            merged: None,
            phase: Phase::Called(Box::new(called)),
            dialog: Some(Box::new(dialog)),
            contact_user: uri.user().unwrap_or_default().into(),
            exchange: Exchange::Idle,
            postponed: None,
            session: None,
            unconfirmed: None,
            bye_waits: false,
            is_caller: false,
            planned: None,
        })
    }

    /// Sends 180, or 183 with SDP.
    pub fn ring(&mut self, cx: &mut Context<'_>, sdp: Option<Bytes>) -> Result<(), CallError> {
        let contact = self.contact_value(cx);
        let Phase::Called(called) = &mut self.phase else {
            return Err(CallError::State);
        };
        if called.reliable.is_some() || called.answer.is_some() {
            return Err(CallError::State);
        }
        let status = if sdp.is_some() {
            StatusCode::SESSION_PROGRESS
        } else {
            StatusCode::RINGING
        };
        let mut builder = cx
            .core
            .response(&called.request, status, Some(&called.local_tag), called.source);
        builder.copy(called.request.headers(), Name::RecordRoute);
        builder.raw(Name::Contact, &contact);
        if called.is_reliable {
            called.sequence += 1;
            builder
                .header(Name::Require, "100rel")
                .header(Name::RSeq, called.sequence);
        }
        let has_sdp = sdp.is_some();
        if let Some(sdp) = sdp {
            builder.body("application/sdp", sdp);
        }
        let response = builder.build();
        if called.is_reliable {
            let timing = *cx.core.table.timing();
            called.reliable = Some(Pending {
                sequence: called.sequence,
                response: response.clone(),
                repeat: Some(Repeat::start(cx.now, timing.t1, timing.patience())),
                until: cx.now + timing.patience(),
                has_sdp,
            });
        }
        cx.core
            .respond(cx.now, called.server, &Method::Invite, self.trunk, response);
        Ok(())
    }

    /// Our owner takes the call.
    pub fn answer(&mut self, cx: &mut Context<'_>, sdp: Bytes) -> Result<(), CallError> {
        let Phase::Called(called) = &mut self.phase else {
            return Err(CallError::State);
        };
        if called.answer.is_some() {
            return Err(CallError::State);
        }
        if called.reliable.as_ref().is_some_and(|pending| pending.has_sdp) {
            called.answer = Some(sdp);
            return Ok(());
        }
        self.send_answer(cx, sdp);
        Ok(())
    }

    /// Sends the 200.
    pub fn send_answer(&mut self, cx: &mut Context<'_>, sdp: Bytes) {
        let contact = self.contact_value(cx);
        let Phase::Called(called) = std::mem::replace(&mut self.phase, Phase::Up) else {
            return;
        };
        self.session = session_timer::of_request(cx, self.trunk, &called.request);
        self.remember_sdp(&sdp);
        let mut builder = cx
            .core
            .response(&called.request, StatusCode::OK, Some(&called.local_tag), called.source);
        builder.copy(called.request.headers(), Name::RecordRoute);
        builder.raw(Name::Contact, &contact);
        builder.header(Name::Supported, "100rel, timer");
        session_timer::answer_headers(self.session.as_deref(), &mut builder);
        builder.body("application/sdp", sdp);
        cx.core
            .respond(cx.now, called.server, &Method::Invite, self.trunk, builder.build());
        let sequence = called.request.headers().cseq().map_or(0, |cseq| cseq.number);
        self.expect_ack(cx, called.server, sequence, true);
        if called.sdp_is_ours {
            self.exchange = Exchange::AnswerAwaited;
        }
    }

    /// Refuses the call.
    pub fn reject(
        &mut self,
        cx: &mut Context<'_>,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) -> Result<(), CallError> {
        if !matches!(self.phase, Phase::Called(_)) || !status.is_failure() {
            return Err(CallError::State);
        }
        if let Phase::Called(called) = std::mem::replace(&mut self.phase, Phase::Over) {
            self.respond_invite(cx, &called, status, retry_after);
            let cause = Cause {
                status: Some(status),
                ..Cause::new(Origin::Local)
            };
            cx.core.emit(Event::Ended {
                call: self.id,
                by: Party::Local,
                cause,
            });
        }
        Ok(())
    }

    /// Sends a failure for the INVITE.
    pub fn respond_invite(
        &mut self,
        cx: &mut Context<'_>,
        called: &Called,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) {
        let mut builder = cx
            .core
            .response(&called.request, status, Some(&called.local_tag), called.source);
        if let Some(pause) = retry_after {
            builder.header(Name::RetryAfter, pause.as_secs());
        }
        cx.core
            .respond(cx.now, called.server, &Method::Invite, self.trunk, builder.build());
    }

    /// CANCEL for the INVITE of this call.
    pub fn handle_cancel(&mut self, cx: &mut Context<'_>, server: Key, cancel: &Request) {
        if !matches!(&self.phase, Phase::Called(called) if called.server == server) {
            return self.handle_offer_cancelled(cx, server);
        }
        if let Phase::Called(called) = std::mem::replace(&mut self.phase, Phase::Over) {
            self.respond_invite(cx, &called, StatusCode::REQUEST_TERMINATED, None);
            let cause = super::call::cause_of(cancel.headers(), Origin::Remote);
            cx.core.emit(Event::Ended {
                call: self.id,
                by: Party::Remote,
                cause,
            });
        }
    }

    pub fn handle_called_timeout(&mut self, cx: &mut Context<'_>) {
        let Phase::Called(called) = &mut self.phase else { return };
        if called.until <= cx.now {
            let _ = self.reject(cx, StatusCode::TEMPORARILY_UNAVAILABLE, None);
            return;
        }
        let Some(pending) = &mut called.reliable else { return };
        match pending.handle_timeout(cx.now) {
            Fired::Retransmit => {
                let payload = pending.response.bytes().clone();
                if let Some(flow) = cx.core.table.server_flow(called.server) {
                    cx.core.counters.retransmissions += 1;
                    cx.core.table.transmit(flow, payload);
                }
            }
            // RFC 3262 §3: without PRACK for 64·T1 the INVITE is refused with 5xx.
            Fired::TimedOut => {
                let _ = self.reject(cx, StatusCode::SERVER_TIMEOUT, None);
            }
            Fired::Nothing | Fired::Done => {}
        }
    }

    /// A 2xx of ours was sent: its ACK is awaited.
    pub fn expect_ack(&mut self, cx: &mut Context<'_>, server: Key, sequence: u32, is_first: bool) {
        cx.core.table.set_server_owner(server, self.key);
        self.unconfirmed = Some(Unconfirmed {
            server,
            sequence,
            is_first,
        });
    }

    /// ACK inside the dialog.
    pub fn handle_ack(&mut self, cx: &mut Context<'_>, request: &Request) {
        let Some(unconfirmed) = self.unconfirmed else { return };
        if request.headers().cseq().map(|cseq| cseq.number) != Ok(unconfirmed.sequence)
            || cx.core.table.handle_ack(cx.now, unconfirmed.server) != Acknowledged::Success
        {
            return;
        }
        self.unconfirmed = None;
        if self.bye_waits {
            self.bye_waits = false;
            return self.send_bye(cx);
        }
        if unconfirmed.is_first {
            cx.core.emit(Event::Confirmed { call: self.id });
        }
        if matches!(self.exchange, Exchange::AnswerAwaited) {
            self.exchange = Exchange::Idle;
            if let Some(sdp) = sdp_of(request.headers(), request.body()) {
                cx.core.emit(Event::OfferAnswered { call: self.id, sdp });
            }
        }
    }

    /// No ACK came within 64·T1: the call is given up (RFC 3261 §13.3.1.4).
    pub fn handle_no_ack(&mut self, cx: &mut Context<'_>, server: Key) {
        if self.unconfirmed.is_none_or(|unconfirmed| unconfirmed.server != server) {
            return;
        }
        self.unconfirmed = None;
        match self.phase {
            Phase::Up => self.end(cx, Party::Local, Cause::new(Origin::Timeout)),
            Phase::Closing => {
                self.bye_waits = false;
                self.send_bye(cx);
            }
            _ => {}
        }
    }
}

/// The caller: P-Asserted-Identity if it is there, else From. Only a trunk is believed the former (RFC 3325 §2.2); what a
/// telephone with a password writes there is not read.
fn caller(headers: &Headers, is_trunk: bool) -> Address {
    let mut asserted = headers.addresses(Name::PAssertedIdentity);
    let asserted = is_trunk.then(|| asserted.find_map(Result::ok)).flatten();
    let address_of = |named: &NameAddr| address(named.display().as_deref(), named.uri());
    asserted
        .or_else(|| headers.from().ok())
        .as_ref()
        .map(address_of)
        .unwrap_or_default()
}

fn address(display_name: Option<&str>, uri: &Uri) -> Address {
    let user = uri
        .user_decoded()
        .map(|user| crate::message::text(&user).into_owned())
        .unwrap_or_default();
    Address {
        display_name: display_name.map(Into::into),
        user: user.into(),
        uri: uri.as_str().into(),
    }
}

/// The headers that our owner may care for.
fn other_headers(headers: &Headers) -> Vec<(String, String)> {
    let consumed = |name| {
        matches!(
            name,
            Name::Via
                | Name::From
                | Name::CallId
                | Name::CSeq
                | Name::Contact
                | Name::Route
                | Name::RecordRoute
                | Name::MaxForwards
                | Name::ContentLength
                | Name::ContentType
                | Name::Authorization
                | Name::ProxyAuthorization
        )
    };
    headers
        .iter()
        .filter(|field| !consumed(field.name))
        .map(|field| {
            let name = if field.name == Name::Other {
                crate::message::text(field.text)
            } else {
                field.name.text().into()
            };
            (
                name.into_owned(),
                crate::message::text(&crate::message::unfold(field.value)).into_owned(),
            )
        })
        .collect()
}
