//! Files and bit streams that other programs wrote. All are one second of a 700 Hz tone, or a chirp, made with FFmpeg.
#![allow(clippy::unwrap_used)]

use rtp_media::codec::g722;
use rtp_media::import::{self, ImportError};

/// Share of the power that a sinusoid of `hz` explains.
fn purity(pcm: &[i16], hz: f64, rate: f64) -> f64 {
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for (n, &s) in pcm.iter().enumerate() {
        let (sin, cos) = (std::f64::consts::TAU * hz * n as f64 / rate).sin_cos();
        re += f64::from(s) * cos;
        im += f64::from(s) * sin;
        all += f64::from(s).powi(2);
    }
    2.0 * (re * re + im * im) / pcm.len() as f64 / all
}

const FILES: [(&str, &[u8]); 8] = [
    ("MP3", include_bytes!("audio/tone.mp3")),
    ("Ogg Vorbis", include_bytes!("audio/tone-vorbis.ogg")),
    ("Ogg Opus in stereo", include_bytes!("audio/tone-opus.ogg")),
    ("FLAC", include_bytes!("audio/tone.flac")),
    ("M4A", include_bytes!("audio/tone.m4a")),
    ("WebM with Opus", include_bytes!("audio/tone.webm")),
    ("WAV in µ-law", include_bytes!("audio/tone-mulaw.wav")),
    ("WAV in stereo floats", include_bytes!("audio/tone-float.wav")),
];

#[test]
fn every_format_gives_the_same_tone() {
    for (name, file) in FILES {
        let pcm = import::read(file.to_vec(), Some(8_000)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(pcm.rate, 8_000);
        assert!(
            pcm.samples.len().abs_diff(8_000) < 500,
            "{name}: {} samples",
            pcm.samples.len()
        );
        let share = purity(&pcm.samples[800..7_200], 700.0, 8_000.0);
        assert!(share > 0.97, "{name}: {share}");
    }
}

#[test]
fn damaged_files_are_refused_or_heard_but_never_fatal() {
    for (name, file) in FILES {
        for cut in (0..file.len()).step_by(file.len() / 40 + 1) {
            let _ = import::read(file[..cut].to_vec(), Some(8_000));
        }
        // A tenth of all bytes overwritten, the head spared: heard in part, or refused in words.
        let mut bad = file.to_vec();
        bad.iter_mut().skip(600).step_by(10).for_each(|b| *b ^= 0x5a);
        if let Err(error) = import::read(bad, Some(8_000)) {
            assert!(
                !matches!(error, ImportError::TooLong | ImportError::Silent),
                "{name}: {error}"
            );
        }
    }
}

#[test]
fn g722_is_bit_exact_with_another_decoder() {
    let mut decoded = Vec::new();
    g722::Decoder::default().decode(include_bytes!("audio/chirp.g722"), &mut decoded);
    let expected: Vec<i16> = include_bytes!("audio/decoded.pcm")
        .chunks_exact(2)
        .map(|b| i16::from_le_bytes([b[0], b[1]]))
        .collect();
    let wrong = decoded.iter().zip(&expected).filter(|(a, b)| a != b).count();
    assert_eq!((wrong, decoded.len()), (0, expected.len()));
}

#[test]
fn g722_is_bit_exact_with_another_encoder() {
    let pcm: Vec<i16> = include_bytes!("audio/chirp.pcm")
        .chunks_exact(2)
        .map(|b| i16::from_le_bytes([b[0], b[1]]))
        .collect();
    let mut encoded = Vec::new();
    g722::Encoder::default().encode(&pcm, &mut encoded);
    let expected = include_bytes!("audio/chirp.g722");
    let wrong = encoded.iter().zip(expected).filter(|(a, b)| a != b).count();
    assert_eq!((wrong, encoded.len()), (0, expected.len()));
}
