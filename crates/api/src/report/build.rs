//! From the dialer's figures and the directory's names to a [`Report`] in the reader's language.

use dialer::{AttemptRow, CampaignReport, Cause, FinalState, Outcome, RecipientResult, RecipientRow};
use directory::{Directory, RecipientId};

use super::service::state_key;
use super::{Cell, Column, Count, Fact, Labels, Report, Table};
use crate::desk::Desk;
use crate::text::{Language, Words};

/// Final states of recipients as R13 lists them: key and order.
const STATES: [&str; 13] = [
    "confirmed",
    "informed",
    "not-confirmed",
    "delivered",
    "sent",
    "not-answered",
    "failed",
    "no-number",
    "withdrawn",
    "confirmed-elsewhere",
    "not-needed",
    "campaign-over",
    "pending",
];

/// Builds the report.
pub(crate) fn build(desk: &Desk, report: &CampaignReport, message: &str, language: Language) -> Report {
    let words = desk.words(language);
    let directory = desk.services.directory.snapshot();
    let states: Vec<&'static str> = report.recipients.iter().map(state).collect();
    let counts = STATES
        .iter()
        .map(|key| Count {
            key,
            label: words.get(&format!("outcome-{key}")).into_owned(),
            value: states.iter().filter(|state| *state == key).count() as u64,
        })
        .filter(|count| {
            count.value > 0 || ["confirmed", "not-confirmed", "not-answered", "failed"].contains(&count.key)
        })
        .collect();
    let ended = |cause: Cause| {
        report
            .attempts
            .iter()
            .filter(|row| row.outcome.is_some_and(|o| o.cause() == cause))
            .count() as u64
    };
    let causes = Cause::ALL
        .iter()
        .map(|cause| Count {
            key: cause.name(),
            label: cause_label(words, *cause),
            value: ended(*cause),
        })
        .filter(|count| count.value > 0)
        .collect();
    Report {
        organisation: desk.settings.organisation.clone(),
        title: report.summary.name.clone(),
        message: message.to_owned(),
        facts: facts(report, desk.services.campaigns.seal(report.records), words),
        counts,
        causes,
        timeline: timeline(report),
        recipients: recipients(report, &states, &directory, words),
        states,
        attempts: attempts(report, &directory, words),
        zone: desk.zone.clone(),
        labels: labels(words),
    }
}

/// Under which list of R13 a recipient falls.
fn state(row: &RecipientRow) -> &'static str {
    match row.state {
        FinalState::NotReached => match row.last.as_ref().map(Outcome::cause) {
            None | Some(Cause::NoAnswer | Cause::Busy | Cause::Machine) => "not-answered",
            Some(_) => "failed",
        },
        state => state_key(state),
    }
}

/// The words for a cause.
pub(crate) fn cause_label(words: Words<'_>, cause: Cause) -> String {
    words
        .get(&format!("cause-{}", cause.name().replace('_', "-")))
        .into_owned()
}

/// The words for a result in full.
fn result_label(words: Words<'_>, result: RecipientResult) -> String {
    let name = serde_json::to_value(result).ok();
    let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
    words.get(&format!("result-{}", name.replace('_', "-"))).into_owned()
}

fn facts(report: &CampaignReport, seal: Option<[u8; 32]>, words: Words<'_>) -> Vec<Fact> {
    let view = &report.summary;
    let fact = |key: &'static str, value: Cell| Fact {
        key,
        label: words.get(&format!("column-{key}")).into_owned(),
        value,
    };
    let state = words.get(&format!("state-{}", view.state)).into_owned();
    let took = view
        .launched_ms
        .zip(view.ended_ms)
        .map(|(from, to)| u64::try_from(to - from).unwrap_or(0));
    let mut facts = vec![
        fact("campaign", Cell::Count(view.id.0)),
        fact("state", Cell::text(state)),
        fact("created", Cell::Time(view.created_ms)),
        fact("created-by", Cell::text(&report.created_by)),
        fact("launched", Cell::time(view.launched_ms)),
        fact(
            "launched-by",
            Cell::text(report.launched_by.clone().unwrap_or_default()),
        ),
        fact("ended", Cell::time(view.ended_ms)),
        fact("took", took.map_or(Cell::Empty, Cell::Millis)),
        fact("recipients", Cell::Count(report.recipients.len() as u64)),
        fact("by-call-back", Cell::Count(by_call_back(report))),
        fact("attempts", Cell::Count(report.attempts.len() as u64)),
        fact(
            "billed",
            Cell::Count(report.attempts.iter().map(|row| u64::from(row.billed_seconds)).sum()),
        ),
        fact(
            "cost",
            Cell::Micros(report.attempts.iter().map(|row| row.cost_micros).sum()),
        ),
        fact("service", Cell::text(&report.service)),
        fact("made", Cell::Time(report.at_ms)),
    ];
    if let Some(head) = seal {
        facts.push(fact("journal-records", Cell::Count(report.records)));
        facts.push(fact("journal-head", Cell::text(dialer::journal::hex(&head))));
    }
    if view.exercise {
        facts.insert(1, fact("kind", Cell::text(words.get("preset-exercise"))));
    }
    facts.retain(|fact| fact.value != Cell::Empty);
    facts
}

/// How many confirmed by ringing back.
pub(crate) fn by_call_back(report: &CampaignReport) -> u64 {
    let rows = report.recipients.iter();
    rows.filter(|row| row.result == RecipientResult::ConfirmedByCallBack)
        .count() as u64
}

/// Seconds from the launch, and how many had confirmed by then; at most some hundred points.
pub(crate) fn timeline(report: &CampaignReport) -> Vec<(f64, u64)> {
    let Some(start) = report.summary.launched_ms else {
        return Vec::new();
    };
    points(
        report.recipients.iter().filter_map(|row| row.confirmed_ms).collect(),
        start,
    )
}

/// Seconds from the launch, and how many calls had been placed by then; at most some hundred points.
pub(crate) fn started(report: &CampaignReport) -> Vec<(f64, u64)> {
    let Some(start) = report.summary.launched_ms else {
        return Vec::new();
    };
    points(report.attempts.iter().map(|row| row.started_ms).collect(), start)
}

fn points(mut times: Vec<i64>, start: i64) -> Vec<(f64, u64)> {
    times.sort_unstable();
    let step = times.len().div_ceil(300).max(1);
    let mut points = vec![(0.0, 0)];
    for (index, at) in times.iter().enumerate() {
        if (index + 1) % step == 0 || index + 1 == times.len() {
            points.push(((at - start).max(0) as f64 / 1e3, index as u64 + 1));
        }
    }
    points
}

pub(super) fn columns(words: Words<'_>, columns: &[(&'static str, u8)]) -> Vec<Column> {
    let column = |(key, width): &(&'static str, u8)| Column {
        key,
        label: words.get(&format!("column-{key}")).into_owned(),
        width: *width,
    };
    columns.iter().map(column).collect()
}

fn recipients(report: &CampaignReport, states: &[&str], directory: &Directory, words: Words<'_>) -> Table {
    let rows = report.recipients.iter().zip(states).map(|(row, state)| {
        let [name, function, commune] = person(row.recipient, directory, words);
        vec![
            name,
            function,
            commune,
            Cell::text(words.get(&format!("outcome-{state}"))),
            Cell::text(result_label(words, row.result)),
            row.last
                .map_or(Cell::Empty, |outcome| Cell::text(cause_label(words, outcome.cause()))),
            Cell::Count(row.attempts.into()),
            row.confirmed_number
                .map_or(Cell::Empty, |number| Cell::text(number.to_string())),
            Cell::time(row.confirmed_ms),
            Cell::time(row.first_ms),
        ]
    });
    let wanted = [
        ("name", 24),
        ("function", 16),
        ("commune", 20),
        ("result", 20),
        ("detail", 34),
        ("cause", 16),
        ("tries", 8),
        ("number", 17),
        ("confirmed", 20),
        ("first", 20),
    ];
    Table {
        columns: columns(words, &wanted),
        rows: rows.collect(),
    }
}

fn attempts(report: &CampaignReport, directory: &Directory, words: Words<'_>) -> Table {
    let row = |row: &AttemptRow| {
        let [name, _, commune] = person(row.recipient, directory, words);
        vec![
            Cell::Count(row.attempt.0),
            name,
            commune,
            row.number.map_or(Cell::Empty, |number| Cell::text(number.to_string())),
            Cell::Count(u64::from(row.slot) + 1),
            Cell::text(&row.trunk),
            Cell::Time(row.started_ms),
            Cell::time(row.ended_ms),
            Cell::Millis(row.ringing_ms),
            Cell::Millis(row.talking_ms),
            row.outcome
                .map_or(Cell::Empty, |outcome| Cell::text(cause_label(words, outcome.cause()))),
            row.status.map_or(Cell::Empty, |status| Cell::Count(status.into())),
            Cell::Count(row.message_version.into()),
            Cell::Count(row.billed_seconds.into()),
            Cell::Micros(row.cost_micros),
        ]
    };
    let wanted = [
        ("attempt", 8),
        ("name", 24),
        ("commune", 20),
        ("number", 17),
        ("slot", 8),
        ("trunk", 14),
        ("started", 20),
        ("finished", 20),
        ("ringing", 10),
        ("talking", 10),
        ("cause", 18),
        ("status", 8),
        ("version", 8),
        ("billed", 10),
        ("cost", 10),
    ];
    Table {
        columns: columns(words, &wanted),
        rows: report.attempts.iter().map(row).collect(),
    }
}

/// Name, function and commune; a person who was erased keeps only the number.
fn person(id: RecipientId, directory: &Directory, words: Words<'_>) -> [Cell; 3] {
    match directory.recipient(id) {
        None => [
            Cell::Text(match dialer::anonymous_place(id) {
                Some(place) => words.with("recipient-anonymous", &[("place", (place + 1).to_string().into())]),
                None => words.with("recipient-erased", &[("id", id.to_string().into())]),
            }),
            Cell::Empty,
            Cell::Empty,
        ],
        Some(recipient) => {
            let commune = recipient.commune.and_then(|insee| directory.gazetteer().get(insee));
            let commune = commune.map_or(Cell::Empty, |commune| Cell::text(&commune.name));
            [
                Cell::text(recipient.full_name()),
                Cell::text(&recipient.function),
                commune,
            ]
        }
    }
}

fn labels(words: Words<'_>) -> Labels {
    let text = |key: &str| words.get(key).into_owned();
    Labels {
        heading: text("report-heading"),
        summary: text("report-summary"),
        recipients: text("report-recipients"),
        attempts: text("report-attempts"),
        message: text("report-message"),
        results: text("report-results"),
        causes: text("report-causes"),
        timeline: text("report-timeline"),
        minutes: text("report-minutes"),
        total: text("report-total"),
        share: text("report-share"),
        number: text("report-number"),
        page: text("report-page"),
        language: words.language().tag(),
    }
}
