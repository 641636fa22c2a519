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

/// A campaign that is open, its members, and how its records go on.
fn campaign() -> (Vec<Record>, Vec<crate::RecipientId>) {
    let campaign = CampaignId(1);
    let recipients: Vec<_> = (0..50).map(|n| crate::RecipientId(0x5a5a_1234_0000 + n)).collect();
    let created = Event::CampaignCreated {
        campaign,
        name: "Crue".into(),
        message: crate::MessageId(1),
        version: 1,
        policy: Box::new(crate::Preset::Immediate.policy()),
        service: String::new(),
        by: "op".into(),
    };
    let added = Event::RecipientsAdded {
        campaign,
        first: Some(0),
        recipients: recipients.clone(),
        numbers: vec![1; recipients.len()],
        by: "op".into(),
        wave: 0,
    };
    let ended = Event::CampaignEnded {
        campaign,
        expired: false,
    };
    let erased = Event::RecipientErased {
        members: vec![(campaign, 7)],
        recipient: None,
        by: "op".into(),
    };
    let anonymised = Event::CampaignAnonymised { campaign };
    let records = [created, added, ended, erased, anonymised];
    let record = |(at, event)| Record {
        sequence: Sequence(at),
        at_ms: 0,
        event,
    };
    ((0..).zip(records).map(record).collect(), recipients)
}

fn members(reader: &Reader) -> Vec<crate::RecipientId> {
    let mut records = reader.records(Sequence(0)).map(Result::unwrap);
    records
        .find_map(|record| match record.event {
            Event::RecipientsAdded { recipients, .. } => Some(recipients),
            _ => None,
        })
        .unwrap()
}

#[test]
fn a_backup_holds_the_members_and_a_restored_one_forgets_again() {
    for engine in Engine::ALL {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("journal");
        let (records, people) = campaign();
        let mut journal = Embedded::open_with(&place, engine).unwrap();
        journal.append(Sequence(0), &records[..3]).unwrap();
        journal.flush().unwrap();
        let path = folder.path().join("backup");
        let mut file = File::create(&path).unwrap();
        write_backup(&journal.reader().unwrap(), &mut file).unwrap();
        let backup = open_backup(&path).unwrap();
        assert_eq!(members(&backup), people);

        // One person is erased, then the backup is restored.
        journal.append(Sequence(3), &records[3..4]).unwrap();
        journal.flush().unwrap();
        drop(journal);
        let restored = restore(&backup, &place, engine, true, "a").unwrap();
        assert_eq!((restored.forgotten, restored.verified.records), (1, 3));
        let mut journal = Embedded::open(&place).unwrap();
        let mut expected = people.clone();
        expected[7] = crate::contact::anonymous(7);
        assert_eq!(members(&journal.reader().unwrap()), expected);

        // The campaign is anonymised, then the backup is restored.
        let mut last = records[4].clone();
        last.sequence = Sequence(3);
        journal.append(Sequence(3), &[last]).unwrap();
        journal.flush().unwrap();
        drop(journal);
        assert_eq!(restore(&backup, &place, engine, true, "b").unwrap().forgotten, 1);
        let journal = Embedded::open(&place).unwrap();
        journal.verify().unwrap();
        let known = members(&journal.reader().unwrap());
        assert!(known.iter().all(|member| crate::anonymous_place(*member).is_some()));
        drop(journal);

        // On another machine there is nothing to go by: the backup is as it was.
        let other = folder.path().join("other");
        assert_eq!(restore(&backup, &other, engine, false, "c").unwrap().forgotten, 0);
        assert_eq!(members(&Embedded::open(&other).unwrap().reader().unwrap()), people);
    }
}

#[test]
fn a_list_that_was_changed_in_a_backup_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Memory::new();
    journal.append(Sequence(0), &campaign().0[..2]).unwrap();
    journal.flush().unwrap();
    let path = backup(&journal, folder.path());
    let whole = std::fs::read(&path).unwrap();
    let is_good = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        open_backup(&path).is_ok_and(|reader| reader.verify().is_ok())
    };
    assert!(is_good(&whole));
    // The list comes first.
    for at in MAGIC.len()..MAGIC.len() + HEADER + 8 + 50 * 32 {
        let mut changed = whole.clone();
        changed[at] ^= 16;
        assert!(!is_good(&changed), "changed at {at}");
    }
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
