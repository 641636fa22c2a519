//! Parameters: `;name`, `;name=value`, `;name="quoted"`, with white space wherever RFC 3261 §25.1 lets it stand.

use super::lexer::{self, Cursor};
use super::span::Span;

/// One parameter. The value is as on the wire, quotes included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param<'a> {
    /// The name; compare it without case.
    pub name: &'a [u8],
    /// What stands after `=`, if there is one.
    pub value: Option<&'a [u8]>,
}

impl<'a> Param<'a> {
    /// Whether this is the parameter called `name`, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// Iterates over parameters; stops at the first that is malformed. See [`check`] for a strict reading.
#[derive(Clone)]
pub struct Params<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Params<'a> {
    /// `text` begins at the first `;` or at white space before it.
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Params {
            cursor: Cursor::new(text),
        }
    }

    /// The value of the first parameter called `name`: `Some(None)` if it stands without value.
    pub fn get(mut self, name: &str) -> Option<Option<&'a [u8]>> {
        self.find(|param| param.is(name)).map(|param| param.value)
    }

    fn step(&mut self) -> Option<Result<Param<'a>, ()>> {
        self.step_spans().map(|spans| {
            let (name, value) = spans?;
            let bytes = self.cursor.bytes;
            Ok(Param {
                name: name.of(bytes),
                value: value.map(|value| value.of(bytes)),
            })
        })
    }

    fn step_spans(&mut self) -> Option<Result<Spans, ()>> {
        // Empty parameters (`;;`, a trailing `;`) are harmless and common enough.
        while self.cursor.peek().is_some_and(|c| c == b';' || lexer::is_space(c)) {
            self.cursor.at += 1;
        }
        if self.cursor.is_done() {
            return None;
        }
        Some(self.param().ok_or(()))
    }

    fn param(&mut self) -> Option<Spans> {
        let start = self.cursor.at;
        let name = Span::new(
            start,
            start + self.cursor.take_while(|c| lexer::is_visible(c) && c != b'=').len(),
        );
        if name.start == name.end {
            return None;
        }
        let mut value = None;
        if self.cursor.separator(b'=') {
            let start = self.cursor.at;
            if self.cursor.peek() == Some(b'"') {
                self.cursor.quoted()?;
            } else {
                self.cursor.take_while(lexer::is_visible);
            }
            value = Some(Span::new(start, self.cursor.at));
        }
        let end = self.cursor.at;
        self.cursor.space();
        if self.cursor.is_done() || self.cursor.peek() == Some(b';') {
            self.cursor.at = end;
            return Some((name, value));
        }
        None
    }
}

/// Where name and value are.
type Spans = (Span, Option<Span>);

impl<'a> Iterator for Params<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        match self.step()? {
            Ok(param) => Some(param),
            Err(()) => {
                self.cursor.at = self.cursor.bytes.len();
                None
            }
        }
    }
}

/// Whether all of `bytes` from `start` on is parameters. In the same pass, finds the value of the first one called `wanted`:
/// `Some(None)` if it stands without value.
pub(crate) fn check(bytes: &[u8], start: usize, wanted: &str) -> Option<Option<Option<Span>>> {
    let mut params = Params {
        cursor: Cursor { bytes, at: start },
    };
    params.cursor.space();
    if !matches!(params.cursor.peek(), None | Some(b';')) {
        return None;
    }
    let mut found = None;
    while let Some(spans) = params.step_spans() {
        let (name, value) = spans.ok()?;
        if found.is_none() && name.of(bytes).eq_ignore_ascii_case(wanted.as_bytes()) {
            found = Some(value);
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, Option<String>)> {
        let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Params::new(text.as_bytes())
            .map(|p| (string(p.name), p.value.map(string)))
            .collect()
    }

    #[test]
    fn parameters_with_every_kind_of_space_and_value() {
        let text = ";\r\n  branch  =   z9hG4bK9ikj8 ; lr; x=\"a;b\\\"c\" ;ttl=1;host=[::1];;";
        assert_eq!(check(text.as_bytes(), 0, "LR"), Some(Some(None)));
        assert_eq!(check(text.as_bytes(), 0, "none"), Some(None));
        let expected = [
            ("branch", Some("z9hG4bK9ikj8")),
            ("lr", None),
            ("x", Some("\"a;b\\\"c\"")),
            ("ttl", Some("1")),
            ("host", Some("[::1]")),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(n, v)| ((*n).to_owned(), v.map(|v: &str| v.to_owned())))
            .collect();
        assert_eq!(read(text), expected);
        assert_eq!(Params::new(text.as_bytes()).get("TTL"), Some(Some(&b"1"[..])));
        assert_eq!(Params::new(text.as_bytes()).get("LR"), Some(None));
        assert_eq!(Params::new(text.as_bytes()).get("none"), None);
    }

    #[test]
    fn what_is_not_a_parameter_is_refused() {
        for text in ["x", ";=1", ";a b", ";a=\"open", ";a=b<c>", ";a=b,c"] {
            assert_eq!(check(text.as_bytes(), 0, "a"), None, "{text}");
        }
        for text in ["", " ", ";", ";a", ";a=", " ;a = b"] {
            assert!(check(text.as_bytes(), 0, "a").is_some(), "{text}");
        }
    }
}
