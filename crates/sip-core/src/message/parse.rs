//! From bytes to a message: the start line, the index of header fields, the body.

use std::borrow::Cow;

use bytes::Bytes;

use super::fault::Fault;
use super::headers::Headers;
use super::lexer;
use super::limits::Limits;
use super::method::Method;
use super::name::Name;
use super::span::Span;
use super::status::StatusCode;
use super::{Message, Request, Response};

/// What a datagram, or one message cut out of a stream, turned out to be.
#[derive(Debug, Clone)]
pub enum Parsed {
    /// A message whose start line, header lines and body length are sound. Values of headers have not been looked at, but for
    /// Content-Length.
    Message(Message),
    /// Nothing but line breaks: a keep-alive (RFC 5626 §4.4.1), or the padding of a nervous peer.
    KeepAlive,
    /// A request that has a fault, as far as it could be indexed. It may be answered, if a response can be addressed.
    Faulty {
        /// What was read. Its URI may be unreadable, its body cut short.
        request: Request,
        /// What is wrong.
        fault: Fault,
    },
    /// A response with a fault, or no SIP at all: to be dropped and counted.
    Unreadable(Fault),
}

/// Reads one datagram. Bytes after the end that Content-Length names are ignored (RFC 3261 §18.3).
///
/// Costs one pass over the header and no allocation up to 24 header fields.
pub fn parse_datagram(bytes: Bytes, limits: &Limits) -> Parsed {
    let start = bytes
        .iter()
        .position(|c| !matches!(c, b'\r' | b'\n'))
        .unwrap_or(bytes.len());
    if start == bytes.len() {
        return if start == 0 {
            Parsed::Unreadable(Fault::StartLine)
        } else {
            Parsed::KeepAlive
        };
    }
    let raw = if start == 0 { bytes } else { bytes.slice(start..) };
    if raw.len() > u32::MAX as usize {
        return Parsed::Unreadable(Fault::TooLarge);
    }
    let line_end = memchr::memchr(b'\n', &raw).unwrap_or(raw.len());
    let line = &raw[..line_end];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let is_status_line = line.len() >= 4 && line[..4].eq_ignore_ascii_case(b"SIP/");
    if is_status_line {
        parse_response(&raw, line, line_end, limits)
    } else {
        parse_request(&raw, line, line_end, limits)
    }
}

fn parse_response(raw: &Bytes, line: &[u8], line_end: usize, limits: &Limits) -> Parsed {
    let (status, reason) = match status_line(line) {
        Ok(parts) => parts,
        Err(fault) => return Parsed::Unreadable(fault),
    };
    let mut headers = Headers::new(raw.clone());
    let (body_start, fault) = headers.read(line_end + 1, limits);
    let (body, body_fault) = body(&headers, body_start);
    let size_fault = (raw.len() > limits.message).then_some(Fault::TooLarge);
    match fault.or(size_fault).or(body_fault) {
        Some(fault) => Parsed::Unreadable(fault),
        None => Parsed::Message(Message::Response(Response {
            status,
            reason,
            headers,
            body,
        })),
    }
}

/// `SIP/2.0 200 OK`. The reason may be empty, and the space before it missing.
fn status_line(line: &[u8]) -> Result<(StatusCode, Span), Fault> {
    let space = memchr::memchr(b' ', line).ok_or(Fault::StartLine)?;
    if !line[..space].eq_ignore_ascii_case(b"SIP/2.0") {
        return Err(Fault::Version);
    }
    let code_end = memchr::memchr(b' ', &line[space + 1..]).map_or(line.len(), |length| space + 1 + length);
    let digits = &line[space + 1..code_end];
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Fault::StartLine);
    }
    let status = lexer::number(digits, 999)
        .and_then(|code| StatusCode::new(code as u16))
        .ok_or(Fault::Status)?;
    Ok((status, Span::new((code_end + 1).min(line.len()), line.len())))
}

fn parse_request(raw: &Bytes, line: &[u8], line_end: usize, limits: &Limits) -> Parsed {
    let Some((method_len, uri, version, line_fault)) = request_line(line) else {
        return Parsed::Unreadable(Fault::StartLine);
    };
    let method = match Method::known(&line[..method_len]) {
        Some(method) => method,
        None => Method::Other(raw.slice(..method_len)),
    };
    let mut headers = Headers::new(raw.clone());
    let (body_start, header_fault) = headers.read(line_end + 1, limits);
    let (body, body_fault) = body(&headers, body_start);
    let version_fault = (!version.eq_ignore_ascii_case(b"SIP/2.0")).then_some(Fault::Version);
    let size_fault = (raw.len() > limits.message).then_some(Fault::TooLarge);
    let uri_fault = (uri.range().len() > limits.uri).then_some(Fault::RequestUriTooLong);
    let request = Request {
        method,
        uri,
        headers,
        body,
    };
    match version_fault
        .or(size_fault)
        .or(line_fault)
        .or(uri_fault)
        .or(header_fault)
        .or(body_fault)
    {
        Some(fault) => Parsed::Faulty { request, fault },
        None => Parsed::Message(Message::Request(request)),
    }
}

/// `METHOD SP Request-URI SP SIP/2.0`: the method's length, the URI's place, the version and a fault of white space. `None` if
/// this is no request line at all.
fn request_line(line: &[u8]) -> Option<(usize, Span, &[u8], Option<Fault>)> {
    let text = line.trim_ascii_end();
    let mut fault = (text.len() != line.len()).then_some(Fault::RequestLine);
    let method_len = memchr::memchr(b' ', text)?;
    if !lexer::all_token(&text[..method_len]) {
        return None;
    }
    let last = memchr::memrchr(b' ', text).filter(|&last| last > method_len)?;
    let version = &text[last + 1..];
    let is_version = version.len() > 4
        && version[..4].eq_ignore_ascii_case(b"SIP/")
        && version[4..].iter().all(|c| c.is_ascii_digit() || *c == b'.');
    if !is_version {
        return None;
    }
    let uri = Span::new(method_len + 1, last);
    let uri_text = uri.of(text);
    if uri_text.is_empty() || uri_text.iter().any(|&c| lexer::is_space(c)) {
        fault = Some(Fault::RequestLine);
    }
    Some((method_len, uri, version, fault))
}

/// Where the body is, by Content-Length.
fn body(headers: &Headers, start: usize) -> (Span, Option<Fault>) {
    let end = headers.raw.len();
    let whole = Span::new(start, end);
    if headers.count(Name::ContentLength) > 1 {
        return (whole, Some(Fault::Repeated(Name::ContentLength)));
    }
    match headers.content_length() {
        Ok(None) => (whole, None),
        Ok(Some(length)) if length <= end - start => (Span::new(start, start + length), None),
        Ok(Some(_)) => (whole, Some(Fault::BodyTooShort)),
        Err(fault) => (whole, Some(fault)),
    }
}

/// Text for people: UTF-8 if it is, or else Latin-1.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&c| c as char).collect()),
    }
}

/// Content-Length of a message of which only the head has been received.
pub(crate) fn head_content_length(head: &[u8]) -> Result<Option<usize>, Fault> {
    let first_line = memchr::memchr(b'\n', head).map_or(head.len(), |at| at + 1);
    super::headers::content_length(head, first_line)
}
