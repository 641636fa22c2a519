use std::io::Write;

use proptest::prelude::*;
use rust_xlsxwriter::{Format, Formula, Workbook};
use zip::write::SimpleFileOptions;

use super::*;
use crate::E164;

fn csv(text: &str) -> Import {
    read_csv(text.as_bytes()).unwrap()
}

fn read_csv(bytes: &[u8]) -> Result<Import, ImportError> {
    read(bytes, "a.csv", &Options::default(), &Directory::empty())
}

fn read_book(workbook: &mut Workbook) -> Import {
    let bytes = workbook.save_to_buffer().unwrap();
    read(&bytes, "a.xlsx", &Options::default(), &Directory::empty()).unwrap()
}

fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        r#"<?xml version="1.0"?><office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:body>
        <office:spreadsheet><table:table table:name="Maires">{rows}</table:table></office:spreadsheet></office:body>
        </office:document-content>"#
    );
    let mime = b"application/vnd.oasis.opendocument.spreadsheet";
    archive(&[("mimetype", mime), ("content.xml", content.as_bytes())])
}

fn cell(text: &str) -> String {
    format!(r#"<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>"#)
}

fn row(cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|text| cell(text)).collect();
    format!("<table:table-row>{cells}</table:table-row>")
}

/// Line, reason, and whether the row was left out.
fn listed(import: &Import) -> Vec<(usize, Reason, bool)> {
    import
        .problems
        .iter()
        .map(|problem| (problem.line, problem.reason.clone(), problem.is_rejected))
        .collect()
}

fn lines(import: &Import) -> Vec<usize> {
    import.rows.iter().map(|row| row.line).collect()
}

fn numbers(import: &Import, row: usize) -> Vec<String> {
    import.rows[row]
        .recipient
        .numbers
        .iter()
        .map(|number| number.e164.to_string())
        .collect()
}

fn number(error: NumberError) -> Reason {
    Reason::Number(NumberReason(error))
}

fn assert_complete(import: &Import) {
    assert_eq!(
        import.rows.len() + import.rejected(),
        import.total,
        "{:?}",
        import.problems
    );
}

#[test]
fn every_row_of_a_bad_file_is_read_or_listed_with_its_line_and_reason() {
    let import = csv("Nom;Prénom;Commune;Tél 1;Tél 2;E-mail\n\
        Martin;Jeanne;Amiens;01 99 00 00 01;06 39 98 00 01;jeanne@amiens.example\n\
        Petit;;Abbeville;112;;\n\
        \n\
        ;;;;;\n\
        Durand;;Péronne;01 99 00 00 03;12 34;\n\
        MARTIN;JEANNE;AMIENS;01 99 00 00 09;;\n\
        ;;Amiens;01 99 00 00 04;;\n\
        Lenoir;;Atlantide;199000005;;\n\
        Blanc;;Amiens;;;pas une adresse\n\
        Roux;;Amiens;;;roux@amiens.example;en trop\n\
        Vert;;Amiens\n\
        Bleu;;Amiens;#REF!;\n");
    assert_eq!(lines(&import), [2, 6, 9, 11]);
    assert_eq!(
        listed(&import),
        [
            (3, number(NumberError::Short), true),
            (4, Reason::EmptyRow, true),
            (6, number(NumberError::Short), false),
            (7, Reason::Duplicate { line: 2 }, true),
            (8, Reason::NoName, true),
            (9, Reason::UnknownCommune, false),
            (10, Reason::Email, true),
            (11, Reason::NoHeader, false),
            (12, Reason::NoContact, true),
            (13, number(NumberError::Character('#')), true),
        ]
    );
    assert_eq!(import.total, 12);
    assert_complete(&import);
    assert_eq!((import.problems[1].line, import.problems[1].last_line), (4, 5));
    assert_eq!(
        (import.problems[0].column.as_str(), import.problems[0].value.as_str()),
        ("D (Tél 1)", "112")
    );
    assert_eq!(numbers(&import, 0), ["01 99 00 00 01", "06 39 98 00 01"]);
    assert_eq!(numbers(&import, 2), ["01 99 00 00 05"]);
    assert_eq!(import.rows[2].recipient.commune, None);
    assert_eq!(import.rows[2].unread, [Role::Commune]);
}

#[test]
fn numbers_kept_as_numbers_formulas_and_errors_of_a_workbook_are_told_apart() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, header) in ["Nom", "Téléphone", "Mobile", "Fonction"].iter().enumerate() {
        sheet.write_string(0, column as u16, *header).unwrap();
    }
    let names = ["Zéro perdu", "Formule", "Pas calculé", "Erreur", "Plus perdu", "Coupé"];
    for (row, name) in (1u32..).zip(names) {
        sheet.write_string(row, 0, name).unwrap();
        sheet.write_number(row, 2, 639_980_000.0 + f64::from(row)).unwrap();
    }
    sheet.write_number(1, 1, 199_001_234.0).unwrap();
    sheet
        .write_formula(2, 1, Formula::new("=\"01\"&\"99001235\"").set_result("0199001235"))
        .unwrap();
    // Programs that do not calculate save 0 as the value.
    sheet.write_formula(3, 1, Formula::new("=A1")).unwrap();
    sheet
        .write_formula(4, 1, Formula::new("=1/0").set_result("#DIV/0!"))
        .unwrap();
    sheet.write_number(5, 1, 33_199_001_236.0).unwrap();
    sheet.write_string(6, 1, "1,99E+08").unwrap();
    let import = read_book(&mut workbook);
    assert_eq!(lines(&import), [2, 3, 4, 5, 6, 7]);
    assert_eq!(numbers(&import, 0), ["01 99 00 12 34", "06 39 98 00 01"]);
    assert_eq!(numbers(&import, 1), ["01 99 00 12 35", "06 39 98 00 02"]);
    assert_eq!(numbers(&import, 4), ["01 99 00 12 36", "06 39 98 00 05"]);
    assert_eq!(
        listed(&import),
        [
            (4, number(NumberError::Short), false),
            (5, Reason::CellError, false),
            (7, number(NumberError::Shortened), false)
        ]
    );
    assert_complete(&import);
}

/// A workbook of the old binary format (BIFF8), made with xlwt: a title above, a first column that is empty, a merged
/// commune, numbers kept as numbers.
#[test]
fn an_old_workbook_is_read_like_a_new_one() {
    let bytes = include_bytes!("../tests/maires.xls");
    let import = read(bytes, "maires.xls", &Options::default(), &Directory::empty()).unwrap();
    assert_eq!((import.sheet.as_str(), import.header_line), ("Maires", 3));
    assert_eq!(import.other_sheets, ["Lisez-moi"]);
    assert_eq!(lines(&import), [4, 5, 6]);
    assert_eq!(import.rows[0].recipient.name, "Œuvrard");
    assert_eq!(numbers(&import, 0), ["01 99 00 00 01", "06 39 98 00 01"]);
    let uses: Vec<_> = import.rows[0]
        .recipient
        .numbers
        .iter()
        .map(|number| (number.voice, number.sms))
        .collect();
    assert_eq!(uses, [(true, false), (false, true)]);
    assert_eq!(numbers(&import, 2), ["06 39 98 00 03"]);
    let communes: Vec<_> = import
        .rows
        .iter()
        .map(|row| row.recipient.commune.unwrap().to_string())
        .collect();
    assert_eq!(communes, ["80021", "80021", "80001"]);
    assert_eq!(
        listed(&import),
        [(1, Reason::AboveHeader, false), (6, number(NumberError::Short), false)]
    );
    assert_complete(&import);
}

#[test]
fn cells_merged_downwards_count_for_each_of_their_rows() {
    let mut workbook = Workbook::new();
    let format = Format::new();
    let sheet = workbook.add_worksheet();
    sheet.merge_range(0, 0, 0, 2, "Annuaire des maires", &format).unwrap();
    for (column, header) in ["Commune", "Nom", "Téléphone"].iter().enumerate() {
        sheet.write_string(2, column as u16, *header).unwrap();
    }
    sheet.merge_range(3, 0, 5, 0, "Amiens", &format).unwrap();
    for row in 3..7 {
        sheet.write_string(row, 1, format!("Élu {row}")).unwrap();
        sheet.write_string(row, 2, format!("01 99 00 00 0{row}")).unwrap();
    }
    let import = read_book(&mut workbook);
    assert_eq!(import.header_line, 3);
    assert_eq!(lines(&import), [4, 5, 6, 7]);
    let communes: Vec<bool> = import.rows.iter().map(|row| row.recipient.commune.is_some()).collect();
    assert_eq!(communes, [true, true, true, false]);
    assert_eq!(listed(&import), [(1, Reason::AboveHeader, false)]);
    assert_complete(&import);
}

#[test]
fn the_sheet_with_telephone_numbers_is_found_and_others_are_named() {
    let mut workbook = Workbook::new();
    workbook
        .add_worksheet()
        .set_name("Lisez-moi")
        .unwrap()
        .write_string(0, 0, "À jour au 1er mai")
        .unwrap();
    workbook.add_worksheet().set_name("Vide").unwrap();
    let sheet = workbook.add_worksheet().set_name("Maires").unwrap();
    for (row, cells) in [["Nom", "Tél"], ["Martin", "0199000001"]].iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            sheet.write_string(row as u32, column as u16, *cell).unwrap();
        }
    }
    let bytes = workbook.save_to_buffer().unwrap();
    let directory = Directory::empty();
    let import = read(&bytes, "a.xlsx", &Options::default(), &directory).unwrap();
    assert_eq!(
        (import.sheet.as_str(), import.other_sheets.as_slice()),
        ("Maires", ["Lisez-moi".to_owned()].as_slice())
    );
    let options = Options {
        sheet: Some("Adjoints".into()),
        ..Options::default()
    };
    assert!(
        matches!(read(&bytes, "a.xlsx", &options, &directory), Err(ImportError::NoSuchSheet { sheets, .. }) if sheets.len() == 2)
    );
}

#[test]
fn an_opendocument_spreadsheet_is_read_with_its_repeats_spans_and_comments() {
    let merged = r#"<table:table-cell office:value-type="string" table:number-rows-spanned="2"><text:p>Amiens</text:p></table:table-cell>"#;
    let comment = r#"<table:table-cell office:value-type="string"><office:annotation><text:p>à vérifier</text:p></office:annotation><text:p>01<text:s/>99 00 00<text:s text:c="2"/>01</text:p></table:table-cell>"#;
    let float = r#"<table:table-cell office:value-type="float" office:value="199000002"><text:p>199 000 002</text:p></table:table-cell>"#;
    let formula = r#"<table:table-cell table:formula="of:=[.A1]" office:value-type="string" office:string-value=""><text:p>#REF!</text:p></table:table-cell>"#;
    let rows = [
        row(&["Commune", "Nom", "Téléphone"]),
        format!("<table:table-row>{merged}{}{comment}</table:table-row>", cell("Martin &amp; fils")),
        format!("<table:table-row><table:covered-table-cell/>{}{float}</table:table-row>", cell("Petit")),
        r#"<table:table-row table:number-rows-repeated="3"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>"#.into(),
        format!("<table:table-row>{}{}{formula}</table:table-row>", cell("Amiens"), cell("Durand")),
        format!(r#"<table:table-row>{}{}<table:table-cell table:formula="of:=[.A1]"/></table:table-row>"#, cell("Amiens"), cell("Noir")),
        r#"<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>"#.into(),
    ];
    let import = read(&ods(&rows.concat()), "a.ods", &Options::default(), &Directory::empty()).unwrap();
    assert_eq!(import.sheet, "Maires");
    assert_eq!(lines(&import), [2, 3]);
    assert_eq!(import.rows[0].recipient.name, "Martin & fils");
    assert_eq!(
        (numbers(&import, 0), numbers(&import, 1)),
        (vec!["01 99 00 00 01".into()], vec!["01 99 00 00 02".into()])
    );
    assert!(import.rows.iter().all(|row| row.recipient.commune.is_some()));
    assert_eq!(
        listed(&import),
        [
            (4, Reason::EmptyRow, true),
            (7, Reason::CellError, true),
            (8, Reason::Formula, true)
        ]
    );
    assert_complete(&import);
}

#[test]
fn files_that_are_no_spreadsheets_are_refused_by_what_they_are() {
    let wrong = |bytes: &[u8]| match read_csv(bytes) {
        Err(ImportError::WrongType { found }) => found,
        other => panic!("{other:?}"),
    };
    for (bytes, found) in [
        (b"%PDF-1.7 ...".as_slice(), "a PDF document"),
        (b"\x89PNG\r\n\x1a\n".as_slice(), "an image (PNG)"),
        (b"<!DOCTYPE html><html>".as_slice(), "a web page or XML document"),
        (b"\x7fELF\x02\x01\x01".as_slice(), "a program"),
        (b"\x01\x02\x03\x04 a b c \x05".as_slice(), "a binary file"),
        (&archive(&[("word/document.xml", b"<w/>")]), "a Word document"),
        (&archive(&[("photo.jpg", b"x")]), "a zip archive"),
        (
            &archive(&[
                ("mimetype", b"application/vnd.oasis.opendocument.text"),
                ("content.xml", b"<a/>"),
            ]),
            "an OpenDocument text or drawing",
        ),
    ] {
        assert_eq!(wrong(bytes), found);
    }
    assert_eq!(read_csv(b"").err(), Some(ImportError::Empty));
    assert_eq!(read_csv(b" \r\n\n").err(), Some(ImportError::Empty));
    assert_eq!(read_csv(b";;;\n;;\n").err(), Some(ImportError::Empty));
    let headers = vec!["Nom".to_owned(), "Fonction".into()];
    assert_eq!(
        read_csv(b"Nom;Fonction\nMartin;Maire\n").err(),
        Some(ImportError::MissingColumns { headers })
    );
    let encrypted = b"<manifest:encryption-data/>";
    let mime = b"application/vnd.oasis.opendocument.spreadsheet";
    let protected = archive(&[
        ("mimetype", mime),
        ("META-INF/manifest.xml", encrypted),
        ("content.xml", b"\x01\x02"),
    ]);
    assert_eq!(read_csv(&protected).err(), Some(ImportError::Protected));
    for damaged in [
        archive(&[("xl/workbook.xml", b"<x")]),
        archive(&[("mimetype", mime), ("content.xml", b"<a><b></a>")]),
        b"PK\x03\x04 broken".to_vec(),
    ] {
        assert!(
            matches!(read_csv(&damaged), Err(ImportError::Damaged(_) | ImportError::Empty)),
            "{:?}",
            read_csv(&damaged)
        );
    }
    let mut half = Workbook::new();
    half.add_worksheet().write_string(0, 0, "Tél").unwrap();
    let bytes = half.save_to_buffer().unwrap();
    assert!(matches!(
        read_csv(&bytes[..bytes.len() / 2]),
        Err(ImportError::Damaged(_))
    ));
    let ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1W\0o\0r\0k\0b\0o\0o\0k\0 garbage";
    assert!(matches!(read_csv(ole), Err(ImportError::Damaged(_))));
}

#[test]
fn files_beyond_the_limits_are_refused_before_they_fill_the_memory() {
    let small = Limits {
        bytes: 100_000,
        unpacked: 1_000_000,
        rows: 50,
        columns: 10,
    };
    let options = Options {
        limits: small,
        ..Options::default()
    };
    let directory = Directory::empty();
    let refusal = |bytes: &[u8]| read(bytes, "a", &options, &directory).err();
    assert_eq!(
        refusal(&vec![b'a'; 100_001]),
        Some(ImportError::TooLarge {
            bytes: 100_001,
            limit: 100_000
        })
    );
    let zeros = vec![b' '; 2_000_000];
    let mime = b"application/vnd.oasis.opendocument.spreadsheet";
    let bombs = [
        archive(&[("xl/worksheets/sheet1.xml", &zeros)]),
        archive(&[("mimetype", mime), ("content.xml", &zeros)]),
    ];
    for bomb in bombs {
        assert!(bomb.len() < 10_000);
        assert_eq!(refusal(&bomb), Some(ImportError::Bomb { limit: 1_000_000 }));
    }
    let many = format!("Nom;Tél\n{}", "M;0199000001\n".repeat(80));
    assert_eq!(refusal(many.as_bytes()), Some(ImportError::TooManyRows { limit: 50 }));
    let wide = "Tél;".repeat(11);
    assert_eq!(
        refusal(wide.as_bytes()),
        Some(ImportError::TooManyColumns { limit: 10 })
    );
    let repeated = format!(
        r#"<table:table-row table:number-rows-repeated="1048576">{}</table:table-row>"#,
        cell("Tél")
    );
    assert_eq!(refusal(&ods(&repeated)), Some(ImportError::TooManyRows { limit: 50 }));
    let repeated = r#"<table:table-row><table:table-cell office:value-type="string" table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell></table:table-row>"#;
    assert_eq!(refusal(&ods(repeated)), Some(ImportError::TooManyColumns { limit: 10 }));
}

#[test]
fn two_far_corners_of_a_sheet_cost_two_cells() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, text) in ["Nom", "Tél"].iter().enumerate() {
        sheet.write_string(0, column as u16, *text).unwrap();
        sheet
            .write_string(
                1_048_575,
                column as u16,
                if column == 0 { "Martin" } else { "0199000001" },
            )
            .unwrap();
    }
    let import = read_book(&mut workbook);
    assert_eq!(lines(&import), [1_048_576]);
    assert_eq!(import.problems.len(), 1, "the gap is listed as one");
    assert_complete(&import);
}

#[test]
fn a_mapping_overrides_the_guess_and_defaults_fill_in() {
    let options = Options {
        columns: Some(vec![Some(Role::Name), None, Some(Role::Number)]),
        header_line: Some(0),
        function: Some("Maire".into()),
        domain: Some("Élus".into()),
        groups: vec!["Crue".into()],
        ..Options::default()
    };
    let import = read(
        b"Martin;0199000009;0199000001\n",
        "a.csv",
        &options,
        &Directory::empty(),
    )
    .unwrap();
    assert_eq!(numbers(&import, 0), ["01 99 00 00 01"]);
    let recipient = &import.rows[0].recipient;
    assert_eq!(
        (recipient.function.as_str(), recipient.domain.as_str()),
        ("Maire", "Élus")
    );
    assert_eq!(recipient.groups, ["Crue"]);
    assert_eq!(import.total, 1);
    // Without headers, what the cells hold tells numbers and addresses apart, though not names.
    let import = csv("Martin;0199000001;martin@amiens.example\nPetit;0199000002;\n");
    assert_eq!(
        import.columns.iter().map(|column| column.role).collect::<Vec<_>>(),
        [None, Some(Role::Number), Some(Role::Email)]
    );
    assert_complete(&import);
}

#[test]
fn a_cell_may_hold_several_numbers_but_a_recipient_has_three() {
    let import = csv(
        "Nom;Tél;Mobile\nMartin;0199000001 / 0199000002;06 39 98 00 01 ou 06 39 98 00 02\nPetit;0199000001 / mairie;0199000001\n",
    );
    assert_eq!(
        numbers(&import, 0),
        ["01 99 00 00 01", "01 99 00 00 02", "06 39 98 00 01"]
    );
    assert_eq!(numbers(&import, 1), ["01 99 00 00 01"]);
    assert_eq!(
        listed(&import),
        [
            (2, Reason::TooManyNumbers, false),
            (3, number(NumberError::Character('m')), false)
        ]
    );
}

#[test]
fn a_use_belongs_to_its_number_and_what_is_no_use_is_listed() {
    let import = csv("Nom;Tél 1;Usage 1;Tél 2;Usage 2\n\
        Martin;0199000001;voix;0639980001;SMS\n\
        Petit;0199000002 / 0199000003;aucun;;voix\n\
        Durand;0639980004;pas de SMS;0639980005;les deux\n");
    let used = |row: usize| -> Vec<(bool, bool)> {
        let numbers = &import.rows[row].recipient.numbers;
        numbers.iter().map(|number| (number.voice, number.sms)).collect()
    };
    assert_eq!(used(0), [(true, false), (false, true)]);
    assert_eq!(used(1), [(false, false), (false, false)]);
    assert_eq!(
        used(2),
        [(true, true), (true, true)],
        "what was not understood is as its kind has it"
    );
    assert_eq!(import.rows[2].uses.len(), 1);
    assert_eq!(
        listed(&import),
        [(3, Reason::UseWithoutNumber, false), (4, Reason::Use, false)]
    );
    assert_complete(&import);
}

#[test]
fn communes_are_read_by_code_name_and_postal_code() {
    let import = csv(
        "Nom;Code INSEE;Commune;CP;Tél\nA;80021;;;0199000001\nB;;ST VALERY SUR SOMME;;0199000002\nC;99999;Amiens;;0199000003\nD;80999;;;0199000004\n",
    );
    let codes: Vec<_> = import
        .rows
        .iter()
        .map(|row| row.recipient.commune.map(|code| code.to_string()))
        .collect();
    assert_eq!(
        codes,
        [Some("80021".into()), Some("80721".into()), Some("80021".into()), None]
    );
    assert_eq!(listed(&import), [(5, Reason::UnknownCommune, false)]);
}

#[test]
fn problems_are_written_for_other_programs() {
    let import = csv("Nom;Tél\nMartin;112\n");
    let json = serde_json::to_value(&import.problems[0]).unwrap();
    assert_eq!(json["line"], 2);
    assert_eq!(json["reason"]["code"], "number");
    assert_eq!(json["reason"]["detail"], "short numbers cannot be called by an alert");
    assert_eq!(
        letter(0) + &letter(25) + &letter(26) + &letter(701) + &letter(702),
        "AZAAZZAAA"
    );
}

proptest! {
    /// Rows read and rows listed are all the rows that there are, whatever stands in them.
    #[test]
    fn nothing_is_dropped_silently(rows in prop::collection::vec(prop::collection::vec(value(), 0..6), 0..40), separator in prop::sample::select(vec![';', ',', '\t'])) {
        let mut text = format!("Nom{separator}Commune{separator}Tél{separator}Tél 2{separator}E-mail\n");
        for row in &rows {
            text.push_str(&row.iter().map(|value| format!("\"{}\"", value.replace('"', "\"\""))).collect::<Vec<_>>().join(&separator.to_string()));
            text.push('\n');
        }
        let import = csv(&text);
        prop_assert_eq!(import.rows.len() + import.rejected(), import.total);
        let filled = rows.iter().rposition(|row| row.iter().any(|value| !value.trim().is_empty())).map_or(0, |place| place + 1);
        prop_assert_eq!(import.total, filled);
        let mut seen = std::collections::HashSet::new();
        let listed = import.problems.iter().filter(|problem| problem.is_rejected).flat_map(|problem| problem.line..=problem.last_line);
        for line in import.rows.iter().map(|row| row.line) {
            prop_assert!(seen.insert(line));
        }
        let listed: std::collections::HashSet<usize> = listed.collect();
        prop_assert!(listed.is_disjoint(&seen));
        prop_assert_eq!(listed.len() + seen.len(), import.total);
    }

    /// Any bytes are read or refused; none makes the reader panic.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), head in 0usize..5) {
        let head: &[u8] = [b"".as_slice(), b"Nom;T\xe9l\n", b"\xff\xfe", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"][head];
        let _ = read_csv(&[head, &bytes].concat());
    }
}

/// Values as they are found in such files, good and bad.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("Amiens".to_owned()),
        (0u32..9999).prop_map(|n| format!("01 99 00 {:02} {:02}", n / 100, n % 100)),
        (0u32..9999).prop_map(|n| format!("63998{n:04}")),
        Just("112".to_owned()),
        Just("a@b.example".to_owned()),
        "[a-zé\" ;,'=]{1,12}",
    ]
}

#[test]
fn a_large_file_is_read_whole() {
    let mut text = String::from("id;Nom;Tél\n");
    (0..100_000).for_each(|n| {
        text.push_str(&format!(
            "{n};Personne {n};06 39 98 {:02} {:02}\n",
            n / 100 % 100,
            n % 100
        ))
    });
    let import = csv(&text);
    assert_eq!(import.rows.len(), 100_000);
    assert_eq!(
        import.rows[99_999].recipient.numbers[0].e164,
        E164::parse("0639989999").unwrap()
    );
    assert_complete(&import);
}
