//! Where the lists of campaigns' members lie: small files beside the store, since what stands in a file of one's own can be
//! overwritten, and what stands in a store leaves copies behind.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Files named by numbers.
pub(super) trait Files: Send + Sync {
    /// All of them.
    fn names(&self) -> io::Result<Vec<u64>>;

    /// Bytes of a file; `None` if there is none.
    fn length(&self, name: u64) -> io::Result<Option<u64>>;

    /// Up to `length` bytes from `offset` on, fewer where the file ends; `None` if there is no such file.
    fn read(&self, name: u64, offset: u64, length: usize) -> io::Result<Option<Vec<u8>>>;

    /// Writes at a place; the file is made if there is none. Durable after [`Files::sync`].
    fn write(&self, name: u64, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts a file off. Durable after [`Files::sync`].
    fn cut(&self, name: u64, length: u64) -> io::Result<()>;

    /// Makes the content of a file and its name durable.
    fn sync(&self, name: u64) -> io::Result<()>;

    /// Takes a file away, durably.
    fn remove(&self, name: u64) -> io::Result<()>;
}

/// Files in a folder, which is made with the first of them.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    fn path(&self, name: u64) -> PathBuf {
        self.0.join(name.to_string())
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn there<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        done => done.map(Some),
    }
}

impl Files for Folder {
    fn names(&self) -> io::Result<Vec<u64>> {
        let mut names = Vec::new();
        for entry in there(std::fs::read_dir(&self.0))?.into_iter().flatten() {
            names.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
        }
        names.sort_unstable();
        Ok(names)
    }

    fn length(&self, name: u64) -> io::Result<Option<u64>> {
        Ok(there(std::fs::metadata(self.path(name)))?.map(|metadata| metadata.len()))
    }

    fn read(&self, name: u64, offset: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = there(File::open(self.path(name)))? else {
            return Ok(None);
        };
        let left = file.metadata()?.len().saturating_sub(offset);
        let mut bytes = vec![0; length.min(usize::try_from(left).unwrap_or(usize::MAX))];
        file.read_exact_at(&mut bytes, offset)?;
        Ok(Some(bytes))
    }

    fn write(&self, name: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if !self.0.exists() {
            std::fs::create_dir_all(&self.0)?;
            self.0.parent().map_or(Ok(()), sync_folder)?;
        }
        let mut options = File::options();
        let file = options.create(true).truncate(false).write(true).open(self.path(name))?;
        file.write_all_at(bytes, offset)
    }

    fn cut(&self, name: u64, length: u64) -> io::Result<()> {
        File::options().write(true).open(self.path(name))?.set_len(length)
    }

    fn sync(&self, name: u64) -> io::Result<()> {
        File::open(self.path(name))?.sync_all()?;
        sync_folder(&self.0)
    }

    fn remove(&self, name: u64) -> io::Result<()> {
        if there(std::fs::remove_file(self.path(name)))?.is_some() {
            sync_folder(&self.0)?;
        }
        Ok(())
    }
}

/// Files in memory: for simulations and tests.
#[derive(Debug, Default)]
pub(super) struct InMemory(Mutex<BTreeMap<u64, Vec<u8>>>);

impl InMemory {
    fn all(&self) -> MutexGuard<'_, BTreeMap<u64, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of a file that is held in memory.
pub(super) fn part(file: &[u8], offset: u64, length: usize) -> Vec<u8> {
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(file.len());
    file[from..from.saturating_add(length).min(file.len())].to_vec()
}

/// Writes into a file that is held in memory.
pub(super) fn put(file: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let from = usize::try_from(offset).unwrap_or(usize::MAX);
    let end = from.saturating_add(bytes.len());
    if file.len() < end {
        file.resize(end, 0);
    }
    file[from..end].copy_from_slice(bytes);
}

impl Files for InMemory {
    fn names(&self) -> io::Result<Vec<u64>> {
        Ok(self.all().keys().copied().collect())
    }

    fn length(&self, name: u64) -> io::Result<Option<u64>> {
        Ok(self.all().get(&name).map(|file| file.len() as u64))
    }

    fn read(&self, name: u64, offset: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
        Ok(self.all().get(&name).map(|file| part(file, offset, length)))
    }

    fn write(&self, name: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        put(self.all().entry(name).or_default(), offset, bytes);
        Ok(())
    }

    fn cut(&self, name: u64, length: u64) -> io::Result<()> {
        if let Some(file) = self.all().get_mut(&name) {
            file.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        }
        Ok(())
    }

    fn sync(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, name: u64) -> io::Result<()> {
        self.all().remove(&name);
        Ok(())
    }
}
