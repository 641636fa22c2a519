//! What has changed about whom is called and where, and must be told to the campaigns under way.
//!
//! A change and its mark are one atomic batch on disk; the mark goes when somebody says that the change is known
//! elsewhere. A crash in between leaves the mark, and the change is told again after the start: it is told at least once.

use serde::{Deserialize, Serialize};

use crate::store::{Shared, Store, StoreError, decode, encode};
use crate::{Recipient, RecipientId};

/// One recipient of whom something is to be told. Several changes of one recipient are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Who.
    pub recipient: RecipientId,
    /// The entry that took theirs in, where two were one person. Then and only then may somebody who has left the
    /// directory still have to be called.
    pub into: Option<RecipientId>,
    /// Grows with each change, so that a later one is not taken for told.
    serial: u64,
}

const PREFIX: &[u8] = b"t";

fn key(recipient: RecipientId) -> Vec<u8> {
    [PREFIX, &recipient.0.to_be_bytes()].concat()
}

/// Whether a change of a recipient changes what campaigns may ring.
pub(crate) fn concerns_calls(before: &Recipient, after: &Recipient) -> bool {
    before.numbers != after.numbers || before.unsubscribed != after.unsubscribed
}

impl Store {
    /// Marks the recipient, in the batch that makes the change.
    pub(crate) fn mark(&mut self, batch: &mut sled::Batch, recipient: RecipientId, into: Option<RecipientId>) {
        let serial = self.next_change();
        let change = Change {
            recipient,
            into,
            serial,
        };
        batch.insert(key(recipient), encode(&change));
    }

    /// Marks the recipient if what has changed concerns calls.
    pub(crate) fn mark_changed(&mut self, batch: &mut sled::Batch, before: &Recipient, after: &Recipient) {
        if concerns_calls(before, after) {
            self.mark(batch, after.id, None);
        }
    }
}

impl Shared {
    /// Changes that have not been told yet, at most so many. Take a snapshot after this call to see what they led to.
    pub fn untold(&self, most: usize) -> Result<Vec<Change>, StoreError> {
        let store = self.lock();
        let entries = store.tree.scan_prefix(PREFIX).take(most);
        entries
            .map(|entry| {
                let (key, value) = entry?;
                decode(&key, &value)
            })
            .collect()
    }

    /// Whether there is something to tell.
    pub fn has_untold(&self) -> Result<bool, StoreError> {
        let first = self.tree().scan_prefix(PREFIX).next();
        Ok(first.transpose()?.is_some())
    }

    /// These have been told, durably. One that has changed again since stays.
    pub fn told(&self, changes: &[Change]) -> Result<(), StoreError> {
        let store = self.lock();
        let mut batch = sled::Batch::default();
        for change in changes {
            let key = key(change.recipient);
            let known = store.tree.get(&key)?;
            let known: Option<Change> = known.map(|value| decode(&key, &value)).transpose()?;
            if known.as_ref() == Some(change) {
                batch.remove(key);
            }
        }
        // Not flushed: whatever comes back after a power cut is told once more.
        store.tree.apply_batch(batch)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{E164, PhoneNumber, Target, import};

    fn person(name: &str, number: &str) -> Recipient {
        Recipient {
            key: name.to_lowercase(),
            name: name.into(),
            numbers: vec![PhoneNumber::new(E164::parse(number).unwrap())],
            ..Recipient::default()
        }
    }

    fn who(shared: &Shared) -> Vec<(u64, Option<u64>)> {
        let changes = shared.untold(100).unwrap();
        let pairs = changes
            .iter()
            .map(|change| (change.recipient.0, change.into.map(|id| id.0)));
        pairs.collect()
    }

    fn tell_all(shared: &Shared) {
        shared.told(&shared.untold(100).unwrap()).unwrap();
        assert!(!shared.has_untold().unwrap());
    }

    #[test]
    fn whatever_changes_whom_campaigns_ring_is_marked_and_nothing_else() {
        let shared = Shared::new(Store::temporary().unwrap()).unwrap();
        let [one, two, three] = ["Un", "Deux", "Trois"].map(|name| {
            let number = format!("01990000{:02}", name.len());
            shared.save(person(name, &number)).unwrap()
        });
        assert!(!shared.has_untold().unwrap(), "nobody calls somebody new");

        let known = |id| Recipient::clone(shared.snapshot().recipient(id).unwrap());
        shared
            .save(Recipient {
                function: "Maire".into(),
                ..known(one)
            })
            .unwrap();
        assert!(!shared.has_untold().unwrap(), "a function rings nobody");
        let other = PhoneNumber::new(E164::parse("0199000009").unwrap());
        shared
            .save(Recipient {
                numbers: vec![other],
                ..known(one)
            })
            .unwrap();
        assert_eq!(who(&shared), [(1, None)]);
        tell_all(&shared);

        shared.set_unsubscribed(two, true).unwrap();
        assert_eq!(who(&shared), [(2, None)]);
        tell_all(&shared);

        let text =
            "id;Nom;Fonction;Tél\nun;Un;Maire;0199000009\ntrois;Trois;Maire;0199000033\nquatre;Quatre;;0199000004\n";
        let file = import::read(
            text.as_bytes(),
            "a.csv",
            &import::Options::default(),
            &shared.snapshot(),
        )
        .unwrap();
        let applied = shared.apply(&file, &Target::Directory, 0).unwrap();
        assert_eq!(who(&shared), [(3, None)], "the others have the numbers that they had");
        tell_all(&shared);
        shared.undo(applied.id).unwrap();
        assert_eq!(who(&shared), [(3, None), (4, None)], "one back, one gone");
        tell_all(&shared);

        shared.merge(one, &[three]).unwrap();
        assert_eq!(who(&shared), [(1, None), (3, Some(1))]);
        tell_all(&shared);
        shared.remove(&[two]).unwrap();
        shared.erase(one).unwrap();
        assert_eq!(who(&shared), [(1, None), (2, None)]);
    }

    #[test]
    fn a_mark_outlives_a_crash_and_a_later_change_is_not_taken_for_told() {
        let folder = tempfile::tempdir().unwrap();
        {
            let shared = Shared::new(Store::open(folder.path()).unwrap()).unwrap();
            let id = shared.save(person("Un", "0199000001")).unwrap();
            shared.set_unsubscribed(id, true).unwrap();
        }
        let shared = Shared::new(Store::open(folder.path()).unwrap()).unwrap();
        let first = shared.untold(10).unwrap();
        assert_eq!(first.len(), 1);
        shared.set_unsubscribed(RecipientId(1), false).unwrap();
        shared.told(&first).unwrap();
        assert_eq!(who(&shared), [(1, None)], "it has changed again");
        tell_all(&shared);
    }
}
