//! Writing the requests that we originate.
//!
//! Calls keep their constant headers as finished lines, so a request is a few copies into one buffer. What we wrote ourselves has a
//! known shape: one header a line, canonical names, no folds. [`rewrite`] uses that to send a request again with another branch,
//! sequence number or credentials, without keeping its parts.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::flow::Transport;
use crate::ids::hex;
use crate::message::Method;

/// What a new request consists of. Everything that ends in `lines` holds complete header lines.
pub(crate) struct Draft<'a> {
    pub method: &'a str,
    pub uri: &'a [u8],
    pub via: Hop<'a>,
    /// Route.
    pub route_lines: &'a [u8],
    /// From, To and Call-ID.
    pub identity_lines: &'a [u8],
    pub sequence: u32,
    pub lines: &'a [u8],
    /// Content-Type, and the body.
    pub body: Option<(&'a str, &'a [u8])>,
}

/// How the top Via reads.
#[derive(Clone, Copy)]
pub(crate) struct Hop<'a> {
    pub transport: Transport,
    pub sent_by: &'a str,
    pub branch: u64,
}

impl Hop<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"Via: SIP/2.0/");
        out.extend_from_slice(self.transport.token().as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.sent_by.as_bytes());
        out.extend_from_slice(b";rport;branch=z9hG4bK");
        out.extend_from_slice(&hex(self.branch));
        out.extend_from_slice(b"\r\n");
    }
}

impl Draft<'_> {
    /// Writes the request through `scratch`, which is reused between messages.
    pub fn write(&self, scratch: &mut Vec<u8>) -> Bytes {
        let out = scratch;
        out.clear();
        out.extend_from_slice(self.method.as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.uri);
        out.extend_from_slice(b" SIP/2.0\r\n");
        self.via.write(out);
        out.extend_from_slice(b"Max-Forwards: 70\r\n");
        out.extend_from_slice(self.route_lines);
        out.extend_from_slice(self.identity_lines);
        cseq_line(out, self.sequence, self.method);
        out.extend_from_slice(self.lines);
        content(out, self.body);
        Bytes::copy_from_slice(out)
    }
}

fn cseq_line(out: &mut Vec<u8>, sequence: u32, method: &str) {
    out.extend_from_slice(b"CSeq: ");
    decimal(out, u64::from(sequence));
    out.push(b' ');
    out.extend_from_slice(method.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Writes Content-Type, Content-Length, the empty line and the body.
pub(crate) fn content(out: &mut Vec<u8>, body: Option<(&str, &[u8])>) {
    match body {
        Some((kind, body)) => {
            out.extend_from_slice(b"Content-Type: ");
            out.extend_from_slice(kind.as_bytes());
            out.extend_from_slice(b"\r\nContent-Length: ");
            decimal(out, body.len() as u64);
            out.extend_from_slice(b"\r\n\r\n");
            out.extend_from_slice(body);
        }
        None => out.extend_from_slice(b"Content-Length: 0\r\n\r\n"),
    }
}

/// Writes a number.
pub(crate) fn decimal(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Writes one header line.
pub(crate) fn line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Writes `Contact: <sip:user@host:port>`.
pub(crate) fn contact_line(out: &mut Vec<u8>, user: &str, sent_by: &str, transport: Transport) {
    out.extend_from_slice(b"Contact: <");
    contact_uri(out, user, sent_by, transport);
    out.extend_from_slice(b">\r\n");
}

/// Writes the URI at which we can be reached.
pub(crate) fn contact_uri(out: &mut Vec<u8>, user: &str, sent_by: &str, transport: Transport) {
    out.extend_from_slice(b"sip:");
    if !user.is_empty() {
        out.extend_from_slice(user.as_bytes());
        out.push(b'@');
    }
    out.extend_from_slice(sent_by.as_bytes());
    match transport {
        Transport::Udp => {}
        Transport::Tcp => out.extend_from_slice(b";transport=tcp"),
        Transport::Tls => out.extend_from_slice(b";transport=tls"),
    }
}

/// The sent-by of an address: the port is always written.
pub(crate) fn sent_by(addr: SocketAddr) -> String {
    addr.to_string()
}

/// The value of the first line called `name` in a message that we wrote.
pub(crate) fn value_of<'a>(message: &'a [u8], name: &str) -> Option<&'a [u8]> {
    lines(message).find_map(|line| {
        let value = line.strip_prefix(name.as_bytes())?.strip_prefix(b": ")?;
        Some(value)
    })
}

/// The sequence number of a request that we wrote.
pub(crate) fn sequence_of(request: &[u8]) -> u32 {
    let value = value_of(request, "CSeq").unwrap_or_default();
    let digits = value.iter().take_while(|c| c.is_ascii_digit());
    digits.fold(0u32, |number, c| {
        number.wrapping_mul(10).wrapping_add(u32::from(c - b'0'))
    })
}

/// Writes the credentials of a request that we wrote.
pub(crate) fn credential_lines(request: &[u8], out: &mut Vec<u8>) {
    for text in lines(request).filter(|text| starts(text, &CREDENTIALS)) {
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }
}

/// The headers that answer challenges.
pub(crate) const CREDENTIALS: [&str; 2] = ["Authorization", "Proxy-Authorization"];

/// The method of a request that we wrote.
pub(crate) fn method_of(request: &[u8]) -> Method {
    let end = memchr::memchr(b' ', request).unwrap_or(0);
    Method::known(&request[..end]).unwrap_or(Method::Options)
}

/// The Request-URI of a request that we wrote.
pub(crate) fn uri_of(request: &[u8]) -> &[u8] {
    let line = first_line(request);
    let start = memchr::memchr(b' ', line).map_or(0, |at| at + 1);
    let end = memchr::memrchr(b' ', line).unwrap_or(line.len());
    line.get(start..end).unwrap_or_default()
}

/// The body of a message that we wrote.
pub(crate) fn body_of(message: &[u8]) -> &[u8] {
    memchr::memmem::find(message, b"\r\n\r\n").map_or(&[], |at| &message[at + 4..])
}

fn first_line(message: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\r', message).unwrap_or(message.len());
    &message[..end]
}

/// The header lines of a message that we wrote, without start line.
fn lines(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let head = memchr::memmem::find(message, b"\r\n\r\n").map_or(message, |at| &message[..at]);
    let start = memchr::memchr(b'\n', head).map_or(head.len(), |at| at + 1);
    head[start..]
        .split(|&c| c == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Writes the ACK for a failure: the INVITE's URI, Via, From, Call-ID and Route, and the response's To (RFC 3261 §17.1.1.3).
pub(crate) fn acknowledge_failure(invite: &[u8], to: &[u8], scratch: &mut Vec<u8>) -> Bytes {
    like_invite("ACK", invite, Some(to), b"", scratch)
}

/// Writes the CANCEL of an INVITE (RFC 3261 §9.1). `lines` are added, for instance a Reason.
pub(crate) fn cancel(invite: &[u8], lines: &[u8], scratch: &mut Vec<u8>) -> Bytes {
    like_invite("CANCEL", invite, None, lines, scratch)
}

fn like_invite(method: &str, invite: &[u8], to: Option<&[u8]>, more: &[u8], scratch: &mut Vec<u8>) -> Bytes {
    let out = scratch;
    out.clear();
    out.extend_from_slice(method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(uri_of(invite));
    out.extend_from_slice(b" SIP/2.0\r\n");
    for text in lines(invite) {
        if starts(text, &["Via", "Max-Forwards", "Route", "From", "Call-ID"]) {
            out.extend_from_slice(text);
            out.extend_from_slice(b"\r\n");
        } else if starts(text, &["To"]) {
            match to {
                Some(to) => line(out, "To", to),
                None => {
                    out.extend_from_slice(text);
                    out.extend_from_slice(b"\r\n");
                }
            }
        } else if let Some(value) = text.strip_prefix(b"CSeq: ") {
            let end = memchr::memchr(b' ', value).unwrap_or(value.len());
            out.extend_from_slice(b"CSeq: ");
            out.extend_from_slice(&value[..end]);
            out.push(b' ');
            out.extend_from_slice(method.as_bytes());
            out.extend_from_slice(b"\r\n");
        } else if method == "ACK" && starts(text, &CREDENTIALS) {
            // RFC 3261 §22.1: the ACK carries the credentials of its INVITE.
            out.extend_from_slice(text);
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(more);
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    Bytes::copy_from_slice(out)
}

fn starts(text: &[u8], names: &[&str]) -> bool {
    names.iter().any(|name| {
        text.strip_prefix(name.as_bytes())
            .is_some_and(|rest| rest.starts_with(b": "))
    })
}

/// What changes when a request is sent again.
pub(crate) struct Changes<'a> {
    pub via: Hop<'a>,
    pub sequence: u32,
    /// Another Request-URI.
    pub uri: Option<&'a [u8]>,
    /// Names of headers that are left out.
    pub without: &'a [&'a str],
    /// Complete lines that are added.
    pub lines: &'a [u8],
}

/// Writes `request`, which we wrote before, once more with changes.
pub(crate) fn rewrite(request: &[u8], changes: &Changes<'_>, scratch: &mut Vec<u8>) -> Bytes {
    let out = scratch;
    out.clear();
    let first = first_line(request);
    let method_end = memchr::memchr(b' ', first).unwrap_or(0);
    let method = std::str::from_utf8(&first[..method_end]).unwrap_or_default();
    out.extend_from_slice(method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(changes.uri.unwrap_or_else(|| uri_of(request)));
    out.extend_from_slice(b" SIP/2.0\r\n");
    for text in lines(request) {
        if starts(text, &["Via"]) {
            changes.via.write(out);
        } else if starts(text, &["CSeq"]) {
            cseq_line(out, changes.sequence, method);
            out.extend_from_slice(changes.lines);
        } else if !starts(text, changes.without) {
            out.extend_from_slice(text);
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body_of(request));
    Bytes::copy_from_slice(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOP: Hop<'static> = Hop {
        transport: Transport::Udp,
        sent_by: "192.0.2.1:5060",
        branch: 0xabc,
    };

    fn invite() -> Bytes {
        Draft {
            method: "INVITE",
            uri: b"sip:0199000001@carrier.example",
            via: HOP,
            route_lines: b"Route: <sip:edge.example;lr>\r\n",
            identity_lines: b"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\n",
            sequence: 7,
            lines: b"Contact: <sip:a@192.0.2.1>\r\nAuthorization: Digest old\r\n",
            body: Some(("application/sdp", b"v=0\r\n\r\n")),
        }
        .write(&mut Vec::new())
    }

    fn text(message: &Bytes) -> &str {
        std::str::from_utf8(message).expect("text")
    }

    #[test]
    fn a_request_is_its_parts_in_order() {
        let expected = "INVITE sip:0199000001@carrier.example SIP/2.0\r\n\
            Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK0000000000000abc\r\n\
            Max-Forwards: 70\r\nRoute: <sip:edge.example;lr>\r\n\
            From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 7 INVITE\r\n\
            Contact: <sip:a@192.0.2.1>\r\nAuthorization: Digest old\r\n\
            Content-Type: application/sdp\r\nContent-Length: 7\r\n\r\nv=0\r\n\r\n";
        assert_eq!(text(&invite()), expected);
    }

    #[test]
    fn ack_and_cancel_resemble_their_invite() {
        let ack = acknowledge_failure(&invite(), b"<sip:c@d>;tag=2", &mut Vec::new());
        let expected = "ACK sip:0199000001@carrier.example SIP/2.0\r\n\
            Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK0000000000000abc\r\n\
            Max-Forwards: 70\r\nRoute: <sip:edge.example;lr>\r\n\
            From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 7 ACK\r\n\
            Authorization: Digest old\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(text(&ack), expected);
        let cancel = cancel(&invite(), b"", &mut Vec::new());
        assert!(text(&cancel).contains("To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 7 CANCEL\r\nContent-Length: 0\r\n\r\n"));
    }

    #[test]
    fn a_rewritten_request_keeps_the_rest() {
        let changes = Changes {
            via: Hop { branch: 0xdef, ..HOP },
            sequence: 8,
            uri: Some(b"sip:other@e"),
            without: &["Authorization"],
            lines: b"Authorization: Digest new\r\n",
        };
        let again = rewrite(&invite(), &changes, &mut Vec::new());
        let expected = text(&invite())
            .replace("sip:0199000001@carrier.example", "sip:other@e")
            .replace("0abc", "0def")
            .replace("Authorization: Digest old\r\n", "")
            .replace("CSeq: 7 INVITE\r\n", "CSeq: 8 INVITE\r\nAuthorization: Digest new\r\n");
        assert_eq!(text(&again), expected);
        assert_eq!(value_of(&again, "Call-ID"), Some(&b"x"[..]));
        assert_eq!(body_of(&again), b"v=0\r\n\r\n");
    }
}
