//! Files written by other programs than this one (see `data/README.md`) are read as their authors meant them.

use directory::Directory;
use directory::import::{self, Options, Reason};

#[test]
fn a_workbook_and_a_spreadsheet_of_other_programs_are_read() {
    let files: [(&str, &[u8], [usize; 2], usize); 2] = [
        ("maires.xls", include_bytes!("data/maires.xls"), [4, 5], 7),
        ("maires.ods", include_bytes!("data/maires.ods"), [2, 3], 5),
    ];
    for (name, bytes, lines, wrong) in files {
        let import = import::read(bytes, name, &Options::default(), &Directory::empty()).expect(name);
        assert_eq!(import.sheet, "Maires");
        assert_eq!(
            import.rows.iter().map(|row| row.line).collect::<Vec<_>>(),
            lines,
            "{name}"
        );
        let [martin, eloise] = [&import.rows[0].recipient, &import.rows[1].recipient];
        let numbers: Vec<String> = martin.numbers.iter().map(|number| number.e164.to_string()).collect();
        assert_eq!(
            (martin.name.as_str(), numbers.as_slice()),
            ("Martin", ["01 99 00 00 01".into(), "06 39 98 00 01".into()].as_slice())
        );
        assert_eq!(eloise.name, "Éloïse");
        assert_eq!(
            eloise.commune.map(|insee| insee.to_string()).as_deref(),
            Some("80021"),
            "{name}: merged downwards"
        );
        let rejected: Vec<_> = import.problems.iter().filter(|problem| problem.is_rejected).collect();
        assert_eq!(rejected.len(), 2, "{name}: {rejected:?}");
        assert_eq!(
            (rejected[0].line, &rejected[0].reason),
            (wrong - 1, &Reason::EmptyRow),
            "{name}"
        );
        assert_eq!((rejected[1].line, rejected[1].value.as_str()), (wrong, "112"), "{name}");
        assert_eq!(import.rows.len() + import.rejected(), import.total, "{name}");
    }
}
