//! Calls that take other ways than straight: forks, redirections, routes.
#![allow(clippy::unwrap_used)]

mod common;

use bytes::Bytes;
use common::{A, B, World, header, response};
use sip_core::Event;

#[test]
fn a_fork_that_answers_late_is_acknowledged_and_ended() {
    let mut world = World::new(9).scripted();
    let a = world.call();
    let invite = world.last(A, "INVITE");
    let fork = |tag: &str, status: &str| {
        response(&invite, status, &format!("Contact: <sip:{tag}@192.0.2.2>\r\n"), "sdp")
            .replace("tag=far", &format!("tag={tag}"))
    };
    world.deliver(A, &fork("one", "183 Session Progress"));
    world.deliver(A, &fork("two", "180 Ringing"));
    world.deliver(A, &fork("two", "200 OK"));
    world.deliver(A, &fork("one", "200 OK"));
    let acks = world.sent(A, "ACK");
    assert_eq!(acks.len(), 2);
    assert!(acks[0].starts_with("ACK sip:two@192.0.2.2 "));
    assert!(acks[1].starts_with("ACK sip:one@192.0.2.2 "));
    let byes = world.sent(A, "BYE");
    assert_eq!(byes.len(), 1);
    assert!(byes[0].starts_with("BYE sip:one@192.0.2.2 "));
    world.deliver(A, &fork("one", "200 OK"));
    assert_eq!(world.sent(A, "ACK").len(), 3, "a repeat gets the same ACK again");
    assert_eq!(world.sent(A, "BYE").len(), 1);
    let answered: Vec<_> = world.events[A]
        .iter()
        .filter(|e| matches!(e, Event::Answered { .. }))
        .collect();
    assert_eq!(
        answered,
        [&Event::Answered {
            call: a,
            sdp: Some(Bytes::from_static(b"sdp"))
        }]
    );
}

#[test]
fn a_redirection_is_followed_within_its_limit() {
    let mut world = World::new(10).scripted();
    world.call();
    for (n, contact) in [
        (1, "Contact: <sip:low@192.0.2.2>;q=0.1, <sip:high@192.0.2.2>;q=0.9\r\n"),
        (2, "Contact: <sip:high@192.0.2.2>, <sip:third@192.0.2.2>\r\n"),
        (3, "Contact: <sip:fourth@192.0.2.2>\r\n"),
    ] {
        let invite = world.last(A, "INVITE");
        assert_eq!(header(&invite, "CSeq"), format!("{n} INVITE"));
        world.respond(&invite, "302 Moved Temporarily", contact, "");
    }
    let invite = world.last(A, "INVITE");
    let called: Vec<_> = world
        .sent(A, "INVITE")
        .iter()
        .map(|text| text.split(' ').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(
        called[1..],
        ["sip:high@192.0.2.2", "sip:third@192.0.2.2", "sip:fourth@192.0.2.2"]
    );
    world.respond(
        &invite,
        "302 Moved Temporarily",
        "Contact: <sip:fifth@192.0.2.2>\r\n",
        "",
    );
    let Event::Failed { cause, .. } = world.event(A) else {
        panic!()
    };
    assert_eq!(cause.status.map(|s| s.code()), Some(302));
}

#[test]
fn nobody_else_is_rung_after_somebody_declined() {
    let mut world = World::new(10).scripted();
    world.call();
    let invite = world.last(A, "INVITE");
    let contacts = "Contact: <sip:one@192.0.2.2>, <sip:two@192.0.2.2>\r\n";
    world.respond(&invite, "302 Moved Temporarily", contacts, "");
    let invite = world.last(A, "INVITE");
    world.respond(&invite, "603 Decline", "", "");
    let Event::Failed { cause, .. } = world.event(A) else {
        panic!()
    };
    assert_eq!(cause.status.map(|s| s.code()), Some(603));
    assert_eq!(world.sent(A, "INVITE").len(), 2);
}

#[test]
fn a_loose_route_is_followed_by_all_requests() {
    let mut world = World::new(11).scripted();
    let a = world.call();
    let invite = world.last(A, "INVITE");
    let more = "Contact: <sip:far@192.0.2.2>\r\nRecord-Route: <sip:192.0.2.2;lr;n=2>, <sip:192.0.2.2:5060;lr;n=1>\r\n";
    world.respond(&invite, "200 OK", more, "sdp");
    world.sides[A].hang_up(world.now, a).unwrap();
    world.collect();
    for start in ["ACK", "BYE"] {
        let request = world.last(A, start);
        assert!(request.starts_with(&format!("{start} sip:far@192.0.2.2 SIP/2.0")));
        assert_eq!(
            header(&request, "Route"),
            "<sip:192.0.2.2:5060;lr;n=1>, <sip:192.0.2.2;lr;n=2>"
        );
    }
}

/// Called, we keep the order of Record-Route; calling, it is turned round (RFC 3261 §12.1.1, §12.1.2).
#[test]
fn the_called_side_follows_routes_as_they_stand_loosely_and_strictly() {
    let loose = ["<sip:192.0.2.9;lr;n=2>", "<sip:192.0.2.8;lr;n=1>"];
    let strict = ["<sip:192.0.2.9;n=2>", "<sip:192.0.2.8;lr;n=1>"];
    for routes in [loose, strict] {
        let mut world = World::new(11).scripted();
        world.call();
        let invite = world.last(A, "INVITE");
        let contact = header(&invite, "Contact").to_owned();
        let recorded = invite.replacen(
            "Contact: ",
            &format!("Record-Route: {}\r\nContact: ", routes.join(", ")),
            1,
        );
        world.deliver(B, &recorded);
        let Event::Incoming { call, .. } = world.event(B) else {
            panic!()
        };
        let sdp = Bytes::from_static(b"answer");
        world.sides[B].answer(world.now, call, sdp).unwrap();
        world.collect();
        let answer = world.last(B, "SIP/2.0 200");
        assert_eq!(
            header(&answer, "Record-Route"),
            routes.join(", "),
            "told back as it came"
        );
        let ack = format!(
            "ACK sip:us@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKack\r\nFrom: {}\r\nTo: {}\r\n\
             Call-ID: {}\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            header(&answer, "From"),
            header(&answer, "To"),
            header(&answer, "Call-ID"),
        );
        world.deliver(B, &ack);
        assert_eq!(world.event(B), Event::Confirmed { call });
        world.sides[B].hang_up(world.now, call).unwrap();
        world.collect();
        let bye = world.last(B, "BYE");
        let target = contact.trim_matches(['<', '>']);
        let (uri, route) = if routes == loose {
            (target, routes.join(", "))
        } else {
            ("sip:192.0.2.9;n=2", format!("{}, {contact}", routes[1]))
        };
        assert!(bye.starts_with(&format!("BYE {uri} SIP/2.0\r\n")), "{bye}");
        assert_eq!(header(&bye, "Route"), route);
    }
}

#[test]
fn an_invite_that_came_by_two_ways_is_one_call() {
    let mut world = World::new(17).scripted();
    world.call();
    let invite = world.last(A, "INVITE");
    world.deliver(B, &invite);
    world.deliver(B, &invite.replace("z9hG4bK", "z9hG4bKother"));
    assert!(world.last(B, "SIP/2.0").starts_with("SIP/2.0 482 "));
    assert_eq!(world.events[B].len(), 1);
}

#[test]
fn the_history_of_a_call_is_told_through_its_redirections() {
    let mut world = World::with(21, |_, _, trunk| {
        trunk.identity.history = true;
        trunk.identity.diversion = Some("<sip:0322@carrier.example>;reason=unconditional".to_owned());
    })
    .scripted();
    world.call();
    let invite = world.last(A, "INVITE");
    assert!(common::header(&invite, "Supported").contains("histinfo"));
    let first = "<sip:0322@carrier.example>;index=1, <sip:0199000001@carrier.example;cause=302>;index=1.1;mp=1";
    assert_eq!(common::header(&invite, "History-Info"), first);
    world.respond(
        &invite,
        "302 Moved",
        "Contact: <sip:0199000002@carrier.example>\r\n",
        "",
    );
    let invite = world.last(A, "INVITE");
    let second = "<sip:0322@carrier.example>;index=1, \
                  <sip:0199000001@carrier.example;cause=302?Reason=SIP%3Bcause%3D302>;index=1.1;mp=1, \
                  <sip:0199000002@carrier.example>;index=1.2;mp=1.1";
    assert_eq!(common::header(&invite, "History-Info"), second);
    assert_eq!(invite.matches("History-Info").count(), 1);
}
