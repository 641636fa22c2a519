//! Messages damaged at random, from a seed: a fuzzer that needs no special compiler and finds the same things every time.
//!
//! `TOCSIN_MUTATIONS` sets how many are tried, `TOCSIN_SEED` where to begin.
#![allow(clippy::unwrap_used)]

mod checks;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Pieces of grammar that change the reading of what follows.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n ",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b";",
    b",",
    b":",
    b"=",
    b"\"",
    b"\\",
    b"<",
    b">",
    b"@",
    b"%",
    b"%00",
    b"%4",
    b"?",
    b"&",
    b"/",
    b"[",
    b"]",
    b"[::1]",
    b"*",
    b"-1",
    b"0",
    b"65536",
    b"4294967296",
    b"99999999999999999999",
    b"SIP/2.0",
    b"sip:",
    b"sips:",
    b"tel:",
    b"z9hG4bK",
    b";tag=",
    b";lr",
    b";rport",
    b";received=",
    b"Via: ",
    b"v:",
    b"l: ",
    b"Content-Length: 0\r\n",
    b"Contact: *\r\n",
    b"multipart/mixed;boundary=x",
    b"--x\r\n",
    b"Require: 100rel\r\n",
];

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture");
    let mut files = Vec::new();
    for rfc in ["rfc4475", "rfc5118"] {
        files.extend(
            std::fs::read_dir(folder.join(rfc))
                .unwrap()
                .map(|entry| entry.unwrap().path()),
        );
    }
    // What fuzzing with coverage has found and kept.
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/parser");
    if let Ok(entries) = std::fs::read_dir(kept) {
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn mutate(rng: &mut ChaCha8Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus.choose(rng).unwrap().clone();
    for _ in 0..rng.random_range(1..=4) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(0..=24)).min(bytes.len());
        match rng.random_range(0..7) {
            0 => drop(bytes.splice(at..at, PIECES.choose(rng).unwrap().iter().copied())),
            1 => drop(bytes.splice(at..end, PIECES.choose(rng).unwrap().iter().copied())),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let copy = bytes[at..end].to_vec();
                let to = rng.random_range(0..=bytes.len());
                bytes.splice(to..to, copy);
            }
            4 => {
                let other = corpus.choose(rng).unwrap();
                let from = rng.random_range(0..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            5 if at < bytes.len() => bytes[at] = rng.random(),
            _ if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            _ => {}
        }
    }
    bytes
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

#[test]
fn damaged_messages_break_nothing() {
    let corpus = corpus();
    let first = setting("TOCSIN_SEED", 0);
    for seed in first..first + setting("TOCSIN_MUTATIONS", 30_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let bytes = mutate(&mut rng, &corpus);
        let cut = rng.random_range(1..64);
        let result = catch_unwind(AssertUnwindSafe(|| {
            checks::datagram(&bytes);
            checks::stream(&bytes, cut);
        }));
        assert!(
            result.is_ok(),
            "TOCSIN_SEED={seed} TOCSIN_MUTATIONS=1: {:?}",
            String::from_utf8_lossy(&bytes)
        );
    }
}

/// The corpora of the fuzz targets `parser` and `framing`, undamaged.
#[test]
fn what_fuzzing_has_kept_still_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let files = |name: &str| -> Vec<Vec<u8>> {
        let entries = std::fs::read_dir(folder.join(name)).unwrap();
        entries
            .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
            .collect()
    };
    let (messages, streams) = (files("parser"), files("framing"));
    assert!(messages.len() > 100 && streams.len() > 100);
    for bytes in messages {
        checks::datagram(&bytes);
    }
    for bytes in streams {
        if let [cut, stream @ ..] = &bytes[..] {
            checks::stream(stream, usize::from(*cut));
        }
    }
}
