//! Who answered: a person, who says a word and waits, or an answering machine, which talks on and beeps.
//!
//! No rule is sure. The settings trade the time until the verdict against its errors; `docs/answering-machine.md` shows how
//! much. In doubt the verdict is a person, since an alert that is spoken to a machine costs a minute, and one that hangs
//! up on a person costs the alert.

use std::time::Duration;

use crate::command::Answerer;
use crate::voice::Activity;

/// Operators' settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Somebody who says nothing for so long has picked up and waits.
    pub initial_silence: Duration,
    /// A greeting that goes on for longer is a machine's.
    pub greeting: Duration,
    /// So much silence ends a greeting: then the speaker waits for us.
    pub after_greeting: Duration,
    /// A greeting that is longer than this may be a machine's short one.
    pub short_greeting: Duration,
    /// After such a greeting so much silence is waited for, in which a machine beeps.
    pub before_beep: Duration,
    /// A greeting of more words is a machine's; a word ends with 80 ms of silence.
    pub words: u32,
    /// The verdict falls at the latest after this time; then it is a person.
    pub total: Duration,
    /// Least level of speech, in dBm0.
    pub level: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            initial_silence: Duration::from_millis(2_500),
            greeting: Duration::from_millis(4_000),
            after_greeting: Duration::from_millis(700),
            short_greeting: Duration::from_millis(1_800),
            before_beep: Duration::from_millis(1_500),
            words: 12,
            total: Duration::from_millis(8_000),
            level: -45.0,
        }
    }
}

/// Silence that ends a word.
const WORD_GAP_MS: u32 = 80;

/// Sound that is too short to be a word: a click.
const CLICK_MS: u32 = 60;

/// Listens after the answer, and gives one verdict.
#[derive(Debug, Clone)]
pub struct Detector {
    settings: Settings,
    activity: Activity,
    elapsed_ms: u32,
    /// Since the first word.
    greeting_ms: u32,
    word_ms: u32,
    silence_ms: u32,
    words: u32,
    is_done: bool,
}

impl Detector {
    /// A detector for one call; give it audio from the moment of the answer.
    pub fn new(settings: Settings) -> Detector {
        Detector {
            settings,
            activity: Activity::new(settings.level),
            elapsed_ms: 0,
            greeting_ms: 0,
            word_ms: 0,
            silence_ms: 0,
            words: 0,
            is_done: false,
        }
    }

    /// Has the verdict fallen?
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// The next samples at 8 kHz. The verdict, once.
    pub fn push(&mut self, samples: &[i16]) -> Option<Answerer> {
        if self.is_done {
            return None;
        }
        let mut verdict = None;
        let mut activity = std::mem::replace(&mut self.activity, Activity::new(self.settings.level));
        activity.push(samples, |is_loud, _| {
            if verdict.is_none() {
                verdict = self.frame(is_loud);
            }
        });
        self.activity = activity;
        self.is_done |= verdict.is_some();
        verdict
    }

    /// A beep ended: only machines beep, if they are not done for.
    pub fn beep(&mut self) -> Option<Answerer> {
        (!std::mem::replace(&mut self.is_done, true)).then_some(Answerer::Machine)
    }

    fn frame(&mut self, is_loud: bool) -> Option<Answerer> {
        let settings = self.settings;
        let ms = |d: Duration| d.as_millis() as u32;
        self.elapsed_ms += 10;
        if is_loud {
            self.silence_ms = 0;
            self.word_ms += 10;
            if self.word_ms == CLICK_MS + 10 {
                self.words += 1;
                self.greeting_ms += CLICK_MS;
            }
        } else {
            self.silence_ms += 10;
            if self.silence_ms >= WORD_GAP_MS {
                self.word_ms = 0;
            }
        }
        if self.words > 0 {
            let after_greeting = ms(settings.after_greeting);
            if self.silence_ms <= after_greeting {
                self.greeting_ms += 10;
            }
            // The pause after a sentence belongs to the greeting only if more follows.
            let spoken = self.greeting_ms.saturating_sub(self.silence_ms.min(after_greeting));
            if spoken >= ms(settings.greeting) || self.words > settings.words {
                return Some(Answerer::Machine);
            }
            let patience = if spoken > ms(settings.short_greeting) {
                ms(settings.before_beep).max(after_greeting)
            } else {
                after_greeting
            };
            if self.silence_ms >= patience {
                return Some(Answerer::Person);
            }
        } else if self.elapsed_ms >= ms(settings.initial_silence) {
            return Some(Answerer::Person);
        }
        (self.elapsed_ms >= ms(settings.total)).then_some(Answerer::Person)
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Syllables of 200 ms with short gaps, for each (sound, silence) in ms, over noise of some level.
    fn speech(parts: &[(u32, u32)], noise: i16) -> Vec<i16> {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut pcm = Vec::new();
        for &(sound, silence) in parts {
            for n in 0..sound * 8 {
                let envelope = if n % 1_600 < 1_440 { 1.0 } else { 0.05 };
                pcm.push((envelope * 4_000.0 * (n as f32 * 0.15).sin()) as i16);
            }
            pcm.resize(pcm.len() + silence as usize * 8, 0);
        }
        pcm.iter().map(|&s| s + random.random_range(-noise..=noise)).collect()
    }

    fn verdict(parts: &[(u32, u32)], noise: i16) -> Option<(Answerer, usize)> {
        let mut detector = Detector::new(Settings::default());
        let pcm = speech(parts, noise);
        pcm.chunks(160)
            .enumerate()
            .find_map(|(n, frame)| Some((detector.push(frame)?, n * 20 + 20)))
    }

    #[test]
    fn a_word_and_silence_is_a_person_a_long_greeting_a_machine() {
        for noise in [0, 20, 150] {
            for (name, parts, expected) in [
                ("allô", &[(0, 600), (400, 3_000)][..], Answerer::Person),
                ("mairie, bonjour", &[(0, 300), (1_400, 3_000)], Answerer::Person),
                ("two greetings", &[(0, 300), (500, 300), (600, 3_000)], Answerer::Person),
                ("nothing", &[(0, 7_000)], Answerer::Person),
                (
                    "a machine",
                    &[(0, 500), (1_500, 300), (2_000, 300), (3_000, 500)],
                    Answerer::Machine,
                ),
                ("a machine without pauses", &[(0, 200), (6_000, 500)], Answerer::Machine),
            ] {
                let (found, ms) = verdict(parts, noise).unwrap();
                assert_eq!(found, expected, "{name}, noise {noise}, after {ms} ms");
                assert!(ms <= 6_000, "{name}");
            }
        }
    }

    #[test]
    fn a_short_greeting_with_a_late_beep_is_a_machine() {
        let greeting = speech(&[(0, 300), (2_500, 1_200)], 20);
        let mut detector = Detector::new(Settings::default());
        assert_eq!(greeting.chunks(160).find_map(|frame| detector.push(frame)), None);
        assert_eq!(detector.beep(), Some(Answerer::Machine));
        // Without a beep it is somebody who said much, and waits.
        let (found, ms) = verdict(&[(0, 300), (2_500, 3_000)], 20).unwrap();
        assert_eq!(found, Answerer::Person);
        assert!(ms <= 300 + 2_500 + 1_600, "{ms}");
    }

    #[test]
    fn a_person_is_known_soon() {
        let (_, ms) = verdict(&[(0, 300), (400, 3_000)], 0).unwrap();
        assert!(ms <= 300 + 400 + 800, "{ms}");
    }

    #[test]
    fn clicks_are_no_words() {
        assert_eq!(
            verdict(&[(0, 300), (30, 800), (30, 5_000)], 0).unwrap(),
            (Answerer::Person, 2_500)
        );
    }

    #[test]
    fn one_verdict_only() {
        let mut detector = Detector::new(Settings::default());
        assert_eq!(detector.beep(), Some(Answerer::Machine));
        assert_eq!(detector.beep(), None);
        assert_eq!(detector.push(&[0; 80_000]), None);
    }
}
