//! Recordings as Ogg Opus files (RFC 7845): what a browser plays, at a tenth of a WAV file's size.

use audiopus::coder::Encoder;
use audiopus::{Application, Bitrate, Channels, SampleRate, Signal};
use ogg::{PacketWriteEndInfo, PacketWriter};

use crate::resample::resample_i16;

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum OpusFileError {
    /// libopus refused.
    #[error("the recording cannot be encoded as Opus: {0}")]
    Encoder(#[from] audiopus::Error),
    /// There is nothing to encode.
    #[error("the recording is empty")]
    Empty,
}

/// Granule positions and the encoder run at 48 kHz whatever the recording's rate (RFC 7845 §4).
const RATE: u32 = 48_000;
/// Samples in a packet of 20 ms.
const FRAME: usize = 960;
/// Bits per second: speech without audible loss.
const BITRATE: i32 = 24_000;
/// Pages end after so many packets, one second, so that players can seek.
const PAGE: usize = 50;

/// A complete file of `samples` at `rate` Hz.
///
/// # Errors
/// If there are no samples, or libopus fails.
pub fn write(samples: &[i16], rate: u32) -> Result<Vec<u8>, OpusFileError> {
    if samples.is_empty() {
        return Err(OpusFileError::Empty);
    }
    let mut encoder = Encoder::new(SampleRate::Hz48000, Channels::Mono, Application::Voip)?;
    encoder.set_bitrate(Bitrate::BitsPerSecond(BITRATE))?;
    encoder.set_signal(Signal::Voice)?;
    // The decoder's output starts so many samples late; the head has them skipped, and as many more are encoded.
    let skip = encoder.lookahead()? as usize;
    let mut pcm = resample_i16(samples, rate, RATE);
    let end = (skip + pcm.len()) as u64;
    pcm.resize((skip + pcm.len()).next_multiple_of(FRAME), 0);

    let mut file = Vec::with_capacity(pcm.len() / FRAME * 72);
    let serial = rand::random();
    let mut pages = PacketWriter::new(&mut file);
    let mut put = |packet: Vec<u8>, ending, granule| {
        pages
            .write_packet(packet, serial, ending, granule)
            .unwrap_or_else(|error| unreachable!("memory takes whatever is written: {error}"));
    };
    put(head(skip as u16, rate), PacketWriteEndInfo::EndPage, 0);
    put(tags(), PacketWriteEndInfo::EndPage, 0);
    let mut packet = [0; 1_275];
    let count = pcm.len() / FRAME;
    for (number, frame) in (1..).zip(pcm.chunks_exact(FRAME)) {
        let len = encoder.encode(frame, &mut packet)?;
        let ending = match number {
            _ if number == count => PacketWriteEndInfo::EndStream,
            _ if number % PAGE == 0 => PacketWriteEndInfo::EndPage,
            _ => PacketWriteEndInfo::NormalPacket,
        };
        let granule = ((number * FRAME) as u64).min(end);
        put(packet[..len].to_vec(), ending, granule);
    }
    Ok(file)
}

/// The identification header (§5.1).
fn head(skip: u16, rate: u32) -> Vec<u8> {
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend(skip.to_le_bytes());
    head.extend(rate.to_le_bytes());
    // No gain, one channel without a mapping table.
    head.extend([0, 0, 0]);
    head
}

/// The comment header (§5.2): who made it, and no comments.
fn tags() -> Vec<u8> {
    let vendor = b"tocsin";
    let mut tags = b"OpusTags".to_vec();
    tags.extend((vendor.len() as u32).to_le_bytes());
    tags.extend(vendor);
    tags.extend(0u32.to_le_bytes());
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import;

    #[test]
    fn what_is_written_is_read_again_as_long_and_as_pure_as_it_was() {
        for (rate, len) in [(8_000, 8_000), (16_000, 40_123), (48_000, 30_001)] {
            let wave = |n: usize| (8_000.0 * (std::f32::consts::TAU * 440.0 * n as f32 / rate as f32).sin()) as i16;
            let pcm: Vec<i16> = (0..len).map(wave).collect();
            let file = write(&pcm, rate).unwrap();
            let heard = import::read(file, Some(rate)).unwrap();
            // A reader that does not know the end hears the last packet whole.
            let longest = len + rate as usize / 50 + 2;
            assert!(
                (len - 2..=longest).contains(&heard.samples.len()),
                "{} of {len}",
                heard.samples.len()
            );
            let (mut cross, mut square, mut all) = (0.0, 0.0, 0.0);
            for (&heard, &played) in heard.samples.iter().zip(&pcm) {
                cross += f64::from(heard) * f64::from(played);
                square += f64::from(played).powi(2);
                all += f64::from(heard).powi(2);
            }
            let likeness = cross / (square * all).sqrt();
            assert!(likeness > 0.9, "{rate}: {likeness}");
        }
    }

    #[test]
    fn a_minute_of_speech_is_small_and_nothing_is_refused() {
        assert!(matches!(write(&[], 8_000), Err(OpusFileError::Empty)));
        let minute: Vec<i16> = (0..480_000u64)
            .map(|n| ((n * n / 700) % 6_000) as i16 - 3_000)
            .collect();
        assert!(write(&minute, 8_000).unwrap().len() < 260_000);
    }
}
