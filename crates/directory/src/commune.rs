use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use crate::recipient::fold;

/// The INSEE code of a commune: five characters, such as `80021` or `2A004`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Insee([u8; 5]);

impl Insee {
    /// The five characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("00000")
    }
}

impl FromStr for Insee {
    type Err = CommuneError;

    fn from_str(text: &str) -> Result<Insee, CommuneError> {
        let bytes: [u8; 5] = text.trim().as_bytes().try_into().map_err(|_| CommuneError::Unknown)?;
        let upper = bytes.map(|b| b.to_ascii_uppercase());
        let digits = |range: &[u8]| range.iter().all(u8::is_ascii_digit);
        let corsica = matches!(&upper[..2], b"2A" | b"2B");
        match digits(&upper[2..]) && (digits(&upper[..2]) || corsica) {
            true => Ok(Insee(upper)),
            false => Err(CommuneError::Unknown),
        }
    }
}

impl TryFrom<String> for Insee {
    type Error = CommuneError;

    fn try_from(text: String) -> Result<Insee, CommuneError> {
        text.parse()
    }
}

impl From<Insee> for String {
    fn from(code: Insee) -> String {
        code.as_str().to_owned()
    }
}

impl fmt::Display for Insee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Insee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A point on the ground, in degrees (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// Mean radius of the Earth in metres (IUGG).
const EARTH_M: f64 = 6_371_008.8;

impl Position {
    /// Metres along the great circle to another point (haversine).
    pub fn distance_m(self, other: Position) -> f64 {
        let (a, b) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_latitude = ((b - a) / 2.0).sin();
        let half_longitude = ((other.longitude - self.longitude).to_radians() / 2.0).sin();
        let h = half_latitude * half_latitude + a.cos() * b.cos() * half_longitude * half_longitude;
        2.0 * EARTH_M * h.sqrt().min(1.0).asin()
    }
}

/// An administrative area that a commune belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Area {
    /// Its official code.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// A commune.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Commune {
    /// INSEE code.
    pub insee: Insee,
    /// Name.
    pub name: String,
    /// Postal codes.
    pub postal_codes: Vec<String>,
    /// Inhabitants.
    pub population: u32,
    /// Arrondissement.
    pub arrondissement: Area,
    /// Canton; that of most of the commune where it is split.
    pub canton: Area,
    /// Intercommunality (EPCI).
    pub epci: Area,
    /// A point inside.
    pub position: Position,
}

/// Why a text names no commune.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommuneError {
    /// No commune has this name or code.
    #[error("no commune has this name or code")]
    Unknown,
    /// Several communes share this name or postal code.
    #[error("several communes answer to this name or postal code")]
    Ambiguous,
    /// The file of communes cannot be read.
    #[error("line {line} of the file of communes: {reason}")]
    File {
        /// Line in the file, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
}

/// All communes that the directory knows.
#[derive(Debug, Default)]
pub struct Gazetteer {
    communes: Vec<Commune>,
    /// Folded names and postal codes, with the communes that answer to them.
    names: HashMap<String, Vec<u32>>,
}

static SOMME: LazyLock<Arc<Gazetteer>> = LazyLock::new(|| {
    // The embedded file is part of the program and read by a test.
    Arc::new(Gazetteer::read(include_bytes!("../data/communes.csv")).unwrap_or_default())
});

impl Gazetteer {
    /// The communes of the Somme, embedded. Sources: `data/SOURCES.md`.
    pub fn somme() -> Arc<Gazetteer> {
        Arc::clone(&SOMME)
    }

    /// Contours of the communes of the Somme as GeoJSON (WGS 84); each feature's `code` is its INSEE code.
    pub fn somme_contours() -> &'static str {
        include_str!("../data/communes.geojson")
    }

    /// Reads a file of communes with the columns of `data/communes.csv`, in UTF-8.
    pub fn read(bytes: &[u8]) -> Result<Gazetteer, CommuneError> {
        let mut reader = csv::Reader::from_reader(bytes);
        let mut gazetteer = Gazetteer::default();
        for record in reader.deserialize::<Line>() {
            let line = record.map_err(|error| CommuneError::File {
                line: error.position().map_or(0, csv::Position::line),
                reason: error.to_string(),
            })?;
            gazetteer.communes.push(line.into());
        }
        gazetteer.communes.sort_by_key(|commune| commune.insee);
        gazetteer.communes.dedup_by_key(|commune| commune.insee);
        for (index, commune) in (0u32..).zip(&gazetteer.communes) {
            let mut names = vec![name_key(&commune.name)];
            names.extend(commune.postal_codes.iter().cloned());
            for name in names {
                gazetteer.names.entry(name).or_default().push(index);
            }
        }
        Ok(gazetteer)
    }

    /// The communes by rising INSEE code.
    pub fn communes(&self) -> &[Commune] {
        &self.communes
    }

    /// The commune with this code.
    pub fn get(&self, insee: Insee) -> Option<&Commune> {
        self.index(insee).map(|index| &self.communes[index])
    }

    /// Place of a code in [`Gazetteer::communes`].
    pub(crate) fn index(&self, insee: Insee) -> Option<usize> {
        self.communes.binary_search_by_key(&insee, |commune| commune.insee).ok()
    }

    /// Finds a commune as people write it: INSEE code, name in any case and with or without accents, `St` for `Saint`,
    /// `Amiens (80000)`, `80000 Amiens`, or a postal code that only one commune has. A bare code is taken for an INSEE
    /// code first: in the Somme both sorts begin with 80 and many codes are of both.
    pub fn find(&self, text: &str) -> Result<&Commune, CommuneError> {
        if let Ok(insee) = text.parse::<Insee>()
            && let Some(commune) = self.get(insee)
        {
            return Ok(commune);
        }
        let key = name_key(text);
        match self.named(&key) {
            Err(CommuneError::Unknown) => {}
            found => return found,
        }
        // A name with a code beside it.
        let (codes, words): (Vec<&str>, Vec<&str>) = key
            .split(' ')
            .partition(|word| word.len() == 5 && word.bytes().all(|b| b.is_ascii_digit()));
        let ([code], false) = (codes.as_slice(), words.is_empty()) else {
            return Err(CommuneError::Unknown);
        };
        let commune = self.named(&words.join(" "))?;
        let agrees = commune.insee.as_str() == *code || commune.postal_codes.iter().any(|postal| postal == code);
        if agrees {
            Ok(commune)
        } else {
            Err(CommuneError::Unknown)
        }
    }

    fn named(&self, key: &str) -> Result<&Commune, CommuneError> {
        match self.names.get(key).map(Vec::as_slice) {
            Some([one]) => Ok(&self.communes[*one as usize]),
            Some(_) => Err(CommuneError::Ambiguous),
            None => Err(CommuneError::Unknown),
        }
    }
}

/// A folded name in which `St` and `Ste` are spelled out and a leading `commune de`, `mairie de` is dropped.
fn name_key(name: &str) -> String {
    let folded = fold(name);
    let mut rest = folded.as_str();
    for lead in [
        "commune de ",
        "commune d ",
        "mairie de ",
        "mairie d ",
        "ville de ",
        "ville d ",
    ] {
        rest = rest.strip_prefix(lead).unwrap_or(rest);
    }
    let mut words = rest.split(' ').map(|word| match word {
        "st" => "saint",
        "ste" => "sainte",
        "s" | "sur" => "sur",
        other => other,
    });
    let mut key = words.next().unwrap_or_default().to_owned();
    for word in words {
        key.push(' ');
        key.push_str(word);
    }
    key
}

/// A line of the file of communes.
#[derive(Deserialize)]
struct Line {
    insee: Insee,
    nom: String,
    codes_postaux: String,
    population: u32,
    arrondissement: String,
    arrondissement_nom: String,
    canton: String,
    canton_nom: String,
    epci: String,
    epci_nom: String,
    latitude: f64,
    longitude: f64,
}

impl From<Line> for Commune {
    fn from(line: Line) -> Commune {
        Commune {
            insee: line.insee,
            name: line.nom,
            postal_codes: line
                .codes_postaux
                .split([' ', ';', '|'])
                .filter(|c| !c.is_empty())
                .map(str::to_owned)
                .collect(),
            population: line.population,
            arrondissement: Area {
                code: line.arrondissement,
                name: line.arrondissement_nom,
            },
            canton: Area {
                code: line.canton,
                name: line.canton_nom,
            },
            epci: Area {
                code: line.epci,
                name: line.epci_nom,
            },
            position: Position {
                latitude: line.latitude,
                longitude: line.longitude,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_file_holds_the_communes_of_the_somme() {
        let somme = Gazetteer::somme();
        assert_eq!(somme.communes().len(), 771);
        let amiens = somme.find("Amiens").unwrap();
        assert_eq!(amiens.insee.as_str(), "80021");
        assert!(amiens.population > 100_000);
        assert!(amiens.postal_codes.len() >= 2, "{:?}", amiens.postal_codes);
        for commune in somme.communes() {
            assert!((49.4..50.5).contains(&commune.position.latitude), "{commune:?}");
            assert!((1.3..3.3).contains(&commune.position.longitude), "{commune:?}");
            assert!(!commune.epci.name.is_empty() && !commune.canton.code.is_empty());
            assert_eq!(
                somme.find(&commune.name).map(|found| found.insee),
                Ok(commune.insee),
                "{}",
                commune.name
            );
        }
    }

    #[test]
    fn communes_are_found_as_people_write_them() {
        let somme = Gazetteer::somme();
        for (text, expected) in [
            ("80021", "80021"),
            ("AMIENS", "80021"),
            ("amiens ", "80021"),
            ("Amiens (80000)", "80021"),
            ("80000 Amiens", "80021"),
            ("Mairie d'Amiens", "80021"),
            ("ST VALERY SUR SOMME", "80721"),
            ("St-Valery-s/Somme", "80721"),
            ("acheux en amienois", "80003"),
        ] {
            assert_eq!(somme.find(text).map(|c| c.insee.as_str()), Ok(expected), "{text}");
        }
        assert_eq!(somme.find("Lille").err(), Some(CommuneError::Unknown));
        assert_eq!(somme.find("").err(), Some(CommuneError::Unknown));
        assert_eq!(somme.find("Amiens (80100)").err(), Some(CommuneError::Unknown));
        assert_eq!(somme.find("80370").err(), Some(CommuneError::Ambiguous));
    }

    #[test]
    fn distances_are_those_of_the_ground() {
        let amiens = Position {
            latitude: 49.8942,
            longitude: 2.2957,
        };
        let abbeville = Position {
            latitude: 50.1055,
            longitude: 1.8368,
        };
        assert!(
            (amiens.distance_m(abbeville) - 40_400.0).abs() < 500.0,
            "{}",
            amiens.distance_m(abbeville)
        );
    }

    #[test]
    fn insee_codes_have_five_characters() {
        for (text, ok) in [
            ("80021", true),
            ("2a004", true),
            ("8002", false),
            ("800211", false),
            ("80O21", false),
        ] {
            assert_eq!(text.parse::<Insee>().is_ok(), ok, "{text}");
        }
    }
}
