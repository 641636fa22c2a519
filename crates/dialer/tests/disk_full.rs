//! The journal on a disk that is really full: a small file system of its own, mounted where only this test sees it.
#![allow(clippy::unwrap_used)]

use dialer::journal::{Embedded, Engine};
use dialer::{Event, Journal, JournalError, Record, Sequence};
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

fn fill_and_free(engine: Engine, disk: &Path) {
    let ballast = disk.join("ballast");
    std::fs::write(&ballast, vec![0u8; 4 << 20]).unwrap();
    let mut journal = Embedded::open_with(&disk.join("journal"), engine).unwrap();
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
    let journal = Embedded::open(&disk.join("journal")).unwrap();
    assert_eq!(journal.verify().unwrap().records, next.0 + 20);
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
