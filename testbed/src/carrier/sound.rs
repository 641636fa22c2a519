//! What telephones sound like: a greeting, an answering machine, tones. Encoded once, as A-law.

use std::{f64::consts::TAU, process::Command, sync::Arc};

use rtp_media::{Clip, Codec, Encoded, Ptime};

/// Samples a second of everything here (G.711).
pub const RATE: u32 = 8_000;

/// Peak amplitude of a sine at 0 dBm0 in 16-bit samples: 3.14 dB below full scale for A-law (ITU-T G.711).
const DBM0: f64 = 22_818.0;

/// The sounds of all telephones.
#[derive(Debug)]
pub struct Sounds {
    /// A short “allô”.
    pub greeting: Arc<Encoded>,
    /// An answering machine's announcement, a pause, and its beep.
    pub announcement: Arc<Encoded>,
    /// The tone pair of each key, with silence after.
    keys: Vec<(char, Arc<Encoded>)>,
}

impl Sounds {
    /// Makes all sounds. With espeak-ng on the machine people and machines speak; without it they make bursts of noise as
    /// long as the words would be.
    pub fn new() -> Sounds {
        let mut announcement = spoken(
            "Bonjour, vous êtes bien chez nous, mais nous sommes absents. \
             Laissez un message après le signal sonore, nous vous rappellerons dès notre retour.",
            6.0,
        );
        announcement.extend(silence(0.4));
        announcement.extend(tones(&[1_000.0], -10.0, 0.5));
        Sounds {
            greeting: encoded(spoken("Allô ?", 0.6)),
            announcement: encoded(announcement),
            keys: KEYS
                .iter()
                .map(|(key, low, high)| {
                    let mut pressed = tones(&[*low, *high], -9.0, 0.12);
                    pressed.extend(silence(0.08));
                    (*key, encoded(pressed))
                })
                .collect(),
        }
    }

    /// The tones of a key, if there is such a key.
    pub fn key(&self, key: char) -> Option<&Arc<Encoded>> {
        self.keys.iter().find(|(k, _)| *k == key).map(|(_, sound)| sound)
    }
}

impl Default for Sounds {
    fn default() -> Self {
        Sounds::new()
    }
}

/// Keys and their two frequencies in Hz (ITU-T Q.23).
const KEYS: [(char, f64, f64); 16] = [
    ('1', 697.0, 1209.0),
    ('2', 697.0, 1336.0),
    ('3', 697.0, 1477.0),
    ('A', 697.0, 1633.0),
    ('4', 770.0, 1209.0),
    ('5', 770.0, 1336.0),
    ('6', 770.0, 1477.0),
    ('B', 770.0, 1633.0),
    ('7', 852.0, 1209.0),
    ('8', 852.0, 1336.0),
    ('9', 852.0, 1477.0),
    ('C', 852.0, 1633.0),
    ('*', 941.0, 1209.0),
    ('0', 941.0, 1336.0),
    ('#', 941.0, 1477.0),
    ('D', 941.0, 1633.0),
];

fn encoded(pcm: Vec<i16>) -> Arc<Encoded> {
    Clip::from_pcm(pcm, RATE).encoded(Codec::Pcma, Ptime::MS_20)
}

fn silence(seconds: f64) -> Vec<i16> {
    vec![0; (seconds * f64::from(RATE)) as usize]
}

/// Sines at these frequencies, each at `level` dBm0.
fn tones(frequencies: &[f64], level: f64, seconds: f64) -> Vec<i16> {
    let amplitude = DBM0 * 10f64.powf(level / 20.0);
    (0..(seconds * f64::from(RATE)) as usize)
        .map(|n| {
            let t = n as f64 / f64::from(RATE);
            frequencies.iter().map(|f| amplitude * (TAU * f * t).sin()).sum::<f64>() as i16
        })
        .collect()
}

fn spoken(text: &str, seconds_without_voice: f64) -> Vec<i16> {
    espeak(text).unwrap_or_else(|| murmur(seconds_without_voice))
}

/// espeak-ng's voice at 8 kHz. The whole text's WAV is small; anything odd about it counts as no voice.
fn espeak(text: &str) -> Option<Vec<i16>> {
    let output = Command::new("espeak-ng")
        .args(["-v", "fr", "-s", "160", "--stdout", text])
        .output()
        .ok()?;
    let wav = output.stdout;
    let rate = u32::from_le_bytes(wav.get(24..28)?.try_into().ok()?);
    let channels = u16::from_le_bytes(wav.get(22..24)?.try_into().ok()?);
    if channels != 1 || rate < RATE {
        return None;
    }
    let samples: Vec<i16> = wav
        .get(44..)?
        .chunks_exact(2)
        .map(|b| i16::from_le_bytes([b[0], b[1]]))
        .collect();
    // Averaging over the length of one output sample is low-pass filter enough for a far end that nobody listens to.
    let step = f64::from(rate) / f64::from(RATE);
    let length = (samples.len() as f64 / step) as usize;
    let resampled = (0..length).map(|n| {
        let from = (n as f64 * step) as usize;
        let to = (((n + 1) as f64 * step) as usize).clamp(from + 1, samples.len());
        let slice = &samples[from..to];
        (slice.iter().map(|s| i64::from(*s)).sum::<i64>() / slice.len() as i64) as i16
    });
    Some(resampled.collect())
}

/// Noise in syllables of 200 ms, from a fixed linear congruential sequence.
fn murmur(seconds: f64) -> Vec<i16> {
    let mut state = 1u32;
    (0..(seconds * f64::from(RATE)) as usize)
        .map(|n| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from((state >> 16) as i16);
            let syllable = (TAU * n as f64 / f64::from(RATE) / 0.4).sin().abs();
            (noise * 0.1 * syllable) as i16
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones_have_the_level_that_was_asked_for() {
        let pcm = tones(&[1_000.0], -10.0, 1.0);
        let power = pcm.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / pcm.len() as f64;
        let level = 20.0 * (power.sqrt() * 2f64.sqrt() / DBM0).log10();
        assert!((level + 10.0).abs() < 0.1, "{level}");
    }

    #[test]
    fn every_key_lasts_200_ms() {
        let sounds = Sounds::new();
        for key in "0123456789*#ABCD".chars() {
            assert_eq!(sounds.key(key).map(|sound| sound.len()), Some(10), "{key}");
        }
        assert!(sounds.key('x').is_none());
    }
}
