//! One carrier as the endpoint sees it: its addresses and whether they answer, its challenges, registration and pings.

use std::time::{Duration, Instant};

use crate::auth::client::{Client, Verdict};
use crate::compose::{CREDENTIALS, Draft, Hop, contact_line, line, uri_of};
use crate::config::{Reliable, Target, TrunkConfig};
use crate::counters::Direction;
use crate::event::{Cause, Event, Origin, TrunkId};
use crate::flow::Flow;
use crate::ids::hex;
use crate::invite::call::cause_of_response;
use crate::invite::{address_of_record, domain_of};
use crate::message::{Method, Response, StatusCode};
use crate::registration::Registration;
use crate::slots::Key;
use crate::transaction::table::{ClientEntry, Outgoing, Owner, Wake};
use crate::transaction::timer::earliest;

use super::core::{ALLOW, Again, Context, Core};

/// How long an address that did not answer is left alone, unless it asked for longer.
const REST: Duration = Duration::from_secs(30);

/// One address of a trunk.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub target: Target,
    pub flow: Flow,
    /// Not used before this moment, unless no other is left.
    pub rests_until: Option<Instant>,
    /// When it last responded to anything.
    heard_at: Option<Instant>,
}

/// An address that does not respond to a ping for this long is taken for dead.
const SILENCE: Duration = Duration::from_secs(4);

/// State of the OPTIONS ping.
#[derive(Debug, Default)]
pub(crate) struct Ping {
    pub next: Option<Instant>,
    /// Call-ID and tag stay the same for all pings.
    pub identity: Vec<u8>,
    pub sequence: u32,
    /// Which address is being asked.
    pub access: usize,
    /// When it was asked, while it has not responded.
    asked: Option<Instant>,
}

pub(crate) struct Trunk {
    pub config: TrunkConfig,
    pub accesses: Vec<Access>,
    pub auth: Option<Client>,
    /// `None` until the first ping or call was answered or failed.
    pub is_up: Option<bool>,
    pub ping: Ping,
    pub registration: Option<Registration>,
    /// Allow, Supported, User-Agent: constant lines of every INVITE.
    pub invite_lines: Vec<u8>,
    pub planned: Option<Instant>,
}

impl Trunk {
    pub fn new(config: TrunkConfig, core: &Core) -> Trunk {
        let mut lines = Vec::with_capacity(160);
        lines.extend_from_slice(b"Allow: ");
        lines.extend_from_slice(ALLOW.as_bytes());
        let (supported, required) = match config.reliable_provisional {
            Reliable::Off => ("timer", ""),
            Reliable::Supported => ("100rel, timer", ""),
            Reliable::Required => ("timer", "\r\nRequire: 100rel"),
        };
        let history = if config.identity.history { ", histinfo" } else { "" };
        lines.extend_from_slice(format!("\r\nSupported: {supported}{history}{required}").as_bytes());
        if config.early_media {
            lines.extend_from_slice(b"\r\nP-Early-Media: supported");
        }
        lines.extend_from_slice(b"\r\nUser-Agent: ");
        lines.extend_from_slice(core.config.product.as_bytes());
        lines.extend_from_slice(b"\r\n");
        let mut trunk = Trunk {
            accesses: Vec::new(),
            auth: config.credentials.clone().map(Client::new),
            is_up: None,
            ping: Ping::default(),
            registration: config.register.map(Registration::new),
            invite_lines: lines,
            planned: None,
            config,
        };
        let targets = trunk.config.targets.clone();
        trunk.set_targets(core, &targets);
        trunk
    }

    pub fn set_targets(&mut self, core: &Core, targets: &[Target]) {
        let before = std::mem::take(&mut self.accesses);
        self.accesses = targets
            .iter()
            .filter_map(|target| {
                let flow = core.flow_to(target.transport, target.addr)?;
                let known = before.iter().find(|a| a.target == *target);
                let (rests_until, heard_at) = known.map_or((None, None), |a| (a.rests_until, a.heard_at));
                Some(Access {
                    target: *target,
                    flow,
                    rests_until,
                    heard_at,
                })
            })
            .collect();
        self.config.targets = targets.to_vec();
    }

    /// The first address that is not resting and has not been tried; else, for a first try, the one that rests the shortest.
    pub fn choose(&self, now: Instant, tried: u64) -> Option<usize> {
        let is_free = |index: usize| tried & (1 << index.min(63)) == 0;
        let ready = self
            .accesses
            .iter()
            .position(|a| a.rests_until.is_none_or(|until| until <= now));
        match ready {
            Some(index) if is_free(index) => Some(index),
            _ => (0..self.accesses.len())
                .filter(|&index| is_free(index))
                .filter(|&index| tried == 0 || self.accesses[index].rests_until.is_none_or(|until| until <= now))
                .min_by_key(|&index| self.accesses[index].rests_until),
        }
    }

    /// An address did not answer, or asked for a pause.
    pub fn rest(&mut self, now: Instant, flow: Flow, pause: Option<Duration>) {
        let until = now + pause.unwrap_or(REST).min(Duration::from_secs(3600));
        for access in self.accesses.iter_mut().filter(|a| a.flow == flow) {
            access.rests_until = Some(until);
        }
    }

    /// An address answered.
    pub fn revive(&mut self, flow: Flow) {
        for access in self.accesses.iter_mut().filter(|a| a.flow == flow) {
            access.rests_until = None;
        }
    }

    /// Whether every address rests.
    pub fn is_resting(&self, now: Instant) -> bool {
        self.accesses
            .iter()
            .all(|a| a.rests_until.is_some_and(|until| until > now))
    }

    /// The user part of our Contact.
    pub fn contact_user<'a>(&'a self, from_user: &'a str) -> &'a str {
        self.config.identity.contact_user.as_deref().unwrap_or(from_user)
    }
}

/// Starts pings and registration. Called again when addresses are there at last.
pub(crate) fn start(cx: &mut Context<'_>, id: TrunkId) {
    let now = cx.now;
    let Some(trunk) = cx.trunk(Some(id)) else { return };
    if trunk.accesses.is_empty() {
        return;
    }
    if trunk.config.ping.is_some() && trunk.ping.next.is_none() {
        trunk.ping.next = Some(now);
    }
    if let Some(registration) = &mut trunk.registration {
        registration.next.get_or_insert(now);
    }
    run(cx, id);
}

/// The trunk has no address: its name leads nowhere.
pub(crate) fn lose(cx: &mut Context<'_>, id: TrunkId) {
    let Some(trunk) = cx.trunk(Some(id)) else { return };
    if trunk.is_up != Some(false) {
        trunk.is_up = Some(false);
        let cause = Cause {
            reason: Some("no address".to_owned()),
            ..Cause::new(Origin::Transport)
        };
        cx.core.emit(Event::TrunkDown { trunk: id, cause });
    }
}

/// The trunk asked to be woken.
pub(crate) fn handle_timeout(cx: &mut Context<'_>, id: TrunkId, at: Instant) {
    let Some(trunk) = cx.trunk(Some(id)) else { return };
    if trunk.planned == Some(at) {
        trunk.planned = None;
        run(cx, id);
    }
}

/// Sends what is due and plans the next wake-up.
fn run(cx: &mut Context<'_>, id: TrunkId) {
    let now = cx.now;
    let Some(trunk) = cx.trunk(Some(id)) else { return };
    if trunk.ping.asked.is_some_and(|at| at + SILENCE <= now) {
        let count = trunk.accesses.len().max(1);
        if let Some(flow) = trunk.accesses.get(trunk.ping.access % count).map(|access| access.flow) {
            trunk.rest(now, flow, None);
        }
        return ping_failed(cx, id, Cause::new(Origin::Timeout));
    }
    if trunk.ping.next.is_some_and(|at| at <= now) {
        trunk.ping.next = None;
        send_ping(cx, id);
    }
    let Some(trunk) = cx.trunk(Some(id)) else { return };
    if trunk
        .registration
        .as_ref()
        .is_some_and(|r| r.next.is_some_and(|at| at <= now))
    {
        if let Some(registration) = &mut trunk.registration {
            registration.next = None;
        }
        send_register(cx, id);
    }
    let Some(trunk) = cx.trunk(Some(id)) else { return };
    // Without pings, the end of a pause is the only sign that calls may be tried again.
    if trunk.is_up == Some(false) && trunk.config.ping.is_none() && !trunk.is_resting(now) {
        trunk.is_up = Some(true);
        cx.core.emit(Event::TrunkUp { trunk: id });
    }
    plan(cx, id);
}

fn plan(cx: &mut Context<'_>, id: TrunkId) {
    let now = cx.now;
    let Some(trunk) = cx.trunks.get_mut(usize::from(id.0)) else {
        return;
    };
    let mut wanted = earliest(trunk.ping.asked.map(|at| at + SILENCE), trunk.ping.next);
    wanted = earliest(wanted, trunk.registration.as_ref().and_then(|r| r.next));
    if trunk.is_up == Some(false) && trunk.config.ping.is_none() {
        wanted = earliest(
            wanted,
            trunk
                .accesses
                .iter()
                .filter_map(|a| a.rests_until)
                .filter(|&at| at > now)
                .min(),
        );
    }
    cx.core.table.schedule.plan(Wake::Trunk(id), &mut trunk.planned, wanted);
}

fn send_ping(cx: &mut Context<'_>, id: TrunkId) {
    let Some(trunk) = cx.trunks.get_mut(usize::from(id.0)) else {
        return;
    };
    let Some(access) = trunk.accesses.get(trunk.ping.access % trunk.accesses.len().max(1)) else {
        return;
    };
    let flow = access.flow;
    let domain = domain_of(&trunk.config, flow);
    if trunk.ping.identity.is_empty() {
        let user = trunk.config.identity.user.as_deref().unwrap_or("tocsin");
        let mut own = Vec::with_capacity(64);
        address_of_record(&mut own, user, &domain);
        let identity = &mut trunk.ping.identity;
        line(
            identity,
            "From",
            &[b"<", &own[..], b">;tag=", &hex(cx.core.ids.draw())].concat(),
        );
        line(identity, "To", format!("<sip:{domain}>").as_bytes());
        line(
            identity,
            "Call-ID",
            &[hex(cx.core.ids.draw()), hex(cx.core.ids.draw())].concat(),
        );
    }
    let uri = format!("sip:{domain}");
    let sent_by = cx.core.sent_by(&flow);
    let mut lines = Vec::new();
    contact_line(
        &mut lines,
        trunk.config.identity.user.as_deref().unwrap_or("tocsin"),
        &sent_by,
        flow.transport,
    );
    line(&mut lines, "Accept", b"application/sdp");
    line(&mut lines, "User-Agent", cx.core.config.product.as_bytes());
    if let Some(auth) = trunk.auth.as_mut().filter(|auth| auth.is_challenged()) {
        auth.write(&mut lines, "OPTIONS", uri.as_bytes(), &mut cx.core.ids);
    }
    trunk.ping.sequence += 1;
    trunk.ping.asked = Some(cx.now);
    let branch = cx.core.ids.draw();
    let payload = Draft {
        method: "OPTIONS",
        uri: uri.as_bytes(),
        via: Hop {
            transport: flow.transport,
            sent_by: &sent_by,
            branch,
        },
        route_lines: &[],
        identity_lines: &trunk.ping.identity,
        sequence: trunk.ping.sequence,
        lines: &lines,
        body: None,
    }
    .write(&mut cx.core.scratch);
    cx.core
        .counters
        .count(Some(id), Direction::Sent, &Method::Options, None);
    let outgoing = Outgoing {
        flow,
        branch,
        method: &Method::Options,
        payload,
        owner: Owner::Ping(id),
        trunk: Some(id),
        tries: 0,
    };
    cx.core.table.request(cx.now, outgoing);
}

/// Any final response means that the far end lives, except those by which it says that it does not.
pub(crate) fn handle_ping_response(cx: &mut Context<'_>, id: TrunkId, response: &Response) {
    let status = response.status();
    if status.is_provisional() {
        return;
    }
    let now = cx.now;
    if matches!(status.code(), 408 | 502 | 503 | 504) {
        return ping_failed(cx, id, cause_of_response(response));
    }
    let Some(trunk) = cx.trunk(Some(id)) else { return };
    trunk.ping.asked = None;
    trunk.ping.next = trunk.config.ping.map(|interval| now + interval);
    if trunk.is_up != Some(true) {
        trunk.is_up = Some(true);
        cx.core.emit(Event::TrunkUp { trunk: id });
    }
    plan(cx, id);
}

pub(crate) fn handle_ping_failure(cx: &mut Context<'_>, id: TrunkId, entry: &ClientEntry, origin: Origin) {
    let now = cx.now;
    let Some(trunk) = cx.trunk(Some(id)) else { return };
    // After the time of silence its failure is no news.
    if trunk.ping.asked.is_none() {
        return;
    }
    trunk.rest(now, entry.flow, None);
    ping_failed(cx, id, Cause::new(origin));
}

/// The asked address is bad; the next one is asked at once, and when none is left the trunk is down.
fn ping_failed(cx: &mut Context<'_>, id: TrunkId, cause: Cause) {
    let now = cx.now;
    let Some(trunk) = cx.trunk(Some(id)) else { return };
    trunk.ping.asked = None;
    let count = trunk.accesses.len().max(1);
    trunk.ping.access = (trunk.ping.access + 1) % count;
    let interval = trunk.config.ping.unwrap_or(REST);
    if trunk.ping.access != 0 {
        trunk.ping.next = Some(now);
        return run(cx, id);
    }
    // While it is down, look more often, but not faster than every 2 s.
    trunk.ping.next = Some(now + cause.retry_after.unwrap_or((interval / 4).max(Duration::from_secs(2))));
    if trunk.is_up != Some(false) {
        trunk.is_up = Some(false);
        cx.core.emit(Event::TrunkDown { trunk: id, cause });
    }
    plan(cx, id);
}

/// A response came from one of the trunk's addresses.
pub(crate) fn answered(cx: &mut Context<'_>, id: TrunkId, flow: Flow, status: StatusCode) {
    let now = cx.now;
    let Some(trunk) = cx.trunk(Some(id)) else { return };
    let Some(access) = trunk.accesses.iter_mut().find(|a| a.flow == flow) else {
        return;
    };
    access.heard_at = Some(now);
    if status.code() == 503 || access.rests_until.is_none() {
        return;
    }
    trunk.revive(flow);
    if trunk.is_up == Some(false) {
        trunk.is_up = Some(true);
        cx.core.emit(Event::TrunkUp { trunk: id });
    }
}

/// An address has not responded to a request since this moment: unless it responded to others, it is left alone.
pub(crate) fn suspect(cx: &mut Context<'_>, id: TrunkId, flow: Flow, since: Instant) {
    let Some(trunk) = cx.trunk(Some(id)) else { return };
    let is_alive = trunk
        .accesses
        .iter()
        .any(|a| a.flow == flow && a.heard_at.is_some_and(|at| at > since));
    if !is_alive {
        rest(cx, id, flow, None, &Cause::new(Origin::Timeout));
    }
}

/// An address did not answer, or asked for a pause. Without pings this decides that the trunk is down.
pub(crate) fn rest(cx: &mut Context<'_>, id: TrunkId, flow: Flow, pause: Option<Duration>, cause: &Cause) {
    let now = cx.now;
    let Some(trunk) = cx.trunk(Some(id)) else { return };
    trunk.rest(now, flow, pause);
    if trunk.is_resting(now) && trunk.is_up != Some(false) {
        trunk.is_up = Some(false);
        if pause.is_none() && trunk.ping.next.is_some() {
            trunk.ping.next = Some(now);
        }
        cx.core.emit(Event::TrunkDown {
            trunk: id,
            cause: cause.clone(),
        });
        plan(cx, id);
    }
}

fn send_register(cx: &mut Context<'_>, id: TrunkId) {
    let Some(trunk) = cx.trunks.get_mut(usize::from(id.0)) else {
        return;
    };
    let Some(registration) = &mut trunk.registration else {
        return;
    };
    let Some(access) = trunk.accesses.get(registration.access % trunk.accesses.len().max(1)) else {
        return;
    };
    let flow = access.flow;
    let sent_by = cx.core.sent_by(&flow);
    let domain = domain_of(&trunk.config, flow);
    let uri = format!("sip:{domain}");
    registration.identify(&trunk.config, &domain, &mut cx.core.ids);
    let mut lines = Vec::new();
    registration.lines(&mut lines, &contact_name(&trunk.config), &sent_by, flow.transport);
    line(&mut lines, "Allow", ALLOW.as_bytes());
    line(&mut lines, "User-Agent", cx.core.config.product.as_bytes());
    if let Some(auth) = trunk.auth.as_mut().filter(|auth| auth.is_challenged()) {
        auth.write(&mut lines, "REGISTER", uri.as_bytes(), &mut cx.core.ids);
    }
    registration.sequence += 1;
    let branch = cx.core.ids.draw();
    let payload = Draft {
        method: "REGISTER",
        uri: uri.as_bytes(),
        via: Hop {
            transport: flow.transport,
            sent_by: &sent_by,
            branch,
        },
        route_lines: &[],
        identity_lines: &registration.identity,
        sequence: registration.sequence,
        lines: &lines,
        body: None,
    }
    .write(&mut cx.core.scratch);
    cx.core
        .counters
        .count(Some(id), Direction::Sent, &Method::Register, None);
    let owner = Owner::Register(id);
    let outgoing = Outgoing {
        flow,
        branch,
        method: &Method::Register,
        payload,
        owner,
        trunk: Some(id),
        tries: 0,
    };
    cx.core.table.request(cx.now, outgoing);
}

/// The user part under which we register.
fn contact_name(config: &TrunkConfig) -> String {
    let identity = &config.identity;
    let user = identity.contact_user.as_ref().or(identity.user.as_ref());
    user.or(config.credentials.as_ref().map(|c| &c.user))
        .cloned()
        .unwrap_or_default()
}

pub(crate) fn handle_register_response(cx: &mut Context<'_>, id: TrunkId, tx: Key, response: &Response) {
    let status = response.status();
    if status.is_provisional() {
        return;
    }
    let now = cx.now;
    let Some(entry) = cx.core.table.client(tx) else { return };
    let (request, flow, tries) = (entry.request.clone(), entry.flow, entry.tries);
    let sent_by = cx.core.sent_by(&flow);
    let Some(trunk) = cx.trunks.get_mut(usize::from(id.0)) else {
        return;
    };
    let user = contact_name(&trunk.config);
    let Some(registration) = &mut trunk.registration else {
        return;
    };
    if status.is_success() {
        if let Some(auth) = &mut trunk.auth {
            auth.learn_next(response.headers());
        }
        let expires = registration.accepted(now, response, &user, &sent_by);
        cx.core.emit(Event::Registered { trunk: id, expires });
        return plan(cx, id);
    }
    if matches!(status.code(), 401 | 407)
        && let Some(auth) = &mut trunk.auth
        && auth.learn(response, &request, tries) == Verdict::Retry
    {
        let mut lines = Vec::new();
        auth.write(&mut lines, "REGISTER", uri_of(&request), &mut cx.core.ids);
        registration.sequence += 1;
        let sequence = registration.sequence;
        let again = Again {
            sequence,
            uri: None,
            without: &CREDENTIALS,
            lines: &lines,
            tries: tries + 1,
        };
        cx.core.request_again(now, tx, flow, &again);
        return;
    }
    if status == StatusCode::INTERVAL_TOO_BRIEF && registration.lengthen(response) {
        return send_register(cx, id);
    }
    let cause = cause_of_response(response);
    registration.failed(now, cause.retry_after, &mut cx.core.ids);
    cx.core.emit(Event::RegistrationFailed { trunk: id, cause });
    plan(cx, id);
}

pub(crate) fn handle_register_failure(cx: &mut Context<'_>, id: TrunkId, entry: &ClientEntry, origin: Origin) {
    let now = cx.now;
    let Some(trunk) = cx.trunks.get_mut(usize::from(id.0)) else {
        return;
    };
    trunk.rest(now, entry.flow, None);
    if let Some(registration) = &mut trunk.registration {
        registration.failed(now, None, &mut cx.core.ids);
    }
    cx.core.emit(Event::RegistrationFailed {
        trunk: id,
        cause: Cause::new(origin),
    });
    plan(cx, id);
}
