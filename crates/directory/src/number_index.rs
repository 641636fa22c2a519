use std::sync::Arc;

use crate::bits::Bits;
use crate::recipient::fold;
use crate::selection::{SelectionError, Test};
use crate::{E164, Kind, PhoneNumber, Recipient};

/// The numbers of all recipients.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// Number and row, by number then row.
    sorted: Vec<(E164, u32)>,
    /// Kinds and uses that each row has, one bit each; 0: no number.
    kinds: Vec<u8>,
}

impl Numbers {
    pub(crate) fn new(rows: &[Arc<Recipient>]) -> Numbers {
        let mut sorted = Vec::with_capacity(rows.len() * 2);
        let mut kinds = Vec::with_capacity(rows.len());
        for (row, recipient) in (0u32..).zip(rows) {
            sorted.extend(recipient.numbers.iter().map(|number| (number.e164, row)));
            kinds.push(recipient.numbers.iter().fold(0, |bits, number| bits | bits_of(number)));
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
        self.with_bits(test, named)
    }

    /// The rows that have a number with a use that passes.
    pub(crate) fn of_use(&self, test: &Test) -> Bits {
        self.with_bits(test, used)
    }

    fn with_bits(&self, test: &Test, named: fn(&str) -> u8) -> Bits {
        let mask = match test {
            Test::IsEmpty => {
                let any = ["landline", "mobile", "foreign", "voice", "sms"].map(named);
                let any = any.iter().fold(0, |all, bit| all | bit);
                return Bits::of(&self.kinds, |kinds| kinds & any == 0);
            }
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
                let prefix = Digits::new(text)?;
                self.insert_if(|number| prefix.starts(number), &mut bits);
            }
            Test::Contains(text) => {
                let part = Digits::new(text)?;
                self.insert_if(|number| part.is_in(number), &mut bits);
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

/// Digits to look for, written nationally (`03 22`) or internationally (`+33 3`, `0033 3`, `33 3`).
struct Digits {
    /// As written.
    written: Vec<u8>,
    /// After one 0, for numbers of France.
    national: Option<Prefix>,
    /// Without 00.
    international: Prefix,
}

/// A number and how many digits it has.
#[derive(Clone, Copy)]
struct Prefix {
    value: u64,
    length: u32,
}

impl Digits {
    fn new(text: &str) -> Result<Digits, SelectionError> {
        let written: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
        if written.is_empty() {
            return Err(SelectionError::NoDigits(text.to_owned()));
        }
        let national = written
            .strip_prefix(b"0")
            .filter(|rest| !rest.starts_with(b"0"))
            .map(Prefix::new);
        let international = Prefix::new(written.strip_prefix(b"00").unwrap_or(&written));
        Ok(Digits {
            written,
            national,
            international,
        })
    }

    fn starts(&self, number: E164) -> bool {
        match self.national {
            Some(national) => number.french_national().is_some_and(|nine| national.starts(nine, 9)),
            None => self.international.starts(number.value(), number.value().ilog10() + 1),
        }
    }

    /// In the number as dialled from France, or in its international form.
    fn is_in(&self, number: E164) -> bool {
        if self.starts(number) {
            return true;
        }
        let mut buffer = [0; 20];
        let mut start = buffer.len();
        let mut rest = number.value();
        while rest > 0 {
            start -= 1;
            buffer[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        buffer[start..]
            .windows(self.written.len())
            .any(|window| window[0] == self.written[0] && window == self.written)
    }
}

impl Prefix {
    /// Beyond 18 digits nothing starts so; the value then is one that no number has.
    fn new(digits: &[u8]) -> Prefix {
        let value = std::str::from_utf8(digits).ok().filter(|text| text.len() <= 18);
        let value = value.map_or(u64::MAX, |text| text.parse().unwrap_or(0));
        Prefix {
            value,
            length: digits.len() as u32,
        }
    }

    fn starts(self, number: u64, length: u32) -> bool {
        self.length <= length && number / 10u64.pow(length - self.length) == self.value
    }
}

fn bit(kind: Kind) -> u8 {
    match kind {
        Kind::Landline => 1,
        Kind::Mobile => 2,
        Kind::Foreign => 4,
    }
}

const VOICE: u8 = 8;
const SMS: u8 = 16;

/// The bits of a number: its kind and its uses.
fn bits_of(number: &PhoneNumber) -> u8 {
    let voice = if number.voice { VOICE } else { 0 };
    let sms = if number.sms { SMS } else { 0 };
    bit(number.kind) | voice | sms
}

/// The bit of a use by its name; 0 for a name that is none.
fn used(name: &str) -> u8 {
    match fold(name).as_str() {
        "voice" | "voix" => VOICE,
        "sms" => SMS,
        _ => 0,
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
