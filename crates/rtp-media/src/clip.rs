//! One piece of audio, encoded once per codec and shared by all its listeners.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::codec::{Encoder, fit_ptime};
use crate::resample::resample_i16;
use crate::session::{Codec, Ptime};

/// Silence that a G.722 payload starts with. Both ends of G.722 adapt to what they hear, and the far decoder still knows what
/// came before this clip: without a moment in which it forgets, the first word comes out as a bang.
const SETTLING_MS: usize = 100;
/// What is quieter than this lets a decoder settle, so that a clip with silence before its first word is not delayed.
const QUIET: u16 = 16;

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
    /// Opus has no 30 and 50 ms frames and gives 20 and 40 ms then. G.722 starts with 100 ms of silence, in which the far
    /// decoder forgets what came before. Empty if libopus fails.
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
        let mut pcm = resample_i16(&self.pcm, self.rate, codec.sample_rate());
        if codec == Codec::G722 && !pcm.is_empty() {
            let wanted = SETTLING_MS * codec.sample_rate() as usize / 1000;
            let quiet = pcm
                .iter()
                .take(wanted)
                .take_while(|sample| sample.unsigned_abs() < QUIET);
            let missing = wanted - quiet.count();
            pcm.splice(..0, std::iter::repeat_n(0, missing));
        }
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

    /// The last payload, in which the codec has settled: of silence, the one that may be repeated.
    pub(crate) fn last(&self) -> Option<&[u8]> {
        self.frame(self.len().checked_sub(1)?)
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
                let ms = if codec == Codec::G722 { 1_100u32 } else { 1_000 };
                assert_eq!(
                    encoded.len() as u32,
                    ms.div_ceil(fit_ptime(codec, ptime).ms()),
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

    /// Something like a voice, which starts and ends at once.
    fn voice(pitch: f32, ms: usize) -> Vec<i16> {
        let wave = |n: usize| {
            let time = n as f32 / 16_000.0 * std::f32::consts::TAU;
            let harmonics = [1.0, 2.0, 5.0, 9.0, 20.0, 31.0].map(|k| (time * pitch * k).sin());
            (harmonics.iter().sum::<f32>() * ((time * 2.0).sin().abs() + 0.2) * 1_800.0) as i16
        };
        (0..ms * 16).map(wave).collect()
    }

    #[test]
    fn a_clip_starts_without_a_bang_whatever_the_far_decoder_has_heard() {
        for codec in [Codec::G722, Codec::Opus, Codec::Pcma] {
            let encoded = |pcm| Clip::from_pcm(pcm, 16_000).encoded(codec, Ptime::MS_20);
            let (idle, next) = (encoded(vec![0; 1_920]), encoded(voice(110.0, 1_000)));
            let listen = |before: &Encoded, idle_frames: usize| -> Vec<i16> {
                let mut decoder = crate::codec::Decoder::new(codec).unwrap();
                let mut pcm = Vec::new();
                for n in 0..before.len() {
                    decoder.decode(before.frame(n).unwrap(), &mut pcm);
                }
                for _ in 0..idle_frames {
                    decoder.decode(idle.last().unwrap(), &mut pcm);
                }
                pcm.clear();
                for n in 0..next.len() {
                    decoder.decode(next.frame(n).unwrap(), &mut pcm);
                }
                pcm
            };
            let fresh = listen(&Encoded::default(), 0);
            let loudest = fresh.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            for (before, idle_frames) in [(0, 1), (0, 50), (1_010, 0), (990, 1), (1_010, 5), (1_010, 50)] {
                let heard = listen(&encoded(voice(130.0, before)), idle_frames);
                // Also in the silence ahead, if there is one: what came before rings on in it, but quietly.
                let differences = heard.iter().zip(&fresh).map(|(is, should)| is.abs_diff(*should));
                let worst = differences.max().unwrap();
                assert!(
                    worst < loudest / 16,
                    "{codec:?} after {before} ms of voice and {idle_frames} idle packets: {worst} of {loudest}"
                );
            }
        }
    }

    #[test]
    fn silence_that_a_clip_has_already_is_not_made_longer() {
        let clip = Clip::from_pcm([vec![3; 1_600], vec![5_000; 1_600]].concat(), 16_000);
        assert_eq!(clip.encoded(Codec::G722, Ptime::MS_20).len(), 10);
        let clip = Clip::from_pcm([vec![3; 960], vec![5_000; 1_600]].concat(), 16_000);
        assert_eq!(clip.encoded(Codec::G722, Ptime::MS_20).len(), 10);
        assert_eq!(clip.encoded(Codec::Pcma, Ptime::MS_20).len(), 8);
    }
}
