//! Recipients as files for spreadsheet programs. No cell is ever taken for a formula, and every file is one that
//! [`crate::import`] reads back.

use std::borrow::Cow;
use std::io::{Cursor, Write};

use rust_xlsxwriter::{Format, Workbook, XlsxError};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::import::uses::Used;
use crate::{Directory, Kind, Recipient};

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// More rows than a sheet can hold (1,048,576).
    #[error("a sheet cannot hold {0} rows")]
    TooManyRows(usize),
    /// The writer of workbooks refused.
    #[error("the workbook could not be written: {0}")]
    Workbook(#[from] XlsxError),
    /// The archive could not be written.
    #[error("the archive could not be written: {0}")]
    Archive(#[from] zip::result::ZipError),
    /// Writing failed.
    #[error("writing failed: {0}")]
    Io(#[from] std::io::Error),
}

const HEADERS: [&str; 16] = [
    "Identifiant",
    "Nom",
    "Prénom",
    "Fonction",
    "Domaine",
    "Code INSEE",
    "Commune",
    "Téléphone 1",
    "Usage 1",
    "Téléphone 2",
    "Usage 2",
    "Téléphone 3",
    "Usage 3",
    "E-mail",
    "Langue",
    "Groupes",
];

const MAX_ROWS: usize = 1_048_576;

/// The cells of a recipient, as many as there are headers.
fn cells<'a>(recipient: &'a Recipient, directory: &'a Directory) -> Vec<Cow<'a, str>> {
    let commune = recipient.commune.and_then(|insee| directory.gazetteer().get(insee));
    let number = |place: usize| -> Cow<'a, str> {
        let Some(number) = recipient.numbers.get(place) else {
            return "".into();
        };
        // A leading plus would start a formula, and lose itself.
        match number.e164.kind() {
            Kind::Foreign => number.e164.dialled_from_france().into(),
            _ if number.e164.to_string().starts_with('+') => number.e164.dialled_from_france().into(),
            _ => number.e164.to_string().into(),
        }
    };
    let used = |place: usize| -> Cow<'a, str> { recipient.numbers.get(place).map_or("", Used::written).into() };
    vec![
        recipient.key.as_str().into(),
        recipient.name.as_str().into(),
        recipient.first_name.as_str().into(),
        recipient.function.as_str().into(),
        recipient.domain.as_str().into(),
        recipient
            .commune
            .map(|insee| insee.to_string())
            .unwrap_or_default()
            .into(),
        commune.map_or("", |commune| commune.name.as_str()).into(),
        number(0),
        used(0),
        number(1),
        used(1),
        number(2),
        used(2),
        recipient.email.as_deref().unwrap_or_default().into(),
        recipient.language.code().into(),
        recipient.groups.join(", ").into(),
    ]
}

/// An `.xlsx` workbook. All cells are typed as text, so that none is a formula and no leading zero is lost.
pub fn xlsx<R: AsRef<Recipient>>(recipients: &[R], directory: &Directory) -> Result<Vec<u8>, ExportError> {
    check(recipients.len())?;
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name("Destinataires")?;
    let text = Format::new().set_num_format("@");
    let bold = Format::new().set_bold();
    for (column, header) in (0u16..).zip(HEADERS) {
        sheet.write_string_with_format(0, column, header, &bold)?;
    }
    for (row, recipient) in (1u32..).zip(recipients) {
        for (column, cell) in (0u16..).zip(cells(recipient.as_ref(), directory)) {
            if !cell.is_empty() {
                sheet.write_string_with_format(row, column, &*cut(&cell), &text)?;
            }
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    sheet.autofit();
    Ok(workbook.save_to_buffer()?)
}

/// A `.csv` file for French spreadsheet programs: UTF-8 with its mark, semicolons, CRLF.
pub fn csv<R: AsRef<Recipient>>(recipients: &[R], directory: &Directory) -> Result<Vec<u8>, ExportError> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    let record =
        |cells: Vec<Cow<'_, str>>| -> Vec<String> { cells.iter().map(|cell| harmless(cell).into_owned()).collect() };
    writer.write_record(HEADERS).map_err(std::io::Error::from)?;
    for recipient in recipients {
        writer
            .write_record(record(cells(recipient.as_ref(), directory)))
            .map_err(std::io::Error::from)?;
    }
    writer.into_inner().map_err(|error| ExportError::Io(error.into_error()))
}

/// An `.ods` spreadsheet (OASIS ODF 1.3). All cells are strings.
pub fn ods<R: AsRef<Recipient>>(recipients: &[R], directory: &Directory) -> Result<Vec<u8>, ExportError> {
    check(recipients.len())?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // ODF part 2, §3.3: the type comes first and is not compressed.
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file("mimetype", stored)?;
    zip.write_all(b"application/vnd.oasis.opendocument.spreadsheet")?;
    zip.start_file("META-INF/manifest.xml", packed)?;
    zip.write_all(MANIFEST.as_bytes())?;
    zip.start_file("content.xml", packed)?;
    zip.write_all(CONTENT_HEAD.as_bytes())?;
    write_ods_row(&mut zip, HEADERS.into_iter().map(Cow::Borrowed))?;
    for recipient in recipients {
        write_ods_row(&mut zip, cells(recipient.as_ref(), directory).into_iter())?;
    }
    zip.write_all(b"</table:table></office:spreadsheet></office:body></office:document-content>")?;
    Ok(zip.finish()?.into_inner())
}

const MANIFEST: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>"#,
    r#"<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">"#,
    r#"<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>"#,
    r#"<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>"#,
    r#"</manifest:manifest>"#
);

const CONTENT_HEAD: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>"#,
    r#"<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0""#,
    r#" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0""#,
    r#" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.3">"#,
    r#"<office:body><office:spreadsheet><table:table table:name="Destinataires">"#
);

fn write_ods_row<'a>(out: &mut impl Write, cells: impl Iterator<Item = Cow<'a, str>>) -> std::io::Result<()> {
    out.write_all(b"<table:table-row>")?;
    for cell in cells {
        if cell.is_empty() {
            out.write_all(b"<table:table-cell/>")?;
            continue;
        }
        out.write_all(b"<table:table-cell office:value-type=\"string\">")?;
        for line in cut(&cell).lines() {
            // Characters that XML 1.0 cannot hold at all.
            let line: String = line
                .chars()
                .filter(|c| *c == '\t' || (*c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}')))
                .collect();
            write!(out, "<text:p>{}</text:p>", quick_xml::escape::escape(&line))?;
        }
        out.write_all(b"</table:table-cell>")?;
    }
    out.write_all(b"</table:table-row>")
}

/// A text that no spreadsheet program takes for a formula when it opens a `.csv` file: where it would be, an
/// apostrophe leads, which [`crate::import`] takes off again.
pub fn harmless(text: &str) -> Cow<'_, str> {
    // Blanks before the sign are skipped by some programs; tab and carriage return start formulas in others.
    let trimmed = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    let starts = |text: &str| text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '\'']);
    if starts(text) || starts(trimmed) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

/// The most characters that a cell of a workbook holds.
fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(32_000) {
        Some((end, _)) => text[..end].into(),
        None => text.into(),
    }
}

fn check(rows: usize) -> Result<(), ExportError> {
    if rows < MAX_ROWS {
        Ok(())
    } else {
        Err(ExportError::TooManyRows(rows))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::import::{self, Options};
    use crate::{E164, Gazetteer, Language, PhoneNumber};

    fn recipients() -> Vec<Arc<Recipient>> {
        let number = |text: &str| PhoneNumber::new(E164::parse(text).unwrap());
        let base = Recipient {
            key: "80021-1".into(),
            name: "L'Étoile <& \"fils\">".into(),
            first_name: "Zoé".into(),
            function: "Maire".into(),
            domain: "Élus".into(),
            commune: Gazetteer::somme().find("Amiens").ok().map(|commune| commune.insee),
            numbers: vec![
                number("0199000001"),
                PhoneNumber {
                    voice: false,
                    ..number("06 39 98 00 01")
                },
                PhoneNumber {
                    voice: false,
                    sms: false,
                    ..number("+32 2 555 12 34")
                },
            ],
            email: Some("zoe@amiens.example".into()),
            language: Language::ENGLISH,
            groups: vec!["Crue".into(), "Neige".into()],
            ..Recipient::default()
        };
        let hostile = ["=HYPERLINK(\"http://x\")", "+33", "-2+3", "@SUM(A1)", "'=1", "'quoted"];
        let hostile = hostile.iter().enumerate().map(|(n, name)| Recipient {
            key: format!("k{n}"),
            name: (*name).into(),
            numbers: vec![number("0262 12 34 56")],
            ..Recipient::default()
        });
        std::iter::once(base).chain(hostile).map(Arc::new).collect()
    }

    #[test]
    fn every_export_is_read_back_as_it_was() {
        let people = recipients();
        let directory = Directory::empty();
        let files = [
            ("a.xlsx", xlsx(&people, &directory).unwrap()),
            ("a.ods", ods(&people, &directory).unwrap()),
            ("a.csv", csv(&people, &directory).unwrap()),
        ];
        for (name, bytes) in files {
            let import = import::read(&bytes, name, &Options::default(), &directory).unwrap();
            assert_eq!(import.problems, [], "{name}");
            let read: Vec<Recipient> = import.rows.into_iter().map(|row| row.recipient).collect();
            let expected: Vec<Recipient> = people.iter().map(|recipient| Recipient::clone(recipient)).collect();
            assert_eq!(read, expected, "{name}");
        }
    }

    #[test]
    fn no_cell_of_a_csv_file_starts_a_formula() {
        let bytes = csv(&recipients(), &Directory::empty()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with('\u{feff}'));
        for record in csv::ReaderBuilder::new()
            .delimiter(b';')
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes())
            .records()
        {
            for cell in &record.unwrap() {
                assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{cell}");
            }
        }
        for (text, expected) in [
            (" =1", "' =1"),
            ("\t=1", "'\t=1"),
            ("＝1", "'＝1"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(harmless(text), expected);
        }
    }
}
