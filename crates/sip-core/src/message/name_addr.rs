//! Addresses with display name and parameters: From, To, Contact, Route and their kin (RFC 3261 §20.10).

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::str::FromStr;

use bytes::Bytes;

use super::fault::Fault;
use super::lexer::{self, Cursor};
use super::params::{self, Params};
use super::span::Span;
use super::uri::Uri;

/// `"Display" <uri>;params`, or `uri;params` without brackets, in which case the parameters belong to the header.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NameAddr {
    raw: Bytes,
    display: Option<Span>,
    uri: Uri,
    params: Span,
    /// The value of the `tag` parameter, found while reading; the outer option says whether it stands at all.
    tag: Option<Option<Span>>,
}

impl NameAddr {
    /// Reads one address that fills all of `raw`.
    ///
    /// # Errors
    /// [`Fault::Uri`] if it does not follow the grammar.
    pub fn parse(raw: Bytes) -> Result<NameAddr, Fault> {
        let mut cursor = Cursor::new(&raw);
        cursor.space();
        let start = cursor.at;
        let display = if cursor.peek() == Some(b'"') {
            cursor.quoted().ok_or(Fault::Uri)?;
            let span = Span::new(start, cursor.at);
            cursor.space();
            if cursor.peek() != Some(b'<') {
                return Err(Fault::Uri);
            }
            Some(span)
        } else {
            match bracket(cursor.rest()) {
                Some(0) => None,
                Some(length) => {
                    let text = lexer::trim(&cursor.rest()[..length]);
                    if !is_display(text) {
                        return Err(Fault::Uri);
                    }
                    cursor.at += length;
                    Some(Span::new(start, start + text.len()))
                }
                None => return NameAddr::parse_bare(raw.clone(), start),
            }
        };
        cursor.eat(b'<');
        let uri_start = cursor.at;
        let uri_end = uri_start + memchr::memchr(b'>', cursor.rest()).ok_or(Fault::Uri)?;
        let params = Span::new(uri_end + 1, raw.len());
        let tag = params::check(&raw, params.start as usize, "tag").ok_or(Fault::Uri)?;
        let uri = Uri::parse(raw.slice(uri_start..uri_end))?;
        Ok(NameAddr {
            display,
            uri,
            params,
            tag,
            raw,
        })
    }

    /// An addr-spec without brackets: the URI ends at the first `;`, and may not hold `?` or `,`.
    fn parse_bare(raw: Bytes, start: usize) -> Result<NameAddr, Fault> {
        let text = &raw[start..];
        // In a user part `;` is allowed by the grammar, but here it always begins the header's parameters.
        let length = memchr::memchr(b';', text).unwrap_or(text.len());
        let address = lexer::trim(&text[..length]);
        if memchr::memchr2(b'?', b',', address).is_some() {
            return Err(Fault::Uri);
        }
        let params = Span::new(start + length, raw.len());
        let tag = params::check(&raw, params.start as usize, "tag").ok_or(Fault::Uri)?;
        let uri = Uri::parse(raw.slice(start..start + address.len()))?;
        Ok(NameAddr {
            display: None,
            uri,
            params,
            tag,
            raw,
        })
    }

    /// Writes an address. The display name is quoted and escaped; `tag` is added if given.
    pub fn new(display: Option<&str>, uri: &Uri, tag: Option<&str>) -> NameAddr {
        let mut text = String::with_capacity(uri.as_str().len() + display.map_or(0, str::len) + 32);
        if let Some(display) = display {
            quote(display, &mut text);
            text.push(' ');
        }
        let display = display.map(|_| Span::new(0, text.len() - 1));
        text.push('<');
        let uri_start = text.len();
        text.push_str(uri.as_str());
        let uri_end = text.len();
        text.push('>');
        if let Some(tag) = tag {
            text.push_str(";tag=");
            text.extend(tag.chars().filter(|&c| u8::try_from(c).is_ok_and(lexer::is_token)));
        }
        let raw = Bytes::from(text);
        let params = Span::new(uri_end + 1, raw.len());
        let uri = Uri::parse(raw.slice(uri_start..uri_end)).unwrap_or_else(|_| uri.clone());
        let tag = params::check(&raw, params.start as usize, "tag").flatten();
        NameAddr {
            raw,
            display,
            uri,
            params,
            tag,
        }
    }

    /// The same address with `;name` or `;name=value` after it. `value` is written as it is.
    ///
    /// # Errors
    /// [`Fault::Uri`] if the result cannot be read back.
    pub fn with_param(&self, name: &str, value: Option<&str>) -> Result<NameAddr, Fault> {
        let mut text = self.to_string();
        let _ = match value {
            Some(value) => write!(text, ";{name}={value}"),
            None => write!(text, ";{name}"),
        };
        NameAddr::parse(Bytes::from(text))
    }

    /// The display name, quotes and escapes removed; bytes that are not UTF-8 are read as Latin-1.
    pub fn display(&self) -> Option<Cow<'_, str>> {
        let text = lexer::unquote(self.display?.of(&self.raw));
        Some(match text {
            Cow::Borrowed(bytes) => super::text(bytes),
            Cow::Owned(bytes) => Cow::Owned(super::text(&bytes).into_owned()),
        })
    }

    /// The URI.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The parameters after the address.
    pub fn params(&self) -> Params<'_> {
        Params::new(self.params.of(&self.raw))
    }

    /// The value of the parameter `name`, as on the wire: `Some(None)` if it stands without value.
    pub fn param(&self, name: &str) -> Option<Option<&[u8]>> {
        self.params().get(name)
    }

    /// The `tag` parameter. `None` also if it is empty or holds anything but visible ASCII; that is wider than a token, since
    /// some peers put `=` or `/` into it.
    pub fn tag(&self) -> Option<&str> {
        let tag = self.tag??.of(&self.raw);
        (!tag.is_empty() && tag.iter().all(u8::is_ascii_graphic)).then(|| lexer::ascii(tag))
    }

    /// Whether a `tag` parameter stands that [`NameAddr::tag`] cannot give.
    pub fn has_unreadable_tag(&self) -> bool {
        self.tag.is_some() && self.tag().is_none()
    }

    /// The `expires` parameter of a Contact, in seconds; too large numbers count as the largest (RFC 3261 §20.10).
    pub fn expires(&self) -> Option<u32> {
        let value = self.param("expires").flatten()?;
        let all_digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        all_digits.then(|| lexer::number(value, u64::from(u32::MAX)).map_or(u32::MAX, |n| n as u32))
    }

    /// The `q` parameter of a Contact, in thousandths (RFC 3261 §20.10); 1000 if there is none.
    pub fn q(&self) -> u16 {
        let Some(value) = self.param("q").flatten() else {
            return 1000;
        };
        qvalue(value).unwrap_or(0)
    }

    /// The bytes of the whole address.
    pub fn as_bytes(&self) -> &Bytes {
        &self.raw
    }
}

/// `0.5` as 500; at most three decimals and at most 1 (RFC 3261 §25.1 `qvalue`).
pub(crate) fn qvalue(text: &[u8]) -> Option<u16> {
    let (whole, decimals) = match memchr::memchr(b'.', text) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[][..]),
    };
    let whole = if whole.is_empty() { 0 } else { lexer::number(whole, 1)? };
    let mut thousandths = 0;
    for i in 0..3 {
        let digit = match decimals.get(i) {
            Some(c) if c.is_ascii_digit() => u16::from(c - b'0'),
            Some(_) => return None,
            None => 0,
        };
        thousandths = thousandths * 10 + digit;
    }
    Some((whole as u16 * 1000 + thousandths).min(1000))
}

/// Where the `<` stands that begins the URI, if one comes before any `;`, `,` or quote.
fn bracket(text: &[u8]) -> Option<usize> {
    let at = memchr::memchr(b'<', text)?;
    // `sip:a@b;x="<"` has no bracket of its own.
    (!text[..at].iter().any(|&c| matches!(c, b';' | b'"'))).then_some(at)
}

/// A display name without quotes: tokens and white space. Letters beyond ASCII and a few marks are let through, since
/// gateways send them; what would change the reading of the rest is not: `,` `;` `@` `:` `"`.
fn is_display(text: &[u8]) -> bool {
    text.iter().all(|&c| {
        c >= 0x80 || lexer::is_token(c) || lexer::is_space(c) || matches!(c, b'(' | b')' | b'/' | b'&' | b'#' | b'=')
    })
}

/// Writes a quoted string; control characters become spaces.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
}

impl FromStr for NameAddr {
    type Err = Fault;

    fn from_str(text: &str) -> Result<NameAddr, Fault> {
        NameAddr::parse(Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// Folds are written as single spaces. Bytes that are not UTF-8 are written as Latin-1 letters.
impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::text(&lexer::unfold(&self.raw)))
    }
}

impl fmt::Debug for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(bytes: &[u8]) -> Result<NameAddr, Fault> {
        NameAddr::parse(Bytes::copy_from_slice(bytes))
    }

    #[test]
    fn addresses_of_every_kind_of_peer() {
        let latin1 = b"\"Pr\xe9fecture\" <sip:a@b>;tag=x".as_slice();
        for (text, display, uri, tag) in [
            (b"sip:a@b;tag=x".as_slice(), None, "sip:a@b", Some("x")),
            (b"<sip:a@b;tag=y>;tag=x", None, "sip:a@b;tag=y", Some("x")),
            (b"\"A, B; <C>\" <sip:a@b>", Some("A, B; <C>"), "sip:a@b", None),
            (b"\"\" <sip:a@b>", Some(""), "sip:a@b", None),
            (
                b"Mairie  d'Amiens\t<sip:a@b>",
                Some("Mairie  d'Amiens"),
                "sip:a@b",
                None,
            ),
            (
                "Préfecture<tel:+33199001234>".as_bytes(),
                Some("Préfecture"),
                "tel:+33199001234",
                None,
            ),
            (latin1, Some("Préfecture"), "sip:a@b", Some("x")),
            (
                b"\"folded\r\n name\"\r\n <sip:a@b>\r\n ;tag = x",
                Some("folded name"),
                "sip:a@b",
                Some("x"),
            ),
            (b"sip:a@b ; x=\"<;>\" ; tag=x", None, "sip:a@b", Some("x")),
            (b"<sip:a@b>;tag", None, "sip:a@b", None),
        ] {
            let shown = String::from_utf8_lossy(text);
            let address = address(text).unwrap_or_else(|fault| panic!("{shown}: {fault}"));
            assert_eq!(address.display().as_deref(), display, "{shown}");
            assert_eq!((address.uri().as_str(), address.tag()), (uri, tag), "{shown}");
        }
        assert!(address(b"<sip:a@b>;tag").is_ok_and(|address| address.has_unreadable_tag()));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "a",
            "<sip:a@b",
            "sip:a@b>",
            "\"open <sip:a@b>",
            "\"a\" sip:a@b",
            "a@b <sip:a@b>",
            "Bell, A <sip:a@b>",
            "< sip:a@b >",
            "sip:a@b?x=y",
            "<sip:a@b> x",
            "<sip:a@b>;=x",
            "<sip:a@b>,<sip:c@d>",
            "<>",
        ] {
            assert_eq!(address(text.as_bytes()), Err(Fault::Uri), "{text}");
        }
    }

    #[test]
    fn contacts_tell_how_long_and_how_gladly() {
        for (text, expires, q) in [
            ("<sip:a@b>", None, 1000),
            ("<sip:a@b>;q=0.7;expires=3600", Some(3_600), 700),
            ("<sip:a@b>;q=1.0;expires=99999999999", Some(u32::MAX), 1000),
            ("<sip:a@b>;q=.25;expires=soon", None, 250),
            ("<sip:a@b>;q=9", None, 0),
        ] {
            let address = address(text.as_bytes()).unwrap();
            assert_eq!((address.expires(), address.q()), (expires, q), "{text}");
        }
    }
}
