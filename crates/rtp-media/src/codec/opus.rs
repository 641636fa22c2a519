//! Opus (RFC 6716) for RTP (RFC 7587), mono, by libopus.

use audiopus::coder::{Decoder as OpusDecoder, Encoder as OpusEncoder};
use audiopus::packet::Packet;
use audiopus::{Application, Bitrate, Channels, MutSignals, SampleRate, Signal};

/// libopus refused.
#[derive(Debug, thiserror::Error)]
#[error("Opus: {0}")]
pub struct OpusError(#[from] audiopus::Error);

/// Bits per second of speech in our messages: wide band with room for the error correction.
const BITRATE: i32 = 32_000;

/// Loss that the in-band error correction prepares for, in per cent.
const EXPECTED_LOSS: u8 = 10;

pub(super) struct Encoder {
    inner: OpusEncoder,
}

impl Encoder {
    pub(super) fn new() -> Result<Encoder, OpusError> {
        let mut inner = OpusEncoder::new(SampleRate::Hz48000, Channels::Mono, Application::Voip)?;
        inner.set_bitrate(Bitrate::BitsPerSecond(BITRATE))?;
        inner.set_signal(Signal::Voice)?;
        inner.enable_inband_fec()?;
        inner.set_packet_loss_perc(EXPECTED_LOSS)?;
        Ok(Encoder { inner })
    }

    pub(super) fn encode(&mut self, frame: &[i16], out: &mut Vec<u8>) -> Result<(), OpusError> {
        let mut packet = [0; 1_275];
        let len = self.inner.encode(frame, &mut packet)?;
        out.extend_from_slice(&packet[..len]);
        Ok(())
    }
}

pub(super) struct Decoder {
    inner: OpusDecoder,
}

/// Longest Opus packet, 120 ms, at 8 kHz.
const MAX_SAMPLES: usize = 960;

impl Decoder {
    pub(super) fn new() -> Result<Decoder, OpusError> {
        Ok(Decoder {
            inner: OpusDecoder::new(SampleRate::Hz8000, Channels::Mono)?,
        })
    }

    pub(super) fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        self.run(Some(payload), MAX_SAMPLES, false, out);
    }

    pub(super) fn conceal(&mut self, samples: usize, next: Option<&[u8]>, out: &mut Vec<i16>) {
        // libopus conceals in steps of 2.5 ms (20 samples at 8 kHz).
        let samples = (samples / 20 * 20).min(MAX_SAMPLES);
        if samples > 0 {
            self.run(next, samples, next.is_some(), out);
        }
    }

    fn run(&mut self, payload: Option<&[u8]>, samples: usize, fec: bool, out: &mut Vec<i16>) {
        let start = out.len();
        out.resize(start + samples, 0);
        let packet = payload.map(Packet::try_from).transpose();
        let decoded = match (packet, MutSignals::try_from(&mut out[start..])) {
            (Ok(packet), Ok(signals)) => self.inner.decode(packet, signals, fec).unwrap_or(0),
            _ => 0,
        };
        out.truncate(start + decoded);
    }
}
