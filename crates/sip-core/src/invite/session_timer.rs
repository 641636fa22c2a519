//! Session timers (RFC 4028): calls whose other end has vanished are ended.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::compose::decimal;
use crate::config::SessionTimer;
use crate::endpoint::core::Context;
use crate::event::{Cause, Origin, Party, TrunkId};
use crate::message::{Headers, Name, Request, Response, ResponseBuilder};
use crate::transaction::timer::earliest;

use super::call::{Call, Phase};
use super::offer::Exchange;

/// The longest interval that we let a peer talk us into, in seconds.
pub(crate) const LONGEST: u32 = 86_400;

/// The running timer of one call.
#[derive(Debug)]
pub(crate) struct Session {
    interval: Duration,
    minimum: u32,
    /// When we refresh, if that is our task.
    refresh_at: Option<Instant>,
    /// When we end the call because nobody refreshed it.
    ends_at: Instant,
    /// The last SDP of ours, for a refresh by re-INVITE.
    pub sdp: Option<Bytes>,
}

impl Session {
    fn start(now: Instant, seconds: u32, minimum: u32, we_refresh: bool) -> Session {
        let interval = Duration::from_secs(seconds.into());
        // RFC 4028 §10: a third of the interval, at most 32 s, before its end.
        let margin = (interval / 3).min(Duration::from_secs(32));
        Session {
            interval,
            minimum,
            refresh_at: we_refresh.then(|| now + interval / 2),
            ends_at: if we_refresh {
                now + interval
            } else {
                now + interval - margin
            },
            sdp: None,
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(self.refresh_at, Some(self.ends_at))
    }

    fn seconds(&self) -> u32 {
        self.interval.as_secs() as u32
    }
}

/// Writes Session-Expires and Min-SE.
pub(crate) fn interval_lines(seconds: u32, minimum: u32, refresher: Option<&str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Session-Expires: ");
    decimal(out, seconds.into());
    if let Some(refresher) = refresher {
        out.extend_from_slice(b";refresher=");
        out.extend_from_slice(refresher.as_bytes());
    }
    out.extend_from_slice(b"\r\nMin-SE: ");
    decimal(out, minimum.into());
    out.extend_from_slice(b"\r\n");
}

/// The lines of an INVITE, if the trunk asks for session timers.
pub(crate) fn request_lines(config: &SessionTimer, out: &mut Vec<u8>) {
    if let Some(interval) = config.interval {
        let minimum = minimum_of(config);
        let seconds = (interval.as_secs() as u32).clamp(minimum, LONGEST);
        interval_lines(seconds, minimum, None, out);
    }
}

fn minimum_of(config: &SessionTimer) -> u32 {
    (config.minimum.as_secs() as u32).clamp(90, LONGEST)
}

/// The smallest interval that a peer may ask of us on a trunk, in seconds.
pub(crate) fn minimum(cx: &mut Context<'_>, trunk: Option<TrunkId>) -> u32 {
    cx.trunk(trunk)
        .map_or(90, |trunk| minimum_of(&trunk.config.session_timer))
}

/// The interval that a request asks for, if it is too small for us: our minimum (RFC 4028 §8.1).
pub(crate) fn refuse_interval(headers: &Headers, minimum: u32) -> Option<u32> {
    let (seconds, _) = headers.session_expires()?;
    (seconds < minimum && headers.has_token(Name::Supported, "timer")).then_some(minimum)
}

/// The timer that the 2xx of our request starts.
pub(crate) fn of_answer(cx: &mut Context<'_>, trunk: Option<TrunkId>, response: &Response) -> Option<Box<Session>> {
    let (seconds, refresher) = response.headers().session_expires()?;
    let minimum = minimum(cx, trunk);
    let we_refresh = !refresher.is_some_and(|who| who.eq_ignore_ascii_case("uas"));
    Some(Box::new(Session::start(
        cx.now,
        seconds.clamp(90, LONGEST),
        minimum,
        we_refresh,
    )))
}

/// The timer that a peer's request starts, and whether we refresh it.
pub(crate) fn of_request(cx: &mut Context<'_>, trunk: Option<TrunkId>, request: &Request) -> Option<Box<Session>> {
    let headers = request.headers();
    let minimum = minimum(cx, trunk);
    let (seconds, refresher) = headers.session_expires()?;
    let we_refresh = match refresher {
        Some(who) => who.eq_ignore_ascii_case("uas"),
        // RFC 4028 §9: a peer that does not know timers cannot refresh.
        None => !headers.has_token(Name::Supported, "timer"),
    };
    Some(Box::new(Session::start(
        cx.now,
        seconds.clamp(minimum, LONGEST),
        minimum,
        we_refresh,
    )))
}

/// Writes the headers of our 2xx to a peer's INVITE or UPDATE.
pub(crate) fn answer_headers(session: Option<&Session>, builder: &mut ResponseBuilder) {
    let Some(session) = session else { return };
    let refresher = if session.refresh_at.is_some() { "uas" } else { "uac" };
    builder.header(
        Name::SessionExpires,
        format_args!("{};refresher={refresher}", session.seconds()),
    );
    if refresher == "uac" {
        builder.header(Name::Require, "timer");
    }
}

impl Call {
    /// Keeps our own SDP for a refresh by re-INVITE.
    pub fn remember_sdp(&mut self, sdp: &Bytes) {
        if let Some(session) = &mut self.session {
            session.sdp = Some(Bytes::copy_from_slice(sdp));
        }
    }

    /// The lines of our re-INVITE or UPDATE while a timer runs.
    pub fn session_lines(&self, out: &mut Vec<u8>) {
        if let Some(session) = &self.session {
            // The roles stay as they are: we send this request, so "uac" is we.
            let refresher = if session.refresh_at.is_some() { "uac" } else { "uas" };
            interval_lines(session.seconds(), session.minimum, Some(refresher), out);
        }
    }

    /// A request or a response of the peer restarts the timer.
    pub fn restart_session(&mut self, fresh: Option<Box<Session>>) {
        if let Some(mut fresh) = fresh {
            fresh.sdp = self.session.take().and_then(|old| old.sdp);
            self.session = Some(fresh);
        }
    }

    /// The refresh was refused because the interval is too small.
    pub fn lengthen_session(&mut self, response: &Response) -> bool {
        let Some(seconds) = response.headers().seconds(Name::MinSe).filter(|&s| s <= LONGEST) else {
            return false;
        };
        let Some(session) = &mut self.session else { return false };
        if seconds <= session.seconds() {
            return false;
        }
        session.interval = Duration::from_secs(seconds.into());
        session.minimum = seconds;
        true
    }

    pub fn handle_session_timeout(&mut self, cx: &mut Context<'_>) {
        if !matches!(self.phase, Phase::Up) {
            return;
        }
        let Some(session) = &mut self.session else { return };
        if session.ends_at <= cx.now {
            return self.end(cx, Party::Local, Cause::new(Origin::Timeout));
        }
        if session.refresh_at.is_some_and(|at| at <= cx.now) {
            let is_idle = matches!(self.exchange, Exchange::Idle) && self.postponed.is_none();
            // While another offer is under way, look again soon; should the refresh be lost, again before the end.
            let pause = if is_idle {
                session.interval / 4
            } else {
                Duration::from_secs(2)
            };
            session.refresh_at = Some(cx.now + pause.max(Duration::from_secs(2)));
            if is_idle {
                self.refresh(cx);
            }
        }
    }
}
