//! A document about more than one campaign: a head of facts, and sections that are tables, some with a chart. Built once,
//! written as a workbook, PDF, CSV, JSON and page.

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::{Cell, Column, Fact, Table};
use crate::text::{Value as Argument, Words};

/// A document in the reader's language.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// Name for file names and JSON: `service`, `capacity`…
    pub(crate) kind: &'static str,
    /// Name of the organisation.
    pub(crate) organisation: String,
    /// What it is: “Rapport de service”.
    pub(crate) heading: String,
    /// What it is about: “novembre 2026”.
    pub(crate) title: String,
    /// Figures at a glance.
    pub(crate) facts: Vec<Fact>,
    /// Its parts.
    pub(crate) sections: Vec<Section>,
    /// Zone in which times are shown.
    pub(crate) zone: TimeZone,
    /// “page”, in the reader's language.
    pub(crate) page: String,
    /// BCP 47 tag.
    pub(crate) language: &'static str,
}

/// A part of a document.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    /// Name for JSON and for the choice of a CSV table.
    pub(crate) key: &'static str,
    /// Heading.
    pub(crate) title: String,
    /// How to read it; may be empty.
    pub(crate) hint: String,
    /// Its rows.
    pub(crate) table: Table,
    /// A chart of two columns: what stands below the bars, and how high they are.
    pub(crate) chart: Option<(usize, usize)>,
    /// Rows on paper and on the page; the workbook, CSV and JSON hold all.
    pub(crate) most: usize,
}

/// Rows of a table on paper unless said otherwise.
const MOST: usize = 200;

impl Section {
    /// A section whose heading is `section-KEY` and whose columns are `column-…` of the catalogue.
    pub(crate) fn new(
        words: Words<'_>,
        key: &'static str,
        columns: &[(&'static str, u8)],
        rows: Vec<Vec<Cell>>,
    ) -> Section {
        let hint = format!("section-{key}-hint");
        Section {
            key,
            title: words.get(&format!("section-{key}")).into_owned(),
            hint: if words.has(&hint) {
                words.get(&hint).into_owned()
            } else {
                String::new()
            },
            table: Table {
                columns: columns_of(words, columns),
                rows,
            },
            chart: None,
            most: MOST,
        }
    }

    /// With a chart of these two columns.
    pub(crate) fn charted(mut self, label: usize, value: usize) -> Section {
        self.chart = Some((label, value));
        self
    }

    /// Rows on paper.
    pub(crate) fn at_most(mut self, most: usize) -> Section {
        self.most = most;
        self
    }

    /// The chart's bars: label and height. `None` when there is nothing to see.
    pub(crate) fn bars(&self, zone: &TimeZone) -> Option<Vec<(String, u64)>> {
        let (label, value) = self.chart?;
        let bars: Vec<(String, u64)> = self
            .table
            .rows
            .iter()
            .map(|row| {
                let text = row.get(label).map(|cell| cell.shown(zone)).unwrap_or_default();
                let height = match row.get(value) {
                    Some(Cell::Count(count)) => *count,
                    _ => 0,
                };
                (text, height)
            })
            .collect();
        (bars.len() > 1 && bars.len() <= 400 && bars.iter().any(|(_, height)| *height > 0)).then_some(bars)
    }
}

/// Columns with the labels of the catalogue.
pub(crate) fn columns_of(words: Words<'_>, columns: &[(&'static str, u8)]) -> Vec<Column> {
    let column = |(key, width): &(&'static str, u8)| Column {
        key,
        label: words.get(&format!("column-{key}")).into_owned(),
        width: *width,
    };
    columns.iter().map(column).collect()
}

/// A fact labelled `fact-KEY`.
pub(crate) fn fact(words: Words<'_>, key: &'static str, value: Cell) -> Fact {
    Fact {
        key,
        label: words.get(&format!("fact-{key}")).into_owned(),
        value,
    }
}

/// The sentence under a table that does not show all of its rows.
pub(crate) fn cut_note(words: Words<'_>, section: &Section) -> Option<String> {
    let hidden = section.table.rows.len().saturating_sub(section.most);
    (hidden > 0).then(|| words.with("document-more", &[("count", Argument::from(hidden))]))
}

/// The document for programs.
pub(crate) fn json(document: &Document) -> Value {
    let facts: Map<String, Value> = document
        .facts
        .iter()
        .map(|fact| (fact.key.replace('-', "_"), super::json::cell(&fact.value)))
        .collect();
    let sections: Map<String, Value> = document
        .sections
        .iter()
        .map(|section| {
            (
                section.key.replace('-', "_"),
                Value::Array(super::json::table(&section.table)),
            )
        })
        .collect();
    json!({
        "document": document.kind,
        "organisation": document.organisation,
        "title": document.title,
        "facts": facts,
        "sections": sections,
    })
}

/// One section as CSV: that of the key, else the facts.
pub(crate) fn csv(document: &Document, key: Option<&str>) -> Result<Vec<u8>, csv::Error> {
    let section = document.sections.iter().find(|section| Some(section.key) == key);
    match section {
        Some(section) => super::csv::table_bytes(&section.table, &document.zone),
        None => super::csv::table_bytes(&facts_table(document), &document.zone),
    }
}

fn facts_table(document: &Document) -> Table {
    let column = |key, label: &str| Column {
        key,
        label: label.to_owned(),
        width: 30,
    };
    Table {
        columns: vec![column("fact", &document.heading), column("value", &document.title)],
        rows: document
            .facts
            .iter()
            .map(|fact| vec![Cell::text(&fact.label), fact.value.clone()])
            .collect(),
    }
}

/// The document as a workbook.
pub(crate) fn xlsx(document: &Document) -> Result<Vec<u8>, rust_xlsxwriter::XlsxError> {
    super::document_xlsx::write(document)
}

/// The document on paper.
pub(crate) fn pdf(document: &Document, words: Words<'_>) -> Vec<u8> {
    super::document_pdf::write(document, words)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::text::{Catalogue, Language};

    pub(crate) fn words(catalogue: &Catalogue) -> Words<'_> {
        catalogue.words(Language::French)
    }

    fn column(key: &'static str, label: &str, width: u8) -> Column {
        Column {
            key,
            label: label.into(),
            width,
        }
    }

    fn section(key: &'static str, title: &str, columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Section {
        Section {
            key,
            title: title.into(),
            hint: String::new(),
            table: Table { columns, rows },
            chart: None,
            most: MOST,
        }
    }

    /// A document with everything that could go wrong in a format.
    pub(crate) fn sample() -> Document {
        let fact = |key, label: &str, value| Fact {
            key,
            label: label.into(),
            value,
        };
        let mut rows: Vec<Vec<Cell>> = (0..300)
            .map(|n| {
                vec![
                    Cell::text(format!("Crue n° {n}")),
                    Cell::Micros(4_200_000),
                    Cell::Lasting(245_000),
                ]
            })
            .collect();
        rows[0][0] = Cell::text("=HYPERLINK(\"http://evil\";\"x\")");
        let hours = (0..24)
            .map(|n| vec![Cell::text(format!("{n} h")), Cell::Count(n * n)])
            .collect();
        Document {
            kind: "service",
            organisation: "Préfecture de la Somme".into(),
            heading: "Rapport de service".into(),
            title: "novembre 2026".into(),
            facts: vec![
                fact("calls", "Appels", Cell::Count(1_234)),
                fact("share", "Part", Cell::ratio(1, 8)),
                fact("median", "Délai médian", Cell::Lasting(31_500)),
            ],
            sections: vec![
                section(
                    "slices",
                    "Activité",
                    vec![column("part", "Heure", 8), column("calls", "Appels", 8)],
                    hours,
                )
                .charted(0, 1),
                section(
                    "campaigns",
                    "Campagnes",
                    vec![
                        column("name", "Nom", 30),
                        column("cost", "Coût", 10),
                        column("took", "Durée", 10),
                    ],
                    rows,
                ),
            ],
            zone: TimeZone::get("Europe/Paris").unwrap(),
            page: "page".into(),
            language: "fr",
        }
    }

    #[test]
    fn programs_get_numbers_and_any_table_comes_as_csv() {
        let document = sample();
        let value = json(&document);
        assert_eq!(value["facts"]["calls"], 1_234);
        assert_eq!(value["facts"]["share"], 0.125);
        assert_eq!(value["sections"]["campaigns"][1]["took"], 245.0);
        assert_eq!(value["sections"]["campaigns"].as_array().map(Vec::len), Some(300));
        let text = |key| String::from_utf8(csv(&document, key).unwrap()).unwrap();
        assert!(text(None).contains("Délai médian;31,5\r\n"));
        let rows = text(Some("campaigns"));
        assert!(rows.starts_with("\u{feff}Nom;Coût;Durée\r\n") && rows.contains("Crue n° 1;4,20;245,0\r\n"));
        assert!(rows.contains("\"'=HYPERLINK("), "nothing runs in a spreadsheet");
    }

    #[test]
    fn bars_are_drawn_only_where_there_is_something_to_see() {
        let mut document = sample();
        let zone = document.zone.clone();
        assert_eq!(
            document.sections[0].bars(&zone).map(|bars| bars[23].clone()),
            Some(("23 h".into(), 529))
        );
        assert_eq!(document.sections[1].bars(&zone), None);
        document.sections[0].table.rows.truncate(1);
        assert_eq!(document.sections[0].bars(&zone), None);
    }
}
