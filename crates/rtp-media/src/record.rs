//! Records a caller: silence trimmed, bounded, ended by a key or by a long silence.

use std::time::Duration;

use crate::loudness;
use crate::voice::Activity;

/// How a recording ends and what it keeps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Longest recording.
    pub max: Duration,
    /// Ends by itself after so much silence; `None`: it does not.
    pub silence: Option<Duration>,
    /// Kept of the silence before the first word and after the last.
    pub margin: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            max: Duration::from_secs(180),
            silence: Some(Duration::from_secs(8)),
            margin: Duration::from_millis(200),
        }
    }
}

/// Why a recording ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is as long as allowed.
    Full,
    /// The caller fell silent.
    Silence,
}

/// One recording at 8 kHz in progress.
#[derive(Debug, Clone)]
pub struct Recorder {
    settings: Settings,
    activity: Activity,
    pcm: Vec<i16>,
    /// First and last sounding sample.
    sounding: Option<(usize, usize)>,
    end: Option<End>,
}

const RATE: f64 = 8_000.0;

fn samples(duration: Duration) -> usize {
    (duration.as_secs_f64() * RATE) as usize
}

impl Recorder {
    /// Starts to record.
    pub fn new(settings: Settings) -> Recorder {
        Recorder {
            settings,
            activity: Activity::new(-45.0),
            pcm: Vec::new(),
            sounding: None,
            end: None,
        }
    }

    /// The next samples. Tells once that the recording has ended by itself; what follows is not kept.
    pub fn push(&mut self, samples_in: &[i16]) -> Option<End> {
        if self.end.is_some() {
            return None;
        }
        let room = samples(self.settings.max).saturating_sub(self.pcm.len());
        let taken = &samples_in[..samples_in.len().min(room)];
        let (pcm, sounding) = (&mut self.pcm, &mut self.sounding);
        self.activity.push(taken, |is_loud, frame| {
            if is_loud {
                let start = sounding.map_or(pcm.len(), |(start, _)| start);
                *sounding = Some((start, pcm.len() + frame.len()));
            }
            pcm.extend_from_slice(frame);
        });
        let last = self.sounding.map_or(0, |(_, last)| last);
        if taken.len() == room {
            self.end = Some(End::Full);
        } else if self
            .settings
            .silence
            .is_some_and(|limit| self.pcm.len() - last >= samples(limit))
        {
            self.end = Some(End::Silence);
        }
        self.end
    }

    /// The recording without the silence around it. `tail` is cut off its end: the tones of the key that stopped it.
    /// Empty if nothing was said.
    pub fn finish(mut self, tail: Duration) -> Vec<i16> {
        let len = self.pcm.len().saturating_sub(samples(tail));
        let Some((start, last)) = self.sounding else {
            return Vec::new();
        };
        let margin = samples(self.settings.margin);
        let end = (last + margin).min(len);
        let start = start.saturating_sub(margin);
        if start >= end {
            return Vec::new();
        }
        self.pcm.truncate(end);
        self.pcm.drain(..start);
        self.pcm
    }
}

/// Full scale is 1.
fn to_float(pcm: &[i16]) -> Vec<f32> {
    pcm.iter().map(|&s| f32::from(s) / 32_768.0).collect()
}

/// A recording at the loudness of messages, to be kept or played back; as it is if there is nothing to hear in it. Takes some
/// milliseconds for each minute: not for a pacing thread.
pub fn level(pcm: &[i16], rate: u32) -> Vec<i16> {
    let samples = to_float(pcm);
    if loudness::loudness(&samples, rate).is_none() {
        return pcm.to_vec();
    }
    loudness::level(&samples, rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(ms: usize) -> Vec<i16> {
        (0..ms * 8).map(|n| (5_000.0 * (n as f32 * 0.2).sin()) as i16).collect()
    }

    #[test]
    fn silence_around_the_words_is_trimmed() {
        let mut recorder = Recorder::new(Settings::default());
        for part in [
            vec![0; 16_000],
            speech(1_000),
            vec![0; 4_000],
            speech(500),
            vec![0; 24_000],
        ] {
            for frame in part.chunks(160) {
                assert_eq!(recorder.push(frame), None);
            }
        }
        let pcm = recorder.finish(Duration::ZERO);
        let expected = (1_000 + 500 + 500 + 400) * 8;
        assert!(pcm.len().abs_diff(expected) < 400, "{} of {expected}", pcm.len());
    }

    #[test]
    fn a_recording_is_brought_to_the_level_of_messages() {
        let loudness = |pcm: &[i16]| loudness::loudness(&to_float(pcm), 8_000).unwrap();
        for gain in [20, 1, 5] {
            let quiet: Vec<i16> = speech(3_000).iter().map(|s| s / gain).collect();
            let levelled = level(&quiet, 8_000);
            assert!((loudness(&levelled) - loudness::TARGET_LUFS).abs() < 1.0, "{gain}");
        }
        assert_eq!(level(&[0; 8_000], 8_000), [0; 8_000]);
    }

    #[test]
    fn it_ends_when_full_or_silent_and_only_once() {
        let mut recorder = Recorder::new(Settings {
            max: Duration::from_secs(1),
            ..Settings::default()
        });
        let ends: Vec<End> = speech(3_000).chunks(160).filter_map(|f| recorder.push(f)).collect();
        assert_eq!(ends, [End::Full]);
        assert_eq!(recorder.finish(Duration::ZERO).len(), 8_000);
        let mut recorder = Recorder::new(Settings {
            silence: Some(Duration::from_secs(2)),
            ..Settings::default()
        });
        let mut pcm = speech(500);
        pcm.resize(80_000, 0);
        let ends: Vec<End> = pcm.chunks(160).filter_map(|f| recorder.push(f)).collect();
        assert_eq!(ends, [End::Silence]);
    }

    #[test]
    fn the_stop_key_is_not_heard() {
        let mut recorder = Recorder::new(Settings::default());
        recorder.push(&speech(1_000));
        recorder.push(&vec![0; 2_400]);
        recorder.push(&crate::dtmf::digit_tones("#", Default::default(), 8_000)[..800]);
        let pcm = recorder.finish(Duration::from_millis(120));
        assert!(pcm.len() <= 8 * 1_310, "{}", pcm.len());
        assert!(Recorder::new(Settings::default()).finish(Duration::ZERO).is_empty());
    }
}
