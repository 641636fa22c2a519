//! When two URIs name the same resource (RFC 3261 §19.1.4, RFC 3966 §5).

use super::{Scheme, Uri, decode};
use crate::message::span::Span;

impl Uri {
    /// Whether both name the same resource by RFC 3261 §19.1.4. This relation is not transitive.
    pub fn is_equivalent(&self, other: &Uri) -> bool {
        if self.scheme != other.scheme {
            return false;
        }
        match self.scheme {
            Scheme::Other => self.raw == other.raw,
            Scheme::Tel => {
                number_digits(self.user).eq_with(&self.raw, &other.raw, other.user)
                    && params_match(self, other, &["isub", "ext", "phone-context"])
            }
            Scheme::Sip | Scheme::Sips => {
                let text = |uri: &Uri, span: Option<Span>| span.map(|s| decode(s.of(&uri.raw)).into_owned());
                text(self, self.user) == text(other, other.user)
                    && text(self, self.password) == text(other, other.password)
                    && self.same_host(other)
                    && self.port == other.port
                    && params_match(self, other, &["user", "ttl", "method", "maddr", "transport"])
                    && headers_match(self, other)
            }
        }
    }

    fn same_host(&self, other: &Uri) -> bool {
        match (self.host_addr(), other.host_addr()) {
            (Some(a), Some(b)) => a == b,
            (None, None) => self.host().eq_ignore_ascii_case(other.host()),
            _ => false,
        }
    }
}

struct Digits(Option<Span>);

fn number_digits(span: Option<Span>) -> Digits {
    Digits(span)
}

impl Digits {
    /// Compares telephone numbers without their visual separators (RFC 3966 §5).
    fn eq_with(self, raw: &[u8], other_raw: &[u8], other: Option<Span>) -> bool {
        let digits = |raw: &[u8], span: Option<Span>| -> Vec<u8> {
            let text = span.map(|s| s.of(raw)).unwrap_or_default();
            text.iter()
                .filter(|c| !matches!(c, b'-' | b'.' | b'(' | b')'))
                .map(u8::to_ascii_lowercase)
                .collect()
        };
        digits(raw, self.0) == digits(other_raw, other)
    }
}

/// Parameters in both must match; those in one only must not be among `must_be_in_both`.
fn params_match(a: &Uri, b: &Uri, must_be_in_both: &[&str]) -> bool {
    let same = |x: Option<&str>, y: Option<&str>| match (x, y) {
        (Some(x), Some(y)) => decode(x.as_bytes()).eq_ignore_ascii_case(&decode(y.as_bytes())),
        (None, None) => true,
        _ => false,
    };
    let one_way = |a: &Uri, b: &Uri| {
        a.params().all(|(name, value)| match b.param(name) {
            Some(other) => same(value, other),
            None => !must_be_in_both.iter().any(|n| n.eq_ignore_ascii_case(name)),
        })
    };
    one_way(a, b) && one_way(b, a)
}

/// Headers must be the same set on both sides.
fn headers_match(a: &Uri, b: &Uri) -> bool {
    let sorted = |uri: &Uri| {
        let mut list: Vec<(String, Vec<u8>)> = uri
            .headers()
            .map(|(name, value)| {
                let name = String::from_utf8_lossy(&decode(name.as_bytes())).to_ascii_lowercase();
                (name, decode(value.unwrap_or_default().as_bytes()).into_owned())
            })
            .collect();
        list.sort();
        list
    };
    sorted(a) == sorted(b)
}
