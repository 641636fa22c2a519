//! From one sampling rate to another.

use rubato::{FftFixedInOut, Resampler};

/// `pcm` at `to` Hz instead of `from` Hz, without what the new rate cannot hold (no aliases), as long as before and with
/// no delay.
pub fn resample(pcm: &[f32], from: u32, to: u32) -> Vec<f32> {
    if from == to || from == 0 || to == 0 || pcm.is_empty() {
        return pcm.to_vec();
    }
    let expected = (pcm.len() as u64 * u64::from(to)).div_ceil(u64::from(from)) as usize;
    let Ok(mut resampler) = FftFixedInOut::<f32>::new(from as usize, to as usize, 2_048, 1) else {
        return Vec::new();
    };
    let chunk = resampler.input_frames_next();
    let delay = resampler.output_delay();
    let mut input = vec![0.0; chunk];
    let mut output = resampler.output_buffer_allocate(true);
    let mut all = Vec::with_capacity(expected + delay + output[0].len());
    let mut rest = pcm;
    while all.len() < expected + delay {
        let taken = rest.len().min(chunk);
        input[..taken].copy_from_slice(&rest[..taken]);
        input[taken..].fill(0.0);
        rest = &rest[taken..];
        match resampler.process_into_buffer(&[&input], &mut output, Some(&[true])) {
            Ok((_, written)) if written > 0 => all.extend_from_slice(&output[0][..written]),
            _ => break,
        }
    }
    all.resize(expected + delay, 0.0);
    all.drain(..delay);
    all
}

/// The same for 16-bit samples.
pub fn resample_i16(pcm: &[i16], from: u32, to: u32) -> Vec<i16> {
    if from == to {
        return pcm.to_vec();
    }
    let float: Vec<f32> = pcm.iter().map(|&s| f32::from(s)).collect();
    to_i16(&resample(&float, from, to), 1.0)
}

/// Rounds to 16 bits after a gain; what does not fit saturates.
pub(crate) fn to_i16(pcm: &[f32], gain: f32) -> Vec<i16> {
    pcm.iter()
        .map(|&s| (s * gain).round().clamp(-32_768.0, 32_767.0) as i16)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Amplitude of the sinusoid at `hz` in `pcm`, away from its ends.
    fn amplitude(pcm: &[f32], hz: f64, rate: f64) -> f64 {
        let middle = &pcm[pcm.len() / 8..pcm.len() * 7 / 8];
        let (mut re, mut im, mut weight) = (0.0, 0.0, 0.0);
        for (n, &s) in middle.iter().enumerate() {
            let window = 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / middle.len() as f64).cos();
            let (sin, cos) = (std::f64::consts::TAU * hz * n as f64 / rate).sin_cos();
            re += window * f64::from(s) * cos;
            im += window * f64::from(s) * sin;
            weight += window;
        }
        2.0 * re.hypot(im) / weight
    }

    fn tone(hz: f64, rate: u32) -> Vec<f32> {
        (0..rate)
            .map(|n| (std::f64::consts::TAU * hz * f64::from(n) / f64::from(rate)).sin() as f32)
            .collect()
    }

    #[test]
    fn the_pass_band_is_flat_and_the_rest_is_gone() {
        for (from, to) in [
            (48_000, 8_000),
            (44_100, 8_000),
            (22_050, 8_000),
            (16_000, 8_000),
            (22_050, 48_000),
            (8_000, 48_000),
            (11_025, 16_000),
        ] {
            let half = f64::from(from.min(to)) / 2.0;
            for share in [0.05, 0.2, 0.5, 0.8, 0.9] {
                let hz = half * share;
                let level = 20.0 * amplitude(&resample(&tone(hz, from), from, to), hz, f64::from(to)).log10();
                assert!(level.abs() < 0.2, "{from} → {to}: {hz} Hz at {level:.2} dB");
            }
            if from > to {
                for share in [1.1, 1.3, 1.8] {
                    let hz = half * share;
                    if hz >= f64::from(from) / 2.0 {
                        continue;
                    }
                    let out = resample(&tone(hz, from), from, to);
                    let middle = &out[out.len() / 8..out.len() * 7 / 8];
                    let power = middle.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / middle.len() as f64;
                    let level = 10.0 * (2.0 * power).log10();
                    assert!(level < -80.0, "{from} → {to}: {hz} Hz leaves {level:.1} dB");
                }
            } else {
                // No image above the old band.
                let image = f64::from(from) - half * 0.8;
                let level =
                    20.0 * amplitude(&resample(&tone(half * 0.8, from), from, to), image, f64::from(to)).log10();
                assert!(level < -80.0, "{from} → {to}: image at {level:.1} dB");
            }
        }
    }

    #[test]
    fn length_and_moment_are_kept() {
        let mut pulse = vec![0i16; 22_050];
        pulse[11_025] = 20_000;
        let out = resample_i16(&pulse, 22_050, 8_000);
        assert_eq!(out.len(), 8_000);
        let peak = (0..out.len()).max_by_key(|&i| out[i]).unwrap();
        assert!(peak.abs_diff(4_000) <= 1, "{peak}");
        assert!(resample_i16(&[], 8_000, 16_000).is_empty());
        assert_eq!(resample_i16(&[5; 3], 8_000, 16_000).len(), 6);
    }
}
