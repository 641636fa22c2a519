//! Small files that are replaced as a whole: either the old content or the new one is found after a crash.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ServeError;

/// A kept file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}")]
pub(crate) struct StoreError {
    pub(crate) path: PathBuf,
    pub(crate) source: io::Error,
}

/// Replaces the file by `bytes`, durably, readable by its owner only.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let wrap = |source| StoreError {
        path: path.to_owned(),
        source,
    };
    let fresh = path.with_extension("new");
    let mut file = private(&fresh, false).map_err(wrap)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(wrap)?;
    fs::rename(&fresh, path).map_err(wrap)?;
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrap)?;
    }
    Ok(())
}

/// Opens for writing a file that only its owner may read.
pub(crate) fn private(path: &Path, append: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(append);
    if !append {
        options.write(true).truncate(true);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// Replaces the file by the JSON form of a value.
pub(crate) fn replace_json(path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| StoreError {
        path: path.to_owned(),
        source: io::Error::other(error),
    })?;
    replace(path, &bytes)
}

/// Reads a JSON file; `None` when it does not exist.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ServeError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(ServeError::File {
                path: path.to_owned(),
                source,
            });
        }
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| ServeError::Damaged {
            path: path.to_owned(),
            line: error.line(),
            reason: error.to_string(),
        })
}
