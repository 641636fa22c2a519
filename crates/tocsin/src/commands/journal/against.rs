//! A report against the journal that it came from: what it states must be what the records tell.

use std::path::Path;

use dialer::journal::{Reader, hex};
use dialer::{Answer, CampaignId, CampaignReport, Dialer, FinalState, Query};
use serde_json::Value;

use super::Failure;
use crate::words::{Phrase, system};

/// What was compared.
pub(super) struct Checked {
    pub(super) recipients: u64,
    pub(super) attempts: u64,
}

/// The head that the journal had at so many records must be this one.
pub(super) fn head(reader: &Reader, records: u64, stated: &str) -> Result<(), Failure> {
    match reader.head_at(records)? {
        None => Err(Phrase::new("journal-short")
            .with("records", records)
            .with("held", reader.end().0)
            .into()),
        Some(head) if hex(&head) == stated.trim().to_ascii_lowercase() => Ok(()),
        Some(_) => Err(Phrase::new("journal-other-head").with("records", records).into()),
    }
}

/// A report (JSON) must state a head of this journal, and count what its records tell.
pub(super) fn report(reader: &Reader, path: &Path) -> Result<Checked, Failure> {
    let name = || path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        Phrase::new("journal-file")
            .with("path", name())
            .with("reason", system(&error))
    })?;
    let report: Value =
        serde_json::from_slice(&bytes).map_err(|_| Phrase::new("journal-report-json").with("path", name()))?;
    let facts = &report["facts"];
    let (Some(campaign), Some(records), Some(stated)) = (
        facts["campaign"].as_u64(),
        facts["journal-records"].as_u64(),
        facts["journal-head"].as_str(),
    ) else {
        return Err(Phrase::new("journal-report-unsealed").with("path", name()).into());
    };
    head(reader, records, stated)?;
    let known = retold(reader, records, CampaignId(campaign))?
        .ok_or_else(|| Phrase::new("journal-report-campaign").with("campaign", campaign))?;
    compare(&report, &known)?;
    Ok(Checked {
        recipients: known.recipients.len() as u64,
        attempts: known.attempts.len() as u64,
    })
}

/// The campaign as the first records of the journal tell it.
fn retold(reader: &Reader, records: u64, campaign: CampaignId) -> Result<Option<CampaignReport>, Failure> {
    let first = reader
        .records(dialer::Sequence(0))
        .take(usize::try_from(records).unwrap_or(usize::MAX));
    let dialer = Dialer::retell(first)?;
    match dialer.query(dialer::Now::read(), Query::Report(campaign)) {
        Ok(Answer::Report(report)) => Ok(Some(*report)),
        _ => Ok(None),
    }
}

fn differs(what: &str, stated: impl std::fmt::Display, told: impl std::fmt::Display) -> Failure {
    Phrase::new("journal-report-differs")
        .with("what", what)
        .with("stated", stated.to_string())
        .with("told", told.to_string())
        .into()
}

fn compare(report: &Value, known: &CampaignReport) -> Result<(), Failure> {
    let count = |what: &str, stated: &Value, told: u64| match stated.as_u64() {
        stated if stated.unwrap_or(0) == told => Ok(()),
        stated => Err(differs(what, stated.unwrap_or(0), told)),
    };
    let of = |wanted: FinalState| known.recipients.iter().filter(|row| row.state == wanted).count() as u64;
    count("total", &report["total"], known.recipients.len() as u64)?;
    count("confirmed", &report["counts"]["confirmed"], of(FinalState::Confirmed))?;
    count("informed", &report["counts"]["informed"], of(FinalState::Informed))?;
    count(
        "not-confirmed",
        &report["counts"]["not-confirmed"],
        of(FinalState::NotConfirmed),
    )?;
    for (cause, told) in &known.summary.outcomes {
        count(cause.name(), &report["causes"][cause.name()], *told)?;
    }
    rows(report, known)
}

/// Row by row: whom the report has confirmed and when, how often they were rung; each call's start and length.
fn rows(report: &Value, known: &CampaignReport) -> Result<(), Failure> {
    let empty = Vec::new();
    let list = |name: &str| report[name].as_array().unwrap_or(&empty);
    let time = |value: &Value| {
        let text = value.as_str()?;
        text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond())
    };
    let shown = |value: Option<i64>| value.map_or_else(|| "–".to_owned(), |value| value.to_string());
    let (recipients, attempts) = (list("recipients"), list("attempts"));
    if recipients.len() != known.recipients.len() {
        return Err(differs("recipients", recipients.len(), known.recipients.len()));
    }
    if attempts.len() != known.attempts.len() {
        return Err(differs("attempts", attempts.len(), known.attempts.len()));
    }
    for (at, (row, told)) in recipients.iter().zip(&known.recipients).enumerate() {
        let confirmed = time(&row["confirmed"]);
        if confirmed != told.confirmed_ms {
            let what = format!("recipients/{at}/confirmed");
            return Err(differs(&what, shown(confirmed), shown(told.confirmed_ms)));
        }
        if row["tries"].as_u64() != Some(told.attempts.into()) {
            let what = format!("recipients/{at}/tries");
            return Err(differs(&what, &row["tries"], told.attempts));
        }
    }
    for (at, (row, told)) in attempts.iter().zip(&known.attempts).enumerate() {
        let started = time(&row["started"]);
        if started != Some(told.started_ms) {
            let what = format!("attempts/{at}/started");
            return Err(differs(&what, shown(started), told.started_ms));
        }
        let talking = row["talking"].as_f64().map(|seconds| (seconds * 1e3).round() as u64);
        if talking != Some(told.talking_ms) {
            let what = format!("attempts/{at}/talking");
            return Err(differs(&what, talking.unwrap_or(0), told.talking_ms));
        }
    }
    Ok(())
}
