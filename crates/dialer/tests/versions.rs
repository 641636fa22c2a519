//! Journals that earlier versions of the program wrote, kept as they were: whatever the program becomes, they are read, and
//! tell the same story.
//!
//! `version-N.backup` is a journal as version N of the records was written; `version-N.json` is the report of its campaign.
//! A new version adds its pair and leaves the older ones alone: `cargo test -p dialer --test versions -- --ignored` makes
//! those of the newest one.
#![allow(clippy::unwrap_used)]

mod world;

use dialer::journal::{Embedded, Engine, open_backup, restore, write_backup};
use dialer::{
    CampaignId, Cause, Command, Contact, Dialer, Event, Journal, Now, Outcome, Query, RecipientId, Sequence, Settings,
    TrunkChange,
};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use world::{Answer, World, alert, secs, trunk};

/// The newest version of the records, and the heads of the journals of all versions.
const HEADS: [&str; 2] = [
    "176b6275b58e2a33199ab4e74da2fbc3d8b294936a8561cca0e29530d5a1ad32",
    "488f5b806f45fd1a5bdf96b6f008289ed8bb18ea2f5355e00d03fdc15472bb00",
];

fn place(version: usize, extension: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/journals/version-{version}.{extension}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The people of the campaign: as the directory would give them.
fn people() -> HashMap<RecipientId, Contact> {
    let mut world = World::new(0, vec![trunk("a", 1, 1.0)]);
    let people = world.people(1, 60, 3);
    people.into_iter().map(|person| (person.recipient, person)).collect()
}

/// What the campaign of a journal came to, in a form that does not grow with the program.
fn story(records: impl Iterator<Item = Result<dialer::Record, dialer::JournalError>>) -> serde_json::Value {
    let now = Now {
        monotonic: std::time::Instant::now(),
        utc_ms: 1_800_000_000_000,
    };
    let dialer = Dialer::restore(Settings::default(), now, records, &people()).unwrap();
    let Ok(dialer::Answer::Report(report)) = dialer.query(now, Query::Report(CampaignId(1))) else {
        panic!("no report")
    };
    let view = &report.summary;
    let recipients: Vec<_> = report
        .recipients
        .iter()
        .map(|row| {
            serde_json::json!([
                row.recipient,
                row.state,
                row.attempts,
                row.confirmed_ms,
                row.confirmed_slot,
                row.first_ms
            ])
        })
        .collect();
    let attempts: Vec<_> = report
        .attempts
        .iter()
        .map(|row| {
            serde_json::json!([
                row.attempt,
                row.recipient,
                row.slot,
                row.trunk,
                row.started_ms,
                row.ended_ms,
                row.outcome,
                row.ringing_ms,
                row.talking_ms,
                row.message_version,
                row.billed_seconds,
                row.cost_micros
            ])
        })
        .collect();
    let outcomes: BTreeMap<Cause, u64> = view.outcomes.clone();
    serde_json::json!({
        "name": view.name, "state": view.state, "created_by": report.created_by, "launched_by": report.launched_by,
        "service": report.service, "created_ms": view.created_ms, "launched_ms": view.launched_ms,
        "ended_ms": view.ended_ms, "recipients": view.recipients, "confirmed": view.confirmed,
        "not_confirmed": view.not_confirmed, "failed": view.failed, "outcomes": outcomes,
        "message": view.message, "message_version": view.message_version,
        "rows": recipients, "calls": attempts,
    })
}

#[test]
fn the_journals_of_all_versions_are_read_and_tell_the_same_story() {
    for (at, head) in HEADS.iter().enumerate() {
        let version = at + 1;
        let backup = open_backup(&place(version, "backup")).unwrap();
        assert_eq!(hex(&backup.verify().unwrap().head), *head, "version {version}");
        let expected: serde_json::Value =
            serde_json::from_slice(&std::fs::read(place(version, "json")).unwrap()).unwrap();
        assert_eq!(story(backup.records(Sequence(0))), expected, "version {version}");
    }
}

#[test]
fn an_old_journal_goes_on_in_every_store() {
    for (engine, version) in Engine::ALL.into_iter().flat_map(|engine| [(engine, 1), (engine, 2)]) {
        let folder = tempfile::tempdir().unwrap();
        let place_of_journal = folder.path().join("journal");
        let backup = open_backup(&place(version, "backup")).unwrap();
        restore(&backup, &place_of_journal, engine, false, "x").unwrap();
        let mut journal = Embedded::open(&place_of_journal).unwrap();
        let now = Now {
            monotonic: std::time::Instant::now(),
            utc_ms: 1_800_000_000_000,
        };
        let mut dialer = Dialer::restore(Settings::default(), now, journal.read_from(Sequence(0)), &people()).unwrap();
        dialer
            .handle_command(
                now,
                Command::RetryUnconfirmed {
                    campaign: CampaignId(1),
                    by: "op".into(),
                },
            )
            .unwrap();
        let records: Vec<_> = std::iter::from_fn(|| dialer.poll_record()).collect();
        assert!(
            records
                .iter()
                .any(|record| matches!(record.event, Event::UnconfirmedRetried { .. }))
        );
        journal.append(journal.next(), &records).unwrap();
        journal.flush().unwrap();
        let verified = journal.verify().unwrap();
        assert_eq!(verified.records, backup.end().0 + records.len() as u64, "{engine}");
        // What the old version wrote is still proved by its own head.
        let head = journal.reader().unwrap().head_at(backup.end().0).unwrap().unwrap();
        assert_eq!(hex(&head), HEADS[version - 1]);
    }
}

/// A campaign in which every kind of record is written.
#[test]
#[ignore = "makes the journal of the newest version"]
fn make_the_newest_version() {
    let outcomes = [
        Outcome::Busy,
        Outcome::NoAnswer,
        Outcome::Unreachable { status: 404 },
        Outcome::Rejected { status: 603 },
        Outcome::Machine { message_left: false },
        Outcome::Failed { status: 500 },
        Outcome::Congestion {
            status: 503,
            retry_after: Some(secs(2)),
        },
    ];
    let mut world = World::new(7, vec![trunk("a", 8, 4.0), trunk("b", 4, 2.0)]).answering(move |_, order, before| {
        match order.recipient.0 % 10 {
            1 => Answer::Listens,
            2 => Answer::HangsUp,
            3 => Answer::Vanishes,
            4..=6 if before == 0 => Answer::Ends(outcomes[(order.recipient.0 % 7) as usize], secs(3)),
            _ => Answer::Confirms { after: secs(9) },
        }
    });
    let people = world.people(1, 60, 3);
    let mut policy = alert();
    policy.tries_per_recipient = 4;
    policy.tries_per_number = 2;
    let (first, rest) = people.split_at(50);
    let by = || "préfète".to_owned();
    let campaign = world.create(policy, first.to_vec());
    world.command(Command::Launch { campaign, by: by() });
    world.trunk_at(secs(4), 1, TrunkChange::Down);
    world.trunk_at(secs(40), 1, TrunkChange::Up);
    world.run_for(secs(20));
    world.command(Command::Pause { campaign, by: by() });
    world.run_for(secs(5));
    world.command(Command::Resume { campaign, by: by() });
    world.command(Command::Extend {
        campaign,
        recipients: rest.to_vec(),
        by: by(),
    });
    world.run_for(secs(1));
    world.crash_and_restart();
    let message = world.message("La décrue commence.");
    world.command(Command::ChangeMessage {
        campaign,
        message,
        in_progress: true,
        recall_confirmed: false,
        by: by(),
    });
    world.command(Command::Confirm {
        campaign,
        recipient: RecipientId(59),
        how: dialer::ConfirmedBy::Operator,
        heard: None,
        by: by(),
    });
    let other = world.people(22, 1, 1);
    world.command(Command::Renew {
        contacts: other,
        gone: Vec::new(),
        by: by(),
    });
    world.command(Command::Erase {
        recipient: RecipientId(17),
        by: by(),
    });
    world.command(Command::Note {
        by: by(),
        action: "directory.import".into(),
        subject: "maires.ods".into(),
    });
    world.run_to_end();
    let version = HEADS.len();
    let reader = world.journal.reader().unwrap();
    let mut file = std::fs::File::create(place(version, "backup")).unwrap();
    let verified = write_backup(&reader, &mut file).unwrap();
    let story = story(reader.records(Sequence(0)));
    std::fs::write(place(version, "json"), format!("{story:#}\n")).unwrap();
    println!(
        "version {version}: {} records, head {}",
        verified.records,
        hex(&verified.head)
    );
}
