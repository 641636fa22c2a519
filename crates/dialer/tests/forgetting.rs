//! Persons who are to be forgotten: what is left in the journal's files, read byte by byte, names nobody of the directory.
#![allow(clippy::unwrap_used)]

mod world;

use dialer::journal::{Embedded, Engine};
use dialer::{
    CampaignId, CampaignReport, CampaignState, Command, Contact, Dialer, Event, Journal, JournalError, Now, Query,
    RecipientId, Record, Sequence, Settings, anonymous_place,
};
use std::collections::HashMap;
use std::path::Path;
use world::{Answer, World, alert, number, secs, trunk};

const CAMPAIGN: CampaignId = CampaignId(1);
const DAY: u64 = 86_400;

/// Numbers of a directory that no byte of something else is taken for.
fn people() -> Vec<Contact> {
    (0..40)
        .map(|n| Contact {
            recipient: RecipientId(0x0005_a7c3_1b00_0000 + n * 0x0101_0101),
            numbers: vec![number(n)],
            ..Contact::default()
        })
        .collect()
}

fn settings() -> Settings {
    Settings {
        trunks: vec![trunk("a", 30, 50.0)],
        keep: Some(secs(30 * DAY)),
        ..Settings::default()
    }
}

/// Every file in a folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    all
}

fn leb128(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// Who of the directory is named in the files of a journal, in any way in which the journal ever wrote numbers: plain, in both
/// orders of bytes, as a record writes them, and as a list of the first version begins.
fn named(folder: &Path, directory: &[Contact]) -> Vec<RecipientId> {
    let files = files(folder);
    assert!(files.iter().any(|(_, bytes)| !bytes.is_empty()));
    let is_named = |recipient: &RecipientId| {
        let number = recipient.0;
        let forms = [
            number.to_le_bytes()[..7].to_vec(),
            number.to_be_bytes()[1..].to_vec(),
            leb128(number),
            leb128(number << 1),
            number.to_string().into_bytes(),
        ];
        files.iter().any(|(_, bytes)| {
            forms
                .iter()
                .any(|form| bytes.windows(form.len()).any(|window| window == form))
        })
    };
    let ids = directory.iter().map(|contact| contact.recipient);
    ids.filter(is_named).collect()
}

fn report(dialer: &Dialer, now: Now) -> CampaignReport {
    match dialer.query(now, Query::Report(CAMPAIGN)).unwrap() {
        dialer::Answer::Report(report) => *report,
        other => panic!("{other:?}"),
    }
}

fn open(folder: &Path, engine: Engine, records: &[Record]) -> Embedded {
    let mut journal = Embedded::open_with(folder, engine).unwrap();
    let fresh: Vec<Record> = records
        .iter()
        .filter(|record| record.sequence >= journal.next())
        .cloned()
        .collect();
    // As they come in: a few at a time.
    for some in fresh.chunks(7) {
        journal.append(some[0].sequence, some).unwrap();
        journal.flush().unwrap();
    }
    journal
}

/// A campaign that is over, and its records so far.
fn campaign() -> (World, Vec<Record>) {
    let mut world =
        World::with(3, settings()).answering(|_, order, before| match order.number.digits().as_bytes()[10] % 3 {
            0 => Answer::Listens,
            1 if before == 0 => Answer::Ends(dialer::Outcome::NoAnswer, secs(20)),
            _ => Answer::Confirms { after: secs(5) },
        });
    let people = people();
    for contact in &people {
        world.contacts.insert(contact.recipient, contact.clone());
    }
    world.launch(alert(), people);
    world.run_until(|world| world.campaign(CAMPAIGN).state == CampaignState::Ended);
    world.run_for(secs(1));
    let records: Vec<Record> = world.journal.read_from(Sequence(0)).map(Result::unwrap).collect();
    (world, records)
}

#[test]
fn no_file_of_the_journal_tells_who_was_a_member_when_the_results_have_been_kept_long_enough() {
    let (mut world, mut records) = campaign();
    let before = world.report(CAMPAIGN);
    let known = records.len() as u64;
    world.run_for(secs(31 * DAY));
    records.extend(world.journal.read_from(Sequence(known)).map(Result::unwrap));
    let is_it = |record: &Record| record.event == Event::CampaignAnonymised { campaign: CAMPAIGN };
    let anonymised = records.iter().position(is_it).unwrap();
    for engine in Engine::ALL {
        let home = tempfile::tempdir().unwrap();
        let journal = open(home.path(), engine, &records[..anonymised]);
        let head = journal.head();
        drop(journal);
        assert_eq!(
            named(home.path(), &people()).len(),
            40,
            "{engine}: this test sees who is named"
        );
        let mut journal = open(home.path(), engine, &records);
        assert_eq!(named(home.path(), &people()), [], "{engine}");
        // The chain is whole, and goes through what it was.
        assert_eq!(journal.verify().unwrap().records, records.len() as u64);
        assert_eq!(
            journal.reader().unwrap().head_at(anonymised as u64).unwrap(),
            Some(head)
        );
        let dialer = Dialer::restore(settings(), world.now(), journal.read_from(Sequence(0)), &world.contacts).unwrap();
        assert_eq!(dialer.forgotten(), [(CAMPAIGN, None)]);
        journal.forget(&dialer.forgotten());
        let after = report(&dialer, world.now());
        same_story(&before, &after, |_| true);
    }
}

/// Counts, times and costs are what they were; these members have no name any more.
fn same_story(before: &CampaignReport, after: &CampaignReport, is_forgotten: impl Fn(usize) -> bool) {
    assert_eq!(after.summary, before.summary);
    for (place, (row, was)) in after.recipients.iter().zip(&before.recipients).enumerate() {
        assert_eq!(
            (row.state, row.attempts, row.confirmed_ms, row.first_ms, row.last_ms),
            (was.state, was.attempts, was.confirmed_ms, was.first_ms, was.last_ms)
        );
        assert_eq!(
            anonymous_place(row.recipient),
            is_forgotten(place).then_some(place as u64)
        );
    }
    let calls = |report: &CampaignReport| -> Vec<_> {
        let rows = report.attempts.iter();
        rows.map(|row| {
            (
                row.attempt,
                row.started_ms,
                row.ended_ms,
                row.outcome,
                row.billed_seconds,
                row.cost_micros,
            )
        })
        .collect()
    };
    assert_eq!(calls(after), calls(before));
}

#[test]
fn no_file_of_the_journal_tells_where_an_erased_person_was_and_the_others_stay() {
    let (mut world, mut records) = campaign();
    let before = world.report(CAMPAIGN);
    let (erased, known) = (people()[11].recipient, records.len() as u64);
    world.command(Command::Erase {
        recipient: erased,
        by: "op".into(),
    });
    world.contacts.remove(&erased);
    world.run_for(secs(1));
    records.extend(world.journal.read_from(Sequence(known)).map(Result::unwrap));
    for engine in Engine::ALL {
        let home = tempfile::tempdir().unwrap();
        drop(open(home.path(), engine, &records));
        let left = named(home.path(), &people());
        assert_eq!(left.len(), 39, "{engine}");
        assert!(!left.contains(&erased), "{engine}");
        let journal = Embedded::open(home.path()).unwrap();
        journal.verify().unwrap();
        let dialer = Dialer::restore(settings(), world.now(), journal.read_from(Sequence(0)), &world.contacts).unwrap();
        assert_eq!(dialer.forgotten(), [(CAMPAIGN, Some(11))]);
        same_story(&before, &report(&dialer, world.now()), |place| place == 11);
    }
}

/// A crash after the entry was overwritten and before the record was on disk: the record is made good at the start.
#[test]
fn an_erasure_that_a_crash_cut_off_is_completed() {
    let mut world = World::with(3, settings());
    let people = people();
    for contact in &people {
        world.contacts.insert(contact.recipient, contact.clone());
    }
    let erased = people[39].recipient;
    world.create(alert(), people);
    world.run_for(secs(1));
    world.command(Command::Erase {
        recipient: erased,
        by: "op".into(),
    });
    world.contacts.remove(&erased);
    world.crash_and_restart();
    world.run_for(secs(1));
    let report = world.report(CAMPAIGN);
    assert_eq!(anonymous_place(report.recipients[39].recipient), Some(39));
    let said = world.journal.read_from(Sequence(0)).any(
        |record| matches!(record.unwrap().event, Event::RecipientErased { members, .. } if members == [(CAMPAIGN, 39)]),
    );
    assert!(said);
    world.command(Command::Launch {
        campaign: CAMPAIGN,
        by: "op".into(),
    });
    world.run_to_end();
    assert_eq!(world.campaign(CAMPAIGN).confirmed, 39);
    assert!(world.placed.iter().all(|(_, order)| order.recipient != erased));
}

/// Records of the first version named the persons themselves; this test would see that.
#[test]
fn records_of_the_first_version_are_seen_to_name_persons() {
    let home = tempfile::tempdir().unwrap();
    let event = Event::RecipientsAdded {
        campaign: CAMPAIGN,
        first: None,
        recipients: vec![people()[5].recipient],
        numbers: vec![1],
        by: "op".into(),
        wave: 0,
    };
    let record = Record {
        sequence: Sequence(0),
        at_ms: 0,
        event,
    };
    drop(open(home.path(), Engine::Redb, &[record]));
    assert_eq!(named(home.path(), &people()), [people()[5].recipient]);
}

#[test]
fn a_running_campaign_whose_list_is_lost_is_an_alarm_and_is_never_ended() {
    let mut world = World::with(3, settings());
    let people = people();
    let contacts: HashMap<RecipientId, Contact> = people.iter().map(|c| (c.recipient, c.clone())).collect();
    world.contacts.clone_from(&contacts);
    world.launch(alert(), people.clone());
    world.run_for(secs(3));
    let records: Vec<Record> = world.journal.read_from(Sequence(0)).map(Result::unwrap).collect();
    for engine in Engine::ALL {
        let home = tempfile::tempdir().unwrap();
        drop(open(home.path(), engine, &records));
        let list = home.path().join("members/1");
        let good = std::fs::read(&list).unwrap();
        let mut changed = good.clone();
        changed[40] ^= 1;
        for (what, bytes) in [("missing", None), ("not the one", Some(changed))] {
            std::fs::remove_file(&list).unwrap();
            if let Some(bytes) = bytes {
                std::fs::write(&list, bytes).unwrap();
            }
            let journal = Embedded::open(home.path()).unwrap();
            let verified = journal.verify();
            assert!(
                matches!(&verified, Err(JournalError::Members { campaign: CAMPAIGN, what: said }) if said.contains(what)),
                "{verified:?}"
            );
            let records = journal.read_from(Sequence(0));
            let mut dialer = Dialer::restore(settings(), world.now(), records, &contacts).unwrap();
            let alarm = dialer.view(world.now()).journal.alarm.unwrap();
            assert!(
                alarm.contains("campaign 1") && alarm.contains("tocsin journal restore"),
                "{alarm}"
            );
            // Weeks later it still waits.
            let mut now = world.now();
            now.monotonic += secs(40 * DAY);
            now.utc_ms += 40 * DAY as i64 * 1_000;
            dialer.handle_timeout(now);
            assert_eq!(dialer.view(now).campaigns[0].state, CampaignState::Running);
            assert!(std::iter::from_fn(|| dialer.poll_record()).all(|record| {
                !matches!(
                    record.event,
                    Event::CampaignEnded { .. } | Event::CampaignAnonymised { .. }
                )
            }));
            // Its people are added again: it goes on with them.
            dialer.handle_durable(now, dialer.next_sequence());
            let extend = Command::Extend {
                campaign: CAMPAIGN,
                recipients: people.clone(),
                by: "op".into(),
            };
            let early = world.now();
            let records = journal.read_from(Sequence(0));
            let mut dialer = Dialer::restore(settings(), early, records, &contacts).unwrap();
            dialer.handle_command(early, extend).unwrap();
            assert_eq!(dialer.view(early).journal.alarm, None);
            dialer.handle_durable(early, dialer.next_sequence());
            let called = std::iter::from_fn(|| dialer.poll_record())
                .filter(|record| matches!(record.event, Event::AttemptStarted { .. }))
                .count();
            assert!(called > 0, "{called}");
            std::fs::write(&list, &good).unwrap();
        }
        // The list is there again.
        let journal = Embedded::open(home.path()).unwrap();
        journal.verify().unwrap();
        let dialer = Dialer::restore(settings(), world.now(), journal.read_from(Sequence(0)), &contacts).unwrap();
        assert_eq!(dialer.view(world.now()).journal.alarm, None);
    }
}
