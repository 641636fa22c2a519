use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

use crate::apply::{self, ImportId};
use crate::keep_away::KeepAway;
use crate::{Content, Directory, Gazetteer, List, ListId, MAX_NUMBERS, Recipient, RecipientId};

/// Why the directory on disk cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk or the database refused.
    #[error("the directory's database failed: {0}")]
    Database(#[from] sled::Error),
    /// A record that this version cannot read.
    #[error("the directory holds a record that cannot be read ({key}): {source}")]
    Damaged {
        /// The record's key.
        key: String,
        /// What the reader said.
        source: serde_json::Error,
    },
    /// There is no such recipient.
    #[error("there is no recipient {0}")]
    NoSuchRecipient(RecipientId),
    /// There is no such list.
    #[error("there is no list {0}")]
    NoSuchList(ListId),
    /// Another list has this name.
    #[error("another list is named “{0}”")]
    NameTaken(String),
    /// Another recipient has this key.
    #[error("another recipient has the key “{0}”")]
    KeyTaken(String),
    /// More numbers than a recipient can have.
    #[error("a recipient has at most {MAX_NUMBERS} numbers")]
    TooManyNumbers,
    /// A text longer than a recipient can hold.
    #[error("`{field}` is longer than {most} characters; shorten it")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Characters that it holds at most.
        most: usize,
    },
    /// The global list is always there and always means everybody.
    #[error("the global alert list cannot be changed or deleted")]
    GlobalList,
    /// A list that is a selection cannot be given members.
    #[error("the list “{0}” is a selection; it cannot be given members")]
    LiveList(String),
    /// There is no such import, or it is too old to be undone.
    #[error("import {0} is unknown or too old to be undone")]
    NoSuchImport(ImportId),
    /// The person asked to be kept away.
    #[error("this person was erased at their own wish; they can be added again only if they want to come back")]
    KeptAway,
    /// The recipient was changed by somebody else meanwhile.
    #[error("recipient {0} was changed by somebody else meanwhile")]
    Stale(RecipientId),
}

/// The directory on disk: one sled tree, one JSON record a recipient or list. Each change is one atomic batch.
#[derive(Debug)]
pub struct Store {
    pub(crate) tree: sled::Tree,
    pub(crate) keep_away: KeepAway,
    counters: Counters,
    /// sled's file: its own flush neither empties the disk's cache nor writes the file's size.
    file: Option<File>,
}

/// sled's file in its folder.
const FILE: &str = "db";

/// The next identities to give; none is given twice, so that journals stay true after deletions.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Counters {
    recipient: u64,
    list: u64,
    import: u64,
    #[serde(default)]
    change: u64,
}

const COUNTERS: &[u8] = b"counters";

impl Store {
    /// Opens or creates the directory in a folder of its own.
    pub fn open(path: impl AsRef<Path>) -> Result<Store, StoreError> {
        let mut store = Store::with(sled::Config::new().path(&path))?;
        store.file = Some(File::open(path.as_ref().join(FILE)).map_err(sled::Error::from)?);
        Ok(store)
    }

    /// A directory that is deleted when dropped: for tests and simulations.
    pub fn temporary() -> Result<Store, StoreError> {
        Store::with(sled::Config::new().temporary(true))
    }

    fn with(config: sled::Config) -> Result<Store, StoreError> {
        let tree = config.open()?.open_tree("directory")?;
        let counters = match tree.get(COUNTERS)? {
            Some(bytes) => decode(COUNTERS, &bytes)?,
            None => Counters {
                recipient: 1,
                list: 1,
                import: 1,
                change: 1,
            },
        };
        let keep_away = KeepAway::load(&tree)?;
        Ok(Store {
            tree,
            keep_away,
            counters,
            file: None,
        })
    }

    /// Reads everything.
    fn load(&self, gazetteer: Arc<Gazetteer>) -> Result<Directory, StoreError> {
        let mut recipients = Vec::new();
        for entry in self.tree.scan_prefix(b"r") {
            let (key, value) = entry?;
            recipients.push(Arc::new(decode(&key, &value)?));
        }
        let mut lists = Vec::new();
        for entry in self.tree.scan_prefix(b"l") {
            let (key, value) = entry?;
            lists.push(Arc::new(decode(&key, &value)?));
        }
        Ok(Directory::new(recipients, lists, gazetteer))
    }

    pub(crate) fn next_recipient(&mut self) -> RecipientId {
        self.counters.recipient += 1;
        RecipientId(self.counters.recipient - 1)
    }

    pub(crate) fn next_list(&mut self) -> ListId {
        self.counters.list += 1;
        ListId(self.counters.list - 1)
    }

    pub(crate) fn next_import(&mut self) -> ImportId {
        self.counters.import += 1;
        ImportId(self.counters.import - 1)
    }

    pub(crate) fn next_change(&mut self) -> u64 {
        self.counters.change += 1;
        self.counters.change
    }

    /// Makes all of the batch durable, or none.
    pub(crate) fn commit(&mut self, mut batch: sled::Batch) -> Result<(), StoreError> {
        batch.insert(COUNTERS, encode(&self.counters));
        self.tree.apply_batch(batch)?;
        self.tree.flush()?;
        if let Some(file) = &self.file {
            file.sync_all().map_err(sled::Error::from)?;
        }
        Ok(())
    }
}

/// The handle to the one directory of the process; clones share it. Reading takes a snapshot and never waits;
/// changes wait for the disk, so call them where blocking is allowed.
#[derive(Clone, Debug)]
pub struct Shared {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Mutex<Store>,
    /// For looks that must not wait for a writer.
    tree: sled::Tree,
    published: Arc<Published>,
}

#[derive(Debug)]
struct Published {
    snapshot: ArcSwap<Directory>,
    is_warming: AtomicBool,
}

impl Published {
    /// Prepares the latest snapshot for selections, away from whoever made it; a launch then finds it ready. A burst of
    /// changes is followed by one thread, not by one each.
    fn warm(published: &Arc<Published>) {
        if published.is_warming.swap(true, Ordering::AcqRel) {
            return;
        }
        let followed = Arc::clone(published);
        let follow = move || loop {
            let now = followed.snapshot.load_full();
            now.warm();
            followed.is_warming.store(false, Ordering::Release);
            let is_latest = Arc::ptr_eq(&now, &followed.snapshot.load());
            if is_latest || followed.is_warming.swap(true, Ordering::AcqRel) {
                return;
            }
        };
        // Without a thread the first selection takes a little longer.
        if std::thread::Builder::new()
            .name("directory-warm".into())
            .spawn(follow)
            .is_err()
        {
            published.is_warming.store(false, Ordering::Release);
        }
    }
}

impl Shared {
    /// Loads everything from the store, with the communes of the Somme.
    pub fn new(store: Store) -> Result<Shared, StoreError> {
        Shared::with_gazetteer(store, Gazetteer::somme())
    }

    /// Loads everything from the store, with other communes.
    pub fn with_gazetteer(store: Store, gazetteer: Arc<Gazetteer>) -> Result<Shared, StoreError> {
        let snapshot = ArcSwap::from_pointee(store.load(gazetteer)?);
        let published = Arc::new(Published {
            snapshot,
            is_warming: AtomicBool::new(false),
        });
        Published::warm(&published);
        Ok(Shared {
            inner: Arc::new(Inner {
                tree: store.tree.clone(),
                store: Mutex::new(store),
                published,
            }),
        })
    }

    /// The directory as it is now.
    pub fn snapshot(&self) -> Arc<Directory> {
        self.inner.published.snapshot.load_full()
    }

    /// Creates the recipient when its id is 0, else replaces the one with its id. Replacing needs the revision that was
    /// read, so that two people do not overwrite each other (R35).
    pub fn save(&self, recipient: Recipient) -> Result<RecipientId, StoreError> {
        let mut store = self.lock();
        let now = self.snapshot();
        let mut recipient = recipient;
        let known = now.recipient(recipient.id);
        recipient.check(known.map(Arc::as_ref))?;
        if recipient.id == RecipientId(0) {
            if store.keep_away.holds(&recipient) {
                return Err(StoreError::KeptAway);
            }
            recipient.id = store.next_recipient();
            recipient.revision = 1;
        } else {
            let known = known.ok_or(StoreError::NoSuchRecipient(recipient.id))?;
            if known.revision != recipient.revision {
                return Err(StoreError::Stale(recipient.id));
            }
            recipient.revision += 1;
        }
        if !recipient.key.is_empty() && now.by_key(&recipient.key).is_some_and(|other| other.id != recipient.id) {
            return Err(StoreError::KeyTaken(recipient.key));
        }
        let id = recipient.id;
        let mut batch = sled::Batch::default();
        if let Some(known) = known {
            store.mark_changed(&mut batch, known, &recipient);
        }
        batch.insert(recipient_key(id), encode(&recipient));
        store.commit(batch)?;
        let mut rows = now.recipients().to_vec();
        rows.push(Arc::new(recipient));
        self.publish(rows, now.lists().to_vec());
        Ok(id)
    }

    /// The person wants to be alerted, or not any more (R24).
    pub fn set_unsubscribed(&self, id: RecipientId, unsubscribed: bool) -> Result<(), StoreError> {
        let mut store = self.lock();
        let now = self.snapshot();
        let known = now.recipient(id).ok_or(StoreError::NoSuchRecipient(id))?;
        let changed = Recipient {
            unsubscribed,
            revision: known.revision + 1,
            ..Recipient::clone(known)
        };
        let mut batch = sled::Batch::default();
        store.mark_changed(&mut batch, known, &changed);
        batch.insert(recipient_key(id), encode(&changed));
        store.commit(batch)?;
        let mut rows = now.recipients().to_vec();
        rows.push(Arc::new(changed));
        self.publish(rows, now.lists().to_vec());
        Ok(())
    }

    /// Removes recipients, from every static list too, for good: their ids are never given again. What imports remember in
    /// order to be undone stays for a while; [`Shared::erase`] leaves no trace.
    pub fn remove(&self, ids: &[RecipientId]) -> Result<(), StoreError> {
        let mut store = self.lock();
        let now = self.snapshot();
        ids.iter()
            .try_for_each(|id| now.recipient(*id).map(|_| ()).ok_or(StoreError::NoSuchRecipient(*id)))?;
        let batch = sled::Batch::default();
        self.remove_from(
            &mut store,
            now.recipients().to_vec(),
            now.lists().to_vec(),
            ids,
            None,
            batch,
        )
    }

    /// Erases a person (R24): the recipient, the memberships, and what imports remember in order to be undone.
    /// Journals only hold the id, which is never given again. The database file gives the space back with time.
    pub fn erase(&self, id: RecipientId) -> Result<(), StoreError> {
        let mut store = self.lock();
        self.erase_with(&mut store, id, sled::Batch::default())
    }

    /// Erases a person together with what the batch holds.
    pub(crate) fn erase_with(
        &self,
        store: &mut Store,
        id: RecipientId,
        mut batch: sled::Batch,
    ) -> Result<(), StoreError> {
        let now = self.snapshot();
        let mut is_known = now.recipient(id).is_some();
        for import in apply::records(store)? {
            let key = apply::undo_key(import.id, id);
            is_known |= store.tree.contains_key(&key)?;
            batch.remove(key);
        }
        if !is_known {
            return Err(StoreError::NoSuchRecipient(id));
        }
        self.remove_from(
            store,
            now.recipients().to_vec(),
            now.lists().to_vec(),
            &[id],
            None,
            batch,
        )
    }

    /// Commits the batch together with the removal of these recipients from rows and lists, then publishes the rest. `into`:
    /// the entry that they were merged into.
    #[allow(clippy::too_many_arguments)] // What is there, what goes, and why.
    pub(crate) fn remove_from(
        &self,
        store: &mut Store,
        mut rows: Vec<Arc<Recipient>>,
        mut lists: Vec<Arc<List>>,
        ids: &[RecipientId],
        into: Option<RecipientId>,
        mut batch: sled::Batch,
    ) -> Result<(), StoreError> {
        let gone: HashSet<RecipientId> = ids.iter().copied().collect();
        for id in ids {
            batch.remove(recipient_key(*id));
            store.mark(&mut batch, *id, into);
        }
        for list in &mut lists {
            if let Content::Static(members) = &list.content
                && members.iter().any(|member| gone.contains(member))
            {
                let rest = members
                    .iter()
                    .copied()
                    .filter(|member| !gone.contains(member))
                    .collect();
                let smaller = List {
                    content: Content::Static(rest),
                    ..List::clone(list)
                };
                batch.insert(list_key(smaller.id), encode(&smaller));
                *list = Arc::new(smaller);
            }
        }
        store.commit(batch)?;
        rows.retain(|recipient| !gone.contains(&recipient.id));
        self.publish(rows, lists);
        Ok(())
    }

    /// Creates a list.
    pub fn create_list(&self, name: &str, content: Content) -> Result<ListId, StoreError> {
        let mut store = self.lock();
        let id = store.next_list();
        self.write_list(
            &mut store,
            List {
                id,
                name: name.to_owned(),
                content,
            },
        )?;
        Ok(id)
    }

    /// Replaces the list with this id.
    pub fn save_list(&self, list: List) -> Result<(), StoreError> {
        let mut store = self.lock();
        if self.snapshot().list(list.id).is_none() {
            return Err(StoreError::NoSuchList(list.id));
        }
        self.write_list(&mut store, list)
    }

    /// Deletes a list; its members stay.
    pub fn remove_list(&self, id: ListId) -> Result<(), StoreError> {
        if id == ListId::GLOBAL {
            return Err(StoreError::GlobalList);
        }
        let mut store = self.lock();
        let now = self.snapshot();
        if now.list(id).is_none() {
            return Err(StoreError::NoSuchList(id));
        }
        let mut batch = sled::Batch::default();
        batch.remove(list_key(id));
        store.commit(batch)?;
        self.publish(
            now.recipients().to_vec(),
            now.lists().iter().filter(|list| list.id != id).cloned().collect(),
        );
        Ok(())
    }

    fn write_list(&self, store: &mut Store, mut list: List) -> Result<(), StoreError> {
        if list.id == ListId::GLOBAL {
            return Err(StoreError::GlobalList);
        }
        let now = self.snapshot();
        if now.list_named(&list.name).is_some_and(|other| other.id != list.id) {
            return Err(StoreError::NameTaken(list.name));
        }
        if let Content::Static(members) = &mut list.content {
            members.sort_unstable();
            members.dedup();
        }
        let mut batch = sled::Batch::default();
        batch.insert(list_key(list.id), encode(&list));
        store.commit(batch)?;
        let mut lists: Vec<_> = now
            .lists()
            .iter()
            .filter(|other| other.id != list.id)
            .cloned()
            .collect();
        lists.push(Arc::new(list));
        self.publish(now.recipients().to_vec(), lists);
        Ok(())
    }

    pub(crate) fn publish(&self, rows: Vec<Arc<Recipient>>, lists: Vec<Arc<List>>) {
        let gazetteer = Arc::clone(self.inner.published.snapshot.load().gazetteer());
        self.inner
            .published
            .snapshot
            .store(Arc::new(Directory::new(rows, lists, gazetteer)));
        Published::warm(&self.inner.published);
    }

    pub(crate) fn tree(&self) -> &sled::Tree {
        &self.inner.tree
    }

    /// The writer's seat. A writer that panicked left the store as its last batch made it, which is sound.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Store> {
        self.inner.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn recipient_key(id: RecipientId) -> Vec<u8> {
    [b"r".as_slice(), &id.0.to_be_bytes()].concat()
}

pub(crate) fn list_key(id: ListId) -> Vec<u8> {
    [b"l".as_slice(), &id.0.to_be_bytes()].concat()
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Serializing our own plain structures into memory cannot fail.
    serde_json::to_vec(value).unwrap_or_default()
}

pub(crate) fn decode<T: for<'a> Deserialize<'a>>(key: &[u8], bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|source| StoreError::Damaged {
        key: String::from_utf8_lossy(key).escape_debug().to_string(),
        source,
    })
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
