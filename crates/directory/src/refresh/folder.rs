use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Extract, Fetched, Source, SourceError};

/// A folder into which another program lays extracts; the latest is taken.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    settle: Duration,
}

/// Endings of files that can be read.
const ENDINGS: [&str; 5] = ["csv", "txt", "xlsx", "xls", "ods"];

impl Folder {
    /// Takes files that have not been written to for `settle`, so that none is read half-written.
    pub fn new(path: impl Into<PathBuf>, settle: Duration) -> Folder {
        Folder {
            path: path.into(),
            settle,
        }
    }

    /// The latest settled file; of two of one time the one later by name.
    fn latest(&self, now: SystemTime) -> std::io::Result<Option<PathBuf>> {
        let mut latest: Option<(SystemTime, PathBuf)> = None;
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if !is_extract(&path) {
                continue;
            }
            // A file that goes away meanwhile is none.
            let Ok(metadata) = fs::metadata(&path) else { continue };
            let modified = metadata.modified()?;
            // A time in the future is a clock's mistake, not a file being written.
            let is_settled = now.duration_since(modified).map_or(true, |age| age >= self.settle);
            if metadata.is_file() && is_settled {
                latest = latest.max(Some((modified, path)));
            }
        }
        Ok(latest.map(|(_, path)| path))
    }
}

impl Source for Folder {
    fn fetch(&mut self, limit: usize) -> Result<Fetched, SourceError> {
        let unreadable = |path: &Path| {
            let place = path.display().to_string();
            move |source| SourceError::Unreadable { place, source }
        };
        let Some(path) = self.latest(SystemTime::now()).map_err(unreadable(&self.path))? else {
            return Ok(Fetched::Nothing);
        };
        let file = fs::File::open(&path).map_err(unreadable(&path))?;
        let mut bytes = Vec::new();
        file.take(limit as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable(&path))?;
        if bytes.len() > limit {
            return Err(SourceError::TooLarge {
                place: path.display().to_string(),
                limit,
            });
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Fetched::Extract(Extract { name, bytes }))
    }
}

/// Neither hidden nor the lock file that a spreadsheet program lays beside an open one.
fn is_extract(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    !name.starts_with(['.', '~']) && ENDINGS.contains(&ending.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lay(folder: &Path, name: &str, content: &str, age: Duration) {
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }

    #[test]
    fn the_latest_settled_extract_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let mut source = Folder::new(folder.path(), Duration::from_secs(60));
        assert!(source.fetch(100).unwrap() == Fetched::Nothing);
        let hour = Duration::from_secs(3600);
        lay(folder.path(), "ancien.csv", "ancien", 2 * hour);
        lay(folder.path(), "NOUVEAU.CSV", "nouveau", hour);
        lay(folder.path(), "en cours.csv", "à moitié", Duration::ZERO);
        lay(folder.path(), ".~lock.nouveau.csv", "verrou", Duration::from_secs(120));
        lay(folder.path(), "lisez-moi.md", "texte", Duration::from_secs(120));
        fs::create_dir(folder.path().join("dossier.csv")).unwrap();
        let Fetched::Extract(extract) = source.fetch(100).unwrap() else {
            panic!("an extract lies there")
        };
        assert_eq!(
            (extract.name.as_str(), extract.bytes.as_slice()),
            ("NOUVEAU.CSV", b"nouveau".as_slice())
        );
        assert!(matches!(source.fetch(3), Err(SourceError::TooLarge { limit: 3, .. })));
    }

    #[test]
    fn a_missing_folder_is_named() {
        let mut source = Folder::new("/nonexistent/extraits", Duration::ZERO);
        assert!(
            source
                .fetch(100)
                .unwrap_err()
                .to_string()
                .contains("/nonexistent/extraits")
        );
    }
}
