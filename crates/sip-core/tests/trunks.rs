//! What concerns a trunk: challenges, failover, pings, registration, and who may call us.
#![allow(clippy::unwrap_used)]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use common::{A, B, World, addr, header};
use sip_core::{Credentials, Event, Origin, Secret, StatusCode, Target, Transport, TrunkConfig};

fn alice() -> Credentials {
    Credentials {
        user: "alice".to_owned(),
        password: Secret::new("secret"),
    }
}

fn with_password(seed: u64) -> World {
    World::with(seed, |_, _, trunk| trunk.credentials = Some(alice())).scripted()
}

/// The parameter of a digest header.
fn param<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let rest = value
        .split([',', ' '])
        .map(str::trim)
        .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))?;
    Some(rest.trim_matches('"'))
}

fn failure(world: &mut World) -> sip_core::Cause {
    loop {
        match world.event(A) {
            Event::Failed { cause, .. } => return cause,
            Event::TrunkDown { .. } | Event::TrunkUp { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn challenges_of_every_kind_are_answered() {
    for (status, name, answer) in [
        ("401 Unauthorized", "WWW-Authenticate", "Authorization"),
        (
            "407 Proxy Authentication Required",
            "Proxy-Authenticate",
            "Proxy-Authorization",
        ),
    ] {
        for algorithm in [
            "",
            ", algorithm=MD5",
            ", algorithm=SHA-256",
            ", algorithm=SHA-512-256",
            ", algorithm=MD5-sess",
        ] {
            for qop in ["", ", qop=\"auth\"", ", qop=\"auth-int,auth\""] {
                let mut world = with_password(1);
                world.call();
                let invite = world.last(A, "INVITE");
                let challenge = format!("{name}: Digest realm=\"r\", nonce=\"n1\"{qop}{algorithm}, opaque=\"o\"\r\n");
                world.respond(&invite, status, &challenge, "");
                let again = world.last(A, "INVITE");
                assert_eq!(header(&again, "CSeq"), "2 INVITE", "{challenge}");
                assert_eq!(header(&again, "Call-ID"), header(&invite, "Call-ID"));
                let proof = header(&again, answer);
                assert_eq!(param(proof, "opaque"), Some("o"), "{proof}");
                assert_eq!(param(proof, "nc"), (!qop.is_empty()).then_some("00000001"), "{proof}");
                assert_eq!(param(proof, "algorithm").is_some(), !algorithm.is_empty(), "{proof}");
                assert!(again.ends_with("offer"));
                world.respond(&again, status, &challenge.replace("n1", "n2"), "");
                let cause = failure(&mut world);
                assert_eq!(cause.origin, Origin::Remote, "the password is wrong, and tried once");
                assert_eq!(world.sent(A, "INVITE").len(), 2);
            }
        }
    }
}

#[test]
fn a_stale_nonce_and_a_second_realm_are_no_wrong_password() {
    let mut world = with_password(2);
    let a = world.call();
    let first = "WWW-Authenticate: Digest realm=\"one\", nonce=\"n1\", qop=\"auth\"\r\n";
    let stale = "WWW-Authenticate: Digest realm=\"one\", nonce=\"n2\", qop=\"auth\", stale=TRUE\r\n";
    let second = "Proxy-Authenticate: Digest realm=\"two\", nonce=\"n3\", qop=\"auth\"\r\n";
    for (status, challenge) in [
        ("401 Unauthorized", first),
        ("401 Unauthorized", stale),
        ("407 Proxy Authentication Required", second),
    ] {
        let invite = world.last(A, "INVITE");
        world.respond(&invite, status, challenge, "");
    }
    let invite = world.last(A, "INVITE");
    assert_eq!(param(header(&invite, "Authorization"), "nonce"), Some("n2"));
    assert_eq!(param(header(&invite, "Proxy-Authorization"), "nonce"), Some("n3"));
    let more = "Contact: <sip:far@192.0.2.2>\r\nAuthentication-Info: nextnonce=\"n4\"\r\n";
    world.respond(&invite, "200 OK", more, "answer");
    let ack = world.last(A, "ACK");
    assert_eq!(
        header(&ack, "Authorization"),
        header(&invite, "Authorization"),
        "RFC 3261 §22.1"
    );
    world.sides[A].hang_up(world.now, a).unwrap();
    world.collect();
    let bye = world.last(A, "BYE");
    let proof = header(&bye, "Authorization");
    assert_eq!(
        (param(proof, "nonce"), param(proof, "nc")),
        (Some("n4"), Some("00000001"))
    );
    assert_eq!(
        param(header(&bye, "Proxy-Authorization"), "nc"),
        Some("00000002"),
        "the nonce is used again"
    );
}

#[test]
fn what_we_cannot_answer_is_a_failure() {
    for challenge in [
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"\r\n",
        "WWW-Authenticate: Basic realm=\"r\"\r\n",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=ROT13\r\n",
        "",
    ] {
        let mut world = with_password(3);
        world.call();
        let invite = world.last(A, "INVITE");
        world.respond(&invite, "401 Unauthorized", challenge, "");
        assert_eq!(
            failure(&mut world).status,
            Some(StatusCode::UNAUTHORIZED),
            "{challenge}"
        );
        assert_eq!(world.sent(A, "ACK").len(), 1);
    }
}

#[test]
fn a_challenged_bye_is_sent_again() {
    let mut world = with_password(4);
    let a = world.call();
    let invite = world.last(A, "INVITE");
    world.respond(&invite, "200 OK", "Contact: <sip:far@192.0.2.2>\r\n", "answer");
    world.sides[A].hang_up(world.now, a).unwrap();
    world.collect();
    let bye = world.last(A, "BYE");
    world.respond(
        &bye,
        "407 Nope",
        "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n",
        "",
    );
    let again = world.last(A, "BYE");
    assert_eq!(header(&again, "CSeq"), "3 BYE");
    assert!(again.contains("Proxy-Authorization: Digest"));
    world.respond(&again, "200 OK", "", "");
    assert_eq!(world.sides[A].calls(), 0);
}

fn two_addresses(seed: u64) -> World {
    World::with(seed, |side, _, trunk| {
        if side == A {
            let other = Target {
                transport: Transport::Udp,
                addr: "192.0.2.77:5060".parse().unwrap(),
            };
            trunk.targets.insert(0, other);
        }
    })
}

#[test]
fn a_silent_address_is_left_within_seconds() {
    let mut world = two_addresses(5);
    let a = world.call();
    let Event::Incoming { call: b, .. } = world.event(B) else {
        panic!()
    };
    assert_eq!((world.now - world.zero).as_millis(), 4010);
    world.sides[B]
        .answer(world.now, b, Bytes::from_static(b"answer"))
        .unwrap();
    let Event::Answered { call, .. } = world.event(A) else {
        panic!()
    };
    assert_eq!(call, a);
    let before = world.now;
    world.call();
    let Event::Confirmed { .. } = world.event(B) else {
        panic!()
    };
    let Event::Incoming { .. } = world.event(B) else {
        panic!()
    };
    assert!(
        (world.now - before).as_millis() < 100,
        "the next call goes to the good address at once"
    );
}

#[test]
fn a_503_and_an_unreachable_address_lead_to_the_next() {
    for is_503 in [true, false] {
        let mut world = two_addresses(6).scripted();
        world.call();
        let invite = world.last(A, "INVITE");
        if is_503 {
            world.respond(&invite, "503 Service Unavailable", "", "");
        } else {
            let remote: SocketAddr = "192.0.2.77:5060".parse().unwrap();
            let flow = sip_core::Flow {
                transport: Transport::Udp,
                local: addr(A),
                remote,
            };
            world.sides[A].handle_flow_closed(world.now, flow);
            world.collect();
        }
        let invites = world.sent(A, "INVITE");
        assert_eq!(invites.len(), 2);
        assert_eq!(header(invites[1], "CSeq"), "2 INVITE");
        let invite = world.last(A, "INVITE");
        world.respond(&invite, "503 Service Unavailable", "", "");
        let cause = failure(&mut world);
        assert_eq!(cause.status, Some(StatusCode::SERVICE_UNAVAILABLE));
    }
}

#[test]
fn a_dead_carrier_is_told_within_5_seconds_and_its_return_too() {
    let mut world = World::with(7, |side, _, trunk| {
        trunk.ping = (side == A).then(|| Duration::from_secs(30))
    });
    assert_eq!(world.event(A), Event::TrunkUp { trunk: world.trunks[A] });
    world.filter = Box::new(|_, _| false);
    world.run(Duration::from_secs(3));
    let before = world.now;
    world.call();
    let Event::TrunkDown { .. } = world.event(A) else {
        panic!()
    };
    assert_eq!((world.now - before).as_secs(), 4);
    world.filter = Box::new(|_, _| true);
    world.run(Duration::from_secs(9));
    assert!(
        world.events[A].contains(&Event::TrunkUp { trunk: world.trunks[A] }),
        "{:?}",
        world.events[A]
    );
}

#[test]
fn a_trunk_without_address_is_down_until_its_name_leads_somewhere_and_calls_come_from_there() {
    let mut world = World::with(23, |side, _, trunk| {
        if side == B {
            trunk.targets.clear();
            trunk.accept_from.clear();
            trunk.ping = Some(Duration::from_secs(30));
        }
    });
    let trunk = world.trunks[B];
    for _ in 0..2 {
        world.sides[B].set_targets(world.now, trunk, Vec::new());
    }
    world.collect();
    let Event::TrunkDown { cause, .. } = world.event(B) else {
        panic!("{:?}", world.events[B])
    };
    assert_eq!(cause.reason.as_deref(), Some("no address"));
    world.call();
    assert_eq!(
        failure(&mut world).status,
        Some(StatusCode::FORBIDDEN),
        "a stranger so far"
    );
    assert!(world.events[B].is_empty(), "down is told once: {:?}", world.events[B]);

    let target = Target {
        transport: Transport::Udp,
        addr: addr(A),
    };
    world.sides[B].set_targets(world.now, trunk, vec![target]);
    world.collect();
    assert_eq!(world.event(B), Event::TrunkUp { trunk });
    world.call();
    let Event::Incoming { trunk: Some(from), .. } = world.event(B) else {
        panic!("{}", world.ladder())
    };
    assert_eq!(from, trunk);
}

#[test]
fn pings_alone_tell_up_and_down() {
    let mut world = World::with(8, |side, _, trunk| {
        trunk.ping = (side == A).then(|| Duration::from_secs(30))
    });
    assert_eq!(world.event(A), Event::TrunkUp { trunk: world.trunks[A] });
    world.filter = Box::new(|_, _| false);
    let Event::TrunkDown { cause, .. } = world.event(A) else {
        panic!()
    };
    assert_eq!(cause.origin, Origin::Timeout);
    assert_eq!((world.now - world.zero).as_secs(), 34);
    world.run(Duration::from_secs(100));
    assert!(world.events[A].is_empty(), "down is told once");
    world.filter = Box::new(|_, _| true);
    assert_eq!(world.event(A), Event::TrunkUp { trunk: world.trunks[A] });
    world.run(Duration::from_secs(300));
    assert!(world.events[A].is_empty());
}

fn registering(seed: u64) -> World {
    World::with(seed, |side, _, trunk: &mut TrunkConfig| {
        if side == A {
            trunk.register = Some(Duration::from_secs(600));
            trunk.credentials = Some(alice());
        }
    })
    .scripted()
}

#[test]
fn registration_is_challenged_granted_and_refreshed() {
    let mut world = registering(9);
    world.collect();
    let first = world.last(A, "REGISTER");
    assert!(first.starts_with("REGISTER sip:carrier.example SIP/2.0\r\n"));
    assert_eq!(header(&first, "Expires"), "600");
    world.respond(
        &first,
        "401 Unauthorized",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n",
        "",
    );
    let second = world.last(A, "REGISTER");
    assert_eq!(header(&second, "CSeq"), "2 REGISTER");
    assert_eq!(header(&second, "Call-ID"), header(&first, "Call-ID"));
    let contacts = format!(
        "Contact: <sip:x@192.0.2.9>;expires=10, {};expires=300\r\n",
        header(&second, "Contact")
    );
    world.respond(&second, "200 OK", &contacts, "");
    let expected = Event::Registered {
        trunk: world.trunks[A],
        expires: Duration::from_secs(300),
    };
    assert_eq!(world.event(A), expected);
    let before = world.now;
    world.run(Duration::from_secs(271));
    let third = world.last(A, "REGISTER");
    assert_eq!(header(&third, "CSeq"), "3 REGISTER");
    assert_eq!((world.now - before).as_secs(), 271);
    assert_eq!(param(header(&third, "Authorization"), "nc"), Some("00000002"));
    world.respond(&third, "423 Interval Too Brief", "Min-Expires: 1200\r\n", "");
    assert_eq!(header(&world.last(A, "REGISTER"), "Expires"), "1200");
}

#[test]
fn a_failed_registration_is_told_and_tried_again() {
    let mut world = registering(10);
    world.collect();
    let first = world.last(A, "REGISTER");
    world.respond(&first, "403 Forbidden", "", "");
    let Event::RegistrationFailed { cause, .. } = world.event(A) else {
        panic!()
    };
    assert_eq!(cause.status, Some(StatusCode::FORBIDDEN));
    world.run(Duration::from_secs(11));
    assert!(world.sent(A, "REGISTER").len() >= 2, "{}", world.ladder());
}

/// An INVITE as a carrier would send it, to be changed.
fn some_invite() -> (World, String) {
    let mut world = World::with(11, |_, config, _| config.limits.refusals_per_second = 10).scripted();
    world.call();
    let invite = world.last(A, "INVITE");
    (world, invite)
}

#[test]
fn strangers_get_403_at_a_limited_rate_and_learn_nothing() {
    let (mut world, invite) = some_invite();
    for n in 0..1000 {
        let source = format!("203.0.113.{}:5060", n % 250).parse().unwrap();
        for method in ["INVITE", "OPTIONS", "REGISTER"] {
            let request = invite
                .replace("INVITE", method)
                .replace("z9hG4bK", &format!("z9hG4bK{n}"));
            world.deliver_from(B, source, &request);
        }
        world.deliver_from(B, source, "INVITE sip:broken\r\n\r\n");
    }
    let answers = world.sent(B, "SIP/2.0");
    assert_eq!(answers.len(), 10);
    for answer in answers {
        assert!(answer.starts_with("SIP/2.0 403 Forbidden"), "{answer}");
        for trace in ["Server", "Allow", "User-Agent", "Contact", "tocsin"] {
            assert!(!answer.contains(trace), "{answer}");
        }
    }
    assert!(world.events[B].is_empty());
    assert_eq!(world.sides[B].calls(), 0);
    assert!(world.sides[B].counters().dropped > 2000);
    assert_eq!(world.sides[B].poll_timeout(), None, "nothing is remembered");
}

#[test]
fn one_address_cannot_use_up_the_answers_of_all() {
    let (mut world, invite) = some_invite();
    let loud = "203.0.113.66:5060".parse().unwrap();
    for n in 0..1000 {
        world.deliver_from(B, loud, &invite.replace("z9hG4bK", &format!("z9hG4bK{n}")));
    }
    assert_eq!(world.sent(B, "SIP/2.0 403").len(), 5);
    for n in 0..4 {
        let quiet = format!("203.0.113.{}:5060", 67 + n).parse().unwrap();
        world.deliver_from(B, quiet, &invite.replace("z9hG4bK", &format!("z9hG4bKquiet{n}")));
    }
    // One of 4,096 places may be the loud one's, by a hash whose key differs from run to run; four are not.
    assert!((6..=9).contains(&world.sent(B, "SIP/2.0 403").len()));
}

#[test]
fn a_telephone_with_the_password_gets_through_while_others_guess() {
    let mut world = World::with(14, |side, config, trunk| {
        if side == B {
            config.callers = vec![alice()];
            trunk.accept_from.clear();
        } else {
            trunk.credentials = Some(alice());
        }
    });
    world.call();
    let invite = world.last(A, "INVITE");
    // Proofs for a nonce that is not ours cost no digest, and soon nothing at all.
    let guess = "Authorization: Digest username=\"alice\", realm=\"tocsin\", nonce=\"0\", uri=\"sip:0199000001@carrier.example\", \
                 response=\"00000000000000000000000000000000\", qop=auth, nc=00000001, cnonce=\"x\"\r\nContent-Type";
    for n in 0..1000 {
        let source = format!("203.0.113.{}:5060", n % 20).parse().unwrap();
        let request = invite.replace("z9hG4bK", &format!("z9hG4bK{n}"));
        world.deliver_from(B, source, &request);
        world.deliver_from(
            B,
            source,
            &request.replace("Content-Type", guess).replace("z9hG4bK", "z9hG4bKg"),
        );
    }
    // Each address has its part. Few of 4,096 places are shared, by a hash whose key differs from run to run.
    let answers = world.sent(B, "SIP/2.0 401").len();
    assert!((16 * 5..=20 * 5).contains(&answers), "{answers}");
    let Event::Incoming { trunk: None, .. } = world.event(B) else {
        panic!("{}", world.ladder())
    };
    assert!(world.events[B].is_empty());
}

#[test]
fn a_stranger_with_the_password_may_call() {
    let mut world = World::with(12, |side, config, trunk| {
        if side == B {
            config.callers = vec![alice()];
            trunk.accept_from.clear();
        } else {
            trunk.credentials = Some(alice());
        }
    });
    world.call();
    let Event::Incoming {
        call: b, trunk: None, ..
    } = world.event(B)
    else {
        panic!()
    };
    let proven = world.last(A, "INVITE");
    assert_eq!(param(header(&proven, "Authorization"), "algorithm"), Some("SHA-256"));
    world.sides[B]
        .answer(world.now, b, Bytes::from_static(b"answer"))
        .unwrap();
    let Event::Answered { .. } = world.event(A) else {
        panic!()
    };
    let Event::Confirmed { .. } = world.event(B) else {
        panic!()
    };
    // Somebody overheard the INVITE and sends it as their own.
    let replayed = proven
        .replace("z9hG4bK", "z9hG4bKreplayed")
        .replace("Call-ID: ", "Call-ID: other");
    world.deliver(B, &replayed);
    let answer = world.last(B, "SIP/2.0");
    assert!(answer.starts_with("SIP/2.0 401"), "{answer}");
    assert!(answer.contains("stale=true"));
    assert!(world.events[B].is_empty());
}

#[test]
fn a_stranger_with_a_wrong_password_may_not() {
    let mut world = World::with(13, |side, config, trunk| {
        if side == B {
            config.callers = vec![alice()];
            trunk.accept_from.clear();
        } else {
            trunk.credentials = Some(Credentials {
                password: Secret::new("guess"),
                ..alice()
            });
        }
    });
    world.call();
    assert_eq!(failure(&mut world).status, Some(StatusCode::FORBIDDEN));
    assert!(world.events[B].is_empty());
}

/// Found by fuzzing: without a domain the address stands for it, port and all.
#[test]
fn a_trunk_without_a_domain_says_who_it_is() {
    let mut world = World::with(31, |side, _, trunk| {
        if side == A {
            trunk.domain = String::new();
            trunk.identity.user = Some("0322".to_owned());
            trunk.ping = Some(Duration::from_secs(60));
            trunk.register = Some(Duration::from_secs(600));
        }
    })
    .scripted();
    world.collect();
    for method in ["OPTIONS", "REGISTER"] {
        let request = world.last(A, method);
        assert!(
            request.starts_with(&format!("{method} sip:192.0.2.2:5060 SIP/2.0\r\n")),
            "{request}"
        );
        assert!(
            header(&request, "From").starts_with("<sip:0322@192.0.2.2:5060>;tag="),
            "{request}"
        );
    }
    assert_eq!(header(&world.last(A, "REGISTER"), "To"), "<sip:0322@192.0.2.2:5060>");
}

/// Found by fuzzing: the first address was given up for its silence, and rings after all.
#[test]
fn an_invite_that_rings_where_it_was_left_is_cancelled() {
    let mut world = two_addresses(32).scripted();
    world.call();
    let first = world.last(A, "INVITE");
    world.run(Duration::from_secs(5));
    let second = world.last(A, "INVITE");
    assert_ne!(header(&first, "Via"), header(&second, "Via"), "tried elsewhere");
    world.respond(&first, "180 Ringing", "", "");
    world.respond(&first, "180 Ringing", "", "");
    let cancels = world.sent(A, "CANCEL");
    assert_eq!(cancels.len(), 1);
    assert_eq!(header(cancels[0], "Via"), header(&first, "Via"));
}
