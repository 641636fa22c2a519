//! Who calls whom: the Request-URI, From, and the headers that tell the carrier the caller's number (RFC 3323, 3325, 5806).

use bytes::Bytes;

use crate::compose::line;
use crate::config::{Asserted, TrunkConfig};
use crate::endpoint::trunk::Trunk;
use crate::flow::Flow;
use crate::message::{Name, Scheme, Uri};

use super::{Destination, Invite, InviteError};

/// The Request-URI for a destination.
pub(super) fn request_uri(trunk: &Trunk, flow: Flow, to: &Destination) -> Result<Uri, InviteError> {
    match to {
        Destination::User(user) if !user.is_empty() => {
            let domain = domain_of(&trunk.config, flow);
            Uri::parse(Bytes::from(format!("sip:{}@{domain}", escaped(user))))
                .map_err(|_| InviteError::Destination(user.clone()))
        }
        Destination::User(user) => Err(InviteError::Destination(user.clone())),
        Destination::Uri(text) => Uri::parse(Bytes::copy_from_slice(text.as_bytes()))
            .ok()
            .filter(|uri| matches!(uri.scheme(), Scheme::Sip | Scheme::Sips | Scheme::Tel))
            .filter(|uri| {
                uri.as_bytes()
                    .iter()
                    .all(|c| c.is_ascii_graphic() && !matches!(c, b'<' | b'>' | b'"'))
            })
            .map(|uri| uri.without_headers())
            .ok_or_else(|| InviteError::Destination(text.clone())),
    }
}

/// The host part for our URIs: the trunk's domain, else the address.
pub(crate) fn domain_of(config: &TrunkConfig, flow: Flow) -> String {
    if config.domain.is_empty() {
        flow.remote.to_string()
    } else {
        config.domain.clone()
    }
}

/// A user part with everything escaped that may not stand there (RFC 3261 §25.1 `user`).
pub(super) fn escaped(user: &str) -> String {
    let mut out = String::with_capacity(user.len());
    for &byte in user.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Writes From, with the trunk's or the call's own identity.
pub(super) fn from_line(out: &mut Vec<u8>, trunk: &Trunk, flow: Flow, invite: &Invite, user: &str, tag: &[u8]) {
    out.extend_from_slice(b"From: ");
    let identity = &trunk.config.identity;
    if identity.is_private {
        // RFC 3323 §4.1.1.3.
        out.extend_from_slice(b"\"Anonymous\" <sip:anonymous@anonymous.invalid");
    } else {
        if let Some(display) = invite.display_name.as_deref().or(identity.display_name.as_deref()) {
            quoted(out, display);
            out.push(b' ');
        }
        out.push(b'<');
        own_uri(out, trunk, flow, user);
    }
    out.extend_from_slice(b">;tag=");
    out.extend_from_slice(tag);
    out.extend_from_slice(b"\r\n");
}

fn own_uri(out: &mut Vec<u8>, trunk: &Trunk, flow: Flow, user: &str) {
    address_of_record(out, user, &domain_of(&trunk.config, flow));
}

/// Writes `sip:user@domain`. The domain may have a port.
pub(crate) fn address_of_record(out: &mut Vec<u8>, user: &str, domain: &str) {
    out.extend_from_slice(b"sip:");
    if !user.is_empty() {
        out.extend_from_slice(escaped(user).as_bytes());
        out.push(b'@');
    }
    out.extend_from_slice(domain.as_bytes());
}

/// P-Asserted-Identity, P-Preferred-Identity, Privacy, Diversion.
pub(super) fn identity_lines(out: &mut Vec<u8>, trunk: &Trunk, flow: Flow, user: &str) {
    let identity = &trunk.config.identity;
    let name = match identity.asserted {
        Asserted::No => None,
        Asserted::Asserted => Some("P-Asserted-Identity"),
        Asserted::Preferred => Some("P-Preferred-Identity"),
    };
    if let Some(name) = name {
        let mut value = vec![b'<'];
        own_uri(&mut value, trunk, flow, user);
        value.push(b'>');
        line(out, name, &value);
    }
    if identity.is_private {
        line(out, "Privacy", b"id");
    }
    if let Some(diversion) = &identity.diversion {
        line(out, "Diversion", diversion.replace(['\r', '\n', '\0'], " ").as_bytes());
    }
}

fn quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for c in text.chars() {
        let mut buffer = [0; 4];
        match c {
            '"' | '\\' => {
                out.push(b'\\');
                out.push(c as u8);
            }
            c if c.is_control() => out.push(b' '),
            c => out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    out.push(b'"');
}

/// Whether a header of our owner can be written: a name that the endpoint does not write itself, and a value of one line.
pub(super) fn may_be_added(name: &str, value: &str) -> bool {
    let is_token = !name.is_empty()
        && name
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&c));
    let is_ours = matches!(
        Name::of(name.as_bytes()),
        Name::Via
            | Name::From
            | Name::To
            | Name::CallId
            | Name::CSeq
            | Name::Contact
            | Name::MaxForwards
            | Name::ContentLength
            | Name::ContentType
            | Name::RecordRoute
            | Name::Authorization
            | Name::ProxyAuthorization
            | Name::SessionExpires
            | Name::MinSe
    );
    is_token && !is_ours && !value.bytes().any(|c| c.is_ascii_control() && c != b'\t')
}
