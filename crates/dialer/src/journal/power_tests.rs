//! Power failures: what was written and not flushed is on the disk in part, in any order, or not at all.

use super::*;
use crate::journal::on_redb;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redb::StorageBackend;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What a disk writes in one piece.
const SECTOR: usize = 512;

/// A disk that forgets what was not flushed, and whose power may fail at any write.
#[derive(Debug, Clone, Default)]
struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What a power failure leaves for certain.
    durable: Vec<u8>,
    /// What the system sees.
    now: Vec<u8>,
    flushes: u64,
    /// Writes and flushes until the power fails.
    power: Option<u64>,
}

impl State {
    fn spend(&mut self) -> std::io::Result<()> {
        match &mut self.power {
            Some(0) => Err(std::io::Error::other("the power has failed")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> std::io::Result<u64> {
        Ok(self.0.lock().unwrap().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        let state = self.0.lock().unwrap();
        let from = offset as usize;
        let bytes = state.now.get(from..from + out.len());
        out.copy_from_slice(bytes.ok_or(std::io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.spend()?;
        state.now.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> std::io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.spend()?;
        state.flushes += 1;
        state.durable = state.now.clone();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.spend()?;
        let from = offset as usize;
        let place = state.now.get_mut(from..from + data.len());
        place.ok_or(std::io::ErrorKind::UnexpectedEof)?.copy_from_slice(data);
        Ok(())
    }
}

/// Each sector is the old one or the new one.
fn torn(old: &[u8], new: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    // All, none, or some of what was written has reached the disk.
    let share = [0.0, 0.05, 0.5, 0.95, 1.0][rng.random_range(0..5)];
    let length = if rng.random_bool(0.5) {
        old.len().max(new.len())
    } else {
        new.len()
    };
    let mut left = vec![0; length];
    for (at, sector) in left.chunks_mut(SECTOR).enumerate() {
        let from = at * SECTOR;
        let source = if rng.random_bool(share) { new } else { old };
        for (offset, byte) in sector.iter_mut().enumerate() {
            *byte = source.get(from + offset).copied().unwrap_or(0);
        }
    }
    left
}

fn on(disk: Disk, folder: &Path) -> Result<Embedded, JournalError> {
    let store: Box<dyn Store> = Box::new(on_redb::Store::on(disk)?);
    let (next, head) = reader::end_of(&*store.shelf()?)?;
    Ok(Embedded {
        path: folder.to_owned(),
        engine: Engine::Redb,
        store: Some(store),
        next,
        head,
        durable: (next, head),
        is_dirty: false,
        _lock: lock(folder)?,
    })
}

/// What is found must be a beginning of what was appended, and hold at least what was said to be durable.
fn check(journal: &Embedded, promised: u64, seed: u64) {
    let verified = journal.verify().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    assert!(
        verified.records >= promised,
        "seed {seed}: {promised} records were durable, {} are there",
        verified.records
    );
    let found: Vec<Record> = journal.read_from(Sequence(0)).map(Result::unwrap).collect();
    assert_eq!(found, tests::records(0, verified.records), "seed {seed}");
}

#[test]
fn a_power_failure_at_any_write_loses_nothing_that_was_durable() {
    let folder = tempfile::tempdir().unwrap();
    let mut failures = 0;
    for seed in 0..150 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut disk = Disk::default();
        // A journal that is being made has another name until it is whole.
        drop(on(disk.clone(), folder.path()).unwrap());
        let mut promised = 0;
        // Several lives on the same disk, each ended by a power failure.
        for _ in 0..4 {
            disk.0.lock().unwrap().power = Some(rng.random_range(0..120));
            if let Ok(mut journal) = on(disk.clone(), folder.path()) {
                check(&journal, promised, seed);
                for _ in 0..40 {
                    let next = journal.next();
                    let count = [1, 3, 40, 900][rng.random_range(0..4)];
                    let is_written = journal.append(next, &tests::records(next.0, count)).is_ok();
                    if !is_written || rng.random_bool(0.3) {
                        continue;
                    }
                    let Ok(upto) = journal.flush() else { break };
                    promised = upto.0;
                }
            }
            let state = disk.0.lock().unwrap();
            failures += u64::from(state.power == Some(0));
            let now = torn(&state.durable, &state.now, &mut rng);
            let after = State {
                durable: now.clone(),
                now,
                ..State::default()
            };
            drop(state);
            disk = Disk(Arc::new(Mutex::new(after)));
        }
        let journal = on(disk, folder.path()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        check(&journal, promised, seed);
    }
    assert!(failures > 300, "only {failures} failures hit a running journal");
}

#[test]
fn a_flush_empties_the_disks_cache() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let mut journal = on(disk.clone(), folder.path()).unwrap();
    let flushes = || disk.0.lock().unwrap().flushes;
    let before = flushes();
    journal.append(Sequence(0), &tests::records(0, 10)).unwrap();
    assert_eq!(flushes(), before);
    journal.flush().unwrap();
    assert!(flushes() > before);
}

/// Every file of a folder.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    all
}

/// The same for any engine, from outside: the files as they were at the last flush, and as they were when the power
/// failed during the next one, mixed sector by sector. Also shows what sled makes of it.
#[test]
fn files_torn_between_two_flushes_are_still_a_journal() {
    for engine in Engine::ALL {
        for seed in 0..25 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let home = tempfile::tempdir().unwrap();
            let folder = home.path().join("journal");
            let mut journal = Embedded::open_with(&folder, engine).unwrap();
            let mut append = |journal: &mut Embedded| {
                let next = journal.next();
                let count = [1, 3, 40, 900, 3_000][rng.random_range(0..5)];
                journal.append(next, &tests::records(next.0, count)).unwrap();
            };
            for _ in 0..6 {
                append(&mut journal);
            }
            let promised = journal.flush().unwrap().0;
            let old = files(&folder);
            for _ in 0..3 {
                append(&mut journal);
            }
            journal.flush().unwrap();
            let new = files(&folder);
            drop(journal);
            std::fs::remove_dir_all(&folder).unwrap();
            for (path, content) in &new {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                let before = old.get(path).map_or(&[][..], Vec::as_slice);
                std::fs::write(path, torn(before, content, &mut rng)).unwrap();
            }
            println!("on {engine}, seed {seed}");
            let journal = Embedded::open(&folder).unwrap_or_else(|error| panic!("on {engine}, seed {seed}: {error}"));
            check(&journal, promised, seed);
        }
    }
}
