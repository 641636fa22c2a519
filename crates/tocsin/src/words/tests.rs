#![allow(clippy::unwrap_used)]
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::CommandFactory;

use super::*;
use crate::commands::CommandLine;

/// Each key of a file with the arguments that its text fills in.
fn entries(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut entries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut key = String::new();
    for line in source.lines() {
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            key = line.split(" =").next().unwrap_or_default().to_owned();
            assert!(
                entries.insert(key.clone(), BTreeSet::new()).is_none(),
                "the key {key} is written twice"
            );
        }
        for part in line.split("{ $").skip(1) {
            let name = part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
            entries.get_mut(&key).unwrap().insert(name.unwrap().to_owned());
        }
    }
    entries
}

fn sources() -> String {
    let mut sources = String::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("words/tests.rs") {
                sources.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    sources
}

#[test]
fn both_languages_hold_the_same_keys_with_the_same_arguments() {
    assert_eq!(entries(FRENCH), entries(ENGLISH));
    for language in [Language::French, Language::English] {
        for key in entries(FRENCH).keys() {
            assert!(of(language).has(key), "{key} does not parse in {}", language.tag());
        }
    }
}

#[test]
fn no_source_uses_a_missing_key_and_no_key_is_unused() {
    let sources = sources();
    let known = entries(FRENCH);
    for call in sources.split("Phrase::new(").skip(1) {
        let Some(literal) = call.trim_start().strip_prefix('"') else {
            continue;
        };
        let key = literal.split('"').next().unwrap_or_default();
        assert!(of(Language::French).has(key), "the sources use the missing key {key}");
    }
    for key in known.keys() {
        let is_help = key == "help" || key.starts_with("help-");
        assert!(
            is_help || sources.contains(&format!("\"{key}\"")),
            "the key {key} is not used"
        );
    }
}

#[test]
fn every_command_and_argument_is_explained_in_both_languages() {
    for language in [Language::French, Language::English] {
        let words = of(language);
        let line = help::localised(CommandLine::command(), &words);
        let mut pages = vec![(line.get_name().to_owned(), &line)];
        for page in line.get_subcommands() {
            pages.push((page.get_name().to_owned(), page));
            let inner = page.get_subcommands();
            pages.extend(inner.map(|inner| (format!("{}-{}", page.get_name(), inner.get_name()), inner)));
        }
        for (name, page) in pages {
            let about = page.get_about().map(ToString::to_string).unwrap_or_default();
            let key = if name == "tocsin" {
                "help".to_owned()
            } else {
                format!("help-{name}")
            };
            assert_eq!(about, words.get(&key), "{name} lacks {key} in {}", language.tag());
            for argument in page.get_arguments() {
                let id = argument.get_id().as_str();
                let told = argument.get_help().map(ToString::to_string).unwrap_or_default();
                let is_told = [
                    format!("help-{name}-{id}"),
                    format!("help-any-{id}"),
                    format!("help-{id}"),
                ]
                .iter()
                .any(|key| words.has(key) && told.starts_with(words.get(key).as_ref()));
                assert!(
                    is_told,
                    "{name} --{id} lacks help-{name}-{id} in {}: {told}",
                    language.tag()
                );
            }
        }
    }
}

#[test]
fn a_help_page_holds_no_english_word_in_french() {
    let words = of(Language::French);
    let line = help::localised(CommandLine::command(), &words);
    for mut page in std::iter::once(line.clone()).chain(line.get_subcommands().cloned()) {
        let text = page.render_help().to_string();
        for english in ["Usage", "Commands", "Print", "default", "possible values", "Show"] {
            assert!(!text.contains(english), "“{english}” in {text}");
        }
        assert!(text.contains("Utilisation"), "{text}");
    }
}

/// Arguments, variables, and the language that they lead to.
type Choice<'c> = (&'c [&'c str], &'c [(&'c str, &'c str)], Language);

#[test]
fn french_comes_first_and_the_option_beats_the_environment() {
    let cases: [Choice<'_>; 11] = [
        (&[], &[], Language::French),
        (&[], &[("LANG", "C.UTF-8")], Language::French),
        (&[], &[("LANG", "de_DE.UTF-8")], Language::French),
        (&[], &[("LANG", "en_GB.UTF-8")], Language::English),
        (&[], &[("LANG", "en_US"), ("LC_ALL", "fr_FR.UTF-8")], Language::French),
        (&[], &[("LANG", "fr_FR"), ("LC_MESSAGES", "en_US")], Language::English),
        (&[], &[("LC_ALL", ""), ("LANG", "en_US")], Language::English),
        (&["--lang", "fr"], &[("LANG", "en_US")], Language::French),
        (&["check", "--lang=en"], &[("LANG", "fr_FR")], Language::English),
        (&["parse", "--", "--lang=en"], &[], Language::French),
        (&["--lang"], &[], Language::French),
    ];
    for (arguments, variables, expected) in cases {
        let line: Vec<OsString> = std::iter::once(&"tocsin")
            .chain(arguments)
            .map(OsString::from)
            .collect();
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        assert_eq!(choose(&line, variable), expected, "{arguments:?} {variables:?}");
    }
}

#[test]
fn phrases_are_filled_in_each_language() {
    let phrase = Phrase::new("config-line").with("line", "7").with(
        "mistake",
        Phrase::new("config-unknown-near")
            .with("key", "chanels")
            .with("section", "[[trunk]]")
            .with("nearest", "channels"),
    );
    assert_eq!(
        phrase.say(&of(Language::French)),
        "ligne 7\u{a0}: le réglage «\u{a0}chanels\u{a0}» est inconnu dans [[trunk]]\u{202f}; peut-être «\u{a0}channels\u{a0}»\u{202f}?"
    );
    assert_eq!(
        phrase.english(),
        "line 7: unknown setting “chanels” in [[trunk]]; did you mean “channels”?"
    );
    assert_eq!(decimal(1234.5678, 2, Language::French), "1234,57");
}
