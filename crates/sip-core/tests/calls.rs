//! Calls between two endpoints on a perfect network: each way to begin, change and end one.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{A, B, World, header};
use sip_core::{CallError, Event, Origin, Party, StatusCode};

#[test]
fn a_call_is_placed_answered_and_ended() {
    let mut world = World::new(1);
    let a = world.call();
    let Event::Incoming {
        call: b,
        trunk,
        from,
        to,
        sdp,
        ..
    } = world.event(B)
    else {
        panic!()
    };
    assert_eq!(trunk, Some(world.trunks[B]));
    assert_eq!((&*from.user, &*to.user), ("side0", "0199000001"));
    assert_eq!(sdp.as_deref(), Some(&b"offer"[..]));
    world.sides[B].ring(world.now, b, None).unwrap();
    assert_eq!(
        world.event(A),
        Event::Provisional {
            call: a,
            status: StatusCode::RINGING,
            sdp: None
        }
    );
    world.sides[B]
        .answer(world.now, b, Bytes::from_static(b"answer"))
        .unwrap();
    assert_eq!(
        world.event(A),
        Event::Answered {
            call: a,
            sdp: Some(Bytes::from_static(b"answer"))
        }
    );
    assert_eq!(world.event(B), Event::Confirmed { call: b });
    world.sides[A].hang_up(world.now, a).unwrap();
    let Event::Ended { call, by, cause } = world.event(A) else {
        panic!()
    };
    assert_eq!((call, by, cause.origin), (a, Party::Local, Origin::Local));
    let Event::Ended { call, by, .. } = world.event(B) else {
        panic!()
    };
    assert_eq!((call, by), (b, Party::Remote));
    world.finish();
    let expected = "A> INVITE sip:0199000001@carrier.example SIP/2.0 [CSeq: 1 INVITE]\n\
        <B SIP/2.0 100 Trying [CSeq: 1 INVITE]\n\
        <B SIP/2.0 180 Ringing [CSeq: 1 INVITE]\n\
        <B SIP/2.0 200 OK [CSeq: 1 INVITE]\n\
        A> ACK sip:0199000001@192.0.2.2:5060 SIP/2.0 [CSeq: 1 ACK]\n\
        A> BYE sip:0199000001@192.0.2.2:5060 SIP/2.0 [CSeq: 2 BYE]\n\
        <B SIP/2.0 200 OK [CSeq: 2 BYE]\n";
    assert_eq!(world.ladder(), expected);
    assert_eq!((world.sides[A].calls(), world.sides[B].calls()), (0, 0));
    assert_eq!(world.sides[A].hang_up(world.now, a), Err(CallError::Unknown));
}

#[test]
fn the_called_side_hangs_up() {
    let mut world = World::new(2);
    let (a, b) = world.established();
    world.sides[B].hang_up(world.now, b).unwrap();
    let Event::Ended {
        call,
        by: Party::Remote,
        ..
    } = world.event(A)
    else {
        panic!()
    };
    assert_eq!(call, a);
    world.finish();
    let bye = world.sent(B, "BYE")[0];
    assert!(bye.starts_with("BYE sip:side0@192.0.2.1:5060 SIP/2.0\r\n"), "{bye}");
    assert_eq!(header(bye, "CSeq"), "1 BYE");
}

#[test]
fn nobody_answers() {
    let mut world = World::new(3);
    let a = world.call_with(|invite| invite.ring_timeout = Duration::from_secs(20));
    let Event::Incoming { call: b, .. } = world.event(B) else {
        panic!()
    };
    world.sides[B].ring(world.now, b, None).unwrap();
    let Event::Provisional { .. } = world.event(A) else {
        panic!()
    };
    let Event::Failed { call, cause } = world.event(A) else {
        panic!()
    };
    assert_eq!((call, cause.origin), (a, Origin::RingTimeout));
    assert_eq!(cause.status, Some(StatusCode::REQUEST_TERMINATED));
    assert_eq!((world.now - world.zero).as_secs(), 20);
    let Event::Ended {
        call,
        by: Party::Remote,
        ..
    } = world.event(B)
    else {
        panic!()
    };
    assert_eq!(call, b);
    world.finish();
    assert!(world.ladder().contains("A> CANCEL"), "{}", world.ladder());
    assert_eq!((world.sides[A].calls(), world.sides[B].calls()), (0, 0));
}

#[test]
fn a_cancel_waits_for_a_provisional_response() {
    let mut world = World::new(4).scripted();
    let a = world.call();
    world.sides[A].hang_up(world.now, a).unwrap();
    world.collect();
    assert!(world.sent(A, "CANCEL").is_empty());
    let invite = world.last(A, "INVITE");
    world.respond(&invite, "100 Trying", "", "");
    let cancel = world.last(A, "CANCEL");
    assert_eq!(header(&cancel, "Via"), header(&invite, "Via"));
    assert_eq!(header(&cancel, "CSeq"), "1 CANCEL");
    world.respond(&cancel, "200 OK", "", "");
    world.respond(&invite, "487 Request Terminated", "", "");
    let Event::Failed { cause, .. } = world.event(A) else {
        panic!()
    };
    assert_eq!(cause.origin, Origin::Local);
    assert_eq!(world.sent(A, "ACK").len(), 1);
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let mut world = World::new(5);
    let a = world.call();
    let Event::Incoming { call: b, .. } = world.event(B) else {
        panic!()
    };
    world.run(Duration::from_millis(50));
    world.sides[B]
        .answer(world.now, b, Bytes::from_static(b"answer"))
        .unwrap();
    world.sides[A].hang_up(world.now, a).unwrap();
    let Event::Failed { call, cause } = world.event(A) else {
        panic!()
    };
    assert_eq!(
        (call, cause.origin, cause.status),
        (a, Origin::Local, Some(StatusCode::OK))
    );
    assert_eq!(world.event(B), Event::Confirmed { call: b });
    let Event::Ended { by: Party::Remote, .. } = world.event(B) else {
        panic!()
    };
    world.finish();
    assert_eq!((world.sides[A].calls(), world.sides[B].calls()), (0, 0));
}

#[test]
fn a_refusal_tells_its_cause() {
    for (status, more, q850, retry) in [
        (
            "486 Busy Here",
            "Reason: Q.850;cause=17;text=\"User busy\"\r\n",
            Some(17),
            None,
        ),
        (
            "503 Service Unavailable",
            "Retry-After: 7 (maintenance);duration=3\r\n",
            None,
            Some(7),
        ),
        (
            "404 Not Found",
            "Reason: SIP;cause=404, Q.850 ;cause=1\r\n",
            Some(1),
            None,
        ),
        ("608 Rejected", "", None, None),
    ] {
        let mut world = World::new(6).scripted();
        world.call();
        let invite = world.last(A, "INVITE");
        world.respond(&invite, status, more, "");
        let cause = loop {
            match world.event(A) {
                Event::Failed { cause, .. } => break cause,
                Event::TrunkDown { .. } => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(
            cause.status.map(|s| s.code().to_string()).as_deref(),
            Some(&status[..3])
        );
        assert_eq!(cause.q850, q850, "{status}");
        assert_eq!(cause.retry_after, retry.map(Duration::from_secs), "{status}");
        let ack = world.last(A, "ACK");
        assert_eq!(header(&ack, "Via"), header(&invite, "Via"));
        assert!(header(&ack, "To").ends_with(";tag=far"));
    }
}

#[test]
fn a_lost_ack_is_sent_again() {
    let mut world = World::new(7);
    let mut lost = 0;
    world.filter = Box::new(move |side, text| {
        let is_ack = side == A && text.starts_with("ACK");
        lost += u32::from(is_ack);
        !(is_ack && lost <= 2)
    });
    let (_, _) = world.established();
    assert_eq!(world.sent(A, "ACK").len(), 3);
    let acks = world.sent(A, "ACK");
    assert!(acks.iter().all(|ack| *ack == acks[0]));
}

#[test]
fn no_ack_ends_the_call() {
    let mut world = World::new(8);
    world.filter = Box::new(|side, text| !(side == A && text.starts_with("ACK")));
    world.call();
    let Event::Incoming { call: b, .. } = world.event(B) else {
        panic!()
    };
    world.sides[B]
        .answer(world.now, b, Bytes::from_static(b"answer"))
        .unwrap();
    let Event::Ended { cause, .. } = world.event(B) else {
        panic!()
    };
    assert_eq!(cause.origin, Origin::Timeout);
    let Event::Answered { .. } = world.event(A) else {
        panic!()
    };
    let Event::Ended { by: Party::Remote, .. } = world.event(A) else {
        panic!()
    };
}

#[test]
fn what_is_not_understood_is_refused_as_the_rfc_says() {
    for (name, edit, expected) in [
        (
            "unknown extension",
            ("Max-Forwards: 70", "Max-Forwards: 70\r\nRequire: 100rel, teleport"),
            "420 ",
        ),
        ("unknown method", ("INVITE", "JUGGLE"), "501 "),
        ("method not served", ("INVITE", "REGISTER"), "405 "),
        ("stray BYE", ("INVITE", "BYE"), "481 "),
        (
            "too short a session",
            ("Max-Forwards: 70", "Max-Forwards: 70\r\nSession-Expires: 60"),
            "422 ",
        ),
        ("foreign body", ("application/sdp", "text/plain"), "415 "),
    ] {
        let mut world = World::new(12).scripted();
        world.call();
        let request = world.last(A, "INVITE").replace(edit.0, edit.1);
        world.deliver(B, &request);
        let answer = world.last(B, "SIP/2.0");
        assert!(answer.starts_with(&format!("SIP/2.0 {expected}")), "{name}: {answer}");
        assert!(world.events[B].is_empty(), "{name}");
    }
}

#[test]
fn the_peer_of_a_call_is_no_stranger() {
    let mut world = World::with(11, |side, _, trunk| {
        if side == A {
            trunk.accept_from.clear();
        }
    })
    .scripted();
    world.call();
    let invite = world.last(A, "INVITE");
    world.respond(&invite, "200 OK", "Contact: <sip:far@192.0.2.2>\r\n", "answer");
    let ours = header(&invite, "From").to_owned();
    let refer = |call_id: &str| {
        format!(
            "REFER sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK{call_id}\r\n\
             From: <sip:far@192.0.2.2>;tag=far\r\nTo: {ours}\r\nCall-ID: {call_id}\r\nCSeq: 1 REFER\r\n\
             Refer-To: <sip:b@192.0.2.2>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
    };
    world.deliver(A, &refer(header(&invite, "Call-ID")));
    assert!(header(&world.last(A, "SIP/2.0 405"), "Allow").contains("INVITE"));
    world.deliver(A, &refer("another"));
    world.last(A, "SIP/2.0 403");
}

#[test]
fn options_and_info_inside_a_call() {
    let mut world = World::new(13);
    let (a, b) = world.established();
    world.sides[A]
        .info(world.now, a, "application/dtmf-relay", Bytes::from_static(b"Signal=1"))
        .unwrap();
    let expected = Event::Info {
        call: b,
        content_type: "application/dtmf-relay".to_owned(),
        body: Bytes::from_static(b"Signal=1"),
    };
    assert_eq!(world.event(B), expected);
    let info = world.last(A, "INFO");
    let options = info
        .replace("INFO", "OPTIONS")
        .replace("CSeq: 2", "CSeq: 3")
        .replace("z9hG4bK", "z9hG4bKx");
    world.deliver(B, &options);
    let answer = world.last(B, "SIP/2.0");
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    assert!(header(&answer, "Allow").contains("INVITE"));
    let old = options.replace("z9hG4bKx", "z9hG4bKy");
    world.deliver(B, &old);
    assert!(
        world.last(B, "SIP/2.0").starts_with("SIP/2.0 500"),
        "a sequence number used twice"
    );
}

#[test]
fn a_481_ends_the_call() {
    let mut world = World::new(14).scripted();
    let a = world.call();
    let invite = world.last(A, "INVITE");
    world.respond(&invite, "200 OK", "Contact: <sip:far@192.0.2.2>\r\n", "sdp");
    world.sides[A]
        .info(world.now, a, "text/plain", Bytes::from_static(b"x"))
        .unwrap();
    world.collect();
    let info = world.last(A, "INFO");
    world.respond(&info, "481 Call/Transaction Does Not Exist", "", "");
    let Event::Answered { .. } = world.event(A) else {
        panic!()
    };
    let Event::Ended {
        by: Party::Remote,
        cause,
        ..
    } = world.event(A)
    else {
        panic!()
    };
    assert_eq!(cause.status.map(|s| s.code()), Some(481));
}

#[test]
fn calls_beyond_the_limit_get_503() {
    let mut world = World::with(15, |side, config, _| {
        config.limits.calls = if side == B { 1 } else { 5 }
    });
    world.call();
    let Event::Incoming { .. } = world.event(B) else {
        panic!()
    };
    world.call();
    let cause = loop {
        match world.event(A) {
            Event::Failed { cause, .. } => break cause,
            Event::TrunkDown { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(cause.status, Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(cause.retry_after, Some(Duration::from_secs(5)));
}

#[test]
fn a_peer_of_rfc_2543_is_matched_without_branch() {
    let mut world = World::new(16).scripted();
    world.call();
    let invite = world.last(A, "INVITE");
    let branch = header(&invite, "Via").split("branch=").nth(1).unwrap().to_owned();
    let old = invite.replace(&format!(";rport;branch={branch}"), "");
    world.deliver(B, &old);
    world.deliver(B, &old);
    let Event::Incoming { call: b, .. } = world.event(B) else {
        panic!()
    };
    assert!(world.events[B].is_empty(), "the repeat is no second call");
    assert_eq!(world.sent(B, "SIP/2.0 100").len(), 2);
    world.sides[B].reject(world.now, b, StatusCode::BUSY_HERE).unwrap();
    world.collect();
    let busy = world.last(B, "SIP/2.0 486");
    let ack = old.replace("INVITE", "ACK").replace(
        &format!("To: {}", header(&old, "To")),
        &format!("To: {}", header(&busy, "To")),
    );
    world.deliver(B, &ack);
    world.run(Duration::from_secs(3));
    assert_eq!(world.sent(B, "SIP/2.0 486").len(), 1, "the ACK stopped the repeats");
}

#[test]
fn the_network_tells_whether_early_media_is_meant_to_be_heard() {
    for (value, expected) in [
        ("sendonly", true),
        ("SendRecv, gated", true),
        ("inactive", false),
        ("gated, recvonly", false),
    ] {
        let mut world = World::with(20, |_, _, trunk| trunk.early_media = true).scripted();
        world.call();
        let invite = world.last(A, "INVITE");
        assert_eq!(common::header(&invite, "P-Early-Media"), "supported");
        let line = format!("P-Early-Media: {value}\r\n");
        world.respond(&invite, "183 Session Progress", &line, "early");
        let Event::EarlyMedia { is_authorised, .. } = world.event(A) else {
            panic!("{value}")
        };
        assert_eq!(is_authorised, expected, "{value}");
        let Event::Provisional { sdp: Some(_), .. } = world.event(A) else {
            panic!("{value}")
        };
    }
}

#[test]
fn an_identity_that_our_owner_signed_is_passed_through() {
    let mut world = World::new(22);
    let identity =
        "eyJhbGciOiJFUzI1NiJ9.eyJhdHRlc3QiOiJBIn0.c2ln;info=<https://cert.example/c.pem>;alg=ES256;ppt=shaken";
    world.call_with(|invite| invite.headers.push(("Identity".to_owned(), identity.to_owned())));
    assert_eq!(common::header(&world.last(A, "INVITE"), "Identity"), identity);
    let Event::Incoming { headers, .. } = world.event(B) else {
        panic!()
    };
    let heard = headers
        .iter()
        .find(|(name, _)| name == "Identity")
        .map(|(_, value)| value.as_str());
    assert_eq!(heard, Some(identity));
}

#[test]
fn delays_are_counted_by_trunk_method_and_status() {
    let mut world = World::new(23);
    let (a, _) = world.established();
    world.sides[A].hang_up(world.now, a).unwrap();
    world.finish();
    let delays: Vec<_> = world.sides[A].counters().delays().collect();
    let of = |kind, code| {
        let found = delays
            .iter()
            .find(|(label, _)| label.kind == kind && label.status.map(|s| s.code()) == Some(code));
        let (label, histogram) = found.unwrap_or_else(|| panic!("{kind:?} {code} of {delays:?}"));
        assert_eq!(label.trunk, Some(world.trunks[A]));
        (histogram.count, histogram.sum)
    };
    // The network takes 10 ms each way.
    let round = std::time::Duration::from_millis(20);
    assert_eq!(of(sip_core::Kind::Invite, 100), (1, round));
    assert_eq!(of(sip_core::Kind::Invite, 200), (1, round));
    assert_eq!(of(sip_core::Kind::Bye, 200), (1, round));
}
