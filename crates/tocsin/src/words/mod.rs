//! What the command line says, in French first and in English: texts by key from `locales/*.ftl`, in one catalogue with
//! those of the console.
//!
//! - [`Phrase`]: a text's key and what is filled in; [`Told`] gives the phrase of an error.
//! - [`choose`]: which language a terminal is spoken to in.
//! - `errors`: what the other rooms' errors are called here; `help`: the help pages.

mod errors;
pub mod help;

use std::ffi::OsString;
use std::sync::OnceLock;

use api::text::Catalogue;
pub use api::text::{Language, Value, Words};

pub use errors::system;

const FRENCH: &str = include_str!("../../locales/fr.ftl");
const ENGLISH: &str = include_str!("../../locales/en.ftl");

/// The texts of one language.
pub fn of(language: Language) -> Words<'static> {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE
        .get_or_init(|| Catalogue::embedded().joined(FRENCH, ENGLISH))
        .words(language)
}

/// The language of a command line: `--lang`, else the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that says something
/// (POSIX 8.2). French unless it is English: an operator whose machine is set to no language is French first.
pub fn choose(arguments: &[OsString], variable: impl Fn(&str) -> Option<OsString>) -> Language {
    let mut arguments = arguments.iter().skip(1).map(|argument| argument.to_string_lossy());
    let mut wished = None;
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix("--lang") {
            Some("") => wished = arguments.next().map(|tag| tag.into_owned()),
            Some(rest) => wished = rest.strip_prefix('=').map(str::to_owned).or(wished),
            None if argument == "--" => break,
            None => {}
        }
    }
    let spoken = wished.or_else(|| {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .filter_map(|name| variable(name))
            .map(|value| value.to_string_lossy().into_owned())
            .find(|value| !value.is_empty())
    });
    Language::from_tag(&spoken.unwrap_or_default())
}

/// A text of the catalogue with what is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    key: &'static str,
    arguments: Vec<(&'static str, Argument)>,
}

/// What is filled into a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// A number, which chooses plurals, or a text that is the same in all languages.
    Plain(Value),
    /// Another text of the catalogue.
    Phrase(Phrase),
}

impl Phrase {
    /// A text by its key.
    #[must_use]
    pub fn new(key: &'static str) -> Self {
        Self {
            key,
            arguments: Vec::new(),
        }
    }

    /// The same with an argument filled in.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Argument>) -> Self {
        self.arguments.push((name, value.into()));
        self
    }

    /// In words.
    #[must_use]
    pub fn say(&self, words: &Words<'_>) -> String {
        let filled: Vec<(&str, Value)> = self
            .arguments
            .iter()
            .map(|(name, argument)| match argument {
                Argument::Plain(value) => (*name, value.clone()),
                Argument::Phrase(phrase) => (*name, Value::Text(phrase.say(words))),
            })
            .collect();
        words.with(self.key, &filled)
    }

    /// In English, for logs and for those who know no other.
    pub fn english(&self) -> String {
        self.say(&of(Language::English))
    }
}

impl<T: Into<Value>> From<T> for Argument {
    fn from(value: T) -> Self {
        Self::Plain(value.into())
    }
}

impl From<Phrase> for Argument {
    fn from(phrase: Phrase) -> Self {
        Self::Phrase(phrase)
    }
}

/// A number with so many digits after the decimal point, or comma.
#[must_use]
pub fn decimal(value: f64, digits: usize, language: Language) -> String {
    let text = format!("{value:.digits$}");
    match language {
        Language::French => text.replace('.', ","),
        Language::English => text,
    }
}

/// By which way a key was heard; the ways' names are those of the JSON output.
pub fn digit_source(name: &str) -> Phrase {
    match name {
        crate::probe::IN_BAND => Phrase::new("digit-in-band"),
        standard => Phrase::new("digit-standard").with("name", standard),
    }
}

/// Something that can be told to the operator.
pub trait Told {
    /// Its text, which says what is wrong and what to do.
    fn told(&self) -> Phrase;
}

impl Told for Phrase {
    fn told(&self) -> Phrase {
        self.clone()
    }
}

/// Gives an error of this crate its English words, so that it is an [`std::error::Error`] like any other.
macro_rules! error_in_english {
    ($($name:ty),+ $(,)?) => {$(
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::words::Told::told(self).english())
            }
        }

        impl std::error::Error for $name {}
    )+};
}
pub(crate) use error_in_english;

#[cfg(test)]
mod tests;
