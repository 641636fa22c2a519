//! What arrives: to which transaction, dialog or trunk it belongs (RFC 3261 §8.2, §12.2.2, §18.1.2).

use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;

use crate::admission::{Admission, Essentials, Refusal, admit};
use crate::counters::Direction;
use crate::event::{Event, TrunkId};
use crate::flow::{Flow, Transport};
use crate::invite::call::{Call, Phase, end_stray};
use crate::invite::session_timer;
use crate::message::{Answer, Method, Name, Request, Response, StatusCode, Via};
use crate::slots::Key;
use crate::transaction::table::{Matched, Owner};

use super::Endpoint;
use super::core::{ALLOW, Context};
use super::strangers::Verdict;
use super::trunk;

impl Endpoint {
    pub(super) fn handle_message(&mut self, now: Instant, flow: Flow, bytes: Bytes) {
        match admit(bytes, &self.rules) {
            Admission::Response(response, essentials) => self.handle_response(now, &response, &essentials),
            Admission::Request(request, essentials) => self.handle_request(now, flow, &request, &essentials),
            Admission::KeepAlive => self.core.counters.keep_alives += 1,
            Admission::Refused(refusal) => self.refuse_faulty(now, flow, &refusal),
            Admission::Dropped(_) => self.core.counters.unreadable += 1,
        }
    }

    fn handle_response(&mut self, now: Instant, response: &Response, essentials: &Essentials) {
        let mut scratch = std::mem::take(&mut self.core.scratch);
        let matched = self.core.table.handle_response(now, response, essentials, &mut scratch);
        self.core.scratch = scratch;
        let (tx, owner) = match matched {
            Matched::News(tx, owner) => (tx, owner),
            Matched::Absorbed => return,
            Matched::Stray => {
                self.core.counters.stray_responses += 1;
                return;
            }
        };
        if let Some(entry) = self.core.table.client(tx) {
            let (trunk, flow, sent_at) = (entry.trunk, entry.flow, entry.sent_at);
            // A peer that names another method in CSeq than it was asked for is counted by its word.
            let (method, status) = (&essentials.cseq.method, response.status());
            let counters = &mut self.core.counters;
            counters.count(trunk, Direction::Received, method, Some(status));
            counters.note_delay(trunk, method, status, now.saturating_duration_since(sent_at));
            if let Some(trunk) = trunk {
                trunk::answered(&mut self.context(now), trunk, flow, response.status());
            }
        }
        match owner {
            Owner::Invite(key) => {
                let known = self.run(now, key, |call, cx| call.handle_invite_response(cx, tx, response));
                if known.is_none() && response.status().is_success() {
                    end_stray(&mut self.context(now), tx, response);
                }
                // Whatever rings and is not what a call waits for.
                let is_current = self.calls.get(key).is_some_and(|call| call.waits_for(tx));
                if response.status().is_provisional() && !is_current {
                    let mut scratch = std::mem::take(&mut self.core.scratch);
                    self.core.table.cancel_stray(now, tx, &mut scratch);
                    self.core.scratch = scratch;
                }
            }
            Owner::Call(key, purpose) => {
                self.run(now, key, |call, cx| {
                    call.handle_inside_response(cx, purpose, tx, response)
                });
            }
            Owner::Ping(id) => trunk::handle_ping_response(&mut self.context(now), id, response),
            Owner::Register(id) => trunk::handle_register_response(&mut self.context(now), id, tx, response),
            Owner::Nobody => {}
        }
    }

    fn handle_request(&mut self, now: Instant, flow: Flow, request: &Request, essentials: &Essentials) {
        let id = Identified::of(&self.core, request, essentials);
        let method = request.method();
        if *method == Method::Ack {
            return self.handle_ack(now, request, &id);
        }
        if let Some(server) = self.core.table.find_server(id.hash) {
            return self.core.table.handle_repeat(server);
        }
        let reply = reply_flow(flow, &essentials.via);
        let trunk = self.strangers.trunk_of(flow.remote.ip());
        self.core.counters.count(trunk, Direction::Received, method, None);
        if *method == Method::Cancel {
            return self.handle_cancel(now, reply, flow.remote, request, &id);
        }
        if let Some(to_tag) = id.to_tag {
            let hash = self.core.dialog_hash(id.call_id, to_tag);
            let call = self.core.by_dialog.get(&hash).copied();
            match call {
                Some(key) if self.calls.get(key).is_some_and(|call| call.has_peer(id.from_tag)) => {
                    return self.handle_inside(now, key, reply, flow.remote, request, &id);
                }
                _ if trunk.is_some() => {
                    let status = StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
                    return self.refuse(now, reply, flow.remote, request, &id, status);
                }
                _ => return self.refuse_stranger(now, reply, flow.remote, request, StatusCode::FORBIDDEN),
            }
        }
        match method {
            Method::Invite => self.handle_invite(now, reply, flow, request, &id, trunk),
            _ if trunk.is_none() => self.refuse_stranger(now, reply, flow.remote, request, StatusCode::FORBIDDEN),
            Method::Options => self.handle_options(now, reply, flow.remote, request, &id),
            Method::Bye | Method::Prack | Method::Update | Method::Info => {
                let status = StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
                self.refuse(now, reply, flow.remote, request, &id, status);
            }
            _ => self.refuse(now, reply, flow.remote, request, &id, StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// ACK: of a failure, by its transaction; of a success, by its dialog.
    fn handle_ack(&mut self, now: Instant, request: &Request, id: &Identified<'_>) {
        self.core.counters.count(None, Direction::Received, &Method::Ack, None);
        if let Some(server) = self.core.table.find_server(id.hash)
            && !self.core.table.is_accepted(server)
        {
            self.core.table.handle_ack(now, server);
            return;
        }
        let Some(to_tag) = id.to_tag else { return };
        let hash = self.core.dialog_hash(id.call_id, to_tag);
        let Some(&key) = self.core.by_dialog.get(&hash) else {
            return;
        };
        if self.calls.get(key).is_some_and(|call| call.has_peer(id.from_tag)) {
            self.run(now, key, |call, cx| call.handle_ack(cx, request));
        }
    }

    fn handle_cancel(&mut self, now: Instant, reply: Flow, source: SocketAddr, request: &Request, id: &Identified<'_>) {
        let Some(server) = id.invite_hash.and_then(|hash| self.core.table.find_server(hash)) else {
            if self.strangers.trunk_of(source.ip()).is_some() {
                let status = StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
                self.refuse(now, reply, source, request, id, status);
            }
            return;
        };
        let own = self.core.table.accept(now, id.hash, reply, false);
        let owner = self.core.table.server_owner(server);
        let tag = owner
            .and_then(|key| self.calls.get(key))
            .and_then(Call::local_tag)
            .map(str::to_owned);
        let response = self
            .core
            .response(request, StatusCode::OK, tag.as_deref(), source)
            .build();
        self.core.respond(now, own, &Method::Cancel, None, response);
        if let (Some(key), true) = (owner, self.core.table.is_server_pending(server)) {
            self.run(now, key, |call, cx| call.handle_cancel(cx, server, request));
        }
    }

    /// A request inside a dialog.
    fn handle_inside(
        &mut self,
        now: Instant,
        key: Key,
        reply: Flow,
        source: SocketAddr,
        request: &Request,
        id: &Identified<'_>,
    ) {
        if self.core.table.servers() >= self.core.config.limits.server_transactions {
            return self.refuse_stranger(now, reply, source, request, StatusCode::SERVICE_UNAVAILABLE);
        }
        let method = request.method();
        let server = self.core.table.accept(now, id.hash, reply, *method == Method::Invite);
        self.run(now, key, |call, cx| {
            let in_order = call.accept_sequence(id.from_tag, id.sequence);
            if !in_order {
                return cx.refuse(server, request, source, StatusCode::SERVER_INTERNAL_ERROR);
            }
            match method {
                Method::Bye => {
                    let response = cx.core.response(request, StatusCode::OK, None, source).build();
                    cx.core.respond(now, server, method, call.trunk, response);
                    call.handle_bye(cx, request);
                }
                Method::Invite | Method::Update => {
                    cx.core.table.set_server_owner(server, key);
                    call.handle_change(cx, server, request, source);
                }
                Method::Prack => call.handle_prack(cx, server, request, source),
                Method::Info => {
                    let response = cx.core.response(request, StatusCode::OK, None, source).build();
                    cx.core.respond(now, server, method, call.trunk, response);
                    let body = request.body();
                    let content_type = request
                        .headers()
                        .content_type()
                        .map(crate::message::text)
                        .unwrap_or_default();
                    if !body.is_empty() && !matches!(call.phase, Phase::Closing | Phase::Over) {
                        let event = Event::Info {
                            call: call.id,
                            content_type: content_type.into_owned(),
                            body,
                        };
                        cx.core.emit(event);
                    }
                }
                Method::Options => {
                    let response = options_response(cx, request, None, source);
                    cx.core.respond(now, server, method, call.trunk, response);
                }
                _ => cx.refuse(server, request, source, StatusCode::METHOD_NOT_ALLOWED),
            }
        });
    }

    /// An INVITE that would begin a call.
    fn handle_invite(
        &mut self,
        now: Instant,
        reply: Flow,
        flow: Flow,
        request: &Request,
        id: &Identified<'_>,
        trunk: Option<TrunkId>,
    ) {
        let source = flow.remote;
        if trunk.is_none() {
            match self.strangers.check(now, request, source, &mut self.core) {
                Verdict::Proven => {}
                Verdict::Challenge(challenge) => {
                    return self.challenge_stranger(now, reply, source, request, &challenge);
                }
                Verdict::Refuse => {
                    return self.refuse_stranger(now, reply, source, request, StatusCode::FORBIDDEN);
                }
                Verdict::Ignore => {
                    self.core.counters.dropped += 1;
                    return;
                }
            }
        }
        if self.calls.len() >= self.core.config.limits.calls
            || self.core.table.servers() >= self.core.config.limits.server_transactions
        {
            return self.refuse_stranger(now, reply, source, request, StatusCode::SERVICE_UNAVAILABLE);
        }
        let server = self.core.table.accept(now, id.hash, reply, true);
        let mut cx = Context {
            core: &mut self.core,
            trunks: &mut self.trunks,
            now,
        };
        let trying = cx.core.response(request, StatusCode::TRYING, None, source).build();
        cx.core.respond(now, server, &Method::Invite, trunk, trying);
        let tag = cx.core.tag();
        let refusal = |cx: &mut Context<'_>, status| cx.core.response(request, status, Some(&tag), source);
        let minimum = session_timer::minimum(&mut cx, trunk);
        if let Some(minimum) = session_timer::refuse_interval(request.headers(), minimum) {
            let mut builder = refusal(&mut cx, StatusCode::SESSION_INTERVAL_TOO_SMALL);
            builder.header(Name::MinSe, minimum);
            return cx.core.respond(now, server, &Method::Invite, trunk, builder.build());
        }
        // RFC 3261 §8.2.2.2: the same INVITE by two ways is one call.
        let merged = cx.core.hash((4u8, id.call_id, id.from_tag, id.sequence));
        if cx.core.by_dialog.contains_key(&merged) {
            let response = refusal(&mut cx, StatusCode::LOOP_DETECTED).build();
            return cx.core.respond(now, server, &Method::Invite, trunk, response);
        }
        let key = self.calls.reserve();
        match Call::receive(&mut cx, key, server, request, flow, trunk) {
            Some(mut call) => {
                call.merged = Some(merged);
                cx.core.by_dialog.insert(merged, key);
                call.plan(&mut cx);
                self.calls.fill(key, call);
            }
            None => {
                let response = refusal(&mut cx, StatusCode::BAD_REQUEST).build();
                cx.core.respond(now, server, &Method::Invite, trunk, response);
                self.calls.release(key);
            }
        }
    }

    fn handle_options(
        &mut self,
        now: Instant,
        reply: Flow,
        source: SocketAddr,
        request: &Request,
        id: &Identified<'_>,
    ) {
        if self.core.table.servers() >= self.core.config.limits.server_transactions {
            return self.refuse_stranger(now, reply, source, request, StatusCode::SERVICE_UNAVAILABLE);
        }
        let server = self.core.table.accept(now, id.hash, reply, false);
        let tag = self.core.tag();
        let mut cx = Context {
            core: &mut self.core,
            trunks: &mut self.trunks,
            now,
        };
        let response = options_response(&mut cx, request, Some(&tag), source);
        cx.core.respond(now, server, &Method::Options, None, response);
    }

    /// Refuses a request of a known peer in a transaction of its own.
    fn refuse(
        &mut self,
        now: Instant,
        reply: Flow,
        source: SocketAddr,
        request: &Request,
        id: &Identified<'_>,
        status: StatusCode,
    ) {
        if self.core.table.servers() >= self.core.config.limits.server_transactions {
            return self.refuse_stranger(now, reply, source, request, StatusCode::SERVICE_UNAVAILABLE);
        }
        let server = self.core.table.accept(now, id.hash, reply, false);
        let tag = self.core.tag();
        let mut builder = self.core.response(request, status, Some(&tag), source);
        if status == StatusCode::METHOD_NOT_ALLOWED {
            builder.header(Name::Allow, ALLOW);
        }
        self.core.respond(now, server, request.method(), None, builder.build());
    }

    /// Refuses a request without remembering it, within the rate limit, and without telling who we are.
    fn refuse_stranger(
        &mut self,
        now: Instant,
        reply: Flow,
        source: SocketAddr,
        request: &Request,
        status: StatusCode,
    ) {
        if !self.strangers.may_refuse(now, source) {
            self.core.counters.dropped += 1;
            return;
        }
        self.core.counters.refused_strangers += 1;
        let tag = self.strangers.tag(request);
        let answer = Answer {
            to_tag: Some(&tag),
            source: Some(source),
            reason: None,
        };
        let mut builder = Response::to(request, status, answer);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            builder.header(Name::RetryAfter, 5);
        }
        self.core.table.transmit(reply, builder.build().bytes().clone());
    }

    fn challenge_stranger(
        &mut self,
        now: Instant,
        reply: Flow,
        source: SocketAddr,
        request: &Request,
        challenges: &[String],
    ) {
        if !self.strangers.may_challenge(now, source) {
            self.core.counters.dropped += 1;
            return;
        }
        self.core.counters.refused_strangers += 1;
        let tag = self.strangers.tag(request);
        let answer = Answer {
            to_tag: Some(&tag),
            source: Some(source),
            reason: None,
        };
        let mut builder = Response::to(request, StatusCode::UNAUTHORIZED, answer);
        for challenge in challenges {
            builder.header(Name::WwwAuthenticate, challenge);
        }
        self.core.table.transmit(reply, builder.build().bytes().clone());
    }

    /// Whether a request, which may be faulty, names one of our calls and its peer. Such a peer is no stranger, wherever it sends from.
    fn is_of_a_call(&self, request: &Request) -> bool {
        let headers = request.headers();
        let (Ok(call_id), Ok(from), Ok(to)) = (headers.call_id(), headers.from(), headers.to()) else {
            return false;
        };
        let Some(to_tag) = to.tag() else { return false };
        let hash = self.core.dialog_hash(call_id, to_tag);
        let call = self.core.by_dialog.get(&hash).and_then(|key| self.calls.get(*key));
        call.is_some_and(|call| call.has_peer(from.tag().unwrap_or_default()))
    }

    /// Answers a request that is faulty or asks too much. Strangers learn nothing from it.
    pub(super) fn refuse_faulty(&mut self, now: Instant, flow: Flow, refusal: &Refusal) {
        let request = &refusal.request;
        let reply = match request.headers().via() {
            Ok(via) => reply_flow(flow, &via),
            Err(_) => flow,
        };
        if self.strangers.trunk_of(flow.remote.ip()).is_none() && !self.is_of_a_call(request) {
            return self.refuse_stranger(now, reply, flow.remote, request, StatusCode::FORBIDDEN);
        }
        self.core.counters.refused_faulty += 1;
        let tag = self.strangers.tag(request);
        let response = refusal.response(&tag, Some(flow.remote));
        self.core.table.transmit(reply, response.bytes().clone());
    }
}

fn options_response(cx: &mut Context<'_>, request: &Request, tag: Option<&str>, source: SocketAddr) -> Response {
    let mut builder = cx.core.response(request, StatusCode::OK, tag, source);
    builder
        .header(Name::Accept, "application/sdp")
        .header(Name::Supported, "100rel, timer");
    builder.build()
}

/// What matches a request to a transaction and a dialog.
struct Identified<'a> {
    hash: u64,
    /// For CANCEL: the number of the INVITE's transaction.
    invite_hash: Option<u64>,
    call_id: &'a str,
    from_tag: &'a str,
    to_tag: Option<&'a str>,
    sequence: u32,
}

impl<'a> Identified<'a> {
    fn of(core: &super::core::Core, request: &'a Request, essentials: &'a Essentials) -> Identified<'a> {
        let Essentials { via, from, to, cseq } = essentials;
        let call_id = request.headers().call_id().unwrap_or_default();
        let from_tag = from.tag().unwrap_or_default();
        let number = |method: &str| {
            if via.has_unique_branch() {
                core.hash((2u8, via.branch(), Caseless(via.host()), via.port(), method))
            } else {
                // RFC 3261 §17.2.3: a peer of RFC 2543.
                let uri = request.uri_bytes();
                core.hash((
                    3u8,
                    &uri[..],
                    from_tag,
                    call_id,
                    cseq.number,
                    &via.as_bytes()[..],
                    method,
                ))
            }
        };
        let (hash, invite_hash) = match request.method() {
            Method::Ack => (number("INVITE"), None),
            Method::Cancel => (number("CANCEL"), Some(number("INVITE"))),
            method => (number(method.as_str()), None),
        };
        Identified {
            hash,
            invite_hash,
            call_id,
            from_tag,
            to_tag: to.tag(),
            sequence: cseq.number,
        }
    }
}

/// A host name, of which the case does not matter.
struct Caseless<'a>(&'a str);

impl Hash for Caseless<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut small = [0; 32];
        for part in self.0.as_bytes().chunks(small.len()) {
            let small = &mut small[..part.len()];
            small.copy_from_slice(part);
            small.make_ascii_lowercase();
            state.write(small);
        }
        state.write_u8(0xff);
    }
}

/// Where responses go (RFC 3261 §18.2.2, RFC 3581 §4).
fn reply_flow(flow: Flow, via: &Via) -> Flow {
    if flow.transport != Transport::Udp || via.rport().is_some() {
        return flow;
    }
    let port = via.port().unwrap_or(flow.transport.default_port());
    Flow {
        remote: SocketAddr::new(flow.remote.ip(), port),
        ..flow
    }
}
