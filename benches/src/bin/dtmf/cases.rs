//! The conditions of the sweep.

use std::time::Duration;

use anyhow::Result;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rtp_media::codec::{Decoder, Encoder};
use rtp_media::dtmf::{KEYS, Tone, amplitude, digit_tones};
use rtp_media::resample::resample_i16;
use rtp_media::{Codec, Ptime};

use crate::speech;

pub struct Group {
    pub name: &'static str,
    pub cases: Vec<Case>,
}

/// One condition: digits like this, disturbed like that.
#[derive(Clone)]
pub struct Case {
    pub name: String,
    pub wanted: Option<bool>,
    tone: Tone,
    /// Noise below the sum of both tones, in dB.
    snr: Option<f32>,
    /// Each digit is pressed so often.
    presses: usize,
    /// Silence punched into the middle of each press.
    dropout: Duration,
    /// A steady tone below.
    dial_tone: Option<(f32, f32)>,
    /// Speech below, as echo of our own prompt.
    echo: Option<f32>,
    codec: Codec,
    /// All levels, twists and offsets within the limits at once.
    is_random: bool,
    /// Each press begins at some phase of its two tones, instead of zero.
    any_phase: bool,
}

pub struct Trial {
    pub sent: String,
    pub pcm: Vec<i16>,
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn case(name: impl Into<String>, wanted: Option<bool>, tone: Tone) -> Case {
    Case {
        name: name.into(),
        wanted,
        tone,
        snr: None,
        presses: 1,
        dropout: Duration::ZERO,
        dial_tone: None,
        echo: None,
        codec: Codec::Pcma,
        is_random: false,
        any_phase: false,
    }
}

const USUAL: Tone = Tone {
    on: Duration::from_millis(50),
    off: Duration::from_millis(50),
    low: -10.0,
    high: -10.0,
    offset: 0.0,
};

pub fn all() -> Result<Vec<Group>> {
    let yes = Some(true);
    let no = Some(false);
    let heard_if = |condition: bool| condition.then_some(true);
    let level = [3.0f32, 0.0, -10.0, -20.0, -30.0, -36.0, -39.0, -42.0, -45.0].map(|l| {
        case(
            format!("{l} dBm"),
            heard_if((-36.0..=0.0).contains(&l)),
            Tone {
                low: l,
                high: l,
                ..USUAL
            },
        )
    });
    let twist = [-12.0f32, -10.0, -8.0, -6.0, -4.0, 0.0, 4.0, 6.0, 8.0, 10.0, 12.0].map(|t| {
        case(
            format!("{t:+} dB"),
            heard_if(t.abs() <= 8.0),
            Tone {
                high: -12.0 + t,
                low: -12.0,
                ..USUAL
            },
        )
    });
    let offset = [
        -5.0f32, -4.0, -3.5, -3.0, -2.5, -2.0, -1.5, -1.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0,
    ]
    .map(|o| {
        let wanted = if o.abs() <= 1.5 {
            yes
        } else if o.abs() >= 3.5 {
            no
        } else {
            None
        };
        case(
            format!("{o:+} %"),
            wanted,
            Tone {
                offset: o / 100.0,
                ..USUAL
            },
        )
    });
    let duration = [15u64, 20, 23, 26, 30, 35, 40, 50, 100, 1_000].map(|d| {
        let wanted = if d >= 40 {
            yes
        } else if d <= 23 {
            no
        } else {
            None
        };
        case(format!("{d} ms"), wanted, Tone { on: ms(d), ..USUAL })
    });
    let pause = [20u64, 25, 30, 40, 60].map(|p| Case {
        presses: 2,
        ..case(
            format!("same key twice, {p} ms between"),
            heard_if(p >= 40),
            Tone { off: ms(p), ..USUAL },
        )
    });
    let any_phase = [20u64, 25].map(|p| Case {
        presses: 2,
        any_phase: true,
        ..case(
            format!("same key twice, {p} ms between, at any phase"),
            None,
            Tone { off: ms(p), ..USUAL },
        )
    });
    let dropout = [5u64, 10, 15, 20].map(|d| Case {
        dropout: ms(d),
        ..case(
            format!("dropout of {d} ms within a press"),
            heard_if(d <= 10),
            Tone { on: ms(100), ..USUAL },
        )
    });
    let noise = [20.0f32, 15.0, 10.0, 8.0, 6.0, 5.0, 4.0, 3.0].map(|s| Case {
        snr: Some(s),
        ..case(format!("{s} dB"), heard_if(s >= 6.0), USUAL)
    });
    let short_noise = [10.0f32, 6.0].map(|s| Case {
        snr: Some(s),
        ..case(format!("{s} dB, 40 ms"), yes, Tone { on: ms(40), ..USUAL })
    });
    let random = [None, Some(15.0f32), Some(10.0), Some(6.0)].map(|snr| Case {
        snr,
        is_random: true,
        ..case(
            snr.map_or("no noise".to_owned(), |s| format!("{s} dB")),
            heard_if(snr.is_none_or(|s| s >= 10.0)),
            Tone { on: ms(40), ..USUAL },
        )
    });
    let codecs = [Codec::Pcma, Codec::Pcmu, Codec::G722, Codec::Opus].map(|codec| Case {
        codec,
        ..case(
            format!("{codec:?}"),
            yes,
            Tone {
                on: ms(60),
                off: ms(60),
                ..USUAL
            },
        )
    });
    let dial = [-15.0f32, -10.0, -6.0, -3.0, 0.0].map(|l| Case {
        dial_tone: Some((440.0, l)),
        ..case(format!("dial tone at {l} dB"), heard_if(l <= -10.0), USUAL)
    });
    let echo = [-30.0f32, -20.0, -15.0, -10.0].map(|l| Case {
        echo: Some(l),
        ..case(format!("prompt's echo at {l} dB"), heard_if(l <= -20.0), USUAL)
    });
    Ok(vec![
        Group {
            name: "level per tone",
            cases: level.into(),
        },
        Group {
            name: "twist (column over row)",
            cases: twist.into(),
        },
        Group {
            name: "frequency offset",
            cases: offset.into(),
        },
        Group {
            name: "duration",
            cases: duration.into(),
        },
        Group {
            name: "pause and dropout",
            cases: pause.into_iter().chain(any_phase).chain(dropout).collect(),
        },
        Group {
            name: "white noise, 50 ms",
            cases: noise.into_iter().chain(short_noise).collect(),
        },
        Group {
            name: "all at once: ±1.5 %, ±8 dB, 0 to −28 dBm, 40 ms",
            cases: random.into(),
        },
        Group {
            name: "codec, 60 ms",
            cases: codecs.into(),
        },
        Group {
            name: "other sound",
            cases: dial.into_iter().chain(echo).collect(),
        },
    ])
}

impl Case {
    pub fn trials(&self, count: usize, seed: u64) -> Result<Vec<Trial>> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let prompt = if self.echo.is_some() {
            speech::prompt()?
        } else {
            Vec::new()
        };
        (0..count)
            .map(|n| self.trial(KEYS[n % 16], &prompt, &mut random))
            .collect()
    }

    fn trial(&self, key: char, prompt: &[i16], random: &mut ChaCha8Rng) -> Result<Trial> {
        let mut tone = self.tone;
        if self.is_random {
            let twist = random.random_range(-8.0..8.0f32);
            let top = random.random_range(-20.0..0.0f32);
            (tone.low, tone.high) = (top + twist.min(0.0), top - twist.max(0.0));
            tone.offset = random.random_range(-0.015..0.015);
        }
        let digits: String = std::iter::repeat_n(key, self.presses).collect();
        // Noise is not to clip: the sweep is about the detector.
        let rate = self.codec.sample_rate();
        let mut pressed = digit_tones(&digits, tone, rate);
        let (on, hole) = (samples(tone.on, rate), samples(self.dropout, rate));
        for press in pressed.chunks_mut(samples(tone.on + tone.off, rate)) {
            if self.any_phase {
                let skipped = random.random_range(0..samples(ms(20), rate));
                let on_longer = tone.on + ms(20);
                let longer = digit_tones(&key.to_string(), Tone { on: on_longer, ..tone }, rate);
                press[..on].copy_from_slice(&longer[skipped..skipped + on]);
            }
            let start = random.random_range(on / 4..on * 3 / 4 - hole.min(on / 4));
            press[start..start + hole].fill(0);
        }
        let lead = random.random_range(samples(ms(150), rate)..samples(ms(250), rate));
        let mut pcm = vec![0i16; lead];
        pcm.extend_from_slice(&pressed);
        pcm.resize(pcm.len() + samples(ms(150), rate), 0);
        self.disturb(&mut pcm, tone, rate, prompt, random);
        Ok(Trial {
            sent: digits,
            pcm: through(self.codec, &pcm)?,
        })
    }

    fn disturb(&self, pcm: &mut [i16], tone: Tone, rate: u32, prompt: &[i16], random: &mut ChaCha8Rng) {
        let power = (amplitude(tone.low).powi(2) + amplitude(tone.high).powi(2)) / 2.0;
        let root = |below: f32| (power * 10f32.powf(below / 10.0)).sqrt();
        if let Some(snr) = self.snr {
            // Gaussian, all of it below 4 kHz.
            let deviation = root(-snr);
            for s in pcm.iter_mut() {
                let sum: f32 = (0..12).map(|_| random.random::<f32>()).sum();
                *s = (f32::from(*s) + (sum - 6.0) * deviation).clamp(-32_768.0, 32_767.0) as i16;
            }
        }
        if let Some((hz, level)) = self.dial_tone {
            let peak = root(level) * 2f32.sqrt();
            for (n, s) in pcm.iter_mut().enumerate() {
                let wave = (std::f32::consts::TAU * hz * n as f32 / rate as f32).sin();
                *s = (f32::from(*s) + peak * wave).clamp(-32_768.0, 32_767.0) as i16;
            }
        }
        if let Some(level) = self.echo {
            let start = random.random_range(0..prompt.len() - pcm.len());
            let piece = &prompt[start..start + pcm.len()];
            let mean = prompt.iter().map(|&s| f32::from(s).powi(2)).sum::<f32>() / prompt.len() as f32;
            let gain = root(level) / mean.sqrt();
            for (s, &p) in pcm.iter_mut().zip(piece) {
                *s = (f32::from(*s) + gain * f32::from(p)).clamp(-32_768.0, 32_767.0) as i16;
            }
        }
    }
}

fn samples(duration: Duration, rate: u32) -> usize {
    (duration.as_secs_f64() * f64::from(rate)).round() as usize
}

/// Encoded in packets of 20 ms and decoded for detection.
fn through(codec: Codec, pcm: &[i16]) -> Result<Vec<i16>> {
    let mut encoder = Encoder::new(codec, Ptime::MS_20)?;
    let mut decoder = Decoder::new(codec)?;
    let (mut payload, mut out) = (Vec::new(), Vec::new());
    for frame in pcm.chunks(encoder.frame_samples()) {
        payload.clear();
        encoder.encode(frame, &mut payload)?;
        decoder.decode(&payload, &mut out);
    }
    Ok(out)
}

/// What the cost is measured on: two minutes each.
pub fn loads(speech: Vec<i16>) -> Vec<(&'static str, Vec<i16>)> {
    const LEN: usize = 8_000 * 120;
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let hum = (0..LEN).map(|_| random.random_range(-20..=20)).collect();
    let noise = (0..LEN).map(|_| random.random_range(-4_000..=4_000)).collect();
    let keys: Vec<i16> = digit_tones(&"0123456789*#".repeat(100), Tone::default(), 8_000)
        .into_iter()
        .take(LEN)
        .collect();
    let mut loads = vec![("quiet line", hum), ("noise", noise), ("keys half of the time", keys)];
    if !speech.is_empty() {
        loads.push(("speech", speech));
    }
    loads
}

/// For [`speech`]: 8 kHz through A-law, as a call brings it.
pub fn telephone(pcm: &[i16], rate: u32) -> Result<Vec<i16>> {
    through(Codec::Pcma, &resample_i16(pcm, rate, 8_000))
}
