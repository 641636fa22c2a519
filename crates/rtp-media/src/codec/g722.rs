//! ITU-T G.722 at 64 kbit/s (mode 1): two sub-bands of 8 kHz, each an adaptive differential quantiser.
//!
//! One byte carries two samples of 16 kHz: 6 bits of the lower band, 2 bits of the upper. The names of the parts are those
//! of the Recommendation's clause 6 (for example INVQAL, LOGSCL, UPPOL2), so that each line can be checked against it.

/// Quadrature mirror filter (table 11), every other coefficient; the other half is its mirror.
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3_876, -805, 362, -156, 53, -11];

/// Decision levels of the 60-level quantiser of the lower band (table 14).
const Q6: [i32; 32] = [
    0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1_023, 1_121, 1_219,
    1_339, 1_458, 1_612, 1_765, 1_980, 2_195, 2_557, 2_919, 0, 0,
];
/// Output codes of that quantiser for negative and for positive differences (table 14).
const ILN: [u8; 32] = [
    0, 63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5,
    4, 0,
];
const ILP: [u8; 32] = [
    0, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34,
    33, 32, 0,
];
/// Inverse quantisers of the lower band with 4 bits (for prediction) and with 6 bits (for output), and of the upper band.
const QM4: [i32; 16] = [
    0, -20_456, -12_896, -8_968, -6_288, -4_240, -2_584, -1_200, 20_456, 12_896, 8_968, 6_288, 4_240, 2_584, 1_200, 0,
];
const QM6: [i32; 64] = [
    -136, -136, -136, -136, -24_808, -21_904, -19_008, -16_704, -14_984, -13_512, -12_280, -11_192, -10_232, -9_360,
    -8_576, -7_856, -7_192, -6_576, -6_000, -5_456, -4_944, -4_464, -4_008, -3_576, -3_168, -2_776, -2_400, -2_032,
    -1_688, -1_360, -1_040, -728, 24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280, 11_192, 10_232, 9_360, 8_576,
    7_856, 7_192, 6_576, 6_000, 5_456, 4_944, 4_464, 4_008, 3_576, 3_168, 2_776, 2_400, 2_032, 1_688, 1_360, 1_040,
    728, 432, 136, -432, -136,
];
const QM2: [i32; 4] = [-7_408, -1_616, 7_408, 1_616];
/// Logarithmic step multipliers: of the lower band by 4-bit code, of the upper band by 2-bit code.
const WL: [i32; 16] = [
    -60, 3_042, 1_198, 538, 334, 172, 58, -30, 3_042, 1_198, 538, 334, 172, 58, -30, -60,
];
const WH: [i32; 4] = [798, -214, 798, -214];
/// Powers of two between 2^11 and 2^12, in 32 steps (table 15).
const ILB: [i32; 32] = [
    2_048, 2_093, 2_139, 2_186, 2_233, 2_282, 2_332, 2_383, 2_435, 2_489, 2_543, 2_599, 2_656, 2_714, 2_774, 2_834,
    2_896, 2_960, 3_025, 3_091, 3_158, 3_228, 3_298, 3_371, 3_444, 3_520, 3_597, 3_676, 3_756, 3_838, 3_922, 4_008,
];

fn saturate(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}

/// The predictor and quantiser step of one sub-band.
#[derive(Clone)]
struct Band {
    /// Signal estimate, and its part from the zeros.
    s: i32,
    sz: i32,
    /// Reconstructed signal, partially reconstructed signal and pole coefficients, the newest first.
    r: [i32; 2],
    p: [i32; 2],
    a: [i32; 2],
    /// Differences and zero coefficients, the newest first.
    d: [i32; 6],
    b: [i32; 6],
    /// Logarithmic step and step.
    nb: i32,
    det: i32,
}

impl Band {
    fn new(det: i32) -> Band {
        Band {
            s: 0,
            sz: 0,
            r: [0; 2],
            p: [0; 2],
            a: [0; 2],
            d: [0; 6],
            b: [0; 6],
            nb: 0,
            det,
        }
    }

    /// LOGSCL/LOGSCH and SCALEL/SCALEH: the next step size.
    fn scale(&mut self, weight: i32, limit: i32, shift: i32) {
        self.nb = (((self.nb * 127) >> 7) + weight).clamp(0, limit);
        let mantissa = ILB[((self.nb >> 6) & 31) as usize];
        let exponent = shift - (self.nb >> 11);
        self.det = if exponent < 0 {
            mantissa << -exponent
        } else {
            mantissa >> exponent
        } << 2;
    }

    /// Adapts the predictor to the quantised difference `d` and predicts the next sample.
    fn adapt(&mut self, d: i32) {
        let r = saturate(self.s + d);
        let p = saturate(self.sz + d);
        let same = |x: i32, y: i32| (x < 0) == (y < 0);

        // UPPOL2
        let wd1 = saturate(self.a[0] << 2);
        let wd2 = if same(p, self.p[0]) { -wd1 } else { wd1 }.min(32_767);
        let wd3 = if same(p, self.p[1]) { 128 } else { -128 };
        let a2 = (wd3 + (wd2 >> 7) + ((self.a[1] * 32_512) >> 15)).clamp(-12_288, 12_288);
        // UPPOL1
        let wd1 = if same(p, self.p[0]) { 192 } else { -192 };
        let limit = saturate(15_360 - a2);
        let a1 = saturate(wd1 + ((self.a[0] * 32_640) >> 15)).clamp(-limit, limit);
        // UPZERO
        let step = if d == 0 { 0 } else { 128 };
        for (b, &old) in self.b.iter_mut().zip(&self.d) {
            let wd = if same(d, old) { step } else { -step };
            *b = saturate(wd + ((*b * 32_640) >> 15));
        }
        // DELAYA
        self.d.copy_within(..5, 1);
        self.d[0] = d;
        self.r = [r, self.r[0]];
        self.p = [p, self.p[0]];
        self.a = [a1, a2];
        // FILTEP, FILTEZ, PREDIC
        let pole = |a: i32, r: i32| (a * saturate(2 * r)) >> 15;
        let sp = saturate(pole(self.a[0], self.r[0]) + pole(self.a[1], self.r[1]));
        self.sz = saturate(self.b.iter().zip(&self.d).map(|(&b, &d)| pole(b, d)).sum());
        self.s = saturate(sp + self.sz);
    }

    fn adapt_low(&mut self, code: u8) {
        let d = (self.det * QM4[(code >> 2) as usize]) >> 15;
        self.scale(WL[(code >> 2) as usize], 18_432, 8);
        self.adapt(d);
    }

    fn adapt_high(&mut self, code: u8) -> i32 {
        let d = (self.det * QM2[code as usize]) >> 15;
        self.scale(WH[code as usize], 22_528, 10);
        self.adapt(d);
        d
    }
}

/// 16 kHz PCM to 64 kbit/s.
#[derive(Clone)]
pub struct Encoder {
    low: Band,
    high: Band,
    history: [i32; 24],
}

impl Default for Encoder {
    fn default() -> Self {
        Encoder {
            low: Band::new(32),
            high: Band::new(8),
            history: [0; 24],
        }
    }
}

impl Encoder {
    /// Appends one byte per two samples. An odd last sample is dropped.
    pub fn encode(&mut self, pcm: &[i16], out: &mut Vec<u8>) {
        for pair in pcm.chunks_exact(2) {
            self.history.copy_within(2.., 0);
            self.history[22] = i32::from(pair[0]);
            self.history[23] = i32::from(pair[1]);
            let (even, odd) = qmf(&self.history);
            let low = quantise_low(saturate(((odd + even) >> 14) - self.low.s), self.low.det);
            self.low.adapt_low(low);
            let high = quantise_high(saturate(((odd - even) >> 14) - self.high.s), self.high.det);
            self.high.adapt_high(high);
            out.push(high << 6 | low);
        }
    }
}

/// Both polyphase halves of the mirror filter over 24 samples.
fn qmf(history: &[i32; 24]) -> (i32, i32) {
    let mut even = 0;
    let mut odd = 0;
    for (i, pair) in history.chunks_exact(2).enumerate() {
        even += pair[0] * QMF[i];
        odd += pair[1] * QMF[11 - i];
    }
    (even, odd)
}

/// QUANTL
fn quantise_low(difference: i32, det: i32) -> u8 {
    let magnitude = if difference >= 0 { difference } else { -(difference + 1) };
    let level = (1..30).find(|&i| magnitude < (Q6[i] * det) >> 12).unwrap_or(30);
    if difference < 0 { ILN[level] } else { ILP[level] }
}

/// QUANTH
fn quantise_high(difference: i32, det: i32) -> u8 {
    let magnitude = if difference >= 0 { difference } else { -(difference + 1) };
    let outer = magnitude >= (564 * det) >> 12;
    match (difference < 0, outer) {
        (true, false) => 1,
        (true, true) => 0,
        (false, false) => 3,
        (false, true) => 2,
    }
}

/// 64 kbit/s to PCM.
#[derive(Clone)]
pub struct Decoder {
    low: Band,
    high: Band,
    history: [i32; 24],
}

impl Default for Decoder {
    fn default() -> Self {
        Decoder {
            low: Band::new(32),
            high: Band::new(8),
            history: [0; 24],
        }
    }
}

impl Decoder {
    /// Appends two samples of 16 kHz per byte.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        for &byte in payload {
            let low = self.low(byte);
            let estimate = self.high.s;
            let high = (self.high.adapt_high(byte >> 6) + estimate).clamp(-16_384, 16_383);
            self.history.copy_within(2.., 0);
            self.history[22] = low + high;
            self.history[23] = low - high;
            let (even, odd) = qmf(&self.history);
            out.push(saturate(odd >> 11) as i16);
            out.push(saturate(even >> 11) as i16);
        }
    }

    /// Appends one sample of 8 kHz per byte: the lower sub-band alone, which holds everything below 4 kHz.
    pub fn decode_narrow(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        out.extend(payload.iter().map(|&byte| saturate(self.low(byte) << 1) as i16));
    }

    /// The lower band's next sample, in 15 bits.
    fn low(&mut self, byte: u8) -> i32 {
        let code = byte & 0x3f;
        let sample = (self.low.s + ((self.low.det * QM6[code as usize]) >> 15)).clamp(-16_384, 16_383);
        self.low.adapt_low(code);
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Power of `pcm` at `hz`, relative to all its power.
    fn share(pcm: &[i16], hz: f64, rate: f64) -> f64 {
        let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
        for (n, &s) in pcm.iter().enumerate() {
            let (sin, cos) = (std::f64::consts::TAU * hz * n as f64 / rate).sin_cos();
            re += f64::from(s) * cos;
            im += f64::from(s) * sin;
            all += f64::from(s).powi(2);
        }
        2.0 * (re * re + im * im) / pcm.len() as f64 / all
    }

    #[test]
    fn tones_of_both_bands_come_through() {
        for hz in [300.0, 1_000.0, 3_000.0, 5_000.0, 6_500.0] {
            let pcm: Vec<i16> = (0..16_000)
                .map(|n| (10_000.0 * (std::f64::consts::TAU * hz * f64::from(n) / 16_000.0).sin()) as i16)
                .collect();
            let mut bytes = Vec::new();
            Encoder::default().encode(&pcm, &mut bytes);
            assert_eq!(bytes.len(), 8_000);
            let mut back = Vec::new();
            Decoder::default().decode(&bytes, &mut back);
            assert_eq!(back.len(), 16_000);
            assert!(share(&back[1_600..], hz, 16_000.0) > 0.98, "{hz} Hz");
        }
    }

    #[test]
    fn the_lower_band_is_the_narrow_band() {
        let pcm: Vec<i16> = (0..16_000)
            .map(|n| (10_000.0 * (std::f64::consts::TAU * 1_209.0 * f64::from(n) / 16_000.0).sin()) as i16)
            .collect();
        let mut bytes = Vec::new();
        Encoder::default().encode(&pcm, &mut bytes);
        let mut narrow = Vec::new();
        Decoder::default().decode_narrow(&bytes, &mut narrow);
        assert!(share(&narrow[800..], 1_209.0, 8_000.0) > 0.99);
        let power: f64 = narrow[800..].iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / 7_200.0;
        assert!(
            (power.sqrt() / (10_000.0 / 2f64.sqrt()) - 1.0).abs() < 0.1,
            "{}",
            power.sqrt()
        );
    }
}
