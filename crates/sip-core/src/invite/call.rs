//! One call: its phase, its dialog, and what may happen in each phase.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::dialog::Dialog;
use crate::endpoint::core::{Context, Inside};
use crate::event::{CallId, Cause, Event, Origin, Party, TrunkId};
use crate::flow::{Flow, Location};
use crate::message::{Headers, Method, Name, Request, Response, StatusCode};
use crate::slots::Key;
use crate::transaction::table::{ClientEntry, Owner, Purpose, Wake};
use crate::transaction::timer::earliest;

use super::CallError;
use super::called::{Called, Unconfirmed};
use super::calling::Calling;
use super::offer::{Exchange, Local};
use super::session_timer::Session;

/// Where a call stands.
pub(crate) enum Phase {
    /// Our INVITE is under way.
    Calling(Box<Calling>),
    /// The peer's INVITE waits for our final response.
    Called(Box<Called>),
    /// Answered.
    Up,
    /// Told to be over; our BYE waits for its response.
    Closing,
    /// Nothing is left to do.
    Over,
}

pub(crate) struct Call {
    pub id: CallId,
    pub key: Key,
    pub trunk: Option<TrunkId>,
    /// Its number among the dialogs.
    pub hash: u64,
    /// The number of the peer's first INVITE, by which one that took another way is recognised.
    pub merged: Option<u64>,
    pub phase: Phase,
    pub dialog: Option<Box<Dialog>>,
    /// User part of our Contact.
    pub contact_user: Box<str>,
    pub exchange: Exchange,
    /// Our offer that met one of the peer's and is tried again.
    pub postponed: Option<Box<Local>>,
    pub session: Option<Box<Session>>,
    /// The server transaction of an answered incoming INVITE whose ACK has not come.
    pub unconfirmed: Option<Unconfirmed>,
    /// Our owner hung up before the ACK came: BYE follows it (RFC 3261 §15).
    pub bye_waits: bool,
    /// We placed it, so the Call-ID is ours.
    pub is_caller: bool,
    pub planned: Option<Instant>,
}

impl Call {
    /// When the call wants to be woken.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Calling(calling) => calling.poll_timeout(),
            Phase::Called(called) => called.poll_timeout(),
            Phase::Up => earliest(
                self.postponed.as_ref().and_then(|local| local.retry_at()),
                self.session.as_ref().and_then(|session| session.poll_timeout()),
            ),
            Phase::Closing | Phase::Over => None,
        }
    }

    /// Makes sure that the call is woken in time.
    pub fn plan(&mut self, cx: &mut Context<'_>) {
        let wanted = self.poll_timeout();
        cx.core
            .table
            .schedule
            .plan(Wake::Call(self.key), &mut self.planned, wanted);
    }

    pub fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        match self.phase {
            Phase::Calling(_) => self.handle_ring_timeout(cx),
            Phase::Called(_) => self.handle_called_timeout(cx),
            Phase::Up => {
                self.handle_offer_timeout(cx);
                self.handle_session_timeout(cx);
            }
            Phase::Closing | Phase::Over => {}
        }
    }

    /// Ends the call from our side, in whatever phase.
    pub fn hang_up(&mut self, cx: &mut Context<'_>) -> Result<(), CallError> {
        match self.phase {
            Phase::Calling(_) => self.give_up(cx, Cause::new(Origin::Local)),
            Phase::Called(_) => self.reject(cx, StatusCode::DECLINE, None)?,
            Phase::Up => self.end(cx, Party::Local, Cause::new(Origin::Local)),
            Phase::Closing | Phase::Over => return Err(CallError::Unknown),
        }
        Ok(())
    }

    /// Gives up a call of ours that was not answered.
    pub fn cancel(&mut self, cx: &mut Context<'_>) -> Result<(), CallError> {
        match self.phase {
            Phase::Calling(_) => self.hang_up(cx),
            Phase::Closing | Phase::Over => Err(CallError::Unknown),
            _ => Err(CallError::State),
        }
    }

    /// Sends INFO.
    pub fn info(&mut self, cx: &mut Context<'_>, content_type: &str, body: &[u8]) -> Result<(), CallError> {
        let is_value = !content_type.is_empty() && !content_type.bytes().any(|c| c.is_ascii_control());
        if !matches!(self.phase, Phase::Up) || !is_value {
            return Err(CallError::State);
        }
        let owner = Owner::Call(self.key, Purpose::Info);
        self.request(cx, &Method::Info, owner, &[], Some((content_type, body)))
            .map(drop)
            .ok_or(CallError::State)
    }

    /// Sends BYE and tells the owner that the call is over.
    pub fn end(&mut self, cx: &mut Context<'_>, by: Party, cause: Cause) {
        if self.unconfirmed.is_some() {
            self.bye_waits = true;
            self.phase = Phase::Closing;
        } else {
            self.send_bye(cx);
        }
        self.abandon_offer(cx);
        cx.core.emit(Event::Ended {
            call: self.id,
            by,
            cause,
        });
    }

    /// Sends BYE and waits for its response.
    pub fn send_bye(&mut self, cx: &mut Context<'_>) {
        self.phase = Phase::Closing;
        let owner = Owner::Call(self.key, Purpose::Bye);
        if self.request(cx, &Method::Bye, owner, &[], None).is_none() {
            self.phase = Phase::Over;
        }
    }

    /// Sends a request inside the dialog, with credentials if the trunk was challenged before.
    pub fn request(
        &mut self,
        cx: &mut Context<'_>,
        method: &Method,
        owner: Owner,
        more: &[u8],
        body: Option<(&str, &[u8])>,
    ) -> Option<Key> {
        let trunk = self.trunk;
        let dialog = self.dialog.as_deref_mut()?;
        let mut lines = more.to_vec();
        let uri = dialog.address(&mut Vec::new());
        cx.credential_lines(trunk, method.as_str(), &uri, &mut lines);
        Some(cx.core.request_inside(
            cx.now,
            dialog,
            Inside {
                method,
                lines: &lines,
                body,
                owner,
                trunk,
            },
        ))
    }

    /// Our Contact line.
    pub fn contact_line(&self, cx: &Context<'_>, out: &mut Vec<u8>) {
        if let Some(dialog) = &self.dialog {
            let sent_by = cx.core.sent_by(&dialog.flow);
            crate::compose::contact_line(out, &self.contact_user, &sent_by, dialog.flow.transport);
        }
    }

    /// A response to a request inside the dialog.
    pub fn handle_inside_response(&mut self, cx: &mut Context<'_>, purpose: Purpose, tx: Key, response: &Response) {
        let status = response.status();
        if status.is_provisional() {
            return;
        }
        if matches!(status.code(), 401 | 407) && self.answer_challenge(cx, tx, response) {
            return;
        }
        if status.is_success()
            && let Some(auth) = cx.trunk(self.trunk).and_then(|t| t.auth.as_mut())
        {
            auth.learn_next(response.headers());
        }
        match purpose {
            Purpose::Bye => self.phase = Phase::Over,
            // RFC 3261 §12.2.1.2: these two end the dialog, whatever the request was.
            _ if matches!(status.code(), 408 | 481) && matches!(self.phase, Phase::Up) => {
                let cause = cause_of_response(response);
                self.end(cx, Party::Remote, cause);
            }
            Purpose::Reinvite => self.handle_reinvite_response(cx, tx, response),
            Purpose::Update => self.handle_update_response(cx, tx, response),
            Purpose::Prack => self.handle_prack_response(cx, response),
            Purpose::Info => {}
        }
    }

    /// Nobody answered a request inside the dialog, or it could not be sent.
    pub fn handle_inside_failure(&mut self, cx: &mut Context<'_>, purpose: Purpose, origin: Origin) {
        match (purpose, &self.phase) {
            (Purpose::Bye, _) => self.phase = Phase::Over,
            // RFC 3261 §12.2.1.2: no response is like 408, and that ends the dialog.
            (_, Phase::Up) => self.end(cx, Party::Local, Cause::new(origin)),
            _ => {}
        }
    }

    /// Sends a challenged request again with credentials. False if that makes no sense.
    fn answer_challenge(&mut self, cx: &mut Context<'_>, tx: Key, response: &Response) -> bool {
        let Some(entry) = cx.core.table.client(tx) else {
            return false;
        };
        let (request, flow, tries) = (entry.request.clone(), entry.flow, entry.tries);
        let Some(auth) = self
            .trunk
            .and_then(|id| cx.trunks.get_mut(usize::from(id.0))?.auth.as_mut())
        else {
            return false;
        };
        let Some(dialog) = self.dialog.as_deref_mut() else {
            return false;
        };
        if auth.learn(response, &request, tries) != crate::auth::client::Verdict::Retry {
            return false;
        }
        let mut lines = Vec::new();
        let method = crate::compose::method_of(&request);
        auth.write(
            &mut lines,
            method.as_str(),
            crate::compose::uri_of(&request),
            &mut cx.core.ids,
        );
        let again = crate::endpoint::core::Again {
            sequence: dialog.next_sequence(),
            uri: None,
            without: &crate::compose::CREDENTIALS,
            lines: &lines,
            tries: tries + 1,
        };
        let Some(new) = cx.core.request_again(cx.now, tx, flow, &again) else {
            return false;
        };
        self.exchange.follow(tx, new);
        true
    }

    /// Whether a request with this From tag comes from a peer of this call.
    pub fn has_peer(&self, tag: &str) -> bool {
        let is_early = match &self.phase {
            Phase::Calling(calling) => calling.early.iter().any(|early| *early.dialog.remote_tag == *tag),
            _ => false,
        };
        is_early || self.dialog.as_ref().is_some_and(|dialog| *dialog.remote_tag == *tag)
    }

    /// Checks and notes the sequence number of a peer's request.
    pub fn accept_sequence(&mut self, tag: &str, number: u32) -> bool {
        if let Phase::Calling(calling) = &mut self.phase {
            let early = calling.early.iter_mut().find(|early| *early.dialog.remote_tag == *tag);
            return early.is_some_and(|early| early.dialog.accept_sequence(number));
        }
        self.dialog
            .as_mut()
            .is_some_and(|dialog| dialog.accept_sequence(number))
    }

    /// Our tag, while the call is not answered.
    pub fn local_tag(&self) -> Option<&str> {
        match &self.phase {
            Phase::Called(called) => Some(&called.local_tag),
            _ => None,
        }
    }

    /// A re-INVITE or UPDATE, as far as the phase allows it.
    pub fn handle_change(
        &mut self,
        cx: &mut Context<'_>,
        server: Key,
        request: &Request,
        source: std::net::SocketAddr,
    ) {
        match self.phase {
            Phase::Up => self.handle_remote_offer(cx, server, request, source),
            Phase::Calling(_) | Phase::Called(_) if *request.method() == Method::Update => {
                self.handle_remote_offer(cx, server, request, source);
            }
            Phase::Calling(_) | Phase::Called(_) => cx.refuse(server, request, source, StatusCode::REQUEST_PENDING),
            Phase::Closing | Phase::Over => {
                cx.refuse(server, request, source, StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
            }
        }
    }

    /// BYE from the peer.
    pub fn handle_bye(&mut self, cx: &mut Context<'_>, request: &Request) {
        let cause = cause_of(request.headers(), Origin::Remote);
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Up => {
                self.abandon_offer(cx);
                if let Some(unconfirmed) = self.unconfirmed.take() {
                    cx.core.table.stop_repeating(unconfirmed.server);
                }
                cx.core.emit(Event::Ended {
                    call: self.id,
                    by: Party::Remote,
                    cause,
                });
            }
            // RFC 3261 §15.1.2: a BYE on an early dialog ends the INVITE with 487.
            Phase::Called(called) => {
                self.respond_invite(cx, &called, StatusCode::REQUEST_TERMINATED, None);
                cx.core.emit(Event::Ended {
                    call: self.id,
                    by: Party::Remote,
                    cause,
                });
            }
            // The callee may not send BYE on an early dialog; the INVITE's own end will come.
            Phase::Calling(calling) => self.phase = Phase::Calling(calling),
            Phase::Closing => {
                if let Some(unconfirmed) = self.unconfirmed.take() {
                    cx.core.table.stop_repeating(unconfirmed.server);
                }
            }
            Phase::Over => {}
        }
    }

    /// Whether the call's answer is awaited from this INVITE.
    pub fn waits_for(&self, tx: Key) -> bool {
        matches!(&self.phase, Phase::Calling(calling) if calling.tx == tx)
    }

    /// Whether a dialog of this call waits for a name.
    pub fn awaits(&self, location: &Location) -> bool {
        let waits = |dialog: &Dialog| {
            dialog
                .awaits
                .as_ref()
                .is_some_and(|awaits| awaits.location == *location)
        };
        let is_early = match &self.phase {
            Phase::Calling(calling) => calling.early.iter().any(|early| waits(&early.dialog)),
            _ => false,
        };
        is_early || self.dialog.as_deref().is_some_and(waits)
    }

    /// A name was looked up. The ACK that left without knowing is sent again, to the right place; returns where from and where to
    /// other requests are to be moved.
    pub fn handle_lookup(&mut self, cx: &mut Context<'_>) -> Option<(Flow, Flow)> {
        let trunk = self.trunk;
        if let Phase::Calling(calling) = &mut self.phase {
            for early in &mut calling.early {
                early.dialog.awaits = None;
                cx.route(trunk, &mut early.dialog);
            }
        }
        let dialog = self.dialog.as_deref_mut()?;
        let invite = dialog.awaits.take().and_then(|awaits| awaits.invite);
        let before = dialog.flow;
        cx.route(trunk, dialog);
        if dialog.flow == before {
            return None;
        }
        if let Some(invite) = invite {
            cx.core.table.redirect_ack(invite, &dialog.remote_tag, dialog.flow);
        }
        Some((before, dialog.flow))
    }

    /// Whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }
}

/// The cause that a final response gives.
pub(crate) fn cause_of_response(response: &Response) -> Cause {
    let mut cause = cause_of(response.headers(), Origin::Remote);
    cause.status = Some(response.status());
    if cause.reason.is_none() {
        let reason = crate::message::text(response.reason());
        cause.reason = (!reason.is_empty()).then(|| reason.into_owned());
    }
    cause
}

/// The cause that Reason and Retry-After headers give (RFC 3326).
pub(crate) fn cause_of(headers: &Headers, origin: Origin) -> Cause {
    let mut cause = Cause::new(origin);
    if headers.contains(Name::Reason) {
        for (protocol, number, text) in headers.reasons() {
            let is_q850 = protocol.eq_ignore_ascii_case("Q.850");
            if is_q850 {
                cause.q850 = number.and_then(|n| u8::try_from(n).ok());
            }
            if is_q850 || cause.reason.is_none() {
                cause.reason = text.or(cause.reason);
            }
        }
    }
    cause.retry_after = headers.retry_after().map(|s| Duration::from_secs(s.into()));
    cause
}

/// The SDP of a message: its body, or a part of it.
pub(crate) fn sdp_of(headers: &Headers, body: Bytes) -> Option<Bytes> {
    if body.is_empty() {
        return None;
    }
    match headers.content_type() {
        Some(_) if headers.has_content_type("application/sdp") => Some(body),
        Some(content_type) => crate::message::multipart::find(content_type, &body, &["application/sdp"], 4),
        // Some gateways forget Content-Type in responses.
        None => Some(body),
    }
}

/// The SDP of a response.
pub(crate) fn sdp_of_response(response: &Response) -> Option<Bytes> {
    sdp_of(response.headers(), response.body())
}

/// Ends the dialog that a late or unwanted 2xx created: ACK, then BYE (RFC 3261 §13.2.2.4, §9.1). `entry` is the INVITE.
pub(crate) fn end_stray(cx: &mut Context<'_>, tx: Key, response: &Response) {
    if let Some(mut dialog) = dialog_of(cx, tx, response) {
        cx.core.acknowledge(tx, &mut dialog, None);
        let trunk = cx.core.table.client(tx).and_then(|entry: &ClientEntry| entry.trunk);
        let owner = Owner::Nobody;
        cx.core.request_inside(
            cx.now,
            &mut dialog,
            Inside {
                method: &Method::Bye,
                lines: &[],
                body: None,
                owner,
                trunk,
            },
        );
    }
}

/// The dialog that a response to an INVITE of ours stands for.
pub(crate) fn dialog_of(cx: &mut Context<'_>, tx: Key, response: &Response) -> Option<Dialog> {
    let entry = cx.core.table.client(tx)?;
    let trunk = entry.trunk;
    let request = &entry.request;
    let mut from_line = Vec::with_capacity(128);
    crate::compose::line(&mut from_line, "From", crate::compose::value_of(request, "From")?);
    let mut call_id_line = Vec::with_capacity(64);
    crate::compose::line(
        &mut call_id_line,
        "Call-ID",
        crate::compose::value_of(request, "Call-ID")?,
    );
    let mut dialog = Dialog::of_caller(
        &from_line,
        &call_id_line,
        crate::compose::uri_of(request),
        response,
        entry.flow,
        crate::compose::sequence_of(request),
    )?;
    cx.route(trunk, &mut dialog);
    Some(dialog)
}
