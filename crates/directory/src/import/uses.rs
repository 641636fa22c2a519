//! What a number is used for, as columns of files say it: “Usage 1”, “voix et SMS”.

use super::{Column, Role};
use crate::PhoneNumber;
use crate::recipient::fold;

/// What one cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) voice: bool,
    pub(crate) sms: bool,
}

impl Used {
    /// Reads “voix”, “SMS”, “voix et SMS”, “aucun” and their like, in French or English; `None` where a word is unknown,
    /// so that “pas de SMS” is not taken for “SMS”.
    pub(crate) fn parse(text: &str) -> Option<Used> {
        let folded = fold(text);
        match folded.as_str() {
            "les deux" | "tous les deux" | "tous" | "tout" | "both" | "all" => {
                return Some(Used { voice: true, sms: true });
            }
            "aucun" | "aucune" | "aucun usage" | "ni voix ni sms" | "none" | "neither" | "neither voice nor sms" => {
                return Some(Used {
                    voice: false,
                    sms: false,
                });
            }
            _ => {}
        }
        let mut used = Used {
            voice: false,
            sms: false,
        };
        for word in folded.split(' ') {
            match word {
                "voix" | "vocal" | "vocale" | "appel" | "appels" | "voice" | "call" | "calls" => used.voice = true,
                "sms" | "texto" | "textos" => used.sms = true,
                "et" | "and" | "ou" | "or" | "seul" | "seulement" | "uniquement" | "only" => {}
                _ => return None,
            }
        }
        (used.voice || used.sms).then_some(used)
    }

    /// The words that an export writes, which [`Used::parse`] reads.
    pub(crate) fn written(number: &PhoneNumber) -> &'static str {
        match (number.voice, number.sms) {
            (true, true) => "voix et SMS",
            (true, false) => "voix",
            (false, true) => "SMS",
            (false, false) => "aucun",
        }
    }
}

/// Whether a header, folded and cut into words, announces uses. “Nom d'usage” is a name.
pub(crate) fn is_header(words: &[&str]) -> bool {
    let is_use = |word: &&str| {
        matches!(
            *word,
            "usage" | "usages" | "utilisation" | "utilisations" | "use" | "uses"
        )
    };
    let is_line = |word: &&str| {
        ["tel", "phone", "numero", "number", "num", "mobile", "portable", "fixe"]
            .iter()
            .any(|start| word.starts_with(start))
    };
    words.first().is_some_and(is_use)
        || (words.iter().any(is_use) && words.iter().any(is_line))
        || matches!(
            words,
            ["voix" | "voice", "sms", ..] | ["voix" | "voice", "et" | "and" | "ou" | "or", "sms", ..]
        )
}

/// The column of numbers to which a column of uses belongs: the one with the same figure in its header, or the one in
/// that place among them where their headers have no figures; else the nearest to its left, else the first.
pub(crate) fn numbers_of(place: usize, columns: &[Column]) -> Option<usize> {
    let numbers: Vec<usize> = (0..columns.len())
        .filter(|column| columns[*column].role == Some(Role::Number))
        .collect();
    let nearest = |among: &[usize]| {
        let left = among.iter().rev().find(|column| **column < place);
        left.or(among.first()).copied()
    };
    let Some(figure) = figure(&columns[place].header) else {
        return nearest(&numbers);
    };
    let named: Vec<usize> = numbers
        .iter()
        .copied()
        .filter(|column| self::figure(&columns[*column].header) == Some(figure))
        .collect();
    if let Some(column) = nearest(&named) {
        return Some(column);
    }
    let plain = numbers
        .iter()
        .all(|column| self::figure(&columns[*column].header).is_none());
    match figure.checked_sub(1).and_then(|index| numbers.get(index)) {
        Some(column) if plain => Some(*column),
        _ => nearest(&numbers),
    }
}

/// The last figure of a header that is a word of its own: 2 of “Usage tél. 2”.
fn figure(header: &str) -> Option<usize> {
    let folded = fold(header);
    folded.split(' ').rev().find_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_read_as_people_write_them_and_nothing_is_guessed() {
        let used = |voice, sms| Some(Used { voice, sms });
        for (text, expected) in [
            ("voix", used(true, false)),
            ("Vocal", used(true, false)),
            ("SMS", used(false, true)),
            ("sms uniquement", used(false, true)),
            ("voix et SMS", used(true, true)),
            ("Voix/SMS", used(true, true)),
            ("SMS + appels", used(true, true)),
            ("les deux", used(true, true)),
            ("aucun", used(false, false)),
            ("ni voix ni SMS", used(false, false)),
            ("pas de SMS", None),
            ("voix sauf la nuit", None),
            ("et", None),
            ("", None),
            ("1", None),
        ] {
            assert_eq!(Used::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn a_column_of_uses_finds_its_numbers() {
        let columns = |headers: &[&str]| -> Vec<Column> {
            let role = |header: &str| match header.chars().next() {
                Some('U') => Some(Role::Use),
                Some('T' | 'M') => Some(Role::Number),
                _ => None,
            };
            headers
                .iter()
                .map(|header| Column {
                    header: (*header).into(),
                    role: role(header),
                })
                .collect()
        };
        for (headers, place, expected) in [
            (&["Tél. 1", "Usage 1", "Tél. 2", "Usage 2"][..], 3, Some(2)),
            (&["Tél. 1", "Tél. 2", "Usage 1", "Usage 2"], 2, Some(0)),
            (&["Usage 2", "Usage 1", "Tél. 1", "Tél. 2"], 0, Some(3)),
            (&["T fixe", "M", "Usage 1", "Usage 2"], 2, Some(0)),
            (&["T fixe", "M", "Usage 1", "Usage 2"], 3, Some(1)),
            (&["Tél. 1", "Tél. 2", "Usage 3"], 2, Some(1)),
            (&["Nom", "T", "Usage", "M", "Usage"], 4, Some(3)),
            (&["Usage", "Nom", "T"], 0, Some(2)),
            (&["Usage 0", "T"], 0, Some(1)),
            (&["Usage", "Nom"], 0, None),
        ] {
            assert_eq!(numbers_of(place, &columns(headers)), expected, "{headers:?}");
        }
    }
}
