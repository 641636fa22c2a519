//! What must hold for any bytes whatever: shared by the mutation test and the fuzz targets.

use bytes::Bytes;
use sip_core::admission::{Admission, Rules, admit};
use sip_core::message::{
    Answer, Limits, Message, Method, Name, NameAddr, Parsed, Request, Response, StatusCode, Uri, parse_datagram, unfold,
};
use sip_core::transport::framing::{Frame, Framer};
use sip_core::verdict::examine;

/// One datagram: nothing panics, what is written from it reads back equal, refusals are sound.
pub fn datagram(bytes: &[u8]) {
    let examination = examine(bytes);
    assert_eq!(examination, examine(bytes), "the same bytes must get the same verdict");
    let bytes = Bytes::copy_from_slice(bytes);
    match admit(bytes.clone(), &Rules::default()) {
        Admission::Request(request, essentials) => {
            assert!(request.uri().is_ok() && request.headers().contacts().all(|contact| contact.is_ok()));
            assert_eq!(essentials.cseq.method, *request.method());
            address(&essentials.from);
            address(&essentials.to);
            if *request.method() != Method::Ack {
                answer(&request, StatusCode::RINGING);
            }
            rewrite(&request);
        }
        Admission::Response(response, essentials) => {
            assert_eq!(response.headers().vias().count(), 1);
            address(&essentials.to);
        }
        Admission::Refused(refusal) => {
            assert_ne!(*refusal.request.method(), Method::Ack);
            read_response(
                refusal
                    .response("tag", Some("[2001:db8::1]:5060".parse().expect("an address")))
                    .bytes(),
            );
        }
        Admission::KeepAlive => assert!(bytes.iter().all(|&c| c == b'\r' || c == b'\n')),
        Admission::Dropped(_) => {}
    }
}

/// A response to what was let in can be read, and has what its sender needs to match it.
fn answer(request: &Request, status: StatusCode) {
    let answer = Answer {
        to_tag: Some("tag"),
        ..Answer::default()
    };
    let mut builder = Response::to(request, status, answer);
    builder.copy(request.headers(), Name::RecordRoute);
    let response = read_response(builder.build().bytes());
    assert_eq!(response.headers().cseq(), request.headers().cseq());
    assert_eq!(response.headers().vias().count(), request.headers().vias().count());
    assert!(
        response.headers().to().expect("To is sound").tag().is_some()
            || request.headers().to().is_ok_and(|to| to.param("tag").is_some())
    );
}

fn read_response(bytes: &Bytes) -> Response {
    let limits = Limits {
        message: usize::MAX,
        head: usize::MAX,
        headers: usize::MAX,
        ..Limits::default()
    };
    match parse_datagram(bytes.clone(), &limits) {
        Parsed::Message(Message::Response(response)) => response,
        other => panic!("a response of ours cannot be read: {other:?}"),
    }
}

/// The same message, written anew: same names, values and body.
fn rewrite(request: &Request) {
    let Ok(uri) = request.uri() else { return };
    let mut builder = Request::builder(request.method().clone(), &uri);
    let is_kept = |name: Name| name != Name::ContentLength;
    for field in request.headers().iter().filter(|field| is_kept(field.name)) {
        match field.name {
            Name::Other => continue,
            name => builder.raw(name, field.value),
        };
    }
    let built = builder.build();
    let limits = Limits {
        message: usize::MAX,
        head: usize::MAX,
        headers: usize::MAX,
        ..Limits::default()
    };
    let Parsed::Message(Message::Request(read)) = parse_datagram(built.bytes().clone(), &limits) else {
        panic!("what was written cannot be read: {:?}", built.bytes());
    };
    let values = |request: &Request| -> Vec<(Name, Vec<u8>)> {
        let fields = request
            .headers()
            .iter()
            .filter(|field| field.name != Name::Other && is_kept(field.name));
        fields
            .map(|field| (field.name, unfold(field.value).trim_ascii().to_vec()))
            .collect()
    };
    assert_eq!(values(request), values(&read));
    assert_eq!(values(&built), values(&read));
}

/// An address is read back from its own text.
fn address(address: &NameAddr) {
    let again: NameAddr = address
        .to_string()
        .parse()
        .unwrap_or_else(|fault| panic!("{address}: {fault}"));
    assert_eq!(again.uri(), address.uri());
    assert_eq!(again.tag(), address.tag());
    assert!(uri(address.uri()));
}

/// A URI is equivalent to itself, unless it says the same thing twice in two ways.
fn uri(uri: &Uri) -> bool {
    let names: Vec<String> = uri.params().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let mut unique = names.clone();
    unique.sort();
    unique.dedup();
    unique.len() != names.len() || uri.is_equivalent(uri)
}

/// A stream: the same frames come out wherever it is cut, and what waits stays within the limits.
pub fn stream(bytes: &[u8], cut: usize) {
    let limits = Limits {
        message: 4_096,
        head: 1_024,
        ..Limits::default()
    };
    let whole = frames(bytes, bytes.len().max(1), limits);
    let cut = frames(bytes, cut.max(1), limits);
    // Where a stream breaks, what had arrived by then depends on the cut; that it breaks, and why, does not.
    let outline = |frames: &[Frame]| -> Vec<Result<Option<Bytes>, String>> {
        let outline = |frame: &Frame| match frame {
            Frame::Message(message) => Ok(Some(message.clone())),
            Frame::Ping => Ok(None),
            Frame::Broken { fault, .. } => Err(fault.to_string()),
        };
        frames.iter().map(outline).collect()
    };
    assert_eq!(outline(&whole), outline(&cut));
}

fn frames(bytes: &[u8], step: usize, limits: Limits) -> Vec<Frame> {
    let mut framer = Framer::new(limits);
    let mut frames = Vec::new();
    for chunk in bytes.chunks(step) {
        framer.push(chunk);
        while let Some(frame) = framer.poll() {
            if let Frame::Message(message) = &frame {
                assert!(message.len() <= limits.message);
            }
            frames.push(frame);
        }
        assert!(
            framer.pending() <= limits.message + step,
            "{} bytes wait",
            framer.pending()
        );
    }
    frames
}
