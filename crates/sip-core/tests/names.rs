//! Contacts and Record-Routes that name their host: looked up by RFC 3263, once, while the call goes on.
#![allow(clippy::unwrap_used)]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{A, World};
use sip_core::{CallId, Event, Location, Target, Transport};

const HOUR: Duration = Duration::from_secs(3600);

fn edge() -> SocketAddr {
    "192.0.2.77:5070".parse().unwrap()
}

fn target() -> Target {
    Target {
        transport: Transport::Udp,
        addr: edge(),
    }
}

/// A call of ours that was answered with these header lines; where ACK and all that followed was sent.
fn answered(world: &mut World, lines: &str) -> CallId {
    let a = world.call();
    let invite = world.last(A, "INVITE");
    world.respond(&invite, "200 OK", lines, "answer");
    // The end of an earlier call may not have been told yet.
    while !matches!(world.event(A), Event::Answered { .. }) {}
    a
}

/// Lets the endpoint send and says where each message went, by its first word.
fn sent(world: &mut World) -> Vec<(String, SocketAddr)> {
    let mut found = Vec::new();
    while let Some(transmit) = world.sides[A].poll_transmit() {
        let text = String::from_utf8_lossy(&transmit.payload).into_owned();
        found.push((text.split(' ').next().unwrap().to_owned(), transmit.flow.remote));
    }
    found
}

fn word(method: &str, remote: SocketAddr) -> (String, SocketAddr) {
    (method.to_owned(), remote)
}

#[test]
fn the_ack_goes_again_to_where_the_name_leads_and_all_that_follows() {
    for lines in [
        "Contact: <sip:far@edge.example>\r\n",
        "Contact: <sip:far@10.0.0.1>\r\nRecord-Route: <sip:EDGE.example;lr>\r\n",
    ] {
        let mut world = World::new(1).scripted();
        let a = answered(&mut world, lines);
        let location = world.sides[A].poll_lookup().unwrap();
        let expected = Location {
            host: "edge.example".to_owned(),
            port: None,
            transport: None,
        };
        assert_eq!(location, expected);
        assert_eq!(world.sides[A].poll_lookup(), None);
        world.sides[A].handle_lookup(world.now, &location, &[target()], HOUR);
        assert_eq!(sent(&mut world), [word("ACK", edge())]);
        world.sides[A].hang_up(world.now, a).unwrap();
        assert_eq!(sent(&mut world), [word("BYE", edge())]);
        // The next call knows already.
        let b = answered(&mut world, lines);
        assert_eq!(world.sides[A].poll_lookup(), None);
        world.sides[A].hang_up(world.now, b).unwrap();
        assert_eq!(sent(&mut world), [word("BYE", edge())]);
    }
}

#[test]
fn a_bye_that_left_too_early_follows() {
    let mut world = World::new(2).scripted();
    let a = answered(&mut world, "Contact: <sip:far@edge.example:5070;transport=udp>\r\n");
    world.sides[A].hang_up(world.now, a).unwrap();
    assert_eq!(sent(&mut world), [word("BYE", common::addr(1))]);
    let location = world.sides[A].poll_lookup().unwrap();
    assert_eq!((location.port, location.transport), (Some(5070), Some(Transport::Udp)));
    world.sides[A].handle_lookup(world.now, &location, &[target()], HOUR);
    assert_eq!(sent(&mut world), [word("ACK", edge()), word("BYE", edge())]);
}

#[test]
fn a_name_that_leads_nowhere_changes_nothing() {
    let mut world = World::new(3).scripted();
    let a = answered(&mut world, "Contact: <sip:far@nowhere.example>\r\n");
    let location = world.sides[A].poll_lookup().unwrap();
    world.sides[A].handle_lookup(world.now, &location, &[], Duration::ZERO);
    assert_eq!(sent(&mut world), []);
    world.sides[A].hang_up(world.now, a).unwrap();
    assert_eq!(sent(&mut world), [word("BYE", common::addr(1))]);
}

#[test]
fn the_trunks_own_name_needs_no_lookup() {
    let mut world = World::new(4).scripted();
    let a = answered(&mut world, "Contact: <sip:far@Carrier.example>\r\n");
    assert_eq!(world.sides[A].poll_lookup(), None);
    world.sides[A].hang_up(world.now, a).unwrap();
    assert_eq!(sent(&mut world), [word("BYE", common::addr(1))]);
}

#[test]
fn an_address_in_a_new_contact_is_followed() {
    let mut world = World::new(5).scripted();
    let a = answered(&mut world, "Contact: <sip:far@192.0.2.2>\r\n");
    world.sides[A]
        .reinvite(world.now, a, bytes::Bytes::from_static(b"offer"))
        .unwrap();
    world.collect();
    let invite = world.last(A, "INVITE");
    world.respond(&invite, "200 OK", "Contact: <sip:far@192.0.2.77:5070>\r\n", "answer");
    world.sides[A].hang_up(world.now, a).unwrap();
    assert_eq!(sent(&mut world), [word("BYE", edge())]);
}
