//! Codecs: PCM to RTP payloads and back.
//!
//! Encoding happens once per message ([`crate::Clip`]); decoding happens per packet, for detection at 8 kHz and for recording.

pub mod g711;
pub mod g722;
mod opus;

use std::fmt;

use crate::session::{Codec, Ptime};

pub use opus::OpusError;

/// Turns PCM at [`Codec::sample_rate`] into payloads, one per packet time. Keeps the codec's memory between frames.
pub struct Encoder {
    kind: EncoderKind,
    samples: usize,
}

enum EncoderKind {
    Pcma,
    Pcmu,
    G722(Box<g722::Encoder>),
    Opus(opus::Encoder),
}

impl Encoder {
    /// An encoder for frames of `ptime`. Opus has no frames of 30 and 50 ms: see [`fit_ptime`].
    ///
    /// # Errors
    /// When libopus cannot make an encoder (no memory).
    pub fn new(codec: Codec, ptime: Ptime) -> Result<Encoder, OpusError> {
        let kind = match codec {
            Codec::Pcma => EncoderKind::Pcma,
            Codec::Pcmu => EncoderKind::Pcmu,
            Codec::G722 => EncoderKind::G722(Box::default()),
            Codec::Opus => EncoderKind::Opus(opus::Encoder::new()?),
        };
        Ok(Encoder {
            kind,
            samples: fit_ptime(codec, ptime).ticks(codec.sample_rate()) as usize,
        })
    }

    /// Samples in one frame.
    pub fn frame_samples(&self) -> usize {
        self.samples
    }

    /// Appends the payload of one frame to `out`. A short frame is completed with silence.
    ///
    /// # Errors
    /// When libopus refuses the frame.
    pub fn encode(&mut self, frame: &[i16], out: &mut Vec<u8>) -> Result<(), OpusError> {
        let padded;
        let frame = match frame.get(..self.samples) {
            Some(frame) => frame,
            None => {
                let mut copy = frame.to_vec();
                copy.resize(self.samples, 0);
                padded = copy;
                &padded
            }
        };
        match &mut self.kind {
            EncoderKind::Pcma => out.extend(frame.iter().map(|&s| g711::alaw_encode(s))),
            EncoderKind::Pcmu => out.extend(frame.iter().map(|&s| g711::ulaw_encode(s))),
            EncoderKind::G722(encoder) => encoder.encode(frame, out),
            EncoderKind::Opus(encoder) => encoder.encode(frame, out)?,
        }
        Ok(())
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoder({} samples a frame)", self.samples)
    }
}

/// The packet time nearest below `ptime` that the codec can put into one frame.
pub fn fit_ptime(codec: Codec, ptime: Ptime) -> Ptime {
    match (codec, ptime.ms()) {
        (Codec::Opus, 30) => Ptime::MS_20,
        (Codec::Opus, 50) => Ptime::new(40).unwrap_or(Ptime::MS_20),
        _ => ptime,
    }
}

/// Turns payloads back into PCM at 8 kHz, the rate at which keys, tones and voice are detected.
///
/// The narrow band is taken from inside the codec where it has one: G.722's lower sub-band and Opus's own 8 kHz output,
/// so that no resampler runs on received audio.
pub struct Decoder {
    kind: DecoderKind,
}

enum DecoderKind {
    Pcma,
    Pcmu,
    G722(Box<g722::Decoder>),
    Opus(opus::Decoder),
}

impl Decoder {
    /// A decoder to 8 kHz.
    ///
    /// # Errors
    /// When libopus cannot make a decoder (no memory).
    pub fn new(codec: Codec) -> Result<Decoder, OpusError> {
        let kind = match codec {
            Codec::Pcma => DecoderKind::Pcma,
            Codec::Pcmu => DecoderKind::Pcmu,
            Codec::G722 => DecoderKind::G722(Box::default()),
            Codec::Opus => DecoderKind::Opus(opus::Decoder::new()?),
        };
        Ok(Decoder { kind })
    }

    /// The codec that this decodes.
    pub fn codec(&self) -> Codec {
        match self.kind {
            DecoderKind::Pcma => Codec::Pcma,
            DecoderKind::Pcmu => Codec::Pcmu,
            DecoderKind::G722(_) => Codec::G722,
            DecoderKind::Opus(_) => Codec::Opus,
        }
    }

    /// Appends the samples of one payload to `out`. A payload that is no valid Opus packet gives nothing.
    /// Payloads above 60 ms × 3 are cut, so hostile sizes cost little.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        let payload = &payload[..payload.len().min(MAX_PAYLOAD)];
        match &mut self.kind {
            DecoderKind::Pcma => out.extend(payload.iter().map(|&b| g711::alaw_decode(b))),
            DecoderKind::Pcmu => out.extend(payload.iter().map(|&b| g711::ulaw_decode(b))),
            DecoderKind::G722(decoder) => decoder.decode_narrow(payload, out),
            DecoderKind::Opus(decoder) => decoder.decode(payload, out),
        }
    }

    /// Appends what probably was in a packet that did not come, of `samples` at 8 kHz. `next` is the payload that
    /// came after it, from which Opus recovers its forward error correction; other codecs give silence.
    pub fn conceal(&mut self, samples: usize, next: Option<&[u8]>, out: &mut Vec<i16>) {
        match &mut self.kind {
            DecoderKind::Opus(decoder) => decoder.conceal(samples.min(MAX_PAYLOAD), next, out),
            _ => out.resize(out.len() + samples.min(MAX_PAYLOAD), 0),
        }
    }
}

/// Longest payload that is decoded: 180 ms of G.711.
const MAX_PAYLOAD: usize = 1_440;

#[cfg(test)]
mod tests {
    use super::*;

    /// Signal-to-noise ratio of `got` against `sent` at the delay that fits best, in dB.
    fn snr(sent: &[i16], got: &[i16]) -> f64 {
        let best = (0..400.min(got.len() / 2))
            .map(|delay| {
                let pairs = || sent.iter().zip(&got[delay..]).skip(200);
                let signal: f64 = pairs().map(|(&s, _)| f64::from(s).powi(2)).sum();
                let noise: f64 = pairs().map(|(&s, &g)| (f64::from(s) - f64::from(g)).powi(2)).sum();
                signal / noise.max(1.0)
            })
            .fold(0.0, f64::max);
        10.0 * best.log10()
    }

    fn tone(hz: f64, rate: f64, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|n| (8_000.0 * (std::f64::consts::TAU * hz * n as f64 / rate).sin()) as i16)
            .collect()
    }

    #[test]
    fn what_is_encoded_comes_back_at_8_khz() {
        for (codec, least) in [
            (Codec::Pcma, 35.0),
            (Codec::Pcmu, 35.0),
            (Codec::G722, 25.0),
            (Codec::Opus, 15.0),
        ] {
            let rate = codec.sample_rate();
            let mut encoder = Encoder::new(codec, Ptime::MS_20).unwrap();
            let mut decoder = Decoder::new(codec).unwrap();
            let pcm = tone(700.0, f64::from(rate), rate as usize);
            let mut out = Vec::new();
            for frame in pcm.chunks(encoder.frame_samples()) {
                let mut payload = Vec::new();
                encoder.encode(frame, &mut payload).unwrap();
                decoder.decode(&payload, &mut out);
            }
            assert_eq!(out.len(), 8_000, "{codec:?}");
            let quality = snr(&tone(700.0, 8_000.0, 8_000), &out);
            assert!(quality > least, "{codec:?}: {quality:.1} dB");
        }
    }

    #[test]
    fn hostile_payloads_are_harmless() {
        for codec in [Codec::Pcma, Codec::Pcmu, Codec::G722, Codec::Opus] {
            let mut decoder = Decoder::new(codec).unwrap();
            let mut out = Vec::new();
            for len in [0, 1, 2, 3, 100, 1_500, 65_000] {
                for fill in [0x00, 0x03, 0x7f, 0xff] {
                    decoder.decode(&vec![fill; len], &mut out);
                    decoder.conceal(160, Some(&vec![fill; len]), &mut out);
                }
            }
            assert!(out.len() < 1_000_000);
        }
    }
}
