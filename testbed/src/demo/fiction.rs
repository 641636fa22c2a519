//! Invented people of real communes, with telephones that do not exist.
//!
//! All numbers lie in the ranges that Arcep reserves for works of fiction: 03 53 01 xx xx for landlines of the north-west,
//! 06 39 98 xx xx for mobiles.

use std::{collections::HashSet, io::Write, path::Path};

use anyhow::Context;
use directory::{Commune, Gazetteer};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use rust_xlsxwriter::{Format, Workbook};

/// Everybody in the spreadsheet, and every telephone of the carrier.
#[derive(Debug)]
pub struct Fiction {
    /// In the order of the spreadsheet.
    pub people: Vec<Person>,
    /// Telephones, each with what it does at its first call, second call…
    pub phones: Vec<Phone>,
}

/// A person to be alerted.
#[derive(Debug, Clone)]
pub struct Person {
    /// Identifies the row.
    pub key: String,
    /// Family name.
    pub name: String,
    /// First name.
    pub first_name: String,
    /// Function.
    pub function: &'static str,
    /// INSEE code of the commune.
    pub insee: String,
    /// Name of the commune.
    pub commune: String,
    /// Numbers in international form, at most three.
    pub numbers: Vec<String>,
}

/// A telephone of the carrier.
#[derive(Debug, Clone)]
pub struct Phone {
    /// International form.
    pub number: String,
    /// Behaviour and parameters, call after call; the last one stays.
    pub calls: Vec<(&'static str, String)>,
}

/// The titles of the spreadsheet's columns, as an operator would write them.
pub const TITLES: [&str; 10] = [
    "Identifiant",
    "Nom",
    "Prénom",
    "Fonction",
    "Domaine",
    "Code INSEE",
    "Commune",
    "Téléphone 1",
    "Téléphone 2",
    "Téléphone 3",
];

/// Trees and birds: nobody's name is meant.
const NAMES: [&str; 24] = [
    "Alouette",
    "Aubépine",
    "Bouleau",
    "Bruyère",
    "Cerisier",
    "Châtaignier",
    "Érable",
    "Fauvette",
    "Genêt",
    "Glycine",
    "Hêtre",
    "Hirondelle",
    "Jonquille",
    "Lilas",
    "Loriot",
    "Mésange",
    "Noisetier",
    "Orme",
    "Peuplier",
    "Pinson",
    "Rossignol",
    "Saule",
    "Sorbier",
    "Tilleul",
];
const FIRST_NAMES: [&str; 12] = [
    "Alix",
    "Camille",
    "Charlie",
    "Claude",
    "Dominique",
    "Eden",
    "Frédérique",
    "Maxime",
    "Morgan",
    "Noa",
    "Sacha",
    "Stéphane",
];

/// What telephones do, in parts of a thousand.
const HABITS: [(u32, &[(&str, &str)]); 15] = [
    (490, &[("confirm", "")]),
    (80, &[("twice", "")]),
    (70, &[("inband", "")]),
    (60, &[("quiet", "leaves=120")]),
    (40, &[("early", "")]),
    (20, &[("wrong-keys", "leaves=120")]),
    (60, &[("machine", "")]),
    (50, &[("busy", ""), ("confirm", "rings=1")]),
    (20, &[("busy", "")]),
    (30, &[("no-answer", ""), ("confirm", "")]),
    (30, &[("no-answer", "")]),
    (20, &[("not-found", "")]),
    (20, &[("unavailable", "")]),
    (8, &[("refuse", "status=503"), ("confirm", "")]),
    (2, &[("congested", "retry-after=1"), ("inband", "")]),
];

impl Fiction {
    /// Invents two people for each of the first `communes` communes of the Somme: the mayor, with up to three numbers, and a deputy.
    pub fn invent(seed: u64, communes: usize) -> Fiction {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let gazetteer = Gazetteer::somme();
        let mut fiction = Fiction {
            people: Vec::new(),
            phones: Vec::new(),
        };
        let mut taken = HashSet::new();
        for commune in gazetteer.communes().iter().take(communes) {
            let mut numbers = vec![landline(&mut rng, &mut taken)];
            if rng.random_bool(0.9) {
                numbers.push(mobile(&mut rng, &mut taken));
            }
            if rng.random_bool(0.5) {
                numbers.push(landline(&mut rng, &mut taken));
            }
            fiction.settle(&mut rng, commune, "Maire", numbers);
            let mut numbers = vec![mobile(&mut rng, &mut taken)];
            if rng.random_bool(0.4) {
                numbers.push(landline(&mut rng, &mut taken));
            }
            fiction.settle(&mut rng, commune, "Premier adjoint", numbers);
        }
        fiction
    }

    fn settle(&mut self, rng: &mut ChaCha8Rng, commune: &Commune, function: &'static str, numbers: Vec<String>) {
        for number in &numbers {
            let calls = habit(rng)
                .iter()
                .map(|(name, parameters)| (*name, (*parameters).to_owned()))
                .collect();
            self.phones.push(Phone {
                number: number.clone(),
                calls,
            });
        }
        let initial = if function == "Maire" { "M" } else { "A" };
        self.people.push(Person {
            key: format!("{}-{initial}", commune.insee.as_str()),
            name: pick(rng, &NAMES).to_owned(),
            first_name: pick(rng, &FIRST_NAMES).to_owned(),
            function,
            insee: commune.insee.as_str().to_owned(),
            commune: commune.name.clone(),
            numbers,
        });
    }

    /// Writes the operator's spreadsheet. Numbers are written in the many ways in which people write them; one in twenty is a
    /// number in the spreadsheet's sense, so that its leading zero is lost.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_spreadsheet(&self, path: &Path) -> anyhow::Result<()> {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet().set_name("Élus")?;
        let bold = Format::new().set_bold();
        for (column, title) in (0u16..).zip(TITLES) {
            sheet.write_with_format(0, column, title, &bold)?;
            sheet.set_column_width(column, 18)?;
        }
        for (row, person) in (1u32..).zip(&self.people) {
            let texts = [
                &person.key,
                &person.name,
                &person.first_name,
                person.function,
                "Élus",
                &person.insee,
                &person.commune,
            ];
            for (column, text) in (0u16..).zip(texts) {
                sheet.write(row, column, text)?;
            }
            for (column, number) in (7u16..).zip(&person.numbers) {
                let national = national(number);
                match (row + u32::from(column)) % 20 {
                    0 => sheet.write(row, column, national.parse::<f64>()?)?,
                    1..4 => sheet.write(row, column, spaced(&national, "."))?,
                    4..7 => sheet.write(row, column, number.as_str())?,
                    7 => sheet.write(row, column, national.as_str())?,
                    _ => sheet.write(row, column, spaced(&national, " "))?,
                };
            }
        }
        workbook
            .save(path)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Writes the list of telephones for the carrier.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_phones(&self, path: &Path) -> anyhow::Result<()> {
        let mut text = String::from("number,behaviour,parameters\n");
        for phone in &self.phones {
            for (behaviour, parameters) in &phone.calls {
                text.push_str(&format!("{},{behaviour},{parameters}\n", phone.number));
            }
        }
        let mut file = std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(file.write_all(text.as_bytes())?)
    }
}

fn habit(rng: &mut ChaCha8Rng) -> &'static [(&'static str, &'static str)] {
    let total: u32 = HABITS.iter().map(|(weight, _)| weight).sum();
    let mut drawn = rng.random_range(0..total);
    for (weight, calls) in &HABITS {
        if drawn < *weight {
            return calls;
        }
        drawn -= weight;
    }
    HABITS[0].1
}

fn pick<'a>(rng: &mut ChaCha8Rng, words: &[&'a str]) -> &'a str {
    words.choose(rng).copied().unwrap_or_default()
}

fn landline(rng: &mut ChaCha8Rng, taken: &mut HashSet<String>) -> String {
    draw(rng, taken, "+3335301")
}

fn mobile(rng: &mut ChaCha8Rng, taken: &mut HashSet<String>) -> String {
    draw(rng, taken, "+3363998")
}

/// A number of the range that nobody has yet. The ranges hold 10,000 numbers each, several times what is ever drawn.
fn draw(rng: &mut ChaCha8Rng, taken: &mut HashSet<String>, range: &str) -> String {
    loop {
        let number = format!("{range}{:04}", rng.random_range(0..10_000));
        if taken.insert(number.clone()) {
            return number;
        }
    }
}

fn national(number: &str) -> String {
    number.replacen("+33", "0", 1)
}

fn spaced(national: &str, between: &str) -> String {
    let pairs: Vec<String> = national
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair).into_owned())
        .collect();
    pairs.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::phones::Phones;

    #[test]
    fn nobody_shares_a_telephone_and_all_numbers_are_fictitious() {
        let fiction = Fiction::invent(1, 771);
        assert_eq!(fiction.people.len(), 2 * 771);
        assert!(
            (2_500..3_500).contains(&fiction.phones.len()),
            "{} telephones",
            fiction.phones.len()
        );
        let numbers: HashSet<&str> = fiction.phones.iter().map(|phone| phone.number.as_str()).collect();
        assert_eq!(numbers.len(), fiction.phones.len());
        for number in numbers {
            assert!(
                number.len() == 12 && (number.starts_with("+3335301") || number.starts_with("+3363998")),
                "{number}"
            );
        }
        assert!(
            fiction
                .people
                .iter()
                .all(|person| (1..=3).contains(&person.numbers.len()))
        );
    }

    #[test]
    fn the_carrier_reads_the_list_of_telephones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("phones.csv");
        let fiction = Fiction::invent(3, 50);
        fiction.write_phones(&path).unwrap();
        let phones = Phones::read(std::fs::File::open(&path).unwrap()).unwrap();
        assert_eq!(phones.len(), fiction.phones.len());
        fiction.write_spreadsheet(&folder.path().join("people.xlsx")).unwrap();
    }
}
