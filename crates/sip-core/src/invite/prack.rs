//! Reliable provisional responses (RFC 3262).

use std::time::Instant;

use bytes::Bytes;

use crate::compose::{decimal, line};
use crate::endpoint::core::{Context, Inside};
use crate::message::{Method, Name, Request, Response, StatusCode};
use crate::slots::Key;
use crate::transaction::table::{Owner, Purpose};
use crate::transaction::timer::{Fired, Repeat, fire};

use super::call::{Call, Phase, sdp_of_response};
use super::offer::Exchange;

/// What the sequence number of a provisional response says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reliability {
    /// It is not reliable.
    Plain,
    /// The next one: it is acknowledged.
    Next,
    /// A repeat, or one that came before its predecessor: dropped, it will come again.
    Repeat,
}

/// Our own reliable provisional response that waits for its PRACK.
pub(crate) struct Pending {
    pub sequence: u32,
    pub response: Response,
    pub repeat: Option<Repeat>,
    pub until: Instant,
    /// It carried SDP: the 2xx waits for the PRACK (RFC 3262 §3).
    pub has_sdp: bool,
}

impl Pending {
    pub fn poll_timeout(&self) -> Option<Instant> {
        Some(self.repeat.map_or(self.until, |repeat| repeat.at().min(self.until)))
    }

    pub fn handle_timeout(&mut self, now: Instant) -> Fired {
        if self.until <= now {
            Fired::TimedOut
        } else {
            fire(&mut self.repeat, now)
        }
    }
}

impl Call {
    /// Checks a provisional response of early dialog `index` and acknowledges it if it is reliable (RFC 3262 §4).
    pub fn check_reliability(&mut self, cx: &mut Context<'_>, index: usize, response: &Response) -> Reliability {
        let headers = response.headers();
        let (Some(number), true) = (headers.rseq(), headers.has_token(Name::Require, "100rel")) else {
            return Reliability::Plain;
        };
        let Phase::Calling(calling) = &mut self.phase else {
            return Reliability::Repeat;
        };
        let early = &mut calling.early[index];
        if early.reliable.is_some_and(|last| number != last.wrapping_add(1)) {
            return Reliability::Repeat;
        }
        early.reliable = Some(number);
        let mut rack = Vec::new();
        decimal(&mut rack, u64::from(number));
        rack.push(b' ');
        rack.extend_from_slice(headers.first(Name::CSeq).unwrap_or_default());
        if !calling.had_offer && sdp_of_response(response).is_some() {
            // The response is the offer; the PRACK has to bring our owner's answer.
            self.exchange = Exchange::AnswerInPrack {
                tag: early.dialog.remote_tag.clone(),
                rack: rack.into(),
            };
        } else {
            self.send_prack(cx, index, &rack, None);
        }
        Reliability::Next
    }

    /// Sends PRACK on an early dialog.
    pub fn send_prack(&mut self, cx: &mut Context<'_>, index: usize, rack: &[u8], sdp: Option<&Bytes>) {
        let Phase::Calling(calling) = &mut self.phase else {
            return;
        };
        let Some(early) = calling.early.get_mut(index) else {
            return;
        };
        let mut lines = Vec::new();
        line(&mut lines, "RAck", rack);
        let uri = early.dialog.address(&mut Vec::new());
        cx.credential_lines(self.trunk, "PRACK", &uri, &mut lines);
        let body = sdp.map(|sdp| ("application/sdp", sdp.as_ref()));
        let owner = Owner::Call(self.key, Purpose::Prack);
        let inside = Inside {
            method: &Method::Prack,
            lines: &lines,
            body,
            owner,
            trunk: self.trunk,
        };
        cx.core.request_inside(cx.now, &mut early.dialog, inside);
    }

    /// The response to our PRACK. A failure is of no consequence: the INVITE's own end decides.
    pub fn handle_prack_response(&mut self, _cx: &mut Context<'_>, _response: &Response) {}

    /// PRACK from the peer (RFC 3262 §3).
    pub fn handle_prack(&mut self, cx: &mut Context<'_>, server: Key, request: &Request, source: std::net::SocketAddr) {
        let rack = request.headers().rack().ok();
        let Phase::Called(called) = &mut self.phase else {
            return cx.refuse(server, request, source, StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
        };
        let invite = called.request.headers().cseq().ok();
        let is_ours = match (&called.reliable, &rack, &invite) {
            (Some(pending), Some(rack), Some(invite)) => rack.response == pending.sequence && rack.cseq == *invite,
            _ => false,
        };
        if !is_ours {
            return cx.refuse(server, request, source, StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
        }
        called.reliable = None;
        let answer = called.answer.take();
        let response = cx.core.response(request, StatusCode::OK, None, source).build();
        cx.core.respond(cx.now, server, &Method::Prack, self.trunk, response);
        if let Some(sdp) = super::call::sdp_of(request.headers(), request.body())
            && called.sdp_is_ours
        {
            cx.core.emit(crate::event::Event::OfferAnswered { call: self.id, sdp });
        }
        if let Some(sdp) = answer {
            self.send_answer(cx, sdp);
        }
    }
}
