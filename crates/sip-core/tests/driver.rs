//! Real sockets: a call between two drivers over each transport.
#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip_core::driver::{Application, Driver, TlsSettings};
use sip_core::{Config, Destination, Endpoint, Event, Invite, Local, Party, Target, Transport, TrunkConfig, TrunkId};

/// Answers one call and waits for its end.
struct Called {
    is_over: bool,
}

impl Application for Called {
    fn handle_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        match event {
            Event::Incoming { call, .. } => {
                endpoint.ring(now, call, None).unwrap();
                endpoint.answer(now, call, Bytes::from_static(b"answer")).unwrap();
            }
            Event::Ended { by, .. } => {
                assert_eq!(by, Party::Remote);
                self.is_over = true;
            }
            _ => {}
        }
    }

    fn is_finished(&self) -> bool {
        self.is_over
    }
}

/// Places one call and hangs up when it is answered.
struct Caller {
    trunk: TrunkId,
    offer: Bytes,
    heard: Vec<&'static str>,
}

impl Application for Caller {
    fn handle_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        match event {
            Event::Provisional { .. } => self.heard.push("ringing"),
            Event::Answered { call, .. } => {
                self.heard.push("answered");
                endpoint.hang_up(now, call).unwrap();
            }
            Event::Ended { .. } => self.heard.push("ended"),
            Event::Failed { cause, .. } => panic!("{cause:?}"),
            _ => {}
        }
    }

    fn handle_wake(&mut self, now: Instant, endpoint: &mut Endpoint) {
        let to = Destination::User("0199000001".to_owned());
        endpoint
            .invite(now, Invite::new(self.trunk, to, self.offer.clone()))
            .unwrap();
    }

    fn is_finished(&self) -> bool {
        self.heard.last() == Some(&"ended")
    }
}

fn localhost() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn localhost_v6() -> SocketAddr {
    "[::1]:0".parse().unwrap()
}

/// A certificate for `carrier.example` and its key, as files.
fn certificate(folder: &Path) -> TlsSettings {
    let made = rcgen::generate_simple_self_signed(["carrier.example".to_owned()]).unwrap();
    let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    TlsSettings {
        authorities: vec![chain.clone()],
        only_those: true,
        identity: Some((chain, key)),
        demand_certificate: false,
    }
}

async fn call(transports: &[Transport], used: Transport, offer: Bytes, tls: Option<&TlsSettings>) {
    call_on(localhost(), transports, used, offer, tls).await;
}

async fn call_on(
    local: SocketAddr,
    transports: &[Transport],
    used: Transport,
    offer: Bytes,
    tls: Option<&TlsSettings>,
) {
    let mut locals: Vec<Local> = transports
        .iter()
        .map(|&transport| Local::new(transport, local))
        .collect();
    let called_config = {
        // A free port for all transports at once: the one that UDP gets.
        let probe = std::net::UdpSocket::bind(local).unwrap();
        let address = probe.local_addr().unwrap();
        let mut locals = locals.clone();
        for local in &mut locals {
            local.addr = address;
        }
        Config {
            locals,
            ..Config::default()
        }
    };
    let mut called = Driver::bind(called_config, [1; 32]).await.unwrap();
    let target = called.endpoint().config().locals[0].addr;
    for each in &mut locals {
        each.addr = local;
    }
    let mut caller = Driver::bind(
        Config {
            locals,
            ..Config::default()
        },
        [2; 32],
    )
    .await
    .unwrap();
    if let Some(tls) = tls {
        called.set_tls(tls).await.unwrap();
        caller
            .set_tls(&TlsSettings {
                identity: None,
                ..tls.clone()
            })
            .await
            .unwrap();
    }
    let now = Instant::now();
    called.endpoint().add_trunk(
        now,
        TrunkConfig {
            accept_from: vec![target.ip()],
            ..TrunkConfig::default()
        },
    );
    let trunk = caller.endpoint().add_trunk(
        now,
        TrunkConfig {
            targets: vec![Target {
                transport: transports[0],
                addr: target,
            }],
            domain: "carrier.example".to_owned(),
            tcp_for_large: true,
            ..TrunkConfig::default()
        },
    );
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    caller.set_tap(Box::new(move |_, _, flow, message| {
        let _ = sender.send((flow.transport, String::from_utf8_lossy(message).into_owned()));
    }));
    let both = async {
        tokio::join!(
            called.run(Called { is_over: false }),
            caller.run(Caller {
                trunk,
                offer,
                heard: Vec::new()
            }),
        )
    };
    let (_, caller) = tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .expect("the call to end");
    assert_eq!(caller.heard, ["ringing", "answered", "ended"]);
    let mut messages = 0;
    let host = match local {
        SocketAddr::V4(_) => "127.0.0.1:",
        SocketAddr::V6(_) => "[::1]:",
    };
    while let Some((transport, message)) = seen.recv().await {
        assert_eq!(transport, used);
        for name in ["Via: ", "Contact: "] {
            let mut lines = message.lines().filter(|line| line.starts_with(name));
            assert!(lines.all(|line| line.contains(host)), "{message}");
        }
        messages += 1;
    }
    assert!(messages >= 5, "{messages}");
}

#[tokio::test]
async fn over_udp() {
    call(&[Transport::Udp], Transport::Udp, Bytes::from_static(b"offer"), None).await;
}

#[tokio::test]
async fn over_tcp() {
    call(&[Transport::Tcp], Transport::Tcp, Bytes::from_static(b"offer"), None).await;
}

#[tokio::test]
async fn over_ipv6_by_every_transport() {
    let folder = tempfile::tempdir().unwrap();
    let tls = certificate(folder.path());
    let offer = Bytes::from_static(b"offer");
    for transport in [Transport::Udp, Transport::Tcp] {
        call_on(localhost_v6(), &[transport], transport, offer.clone(), None).await;
    }
    call_on(localhost_v6(), &[Transport::Tls], Transport::Tls, offer, Some(&tls)).await;
    // The switch to TCP stays in the family.
    let large = Bytes::from(vec![b'x'; 1400]);
    call_on(
        localhost_v6(),
        &[Transport::Udp, Transport::Tcp],
        Transport::Tcp,
        large,
        None,
    )
    .await;
}

#[tokio::test]
async fn over_tls_with_the_certificate_checked() {
    let folder = tempfile::tempdir().unwrap();
    let tls = certificate(folder.path());
    call(
        &[Transport::Tls],
        Transport::Tls,
        Bytes::from_static(b"offer"),
        Some(&tls),
    )
    .await;
}

#[tokio::test]
async fn a_large_invite_goes_by_tcp() {
    call(
        &[Transport::Udp, Transport::Tcp],
        Transport::Tcp,
        Bytes::from(vec![b'x'; 1400]),
        None,
    )
    .await;
}

/// Learns how one call fails.
struct Failing {
    trunk: TrunkId,
    cause: Option<sip_core::Cause>,
}

impl Application for Failing {
    fn handle_event(&mut self, _now: Instant, _endpoint: &mut Endpoint, event: Event) {
        if let Event::Failed { cause, .. } = event {
            self.cause = Some(cause);
        }
    }

    fn handle_wake(&mut self, now: Instant, endpoint: &mut Endpoint) {
        let to = Destination::User("0199000001".to_owned());
        endpoint
            .invite(now, Invite::new(self.trunk, to, Bytes::from_static(b"offer")))
            .unwrap();
    }

    fn is_finished(&self) -> bool {
        self.cause.is_some()
    }
}

async fn failure(transport: Transport, addr: SocketAddr, domain: &str, tls: Option<&TlsSettings>) -> sip_core::Cause {
    let locals = vec![Local::new(transport, localhost())];
    let mut driver = Driver::bind(
        Config {
            locals,
            ..Config::default()
        },
        [3; 32],
    )
    .await
    .unwrap();
    if let Some(tls) = tls {
        driver.set_tls(tls).await.unwrap();
    }
    let trunk = TrunkConfig {
        targets: vec![Target { transport, addr }],
        domain: domain.to_owned(),
        ..TrunkConfig::default()
    };
    let trunk = driver.endpoint().add_trunk(Instant::now(), trunk);
    let run = driver.run(Failing { trunk, cause: None });
    tokio::time::timeout(Duration::from_secs(20), run)
        .await
        .expect("a failure")
        .cause
        .unwrap()
}

#[tokio::test]
async fn a_refused_connection_fails_the_call_at_once() {
    let address = {
        let listener = std::net::TcpListener::bind(localhost()).unwrap();
        listener.local_addr().unwrap()
    };
    let cause = failure(Transport::Tcp, address, "carrier.example", None).await;
    assert_eq!(cause.origin, sip_core::Origin::Transport);
}

#[tokio::test]
async fn a_certificate_with_another_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let tls = certificate(folder.path());
    let address = {
        let probe = std::net::TcpListener::bind(localhost()).unwrap();
        probe.local_addr().unwrap()
    };
    let config = Config {
        locals: vec![Local::new(Transport::Tls, address)],
        ..Config::default()
    };
    let mut called = Driver::bind(config, [1; 32]).await.unwrap();
    called.set_tls(&tls).await.unwrap();
    let task = tokio::spawn(called.run(Called { is_over: false }));
    let client = TlsSettings { identity: None, ..tls };
    let cause = failure(Transport::Tls, address, "impostor.example", Some(&client)).await;
    assert_eq!(cause.origin, sip_core::Origin::Transport);
    task.abort();
}
