//! What the carrier saw: the other half of every comparison with tocsin's report.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::{Deserialize, Serialize};

/// Everything counted since the carrier started. Written as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Calls that arrived (INVITEs that began one; retransmissions and re-INVITEs are not calls).
    pub calls: u64,
    /// Calls to numbers that do not exist.
    pub unknown_numbers: u64,
    /// Calls that the telephone answered and the caller acknowledged.
    pub answered: u64,
    /// Calls in progress now, ringing or speaking.
    pub concurrent: u64,
    /// Most calls in progress at once.
    pub concurrent_max: u64,
    /// Final statuses sent, by code; 200 are the answers, 487 the calls given up by the caller.
    pub statuses: BTreeMap<u16, u64>,
    /// Calls that the caller gave up while they rang (CANCEL).
    pub cancelled: u64,
    /// Answered calls that the caller ended (BYE received).
    pub byes_received: u64,
    /// Answered calls that the telephone ended (BYE sent).
    pub byes_sent: u64,
    /// Answered calls that the carrier ended because nothing was heard any more: the caller had died.
    pub lost: u64,
    /// Keys pressed, by key.
    pub keys: BTreeMap<char, u64>,
    /// RTP packets heard in all calls.
    pub heard_packets: u64,
    /// RTP packets sent in all calls.
    pub sent_packets: u64,
    /// Answered calls in which not one RTP packet was heard.
    pub unheard: u64,
    /// Per telephone, by number.
    pub numbers: BTreeMap<String, Telephone>,
    /// Milliseconds since the carrier started, at the time of writing.
    pub at_ms: u64,
}

/// What one telephone lived through.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Telephone {
    /// Calls that arrived.
    pub calls: u64,
    /// Calls answered.
    pub answered: u64,
    /// Calls in which key 1 was pressed.
    pub pressed_1: u64,
    /// Calls in which key 1 was pressed and the caller then ended the call: the confirmation was taken.
    pub thanked: u64,
    /// When the first confirmation was taken, in milliseconds since the start.
    pub thanked_ms: Option<u64>,
    /// How long after the key that was, in milliseconds: never less than the confirmation took to be durable.
    pub waited_ms: Option<u64>,
    /// When the latest call arrived, in milliseconds since the start.
    pub last_call_ms: Option<u64>,
    /// Calls that arrived after a confirmation was taken. Must be 0.
    pub rung_after_thanks: u64,
    /// Final status of the latest call.
    pub last_status: Option<u16>,
}

impl Counts {
    /// Telephones on which at least one confirmation was taken.
    pub fn thanked(&self) -> u64 {
        self.numbers.values().filter(|n| n.thanked > 0).count() as u64
    }

    /// Telephones that were rung again although their confirmation had been taken.
    pub fn rung_after_thanks(&self) -> Vec<&str> {
        self.numbers
            .iter()
            .filter(|(_, n)| n.rung_after_thanks > 0)
            .map(|(number, _)| number.as_str())
            .collect()
    }

    /// Writes the counts so that a reader never sees half a file: to a file beside, which then takes the name.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("json.new");
        fs::write(&beside, serde_json::to_vec(self)?)?;
        fs::rename(&beside, path)
    }

    /// Reads what [`Counts::write`] wrote.
    ///
    /// # Errors
    /// When the file is absent or is not such a file.
    pub fn read(path: &Path) -> io::Result<Counts> {
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("counts.json");
        let mut counts = Counts {
            calls: 3,
            ..Counts::default()
        };
        counts.keys.insert('1', 2);
        counts.statuses.insert(486, 1);
        let number = Telephone {
            calls: 2,
            thanked: 1,
            rung_after_thanks: 1,
            ..Telephone::default()
        };
        counts.numbers.insert("+33199000001".into(), number);
        counts.write(&path).unwrap();
        assert_eq!(Counts::read(&path).unwrap(), counts);
        assert_eq!(counts.rung_after_thanks(), ["+33199000001"]);
    }
}
