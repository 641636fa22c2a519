//! The sums behind the in-band detector, laid out so that the compiler makes vector instructions of them.

use std::f32::consts::TAU;
use std::sync::LazyLock;

use super::{COLUMNS, ROWS};

/// Samples of a short window, and between the starts of two.
pub(super) const WINDOW: usize = 80;
pub(super) const HOP: usize = 40;

const FRAME: usize = 160;
const HALF: usize = FRAME / 2;
const LANES: usize = 8;

/// Radians per sample of a frequency in Hz.
pub(super) fn omega(hz: f32) -> f32 {
    TAU * hz / 8_000.0
}

/// Windowed cosines and sines of the eight frequencies, over one half of a frame: the other half is its mirror image.
struct Bank {
    cos: [[f32; 8]; HALF],
    sin: [[f32; 8]; HALF],
}

static BANK: LazyLock<Box<Bank>> = LazyLock::new(|| {
    let mut bank = Box::new(Bank {
        cos: [[0.0; 8]; HALF],
        sin: [[0.0; 8]; HALF],
    });
    for m in 0..HALF {
        let t = m as f32 + 0.5;
        // Hann, scaled so that a tone's sum is the root of its mean square.
        let weight = hann(t, FRAME) * 2f32.sqrt() / HALF as f32;
        for (k, hz) in ROWS.into_iter().chain(COLUMNS).enumerate() {
            bank.cos[m][k] = weight * (omega(hz) * t).cos();
            bank.sin[m][k] = weight * (omega(hz) * t).sin();
        }
    }
    bank
});

/// Hann's window of `len` samples at `t` from its middle.
fn hann(t: f32, len: usize) -> f32 {
    0.5 + 0.5 * (TAU * t / len as f32).cos()
}

/// Sum of squares.
#[inline]
pub(super) fn energy(samples: &[f32; FRAME]) -> f32 {
    let mut sums = [0.0; LANES];
    for chunk in samples.chunks_exact(LANES) {
        for (sum, s) in sums.iter_mut().zip(chunk) {
            *sum += s * s;
        }
    }
    sums.iter().sum()
}

/// Mean square of the tone at each of the eight nominal frequencies: four rows, four columns.
///
/// Samples at equal distance before and after the middle are folded first, which halves the multiplications: their sum
/// meets the cosines, their difference the sines.
#[inline]
pub(super) fn bank(samples: &[f32; FRAME]) -> [f32; 8] {
    let bank: &Bank = &BANK;
    let mut even = [0.0f32; HALF];
    let mut odd = [0.0f32; HALF];
    for m in 0..HALF {
        let (after, before) = (samples[HALF + m], samples[HALF - 1 - m]);
        even[m] = after + before;
        odd[m] = after - before;
    }
    // Two sets of sums, so that an addition need not wait for the one before.
    let mut re = [[0.0f32; 8]; 2];
    let mut im = [[0.0f32; 8]; 2];
    for m in (0..HALF).step_by(2) {
        for half in 0..2 {
            for k in 0..8 {
                re[half][k] += even[m + half] * bank.cos[m + half][k];
                im[half][k] += odd[m + half] * bank.sin[m + half][k];
            }
        }
    }
    std::array::from_fn(|k| (re[0][k] + re[1][k]).powi(2) + (im[0][k] + im[1][k]).powi(2))
}

/// A piece of sound under a Hann window, to measure single tones in.
pub(super) struct Piece {
    weighted: Vec<f32>,
    power: f32,
    /// Sum of the weights, and of the weights times the squared distance from the middle.
    weight: f32,
    spread: f32,
}

impl Piece {
    /// The samples, without the last ones that do not fill a vector.
    pub(super) fn new(samples: &[f32]) -> Piece {
        let samples = &samples[..samples.len() / LANES * LANES];
        let mut piece = Piece {
            weighted: Vec::with_capacity(samples.len()),
            power: 0.0,
            weight: 0.0,
            spread: 0.0,
        };
        let middle = (samples.len() as f32 - 1.0) / 2.0;
        // The window by rotation: a cosine per sample would cost more than all the rest.
        let (mut sin, mut cos) = (TAU * -middle / samples.len() as f32).sin_cos();
        let (step_sin, step_cos) = (TAU / samples.len() as f32).sin_cos();
        for (n, &s) in samples.iter().enumerate() {
            let weight = 0.5 + 0.5 * cos;
            let t = n as f32 - middle;
            piece.weighted.push(weight * s);
            piece.power += weight * s * s;
            piece.weight += weight;
            piece.spread += weight * t * t;
            (sin, cos) = (sin * step_cos + cos * step_sin, cos * step_cos - sin * step_sin);
        }
        piece
    }

    /// Weighted mean square of everything.
    pub(super) fn power(&self) -> f32 {
        self.power / self.weight
    }

    /// How far the tone near `omega` is from it, in radians per sample, and the mean square of the tone at `omega`.
    ///
    /// With C the correlation with the carrier and D the same with each term weighted by its time, a tone that is off
    /// by δ has D ≈ jδ·C·(spread/weight).
    pub(super) fn measure(&self, omega: f32) -> (f32, f32) {
        let [c_re, c_im, d_re, d_im] = correlate(&self.weighted, omega);
        let square = c_re * c_re + c_im * c_im;
        let shift = (d_im * c_re - d_re * c_im) / square.max(f32::MIN_POSITIVE) * self.weight / self.spread;
        // The main lobe of the window: beyond it the guess is no measure.
        let limit = TAU / self.weighted.len() as f32;
        (shift.clamp(-limit, limit), 2.0 * square / (self.weight * self.weight))
    }
}

/// The mean square of the tone at `omega` in a short window.
pub(super) fn window_power(samples: &[f32], omega: f32) -> f32 {
    static HANN: LazyLock<[f32; WINDOW]> = LazyLock::new(|| std::array::from_fn(|n| hann(n as f32 - 39.5, WINDOW)));
    let mut weighted = [0.0; WINDOW];
    for ((to, s), weight) in weighted.iter_mut().zip(samples).zip(HANN.iter()) {
        *to = s * weight;
    }
    let [re, im, ..] = correlate(&weighted, omega);
    2.0 * (re * re + im * im) / (WINDOW * WINDOW / 4) as f32
}

/// The mean square of the tone at `omega` without a window.
pub(super) fn flat_power(samples: &[f32], omega: f32) -> f32 {
    let [re, im, ..] = correlate(samples, omega);
    2.0 * (re * re + im * im) / (samples.len() * samples.len()).max(1) as f32
}

/// Σ s·e^(−jωt) and Σ s·t·e^(−jωt), with t counted from the middle.
fn correlate(samples: &[f32], omega: f32) -> [f32; 4] {
    let middle = (samples.len() as f32 - 1.0) / 2.0;
    let mut cos: [f32; LANES] = std::array::from_fn(|i| (omega * (i as f32 - middle)).cos());
    let mut sin: [f32; LANES] = std::array::from_fn(|i| (omega * (i as f32 - middle)).sin());
    let mut time: [f32; LANES] = std::array::from_fn(|i| i as f32 - middle);
    let (step_sin, step_cos) = (omega * LANES as f32).sin_cos();
    let mut sums = [[0.0f32; LANES]; 4];
    for chunk in samples.as_chunks::<LANES>().0 {
        for i in 0..LANES {
            let (re, im) = (chunk[i] * cos[i], -chunk[i] * sin[i]);
            sums[0][i] += re;
            sums[1][i] += im;
            sums[2][i] += re * time[i];
            sums[3][i] += im * time[i];
            (cos[i], sin[i]) = (
                cos[i] * step_cos - sin[i] * step_sin,
                sin[i] * step_cos + cos[i] * step_sin,
            );
            time[i] += LANES as f32;
        }
    }
    sums.map(|lane| lane.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f32, amplitude: f32, len: usize) -> Vec<f32> {
        (0..len)
            .map(|n| amplitude * (omega(hz) * n as f32 + 0.7).sin())
            .collect()
    }

    #[test]
    fn a_tone_is_measured_from_a_guess_beside_it() {
        for len in [160, 240, 320, 400] {
            for off in [0.97, 0.985, 1.0, 1.02, 1.03] {
                let piece = Piece::new(&tone(1_000.0, 500.0, len));
                let mut guess = omega(1_000.0 * off);
                let mut power = 0.0;
                for _ in 0..3 {
                    let (shift, found) = piece.measure(guess);
                    guess += shift;
                    power = found;
                }
                assert!((guess / omega(1_000.0) - 1.0).abs() < 0.001, "{len} {off}: {guess}");
                assert!((power / 125_000.0 - 1.0).abs() < 0.05, "{len} {off}: {power}");
            }
        }
    }

    #[test]
    fn the_bank_reads_mean_squares() {
        let frame: [f32; 160] = tone(852.0, 1_000.0, 160).try_into().unwrap();
        let powers = bank(&frame);
        assert!((powers[2] / 500_000.0 - 1.0).abs() < 0.02, "{powers:?}");
        assert!(powers[5] < 100.0, "{powers:?}");
        assert!((energy(&frame) / 160.0 / 500_000.0 - 1.0).abs() < 0.03);
        assert!((window_power(&frame[..80], omega(852.0)) / 500_000.0 - 1.0).abs() < 0.02);
    }
}
