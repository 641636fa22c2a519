use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A language by its two-letter code (ISO 639-1), such as `fr`. What nothing says otherwise is French.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language([u8; 2]);

/// The text is not a two-letter language code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not a two-letter language code such as “fr”")]
pub struct LanguageError(String);

impl Language {
    /// French.
    pub const FRENCH: Language = Language(*b"fr");
    /// English.
    pub const ENGLISH: Language = Language(*b"en");

    /// The two-letter code in lower case.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("fr")
    }
}

impl Default for Language {
    fn default() -> Self {
        Language::FRENCH
    }
}

impl FromStr for Language {
    type Err = LanguageError;

    /// Reads `fr`, `FR`, `fr-FR` or `fr_FR`.
    fn from_str(text: &str) -> Result<Self, LanguageError> {
        let code = text.trim().split(['-', '_']).next().unwrap_or_default();
        match code.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Language([a.to_ascii_lowercase(), b.to_ascii_lowercase()]))
            }
            _ => Err(LanguageError(text.chars().take(40).collect())),
        }
    }
}

impl TryFrom<String> for Language {
    type Error = LanguageError;

    fn try_from(text: String) -> Result<Self, LanguageError> {
        text.parse()
    }
}

impl From<Language> for String {
    fn from(language: Language) -> String {
        language.code().to_owned()
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_with_and_without_region() {
        for (text, expected) in [("fr", "fr"), ("FR", "fr"), ("fr-FR", "fr"), (" en_GB ", "en")] {
            assert_eq!(text.parse::<Language>().unwrap().code(), expected, "{text}");
        }
        for text in ["", "f", "français", "f1", "é"] {
            assert!(text.parse::<Language>().is_err(), "{text}");
        }
    }
}
