//! Single tones of the network and of machines: an answering machine's beep, progress tones before the answer, fax.

use crate::dtmf::spectrum_tone as measure;

const FRAME: usize = 160;
const FRAME_MS: u32 = 20;

/// What one frame of 20 ms sounds like.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sound {
    Silence,
    /// A steady tone of so many Hz.
    Tone(f32),
    Other,
}

/// Cuts a stream into frames of 20 ms and names each.
#[derive(Debug, Clone)]
struct Frames {
    partial: [i16; FRAME],
    filled: usize,
}

impl Frames {
    fn new() -> Frames {
        Frames {
            partial: [0; FRAME],
            filled: 0,
        }
    }

    fn push(&mut self, mut samples: &[i16], mut each: impl FnMut(Sound)) {
        while !samples.is_empty() {
            let taken = samples.len().min(FRAME - self.filled);
            self.partial[self.filled..self.filled + taken].copy_from_slice(&samples[..taken]);
            self.filled += taken;
            samples = &samples[taken..];
            if self.filled == FRAME {
                self.filled = 0;
                each(name(&self.partial));
            }
        }
    }
}

/// Mean square below which is silence: about −48 dBm0.
const SILENCE: f32 = 4_000.0;

fn name(frame: &[i16; FRAME]) -> Sound {
    let samples = frame.map(f32::from);
    let power = samples.iter().map(|s| s * s).sum::<f32>() / FRAME as f32;
    if power < SILENCE {
        return Sound::Silence;
    }
    // A sinusoid obeys x[n+1] + x[n−1] = 2·cos(ω)·x[n]: the best cosine is a first guess of its frequency …
    let (mut cross, mut square, mut all) = (0.0, 0.0, 0.0);
    for w in samples.windows(3) {
        let sum = w[0] + w[2];
        cross += w[1] * sum;
        square += w[1] * w[1];
        all += sum * sum;
    }
    let cos = cross / (2.0 * square.max(1.0));
    // … and what it leaves over is small for a tone. Most speech ends here.
    let rest = all - cross * cross / square.max(1.0);
    if rest > 0.5 * square || cos.abs() >= 1.0 {
        return Sound::Other;
    }
    match measure(&samples, cos.acos()) {
        (hz, purity) if purity > 0.85 && (250.0..3_000.0).contains(&hz) => Sound::Tone(hz),
        _ => band(&samples, power),
    }
}

/// Two progress tones at once beat, and no single tone fits: then the share of their whole band tells. Its bins are 50 Hz
/// apart, which is what 20 ms resolve, and the middle of their power stands for both tones.
fn band(samples: &[f32; FRAME], power: f32) -> Sound {
    let (mut sum, mut moment) = (0.0, 0.0);
    for hz in (350..=650).step_by(50) {
        let found = crate::dtmf::flat_power(samples, hz as f32);
        sum += found;
        moment += found * hz as f32;
    }
    if sum > 0.8 * power {
        Sound::Tone(moment / sum)
    } else {
        Sound::Other
    }
}

/// Hears the beep after which an answering machine records.
///
/// A steady tone of 350 to 2,500 Hz for 120 ms to 3 s, that ends. Speech does not hold one frequency so long.
#[derive(Debug, Clone)]
pub struct Beep {
    frames: Frames,
    hz: f32,
    lasted_ms: u32,
    gap: u32,
}

impl Default for Beep {
    fn default() -> Self {
        Beep {
            frames: Frames::new(),
            hz: 0.0,
            lasted_ms: 0,
            gap: 0,
        }
    }
}

/// Shortest and longest beep.
const BEEP_MS: std::ops::RangeInclusive<u32> = 120..=3_000;

impl Beep {
    /// A detector that has heard nothing.
    pub fn new() -> Beep {
        Beep::default()
    }

    /// The next samples at 8 kHz. True once for each beep, when it has ended.
    pub fn push(&mut self, samples: &[i16]) -> bool {
        let mut has_ended = false;
        let mut frames = std::mem::replace(&mut self.frames, Frames::new());
        frames.push(samples, |sound| has_ended |= self.frame(sound));
        self.frames = frames;
        has_ended
    }

    fn frame(&mut self, sound: Sound) -> bool {
        match sound {
            Sound::Tone(hz) if (350.0..2_500.0).contains(&hz) => {
                self.gap = 0;
                if (hz / self.hz.max(1.0) - 1.0).abs() < 0.015 {
                    self.lasted_ms += FRAME_MS;
                } else {
                    self.lasted_ms = FRAME_MS;
                }
                self.hz = hz;
                false
            }
            _ => {
                self.gap += 1;
                if self.gap < 2 {
                    return false;
                }
                let is_beep = BEEP_MS.contains(&self.lasted_ms);
                self.lasted_ms = 0;
                self.hz = 0.0;
                is_beep
            }
        }
    }
}

/// What the network says in tones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Progress {
    /// The telephone rings.
    Ringing,
    /// The subscriber is busy.
    Busy,
    /// The network is: no line.
    Congestion,
    /// Three rising tones before an announcement: the number does not exist or is out of order (ITU-T E.180 §6).
    Information,
    /// A fax machine answered (2,100 Hz) or calls (1,100 Hz).
    Fax,
}

/// A cadence as countries use it.
struct Cadence {
    progress: Progress,
    /// Tones in Hz: the lowest and the highest that it may have.
    hz: (f32, f32),
    /// Sound and silence in ms.
    on: (u32, u32),
    off: (u32, u32),
    /// So many periods make it sure.
    periods: u32,
}

/// France: 440 Hz, ringing 1.5 s/3.5 s, busy 0.5/0.5, congestion 0.25/0.25. Most of Europe: 425 Hz, 1/4, 0.5/0.5,
/// 0.2 to 0.25. North America: 440 + 480 Hz 2/4, 480 + 620 Hz 0.5/0.5 and 0.25/0.25. United Kingdom: 400 + 450 Hz 0.4/0.2/0.4/2
/// (ITU-T E.180 supplement 2).
const CADENCES: [Cadence; 5] = [
    Cadence {
        progress: Progress::Ringing,
        hz: (380.0, 500.0),
        on: (700, 2_300),
        off: (2_300, 5_500),
        periods: 1,
    },
    Cadence {
        progress: Progress::Ringing,
        hz: (380.0, 500.0),
        on: (340, 460),
        off: (1_700, 2_300),
        periods: 1,
    },
    Cadence {
        progress: Progress::Busy,
        hz: (380.0, 640.0),
        on: (320, 620),
        off: (320, 620),
        periods: 2,
    },
    Cadence {
        progress: Progress::Congestion,
        hz: (380.0, 640.0),
        on: (160, 310),
        off: (160, 310),
        periods: 3,
    },
    Cadence {
        progress: Progress::Fax,
        hz: (1_080.0, 1_120.0),
        on: (420, 580),
        off: (2_300, 3_500),
        periods: 1,
    },
];

/// Hears progress tones in early media.
#[derive(Debug, Clone)]
pub struct Detector {
    frames: Frames,
    /// Current sound: its tone (0: silence), and for how long.
    hz: f32,
    lasted_ms: u32,
    gap_ms: u32,
    /// The tone before the silence that is going on.
    on: Option<(f32, u32)>,
    /// Periods that fitted each cadence.
    fits: [u32; CADENCES.len()],
    /// Ends of the rising tones heard.
    rising: u32,
    last: Option<Progress>,
}

impl Default for Detector {
    fn default() -> Self {
        Detector {
            frames: Frames::new(),
            hz: 0.0,
            lasted_ms: 0,
            gap_ms: 0,
            on: None,
            fits: [0; CADENCES.len()],
            rising: 0,
            last: None,
        }
    }
}

impl Detector {
    /// A detector that has heard nothing.
    pub fn new() -> Detector {
        Detector::default()
    }

    /// The next samples at 8 kHz. A tone is told when it is sure, and again only if another one comes.
    pub fn push(&mut self, samples: &[i16]) -> Option<Progress> {
        let mut found = None;
        let mut frames = std::mem::replace(&mut self.frames, Frames::new());
        frames.push(samples, |sound| found = self.frame(sound).or(found));
        self.frames = frames;
        let found = found.filter(|&f| self.last != Some(f))?;
        self.last = Some(found);
        Some(found)
    }

    fn frame(&mut self, sound: Sound) -> Option<Progress> {
        match sound {
            Sound::Tone(hz) => self.tone(hz),
            // The frames at the ends of a tone, and those where two tones cancel, are neither.
            Sound::Silence | Sound::Other => {
                self.gap_ms += FRAME_MS;
                if self.gap_ms == 2 * FRAME_MS && self.lasted_ms > 0 {
                    return self.end_tone();
                }
                if sound == Sound::Other && self.gap_ms > 10 * FRAME_MS {
                    // Speech or music: no cadence.
                    self.on = None;
                    self.fits = [0; CADENCES.len()];
                }
                // A long pause need not end to be known.
                self.fit(|_, off, range| off >= range.0 && range.0 > 1_000)
            }
        }
    }

    fn tone(&mut self, hz: f32) -> Option<Progress> {
        let is_same = self.lasted_ms > 0 && (hz / self.hz - 1.0).abs() < 0.12;
        if self.lasted_ms > 0 && !is_same {
            let ended = self.end_tone();
            self.begin_tone(hz);
            return ended;
        }
        if self.lasted_ms == 0 {
            let found = self.fit(|_, off, range| (range.0..=range.1).contains(&off));
            if found.is_none() && self.on.is_some() {
                self.count_misfits();
            }
            self.begin_tone(hz);
            return found;
        }
        self.lasted_ms += FRAME_MS + self.gap_ms;
        self.gap_ms = 0;
        self.hz = 0.8 * self.hz + 0.2 * hz;
        ((2_080.0..2_120.0).contains(&self.hz) && self.lasted_ms >= 1_500).then_some(Progress::Fax)
    }

    fn begin_tone(&mut self, hz: f32) {
        self.hz = hz;
        self.lasted_ms = FRAME_MS;
        self.gap_ms = 0;
        self.on = None;
    }

    fn end_tone(&mut self) -> Option<Progress> {
        let (hz, lasted) = (self.hz, self.lasted_ms);
        self.on = Some((hz, lasted));
        self.lasted_ms = 0;
        let steps = [950.0, 1_400.0, 1_800.0];
        let is_step = |step: u32| (hz / steps[step as usize] - 1.0).abs() < 0.05 && (200..=450).contains(&lasted);
        self.rising = match self.rising {
            step if step < 3 && is_step(step) => step + 1,
            _ if is_step(0) => 1,
            _ => 0,
        };
        (self.rising == 3).then_some(Progress::Information)
    }

    /// The cadence whose sound, and silence by `is_off`, have fitted often enough. Counts a fit of the period once, when the
    /// tone comes again or the silence is long enough.
    fn fit(&mut self, is_off: impl Fn(&Cadence, u32, (u32, u32)) -> bool) -> Option<Progress> {
        let (hz, on) = self.on?;
        let off = self.gap_ms;
        let mut found = None;
        for (cadence, fits) in CADENCES.iter().zip(&mut self.fits) {
            let is_on = (cadence.hz.0..=cadence.hz.1).contains(&hz) && (cadence.on.0..=cadence.on.1).contains(&on);
            if is_on && is_off(cadence, off, cadence.off) {
                *fits += 1;
                if *fits >= cadence.periods {
                    found = Some(cadence.progress);
                }
            }
        }
        if found.is_some() {
            self.on = None;
        }
        found
    }

    fn count_misfits(&mut self) {
        let Some((hz, on)) = self.on else { return };
        for (cadence, fits) in CADENCES.iter().zip(&mut self.fits) {
            let fits_now = (cadence.hz.0..=cadence.hz.1).contains(&hz)
                && (cadence.on.0..=cadence.on.1).contains(&on)
                && (cadence.off.0..=cadence.off.1).contains(&self.gap_ms);
            if !fits_now {
                *fits = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// `periods` times the (tones, sound ms, silence ms) of each part, with a little noise.
    fn tones(parts: &[(&[f32], u32, u32)], periods: usize) -> Vec<i16> {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let mut pcm: Vec<i16> = vec![0; 1_000];
        for _ in 0..periods {
            for &(hz, on, off) in parts {
                for n in 0..on * 8 {
                    let wave: f32 = hz
                        .iter()
                        .map(|hz| (std::f32::consts::TAU * hz * n as f32 / 8_000.0).sin())
                        .sum();
                    pcm.push((3_000.0 * wave) as i16);
                }
                pcm.resize(pcm.len() + off as usize * 8, 0);
            }
        }
        pcm.iter().map(|&s| s + random.random_range(-20..=20)).collect()
    }

    fn progress(pcm: &[i16]) -> Vec<Progress> {
        let mut detector = Detector::new();
        pcm.chunks(160).filter_map(|frame| detector.push(frame)).collect()
    }

    #[test]
    fn the_cadences_of_france_and_of_others() {
        for (name, parts, expected) in [
            (
                "France, ringing",
                &[(&[440.0][..], 1_500, 3_500)][..],
                Progress::Ringing,
            ),
            ("France, busy", &[(&[440.0], 500, 500)], Progress::Busy),
            ("France, congestion", &[(&[440.0], 250, 250)], Progress::Congestion),
            ("Europe, ringing", &[(&[425.0], 1_000, 4_000)], Progress::Ringing),
            ("Europe, busy", &[(&[425.0], 500, 500)], Progress::Busy),
            ("Germany, busy", &[(&[425.0], 480, 480)], Progress::Busy),
            ("Europe, congestion", &[(&[425.0], 200, 200)], Progress::Congestion),
            (
                "North America, ringing",
                &[(&[440.0, 480.0], 2_000, 4_000)],
                Progress::Ringing,
            ),
            ("North America, busy", &[(&[480.0, 620.0], 500, 500)], Progress::Busy),
            (
                "North America, reorder",
                &[(&[480.0, 620.0], 250, 250)],
                Progress::Congestion,
            ),
            (
                "United Kingdom, ringing",
                &[(&[400.0, 450.0], 400, 200), (&[400.0, 450.0], 400, 2_000)],
                Progress::Ringing,
            ),
            (
                "information",
                &[(&[950.0], 330, 0), (&[1_400.0], 330, 0), (&[1_800.0], 330, 1_000)],
                Progress::Information,
            ),
            ("fax answers", &[(&[2_100.0], 3_000, 1_000)], Progress::Fax),
            ("fax calls", &[(&[1_100.0], 500, 3_000)], Progress::Fax),
        ] {
            assert_eq!(progress(&tones(parts, 4)), [expected], "{name}");
        }
    }

    #[test]
    fn a_beep_is_told_when_it_ends() {
        for (hz, ms) in [(440.0, 300), (1_000.0, 200), (1_400.0, 1_000), (850.0, 500)] {
            let mut detector = Beep::new();
            let pcm = tones(&[(&[hz], ms, 500)], 1);
            let heard: Vec<usize> = pcm
                .chunks(160)
                .enumerate()
                .filter(|(_, frame)| detector.push(frame))
                .map(|(n, _)| n * 20 + 20)
                .collect();
            assert_eq!(heard.len(), 1, "{hz} Hz for {ms} ms");
            assert!(heard[0] <= 125 + ms as usize + 80, "{hz}: {heard:?}");
        }
    }

    #[test]
    fn noise_keys_and_short_tones_are_no_beep() {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let noise: Vec<i16> = (0..160_000).map(|_| random.random_range(-5_000..5_000)).collect();
        let keys = crate::dtmf::digit_tones("0123456789*#", Default::default(), 8_000);
        for pcm in [
            noise,
            keys,
            tones(&[(&[1_000.0], 60, 300)], 5),
            tones(&[(&[1_000.0], 5_000, 300)], 1),
        ] {
            let mut detector = Beep::new();
            assert!(!pcm.chunks(160).any(|frame| detector.push(frame)));
        }
    }
}
