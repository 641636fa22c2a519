//! The torture messages of RFC 4475 and RFC 5118: what becomes of each one, and what is read in it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sip_core::admission::{Admission, Rules, admit};
use sip_core::message::{Contact, Fault, Limits, Message, Method, Name, Parsed, Request, Response, parse_datagram};
use sip_core::transport::framing::{Frame, Framer};
use sip_core::verdict::{Verdict, examine};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture")
}

fn read(name: &str) -> Bytes {
    let path = folder().join(name).with_extension("dat");
    Bytes::from(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The lines of the index: name, section, expected.
fn index() -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(folder().join("index.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let mut columns = line.split_whitespace().map(str::to_owned);
            (
                columns.next().unwrap(),
                columns.next().unwrap(),
                columns.next().unwrap(),
            )
        })
        .collect()
}

#[test]
fn every_message_behaves_as_its_rfc_says() {
    let mut wrong = Vec::new();
    for (name, section, expected) in index() {
        let verdict = examine(&read(&name)).verdict;
        let found = match &verdict {
            Verdict::Accepted => "accept".to_owned(),
            Verdict::Answered { status, .. } => status.to_string(),
            Verdict::Dropped { .. } => "drop".to_owned(),
        };
        if found != expected {
            wrong.push(format!("{name} (§{section}): expected {expected}, found {verdict:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_index_names_all_messages_of_both_rfcs() {
    let indexed: BTreeSet<_> = index().into_iter().map(|(name, ..)| name).collect();
    let mut files = BTreeSet::new();
    for rfc in ["rfc4475", "rfc5118"] {
        for entry in std::fs::read_dir(folder().join(rfc)).unwrap() {
            files.insert(format!(
                "{rfc}/{}",
                entry.unwrap().path().file_stem().unwrap().to_str().unwrap()
            ));
        }
    }
    assert_eq!(indexed, files);
    assert_eq!(files.iter().filter(|name| name.starts_with("rfc4475/")).count(), 49);
    assert_eq!(files.iter().filter(|name| name.starts_with("rfc5118/")).count(), 12);
}

/// A refusal can be read back, matches the request, and names its fault.
#[test]
fn every_refusal_is_a_sound_response() {
    for (name, ..) in index() {
        let Admission::Refused(refusal) = admit(read(&name), &Rules::default()) else {
            continue;
        };
        let source = "203.0.113.9:5070".parse().unwrap();
        let response = refusal.response("our-tag", Some(source));
        let Parsed::Message(Message::Response(read_back)) =
            parse_datagram(response.bytes().clone(), &Limits::default())
        else {
            panic!("{name}: {:?}", response.bytes());
        };
        assert_eq!(read_back.status(), refusal.status, "{name}");
        let via = read_back.headers().via().unwrap();
        assert_eq!(
            via.branch(),
            refusal.request.headers().via().unwrap().branch(),
            "{name}"
        );
        assert_eq!(via.received(), Some(source.ip()), "{name}");
        assert_eq!(
            read_back.headers().first(Name::CallId),
            refusal.request.headers().first(Name::CallId),
            "{name}"
        );
    }
}

fn request(name: &str) -> Request {
    match parse_datagram(read(name), &Limits::default()) {
        Parsed::Message(Message::Request(request)) => request,
        other => panic!("{name}: {other:?}"),
    }
}

fn response(name: &str) -> Response {
    match parse_datagram(read(name), &Limits::default()) {
        Parsed::Message(Message::Response(response)) => response,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn wsinv_is_read_through_its_folds() {
    let request = request("rfc4475/wsinv");
    let headers = request.headers();
    assert_eq!(*request.method(), Method::Invite);
    assert_eq!(request.uri().unwrap().param("unknownparam"), Some(None));
    assert_eq!(headers.to().unwrap().tag(), Some("1918181833n"));
    let from = headers.from().unwrap();
    assert_eq!(from.display().as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(from.tag(), Some("98asjd8"));
    assert_eq!(headers.max_forwards(), Ok(Some(68)));
    assert_eq!(headers.cseq().unwrap().to_string(), "9 INVITE");
    assert_eq!(headers.first(Name::Subject), Some(&b""[..]));
    assert_eq!(headers.named("UnknownHeaderWithUnusualValue"), Some(&b";;,,;;,;"[..]));
    let vias: Vec<_> = headers.vias().map(Result::unwrap).collect();
    let parts: Vec<_> = vias
        .iter()
        .map(|via| (via.transport(), via.host(), via.branch().unwrap()))
        .collect();
    assert_eq!(
        parts,
        [
            ("UDP", "192.0.2.2", "390skdjuw"),
            ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
            ("UDP", "192.168.255.111", "z9hG4bK30239")
        ]
    );
    let contact = headers.contact().unwrap();
    assert_eq!(contact.display().as_deref(), Some("Quoted string \"\""));
    assert_eq!(contact.param("newparam"), Some(Some(&b"newvalue"[..])));
    assert_eq!(contact.param("secondparam"), Some(None));
    assert_eq!(contact.q(), 330);
    let route = headers.routes().next().unwrap().unwrap();
    assert!(route.uri().is_loose_router());
    assert_eq!(request.body().len(), 150);
}

#[test]
fn odd_characters_keep_their_place() {
    let request = request("rfc4475/intmeth");
    let headers = request.headers();
    assert_eq!(request.method().as_str(), "!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(headers.cseq().unwrap().method, *request.method());
    let uri = request.uri().unwrap();
    assert_eq!(uri.user(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
    assert_eq!(uri.password(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    assert_eq!(uri.host(), "example.com");
    assert_eq!(
        headers.to().unwrap().display().as_deref(),
        Some("BEL:\u{7} NUL:\0 DEL:\u{7f}")
    );
    let from = headers.from().unwrap();
    assert_eq!(from.display().as_deref(), Some("token1~` token2'+_ token3*%!.-"));
    assert_eq!(
        from.param("fromParam''~+*_!.-%"),
        Some(Some("\"работающий\"".as_bytes()))
    );
    assert_eq!(from.tag(), Some("_token~1'+`*%!-."));
    assert_eq!(headers.call_id(), Ok("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"));
    assert_eq!(
        headers.named("EXTENSIONHEADER-!.%*+_`'~"),
        Some("\u{feff}大停電".as_bytes())
    );
}

#[test]
fn escapes_are_resolved_where_they_are_escapes() {
    let esc01 = request("rfc4475/esc01");
    assert_eq!(
        esc01.uri().unwrap().user_decoded().as_deref(),
        Some(&b"sips:user@example.com"[..])
    );
    assert_eq!(
        esc01.headers().from().unwrap().uri().user_decoded().as_deref(),
        Some(&b"I have spaces"[..])
    );
    assert_eq!(
        esc01.headers().to().unwrap().uri().user_decoded().as_deref(),
        Some(&b"user"[..])
    );
    let escnull = request("rfc4475/escnull");
    let users: Vec<_> = escnull
        .headers()
        .contacts()
        .map(|contact| match contact.unwrap() {
            Contact::Address(address) => address.uri().user_decoded().unwrap().into_owned(),
            Contact::All => panic!("no address"),
        })
        .collect();
    assert_eq!(users, [&b"\0"[..], b"\0\0"]);
    let esc02 = request("rfc4475/esc02");
    assert_eq!(esc02.method().as_str(), "RE%47IST%45R");
    assert_eq!(esc02.headers().contacts().count(), 2);
    assert_eq!(esc02.headers().to().unwrap().display().as_deref(), Some("%Z%45"));
}

#[test]
fn parameters_belong_where_brackets_put_them() {
    let outside = request("rfc4475/cparam01").headers().contact().unwrap();
    assert_eq!(
        (outside.param("unknownparam"), outside.uri().param("unknownparam")),
        (Some(None), None)
    );
    let inside = request("rfc4475/cparam02").headers().contact().unwrap();
    assert_eq!(
        (inside.param("unknownparam"), inside.uri().param("unknownparam")),
        (None, Some(None))
    );
    let escaped = request("rfc4475/regescrt").headers().contact().unwrap();
    assert_eq!(
        escaped.uri().headers().next(),
        Some(("Route", Some("%3Csip:sip.example.com%3E")))
    );
    assert_eq!(
        request("rfc4475/semiuri").uri().unwrap().user(),
        Some("user;par=u%40example.net")
    );
    assert_eq!(
        request("rfc4475/lwsdisp")
            .headers()
            .from()
            .unwrap()
            .display()
            .as_deref(),
        Some("caller")
    );
}

#[test]
fn lengths_decide_where_messages_end() {
    let double = request("rfc4475/dblreq");
    assert_eq!((double.method(), double.body().len()), (&Method::Register, 0));
    assert_eq!(request("rfc4475/mpart01").body().len(), 553);
    let long = request("rfc4475/longreq");
    assert_eq!((long.headers().vias().count(), long.body().len()), (34, 150));
    assert!(request("rfc4475/inv2543").body().ends_with(b"RTP/AVP 0\r\n"));
    assert_eq!(response("rfc4475/noreason").reason(), b"");
    assert!(response("rfc4475/unreason").reason().starts_with(b"= 2**3 * 5**2 "));
}

#[test]
fn ipv6_references_end_at_their_bracket() {
    let ambiguous = request("rfc5118/port-ambiguous").uri().unwrap();
    assert_eq!((ambiguous.host(), ambiguous.port()), ("[2001:db8::10:5070]", None));
    let unambiguous = request("rfc5118/port-unambiguous").uri().unwrap();
    assert_eq!((unambiguous.host(), unambiguous.port()), ("[2001:db8::10]", Some(5070)));
    for name in [
        "rfc5118/via-received-param-with-delim",
        "rfc5118/via-received-param-no-delim",
    ] {
        let via = request(name).headers().via().unwrap();
        assert_eq!(via.received(), Some("2001:db8::9:255".parse().unwrap()), "{name}");
    }
    for name in ["rfc5118/ipv6-bug-abnf-3-colons", "rfc5118/ipv6-correct-abnf-2-colons"] {
        let uri = request(name).uri().unwrap();
        assert_eq!(uri.host_addr(), Some("2001:db8::192.0.2.1".parse().unwrap()), "{name}");
    }
}

/// On a stream, cut anywhere: the same messages come out, one by one, wherever Content-Length allows it.
#[test]
fn on_a_stream_the_same_messages_come_out() {
    for (name, ..) in index() {
        let bytes = read(&name);
        for step in [1, 7, bytes.len()] {
            let mut framer = Framer::new(Limits::default());
            let mut frames = Vec::new();
            for chunk in bytes.chunks(step) {
                framer.push(chunk);
                frames.extend(std::iter::from_fn(|| framer.poll()));
            }
            match (name.as_str(), frames.as_slice()) {
                // The second message of the RFC is longer than its own Content-Length, which leaves a broken third.
                ("rfc4475/dblreq", [Frame::Message(first), Frame::Message(second), Frame::Broken { .. }]) => {
                    assert!(first.starts_with(b"REGISTER") && second.starts_with(b"INVITE"));
                }
                ("rfc4475/clerr", []) => assert_eq!(framer.pending(), bytes.len()),
                ("rfc4475/ncl", [Frame::Broken { fault, .. }]) => {
                    assert_eq!(*fault, Fault::Malformed(Name::ContentLength))
                }
                ("rfc4475/mcl01", [Frame::Broken { fault, .. }]) => {
                    assert_eq!(*fault, Fault::Repeated(Name::ContentLength))
                }
                ("rfc4475/inv2543", [Frame::Broken { fault, .. }]) => assert_eq!(*fault, Fault::NoLength),
                (_, [Frame::Message(message)]) => assert_eq!(message, &bytes, "{name} in steps of {step}"),
                other => panic!("{other:?} in steps of {step}"),
            }
        }
    }
}
