//! The list of telephones: a CSV file with a first line of titles and the columns number, behaviour, parameters (in this order).
//!
//! A number that stands on several rows behaves as its first row says at the first call, as the second at the second, and so on;
//! its last row holds for all calls after.

use std::{collections::HashMap, io::Read};

use super::behaviour::{Behaviour, BehaviourError};

/// All telephones, by number in international form with a plus.
#[derive(Debug, Default)]
pub struct Phones {
    by_number: HashMap<String, Vec<Behaviour>>,
}

/// A list of telephones that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PhonesError {
    /// The file is no CSV.
    #[error("the list of telephones cannot be read: {0}")]
    Csv(#[from] csv::Error),
    /// A row cannot be understood.
    #[error("line {line} of the list of telephones: {reason}")]
    Row {
        /// Line in the file, from 1.
        line: u64,
        /// What is wrong.
        reason: BehaviourError,
    },
}

impl Phones {
    /// Reads the list.
    ///
    /// # Errors
    /// When the file is not CSV, or a behaviour is unknown.
    pub fn read(source: impl Read) -> Result<Phones, PhonesError> {
        let mut phones = Phones::default();
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(source);
        for record in reader.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            let field = |index| record.get(index).unwrap_or_default();
            let behaviour = Behaviour::read(field(1), field(2)).map_err(|reason| PhonesError::Row { line, reason })?;
            phones
                .by_number
                .entry(international(field(0)))
                .or_default()
                .push(behaviour);
        }
        Ok(phones)
    }

    /// What the telephone does at its call number `attempt` (from 0). `None`: there is no such telephone.
    pub fn behaviour(&self, number: &str, attempt: usize) -> Option<&Behaviour> {
        let behaviours = self.by_number.get(number)?;
        behaviours.get(attempt).or(behaviours.last())
    }

    /// How many telephones there are.
    pub fn len(&self) -> usize {
        self.by_number.len()
    }

    /// Whether there is no telephone.
    pub fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }
}

/// A French number as dialled, in international form: `0199000001`, `0033199000001` and `+33 1 99 00 00 01` are the same telephone.
pub fn international(dialled: &str) -> String {
    let digits: String = dialled.chars().filter(char::is_ascii_digit).collect();
    if dialled.trim_start().starts_with('+') {
        format!("+{digits}")
    } else if let Some(rest) = digits.strip_prefix("00") {
        format!("+{rest}")
    } else if let Some(rest) = digits.strip_prefix('0') {
        format!("+33{rest}")
    } else {
        format!("+{digits}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_on_two_rows_changes_its_mind() {
        let list = "number,behaviour,parameters\n0199000001,busy,\n+33199000001,confirm,rings=1\n0639980001,quiet\n";
        let phones = Phones::read(list.as_bytes()).unwrap();
        assert_eq!(phones.len(), 2);
        let first = phones.behaviour("+33199000001", 0).unwrap();
        assert_eq!(
            *first,
            Behaviour::Refuses {
                status: 486,
                retry_after: None
            }
        );
        for attempt in [1, 2, 9] {
            let later = phones.behaviour("+33199000001", attempt).unwrap();
            assert!(matches!(later, Behaviour::Answers { .. }), "call {attempt}");
        }
        assert!(phones.behaviour("+33639980002", 0).is_none());
    }

    #[test]
    fn a_wrong_row_is_named_by_its_line() {
        let error = Phones::read("number,behaviour,parameters\n0199000001,busy,\n0199000002,asleep,\n".as_bytes());
        let said = error.unwrap_err().to_string();
        assert!(said.contains("line 3") && said.contains("asleep"), "{said}");
    }

    #[test]
    fn one_telephone_however_it_is_dialled() {
        for dialled in [
            "0199000001",
            "01 99 00 00 01",
            "0033199000001",
            "+33 1 99 00 00 01",
            "33199000001",
        ] {
            assert_eq!(international(dialled), "+33199000001", "{dialled}");
        }
    }
}
