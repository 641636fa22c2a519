use super::*;
use crate::Event;
use crate::journal::{Memory, copy};

fn records(from: u64, count: u64) -> Vec<Record> {
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

#[test]
fn what_was_flushed_is_read_back_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let all = records(0, 2_500);
    {
        let mut journal = Embedded::open(folder.path()).unwrap();
        for part in all.chunks(700) {
            journal.append(part[0].sequence, part).unwrap();
            journal.flush().unwrap();
        }
    }
    let journal = Embedded::open(folder.path()).unwrap();
    assert_eq!(journal.next(), Sequence(2_500));
    for from in [0, 1, 699, 700, 701, 2_499, 2_500] {
        let read: Vec<Record> = journal.read_from(Sequence(from)).map(Result::unwrap).collect();
        assert_eq!(read, all[from as usize..], "from {from}");
    }
    assert_eq!(journal.verify().unwrap().records, 2_500);
}

#[test]
fn a_second_writer_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Embedded::open(folder.path()).unwrap();
    journal.append(Sequence(0), &records(0, 3)).unwrap();
    let refused = journal.append(Sequence(2), &records(2, 1));
    assert!(matches!(
        refused,
        Err(JournalError::Conflict {
            expected: Sequence(2),
            actual: Sequence(3)
        })
    ));
    assert!(matches!(Embedded::open(folder.path()), Err(JournalError::Open(..))));
}

#[test]
fn damage_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    {
        let mut journal = Embedded::open(folder.path()).unwrap();
        for at in 0..10 {
            journal.append(Sequence(at * 10), &records(at * 10, 10)).unwrap();
        }
        journal.flush().unwrap();
    }
    let damage = |change: &dyn Fn(&sled::Tree)| {
        let db = sled::open(folder.path()).unwrap();
        change(&db.open_tree(TREE).unwrap());
        db.flush().unwrap();
    };
    damage(&|tree| {
        let mut bytes = tree.get(key(Sequence(50))).unwrap().unwrap().to_vec();
        bytes[30] ^= 1;
        tree.insert(key(Sequence(50)), bytes).unwrap();
    });
    let at = |folder: &Path| match Embedded::open(folder).unwrap().verify() {
        Err(JournalError::Damaged { at, .. }) => at.0,
        other => panic!("{other:?}"),
    };
    assert_eq!(at(folder.path()), 50);
    damage(&|tree| {
        tree.remove(key(Sequence(20))).unwrap();
    });
    assert_eq!(at(folder.path()), 20);
}

#[test]
fn a_backup_has_the_same_head() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Embedded::open(folder.path()).unwrap();
    for at in 0..50 {
        journal.append(Sequence(at * 3), &records(at * 3, 3)).unwrap();
    }
    journal.flush().unwrap();
    let mut backup = Memory::new();
    assert_eq!(copy(&journal, &mut backup).unwrap(), journal.verify().unwrap());
}

#[test]
fn a_journal_recovers_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Embedded::open(folder.path()).unwrap();
    journal.append(Sequence(0), &records(0, 5)).unwrap();
    journal.flush().unwrap();
    assert_eq!(journal.recover().unwrap(), Sequence(5));
    journal.append(Sequence(5), &records(5, 5)).unwrap();
    journal.flush().unwrap();
    assert_eq!(journal.verify().unwrap().records, 10);
}
