//! History-Info (RFC 7044): whom a call was meant for, and where it was sent instead.

use crate::config::Identity;
use crate::message::{NameAddr, Uri};

/// Writes the line of a first INVITE. A configured Diversion becomes the first entry (RFC 7544 §7.2).
pub(super) fn first_line(out: &mut Vec<u8>, identity: &Identity, target: &Uri) {
    let diversion = identity
        .diversion
        .as_deref()
        .and_then(|value| value.parse::<NameAddr>().ok());
    out.extend_from_slice(b"History-Info: <");
    match diversion {
        Some(diverter) => {
            out.extend_from_slice(diverter.uri().without_headers().as_bytes());
            out.extend_from_slice(b">;index=1, <");
            out.extend_from_slice(target.as_bytes());
            out.extend_from_slice(format!(";cause={}>;index=1.1;mp=1\r\n", cause_of(&diverter)).as_bytes());
        }
        None => {
            out.extend_from_slice(target.as_bytes());
            out.extend_from_slice(b">;index=1\r\n");
        }
    }
}

/// Why the diverter diverted, as a status (RFC 7544 §7.2, table 2).
fn cause_of(diverter: &NameAddr) -> u16 {
    let reason = diverter.param("reason").flatten();
    let reason = reason.map(|reason| crate::message::text(reason).to_ascii_lowercase());
    match reason.as_deref() {
        Some("unconditional") => 302,
        Some("user-busy") => 486,
        Some("no-answer") => 408,
        Some("deflection") => 480,
        Some("unavailable" | "time-of-day" | "do-not-disturb" | "follow-me" | "out-of-service" | "away") => 503,
        _ => 404,
    }
}

/// The line of an INVITE that follows a redirection: the last entry of `value` says by which status it failed, and the new target
/// stands beside it (RFC 7044 §10.3).
pub(super) fn redirected_line(value: &[u8], status: u16, target: &[u8]) -> Vec<u8> {
    let mut line = b"History-Info: ".to_vec();
    let open = memchr::memrchr(b'<', value).unwrap_or(0);
    let close = memchr::memrchr(b'>', value).unwrap_or(value.len());
    line.extend_from_slice(&value[..close]);
    if memchr::memchr(b'?', &value[open..close]).is_none() {
        line.extend_from_slice(format!("?Reason=SIP%3Bcause%3D{status}").as_bytes());
    }
    line.extend_from_slice(&value[close..]);
    let index = last_index(value);
    line.extend_from_slice(b", <");
    line.extend_from_slice(target);
    line.extend_from_slice(format!(">;index={};mp={index}\r\n", next_index(index)).as_bytes());
    line
}

/// The index of the last entry of a value of ours.
fn last_index(value: &[u8]) -> &str {
    const NAME: &[u8] = b";index=";
    let start = memchr::memmem::rfind(value, NAME).map_or(value.len(), |at| at + NAME.len());
    let rest = &value[start..];
    let end = rest
        .iter()
        .position(|c| !matches!(c, b'0'..=b'9' | b'.'))
        .unwrap_or(rest.len());
    std::str::from_utf8(&rest[..end]).unwrap_or_default()
}

/// The index of the entry beside: its last number is one more.
fn next_index(index: &str) -> String {
    let (before, last) = match index.rfind('.') {
        Some(dot) => index.split_at(dot + 1),
        None => ("", index),
    };
    format!("{before}{}", last.parse::<u32>().unwrap_or(0) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &'static str) -> Uri {
        Uri::parse(bytes::Bytes::from_static(text.as_bytes())).expect("a URI")
    }

    fn first(diversion: Option<&str>) -> String {
        let identity = Identity {
            diversion: diversion.map(str::to_owned),
            ..Identity::default()
        };
        let mut out = Vec::new();
        first_line(&mut out, &identity, &uri("sip:0199000001@carrier.example"));
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_call_tells_whom_it_was_meant_for() {
        assert_eq!(
            first(None),
            "History-Info: <sip:0199000001@carrier.example>;index=1\r\n"
        );
        assert_eq!(
            first(Some(
                "\"Mairie\" <sip:0322000000@carrier.example>;reason=user-busy;counter=1"
            )),
            "History-Info: <sip:0322000000@carrier.example>;index=1, \
             <sip:0199000001@carrier.example;cause=486>;index=1.1;mp=1\r\n"
        );
    }

    #[test]
    fn a_redirection_stands_beside_what_it_replaces() {
        let text = |line: Vec<u8>| String::from_utf8(line).expect("text");
        let once = text(redirected_line(b"<sip:a@b>;index=1", 302, b"sip:c@d"));
        assert_eq!(
            once,
            "History-Info: <sip:a@b?Reason=SIP%3Bcause%3D302>;index=1, <sip:c@d>;index=2;mp=1\r\n"
        );
        let value = once.trim_start_matches("History-Info: ").trim_end();
        assert_eq!(
            text(redirected_line(value.as_bytes(), 486, b"sip:e@f")),
            "History-Info: <sip:a@b?Reason=SIP%3Bcause%3D302>;index=1, <sip:c@d?Reason=SIP%3Bcause%3D486>;index=2;mp=1, \
             <sip:e@f>;index=3;mp=2\r\n"
        );
        assert_eq!(next_index("1.9"), "1.10");
    }
}
