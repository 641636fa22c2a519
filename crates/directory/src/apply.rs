use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::import::{Import, Role, Row};
use crate::recipient::fold;
use crate::store::{Shared, Store, StoreError, decode, encode, list_key, recipient_key};
use crate::{Content, Directory, List, ListId, Recipient, RecipientId};

/// The identity of an import that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImportId(pub u64);

impl fmt::Display for ImportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Where the rows of an import go besides the directory.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Target {
    /// Nowhere else.
    #[default]
    Directory,
    /// The static list of this name is made to hold exactly the rows of the file; it is created if missing.
    List(String),
    /// The rows are added to the static list of this name; it is created if missing.
    AddToList(String),
}

/// What applying an import would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Recipients that would be created.
    pub created: usize,
    /// Recipients of which something would change.
    pub updated: usize,
    /// Recipients that the file knows as the directory does.
    pub unchanged: usize,
    /// Rows of persons who were erased at their own wish: they are left out.
    pub kept_away: usize,
}

/// What applying an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// With which it can be undone.
    pub id: ImportId,
    /// The changes.
    pub plan: Plan,
    /// The recipients of the file's rows, in the order of its lines.
    pub recipients: Vec<RecipientId>,
    /// The list of [`Target`].
    pub list: Option<ListId>,
}

/// What undoing an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// Created recipients that were removed.
    pub removed: usize,
    /// Changed recipients that have their former values again.
    pub restored: usize,
    /// Recipients that were changed since and were left as they are.
    pub kept: Vec<RecipientId>,
}

/// An import as the directory remembers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportRecord {
    /// Its identity.
    pub id: ImportId,
    /// Name of the file.
    pub file_name: String,
    /// When, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// Recipients created.
    pub created: usize,
    /// Recipients changed.
    pub updated: usize,
    /// The list that was written, and what it held before; `None` inside: it was created.
    list: Option<(ListId, Option<Content>)>,
}

/// What undoing needs to know of one recipient.
#[derive(Serialize, Deserialize)]
struct Undo {
    before: Option<Recipient>,
    /// The revision that the import gave.
    revision: u64,
}

/// Imports that can be undone; older ones are forgotten, and with them the former values of persons.
const REMEMBERED: usize = 10;

impl Shared {
    /// What [`Shared::apply`] would do now (dry run).
    pub fn plan(&self, import: &Import) -> Plan {
        let store = self.lock();
        let now = self.snapshot();
        let mut plan = Plan::default();
        for row in &import.rows {
            if is_kept_away(&store, &now, row) {
                plan.kept_away += 1;
                continue;
            }
            match now.by_key(&row.recipient.key) {
                None => plan.created += 1,
                Some(known) if merged(known, row, import) == **known => plan.unchanged += 1,
                Some(_) => plan.updated += 1,
            }
        }
        plan
    }

    /// The lines of persons who were erased at their own wish; [`Shared::apply`] leaves them out.
    pub fn kept_away_lines(&self, import: &Import) -> Vec<usize> {
        let store = self.lock();
        let now = self.snapshot();
        let rows = import.rows.iter().filter(|row| is_kept_away(&store, &now, row));
        rows.map(|row| row.line).collect()
    }

    /// Creates and updates recipients by key, in one atomic step. Columns that the file does not have stay as they are
    /// in the directory; nobody is removed. `at_ms`: milliseconds since 1970 (UTC).
    pub fn apply(&self, import: &Import, target: &Target, at_ms: i64) -> Result<Applied, StoreError> {
        let mut store = self.lock();
        let now = self.snapshot();
        let id = store.next_import();
        let mut batch = sled::Batch::default();
        let mut rows = now.recipients().to_vec();
        let mut plan = Plan::default();
        let mut recipients = Vec::with_capacity(import.rows.len());
        // A preview may be applied twice or hold rows that share a key: the later row updates the earlier.
        let mut fresh: HashMap<&str, usize> = HashMap::new();
        for row in &import.rows {
            if is_kept_away(&store, &now, row) {
                plan.kept_away += 1;
                continue;
            }
            let key = row.recipient.key.as_str();
            let known = fresh.get(key).map(|place| &rows[*place]).or_else(|| now.by_key(key));
            let (before, mut after) = match known {
                Some(known) => (Some(Arc::clone(known)), merged(known, row, import)),
                None => (
                    None,
                    Recipient {
                        id: store.next_recipient(),
                        ..row.recipient.clone()
                    },
                ),
            };
            recipients.push(after.id);
            if before.as_deref() == Some(&after) {
                plan.unchanged += 1;
                continue;
            }
            after.revision += 1;
            match &before {
                Some(_) => plan.updated += 1,
                None => plan.created += 1,
            }
            if !fresh.contains_key(key) {
                let undo = Undo {
                    before: before.as_deref().cloned(),
                    revision: after.revision,
                };
                batch.insert(undo_key(id, after.id), encode(&undo));
            }
            if let Some(before) = &before {
                store.mark_changed(&mut batch, before, &after);
            }
            batch.insert(recipient_key(after.id), encode(&after));
            fresh.insert(key, rows.len());
            rows.push(Arc::new(after));
        }
        let mut lists = now.lists().to_vec();
        let written = self.write_target(&mut store, target, &recipients, &now, &mut lists)?;
        if let Some((list, _)) = &written {
            batch.insert(list_key(list.id), encode(&**list));
        }
        let list = written.as_ref().map(|(list, _)| list.id);
        let record = ImportRecord {
            id,
            file_name: import.file_name.clone(),
            at_ms,
            created: plan.created,
            updated: plan.updated,
            list: written.map(|(list, before)| (list.id, before)),
        };
        batch.insert(record_key(id), encode(&record));
        forget_old(&store, &mut batch)?;
        store.commit(batch)?;
        self.publish(rows, lists);
        Ok(Applied {
            id,
            plan,
            recipients,
            list,
        })
    }

    /// Whether [`Shared::apply`] would leave everything as it is, the list included.
    pub fn changes_nothing(&self, import: &Import, target: &Target) -> bool {
        let plan = self.plan(import);
        if plan.created > 0 || plan.updated > 0 {
            return false;
        }
        let (name, adds) = match target {
            Target::Directory => return true,
            Target::List(name) => (name, false),
            Target::AddToList(name) => (name, true),
        };
        let now = self.snapshot();
        let Some(list) = now.list_named(name) else { return false };
        if list.id == ListId::GLOBAL {
            return true;
        }
        let Content::Static(members) = &list.content else {
            return false;
        };
        let mut rows: Vec<RecipientId> = import
            .rows
            .iter()
            .filter_map(|row| now.by_key(&row.recipient.key))
            .map(|recipient| recipient.id)
            .collect();
        rows.sort_unstable();
        rows.dedup();
        if adds {
            rows.iter().all(|id| members.contains(id))
        } else {
            rows == *members
        }
    }

    /// The imports that can still be undone, oldest first.
    pub fn imports(&self) -> Result<Vec<ImportRecord>, StoreError> {
        records(&self.lock())
    }

    /// Takes an import back: created recipients go, changed ones and the list get their former values. Recipients that
    /// were changed since are left alone and named.
    pub fn undo(&self, id: ImportId) -> Result<Undone, StoreError> {
        let mut store = self.lock();
        let record = store.tree.get(record_key(id))?.ok_or(StoreError::NoSuchImport(id))?;
        let record: ImportRecord = decode(&record_key(id), &record)?;
        let now = self.snapshot();
        let mut batch = sled::Batch::default();
        let mut undone = Undone::default();
        let mut rows = now.recipients().to_vec();
        let mut gone = Vec::new();
        for entry in store.tree.scan_prefix(undo_prefix(id)) {
            let (key, value) = entry?;
            let undo: Undo = decode(&key, &value)?;
            batch.remove(&key);
            let recipient = key
                .get(9..)
                .and_then(|bytes| bytes.try_into().ok())
                .map(u64::from_be_bytes)
                .map(RecipientId);
            let Some(current) = recipient.and_then(|recipient| now.recipient(recipient)) else {
                continue;
            };
            match undo.before {
                _ if current.revision != undo.revision => undone.kept.push(current.id),
                None => gone.push(current.id),
                Some(mut before) => {
                    before.revision = current.revision + 1;
                    store.mark_changed(&mut batch, current, &before);
                    batch.insert(recipient_key(before.id), encode(&before));
                    rows.push(Arc::new(before));
                    undone.restored += 1;
                }
            }
        }
        let mut lists = now.lists().to_vec();
        if let Some((list, before)) = record.list
            && let Some(place) = lists.iter().position(|other| other.id == list)
        {
            match before {
                Some(content) => {
                    let former = List {
                        content,
                        ..List::clone(&lists[place])
                    };
                    batch.insert(list_key(list), encode(&former));
                    lists[place] = Arc::new(former);
                }
                None => {
                    batch.remove(list_key(list));
                    lists.remove(place);
                }
            }
        }
        batch.remove(record_key(id));
        undone.removed = gone.len();
        self.remove_from(&mut store, rows, lists, &gone, None, batch)?;
        Ok(undone)
    }

    /// Puts the members into the list of the target; gives the list and what it held before.
    #[allow(clippy::type_complexity)]
    fn write_target(
        &self,
        store: &mut Store,
        target: &Target,
        recipients: &[RecipientId],
        now: &Directory,
        lists: &mut Vec<Arc<List>>,
    ) -> Result<Option<(Arc<List>, Option<Content>)>, StoreError> {
        let (name, adds) = match target {
            Target::Directory => return Ok(None),
            Target::List(name) => (name, false),
            Target::AddToList(name) => (name, true),
        };
        let known = now.list_named(name);
        if known.is_some_and(|list| list.id == ListId::GLOBAL) {
            // Everybody in the directory is on it already.
            return Ok(None);
        }
        let mut members = recipients.to_vec();
        match known.map(|list| &list.content) {
            Some(Content::Static(before)) if adds => members.extend(before),
            Some(Content::Live(_)) => return Err(StoreError::LiveList(name.clone())),
            _ => {}
        }
        members.sort_unstable();
        members.dedup();
        let id = known.map_or_else(|| store.next_list(), |list| list.id);
        let name = known.map_or_else(|| name.clone(), |list| list.name.clone());
        let list = Arc::new(List {
            id,
            name,
            content: Content::Static(members),
        });
        let before = known.map(|list| list.content.clone());
        lists.retain(|other| other.id != id);
        lists.push(Arc::clone(&list));
        Ok(Some((list, before)))
    }
}

/// Whether a row is about somebody who must not come back; who is there is there rightly.
fn is_kept_away(store: &Store, now: &Directory, row: &Row) -> bool {
    now.by_key(&row.recipient.key).is_none() && store.keep_away.holds(&row.recipient)
}

/// What a known recipient becomes by a row: the columns of the file replace, the others stay, groups add up.
fn merged(known: &Recipient, row: &Row, import: &Import) -> Recipient {
    let mut after = known.clone();
    let new = &row.recipient;
    let given = |role: Role| import.has(role) && !row.unread.contains(&role);
    if given(Role::Name) {
        after.name.clone_from(&new.name);
    }
    if given(Role::FirstName) {
        after.first_name.clone_from(&new.first_name);
    }
    if given(Role::Function) || after.function.is_empty() {
        after.function.clone_from(&new.function);
    }
    if given(Role::Domain) || after.domain.is_empty() {
        after.domain.clone_from(&new.domain);
    }
    // A commune misread in one column may have been read in another.
    if new.commune.is_some() || (given(Role::Commune) && given(Role::Insee)) {
        after.commune = new.commune;
    }
    if given(Role::Number) {
        after.numbers.clone_from(&new.numbers);
    } else if import.has(Role::Number) {
        for number in &new.numbers {
            if !after.has_number(number.e164) && after.numbers.len() < crate::MAX_NUMBERS {
                after.numbers.push(*number);
            }
        }
    }
    for number in &mut after.numbers {
        // What the file says of a number's uses counts; else the operator's choice stays with a number that stays.
        let of_whom = if row.uses.contains(&number.e164) { new } else { known };
        if let Some(same) = of_whom.numbers.iter().find(|other| other.e164 == number.e164) {
            *number = *same;
        }
    }
    if given(Role::Email) {
        after.email.clone_from(&new.email);
    }
    if given(Role::Language) {
        after.language = new.language;
    }
    for group in &new.groups {
        if !after.groups.iter().any(|other| fold(other) == fold(group)) {
            after.groups.push(group.clone());
        }
    }
    after
}

/// The imports that are remembered, oldest first.
pub(crate) fn records(store: &Store) -> Result<Vec<ImportRecord>, StoreError> {
    store
        .tree
        .scan_prefix(b"i")
        .map(|entry| {
            let (key, value) = entry?;
            decode(&key, &value)
        })
        .collect()
}

/// Forgets all but the latest imports; one more is about to be written.
fn forget_old(store: &Store, batch: &mut sled::Batch) -> Result<(), StoreError> {
    let known = records(store)?;
    let old = known.len().saturating_sub(REMEMBERED - 1);
    for record in &known[..old] {
        batch.remove(record_key(record.id));
        for entry in store.tree.scan_prefix(undo_prefix(record.id)) {
            batch.remove(entry?.0);
        }
    }
    Ok(())
}

fn record_key(id: ImportId) -> Vec<u8> {
    [b"i".as_slice(), &id.0.to_be_bytes()].concat()
}

fn undo_prefix(id: ImportId) -> Vec<u8> {
    [b"u".as_slice(), &id.0.to_be_bytes()].concat()
}

pub(crate) fn undo_key(id: ImportId, recipient: RecipientId) -> Vec<u8> {
    [undo_prefix(id).as_slice(), &recipient.0.to_be_bytes()].concat()
}
