//! The grammar of challenges and credentials (RFC 3261 §20.7, §20.44; RFC 7616). The arithmetic of digests is elsewhere.

use std::borrow::Cow;

use bytes::Bytes;

use super::fault::Fault;
use super::lexer::{self, Cursor};
use super::span::Span;

/// `scheme name=value, name="value", …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthParams {
    raw: Bytes,
    scheme: Span,
    params: Span,
}

/// A value of WWW-Authenticate or Proxy-Authenticate.
pub type Challenge = AuthParams;
/// A value of Authorization or Proxy-Authorization.
pub type Credentials = AuthParams;

impl AuthParams {
    /// Reads one value that fills all of `raw`. Digest parameters must follow the grammar; what other schemes hold is kept
    /// unread.
    ///
    /// # Errors
    /// [`Fault::Uri`] stands for any error; callers know the header's name.
    pub fn parse(raw: Bytes) -> Result<AuthParams, Fault> {
        let mut cursor = Cursor::new(&raw);
        cursor.space();
        let start = cursor.at;
        cursor.token().ok_or(Fault::Uri)?;
        let scheme = Span::new(start, cursor.at);
        cursor.space();
        let params = Span::new(cursor.at, raw.len());
        let value = AuthParams { raw, scheme, params };
        if value.is_digest() {
            let mut pairs = value.pairs();
            if pairs.by_ref().any(|pair| pair.is_err()) {
                return Err(Fault::Uri);
            }
        }
        Ok(value)
    }

    /// The scheme, as it was written: `Digest`.
    pub fn scheme(&self) -> &str {
        lexer::ascii(self.scheme.of(&self.raw))
    }

    /// Whether the scheme is Digest.
    pub fn is_digest(&self) -> bool {
        self.scheme().eq_ignore_ascii_case("Digest")
    }

    /// The value of a parameter, quotes and escapes removed.
    pub fn get(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        self.wire(name).map(lexer::unquote)
    }

    /// The value of a parameter as text, quotes and escapes removed; bytes that are not UTF-8 are read as Latin-1.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| super::text(&value).into_owned())
    }

    /// The value of a parameter as on the wire, quotes included.
    pub fn wire(&self, name: &str) -> Option<&[u8]> {
        self.params()
            .find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// All parameters, values as on the wire.
    pub fn params(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.pairs().map_while(Result::ok)
    }

    fn pairs(&self) -> Pairs<'_> {
        Pairs {
            cursor: Cursor::new(self.params.of(&self.raw)),
            is_broken: false,
        }
    }

    /// The bytes of the value.
    pub fn as_bytes(&self) -> &Bytes {
        &self.raw
    }
}

struct Pairs<'a> {
    cursor: Cursor<'a>,
    is_broken: bool,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), ()>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.cursor.separator(b',') {}
        self.cursor.space();
        if self.cursor.is_done() || self.is_broken {
            return None;
        }
        let pair = self.pair();
        self.is_broken = pair.is_none();
        Some(pair.ok_or(()))
    }
}

impl<'a> Pairs<'a> {
    fn pair(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let name = self.cursor.token()?;
        if !self.cursor.separator(b'=') {
            return None;
        }
        let value = if self.cursor.peek() == Some(b'"') {
            self.cursor.quoted()?
        } else {
            // Wider than a token: some peers leave the quotes of `uri` and `nonce` away.
            self.cursor
                .take_while(|c| !lexer::is_space(c) && !matches!(c, b',' | b'"'))
        };
        self.cursor.space();
        matches!(self.cursor.peek(), None | Some(b',')).then_some((name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_of_a_carrier() {
        let raw = "Digest realm=\"a \\\"b\\\"\" ,\r\n nonce=\"84a4cc,6f308\", qop=\"auth,auth-int\",stale = FALSE, algorithm=SHA-256";
        let challenge = Challenge::parse(Bytes::from(raw)).unwrap();
        assert!(challenge.is_digest());
        assert_eq!(challenge.text("REALM").as_deref(), Some("a \"b\""));
        assert_eq!(challenge.text("nonce").as_deref(), Some("84a4cc,6f308"));
        assert_eq!(challenge.text("qop").as_deref(), Some("auth,auth-int"));
        assert_eq!(challenge.text("stale").as_deref(), Some("FALSE"));
        assert_eq!(challenge.wire("algorithm"), Some(&b"SHA-256"[..]));
        assert_eq!(challenge.get("opaque"), None);
    }

    #[test]
    fn unknown_schemes_are_kept_and_broken_digests_refused() {
        let odd = Credentials::parse(Bytes::from("NoOneKnowsThisScheme opaque-data=here")).unwrap();
        assert_eq!(odd.scheme(), "NoOneKnowsThisScheme");
        assert!(Credentials::parse(Bytes::from("Basic dXNlcjpwYXNz==")).is_ok());
        for raw in [
            "",
            "Digest realm",
            "Digest realm=\"open",
            "Digest a=b c=d",
            "\"Digest\" a=b",
        ] {
            assert!(Credentials::parse(Bytes::from(raw)).is_err(), "{raw}");
        }
    }
}
