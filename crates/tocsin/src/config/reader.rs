//! Reads a TOML table setting by setting, so that every mistake is found in one go and has its line.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Mistake, Problem};
use super::secret::{Place, Secret};
use crate::words::{Argument, Phrase, Told};

/// Collects the mistakes of one file.
pub(super) struct Reader<'a> {
    text: &'a str,
    base: &'a Path,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, base: &'a Path) -> Self {
        Self {
            text,
            base,
            problems: Vec::new(),
        }
    }

    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        let end = span.start.min(self.text.len());
        self.text.as_bytes()[..end]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1
    }

    pub(super) fn blame(&mut self, span: Option<Range<usize>>, mistake: Mistake) {
        let line = span.map(|span| self.line(&span));
        self.problems.push(Problem { line, mistake });
    }
}

/// One table of the file, or the absence of one: then every setting takes its default.
pub(super) struct Section<'r, 'a> {
    reader: &'r mut Reader<'a>,
    table: Option<&'r DeTable<'a>>,
    span: Option<Range<usize>>,
    name: Argument,
    known: Vec<&'static str>,
}

impl<'r, 'a> Section<'r, 'a> {
    pub(super) fn new(
        reader: &'r mut Reader<'a>,
        name: impl Into<Argument>,
        table: Option<&'r DeTable<'a>>,
        span: Option<Range<usize>>,
    ) -> Self {
        Self {
            reader,
            table,
            span,
            name: name.into(),
            known: Vec::new(),
        }
    }

    fn value(&mut self, key: &'static str) -> Option<&'r Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.table.and_then(|table| table.get(key))
    }

    /// Whether the file gives this setting.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.get(key).is_some())
    }

    pub(super) fn blame(&mut self, span: Option<Range<usize>>, mistake: Mistake) {
        let span = span.or_else(|| self.span.clone());
        self.reader.blame(span, mistake);
    }

    /// A setting that must be there is not; `purpose` is the key of the text that says what it is for.
    pub(super) fn missing(&mut self, key: &str, purpose: &'static str) {
        let mistake = Mistake::Missing {
            key: key.into(),
            section: self.name.clone(),
            purpose: Phrase::new(purpose),
        };
        self.blame(None, mistake);
    }

    fn wrong_type(&mut self, key: &str, value: &Spanned<DeValue<'_>>, expected: &'static str) {
        let found = Phrase::new(match value.get_ref() {
            DeValue::String(_) => "config-found-text",
            DeValue::Integer(_) => "config-found-integer",
            DeValue::Float(_) => "config-found-float",
            DeValue::Boolean(_) => "config-found-boolean",
            DeValue::Datetime(_) => "config-found-date",
            DeValue::Array(_) => "config-found-list",
            DeValue::Table(_) => "config-found-section",
        });
        self.reader.blame(
            Some(value.span()),
            Mistake::Type {
                key: key.into(),
                expected: Phrase::new(expected),
                found,
            },
        );
    }

    /// The line's value cannot be used.
    pub(super) fn refuse(&mut self, key: &str, span: Range<usize>, value: impl ToString, reason: Phrase) {
        let mistake = Mistake::Value {
            key: key.into(),
            value: value.to_string(),
            reason,
        };
        self.reader.blame(Some(span), mistake);
    }

    /// A text, with its place for later complaints.
    pub(super) fn spanned_text(&mut self, key: &'static str) -> Option<(String, Range<usize>)> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some((text.to_string(), value.span())),
            _ => {
                self.wrong_type(key, value, "config-a-text");
                None
            }
        }
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        self.spanned_text(key).map(|(text, _)| text)
    }

    pub(super) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        let text = self.text(key)?;
        Some(self.reader.base.join(text))
    }

    /// A text read by its type's own parser; `expected` is the key of the text that says what would do.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &'static str, expected: &'static str) -> Option<T> {
        let (text, span) = self.spanned_text(key)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(_) => {
                self.refuse(key, span, text, Phrase::new(expected));
                None
            }
        }
    }

    /// A text that `read` turns into a value or refuses with a reason.
    pub(super) fn read_with<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&str) -> Result<T, Phrase>,
    ) -> Option<T> {
        let (text, span) = self.spanned_text(key)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.refuse(key, span, &text, reason);
                None
            }
        }
    }

    /// `address:port`.
    pub(super) fn address(&mut self, key: &'static str) -> Option<SocketAddr> {
        self.parsed(key, "config-expected-address")
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        let read = value.get_ref().as_bool();
        if read.is_none() {
            self.wrong_type(key, value, "config-a-boolean");
        }
        read
    }

    /// A whole number within bounds.
    pub(super) fn integer(&mut self, key: &'static str, bounds: Range<u64>) -> Option<u64> {
        let value = self.value(key)?;
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(key, value, "config-an-integer");
            return None;
        };
        match i128::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()) {
            Ok(number) if number >= i128::from(bounds.start) && number < i128::from(bounds.end) => {
                u64::try_from(number).ok()
            }
            _ => {
                let reason = Phrase::new("config-expected-between")
                    .with("least", bounds.start.to_string())
                    .with("most", (bounds.end - 1).to_string());
                self.refuse(key, value.span(), integer.as_str(), reason);
                None
            }
        }
    }

    /// A number, whole or not, within bounds.
    pub(super) fn decimal(&mut self, key: &'static str, bounds: RangeInclusive<f64>) -> Option<f64> {
        let value = self.value(key)?;
        let written = match value.get_ref() {
            DeValue::Integer(integer) => integer.as_str(),
            DeValue::Float(float) => float.as_str(),
            _ => {
                self.wrong_type(key, value, "config-a-number");
                return None;
            }
        };
        match written.replace('_', "").parse() {
            Ok(number) if bounds.contains(&number) => Some(number),
            _ => {
                let reason = Phrase::new("config-expected-between")
                    .with("least", bounds.start().to_string())
                    .with("most", bounds.end().to_string());
                self.refuse(key, value.span(), written, reason);
                None
            }
        }
    }

    /// A duration within bounds, both included: "500ms", "30s", "5min", "2h", "90d".
    pub(super) fn duration(&mut self, key: &'static str, bounds: Range<Duration>) -> Option<Duration> {
        let (text, span) = self.spanned_text(key)?;
        match duration(&text) {
            Some(value) if value >= bounds.start && value <= bounds.end => Some(value),
            Some(_) => {
                let reason = Phrase::new("config-expected-between")
                    .with("least", written(bounds.start))
                    .with("most", written(bounds.end));
                self.refuse(key, span, &text, reason);
                None
            }
            None => {
                let reason = Phrase::new("config-expected-duration");
                self.refuse(key, span, &text, reason);
                None
            }
        }
    }

    /// A list of texts, each with its place.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<(String, Range<usize>)>> {
        let value = self.value(key)?;
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "config-a-list");
            return None;
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push((text.to_string(), item.span())),
                _ => self.wrong_type(key, item, "config-a-list"),
            }
        }
        Some(texts)
    }

    /// A secret by one of three keys: `key`, `key_file`, `key_env`.
    pub(super) fn secret(&mut self, keys: [&'static str; 3]) -> Option<Secret> {
        let [key, file, environment] = keys;
        let plain = self.spanned_text(key);
        let file = self
            .spanned_text(file)
            .map(|(path, span)| (Place::File(path.into()), span));
        let environment = self
            .spanned_text(environment)
            .map(|(name, span)| (Place::Environment(name), span));
        let given = usize::from(plain.is_some()) + usize::from(file.is_some()) + usize::from(environment.is_some());
        if given > 1 {
            let reason = Phrase::new("config-conflict-secret").with("key", key);
            self.blame(None, Mistake::Conflict(reason));
        }
        if let Some((value, span)) = plain {
            if value.is_empty() {
                self.refuse(key, span, "", Phrase::new("secret-empty"));
                return None;
            }
            return Some(Secret::new(value));
        }
        let (place, span) = file.or(environment)?;
        match place.read(self.reader.base) {
            Ok(secret) => Some(secret),
            Err(error) => {
                let mistake = Mistake::Secret {
                    key: key.into(),
                    reason: error.told(),
                };
                self.reader.blame(Some(span), mistake);
                None
            }
        }
    }

    /// Reads a table inside this one; an absent one is read as empty.
    pub(super) fn table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'_, 'a>) -> T) -> T {
        let value = self.value(key);
        let (table, span) = match value {
            Some(value) => match value.get_ref() {
                DeValue::Table(table) => (Some(table), Some(value.span())),
                _ => {
                    self.wrong_type(key, value, "config-a-section");
                    (None, None)
                }
            },
            None => (None, None),
        };
        let mut section = Section::new(self.reader, format!("[{key}]"), table, span);
        let read = read(&mut section);
        section.finish();
        read
    }

    /// Reads a list of tables, `[[key]]`.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Section<'_, 'a>) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "config-a-section-list");
            return Vec::new();
        };
        let mut read_items = Vec::new();
        for item in items.iter() {
            let DeValue::Table(table) = item.get_ref() else {
                self.wrong_type(key, item, "config-a-section-list");
                continue;
            };
            let mut section = Section::new(self.reader, format!("[[{key}]]"), Some(table), Some(item.span()));
            let value = read(&mut section);
            section.finish();
            read_items.extend(value);
        }
        read_items
    }

    /// Complains about the settings that nobody asked for.
    pub(super) fn finish(self) {
        let Some(table) = self.table else { return };
        for key in table.keys() {
            let name: &Cow<'_, str> = key.get_ref();
            if !self.known.contains(&name.as_ref()) {
                let nearest = self
                    .known
                    .iter()
                    .find(|known| is_near(known, name))
                    .map(|known| (*known).to_owned());
                let mistake = Mistake::Unknown {
                    key: name.to_string(),
                    section: self.name.clone(),
                    nearest,
                };
                self.reader.blame(Some(key.span()), mistake);
            }
        }
    }
}

/// Two names that differ by one or two letters.
fn is_near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (
        a.chars().collect(),
        b.to_lowercase().replace('-', "_").chars().collect(),
    );
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (above + 1).min(row[j] + 1).min(diagonal + usize::from(x != y));
            diagonal = above;
        }
    }
    row[b.len()] <= 2
}

/// A duration as the file would write it.
fn written(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "min"),
        (1000, "s"),
        (1, "ms"),
    ];
    units
        .into_iter()
        .find(|(unit, _)| milliseconds > 0 && milliseconds.is_multiple_of(*unit))
        .map_or_else(
            || "0s".to_owned(),
            |(unit, name)| format!("{}{name}", milliseconds / unit),
        )
}

/// Reads "500ms", "30s", "5min", "2h" or "90d".
pub(super) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let milliseconds = match text[digits..].trim() {
        "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        let cases = [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("5 min", Some(300_000)),
            ("2h", Some(7_200_000)),
            ("1d", Some(86_400_000)),
            ("30", None),
            ("", None),
            ("-1s", None),
            ("99999999999999999999s", None),
            ("99999999999999999d", None),
        ];
        for (text, expected) in cases {
            assert_eq!(duration(text).map(|d| d.as_millis()), expected, "{text}");
        }
    }

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["500ms", "30s", "5min", "2h", "1d", "0s", "90s"] {
            assert_eq!(duration(text).map(written).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_near_miss_is_recognised() {
        assert!(is_near("channels", "chanels"));
        assert!(is_near("calls_per_second", "calls-per-second"));
        assert!(!is_near("host", "password"));
    }
}
