//! CSV as French Excel reads it by a double click: UTF-8 with a mark, `;` between fields, CRLF, comma in decimals.

use jiff::tz::TimeZone;

use super::{Cell, Report, Table};

/// Which table of the report a CSV file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Choice {
    /// One line per recipient.
    #[default]
    Recipients,
    /// One line per call.
    Attempts,
}

/// Writes one table.
pub(crate) fn write(report: &Report, choice: Choice) -> Result<Vec<u8>, csv::Error> {
    let table = match choice {
        Choice::Recipients => &report.recipients,
        Choice::Attempts => &report.attempts,
    };
    table_bytes(table, &report.zone)
}

/// Writes a table with its headers.
pub(super) fn table_bytes(table: &Table, zone: &TimeZone) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    writer.write_record(table.columns.iter().map(|column| column.label.as_str()))?;
    for row in &table.rows {
        writer.write_record(row.iter().map(|cell| harmless(spoken(cell, zone))))?;
    }
    writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))
}

/// Durations are seconds here: a spreadsheet cannot add up `4 min 05 s`.
fn spoken(cell: &Cell, zone: &TimeZone) -> String {
    match cell {
        Cell::Lasting(millis) => Cell::Millis(*millis).shown(zone),
        cell => cell.shown(zone),
    }
}

/// A text that a spreadsheet would run as a formula gets an apostrophe in front, which shows it as text.
pub(crate) fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn french_excel_reads_it_and_nothing_runs() {
        let bytes = write(&sample(), Choice::Recipients).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("\u{feff}Nom;Confirmé le;Appels\r\n"), "{text}");
        assert!(text.contains("Jeanne Lefèvre;25/11/2026 02:00:30;1\r\n"), "{text}");
        assert!(
            text.contains("\"'=HYPERLINK(\"\"http://evil\"\";\"\"x\"\")\""),
            "{text}"
        );
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(b';')
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 3);
        assert_eq!(&rows[2][0], "D’Œuilly; \"Max\"\nCachy");
        let calls = String::from_utf8(write(&sample(), Choice::Attempts).unwrap()).unwrap();
        assert!(calls.contains("01 99 00 12 34;12,5;1,25\r\n"), "{calls}");
        assert!(calls.contains("'+32475123456;0,0;0,00\r\n"), "{calls}");
    }
}
