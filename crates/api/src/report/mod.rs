//! The report of a campaign: one sheet of facts, counts, lists and calls, written in four formats that agree because
//! they are written from the same [`Report`].
//!
//! - [`build`]: from the dialer's figures and the directory's names.
//! - [`invoice`]: what a period cost, as tables for those who pay.
//! - [`xlsx`], [`pdf`], [`csv`], [`json`]: how it is written.
//!
//! Documents about more than one campaign ([`service`], [`capacity`], [`person`]) are a [`document`]: a head and
//! sections, each a table, written in the same four formats and as a page.

pub(crate) mod build;
pub(crate) mod capacity;
pub(crate) mod csv;
pub(crate) mod document;
mod document_pdf;
mod document_xlsx;
pub(crate) mod invoice;
pub(crate) mod json;
pub(crate) mod pdf;
mod pdf_flow;
mod pdf_page;
pub(crate) mod person;
pub(crate) mod service;
pub(crate) mod xlsx;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Everything that a report shows, in words of the reader's language.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// Name of the organisation.
    pub(crate) organisation: String,
    /// Name of the campaign.
    pub(crate) title: String,
    /// Text that was spoken.
    pub(crate) message: String,
    /// Who, when, how.
    pub(crate) facts: Vec<Fact>,
    /// Recipients by final state; they add up to all recipients.
    pub(crate) counts: Vec<Count>,
    /// Calls by cause of their end; they add up to all calls that ended.
    pub(crate) causes: Vec<Count>,
    /// Recipients confirmed over time: seconds since the launch, how many by then.
    pub(crate) timeline: Vec<(f64, u64)>,
    /// One row per recipient; the lists of R13 are its rows by `states`.
    pub(crate) recipients: Table,
    /// Key of the final state of each row of `recipients`.
    pub(crate) states: Vec<&'static str>,
    /// One row per call.
    pub(crate) attempts: Table,
    /// Zone in which times are shown.
    pub(crate) zone: TimeZone,
    /// Labels of the formats themselves (sheet names, page numbers…).
    pub(crate) labels: Labels,
}

/// Words that a format needs besides the report's own.
#[derive(Debug, Clone)]
pub(crate) struct Labels {
    pub(crate) heading: String,
    pub(crate) summary: String,
    pub(crate) recipients: String,
    pub(crate) attempts: String,
    pub(crate) message: String,
    pub(crate) results: String,
    pub(crate) causes: String,
    pub(crate) timeline: String,
    pub(crate) minutes: String,
    pub(crate) total: String,
    pub(crate) share: String,
    pub(crate) number: String,
    pub(crate) page: String,
    pub(crate) language: &'static str,
}

/// One fact of the report's head.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    pub(crate) key: &'static str,
    pub(crate) label: String,
    pub(crate) value: Cell,
}

/// One counted thing.
#[derive(Debug, Clone)]
pub(crate) struct Count {
    pub(crate) key: &'static str,
    pub(crate) label: String,
    pub(crate) value: u64,
}

/// A table with typed cells.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) key: &'static str,
    pub(crate) label: String,
    /// Width in characters.
    pub(crate) width: u8,
}

/// A value, written by each format in its own way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Empty,
    Text(String),
    Count(u64),
    /// Duration in milliseconds.
    Millis(u64),
    /// Milliseconds of Unix time.
    Time(i64),
    /// Millionths of a euro.
    Micros(u64),
    /// Duration in milliseconds that people read as hours, minutes and seconds.
    Lasting(u64),
    /// A share of a whole, in millionths.
    Ratio(u64),
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Cell {
        let text: String = text.into();
        if text.is_empty() { Cell::Empty } else { Cell::Text(text) }
    }

    pub(crate) fn time(time: Option<i64>) -> Cell {
        time.map_or(Cell::Empty, Cell::Time)
    }

    /// As people in France read it: `25/11/2026 14:05:09`, `12,5`, `1,25`.
    pub(crate) fn shown(&self, zone: &TimeZone) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Text(text) => text.clone(),
            Cell::Count(count) => count.to_string(),
            Cell::Millis(millis) => {
                let tenths = (millis + 50) / 100;
                format!("{},{}", tenths / 10, tenths % 10)
            }
            Cell::Time(utc_ms) => moment(*utc_ms, zone),
            Cell::Micros(micros) => euros(*micros),
            Cell::Lasting(millis) => lasting(*millis),
            Cell::Ratio(millionths) => permyriad(*millionths),
        }
    }

    /// The share of a whole; empty where there is no whole.
    pub(crate) fn ratio(part: u64, whole: u64) -> Cell {
        if whole == 0 {
            return Cell::Empty;
        }
        let millionths = (u128::from(part) * 2_000_000 + u128::from(whole)) / (2 * u128::from(whole));
        Cell::Ratio(u64::try_from(millionths).unwrap_or(u64::MAX))
    }
}

/// `25/11/2026 14:05:09` in the zone.
pub(crate) fn moment(utc_ms: i64, zone: &TimeZone) -> String {
    civil(utc_ms, zone).strftime("%d/%m/%Y %H:%M:%S").to_string()
}

/// The wall clock's date and time in the zone.
pub(crate) fn civil(utc_ms: i64, zone: &TimeZone) -> DateTime {
    zone.to_datetime(Timestamp::from_millisecond(utc_ms).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Euros with a comma and at least two decimals, four where a price needs them.
pub(crate) fn euros(micros: u64) -> String {
    let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
    if rest.is_multiple_of(10_000) {
        format!("{whole},{:02}", rest / 10_000)
    } else {
        format!("{whole},{:04}", rest / 100)
    }
}

/// `850 ms`, `12,5 s`, `4 min 05 s`, `1 h 05 min`, `3 j 02 h`.
pub(crate) fn lasting(millis: u64) -> String {
    let seconds = (millis + 500) / 1000;
    match millis {
        0 => "0 s".into(),
        1..1_000 => format!("{millis} ms"),
        1_000..59_950 => {
            let tenths = (millis + 50) / 100;
            if tenths.is_multiple_of(10) {
                format!("{} s", tenths / 10)
            } else {
                format!("{},{} s", tenths / 10, tenths % 10)
            }
        }
        59_950..3_599_500 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_599_500..86_399_500 => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} j {:02} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// Millionths as percent: two decimals below one percent, one above.
fn permyriad(millionths: u64) -> String {
    if millionths > 0 && millionths < 10_000 {
        let hundredths = (millionths + 50) / 100;
        format!("{},{:02} %", hundredths / 100, hundredths % 100)
    } else {
        let tenths = (millionths + 500) / 1000;
        format!("{},{} %", tenths / 10, tenths % 10)
    }
}

/// Share of a whole in percent, with one decimal and a comma.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".into();
    }
    let tenths = (u128::from(part) * 2000 + u128::from(whole)) / (2 * u128::from(whole));
    format!("{},{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small report with everything that could go wrong in a format.
    pub(crate) fn sample() -> Report {
        let column = |key, label: &str, width| Column {
            key,
            label: label.into(),
            width,
        };
        let count = |key, label: &str, value| Count {
            key,
            label: label.into(),
            value,
        };
        let text = Cell::text;
        let launched = 1_795_568_400_000; // 2026-11-25 01:00:00 UTC
        Report {
            organisation: "Préfecture de la Somme".into(),
            title: "Crue de la Somme – vigilance".into(),
            message: "Ceci est une alerte. Œuvrez sans délai : « montez à l’étage ».".into(),
            facts: vec![
                Fact {
                    key: "launched",
                    label: "Lancée le".into(),
                    value: Cell::Time(launched),
                },
                Fact {
                    key: "cost",
                    label: "Coût (€)".into(),
                    value: Cell::Micros(1_250_000),
                },
            ],
            counts: vec![
                count("confirmed", "Confirmés", 2),
                count("not_reached", "Non joints", 1),
            ],
            causes: vec![count("confirmed", "Confirmé", 2), count("busy", "Occupé", 1)],
            timeline: vec![(0.0, 0), (30.0, 1), (90.0, 2)],
            recipients: Table {
                columns: vec![
                    column("name", "Nom", 24),
                    column("confirmed", "Confirmé le", 18),
                    column("tries", "Appels", 8),
                ],
                rows: vec![
                    vec![text("Jeanne Lefèvre"), Cell::Time(launched + 30_000), Cell::Count(1)],
                    vec![
                        text("=HYPERLINK(\"http://evil\";\"x\")"),
                        Cell::Time(launched + 90_000),
                        Cell::Count(1),
                    ],
                    vec![text("D’Œuilly; \"Max\"\nCachy"), Cell::Empty, Cell::Count(1)],
                ],
            },
            states: vec!["confirmed", "confirmed", "not_reached"],
            attempts: Table {
                columns: vec![
                    column("number", "Numéro", 16),
                    column("ringing", "Sonnerie (s)", 10),
                    column("cost", "Coût", 8),
                ],
                rows: vec![
                    vec![text("01 99 00 12 34"), Cell::Millis(12_500), Cell::Micros(1_250_000)],
                    vec![text("+32475123456"), Cell::Millis(0), Cell::Micros(0)],
                    vec![text("06 39 98 00 01"), Cell::Millis(30_040), Cell::Empty],
                ],
            },
            zone: TimeZone::get("Europe/Paris").unwrap(),
            labels: Labels {
                heading: "Compte rendu de campagne".into(),
                summary: "Synthèse".into(),
                recipients: "Destinataires".into(),
                attempts: "Appels".into(),
                message: "Message".into(),
                results: "Résultats".into(),
                causes: "Fins d’appel".into(),
                timeline: "Confirmations".into(),
                minutes: "minutes".into(),
                total: "Total".into(),
                share: "Part".into(),
                number: "Nombre".into(),
                page: "page".into(),
                language: "fr",
            },
        }
    }

    #[test]
    fn values_are_shown_the_french_way() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        for (cell, expected) in [
            (Cell::Time(1_795_568_400_000), "25/11/2026 02:00:00"),
            (Cell::Time(1_782_864_000_000), "01/07/2026 02:00:00"),
            (Cell::Millis(12_449), "12,4"),
            (Cell::Millis(12_450), "12,5"),
            (Cell::Micros(1_250_000), "1,25"),
            (Cell::Micros(12_300), "0,0123"),
            (Cell::Count(1_234), "1234"),
            (Cell::Empty, ""),
            (Cell::Lasting(850), "850 ms"),
            (Cell::Lasting(12_000), "12 s"),
            (Cell::Lasting(59_960), "1 min 00 s"),
            (Cell::Lasting(245_000), "4 min 05 s"),
            (Cell::Lasting(3_599_600), "1 h 00 min"),
            (Cell::Lasting(266_400_000), "3 j 02 h"),
            (Cell::ratio(1, 3), "33,3 %"),
            (Cell::ratio(1, 300), "0,33 %"),
            (Cell::ratio(0, 300), "0,0 %"),
            (Cell::ratio(1, 0), ""),
        ] {
            assert_eq!(cell.shown(&zone), expected);
        }
        assert_eq!(percent(1, 3), "33,3 %");
        assert_eq!(percent(2, 3), "66,7 %");
        assert_eq!(percent(0, 0), "–");
        assert_eq!(percent(u64::MAX, u64::MAX), "100,0 %");
    }
}
