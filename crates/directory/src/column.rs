use std::collections::HashMap;

use memchr::memmem;

use crate::bits::Bits;
use crate::recipient::fold;
use crate::selection::Test;

/// One text field of all recipients: each distinct folded value once, and for each row which value it has.
///
/// A test is made once a distinct value (thousands of “Maire” cost one comparison), then rows are scanned by number.
#[derive(Debug)]
pub(crate) struct Column {
    values: Values,
    rows: Vec<u32>,
}

impl Column {
    /// A column of as many rows as texts.
    pub(crate) fn new<'a>(texts: impl Iterator<Item = &'a str>) -> Column {
        let mut builder = Builder::default();
        let rows = texts.map(|text| builder.symbol(text)).collect();
        Column {
            values: builder.finish(),
            rows,
        }
    }

    /// The rows whose value passes.
    pub(crate) fn matching(&self, test: &Test) -> Bits {
        let passes = self.values.matching(test);
        Bits::of(&self.rows, |symbol| passes[symbol as usize])
    }

    /// For each row the number of its value: equal numbers mean equal folded values. 0 is the empty value.
    pub(crate) fn symbols(&self) -> &[u32] {
        &self.rows
    }
}

/// A field with any number of values a row.
#[derive(Debug)]
pub(crate) struct ManyColumn {
    values: Values,
    /// Symbol and row, in the order of rows.
    entries: Vec<(u32, u32)>,
    empty: Bits,
}

impl ManyColumn {
    /// A column of as many rows as lists of texts.
    pub(crate) fn new<'a>(lists: impl ExactSizeIterator<Item = &'a [String]>) -> ManyColumn {
        let mut builder = Builder::default();
        let mut entries = Vec::new();
        let mut empty = Bits::none(lists.len());
        for (row, list) in (0u32..).zip(lists) {
            let before = entries.len();
            let symbols = list
                .iter()
                .map(|text| builder.symbol(text))
                .filter(|symbol| *symbol != EMPTY);
            entries.extend(symbols.map(|symbol| (symbol, row)));
            if entries.len() == before {
                empty.insert(row as usize);
            }
        }
        ManyColumn {
            values: builder.finish(),
            entries,
            empty,
        }
    }

    /// The rows of which one value passes.
    pub(crate) fn matching(&self, test: &Test, len: usize) -> Bits {
        if *test == Test::IsEmpty {
            return self.empty.clone();
        }
        let passes = self.values.matching(test);
        let mut bits = Bits::none(len);
        self.entries
            .iter()
            .filter(|(symbol, _)| passes[*symbol as usize])
            .for_each(|(_, row)| bits.insert(*row as usize));
        bits
    }
}

/// The symbol of the value that holds nothing.
const EMPTY: u32 = 0;

/// Distinct folded values, joined in one text so that “contains” is one search.
#[derive(Debug)]
struct Values {
    /// Every value followed by a line feed, which no folded value holds.
    text: String,
    /// Where each value starts, and where the text ends.
    starts: Vec<u32>,
}

impl Values {
    fn matching(&self, test: &Test) -> Vec<bool> {
        let mut passes = vec![false; self.starts.len() - 1];
        match test {
            Test::Is(wanted) => self.equal(&fold(wanted), &mut passes),
            Test::IsOneOf(wanted) => wanted.iter().for_each(|wanted| self.equal(&fold(wanted), &mut passes)),
            Test::StartsWith(wanted) => self.search(&fold(wanted), true, &mut passes),
            Test::Contains(wanted) => self.search(&fold(wanted), false, &mut passes),
            Test::IsEmpty => passes[EMPTY as usize] = true,
        }
        passes
    }

    fn equal(&self, wanted: &str, passes: &mut [bool]) {
        let length = wanted.len() + 1;
        for (symbol, bounds) in self.starts.windows(2).enumerate() {
            let (start, end) = (bounds[0] as usize, bounds[1] as usize);
            if end - start == length && &self.text.as_bytes()[start..end - 1] == wanted.as_bytes() {
                passes[symbol] = true;
            }
        }
    }

    fn search(&self, wanted: &str, at_start: bool, passes: &mut [bool]) {
        if wanted.is_empty() {
            passes.fill(true);
            return;
        }
        for found in memmem::find_iter(self.text.as_bytes(), wanted.as_bytes()) {
            let symbol = self.starts.partition_point(|start| *start as usize <= found) - 1;
            if !at_start || self.starts[symbol] as usize == found {
                passes[symbol] = true;
            }
        }
    }
}

struct Builder<'a> {
    /// Values as written, to fold each spelling once.
    spellings: HashMap<&'a str, u32>,
    folded: HashMap<String, u32>,
    values: Values,
}

impl Default for Builder<'_> {
    fn default() -> Self {
        Builder {
            spellings: HashMap::from([("", EMPTY)]),
            folded: HashMap::from([(String::new(), EMPTY)]),
            values: Values {
                text: "\n".into(),
                starts: vec![0, 1],
            },
        }
    }
}

impl<'a> Builder<'a> {
    fn symbol(&mut self, text: &'a str) -> u32 {
        if let Some(symbol) = self.spellings.get(text) {
            return *symbol;
        }
        let folded = fold(text);
        let next = (self.values.starts.len() - 1) as u32;
        let symbol = match self.folded.get(&folded) {
            Some(symbol) => *symbol,
            None => {
                self.values.text.push_str(&folded);
                self.values.text.push('\n');
                self.values.starts.push(self.values.text.len() as u32);
                self.folded.insert(folded, next);
                next
            }
        };
        self.spellings.insert(text, symbol);
        symbol
    }

    fn finish(self) -> Values {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_finds_rows_by_every_test() {
        let column = Column::new(["Maire", "Adjoint", "", "MAIRE", "Maire-adjoint", "adjointe", "Amaire"].into_iter());
        let text = |text: &str| text.to_owned();
        let cases = [
            (Test::Is(text("maire")), vec![0, 3]),
            (Test::IsOneOf(vec![text("maire"), text("Adjoint")]), vec![0, 1, 3]),
            (Test::Contains(text("adjoint")), vec![1, 4, 5]),
            (Test::StartsWith(text("MAI")), vec![0, 3, 4]),
            (Test::IsEmpty, vec![2]),
            (Test::Is(text("")), vec![2]),
            (Test::Contains(text("")), vec![0, 1, 2, 3, 4, 5, 6]),
            (Test::Contains(text("x")), vec![]),
        ];
        for (test, expected) in cases {
            assert_eq!(column.matching(&test).rows().collect::<Vec<_>>(), expected, "{test:?}");
        }
        assert_eq!(column.symbols()[0], column.symbols()[3]);
    }

    #[test]
    fn a_column_of_lists_passes_when_one_value_does() {
        let lists = [
            vec!["Crue".to_owned(), "Neige".into()],
            vec![],
            vec!["neige".into()],
            vec![String::new()],
        ];
        let column = ManyColumn::new(lists.iter().map(Vec::as_slice));
        let rows = |test: &Test| column.matching(test, 4).rows().collect::<Vec<_>>();
        assert_eq!(rows(&Test::Is("NEIGE".into())), [0, 2]);
        assert_eq!(rows(&Test::StartsWith("cr".into())), [0]);
        assert_eq!(rows(&Test::IsEmpty), [1, 3]);
    }
}
