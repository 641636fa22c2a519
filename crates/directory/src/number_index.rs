use std::sync::Arc;

use memchr::memmem;

use crate::bits::Bits;
use crate::recipient::fold;
use crate::selection::{SelectionError, Test};
use crate::{E164, Kind, Recipient};

/// The numbers of all recipients.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// Number and row, by number then row.
    sorted: Vec<(E164, u32)>,
    /// Kinds that each row has, one bit a kind; 0: no number.
    kinds: Vec<u8>,
}

impl Numbers {
    pub(crate) fn new(rows: &[Arc<Recipient>]) -> Numbers {
        let mut sorted = Vec::with_capacity(rows.len() * 2);
        let mut kinds = Vec::with_capacity(rows.len());
        for (row, recipient) in (0u32..).zip(rows) {
            sorted.extend(recipient.numbers.iter().map(|number| (number.e164, row)));
            kinds.push(recipient.numbers.iter().fold(0, |bits, number| bits | bit(number.kind)));
        }
        sorted.sort_unstable();
        sorted.dedup();
        Numbers { sorted, kinds }
    }

    /// The rows that have this number.
    pub(crate) fn rows_with(&self, number: E164) -> impl Iterator<Item = usize> {
        let start = self.sorted.partition_point(|(other, _)| *other < number);
        self.sorted[start..]
            .iter()
            .take_while(move |(other, _)| *other == number)
            .map(|(_, row)| *row as usize)
    }

    /// Numbers that several rows have, with those rows.
    pub(crate) fn shared(&self) -> impl Iterator<Item = (E164, Vec<usize>)> {
        self.sorted
            .chunk_by(|(a, _), (b, _)| a == b)
            .filter(|chunk| chunk.len() > 1)
            .map(|chunk| (chunk[0].0, chunk.iter().map(|(_, row)| *row as usize).collect()))
    }

    /// The rows that have a number of a kind that passes.
    pub(crate) fn of_kind(&self, test: &Test) -> Bits {
        let mask = match test {
            Test::IsEmpty => return Bits::of(&self.kinds, |kinds| kinds == 0),
            Test::Is(name) => named(name),
            Test::IsOneOf(names) => names.iter().fold(0, |mask, name| mask | named(name)),
            Test::Contains(text) | Test::StartsWith(text) => named(text),
        };
        Bits::of(&self.kinds, |kinds| kinds & mask != 0)
    }

    /// The rows of which one number passes.
    pub(crate) fn matching(&self, test: &Test) -> Result<Bits, SelectionError> {
        let mut bits = Bits::none(self.kinds.len());
        match test {
            Test::IsEmpty => return Ok(Bits::of(&self.kinds, |kinds| kinds == 0)),
            Test::Is(text) => self.equal(text, &mut bits),
            Test::IsOneOf(texts) => texts.iter().for_each(|text| self.equal(text, &mut bits)),
            Test::StartsWith(text) => {
                let wanted = wanted_digits(text)?;
                // "03 22" means +33 3 22, and for overseas numbers 0262 means +262 262.
                let national = wanted.strip_prefix('0').filter(|rest| !rest.starts_with('0'));
                let starts = |number: E164| match national {
                    Some(rest) => number.dialled_from_france()[1..].starts_with(rest),
                    None => number.digits().starts_with(wanted.trim_start_matches("00")),
                };
                self.insert_if(starts, &mut bits);
            }
            Test::Contains(text) => {
                let wanted = wanted_digits(text)?;
                let finder = memmem::Finder::new(&wanted);
                let contains = |number: E164| {
                    finder.find(number.dialled_from_france().as_bytes()).is_some()
                        || finder.find(number.digits().as_bytes()).is_some()
                };
                self.insert_if(contains, &mut bits);
            }
        }
        Ok(bits)
    }

    fn equal(&self, text: &str, bits: &mut Bits) {
        if let Ok(number) = E164::parse(text) {
            self.rows_with(number).for_each(|row| bits.insert(row));
        }
    }

    fn insert_if(&self, passes: impl Fn(E164) -> bool, bits: &mut Bits) {
        for (number, row) in &self.sorted {
            if passes(*number) {
                bits.insert(*row as usize);
            }
        }
    }
}

fn wanted_digits(text: &str) -> Result<String, SelectionError> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        Err(SelectionError::NoDigits(text.to_owned()))
    } else {
        Ok(digits)
    }
}

fn bit(kind: Kind) -> u8 {
    match kind {
        Kind::Landline => 1,
        Kind::Mobile => 2,
        Kind::Foreign => 4,
    }
}

/// The bit of a kind by its name; 0 for a name that is none.
fn named(name: &str) -> u8 {
    match fold(name).as_str() {
        "landline" | "fixe" => bit(Kind::Landline),
        "mobile" | "portable" => bit(Kind::Mobile),
        "foreign" | "etranger" => bit(Kind::Foreign),
        _ => 0,
    }
}
