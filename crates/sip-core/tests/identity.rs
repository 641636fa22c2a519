//! Who we say we are: From and the headers beside it (RFC 3323, 3325, 5806).
#![allow(clippy::unwrap_used)]

mod common;

use common::{A, World, header};
use sip_core::{Asserted, Identity};

/// The first INVITE of a trunk with this identity.
fn invite(identity: Identity) -> String {
    let mut world = World::with(1, |side, _, trunk| {
        if side == A {
            trunk.identity = identity.clone();
        }
    })
    .scripted();
    world.call();
    world.last(A, "INVITE")
}

fn has(invite: &str, name: &str) -> bool {
    invite.lines().any(|line| line.starts_with(&format!("{name}: ")))
}

#[test]
fn every_way_to_say_who_calls() {
    let plain = Identity {
        user: Some("+33322000000".to_owned()),
        display_name: Some("Préfecture \"80\"".to_owned()),
        ..Identity::default()
    };
    let text = invite(plain.clone());
    let from = header(&text, "From");
    assert!(
        from.starts_with("\"Préfecture \\\"80\\\"\" <sip:+33322000000@carrier.example>;tag="),
        "{from}"
    );
    assert!(header(&text, "Contact").starts_with("<sip:+33322000000@192.0.2.1:5060"));
    for name in [
        "P-Asserted-Identity",
        "P-Preferred-Identity",
        "Privacy",
        "Diversion",
        "History-Info",
        "P-Early-Media",
    ] {
        assert!(!has(&text, name), "{name} unasked");
    }

    for (asserted, name, other) in [
        (Asserted::Asserted, "P-Asserted-Identity", "P-Preferred-Identity"),
        (Asserted::Preferred, "P-Preferred-Identity", "P-Asserted-Identity"),
    ] {
        let text = invite(Identity {
            asserted,
            ..plain.clone()
        });
        assert_eq!(header(&text, name), "<sip:+33322000000@carrier.example>");
        assert!(!has(&text, other));
    }

    // The called person sees nobody; the carrier alone is told.
    let text = invite(Identity {
        asserted: Asserted::Asserted,
        is_private: true,
        ..plain.clone()
    });
    assert!(header(&text, "From").starts_with("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="));
    assert_eq!(header(&text, "Privacy"), "id");
    assert_eq!(
        header(&text, "P-Asserted-Identity"),
        "<sip:+33322000000@carrier.example>"
    );

    let text = invite(Identity {
        diversion: Some("<sip:+33322999999@carrier.example>;reason=unconditional\r\nX-Bad: 1".to_owned()),
        ..plain
    });
    let diversion = header(&text, "Diversion");
    assert!(diversion.starts_with("<sip:+33322999999@carrier.example>;reason=unconditional"));
    assert!(!has(&text, "X-Bad"), "one header cannot become two");
}
