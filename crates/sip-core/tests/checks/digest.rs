//! Digest authentication under attack: what must hold for any challenge, any proof and any damage to a right proof.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip_core::message::{AuthParams, Limits, Message, Name, Parsed, Request, Response, parse_datagram};
use sip_core::{
    Config, Credentials, Destination, Endpoint, Event, Flow, Invite, Local, Secret, Target, Transport, TrunkConfig,
};

/// Parts the challenges, the proof, and the damage.
pub const SEPARATOR: u8 = 0xff;

/// Rounds of challenges after which a client must have given up.
const ROUNDS: usize = 8;

/// The first part is header lines of a 401 to us, the second the Authorization of a stranger, the third what is done to a proof
/// that was right.
pub fn digest(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |&byte| byte == SEPARATOR);
    let challenge = parts.next().unwrap_or_default();
    let proof = parts.next().unwrap_or_default();
    let damage = parts.next().unwrap_or_default();
    grammar(challenge);
    grammar(proof);
    challenged(challenge);
    unproven(proof);
    damaged(damage);
}

/// What was read is read again from its own parts.
fn grammar(bytes: &[u8]) {
    let Ok(params) = AuthParams::parse(Bytes::copy_from_slice(bytes)) else {
        return;
    };
    if !params.is_digest() {
        return;
    }
    let pairs: Vec<_> = params.params().collect();
    let mut text = params.scheme().as_bytes().to_vec();
    for (index, (name, value)) in pairs.iter().enumerate() {
        let gap: &[u8] = if index == 0 { b" " } else { b", " };
        text.extend_from_slice(&[gap, name, b"=", value].concat());
    }
    let again = AuthParams::parse(text.into()).expect("its own parts");
    assert_eq!(again.params().collect::<Vec<_>>(), pairs);
}

fn credentials() -> Credentials {
    Credentials {
        user: "alice".to_owned(),
        password: Secret::new("secret"),
    }
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 5060))
}

fn endpoint(last: u8, has_callers: bool) -> Endpoint {
    let config = Config {
        locals: vec![Local::new(Transport::Udp, address(last))],
        callers: if has_callers { vec![credentials()] } else { Vec::new() },
        ..Config::default()
    };
    Endpoint::new(config, [last; 32])
}

/// An endpoint whose INVITE is under way, and that INVITE.
fn caller(now: Instant) -> (Endpoint, Request) {
    let mut endpoint = endpoint(1, false);
    let trunk = TrunkConfig {
        targets: vec![Target {
            transport: Transport::Udp,
            addr: address(2),
        }],
        domain: "carrier.example".to_owned(),
        credentials: Some(credentials()),
        ..TrunkConfig::default()
    };
    let trunk = endpoint.add_trunk(now, trunk);
    let to = Destination::User("0199000001".to_owned());
    let invite = Invite::new(trunk, to, Bytes::from_static(b"v=0\r\n"));
    endpoint.invite(now, invite).expect("a call can be placed");
    let request = requests(&mut endpoint).pop().expect("an INVITE");
    (endpoint, request)
}

fn flow(local: u8, remote: u8) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: address(local),
        remote: address(remote),
    }
}

/// The INVITEs that an endpoint sends.
fn requests(endpoint: &mut Endpoint) -> Vec<Request> {
    let mut found = Vec::new();
    while let Some(transmit) = endpoint.poll_transmit() {
        match parse_datagram(transmit.payload, &Limits::default()) {
            Parsed::Message(Message::Request(request)) if request.method().as_str() == "INVITE" => found.push(request),
            Parsed::Message(_) => {}
            other => panic!("{other:?}"),
        }
    }
    found
}

fn unauthorized(request: &Request, lines: &[u8]) -> Bytes {
    let value = |name| request.headers().named(name).unwrap_or_default();
    let mut out = b"SIP/2.0 401 Unauthorized\r\n".to_vec();
    for name in ["Via", "From", "Call-ID", "CSeq"] {
        out.extend_from_slice(&[name.as_bytes(), b": ", value(name), b"\r\n"].concat());
    }
    out.extend_from_slice(&[b"To: ", value("To"), b";tag=far\r\n", lines].concat());
    if !lines.is_empty() && !lines.ends_with(b"\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    out.into()
}

/// We are challenged again and again: each try is sound and proves something about a challenge that was made, and soon we stop.
fn challenged(lines: &[u8]) {
    let now = Instant::now();
    let (mut endpoint, mut request) = caller(now);
    for round in 0..=ROUNDS {
        let response = unauthorized(&request, lines);
        let realms: Vec<String> = match parse_datagram(response.clone(), &Limits::default()) {
            Parsed::Message(message) => [Name::WwwAuthenticate, Name::ProxyAuthenticate]
                .into_iter()
                .flat_map(|name| {
                    let challenges = message.headers().challenges(name).filter_map(Result::ok);
                    challenges
                        .filter_map(|challenge| challenge.text("realm"))
                        .collect::<Vec<_>>()
                })
                .collect(),
            _ => Vec::new(),
        };
        endpoint.handle_datagram(now, flow(1, 2), response);
        let Some(again) = requests(&mut endpoint).pop() else {
            return;
        };
        assert!(round < ROUNDS, "it tries for ever");
        let proofs = [Name::Authorization, Name::ProxyAuthorization];
        let proofs = proofs.into_iter().flat_map(|name| again.headers().credentials(name));
        let mut count = 0;
        for proof in proofs {
            let proof = proof.expect("a proof of ours is sound");
            assert_eq!(proof.text("username").as_deref(), Some("alice"));
            let realm = proof.text("realm").expect("a realm");
            let plain = |text: &str| text.replace(|c: char| c.is_control(), " ");
            assert!(
                realms.iter().any(|known| plain(known) == realm),
                "{realm:?} of {realms:?}"
            );
            count += 1;
        }
        assert!(count > 0, "sent again without a proof");
        request = again;
    }
}

fn invite(serial: u32, authorization: &[u8]) -> Bytes {
    let mut out = format!(
        "INVITE sip:us@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK{serial}\r\nFrom: <sip:a@b>;tag=t{serial}\r\n\
         To: <sip:us@192.0.2.1>\r\nCall-ID: c{serial}\r\nCSeq: 1 INVITE\r\nContact: <sip:far@192.0.2.9>\r\nMax-Forwards: 70\r\n"
    )
    .into_bytes();
    if !authorization.is_empty() {
        out.extend_from_slice(&[b"Authorization: ", authorization, b"\r\n"].concat());
    }
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    out.into()
}

/// Whether an INVITE with this proof reaches the owner, and the response.
fn try_in(endpoint: &mut Endpoint, now: Instant, message: Bytes) -> (bool, Option<Response>) {
    endpoint.handle_datagram(now, flow(1, 9), message);
    let mut response = None;
    while let Some(transmit) = endpoint.poll_transmit() {
        match parse_datagram(transmit.payload, &Limits::default()) {
            Parsed::Message(Message::Response(read)) => response = Some(read),
            other => panic!("{other:?}"),
        }
    }
    let mut is_in = false;
    while let Some(event) = endpoint.poll_event() {
        is_in |= matches!(event, Event::Incoming { .. });
    }
    (is_in, response)
}

fn challenge_of(endpoint: &mut Endpoint, now: Instant, serial: u32) -> Vec<u8> {
    let (is_in, response) = try_in(endpoint, now, invite(serial, b""));
    assert!(!is_in);
    let response = response.expect("a challenge");
    assert_eq!(response.status().code(), 401);
    let mut lines = Vec::new();
    for value in response.headers().all(Name::WwwAuthenticate) {
        lines.extend_from_slice(&[b"WWW-Authenticate: ", value, b"\r\n"].concat());
    }
    lines
}

/// Nobody gets in without the password. `{nonce}` stands for one that is good.
fn unproven(proof: &[u8]) {
    let now = Instant::now();
    let mut endpoint = endpoint(1, true);
    let challenge = String::from_utf8_lossy(&challenge_of(&mut endpoint, now, 1)).into_owned();
    let nonce = challenge
        .split("nonce=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let nonce = nonce.expect("a nonce").as_bytes();
    let proof = match proof.windows(7).position(|window| window == b"{nonce}") {
        Some(at) => [&proof[..at], nonce, &proof[at + 7..]].concat(),
        None => proof.to_vec(),
    };
    let (is_in, response) = try_in(&mut endpoint, now, invite(2, &proof));
    assert!(!is_in, "without a password: {}", String::from_utf8_lossy(&proof));
    if let Some(response) = response {
        // 400 for what breaks the message, 415, 420… for what a line break in the proof has added.
        assert!(response.status().is_failure());
    }
}

/// A right proof gets in, once. Damaged, it gets in only if it still says the same.
fn damaged(damage: &[u8]) {
    let now = Instant::now();
    let mut guard = endpoint(1, true);
    let lines = challenge_of(&mut guard, now, 1);
    // The caller proves what it would prove to its carrier; the request's own URI is what counts.
    let (mut caller, request) = caller(now);
    let uri = "sip:0199000001@carrier.example";
    caller.handle_datagram(now, flow(1, 2), unauthorized(&request, &lines));
    let again = requests(&mut caller).pop().expect("a try with a proof");
    let proof = again.headers().named("Authorization").expect("a proof").to_vec();
    let address = |message: Bytes| -> Bytes {
        let text = [b"INVITE ", uri.as_bytes(), b" "].concat();
        [&text[..], &message[b"INVITE sip:us@192.0.2.1 ".len()..]]
            .concat()
            .into()
    };
    let mut worse = proof.clone();
    for edit in damage.chunks(3) {
        let at = usize::from(edit[0]) * 2 % (worse.len() + 1);
        match *edit {
            [_, 0..=63, byte] => worse.insert(at, byte),
            [_, 64..=127, length] => drop(worse.drain(at..(at + usize::from(length)).min(worse.len()))),
            [_, kind, byte] if kind >= 128 && at < worse.len() => worse[at] = byte,
            _ => {}
        }
    }
    let (is_in, _) = try_in(&mut guard, now, address(invite(2, &worse)));
    if is_in {
        let read = |proof: &[u8]| AuthParams::parse(Bytes::copy_from_slice(proof)).ok();
        if let (Some(right), Some(worse)) = (read(&proof), read(&worse)) {
            for name in ["username", "realm", "nonce", "uri", "response", "cnonce", "nc"] {
                let text = |params: &AuthParams| params.text(name).map(|text| text.to_ascii_lowercase());
                assert_eq!(text(&right), text(&worse), "{name}");
            }
        }
    } else {
        let (is_in, _) = try_in(&mut guard, now, address(invite(3, &proof)));
        assert!(
            is_in,
            "a right proof is refused after the damaged {}",
            String::from_utf8_lossy(&worse)
        );
    }
    let (is_in, _) = try_in(&mut guard, now, address(invite(4, &proof)));
    assert!(!is_in, "replayed");
    let late = now + Duration::from_secs(3_600);
    let (is_in, _) = try_in(&mut guard, late, address(invite(5, &proof)));
    assert!(!is_in, "replayed later");
}
