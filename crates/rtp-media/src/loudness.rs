//! Loudness by ITU-R BS.1770-4 with its gates, and levelling without clipping.

use crate::resample::to_i16;

/// Loudness that messages are brought to, in LUFS. Loud enough to be clear in a call, with room for peaks.
pub const TARGET_LUFS: f32 = -19.0;

/// Highest peak after levelling, as a share of full scale: −1 dB.
const CEILING: f32 = 0.891;

/// Most that is amplified: what is quieter is noise rather than speech.
const MAX_GAIN: f32 = 31.6; // 30 dB

/// A second-order filter section.
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    fn run(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.state[0];
        self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1];
        self.state[1] = self.b[2] * x - self.a[1] * y;
        y
    }

    /// The shelf of the K weighting for any rate: the head's effect on sound.
    fn shelf(rate: f64) -> Biquad {
        let (f0, gain, q): (f64, f64, f64) = (1_681.974_450_955_533, 3.999_843_853_973_347, 0.707_175_236_955_419_6);
        let k = (std::f64::consts::PI * f0 / rate).tan();
        let high = 10f64.powf(gain / 20.0);
        let band = high.powf(0.499_666_774_154_541_6);
        let a0 = 1.0 + k / q + k * k;
        Biquad {
            b: [
                (high + band * k / q + k * k) / a0,
                2.0 * (k * k - high) / a0,
                (high - band * k / q + k * k) / a0,
            ],
            a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
            state: [0.0; 2],
        }
    }

    /// Its high-pass: the ear's deafness to rumble.
    fn high_pass(rate: f64) -> Biquad {
        let (f0, q) = (38.135_470_876_024_44, 0.500_327_037_323_877_3);
        let k = (std::f64::consts::PI * f0 / rate).tan();
        let a0 = 1.0 + k / q + k * k;
        Biquad {
            b: [1.0, -2.0, 1.0],
            a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
            state: [0.0; 2],
        }
    }
}

/// Integrated loudness of mono samples (full scale ±1) in LUFS; `None` if there is nothing above the absolute gate.
pub fn loudness(pcm: &[f32], rate: u32) -> Option<f32> {
    let mut shelf = Biquad::shelf(f64::from(rate));
    let mut high_pass = Biquad::high_pass(f64::from(rate));
    // Energies of 100 ms steps; a block of 400 ms is four of them.
    let step = (rate / 10).max(1) as usize;
    let mut steps: Vec<(f64, usize)> = Vec::with_capacity(pcm.len() / step + 1);
    for chunk in pcm.chunks(step) {
        let energy = chunk
            .iter()
            .map(|&s| high_pass.run(shelf.run(f64::from(s))).powi(2))
            .sum();
        steps.push((energy, chunk.len()));
    }
    let size = steps.len().min(4);
    let blocks: Vec<f64> = steps
        .windows(size.max(1))
        .map(|w| w.iter().map(|s| s.0).sum::<f64>() / w.iter().map(|s| s.1).sum::<usize>().max(1) as f64)
        .collect();
    let lufs = |power: f64| -0.691 + 10.0 * power.log10();
    let mean = |gate: f64| {
        let loud: Vec<f64> = blocks.iter().copied().filter(|&p| p > 0.0 && lufs(p) > gate).collect();
        (!loud.is_empty()).then(|| loud.iter().sum::<f64>() / loud.len() as f64)
    };
    let ungated = mean(-70.0)?;
    mean((lufs(ungated) - 10.0).max(-70.0)).map(|power| lufs(power) as f32)
}

/// Brings mono samples (full scale ±1) to [`TARGET_LUFS`]. Peaks are rounded off by a limiter that looks ahead, so nothing
/// clips. Silence stays silent.
pub fn level(pcm: &[f32], rate: u32) -> Vec<i16> {
    let Some(lufs) = loudness(pcm, rate) else {
        return to_i16(pcm, 32_767.0);
    };
    let gain = 10f32.powf((TARGET_LUFS - lufs) / 20.0).min(MAX_GAIN);
    let mut levelled: Vec<f32> = pcm.iter().map(|s| s * gain).collect();
    limit(&mut levelled, rate);
    to_i16(&levelled, 32_767.0)
}

/// Holds every sample below the ceiling by a gain that moves smoothly over ±5 ms.
fn limit(pcm: &mut [f32], rate: u32) {
    let reach = (rate / 200).max(1) as usize;
    let peaks: Vec<usize> = (0..pcm.len()).filter(|&i| pcm[i].abs() > CEILING).collect();
    if peaks.is_empty() {
        return;
    }
    // The least gain that any peak within reach needs …
    let mut needed = vec![1.0f32; pcm.len()];
    for peak in peaks {
        let gain = CEILING / pcm[peak].abs();
        let (start, end) = (peak.saturating_sub(reach), (peak + reach + 1).min(pcm.len()));
        needed[start..end].iter_mut().for_each(|g| *g = g.min(gain));
    }
    // … averaged over the same reach, which can only be lower at the peak itself than what the peak needs.
    let width = 2 * reach + 1;
    let at = |i: isize| f64::from(needed[i.clamp(0, needed.len() as isize - 1) as usize]);
    let mut sum: f64 = (-(reach as isize)..=reach as isize).map(at).sum();
    for (i, sample) in pcm.iter_mut().enumerate() {
        *sample *= (sum / width as f64) as f32;
        let i = i as isize;
        sum += at(i + reach as isize + 1) - at(i - reach as isize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(amplitude: f32, hz: f32, rate: u32, seconds: f32) -> Vec<f32> {
        (0..(rate as f32 * seconds) as usize)
            .map(|n| amplitude * (std::f32::consts::TAU * hz * n as f32 / rate as f32).sin())
            .collect()
    }

    #[test]
    fn the_reference_tone_of_the_recommendation() {
        // A 997 Hz sine at full scale in one front channel reads −3.01 LUFS.
        let measured = loudness(&sine(1.0, 997.0, 48_000, 5.0), 48_000).unwrap();
        assert!((measured + 3.01).abs() < 0.05, "{measured}");
        for rate in [8_000, 16_000, 22_050] {
            let measured = loudness(&sine(0.1, 997.0, rate, 5.0), rate).unwrap();
            assert!((measured + 23.01).abs() < 0.15, "{rate}: {measured}");
        }
    }

    #[test]
    fn pauses_do_not_count() {
        let mut pcm = sine(0.1, 997.0, 16_000, 3.0);
        pcm.resize(16_000 * 12, 0.0);
        let measured = loudness(&pcm, 16_000).unwrap();
        assert!((measured + 23.2).abs() < 0.5, "{measured}");
        assert_eq!(loudness(&[0.0; 16_000], 16_000), None);
        assert_eq!(loudness(&[], 16_000), None);
    }

    #[test]
    fn levelling_reaches_the_target_and_never_clips() {
        for amplitude in [0.01, 0.1, 1.0, 3.0] {
            let mut pcm = sine(amplitude, 500.0, 8_000, 3.0);
            // Plosives far above the rest.
            for n in (4_000..20_000).step_by(4_000) {
                pcm[n] = amplitude * 12.0;
            }
            let out = level(&pcm, 8_000);
            let float: Vec<f32> = out.iter().map(|&s| f32::from(s) / 32_768.0).collect();
            let measured = loudness(&float, 8_000).unwrap();
            assert!((measured - TARGET_LUFS).abs() < 1.0, "{amplitude}: {measured}");
            assert!(out.iter().all(|s| s.unsigned_abs() < 29_300), "{amplitude}");
        }
        assert_eq!(level(&[0.0; 100], 8_000), [0; 100]);
    }
}
