//! What is written is read back equal, whatever is written.
#![allow(clippy::unwrap_used)]

mod checks;

use bytes::Bytes;
use proptest::prelude::*;
use sip_core::message::{
    Limits, Message, Method, Name, NameAddr, Parsed, Request, Response, StatusCode, Uri, parse_datagram,
};
use sip_core::transport::framing::{Frame, Framer};

fn names() -> impl Strategy<Value = Name> {
    let names: Vec<Name> = Name::all()
        .filter(|name| !matches!(name, Name::ContentLength | Name::ContentType))
        .collect();
    proptest::sample::select(names)
}

fn methods() -> impl Strategy<Value = Method> {
    prop_oneof![
        proptest::sample::select(Method::KNOWN.to_vec()),
        "[A-Za-z0-9.!%*_+`'~-]{1,20}".prop_map(|text| Method::parse(&Bytes::from(text)).unwrap()),
    ]
}

fn uris() -> impl Strategy<Value = Uri> {
    let hosts = prop_oneof![
        "[a-z][a-z0-9-]{0,10}(\\.[a-z]{2,5}){0,2}",
        Just("192.0.2.1".to_owned()),
        Just("2001:db8::1".to_owned())
    ];
    (
        proptest::option::of(any::<String>()),
        hosts,
        proptest::option::of(any::<u16>()),
    )
        .prop_filter_map("a user part is not empty", |(user, host, port)| {
            Uri::sip(user.as_deref().filter(|user| !user.is_empty()), &host, port).ok()
        })
}

fn read(bytes: &Bytes) -> Message {
    match parse_datagram(bytes.clone(), &Limits::default()) {
        Parsed::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

/// Names, values and body, as the index gives them.
type Content = (Vec<(Name, Vec<u8>, Vec<u8>)>, Bytes);

fn content(message: &Message) -> Content {
    let body = match message {
        Message::Request(request) => request.body(),
        Message::Response(response) => response.body(),
    };
    (
        message
            .headers()
            .iter()
            .map(|f| (f.name, f.text.to_vec(), f.value.to_vec()))
            .collect(),
        body,
    )
}

proptest! {
    // A failing case prints its smallest input; it becomes a test of its own rather than a line in a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn requests(
        method in methods(),
        uri in uris(),
        headers in proptest::collection::vec((names(), any::<String>()), 0..40),
        other in "\\PC{1,12}",
        body in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..200)),
    ) {
        let mut builder = Request::builder(method.clone(), &uri);
        for (name, value) in &headers {
            builder.header(*name, value);
        }
        builder.other(&other, "x");
        if let Some(body) = body.clone() {
            builder.body("application/sdp", Bytes::from(body));
        }
        let built = builder.build();
        let Message::Request(found) = read(built.bytes()) else { panic!("a request") };
        prop_assert_eq!(found.method(), &method);
        prop_assert_eq!(found.uri().unwrap(), uri);
        prop_assert_eq!(&found.body()[..], &body.unwrap_or_default()[..]);
        prop_assert_eq!(content(&Message::Request(found)), content(&Message::Request(built)));
    }

    #[test]
    fn responses(code in 100u16..700, reason in any::<String>(), headers in proptest::collection::vec((names(), any::<String>()), 0..40)) {
        let status = StatusCode::new(code).unwrap();
        let mut builder = Response::builder(status, Some(&reason));
        for (name, value) in &headers {
            builder.header(*name, value);
        }
        let built = builder.build();
        let Message::Response(found) = read(built.bytes()) else { panic!("a response") };
        prop_assert_eq!(found.status(), status);
        prop_assert_eq!(found.reason(), built.reason());
        prop_assert_eq!(content(&Message::Response(found)), content(&Message::Response(built)));
    }

    #[test]
    fn addresses(display in proptest::option::of("\\PC*"), uri in uris(), tag in proptest::option::of("[a-z0-9.-]{1,30}")) {
        let built = NameAddr::new(display.as_deref(), &uri, tag.as_deref());
        let found: NameAddr = built.to_string().parse().unwrap();
        prop_assert_eq!(found.uri(), &uri);
        prop_assert_eq!(found.tag(), tag.as_deref());
        let found_display = found.display();
        prop_assert_eq!(found_display.as_deref(), display.as_deref());
        let built_display = built.display();
        prop_assert_eq!(built_display.as_deref(), display.as_deref());
    }

    #[test]
    fn user_parts(user in any::<String>().prop_filter("no user parameters", |user| !user.is_empty() && !user.contains(';'))) {
        let uri = Uri::sip(Some(&user), "example.com", None).unwrap();
        let found = uri.user_decoded();
        prop_assert_eq!(found.as_deref(), Some(user.as_bytes()));
    }

    #[test]
    fn any_bytes_at_all(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 1usize..50) {
        checks::datagram(&bytes);
        checks::stream(&bytes, cut);
    }

    #[test]
    fn streams_of_messages(bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..8), cut in 1usize..400) {
        let uri: Uri = "sip:a@example.com".parse().unwrap();
        let messages: Vec<Bytes> = bodies
            .into_iter()
            .map(|body| {
                let mut builder = Request::builder(Method::Message, &uri);
                builder.body("application/octet-stream", Bytes::from(body));
                builder.build().bytes().clone()
            })
            .collect();
        let stream = messages.join(&b"\r\n"[..]);
        let mut framer = Framer::new(Limits::default());
        let mut found = Vec::new();
        for chunk in stream.chunks(cut) {
            framer.push(chunk);
            found.extend(std::iter::from_fn(|| framer.poll()));
        }
        prop_assert_eq!(found, messages.into_iter().map(Frame::Message).collect::<Vec<_>>());
    }
}
