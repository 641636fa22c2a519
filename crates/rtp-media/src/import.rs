//! Audio files of operators, as telephones and browsers record them, to mono PCM ready to be played.

use std::io::{Cursor, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};

use audiopus::coder::Decoder as OpusDecoder;
use audiopus::packet::Packet as OpusPacket;
use audiopus::{Channels, MutSignals, SampleRate};
use symphonia::core::audio::SampleBuffer;
use symphonia::core::codecs::{CODEC_TYPE_NULL, CODEC_TYPE_OPUS, CodecParameters, Decoder, DecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, Packet};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::probe::Hint;

use crate::loudness;
use crate::resample::resample;
use crate::speech::Pcm;

/// Why a file cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// None of the formats, or its head is damaged.
    #[error("this is no audio file that can be read; WAV, MP3, Ogg, FLAC, M4A and WebM are")]
    Format,
    /// The container is known, what it holds is not.
    #[error("the file holds no audio track, or one in a coding that cannot be read")]
    Codec,
    /// Nothing could be decoded.
    #[error("the file is damaged: no audio could be read from it")]
    Damaged,
    /// Part of it could not be decoded.
    #[error("the file is damaged: {bad} of its {all} parts could not be read")]
    PartlyDamaged {
        /// Packets that failed.
        bad: usize,
        /// All packets.
        all: usize,
    },
    /// Above [`MAX_SECONDS`].
    #[error("the recording lasts more than {} minutes", MAX_SECONDS / 60)]
    TooLong,
    /// No sound in it.
    #[error("the recording is silent")]
    Silent,
}

/// Longest audio that is accepted.
pub const MAX_SECONDS: usize = 3_600;

/// Rate for messages: all that G.722 carries; telephones hear half of it.
pub const MESSAGE_RATE: u32 = 16_000;

/// Reads any audio file: mixed to mono, resampled to `rate` Hz (`None`: its own rate), levelled to
/// [`loudness::TARGET_LUFS`].
///
/// # Errors
/// What is wrong with the file, in words for the operator. A cut end is accepted: what was heard until then counts.
pub fn read(bytes: Vec<u8>, rate: Option<u32>) -> Result<Pcm, ImportError> {
    // The decoders are written with care, yet the file comes from outside: a fault in them must not stop calls.
    let (samples, source_rate) =
        catch_unwind(AssertUnwindSafe(|| decode(bytes))).unwrap_or(Err(ImportError::Damaged))?;
    let rate = rate.unwrap_or(source_rate);
    let samples = resample(&samples, source_rate, rate);
    if loudness::loudness(&samples, rate).is_none() {
        return Err(ImportError::Silent);
    }
    Ok(Pcm {
        samples: loudness::level(&samples, rate),
        rate,
    })
}

/// The audio of the first track, mono, and its rate.
fn decode(bytes: Vec<u8>) -> Result<(Vec<f32>, u32), ImportError> {
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let probed = symphonia::default::get_probe()
        .format(
            &Hint::new(),
            stream,
            &FormatOptions::default(),
            &MetadataOptions::default(),
        )
        .map_err(|_| ImportError::Format)?;
    let mut format = probed.format;
    let track = format
        .tracks()
        .iter()
        .find(|t| t.codec_params.codec != CODEC_TYPE_NULL)
        .ok_or(ImportError::Codec)?;
    let id = track.id;
    let mut decoder = TrackDecoder::new(&track.codec_params)?;
    let mut output = Output {
        samples: Vec::new(),
        rate: 0,
    };
    let (mut bad, mut all) = (0, 0);
    while let Some(packet) = next_packet(&mut *format)? {
        if packet.track_id() != id {
            continue;
        }
        all += 1;
        if decoder.decode(&packet, &mut output).is_none() {
            bad += 1;
        }
        if output.samples.len() > MAX_SECONDS * output.rate.max(1) as usize {
            return Err(ImportError::TooLong);
        }
    }
    if output.samples.is_empty() {
        return Err(ImportError::Damaged);
    }
    // One bad packet is a click, as at the cut end of a file; more is a message that nobody would understand.
    if bad > 1 + all / 50 {
        return Err(ImportError::PartlyDamaged { bad, all });
    }
    Ok((output.samples, output.rate))
}

fn next_packet(format: &mut dyn FormatReader) -> Result<Option<Packet>, ImportError> {
    match format.next_packet() {
        Ok(packet) => Ok(Some(packet)),
        // The end, expected or not: programs that write to a pipe cannot tell the length beforehand.
        Err(Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(Error::ResetRequired) => Ok(None),
        Err(_) => Err(ImportError::Damaged),
    }
}

struct Output {
    samples: Vec<f32>,
    rate: u32,
}

enum TrackDecoder {
    Symphonia(Box<dyn Decoder>),
    Opus {
        decoder: OpusDecoder,
        channels: usize,
        skip: usize,
    },
}

impl TrackDecoder {
    fn new(parameters: &CodecParameters) -> Result<TrackDecoder, ImportError> {
        if parameters.codec != CODEC_TYPE_OPUS {
            let decoder = symphonia::default::get_codecs().make(parameters, &DecoderOptions::default());
            return Ok(TrackDecoder::Symphonia(decoder.map_err(|_| ImportError::Codec)?));
        }
        // libopus mixes to mono itself. RFC 7845 §4.2: the first samples, told at byte 10 of the head, are to be dropped.
        let head = parameters.extra_data.as_deref().unwrap_or_default();
        let skip = match head.get(10..12) {
            Some(&[low, high]) => usize::from(u16::from_le_bytes([low, high])),
            _ => parameters.delay.unwrap_or(0) as usize,
        };
        let decoder = OpusDecoder::new(SampleRate::Hz48000, Channels::Mono).map_err(|_| ImportError::Codec)?;
        Ok(TrackDecoder::Opus {
            decoder,
            channels: 1,
            skip,
        })
    }

    /// Appends the packet's samples, mixed to mono. `None` if it cannot be decoded.
    fn decode(&mut self, packet: &Packet, output: &mut Output) -> Option<()> {
        match self {
            TrackDecoder::Symphonia(decoder) => {
                let decoded = decoder.decode(packet).ok()?;
                let spec = *decoded.spec();
                let channels = spec.channels.count().max(1);
                let mut buffer = SampleBuffer::<f32>::new(decoded.capacity() as u64, spec);
                buffer.copy_interleaved_ref(decoded);
                if output.rate == 0 {
                    output.rate = spec.rate;
                }
                if spec.rate != output.rate || spec.rate == 0 {
                    return None;
                }
                let frames = buffer.samples().chunks_exact(channels);
                output
                    .samples
                    .extend(frames.map(|f| f.iter().sum::<f32>() / channels as f32));
            }
            TrackDecoder::Opus {
                decoder,
                channels,
                skip,
            } => {
                let mut buffer = vec![0i16; 5_760 * *channels];
                let packet = OpusPacket::try_from(&packet.data[..]).ok()?;
                let signals = MutSignals::try_from(&mut buffer[..]).ok()?;
                let decoded = decoder.decode(Some(packet), signals, false).ok()?;
                output.rate = 48_000;
                let dropped = decoded.min(*skip);
                *skip -= dropped;
                output
                    .samples
                    .extend(buffer[dropped..decoded].iter().map(|&s| f32::from(s) / 32_768.0));
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wav;

    fn tone(hz: f64, rate: u32, seconds: u32) -> Vec<i16> {
        (0..rate * seconds)
            .map(|n| (3_000.0 * (std::f64::consts::TAU * hz * f64::from(n) / f64::from(rate)).sin()) as i16)
            .collect()
    }

    #[test]
    fn a_wav_file_of_any_rate_is_resampled_and_levelled() {
        for rate in [8_000, 11_025, 22_050, 44_100, 48_000] {
            let pcm = read(wav::write(&tone(440.0, rate, 2), rate), Some(8_000)).unwrap();
            assert_eq!((pcm.samples.len(), pcm.rate), (16_000, 8_000), "{rate}");
            let float: Vec<f32> = pcm.samples.iter().map(|&s| f32::from(s) / 32_768.0).collect();
            let lufs = loudness::loudness(&float, 8_000).unwrap();
            assert!((lufs - loudness::TARGET_LUFS).abs() < 0.5, "{rate}: {lufs}");
        }
    }

    #[test]
    fn a_length_that_the_writer_did_not_know_is_no_fault() {
        let mut file = wav::write(&tone(440.0, 22_050, 1), 22_050);
        file[4..8].copy_from_slice(&[0x24, 0xf0, 0xff, 0x7f]);
        file[40..44].copy_from_slice(&[0x00, 0xf0, 0xff, 0x7f]);
        assert_eq!(read(file, None).unwrap().samples.len(), 22_050);
    }

    #[test]
    fn bad_files_are_told_apart() {
        assert!(matches!(read(Vec::new(), None), Err(ImportError::Format)));
        assert!(matches!(
            read(b"not audio at all, but a letter to the mayor".repeat(100), None),
            Err(ImportError::Format)
        ));
        assert!(matches!(
            read(wav::write(&[0; 8_000], 8_000), None),
            Err(ImportError::Silent)
        ));
        let whole = wav::write(&tone(440.0, 8_000, 1), 8_000);
        for cut in [3, 12, 30, 43, 44] {
            assert!(read(whole[..cut].to_vec(), None).is_err(), "{cut}");
        }
        // A cut end still speaks.
        assert!(read(whole[..8_000].to_vec(), None).is_ok());
    }
}
