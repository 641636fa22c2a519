//! Backups: a whole journal in one file that proves itself, and back.
//!
//! Layout: 16 bytes that say what it is; then frames of kind (1 byte), length (4, little-endian) and content. Kind 2 is the
//! list of a campaign's members as it is stored, after the campaign's number (8); they come first. Kind 1 is a
//! block as it is stored. The last frame is of kind 0: number of records (8), head of the hash chain (32), CRC-32 of these
//! (4). A file without it is a backup that was cut off.

use super::block::Head;
use super::embedded::lock;
use super::files::Files;
use super::reader::Reader;
use super::store::{Blocks, Engine, Shelf, io_error};
use super::{Embedded, Journal as _, JournalError, Roster, Verified, copy};
use crate::{CampaignId, Event, Sequence};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 16] = b"tocsin journal\n\x02";
const BLOCK: u8 = 1;
const MEMBERS: u8 = 2;
const END: u8 = 0;
const HEADER: usize = 5;
const TRAILER: usize = 44;
/// A frame that claims to be longer was not written by us.
const LONGEST: u32 = 256 << 20;

/// Writes a journal as a backup. Checks all of it on the way, so that no damaged journal is taken for a backup.
///
/// # Errors
/// Damage in the journal, or what the system said about the file.
pub fn write_backup(from: &Reader, out: &mut dyn Write) -> Result<Verified, JournalError> {
    let verified = from.verify()?;
    let io = |error| io_error(&error);
    out.write_all(MAGIC).map_err(io)?;
    for campaign in from.roster().lists()? {
        let mut list = campaign.0.to_le_bytes().to_vec();
        list.extend_from_slice(&from.roster().entries(campaign)?);
        frame(out, MEMBERS, &list).map_err(io)?;
    }
    for block in from.blocks(Sequence(0)) {
        let (_, bytes) = block?;
        frame(out, BLOCK, &bytes).map_err(io)?;
    }
    let mut end = Vec::with_capacity(TRAILER);
    end.extend_from_slice(&verified.records.to_le_bytes());
    end.extend_from_slice(&verified.head);
    let crc = crc32fast::hash(&end);
    end.extend_from_slice(&crc.to_le_bytes());
    frame(out, END, &end).map_err(io)?;
    out.flush().map_err(io)?;
    Ok(verified)
}

fn frame(out: &mut dyn Write, kind: u8, content: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(content.len()).map_err(std::io::Error::other)?;
    out.write_all(&[kind])?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(content)
}

/// Opens a backup for reading. [`Reader::verify`] checks it.
///
/// # Errors
/// When it cannot be read, is no backup, or was cut off.
pub fn open_backup(path: &Path) -> Result<Reader, JournalError> {
    let shelf = Archive { path: path.to_owned() };
    let (end, head) = shelf.end()?;
    let roster = Roster::on(Lists(path.to_owned(), shelf.lists()?));
    Ok(Reader::new(Box::new(shelf), roster, end, head))
}

/// The blocks of a backup.
struct Archive {
    path: PathBuf,
}

impl Archive {
    fn error(&self, what: impl std::fmt::Display) -> JournalError {
        JournalError::Backup {
            path: self.path.display().to_string(),
            what: what.to_string(),
        }
    }

    fn open(&self) -> Result<BufReader<File>, JournalError> {
        let mut file = BufReader::new(File::open(&self.path).map_err(|error| self.error(error))?);
        let mut magic = [0; 16];
        file.read_exact(&mut magic)
            .ok()
            .filter(|()| magic[..15] == MAGIC[..15])
            .ok_or_else(|| self.error("it is not a backup of a journal"))?;
        if magic[15] > MAGIC[15] {
            return Err(JournalError::Version {
                found: magic[15],
                known: MAGIC[15],
            });
        }
        Ok(file)
    }

    /// Where the lists of members are: place of the first entry, and length.
    fn lists(&self) -> Result<BTreeMap<u64, (u64, u64)>, JournalError> {
        let mut file = self.open()?;
        let mut lists = BTreeMap::new();
        loop {
            let mut header = [0; HEADER];
            file.read_exact(&mut header).map_err(|error| self.error(error))?;
            let [kind, length @ ..] = header;
            let Some(left) = u32::from_le_bytes(length).checked_sub(8).filter(|_| kind == MEMBERS) else {
                return Ok(lists);
            };
            let mut name = [0; 8];
            file.read_exact(&mut name).map_err(|error| self.error(error))?;
            let at = file.stream_position().map_err(|error| self.error(error))?;
            lists.insert(u64::from_le_bytes(name), (at, left.into()));
            file.seek_relative(left.into()).map_err(|error| self.error(error))?;
        }
    }

    /// What the last frame says.
    fn end(&self) -> Result<(Sequence, Head), JournalError> {
        let mut file = self.open()?;
        let cut = || self.error("its end is missing: the backup was cut off; take another one");
        let mut end = [0; HEADER + TRAILER];
        file.seek(SeekFrom::End(-(end.len() as i64)))
            .and_then(|_| file.read_exact(&mut end))
            .map_err(|_| cut())?;
        let (content, crc) = end[HEADER..].split_at(TRAILER - 4);
        let mut header = [0; HEADER];
        header[1..].copy_from_slice(&(TRAILER as u32).to_le_bytes());
        if end[..HEADER] != header || crc32fast::hash(content).to_le_bytes() != *crc {
            return Err(cut());
        }
        let (records, head) = content.split_at(8);
        match (records.try_into(), head.try_into()) {
            (Ok(records), Ok(head)) => Ok((Sequence(u64::from_le_bytes(records)), head)),
            _ => Err(cut()),
        }
    }
}

impl Shelf for Archive {
    fn last(&self) -> Result<Option<(Sequence, Vec<u8>)>, JournalError> {
        Ok(None)
    }

    fn floor(&self, _: Sequence) -> Result<Option<Sequence>, JournalError> {
        // Frames can only be found from the front; what comes before the wanted record is skipped by the reader.
        Ok(Some(Sequence(0)))
    }

    fn blocks(&self, _: Sequence) -> Blocks {
        match self.open() {
            Ok(file) => Box::new(Frames {
                archive: Archive {
                    path: self.path.clone(),
                },
                file: Some(file),
            }),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }
}

/// The lists of members in a backup, which stay as they are.
struct Lists(PathBuf, BTreeMap<u64, (u64, u64)>);

impl Files for Lists {
    fn names(&self) -> io::Result<Vec<u64>> {
        Ok(self.1.keys().copied().collect())
    }

    fn length(&self, name: u64) -> io::Result<Option<u64>> {
        Ok(self.1.get(&name).map(|(_, length)| *length))
    }

    fn read(&self, name: u64, offset: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
        let Some((at, whole)) = self.1.get(&name) else {
            return Ok(None);
        };
        let left = usize::try_from(whole.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; left.min(length)];
        File::open(&self.0)?.read_exact_at(&mut bytes, at + offset)?;
        Ok(Some(bytes))
    }

    fn write(&self, _: u64, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn cut(&self, _: u64, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

struct Frames {
    archive: Archive,
    file: Option<BufReader<File>>,
}

impl Frames {
    fn read(&mut self) -> Result<Option<(Sequence, Vec<u8>)>, JournalError> {
        let Some(file) = &mut self.file else { return Ok(None) };
        let mut header = [0; HEADER];
        let cut = |error| self.archive.error(error);
        let (kind, length) = loop {
            file.read_exact(&mut header).map_err(cut)?;
            let [kind, length @ ..] = header;
            let length = u32::from_le_bytes(length);
            if kind != MEMBERS {
                break (kind, length);
            }
            file.seek_relative(length.into()).map_err(cut)?;
        };
        match kind {
            END => Ok(None),
            BLOCK if (9..=LONGEST).contains(&length) => {
                let mut bytes = Vec::new();
                let read = file.take(length.into()).read_to_end(&mut bytes).map_err(cut)?;
                if read < length as usize {
                    return Err(self.archive.error("it ends in the middle of a block"));
                }
                let mut first = [0; 8];
                first.copy_from_slice(&bytes[1..9]);
                Ok(Some((Sequence(u64::from_le_bytes(first)), bytes)))
            }
            _ => Err(self.archive.error("it holds something that is no block")),
        }
    }
}

impl Iterator for Frames {
    type Item = Result<(Sequence, Vec<u8>), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read().transpose();
        if !matches!(read, Some(Ok(_))) {
            self.file = None;
        }
        read
    }
}

/// A journal that was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What it holds now.
    pub verified: Verified,
    /// Where the journal that was there before lies now.
    pub former: Option<PathBuf>,
    /// Persons, and whole campaigns, that the former journal had forgotten since the backup was taken: forgotten again.
    pub forgotten: usize,
}

/// Why nothing was restored. The journal that was there is as it was.
#[derive(Debug, thiserror::Error)]
pub enum NotRestored {
    /// There is a journal already.
    #[error(
        "there is a journal in {0}: nothing was changed. To put the backup in its place, say --replace; the journal that \
         is there is then kept beside it under another name"
    )]
    Exists(PathBuf),
    /// The backup or the new journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A folder.
    #[error("{path}: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Makes the journal of a backup in a folder. A journal that is there is refused, or with `replace` moved aside to
/// `FOLDER.before-STAMP`. The new one takes its name only when it is whole, checked and durable.
///
/// # Errors
/// Why nothing was changed.
pub fn restore(
    from: &Reader,
    folder: &Path,
    engine: Engine,
    replace: bool,
    stamp: &str,
) -> Result<Restored, NotRestored> {
    let wrong = |path: &Path| {
        let path = path.to_owned();
        move |source| NotRestored::Folder { path, source }
    };
    let is_there = Engine::found(folder).is_some();
    if is_there && !replace {
        return Err(NotRestored::Exists(folder.to_owned()));
    }
    // Nobody writes to the old journal while it is replaced.
    let held = lock(folder)?;
    let fresh = beside(folder, "restoring");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).map_err(wrong(&fresh))?;
    }
    let persons = if is_there {
        forgotten_since(from, folder)
    } else {
        Vec::new()
    };
    let verified = {
        let mut journal = Embedded::open_with(&fresh, engine)?;
        let verified = copy(from, &mut journal)?;
        journal.forget(&persons);
        verified
    };
    if verified.head != from.head() {
        return Err(NotRestored::Journal(JournalError::Damaged {
            at: Sequence(0),
            what: "the copy does not end like the backup".to_owned(),
        }));
    }
    let former = if is_there {
        let former = beside(folder, &format!("before-{stamp}"));
        std::fs::rename(folder, &former).map_err(wrong(&former))?;
        Some(former)
    } else {
        // Only the lock lies there.
        std::fs::remove_dir_all(folder).map_err(wrong(folder))?;
        None
    };
    std::fs::rename(&fresh, folder).map_err(wrong(folder))?;
    drop(held);
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(parent)
            .and_then(|parent| parent.sync_all())
            .map_err(wrong(parent))?;
    }
    Ok(Restored {
        verified,
        former,
        forgotten: persons.len(),
    })
}

/// Whom the journal in a folder has forgotten after a backup of it was taken; nobody if it cannot be read, or is another one.
/// A restored journal must not know again who was to be forgotten.
fn forgotten_since(backup: &Reader, folder: &Path) -> Vec<(CampaignId, Option<u32>)> {
    let since = || -> Result<Vec<_>, JournalError> {
        // Its lock is held by the caller.
        let journal = Embedded::held(folder)?;
        let reader = journal.reader()?;
        if reader.head_at(backup.end().0)? != Some(backup.head()) {
            return Ok(Vec::new());
        }
        let mut persons = Vec::new();
        for record in reader.records(backup.end()) {
            match record?.event {
                Event::CampaignAnonymised { campaign } => persons.push((campaign, None)),
                Event::RecipientErased { members, .. } => {
                    persons.extend(members.into_iter().map(|(campaign, place)| (campaign, Some(place))));
                }
                _ => {}
            }
        }
        Ok(persons)
    };
    since().unwrap_or_else(|error| {
        tracing::warn!(%error, "whom the former journal had forgotten since the backup cannot be read: erase them again");
        Vec::new()
    })
}

fn beside(folder: &Path, what: &str) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(what);
    folder.with_file_name(name)
}

#[cfg(test)]
#[path = "backup_tests.rs"]
mod tests;
