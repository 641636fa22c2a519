use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use crate::bits::Bits;
use crate::index::Index;
use crate::recipient::fold;
use crate::{E164, Gazetteer, List, ListId, Recipient, RecipientId, Selection, SelectionError};

/// Everything that the directory held at one moment. Cheap to share (`Arc<Directory>`), never changed.
#[derive(Debug)]
pub struct Directory {
    keys: HashMap<Box<str>, u32>,
    index: Index,
    lists: Vec<Arc<List>>,
    gazetteer: Arc<Gazetteer>,
}

/// Recipients that look like one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Duplicate {
    /// They share a number.
    SameNumber {
        /// The number.
        number: E164,
        /// Who has it.
        recipients: Vec<RecipientId>,
    },
    /// They have the same name, first name and commune.
    SamePerson {
        /// Who they are.
        recipients: Vec<RecipientId>,
    },
}

impl Directory {
    /// A directory of nobody, with the global list and the communes of the Somme.
    pub fn empty() -> Directory {
        Directory::new(Vec::new(), Vec::new(), Gazetteer::somme())
    }

    /// Indexes recipients and lists. Of recipients with the same id the last counts; the global list is added if missing.
    pub fn new(recipients: Vec<Arc<Recipient>>, lists: Vec<Arc<List>>, gazetteer: Arc<Gazetteer>) -> Directory {
        let mut rows = recipients;
        rows.sort_by_key(|recipient| recipient.id);
        rows.dedup_by(|later, earlier| {
            let same = later.id == earlier.id;
            if same {
                *earlier = Arc::clone(later);
            }
            same
        });
        let mut lists = lists;
        if !lists.iter().any(|list| list.id == ListId::GLOBAL) {
            lists.push(Arc::new(List::global()));
        }
        lists.sort_by_key(|list| list.id);
        let mut keys = HashMap::with_capacity(rows.len());
        for (row, recipient) in (0u32..).zip(&rows) {
            if !recipient.key.is_empty() {
                keys.insert(recipient.key.as_str().into(), row);
            }
        }
        let index = Index::new(rows, Arc::clone(&gazetteer));
        Directory {
            keys,
            index,
            lists,
            gazetteer,
        }
    }

    /// Makes what selections need and what else would be made at their first use: some 0.2 s for 100,000 recipients.
    pub fn warm(&self) {
        self.index.warm();
    }

    /// Number of recipients.
    pub fn len(&self) -> usize {
        self.index.rows.len()
    }

    /// True when there is no recipient.
    pub fn is_empty(&self) -> bool {
        self.index.rows.is_empty()
    }

    /// The recipients by rising id.
    pub fn recipients(&self) -> &[Arc<Recipient>] {
        &self.index.rows
    }

    /// The recipient with this id.
    pub fn recipient(&self, id: RecipientId) -> Option<&Arc<Recipient>> {
        self.row(id).map(|row| &self.index.rows[row])
    }

    /// The recipient with this key.
    pub fn by_key(&self, key: &str) -> Option<&Arc<Recipient>> {
        self.keys.get(key).map(|row| &self.index.rows[*row as usize])
    }

    /// Those who have this number.
    pub fn by_number(&self, number: E164) -> impl Iterator<Item = &Arc<Recipient>> {
        self.index.numbers().rows_with(number).map(|row| &self.index.rows[row])
    }

    /// The lists by rising id; the global list is the first.
    pub fn lists(&self) -> &[Arc<List>] {
        &self.lists
    }

    /// The list with this id.
    pub fn list(&self, id: ListId) -> Option<&Arc<List>> {
        self.lists
            .binary_search_by_key(&id, |list| list.id)
            .ok()
            .map(|index| &self.lists[index])
    }

    /// The list with this name, as written or without regard to case and accents.
    pub fn list_named(&self, name: &str) -> Option<&Arc<List>> {
        let folded = fold(name);
        let alike = || self.lists.iter().find(|list| fold(&list.name) == folded);
        self.lists.iter().find(|list| list.name == name).or_else(alike)
    }

    /// The communes known.
    pub fn gazetteer(&self) -> &Arc<Gazetteer> {
        &self.gazetteer
    }

    /// Those whom a selection chooses, each once, by rising id, without those who unsubscribed.
    pub fn select(&self, selection: &Selection) -> Result<Vec<RecipientId>, SelectionError> {
        let bits = self.subscribed(selection)?;
        let mut ids = Vec::with_capacity(bits.count());
        ids.extend(bits.rows().map(|row| self.index.ids[row]));
        Ok(ids)
    }

    /// How many [`Directory::select`] would give.
    pub fn count(&self, selection: &Selection) -> Result<usize, SelectionError> {
        Ok(self.subscribed(selection)?.count())
    }

    /// The recipients whom a selection chooses, those who unsubscribed included: for consulting the directory.
    pub fn search(&self, selection: &Selection) -> Result<Vec<Arc<Recipient>>, SelectionError> {
        let bits = self.index.evaluate(selection, &self.lists)?;
        Ok(bits.rows().map(|row| Arc::clone(&self.index.rows[row])).collect())
    }

    fn subscribed(&self, selection: &Selection) -> Result<Bits, SelectionError> {
        let mut bits = self.index.evaluate(selection, &self.lists)?;
        self.index.keep_subscribed(&mut bits);
        Ok(bits)
    }

    /// Those in a list at this moment, as [`Directory::select`] gives them.
    pub fn members(&self, list: ListId) -> Result<Vec<RecipientId>, SelectionError> {
        self.select(&Selection::List(list))
    }

    /// Recipients that look like one, numbers first.
    pub fn duplicates(&self) -> Vec<Duplicate> {
        let index = &self.index;
        let ids = |rows: &[usize]| rows.iter().map(|row| index.ids[*row]).collect();
        let shared = index.numbers().shared();
        let mut found: Vec<Duplicate> = shared
            .map(|(number, rows)| Duplicate::SameNumber {
                number,
                recipients: ids(&rows),
            })
            .collect();
        let mut persons: HashMap<(u32, u32, u16), Vec<usize>> = HashMap::new();
        let (names, first_names, communes) = (index.name().symbols(), index.first_name().symbols(), index.commune());
        for row in 0..names.len() {
            let person = (names[row], first_names[row], communes[row]);
            // Without a name there is a function, and a commune may have several deputies.
            if person.0 != 0 {
                persons.entry(person).or_default().push(row);
            }
        }
        let mut persons: Vec<Vec<usize>> = persons.into_values().filter(|rows| rows.len() > 1).collect();
        persons.sort_unstable();
        found.extend(
            persons
                .iter()
                .map(|rows| Duplicate::SamePerson { recipients: ids(rows) }),
        );
        found
    }

    fn row(&self, id: RecipientId) -> Option<usize> {
        self.index.rows.binary_search_by_key(&id, |recipient| recipient.id).ok()
    }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
