use super::*;
use crate::Record;
use crate::journal::{Journal, Memory, embedded};

fn journal(count: u64) -> (Memory, Vec<Record>) {
    let all = embedded::tests::records(0, count);
    let mut journal = Memory::new();
    for part in all.chunks(300) {
        journal.append(part[0].sequence, part).unwrap();
    }
    journal.flush().unwrap();
    (journal, all)
}

fn backup(journal: &Memory, folder: &Path) -> PathBuf {
    let path = folder.join("backup");
    let mut file = File::create(&path).unwrap();
    write_backup(&journal.reader().unwrap(), &mut file).unwrap();
    path
}

#[test]
fn a_backup_is_read_and_restored_with_every_engine() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, all) = journal(2_000);
    let path = backup(&journal, folder.path());
    let reader = open_backup(&path).unwrap();
    assert_eq!((reader.end(), reader.head()), (Sequence(2_000), journal.head()));
    assert_eq!(reader.verify().unwrap(), journal.verify().unwrap());
    for from in [0, 299, 1_999] {
        let read: Vec<Record> = reader.records(Sequence(from)).map(Result::unwrap).collect();
        assert_eq!(read, all[from as usize..]);
    }
    for engine in Engine::ALL {
        let place = folder.path().join(engine.name());
        let restored = restore(&reader, &place, engine, false, "x").unwrap();
        assert_eq!((restored.verified.head, restored.former), (journal.head(), None));
        let back = Embedded::open(&place).unwrap();
        assert_eq!((back.engine(), back.next()), (engine, Sequence(2_000)));
        assert_eq!(back.head(), journal.head());
    }
}

#[test]
fn a_journal_is_only_replaced_when_told_and_kept_beside() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("journal");
    let (old, _) = journal(10);
    restore(&old.reader().unwrap(), &place, Engine::Sled, false, "a").unwrap();
    let (new, _) = journal(700);
    let reader = new.reader().unwrap();
    let refused = restore(&reader, &place, Engine::Redb, false, "b");
    assert!(matches!(refused, Err(NotRestored::Exists(_))), "{refused:?}");
    assert_eq!(Embedded::open(&place).unwrap().next(), Sequence(10));
    {
        let _running = Embedded::open(&place).unwrap();
        let refused = restore(&reader, &place, Engine::Redb, true, "b");
        assert!(
            matches!(refused, Err(NotRestored::Journal(JournalError::InUse(_)))),
            "{refused:?}"
        );
    }
    let restored = restore(&reader, &place, Engine::Redb, true, "b").unwrap();
    assert_eq!(Embedded::open(&place).unwrap().next(), Sequence(700));
    let former = restored.former.unwrap();
    assert!(former.ends_with("journal.before-b"));
    assert_eq!(Embedded::open(&former).unwrap().next(), Sequence(10));
}

#[test]
fn a_backup_that_was_cut_or_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = journal(600);
    let path = backup(&journal, folder.path());
    let whole = std::fs::read(&path).unwrap();
    let place = folder.path().join("journal");
    let is_good = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        open_backup(&path)
            .is_ok_and(|reader| reader.verify().is_ok() && restore(&reader, &place, Engine::Redb, true, "x").is_ok())
    };
    for cut in (0..whole.len()).step_by(101) {
        assert!(!is_good(&whole[..cut]), "cut at {cut}");
    }
    for at in (0..whole.len()).step_by(97) {
        let mut changed = whole.clone();
        changed[at] ^= 4;
        assert!(!is_good(&changed), "changed at {at}");
    }
    // A whole frame taken out, the rest left as it is.
    let first = u32::from_le_bytes(whole[17..21].try_into().unwrap()) as usize;
    let mut missing = whole[..16].to_vec();
    missing.extend_from_slice(&whole[21 + first..]);
    assert!(!is_good(&missing));
    assert!(!place.exists() || Engine::found(&place).is_none());
    assert!(is_good(&whole));
    assert!(!is_good(b"something else entirely"));
}
