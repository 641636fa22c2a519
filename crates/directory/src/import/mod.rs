//! Reading recipients from the operator's spreadsheets: `.xlsx`, `.xls`, `.ods`, `.csv`.
//!
//! Every row of the file is either read, or listed with its line and the reason; nothing is dropped silently. A row
//! that is read with a cell left out (a wrong second number, say) is listed too, as a remark.
//! [`read`] touches nothing: its result is the preview, [`crate::Shared::plan`] the dry run, and
//! [`crate::Shared::apply`] the import, which [`crate::Shared::undo`] takes back.

mod columns;
mod container;
mod ods;
mod rows;
mod sheet;
mod text;
pub(crate) mod uses;
mod workbook;

use serde::Serialize;

pub use columns::{Role, is_email};

use crate::{Directory, E164, Gazetteer, Language, NumberError, Recipient};

/// What is accepted of one file. A file beyond is refused with a sentence, before it can fill the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Bytes of all its parts once unpacked (`.xlsx` and `.ods` are zip archives).
    pub unpacked: u64,
    /// Rows that are not empty.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            bytes: 64 << 20,
            unpacked: 512 << 20,
            rows: 200_000,
            columns: 256,
        }
    }
}

/// How to read a file. The default guesses everything.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The sheet of a workbook, by name. Default: the first in which columns are recognised.
    pub sheet: Option<String>,
    /// The role of each column from the left, in place of what headers suggest. Missing ones are not read.
    pub columns: Option<Vec<Option<Role>>>,
    /// The line of the headers, from 1; 0 when there are none and `columns` says all. Default: found.
    pub header_line: Option<usize>,
    /// Function of those for whom the file gives none.
    pub function: Option<String>,
    /// Domain of those for whom the file gives none.
    pub domain: Option<String>,
    /// Groups that everybody in the file joins.
    pub groups: Vec<String>,
    /// Language of those for whom the file gives none.
    pub language: Option<Language>,
    /// What is accepted.
    pub limits: Limits,
}

/// A file that was read, not yet applied.
#[derive(Clone, Debug)]
pub struct Import {
    /// Name of the file.
    pub file_name: String,
    /// Sheet that was read; empty for `.csv`.
    pub sheet: String,
    /// Other sheets, which were not read.
    pub other_sheets: Vec<String>,
    /// Line of the headers, from 1; 0 when there were none.
    pub header_line: usize,
    /// The columns from the left, and what each was taken for.
    pub columns: Vec<Column>,
    /// Rows that can be applied, by rising line.
    pub rows: Vec<Row>,
    /// What was not read, by rising line.
    pub problems: Vec<Problem>,
    /// Lines after the headers up to the last that is not empty. Always `rows` + lines of rejected rows.
    pub total: usize,
}

/// A column of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its header as written.
    pub header: String,
    /// What it holds; `None`: it is not read.
    pub role: Option<Role>,
}

/// A row that can be applied.
#[derive(Clone, Debug)]
pub struct Row {
    /// Line in the file, from 1.
    pub line: usize,
    /// Its values; without id.
    pub recipient: Recipient,
    /// Numbers of which the file says what they are used for; an update leaves the uses of the others.
    pub uses: Vec<E164>,
    /// Columns of which a value of this row could not be read: an update leaves what the directory holds there.
    pub unread: Vec<Role>,
}

/// Something that was not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Line in the file, from 1.
    pub line: usize,
    /// Last line, where several empty lines follow each other; else equal to `line`.
    pub last_line: usize,
    /// Column, as its letter in a spreadsheet and its header, such as `C (Téléphone)`. Empty: the whole row.
    pub column: String,
    /// The value as found, shortened.
    pub value: String,
    /// Why.
    pub reason: Reason,
    /// True when the whole row is left out; false for a remark on a row that is read.
    pub is_rejected: bool,
}

/// Why something was not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "code", content = "detail", rename_all = "snake_case")]
pub enum Reason {
    /// An empty row.
    #[error("the row is empty")]
    EmptyRow,
    /// Text above the headers.
    #[error("text above the column headers")]
    AboveHeader,
    /// A number that cannot be called.
    #[error("{0}")]
    Number(NumberReason),
    /// More numbers than a recipient can have.
    #[error("a recipient has at most three numbers")]
    TooManyNumbers,
    /// Not what a number can be used for.
    #[error("this is not a use of a number: write voix, SMS, voix et SMS or aucun")]
    Use,
    /// A use beside an empty cell.
    #[error("there is no number to which this use belongs")]
    UseWithoutNumber,
    /// Neither a number nor an e-mail address.
    #[error("no telephone number and no e-mail address")]
    NoContact,
    /// Neither a name nor a function.
    #[error("no name and no function")]
    NoName,
    /// The same recipient as on an earlier line.
    #[error("the same recipient as on line {line}")]
    Duplicate {
        /// The earlier line.
        line: usize,
    },
    /// No commune has this name or code.
    #[error("no commune has this name or code")]
    UnknownCommune,
    /// Several communes have this name or postal code.
    #[error("several communes have this name or postal code")]
    AmbiguousCommune,
    /// Not an e-mail address.
    #[error("this is not an e-mail address")]
    Email,
    /// Not a language code.
    #[error("this is not a language, such as fr or en")]
    Language,
    /// The cell holds an error of the spreadsheet.
    #[error("the cell holds an error of the spreadsheet")]
    CellError,
    /// A formula whose value was not saved with the file.
    #[error("the formula's value was not saved; open the file in a spreadsheet program and save it again")]
    Formula,
    /// A text too long for any field.
    #[error("the text is too long and was cut")]
    TooLong,
    /// The row has cells to the right of the last header.
    #[error("the value stands under no column header")]
    NoHeader,
}

/// [`NumberError`] as it is written in lists of problems.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct NumberReason(pub NumberError);

impl Serialize for NumberReason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Why a file cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Not a spreadsheet.
    #[error("this is {found}, not a spreadsheet; .xlsx, .xls, .ods and .csv files can be read")]
    WrongType {
        /// What it seems to be.
        found: &'static str,
    },
    /// Protected by a password.
    #[error("the file is protected by a password; save it without one")]
    Protected,
    /// Damaged, or not what its first bytes say.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// Larger than accepted.
    #[error("the file has {bytes} bytes; at most {limit} are accepted")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// [`Limits::bytes`] or [`Limits::unpacked`].
        limit: u64,
    },
    /// Unpacks to more than accepted, as a zip bomb does.
    #[error("the file unpacks to more than {limit} bytes")]
    Bomb {
        /// [`Limits::unpacked`].
        limit: u64,
    },
    /// More rows than accepted.
    #[error("the file has more than {limit} rows")]
    TooManyRows {
        /// [`Limits::rows`].
        limit: usize,
    },
    /// More columns than accepted.
    #[error("the file has more than {limit} columns")]
    TooManyColumns {
        /// [`Limits::columns`].
        limit: usize,
    },
    /// No such sheet.
    #[error("the file has no sheet “{name}”; its sheets are: {}", sheets.join(", "))]
    NoSuchSheet {
        /// The sheet asked for.
        name: String,
        /// Those that are there.
        sheets: Vec<String>,
    },
    /// No column holds telephone numbers or e-mail addresses.
    #[error("no column with telephone numbers or e-mail addresses was recognised; the headers are: {}", headers.join(", "))]
    MissingColumns {
        /// The headers found.
        headers: Vec<String>,
    },
}

impl Import {
    /// Lines that were left out, counting each empty line.
    pub fn rejected(&self) -> usize {
        let mut count = 0;
        let mut last = 0;
        for problem in self.problems.iter().filter(|problem| problem.is_rejected) {
            if problem.line > last {
                count += problem.last_line + 1 - problem.line;
                last = problem.last_line;
            }
        }
        count
    }

    /// True when some column has this role.
    pub fn has(&self, role: Role) -> bool {
        self.columns.iter().any(|column| column.role == Some(role))
    }
}

/// Reads a file. `directory` gives the communes; nothing is changed.
pub fn read(bytes: &[u8], file_name: &str, options: &Options, directory: &Directory) -> Result<Import, ImportError> {
    read_with(bytes, file_name, options, directory.gazetteer())
}

fn read_with(bytes: &[u8], file_name: &str, options: &Options, communes: &Gazetteer) -> Result<Import, ImportError> {
    if bytes.len() > options.limits.bytes {
        return Err(ImportError::TooLarge {
            bytes: bytes.len() as u64,
            limit: options.limits.bytes as u64,
        });
    }
    let limits = &options.limits;
    let sheets = match container::sniff(bytes, limits)? {
        container::Format::Xlsx => workbook::xlsx(bytes, limits)?,
        container::Format::Xls => workbook::xls(bytes, limits)?,
        container::Format::Ods(content) => ods::read(&content, limits)?,
        container::Format::Text => vec![text::read(bytes, limits)?],
    };
    let sheets: Vec<sheet::Sheet> = sheets.into_iter().filter(|sheet| !sheet.rows.is_empty()).collect();
    let chosen = match &options.sheet {
        Some(name) => sheets
            .iter()
            .position(|sheet| sheet.name == *name)
            .ok_or_else(|| ImportError::NoSuchSheet {
                name: name.clone(),
                sheets: sheets.iter().map(|sheet| sheet.name.clone()).collect(),
            })?,
        None => sheets
            .iter()
            .position(|sheet| columns::header_of(sheet).is_some())
            .unwrap_or(0),
    };
    let sheet = sheets.get(chosen).ok_or(ImportError::Empty)?;
    let layout = columns::layout(sheet, options)?;
    let mut import = rows::read(sheet, layout, options, communes);
    import.file_name = file_name.chars().take(200).collect();
    import.other_sheets = sheets
        .iter()
        .enumerate()
        .filter(|(place, _)| *place != chosen)
        .map(|(_, sheet)| sheet.name.clone())
        .collect();
    Ok(import)
}

/// The letter of a column in spreadsheets: 0 is A, 26 is AA.
fn letter(column: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        letters.push(char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
#[path = "../import_tests.rs"]
mod tests;
