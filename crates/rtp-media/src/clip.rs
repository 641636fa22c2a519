//! One piece of audio, encoded once per codec and shared by all its listeners.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::codec::{Encoder, fit_ptime};
use crate::resample::resample_i16;
use crate::session::{Codec, Ptime};

type Slot = Arc<OnceLock<Arc<Encoded>>>;

/// Mono PCM kept once, and its encodings as they are asked for.
///
/// Encoding a minute of speech takes a few milliseconds for G.711 and some hundred for Opus, so it is made before the calls
/// that play it: see [`Clip::prepare`].
pub struct Clip {
    pcm: Vec<i16>,
    rate: u32,
    encodings: Mutex<Vec<((Codec, Ptime), Slot)>>,
}

/// A clip as RTP payloads, one behind the other in one piece of memory.
#[derive(Debug, Default)]
pub struct Encoded {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Clip {
    /// Keeps `pcm`, sampled at `rate` Hz.
    pub fn from_pcm(pcm: Vec<i16>, rate: u32) -> Clip {
        Clip {
            pcm,
            rate,
            encodings: Mutex::default(),
        }
    }

    /// The samples.
    pub fn pcm(&self) -> &[i16] {
        &self.pcm
    }

    /// Samples per second.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// How long it sounds.
    pub fn duration(&self) -> std::time::Duration {
        std::time::Duration::from_secs_f64(self.pcm.len() as f64 / f64::from(self.rate.max(1)))
    }

    /// The payloads for this codec and packet time: made by whoever asks first, while others who ask for the same wait.
    /// Opus has no 30 and 50 ms frames and gives 20 and 40 ms then. Empty if libopus fails.
    pub fn encoded(&self, codec: Codec, ptime: Ptime) -> Arc<Encoded> {
        let key = (codec, fit_ptime(codec, ptime));
        let slot = {
            let mut encodings = self.encodings.lock().unwrap_or_else(PoisonError::into_inner);
            match encodings.iter().find(|(k, _)| *k == key) {
                Some((_, slot)) => Arc::clone(slot),
                None => {
                    let slot = Slot::default();
                    encodings.push((key, Arc::clone(&slot)));
                    slot
                }
            }
        };
        Arc::clone(slot.get_or_init(|| Arc::new(self.encode(codec, ptime))))
    }

    /// Encodes ahead of the first call, so that no pacing thread has to.
    pub fn prepare(&self, codecs: &[Codec], ptime: Ptime) {
        for &codec in codecs {
            self.encoded(codec, ptime);
        }
    }

    fn encode(&self, codec: Codec, ptime: Ptime) -> Encoded {
        let pcm = resample_i16(&self.pcm, self.rate, codec.sample_rate());
        let Ok(mut encoder) = Encoder::new(codec, ptime) else {
            return Encoded::default();
        };
        let mut encoded = Encoded::default();
        for frame in pcm.chunks(encoder.frame_samples()) {
            if encoder.encode(frame, &mut encoded.bytes).is_err() {
                return Encoded::default();
            }
            encoded.ends.push(encoded.bytes.len() as u32);
        }
        encoded.bytes.shrink_to_fit();
        encoded
    }
}

impl fmt::Debug for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clip({:?} at {} Hz)", self.duration(), self.rate)
    }
}

impl Encoded {
    /// How many payloads.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The payload at `index`.
    pub fn frame(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)? as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        self.bytes.get(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_encoded_once_and_shared() {
        let clip = Clip::from_pcm(vec![1_000; 8_000 + 1], 8_000);
        let first = clip.encoded(Codec::Pcma, Ptime::MS_20);
        assert!(Arc::ptr_eq(&first, &clip.encoded(Codec::Pcma, Ptime::MS_20)));
        assert_eq!(first.len(), 51);
        assert!((0..51).all(|i| first.frame(i).unwrap().len() == 160));
        assert_eq!(first.frame(51), None);
        // The last frame is completed with silence.
        assert_eq!(first.frame(50).unwrap()[159], 0xd5);
    }

    #[test]
    fn every_codec_and_packet_time_is_served() {
        let clip = Clip::from_pcm(vec![1_000; 11_025], 11_025);
        for codec in [Codec::Pcma, Codec::Pcmu, Codec::G722, Codec::Opus] {
            for ptime in Ptime::ALL {
                let encoded = clip.encoded(codec, ptime);
                assert_eq!(
                    encoded.len() as u32,
                    1_000u32.div_ceil(fit_ptime(codec, ptime).ms()),
                    "{codec:?} {ptime:?}"
                );
            }
        }
        assert!(
            Clip::from_pcm(Vec::new(), 8_000)
                .encoded(Codec::Opus, Ptime::MS_20)
                .is_empty()
        );
    }
}
