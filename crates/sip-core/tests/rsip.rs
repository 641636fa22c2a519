//! Where rsip can read a message at all, both read the same in it.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::HeadersExt;
use sip_core::message::{Headers, Limits, Message, NameAddr, Parsed, Uri, parse_datagram};

const REQUESTS: &[&str] = &[
    "INVITE sip:+33199001234@carrier.example;user=phone SIP/2.0\r\n\
     Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK7d8f9a6b5c4e3f21;rport\r\n\
     Max-Forwards: 70\r\n\
     From: \"Somme\" <sip:+33199001200@carrier.example>;tag=a6c85cf4\r\n\
     To: <sip:+33199001234@carrier.example>\r\n\
     Call-ID: 3848276298220188511@192.0.2.10\r\n\
     CSeq: 314159 INVITE\r\n\
     Contact: <sip:tocsin@192.0.2.10:5060;transport=udp>\r\n\
     Content-Type: application/sdp\r\n\
     Content-Length: 5\r\n\r\nv=0\r\n",
    "BYE sips:bob@host.example.com:5061 SIP/2.0\r\n\
     Via: SIP/2.0/TLS client.example.com;branch=z9hG4bKnashds7\r\n\
     Max-Forwards: 0\r\n\
     From: Bob <sip:bob@example.com>;tag=314159\r\n\
     To: Alice <sip:alice@example.org>;tag=1928301774\r\n\
     Call-ID: a84b4c76e66710\r\n\
     CSeq: 231 BYE\r\n\
     Contact: <sip:bob@192.0.2.4>\r\n\
     Content-Length: 0\r\n\r\n",
];

const RESPONSES: &[&str] = &[
    "SIP/2.0 180 Ringing\r\n\
     Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK7d8f;received=192.0.2.99\r\n\
     From: <sip:a@example.com>;tag=1\r\n\
     To: <sip:b@example.com>;tag=2\r\n\
     Call-ID: c@d\r\n\
     CSeq: 1 INVITE\r\n\
     Max-Forwards: 70\r\n\
     Contact: <sip:b@198.51.100.20>\r\n\
     Content-Length: 0\r\n\r\n",
    "SIP/2.0 503 Service Unavailable\r\n\
     Via: SIP/2.0/TCP host.example.com:5080;branch=z9hG4bKx\r\n\
     From: \"A\" <sip:a@example.com:5070>;tag=1\r\n\
     To: <sip:b@example.com>;tag=2\r\n\
     Call-ID: c@d\r\n\
     CSeq: 2147483647 OPTIONS\r\n\
     Max-Forwards: 255\r\n\
     Contact: <sip:b@host.example.com:5080>\r\n\
     Content-Length: 0\r\n\r\n",
];

fn ours(text: &str) -> Message {
    match parse_datagram(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()) {
        Parsed::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

fn same_uri(ours: &Uri, theirs: &rsip::Uri) {
    assert_eq!(ours.user(), theirs.user(), "{ours}");
    assert_eq!(ours.host(), theirs.host().to_string(), "{ours}");
    assert_eq!(ours.port(), theirs.port().map(|port| *port.value()), "{ours}");
    assert_eq!(ours.params().count(), theirs.params.len(), "{ours}");
}

fn same_address(ours: &NameAddr, display: Option<&String>, uri: &rsip::Uri, tag: Option<String>) {
    // rsip leaves the quotes where they are.
    assert_eq!(
        ours.display().as_deref(),
        display.map(|name| name.trim_matches('"')),
        "{ours}"
    );
    same_uri(ours.uri(), uri);
    assert_eq!(ours.tag().map(str::to_owned), tag, "{ours}");
}

fn same_headers(ours: &Headers, theirs: &impl HeadersExt) {
    let via = theirs.via_header().unwrap().typed().unwrap();
    let our_via = ours.via().unwrap();
    assert_eq!(our_via.transport(), via.transport.to_string());
    assert_eq!(our_via.host(), via.uri.host().to_string());
    assert_eq!(our_via.port(), via.uri.port().map(|port| *port.value()));
    assert_eq!(our_via.branch(), via.branch().map(|branch| branch.value()));
    assert_eq!(our_via.received(), via.received().unwrap());
    let from = theirs.from_header().unwrap().typed().unwrap();
    let tag = from.tag().map(|tag| tag.value().to_owned());
    same_address(&ours.from().unwrap(), from.display_name.as_ref(), &from.uri, tag);
    let to = theirs.to_header().unwrap().typed().unwrap();
    let tag = to.tag().map(|tag| tag.value().to_owned());
    same_address(&ours.to().unwrap(), to.display_name.as_ref(), &to.uri, tag);
    let contact = theirs.contact_header().unwrap().typed().unwrap();
    same_address(
        &ours.contact().unwrap(),
        contact.display_name.as_ref(),
        &contact.uri,
        None,
    );
    assert_eq!(ours.call_id().unwrap(), theirs.call_id_header().unwrap().value());
    let cseq = theirs.cseq_header().unwrap().typed().unwrap();
    let our_cseq = ours.cseq().unwrap();
    assert_eq!(
        (our_cseq.number, our_cseq.method.to_string()),
        (cseq.seq, cseq.method.to_string())
    );
    let max_forwards = theirs.max_forwards_header().unwrap().num().unwrap();
    assert_eq!(ours.max_forwards().unwrap().map(u32::from), Some(max_forwards));
}

#[test]
fn requests() {
    for text in REQUESTS {
        let theirs = rsip::Request::try_from(*text).unwrap();
        let Message::Request(ours) = ours(text) else {
            panic!("{text}")
        };
        assert_eq!(ours.method().to_string(), theirs.method().to_string());
        same_uri(&ours.uri().unwrap(), theirs.uri());
        assert_eq!(&ours.body()[..], &theirs.body()[..]);
        same_headers(ours.headers(), &theirs);
    }
}

#[test]
fn responses() {
    for text in RESPONSES {
        let theirs = rsip::Response::try_from(*text).unwrap();
        let Message::Response(ours) = ours(text) else {
            panic!("{text}")
        };
        assert_eq!(ours.status().code(), theirs.status_code().code());
        same_headers(ours.headers(), &theirs);
    }
}

/// What the writer writes, rsip reads.
#[test]
fn rsip_reads_what_we_write() {
    for text in REQUESTS {
        let Message::Request(read) = ours(text) else {
            panic!("{text}")
        };
        let mut builder = sip_core::message::Request::builder(read.method().clone(), &read.uri().unwrap());
        for field in read.headers().iter() {
            builder.raw(field.name, field.value);
        }
        let built = builder.build();
        let theirs = rsip::Request::try_from(&built.bytes()[..]).unwrap();
        same_headers(built.headers(), &theirs);
    }
}
