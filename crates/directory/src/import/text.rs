use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::sheet::{Cell, Sheet};
use super::{ImportError, Limits};

/// Reads a file of separated values: any of the usual encodings and separators.
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Sheet, ImportError> {
    let text = decode(bytes);
    if text.contains('\0') {
        return Err(ImportError::WrongType { found: "a binary file" });
    }
    let (text, separator, skipped) = match separator_line(&text) {
        Some((separator, rest)) => (rest, separator, 1),
        None => (&*text, separator(&text), 0),
    };
    let mut sheet = Sheet::new("");
    let mut reader = Reader {
        rest: text,
        line: skipped,
        separator,
    };
    while !reader.rest.is_empty() {
        let line = reader.line;
        let mut column = 0;
        loop {
            let (value, ended) = reader.value();
            // "," lists such as `,,,,,,` cost nothing: `put` drops empty cells.
            sheet.put(line, column, Cell::text(bare(&value)), limits)?;
            column += 1;
            if ended {
                break;
            }
        }
    }
    Ok(sheet)
}

/// Without the apostrophe that a spreadsheet program, or our own export, puts before a text that looks like a formula.
fn bare(value: &str) -> &str {
    let sign = ['=', '+', '-', '@', '\'', '＝', '＋', '－', '＠'];
    value
        .strip_prefix('\'')
        .filter(|rest| rest.trim_start().starts_with(sign))
        .unwrap_or(value)
}

/// UTF-8 or UTF-16 by their marks, UTF-16 without one by its zero bytes, UTF-8 if it is valid, else Windows-1252 (of
/// which Latin-1's letters are a part).
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    let start = &bytes[..bytes.len().min(4096)];
    let zeros = |parity: usize| start.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let most = start.len() / 4;
    if zeros(1) > most && zeros(0) == 0 {
        return UTF_16LE.decode_without_bom_handling(bytes).0;
    }
    if zeros(0) > most && zeros(1) == 0 {
        return UTF_16BE.decode_without_bom_handling(bytes).0;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// Spreadsheet programs may say `sep=;` on a first line of its own.
fn separator_line(text: &str) -> Option<(char, &str)> {
    let rest = text.strip_prefix("sep=")?;
    let separator = rest.chars().next()?;
    let rest = rest[separator.len_utf8()..]
        .trim_start_matches('\r')
        .strip_prefix('\n')?;
    Some((separator, rest))
}

/// The separator that most evenly cuts the first lines, outside quotes.
fn separator(text: &str) -> char {
    let counts = |separator: char| -> (usize, usize) {
        let mut counts: Vec<usize> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()).take(30) {
            let mut quoted = false;
            counts.push(
                line.chars()
                    .filter(|c| {
                        quoted ^= *c == '"';
                        !quoted && *c == separator
                    })
                    .count(),
            );
        }
        let usual = counts
            .iter()
            .copied()
            .filter(|count| *count > 0)
            .max_by_key(|count| (counts.iter().filter(|other| *other == count).count(), *count));
        usual.map_or((0, 0), |usual| {
            (counts.iter().filter(|count| **count == usual).count(), usual)
        })
    };
    let candidates = [';', '\t', ',', '|'];
    // Of equals the first: `max_by_key` would keep the last.
    candidates
        .into_iter()
        .rev()
        .max_by_key(|separator| counts(*separator))
        .unwrap_or(';')
}

struct Reader<'a> {
    rest: &'a str,
    /// Lines before the present one.
    line: usize,
    separator: char,
}

/// How far a quoted value may reach. Beyond, the quotation mark is taken for a character like others, so that one
/// forgotten mark does not swallow the rest of the file.
const QUOTED: usize = 4000;

impl<'a> Reader<'a> {
    /// The next value, and whether it was the last of its row.
    fn value(&mut self) -> (Cow<'a, str>, bool) {
        if let Some(quoted) = self.quoted() {
            return quoted;
        }
        let separator = self.separator;
        let end = self.rest.find([separator, '\n', '\r']).unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest;
        (Cow::Borrowed(value), self.delimiter())
    }

    fn quoted(&mut self) -> Option<(Cow<'a, str>, bool)> {
        let body = self.rest.trim_start_matches(' ').strip_prefix('"')?;
        let mut value = String::new();
        let mut from = 0;
        loop {
            let mark = from + body[from..].find('"').filter(|mark| from + mark <= QUOTED)?;
            value.push_str(&body[from..mark]);
            let after = &body[mark + 1..];
            if after.starts_with('"') {
                value.push('"');
                from = mark + 2;
                continue;
            }
            let rest = after.trim_start_matches(' ');
            if !rest.is_empty() && !rest.starts_with([self.separator, '\n', '\r']) {
                return None;
            }
            // Line ends inside the value count, as in an editor.
            self.line += body[..mark].matches('\n').count();
            self.rest = rest;
            return Some((Cow::Owned(value), self.delimiter()));
        }
    }

    /// Consumes what follows a value; true at the end of a row.
    fn delimiter(&mut self) -> bool {
        if let Some(rest) = self.rest.strip_prefix(self.separator) {
            self.rest = rest;
            return false;
        }
        let rest = self.rest;
        self.rest = rest
            .strip_prefix("\r\n")
            .or_else(|| rest.strip_prefix(['\n', '\r']))
            .unwrap_or(rest);
        self.line += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &[u8]) -> Vec<(usize, Vec<String>)> {
        let sheet = read(text, &Limits::default()).unwrap();
        sheet
            .rows
            .iter()
            .map(|line| (line.number, line.cells.iter().map(Cell::shown).collect()))
            .collect()
    }

    #[test]
    fn encodings_are_recognised() {
        let text = "Prénom;Téléphone\r\nÉloïse;0199001234\r\n";
        let expected = vec![
            (1, vec!["Prénom".to_owned(), "Téléphone".into()]),
            (2, vec!["Éloïse".into(), "0199001234".into()]),
        ];
        let wide = |le: bool, mark: bool| -> Vec<u8> {
            let marked = if mark {
                format!("\u{feff}{text}")
            } else {
                text.to_owned()
            };
            marked
                .encode_utf16()
                .flat_map(|unit| if le { unit.to_le_bytes() } else { unit.to_be_bytes() })
                .collect()
        };
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let cases: [(&str, Vec<u8>); 7] = [
            ("UTF-8", text.into()),
            ("UTF-8 with mark", format!("\u{feff}{text}").into()),
            ("Latin-1", latin),
            ("UTF-16 LE with mark", wide(true, true)),
            ("UTF-16 BE with mark", wide(false, true)),
            ("UTF-16 LE", wide(true, false)),
            ("UTF-16 BE", wide(false, false)),
        ];
        for (name, bytes) in cases {
            assert_eq!(cells(&bytes), expected, "{name}");
        }
        assert_eq!(cells(b"Nom;Prix\nL\x92H\xf4pital;5 \x80\n")[1].1, ["L’Hôpital", "5 €"]);
    }

    #[test]
    fn separators_are_recognised_and_may_be_said() {
        for (text, separator) in [
            ("a;b;c\n1,5;2;3\n1,5;2;3", ';'),
            ("a,b,c\n1,2,3", ','),
            ("a\tb\n1,2\t3,4", '\t'),
            ("nom,tel\n\"Martin; Jean\",0199001234\n", ','),
            ("seul", ';'),
        ] {
            assert_eq!(super::separator(text), separator, "{text}");
        }
        assert_eq!(cells(b"sep=|\na|b\n"), [(2, vec!["a".to_owned(), "b".into()])]);
    }

    #[test]
    fn quotes_lines_and_blank_rows_keep_their_line_numbers() {
        let text = b"a;b\n\n\"x \"\"y\"\"\nz\";2\r\n;;\n3;\"4\"\n";
        let expected = [(1, vec!["a", "b"]), (3, vec!["x \"y\"\nz", "2"]), (6, vec!["3", "4"])];
        let found = cells(text);
        assert_eq!(found.len(), expected.len());
        for ((line, values), (expected_line, expected_values)) in found.iter().zip(expected) {
            assert_eq!(
                (*line, values.iter().map(String::as_str).collect::<Vec<_>>()),
                (expected_line, expected_values)
            );
        }
    }

    #[test]
    fn a_forgotten_quotation_mark_does_not_swallow_the_file() {
        let mut text = String::from("nom;tel\n\"Martin;0199001234\n");
        (0..1000).for_each(|n| text.push_str(&format!("P{n};01990{n:05}\n")));
        let rows = cells(text.as_bytes());
        assert_eq!(rows.len(), 1002);
        assert_eq!(rows[1].1, ["\"Martin", "0199001234"]);
        assert_eq!(
            cells(b"nom;tel\nle \"Moulin\";1\n\"Le \"Gros\" Chemin\";2\n")[2].1,
            ["\"Le \"Gros\" Chemin\"", "2"]
        );
    }
}
