use super::{ImportError, Limits};

/// Characters kept of one cell: more than any field needs, and a bound on what repeated shared texts can take.
const CELL: usize = crate::MAX_TEXT;

/// The value of a cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Empty,
    Text(String),
    /// A text of which only the first [`CELL`] characters were kept.
    Cut(String),
    Number(f64),
    /// An error of the spreadsheet, such as `#REF!`.
    Error(String),
    /// A formula without a saved value.
    Formula,
}

impl Cell {
    /// A text cell, without blanks around and cut where it is too long. Blank texts are empty.
    pub(crate) fn text(text: &str) -> Cell {
        let trimmed = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\0'));
        if trimmed.is_empty() {
            return Cell::Empty;
        }
        match trimmed.char_indices().nth(CELL) {
            Some((end, _)) => Cell::Cut(trimmed[..end].to_owned()),
            None => Cell::Text(trimmed.to_owned()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Cell::Empty
    }

    /// The value as text; numbers without needless decimals.
    pub(crate) fn shown(&self) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Text(text) | Cell::Cut(text) | Cell::Error(text) => text.clone(),
            Cell::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
            Cell::Number(number) => number.to_string(),
            Cell::Formula => "=…".into(),
        }
    }
}

/// A row that holds at least one value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// From 1.
    pub(crate) number: usize,
    /// From the left; trailing empty cells may be missing.
    pub(crate) cells: Vec<Cell>,
}

/// The rows of a sheet that are not empty, by rising line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sheet {
    pub(crate) name: String,
    pub(crate) rows: Vec<Line>,
}

/// Rows and columns, from 0, of cells merged into one; ends included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Merge {
    pub(crate) start: (u32, u32),
    pub(crate) end: (u32, u32),
}

impl Sheet {
    pub(crate) fn new(name: impl Into<String>) -> Sheet {
        Sheet {
            name: name.into(),
            rows: Vec::new(),
        }
    }

    /// Puts a value at a row and column from 0. Rows have to come in rising order; other cells are taken where they are.
    pub(crate) fn put(&mut self, row: usize, column: usize, cell: Cell, limits: &Limits) -> Result<(), ImportError> {
        if cell.is_empty() {
            return Ok(());
        }
        if column >= limits.columns {
            return Err(ImportError::TooManyColumns { limit: limits.columns });
        }
        let number = row + 1;
        let place = match self.rows.last() {
            Some(last) if last.number == number => self.rows.len() - 1,
            Some(last) if last.number > number => match self.rows.binary_search_by_key(&number, |line| line.number) {
                Ok(place) => place,
                // A file that jumps back is out of order on purpose; inserting into a long list again and again is
                // what it hopes for.
                Err(_) => return Err(ImportError::Damaged("its rows are out of order".into())),
            },
            _ => {
                // The header and a few titles come on top of the rows.
                if self.rows.len() >= limits.rows + 20 {
                    return Err(ImportError::TooManyRows { limit: limits.rows });
                }
                self.rows.push(Line {
                    number,
                    cells: Vec::new(),
                });
                self.rows.len() - 1
            }
        };
        let cells = &mut self.rows[place].cells;
        if cells.len() <= column {
            cells.resize(column + 1, Cell::Empty);
        }
        cells[column] = cell;
        Ok(())
    }

    /// Cells merged downwards stand for the same value in each of their rows. (Merged sideways, one value is meant.)
    pub(crate) fn fill_down(&mut self, merges: &[Merge]) {
        for merge in merges.iter().filter(|merge| merge.end.0 > merge.start.0) {
            let (top, bottom, column) = (
                merge.start.0 as usize + 1,
                merge.end.0 as usize + 1,
                merge.start.1 as usize,
            );
            let first = self.rows.partition_point(|line| line.number < top);
            let last = self.rows.partition_point(|line| line.number <= bottom);
            let lines = &mut self.rows[first..last];
            let Some((head, rest)) = lines.split_first_mut() else {
                continue;
            };
            let value = match head.cells.get(column) {
                Some(value) if head.number == top && !value.is_empty() => value.clone(),
                _ => continue,
            };
            for line in rest {
                if line.cells.len() <= column {
                    line.cells.resize(column + 1, Cell::Empty);
                }
                if line.cells[column].is_empty() {
                    line.cells[column] = value.clone();
                }
            }
        }
    }
}
