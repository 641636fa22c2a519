//! A document as a workbook: the facts on the first sheet, each section on a sheet of its own.

use rust_xlsxwriter::{Chart, ChartType, DocProperties, Workbook, Worksheet, XlsxError};

use super::document::{Document, Section};
use super::xlsx::{Formats, Frame, cell, header_text};

/// The last row of a sheet, from 0.
const LAST_ROW: u32 = 1_048_575;

/// Writes the workbook.
pub(super) fn write(document: &Document) -> Result<Vec<u8>, XlsxError> {
    let formats = Formats::new();
    let frame = Frame {
        organisation: &document.organisation,
        title: &document.title,
        zone: &document.zone,
    };
    let mut workbook = Workbook::new();
    workbook.set_properties(
        &DocProperties::new()
            .set_title(format!("{} – {}", document.heading, document.title))
            .set_company(&document.organisation)
            .set_author(&document.organisation),
    );
    let sheet = workbook.add_worksheet();
    page(sheet, &document.heading, document)?;
    sheet.set_column_width(0, 52)?.set_column_width(1, 28)?;
    sheet.write_string_with_format(
        0,
        0,
        format!("{} – {}", document.heading, document.title),
        &formats.title,
    )?;
    sheet.write_string_with_format(1, 0, &document.organisation, &formats.label)?;
    for (row, fact) in (3..).zip(&document.facts) {
        sheet.write_string_with_format(row, 0, &fact.label, &formats.label)?;
        cell(sheet, row, 1, &fact.value, &frame, &formats)?;
    }
    for section in &document.sections {
        let sheet = workbook.add_worksheet();
        page(sheet, &section.title, document)?;
        table(sheet, section, &frame, &formats)?;
    }
    workbook.save_to_buffer()
}

fn table(sheet: &mut Worksheet, section: &Section, frame: &Frame<'_>, formats: &Formats) -> Result<(), XlsxError> {
    sheet.set_freeze_panes(1, 0)?.set_repeat_rows(0, 0)?;
    let columns = &section.table.columns;
    for (index, column) in (0u16..).zip(columns) {
        sheet.set_column_width(index, column.width)?;
        sheet.write_string_with_format(0, index, &column.label, &formats.head)?;
    }
    let mut last = 0;
    for (row, cells) in (1..=LAST_ROW).zip(&section.table.rows) {
        for (column, value) in (0..).zip(cells) {
            cell(sheet, row, column, value, frame, formats)?;
        }
        last = row;
    }
    let (Some(right), true) = (
        columns.len().checked_sub(1).and_then(|n| u16::try_from(n).ok()),
        last > 0,
    ) else {
        return Ok(());
    };
    sheet.autofilter(0, 0, last, right)?;
    if let (Some((label, value)), Some(_)) = (section.chart, section.bars(frame.zone)) {
        let (label, value) = (u16::try_from(label).unwrap_or(0), u16::try_from(value).unwrap_or(0));
        let name = sheet_name(&section.title);
        let mut chart = Chart::new(ChartType::Column);
        let series = chart.add_series();
        series
            .set_categories((name.as_str(), 1, label, last, label))
            .set_values((name.as_str(), 1, value, last, value));
        if let Some(column) = columns.get(usize::from(value)) {
            series.set_name(column.label.as_str());
        }
        chart.title().set_name(&section.title);
        chart.legend().set_hidden();
        chart.set_width(720).set_height(320);
        sheet.insert_chart(1, right + 2, &chart)?;
    }
    Ok(())
}

fn page(sheet: &mut Worksheet, name: &str, document: &Document) -> Result<(), XlsxError> {
    sheet.set_name(sheet_name(name))?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    sheet.set_footer(format!(
        "&L{}&C{}&R&P / &N",
        header_text(&document.organisation),
        header_text(&document.title)
    ));
    Ok(())
}

/// Sheet names have at most 31 characters and some signs not at all.
fn sheet_name(text: &str) -> String {
    text.chars()
        .map(|c| if "[]:*?/\\'".contains(c) { ' ' } else { c })
        .take(31)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Cell;
    use super::super::document::tests::sample;
    use super::*;
    use calamine::{Data, Reader, Xlsx};
    use std::io::Cursor;

    #[test]
    fn another_program_reads_every_sheet_and_nothing_runs() {
        let bytes = write(&sample()).unwrap();
        let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).unwrap();
        assert_eq!(book.sheet_names(), ["Rapport de service", "Activité", "Campagnes"]);
        for name in book.sheet_names() {
            let formulas = book.worksheet_formula(&name).unwrap();
            assert!(formulas.cells().all(|(_, _, formula)| formula.is_empty()), "{name}");
        }
        let facts = book.worksheet_range("Rapport de service").unwrap();
        assert_eq!(facts.get_value((3, 1)), Some(&Data::Float(1_234.0)));
        assert_eq!(facts.get_value((4, 1)), Some(&Data::Float(0.125)));
        let rows = book.worksheet_range("Campagnes").unwrap();
        assert_eq!(rows.height(), 301);
        assert_eq!(
            rows.get((1, 0)),
            Some(&Data::String("=HYPERLINK(\"http://evil\";\"x\")".into()))
        );
        assert_eq!(rows.get((1, 1)), Some(&Data::Float(4.2)));
        let Some(Data::DateTime(lasted)) = rows.get((1, 2)) else {
            panic!("{:?}", rows.get((1, 2)))
        };
        assert!((lasted.as_f64() - 245.0 / 86_400.0).abs() < 1e-9);
    }

    #[test]
    fn names_of_sheets_are_what_spreadsheets_take() {
        assert_eq!(
            sheet_name("Messages / quart d'heure [1]"),
            "Messages   quart d heure  1"
        );
        assert_eq!(sheet_name(&"é".repeat(40)).chars().count(), 31);
    }

    #[test]
    fn cells_without_a_value_stay_empty() {
        let mut document = sample();
        document.sections[1].table.rows = vec![vec![Cell::Empty, Cell::Empty, Cell::Empty]];
        assert!(write(&document).is_ok());
        document.sections[1].table.rows.clear();
        assert!(write(&document).is_ok());
    }
}
