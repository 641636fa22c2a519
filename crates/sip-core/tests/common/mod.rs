//! A virtual network with two endpoints on it, in virtual time.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::type_complexity)]

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sip_core::{
    CallId, Config, Destination, Endpoint, Event, Flow, Invite, Local, Target, Transport, TrunkConfig, TrunkId,
};

pub const A: usize = 0;
pub const B: usize = 1;

pub fn addr(side: usize) -> SocketAddr {
    format!("192.0.2.{}:5060", side + 1).parse().unwrap()
}

/// How bad the network is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// Out of 1000 messages, how many are lost.
    pub loss: u32,
    /// Out of 1000 messages, how many arrive twice.
    pub twice: u32,
    /// Longest extra delay; it reorders.
    pub jitter: Duration,
}

pub struct World {
    pub now: Instant,
    pub zero: Instant,
    pub sides: [Endpoint; 2],
    pub trunks: [TrunkId; 2],
    pub events: [VecDeque<Event>; 2],
    /// Everything that was sent, as text, with its sender.
    pub wire: Vec<(usize, String)>,
    pub weather: Weather,
    /// Called for each message: whether it is let through.
    pub filter: Box<dyn FnMut(usize, &str) -> bool>,
    flying: BTreeMap<(Instant, u64), (usize, Bytes)>,
    serial: u64,
    rng: ChaCha8Rng,
}

impl World {
    pub fn new(seed: u64) -> World {
        World::with(seed, |_, _, _| {})
    }

    /// Two endpoints, each of which has the other as its trunk.
    pub fn with(seed: u64, adjust: impl Fn(usize, &mut Config, &mut TrunkConfig)) -> World {
        let zero = Instant::now();
        let mut trunks = [TrunkId(0); 2];
        let sides = [A, B].map(|side| {
            let mut config = Config {
                locals: vec![Local::new(Transport::Udp, addr(side))],
                ..Config::default()
            };
            let mut trunk = TrunkConfig {
                name: "peer".to_owned(),
                targets: vec![Target {
                    transport: Transport::Udp,
                    addr: addr(1 - side),
                }],
                domain: "carrier.example".to_owned(),
                accept_from: vec![addr(1 - side).ip()],
                ..TrunkConfig::default()
            };
            trunk.identity.user = Some(format!("side{side}"));
            adjust(side, &mut config, &mut trunk);
            let mut seeds = [side as u8; 32];
            seeds[..8].copy_from_slice(&seed.to_le_bytes());
            let mut endpoint = Endpoint::new(config, seeds);
            trunks[side] = endpoint.add_trunk(zero, trunk);
            endpoint
        });
        World {
            now: zero,
            zero,
            sides,
            trunks,
            events: [VecDeque::new(), VecDeque::new()],
            wire: Vec::new(),
            weather: Weather::default(),
            filter: Box::new(|_, _| true),
            flying: BTreeMap::new(),
            serial: 0,
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// A calls B.
    pub fn call(&mut self) -> CallId {
        self.call_with(|_| {})
    }

    pub fn call_with(&mut self, adjust: impl FnOnce(&mut Invite)) -> CallId {
        let to = Destination::User("0199000001".to_owned());
        let mut invite = Invite::new(self.trunks[A], to, Bytes::from_static(b"offer"));
        adjust(&mut invite);
        let call = self.sides[A].invite(self.now, invite).unwrap();
        self.collect();
        call
    }

    /// Sends what the endpoints want to send, and takes their events.
    pub fn collect(&mut self) {
        for side in [A, B] {
            while let Some(transmit) = self.sides[side].poll_transmit() {
                let text = String::from_utf8_lossy(&transmit.payload).into_owned();
                assert_eq!(transmit.flow.local, addr(side));
                let passes = (self.filter)(side, &text);
                self.wire.push((side, text));
                if passes && transmit.flow.remote == addr(1 - side) {
                    self.launch(1 - side, transmit.payload);
                }
            }
            while let Some(event) = self.sides[side].poll_event() {
                self.events[side].push_back(event);
            }
        }
    }

    fn launch(&mut self, to: usize, payload: Bytes) {
        let copies = if self.rng.random_range(0..1000) < self.weather.twice {
            2
        } else {
            1
        };
        for _ in 0..copies {
            if self.rng.random_range(0..1000) < self.weather.loss {
                continue;
            }
            let jitter = self.rng.random_range(0..=self.weather.jitter.as_micros() as u64);
            let at = self.now + Duration::from_millis(10) + Duration::from_micros(jitter);
            self.serial += 1;
            self.flying.insert((at, self.serial), (to, payload.clone()));
        }
    }

    /// Hands a message to `side` as if it came from the other one.
    pub fn deliver(&mut self, side: usize, text: &str) {
        self.deliver_from(side, addr(1 - side), text);
    }

    pub fn deliver_from(&mut self, side: usize, source: SocketAddr, text: &str) {
        let flow = Flow {
            transport: Transport::Udp,
            local: addr(side),
            remote: source,
        };
        self.sides[side].handle_datagram(self.now, flow, Bytes::copy_from_slice(text.as_bytes()));
        self.collect();
    }

    /// When the next thing happens.
    pub fn next(&self) -> Option<Instant> {
        let arrival = self.flying.keys().next().map(|(at, _)| *at);
        let timer = [A, B].iter().filter_map(|&side| self.sides[side].poll_timeout()).min();
        [arrival, timer].into_iter().flatten().min()
    }

    /// The next thing that happens: a message arrives or a timer fires. False if nothing will.
    pub fn step(&mut self) -> bool {
        self.collect();
        let arrival = self.flying.keys().next().map(|(at, _)| *at);
        let timer = [A, B].iter().filter_map(|&side| self.sides[side].poll_timeout()).min();
        let Some(next) = [arrival, timer].into_iter().flatten().min() else {
            return false;
        };
        self.now = self.now.max(next);
        if arrival == Some(next) {
            let ((_, _), (to, payload)) = self.flying.pop_first().unwrap();
            let flow = Flow {
                transport: Transport::Udp,
                local: addr(to),
                remote: addr(1 - to),
            };
            self.sides[to].handle_datagram(self.now, flow, payload);
        } else {
            for side in [A, B] {
                self.sides[side].handle_timeout(self.now);
            }
        }
        self.collect();
        true
    }

    /// Runs until an event of `side` is there, and takes it.
    pub fn event(&mut self, side: usize) -> Event {
        loop {
            if let Some(event) = self.events[side].pop_front() {
                return event;
            }
            assert!(self.step(), "no event will come; wire:\n{}", self.ladder());
        }
    }

    /// Runs for a time.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.collect();
            let arrival = self.flying.keys().next().map(|(at, _)| *at);
            let timer = [A, B].iter().filter_map(|&side| self.sides[side].poll_timeout()).min();
            match [arrival, timer].into_iter().flatten().min() {
                Some(next) if next <= end => {
                    self.step();
                }
                _ => break,
            }
        }
        self.now = end;
    }

    /// Runs until nothing happens any more.
    pub fn finish(&mut self) {
        while self.step() {}
    }

    /// The first lines of all that was sent.
    pub fn ladder(&self) -> String {
        self.wire
            .iter()
            .map(|(side, text)| {
                let cseq = text.lines().find(|line| line.starts_with("CSeq")).unwrap_or_default();
                format!(
                    "{} {} [{cseq}]\n",
                    ["A>", "<B"][*side],
                    text.lines().next().unwrap_or_default()
                )
            })
            .collect()
    }

    /// The messages of one side whose first line begins with `start`.
    pub fn sent(&self, side: usize, start: &str) -> Vec<&str> {
        self.wire
            .iter()
            .filter(|(from, text)| *from == side && text.starts_with(start))
            .map(|(_, text)| text.as_str())
            .collect()
    }

    /// Sets up a call from A to B and gives both handles.
    pub fn established(&mut self) -> (CallId, CallId) {
        let a = self.call();
        let Event::Incoming { call: b, .. } = self.event(B) else {
            panic!("{}", self.ladder())
        };
        self.sides[B]
            .answer(self.now, b, Bytes::from_static(b"answer"))
            .unwrap();
        let Event::Answered { .. } = self.event(A) else {
            panic!("{}", self.ladder())
        };
        let Event::Confirmed { .. } = self.event(B) else {
            panic!("{}", self.ladder())
        };
        (a, b)
    }
}

impl World {
    /// Cuts the wire: the test plays the other side by hand.
    pub fn scripted(mut self) -> World {
        self.filter = Box::new(|_, _| false);
        self
    }

    /// The last message of a side that begins with `start`.
    pub fn last(&self, side: usize, start: &str) -> String {
        self.sent(side, start)
            .last()
            .unwrap_or_else(|| panic!("no {start} in\n{}", self.ladder()))
            .to_string()
    }

    /// Responds to a request of A as its carrier.
    pub fn respond(&mut self, request: &str, status: &str, more: &str, body: &str) {
        let response = response(request, status, more, body);
        self.deliver(A, &response);
    }
}

/// A response to a request, with tag `far` in To.
pub fn response(request: &str, status: &str, more: &str, body: &str) -> String {
    let to = header(request, "To");
    let tag = if to.contains(";tag=") || status.starts_with("100") {
        ""
    } else {
        ";tag=far"
    };
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!(
        "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {to}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n{more}{kind}Content-Length: {}\r\n\r\n{body}",
        header(request, "Via"),
        header(request, "From"),
        header(request, "Call-ID"),
        header(request, "CSeq"),
        body.len(),
    )
}

/// The value of a header in a message as text.
pub fn header<'a>(message: &'a str, name: &str) -> &'a str {
    message
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("no {name} in\n{message}"))
}
