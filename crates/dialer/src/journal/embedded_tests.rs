use super::*;
use crate::Event;
use crate::journal::{Memory, copy};

pub(in crate::journal) fn records(from: u64, count: u64) -> Vec<Record> {
    (from..from + count)
        .map(|at| Record {
            sequence: Sequence(at),
            at_ms: 1_764_000_000_000 + at as i64,
            event: Event::Noted {
                by: "op".into(),
                action: "test".into(),
                subject: format!("n° {at}"),
            },
        })
        .collect()
}

fn on_each(story: impl Fn(Engine, &Path)) {
    for engine in Engine::ALL {
        println!("on {engine}");
        let folder = tempfile::tempdir().unwrap();
        story(engine, folder.path());
    }
}

#[test]
fn what_was_flushed_is_read_back_after_reopening() {
    on_each(|engine, folder| {
        let all = records(0, 2_500);
        {
            let mut journal = Embedded::open_with(folder, engine).unwrap();
            for part in all.chunks(700) {
                journal.append(part[0].sequence, part).unwrap();
                journal.flush().unwrap();
            }
        }
        // The engine is found by what lies in the folder.
        let journal = Embedded::open(folder).unwrap();
        assert_eq!((journal.engine(), journal.next()), (engine, Sequence(2_500)));
        for from in [0, 1, 699, 700, 701, 2_499, 2_500] {
            let read: Vec<Record> = journal.read_from(Sequence(from)).map(Result::unwrap).collect();
            assert_eq!(read, all[from as usize..], "from {from}");
        }
        assert_eq!(journal.verify().unwrap().records, 2_500);
        assert!(journal.size().unwrap() > 0);
    });
}

#[test]
fn a_second_writer_is_noticed() {
    on_each(|engine, folder| {
        let mut journal = Embedded::open_with(folder, engine).unwrap();
        journal.append(Sequence(0), &records(0, 3)).unwrap();
        let refused = journal.append(Sequence(2), &records(2, 1));
        assert!(matches!(
            refused,
            Err(JournalError::Conflict {
                expected: Sequence(2),
                actual: Sequence(3)
            })
        ));
        assert!(matches!(Embedded::open(folder), Err(JournalError::InUse(_))));
    });
}

#[test]
fn a_journal_of_another_engine_is_refused_with_what_to_do() {
    on_each(|engine, folder| {
        drop(Embedded::open_with(folder, engine).unwrap());
        let other = Engine::ALL.into_iter().find(|other| *other != engine).unwrap();
        let refused = Embedded::open_with(folder, other).err().map(|error| error.to_string());
        let refused = refused.unwrap();
        assert!(
            refused.contains(engine.name()) && refused.contains("--replace"),
            "{refused}"
        );
    });
}

/// Changes a block under the journal, or takes it out.
fn tamper(engine: Engine, folder: &Path, first: u64, change: Option<fn(&mut Vec<u8>)>) {
    match engine {
        Engine::Sled => {
            let db = sled::open(folder).unwrap();
            let tree = db.open_tree("records").unwrap();
            let key = first.to_be_bytes();
            let mut bytes = tree.remove(key).unwrap().unwrap().to_vec();
            if let Some(change) = change {
                change(&mut bytes);
                tree.insert(key, bytes).unwrap();
            }
            db.flush().unwrap();
        }
        Engine::Redb => {
            const RECORDS: redb::TableDefinition<'_, u64, &[u8]> = redb::TableDefinition::new("records");
            let db = redb::Database::create(folder.join("journal.redb")).unwrap();
            let write = db.begin_write().unwrap();
            {
                let mut table = write.open_table(RECORDS).unwrap();
                let mut bytes = table.remove(first).unwrap().unwrap().value().to_vec();
                if let Some(change) = change {
                    change(&mut bytes);
                    table.insert(first, bytes.as_slice()).unwrap();
                }
            }
            write.commit().unwrap();
        }
    }
}

#[test]
fn damage_is_told_with_its_place() {
    on_each(|engine, folder| {
        {
            let mut journal = Embedded::open_with(folder, engine).unwrap();
            for at in 0..10 {
                journal.append(Sequence(at * 10), &records(at * 10, 10)).unwrap();
            }
            journal.flush().unwrap();
        }
        let at = || match Embedded::open(folder).unwrap().verify() {
            Err(JournalError::Damaged { at, .. }) => at.0,
            other => panic!("{other:?}"),
        };
        tamper(engine, folder, 50, Some(|bytes| bytes[30] ^= 1));
        assert_eq!(at(), 50);
        tamper(engine, folder, 20, None);
        assert_eq!(at(), 20);
    });
}

#[test]
fn a_copy_is_the_same_to_the_last_bit() {
    on_each(|engine, folder| {
        let mut journal = Embedded::open_with(folder, engine).unwrap();
        for at in 0..50 {
            journal.append(Sequence(at * 3), &records(at * 3, 3)).unwrap();
        }
        journal.flush().unwrap();
        // What is not durable yet is not copied.
        let reader = journal.reader().unwrap();
        journal.append(Sequence(150), &records(150, 1)).unwrap();
        let mut backup = Memory::new();
        let copied = copy(&reader, &mut backup).unwrap();
        assert_eq!((copied.records, copied.head), (150, reader.head()));
        assert_eq!(copied, reader.verify().unwrap());
    });
}

#[test]
fn the_head_of_any_moment_is_found_again() {
    on_each(|engine, folder| {
        let mut journal = Embedded::open_with(folder, engine).unwrap();
        let mut heads = vec![(0, journal.head())];
        let mut next = 0;
        for count in [1, 7, 900, 3, 2_000] {
            next = journal.append(Sequence(next), &records(next, count)).unwrap().0;
            heads.push((next, journal.head()));
        }
        journal.flush().unwrap();
        let reader = journal.reader().unwrap();
        for (at, head) in &heads {
            assert_eq!(reader.head_at(*at).unwrap(), Some(*head), "{at}");
            assert_eq!(reader.stated_head(*at).unwrap(), Some(*head), "{at}");
        }
        // Between flushes there is a head too: the chain goes from record to record.
        let mut other = Memory::new();
        other.append(Sequence(0), &records(0, 500)).unwrap();
        assert_eq!(reader.head_at(500).unwrap(), Some(other.head()));
        assert_eq!(reader.stated_head(500).unwrap(), Some(other.head()));
        assert_eq!(reader.head_at(next + 1).unwrap(), None);
        assert_eq!(reader.stated_head(next + 1).unwrap(), None);
    });
}

#[test]
fn a_journal_recovers_where_it_was() {
    on_each(|engine, folder| {
        let mut journal = Embedded::open_with(folder, engine).unwrap();
        journal.append(Sequence(0), &records(0, 5)).unwrap();
        journal.flush().unwrap();
        assert_eq!(journal.recover().unwrap(), Sequence(5));
        journal.append(Sequence(5), &records(5, 5)).unwrap();
        journal.flush().unwrap();
        assert_eq!(journal.verify().unwrap().records, 10);
    });
}

/// What a full disk leaves behind when sled is opened on it.
#[test]
fn a_broken_snapshot_of_sled_costs_no_journal() {
    let home = tempfile::tempdir().unwrap();
    for bytes in [&b""[..], b"short", b"a snapshot that is torn in its middle"] {
        let folder = home.path().join(bytes.len().to_string());
        let mut journal = Embedded::open_with(&folder, Engine::Sled).unwrap();
        journal.append(Sequence(0), &records(0, 900)).unwrap();
        journal.flush().unwrap();
        drop(journal);
        std::fs::write(folder.join("snap.7FFFFFFFFFFFFFFF"), bytes).unwrap();
        let mut journal = Embedded::open(&folder).unwrap();
        assert_eq!(journal.verify().unwrap().records, 900);
        journal.append(Sequence(900), &records(900, 1)).unwrap();
        journal.flush().unwrap();
        assert_eq!(journal.recover().unwrap(), Sequence(901));
    }
}

#[test]
fn a_reader_sees_what_was_durable_while_others_write() {
    on_each(|engine, folder| {
        let mut journal = Embedded::open_with(folder, engine).unwrap();
        journal.append(Sequence(0), &records(0, 1_000)).unwrap();
        journal.flush().unwrap();
        let reader = journal.reader().unwrap();
        let reading = std::thread::spawn(move || (0..20).map(|_| reader.verify().unwrap().records).collect::<Vec<_>>());
        for at in 1_000..1_050 {
            journal.append(Sequence(at), &records(at, 1)).unwrap();
            journal.flush().unwrap();
        }
        assert_eq!(reading.join().unwrap(), [1_000; 20]);
    });
}
