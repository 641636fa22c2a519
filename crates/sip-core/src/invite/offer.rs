//! Offers and answers after the first: re-INVITE both ways, glare, offers in responses (RFC 3261 §14, RFC 3264, RFC 6141).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::endpoint::core::Context;
use crate::event::Event;
use crate::message::{Method, Name, Request, Response, StatusCode};
use crate::slots::Key;
use crate::transaction::table::{Owner, Purpose};

use super::CallError;
use super::call::{Call, Phase, sdp_of, sdp_of_response};
use super::session_timer;

/// Which offer is open.
pub(crate) enum Exchange {
    /// None.
    Idle,
    /// The peer's 2xx was an offer; our ACK has to answer it.
    AnswerInAck { invite: Key },
    /// The peer's reliable provisional response was an offer; our PRACK has to answer it.
    AnswerInPrack { tag: Box<str>, rack: Box<[u8]> },
    /// Ours, in a re-INVITE or UPDATE.
    Local(Box<Local>),
    /// The peer's; our owner has to answer it.
    Remote(Box<Remote>),
    /// Our 2xx was the offer; the ACK has to answer it.
    AnswerAwaited,
}

/// An offer of ours.
pub(crate) struct Local {
    is_update: bool,
    /// `None` for a session refresh by UPDATE.
    sdp: Option<Bytes>,
    /// Not asked for by our owner, who does not hear of it.
    is_refresh: bool,
    tx: Option<Key>,
    /// After a glare.
    retry_at: Option<Instant>,
    tries: u8,
}

/// An offer of the peer.
pub(crate) struct Remote {
    server: Key,
    request: Request,
    source: SocketAddr,
    wants_offer: bool,
}

/// How often a glare is tried again.
const GLARES: u8 = 6;

impl Local {
    /// When it is tried again.
    pub fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }
}

impl Exchange {
    /// Our request was sent again in another transaction.
    pub fn follow(&mut self, old: Key, new: Key) {
        if let Exchange::Local(local) = self
            && local.tx == Some(old)
        {
            local.tx = Some(new);
        }
    }
}

impl Call {
    /// Sends an offer of our own.
    pub fn offer(&mut self, cx: &mut Context<'_>, sdp: Bytes, is_update: bool) -> Result<(), CallError> {
        if !matches!(self.phase, Phase::Up) || !matches!(self.exchange, Exchange::Idle) || self.unconfirmed.is_some() {
            return Err(CallError::State);
        }
        if is_update && !self.dialog.as_ref().is_some_and(|dialog| dialog.allows_update) {
            return Err(CallError::State);
        }
        self.remember_sdp(&sdp);
        self.send_offer(
            cx,
            Local {
                is_update,
                sdp: Some(sdp),
                is_refresh: false,
                tx: None,
                retry_at: None,
                tries: 0,
            },
        );
        Ok(())
    }

    /// Refreshes the session: by UPDATE if the peer knows it, else by re-INVITE with the SDP unchanged (RFC 4028 §7.4).
    pub fn refresh(&mut self, cx: &mut Context<'_>) {
        let is_update = self.dialog.as_ref().is_some_and(|dialog| dialog.allows_update);
        let sdp = if is_update {
            None
        } else {
            self.session.as_ref().and_then(|session| session.sdp.clone())
        };
        if !is_update && sdp.is_none() {
            return;
        }
        self.send_offer(
            cx,
            Local {
                is_update,
                sdp,
                is_refresh: true,
                tx: None,
                retry_at: None,
                tries: 0,
            },
        );
    }

    fn send_offer(&mut self, cx: &mut Context<'_>, mut local: Local) {
        let mut lines = Vec::with_capacity(256);
        self.contact_line(cx, &mut lines);
        match cx.trunk(self.trunk) {
            Some(trunk) => lines.extend_from_slice(&trunk.invite_lines),
            None => lines.extend_from_slice(b"Supported: timer\r\n"),
        }
        self.session_lines(&mut lines);
        let body = local.sdp.clone();
        let body = body.as_deref().map(|sdp| ("application/sdp", sdp));
        let (method, purpose) = if local.is_update {
            (Method::Update, Purpose::Update)
        } else {
            (Method::Invite, Purpose::Reinvite)
        };
        local.retry_at = None;
        local.tries += 1;
        local.tx = self.request(cx, &method, Owner::Call(self.key, purpose), &lines, body);
        self.exchange = Exchange::Local(Box::new(local));
    }

    pub fn handle_offer_timeout(&mut self, cx: &mut Context<'_>) {
        let is_due = self
            .postponed
            .as_ref()
            .is_some_and(|local| local.retry_at.is_none_or(|at| at <= cx.now));
        if !is_due {
            return;
        }
        let Some(mut local) = self.postponed.take() else { return };
        if matches!(self.exchange, Exchange::Idle) && self.unconfirmed.is_none() {
            self.send_offer(cx, *local);
        } else {
            // The peer's offer came first; ours follows it.
            local.retry_at = Some(cx.now + Duration::from_millis(500));
            self.postponed = Some(local);
        }
    }

    /// A final response to our re-INVITE.
    pub fn handle_reinvite_response(&mut self, cx: &mut Context<'_>, tx: Key, response: &Response) {
        if response.status().is_success() {
            let sdp = sdp_of_response(response);
            if let Some(dialog) = self.dialog.as_deref_mut() {
                if dialog.refresh_target(response.headers()) {
                    cx.route(self.trunk, dialog);
                }
                cx.core.acknowledge(tx, dialog, None);
            }
            return self.finish_offer(cx, tx, response, sdp);
        }
        self.offer_refused(cx, tx, response);
    }

    /// The 2xx of our re-INVITE or UPDATE came.
    pub fn finish_offer(&mut self, cx: &mut Context<'_>, tx: Key, response: &Response, sdp: Option<Bytes>) {
        let fresh = session_timer::of_answer(cx, self.trunk, response);
        self.restart_session(fresh);
        let Exchange::Local(local) = &self.exchange else { return };
        if local.tx != Some(tx) {
            return;
        }
        let is_refresh = local.is_refresh;
        self.exchange = Exchange::Idle;
        if !is_refresh {
            match sdp {
                Some(sdp) => cx.core.emit(Event::OfferAnswered { call: self.id, sdp }),
                // RFC 3264 wants an answer; without one nothing has changed.
                None => cx.core.emit(Event::OfferRefused {
                    call: self.id,
                    status: response.status(),
                }),
            }
        }
    }

    /// A failure of our re-INVITE or UPDATE came.
    pub fn offer_refused(&mut self, cx: &mut Context<'_>, tx: Key, response: &Response) {
        let status = response.status();
        if !matches!(&self.exchange, Exchange::Local(local) if local.tx == Some(tx)) {
            return;
        }
        let Exchange::Local(mut local) = std::mem::replace(&mut self.exchange, Exchange::Idle) else {
            return;
        };
        if status == StatusCode::REQUEST_PENDING && local.tries < GLARES {
            // RFC 3261 §14.1: who made the Call-ID waits 2.1 to 4 s, the other one up to 2 s, in steps of 10 ms.
            let pause = if self.is_caller {
                210 + cx.core.ids.below(191)
            } else {
                cx.core.ids.below(201)
            };
            local.retry_at = Some(cx.now + Duration::from_millis(pause * 10));
            local.tx = None;
            self.postponed = Some(local);
            return;
        }
        if status == StatusCode::SESSION_INTERVAL_TOO_SMALL && local.tries < GLARES && self.lengthen_session(response) {
            return self.send_offer(cx, *local);
        }
        if !local.is_refresh {
            cx.core.emit(Event::OfferRefused { call: self.id, status });
        }
    }

    /// A re-INVITE or UPDATE of the peer that changes or refreshes the session.
    pub fn handle_remote_offer(&mut self, cx: &mut Context<'_>, server: Key, request: &Request, source: SocketAddr) {
        let sdp = sdp_of(request.headers(), request.body());
        let is_update = *request.method() == Method::Update;
        let minimum = session_timer::minimum(cx, self.trunk);
        if let Some(minimum) = session_timer::refuse_interval(request.headers(), minimum) {
            let status = StatusCode::SESSION_INTERVAL_TOO_SMALL;
            let mut builder = cx.core.response(request, status, None, source);
            builder.header(Name::MinSe, minimum);
            return cx
                .core
                .respond(cx.now, server, request.method(), self.trunk, builder.build());
        }
        let is_plain_refresh = is_update && sdp.is_none();
        if !is_plain_refresh {
            match &self.exchange {
                Exchange::Idle => {}
                // RFC 3261 §14.2, RFC 3311 §5.2: our own offer is open.
                Exchange::Local(_) | Exchange::AnswerAwaited => {
                    return cx.refuse(server, request, source, StatusCode::REQUEST_PENDING);
                }
                Exchange::Remote(_) | Exchange::AnswerInAck { .. } | Exchange::AnswerInPrack { .. } => {
                    let mut builder = cx
                        .core
                        .response(request, StatusCode::SERVER_INTERNAL_ERROR, None, source);
                    builder.header(Name::RetryAfter, cx.core.ids.below(11));
                    return cx
                        .core
                        .respond(cx.now, server, request.method(), self.trunk, builder.build());
                }
            }
            // Early dialogs hold an open offer of ours in the INVITE itself, unless it was answered reliably.
            if matches!(self.phase, Phase::Called(_)) {
                return cx.refuse(server, request, source, StatusCode::REQUEST_PENDING);
            }
        }
        if let Some(dialog) = self.dialog.as_deref_mut()
            && dialog.refresh_target(request.headers())
        {
            cx.route(self.trunk, dialog);
        }
        let fresh = session_timer::of_request(cx, self.trunk, request);
        self.restart_session(fresh);
        if is_plain_refresh {
            return self.respond_offer(cx, server, request, source, None);
        }
        if !is_update {
            let trying = cx.core.response(request, StatusCode::TRYING, None, source).build();
            cx.core.respond(cx.now, server, request.method(), self.trunk, trying);
        }
        let wants_offer = sdp.is_none();
        self.exchange = Exchange::Remote(Box::new(Remote {
            server,
            request: request.clone(),
            source,
            wants_offer,
        }));
        match sdp {
            Some(sdp) => cx.core.emit(Event::Offer { call: self.id, sdp }),
            None => cx.core.emit(Event::OfferWanted { call: self.id }),
        }
    }

    /// Our owner answers whatever offer is open.
    pub fn answer_offer(&mut self, cx: &mut Context<'_>, sdp: Bytes) -> Result<(), CallError> {
        match std::mem::replace(&mut self.exchange, Exchange::Idle) {
            Exchange::AnswerInAck { invite } => {
                let dialog = self.dialog.as_deref_mut().ok_or(CallError::State)?;
                cx.core.acknowledge(invite, dialog, Some(("application/sdp", &sdp)));
                self.remember_sdp(&sdp);
                Ok(())
            }
            Exchange::AnswerInPrack { tag, rack } => {
                let Phase::Calling(calling) = &mut self.phase else {
                    return Err(CallError::State);
                };
                calling.had_offer = true;
                let index = calling.early.iter().position(|early| early.dialog.remote_tag == tag);
                self.send_prack(cx, index.ok_or(CallError::State)?, &rack, Some(&sdp));
                Ok(())
            }
            Exchange::Remote(remote) => {
                self.remember_sdp(&sdp);
                let is_update = *remote.request.method() == Method::Update;
                self.respond_offer(cx, remote.server, &remote.request, remote.source, Some(&sdp));
                if !is_update {
                    let sequence = remote.request.headers().cseq().map_or(0, |cseq| cseq.number);
                    self.expect_ack(cx, remote.server, sequence, false);
                    if remote.wants_offer {
                        self.exchange = Exchange::AnswerAwaited;
                    }
                }
                Ok(())
            }
            other => {
                self.exchange = other;
                Err(CallError::State)
            }
        }
    }

    /// Our owner refuses the peer's offer.
    pub fn refuse_offer(&mut self, cx: &mut Context<'_>, status: StatusCode) -> Result<(), CallError> {
        match std::mem::replace(&mut self.exchange, Exchange::Idle) {
            Exchange::Remote(remote) => {
                let status = if status.is_failure() {
                    status
                } else {
                    StatusCode::NOT_ACCEPTABLE_HERE
                };
                cx.refuse(remote.server, &remote.request, remote.source, status);
                Ok(())
            }
            other => {
                self.exchange = other;
                Err(CallError::State)
            }
        }
    }

    /// Sends the 200 for a re-INVITE or UPDATE.
    fn respond_offer(
        &mut self,
        cx: &mut Context<'_>,
        server: Key,
        request: &Request,
        source: SocketAddr,
        sdp: Option<&Bytes>,
    ) {
        let mut builder = cx.core.response(request, StatusCode::OK, None, source);
        builder.raw(Name::Contact, &self.contact_value(cx));
        session_timer::answer_headers(self.session.as_deref(), &mut builder);
        if let Some(sdp) = sdp {
            builder.body("application/sdp", sdp.clone());
        }
        cx.core
            .respond(cx.now, server, request.method(), self.trunk, builder.build());
    }

    /// CANCEL for the peer's re-INVITE.
    pub fn handle_offer_cancelled(&mut self, cx: &mut Context<'_>, server: Key) {
        match std::mem::replace(&mut self.exchange, Exchange::Idle) {
            Exchange::Remote(remote) if remote.server == server => {
                cx.refuse(server, &remote.request, remote.source, StatusCode::REQUEST_TERMINATED);
            }
            other => self.exchange = other,
        }
    }

    /// The call ends: an offer of the peer still wants its final response, and ours will hardly get one.
    pub fn abandon_offer(&mut self, cx: &mut Context<'_>) {
        self.postponed = None;
        match std::mem::replace(&mut self.exchange, Exchange::Idle) {
            Exchange::Remote(remote) => {
                cx.refuse(
                    remote.server,
                    &remote.request,
                    remote.source,
                    StatusCode::REQUEST_TERMINATED,
                );
            }
            Exchange::AnswerInAck { invite } => {
                // RFC 3261 §13.2.2.4: the ACK goes out in any case, the BYE follows it.
                if let Some(dialog) = self.dialog.as_deref_mut() {
                    cx.core.acknowledge(invite, dialog, None);
                }
            }
            // The BYE ends our re-INVITE too (RFC 3261 §15.1.2), or the peer says nothing more.
            Exchange::Local(local) => {
                if let Some(tx) = local.tx {
                    cx.core.table.bound_client(cx.now, tx);
                }
            }
            _ => {}
        }
    }

    /// The value of our Contact header.
    pub fn contact_value(&self, cx: &Context<'_>) -> Vec<u8> {
        let mut value = Vec::with_capacity(64);
        if let Some(dialog) = &self.dialog {
            let sent_by = cx.core.sent_by(&dialog.flow);
            value.push(b'<');
            crate::compose::contact_uri(&mut value, &self.contact_user, &sent_by, dialog.flow.transport);
            value.push(b'>');
        }
        value
    }
}
