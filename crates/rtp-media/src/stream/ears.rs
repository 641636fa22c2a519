//! What listens to the peer's audio: detectors and the recorder. Absent, and free of cost, when nothing is asked of it.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use super::reorder::Reorder;
use super::{Stream, Surroundings};
use crate::codec::Decoder;
use crate::command::{DigitSource, Event, StreamId};
use crate::dtmf::InBand;
use crate::rtp::Packet;
use crate::session::{Codec, Session};

/// Everything is heard at 8 kHz, whatever the codec.
const RATE: u32 = 8_000;
/// A longer hole in the audio is not filled: the sender has started its timestamps anew, or was silent.
const LONGEST_HOLE: u32 = RATE;

/// Listens to audio, if anything does.
#[derive(Debug, Default)]
pub(crate) struct Ears(Option<Box<Listening>>);

#[derive(Default)]
struct Listening {
    decoder: Option<Decoder>,
    reorder: Reorder,
    /// Timestamp of the sample after the last one heard, in the codec's clock.
    next: Option<u32>,
    inband: Option<InBand>,
    recorder: Option<Recorder>,
}

/// What the caller says, as it comes.
#[derive(Debug)]
struct Recorder {
    pcm: Vec<i16>,
    limit: usize,
}

/// What the detectors made of one packet.
#[derive(Debug, Default)]
pub(super) struct Heard {
    digit: Option<char>,
    is_full: bool,
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening")
            .field("recorder", &self.recorder.is_some())
            .finish_non_exhaustive()
    }
}

impl Ears {
    pub(super) fn new(session: &Session) -> Ears {
        let inband = session.inband_dtmf.then(InBand::new);
        Ears(inband.is_some().then(|| {
            Box::new(Listening {
                inband,
                ..Listening::default()
            })
        }))
    }

    pub(super) fn update(&mut self, before: &Session, after: &Session) {
        if before.inband_dtmf == after.inband_dtmf {
            return;
        }
        let recorder = self.0.take().and_then(|listening| listening.recorder);
        *self = Ears::new(after);
        if recorder.is_some() {
            self.0.get_or_insert_default().recorder = recorder;
        }
    }

    pub(super) fn is_listening(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn record(&mut self, max: Duration) {
        let limit = (max.as_millis() as usize).saturating_mul(RATE as usize / 1_000);
        self.0.get_or_insert_default().recorder = Some(Recorder { pcm: Vec::new(), limit });
    }

    pub(super) fn stop_record(&mut self, stream: StreamId, events: &mut VecDeque<Event>) {
        let Some(listening) = &mut self.0 else { return };
        if let Some(recorder) = listening.recorder.take() {
            events.push_back(Event::Recorded {
                stream,
                pcm: recorder.pcm,
                rate: RATE,
            });
        }
        if listening.inband.is_none() {
            self.0 = None;
        }
    }
}

impl Listening {
    /// The next packet in order, of audio if `codec` is given. `samples` is scratch memory.
    fn hear(&mut self, timestamp: u32, codec: Option<Codec>, payload: &[u8], samples: &mut Vec<i16>) -> Heard {
        let mut heard = Heard::default();
        let Some(codec) = codec else { return heard };
        samples.clear();
        let scale = codec.clock() / RATE;
        if let Some(hole) = self.next.map(|next| timestamp.wrapping_sub(next) / scale)
            && (1..=LONGEST_HOLE).contains(&hole)
        {
            if let Some(inband) = &mut self.inband {
                inband.lost(hole as usize);
            }
            heard.is_full |= self.note(|recorder| recorder.silence(hole as usize));
        }
        if self.decoder.as_ref().is_none_or(|decoder| decoder.codec() != codec) {
            self.decoder = Decoder::new(codec).ok();
        }
        let Some(decoder) = &mut self.decoder else { return heard };
        decoder.decode(payload, samples);
        self.next = Some(timestamp.wrapping_add(samples.len() as u32 * scale));
        heard.digit = self.inband.as_mut().and_then(|inband| inband.push(samples));
        heard.is_full |= self.note(|recorder| recorder.push(samples));
        samples.clear();
        heard
    }

    fn note(&mut self, f: impl FnOnce(&mut Recorder) -> bool) -> bool {
        self.recorder.as_mut().is_some_and(f)
    }
}

impl Recorder {
    /// True once nothing more fits.
    fn push(&mut self, samples: &[i16]) -> bool {
        let room = self.limit.saturating_sub(self.pcm.len());
        self.pcm.extend_from_slice(&samples[..samples.len().min(room)]);
        self.pcm.len() >= self.limit
    }

    fn silence(&mut self, samples: usize) -> bool {
        self.pcm.resize((self.pcm.len() + samples).min(self.limit), 0);
        self.pcm.len() >= self.limit
    }
}

impl Stream {
    /// A packet of the peer, of audio if `codec` is given; for whatever listens.
    pub(super) fn handle_audio(
        &mut self,
        at: Instant,
        codec: Option<Codec>,
        packet: &Packet<'_>,
        around: &mut Surroundings<'_>,
    ) {
        let Some(listening) = &mut self.ingress.ears.0 else {
            return;
        };
        if listening.reorder.push(packet, codec) {
            let heard = listening.hear(packet.header.timestamp, codec, packet.payload, around.samples);
            self.handle_heard(at, &heard, around);
        }
        loop {
            let Some(listening) = &mut self.ingress.ears.0 else {
                return;
            };
            let Some(held) = listening.reorder.pop() else { return };
            let heard = listening.hear(held.timestamp, held.codec, held.payload(), around.samples);
            self.handle_heard(at, &heard, around);
        }
    }

    fn handle_heard(&mut self, at: Instant, heard: &Heard, around: &mut Surroundings<'_>) {
        if heard.is_full {
            self.ingress.ears.stop_record(self.id, around.events);
        }
        if let Some(digit) = heard.digit {
            self.handle_digit(at, digit, DigitSource::InBand, around);
        }
    }
}
