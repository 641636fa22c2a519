//! One piece of audio, encoded once per codec and shared by all its listeners.

use std::sync::{Arc, Mutex, PoisonError};

use crate::session::{Codec, Ptime};

/// Mono PCM kept once, and its encodings as they are asked for.
#[derive(Debug)]
pub struct Clip {
    pcm: Vec<i16>,
    rate: u32,
    encodings: Mutex<Vec<(Codec, Ptime, Arc<Encoded>)>>,
}

/// A clip as RTP payloads, one after the other.
#[derive(Debug)]
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

    /// The payloads for this codec and packet time; encoded on first use.
    pub fn encoded(&self, codec: Codec, ptime: Ptime) -> Arc<Encoded> {
        let mut encodings = self.encodings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, encoded)) = encodings.iter().find(|(c, p, _)| *c == codec && *p == ptime) {
            return Arc::clone(encoded);
        }
        let size = ptime.ticks(8_000) as usize;
        let mut bytes: Vec<u8> = self.pcm.iter().map(|&s| alaw(s)).collect();
        bytes.resize(bytes.len().next_multiple_of(size), alaw(0));
        let ends = (1..=bytes.len() / size).map(|i| (i * size) as u32).collect();
        let encoded = Arc::new(Encoded { bytes, ends });
        encodings.push((codec, ptime, Arc::clone(&encoded)));
        encoded
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

/// ITU-T G.711 A-law.
fn alaw(sample: i16) -> u8 {
    let value = i32::from(sample) >> 3;
    let (sign, value) = if value >= 0 { (0x80, value) } else { (0, -value - 1) };
    let code = if value < 32 {
        value >> 1
    } else {
        let exponent = 31 - (value as u32).leading_zeros() as i32 - 4;
        (exponent << 4) | ((value >> exponent) & 0x0f)
    };
    (sign | code as u8) ^ 0x55
}
