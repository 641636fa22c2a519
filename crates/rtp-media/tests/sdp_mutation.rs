//! Session descriptions damaged at random, from a seed, and all that fuzzing with coverage has kept.
//!
//! `TOCSIN_MUTATIONS` sets how many are tried, `TOCSIN_SEED` where to begin.

mod checks;

use std::path::Path;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Pieces of grammar that change the reading of what follows.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"m=audio 9 RTP/AVP 8\r\n",
    b"m=video 9 RTP/AVP 31\r\n",
    b"m=audio 0 RTP/AVP 8\r\n",
    b"c=IN IP4 0.0.0.0\r\n",
    b"c=IN IP6 ::1\r\n",
    b"c=IN IP4 224.2.1.1/127\r\n",
    b"a=sendonly\r\n",
    b"a=inactive\r\n",
    b"a=rtpmap:101 telephone-event/8000\r\n",
    b"a=rtpmap:8 telephone-event/8000\r\n",
    b"a=rtpmap:96 opus/48000/2\r\n",
    b"a=ptime:0\r\n",
    b"a=ptime:4294967295\r\n",
    b"a=maxptime:1\r\n",
    b"a=rtcp:0\r\n",
    b"a=rtcp:65535 IN IP4 224.0.0.1\r\n",
    b"a=rtcp-mux\r\n",
    b"b=RS:0\r\nb=RR:0\r\n",
    b"RTP/SAVP",
    b"/2",
    b" 255",
    b" 0",
    b" ",
    b"\t",
    b"\0",
    b"\xff",
    b":",
    b"=",
    b"|",
    b"inline:",
];

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/sdp");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
        .iter()
        .map(|file| std::fs::read(file).expect("a file that can be read"))
        .collect()
}

fn mutate(rng: &mut ChaCha8Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus.choose(rng).cloned().unwrap_or_default();
    for _ in 0..rng.random_range(1..=4) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(0..=24)).min(bytes.len());
        let piece = PIECES.choose(rng).copied().unwrap_or_default();
        match rng.random_range(0..6) {
            0 => drop(bytes.splice(at..at, piece.iter().copied())),
            1 => drop(bytes.splice(at..end, piece.iter().copied())),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let copy = bytes[at..end].to_vec();
                let to = rng.random_range(0..=bytes.len());
                bytes.splice(to..to, copy);
            }
            4 if at < bytes.len() => bytes[at] = rng.random(),
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

#[test]
fn descriptions_of_every_kind_break_nothing() {
    let corpus = corpus();
    for bytes in &corpus {
        checks::description(bytes);
    }
    let first = setting("TOCSIN_SEED", 0);
    for seed in first..first + setting("TOCSIN_MUTATIONS", 20_000) {
        let bytes = mutate(&mut ChaCha8Rng::seed_from_u64(seed), &corpus);
        let result = std::panic::catch_unwind(|| checks::description(&bytes));
        assert!(
            result.is_ok(),
            "TOCSIN_SEED={seed} TOCSIN_MUTATIONS=1: {:?}",
            String::from_utf8_lossy(&bytes)
        );
    }
}
