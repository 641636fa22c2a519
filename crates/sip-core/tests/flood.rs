//! Real sockets under attack: calls complete while hostile datagrams come from one source and from many.
#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip_core::driver::{Application, Driver};
use sip_core::{
    Config, Counters, Destination, Endpoint, Event, Invite, Local, Target, Transport, TrunkConfig, TrunkId,
};

/// Calls in each direction.
const CALLS: u32 = 100;

/// Hostile datagrams before the first call.
const BEFORE: u64 = 100;

/// How often an agent looks at the attack and at its counters.
const LOOK: Duration = Duration::from_millis(5);

/// Hostile datagrams that must have been sent before the last call ends.
const HOSTILE: u64 = 20_000;

/// Places calls one after the other and answers what comes.
struct Agent<'a> {
    trunk: TrunkId,
    placed: u32,
    ended: u32,
    heard: u32,
    attack: &'a Attack,
    /// Whether it is this one who is attacked, and so stays to the end.
    is_target: bool,
    look: Instant,
    counters: Counters,
}

/// How far the attack is.
#[derive(Default)]
struct Attack {
    has_begun: AtomicBool,
    is_over: AtomicBool,
}

impl Agent<'_> {
    fn place(&mut self, now: Instant, endpoint: &mut Endpoint) {
        if self.placed < CALLS {
            self.placed += 1;
            let to = Destination::User("0199000001".to_owned());
            let invite = Invite::new(self.trunk, to, Bytes::from_static(b"offer"));
            endpoint.invite(now, invite).unwrap();
        }
    }
}

impl Application for Agent<'_> {
    fn handle_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        match event {
            Event::Answered { call, .. } => endpoint.hang_up(now, call).unwrap(),
            Event::Incoming { call, trunk, .. } => {
                assert!(trunk.is_some(), "a stranger came in");
                self.heard += 1;
                endpoint.answer(now, call, Bytes::from_static(b"answer")).unwrap();
            }
            Event::Ended { .. } => {
                self.ended += 1;
                self.place(now, endpoint);
            }
            Event::Failed { cause, .. } => panic!("{cause:?}"),
            _ => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.look)
    }

    fn handle_timeout(&mut self, now: Instant, endpoint: &mut Endpoint) {
        self.look = now + LOOK;
        self.counters = endpoint.counters().clone();
        if self.placed == 0 && self.attack.has_begun.load(Ordering::Relaxed) {
            self.place(now, endpoint);
        }
    }

    fn is_finished(&self) -> bool {
        self.ended >= 2 * CALLS && (!self.is_target || self.attack.is_over.load(Ordering::Relaxed))
    }
}

/// Runs a driver on this thread until its agent is finished.
fn run(own: SocketAddr, peer: SocketAddr, attack: &Attack, is_target: bool) -> Agent<'_> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let config = Config {
            locals: vec![Local::new(Transport::Udp, own)],
            ..Config::default()
        };
        let mut driver = Driver::bind(config, [3; 32]).await.unwrap();
        let trunk = TrunkConfig {
            targets: vec![Target {
                transport: Transport::Udp,
                addr: peer,
            }],
            domain: "carrier.example".to_owned(),
            accept_from: vec![peer.ip()],
            ..TrunkConfig::default()
        };
        let trunk = driver.endpoint().add_trunk(Instant::now(), trunk);
        let agent = Agent {
            trunk,
            placed: 0,
            ended: 0,
            heard: 0,
            attack,
            is_target,
            look: Instant::now(),
            counters: Counters::default(),
        };
        driver.run(agent).await
    })
}

fn hostile(n: u64) -> Vec<u8> {
    let method = match n % 8 {
        0 => return vec![(n >> 3) as u8; 300],
        1 => {
            return format!("INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{n}\r\nFrom: <\r\n\r\n")
                .into_bytes();
        }
        2 => {
            let branch = format!("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{n:016x}\r\n");
            return [
                branch.as_bytes(),
                b"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n\r\n",
            ]
            .concat();
        }
        3 => "OPTIONS",
        4 => "REGISTER",
        5 => "ACK",
        _ => "INVITE",
    };
    format!(
        "{method} sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bK{n};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:100@127.0.0.1>;tag={n}\r\nTo: <sip:100@127.0.0.1>\r\nCall-ID: {n}\r\nCSeq: 1 {method}\r\n\
         Contact: <sip:100@203.0.113.9>\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// Sends until both enough was sent and the calls are over, in small portions, so that the kernel's queue is not the victim.
fn attack(sources: u32, target: SocketAddr, calls_are_over: &AtomicBool, attack: &Attack) {
    let sockets: Vec<UdpSocket> = (0..sources)
        .map(|n| UdpSocket::bind((Ipv4Addr::new(127, 66, (n >> 8) as u8, (n & 0xff) as u8), 0)).unwrap())
        .collect();
    let mut n = 0;
    while n < HOSTILE || !calls_are_over.load(Ordering::Relaxed) {
        for _ in 0..10 {
            let _ = sockets[n as usize % sockets.len()].send_to(&hostile(n), target);
            n += 1;
        }
        if n >= BEFORE {
            attack.has_begun.store(true, Ordering::Relaxed);
        }
        if n >= HOSTILE {
            attack.is_over.store(true, Ordering::Relaxed);
        }
        assert!(n < 100 * HOSTILE, "the calls do not end");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn calls_under_attack(sources: u32) {
    let free = |ip: [u8; 4]| UdpSocket::bind((Ipv4Addr::from(ip), 0)).unwrap().local_addr().unwrap();
    let (own, carrier) = (free([127, 0, 0, 1]), free([127, 0, 0, 2]));
    let (calls_are_over, progress) = (AtomicBool::new(false), Attack::default());
    std::thread::scope(|scope| {
        let far = scope.spawn(|| run(carrier, own, &progress, false));
        scope.spawn(|| attack(sources, own, &calls_are_over, &progress));
        let ours = run(own, carrier, &progress, true);
        calls_are_over.store(true, Ordering::Relaxed);
        let theirs = far.join().unwrap();
        assert_eq!((ours.heard, theirs.heard), (CALLS, CALLS));
        let counters = &ours.counters;
        assert!(
            counters.unreadable > 0 && counters.stray_responses > 0 && counters.dropped > 0,
            "{counters:?}"
        );
    });
}

#[test]
fn calls_complete_while_one_source_attacks() {
    calls_under_attack(1);
}

#[test]
fn calls_complete_while_many_sources_attack() {
    calls_under_attack(500);
}
