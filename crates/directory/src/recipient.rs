use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{E164, Insee, Language, PhoneNumber, StoreError};

/// Numbers that a recipient has at most (R23).
pub const MAX_NUMBERS: usize = 3;

/// Characters that a text of a recipient has at most: what an import keeps of a cell. The groups together count as one
/// text, as they stand in one cell of a file.
pub const MAX_TEXT: usize = 1000;

/// Bytes that an e-mail address has at most (RFC 3696, erratum 1690).
pub const MAX_EMAIL: usize = 254;

/// The lasting identity of a recipient; what journals and reports hold instead of personal data. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecipientId(pub u64);

impl fmt::Display for RecipientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for RecipientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

/// A person or a service that can be alerted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recipient {
    /// Given by the store when the recipient is created.
    pub id: RecipientId,
    /// What identifies the recipient in the operator's files, so that an import updates rather than doubles.
    pub key: String,
    /// Family name, or the name of a service.
    pub name: String,
    /// First name.
    pub first_name: String,
    /// Function, such as “Maire”, “Adjoint”, “Directeur”.
    pub function: String,
    /// Domain, such as “Élus”, “Professionnels de santé” (R21).
    pub domain: String,
    /// Commune of the function.
    pub commune: Option<Insee>,
    /// Numbers in the order in which they are tried; at most [`MAX_NUMBERS`].
    pub numbers: Vec<PhoneNumber>,
    /// E-mail address.
    pub email: Option<String>,
    /// Language of the messages.
    pub language: Language,
    /// Predefined groups that the recipient belongs to (R6).
    pub groups: Vec<String>,
    /// The person asked not to be alerted any more (R24); no selection gives them.
    pub unsubscribed: bool,
    /// Grows by one at each change; given by the store.
    pub revision: u64,
}

impl Default for Recipient {
    fn default() -> Self {
        Recipient {
            id: RecipientId(0),
            key: String::new(),
            name: String::new(),
            first_name: String::new(),
            function: String::new(),
            domain: String::new(),
            commune: None,
            numbers: Vec::new(),
            email: None,
            language: Language::FRENCH,
            groups: Vec::new(),
            unsubscribed: false,
            revision: 0,
        }
    }
}

impl Recipient {
    /// “Jeanne Martin”, or the function when there is no name.
    pub fn full_name(&self) -> String {
        match (self.first_name.as_str(), self.name.as_str()) {
            ("", "") => self.function.clone(),
            ("", name) => name.to_owned(),
            (first, "") => first.to_owned(),
            (first, name) => format!("{first} {name}"),
        }
    }

    /// True when the other entry is the same person under another key: the same name, as people take it for the same, and
    /// a number in common.
    pub fn is_same_person(&self, other: &Recipient) -> bool {
        let name = fold(&self.full_name());
        !self.name.is_empty()
            && name == fold(&other.full_name())
            && self.numbers.iter().any(|number| other.has_number(number.e164))
    }

    /// Whether the recipient may be saved in the place of the known one. What stands in the directory already is left
    /// alone: a key made from an import's texts may be longer than others.
    pub(crate) fn check(&self, known: Option<&Recipient>) -> Result<(), StoreError> {
        if self.numbers.len() > MAX_NUMBERS {
            return Err(StoreError::TooManyNumbers);
        }
        match self.too_long(known) {
            Some((field, most)) => Err(StoreError::TooLong { field, most }),
            None => Ok(()),
        }
    }

    /// The free texts, by the names of their fields.
    fn texts(&self) -> [(&'static str, &str); 5] {
        [
            ("key", &self.key),
            ("name", &self.name),
            ("first_name", &self.first_name),
            ("function", &self.function),
            ("domain", &self.domain),
        ]
    }

    /// The first new text that is too long, with the most that its field holds.
    fn too_long(&self, known: Option<&Recipient>) -> Option<(&'static str, usize)> {
        let before = known.map(Recipient::texts);
        for (index, (field, text)) in self.texts().into_iter().enumerate() {
            let is_new = before.is_none_or(|before| before[index].1 != text);
            if is_new && text.chars().nth(MAX_TEXT).is_some() {
                return Some((field, MAX_TEXT));
            }
        }
        let email = self.email.as_deref().unwrap_or_default();
        if email.len() > MAX_EMAIL && known.is_none_or(|known| known.email != self.email) {
            return Some(("email", MAX_EMAIL));
        }
        // With the comma and the blank between two of them, so that empty ones count too.
        let groups = self.groups.iter().map(|group| group.chars().count() + 2).sum::<usize>();
        if groups > MAX_TEXT + 2 && known.is_none_or(|known| known.groups != self.groups) {
            return Some(("groups", MAX_TEXT));
        }
        None
    }

    /// True when one of the numbers is this one.
    pub fn has_number(&self, e164: E164) -> bool {
        self.numbers.iter().any(|number| number.e164 == e164)
    }
}

/// A text without case, accents and repeated blanks: two texts that a person takes for the same fold to the same.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut gap = false;
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            if std::mem::take(&mut gap) {
                folded.push(' ');
            }
            folded.push(character.to_ascii_lowercase());
            continue;
        }
        if ('\u{300}'..='\u{36f}').contains(&character) {
            continue;
        }
        if !character.is_alphanumeric() {
            gap = !folded.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            folded.push(' ');
        }
        for lower in character.to_lowercase() {
            match unaccented(lower) {
                Some(plain) => folded.push_str(plain),
                // The dot that the lower case of İ leaves.
                None if ('\u{300}'..='\u{36f}').contains(&lower) => {}
                None => folded.push(lower),
            }
        }
    }
    folded
}

fn unaccented(lower: char) -> Option<&'static str> {
    Some(match lower {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => "a",
        'ç' => "c",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => "o",
        'ù' | 'ú' | 'û' | 'ü' => "u",
        'ý' | 'ÿ' => "y",
        'œ' => "oe",
        'æ' => "ae",
        'ß' => "ss",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_makes_alike_what_people_take_for_the_same() {
        for (text, expected) in [
            ("Œuilly-sur-Évoissons", "oeuilly sur evoissons"),
            ("  L'ÉTOILE ", "l etoile"),
            ("e\u{301}te\u{301}", "ete"),
            ("", ""),
            ("№ 5 – bis", "5 bis"),
        ] {
            assert_eq!(fold(text), expected, "{text}");
        }
    }

    #[test]
    fn the_same_name_on_the_same_telephone_is_the_same_person() {
        let number = |text: &str| E164::parse(text).unwrap().into();
        let person = |first: &str, name: &str, numbers: &[&str]| Recipient {
            first_name: first.into(),
            name: name.into(),
            numbers: numbers.iter().map(|text| number(text)).collect(),
            ..Recipient::default()
        };
        let mayor = person("Hélène", "Lefèvre", &["+33199001234", "+33639980001"]);
        for (other, expected) in [
            (person("HELENE", "LEFEVRE", &["+33639980001"]), true),
            (person("Hélène", "Lefèvre", &["+33639980002"]), false),
            (person("Henri", "Lefèvre", &["+33199001234"]), false),
            (person("", "", &["+33199001234"]), false),
        ] {
            assert_eq!(mayor.is_same_person(&other), expected, "{other:?}");
        }
        let service = person("", "", &["+33199001234"]);
        assert!(!service.is_same_person(&service.clone()));
    }

    #[test]
    fn a_recipient_without_a_name_goes_by_the_function() {
        let mayor = Recipient {
            function: "Maire".into(),
            ..Recipient::default()
        };
        assert_eq!(mayor.full_name(), "Maire");
        let named = Recipient {
            name: "Martin".into(),
            first_name: "Jeanne".into(),
            ..mayor
        };
        assert_eq!(named.full_name(), "Jeanne Martin");
    }
}
