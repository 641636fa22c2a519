//! Power failures: what was written and not flushed is on the disk in part, in any order, or not at all.

use super::*;
use crate::contact::{Absence, absence};
use crate::journal::{files, files::Files, on_redb};
use crate::{Event, MessageId, Preset, RecipientId};
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
    /// The lists of members.
    lists: BTreeMap<u64, List>,
}

/// A small file.
#[derive(Debug, Default)]
struct List {
    /// `None` while its name is not durable.
    durable: Option<Vec<u8>>,
    now: Vec<u8>,
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

impl Files for Disk {
    fn names(&self) -> std::io::Result<Vec<u64>> {
        Ok(self.0.lock().unwrap().lists.keys().copied().collect())
    }

    fn length(&self, name: u64) -> std::io::Result<Option<u64>> {
        Ok(self
            .0
            .lock()
            .unwrap()
            .lists
            .get(&name)
            .map(|list| list.now.len() as u64))
    }

    fn read(&self, name: u64, offset: u64, length: usize) -> std::io::Result<Option<Vec<u8>>> {
        let state = self.0.lock().unwrap();
        Ok(state
            .lists
            .get(&name)
            .map(|list| files::part(&list.now, offset, length)))
    }

    fn write(&self, name: u64, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        let mut state = self.0.lock().unwrap();
        // A file is made before it is written to.
        state.lists.entry(name).or_default();
        state.spend()?;
        files::put(&mut state.lists.entry(name).or_default().now, offset, bytes);
        Ok(())
    }

    fn cut(&self, name: u64, length: u64) -> std::io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.spend()?;
        state.lists.entry(name).or_default().now.truncate(length as usize);
        Ok(())
    }

    fn sync(&self, name: u64) -> std::io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.spend()?;
        let list = state.lists.entry(name).or_default();
        list.durable = Some(list.now.clone());
        Ok(())
    }

    fn remove(&self, name: u64) -> std::io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.spend()?;
        state.lists.remove(&name);
        Ok(())
    }
}

impl State {
    /// What a power failure leaves of all of it.
    fn after_failure(&self, rng: &mut ChaCha8Rng) -> Self {
        let now = torn(&self.durable, &self.now, rng);
        let mut lists = BTreeMap::new();
        for (name, list) in &self.lists {
            if list.durable.is_none() && rng.random_bool(0.5) {
                continue;
            }
            let left = torn(list.durable.as_deref().unwrap_or_default(), &list.now, rng);
            lists.insert(
                *name,
                List {
                    durable: Some(left.clone()),
                    now: left,
                },
            );
        }
        Self {
            durable: now.clone(),
            now,
            lists,
            ..Self::default()
        }
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
    let store: Box<dyn Store> = Box::new(on_redb::Store::on(disk.clone())?);
    let (next, head) = reader::end_of(&*store.shelf()?)?;
    Ok(Embedded {
        path: folder.to_owned(),
        engine: Engine::Redb,
        store: Some(store),
        roster: Roster::on(disk),
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
            let after = state.after_failure(&mut rng);
            drop(state);
            disk = Disk(Arc::new(Mutex::new(after)));
        }
        let journal = on(disk, folder.path()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        check(&journal, promised, seed);
    }
    assert!(failures > 300, "only {failures} failures hit a running journal");
}

/// What a journal of campaigns must be found to hold.
#[derive(Default)]
struct Story {
    /// Members of each campaign, as they were to be added.
    members: BTreeMap<CampaignId, Vec<RecipientId>>,
    /// Who may have been forgotten, and who must have been.
    tried: Vec<(CampaignId, Option<u32>)>,
    done: Vec<(CampaignId, Option<u32>)>,
    durable: u64,
}

impl Story {
    fn check(&self, journal: &Embedded, seed: u64) {
        let verified = journal.verify().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(verified.records >= self.durable, "seed {seed}");
        for record in journal.read_from(Sequence(0)) {
            let Event::RecipientsAdded {
                campaign,
                first: Some(first),
                recipients,
                ..
            } = record.unwrap().event
            else {
                continue;
            };
            for (place, found) in (first..).zip(recipients) {
                let is_in = |list: &[(CampaignId, Option<u32>)]| {
                    list.contains(&(campaign, None)) || list.contains(&(campaign, Some(place)))
                };
                let expected = self.members[&campaign][place as usize];
                let is_right = match absence(found) {
                    None => found == expected && !is_in(&self.done),
                    Some(Absence::Forgotten | Absence::Gone) => is_in(&self.tried),
                    Some(Absence::Altered) => false,
                };
                assert!(
                    is_right,
                    "seed {seed}: {found} at {place} of {campaign}, not {expected}"
                );
            }
        }
    }
}

/// The same with campaigns whose members are added, erased, and forgotten.
#[test]
fn a_power_failure_at_any_write_loses_no_member_and_brings_nobody_back() {
    let folder = tempfile::tempdir().unwrap();
    let (mut failures, mut forgotten) = (0, 0);
    for seed in 0..150 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut disk = Disk::default();
        drop(on(disk.clone(), folder.path()).unwrap());
        let mut story = Story::default();
        for _ in 0..5 {
            disk.0.lock().unwrap().power = Some(rng.random_range(0..150));
            if let Ok(mut journal) = on(disk.clone(), folder.path()) {
                story.check(&journal, seed);
                // Campaigns of which no record is left did not come to be.
                let records: Vec<Record> = journal.read_from(Sequence(0)).map(Result::unwrap).collect();
                let mut known: BTreeMap<CampaignId, usize> = BTreeMap::new();
                for record in &records {
                    if let Event::RecipientsAdded {
                        campaign, recipients, ..
                    } = &record.event
                    {
                        *known.entry(*campaign).or_default() += recipients.len();
                    }
                }
                story.members.retain(|campaign, _| known.contains_key(campaign));
                for (campaign, members) in &mut story.members {
                    members.truncate(known[campaign]);
                }
                let is_there = |(campaign, place): &(CampaignId, Option<u32>)| {
                    let count = known.get(campaign).copied();
                    count.is_some_and(|count| place.is_none_or(|place| (place as usize) < count))
                };
                story.tried.retain(is_there);
                story.done.retain(is_there);
                for _ in 0..12 {
                    if !live(&mut journal, &mut story, &mut rng) {
                        break;
                    }
                }
            }
            let state = disk.0.lock().unwrap();
            failures += u64::from(state.power == Some(0));
            let after = state.after_failure(&mut rng);
            drop(state);
            disk = Disk(Arc::new(Mutex::new(after)));
        }
        let journal = on(disk, folder.path()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        story.check(&journal, seed);
        forgotten += story.done.len();
    }
    assert!(failures > 300, "only {failures} failures hit a running journal");
    assert!(forgotten > 100, "only {forgotten} were forgotten");
}

/// One group of records; false when the power has failed.
fn live(journal: &mut Embedded, story: &mut Story, rng: &mut ChaCha8Rng) -> bool {
    let by = || "op".to_owned();
    let open: Vec<CampaignId> = story
        .members
        .keys()
        .copied()
        .filter(|campaign| !story.tried.contains(&(*campaign, None)))
        .collect();
    let add = |story: &mut Story, campaign: CampaignId, count: u64| {
        let members = story.members.entry(campaign).or_default();
        let first = members.len() as u32;
        let recipients: Vec<RecipientId> = (0..count)
            .map(|n| RecipientId(1_000 + u64::from(first) + n * 3))
            .collect();
        members.extend(&recipients);
        Event::RecipientsAdded {
            campaign,
            first: Some(first),
            numbers: vec![1; recipients.len()],
            recipients,
            by: by(),
            wave: 0,
        }
    };
    let mut forgotten = None;
    let events = match (rng.random_range(0..5), open.as_slice()) {
        (0, _) | (_, []) => {
            let campaign = CampaignId(1 + story.members.keys().last().map_or(0, |last| last.0));
            let created = Event::CampaignCreated {
                campaign,
                name: "Crue".into(),
                message: MessageId(1),
                version: 1,
                policy: Box::new(Preset::Immediate.policy()),
                service: String::new(),
                by: by(),
            };
            vec![created, add(story, campaign, 40)]
        }
        (1, open) => vec![add(story, open[0], 3)],
        (2 | 3, open) => {
            let campaign = open[rng.random_range(0..open.len())];
            let place = rng.random_range(0..story.members[&campaign].len()) as u32;
            forgotten = Some((campaign, Some(place)));
            vec![Event::RecipientErased {
                members: vec![(campaign, place)],
                recipient: None,
                by: by(),
            }]
        }
        (_, open) => {
            let campaign = open[0];
            forgotten = Some((campaign, None));
            let ended = Event::CampaignEnded {
                campaign,
                expired: false,
            };
            let made = ended_before(journal, &ended);
            let anonymised = Event::CampaignAnonymised { campaign };
            // Results are kept for a while after the end, which is on disk by then.
            if !made {
                let next = journal.next();
                let record = Record {
                    sequence: next,
                    at_ms: 0,
                    event: ended,
                };
                if journal.append(next, &[record]).is_err() || journal.flush().is_err() {
                    return false;
                }
                story.durable = journal.next().0;
            }
            vec![anonymised]
        }
    };
    let next = journal.next();
    let records: Vec<Record> = (next.0..)
        .zip(events)
        .map(|(at, event)| Record {
            sequence: Sequence(at),
            at_ms: 0,
            event,
        })
        .collect();
    story.tried.extend(forgotten);
    if journal.append(next, &records).is_err() || journal.flush().is_err() {
        return false;
    }
    story.durable = journal.next().0;
    // A power that fails while an entry is overwritten has failed for the record as well.
    story.done.extend(forgotten);
    true
}

fn ended_before(journal: &Embedded, ended: &Event) -> bool {
    journal
        .read_from(Sequence(0))
        .any(|record| record.is_ok_and(|record| record.event == *ended))
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
