//! The report on paper: a first page to read at a glance, then the lists of R13.

use super::pdf_flow::{Flow, ROOM, ROW};
use super::pdf_page::{BLACK, BLUE, Face, GREEN, GREY, Ink, MARGIN, ORANGE, PALE, RED, WIDTH, fitted, width, wrapped};
use super::{Cell, Column, Count, Report, percent};
use crate::text::{Language, grouped};

/// Writes the file.
pub(crate) fn write(report: &Report) -> Vec<u8> {
    let mut sheet = Sheet {
        flow: Flow::new(),
        report,
    };
    sheet
        .flow
        .head(&report.organisation, &report.title, &report.labels.heading);
    sheet.facts();
    sheet.message();
    sheet.counts(&report.labels.results, &report.counts, GREEN);
    sheet.counts(&report.labels.causes, &report.causes, BLUE);
    sheet.timeline();
    for count in report.counts.iter().filter(|count| count.value > 0) {
        sheet.list(count);
    }
    let labels = &report.labels;
    let (title, heading, organisation) = (&report.title, &labels.heading, &report.organisation);
    sheet.flow.paper.finish(
        &format!("{heading} – {title}"),
        organisation,
        labels.language,
        |page, pages| format!("{organisation} – {title} – {} {page}/{pages}", labels.page),
    )
}

struct Sheet<'a> {
    flow: Flow,
    report: &'a Report,
}

impl Sheet<'_> {
    fn facts(&mut self) {
        for fact in &self.report.facts {
            self.flow.need(ROW);
            self.flow.put(MARGIN, Face::Bold, 9.5, BLACK, &fact.label);
            let value = match &fact.value {
                Cell::Count(number) => figure(*number, self.report),
                value => value.shown(&self.report.zone),
            };
            let value = fitted(Face::Regular, 9.5, &value, ROOM - 160.0);
            self.flow.put(MARGIN + 160.0, Face::Regular, 9.5, BLACK, &value);
            self.flow.y += ROW;
        }
        self.flow.y += 8.0;
    }

    fn message(&mut self) {
        self.flow.title(&self.report.labels.message, 3.0 * ROW);
        for line in wrapped(Face::Regular, 10.0, &self.report.message, ROOM) {
            self.flow.need(ROW);
            self.flow.put(MARGIN, Face::Regular, 10.0, BLACK, &line);
            self.flow.y += ROW;
        }
        self.flow.y += 4.0;
    }

    /// A table of counts with a bar for each share.
    fn counts(&mut self, title: &str, counts: &[Count], ink: Ink) {
        self.flow.title(title, 3.0 * ROW);
        let total: u64 = counts.iter().map(|count| count.value).sum();
        let bars = MARGIN + 290.0;
        for count in counts {
            self.flow.need(ROW);
            self.flow.put(
                MARGIN,
                Face::Regular,
                9.5,
                BLACK,
                &fitted(Face::Regular, 9.5, &count.label, 180.0),
            );
            self.flow.put_to(
                MARGIN + 225.0,
                Face::Regular,
                9.5,
                BLACK,
                &figure(count.value, self.report),
            );
            self.flow
                .put_to(MARGIN + 280.0, Face::Regular, 9.5, GREY, &percent(count.value, total));
            self.flow
                .paper
                .fill(bars, self.flow.y - 8.0, WIDTH - MARGIN - bars, 9.0, PALE);
            if total > 0 && count.value > 0 {
                let share = (count.value as f64 / total as f64) as f32;
                self.flow.paper.fill(
                    bars,
                    self.flow.y - 8.0,
                    (share * (WIDTH - MARGIN - bars)).max(1.0),
                    9.0,
                    ink_of(count.key, ink),
                );
            }
            self.flow.y += ROW;
        }
        self.flow.need(ROW);
        self.flow.put(MARGIN, Face::Bold, 9.5, BLACK, &self.report.labels.total);
        self.flow
            .put_to(MARGIN + 225.0, Face::Bold, 9.5, BLACK, &figure(total, self.report));
        self.flow.y += ROW + 4.0;
    }

    /// Confirmations over time, as a stepped curve.
    fn timeline(&mut self) {
        let points = &self.report.timeline;
        let (Some((last, top)), true) = (points.last().copied(), points.len() > 1) else {
            return;
        };
        if last <= 0.0 || top == 0 {
            return;
        }
        let (left, height) = (MARGIN + 36.0, 110.0);
        let right = WIDTH - MARGIN;
        self.flow.need(height + 70.0);
        self.flow.title(&self.report.labels.timeline, 3.0 * ROW);
        let base = self.flow.y + height;
        for part in 0..=4_u8 {
            let y = base - height * f32::from(part) / 4.0;
            self.flow.paper.line(&[(left, y), (right, y)], 0.4, [0.8, 0.82, 0.85]);
            let value = (top as f64 * f64::from(part) / 4.0).round().to_string();
            self.flow
                .paper
                .text_to(left - 6.0, y + 3.0, Face::Regular, 8.0, GREY, &value);
        }
        for part in 0..=5_u8 {
            let x = left + (right - left) * f32::from(part) / 5.0;
            let minutes = last * f64::from(part) / 5.0 / 60.0;
            let text = format!("{minutes:.1}").replace('.', ",");
            self.flow.paper.text(
                x - width(Face::Regular, 8.0, &text) / 2.0,
                base + 12.0,
                Face::Regular,
                8.0,
                GREY,
                &text,
            );
        }
        self.flow.paper.text_to(
            right,
            base + 24.0,
            Face::Regular,
            8.0,
            GREY,
            &self.report.labels.minutes,
        );
        let place = |(seconds, count): (f64, u64)| {
            let x = left + (right - left) * (seconds / last) as f32;
            (x, base - height * (count as f64 / top as f64) as f32)
        };
        let mut steps: Vec<(f32, f32)> = Vec::with_capacity(points.len() * 2);
        for point in points.iter().copied().map(place) {
            if let Some((_, before)) = steps.last().copied() {
                steps.push((point.0, before));
            }
            steps.push(point);
        }
        self.flow.paper.line(&steps, 1.4, GREEN);
        self.flow.y = base + 34.0;
    }

    /// The recipients of one final state.
    fn list(&mut self, count: &Count) {
        let report = self.report;
        let table = &report.recipients;
        let spots = spots(&table.columns);
        self.flow
            .title(&format!("{} ({})", count.label, count.value), 3.0 * ROW);
        self.list_head(&spots);
        let rows = table
            .rows
            .iter()
            .zip(&report.states)
            .filter(|(_, state)| **state == count.key);
        for (index, (row, _)) in rows.enumerate() {
            if self.flow.need(12.0) {
                self.list_head(&spots);
            }
            if index % 2 == 1 {
                self.flow
                    .paper
                    .fill(MARGIN - 3.0, self.flow.y - 8.5, ROOM + 6.0, 12.0, PALE);
            }
            for spot in &spots {
                let value = row
                    .get(spot.column)
                    .map(|cell| cell.shown(&report.zone))
                    .unwrap_or_default();
                let text = fitted(Face::Regular, 7.5, &value, spot.room);
                self.flow.put(spot.x, Face::Regular, 7.5, BLACK, &text);
            }
            self.flow.y += 12.0;
        }
        self.flow.y += 6.0;
    }

    fn list_head(&mut self, spots: &[Spot]) {
        self.flow.need(2.0 * ROW);
        for spot in spots {
            let label = &self.report.recipients.columns[spot.column].label;
            let text = fitted(Face::Bold, 7.5, label, spot.room);
            self.flow.put(spot.x, Face::Bold, 7.5, GREY, &text);
        }
        self.flow.y += 12.0;
    }
}

/// Where a column of the table stands on the page.
struct Spot {
    column: usize,
    x: f32,
    room: f32,
}

/// Shares the page among the columns. The result is the list's title, and the first call is of no use on paper.
fn spots(columns: &[Column]) -> Vec<Spot> {
    let shown = || {
        columns
            .iter()
            .enumerate()
            .filter(|(_, column)| !["result", "first"].contains(&column.key))
    };
    let whole: f32 = shown().map(|(_, column)| f32::from(column.width)).sum();
    let mut x = MARGIN;
    let mut spots = Vec::new();
    for (index, column) in shown() {
        let room = f32::from(column.width) / whole * ROOM;
        spots.push(Spot {
            column: index,
            x,
            room: room - 4.0,
        });
        x += room;
    }
    spots
}

/// Figures of the first page, grouped by thousands.
fn figure(number: u64, report: &Report) -> String {
    grouped(number, Language::from_tag(report.labels.language))
}

/// The colour of a result, as on the live page.
fn ink_of(key: &str, usual: Ink) -> Ink {
    match key {
        "not-confirmed" => ORANGE,
        "failed" | "not-answered" | "no-number" => RED,
        "pending" | "campaign-over" => GREY,
        _ => usual,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::tests::sample;

    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// What an independent reader finds in the file.
    pub(crate) fn read_back(bytes: &[u8]) -> String {
        let spawned = Command::new("pdftotext")
            .args(["-layout", "-enc", "UTF-8", "-", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = spawned.expect("pdftotext reads what we write; install the package poppler-utils");
        let mut stdin = child.stdin.take().unwrap();
        let bytes = bytes.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&bytes));
        let output = child.wait_with_output().unwrap();
        let _ = writer.join();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn another_program_reads_the_french_text_and_the_counts() {
        let bytes = write(&sample());
        assert!(bytes.starts_with(b"%PDF-"));
        let text = read_back(&bytes);
        for expected in [
            "Préfecture de la Somme",
            "Crue de la Somme – vigilance",
            "montez à l’étage",
            "Œuvrez",
            "Confirmés (2)",
            "66,7 %",
            "25/11/2026 02:01:30",
            "page 1/",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
    }

    #[test]
    fn long_lists_fill_numbered_pages_with_every_row() {
        let mut report: Report = sample();
        report.recipients.rows = (0..500)
            .map(|n| vec![Cell::text(format!("Personne {n:03}")), Cell::Empty, Cell::Count(1)])
            .collect();
        report.states = vec!["not_reached"; 500];
        report.counts[0].value = 0;
        report.counts[1].value = 500;
        let text = read_back(&write(&report));
        for n in 0..500 {
            assert!(text.contains(&format!("Personne {n:03}")), "{n}");
        }
        assert!(text.contains("page 9/"));
    }
}
