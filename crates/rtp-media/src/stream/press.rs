//! Keys that we press: as telephone events where the peer takes them, as tones in the audio where it does not.

use std::collections::VecDeque;
use std::time::Duration;

use crate::codec::Encoder;
use crate::dtmf::{EventSender, Tone, digit_tones, event_code};
use crate::session::{Codec, Ptime, Session};

/// A tone is heard for sure from 40 ms on (ITU-T Q.24); on a lossy network more is better.
const LEAST_TONE: Duration = Duration::from_millis(80);
/// Longest tone: it is made in one piece.
const LONGEST_TONE: Duration = Duration::from_secs(5);
/// Silence before the first tone and after each; Q.24 asks for 40 ms.
const PAUSE: Duration = Duration::from_millis(100);
/// Silence before the first tone in G.722, whose far decoder must get into step with this encoder: what is left of another
/// state can tear the tone, and some detectors then hear the key twice.
const SETTLING: Duration = Duration::from_millis(200);

/// The keys of one call that are still to be pressed, and how.
#[derive(Debug)]
pub(super) enum Press {
    Events(EventSender),
    Tones(Tones),
}

impl Press {
    /// By what `session` agreed.
    pub(super) fn new(session: &Session) -> Press {
        match session.events_out {
            Some(format) => Press::Events(EventSender::new(format, session.ptime)),
            None => Press::Tones(Tones::new(session.codec, session.ptime)),
        }
    }

    /// Something else was agreed: the keys that have not begun are pressed by it.
    pub(super) fn update(&mut self, session: &Session) {
        let left = match self {
            Press::Events(events) => events.take_queue(),
            Press::Tones(tones) => tones.queue.drain(..).collect(),
        };
        *self = Press::new(session);
        for (key, hold) in left {
            self.press(key.encode_utf8(&mut [0; 4]), hold);
        }
    }

    /// Queues `digits`, each held for `hold`; characters that are no key are skipped.
    pub(super) fn press(&mut self, digits: &str, hold: Duration) {
        match self {
            Press::Events(events) => events.press(digits, hold),
            Press::Tones(tones) => tones.press(digits, hold),
        }
    }
}

/// Presses keys as tones (ITU-T Q.23). Asked once per packet time. One encoder serves all keys: G.722 and Opus have a memory
/// that the far decoder must share.
#[derive(Debug)]
pub(super) struct Tones {
    rate: u32,
    /// None when libopus has failed: then nothing can be pressed, nor could anything be played.
    encoder: Option<Encoder>,
    queue: VecDeque<(char, Duration)>,
    /// The key that sounds, with its pause. Made when its turn comes: one key is little work.
    pcm: Vec<i16>,
    at: usize,
    payload: Vec<u8>,
}

impl Tones {
    fn new(codec: Codec, ptime: Ptime) -> Tones {
        let lead = if codec == Codec::G722 { SETTLING } else { PAUSE };
        Tones {
            rate: codec.sample_rate(),
            encoder: Encoder::new(codec, ptime).ok(),
            queue: VecDeque::new(),
            // The first key is set apart from what was played.
            pcm: vec![0; (u64::from(codec.sample_rate()) * lead.as_millis() as u64 / 1_000) as usize],
            at: 0,
            payload: Vec::new(),
        }
    }

    fn press(&mut self, digits: &str, hold: Duration) {
        let hold = hold.clamp(LEAST_TONE, LONGEST_TONE);
        let keys = digits.chars().filter(|&key| event_code(key).is_some());
        self.queue.extend(keys.map(|key| (key, hold)));
    }

    /// Moves to the next payload; false once every key has been sent.
    pub(super) fn advance(&mut self) -> bool {
        if self.at >= self.pcm.len() {
            let Some((key, on)) = self.queue.pop_front() else {
                return false;
            };
            let tone = Tone {
                on,
                off: PAUSE,
                ..Tone::default()
            };
            self.pcm = digit_tones(key.encode_utf8(&mut [0; 4]), tone, self.rate);
            self.at = 0;
        }
        let Some(encoder) = &mut self.encoder else { return false };
        let end = self.pcm.len().min(self.at + encoder.frame_samples());
        self.payload.clear();
        let encoded = encoder.encode(&self.pcm[self.at..end], &mut self.payload);
        self.at = end;
        encoded.is_ok()
    }

    /// The payload that [`Tones::advance`] moved to.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }
}
