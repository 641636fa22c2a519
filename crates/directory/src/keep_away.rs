//! Persons who were erased at their own wish and must not come back with the next file (R24).
//!
//! Nothing that names them is kept: only salted hashes of what a file would bring them back by. The salt is this
//! directory's own, so that the hashes of two directories cannot be compared, nor looked up in tables made beforehand.
//! Who holds the database can still try all numbers one by one; that is why landlines, which several people share,
//! are not among the marks, and why the database is as confidential as the directory itself.

use std::collections::HashSet;

use rand::RngCore;
use sha2::{Digest, Sha256};

use crate::recipient::fold;
use crate::store::{Shared, StoreError};
use crate::{Kind, Recipient, RecipientId};

const SALT: &[u8] = b"salt";
const PREFIX: &[u8] = b"k";

type Mark = [u8; 32];

/// The marks of those who must not come back.
#[derive(Debug, Default)]
pub(crate) struct KeepAway {
    salt: Vec<u8>,
    marks: HashSet<Mark>,
}

impl KeepAway {
    /// Reads the marks; makes the salt when there is none yet.
    pub(crate) fn load(tree: &sled::Tree) -> Result<Self, sled::Error> {
        let salt = match tree.get(SALT)? {
            Some(salt) => salt.to_vec(),
            None => {
                let mut salt = vec![0; 32];
                rand::rng().fill_bytes(&mut salt);
                tree.insert(SALT, salt.as_slice())?;
                salt
            }
        };
        let mut marks = HashSet::new();
        for key in tree.scan_prefix(PREFIX).keys() {
            if let Ok(mark) = Mark::try_from(&key?[PREFIX.len()..]) {
                marks.insert(mark);
            }
        }
        Ok(Self { salt, marks })
    }

    fn mark(&self, kind: &str, value: &str) -> Mark {
        let mut hash = Sha256::new();
        for part in [self.salt.as_slice(), kind.as_bytes(), b"\0", value.as_bytes()] {
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// What a file could bring this person back by: the key, the e-mail address, the mobile numbers, the name together
    /// with the commune.
    fn marks(&self, recipient: &Recipient) -> Vec<Mark> {
        let mut marks = Vec::new();
        if !recipient.key.is_empty() {
            marks.push(self.mark("key", &recipient.key));
        }
        if let Some(email) = &recipient.email {
            marks.push(self.mark("email", &email.to_lowercase()));
        }
        for number in &recipient.numbers {
            if number.e164.kind() == Kind::Mobile {
                marks.push(self.mark("number", &number.e164.digits()));
            }
        }
        if !recipient.name.is_empty() && !recipient.first_name.is_empty() {
            let commune = recipient.commune.map(|insee| insee.to_string()).unwrap_or_default();
            let person = format!("{}|{}|{commune}", fold(&recipient.name), fold(&recipient.first_name));
            marks.push(self.mark("person", &person));
        }
        marks
    }

    /// Whether this is somebody who must not come back.
    pub(crate) fn holds(&self, recipient: &Recipient) -> bool {
        !self.marks.is_empty() && self.marks(recipient).iter().any(|mark| self.marks.contains(mark))
    }
}

fn key(mark: &Mark) -> Vec<u8> {
    [PREFIX, mark.as_slice()].concat()
}

impl Shared {
    /// Erases a person like [`Shared::erase`], and keeps them away: later files do not bring them back.
    pub fn erase_and_keep_away(&self, id: RecipientId) -> Result<(), StoreError> {
        let mut store = self.lock();
        let known = self
            .snapshot()
            .recipient(id)
            .cloned()
            .ok_or(StoreError::NoSuchRecipient(id))?;
        let marks = store.keep_away.marks(&known);
        let mut batch = sled::Batch::default();
        marks.iter().for_each(|mark| batch.insert(key(mark), &[][..]));
        self.erase_with(&mut store, id, batch)?;
        store.keep_away.marks.extend(marks);
        Ok(())
    }

    /// Whether a new recipient like this would be somebody who asked to be kept away.
    pub fn is_kept_away(&self, recipient: &Recipient) -> bool {
        self.lock().keep_away.holds(recipient)
    }

    /// The person wants to be in the directory again: forgets the marks that this recipient has. Gives how many.
    /// Who could not be saved is not let back.
    pub fn let_back(&self, recipient: &Recipient) -> Result<usize, StoreError> {
        recipient.check(self.snapshot().recipient(recipient.id).map(AsRef::as_ref))?;
        let mut store = self.lock();
        let marks = store.keep_away.marks(recipient);
        let held: Vec<Mark> = marks
            .into_iter()
            .filter(|mark| store.keep_away.marks.contains(mark))
            .collect();
        let mut batch = sled::Batch::default();
        held.iter().for_each(|mark| batch.remove(key(mark)));
        store.commit(batch)?;
        held.iter().for_each(|mark| {
            store.keep_away.marks.remove(mark);
        });
        Ok(held.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{self, Options};
    use crate::{E164, PhoneNumber, Store, Target};

    fn jeanne() -> Recipient {
        let number = |text: &str| PhoneNumber::new(E164::parse(text).unwrap());
        Recipient {
            key: "80021-1".into(),
            name: "Lefèvre".into(),
            first_name: "Jeanne".into(),
            numbers: vec![number("01 99 00 00 01"), number("06 39 98 00 01")],
            email: Some("Jeanne@amiens.example".into()),
            ..Recipient::default()
        }
    }

    fn import(shared: &Shared, text: &str) -> import::Import {
        import::read(text.as_bytes(), "élus.csv", &Options::default(), &shared.snapshot()).unwrap()
    }

    const FILE: &str = "id;Nom;Prénom;Tél;Mobile;E-mail\n\
        80021-1;Autre;Nom;0199000009;;\n\
        77;LEFEVRE;jeanne;0199000008;;\n\
        78;;Anonyme;;0639980001;\n\
        79;Martin;Paul;;;JEANNE@AMIENS.EXAMPLE\n\
        80;Durand;Luc;0199000001;;\n";

    #[test]
    fn an_erased_person_does_not_come_back_by_any_file() {
        let folder = tempfile::tempdir().unwrap();
        {
            let shared = Shared::new(Store::open(folder.path()).unwrap()).unwrap();
            let id = shared.save(jeanne()).unwrap();
            shared.erase_and_keep_away(id).unwrap();
            assert!(shared.snapshot().is_empty());
        }
        let shared = Shared::new(Store::open(folder.path()).unwrap()).unwrap();
        let file = import(&shared, FILE);
        let plan = shared.plan(&file);
        assert_eq!((plan.created, plan.kept_away), (1, 4));
        assert_eq!(shared.kept_away_lines(&file), [2, 3, 4, 5]);
        let applied = shared.apply(&file, &Target::List("Élus".into()), 0).unwrap();
        assert_eq!((applied.plan, applied.recipients.len()), (plan, 1));
        let now = shared.snapshot();
        assert_eq!(
            now.recipients()[0].name,
            "Durand",
            "a landline may be shared and keeps nobody away"
        );
        assert_eq!(now.len(), 1);
    }

    #[test]
    fn nothing_that_names_the_person_is_left_in_the_database() {
        let shared = Shared::new(Store::temporary().unwrap()).unwrap();
        let id = shared.save(jeanne()).unwrap();
        shared.erase_and_keep_away(id).unwrap();
        for entry in shared.lock().tree.iter() {
            let (key, value) = entry.unwrap();
            for bytes in [&key, &value] {
                let text = String::from_utf8_lossy(bytes).to_lowercase();
                for trace in ["lef", "jeanne", "639980001", "80021-1"] {
                    assert!(!text.contains(trace), "{trace} in {text}");
                }
            }
        }
    }

    #[test]
    fn who_wants_to_come_back_is_let_back() {
        let shared = Shared::new(Store::temporary().unwrap()).unwrap();
        let id = shared.save(jeanne()).unwrap();
        shared.erase_and_keep_away(id).unwrap();
        assert!(shared.is_kept_away(&jeanne()));
        assert!(matches!(shared.save(jeanne()), Err(StoreError::KeptAway)));
        assert!(shared.let_back(&jeanne()).unwrap() > 0);
        assert!(shared.save(jeanne()).is_ok());
        assert!(!shared.is_kept_away(&jeanne()));
    }
}
