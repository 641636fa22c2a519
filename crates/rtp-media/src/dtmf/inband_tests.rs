#![allow(clippy::unwrap_used)]
//! The lines of Q.24 as tests; the bench `dtmf` sweeps far more.

use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{InBand, KEYS, Tone, amplitude, digit_tones};
use crate::resample::resample_i16;
use crate::speech::{Espeak, Synthesizer};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What is heard of `pcm`, started at an odd place so that nothing falls together with the frames.
fn heard(pcm: &[i16], shift: usize) -> String {
    let mut detector = InBand::new();
    let mut all = vec![0; shift];
    all.extend_from_slice(pcm);
    all.resize(all.len() + 800, 0);
    all.chunks(160).filter_map(|frame| detector.push(frame)).collect()
}

fn all_keys() -> String {
    KEYS.iter().collect()
}

/// All sixteen keys at every place within a frame are `expected` or nothing at all.
fn check(name: &str, tone: Tone, is_heard: bool, disturb: impl Fn(&mut [i16])) {
    let expected = if is_heard { all_keys() } else { String::new() };
    for shift in (0..160).step_by(13) {
        let mut pcm = digit_tones(&all_keys(), tone, 8_000);
        disturb(&mut pcm);
        assert_eq!(heard(&pcm, shift), expected, "{name}, shifted by {shift}");
    }
}

/// White noise `snr` dB below a key of −10 dBm per tone.
fn noise(pcm: &mut [i16], snr: f32) {
    let mut random = ChaCha8Rng::seed_from_u64(24);
    let power = amplitude(-10.0).powi(2) / 10f32.powf(snr / 10.0);
    let peak = (3.0 * power).sqrt();
    for s in pcm {
        *s = (f32::from(*s) + random.random_range(-peak..peak)) as i16;
    }
}

const EVEN: Tone = Tone {
    on: Duration::from_millis(50),
    off: Duration::from_millis(50),
    low: -10.0,
    high: -10.0,
    offset: 0.0,
};

#[test]
fn levels_from_0_to_minus_36_dbm() {
    for level in [0.0, -3.0, -10.0, -20.0, -30.0, -36.0] {
        check(
            &format!("{level} dBm"),
            Tone {
                low: level,
                high: level,
                ..EVEN
            },
            true,
            |_| {},
        );
    }
}

#[test]
fn twist_of_8_db_either_way() {
    for twist in [-8.0, -4.0, 4.0, 8.0] {
        check(
            &format!("{twist} dB"),
            Tone {
                high: -10.0 + twist,
                ..EVEN
            },
            true,
            |_| {},
        );
    }
}

#[test]
fn frequencies() {
    for offset in [-0.015, -0.01, 0.01, 0.015] {
        check(&format!("{offset}"), Tone { offset, ..EVEN }, true, |_| {});
    }
    for offset in [-0.06, -0.05, -0.04, -0.035, 0.035, 0.04, 0.05, 0.06] {
        check(
            &format!("{offset}"),
            Tone {
                offset,
                on: ms(200),
                ..EVEN
            },
            false,
            |_| {},
        );
    }
}

#[test]
fn durations_and_pauses() {
    check(
        "40 ms",
        Tone {
            on: ms(40),
            off: ms(40),
            ..EVEN
        },
        true,
        |_| {},
    );
    check(
        "40 ms, then 30",
        Tone {
            on: ms(40),
            off: ms(30),
            ..EVEN
        },
        true,
        |_| {},
    );
    check(
        "long",
        Tone {
            on: ms(2_000),
            off: ms(40),
            ..EVEN
        },
        true,
        |_| {},
    );
    for on in [5, 10, 15, 20, 23] {
        check(
            &format!("{on} ms"),
            Tone {
                on: ms(on),
                off: ms(100),
                ..EVEN
            },
            false,
            |_| {},
        );
    }
}

#[test]
fn a_dropout_of_10_ms_is_bridged() {
    let tone = Tone {
        on: ms(100),
        off: ms(60),
        ..EVEN
    };
    for start in [15, 30, 45, 60, 75] {
        check(&format!("dropout at {start} ms"), tone, true, |pcm| {
            pcm.chunks_mut(160 * 8)
                .for_each(|key| key[start * 8..(start + 10) * 8].fill(0));
        });
    }
}

#[test]
fn the_same_key_again_is_another_key() {
    for off in [20, 25, 30, 40, 60] {
        let pcm = digit_tones(
            "1111",
            Tone {
                on: ms(50),
                off: ms(off),
                ..EVEN
            },
            8_000,
        );
        for shift in (0..160).step_by(7) {
            assert_eq!(heard(&pcm, shift), "1111", "{off} ms, {shift}");
        }
    }
}

#[test]
fn a_hole_of_15_to_20_ms_that_keeps_the_phase_is_a_dropout() {
    let tone = Tone {
        on: ms(100),
        off: ms(60),
        ..EVEN
    };
    for (start, hole) in [(30, 15), (60, 15), (30, 20), (45, 20), (60, 20)] {
        check(&format!("{hole} ms at {start} ms"), tone, true, |pcm| {
            pcm.chunks_mut(160 * 8)
                .for_each(|key| key[start * 8..(start + hole) * 8].fill(0));
        });
    }
}

#[test]
fn noise_at_15_10_and_6_db() {
    check("15 dB", EVEN, true, |pcm| noise(pcm, 15.0));
    check("10 dB", EVEN, true, |pcm| noise(pcm, 10.0));
    check("6 dB", EVEN, true, |pcm| noise(pcm, 6.0));
    check("6 dB, 40 ms", Tone { on: ms(40), ..EVEN }, true, |pcm| noise(pcm, 6.0));
}

#[test]
fn noise_music_and_single_tones_are_no_keys() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let pcm: Vec<i16> = (0..8_000 * 120).map(|_| random.random_range(-8_000..8_000)).collect();
    assert_eq!(heard(&pcm, 0), "", "noise");
    for hz in (300..3_400).step_by(7) {
        let pcm: Vec<i16> = (0..4_000)
            .map(|n| (8_000.0 * (super::spectrum::omega(hz as f32) * n as f32).sin()) as i16)
            .collect();
        assert_eq!(heard(&pcm, 0), "", "{hz} Hz");
    }
}

#[test]
fn any_packet_size_gives_the_same() {
    let pcm = digit_tones(&all_keys(), EVEN, 8_000);
    for size in [1, 80, 159, 161, 240, 480, 5_000] {
        let mut detector = InBand::new();
        let mut heard: String = pcm.chunks(size).filter_map(|part| detector.push(part)).collect();
        heard.extend(detector.push(&[0; 800]));
        if size <= 480 {
            assert_eq!(heard, all_keys(), "{size}");
        }
    }
}

#[test]
fn lost_packets_do_not_double_a_key() {
    let pcm = digit_tones(
        "5",
        Tone {
            on: ms(300),
            off: ms(60),
            ..EVEN
        },
        8_000,
    );
    let mut detector = InBand::new();
    let mut heard = String::new();
    for (n, frame) in pcm.chunks(160).enumerate() {
        if (4..8).contains(&n) {
            detector.lost(160);
        } else {
            heard.extend(detector.push(frame));
        }
    }
    assert_eq!(heard, "5");
}

#[test]
fn keys_are_heard_over_the_dial_tone() {
    for level in [-15.0f32, -10.0, -6.0] {
        let peak = amplitude(-10.0) * 10f32.powf(level / 20.0) * 2f32.sqrt();
        check(&format!("dial tone at {level} dB"), EVEN, true, |pcm| {
            for (n, s) in pcm.iter_mut().enumerate() {
                let wave = (super::spectrum::omega(440.0) * n as f32).sin();
                *s = (f32::from(*s) + peak * wave) as i16;
            }
        });
    }
}

/// What a campaign says, at 8 kHz, by espeak-ng (`scripts/install-dependencies.sh`).
fn prompt() -> Vec<i16> {
    let text = "Alerte de la préfecture. Une crue est attendue cette nuit entre vingt heures et six heures. Montez à l'étage, \
                coupez le gaz et l'électricité, et n'allez pas chercher vos enfants à l'école. Pour confirmer, appuyez sur la \
                touche un. Pour réécouter ce message, appuyez sur la touche deux.";
    let pcm = Espeak::default().speak(text, "fr").unwrap();
    resample_i16(&pcm.samples, pcm.rate, 8_000)
}

#[test]
fn keys_are_heard_over_the_echo_of_the_prompt() {
    let prompt = prompt();
    let power = prompt.iter().map(|&s| f32::from(s).powi(2)).sum::<f32>() / prompt.len() as f32;
    let gain = amplitude(-10.0) * 0.1 / power.sqrt();
    let start = std::cell::Cell::new(0);
    check("echo at -20 dB", EVEN, true, |pcm| {
        // Another part of the prompt each time.
        start.set((start.get() + 5_077) % (prompt.len() - pcm.len()));
        for (s, &echo) in pcm.iter_mut().zip(&prompt[start.get()..]) {
            *s = (f32::from(*s) + gain * f32::from(echo)) as i16;
        }
    });
}

/// A sample; the bench `dtmf` listens to hours.
#[test]
fn speech_is_no_key() {
    let prompt = prompt();
    for gain in [0.05, 0.25, 1.0] {
        let pcm: Vec<i16> = prompt.iter().map(|&s| (f32::from(s) * gain) as i16).collect();
        assert_eq!(heard(&pcm, 0), "", "{gain}");
    }
}
