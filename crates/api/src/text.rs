//! The text catalogue: every word that a user reads, in French first and in English, keyed, from `locales/*.ftl`.

use std::borrow::Cow;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

/// A language of the console, the messages of errors, and the reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// French, the default.
    #[default]
    French,
    /// English.
    English,
}

impl Language {
    /// BCP 47 tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Language::French => "fr",
            Language::English => "en",
        }
    }

    /// The better of our two languages for an `Accept-Language` value (RFC 9110 §12.5.4). French when neither is named.
    #[must_use]
    pub fn accepted(header: &str) -> Language {
        let mut best = (0.0_f32, Language::French);
        for part in header.split(',').take(16) {
            let mut fields = part.trim().split(';');
            let tag = fields.next().unwrap_or_default().trim().to_ascii_lowercase();
            let quality = fields
                .find_map(|field| field.trim().strip_prefix("q="))
                .map_or(1.0, |q| q.trim().parse::<f32>().unwrap_or(0.0));
            let language = match tag.split('-').next() {
                Some("fr") => Language::French,
                Some("en") => Language::English,
                _ => continue,
            };
            if quality > best.0 {
                best = (quality, language);
            }
        }
        best.1
    }

    /// From a tag such as "en" or "fr-FR"; French for any other.
    #[must_use]
    pub fn from_tag(tag: &str) -> Language {
        if tag.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("en")) {
            Language::English
        } else {
            Language::French
        }
    }
}

const FRENCH: &str = include_str!("../locales/fr.ftl");
const ENGLISH: &str = include_str!("../locales/en.ftl");

/// Both languages' texts.
pub struct Catalogue {
    french: FluentBundle<FluentResource>,
    english: FluentBundle<FluentResource>,
}

impl Catalogue {
    /// Reads the two files that are inside the program. An entry that does not parse is left out; a test proves there is none.
    #[must_use]
    pub fn embedded() -> Catalogue {
        Catalogue {
            french: bundle("fr", FRENCH),
            english: bundle("en", ENGLISH),
        }
    }

    /// Adds the texts of another room, written like ours. Entries that do not parse are left out.
    #[must_use]
    pub fn joined(mut self, french: &str, english: &str) -> Catalogue {
        self.french.add_resource_overriding(resource(french));
        self.english.add_resource_overriding(resource(english));
        self
    }

    /// The texts of one language.
    #[must_use]
    pub fn words(&self, language: Language) -> Words<'_> {
        let bundle = match language {
            Language::French => &self.french,
            Language::English => &self.english,
        };
        Words { bundle, language }
    }
}

fn resource(source: &str) -> FluentResource {
    match FluentResource::try_new(source.to_owned()) {
        Ok(resource) => resource,
        Err((resource, _)) => resource,
    }
}

fn bundle(tag: &str, source: &str) -> FluentBundle<FluentResource> {
    let mut bundle = FluentBundle::new_concurrent(tag.parse().into_iter().collect());
    // Isolation marks would end up in file names, spreadsheets and PDF; both languages are written left to right.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(if tag == "fr" { french_number } else { english_number }));
    bundle.add_resource_overriding(resource(source));
    bundle
}

/// `12345` with a gap between thousands: narrow and unbreakable in French, a comma in English.
#[must_use]
pub fn grouped(number: u64, language: Language) -> String {
    let digits = number.to_string();
    let gap = if language == Language::French { '\u{202f}' } else { ',' };
    let mut out = String::with_capacity(digits.len() + 6);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(gap);
        }
        out.push(digit);
    }
    out
}

fn french_number<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    number(value, Language::French)
}

fn english_number<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    number(value, Language::English)
}

fn number(value: &FluentValue<'_>, language: Language) -> Option<String> {
    match value {
        FluentValue::Number(number) if number.value >= 0.0 => Some(grouped(number.value as u64, language)),
        _ => None,
    }
}

/// The texts of one language.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    bundle: &'a FluentBundle<FluentResource>,
    language: Language,
}

impl<'a> Words<'a> {
    /// The language of these texts.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// The text of a key; the key itself when it is missing.
    #[must_use]
    pub fn get(&self, key: &str) -> Cow<'a, str> {
        self.format(key, None)
    }

    /// The text of a key with its arguments filled in.
    #[must_use]
    pub fn with(&self, key: &str, args: &[(&str, Value)]) -> String {
        let mut filled = FluentArgs::new();
        for (name, value) in args {
            filled.set((*name).to_owned(), value.fluent());
        }
        self.format(key, Some(&filled)).into_owned()
    }

    /// Whether the catalogue holds the key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.bundle.has_message(key)
    }

    fn format(&self, key: &str, args: Option<&FluentArgs<'_>>) -> Cow<'a, str> {
        let Some(pattern) = self.bundle.get_message(key).and_then(|message| message.value()) else {
            tracing::error!(key, "the text catalogue lacks a key");
            return Cow::Owned(key.to_owned());
        };
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, args, &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::error!(key, ?errors, "a text could not be filled in");
        }
        Cow::Owned(text)
    }
}

/// An argument of a text: a number chooses plurals, anything else is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
}

impl Value {
    fn fluent(&self) -> FluentValue<'static> {
        match self {
            Value::Number(number) => FluentValue::from(*number),
            Value::Text(text) => FluentValue::from(text.clone()),
        }
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::Number(number)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Value {
        Value::Number(number as u64)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn keys(source: &str) -> BTreeSet<String> {
        source
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
            .filter_map(|line| line.split_once(" =").map(|(key, _)| key.to_owned()))
            .collect()
    }

    fn arguments(source: &str) -> Vec<(String, BTreeSet<String>)> {
        let mut out: Vec<(String, BTreeSet<String>)> = Vec::new();
        for line in source.lines() {
            if line.starts_with(|c: char| c.is_ascii_lowercase()) {
                let key = line.split(" =").next().unwrap_or_default();
                out.push((key.to_owned(), BTreeSet::new()));
            }
            let mut rest = line;
            while let Some(at) = rest.find("{ $") {
                rest = &rest[at + 3..];
                let name: String = rest
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                if let Some(last) = out.last_mut() {
                    last.1.insert(name);
                }
            }
        }
        out.sort();
        out
    }

    #[test]
    fn both_catalogues_parse_and_hold_the_same_keys_with_the_same_arguments() {
        for source in [FRENCH, ENGLISH] {
            let parsed = FluentResource::try_new(source.to_owned());
            assert!(parsed.is_ok(), "{:?}", parsed.err().map(|e| e.1));
            let listed: Vec<_> = source
                .lines()
                .filter(|l| l.starts_with(|c: char| c.is_ascii_lowercase()))
                .collect();
            assert_eq!(keys(source).len(), listed.len(), "a key is written twice");
        }
        assert_eq!(keys(FRENCH), keys(ENGLISH));
        assert_eq!(arguments(FRENCH), arguments(ENGLISH));
    }

    /// Keys are written in the sources as whole string literals; those that a program builds have their prefix listed here.
    #[test]
    fn no_source_uses_a_missing_key_and_no_key_is_unused() {
        let mut sources = String::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") {
                    sources.push_str(&std::fs::read_to_string(&path).unwrap());
                }
            }
        }
        let known = keys(FRENCH);
        for call in [".get(\"", ".with(\"", ".t(\"", ".t_with(\"", "text(\""] {
            let mut rest = sources.as_str();
            while let Some(at) = rest.find(call) {
                rest = &rest[at + call.len()..];
                let start = if call.ends_with('"') {
                    rest
                } else {
                    rest.split_once('"').map_or("", |x| x.1)
                };
                let key = start.split('"').next().unwrap_or_default();
                if key.contains('-')
                    && key
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
                {
                    let header = ["sec-fetch-site", "x-csrf-token", "x-file-name"].contains(&key);
                    assert!(header || known.contains(key), "the sources use the missing key {key}");
                }
            }
        }
        let built = [
            "operation-",
            "right-",
            "state-",
            "outcome-",
            "result-",
            "cause-",
            "problem-",
            "column-",
            "reason-",
            "phase-",
            "document-",
            "section-",
            "fact-",
            "unit-",
            "which-",
            "month-",
            "incident-",
            "role-",
            "number-",
            "list-export-",
        ];
        for part in sources
            .split("Problem::new(")
            .chain(sources.split("refused("))
            .chain(sources.split("missing("))
            .skip(1)
        {
            let call = part.split(')').next().unwrap_or_default();
            let code = call.split('"').nth(1).unwrap_or_default();
            if !code.is_empty() && code.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
                assert!(
                    known.contains(&format!("problem-{code}")),
                    "the refusal {code} has no words"
                );
            }
        }
        for key in known {
            // What a refusal says is named by its code.
            let code = key.strip_prefix("problem-").unwrap_or(&key);
            if key.starts_with("problem-") {
                assert!(
                    sources.contains(&format!("\"{code}\"")) || sources.contains(&format!("\"{key}\"")),
                    "{key} is not used"
                );
            }
            let used = sources.contains(&format!("\"{key}\"")) || built.iter().any(|prefix| key.starts_with(prefix));
            assert!(used, "the key {key} is not used");
        }
    }

    #[test]
    fn the_better_language_is_chosen_and_french_without_a_wish() {
        for (header, expected) in [
            ("", Language::French),
            ("fr-FR,fr;q=0.9,en;q=0.8", Language::French),
            ("en-US,en;q=0.9,fr;q=0.5", Language::English),
            ("de, en;q=0.3", Language::English),
            ("de", Language::French),
            ("en;q=0.2, fr;q=0.7", Language::French),
            ("en;q=abc", Language::French),
        ] {
            assert_eq!(Language::accepted(header), expected, "{header}");
        }
    }
}
