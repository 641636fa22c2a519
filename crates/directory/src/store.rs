use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

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
    /// The global list is always there and always means everybody.
    #[error("the global alert list cannot be changed or deleted")]
    GlobalList,
    /// The recipient was changed by somebody else meanwhile.
    #[error("recipient {0} was changed by somebody else meanwhile")]
    Stale(RecipientId),
}

/// The directory on disk: one sled tree, one JSON record a recipient or list. Each change is one atomic batch.
#[derive(Debug)]
pub struct Store {
    tree: sled::Tree,
    counters: Counters,
}

/// The next identities to give; none is given twice, so that journals stay true after deletions.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Counters {
    recipient: u64,
    list: u64,
}

const COUNTERS: &[u8] = b"counters";

impl Store {
    /// Opens or creates the directory in a folder of its own.
    pub fn open(path: impl AsRef<Path>) -> Result<Store, StoreError> {
        Store::with(sled::Config::new().path(path))
    }

    /// A directory that is deleted when dropped: for tests and simulations.
    pub fn temporary() -> Result<Store, StoreError> {
        Store::with(sled::Config::new().temporary(true))
    }

    fn with(config: sled::Config) -> Result<Store, StoreError> {
        let tree = config.open()?.open_tree("directory")?;
        let counters = match tree.get(COUNTERS)? {
            Some(bytes) => decode(COUNTERS, &bytes)?,
            None => Counters { recipient: 1, list: 1 },
        };
        Ok(Store { tree, counters })
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

    fn commit(&mut self, mut batch: sled::Batch) -> Result<(), StoreError> {
        batch.insert(COUNTERS, encode(&self.counters));
        self.tree.apply_batch(batch)?;
        self.tree.flush()?;
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
    snapshot: ArcSwap<Directory>,
}

impl Shared {
    /// Loads everything from the store, with the communes of the Somme.
    pub fn new(store: Store) -> Result<Shared, StoreError> {
        Shared::with_gazetteer(store, Gazetteer::somme())
    }

    /// Loads everything from the store, with other communes.
    pub fn with_gazetteer(store: Store, gazetteer: Arc<Gazetteer>) -> Result<Shared, StoreError> {
        let snapshot = ArcSwap::from_pointee(store.load(gazetteer)?);
        Ok(Shared {
            inner: Arc::new(Inner {
                store: Mutex::new(store),
                snapshot,
            }),
        })
    }

    /// The directory as it is now.
    pub fn snapshot(&self) -> Arc<Directory> {
        self.inner.snapshot.load_full()
    }

    /// Creates the recipient when its id is 0, else replaces the one with its id. Replacing needs the revision that was
    /// read, so that two people do not overwrite each other (R35).
    pub fn save(&self, recipient: Recipient) -> Result<RecipientId, StoreError> {
        let mut store = self.lock();
        let now = self.snapshot();
        let mut recipient = recipient;
        if recipient.numbers.len() > MAX_NUMBERS {
            return Err(StoreError::TooManyNumbers);
        }
        if recipient.id == RecipientId(0) {
            recipient.id = RecipientId(store.counters.recipient);
            store.counters.recipient += 1;
            recipient.revision = 1;
        } else {
            let known = now
                .recipient(recipient.id)
                .ok_or(StoreError::NoSuchRecipient(recipient.id))?;
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
        batch.insert(recipient_key(id), encode(&recipient));
        store.commit(batch)?;
        let mut rows = now.recipients().to_vec();
        rows.push(Arc::new(recipient));
        self.publish(rows, now.lists().to_vec());
        Ok(id)
    }

    /// Removes a recipient, from every static list too.
    pub fn remove(&self, id: RecipientId) -> Result<(), StoreError> {
        let mut store = self.lock();
        let now = self.snapshot();
        if now.recipient(id).is_none() {
            return Err(StoreError::NoSuchRecipient(id));
        }
        let mut batch = sled::Batch::default();
        batch.remove(recipient_key(id));
        let mut lists = now.lists().to_vec();
        for list in &mut lists {
            if let Content::Static(members) = &list.content
                && members.contains(&id)
            {
                let mut smaller = List::clone(list);
                smaller.content = Content::Static(members.iter().copied().filter(|member| *member != id).collect());
                batch.insert(list_key(smaller.id), encode(&smaller));
                *list = Arc::new(smaller);
            }
        }
        store.commit(batch)?;
        let rows = now
            .recipients()
            .iter()
            .filter(|recipient| recipient.id != id)
            .cloned()
            .collect();
        self.publish(rows, lists);
        Ok(())
    }

    /// Creates a list.
    pub fn create_list(&self, name: &str, content: Content) -> Result<ListId, StoreError> {
        let id = ListId(self.lock().counters.list);
        self.write_list(List {
            id,
            name: name.to_owned(),
            content,
        })?;
        Ok(id)
    }

    /// Replaces the list with this id.
    pub fn save_list(&self, list: List) -> Result<(), StoreError> {
        if self.snapshot().list(list.id).is_none() {
            return Err(StoreError::NoSuchList(list.id));
        }
        self.write_list(list)
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

    fn write_list(&self, mut list: List) -> Result<(), StoreError> {
        if list.id == ListId::GLOBAL {
            return Err(StoreError::GlobalList);
        }
        let mut store = self.lock();
        let now = self.snapshot();
        if now.list_named(&list.name).is_some_and(|other| other.id != list.id) {
            return Err(StoreError::NameTaken(list.name));
        }
        if let Content::Static(members) = &mut list.content {
            members.sort_unstable();
            members.dedup();
        }
        store.counters.list = store.counters.list.max(list.id.0 + 1);
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

    fn publish(&self, rows: Vec<Arc<Recipient>>, lists: Vec<Arc<List>>) {
        let gazetteer = Arc::clone(self.inner.snapshot.load().gazetteer());
        self.inner
            .snapshot
            .store(Arc::new(Directory::new(rows, lists, gazetteer)));
    }

    /// The writer's seat. A writer that panicked left the store as its last batch made it, which is sound.
    fn lock(&self) -> MutexGuard<'_, Store> {
        self.inner.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn recipient_key(id: RecipientId) -> Vec<u8> {
    [b"r".as_slice(), &id.0.to_be_bytes()].concat()
}

fn list_key(id: ListId) -> Vec<u8> {
    [b"l".as_slice(), &id.0.to_be_bytes()].concat()
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Serializing our own plain structures into memory cannot fail.
    serde_json::to_vec(value).unwrap_or_default()
}

fn decode<T: for<'a> Deserialize<'a>>(key: &[u8], bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|source| StoreError::Damaged {
        key: String::from_utf8_lossy(key).escape_debug().to_string(),
        source,
    })
}
