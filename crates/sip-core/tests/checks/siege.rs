//! A whole endpoint under siege, in virtual time: what must hold whatever its peers send.
//!
//! The attack is a script: steps that [`SEPARATOR`] parts, so that bytes added to one step leave the others alone. The first byte of
//! a step chooses what happens, one or two more choose among variants, the rest is text that goes into a message as it is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip_core::message::{Limits, Message, Parsed, Request, Response, parse_datagram};
use sip_core::transport::framing::{Frame, Framer};
use sip_core::{
    CallId, Config, Credentials, Destination, Endpoint, Event, Flow, Invite, Local, Reliable, Secret, StatusCode,
    Target, Transport, TrunkConfig, TrunkId,
};

/// Parts the steps of a script.
pub const SEPARATOR: u8 = 0xff;

/// Parts header lines from a body within a step.
pub const BODY: u8 = 0xfe;

const STATUSES: [&str; 32] = [
    "100 Trying",
    "180 Ringing",
    "181 Forwarded",
    "183 Progress",
    "199 Early Dialog Terminated",
    "200 OK",
    "202 Accepted",
    "204 No Notification",
    "299 Odd",
    "300 Multiple Choices",
    "302 Moved",
    "400 Bad",
    "401 Unauthorized",
    "403 No",
    "404 No",
    "407 Proxy Authentication Required",
    "408 Timeout",
    "415 No",
    "420 Bad Extension",
    "422 Small",
    "423 Brief",
    "480 No",
    "481 Gone",
    "486 Busy",
    "487 Terminated",
    "488 No",
    "491 Pending",
    "500 Error",
    "503 Unavailable",
    "504 Timeout",
    "600 Busy",
    "699 Odd",
];

const METHODS: [&str; 10] = [
    "ACK", "BYE", "INVITE", "UPDATE", "PRACK", "INFO", "OPTIONS", "CANCEL", "REFER", "ODD",
];

/// Steps that are looked at; what follows is left out.
const STEPS: usize = 64;

/// Messages that one arrival may cause: more would make us an amplifier.
const ANSWERS: usize = 24;

/// How far a call has come, as its owner was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Placed,
    Answered,
    Incoming,
    Over,
}

/// A dialog as a peer knows it.
struct Known {
    call_id: String,
    ours: String,
    theirs: String,
}

struct Siege {
    endpoint: Endpoint,
    now: Instant,
    trunks: [TrunkId; 2],
    calls: BTreeMap<CallId, Told>,
    /// Our last requests, to be responded to.
    requests: Vec<Request>,
    /// Our last responses with a tag, and requests inside dialogs: what a peer can speak of.
    dialogs: Vec<Known>,
    last: Option<(Flow, Bytes)>,
    nonce: String,
    serial: u64,
}

/// Plays a script against an endpoint, then ends everything.
pub fn siege(script: &[u8]) {
    let mut siege = Siege::new();
    siege.settle(ANSWERS);
    for step in script.split(|&byte| byte == SEPARATOR).take(STEPS) {
        siege.step(step);
    }
    siege.finish();
}

fn address(last: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], port))
}

fn flow(transport: Transport, remote: SocketAddr) -> Flow {
    Flow {
        transport,
        local: address(1, 5060),
        remote,
    }
}

impl Siege {
    fn new() -> Siege {
        let mut config = Config {
            locals: vec![
                Local::new(Transport::Udp, address(1, 5060)),
                Local::new(Transport::Tcp, address(1, 5060)),
            ],
            callers: vec![credentials()],
            ..Config::default()
        };
        config.limits.calls = 24;
        config.limits.server_transactions = 200;
        config.limits.client_transactions = 200;
        let mut endpoint = Endpoint::new(config, [7; 32]);
        let now = Instant::now();
        let target = |transport, last| Target {
            transport,
            addr: address(last, 5060),
        };
        let plain = TrunkConfig {
            name: "plain".to_owned(),
            targets: vec![target(Transport::Udp, 2), target(Transport::Udp, 3)],
            domain: "carrier.example".to_owned(),
            accept_from: vec![address(2, 0).ip()],
            credentials: Some(credentials()),
            tcp_for_large: true,
            ..TrunkConfig::default()
        };
        let mut busy = TrunkConfig {
            name: "busy".to_owned(),
            targets: vec![target(Transport::Tcp, 4)],
            accept_from: vec![address(4, 0).ip()],
            credentials: Some(credentials()),
            register: Some(Duration::from_secs(300)),
            ping: Some(Duration::from_secs(60)),
            reliable_provisional: Reliable::Required,
            ..TrunkConfig::default()
        };
        busy.session_timer.interval = Some(Duration::from_secs(120));
        let trunks = [endpoint.add_trunk(now, plain), endpoint.add_trunk(now, busy)];
        Siege {
            endpoint,
            now,
            trunks,
            calls: BTreeMap::new(),
            requests: Vec::new(),
            dialogs: Vec::new(),
            last: None,
            nonce: String::new(),
            serial: 0,
        }
    }

    fn step(&mut self, step: &[u8]) {
        let (&what, rest) = match step.split_first() {
            Some((what, rest)) => (what, rest),
            None => return,
        };
        let (&one, rest) = rest.split_first().unwrap_or((&0, rest));
        let (&two, text) = rest.split_first().unwrap_or((&0, rest));
        match what % 16 {
            0 => self.datagram(address(2, 5060), Bytes::copy_from_slice(&step[1..])),
            1 => self.datagram(address(66, 5060), Bytes::copy_from_slice(&step[1..])),
            2 => self.respond(one, two, text),
            3 => self.request_inside(one, two, text),
            4 => {
                let invite = self.invite(one, two, text);
                self.datagram(address(2, 5060), invite);
            }
            5 => {
                let invite = self.invite(one, two, text);
                self.datagram(address(66, 5060), invite);
            }
            6 => self.timers(1),
            7 => {
                let end = self.now + Duration::from_millis(1 << (one % 20));
                self.run_until(end);
            }
            8 | 9 => self.act(one, two, text),
            10 | 11 => self.place(one, &[&[two], text].concat()),
            12 => {
                let remote = address(4 + one % 2 * 60, 5060);
                let flow = flow(Transport::Tcp, remote);
                self.endpoint.handle_stream(self.now, flow, &[&[two], text].concat());
                if self.endpoint.is_broken(flow) {
                    self.endpoint.handle_flow_closed(self.now, flow);
                }
                self.settle(ANSWERS * (step.len() / 64 + 1));
            }
            13 => {
                let transport = if one % 2 == 0 { Transport::Udp } else { Transport::Tcp };
                let flow = flow(transport, address(2 + two % 3, 5060));
                self.endpoint.handle_flow_closed(self.now, flow);
                self.settle(1_000);
            }
            14 => {
                if let Some((flow, bytes)) = self.last.clone() {
                    self.endpoint.handle_datagram(self.now, flow, bytes);
                    self.settle(ANSWERS);
                }
            }
            _ => {
                let target = Target {
                    transport: Transport::Udp,
                    addr: address(2 + two % 8, 5060),
                };
                let trunk = self.trunks[usize::from(one % 2)];
                self.endpoint.set_targets(self.now, trunk, vec![target]);
                self.settle(ANSWERS);
            }
        }
    }

    fn datagram(&mut self, source: SocketAddr, bytes: Bytes) {
        let flow = flow(Transport::Udp, source);
        self.last = Some((flow, bytes.clone()));
        self.endpoint.handle_datagram(self.now, flow, bytes);
        self.settle(ANSWERS);
    }

    /// A response to one of our last requests: right in its frame, with anything inside.
    fn respond(&mut self, which: u8, status: u8, text: &[u8]) {
        let count = self.requests.len();
        let Some(request) = count
            .checked_sub(1 + usize::from(which % 8))
            .map(|at| &self.requests[at])
        else {
            return;
        };
        let headers = request.headers();
        let value = |name: &str| headers.named(name).unwrap_or_default();
        let status_text = STATUSES[usize::from(status % 32)];
        let mut out = format!("SIP/2.0 {status_text}\r\n").into_bytes();
        for name in ["Via", "From", "Call-ID", "CSeq"] {
            out.extend_from_slice(&[name.as_bytes(), b": ", value(name), b"\r\n"].concat());
        }
        let to = value("To");
        out.extend_from_slice(&[b"To: ", to].concat());
        if !to.windows(5).any(|window| window == b";tag=") && which & 0x80 == 0 {
            out.extend_from_slice(format!(";tag=far{}", which >> 3 & 3).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        if which & 0x40 == 0 {
            out.extend_from_slice(b"Contact: <sip:far@192.0.2.2>\r\n");
        }
        let is_tcp = value("Via").starts_with(b"SIP/2.0/TCP");
        finish_message(&mut out, text);
        if is_tcp {
            let flow = flow(Transport::Tcp, address(4, 5060));
            self.endpoint.handle_stream(self.now, flow, &out);
            self.settle(ANSWERS);
        } else {
            self.datagram(address(2, 5060), out.into());
        }
    }

    /// A request of the peer inside a dialog.
    fn request_inside(&mut self, which: u8, method: u8, text: &[u8]) {
        let count = self.dialogs.len();
        let Some(dialog) = count
            .checked_sub(1 + usize::from(which % 8))
            .map(|at| &self.dialogs[at])
        else {
            return;
        };
        let method = METHODS[usize::from(method) % METHODS.len()];
        self.serial += 1;
        let sequence = match which >> 3 {
            0 => self.serial,
            n => u64::from(n),
        };
        let mut out = format!(
            "{method} sip:us@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKi{}\r\nFrom: {}\r\nTo: {}\r\n\
             Call-ID: {}\r\nCSeq: {sequence} {method}\r\nContact: <sip:far@192.0.2.2>\r\nMax-Forwards: 70\r\n",
            self.serial, dialog.theirs, dialog.ours, dialog.call_id
        )
        .into_bytes();
        finish_message(&mut out, text);
        self.datagram(address(2, 5060), out.into());
    }

    /// An INVITE (or a CANCEL or ACK of one) outside dialogs.
    fn invite(&mut self, number: u8, kind: u8, text: &[u8]) -> Bytes {
        let method = match kind % 8 {
            6 => "CANCEL",
            7 => "ACK",
            _ => "INVITE",
        };
        let mut out = format!(
            "{method} sip:us@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKo{}\r\nFrom: <sip:a@b>;tag=t{}\r\n\
             To: <sip:us@192.0.2.1>\r\nCall-ID: c{}\r\nCSeq: 1 {method}\r\nContact: <sip:far@192.0.2.2>\r\nMax-Forwards: 70\r\n",
            number,
            number % 16,
            number % 16,
        )
        .into_bytes();
        let text = replace(text, b"{nonce}", self.nonce.as_bytes());
        finish_message(&mut out, &text);
        out.into()
    }

    /// The owner of a call does something.
    fn act(&mut self, which: u8, what: u8, text: &[u8]) {
        let live: Vec<CallId> = self.live();
        let Some(&call) = live.get(usize::from(which) % live.len().max(1)) else {
            return;
        };
        let (now, sdp) = (self.now, Bytes::copy_from_slice(text));
        let endpoint = &mut self.endpoint;
        // What may not be done now is refused, and that is all right.
        let _ = match what % 12 {
            0 => endpoint.hang_up(now, call),
            1 => endpoint.cancel(now, call),
            2 => endpoint.ring(now, call, None),
            3 => endpoint.ring(now, call, Some(sdp)),
            4 | 5 => endpoint.answer(now, call, sdp),
            6 => endpoint.reject(now, call, StatusCode::BUSY_HERE),
            7 => endpoint.reinvite(now, call, sdp),
            8 => endpoint.update(now, call, sdp),
            9 => endpoint.answer_offer(now, call, sdp),
            10 => endpoint.refuse_offer(now, call, StatusCode::NOT_ACCEPTABLE_HERE),
            _ => endpoint.info(now, call, "application/dtmf-relay", sdp),
        };
        self.settle(ANSWERS);
    }

    fn place(&mut self, how: u8, text: &[u8]) {
        let text = String::from_utf8_lossy(text).into_owned();
        let to = if how & 4 == 0 {
            Destination::User(text)
        } else {
            Destination::Uri(text)
        };
        let mut invite = Invite::new(self.trunks[usize::from(how % 2)], to, Bytes::from_static(b"v=0\r\n"));
        if how & 2 != 0 {
            invite.offer = None;
        }
        if how & 8 != 0 {
            invite.display_name = Some("\"Mairie\"\r\nBroken: yes".to_owned());
        }
        if let Ok(call) = self.endpoint.invite(self.now, invite) {
            assert_eq!(self.calls.insert(call, Told::Placed), None, "{call:?} was used before");
        }
        self.settle(ANSWERS);
    }

    fn live(&self) -> Vec<CallId> {
        let live = self.calls.iter().filter(|(_, told)| **told != Told::Over);
        live.map(|(call, _)| *call).collect()
    }

    /// Takes what the endpoint wants to say and to send.
    fn settle(&mut self, most: usize) {
        while let Some(event) = self.endpoint.poll_event() {
            self.hear(event);
        }
        let mut sent = 0;
        while let Some(transmit) = self.endpoint.poll_transmit() {
            sent += 1;
            assert!(sent <= most, "{sent} messages at once");
            self.read(&transmit.payload, transmit.flow);
        }
    }

    fn hear(&mut self, event: Event) {
        let told = |calls: &BTreeMap<CallId, Told>, call| calls.get(&call).copied();
        match event {
            Event::Provisional { call, .. } | Event::EarlyMedia { call, .. } => {
                assert_eq!(told(&self.calls, call), Some(Told::Placed))
            }
            Event::Answered { call, .. } => assert_eq!(self.calls.insert(call, Told::Answered), Some(Told::Placed)),
            Event::Failed { call, .. } => assert_eq!(self.calls.insert(call, Told::Over), Some(Told::Placed)),
            Event::Incoming { call, .. } => assert_eq!(self.calls.insert(call, Told::Incoming), None),
            Event::Confirmed { call } => assert_eq!(told(&self.calls, call), Some(Told::Incoming)),
            Event::Ended { call, .. } => {
                let before = self.calls.insert(call, Told::Over);
                assert!(matches!(before, Some(Told::Answered | Told::Incoming)), "{before:?}");
            }
            Event::Offer { call, .. }
            | Event::OfferWanted { call }
            | Event::OfferAnswered { call, .. }
            | Event::OfferRefused { call, .. }
            | Event::Info { call, .. } => assert_ne!(told(&self.calls, call).unwrap(), Told::Over),
            Event::TrunkUp { .. }
            | Event::TrunkDown { .. }
            | Event::Registered { .. }
            | Event::RegistrationFailed { .. } => {}
        }
    }

    /// Whatever made us say it, what we say is one sound message.
    fn read(&mut self, bytes: &Bytes, flow: Flow) {
        if &bytes[..] == b"\r\n" && flow.transport != Transport::Udp {
            return;
        }
        let limits = Limits {
            message: usize::MAX,
            head: usize::MAX,
            uri: usize::MAX,
            headers: usize::MAX,
            ..Limits::default()
        };
        let mut framer = Framer::new(limits);
        framer.push(bytes);
        let frame = framer.poll();
        assert!(
            matches!(&frame, Some(Frame::Message(message)) if message == bytes) && framer.pending() == 0,
            "{frame:?} and {} bytes more of {}",
            framer.pending(),
            String::from_utf8_lossy(bytes)
        );
        let message = match parse_datagram(bytes.clone(), &limits) {
            Parsed::Message(message) => message,
            other => panic!("{other:?}"),
        };
        let headers = message.headers();
        assert!(headers.named("Broken").is_none(), "a header was smuggled in");
        match message {
            Message::Request(request) => {
                let headers = request.headers();
                assert!(request.uri().is_ok() && headers.via().is_ok() && headers.call_id().is_ok());
                assert!(headers.from().is_ok_and(|from| from.tag().is_some()));
                assert_eq!(&headers.cseq().unwrap().method, request.method());
                if let (Ok(from), Ok(to)) = (headers.from(), headers.to())
                    && to.tag().is_some()
                {
                    self.learn(headers.call_id().unwrap(), &from.to_string(), &to.to_string());
                }
                self.requests.push(request);
                if self.requests.len() > 64 {
                    self.requests.remove(0);
                }
            }
            Message::Response(response) => self.read_response(&response),
        }
    }

    fn read_response(&mut self, response: &Response) {
        let headers = response.headers();
        if let Some(challenge) = headers.named("WWW-Authenticate") {
            let challenge = String::from_utf8_lossy(challenge).into_owned();
            let nonce = challenge
                .split("nonce=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            self.nonce = nonce.expect("a challenge has a nonce").to_owned();
        }
        if let (Ok(from), Ok(to), Ok(call_id)) = (headers.from(), headers.to(), headers.call_id()) {
            self.learn(call_id, &to.to_string(), &from.to_string());
        }
    }

    fn learn(&mut self, call_id: &str, ours: &str, theirs: &str) {
        let is_known = |known: &Known| known.call_id == call_id && known.ours == ours && known.theirs == theirs;
        if !self.dialogs.iter().any(is_known) {
            let known = Known {
                call_id: call_id.to_owned(),
                ours: ours.to_owned(),
                theirs: theirs.to_owned(),
            };
            self.dialogs.push(known);
            if self.dialogs.len() > 64 {
                self.dialogs.remove(0);
            }
        }
    }

    /// Lets timers fire, at most so many times.
    fn timers(&mut self, most: usize) {
        for _ in 0..most {
            let Some(at) = self.endpoint.poll_timeout() else { return };
            self.now = self.now.max(at);
            self.endpoint.handle_timeout(self.now);
            let next = self.endpoint.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "it wants to be woken for ever");
            self.settle(1_000);
        }
    }

    fn run_until(&mut self, end: Instant) {
        for _ in 0..20_000 {
            match self.endpoint.poll_timeout() {
                Some(at) if at <= end => self.timers(1),
                _ => {
                    self.now = self.now.max(end);
                    return;
                }
            }
        }
        panic!("too many timers");
    }

    /// Hangs up whatever is left: every call must end, and be forgotten.
    fn finish(mut self) {
        for call in self.live() {
            let _ = self.endpoint.hang_up(self.now, call);
            self.settle(ANSWERS);
        }
        // Without addresses there are no more pings and registrations, so nothing may be left in the end.
        for trunk in self.trunks {
            self.endpoint.set_targets(self.now, trunk, Vec::new());
            self.settle(ANSWERS);
        }
        let end = self.now + Duration::from_secs(600);
        self.run_until(end);
        assert_eq!(self.live(), [], "calls that never end");
        assert_eq!(self.endpoint.calls(), 0, "calls that are never forgotten");
        assert_eq!(self.endpoint.transactions(), 0, "transactions that are never forgotten");
    }
}

fn credentials() -> Credentials {
    Credentials {
        user: "alice".to_owned(),
        password: Secret::new("secret"),
    }
}

/// Writes the script's header lines and body, with a Content-Length if the script has none.
fn finish_message(out: &mut Vec<u8>, text: &[u8]) {
    let mut parts = text.splitn(2, |&byte| byte == BODY);
    let lines = parts.next().unwrap_or_default();
    let body = parts.next().unwrap_or_default();
    out.extend_from_slice(lines);
    if !lines.is_empty() && !lines.ends_with(b"\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    out.extend_from_slice(body);
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match text.windows(from.len()).position(|window| window == from) {
        Some(at) => [&text[..at], to, &text[at + from.len()..]].concat(),
        None => text.to_vec(),
    }
}
