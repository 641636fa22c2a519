//! Writing messages. The index is recorded while writing, so that what was built is a message like one that was read,
//! without reading it again.

use std::fmt::{self, Display, Write};
use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};

use super::headers::Headers;
use super::lexer;
use super::method::Method;
use super::name::Name;
use super::span::Span;
use super::status::StatusCode;
use super::via::Via;
use super::{Request, Response};

/// Builds a [`Request`] or a [`Response`]. Header fields stand in the order in which they are given; Content-Type and
/// Content-Length come last. A Content-Length that is given is ignored: the writer knows better.
///
/// No value can break out of its line: line breaks and zero bytes are written as spaces.
pub struct Builder<S> {
    buffer: BytesMut,
    headers: Headers,
    start: S,
    body: Option<(String, Bytes)>,
}

/// The start line of a request that is being built.
pub struct RequestLine {
    method: Method,
    uri: Span,
}

/// The start line of a response that is being built.
pub struct StatusLine {
    status: StatusCode,
    reason: Span,
}

/// Builds a [`Request`].
pub type RequestBuilder = Builder<RequestLine>;
/// Builds a [`Response`].
pub type ResponseBuilder = Builder<StatusLine>;

impl Request {
    /// Begins a request with `method uri SIP/2.0`. Headers of the URI are left out (RFC 3261 §19.1.5).
    pub fn builder(method: Method, uri: &super::Uri) -> RequestBuilder {
        let mut buffer = BytesMut::with_capacity(1024);
        put(&mut buffer, method.as_str());
        buffer.put_u8(b' ');
        let start = buffer.len();
        put(&mut buffer, uri.without_headers().as_str());
        let uri = Span::new(start, buffer.len());
        buffer.put_slice(b" SIP/2.0\r\n");
        Builder::new(buffer, RequestLine { method, uri })
    }
}

/// What a response takes from elsewhere than the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answer<'a> {
    /// Added to To, if To has no tag yet and the status is not 100 (RFC 3261 §8.2.6.2).
    pub to_tag: Option<&'a str>,
    /// Where the request came from: written into the first Via as `received` and `rport` (RFC 3261 §18.2.1, RFC 3581 §4).
    pub source: Option<SocketAddr>,
    /// Instead of the usual reason phrase.
    pub reason: Option<&'a str>,
}

impl Response {
    /// Begins a response with `SIP/2.0 status reason`.
    pub fn builder(status: StatusCode, reason: Option<&str>) -> ResponseBuilder {
        let mut buffer = BytesMut::with_capacity(1024);
        let _ = write!(buffer, "SIP/2.0 {status} ");
        let start = buffer.len();
        put(&mut buffer, reason.unwrap_or(status.phrase()));
        let reason = Span::new(start, buffer.len());
        buffer.put_slice(b"\r\n");
        Builder::new(buffer, StatusLine { status, reason })
    }

    /// Begins a response to `request`: Via, From, To, Call-ID and CSeq are copied, and Timestamp into a 100
    /// (RFC 3261 §8.2.6). Record-Route is not copied; see [`Builder::copy`].
    pub fn to(request: &Request, status: StatusCode, answer: Answer<'_>) -> ResponseBuilder {
        let from = request.headers();
        let mut builder = Response::builder(status, answer.reason);
        let mut is_first = true;
        for value in from.elements(Name::Via) {
            match (is_first, answer.source, Via::parse(from.raw.slice_ref(value))) {
                (true, Some(source), Ok(via)) => builder.header(Name::Via, Received { via: &via, source }),
                _ => builder.raw(Name::Via, value),
            };
            is_first = false;
        }
        builder.copy(from, Name::From);
        match (answer.to_tag, from.to()) {
            (Some(tag), Ok(to)) if status != StatusCode::TRYING && to.param("tag").is_none() => {
                let bare = lexer::unfold(to.as_bytes());
                let value = super::text(&bare);
                // Bytes that are not UTF-8 must go back as they came, or the peer cannot match the response.
                if value.as_bytes() == bare.as_ref() {
                    builder.header(Name::To, format_args!("{value};tag={tag}"));
                } else {
                    builder.raw(Name::To, &[bare.as_ref(), b";tag=", tag.as_bytes()].concat());
                }
            }
            _ => {
                builder.copy(from, Name::To);
            }
        }
        builder.copy(from, Name::CallId).copy(from, Name::CSeq);
        if status == StatusCode::TRYING {
            builder.copy(from, Name::Timestamp);
        }
        builder
    }
}

/// A Via with the source of the request in it.
struct Received<'a> {
    via: &'a Via,
    source: SocketAddr,
}

impl Display for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Received { via, source } = self;
        write!(f, "SIP/{}/{} {}", via.version(), via.transport(), via.host())?;
        if let Some(port) = via.port() {
            write!(f, ":{port}")?;
        }
        let wants_port = via.rport().is_some();
        for param in via.params().filter(|p| !p.is("received") && !p.is("rport")) {
            write!(f, ";{}", super::text(param.name))?;
            if let Some(value) = param.value {
                write!(f, "={}", super::text(value))?;
            }
        }
        if wants_port || via.host_addr() != Some(source.ip()) {
            write!(f, ";received={}", source.ip())?;
        }
        if wants_port {
            write!(f, ";rport={}", source.port())?;
        }
        Ok(())
    }
}

impl<S> Builder<S> {
    fn new(buffer: BytesMut, start: S) -> Self {
        Builder {
            buffer,
            headers: Headers::new(Bytes::new()),
            start,
            body: None,
        }
    }

    /// Adds a field.
    pub fn header(&mut self, name: Name, value: impl Display) -> &mut Self {
        self.field(name, name.text(), |buffer| {
            let _ = write!(Clean(buffer), "{value}");
        })
    }

    /// Adds a field from bytes. Folds are removed.
    pub fn raw(&mut self, name: Name, value: &[u8]) -> &mut Self {
        self.field(name, name.text(), |buffer| put_bytes(buffer, &lexer::unfold(value)))
    }

    /// Adds a field that has no [`Name`]. Characters of `name` that may not stand in a name are left out; if none remains,
    /// nothing is added.
    pub fn other(&mut self, name: &str, value: impl Display) -> &mut Self {
        let text: String = name
            .chars()
            .filter(|&c| u8::try_from(c).is_ok_and(lexer::is_token))
            .collect();
        if text.is_empty() {
            return self;
        }
        self.field(Name::of(text.as_bytes()), &text, |buffer| {
            let _ = write!(Clean(buffer), "{value}");
        })
    }

    /// Copies all the fields called `name`, in their order. Folds are removed.
    pub fn copy(&mut self, from: &Headers, name: Name) -> &mut Self {
        for value in from.all(name) {
            self.raw(name, value);
        }
        self
    }

    /// Sets the body and its Content-Type, unless that has been given as a header.
    pub fn body(&mut self, content_type: &str, body: Bytes) -> &mut Self {
        self.body = Some((content_type.to_owned(), body));
        self
    }

    /// Content-Length is the writer's own.
    fn field(&mut self, name: Name, text: &str, value: impl FnOnce(&mut BytesMut)) -> &mut Self {
        if name != Name::ContentLength {
            self.append(name, text, value);
        }
        self
    }

    fn append(&mut self, name: Name, text: &str, value: impl FnOnce(&mut BytesMut)) {
        let start = self.buffer.len();
        put(&mut self.buffer, text);
        let text = Span::new(start, self.buffer.len());
        self.buffer.put_slice(b": ");
        let start = self.buffer.len();
        value(&mut self.buffer);
        let written = &self.buffer[start..];
        let lead = written.iter().position(|&c| !lexer::is_space(c)).unwrap_or(0);
        let value = Span::new(start + lead, start + lead + lexer::trim(written).len());
        self.buffer.put_slice(b"\r\n");
        self.headers.record(name, text, value);
    }

    fn finish(mut self) -> (Headers, Span, S) {
        let body = match self.body.take() {
            Some((content_type, body)) => {
                if !self.headers.contains(Name::ContentType) {
                    self.header(Name::ContentType, content_type);
                }
                body
            }
            None => Bytes::new(),
        };
        self.append(Name::ContentLength, Name::ContentLength.text(), |buffer| {
            let _ = write!(buffer, "{}", body.len());
        });
        self.buffer.put_slice(b"\r\n");
        let start = self.buffer.len();
        self.buffer.put_slice(&body);
        let span = Span::new(start, self.buffer.len());
        self.headers.raw = self.buffer.freeze();
        (self.headers, span, self.start)
    }
}

impl RequestBuilder {
    /// The finished request.
    pub fn build(self) -> Request {
        let (headers, body, RequestLine { method, uri }) = self.finish();
        Request {
            method,
            uri,
            headers,
            body,
        }
    }
}

impl ResponseBuilder {
    /// The finished response.
    pub fn build(self) -> Response {
        let (headers, body, StatusLine { status, reason }) = self.finish();
        Response {
            status,
            reason,
            headers,
            body,
        }
    }
}

/// Writes text, line breaks and zero bytes as spaces.
struct Clean<'a>(&'a mut BytesMut);

impl Write for Clean<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        put(self.0, text);
        Ok(())
    }
}

fn put(buffer: &mut BytesMut, text: &str) {
    put_clean(buffer, text.as_bytes(), |c| matches!(c, b'\r' | b'\n' | 0));
}

/// A zero byte may be escaped in a quoted string, so what a peer sent is given back with it.
fn put_bytes(buffer: &mut BytesMut, bytes: &[u8]) {
    put_clean(buffer, bytes, |c| matches!(c, b'\r' | b'\n'));
}

fn put_clean(buffer: &mut BytesMut, bytes: &[u8], is_unwanted: impl Fn(u8) -> bool) {
    let start = buffer.len();
    buffer.put_slice(bytes);
    for c in &mut buffer[start..] {
        if is_unwanted(*c) {
            *c = b' ';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Limits, Message, Parsed, parse_datagram};

    fn request(via: &str, to: &str) -> Request {
        let text = format!(
            "INVITE sip:b@c SIP/2.0\r\nv: {via}\r\nVia: SIP/2.0/TCP other;branch=z9hG4bK0\r\nf: <sip:a@b>;tag=1\r\nt: {to}\r\ni: x\r\n\
             CSeq: 7 INVITE\r\nTimestamp: 54\r\nRecord-Route: <sip:p;lr>\r\n\r\n"
        );
        match parse_datagram(Bytes::from(text), &Limits::default()) {
            Parsed::Message(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    fn answer(request: &Request, status: StatusCode) -> Response {
        let source = Some("203.0.113.5:6000".parse().unwrap());
        let answer = Answer {
            to_tag: Some("ours"),
            source,
            reason: None,
        };
        Response::to(request, status, answer).build()
    }

    #[test]
    fn a_response_takes_from_the_request_what_rfc_3261_names() {
        let request = request(
            "SIP/2.0/UDP h:5070;rport;branch=z9hG4bK1, SIP/2.0/UDP mid;branch=z9hG4bK2",
            "\"B\"\r\n <sip:b@c>",
        );
        let response = answer(&request, StatusCode::RINGING);
        let vias: Vec<String> = response.headers().vias().map(|via| via.unwrap().to_string()).collect();
        assert_eq!(
            vias,
            [
                "SIP/2.0/UDP h:5070;branch=z9hG4bK1;received=203.0.113.5;rport=6000",
                "SIP/2.0/UDP mid;branch=z9hG4bK2",
                "SIP/2.0/TCP other;branch=z9hG4bK0"
            ]
        );
        assert_eq!(
            response.headers().first(Name::To),
            Some(&b"\"B\" <sip:b@c>;tag=ours"[..])
        );
        assert_eq!(response.headers().first(Name::From), Some(&b"<sip:a@b>;tag=1"[..]));
        assert_eq!(response.headers().cseq(), request.headers().cseq());
        assert!(!response.headers().contains(Name::Timestamp) && !response.headers().contains(Name::RecordRoute));
        assert_eq!(response.headers().content_length(), Ok(Some(0)));
    }

    #[test]
    fn a_hundred_has_no_tag_and_a_dialog_keeps_its_own() {
        let new = request("SIP/2.0/UDP 203.0.113.5;branch=z9hG4bK1", "<sip:b@c>");
        let trying = answer(&new, StatusCode::TRYING);
        assert_eq!(trying.headers().to().unwrap().tag(), None);
        assert!(trying.headers().contains(Name::Timestamp));
        assert_eq!(
            trying.headers().via().unwrap().received(),
            None,
            "sent-by tells the source already"
        );
        let within = request("SIP/2.0/UDP h;branch=z9hG4bK1", "<sip:b@c>;tag=theirs");
        assert_eq!(
            answer(&within, StatusCode::OK).headers().to().unwrap().tag(),
            Some("theirs")
        );
    }

    #[test]
    fn nothing_breaks_out_of_its_line() {
        let uri = "sip:a@b?Route=%3Csip:c%3E".parse().unwrap();
        let mut builder = Request::builder(Method::Info, &uri);
        builder
            .header(Name::Subject, "a\r\nX-Injected: 1\r\n\r\nbody")
            .other("X-Y: z\r\nW", "v\nw")
            .raw(Name::Organization, b"folded\r\n value")
            .header(Name::ContentLength, 99)
            .body("text/plain", Bytes::from_static(b"hello"));
        let request = builder.build();
        let expected = "INFO sip:a@b SIP/2.0\r\nSubject: a  X-Injected: 1    body\r\nX-YzW: v w\r\nOrganization: folded value\r\n\
            Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(request.bytes(), expected);
        assert_eq!(request.body(), "hello");
    }
}
