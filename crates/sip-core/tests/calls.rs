//! Calls between two endpoints on a perfect network: each way to begin, change and end one.
#![allow(clippy::unwrap_used)]

mod common;

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
