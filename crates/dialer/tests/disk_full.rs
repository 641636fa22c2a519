//! The journal on a disk that is really full.
//!
//! Needs a small file system, hence ignored by default:
//! `mount -t tmpfs -o size=6m tmpfs DIR && TOCSIN_SMALL_DISK=DIR cargo test -p dialer --test disk_full -- --ignored`
#![allow(clippy::unwrap_used)]

use dialer::journal::Embedded;
use dialer::{Event, Journal, Record, Sequence};
use std::path::PathBuf;

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

#[test]
#[ignore = "needs a small file system in TOCSIN_SMALL_DISK"]
fn a_full_disk_is_told_and_the_journal_goes_on_when_there_is_space() {
    let disk = PathBuf::from(std::env::var("TOCSIN_SMALL_DISK").unwrap());
    let ballast = disk.join("ballast");
    std::fs::write(&ballast, vec![0u8; 2 << 20]).unwrap();
    let mut journal = Embedded::open(&disk.join("journal")).unwrap();
    let mut durable = 0;
    let mut failure = None;
    for _ in 0..2_000 {
        let next = journal.next();
        match journal.append(next, &records(next.0, 20)).and_then(|_| journal.flush()) {
            Ok(upto) => durable = upto.0,
            Err(error) => {
                failure = Some(error.to_string());
                break;
            }
        }
    }
    println!("durable {durable}, then: {failure:?}");
    assert!(failure.is_some());
    let again = journal.recover();
    println!("while full: {again:?}");
    std::fs::remove_file(&ballast).unwrap();
    let next = journal.recover().unwrap();
    assert!(next.0 >= durable, "{next} of {durable} records are there");
    journal.append(next, &records(next.0, 20)).unwrap();
    journal.flush().unwrap();
    drop(journal);
    let journal = Embedded::open(&disk.join("journal")).unwrap();
    assert_eq!(journal.verify().unwrap().records, next.0 + 20);
}
