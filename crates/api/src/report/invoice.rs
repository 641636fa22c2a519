//! What the calls of a period cost, as tables for those who pay: sums by month and service, by campaign, by trunk and
//! tariff, and the attempts one by one. Costs stand twice: in euros for people, in whole millionths for programs that
//! add them up.

use dialer::{Account, AccountLine, MeteredAttempt, Tariff, Totals};
use jiff::tz::TimeZone;
use rust_xlsxwriter::XlsxError;
use serde::Deserialize;

use super::build::{cause_label, columns};
use super::xlsx::{Frame, write_tables};
use super::{Cell, Table, csv};
use crate::text::Words;

/// Which table a CSV file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Choice {
    /// One line per month and service.
    Services,
    /// One line per month and campaign.
    Campaigns,
    /// One line per month, campaign, trunk and tariff.
    #[default]
    Lines,
    /// One line per attempt.
    Attempts,
}

impl Choice {
    /// Whether it needs the attempts one by one.
    pub(crate) fn is_detailed(self) -> bool {
        self == Choice::Attempts
    }
}

/// Writes one table as CSV.
pub(crate) fn csv(
    account: &Account,
    choice: Choice,
    words: Words<'_>,
    zone: &TimeZone,
) -> Result<Vec<u8>, ::csv::Error> {
    csv::table_bytes(&table(account, choice, words), zone)
}

/// Writes all tables as a workbook.
pub(crate) fn xlsx(
    account: &Account,
    words: Words<'_>,
    zone: &TimeZone,
    organisation: &str,
) -> Result<Vec<u8>, XlsxError> {
    let title = words.get("metering-title");
    let frame = Frame {
        organisation,
        title: &title,
        zone,
    };
    let sheets = [
        ("metering-services", Choice::Services),
        ("metering-campaigns", Choice::Campaigns),
        ("metering-lines", Choice::Lines),
        ("metering-attempts", Choice::Attempts),
    ];
    let tables = sheets.map(|(key, choice)| (words.get(key).into_owned(), table(account, choice, words)));
    write_tables(&frame, &tables)
}

fn table(account: &Account, choice: Choice, words: Words<'_>) -> Table {
    match choice {
        Choice::Services => services(account, words),
        Choice::Campaigns => campaigns(account, words),
        Choice::Lines => lines(account, words),
        Choice::Attempts => attempts(account, words),
    }
}

const SUMS: [(&str, u8); 7] = [
    ("attempts", 10),
    ("answered", 10),
    ("billed", 12),
    ("parts", 10),
    ("unmetered", 12),
    ("cost", 12),
    ("cost-micros", 16),
];

fn sums(totals: &Totals) -> [Cell; 7] {
    [
        Cell::Count(totals.attempts),
        Cell::Count(totals.answered),
        Cell::Count(totals.billed_seconds),
        Cell::Count(totals.parts),
        Cell::Count(totals.unmetered),
        Cell::Micros(totals.cost_micros),
        Cell::Count(totals.cost_micros),
    ]
}

/// A table of sums under these columns; the last row is the sum of all.
fn summed(
    account: &Account,
    words: Words<'_>,
    before: &[(&'static str, u8)],
    rows: impl Iterator<Item = (Vec<Cell>, Totals)>,
) -> Table {
    let wanted: Vec<(&'static str, u8)> = before.iter().chain(&SUMS).copied().collect();
    let mut last = vec![Cell::text(words.get("report-total"))];
    last.resize(before.len(), Cell::Empty);
    let rows = rows
        .chain([(last, account.total())])
        .map(|(cells, totals)| cells.into_iter().chain(sums(&totals)).collect());
    Table {
        columns: columns(words, &wanted),
        rows: rows.collect(),
    }
}

fn services(account: &Account, words: Words<'_>) -> Table {
    let rows = account.by(|line| (line.month, line.service.clone()));
    let rows = rows
        .into_iter()
        .map(|((month, service), totals)| (vec![Cell::text(month.to_string()), Cell::text(service)], totals));
    summed(account, words, &[("month", 10), ("service", 24)], rows)
}

const CAMPAIGN: [(&str, u8); 5] = [
    ("month", 10),
    ("service", 24),
    ("campaign", 10),
    ("campaign-name", 30),
    ("kind", 10),
];

fn campaign(line: &AccountLine, words: Words<'_>) -> Vec<Cell> {
    let kind = if line.exercise {
        Cell::text(words.get("preset-exercise"))
    } else {
        Cell::Empty
    };
    vec![
        Cell::text(line.month.to_string()),
        Cell::text(&line.service),
        Cell::Count(line.campaign.0),
        Cell::text(&line.name),
        kind,
    ]
}

fn campaigns(account: &Account, words: Words<'_>) -> Table {
    let sums = account.by(|line| (line.month, line.service.clone(), line.campaign));
    let rows = sums.into_iter().map(|((month, _, id), totals)| {
        let line = account
            .lines
            .iter()
            .find(|line| line.campaign == id && line.month == month);
        (line.map_or_else(Vec::new, |line| campaign(line, words)), totals)
    });
    summed(account, words, &CAMPAIGN, rows)
}

const TARIFF: [(&str, u8); 6] = [
    ("tariff-prefix", 12),
    ("tariff-call", 14),
    ("tariff-minute", 14),
    ("tariff-first", 12),
    ("tariff-step", 12),
    ("tariff-part", 14),
];

fn tariff(tariff: Option<&Tariff>) -> [Cell; 6] {
    let Some(tariff) = tariff else {
        return std::array::from_fn(|_| Cell::Empty);
    };
    [
        // With a word around it, no program takes a prefix for a number or a formula.
        Cell::text(format!("{}…", tariff.prefix)),
        Cell::Micros(tariff.per_call_micros),
        Cell::Micros(tariff.per_minute_micros),
        Cell::Count(tariff.first_step_s.into()),
        Cell::Count(tariff.step_s.into()),
        Cell::Micros(tariff.per_part_micros),
    ]
}

fn lines(account: &Account, words: Words<'_>) -> Table {
    let before: Vec<_> = CAMPAIGN
        .iter()
        .chain(&[("trunk", 16)])
        .chain(&TARIFF)
        .copied()
        .collect();
    let rows = account.lines.iter().map(|line| {
        let cells = campaign(line, words)
            .into_iter()
            .chain([Cell::text(&line.trunk)])
            .chain(tariff(line.tariff.as_ref()));
        (cells.collect(), line.totals)
    });
    summed(account, words, &before, rows)
}

/// People are named by number only: who pays has no use for their names.
fn attempts(account: &Account, words: Words<'_>) -> Table {
    let wanted: Vec<_> = [
        ("campaign", 10),
        ("attempt", 10),
        ("number", 17),
        ("trunk", 16),
        ("started", 20),
        ("answered-at", 20),
        ("finished", 20),
        ("ringing", 12),
        ("talking", 12),
        ("cause", 18),
        ("status", 8),
    ]
    .into_iter()
    .chain(TARIFF)
    .chain([("billed", 12), ("parts", 10), ("cost", 12), ("cost-micros", 16)])
    .collect();
    let rows = account.attempts.iter().map(|MeteredAttempt { campaign, row }| {
        let cells = [
            Cell::Count(campaign.0),
            Cell::Count(row.attempt.0),
            row.number.map_or(Cell::Empty, |number| Cell::text(number.to_string())),
            Cell::text(&row.trunk),
            Cell::Time(row.started_ms),
            Cell::time(row.answered_ms),
            Cell::time(row.ended_ms),
            Cell::Millis(row.ringing_ms),
            Cell::Millis(row.talking_ms),
            row.outcome
                .map_or(Cell::Empty, |outcome| Cell::text(cause_label(words, outcome.cause()))),
            row.status.map_or(Cell::Empty, |status| Cell::Count(status.into())),
        ];
        let costs = [
            Cell::Count(row.billed_seconds.into()),
            Cell::Count(row.parts.into()),
            Cell::Micros(row.cost_micros),
            Cell::Count(row.cost_micros),
        ];
        cells
            .into_iter()
            .chain(tariff(row.tariff.as_ref()))
            .chain(costs)
            .collect()
    });
    Table {
        columns: columns(words, &wanted),
        rows: rows.collect(),
    }
}
