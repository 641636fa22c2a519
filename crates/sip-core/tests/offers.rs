//! Offers and answers in all places where they may stand, glare, reliable provisional responses, session timers.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{A, B, World, header};
use sip_core::{Event, Origin, Reliable, StatusCode};

fn sdp(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[test]
fn an_offer_is_answered_or_refused_by_either_request_and_side() {
    for side in [A, B] {
        for is_update in [false, true] {
            for is_accepted in [true, false] {
                let mut world = World::new(1);
                let calls: [_; 2] = world.established().into();
                let name = format!("side {side}, update {is_update}, accepted {is_accepted}");
                let endpoint = &mut world.sides[side];
                if is_update {
                    endpoint.update(world.now, calls[side], sdp("new")).unwrap();
                } else {
                    endpoint.reinvite(world.now, calls[side], sdp("new")).unwrap();
                }
                let other = 1 - side;
                assert_eq!(
                    world.event(other),
                    Event::Offer {
                        call: calls[other],
                        sdp: sdp("new")
                    },
                    "{name}"
                );
                let now = world.now;
                if is_accepted {
                    world.sides[other].answer_offer(now, calls[other], sdp("yes")).unwrap();
                    assert_eq!(
                        world.event(side),
                        Event::OfferAnswered {
                            call: calls[side],
                            sdp: sdp("yes")
                        },
                        "{name}"
                    );
                } else {
                    world.sides[other]
                        .refuse_offer(now, calls[other], StatusCode::NOT_ACCEPTABLE_HERE)
                        .unwrap();
                    let status = StatusCode::NOT_ACCEPTABLE_HERE;
                    assert_eq!(
                        world.event(side),
                        Event::OfferRefused {
                            call: calls[side],
                            status
                        },
                        "{name}"
                    );
                }
                world.run(Duration::from_secs(60));
                assert!(
                    world.events.iter().all(|events| events.is_empty()),
                    "{name}: {:?}",
                    world.events
                );
                assert_eq!(
                    (world.sides[A].calls(), world.sides[B].calls()),
                    (1, 1),
                    "{name}: the call goes on"
                );
            }
        }
    }
}

#[test]
fn offers_that_meet_are_both_answered_in_the_end() {
    for is_update in [false, true] {
        let mut world = World::new(2);
        let (a, b) = world.established();
        world.run(Duration::from_secs(1));
        for (side, call) in [(A, a), (B, b)] {
            if is_update {
                world.sides[side].update(world.now, call, sdp("new")).unwrap();
            } else {
                world.sides[side].reinvite(world.now, call, sdp("new")).unwrap();
            }
        }
        let mut answered = 0;
        while answered < 2 {
            for side in [A, B] {
                while let Some(event) = world.events[side].pop_front() {
                    match event {
                        Event::Offer { call, .. } => {
                            world.sides[side].answer_offer(world.now, call, sdp("yes")).unwrap();
                        }
                        Event::OfferAnswered { .. } => answered += 1,
                        other => panic!("{other:?}\n{}", world.ladder()),
                    }
                }
            }
            assert!(world.step());
        }
        assert!(world.ladder().contains("491"), "{}", world.ladder());
    }
}

#[test]
fn a_call_without_offer_is_answered_in_the_ack() {
    let mut world = World::new(3);
    let a = world.call_with(|invite| invite.offer = None);
    let Event::Incoming { call: b, sdp: None, .. } = world.event(B) else {
        panic!()
    };
    world.sides[B].answer(world.now, b, sdp("their offer")).unwrap();
    assert_eq!(
        world.event(A),
        Event::Answered {
            call: a,
            sdp: Some(sdp("their offer"))
        }
    );
    world.run(Duration::from_millis(100));
    assert!(world.sent(A, "ACK").is_empty(), "it waits for our owner");
    world.sides[A].answer_offer(world.now, a, sdp("our answer")).unwrap();
    assert_eq!(world.event(B), Event::Confirmed { call: b });
    assert_eq!(
        world.event(B),
        Event::OfferAnswered {
            call: b,
            sdp: sdp("our answer")
        }
    );
}

#[test]
fn a_reinvite_without_offer_asks_for_ours() {
    let mut world = World::new(4);
    let (a, b) = world.established();
    let invite = world.last(A, "INVITE");
    let ok = world.last(B, "SIP/2.0 200");
    let to = format!("To: {}", header(&ok, "To"));
    let head = invite.split("\r\n\r\n").next().unwrap();
    let reinvite = head
        .replace(&format!("To: {}", header(&invite, "To")), &to)
        .replace("CSeq: 1 INVITE", "CSeq: 50 INVITE")
        .replace("z9hG4bK", "z9hG4bKx")
        .replace("Content-Type: application/sdp\r\n", "")
        .replace("Content-Length: 5", "Content-Length: 0")
        + "\r\n\r\n";
    world.deliver(B, &reinvite);
    assert_eq!(world.event(B), Event::OfferWanted { call: b });
    world.sides[B].answer_offer(world.now, b, sdp("our offer")).unwrap();
    world.collect();
    assert!(world.last(B, "SIP/2.0 200").ends_with("our offer"));
    let ack = reinvite
        .replace("INVITE", "ACK")
        .replace("z9hG4bKx", "z9hG4bKy")
        .replace(
            "Content-Length: 0\r\n\r\n",
            "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nthere",
        );
    world.deliver(B, &ack);
    assert_eq!(
        world.event(B),
        Event::OfferAnswered {
            call: b,
            sdp: sdp("there")
        }
    );
    let _ = a;
}

#[test]
fn early_media_is_acknowledged_by_prack_before_the_answer() {
    let mut world = World::with(5, |side, _, trunk| {
        trunk.reliable_provisional = if side == A {
            Reliable::Required
        } else {
            Reliable::Supported
        };
    });
    let mut lost = 0;
    world.filter = Box::new(move |side, text| {
        let is_progress = side == B && text.starts_with("SIP/2.0 183");
        lost += u32::from(is_progress);
        !(is_progress && lost == 1)
    });
    let a = world.call();
    let Event::Incoming { call: b, .. } = world.event(B) else {
        panic!()
    };
    world.sides[B].ring(world.now, b, Some(sdp("early"))).unwrap();
    world.sides[B].answer(world.now, b, sdp("answer")).unwrap();
    let expected = Event::Provisional {
        call: a,
        status: StatusCode::SESSION_PROGRESS,
        sdp: Some(sdp("early")),
    };
    assert_eq!(world.event(A), expected);
    assert!(
        world.sent(B, "SIP/2.0 200").is_empty(),
        "the answer waits for the PRACK"
    );
    assert_eq!(
        world.event(A),
        Event::Answered {
            call: a,
            sdp: Some(sdp("answer"))
        }
    );
    let progress = world.last(B, "SIP/2.0 183");
    let prack = world.last(A, "PRACK");
    assert_eq!(
        header(&prack, "RAck"),
        format!("{} 1 INVITE", header(&progress, "RSeq"))
    );
    assert_eq!(world.sent(A, "PRACK").len(), 1);
    world.sides[A].hang_up(world.now, a).unwrap();
    world.finish();
    assert_eq!((world.sides[A].calls(), world.sides[B].calls()), (0, 0));
}

#[test]
fn a_reliable_response_without_prack_gives_the_call_up() {
    let mut world = World::with(6, |_, _, trunk| trunk.reliable_provisional = Reliable::Required);
    world.filter = Box::new(|side, text| !(side == A && text.starts_with("PRACK")));
    world.call();
    let Event::Incoming { call: b, .. } = world.event(B) else {
        panic!()
    };
    world.sides[B].ring(world.now, b, None).unwrap();
    let Event::Ended { call, .. } = world.event(B) else {
        panic!()
    };
    assert_eq!(call, b);
    assert_eq!((world.now - world.zero).as_secs(), 32);
}

fn timed(world: &mut World) {
    assert_eq!(header(&world.last(A, "INVITE"), "Session-Expires"), "90");
    let ok = world.last(B, "SIP/2.0 200");
    assert_eq!(header(&ok, "Session-Expires"), "90;refresher=uac");
}

#[test]
fn a_session_is_refreshed_for_as_long_as_it_lasts() {
    let mut world = World::with(7, |side, _, trunk| {
        trunk.session_timer.interval = (side == A).then(|| Duration::from_secs(90));
    });
    world.established();
    timed(&mut world);
    world.run(Duration::from_secs(600));
    assert!(
        world.events.iter().all(|events| events.is_empty()),
        "{:?}",
        world.events
    );
    let refreshes = world.sent(A, "UPDATE").len();
    assert!((12..=14).contains(&refreshes), "{refreshes}");
}

#[test]
fn a_session_with_a_peer_without_update_is_refreshed_by_the_same_offer() {
    let mut world = World::with(7, |_, _, trunk| {
        trunk.session_timer.interval = Some(Duration::from_secs(90))
    })
    .scripted();
    world.call();
    let invite = world.last(A, "INVITE");
    world.respond(
        &invite,
        "200 OK",
        "Contact: <sip:far@192.0.2.2>\r\nAllow: INVITE, ACK, BYE\r\nSession-Expires: 90;refresher=uac\r\n",
        "answer",
    );
    world.run(Duration::from_secs(44));
    assert_eq!(world.sent(A, "INVITE").len(), 1);
    world.run(Duration::from_secs(2));
    let refresh = world.last(A, "INVITE");
    assert_eq!(header(&refresh, "CSeq"), "2 INVITE");
    assert_eq!(header(&refresh, "Session-Expires"), "90;refresher=uac");
    assert!(refresh.ends_with("\r\n\r\noffer"), "{refresh}");
}

#[test]
fn a_session_that_nobody_refreshes_ends() {
    let mut world = World::with(8, |side, _, trunk| {
        trunk.session_timer.interval = (side == A).then(|| Duration::from_secs(90));
    });
    world.established();
    timed(&mut world);
    let start = world.now;
    world.filter = Box::new(|_, _| false);
    let Event::Ended { cause, .. } = world.event(B) else {
        panic!()
    };
    assert_eq!(cause.origin, Origin::Timeout);
    let after = (world.now - start).as_secs();
    assert!((58..=61).contains(&after), "{after}");
    let Event::Ended { cause, .. } = world.event(A) else {
        panic!()
    };
    assert_eq!(cause.origin, Origin::Timeout);
}

#[test]
fn a_422_lengthens_the_interval() {
    let mut world = World::with(9, |_, _, trunk| {
        trunk.session_timer.interval = Some(Duration::from_secs(90))
    })
    .scripted();
    world.call();
    let invite = world.last(A, "INVITE");
    world.respond(&invite, "422 Session Interval Too Small", "Min-SE: 1800\r\n", "");
    let again = world.last(A, "INVITE");
    assert_eq!(header(&again, "CSeq"), "2 INVITE");
    assert_eq!(
        (header(&again, "Session-Expires"), header(&again, "Min-SE")),
        ("1800", "1800")
    );
    assert_eq!(again.matches("Session-Expires").count(), 1);
    assert!(again.ends_with("offer"));
}

#[test]
fn a_reinvite_that_the_peer_only_tries_is_forgotten_after_the_call() {
    for hangs_up in [A, B] {
        let mut world = World::new(1);
        let calls: [_; 2] = world.established().into();
        let now = world.now;
        world.sides[A].reinvite(now, calls[A], sdp("new")).unwrap();
        assert!(matches!(world.event(B), Event::Offer { .. }));
        // B's 487 for the re-INVITE never arrives.
        world.filter = Box::new(|side, text| side == A || !text.starts_with("SIP/2.0 487"));
        let now = world.now;
        world.sides[hangs_up].hang_up(now, calls[hangs_up]).unwrap();
        world.run(Duration::from_secs(120));
        for side in [A, B] {
            assert_eq!(world.sides[side].calls(), 0, "{hangs_up} hangs up, calls of {side}");
            assert_eq!(
                world.sides[side].transactions(),
                0,
                "{hangs_up} hangs up, transactions of {side}"
            );
        }
    }
}
