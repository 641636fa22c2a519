//! All that is known of one person (R24): what the directory holds, and what campaigns did with them.

use dialer::{ConfirmedBy, PersonRow};
use directory::{Content, Directory, Recipient};

use super::build::cause_label;
use super::document::{Document, Section, fact};
use super::{Cell, Fact, service};
use crate::desk::{Desk, now_ms};
use crate::text::{Language, Words};

/// Builds the document.
pub(crate) fn build(desk: &Desk, recipient: &Recipient, rows: &[PersonRow], language: Language) -> Document {
    let words = desk.words(language);
    let directory = desk.services.directory.snapshot();
    Document {
        kind: "person",
        organisation: desk.settings.organisation.clone(),
        heading: words.get("document-person").into_owned(),
        title: recipient.full_name(),
        facts: facts(recipient, &directory, words),
        sections: vec![
            numbers(recipient, words),
            lists(recipient, &directory, words),
            campaigns(rows, words),
            calls(rows, words),
        ],
        zone: desk.zone.clone(),
        page: words.get("report-page").into_owned(),
        language: words.language().tag(),
    }
}

fn yes(words: Words<'_>, is_so: bool) -> Cell {
    Cell::text(words.get(if is_so { "yes" } else { "no" }))
}

fn facts(recipient: &Recipient, directory: &Directory, words: Words<'_>) -> Vec<Fact> {
    let commune = recipient.commune.and_then(|insee| directory.gazetteer().get(insee));
    let plain = |key, text: &str| fact(words, key, Cell::text(text));
    let mut facts = vec![
        fact(words, "person", Cell::Count(recipient.id.0)),
        // Keys made from the name begin with a tilde and say nothing more.
        plain(
            "key",
            if recipient.key.starts_with('~') {
                ""
            } else {
                &recipient.key
            },
        ),
        plain("name", &recipient.name),
        plain("first-name", &recipient.first_name),
        plain("function", &recipient.function),
        plain("domain", &recipient.domain),
        plain("commune", commune.map_or("", |commune| commune.name.as_str())),
        plain("email", recipient.email.as_deref().unwrap_or_default()),
        plain("language", recipient.language.code()),
        plain("groups", &recipient.groups.join(", ")),
        fact(words, "subscribed", yes(words, !recipient.unsubscribed)),
        fact(words, "made", Cell::Time(now_ms())),
    ];
    facts.retain(|fact| fact.value != Cell::Empty);
    facts
}

fn numbers(recipient: &Recipient, words: Words<'_>) -> Section {
    let rows = recipient.numbers.iter().zip(1u64..).map(|(number, place)| {
        vec![
            Cell::Count(place),
            Cell::text(number.e164.to_string()),
            Cell::text(words.get(&format!("number-{}", kind(number.kind)))),
            yes(words, number.voice),
            yes(words, number.sms),
        ]
    });
    let columns = [
        ("slot", 8),
        ("number", 20),
        ("number-kind", 16),
        ("voice", 12),
        ("sms", 12),
    ];
    Section::new(words, "numbers", &columns, rows.collect())
}

/// The end of the catalogue's key for a kind of number.
pub(crate) fn kind(kind: directory::Kind) -> &'static str {
    match kind {
        directory::Kind::Landline => "landline",
        directory::Kind::Mobile => "mobile",
        directory::Kind::Foreign => "foreign",
    }
}

fn lists(recipient: &Recipient, directory: &Directory, words: Words<'_>) -> Section {
    let is_member = |list: &directory::List| {
        directory
            .members(list.id)
            .is_ok_and(|members| members.binary_search(&recipient.id).is_ok())
    };
    let lists = directory.lists().iter().filter(|list| is_member(list));
    let rows = lists.map(|list| {
        let kind = match list.content {
            Content::Static(_) => "list-static",
            Content::Live(_) => "list-live",
        };
        vec![Cell::text(&list.name), Cell::text(words.get(kind))]
    });
    Section::new(words, "person-lists", &[("list", 40), ("kind", 20)], rows.collect())
}

fn campaigns(rows: &[PersonRow], words: Words<'_>) -> Section {
    let how = |how: ConfirmedBy| match how {
        ConfirmedBy::Key => "confirmed-by-key",
        ConfirmedBy::CallBack => "confirmed-by-call-back",
        ConfirmedBy::Operator => "confirmed-by-operator",
    };
    let row = |row: &PersonRow| {
        vec![
            Cell::text(&row.name),
            Cell::time(row.launched_ms),
            Cell::text(words.get(&format!("outcome-{}", service::state_key(row.recipient.state)))),
            Cell::time(row.recipient.confirmed_ms),
            row.recipient
                .confirmed_by
                .map_or(Cell::Empty, |confirmed| Cell::text(words.get(how(confirmed)))),
            Cell::Count(row.recipient.attempts.into()),
        ]
    };
    let columns = [
        ("campaign", 30),
        ("launched", 20),
        ("result", 24),
        ("confirmed", 20),
        ("how", 20),
        ("tries", 8),
    ];
    Section::new(words, "person-campaigns", &columns, rows.iter().map(row).collect())
}

fn calls(rows: &[PersonRow], words: Words<'_>) -> Section {
    let calls = rows
        .iter()
        .flat_map(|row| row.attempts.iter().map(move |call| (row, call)));
    let rows = calls.map(|(row, call)| {
        vec![
            Cell::text(&row.name),
            call.number.map_or(Cell::Empty, |number| Cell::text(number.to_string())),
            Cell::Time(call.started_ms),
            Cell::time(call.ended_ms),
            Cell::Millis(call.talking_ms),
            call.outcome
                .map_or(Cell::Empty, |outcome| Cell::text(cause_label(words, outcome.cause()))),
        ]
    });
    let columns = [
        ("campaign", 30),
        ("number", 18),
        ("started", 20),
        ("finished", 20),
        ("talking", 12),
        ("end-cause", 22),
    ];
    Section::new(words, "person-calls", &columns, rows.collect())
}
