//! What telephones sound like: a greeting, an answering machine, tones. Encoded once, as A-law.

use std::{f64::consts::TAU, sync::Arc, time::Duration};

use rtp_media::{
    Clip, Codec, Encoded, Ptime,
    dtmf::{self, Tone},
    resample::resample_i16,
    speech::{Espeak, Synthesizer},
};

/// Samples a second of everything here (G.711).
const RATE: u32 = 8_000;

/// How long a key is held, and the silence after it: a person presses for somewhat longer than a telephone must hold.
const KEY: Tone = Tone {
    on: Duration::from_millis(120),
    off: Duration::from_millis(80),
    low: -10.0,
    high: -8.0,
    offset: 0.0,
};

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
        announcement.resize(announcement.len() + samples(0.4), 0);
        announcement.extend(beep());
        Sounds {
            greeting: encoded(spoken("Allô ?", 0.6)),
            announcement: encoded(announcement),
            keys: dtmf::KEYS
                .iter()
                .map(|key| (*key, encoded(dtmf::digit_tones(&key.to_string(), KEY, RATE))))
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

fn encoded(pcm: Vec<i16>) -> Arc<Encoded> {
    Clip::from_pcm(pcm, RATE).encoded(Codec::Pcma, Ptime::MS_20)
}

fn samples(seconds: f64) -> usize {
    (seconds * f64::from(RATE)) as usize
}

/// Half a second of 1,000 Hz at −10 dBm0.
fn beep() -> impl Iterator<Item = i16> {
    let amplitude = f64::from(dtmf::amplitude(-10.0));
    (0..samples(0.5)).map(move |n| (amplitude * (TAU * 1_000.0 * n as f64 / f64::from(RATE)).sin()) as i16)
}

fn spoken(text: &str, seconds_without_voice: f64) -> Vec<i16> {
    match Espeak::default().speak(text, "fr") {
        Ok(pcm) => resample_i16(&pcm.samples, pcm.rate, RATE),
        Err(_) => murmur(seconds_without_voice),
    }
}

/// Noise in syllables of 200 ms, from a fixed linear congruential sequence.
fn murmur(seconds: f64) -> Vec<i16> {
    let mut state = 1u32;
    (0..samples(seconds))
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
    fn every_key_lasts_200_ms() {
        let sounds = Sounds::new();
        for key in "0123456789*#ABCD".chars() {
            assert_eq!(sounds.key(key).map(|sound| sound.len()), Some(10), "{key}");
        }
        assert!(sounds.key('x').is_none());
        assert!(sounds.announcement.len() > 100, "an announcement lasts some seconds");
    }
}
