//! The endpoint and its digests under attack: all that fuzzing with coverage has kept, and as much again damaged from a seed.
//!
//! `TOCSIN_MUTATIONS` sets how many are tried, `TOCSIN_SEED` where to begin.
#![allow(clippy::unwrap_used)]

#[path = "checks/digest.rs"]
mod digest;
#[path = "checks/siege.rs"]
mod siege;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Header lines that the machines listen to, and bytes that change the reading of what follows.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\xfe",
    b"\xfev=0\r\n",
    b"Require: 100rel\r\nRSeq: 1\r\n",
    b"Require: 100rel\r\nRSeq: 2\r\n",
    b"RAck: 1 1 INVITE\r\n",
    b"Session-Expires: 90;refresher=uac\r\n",
    b"Session-Expires: 90;refresher=uas\r\nRequire: timer\r\n",
    b"Session-Expires: 1\r\n",
    b"Min-SE: 4000\r\n",
    b"Supported: timer, 100rel\r\n",
    b"Allow: UPDATE\r\n",
    b"Contact: <sip:x@192.0.2.3:5070;transport=tcp>\r\n",
    b"Record-Route: <sip:192.0.2.2;lr>, <sip:192.0.2.3>\r\n",
    b"Retry-After: 4294967295\r\n",
    b"Expires: 0\r\n",
    b"Min-Expires: 7200\r\n",
    b"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n",
    b"Proxy-Authenticate: Digest realm=\"p\", nonce=\"n\", stale=true\r\n",
    b"Authentication-Info: nextnonce=\"m\"\r\n",
    b"Reason: Q.850;cause=16\r\n",
    b"Content-Type: multipart/mixed;boundary=x\r\n",
    b"Digest username=\"alice\", realm=\"tocsin\", nonce=\"{nonce}\", uri=\"sip:us@192.0.2.1\", response=\"0\"",
    b"\xff\x06",
    b"\xff\x07\0\x12",
    b"\xff\x0e",
    b"\xff\x02\0\x05",
    b"\xff\x02\0\x03",
    b"\xff\x02\x08\x05",
    b"\xff\x03\0\x01",
    b"\xff\x03\0\0",
    b"\xff\x03\0\x02",
    b"\xff\x08\0\0",
    b"\xff\x08\0\x04",
    b"\xff\x0d\0\0",
];

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn mutate(rng: &mut ChaCha8Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus.choose(rng).unwrap().clone();
    for _ in 0..rng.random_range(1..=6) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(0..=24)).min(bytes.len());
        match rng.random_range(0..7) {
            0 | 1 => drop(bytes.splice(at..at, PIECES.choose(rng).unwrap().iter().copied())),
            2 => drop(bytes.drain(at..end)),
            // A step of another script.
            3 | 4 => {
                let other = corpus.choose(rng).unwrap();
                let steps: Vec<&[u8]> = other.split(|&byte| byte == siege::SEPARATOR).collect();
                let step = [&[siege::SEPARATOR], *steps.choose(rng).unwrap()].concat();
                bytes.splice(at..at, step);
            }
            5 if at < bytes.len() => bytes[at] = rng.random(),
            _ if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            _ => {}
        }
    }
    bytes
}

fn setting(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok().and_then(|value| value.parse().ok());
    value.unwrap_or(default)
}

fn attack(name: &str, mutations: u64, check: impl Fn(&[u8])) {
    let corpus = corpus(name);
    for bytes in &corpus {
        let result = catch_unwind(AssertUnwindSafe(|| check(bytes)));
        assert!(result.is_ok(), "{:?}", bytes.escape_ascii().to_string());
    }
    let first = setting("TOCSIN_SEED", 0);
    for seed in first..first + setting("TOCSIN_MUTATIONS", mutations) {
        let bytes = mutate(&mut ChaCha8Rng::seed_from_u64(seed), &corpus);
        let result = catch_unwind(AssertUnwindSafe(|| check(&bytes)));
        assert!(
            result.is_ok(),
            "TOCSIN_SEED={seed} TOCSIN_MUTATIONS=1: {}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn no_sequence_of_messages_confuses_the_endpoint() {
    attack("endpoint", 6_000, siege::siege);
}

#[test]
fn no_challenge_and_no_proof_opens_the_door() {
    attack("digest", 3_000, digest::digest);
}
