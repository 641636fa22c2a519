//! sip, sips and tel URIs (RFC 3261 §19.1, RFC 3966); others are kept whole.

mod equivalence;

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use bytes::Bytes;

use super::fault::Fault;
use super::lexer::{self, Cursor};
use super::span::Span;

/// The part of a URI before the first colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Any other; see [`Uri::scheme_text`].
    Other,
}

/// A URI. It keeps the bytes that it was read from and remembers where its parts are: to clone it costs no allocation.
///
/// `==` compares bytes. For the equality of RFC 3261 §19.1.4 use [`Uri::is_equivalent`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Uri {
    raw: Bytes,
    scheme: Scheme,
    user: Option<Span>,
    password: Option<Span>,
    host: Span,
    port: Option<u16>,
    params: Span,
    headers: Span,
}

impl Uri {
    /// Reads a URI that fills all of `raw`.
    ///
    /// # Errors
    /// [`Fault::Uri`] if a sip, sips or tel URI does not follow its grammar, or there is no scheme.
    pub fn parse(raw: Bytes) -> Result<Uri, Fault> {
        let colon = memchr::memchr(b':', &raw).ok_or(Fault::Uri)?;
        let scheme_text = &raw[..colon];
        if scheme_text.eq_ignore_ascii_case(b"sip") {
            Uri::parse_sip(raw, colon + 1, Scheme::Sip)
        } else if scheme_text.eq_ignore_ascii_case(b"sips") {
            Uri::parse_sip(raw, colon + 1, Scheme::Sips)
        } else if scheme_text.eq_ignore_ascii_case(b"tel") {
            Uri::parse_tel(raw, colon + 1)
        } else {
            Uri::parse_other(raw, colon)
        }
    }

    fn parse_sip(raw: Bytes, start: usize, scheme: Scheme) -> Result<Uri, Fault> {
        let text = &raw[..];
        let mut uri = Parts::default();
        // `@` cannot stand unescaped after the host, so the first one ends the user part. `?` and `;` may stand before it.
        let before_host = visible_end(text, start, lexer::is_user);
        let host_start = if text.get(before_host) == Some(&b'@') {
            if before_host == start {
                return Err(Fault::Uri);
            }
            let userinfo = &text[start..before_host];
            match memchr::memchr(b':', userinfo) {
                Some(colon) => {
                    uri.user = Some(Span::new(start, start + colon));
                    uri.password = Some(Span::new(start + colon + 1, before_host));
                }
                None => uri.user = Some(Span::new(start, before_host)),
            }
            before_host + 1
        } else {
            start
        };
        let mut cursor = Cursor {
            bytes: text,
            at: host_start,
        };
        uri.host = host(&mut cursor).ok_or(Fault::Uri)?;
        if cursor.eat(b':') {
            let digits = cursor.take_while(|c| c.is_ascii_digit());
            uri.port = Some(lexer::number(digits, 65_535).ok_or(Fault::Uri)? as u16);
        }
        let params_start = cursor.at;
        if cursor.peek() == Some(b';') {
            cursor.at = visible_end(text, cursor.at, is_param);
        }
        uri.params = Span::new(params_start, cursor.at);
        let headers_start = cursor.at;
        if cursor.eat(b'?') {
            cursor.at = visible_end(text, cursor.at, |c| is_param(c) || c == b'?');
            if !text[headers_start..cursor.at].contains(&b'=') {
                return Err(Fault::Uri);
            }
        }
        uri.headers = Span::new(headers_start, cursor.at);
        if !cursor.is_done() || !params_are_named(uri.params.of(text)) {
            return Err(Fault::Uri);
        }
        Ok(uri.with(raw, scheme))
    }

    fn parse_tel(raw: Bytes, start: usize) -> Result<Uri, Fault> {
        let text = &raw[..];
        let mut uri = Parts::default();
        let mut cursor = Cursor { bytes: text, at: start };
        cursor.eat(b'+');
        let digits =
            cursor.take_while(|c| c.is_ascii_hexdigit() || matches!(c, b'*' | b'#' | b'-' | b'.' | b'(' | b')'));
        if !digits.iter().any(|c| c.is_ascii_hexdigit() || matches!(c, b'*' | b'#')) {
            return Err(Fault::Uri);
        }
        uri.user = Some(Span::new(start, cursor.at));
        let params_start = cursor.at;
        if cursor.peek() == Some(b';') {
            cursor.at = visible_end(text, cursor.at, is_param);
        }
        uri.params = Span::new(params_start, cursor.at);
        uri.host = Span::new(cursor.at, cursor.at);
        uri.headers = uri.host;
        if !cursor.is_done() || !params_are_named(uri.params.of(text)) {
            return Err(Fault::Uri);
        }
        Ok(uri.with(raw, Scheme::Tel))
    }

    /// Scheme, colon, and anything visible.
    fn parse_other(raw: Bytes, colon: usize) -> Result<Uri, Fault> {
        let scheme = &raw[..colon];
        let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
            && scheme
                .iter()
                .all(|&c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.'));
        let rest = &raw[colon + 1..];
        if !is_scheme
            || rest.is_empty()
            || !rest
                .iter()
                .all(|&c| c.is_ascii_graphic() && !matches!(c, b'<' | b'>' | b'"'))
        {
            return Err(Fault::Uri);
        }
        let end = Span::new(raw.len(), raw.len());
        let parts = Parts {
            host: end,
            params: end,
            headers: end,
            ..Parts::default()
        };
        Ok(parts.with(raw, Scheme::Other))
    }

    /// Builds a `sip:` URI. Characters that may not stand in a user part are escaped. `host` may be a name, an IPv4
    /// address, or an IPv6 address with or without brackets.
    ///
    /// # Errors
    /// [`Fault::Uri`] if `host` is none of these.
    pub fn sip(user: Option<&str>, host: &str, port: Option<u16>) -> Result<Uri, Fault> {
        use std::fmt::Write;
        let mut text = String::with_capacity(host.len() + user.map_or(0, str::len) + 12);
        text.push_str("sip:");
        if let Some(user) = user {
            escape_user(user.as_bytes(), &mut text);
            text.push('@');
        }
        if host.contains(':') && !host.starts_with('[') {
            // Writing to a String cannot fail.
            let _ = write!(text, "[{host}]");
        } else {
            text.push_str(host);
        }
        if let Some(port) = port {
            let _ = write!(text, ":{port}");
        }
        Uri::parse(Bytes::from(text))
    }

    /// The same URI with `;name` or `;name=value` added.
    ///
    /// # Errors
    /// [`Fault::Uri`] if the result is not a URI.
    pub fn with_param(&self, name: &str, value: Option<&str>) -> Result<Uri, Fault> {
        let (before, after) = self.raw.split_at(self.headers.start as usize);
        let mut text = Vec::with_capacity(self.raw.len() + name.len() + 16);
        text.extend_from_slice(before);
        text.push(b';');
        text.extend_from_slice(name.as_bytes());
        if let Some(value) = value {
            text.push(b'=');
            text.extend_from_slice(value.as_bytes());
        }
        text.extend_from_slice(after);
        Uri::parse(Bytes::from(text))
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The scheme as it was written.
    pub fn scheme_text(&self) -> &str {
        let colon = memchr::memchr(b':', &self.raw).unwrap_or(0);
        lexer::ascii(&self.raw[..colon])
    }

    /// The user part with its escapes, or the number of a tel URI.
    pub fn user(&self) -> Option<&str> {
        self.user.map(|span| lexer::ascii(span.of(&self.raw)))
    }

    /// The user part up to its first `;` (user parameters), escapes resolved: what a telephone number is read from.
    pub fn user_decoded(&self) -> Option<Cow<'_, [u8]>> {
        let user = self.user?.of(&self.raw);
        let plain = memchr::memchr(b';', user).map_or(user, |end| &user[..end]);
        Some(decode(plain))
    }

    /// The password. Deprecated by RFC 3261 §19.1.1, kept because it takes part in comparisons.
    pub fn password(&self) -> Option<&str> {
        self.password.map(|span| lexer::ascii(span.of(&self.raw)))
    }

    /// The host: a name, an IPv4 address, or an IPv6 address in brackets. Empty for tel and unknown schemes.
    pub fn host(&self) -> &str {
        lexer::ascii(self.host.of(&self.raw))
    }

    /// The host, if it is an address.
    pub fn host_addr(&self) -> Option<IpAddr> {
        host_addr(self.host())
    }

    /// The port, if one is given.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The parameters, as `(name, value)`.
    pub fn params(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        pairs(self.params.of(&self.raw), b';')
    }

    /// The value of parameter `name`: `Some(None)` if it stands without value.
    pub fn param(&self, name: &str) -> Option<Option<&str>> {
        self.params()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The `transport` parameter, as it was written.
    pub fn transport(&self) -> Option<&str> {
        self.param("transport").flatten()
    }

    /// Whether the `lr` parameter stands: this element is a loose router (RFC 3261 §16.12).
    pub fn is_loose_router(&self) -> bool {
        self.param("lr").is_some()
    }

    /// The headers after `?`, as `(name, value)`.
    pub fn headers(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let text = self.headers.of(&self.raw);
        pairs(text.strip_prefix(b"?").unwrap_or(text), b'&')
    }

    /// The URI without its headers: what may stand in a Request-URI (RFC 3261 §19.1.1).
    pub fn without_headers(&self) -> Uri {
        let end = self.headers.start as usize;
        Uri {
            raw: self.raw.slice(..end),
            headers: Span::new(end, end),
            ..self.clone()
        }
    }

    /// The bytes of the URI.
    pub fn as_bytes(&self) -> &Bytes {
        &self.raw
    }

    /// The text of the URI.
    pub fn as_str(&self) -> &str {
        lexer::ascii(&self.raw)
    }
}

#[derive(Default)]
struct Parts {
    user: Option<Span>,
    password: Option<Span>,
    host: Span,
    port: Option<u16>,
    params: Span,
    headers: Span,
}

impl Parts {
    fn with(self, raw: Bytes, scheme: Scheme) -> Uri {
        let Parts {
            user,
            password,
            host,
            port,
            params,
            headers,
        } = self;
        Uri {
            raw,
            scheme,
            user,
            password,
            host,
            port,
            params,
            headers,
        }
    }
}

/// `name=value` pairs between separators.
fn pairs(text: &[u8], separator: u8) -> impl Iterator<Item = (&str, Option<&str>)> {
    text.split(move |&c| c == separator)
        .filter(|pair| !pair.is_empty())
        .map(|pair| match memchr::memchr(b'=', pair) {
            Some(at) => (lexer::ascii(&pair[..at]), Some(lexer::ascii(&pair[at + 1..]))),
            None => (lexer::ascii(pair), None),
        })
}

fn params_are_named(params: &[u8]) -> bool {
    params.is_empty() || params.split(|&c| c == b';').all(|param| !param.starts_with(b"="))
}

/// A host name, IPv4 address, or IPv6 reference.
pub(crate) fn host(cursor: &mut Cursor<'_>) -> Option<Span> {
    let start = cursor.at;
    if cursor.eat(b'[') {
        let inside = cursor.take_while(|c| c.is_ascii_hexdigit() || matches!(c, b':' | b'.'));
        if ipv6(lexer::ascii(inside)).is_none() || !cursor.eat(b']') {
            return None;
        }
    } else if cursor.take_while(lexer::is_host).is_empty() {
        return None;
    }
    Some(Span::new(start, cursor.at))
}

/// The address that a host text is, brackets allowed.
pub(crate) fn host_addr(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(inside) => ipv6(inside).map(IpAddr::V6),
        None if host.contains(':') => ipv6(host).map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

/// An IPv6 address. Three colons before an embedded IPv4 address, which the grammar of RFC 3261 by mistake allows, are read as
/// two (RFC 5118 §4.10).
fn ipv6(text: &str) -> Option<Ipv6Addr> {
    if let Ok(addr) = text.parse() {
        return Some(addr);
    }
    let (before, after) = text.split_once(":::")?;
    after.parse::<Ipv4Addr>().ok()?;
    format!("{before}::{after}").parse().ok()
}

/// A character of a parameter or header of a URI, but for `%`.
fn is_param(c: u8) -> bool {
    lexer::is_user(c) && c != b'?' || matches!(c, b'[' | b']')
}

/// Where, from `at` on, the characters that are `wanted` and whole escapes end.
fn visible_end(text: &[u8], mut at: usize, wanted: impl Fn(u8) -> bool) -> usize {
    loop {
        at += text[at..].iter().position(|&c| !wanted(c)).unwrap_or(text.len() - at);
        match text[at..] {
            [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => at += 3,
            _ => return at,
        }
    }
}

/// Resolves percent escapes.
pub(crate) fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'%', text).is_none() {
        return Cow::Borrowed(text);
    }
    let digit = |at: usize| text.get(at).and_then(|&c| (c as char).to_digit(16)).map(|d| d as u8);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 3;
            }
            (c, _, _) => {
                out.push(c);
                at += 1;
            }
        }
    }
    Cow::Owned(out)
}

/// Escapes what may not stand in a user part (RFC 3261 §25.1, `user`).
fn escape_user(user: &[u8], out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &c in user {
        if c.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&c) {
            out.push(c as char);
        } else {
            out.push('%');
            out.push(HEX[(c >> 4) as usize] as char);
            out.push(HEX[(c & 15) as usize] as char);
        }
    }
}

impl FromStr for Uri {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Uri, Fault> {
        Uri::parse(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
