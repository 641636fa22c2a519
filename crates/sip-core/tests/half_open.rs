//! A million INVITEs that nobody will ever acknowledge: what they can make us remember is bounded.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip_core::{Config, Endpoint, Event, Flow, Limits, Local, StatusCode, Transport, TrunkConfig};

const ATTEMPTS: u32 = 1_000_000;

fn endpoint(now: Instant) -> Endpoint {
    let config = Config {
        locals: vec![Local::new(Transport::Udp, "192.0.2.1:5060".parse().unwrap())],
        limits: Limits {
            calls: 200,
            server_transactions: 1_000,
            ..Limits::default()
        },
        ..Config::default()
    };
    let mut endpoint = Endpoint::new(config, [1; 32]);
    let trunk = TrunkConfig {
        accept_from: vec!["192.0.2.2".parse().unwrap()],
        ..TrunkConfig::default()
    };
    endpoint.add_trunk(now, trunk);
    endpoint
}

fn flow(source: &str) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: source.parse::<SocketAddr>().unwrap(),
    }
}

fn invite(n: u32) -> Bytes {
    format!(
        "INVITE sip:us@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK{n}\r\nFrom: <sip:a@b>;tag={n}\r\n\
         To: <sip:us@192.0.2.1>\r\nCall-ID: {n}\r\nCSeq: 1 INVITE\r\nContact: <sip:a@192.0.2.2>\r\nMax-Forwards: 70\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .into()
}

/// Sends all the INVITEs within 100 s, with the timers in between. How many were let in, and how much was sent back.
fn attack(endpoint: &mut Endpoint, mut now: Instant, source: &str, answer: Option<StatusCode>) -> (u32, u32) {
    let flow = flow(source);
    let (mut let_in, mut sent) = (0, 0);
    for n in 0..ATTEMPTS {
        now += Duration::from_micros(100);
        if endpoint.poll_timeout().is_some_and(|at| at <= now) {
            endpoint.handle_timeout(now);
        }
        endpoint.handle_datagram(now, flow, invite(n));
        while let Some(event) = endpoint.poll_event() {
            if let Event::Incoming { call, .. } = event {
                let_in += 1;
                if let Some(status) = answer {
                    endpoint.reject(now, call, status).unwrap();
                }
            }
        }
        while endpoint.poll_transmit().is_some() {
            sent += 1;
        }
        assert!(endpoint.calls() <= 200 && endpoint.transactions() <= 1_000);
    }
    // When the attack is over everything is forgotten.
    let end = now + Duration::from_secs(600);
    while let Some(at) = endpoint.poll_timeout().filter(|&at| at <= end) {
        endpoint.handle_timeout(at);
        while endpoint.poll_event().is_some() || endpoint.poll_transmit().is_some() {}
    }
    assert_eq!((endpoint.calls(), endpoint.transactions()), (0, 0));
    (let_in, sent)
}

#[test]
fn a_million_half_open_calls_of_a_carrier_are_bounded() {
    let now = Instant::now();
    let mut endpoint = endpoint(now);
    let (let_in, _) = attack(&mut endpoint, now, "192.0.2.2:5060", None);
    assert!(let_in >= 200, "{let_in}");
}

#[test]
fn a_million_refused_calls_that_are_never_acknowledged_are_bounded() {
    let now = Instant::now();
    let mut endpoint = endpoint(now);
    let (let_in, _) = attack(&mut endpoint, now, "192.0.2.2:5060", Some(StatusCode::BUSY_HERE));
    assert!(let_in >= 1_000, "{let_in}");
}

#[test]
fn a_million_calls_of_strangers_leave_nothing_and_get_little() {
    let now = Instant::now();
    let mut endpoint = endpoint(now);
    let (let_in, sent) = attack(&mut endpoint, now, "203.0.113.9:5060", None);
    assert_eq!(let_in, 0);
    assert!(sent <= 5 * 101, "{sent} answers in 100 s");
}
