//! The report as a workbook: Synthèse, Destinataires, Appels. Texts are written as texts, never as formulas; dates,
//! durations and prices are numbers with a format, so that a spreadsheet can sort and add them.

use rust_xlsxwriter::{
    Chart, ChartType, Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet,
    XlsxError,
};

use jiff::tz::TimeZone;

use super::{Cell, Count, Report, Table, civil};

/// What every sheet of a workbook shares.
pub(super) struct Frame<'a> {
    /// Name of the organisation.
    pub(super) organisation: &'a str,
    /// Title of the workbook.
    pub(super) title: &'a str,
    /// Zone in which times are shown.
    pub(super) zone: &'a TimeZone,
}

impl Report {
    fn frame(&self) -> Frame<'_> {
        Frame {
            organisation: &self.organisation,
            title: &self.title,
            zone: &self.zone,
        }
    }
}

pub(super) struct Formats {
    pub(super) title: Format,
    pub(super) head: Format,
    pub(super) label: Format,
    pub(super) text: Format,
    pub(super) count: Format,
    seconds: Format,
    lasting: Format,
    time: Format,
    euros: Format,
    percent: Format,
}

impl Formats {
    pub(super) fn new() -> Formats {
        let base = || Format::new().set_font_name("Calibri").set_align(FormatAlign::Top);
        Formats {
            title: base().set_bold().set_font_size(16),
            head: base()
                .set_bold()
                .set_background_color(Color::RGB(0x1F_3A_5F))
                .set_font_color(Color::White)
                .set_border(FormatBorder::Thin)
                .set_text_wrap(),
            label: base().set_bold(),
            text: base().set_text_wrap(),
            count: base().set_num_format("#,##0"),
            seconds: base().set_num_format("#,##0.0"),
            lasting: base().set_num_format("[h]:mm:ss"),
            time: base()
                .set_num_format("dd/mm/yyyy hh:mm:ss")
                .set_align(FormatAlign::Left),
            euros: base().set_num_format("#,##0.00##\\ \"€\""),
            percent: base().set_num_format("0.0#\\ %"),
        }
    }
}

/// Writes the workbook.
pub(crate) fn write(report: &Report) -> Result<Vec<u8>, XlsxError> {
    let formats = Formats::new();
    let mut workbook = workbook(&report.frame());
    summary(workbook.add_worksheet(), report, &formats)?;
    let labels = &report.labels;
    table(
        workbook.add_worksheet(),
        &labels.recipients,
        &report.recipients,
        &report.frame(),
        &formats,
    )?;
    table(
        workbook.add_worksheet(),
        &labels.attempts,
        &report.attempts,
        &report.frame(),
        &formats,
    )?;
    workbook.save_to_buffer()
}

/// Writes a workbook of plain tables, one sheet each under its name.
pub(super) fn write_tables(frame: &Frame<'_>, tables: &[(String, Table)]) -> Result<Vec<u8>, XlsxError> {
    let formats = Formats::new();
    let mut workbook = workbook(frame);
    for (name, rows) in tables {
        table(workbook.add_worksheet(), name, rows, frame, &formats)?;
    }
    workbook.save_to_buffer()
}

fn workbook(frame: &Frame<'_>) -> Workbook {
    let mut workbook = Workbook::new();
    workbook.set_properties(
        &DocProperties::new()
            .set_title(frame.title)
            .set_company(frame.organisation)
            .set_author(frame.organisation),
    );
    workbook
}

fn summary(sheet: &mut Worksheet, report: &Report, formats: &Formats) -> Result<(), XlsxError> {
    let labels = &report.labels;
    page(sheet, &labels.summary, &report.frame())?;
    sheet
        .set_column_width(0, 34)?
        .set_column_width(1, 22)?
        .set_column_width(2, 12)?;
    sheet.write_string_with_format(0, 0, &report.title, &formats.title)?;
    sheet.write_string_with_format(
        1,
        0,
        format!("{} – {}", labels.heading, report.organisation),
        &formats.label,
    )?;
    let mut row = 3;
    for fact in &report.facts {
        sheet.write_string_with_format(row, 0, &fact.label, &formats.label)?;
        cell(sheet, row, 1, &fact.value, &report.frame(), formats)?;
        row += 1;
    }
    sheet.write_string_with_format(row, 0, &labels.message, &formats.label)?;
    sheet.merge_range(row, 1, row, 6, &report.message, &formats.text)?;
    sheet.set_row_height(row, 15.0 * (report.message.chars().count() / 80 + 1).min(20) as f64)?;
    row += 2;
    let results = counts(sheet, row, &labels.results, &report.counts, report, formats)?;
    if results.1 > results.0 {
        let mut chart = Chart::new(ChartType::Bar);
        let name = labels.summary.as_str();
        chart
            .add_series()
            .set_categories((name, results.0, 0, results.1 - 1, 0))
            .set_values((name, results.0, 1, results.1 - 1, 1))
            .set_name(&labels.recipients);
        chart.title().set_name(&labels.results);
        chart.legend().set_hidden();
        chart.y_axis().set_reverse();
        chart.set_width(520).set_height(280);
        sheet.insert_chart(row, 4, &chart)?;
    }
    counts(sheet, results.1 + 2, &labels.causes, &report.causes, report, formats)?;
    Ok(())
}

/// A table of counts with its total; returns the first row of counts and the row of the total.
fn counts(
    sheet: &mut Worksheet,
    top: u32,
    title: &str,
    counts: &[Count],
    report: &Report,
    formats: &Formats,
) -> Result<(u32, u32), XlsxError> {
    let total: u64 = counts.iter().map(|count| count.value).sum();
    for (column, text) in [title, &report.labels.number, &report.labels.share]
        .into_iter()
        .enumerate()
    {
        sheet.write_string_with_format(top, u16::try_from(column).unwrap_or_default(), text, &formats.head)?;
    }
    let mut row = top + 1;
    for count in counts {
        sheet.write_string_with_format(row, 0, &count.label, &formats.text)?;
        sheet.write_number_with_format(row, 1, count.value as f64, &formats.count)?;
        if total > 0 {
            sheet.write_number_with_format(row, 2, count.value as f64 / total as f64, &formats.percent)?;
        }
        row += 1;
    }
    sheet.write_string_with_format(row, 0, &report.labels.total, &formats.label)?;
    sheet.write_number_with_format(row, 1, total as f64, &formats.count)?;
    Ok((top + 1, row))
}

fn table(
    sheet: &mut Worksheet,
    name: &str,
    table: &Table,
    frame: &Frame<'_>,
    formats: &Formats,
) -> Result<(), XlsxError> {
    page(sheet, name, frame)?;
    sheet.set_freeze_panes(1, 0)?.set_repeat_rows(0, 0)?;
    for (index, column) in table.columns.iter().enumerate() {
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        sheet.set_column_width(index, column.width)?;
        sheet.write_string_with_format(0, index, &column.label, &formats.head)?;
    }
    // A sheet ends at row 1,048,576; a campaign has at most a tenth of that.
    for (row, cells) in (1..1_048_576).zip(&table.rows) {
        for (column, value) in (0..).zip(cells) {
            cell(sheet, row, column, value, frame, formats)?;
        }
    }
    if let (Some(last), false) = (
        u16::try_from(table.columns.len()).ok().and_then(|n| n.checked_sub(1)),
        table.rows.is_empty(),
    ) {
        sheet.autofilter(
            0,
            0,
            u32::try_from(table.rows.len()).unwrap_or(u32::MAX).min(1_048_575),
            last,
        )?;
    }
    Ok(())
}

fn page(sheet: &mut Worksheet, name: &str, frame: &Frame<'_>) -> Result<(), XlsxError> {
    sheet.set_name(name)?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    sheet.set_footer(format!(
        "&L{}&C{}&R&P / &N",
        header_text(frame.organisation),
        header_text(frame.title)
    ));
    Ok(())
}

/// In headers and footers `&` begins a code.
pub(super) fn header_text(text: &str) -> String {
    text.chars().take(60).collect::<String>().replace('&', "&&")
}

/// Writes one value as what it is.
pub(super) fn cell(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    value: &Cell,
    frame: &Frame<'_>,
    formats: &Formats,
) -> Result<(), XlsxError> {
    match value {
        Cell::Empty => return Ok(()),
        // A cell holds at most 32,767 characters.
        Cell::Text(text) if text.len() > 32_000 => {
            sheet.write_string_with_format(row, column, text.chars().take(8000).collect::<String>(), &formats.text)?
        }
        Cell::Text(text) => sheet.write_string_with_format(row, column, text, &formats.text)?,
        Cell::Count(count) => sheet.write_number_with_format(row, column, *count as f64, &formats.count)?,
        Cell::Millis(millis) => sheet.write_number_with_format(row, column, *millis as f64 / 1e3, &formats.seconds)?,
        Cell::Micros(micros) => sheet.write_number_with_format(row, column, *micros as f64 / 1e6, &formats.euros)?,
        Cell::Ratio(millionths) => {
            sheet.write_number_with_format(row, column, *millionths as f64 / 1e6, &formats.percent)?
        }
        // Spreadsheets count time in days.
        Cell::Lasting(millis) => {
            sheet.write_number_with_format(row, column, *millis as f64 / 86_400_000.0, &formats.lasting)?
        }
        Cell::Time(utc_ms) => {
            let at = civil(*utc_ms, frame.zone);
            let part = |number: i8| u8::try_from(number).unwrap_or_default();
            let date = ExcelDateTime::from_ymd(
                u16::try_from(at.year()).unwrap_or(1900),
                part(at.month()),
                part(at.day()),
            )?;
            let date = date.and_hms(
                u16::from(part(at.hour())),
                part(at.minute()),
                f64::from(part(at.second())),
            )?;
            sheet.write_datetime_with_format(row, column, &date, &formats.time)?
        }
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;
    use calamine::{Data, Reader, Xlsx};
    use std::io::Cursor;

    #[test]
    fn another_program_reads_three_sheets_with_values_and_no_formula() {
        let bytes = write(&sample()).unwrap();
        let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).unwrap();
        assert_eq!(book.sheet_names(), ["Synthèse", "Destinataires", "Appels"]);
        for name in book.sheet_names() {
            let formulas = book.worksheet_formula(&name).unwrap();
            assert!(formulas.cells().all(|(_, _, formula)| formula.is_empty()), "{name}");
        }
        let people = book.worksheet_range("Destinataires").unwrap();
        assert_eq!(people.height(), 4);
        assert_eq!(
            people.get((2, 0)),
            Some(&Data::String("=HYPERLINK(\"http://evil\";\"x\")".into()))
        );
        let Some(Data::DateTime(at)) = people.get((1, 1)) else {
            panic!("{:?}", people.get((1, 1)))
        };
        assert!((at.as_f64() - 46_351.083_68).abs() < 1e-4, "{}", at.as_f64());
        let calls = book.worksheet_range("Appels").unwrap();
        assert_eq!(calls.get((1, 0)), Some(&Data::String("01 99 00 12 34".into())));
        assert_eq!(calls.get((1, 1)), Some(&Data::Float(12.5)));
        let summary = book.worksheet_range("Synthèse").unwrap();
        let found = summary
            .rows()
            .find(|row| row[0] == Data::String("Confirmés".into()))
            .unwrap();
        assert_eq!(found[1], Data::Float(2.0));
    }
}
