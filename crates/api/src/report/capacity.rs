//! The capacity statement (R30): what campaigns of a period achieved, and what the present trunks and lists make
//! possible. Measured and computed figures stand in different sections, and each says which it is.

use dialer::statistics::{CampaignFigures, Figures, Period};
use dialer::{Prediction, TrunkView};

use super::document::{Document, Section, fact};
use super::{Cell, service};
use crate::desk::Desk;
use crate::text::Language;

/// A computed launch of a list.
pub(crate) struct Launch {
    /// The list's name.
    pub(crate) list: String,
    /// What a launch now would lead to.
    pub(crate) prediction: Prediction,
}

/// Builds the statement.
pub(crate) fn build(
    desk: &Desk,
    figures: &Figures,
    period: &Period,
    trunks: &[TrunkView],
    launches: &[Launch],
    language: Language,
) -> Document {
    let words = desk.words(language);
    let channels: u64 = trunks.iter().map(|trunk| u64::from(trunk.channels)).sum();
    let rate: f64 = trunks.iter().map(|trunk| trunk.calls_per_second).sum();
    let largest = figures
        .rows
        .iter()
        .filter(|row| row.is_of_period)
        .max_by_key(|row| row.recipients);
    let most = figures.rows.iter().map(|row| row.quarter_most).max().unwrap_or(0);
    let known = |largest: Option<&CampaignFigures>, value: fn(&CampaignFigures) -> Option<u64>| {
        largest.and_then(value).map_or(Cell::Empty, Cell::Lasting)
    };
    let mut facts = vec![
        fact(words, "channels", Cell::Count(channels)),
        fact(words, "rate", Cell::text(format!("{rate:.1}").replace('.', ","))),
        fact(words, "campaigns", Cell::Count(figures.campaigns)),
        fact(
            words,
            "largest",
            largest.map_or(Cell::Empty, |row| Cell::Count(row.recipients)),
        ),
        fact(
            words,
            "largest-reached",
            largest.map_or(Cell::Empty, |row| Cell::Count(row.reached)),
        ),
        fact(
            words,
            "largest-ninety",
            known(largest, |row| row.to_reach.map(|delays| delays.ninety_ms)),
        ),
        fact(
            words,
            "largest-last",
            known(largest, |row| row.to_reach.map(|delays| delays.last_ms)),
        ),
        fact(words, "quarter-most", Cell::Count(most)),
        fact(
            words,
            "at-once",
            figures.most_at_once.map_or(Cell::Empty, |(most, _)| Cell::Count(most)),
        ),
        fact(words, "from", Cell::Time(figures.span.from_ms)),
        fact(words, "until", Cell::Time(figures.span.to_ms)),
        fact(words, "made", Cell::Time(figures.at_ms)),
    ];
    facts.retain(|fact| fact.value != Cell::Empty);
    let seconds = |seconds: f64| Cell::Lasting((seconds.max(0.0) * 1000.0).round() as u64);
    let launched = launches.iter().map(|launch| {
        let prediction = &launch.prediction;
        // Messages delivered a quarter of an hour, while the first 90 % are reached.
        let per_quarter = if prediction.ninety_s > 0.0 {
            Cell::Count((prediction.reached as f64 * 0.9 / prediction.ninety_s * 900.0).round() as u64)
        } else {
            Cell::Empty
        };
        vec![
            Cell::text(&launch.list),
            Cell::Count(prediction.recipients),
            Cell::Count(prediction.reached),
            seconds(prediction.half_s),
            seconds(prediction.ninety_s),
            seconds(prediction.ninety_nine_s),
            seconds(prediction.end_s),
            per_quarter,
            Cell::Micros(prediction.cost_micros),
        ]
    });
    let launches = Section::new(
        words,
        "launches",
        &[
            ("list", 30),
            ("recipients", 12),
            ("reached", 12),
            ("half", 12),
            ("ninety", 12),
            ("ninety-nine", 12),
            ("whole", 12),
            ("per-quarter", 14),
            ("cost", 12),
        ],
        launched.collect(),
    );
    let lines = trunks.iter().map(|trunk| {
        vec![
            Cell::text(&trunk.name),
            Cell::text(words.get(if trunk.is_up { "trunk-up" } else { "trunk-down" })),
            Cell::Count(trunk.channels.into()),
            Cell::text(format!("{:.1}", trunk.calls_per_second).replace('.', ",")),
        ]
    });
    let lines = Section::new(
        words,
        "lines",
        &[
            ("trunk", 30),
            ("state", 16),
            ("channels-all", 14),
            ("calls-per-second", 16),
        ],
        lines.collect(),
    );
    Document {
        kind: "capacity",
        organisation: desk.settings.organisation.clone(),
        heading: words.get("document-capacity").into_owned(),
        title: service::title(words, period),
        facts,
        sections: vec![launches, service::campaigns(figures, words), lines],
        zone: desk.zone.clone(),
        page: words.get("report-page").into_owned(),
        language: words.language().tag(),
    }
}
