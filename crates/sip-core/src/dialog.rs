//! Dialogs (RFC 3261 §12): what both sides agreed on to find each other again.

use bytes::Bytes;

use crate::compose::line;
use crate::flow::{Flow, Location};
use crate::message::{Headers, Method, Name, Request, Response, Uri};
use crate::slots::Key;

/// One side's view of a dialog.
#[derive(Debug, Clone)]
pub(crate) struct Dialog {
    /// From, To and Call-ID lines of our requests.
    pub identity: Box<[u8]>,
    pub remote_tag: Box<str>,
    /// The sequence number of our last request.
    pub local_sequence: u32,
    /// The sequence number of the peer's last request.
    pub remote_sequence: Option<u32>,
    /// The URI of the peer's Contact.
    target: Bytes,
    /// The route set, next hop first.
    routes: Box<[Route]>,
    /// Where requests go.
    pub flow: Flow,
    /// The name that must be looked up before it is known where requests go.
    pub awaits: Option<Box<Awaited>>,
    /// The peer lists UPDATE in Allow.
    pub allows_update: bool,
}

/// A host name on which a dialog waits.
#[derive(Debug, Clone)]
pub(crate) struct Awaited {
    pub location: Location,
    /// The INVITE whose ACK has left without knowing.
    pub invite: Option<Key>,
}

#[derive(Debug, Clone)]
struct Route {
    /// The whole value with its brackets.
    value: Box<[u8]>,
    uri: Uri,
}

impl Dialog {
    /// The dialog that a response to our INVITE creates. `None` if the response has no To tag or, for a 2xx, no Contact to
    /// go on with; an early dialog without Contact keeps the INVITE's URI.
    pub fn of_caller(
        from_line: &[u8],
        call_id_line: &[u8],
        uri: &[u8],
        response: &Response,
        flow: Flow,
        sequence: u32,
    ) -> Option<Dialog> {
        let headers = response.headers();
        let to = headers.to().ok()?;
        let remote_tag = to.tag().unwrap_or_default();
        let mut identity = Vec::with_capacity(from_line.len() + call_id_line.len() + to.as_bytes().len() + 8);
        identity.extend_from_slice(from_line);
        line(&mut identity, "To", &crate::message::unfold(to.as_bytes()));
        identity.extend_from_slice(call_id_line);
        let target = match headers.contact() {
            Ok(contact) => copy(contact.uri().as_bytes()),
            Err(_) => Bytes::copy_from_slice(uri),
        };
        // RFC 3261 §12.1.2: the caller reads Record-Route backwards.
        let mut routes = routes_of(headers)?;
        routes.reverse();
        Some(Dialog {
            identity: identity.into(),
            remote_tag: remote_tag.into(),
            local_sequence: sequence,
            remote_sequence: None,
            target,
            routes: routes.into(),
            flow,
            awaits: None,
            allows_update: allows_update(headers),
        })
    }

    /// The dialog that our response to the peer's INVITE creates. `None` if the request lacks what a dialog needs.
    pub fn of_callee(request: &Request, local_tag: &str, flow: Flow) -> Option<Dialog> {
        let headers = request.headers();
        let (from, to) = (headers.from().ok()?, headers.to().ok()?);
        let mut identity = Vec::with_capacity(256);
        let mut local = crate::message::unfold(to.as_bytes()).into_owned();
        local.extend_from_slice(b";tag=");
        local.extend_from_slice(local_tag.as_bytes());
        line(&mut identity, "From", &local);
        line(&mut identity, "To", &crate::message::unfold(from.as_bytes()));
        line(&mut identity, "Call-ID", headers.call_id().ok()?.as_bytes());
        Some(Dialog {
            identity: identity.into(),
            remote_tag: from.tag().unwrap_or_default().into(),
            local_sequence: 0,
            remote_sequence: Some(headers.cseq().ok()?.number),
            target: copy(headers.contact().ok()?.uri().as_bytes()),
            routes: routes_of(headers)?.into(),
            flow,
            awaits: None,
            allows_update: allows_update(headers),
        })
    }

    /// The URI that decides where requests are sent (RFC 3261 §8.1.2).
    pub fn next_hop(&self) -> Option<Uri> {
        match self.routes.first() {
            Some(route) => Some(route.uri.clone()),
            None => Uri::parse(self.target.clone()).ok(),
        }
    }

    /// The Request-URI, and the Route line written to `lines` (RFC 3261 §12.2.1.1).
    pub fn address(&self, lines: &mut Vec<u8>) -> Bytes {
        let Some(first) = self.routes.first() else {
            return self.target.clone();
        };
        if first.uri.is_loose_router() {
            route_line(lines, self.routes.iter().map(|route| route.value.as_ref()), None);
            return self.target.clone();
        }
        // A strict router wants to find itself in the Request-URI and the target last.
        route_line(
            lines,
            self.routes[1..].iter().map(|route| route.value.as_ref()),
            Some(&self.target),
        );
        first.uri.without_headers().as_bytes().clone()
    }

    /// A target refresh request, or its 2xx, may bring another Contact (RFC 3261 §12.2). Returns whether it did.
    pub fn refresh_target(&mut self, headers: &Headers) -> bool {
        if headers.contains(Name::Allow) {
            self.allows_update = allows_update(headers);
        }
        match headers.contact() {
            Ok(contact) if contact.uri().as_bytes() != &self.target => {
                self.target = copy(contact.uri().as_bytes());
                true
            }
            _ => false,
        }
    }

    /// The number for our next request.
    pub fn next_sequence(&mut self) -> u32 {
        self.local_sequence = (self.local_sequence + 1) & 0x7fff_ffff;
        self.local_sequence
    }

    /// Whether a request of the peer is in order; if so its number is noted (RFC 3261 §12.2.2).
    pub fn accept_sequence(&mut self, number: u32) -> bool {
        if self.remote_sequence.is_some_and(|last| number <= last) {
            return false;
        }
        self.remote_sequence = Some(number);
        true
    }
}

/// A copy that does not keep the whole message in memory.
fn copy(part: &Bytes) -> Bytes {
    Bytes::copy_from_slice(part)
}

fn allows_update(headers: &Headers) -> bool {
    headers
        .elements(Name::Allow)
        .any(|method| method == Method::Update.as_str().as_bytes())
}

/// The Record-Route values. `None` if one of them cannot be read.
fn routes_of(headers: &Headers) -> Option<Vec<Route>> {
    headers
        .record_routes()
        .map(|route| {
            let route = route.ok()?;
            let value = crate::message::unfold(route.as_bytes()).into_owned().into_boxed_slice();
            Some(Route {
                value,
                uri: Uri::parse(copy(route.uri().as_bytes())).ok()?,
            })
        })
        .collect()
}

fn route_line<'a>(lines: &mut Vec<u8>, routes: impl Iterator<Item = &'a [u8]>, last: Option<&[u8]>) {
    let start = lines.len();
    lines.extend_from_slice(b"Route: ");
    let mut is_empty = true;
    for route in routes {
        if !is_empty {
            lines.extend_from_slice(b", ");
        }
        is_empty = false;
        lines.extend_from_slice(route);
    }
    if let Some(target) = last {
        if !is_empty {
            lines.extend_from_slice(b", ");
        }
        is_empty = false;
        lines.push(b'<');
        lines.extend_from_slice(target);
        lines.push(b'>');
    }
    if is_empty {
        lines.truncate(start);
    } else {
        lines.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Transport;
    use crate::message::{Limits, Message, Parsed, parse_datagram};

    fn response(more: &str) -> Response {
        let text = format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n\
             Call-ID: x\r\nCSeq: 1 INVITE\r\n{more}Content-Length: 0\r\n\r\n"
        );
        match parse_datagram(Bytes::from(text), &Limits::default()) {
            Parsed::Message(Message::Response(response)) => response,
            other => panic!("{other:?}"),
        }
    }

    fn dialog(more: &str) -> Dialog {
        let flow = Flow {
            transport: Transport::Udp,
            local: "192.0.2.1:5060".parse().expect("address"),
            remote: "192.0.2.2:5060".parse().expect("address"),
        };
        Dialog::of_caller(
            b"From: <sip:a@b>;tag=1\r\n",
            b"Call-ID: x\r\n",
            b"sip:c@d",
            &response(more),
            flow,
            1,
        )
        .expect("a dialog")
    }

    #[test]
    fn route_sets_are_followed_loosely_and_strictly() {
        for (name, record_route, uri, route) in [
            ("no route", "", "sip:c@target", ""),
            (
                "loose, backwards",
                "Record-Route: <sip:p2;lr>, <sip:p1;lr>\r\n",
                "sip:c@target",
                "Route: <sip:p1;lr>, <sip:p2;lr>\r\n",
            ),
            (
                "strict alone",
                "Record-Route: <sip:p1>\r\n",
                "sip:p1",
                "Route: <sip:c@target>\r\n",
            ),
            (
                "strict, then loose",
                "Record-Route: <sip:p2;lr>\r\nRecord-Route: <sip:p1>\r\n",
                "sip:p1",
                "Route: <sip:p2;lr>, <sip:c@target>\r\n",
            ),
        ] {
            let dialog = dialog(&format!("Contact: <sip:c@target>\r\n{record_route}"));
            let mut lines = Vec::new();
            assert_eq!(dialog.address(&mut lines), uri, "{name}");
            assert_eq!(String::from_utf8_lossy(&lines), route, "{name}");
        }
    }

    #[test]
    fn a_new_contact_moves_the_target() {
        let mut dialog = dialog("Contact: <sip:c@target>\r\nAllow: INVITE, UPDATE\r\n");
        assert!(dialog.allows_update);
        dialog.refresh_target(response("Contact: \"C\" <sip:c@elsewhere:5080>;x=y\r\n").headers());
        assert_eq!(dialog.address(&mut Vec::new()), "sip:c@elsewhere:5080");
        assert!(dialog.allows_update, "no Allow, no change");
        dialog.refresh_target(response("").headers());
        assert_eq!(dialog.address(&mut Vec::new()), "sip:c@elsewhere:5080");
    }

    #[test]
    fn sequence_numbers_only_grow() {
        let mut dialog = dialog("Contact: <sip:c@target>\r\n");
        assert_eq!(dialog.next_sequence(), 2);
        assert!(dialog.accept_sequence(5), "the first one may be any");
        assert!(!dialog.accept_sequence(5));
        assert!(!dialog.accept_sequence(4));
        assert!(dialog.accept_sequence(900), "gaps are no error");
    }
}
