//! Makes the tones of keys.

use std::time::Duration;

use super::{COLUMNS, ROWS, position};

/// A level of 0 dBm0 is a sine 3.143 dB below full scale (ITU-T G.711, A-law).
const FULL_SCALE_DBM0: f32 = 3.143;

/// Peak amplitude, in 16-bit units, of a sine at `level` dBm0.
pub fn amplitude(level: f32) -> f32 {
    32_767.0 * 10f32.powf((level - FULL_SCALE_DBM0) / 20.0)
}

/// How a key's two tones sound.
#[derive(Debug, Clone, Copy)]
pub struct Tone {
    /// How long.
    pub on: Duration,
    /// Silence after.
    pub off: Duration,
    /// Level of the row's tone, in dBm0.
    pub low: f32,
    /// Level of the column's tone, in dBm0.
    pub high: f32,
    /// Deviation of both frequencies, as a share (0.015 is +1.5 %).
    pub offset: f32,
}

impl Default for Tone {
    /// 100 ms on and off at −10 and −8 dBm0, as a telephone sends it.
    fn default() -> Self {
        Tone {
            on: Duration::from_millis(100),
            off: Duration::from_millis(100),
            low: -10.0,
            high: -8.0,
            offset: 0.0,
        }
    }
}

/// The samples of `digits` at `rate` Hz; characters that are no key give a pause.
pub fn digit_tones(digits: &str, tone: Tone, rate: u32) -> Vec<i16> {
    let samples = |d: Duration| (d.as_secs_f64() * f64::from(rate)).round() as usize;
    let mut pcm = Vec::new();
    for digit in digits.chars() {
        let start = pcm.len();
        pcm.resize(start + samples(tone.on) + samples(tone.off), 0);
        let Some((row, column)) = position(digit) else { continue };
        let step = |hz: f32| std::f64::consts::TAU * f64::from(hz) * f64::from(1.0 + tone.offset) / f64::from(rate);
        let (low, high) = (step(ROWS[row]), step(COLUMNS[column]));
        for (n, sample) in pcm[start..start + samples(tone.on)].iter_mut().enumerate() {
            let value = f64::from(amplitude(tone.low)) * (low * n as f64).sin()
                + f64::from(amplitude(tone.high)) * (high * n as f64).sin();
            *sample = value.round().clamp(-32_768.0, 32_767.0) as i16;
        }
    }
    pcm
}
