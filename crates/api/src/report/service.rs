//! The service report (R34) and the statistics (R17): what campaigns, trunks and the service did in a period.

use dialer::statistics::{Delays, Figures, Incident, Period, Share, Slice, Trouble, TrunkFigures, Unit};
use dialer::{Cause, FinalState};
use jiff::tz::TimeZone;

use super::build::cause_label;
use super::document::{Document, Section, fact};
use super::{Cell, Fact, civil};
use crate::desk::Desk;
use crate::text::{Language, Value, Words};

/// Quarters of an hour on paper.
const QUARTERS: usize = 24;

/// Builds the report of a period.
pub(crate) fn build(desk: &Desk, figures: &Figures, period: &Period, language: Language) -> Document {
    let words = desk.words(language);
    let zone = &desk.zone;
    let (unit, _) = period.parts(zone);
    Document {
        kind: "service",
        organisation: desk.settings.organisation.clone(),
        heading: words.get("document-service").into_owned(),
        title: title(words, period),
        facts: facts(figures, words),
        sections: vec![
            results(figures, words),
            causes(figures, words),
            slices(figures, unit, zone, words),
            quarters(figures, zone, words),
            campaigns(figures, words),
            trunks(&figures.trunks, words),
            shares(words, "services", "service", &figures.services),
            shares(words, "months", "month", &figures.months),
            kinds(figures, words),
            incidents(figures, words),
        ],
        zone: zone.clone(),
        page: words.get("report-page").into_owned(),
        language: words.language().tag(),
    }
}

/// “novembre 2026”, “du 1 au 15 novembre”…
pub(crate) fn title(words: Words<'_>, period: &Period) -> String {
    let (first, last) = (period.first(), period.last());
    let day = |day: jiff::civil::Date| {
        let month = words.get(&format!("month-{}", day.month()));
        format!("{} {month} {}", day.day(), day.year())
    };
    match period.unit() {
        Some(Unit::Year) => first.year().to_string(),
        Some(Unit::Quarter) => {
            let quarter = u64::from((first.month().unsigned_abs() - 1) / 3 + 1);
            let year = first.year().to_string();
            words.with("period-quarter", &[("quarter", quarter.into()), ("year", year.into())])
        }
        Some(Unit::Month) => format!("{} {}", words.get(&format!("month-{}", first.month())), first.year()),
        Some(Unit::Week) => {
            let week = first.iso_week_date();
            words.with(
                "period-week",
                &[
                    ("week", Value::from(week.week().to_string())),
                    ("year", week.year().to_string().into()),
                    ("first", day(first).into()),
                    ("last", day(last).into()),
                ],
            )
        }
        Some(Unit::Day | Unit::Hour) => day(first),
        None => words.with(
            "period-days",
            &[("first", day(first).into()), ("last", day(last).into())],
        ),
    }
}

fn lasting(delays: Option<Delays>, value: fn(Delays) -> u64) -> Cell {
    delays.map_or(Cell::Empty, |delays| Cell::Lasting(value(delays)))
}

fn facts(figures: &Figures, words: Words<'_>) -> Vec<Fact> {
    let reached = figures.to_reach.map_or(0, |delays| delays.count);
    let confirmed = figures.in_state(FinalState::Confirmed);
    let busiest = figures.busiest().filter(|quarter| quarter.answered > 0);
    let count = |key, count| fact(words, key, Cell::Count(count));
    let mut facts = vec![
        count("campaigns", figures.campaigns),
        count("exercises", figures.exercises),
        count("recipients", figures.recipients),
        count("reached", reached),
        fact(words, "reached-share", Cell::ratio(reached, figures.recipients)),
        count("confirmed", confirmed),
        fact(words, "confirmed-share", Cell::ratio(confirmed, figures.recipients)),
        fact(
            words,
            "reach-median",
            lasting(figures.to_reach, |delays| delays.median_ms),
        ),
        fact(
            words,
            "reach-ninety",
            lasting(figures.to_reach, |delays| delays.ninety_ms),
        ),
        fact(
            words,
            "reach-ninety-nine",
            lasting(figures.to_reach, |delays| delays.ninety_nine_ms),
        ),
        fact(words, "reach-last", lasting(figures.to_reach, |delays| delays.last_ms)),
        fact(
            words,
            "confirm-median",
            lasting(figures.to_confirm, |delays| delays.median_ms),
        ),
        fact(
            words,
            "confirm-ninety",
            lasting(figures.to_confirm, |delays| delays.ninety_ms),
        ),
        fact(
            words,
            "confirm-ninety-nine",
            lasting(figures.to_confirm, |delays| delays.ninety_nine_ms),
        ),
        count("calls", figures.totals.calls),
        count("messages", figures.totals.answered),
        fact(
            words,
            "quarter-most",
            busiest.map_or(Cell::Empty, |quarter| Cell::Count(quarter.answered)),
        ),
        fact(
            words,
            "quarter-when",
            busiest.map_or(Cell::Empty, |quarter| Cell::Time(quarter.from_ms)),
        ),
        fact(
            words,
            "at-once",
            figures.most_at_once.map_or(Cell::Empty, |(most, _)| Cell::Count(most)),
        ),
        fact(words, "talking", Cell::Lasting(figures.totals.talking_ms)),
        count("billed", figures.totals.billed_seconds),
        fact(words, "cost", Cell::Micros(figures.totals.cost_micros)),
        count("incidents", figures.incidents.len() as u64),
        fact(words, "from", Cell::Time(figures.span.from_ms)),
        fact(words, "until", Cell::Time(figures.span.to_ms)),
        fact(words, "made", Cell::Time(figures.at_ms)),
    ];
    facts.retain(|fact| fact.value != Cell::Empty);
    facts
}

/// The key under which the catalogue and the campaign's report name a final state.
pub(super) fn state_key(state: FinalState) -> &'static str {
    match state {
        FinalState::Pending => "pending",
        FinalState::Confirmed => "confirmed",
        FinalState::Informed => "informed",
        FinalState::NotConfirmed => "not-confirmed",
        FinalState::NoNumber => "no-number",
        FinalState::Withdrawn => "withdrawn",
        FinalState::CampaignOver => "campaign-over",
        FinalState::NotReached => "not-reached",
        FinalState::Delivered => "delivered",
        FinalState::Sent => "sent",
        FinalState::ConfirmedElsewhere => "confirmed-elsewhere",
        FinalState::NotNeeded => "not-needed",
    }
}

fn results(figures: &Figures, words: Words<'_>) -> Section {
    let rows = figures.states.iter().map(|(state, count)| {
        vec![
            Cell::text(words.get(&format!("outcome-{}", state_key(*state)))),
            Cell::Count(*count),
            Cell::ratio(*count, figures.recipients),
        ]
    });
    let columns = [("result", 34), ("count", 12), ("share", 12)];
    Section::new(words, "results", &columns, rows.collect())
}

fn causes(figures: &Figures, words: Words<'_>) -> Section {
    let ended: u64 = figures.causes.iter().map(|(_, count)| count).sum();
    let row = |(cause, count): &(Cause, u64)| {
        vec![
            Cell::text(cause_label(words, *cause)),
            Cell::Count(*count),
            Cell::ratio(*count, ended),
        ]
    };
    let columns = [("end-cause", 34), ("count", 12), ("share", 12)];
    Section::new(words, "causes", &columns, figures.causes.iter().map(row).collect())
}

/// `10 h`, `25/11` or `11/2026`.
fn part(slice: &Slice, unit: Unit, zone: &TimeZone) -> String {
    let at = civil(slice.span.from_ms, zone);
    let form = match unit {
        Unit::Hour => "%-H h",
        Unit::Month => "%m/%Y",
        _ => "%d/%m",
    };
    at.strftime(form).to_string()
}

fn slices(figures: &Figures, unit: Unit, zone: &TimeZone, words: Words<'_>) -> Section {
    let rows = figures.slices.iter().map(|slice| {
        vec![
            Cell::text(part(slice, unit, zone)),
            Cell::Count(slice.campaigns),
            Cell::Count(slice.totals.calls),
            Cell::Count(slice.totals.answered),
            Cell::Count(slice.totals.confirmed),
            Cell::Micros(slice.totals.cost_micros),
        ]
    });
    let columns = [
        ("part", 14),
        ("campaigns", 12),
        ("calls", 12),
        ("messages", 14),
        ("confirmations", 14),
        ("cost", 12),
    ];
    Section::new(words, "slices", &columns, rows.collect()).charted(0, 3)
}

/// In order of time in the tables; on paper the busiest ones would be torn from their neighbours, so the first ones.
fn quarters(figures: &Figures, zone: &TimeZone, words: Words<'_>) -> Section {
    let rows = figures.quarters.iter().map(|quarter| {
        vec![
            Cell::text(civil(quarter.from_ms, zone).strftime("%d/%m/%Y %H:%M").to_string()),
            Cell::Count(quarter.calls),
            Cell::Count(quarter.answered),
            Cell::Count(quarter.confirmed),
        ]
    });
    let columns = [("quarter", 20), ("calls", 12), ("messages", 14), ("confirmations", 14)];
    let section = Section::new(words, "quarters", &columns, rows.collect()).at_most(QUARTERS);
    if figures.quarters.len() <= 96 {
        section.charted(0, 2)
    } else {
        section
    }
}

pub(super) fn campaigns(figures: &Figures, words: Words<'_>) -> Section {
    let rows = figures.rows.iter().map(|row| {
        let kind = if row.exercise { "preset-exercise" } else { "kind-alert" };
        vec![
            Cell::Count(row.id.0),
            Cell::text(&row.name),
            Cell::text(words.get(kind)),
            Cell::Time(row.launched_ms),
            Cell::Count(row.recipients),
            Cell::Count(row.reached),
            Cell::Count(row.confirmed),
            lasting(row.to_reach, |delays| delays.median_ms),
            lasting(row.to_reach, |delays| delays.ninety_ms),
            lasting(row.to_reach, |delays| delays.ninety_nine_ms),
            lasting(row.to_confirm, |delays| delays.median_ms),
            lasting(row.to_confirm, |delays| delays.ninety_ms),
            lasting(row.to_confirm, |delays| delays.ninety_nine_ms),
            Cell::Count(row.quarter_most),
            Cell::Count(row.totals.calls),
            Cell::Micros(row.totals.cost_micros),
        ]
    });
    let columns = [
        ("number-of", 6),
        ("campaign", 24),
        ("kind", 11),
        ("launched", 20),
        ("recipients", 12),
        ("reached", 10),
        ("confirmed-count", 12),
        ("reach-median", 13),
        ("reach-ninety", 13),
        ("reach-ninety-nine", 13),
        ("confirm-median", 13),
        ("confirm-ninety", 13),
        ("confirm-ninety-nine", 13),
        ("quarter-most", 12),
        ("calls", 10),
        ("cost", 10),
    ];
    Section::new(words, "campaigns", &columns, rows.collect())
}

fn trunks(trunks: &[TrunkFigures], words: Words<'_>) -> Section {
    let share = |share: Option<f64>| share.map_or(Cell::Empty, |share| Cell::Ratio((share * 1e6).round() as u64));
    let millis =
        |micros: Option<u32>| micros.map_or(Cell::Empty, |micros| Cell::Lasting(u64::from(micros).div_ceil(1000)));
    let row = |trunk: &TrunkFigures| {
        vec![
            Cell::text(&trunk.name),
            Cell::Count(trunk.seizures),
            Cell::ratio(trunk.answered, trunk.seizures),
            Cell::ratio(trunk.delivered, trunk.seizures),
            Cell::ratio(trunk.congested, trunk.seizures),
            lasting(trunk.post_dial, |delays| delays.median_ms),
            lasting(trunk.post_dial, |delays| delays.ninety_nine_ms),
            trunk
                .talking_ms
                .checked_div(trunk.answered)
                .map_or(Cell::Empty, Cell::Lasting),
            share(trunk.loss()),
            share(trunk.remote_loss()),
            millis(trunk.jitter_median_us),
            millis(trunk.jitter_most_us),
            millis(trunk.round_trip_us),
            Cell::Count(trunk.outages),
            Cell::Lasting(trunk.outage_ms),
            Cell::Micros(trunk.cost_micros),
        ]
    };
    let columns = [
        ("trunk", 18),
        ("seizures", 10),
        ("asr", 12),
        ("ner", 12),
        ("congestion", 14),
        ("post-dial", 13),
        ("post-dial-most", 13),
        ("mean-talk", 12),
        ("loss", 11),
        ("remote-loss", 11),
        ("jitter", 11),
        ("jitter-most", 11),
        ("round-trip", 11),
        ("outages", 9),
        ("outage-time", 12),
        ("cost", 10),
    ];
    Section::new(words, "trunks", &columns, trunks.iter().map(row).collect())
}

/// Calls and cost by service or month; exact prices and exports for invoices are with the metering.
fn shares(words: Words<'_>, key: &'static str, first: &'static str, shares: &[Share]) -> Section {
    let row = |share: &Share| {
        let name = match share.name.as_str() {
            "" => Cell::text(words.get("service-none")),
            name => Cell::text(name),
        };
        vec![
            name,
            Cell::Count(share.campaigns),
            Cell::Count(share.totals.calls),
            Cell::Count(share.totals.answered),
            Cell::Count(share.totals.billed_seconds),
            Cell::Micros(share.totals.cost_micros),
        ]
    };
    let columns = [
        (first, 30),
        ("campaigns", 12),
        ("calls", 12),
        ("messages", 14),
        ("billed", 16),
        ("cost", 14),
    ];
    Section::new(words, key, &columns, shares.iter().map(row).collect())
}

/// What happened how often, for how long, and how much time lies between.
fn kinds(figures: &Figures, words: Words<'_>) -> Section {
    const KINDS: [&str; 4] = ["trunk-down", "journal-failed", "crashed", "restarted"];
    let elapsed = figures.span.elapsed(figures.at_ms);
    let row = |kind: &&'static str| {
        let lasted: Vec<u64> = figures
            .incidents
            .iter()
            .filter(|incident| incident.trouble.name() == *kind)
            .map(|incident| incident.within(figures.span, figures.at_ms))
            .collect();
        let between = elapsed.checked_div(lasted.len() as u64);
        vec![
            Cell::text(words.get(&format!("incident-{kind}"))),
            Cell::Count(lasted.len() as u64),
            Cell::Lasting(lasted.iter().sum()),
            lasted.iter().max().map_or(Cell::Empty, |most| Cell::Lasting(*most)),
            between.map_or(Cell::Empty, Cell::Lasting),
        ]
    };
    let columns = [
        ("incident", 34),
        ("count", 10),
        ("total-time", 14),
        ("longest", 14),
        ("between", 16),
    ];
    Section::new(words, "incident-kinds", &columns, KINDS.iter().map(row).collect())
}

fn incidents(figures: &Figures, words: Words<'_>) -> Section {
    let row = |incident: &Incident| {
        let detail = match &incident.trouble {
            Trouble::TrunkDown { trunk } => trunk.as_str(),
            Trouble::JournalFailed { why } => why.as_str(),
            Trouble::Restarted { version, .. } => version.as_str(),
        };
        let ends = incident
            .to_ms
            .map_or_else(|| Cell::text(words.get("incident-lasts")), Cell::Time);
        vec![
            Cell::Time(incident.from_ms),
            ends,
            Cell::Lasting(incident.within(figures.span, figures.at_ms)),
            Cell::text(words.get(&format!("incident-{}", incident.trouble.name()))),
            Cell::text(detail),
        ]
    };
    let columns = [
        ("started", 20),
        ("finished", 20),
        ("lasted", 12),
        ("incident", 30),
        ("detail", 40),
    ];
    Section::new(
        words,
        "incidents",
        &columns,
        figures.incidents.iter().map(row).collect(),
    )
}
