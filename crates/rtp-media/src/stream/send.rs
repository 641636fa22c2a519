//! The sending half: one packet each packet time, out of the playlist, the keys to press, or silence.

use std::sync::Arc;
use std::time::Instant;

use rand_chacha::ChaCha8Rng;

use super::playlist::Playlist;
use super::press::Press;
use super::{DATAGRAM_MAX, Idle, Stream, Surroundings, random_start};
use crate::clip::Encoded;
use crate::command::Event;
use crate::dtmf::Step;
use crate::rtp::{HEADER_LEN, Header};
use crate::session::{Direction, Session};

/// With [`Idle::KeepAlive`], one silent packet in so many milliseconds.
const KEEP_ALIVE_MS: u32 = 10_000;

#[derive(Debug)]
pub(super) struct Egress {
    pub(super) ssrc: u32,
    sequence: u16,
    /// Of the packet time that is now; goes on whatever is sent.
    pub(super) timestamp: u32,
    /// Clock units in a packet time.
    samples: u32,
    /// Clock units of the audio in one of telephone events.
    event_scale: (u32, u32),
    pub(super) direction: Direction,
    /// Nothing was sent in the packet time before: the next packet starts a talk spurt.
    after_gap: bool,
    /// Packet times since something was sent.
    unsent: u32,
    silence: Arc<Encoded>,
    pub(super) playlist: Playlist,
    pub(super) digits: Option<Box<Press>>,
    pub(super) sent: u64,
    pub(super) sent_bytes: u64,
    pub(super) errors: u64,
}

impl Egress {
    pub(super) fn new(session: &Session, silence: Arc<Encoded>, rng: &mut ChaCha8Rng) -> Egress {
        let (ssrc, sequence, timestamp) = random_start(rng);
        Egress {
            ssrc,
            sequence,
            timestamp,
            samples: session.ptime.ticks(session.codec.clock()),
            event_scale: event_scale(session),
            direction: session.direction,
            after_gap: true,
            unsent: u32::MAX,
            silence,
            playlist: Playlist::default(),
            digits: None,
            sent: 0,
            sent_bytes: 0,
            errors: 0,
        }
    }

    pub(super) fn update(&mut self, before: &Session, after: &Session, silence: Arc<Encoded>) {
        if (before.codec, before.ptime) != (after.codec, after.ptime) {
            self.playlist.recode(after.codec, before.ptime, after.ptime);
        }
        if (before.events_out, before.ptime, before.codec) != (after.events_out, after.ptime, after.codec)
            && let Some(press) = &mut self.digits
        {
            press.update(after);
        }
        self.samples = after.ptime.ticks(after.codec.clock());
        self.event_scale = event_scale(after);
        self.direction = after.direction;
        self.silence = silence;
    }

    /// Takes a new SSRC: the peer has chosen ours (RFC 3550 §8.2).
    pub(super) fn change_ssrc(&mut self, rng: &mut ChaCha8Rng) {
        (self.ssrc, self.sequence, _) = random_start(rng);
    }
}

/// Telephone events beside Opus may count at 8000 while the audio counts at 48000, or the reverse.
fn event_scale(session: &Session) -> (u32, u32) {
    session
        .events_out
        .map_or((1, 1), |format| (format.clock, session.codec.clock()))
}

impl Stream {
    /// Will packets be sent in clear that were to be encrypted? Then none is sent.
    fn is_mute(&self) -> bool {
        self.session.srtp.is_some() && self.protection.is_none()
    }

    /// The datagram of this packet time, written into `buffer`; its length. `steps` is 1, or more if packet times were missed.
    pub(crate) fn next_packet(
        &mut self,
        _now: Instant,
        steps: u32,
        buffer: &mut [u8; DATAGRAM_MAX],
        around: &mut Surroundings<'_>,
    ) -> Option<usize> {
        let id = self.id;
        let out = &mut self.out;
        out.timestamp = out.timestamp.wrapping_add(out.samples.wrapping_mul(steps));
        if !out.direction.sends() {
            // On hold the prompt waits: the person would miss what is said meanwhile.
            out.after_gap = true;
            return None;
        }
        let mut header = Header {
            marker: out.after_gap,
            payload_type: self.session.payload_type,
            sequence: out.sequence,
            timestamp: out.timestamp,
            ssrc: out.ssrc,
        };
        let mut event = None;
        if let Some(digits) = &mut out.digits {
            let (clock, audio) = out.event_scale;
            let timestamp = if clock == audio {
                out.timestamp
            } else {
                scale(out.timestamp, clock, audio)
            };
            let is_done = match &mut **digits {
                Press::Events(events) => match events.next(timestamp) {
                    Step::Packet(packet) => {
                        event = Some(packet);
                        false
                    }
                    Step::Pause => false,
                    Step::Idle => true,
                },
                Press::Tones(tones) => !tones.advance(),
            };
            if is_done {
                out.digits = None;
                around.events.push_back(Event::DigitsSent { stream: id });
            }
        }
        let tone = match out.digits.as_deref() {
            Some(Press::Tones(tones)) => Some(tones.payload()),
            _ => None,
        };
        let payload: &[u8] = match (&event, self.session.events_out) {
            (Some(packet), Some(format)) => {
                header.marker = packet.marker;
                header.timestamp = packet.timestamp;
                header.payload_type = format.payload_type;
                &packet.payload
            }
            _ if tone.is_some() => tone?,
            // Between two keys audio may go, but the prompt must not be shredded by them.
            _ if out.digits.is_none() && out.playlist.is_ready() => out.playlist.next()?,
            _ => {
                if out.digits.is_none() && out.playlist.take_end() {
                    around.events.push_back(Event::PromptEnded {
                        stream: id,
                        play: out.playlist.plays(),
                    });
                }
                let waits =
                    around.idle == Idle::KeepAlive && out.unsent < KEEP_ALIVE_MS / self.session.ptime.ms().max(1);
                if waits {
                    out.unsent += steps;
                    out.after_gap = true;
                    return None;
                }
                out.silence.last()?
            }
        };
        let len = HEADER_LEN + payload.len();
        let target = buffer.get_mut(..len)?;
        target[..HEADER_LEN].copy_from_slice(&header.to_bytes());
        target[HEADER_LEN..].copy_from_slice(payload);
        out.after_gap = false;
        out.unsent = 0;
        out.sequence = out.sequence.wrapping_add(1);
        out.sent += 1;
        out.sent_bytes += (len - HEADER_LEN) as u64;
        self.seal(len, buffer, false)
    }

    /// Encrypts the first `len` bytes of `buffer` if the call is encrypted; the new length.
    pub(super) fn seal(&mut self, len: usize, buffer: &mut [u8; DATAGRAM_MAX], rtcp: bool) -> Option<usize> {
        if self.is_mute() {
            return None;
        }
        let Some(protection) = &mut self.protection else {
            return Some(len);
        };
        let plain = &buffer[..len];
        let sealed = if rtcp {
            protection.protect_rtcp(plain)
        } else {
            protection.protect(plain)
        }?;
        buffer.get_mut(..sealed.len())?.copy_from_slice(&sealed);
        Some(sealed.len())
    }

    /// The kernel refused what was to be sent.
    pub(crate) fn handle_send_error(&mut self) {
        self.out.errors += 1;
    }
}

/// `timestamp` in units of another clock. Only differences matter, and they are kept while the timestamp does not wrap;
/// a key held over the wrap is one key still, since its packets repeat its start.
fn scale(timestamp: u32, to: u32, from: u32) -> u32 {
    (u64::from(timestamp) * u64::from(to) / u64::from(from)) as u32
}
