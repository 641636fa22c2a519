//! The audit trail: who did what, when, from where, with which result. One JSON line per operation in a file that only
//! grows; each line holds the hash of the line before, so that a line changed or taken out is seen.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ServeError;
use crate::sessions::hex;
use crate::store::{self, StoreError};

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Number of the operation, from 1, without gaps.
    pub number: u64,
    /// When, in milliseconds of Unix time.
    pub utc_ms: i64,
    /// Login of the user; empty when nobody was logged in.
    pub user: String,
    /// IP address of the user's side.
    pub address: String,
    /// Name of the operation, such as `campaign.launch`.
    pub operation: String,
    /// What it was done to, such as an id or a name; may be empty.
    #[serde(default)]
    pub target: String,
    /// HTTP status of the answer: below 400 it was done.
    pub status: u16,
    /// Hash of the line before, in hexadecimal; empty in the first.
    pub previous: String,
}

/// An operation that is about to become an [`Entry`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Operation {
    pub(crate) user: String,
    pub(crate) address: String,
    pub(crate) operation: String,
    pub(crate) target: String,
    pub(crate) status: u16,
}

/// What to look for, from the newest entry back.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Search {
    /// Only entries with a smaller number.
    pub(crate) before: Option<u64>,
    pub(crate) limit: Option<usize>,
    pub(crate) user: Option<String>,
    /// Start of the operation's name.
    pub(crate) operation: Option<String>,
    pub(crate) target: Option<String>,
}

/// The trail.
pub(crate) struct Audit {
    path: PathBuf,
    end: Mutex<End>,
}

struct End {
    file: File,
    length: u64,
    number: u64,
    hash: String,
}

/// A line longer than this was not written by us.
const LONGEST: usize = 16 << 10;

impl Audit {
    /// Opens or makes the file. A last line without its end was never acknowledged (the program died writing it): it is cut off.
    pub(crate) fn open(path: PathBuf) -> Result<Audit, ServeError> {
        let wrap = |source| ServeError::File {
            path: path.clone(),
            source,
        };
        let mut file = store::private(&path, true).map_err(wrap)?;
        let size = file.metadata().map_err(wrap)?.len();
        let mut reader = File::open(&path).map_err(wrap)?;
        let tail_at = size.saturating_sub(2 * LONGEST as u64);
        reader.seek(SeekFrom::Start(tail_at)).map_err(wrap)?;
        let mut tail = Vec::new();
        reader.read_to_end(&mut tail).map_err(wrap)?;
        let whole = tail.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let length = tail_at + whole as u64;
        if length < size {
            tracing::warn!(path = %path.display(), bytes = size - length, "cut an unfinished last line off the audit trail");
            file.set_len(length).map_err(wrap)?;
            file.seek(SeekFrom::End(0)).map_err(wrap)?;
        }
        let last = tail[..whole].strip_suffix(b"\n").unwrap_or_default();
        let last = last.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        let (number, hash) = if last.is_empty() {
            (0, String::new())
        } else {
            let entry: Entry = serde_json::from_slice(last).map_err(|error| ServeError::Damaged {
                path: path.clone(),
                line: 0,
                reason: format!("the last line cannot be read: {error}"),
            })?;
            (entry.number, hex(&Sha256::digest(last)))
        };
        Ok(Audit {
            path,
            end: Mutex::new(End {
                file,
                length,
                number,
                hash,
            }),
        })
    }

    /// Writes an operation durably. Blocks for the flush.
    pub(crate) fn write(&self, operation: Operation, utc_ms: i64) -> Result<u64, StoreError> {
        let wrap = |source| StoreError {
            path: self.path.clone(),
            source,
        };
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = Entry {
            number: end.number + 1,
            utc_ms,
            user: bounded(operation.user),
            address: operation.address,
            operation: operation.operation,
            target: bounded(operation.target),
            status: operation.status,
            previous: end.hash.clone(),
        };
        let mut line = serde_json::to_vec(&entry).map_err(|error| wrap(io::Error::other(error)))?;
        let hash = hex(&Sha256::digest(&line));
        line.push(b'\n');
        if let Err(error) = end.file.write_all(&line).and_then(|()| end.file.sync_data()) {
            // A disk that was full may hold part of the line: take it back, or the next line would continue it.
            let length = end.length;
            let _ = end.file.set_len(length);
            return Err(wrap(error));
        }
        end.length += line.len() as u64;
        end.number = entry.number;
        end.hash = hash;
        Ok(entry.number)
    }

    /// Entries that match, newest first. Reads the file backwards and no further than needed.
    pub(crate) fn search(&self, search: &Search) -> io::Result<Vec<Entry>> {
        let limit = search.limit.unwrap_or(100).min(1000);
        let length = self.end.lock().unwrap_or_else(PoisonError::into_inner).length;
        let mut found = Vec::new();
        for_each_line_backwards(&self.path, length, |line| {
            let Ok(entry) = serde_json::from_slice::<Entry>(line) else {
                return true;
            };
            if matches(search, &entry) {
                found.push(entry);
            }
            found.len() < limit
        })?;
        Ok(found)
    }
}

fn matches(search: &Search, entry: &Entry) -> bool {
    let wanted = |wish: &Option<String>| wish.as_deref().filter(|text| !text.is_empty()).map(str::to_owned);
    search.before.is_none_or(|before| entry.number < before)
        && wanted(&search.user).is_none_or(|user| entry.user == user)
        && wanted(&search.operation).is_none_or(|start| entry.operation.starts_with(&start))
        && wanted(&search.target).is_none_or(|target| entry.target.contains(&target))
}

/// Names come from outside and end in a file that is kept for years.
fn bounded(text: String) -> String {
    if text.len() <= 1024 {
        text
    } else {
        text.chars().take(200).chain(['…']).collect()
    }
}

/// Calls `each` with the lines of the first `length` bytes, the last one first, until it says `false`.
fn for_each_line_backwards(path: &Path, length: u64, mut each: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    const STEP: u64 = 64 << 10;
    let mut file = File::open(path)?;
    let mut at = length;
    let mut rest: Vec<u8> = Vec::new();
    while at > 0 {
        let size = STEP.min(at);
        at -= size;
        file.seek(SeekFrom::Start(at))?;
        let mut block = vec![0; usize::try_from(size).unwrap_or_default()];
        file.read_exact(&mut block)?;
        block.append(&mut rest);
        let mut end = block.len();
        while let Some(newline) = block[..end].iter().rposition(|b| *b == b'\n') {
            let line = &block[newline + 1..end];
            if !line.is_empty() && !each(line) {
                return Ok(());
            }
            end = newline;
        }
        rest = block[..end].to_vec();
        if rest.len() > LONGEST {
            return Err(io::Error::other("a line of the audit trail is too long"));
        }
    }
    if !rest.is_empty() {
        each(&rest);
    }
    Ok(())
}

/// Reads a whole trail and checks its numbers and hashes. Returns the number of entries.
///
/// # Errors
/// At the first line that does not follow from the one before, with its line number.
pub fn verify(path: &Path) -> Result<u64, ServeError> {
    let bytes = fs::read(path).map_err(|source| ServeError::File {
        path: path.to_owned(),
        source,
    })?;
    let mut hash = String::new();
    let mut count = 0;
    for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        let damaged = |reason: String| ServeError::Damaged {
            path: path.to_owned(),
            line: count as usize + 1,
            reason,
        };
        let entry: Entry = serde_json::from_slice(line).map_err(|error| damaged(error.to_string()))?;
        if entry.previous != hash || entry.number != count + 1 {
            return Err(damaged("it does not follow from the line before".into()));
        }
        hash = hex(&Sha256::digest(line));
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(user: &str, name: &str) -> Operation {
        Operation {
            user: user.into(),
            address: "192.0.2.1".into(),
            operation: name.into(),
            target: "7".into(),
            status: 200,
        }
    }

    #[test]
    fn entries_are_kept_over_restarts_and_found_newest_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let audit = Audit::open(path.clone()).unwrap();
        for n in 0..2000 {
            let user = if n % 2 == 0 { "lea" } else { "max" };
            audit
                .write(
                    operation(user, if n % 10 == 0 { "campaign.launch" } else { "login" }),
                    n,
                )
                .unwrap();
        }
        drop(audit);
        let audit = Audit::open(path.clone()).unwrap();
        assert_eq!(audit.write(operation("lea", "logout"), 5000).unwrap(), 2001);
        let found = audit
            .search(&Search {
                limit: Some(3),
                ..Search::default()
            })
            .unwrap();
        assert_eq!(found.iter().map(|e| e.number).collect::<Vec<_>>(), [2001, 2000, 1999]);
        let found = audit
            .search(&Search {
                user: Some("lea".into()),
                operation: Some("campaign".into()),
                before: Some(1900),
                limit: Some(1000),
                target: None,
            })
            .unwrap();
        assert_eq!(found.len(), 190);
        assert_eq!(found.last().unwrap().number, 1);
        assert_eq!(verify(&path).unwrap(), 2001);
    }

    #[test]
    fn an_unfinished_line_is_cut_and_a_changed_line_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let audit = Audit::open(path.clone()).unwrap();
        for n in 0..3 {
            audit.write(operation("lea", "login"), n).unwrap();
        }
        drop(audit);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(b"{\"number\":4,\"ut");
        fs::write(&path, &bytes).unwrap();
        let audit = Audit::open(path.clone()).unwrap();
        assert_eq!(audit.write(operation("max", "login"), 9).unwrap(), 4);
        assert_eq!(verify(&path).unwrap(), 4);
        let forged = fs::read_to_string(&path).unwrap().replacen("lea", "max", 1);
        fs::write(&path, forged).unwrap();
        let error = verify(&path).unwrap_err();
        assert!(matches!(error, ServeError::Damaged { line: 2, .. }), "{error}");
    }
}
