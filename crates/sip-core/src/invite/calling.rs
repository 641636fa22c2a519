//! Placing a call: from the first INVITE to its final response (RFC 3261 §13.2).

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::auth::client::Verdict;
use crate::compose::{self, CREDENTIALS, Draft, Hop, line};
use crate::counters::Direction;
use crate::dialog::Dialog;
use crate::endpoint::core::{Again, Context};
use crate::endpoint::trunk;
use crate::event::{CallId, Cause, Event, Origin, TrunkId};
use crate::flow::{Flow, Transport};
use crate::ids::hex;
use crate::message::{Method, Name, NameAddr, Response, Scheme, StatusCode, Uri};
use crate::slots::Key;
use crate::transaction::table::{Outgoing, Owner};
use crate::transaction::timer::earliest;

use super::call::{Call, Phase, cause_of_response, dialog_of, end_stray, sdp_of_response};
use super::history;
use super::identity::{escaped, from_line, identity_lines, may_be_added, request_uri};
use super::offer::Exchange;
use super::session_timer;
use super::{Invite, InviteError};

/// An address that says nothing about an INVITE for this long is taken for dead. Timer B alone would cost 32 s.
const SILENCE: Duration = Duration::from_secs(4);

/// An INVITE of ours that has no final response yet.
pub(crate) struct Calling {
    /// The transaction that is under way.
    pub tx: Key,
    pub sequence: u32,
    /// Which of the trunk's addresses were tried, as bits.
    tried: u64,
    redirects_left: u8,
    /// Where 3xx responses sent us, next first.
    contacts: Vec<Uri>,
    /// What was called already, so that redirections do not run in circles.
    visited: Vec<Uri>,
    refusals_of_interval: u8,
    /// Set when nobody wants the call any more; its final response only decides how it is cleaned up.
    pub gave_up: Option<Cause>,
    cancel_sent: bool,
    ring_until: Instant,
    sent_at: Instant,
    /// The address in use has not said anything about the INVITE.
    is_silent: bool,
    pub had_offer: bool,
    /// Early dialogs of the forks, by To tag.
    pub early: Vec<Early>,
}

/// One early dialog.
pub(crate) struct Early {
    pub dialog: Dialog,
    /// RSeq of the last reliable response that was accepted (RFC 3262 §4).
    pub reliable: Option<u32>,
}

impl Calling {
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.gave_up.is_some() {
            return None;
        }
        earliest(Some(self.ring_until), self.is_silent.then(|| self.sent_at + SILENCE))
    }
}

impl Call {
    /// Builds and sends the first INVITE.
    pub fn place(cx: &mut Context<'_>, key: Key, invite: Invite) -> Result<Call, InviteError> {
        let id = invite.trunk;
        let now = cx.now;
        let trunk = cx
            .trunks
            .get_mut(usize::from(id.0))
            .ok_or(InviteError::UnknownTrunk(id))?;
        let access = trunk.choose(now, 0).ok_or(InviteError::NoTarget)?;
        let flow = trunk.accesses[access].flow;
        let uri = request_uri(trunk, flow, &invite.to)?;
        let tag = hex(cx.core.ids.draw());
        let call_id = [hex(cx.core.ids.draw()), hex(cx.core.ids.draw())].concat();
        let call_id_text = std::str::from_utf8(&call_id).unwrap_or_default();
        let from_user = invite
            .from_user
            .as_deref()
            .or(trunk.config.identity.user.as_deref())
            .unwrap_or_default();
        let contact_user: Box<str> = escaped(trunk.contact_user(from_user)).into();

        let mut identity = Vec::with_capacity(256);
        from_line(&mut identity, trunk, flow, &invite, from_user, &tag);
        line(&mut identity, "To", &[b"<", uri.as_bytes().as_ref(), b">"].concat());
        line(&mut identity, "Call-ID", &call_id);

        let sent_by = cx.core.sent_by(&flow);
        let mut lines = Vec::with_capacity(512);
        compose::contact_line(&mut lines, &contact_user, &sent_by, flow.transport);
        lines.extend_from_slice(&trunk.invite_lines);
        session_timer::request_lines(&trunk.config.session_timer, &mut lines);
        identity_lines(&mut lines, trunk, flow, from_user);
        if trunk.config.identity.history {
            history::first_line(&mut lines, &trunk.config.identity, &uri);
        }
        for (name, value) in &invite.headers {
            if !may_be_added(name, value) {
                return Err(InviteError::Header(name.clone()));
            }
            line(&mut lines, name, value.as_bytes());
        }
        if let Some(auth) = trunk.auth.as_mut().filter(|auth| auth.is_challenged()) {
            auth.write(&mut lines, "INVITE", uri.as_bytes(), &mut cx.core.ids);
        }
        let tcp_for_large = trunk.config.tcp_for_large;
        let branch = cx.core.ids.draw();
        let mut draft = Draft {
            method: "INVITE",
            uri: uri.as_bytes(),
            via: Hop {
                transport: flow.transport,
                sent_by: &sent_by,
                branch,
            },
            route_lines: &[],
            identity_lines: &identity,
            sequence: 1,
            lines: &lines,
            body: invite.offer.as_deref().map(|sdp| ("application/sdp", sdp)),
        };
        let mut payload = draft.write(&mut cx.core.scratch);
        let mut used = flow;
        if flow.transport == Transport::Udp
            && tcp_for_large
            && payload.len() > cx.core.config.limits.datagram_bytes
            && let Some(stream) = cx.core.flow_to(Transport::Tcp, flow.remote)
        {
            let sent_by = cx.core.sent_by(&stream);
            draft.via = Hop {
                transport: Transport::Tcp,
                sent_by: &sent_by,
                branch,
            };
            payload = draft.write(&mut cx.core.scratch);
            used = stream;
        }
        let owner = Owner::Invite(key);
        cx.core.counters.count(Some(id), Direction::Sent, &Method::Invite, None);
        let outgoing = Outgoing {
            flow: used,
            branch,
            method: &Method::Invite,
            payload,
            owner,
            trunk: Some(id),
            tries: 0,
        };
        let tx = cx.core.table.request(now, outgoing);
        let hash = cx
            .core
            .dialog_hash(call_id_text, std::str::from_utf8(&tag).unwrap_or_default());
        cx.core.by_dialog.insert(hash, key);
        let calling = Calling {
            tx,
            sequence: 1,
            tried: 1 << access.min(63),
            redirects_left: cx.core.config.max_redirects,
            contacts: Vec::new(),
            visited: vec![uri],
            refusals_of_interval: 0,
            gave_up: None,
            cancel_sent: false,
            ring_until: now + invite.ring_timeout,
            sent_at: now,
            is_silent: true,
            had_offer: invite.offer.is_some(),
            early: Vec::new(),
        };
        Ok(Call {
            id: CallId(key.to_u64()),
            key,
            trunk: Some(id),
            hash,
            merged: None,
            phase: Phase::Calling(Box::new(calling)),
            dialog: None,
            contact_user,
            exchange: Exchange::Idle,
            postponed: None,
            session: None,
            unconfirmed: None,
            bye_waits: false,
            is_caller: true,
            planned: None,
        })
    }

    /// Nobody wants the call any more: CANCEL as soon as that is allowed (RFC 3261 §9.1).
    pub fn give_up(&mut self, cx: &mut Context<'_>, cause: Cause) {
        let Phase::Calling(calling) = &mut self.phase else {
            return;
        };
        if calling.gave_up.is_none() {
            calling.gave_up = Some(cause);
        }
        calling.cancel_if_allowed(cx);
    }

    pub fn handle_ring_timeout(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        let id = self.trunk;
        if let Phase::Calling(calling) = &mut self.phase
            && calling.is_silent
            && calling.sent_at + SILENCE <= now
        {
            calling.is_silent = false;
            calling.leave_silent_access(cx, id);
        }
        if let Phase::Calling(calling) = &self.phase
            && calling.gave_up.is_none()
            && calling.ring_until <= now
        {
            self.give_up(cx, Cause::new(Origin::RingTimeout));
        }
    }

    /// A response to an INVITE that placed this call.
    pub fn handle_invite_response(&mut self, cx: &mut Context<'_>, tx: Key, response: &Response) {
        let status = response.status();
        if status.is_success() {
            match &self.phase {
                Phase::Calling(calling) if calling.tx == tx => self.handle_success(cx, tx, response),
                // Another branch of a fork, or an INVITE that was given up for a second try.
                _ => end_stray(cx, tx, response),
            }
            return;
        }
        let Phase::Calling(calling) = &mut self.phase else {
            return;
        };
        if calling.tx != tx {
            return;
        }
        calling.is_silent = false;
        if status.is_provisional() {
            calling.cancel_if_allowed(cx);
            if status.code() > 100 && calling.gave_up.is_none() {
                self.handle_provisional(cx, tx, response);
            }
            return;
        }
        self.handle_failure(cx, tx, response);
    }

    fn handle_success(&mut self, cx: &mut Context<'_>, tx: Key, response: &Response) {
        let Phase::Calling(calling) = &mut self.phase else {
            return;
        };
        if let Some(mut cause) = calling.gave_up.take() {
            // The answer crossed our CANCEL.
            cause.status = Some(response.status());
            self.dialog = dialog_of(cx, tx, response).map(Box::new);
            if let Some(dialog) = self.dialog.as_deref_mut() {
                cx.core.acknowledge(tx, dialog, None);
            }
            self.send_bye(cx);
            cx.core.emit(Event::Failed { call: self.id, cause });
            return;
        }
        let Some(mut dialog) = dialog_of(cx, tx, response) else {
            self.phase = Phase::Over;
            cx.core.emit(Event::Failed {
                call: self.id,
                cause: cause_of_response(response),
            });
            return;
        };
        let had_offer = calling.had_offer;
        if let Some(early) = calling
            .early
            .iter()
            .find(|early| early.dialog.remote_tag == dialog.remote_tag)
        {
            dialog.local_sequence = dialog.local_sequence.max(early.dialog.local_sequence);
            dialog.remote_sequence = early.dialog.remote_sequence;
        }
        self.session = session_timer::of_answer(cx, self.trunk, response);
        if self.session.is_some() && had_offer {
            // A peer without UPDATE is refreshed by re-INVITE, which offers the session again. The ACK takes the INVITE's place in
            // the table, so this comes first.
            let offer = cx.core.table.client(tx).map(|entry| entry.request.clone());
            let offer = offer.map(|request| Bytes::copy_from_slice(compose::body_of(&request)));
            if let Some(offer) = offer.filter(|offer| !offer.is_empty()) {
                self.remember_sdp(&offer);
            }
        }
        if had_offer {
            cx.core.acknowledge(tx, &mut dialog, None);
        } else {
            self.exchange = Exchange::AnswerInAck { invite: tx };
        }
        if let Some(trunk) = cx.trunk(self.trunk)
            && let Some(auth) = &mut trunk.auth
        {
            auth.learn_next(response.headers());
        }
        self.dialog = Some(Box::new(dialog));
        self.phase = Phase::Up;
        cx.core.emit(Event::Answered {
            call: self.id,
            sdp: sdp_of_response(response),
        });
    }

    fn handle_failure(&mut self, cx: &mut Context<'_>, tx: Key, response: &Response) {
        let Phase::Calling(calling) = &mut self.phase else {
            return;
        };
        let cause = cause_of_response(response);
        if let Some(mut given) = calling.gave_up.take() {
            given.status = cause.status;
            return self.fail(cx, given);
        }
        calling.early.clear();
        let is_retried = match response.status().code() {
            401 | 407 => calling.answer_challenge(cx, tx, self.trunk, response),
            422 => calling.lengthen_interval(cx, tx, response),
            300..=399 => {
                calling.learn_contacts(response);
                calling.follow_redirect(cx, tx, response.status())
            }
            503 => {
                if let (Some(pause), Some(flow)) = (cause.retry_after, cx.core.table.client(tx).map(|entry| entry.flow))
                    && let Some(trunk) = self.trunk
                {
                    trunk::rest(cx, trunk, flow, Some(pause), &cause);
                }
                calling.try_next_access(cx, tx, self.trunk) || calling.follow_redirect(cx, tx, response.status())
            }
            // RFC 3261 §21.6: the person was reached and said no, wherever else we could have called.
            600.. => false,
            _ => calling.follow_redirect(cx, tx, response.status()),
        };
        if !is_retried {
            self.fail(cx, cause);
        }
    }

    /// The INVITE got no final response in time, or could not be sent. `entry` left the table.
    pub fn handle_invite_failure(
        &mut self,
        cx: &mut Context<'_>,
        entry: &crate::transaction::table::ClientEntry,
        origin: Origin,
    ) {
        let Phase::Calling(calling) = &mut self.phase else {
            return;
        };
        // Another try may be under way, for which this one was given up.
        if cx.core.table.client(calling.tx).is_some() {
            return;
        }
        if let Some(cause) = calling.gave_up.take() {
            return self.fail(cx, cause);
        }
        let cause = Cause::new(origin);
        if let Some(trunk) = self.trunk {
            trunk::rest(cx, trunk, entry.flow, None, &cause);
        }
        if !calling.retry_elsewhere(cx, entry, self.trunk) {
            self.fail(cx, cause);
        }
    }

    fn fail(&mut self, cx: &mut Context<'_>, cause: Cause) {
        self.phase = Phase::Over;
        cx.core.emit(Event::Failed { call: self.id, cause });
    }
}

impl Calling {
    fn cancel_if_allowed(&mut self, cx: &mut Context<'_>) {
        let Some(cause) = &self.gave_up else { return };
        if self.cancel_sent || !cx.core.table.is_cancellable(self.tx) {
            return;
        }
        self.cancel_sent = true;
        let reason: &[u8] = match cause.origin {
            Origin::RingTimeout => b"Reason: SIP;cause=480;text=\"No answer\"\r\n",
            _ => b"",
        };
        let mut scratch = std::mem::take(&mut cx.core.scratch);
        cx.core.table.cancel(cx.now, self.tx, reason, &mut scratch);
        cx.core.scratch = scratch;
        let trunk = cx.core.table.client(self.tx).and_then(|entry| entry.trunk);
        cx.core.counters.count(trunk, Direction::Sent, &Method::Cancel, None);
    }

    /// No response within a few seconds: the address is left alone, and another one tried while this one may still answer.
    fn leave_silent_access(&mut self, cx: &mut Context<'_>, trunk: Option<TrunkId>) {
        let Some(id) = trunk else { return };
        let Some(flow) = cx.core.table.client(self.tx).map(|entry| entry.flow) else {
            return;
        };
        trunk::suspect(cx, id, flow, self.sent_at);
        self.try_next_access(cx, self.tx, trunk);
    }

    fn again(&mut self, cx: &mut Context<'_>, tx: Key, flow: Flow, again: &Again<'_>) -> bool {
        match cx.core.request_again(cx.now, tx, flow, again) {
            Some(new) => {
                self.tx = new;
                self.sent_at = cx.now;
                self.is_silent = true;
                true
            }
            None => false,
        }
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence += 1;
        self.sequence
    }

    fn answer_challenge(&mut self, cx: &mut Context<'_>, tx: Key, trunk: Option<TrunkId>, response: &Response) -> bool {
        let Some(entry) = cx.core.table.client(tx) else {
            return false;
        };
        let (request, flow, tries) = (entry.request.clone(), entry.flow, entry.tries);
        let Some(auth) = trunk.and_then(|id| cx.trunks.get_mut(usize::from(id.0))?.auth.as_mut()) else {
            return false;
        };
        if auth.learn(response, &request, tries) != Verdict::Retry {
            return false;
        }
        let mut lines = Vec::new();
        auth.write(&mut lines, "INVITE", compose::uri_of(&request), &mut cx.core.ids);
        let sequence = self.next_sequence();
        let again = Again {
            sequence,
            uri: None,
            without: &CREDENTIALS,
            lines: &lines,
            tries: tries + 1,
        };
        self.again(cx, tx, flow, &again)
    }

    /// 422: the peer wants a longer session interval (RFC 4028 §7.3).
    fn lengthen_interval(&mut self, cx: &mut Context<'_>, tx: Key, response: &Response) -> bool {
        let Some(minimum) = response.headers().seconds(Name::MinSe) else {
            return false;
        };
        let Some(entry) = cx.core.table.client(tx) else {
            return false;
        };
        if self.refusals_of_interval >= 2 || minimum > session_timer::LONGEST {
            return false;
        }
        self.refusals_of_interval += 1;
        let (flow, tries) = (entry.flow, entry.tries);
        let mut lines = Vec::new();
        session_timer::interval_lines(minimum, minimum, None, &mut lines);
        let sequence = self.next_sequence();
        let again = Again {
            sequence,
            uri: None,
            without: &["Session-Expires", "Min-SE"],
            lines: &lines,
            tries,
        };
        self.again(cx, tx, flow, &again)
    }

    /// Notes where a 3xx sends us, best first (RFC 3261 §8.1.3.4).
    fn learn_contacts(&mut self, response: &Response) {
        let mut contacts: Vec<NameAddr> = response
            .headers()
            .contacts()
            .filter_map(Result::ok)
            .filter_map(|contact| match contact {
                crate::message::Contact::Address(address) => Some(address),
                crate::message::Contact::All => None,
            })
            .filter(|address| matches!(address.uri().scheme(), Scheme::Sip | Scheme::Sips | Scheme::Tel))
            .collect();
        contacts.sort_by_key(|contact| std::cmp::Reverse(contact.q()));
        let fresh = contacts.into_iter().map(|contact| contact.uri().without_headers());
        let mut queue: Vec<Uri> = Vec::new();
        for uri in fresh {
            if !self.visited.iter().chain(&queue).any(|known| known.is_equivalent(&uri)) {
                queue.push(uri);
            }
        }
        queue.append(&mut self.contacts);
        queue.truncate(8);
        self.contacts = queue;
    }

    fn follow_redirect(&mut self, cx: &mut Context<'_>, tx: Key, status: StatusCode) -> bool {
        if self.redirects_left == 0 || self.contacts.is_empty() {
            return false;
        }
        self.redirects_left -= 1;
        let uri = self.contacts.remove(0);
        let Some(entry) = cx.core.table.client(tx) else {
            return false;
        };
        let flow = cx.core.flow_for(&uri, entry.flow);
        let history = compose::value_of(&entry.request, "History-Info");
        let lines = history.map(|value| history::redirected_line(value, status.code(), uri.as_bytes()));
        let sequence = self.next_sequence();
        let again = Again {
            sequence,
            uri: Some(uri.as_bytes()),
            without: &["Authorization", "Proxy-Authorization", "History-Info"],
            lines: lines.as_deref().unwrap_or_default(),
            tries: 0,
        };
        let sent = self.again(cx, tx, flow, &again);
        self.visited.push(uri);
        sent
    }

    /// Tries the trunk's next address (RFC 3263 §4.3).
    fn try_next_access(&mut self, cx: &mut Context<'_>, tx: Key, trunk: Option<TrunkId>) -> bool {
        let Some(flow) = self.next_access(cx, trunk) else {
            return false;
        };
        let Some(tries) = cx.core.table.client(tx).map(|entry| entry.tries) else {
            return false;
        };
        let sequence = self.next_sequence();
        let again = Again {
            sequence,
            uri: None,
            without: &[],
            lines: &[],
            tries,
        };
        self.again(cx, tx, flow, &again)
    }

    fn retry_elsewhere(
        &mut self,
        cx: &mut Context<'_>,
        entry: &crate::transaction::table::ClientEntry,
        trunk: Option<TrunkId>,
    ) -> bool {
        let Some(flow) = self.next_access(cx, trunk) else {
            return false;
        };
        self.early.clear();
        let sequence = self.next_sequence();
        let again = Again {
            sequence,
            uri: None,
            without: &[],
            lines: &[],
            tries: entry.tries,
        };
        self.tx = cx.core.request_anew(cx.now, entry, flow, &again);
        self.sent_at = cx.now;
        self.is_silent = true;
        true
    }

    fn next_access(&mut self, cx: &mut Context<'_>, trunk: Option<TrunkId>) -> Option<Flow> {
        let now = cx.now;
        let trunk = cx.trunk(trunk)?;
        let access = trunk.choose(now, self.tried)?;
        self.tried |= 1 << access.min(63);
        Some(trunk.accesses[access].flow)
    }
}
