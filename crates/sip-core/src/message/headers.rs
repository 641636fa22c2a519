//! The header of a message: its bytes, and an index of where each field stands.

use std::fmt;

use bytes::Bytes;

use super::fault::Fault;
use super::lexer::{self, Elements};
use super::limits::Limits;
use super::name::Name;
use super::span::Span;

/// Fields that the index holds without allocating. INVITEs of carriers have 15 to 22.
const INLINE: usize = 24;

/// One field: sixteen bytes.
#[derive(Debug, Clone, Copy)]
struct Entry {
    name_start: u32,
    value_start: u32,
    value_end: u32,
    name_len: u16,
    name: Name,
}

const EMPTY: Entry = Entry {
    name_start: 0,
    value_start: 0,
    value_end: 0,
    name_len: 0,
    name: Name::Other,
};

/// The header fields of a message, in their order. Access by name is a scan over at most a few dozen one-byte names.
#[derive(Clone)]
pub struct Headers {
    pub(super) raw: Bytes,
    len: u16,
    inline: [Entry; INLINE],
    more: Vec<Entry>,
}

/// One header field. The value is as on the wire, without the white space around it; folds are still in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Which field it is.
    pub name: Name,
    /// The name as it was written: perhaps compact, in any case.
    pub text: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

impl Headers {
    pub(super) fn new(raw: Bytes) -> Self {
        Headers {
            raw,
            len: 0,
            inline: [EMPTY; INLINE],
            more: Vec::new(),
        }
    }

    /// Reads fields from `at` on until the empty line. Gives where the body begins and the first fault met; reading goes on
    /// after a faulty line, so that a refusal can be addressed.
    pub(super) fn read(&mut self, mut at: usize, limits: &Limits) -> (usize, Option<Fault>) {
        let raw = self.raw.clone();
        let raw = &raw[..];
        let mut fault = None;
        loop {
            match raw.get(at) {
                None => return (raw.len(), fault.or(Some(Fault::Unfinished))),
                Some(b'\n') => return (at + 1, fault),
                Some(b'\r') if raw.get(at + 1) == Some(&b'\n') => return (at + 2, fault),
                Some(_) => {}
            }
            if at > limits.head {
                return (raw.len(), fault.or(Some(Fault::TooLarge)));
            }
            let (end, next) = field_end(raw, at);
            match Entry::read(raw, at, end) {
                Some(_) if self.len() >= limits.headers => {
                    return (raw.len(), fault.or(Some(Fault::TooManyHeaders)));
                }
                Some(entry) => self.push(entry),
                None => fault = fault.or(Some(Fault::HeaderLine)),
            }
            at = next;
        }
    }

    fn push(&mut self, entry: Entry) {
        match self.inline.get_mut(usize::from(self.len)) {
            Some(slot) => *slot = entry,
            None => self.more.push(entry),
        }
        self.len = self.len.saturating_add(1);
    }

    /// Records a field that the writer has just written.
    pub(super) fn record(&mut self, name: Name, text: Span, value: Span) {
        let name_len = (text.end - text.start).min(u32::from(u16::MAX)) as u16;
        let entry = Entry {
            name_start: text.start,
            value_start: value.start,
            value_end: value.end,
            name_len,
            name,
        };
        self.push(entry);
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> + Clone {
        let inline = usize::from(self.len).min(INLINE);
        self.inline[..inline].iter().chain(&self.more)
    }

    fn field(&self, entry: &Entry) -> Field<'_> {
        let name_end = entry.name_start as usize + usize::from(entry.name_len);
        Field {
            name: entry.name,
            text: self.raw.get(entry.name_start as usize..name_end).unwrap_or_default(),
            value: Span {
                start: entry.value_start,
                end: entry.value_end,
            }
            .of(&self.raw),
        }
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All the fields, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        self.entries().map(|entry| self.field(entry))
    }

    /// The value of the first field called `name`.
    pub fn first(&self, name: Name) -> Option<&[u8]> {
        self.entries()
            .find(|entry| entry.name == name)
            .map(|entry| self.field(entry).value)
    }

    /// The value of the first field called `name`, sharing the message's memory.
    pub fn first_bytes(&self, name: Name) -> Option<Bytes> {
        self.entries()
            .find(|entry| entry.name == name)
            .map(|entry| self.raw.slice(entry.value_start as usize..entry.value_end as usize))
    }

    /// Whether a field called `name` stands.
    pub fn contains(&self, name: Name) -> bool {
        self.entries().any(|entry| entry.name == name)
    }

    /// How many fields are called `name`.
    pub fn count(&self, name: Name) -> usize {
        self.entries().filter(|entry| entry.name == name).count()
    }

    /// The values of all the fields called `name`, each as one piece.
    pub fn all(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.entries()
            .filter(move |entry| entry.name == name)
            .map(|entry| self.field(entry).value)
    }

    /// The value of the first field spelled `text`, in any case: for names that have no [`Name`].
    pub fn named(&self, text: &str) -> Option<&[u8]> {
        match Name::of(text.as_bytes()) {
            Name::Other => self
                .iter()
                .find(|f| f.text.eq_ignore_ascii_case(text.as_bytes()))
                .map(|f| f.value),
            name => self.first(name),
        }
    }

    /// The elements of all the fields called `name`: comma-separated values and repeated fields alike (RFC 3261 §7.3.1).
    pub fn elements(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.all(name).flat_map(Elements::new)
    }

    /// The same, each element sharing the message's memory.
    pub(super) fn element_bytes(&self, name: Name) -> impl Iterator<Item = Bytes> {
        self.entries()
            .filter(move |entry| entry.name == name)
            .flat_map(move |entry| {
                let value = self.field(entry).value;
                let start = entry.value_start as usize;
                let mut elements = Elements::new(value);
                std::iter::from_fn(move || elements.next_range())
                    .map(move |range| self.raw.slice(start + range.start..start + range.end))
            })
    }

    /// Whether `token` is among the elements of `name`, in any case: for Supported, Require, Allow.
    pub fn has_token(&self, name: Name, token: &str) -> bool {
        self.elements(name)
            .any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes| super::text(bytes);
        f.debug_map()
            .entries(self.iter().map(|field| (text(field.text), text(field.value))))
            .finish()
    }
}

impl Entry {
    /// Reads `name : value` between `start` and `end`.
    fn read(raw: &[u8], start: usize, end: usize) -> Option<Entry> {
        let line = &raw[start..end];
        let name_len = line.iter().position(|&c| !lexer::is_token(c))?;
        let colon = name_len + line[name_len..].iter().position(|&c| !matches!(c, b' ' | b'\t'))?;
        if name_len == 0 || line[colon] != b':' {
            return None;
        }
        let lead = line[colon + 1..].iter().position(|&c| !lexer::is_space(c));
        let value_start = lead.map_or(line.len(), |lead| colon + 1 + lead);
        let value_end = line
            .iter()
            .rposition(|&c| !lexer::is_space(c))
            .map_or(value_start, |at| at + 1)
            .max(value_start);
        Some(Entry {
            name_start: start as u32,
            value_start: (start + value_start) as u32,
            value_end: (start + value_end) as u32,
            name_len: u16::try_from(name_len).ok()?,
            name: Name::of(&line[..name_len]),
        })
    }
}

/// Where the field that begins at `start` ends, without its line break, and where the next line begins. Lines that
/// begin with white space continue the field (RFC 3261 §7.3.1). A line may end with LF alone.
fn field_end(raw: &[u8], start: usize) -> (usize, usize) {
    let mut at = start;
    loop {
        let Some(length) = memchr::memchr(b'\n', &raw[at..]) else {
            return (raw.len(), raw.len());
        };
        let next = at + length + 1;
        if !matches!(raw.get(next), Some(b' ' | b'\t')) {
            return (next - 1, next);
        }
        at = next;
    }
}

/// Content-Length of the fields between `at` and the empty line, without an index: for framing, where the message is not
/// complete yet.
pub(super) fn content_length(head: &[u8], mut at: usize) -> Result<Option<usize>, Fault> {
    let mut found = None;
    while at < head.len() && !matches!(head[at], b'\r' | b'\n') {
        let (end, next) = field_end(head, at);
        if let Some(entry) = Entry::read(head, at, end).filter(|entry| entry.name == Name::ContentLength) {
            let value = &head[entry.value_start as usize..entry.value_end as usize];
            let length = lexer::number(value, u64::from(u32::MAX)).ok_or(Fault::Malformed(Name::ContentLength))?;
            if found.replace(length as usize).is_some() {
                return Err(Fault::Repeated(Name::ContentLength));
            }
        }
        at = next;
    }
    Ok(found)
}
