//! Parts, faults, equivalence and writing of URIs.

use super::*;

fn uri(text: &str) -> Uri {
    text.parse().unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

#[test]
fn parts_of_uris() {
    for (text, user, host, port, params) in [
        ("sip:example.com", None, "example.com", None, 0),
        (
            "SIP:alice@example.com:5070",
            Some("alice"),
            "example.com",
            Some(5070),
            0,
        ),
        (
            "sips:alice:secret@[2001:db8::1]:5061;transport=tcp;lr",
            Some("alice"),
            "[2001:db8::1]",
            Some(5061),
            2,
        ),
        (
            "sip:+33199001234;phone-context=x@h.example?Subject=a%20b&Priority=urgent",
            Some("+33199001234;phone-context=x"),
            "h.example",
            None,
            0,
        ),
        (
            "sip:user;par=u%40example.net@example.com",
            Some("user;par=u%40example.net"),
            "example.com",
            None,
            0,
        ),
        (
            "sip:#31#0199001234@example.com",
            Some("#31#0199001234"),
            "example.com",
            None,
            0,
        ),
        (
            "tel:+33-1-99-00-12-34;phone-context=+33",
            Some("+33-1-99-00-12-34"),
            "",
            None,
            1,
        ),
        ("tel:112", Some("112"), "", None, 0),
    ] {
        let uri = uri(text);
        assert_eq!(
            (uri.user(), uri.host(), uri.port(), uri.params().count()),
            (user, host, port, params),
            "{text}"
        );
        assert_eq!(uri.to_string(), text);
    }
    let full = uri("sip:+33199001234;isub=1@h.example;lr;transport=UDP?Subject=a%20b&Priority=urgent");
    assert!(full.is_loose_router());
    assert_eq!(full.transport(), Some("UDP"));
    assert_eq!(full.user_decoded().as_deref(), Some(&b"+33199001234"[..]));
    assert_eq!(
        full.headers().collect::<Vec<_>>(),
        [("Subject", Some("a%20b")), ("Priority", Some("urgent"))]
    );
    assert_eq!(
        full.without_headers().as_str(),
        "sip:+33199001234;isub=1@h.example;lr;transport=UDP"
    );
}

#[test]
fn what_is_no_uri_is_refused() {
    for text in [
        "",
        "sip",
        "sip:",
        "sip:@host",
        "sip:a@",
        "sip:a@b:port",
        "sip:a@b:65536",
        "sip:a@b c",
        "sip:a%2@b",
        "sip:a@b;=x",
        "sip:2001:db8::10",
        "sip:[2001:db8::g]",
        "sip:[2001:db8::1",
        "<sip:a@b>",
        "sip:a@b?",
        "sip:a@b?x",
        "tel:",
        "tel:abcxyz",
        "1x:abc",
        "x:",
        "sip:a<b@c",
        "sip:\u{e9}@host",
    ] {
        assert_eq!(text.parse::<Uri>(), Err(Fault::Uri), "{text}");
    }
}

/// The examples of RFC 3261 §19.1.4, and some of our own.
#[test]
fn equivalence() {
    for (a, b, expected) in [
        (
            "sip:%61lice@atlanta.com;transport=TCP",
            "sip:alice@AtLanTa.CoM;Transport=tcp",
            true,
        ),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true),
        (
            "sip:carol@chicago.com;newparam=5",
            "sip:carol@chicago.com;security=on",
            true,
        ),
        (
            "sip:carol@chicago.com;security=on",
            "sip:carol@chicago.com;security=off",
            false,
        ),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            true,
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            true,
        ),
        (
            "SIP:ALICE@AtLanTa.CoM;Transport=udp",
            "sip:alice@AtLanTa.CoM;Transport=UDP",
            false,
        ),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false),
        (
            "sip:carol@chicago.com",
            "sip:carol@chicago.com?Subject=next%20meeting",
            false,
        ),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false),
        ("sip:bob@biloxi.com", "sips:bob@biloxi.com", false),
        ("sip:bob@[2001:db8::1]", "sip:bob@[2001:0db8:0:0::1]", true),
        ("tel:+33-1-99-00-12-34", "tel:+33199001234", true),
        ("tel:+33199001234", "tel:+33199001235", false),
        ("tel:1234;phone-context=+33", "tel:1234", false),
    ] {
        assert_eq!(uri(a).is_equivalent(&uri(b)), expected, "{a} {b}");
        assert_eq!(uri(b).is_equivalent(&uri(a)), expected, "{b} {a}");
    }
}

#[test]
fn built_uris_escape_what_would_change_their_meaning() {
    assert_eq!(
        Uri::sip(Some("a b@c<>\u{e9}"), "2001:db8::1", Some(5060))
            .map(|u| u.to_string())
            .as_deref(),
        Ok("sip:a%20b%40c%3C%3E%C3%A9@[2001:db8::1]:5060")
    );
    assert_eq!(Uri::sip(None, "h\r\nX: y", None), Err(Fault::Uri));
    assert_eq!(
        uri("sip:a@b?x=y")
            .with_param("lr", None)
            .map(|u| u.to_string())
            .as_deref(),
        Ok("sip:a@b;lr?x=y")
    );
}
