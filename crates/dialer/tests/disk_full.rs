//! The journal on a disk that is really full: a small file system of its own, mounted where only this test sees it.
#![allow(clippy::unwrap_used)]

use dialer::journal::{Embedded, Engine};
use dialer::{CampaignId, Event, Journal, JournalError, MessageId, Preset, RecipientId, Record, Sequence};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Tells the test that it runs inside, and where the small disk is.
const INSIDE: &str = "TOCSIN_SMALL_DISK";

/// Runs the named test of this program again, with a file system of `megabytes` mounted on a folder; the mount is seen by
/// nobody else and goes with the process. Needs root, or user namespaces.
fn on_small_disk(test: &str, megabytes: u32, story: impl Fn(&Path)) {
    if let Some(disk) = std::env::var_os(INSIDE) {
        return story(&PathBuf::from(disk));
    }
    let disk = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o size={megabytes}m tmpfs \"$0\" && exec \"$@\"");
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .unwrap()
        .stdout
        .starts_with(b"0\n");
    let output = Command::new("unshare")
        .args(if is_root {
            &["--mount"][..]
        } else {
            &["--mount", "--map-root-user"]
        })
        .args(["sh", "-c", &mount])
        .arg(disk.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, disk.path())
        .output()
        .expect("unshare (package util-linux) cannot be run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{said}\nThis test mounts a small file system of its own: it needs root, or user namespaces \
         (sysctl kernel.unprivileged_userns_clone=1)."
    );
    assert!(said.contains("1 passed"), "{said}");
}

fn records(from: u64, count: u64) -> Vec<Record> {
    (from..from + count)
        .map(|at| Record {
            sequence: Sequence(at),
            at_ms: 0,
            event: Event::Noted {
                by: "op".into(),
                action: "x".repeat(400),
                subject: at.to_string(),
            },
        })
        .collect()
}

/// sled holds its lock until threads of its own have ended: the journal's thread tries again, and so does this.
fn recovered(journal: &mut Embedded) -> Sequence {
    let mut last = None;
    for _ in 0..200 {
        match journal.recover() {
            Ok(next) => return next,
            Err(error) => last = Some(error),
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("there is space again, and yet: {last:?}")
}

/// Takes whatever space there is.
fn fill(ballast: &Path) {
    let mut file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(ballast)
        .unwrap();
    for piece in [1 << 16, 1 << 12, 1] {
        while file.write_all(&vec![0; piece]).is_ok() {}
    }
}

/// Appends until the disk is full, as it must be within so many groups of 20; what is durable then.
fn append_until_full(journal: &mut Embedded, engine: Engine) -> u64 {
    let mut durable = 0;
    let mut failure = None;
    for _ in 0..4_000 {
        let next = journal.next();
        match journal.append(next, &records(next.0, 20)).and_then(|_| journal.flush()) {
            Ok(upto) => durable = upto.0,
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    println!("{engine}: {durable} records are durable, then: {failure:?}");
    assert!(matches!(failure, Some(JournalError::Full)), "{failure:?}");
    durable
}

fn fill_and_free(engine: Engine, disk: &Path) {
    let ballast = disk.join("ballast");
    std::fs::write(&ballast, vec![0u8; 4 << 20]).unwrap();
    let mut journal = Embedded::open_with(&disk.join("journal"), engine).unwrap();
    let durable = append_until_full(&mut journal, engine);
    assert!(durable > 0);
    // As the journal's thread does: again and again, while nothing has changed.
    for _ in 0..5 {
        let _ = journal.recover();
    }
    std::fs::remove_file(&ballast).unwrap();
    let next = recovered(&mut journal);
    assert!(next.0 >= durable, "{next} of {durable} records are there");
    journal.append(next, &records(next.0, 20)).unwrap();
    journal.flush().unwrap();
    drop(journal);
    let mut journal = Embedded::open(&disk.join("journal")).unwrap();
    assert_eq!(journal.verify().unwrap().records, next.0 + 20);

    // The same journal, the second time. Space that its file holds already is used first: what fits in it is durable, and then
    // the disk is full as before. A campaign's list of members is a file of its own and finds no space at once.
    let size = journal.size().unwrap();
    fill(&ballast);
    let created = campaign(journal.next().0);
    assert!(matches!(
        journal.append(journal.next(), &created),
        Err(JournalError::Full)
    ));
    let before = recovered(&mut journal);
    let durable = append_until_full(&mut journal, engine).max(before.0);
    println!(
        "{engine}: {} KiB of records fitted into the {} KiB that the full disk held already",
        (durable - before.0) * 430 / 1024,
        size / 1024
    );
    std::fs::remove_file(&ballast).unwrap();
    let next = recovered(&mut journal);
    assert!(next.0 >= durable, "{next} of {durable} records are there");
    journal.append(next, &campaign(next.0)).unwrap();
    journal.flush().unwrap();
    assert_eq!(journal.verify().unwrap().records, next.0 + 2);
}

fn campaign(from: u64) -> Vec<Record> {
    let campaign = CampaignId(1);
    let created = Event::CampaignCreated {
        campaign,
        name: "Crue".into(),
        message: MessageId(1),
        version: 1,
        policy: Box::new(Preset::Immediate.policy()),
        service: String::new(),
        by: "op".into(),
    };
    let added = Event::RecipientsAdded {
        campaign,
        first: Some(0),
        recipients: (0..20_000).map(RecipientId).collect(),
        numbers: vec![1; 20_000],
        by: "op".into(),
        wave: 0,
    };
    let record = |(at, event)| Record {
        sequence: Sequence(at),
        at_ms: 0,
        event,
    };
    (from..).zip([created, added]).map(record).collect()
}

#[test]
fn redb_tells_a_full_disk_and_goes_on_when_there_is_space() {
    on_small_disk("redb_tells_a_full_disk_and_goes_on_when_there_is_space", 12, |disk| {
        fill_and_free(Engine::Redb, disk);
    });
}

#[test]
fn sled_tells_a_full_disk_and_goes_on_when_there_is_space() {
    on_small_disk("sled_tells_a_full_disk_and_goes_on_when_there_is_space", 12, |disk| {
        fill_and_free(Engine::Sled, disk);
    });
}
