//! A document on paper: the facts first, then each section as a table, with its chart above.

use super::document::{Document, Section, cut_note};
use super::pdf_flow::{Flow, ROOM, ROW};
use super::pdf_page::{BLACK, Face, GREEN, GREY, MARGIN, PALE, WIDTH, fitted, width, wrapped};
use super::{Cell, Column};
use crate::text::{Language, Words, grouped};

/// Height of a chart's bars.
const CHART: f32 = 84.0;

/// Writes the file.
pub(super) fn write(document: &Document, words: Words<'_>) -> Vec<u8> {
    let mut sheet = Sheet {
        flow: Flow::new(),
        document,
        words,
    };
    sheet
        .flow
        .head(&document.organisation, &document.heading, &document.title);
    sheet.facts();
    for section in &document.sections {
        sheet.section(section);
    }
    let Document {
        organisation,
        heading,
        title,
        page: word,
        language,
        ..
    } = document;
    sheet.flow.paper.finish(
        &format!("{heading} – {title}"),
        organisation,
        language,
        |page, pages| format!("{organisation} – {heading} – {title} – {word} {page}/{pages}"),
    )
}

struct Sheet<'a> {
    flow: Flow,
    document: &'a Document,
    words: Words<'a>,
}

/// Where a column stands on the page.
struct Spot {
    x: f32,
    room: f32,
    /// Figures end at the right of their column.
    is_figure: bool,
}

impl Sheet<'_> {
    fn shown(&self, cell: &Cell) -> String {
        match cell {
            Cell::Count(number) => grouped(*number, Language::from_tag(self.document.language)),
            cell => cell.shown(&self.document.zone),
        }
    }

    fn facts(&mut self) {
        const VALUE: f32 = 270.0;
        for fact in &self.document.facts {
            self.flow.need(ROW);
            let label = fitted(Face::Bold, 9.5, &fact.label, VALUE - 8.0);
            self.flow.put(MARGIN, Face::Bold, 9.5, BLACK, &label);
            let value = fitted(Face::Regular, 9.5, &self.shown(&fact.value), ROOM - VALUE);
            self.flow.put(MARGIN + VALUE, Face::Regular, 9.5, BLACK, &value);
            self.flow.y += ROW;
        }
        self.flow.y += 6.0;
    }

    fn section(&mut self, section: &Section) {
        self.flow.title(&section.title, 5.0 * ROW);
        for line in wrapped(Face::Regular, 8.5, &section.hint, ROOM) {
            self.flow.need(12.0);
            self.flow.put(MARGIN, Face::Regular, 8.5, GREY, &line);
            self.flow.y += 12.0;
        }
        if section.table.rows.is_empty() {
            let nothing = self.words.get("document-nothing").into_owned();
            self.flow.put(MARGIN, Face::Regular, 9.5, BLACK, &nothing);
            self.flow.y += ROW;
            return;
        }
        self.chart(section);
        self.table(section);
        if let Some(note) = cut_note(self.words, section) {
            self.flow.need(ROW);
            self.flow.put(MARGIN, Face::Regular, 8.5, GREY, &note);
            self.flow.y += ROW;
        }
    }

    fn chart(&mut self, section: &Section) {
        let Some(bars) = section.bars(&self.document.zone) else {
            return;
        };
        let highest = bars.iter().map(|(_, height)| *height).max().unwrap_or(1).max(1);
        self.flow.need(CHART + 40.0);
        let (left, right) = (MARGIN + 40.0, WIDTH - MARGIN);
        let base = self.flow.y + CHART;
        for part in 0..=2_u8 {
            let y = base - CHART * f32::from(part) / 2.0;
            self.flow.paper.line(&[(left, y), (right, y)], 0.4, [0.8, 0.82, 0.85]);
        }
        for (value, y) in [(highest, self.flow.y), (0, base)] {
            let text = grouped(value, Language::from_tag(self.document.language));
            self.flow
                .paper
                .text_to(left - 6.0, y + 3.0, Face::Regular, 8.0, GREY, &text);
        }
        let step = (right - left) / bars.len() as f32;
        for (index, (_, height)) in bars.iter().enumerate() {
            let tall = CHART * (*height as f64 / highest as f64) as f32;
            let x = left + step * index as f32;
            let thick = (step * 0.8).min(28.0);
            self.flow
                .paper
                .fill(x + (step - thick) / 2.0, base - tall, thick, tall, GREEN);
        }
        // As many labels as there is room for; the first one always.
        let widest = bars
            .iter()
            .map(|(label, _)| width(Face::Regular, 7.0, label))
            .fold(0.0, f32::max);
        let every = ((widest + 6.0) / step).ceil().max(1.0) as usize;
        for (index, (label, _)) in bars.iter().enumerate().step_by(every) {
            let middle = left + step * (index as f32 + 0.5);
            let x = middle - width(Face::Regular, 7.0, label) / 2.0;
            self.flow
                .paper
                .text(x.max(MARGIN), base + 10.0, Face::Regular, 7.0, GREY, label);
        }
        self.flow.y = base + 26.0;
    }

    fn table(&mut self, section: &Section) {
        let rows = &section.table.rows;
        let spots = spots(&section.table.columns, rows);
        self.labels(section, &spots);
        for (index, row) in rows.iter().take(section.most).enumerate() {
            let lines: Vec<Vec<String>> = spots
                .iter()
                .zip(row)
                .map(|(spot, cell)| self.lines(spot, cell))
                .collect();
            let height = 11.0 * lines.iter().map(Vec::len).max().unwrap_or(1) as f32;
            if self.flow.need(height) {
                self.labels(section, &spots);
            }
            if index % 2 == 1 {
                self.flow
                    .paper
                    .fill(MARGIN - 3.0, self.flow.y - 8.0, ROOM + 6.0, height, PALE);
            }
            for (spot, lines) in spots.iter().zip(&lines) {
                for (line, text) in lines.iter().enumerate() {
                    let y = self.flow.y + 11.0 * line as f32;
                    if spot.is_figure {
                        self.flow
                            .paper
                            .text_to(spot.x + spot.room, y, Face::Regular, 7.5, BLACK, text);
                    } else {
                        self.flow.paper.text(spot.x, y, Face::Regular, 7.5, BLACK, text);
                    }
                }
            }
            self.flow.y += height;
        }
        self.flow.y += 6.0;
    }

    /// Texts are wrapped, at most three lines; figures are never cut.
    fn lines(&self, spot: &Spot, cell: &Cell) -> Vec<String> {
        let text = self.shown(cell);
        if spot.is_figure {
            return vec![text];
        }
        let mut lines = wrapped(Face::Regular, 7.5, &text, spot.room);
        lines.truncate(3);
        lines
    }

    fn labels(&mut self, section: &Section, spots: &[Spot]) {
        let columns = &section.table.columns;
        let lines: Vec<Vec<String>> = spots
            .iter()
            .zip(columns)
            .map(|(spot, column)| wrapped(Face::Bold, 7.0, &column.label, spot.room))
            .collect();
        let tallest = lines.iter().map(Vec::len).max().unwrap_or(1) as f32;
        self.flow.need((tallest + 2.0) * 10.0);
        for (spot, lines) in spots.iter().zip(&lines) {
            for (line, text) in lines.iter().enumerate() {
                let y = self.flow.y + 9.0 * line as f32;
                if spot.is_figure {
                    self.flow
                        .paper
                        .text_to(spot.x + spot.room, y, Face::Bold, 7.0, GREY, text);
                } else {
                    self.flow.paper.text(spot.x, y, Face::Bold, 7.0, GREY, text);
                }
            }
        }
        self.flow.y += 9.0 * tallest + 3.0;
    }
}

/// Shares the page among the columns.
fn spots(columns: &[Column], rows: &[Vec<Cell>]) -> Vec<Spot> {
    let whole: f32 = columns.iter().map(|column| f32::from(column.width)).sum();
    let mut x = MARGIN;
    let spot = |(index, column): (usize, &Column)| {
        let room = f32::from(column.width) / whole * ROOM;
        let spot = Spot {
            x,
            room: room - 5.0,
            is_figure: rows
                .iter()
                .filter_map(|row| row.get(index))
                .find(|cell| **cell != Cell::Empty)
                .is_some_and(|cell| !matches!(cell, Cell::Text(_) | Cell::Time(_))),
        };
        x += room;
        spot
    };
    columns.iter().enumerate().map(spot).collect()
}

#[cfg(test)]
mod tests {
    use super::super::document::tests::{sample, words};
    use super::super::pdf::tests::read_back;
    use super::*;

    #[test]
    fn another_program_reads_facts_tables_and_page_numbers() {
        let catalogue = crate::text::Catalogue::embedded();
        let bytes = write(&sample(), words(&catalogue));
        let text = read_back(&bytes);
        for expected in [
            "Rapport de service",
            "novembre 2026",
            "Délai médian",
            "12,5 %",
            "Activité",
            "Crue n° 199",
            "4 min 05 s",
            "page 1/",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        assert!(!text.contains("Crue n° 200"), "only so many rows on paper");
        assert!(text.contains("100 autres lignes"), "{text}");
    }
}
