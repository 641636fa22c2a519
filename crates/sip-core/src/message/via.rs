//! Via (RFC 3261 §20.42, RFC 3581).

use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;

use super::Name;
use super::fault::Fault;
use super::lexer::{self, Cursor};
use super::params::{self, Params};
use super::span::Span;
use super::uri;

/// The branch prefix of RFC 3261 §8.1.1.7.
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// One value of Via: `SIP/2.0/UDP host:port;branch=…`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Via {
    raw: Bytes,
    version: Span,
    transport: Span,
    host: Span,
    port: Option<u16>,
    params: Span,
    /// The value of the `branch` parameter, found while reading.
    branch: Option<Span>,
}

impl Via {
    /// Reads one value that fills all of `raw`.
    ///
    /// # Errors
    /// [`Fault::Malformed`]`(Name::Via)`.
    pub fn parse(raw: Bytes) -> Result<Via, Fault> {
        Via::read(raw).ok_or(Fault::Malformed(Name::Via))
    }

    fn read(raw: Bytes) -> Option<Via> {
        let mut cursor = Cursor::new(&raw);
        cursor.space();
        let protocol = cursor.token()?;
        if !protocol.eq_ignore_ascii_case(b"SIP") || !cursor.separator(b'/') {
            return None;
        }
        let start = cursor.at;
        cursor.token()?;
        let version = Span::new(start, cursor.at);
        if !cursor.separator(b'/') {
            return None;
        }
        let start = cursor.at;
        cursor.token()?;
        let transport = Span::new(start, cursor.at);
        let before = cursor.at;
        cursor.space();
        if cursor.at == before {
            return None;
        }
        let host = uri::host(&mut cursor)?;
        let mut port = None;
        if cursor.separator(b':') {
            let digits = cursor.take_while(|c| c.is_ascii_digit());
            port = Some(lexer::number(digits, 65_535)? as u16);
        }
        let params = Span::new(cursor.at, raw.len());
        let branch = params::check(&raw, params.start as usize, "branch")?.flatten();
        Some(Via {
            version,
            transport,
            host,
            port,
            params,
            branch,
            raw,
        })
    }

    /// The version after `SIP/`: `2.0`.
    pub fn version(&self) -> &str {
        lexer::ascii(self.version.of(&self.raw))
    }

    /// The transport, as it was written: `UDP`, `TCP`, `TLS`, or another token.
    pub fn transport(&self) -> &str {
        lexer::ascii(self.transport.of(&self.raw))
    }

    /// The host of sent-by. An IPv6 address is in brackets.
    pub fn host(&self) -> &str {
        lexer::ascii(self.host.of(&self.raw))
    }

    /// The host of sent-by, if it is an address.
    pub fn host_addr(&self) -> Option<IpAddr> {
        uri::host_addr(self.host())
    }

    /// The port of sent-by, if one is given.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The parameters.
    pub fn params(&self) -> Params<'_> {
        Params::new(self.params.of(&self.raw))
    }

    /// The value of the parameter `name`, as on the wire: `Some(None)` if it stands without value.
    pub fn param(&self, name: &str) -> Option<Option<&[u8]>> {
        self.params().get(name)
    }

    /// The branch, as it was written; `None` also if it is empty or holds anything but visible ASCII.
    pub fn branch(&self) -> Option<&str> {
        let branch = self.branch?.of(&self.raw);
        (!branch.is_empty() && branch.iter().all(u8::is_ascii_graphic)).then(|| lexer::ascii(branch))
    }

    /// Whether the branch can identify a transaction: it begins with the magic cookie and holds something after it.
    /// `z9hG4bK` alone is the fault of RFC 4475 §3.2.1.
    pub fn has_unique_branch(&self) -> bool {
        let cookie = MAGIC_COOKIE.len();
        self.branch().is_some_and(|branch| {
            branch.len() > cookie && branch.as_bytes()[..cookie].eq_ignore_ascii_case(MAGIC_COOKIE.as_bytes())
        })
    }

    /// The `received` parameter (RFC 3261 §18.2.1). IPv6 addresses are read with and without brackets (RFC 5118 §4.5).
    pub fn received(&self) -> Option<IpAddr> {
        self.param("received")
            .flatten()
            .and_then(|value| uri::host_addr(lexer::ascii(value)))
    }

    /// The `rport` parameter: `Some(None)` is a request for it, `Some(Some(port))` the answer (RFC 3581 §3, §4).
    pub fn rport(&self) -> Option<Option<u16>> {
        let value = self.param("rport")?;
        Some(
            value
                .and_then(|digits| lexer::number(digits, 65_535))
                .map(|port| port as u16),
        )
    }

    /// The `maddr` parameter.
    pub fn maddr(&self) -> Option<&str> {
        self.param("maddr").flatten().map(lexer::ascii)
    }

    /// The `ttl` parameter.
    pub fn ttl(&self) -> Option<u8> {
        self.param("ttl")
            .flatten()
            .and_then(|value| lexer::number(value, 255))
            .map(|ttl| ttl as u8)
    }

    /// The bytes of the value.
    pub fn as_bytes(&self) -> &Bytes {
        &self.raw
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::text(&lexer::unfold(&self.raw)))
    }
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sent_by_and_parameters() {
        let via = Via::parse(Bytes::from(
            "SIP / 2.0/ UDP [2001:db8::1] : 5070;branch=z9hG4bKx ; rport=5071;received=2001:db8::2;ttl=16;maddr=h",
        ))
        .unwrap();
        assert_eq!(
            (via.version(), via.transport(), via.host(), via.port()),
            ("2.0", "UDP", "[2001:db8::1]", Some(5070))
        );
        assert_eq!(via.host_addr(), Some("2001:db8::1".parse().unwrap()));
        assert_eq!((via.branch(), via.has_unique_branch()), (Some("z9hG4bKx"), true));
        assert_eq!(
            (via.rport(), via.ttl(), via.maddr()),
            (Some(Some(5071)), Some(16), Some("h"))
        );
        assert_eq!(via.received(), Some("2001:db8::2".parse().unwrap()));
    }

    #[test]
    fn branches_without_anything_of_their_own_are_told_apart() {
        for (text, branch, is_unique) in [
            ("SIP/2.0/UDP h", None, false),
            ("SIP/2.0/UDP h;branch", None, false),
            ("SIP/2.0/UDP h;branch=", None, false),
            ("SIP/2.0/UDP h;branch=1", Some("1"), false),
            ("SIP/2.0/UDP h;branch=z9hG4bK", Some("z9hG4bK"), false),
            ("SIP/2.0/UDP h;branch=Z9HG4BKa", Some("Z9HG4BKa"), true),
            ("SIP/2.0/UDP h;rport;branch=z9hG4bK-1", Some("z9hG4bK-1"), true),
        ] {
            let via = Via::parse(Bytes::from(text)).unwrap();
            assert_eq!((via.branch(), via.has_unique_branch()), (branch, is_unique), "{text}");
        }
    }

    #[test]
    fn what_is_no_via_is_refused() {
        for text in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0 h",
            "HTTP/2.0/UDP h",
            "SIP/2.0/UDP  ",
            "SIP/2.0/UDP h:x",
            "SIP/2.0/UDP h:65536",
            "SIP/2.0/UDP h x",
            "SIP/2.0/UDP 2001:db8::1",
            "SIP/2.0/UDP h;=x",
            "SIP/2.0/UDP h;branch=\"open",
        ] {
            assert_eq!(
                Via::parse(Bytes::from(text)),
                Err(Fault::Malformed(Name::Via)),
                "{text}"
            );
        }
    }
}
