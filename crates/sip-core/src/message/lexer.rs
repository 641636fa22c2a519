//! The smallest pieces of the grammar: character classes, white space, tokens, quoted strings (RFC 3261 §25.1).

use std::borrow::Cow;

const TOKEN: u8 = 1;
const SPACE: u8 = 2;
const HOST: u8 = 4;
const WORD: u8 = 8;
const VISIBLE: u8 = 16;
const USER: u8 = 32;

/// One byte of classes for every byte value.
const CLASS: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut i = 0;
    while i < 256 {
        let c = i as u8;
        let mut class = 0;
        if c.is_ascii_alphanumeric() || contains(b"-.!%*_+`'~", c) {
            class |= TOKEN | WORD;
        }
        if contains(b"()<>:\\\"/[]?{}", c) {
            class |= WORD;
        }
        if contains(b" \t\r\n", c) {
            class |= SPACE;
        }
        // Underscores are not in the grammar, yet many private networks use them in names.
        if c.is_ascii_alphanumeric() || c == b'-' || c == b'.' || c == b'_' {
            class |= HOST;
        }
        if !c.is_ascii_control() && !contains(b" ;\",<>", c) {
            class |= VISIBLE;
        }
        // Wider than the grammar by `#`, `^`, `{`, `|`, `}` and `` ` ``, which telephones send unescaped in service codes.
        if c.is_ascii_graphic() && !contains(b"<>\"@[]\\%", c) {
            class |= USER;
        }
        table[i] = class;
        i += 1;
    }
    table
};

const fn contains(set: &[u8], c: u8) -> bool {
    let mut i = 0;
    while i < set.len() {
        if set[i] == c {
            return true;
        }
        i += 1;
    }
    false
}

/// A character of `token`.
pub(crate) fn is_token(c: u8) -> bool {
    CLASS[c as usize] & TOKEN != 0
}

/// White space inside a header value. Line breaks count: the index has already made sure that each one is a fold.
pub(crate) fn is_space(c: u8) -> bool {
    CLASS[c as usize] & SPACE != 0
}

/// A character of a host name or IPv4 address.
pub(crate) fn is_host(c: u8) -> bool {
    CLASS[c as usize] & HOST != 0
}

/// A character of `word`, of which Call-IDs are made.
pub(crate) fn is_word(c: u8) -> bool {
    CLASS[c as usize] & WORD != 0
}

/// What may stand in a parameter's name or unquoted value: wider than a token, but nothing that separates, and no control character.
pub(crate) fn is_visible(c: u8) -> bool {
    CLASS[c as usize] & VISIBLE != 0
}

/// What may stand in a user part, `;` `?` `:` included, but for `%`.
pub(crate) fn is_user(c: u8) -> bool {
    CLASS[c as usize] & USER != 0
}

/// Whether all of `text` is one non-empty token.
pub(crate) fn all_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&c| is_token(c))
}

/// `text` without the white space around it.
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|&c| !is_space(c)).unwrap_or(text.len());
    let end = text.iter().rposition(|&c| !is_space(c)).map_or(start, |at| at + 1);
    &text[start..end]
}

/// ASCII text of bytes that the grammar has already limited to ASCII; empty if they are not.
pub(crate) fn ascii(text: &[u8]) -> &str {
    std::str::from_utf8(text).unwrap_or_default()
}

/// A decimal number without sign, not larger than `max`.
pub(crate) fn number(text: &[u8], max: u64) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let mut value: u64 = 0;
    for &c in text {
        if !c.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(c - b'0'))?;
        if value > max {
            return None;
        }
    }
    Some(value)
}

/// Replaces each fold, and any stray line break, by one space (RFC 3261 §7.3.1).
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\r', b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    let mut at = 0;
    while at < value.len() {
        if matches!(value[at], b'\r' | b'\n') {
            while out.last().is_some_and(|&c| c == b' ' || c == b'\t') {
                out.pop();
            }
            while at < value.len() && is_space(value[at]) {
                at += 1;
            }
            out.push(b' ');
        } else {
            out.push(value[at]);
            at += 1;
        }
    }
    Cow::Owned(out)
}

/// The text inside a quoted string, escapes resolved; text that is not quoted is returned as it is.
pub fn unquote(value: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")) else {
        return Cow::Borrowed(value);
    };
    if memchr::memchr3(b'\\', b'\r', b'\n', inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let inner = unfold(inner);
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&c) = bytes.next() {
        match c {
            b'\\' => out.extend(bytes.next()),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A place in a header value, moving forward only.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Cursor { bytes, at: 0 }
    }

    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    pub fn space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    /// Steps over `c` if it comes next.
    pub fn eat(&mut self, c: u8) -> bool {
        let found = self.peek() == Some(c);
        self.at += usize::from(found);
        found
    }

    /// Steps over `c` and the white space on both sides: HCOLON, SEMI, EQUAL, SLASH, COMMA.
    pub fn separator(&mut self, c: u8) -> bool {
        let start = self.at;
        self.space();
        if self.eat(c) {
            self.space();
            return true;
        }
        self.at = start;
        false
    }

    pub fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|&c| !wanted(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// A token of at least one character.
    pub fn token(&mut self) -> Option<&'a [u8]> {
        Some(self.take_while(is_token)).filter(|t| !t.is_empty())
    }

    /// A quoted string with its quotes. `None` if it does not start here or does not end.
    pub fn quoted(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        if !self.eat(b'"') {
            return None;
        }
        loop {
            let step = memchr::memchr2(b'"', b'\\', self.rest());
            let Some(step) = step else {
                self.at = start;
                return None;
            };
            self.at += step;
            if self.eat(b'"') {
                return Some(&self.bytes[start..self.at]);
            }
            // A backslash and what it escapes.
            if self.at + 2 > self.bytes.len() {
                self.at = start;
                return None;
            }
            self.at += 2;
        }
    }
}

/// The elements of a comma-separated header value. Commas in quoted strings and in `<…>` do not separate.
/// Empty elements are skipped.
#[derive(Clone)]
pub(crate) struct Elements<'a> {
    value: &'a [u8],
    at: usize,
}

impl<'a> Elements<'a> {
    pub fn new(value: &'a [u8]) -> Self {
        Elements { value, at: 0 }
    }

    /// The next element as a range of the value, trimmed.
    pub fn next_range(&mut self) -> Option<std::ops::Range<usize>> {
        while self.at < self.value.len() {
            let start = self.at;
            let end = element_end(self.value, start);
            self.at = end + 1;
            let trimmed = trim(&self.value[start..end]);
            if !trimmed.is_empty() {
                let lead = self.value[start..end].iter().position(|&c| !is_space(c)).unwrap_or(0);
                let from = start + lead;
                return Some(from..from + trimmed.len());
            }
        }
        None
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.next_range().map(|range| &self.value[range])
    }
}

/// Where the element that begins at `start` ends: at a comma outside quotes and angle brackets, or at the end.
fn element_end(value: &[u8], start: usize) -> usize {
    let mut at = start;
    loop {
        let Some(length) = memchr::memchr3(b',', b'"', b'<', &value[at..]) else {
            return value.len();
        };
        at += length;
        match value[at] {
            b',' => return at,
            b'"' => {
                let mut cursor = Cursor { bytes: value, at };
                if cursor.quoted().is_none() {
                    return value.len();
                }
                at = cursor.at;
            }
            _ => match memchr::memchr(b'>', &value[at..]) {
                Some(length) => at += length + 1,
                None => return value.len(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_strings_end_at_the_first_quote_that_is_not_escaped() {
        for (input, expected) in [
            (&br#""plain" rest"#[..], Some(&br#""plain""#[..])),
            (br#""J Rosenberg \\\"" <"#, Some(br#""J Rosenberg \\\"""#)),
            (br#""never ends"#, None),
            (br#""ends in \"#, None),
            (br#""ends in \""#, None),
            (b"no quote", None),
        ] {
            assert_eq!(
                Cursor::new(input).quoted(),
                expected,
                "{}",
                String::from_utf8_lossy(input)
            );
        }
    }

    #[test]
    fn commas_separate_only_outside_quotes_and_brackets() {
        let value = br#" "a,b" <sip:c,d@e> ; x="1,2" ,, <sip:f@g> ,"#;
        let elements: Vec<_> = Elements::new(value).collect();
        assert_eq!(elements, [&br#""a,b" <sip:c,d@e> ; x="1,2""#[..], b"<sip:f@g>"]);
    }

    #[test]
    fn folds_become_one_space() {
        assert_eq!(unfold(b"a \r\n\t b").as_ref(), b"a b");
        assert_eq!(unquote(b"\"a\\\"b\\\\\"").as_ref(), b"a\"b\\");
    }

    #[test]
    fn numbers_have_a_ceiling() {
        assert_eq!(number(b"0068", 255), Some(68));
        assert_eq!(number(b"256", 255), None);
        assert_eq!(number(b"99999999999999999999999", u64::MAX), None);
        assert_eq!(number(b"-1", 255), None);
        assert_eq!(number(b"", 255), None);
    }
}
