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
///
/// Whole numbers, since x86 multiplies and adds eight pairs of 16 bits in one instruction. With a peak of 1,024 the sum
/// of a full-scale frame stays within 32 bits.
struct Bank {
    cos: [[i16; HALF]; 8],
    sin: [[i16; HALF]; 8],
}

const BANK_PEAK: f32 = 1_024.0;

static BANK: LazyLock<Box<Bank>> = LazyLock::new(|| {
    let mut bank = Box::new(Bank {
        cos: [[0; HALF]; 8],
        sin: [[0; HALF]; 8],
    });
    for (k, hz) in ROWS.into_iter().chain(COLUMNS).enumerate() {
        for m in 0..HALF {
            let t = m as f32 + 0.5;
            let weight = hann(t, FRAME) * BANK_PEAK;
            bank.cos[k][m] = (weight * (omega(hz) * t).cos()).round() as i16;
            bank.sin[k][m] = (weight * (omega(hz) * t).sin()).round() as i16;
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
pub(super) fn energy(samples: &[i16; FRAME]) -> f32 {
    let mut sums = [0.0; LANES];
    for chunk in samples.as_chunks::<LANES>().0 {
        for (sum, &s) in sums.iter_mut().zip(chunk) {
            let s = f32::from(s);
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
pub(super) fn bank(samples: &[i16; FRAME]) -> [f32; 8] {
    let bank: &Bank = &BANK;
    let mut even = [0i16; HALF];
    let mut odd = [0i16; HALF];
    for m in 0..HALF {
        // Halved, so that the sum fits: what is lost is below the noise of G.711.
        let (after, before) = (samples[HALF + m] >> 1, samples[HALF - 1 - m] >> 1);
        even[m] = after + before;
        odd[m] = after.saturating_sub(before);
    }
    // A tone of amplitude A sums up to A/2 · Σ weights, of which the halving took half: scaled to its mean square.
    const SCALE: f32 = 8.0 / (BANK_PEAK * BANK_PEAK * HALF as f32 * HALF as f32);
    std::array::from_fn(|k| {
        let (re, im) = (dot(&even, &bank.cos[k]) as f32, dot(&odd, &bank.sin[k]) as f32);
        (re * re + im * im) * SCALE
    })
}

#[inline]
fn dot(a: &[i16; HALF], b: &[i16; HALF]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
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
        let (mut cos, mut sin) = phases(TAU / samples.len() as f32, middle);
        let (step_sin, step_cos) = (TAU * LANES as f32 / samples.len() as f32).sin_cos();
        let mut sums = [[0.0f32; LANES]; 3];
        let mut time: [f32; LANES] = std::array::from_fn(|i| i as f32 - middle);
        for chunk in samples.as_chunks::<LANES>().0 {
            let mut weighted = [0.0; LANES];
            for i in 0..LANES {
                let weight = 0.5 + 0.5 * cos[i];
                weighted[i] = weight * chunk[i];
                sums[0][i] += weighted[i] * chunk[i];
                sums[1][i] += weight;
                sums[2][i] += weight * time[i] * time[i];
                (cos[i], sin[i]) = (
                    cos[i] * step_cos - sin[i] * step_sin,
                    sin[i] * step_cos + cos[i] * step_sin,
                );
                time[i] += LANES as f32;
            }
            piece.weighted.extend_from_slice(&weighted);
        }
        [piece.power, piece.weight, piece.spread] = sums.map(|lane| lane.iter().sum());
        piece
    }

    /// Weighted mean square of everything.
    pub(super) fn power(&self) -> f32 {
        self.power / self.weight
    }

    /// The mean square of the tone at `omega` alone, for half the price of [`Piece::measure`].
    pub(super) fn tone_power(&self, omega: f32) -> f32 {
        let [re, im] = correlate_plain(&self.weighted, omega);
        2.0 * (re * re + im * im) / (self.weight * self.weight)
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

/// Phase of the tone at `omega` in the middle of a piece, in radians.
pub(super) fn phase(samples: &[f32], omega: f32) -> f32 {
    let [re, im] = correlate_plain(&Piece::new(samples).weighted, omega);
    im.atan2(re)
}

/// Share of a piece's power between 80 and 600 Hz, below all keys.
pub(super) fn low_share(samples: &[f32]) -> f32 {
    let piece = Piece::new(samples);
    let bin = TAU / piece.weighted.len() as f32;
    let bins = (omega(80.0) / bin).ceil() as u32..=(omega(600.0) / bin) as u32;
    // Hann's window spreads each component over one bin and a half.
    let sum: f32 = bins.map(|k| piece.tone_power(k as f32 * bin)).sum();
    sum / 1.5 / piece.power().max(1.0)
}

/// A tone's carrier under the window of [`WINDOW`] samples, made once to be compared with many windows.
#[derive(Debug, Clone)]
pub(super) struct Carrier {
    cos: [f32; WINDOW],
    sin: [f32; WINDOW],
}

impl Carrier {
    pub(super) fn new(omega: f32) -> Carrier {
        let mut carrier = Carrier {
            cos: [0.0; WINDOW],
            sin: [0.0; WINDOW],
        };
        let (mut sin, mut cos) = (0.0, 1.0);
        let (step_sin, step_cos) = omega.sin_cos();
        for n in 0..WINDOW {
            let weight = HANN[n];
            carrier.cos[n] = weight * cos;
            carrier.sin[n] = weight * sin;
            (sin, cos) = (sin * step_cos + cos * step_sin, cos * step_cos - sin * step_sin);
        }
        carrier
    }

    /// The mean square of the tone in a window.
    pub(super) fn power(&self, samples: &[f32; WINDOW]) -> f32 {
        let mut sums = [[0.0; LANES]; 2];
        let chunks = samples.as_chunks::<LANES>().0.iter();
        let carriers = self
            .cos
            .as_chunks::<LANES>()
            .0
            .iter()
            .zip(self.sin.as_chunks::<LANES>().0);
        for (chunk, (cos, sin)) in chunks.zip(carriers) {
            for i in 0..LANES {
                sums[0][i] += chunk[i] * cos[i];
                sums[1][i] += chunk[i] * sin[i];
            }
        }
        let [re, im] = sums.map(|lane| lane.iter().sum::<f32>());
        2.0 * (re * re + im * im) / (WINDOW * WINDOW / 4) as f32
    }
}

static HANN: LazyLock<[f32; WINDOW]> = LazyLock::new(|| std::array::from_fn(|n| hann(n as f32 - 39.5, WINDOW)));

/// The mean square of the tone at `omega` without a window.
pub(super) fn flat_power(samples: &[f32], omega: f32) -> f32 {
    let [re, im] = correlate_plain(samples, omega);
    2.0 * (re * re + im * im) / (samples.len() * samples.len()).max(1) as f32
}

/// Cosines and sines of the first samples of a piece whose middle has phase zero.
fn phases(omega: f32, middle: f32) -> ([f32; LANES], [f32; LANES]) {
    let (mut cos, mut sin) = ([0.0; LANES], [0.0; LANES]);
    (sin[0], cos[0]) = (omega * -middle).sin_cos();
    let (one_sin, one_cos) = omega.sin_cos();
    for i in 1..LANES {
        cos[i] = cos[i - 1] * one_cos - sin[i - 1] * one_sin;
        sin[i] = sin[i - 1] * one_cos + cos[i - 1] * one_sin;
    }
    (cos, sin)
}

/// Σ s·e^(−jωt), with t counted from the middle.
fn correlate_plain(samples: &[f32], omega: f32) -> [f32; 2] {
    let (mut cos, mut sin) = phases(omega, (samples.len() as f32 - 1.0) / 2.0);
    let (step_sin, step_cos) = (omega * LANES as f32).sin_cos();
    let mut sums = [[0.0f32; LANES]; 2];
    for chunk in samples.as_chunks::<LANES>().0 {
        for i in 0..LANES {
            sums[0][i] += chunk[i] * cos[i];
            sums[1][i] -= chunk[i] * sin[i];
            (cos[i], sin[i]) = (
                cos[i] * step_cos - sin[i] * step_sin,
                sin[i] * step_cos + cos[i] * step_sin,
            );
        }
    }
    sums.map(|lane| lane.iter().sum())
}

/// Σ s·e^(−jωt) and Σ s·t·e^(−jωt), with t counted from the middle.
fn correlate(samples: &[f32], omega: f32) -> [f32; 4] {
    let middle = (samples.len() as f32 - 1.0) / 2.0;
    let (mut cos, mut sin) = phases(omega, middle);
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
        let floats = tone(852.0, 1_000.0, 160);
        let frame: [i16; 160] = std::array::from_fn(|n| floats[n] as i16);
        let powers = bank(&frame);
        assert!((powers[2] / 500_000.0 - 1.0).abs() < 0.02, "{powers:?}");
        assert!(powers[5] < 100.0, "{powers:?}");
        assert!((energy(&frame) / 160.0 / 500_000.0 - 1.0).abs() < 0.03);
        let window: [f32; WINDOW] = floats[..WINDOW].try_into().unwrap();
        assert!((Carrier::new(omega(852.0)).power(&window) / 500_000.0 - 1.0).abs() < 0.02);
    }

    #[test]
    fn full_scale_does_not_overflow() {
        for frame in [
            [i16::MIN; 160],
            [i16::MAX; 160],
            std::array::from_fn(|n| if n % 2 == 0 { i16::MIN } else { i16::MAX }),
            std::array::from_fn(|n| if n < 80 { i16::MIN } else { i16::MAX }),
        ] {
            assert!(bank(&frame).iter().all(|p| p.is_finite() && *p < 1.1e9));
        }
    }
}
