//! What listens to the peer's audio: detectors and the recorder. Absent, and free of cost, when nothing is asked of it.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use super::reorder::Reorder;
use super::{Stream, Surroundings};
use crate::amd;
use crate::codec::Decoder;
use crate::command::{Answerer, DigitSource, Event, StreamId};
use crate::dtmf::InBand;
use crate::record::{self, Recorder};
use crate::rtp::Packet;
use crate::session::{Codec, Session};
use crate::tone::{self, Beep, Progress};

/// Everything is heard at 8 kHz, whatever the codec.
const RATE: u32 = 8_000;
/// A longer hole in the audio is not filled: the sender has started its timestamps anew.
const LONGEST_HOLE: u32 = 2 * RATE;
/// A longer one is silence, for a packet holds no more than 60 ms of what came before it.
const LONGEST_RECOVERY: usize = 60 * RATE as usize / 1000;
/// Cut off a recording that a key stops while keys come as tones: the tone itself.
const KEY_TONE: Duration = Duration::from_millis(250);

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
    machine: Option<Box<Machine>>,
    tones: Option<Box<Tones>>,
    recorder: Option<Recorder>,
}

/// Tells an answering machine, and when it starts to record.
#[derive(Default)]
struct Machine {
    detector: Option<amd::Detector>,
    beep: Beep,
}

/// Hears the network before the answer, and a fax machine for a while after it.
struct Tones {
    detector: tone::Detector,
    /// Samples that are still listened to; `None` before the answer, which may take its time.
    left: Option<usize>,
}

/// A fax machine that was called tells so within this time after the answer (ITU-T T.30 §4).
const FAX_PATIENCE: usize = 15 * RATE as usize;

impl Tones {
    fn new(is_early: bool) -> Tones {
        Tones {
            detector: tone::Detector::new(),
            left: (!is_early).then_some(FAX_PATIENCE),
        }
    }

    /// What was heard, and whether to listen on.
    fn push(&mut self, samples: &[i16]) -> (Option<Progress>, bool) {
        let found = self.detector.push(samples);
        match &mut self.left {
            None => (found, true),
            Some(left) => {
                *left = left.saturating_sub(samples.len());
                let fax = found.filter(|&found| found == Progress::Fax);
                (fax, *left > 0 && fax.is_none())
            }
        }
    }
}

/// What the detectors made of one packet.
#[derive(Debug, Default)]
struct Heard {
    digit: Option<char>,
    answerer: Option<Answerer>,
    has_beeped: bool,
    progress: Option<Progress>,
    is_recorded: bool,
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
        let machine = session.amd.filter(|_| !session.is_early).map(|settings| {
            let detector = Some(amd::Detector::new(settings));
            Box::new(Machine {
                detector,
                beep: Beep::new(),
            })
        });
        let tones = session.tones.then(|| Box::new(Tones::new(session.is_early)));
        let listens = inband.is_some() || machine.is_some() || tones.is_some();
        Ears(listens.then(|| {
            Box::new(Listening {
                inband,
                machine,
                tones,
                ..Listening::default()
            })
        }))
    }

    /// Detectors that are asked for anew start afresh, and all that listen to people at the answer; the others, and a
    /// recording, go on.
    pub(super) fn update(&mut self, before: &Session, after: &Session) {
        let mut fresh = Ears::new(after);
        let old = self.0.take().unwrap_or_default();
        if let Some(listening) = &mut fresh.0 {
            if before.inband_dtmf {
                listening.inband = old.inband.filter(|_| after.inband_dtmf);
            }
            if before.is_early == after.is_early {
                if before.amd.is_some() {
                    listening.machine = old.machine.filter(|_| after.amd.is_some());
                }
                if before.tones {
                    listening.tones = old.tones.filter(|_| after.tones);
                }
            }
        }
        if old.recorder.is_some() {
            fresh.0.get_or_insert_default().recorder = old.recorder;
        }
        *self = fresh;
    }

    pub(super) fn is_listening(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn record(&mut self, max: Duration) {
        let settings = record::Settings {
            max,
            ..record::Settings::default()
        };
        self.0.get_or_insert_default().recorder = Some(Recorder::new(settings));
    }

    pub(super) fn stop_record(&mut self, stream: StreamId, events: &mut VecDeque<Event>) {
        let Some(listening) = &mut self.0 else { return };
        if let Some(recorder) = listening.recorder.take() {
            let tail = if listening.inband.is_some() {
                KEY_TONE
            } else {
                Duration::ZERO
            };
            events.push_back(Event::Recorded {
                stream,
                pcm: recorder.finish(tail),
                rate: RATE,
            });
        }
        if listening.is_idle() {
            self.0 = None;
        }
    }
}

impl Listening {
    fn is_idle(&self) -> bool {
        self.inband.is_none() && self.machine.is_none() && self.tones.is_none() && self.recorder.is_none()
    }

    /// The next packet in order, of audio if `codec` is given. `samples` is scratch memory.
    fn hear(&mut self, timestamp: u32, codec: Option<Codec>, payload: &[u8], samples: &mut Vec<i16>) -> Heard {
        let mut heard = Heard::default();
        let Some(codec) = codec else { return heard };
        samples.clear();
        let scale = codec.clock() / RATE;
        if let Some(hole) = self.next.map(|next| timestamp.wrapping_sub(next) / scale)
            && (1..=LONGEST_HOLE).contains(&hole)
        {
            let hole = hole as usize;
            if let Some(inband) = &mut self.inband {
                inband.lost(hole);
            }
            if self.machine.is_some() || self.tones.is_some() || self.recorder.is_some() {
                // A short hole may be found again in this packet, as Opus packs the one before into it.
                if let Some(decoder) = self.decoder.as_mut().filter(|decoder| decoder.codec() == codec)
                    && hole <= LONGEST_RECOVERY
                {
                    decoder.conceal(hole, Some(payload), samples);
                }
                samples.resize(hole, 0);
                self.watch(samples, &mut heard);
                samples.clear();
            }
        }
        if self.decoder.as_ref().is_none_or(|decoder| decoder.codec() != codec) {
            self.decoder = Decoder::new(codec).ok();
        }
        let Some(decoder) = &mut self.decoder else { return heard };
        decoder.decode(payload, samples);
        self.next = Some(timestamp.wrapping_add(samples.len() as u32 * scale));
        heard.digit = self.inband.as_mut().and_then(|inband| inband.push(samples));
        self.watch(samples, &mut heard);
        samples.clear();
        heard
    }

    fn watch(&mut self, samples: &[i16], heard: &mut Heard) {
        if let Some(recorder) = &mut self.recorder {
            heard.is_recorded |= recorder.push(samples).is_some();
        }
        if let Some(tones) = &mut self.tones {
            let (progress, goes_on) = tones.push(samples);
            heard.progress = heard.progress.or(progress);
            if !goes_on {
                self.tones = None;
            }
        }
        let Some(machine) = &mut self.machine else { return };
        let detector = &mut machine.detector;
        heard.answerer = heard
            .answerer
            .or_else(|| detector.as_mut().and_then(|detector| detector.push(samples)));
        if machine.beep.push(samples) {
            heard.has_beeped = true;
            heard.answerer = heard
                .answerer
                .or_else(|| detector.as_mut().and_then(amd::Detector::beep));
        }
        // A person's call has no beep to wait for; a machine's only one.
        if heard.has_beeped || heard.answerer == Some(Answerer::Person) {
            self.machine = None;
        }
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
            listening.reorder.recycle(held);
            self.handle_heard(at, &heard, around);
        }
    }

    fn handle_heard(&mut self, at: Instant, heard: &Heard, around: &mut Surroundings<'_>) {
        let stream = self.id;
        if heard.is_recorded {
            self.ingress.ears.stop_record(stream, around.events);
        }
        if let Some(progress) = heard.progress {
            around.events.push_back(Event::Progress { stream, progress });
        }
        if let Some(answerer) = heard.answerer {
            around.events.push_back(Event::Answerer { stream, answerer });
        }
        if heard.has_beeped {
            around.events.push_back(Event::Beep { stream });
        }
        if let Some(digit) = heard.digit {
            self.handle_digit(at, digit, DigitSource::InBand, around.events);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::Clip;
    use crate::session::Ptime;

    /// A second of silence and a second of a voice, in Opus, of which the packet `lost` does not come; what is recorded.
    fn recorded(lost: Option<usize>) -> Vec<i16> {
        let wave = |n: usize| {
            let time = n as f32 / 48_000.0 * std::f32::consts::TAU;
            let harmonics = [130.0, 260.0, 650.0, 1_170.0].map(|hz| (time * hz).sin());
            (harmonics.iter().sum::<f32>() * 3_000.0) as i16
        };
        let quiet = 48_000;
        let pcm = (0..quiet * 2).map(|n| if n < quiet { 0 } else { wave(n) }).collect();
        let encoded = Clip::from_pcm(pcm, 48_000).encoded(Codec::Opus, Ptime::MS_20);
        let mut listening = Listening {
            recorder: Some(Recorder::new(record::Settings {
                margin: Duration::from_secs(9),
                ..record::Settings::default()
            })),
            ..Listening::default()
        };
        let mut scratch = Vec::new();
        for n in (0..encoded.len()).filter(|n| Some(*n) != lost) {
            let payload = encoded.frame(n).unwrap();
            listening.hear(n as u32 * 960, Some(Codec::Opus), payload, &mut scratch);
        }
        listening.recorder.take().unwrap().finish(Duration::ZERO)
    }

    #[test]
    fn what_a_lost_opus_packet_held_is_recovered_from_the_next() {
        // The voice starts in packet 50. Before it was silence, from which nobody could guess it.
        let (whole, holed) = (recorded(None), recorded(Some(50)));
        assert_eq!(whole.len(), holed.len());
        let power = |pcm: &[i16]| -> f64 { pcm[8_000..8_160].iter().map(|s| f64::from(*s).powi(2)).sum() };
        let share = power(&holed) / power(&whole);
        assert!((0.25..4.0).contains(&share), "{share}");
    }
}
