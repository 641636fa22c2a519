//! Telephone events in RTP (RFC 4733, and RFC 2833 before it).

use std::collections::VecDeque;
use std::time::Duration;

use super::{KEYS, event_code};
use crate::session::{Ptime, TelephoneEvent};

/// Hears keys in telephone-event payloads: each event once, however its packets are lost, repeated or late.
///
/// An event is known by the RTP timestamp of its start (RFC 4733 §2.2.1), so the first packet that arrives reports it,
/// whichever it is. Two habits of real senders blur this, and are followed from what the sender shows: segments of long
/// events (§2.5.1.3), and gateways whose timestamp moves on within one event.
#[derive(Debug, Clone)]
pub struct EventReceiver {
    clock: u32,
    current: Option<Current>,
    /// Starts of the events that were reported, to know late packets by.
    known: [Option<(u32, u8)>; 16],
    next_known: usize,
    /// This sender has moved the timestamp within an event.
    is_moving: bool,
}

#[derive(Debug, Clone)]
struct Current {
    event: u8,
    timestamp: u32,
    /// Highest duration seen in the current segment.
    duration: u16,
    seq: u16,
    has_ended: bool,
    /// Two packets with one timestamp: the sender does as the RFC says.
    is_steady: bool,
}

impl EventReceiver {
    /// For payloads whose timestamps count at `clock` Hz (8000 or 48000).
    pub fn new(clock: u32) -> EventReceiver {
        EventReceiver {
            clock,
            current: None,
            known: [None; 16],
            next_known: 0,
            is_moving: false,
        }
    }

    /// Forgets everything: the sender has changed (new SSRC, new SDP).
    pub fn reset(&mut self) {
        *self = EventReceiver::new(self.clock);
    }

    /// One packet of the telephone-event payload type, with its RTP timestamp, sequence number and marker bit.
    /// The key, the first time its event is heard of.
    pub fn push(&mut self, payload: &[u8], timestamp: u32, seq: u16, marker: bool) -> Option<char> {
        let &[event, flags, high, low, ..] = payload else {
            return None;
        };
        let key = *KEYS.get(event as usize)?;
        let is_end = flags & 0x80 != 0;
        let duration = u16::from_be_bytes([high, low]);

        let continues = self
            .current
            .as_ref()
            .map(|c| self.continues(c, event, timestamp, seq, marker));
        match continues {
            Some(Continues::Same) => {
                if let Some(current) = &mut self.current {
                    current.is_steady |= current.seq != seq;
                    current.note(timestamp, seq, duration, is_end);
                }
                None
            }
            Some(moved @ (Continues::Moved | Continues::StartsMoving)) => {
                self.is_moving |= matches!(moved, Continues::StartsMoving);
                if let Some(current) = &mut self.current {
                    current.note(timestamp, seq, duration, is_end);
                }
                self.remember(timestamp, event);
                None
            }
            Some(Continues::Late) => {
                if self.is_known(timestamp, event) {
                    return None;
                }
                // An event of which only this late packet arrived.
                self.remember(timestamp, event);
                Some(key)
            }
            Some(Continues::No) | None => {
                self.remember(timestamp, event);
                self.current = Some(Current {
                    event,
                    timestamp,
                    duration,
                    seq,
                    has_ended: is_end,
                    is_steady: false,
                });
                Some(key)
            }
        }
    }

    fn is_known(&self, timestamp: u32, event: u8) -> bool {
        self.known.contains(&Some((timestamp, event)))
    }

    fn remember(&mut self, timestamp: u32, event: u8) {
        if !self.is_known(timestamp, event) {
            self.known[self.next_known] = Some((timestamp, event));
            self.next_known = (self.next_known + 1) % self.known.len();
        }
    }

    /// What a packet is, seen from the event that was heard last.
    fn continues(&self, current: &Current, event: u8, timestamp: u32, seq: u16, marker: bool) -> Continues {
        let behind = seq.wrapping_sub(current.seq) as i16;
        let elapsed = timestamp.wrapping_sub(current.timestamp);
        if elapsed == 0 {
            // A gateway that never moves its timestamp still marks the start of each key.
            let restarts = marker && behind > 0 && current.has_ended;
            return if event == current.event && !restarts {
                Continues::Same
            } else if behind < 0 {
                Continues::Late
            } else {
                Continues::No
            };
        }
        if (elapsed as i32) < 0 {
            // Before the current event: late, unless it is so long ago that the sender must have started anew.
            let is_recent = elapsed.wrapping_neg() < 2 * self.clock;
            return if behind < 0 && !is_recent {
                Continues::Same
            } else if is_recent || self.is_known(timestamp, event) {
                Continues::Late
            } else {
                Continues::No
            };
        }
        if event != current.event || marker {
            return if self.is_known(timestamp, event) {
                Continues::Late
            } else {
                Continues::No
            };
        }
        if !current.has_ended && self.is_next_segment(elapsed) {
            return Continues::Moved;
        }
        let packet = self.clock * 3 / 50; // 60 ms
        let is_near = (1..=8).contains(&behind) && elapsed <= packet * behind as u32;
        if self.is_moving && is_near {
            return Continues::Moved;
        }
        if !current.is_steady && !current.has_ended && behind == 1 && elapsed <= packet {
            return Continues::StartsMoving;
        }
        if self.is_known(timestamp, event) {
            Continues::Late
        } else {
            Continues::No
        }
    }

    /// A segment starts where the one before has reached the highest duration, 0xFFFF; some segments may have been lost.
    fn is_next_segment(&self, elapsed: u32) -> bool {
        let tolerance = self.clock / 50;
        let past = elapsed % 0xffff;
        elapsed + tolerance >= 0xffff && elapsed < 16 * 0xffff && (past <= tolerance || past >= 0xffff - tolerance)
    }
}

enum Continues {
    /// Another packet of the same event or segment.
    Same,
    /// The same event under a new timestamp.
    Moved,
    /// The same event under a new timestamp, from a sender that has not done so before and is no segment.
    StartsMoving,
    /// A packet from before the current event.
    Late,
    /// Another event.
    No,
}

impl Current {
    fn note(&mut self, timestamp: u32, seq: u16, duration: u16, is_end: bool) {
        if (seq.wrapping_sub(self.seq) as i16) > 0 {
            self.seq = seq;
        }
        self.timestamp = timestamp;
        self.duration = self.duration.max(duration);
        self.has_ended |= is_end;
    }
}

/// One telephone-event packet to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPacket {
    /// Set on the first packet of an event (RFC 4733 §2.5.1.1).
    pub marker: bool,
    /// RTP timestamp: the start of the event, or of its segment.
    pub timestamp: u32,
    /// The four bytes.
    pub payload: [u8; 4],
}

/// What an [`EventSender`] does in one packet time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing to send: audio may go.
    Idle,
    /// Between two keys: audio may go.
    Pause,
    /// This packet goes instead of audio.
    Packet(EventPacket),
}

/// Silence between two keys.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the end of an event is sent (RFC 4733 §2.5.1.4).
const END_PACKETS: u8 = 3;

/// Volume that is told, in −dBm0.
const VOLUME: u8 = 10;

/// Presses keys as telephone events. Asked once per packet time.
#[derive(Debug, Clone)]
pub struct EventSender {
    clock: u32,
    step: u32,
    queue: VecDeque<(u8, u32)>,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Idle,
    Pressed {
        event: u8,
        start: u32,
        duration: u32,
        hold: u32,
        is_first: bool,
    },
    Ending {
        event: u8,
        start: u32,
        duration: u16,
        left: u8,
    },
    Pausing {
        left: u32,
    },
}

impl EventSender {
    /// For the negotiated event format, at one packet per `ptime`.
    pub fn new(format: TelephoneEvent, ptime: Ptime) -> EventSender {
        EventSender {
            clock: format.clock,
            step: ptime.ticks(format.clock).max(1),
            queue: VecDeque::new(),
            state: State::Idle,
        }
    }

    /// Queues `digits`, each held for `hold`; characters that are no key are skipped.
    pub fn press(&mut self, digits: &str, hold: Duration) {
        let hold = self.ticks(hold).max(self.step);
        self.queue
            .extend(digits.chars().filter_map(event_code).map(|event| (event, hold)));
    }

    /// Has every key been sent?
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle) && self.queue.is_empty()
    }

    /// Takes back the keys that have not begun, and how long each was to be held.
    pub(crate) fn take_queue(&mut self) -> Vec<(char, Duration)> {
        let clock = u64::from(self.clock.max(1));
        let hold = |ticks: u32| Duration::from_millis(u64::from(ticks) * 1_000 / clock);
        let keys = self.queue.drain(..);
        keys.map(|(event, ticks)| (KEYS[usize::from(event)], hold(ticks)))
            .collect()
    }

    fn ticks(&self, duration: Duration) -> u32 {
        (duration.as_millis().min(600_000) as u64 * u64::from(self.clock) / 1_000) as u32
    }

    /// What to do in the packet time that starts at `timestamp` (in this format's clock).
    pub fn next(&mut self, timestamp: u32) -> Step {
        loop {
            match self.state {
                State::Idle => {
                    let Some((event, hold)) = self.queue.pop_front() else {
                        return Step::Idle;
                    };
                    self.state = State::Pressed {
                        event,
                        start: timestamp,
                        duration: 0,
                        hold,
                        is_first: true,
                    };
                }
                State::Pressed {
                    event,
                    mut start,
                    duration,
                    hold,
                    is_first,
                } => {
                    let mut duration = duration + self.step;
                    let hold_left = hold.saturating_sub(self.step);
                    if hold_left == 0 && duration <= 0xffff {
                        self.state = State::Ending {
                            event,
                            start,
                            duration: duration as u16,
                            left: END_PACKETS - 1,
                        };
                        return packet(event, start, duration as u16, true, is_first);
                    }
                    if duration > 0xffff {
                        // §2.5.1.3: the next segment starts where this one ended.
                        start = start.wrapping_add(0xffff);
                        duration -= 0xffff;
                    }
                    self.state = State::Pressed {
                        event,
                        start,
                        duration,
                        hold: hold_left,
                        is_first: false,
                    };
                    return packet(event, start, duration as u16, false, is_first);
                }
                State::Ending {
                    event,
                    start,
                    duration,
                    left,
                } => {
                    self.state = if left > 1 {
                        State::Ending {
                            event,
                            start,
                            duration,
                            left: left - 1,
                        }
                    } else {
                        State::Pausing {
                            left: self.ticks(PAUSE),
                        }
                    };
                    return packet(event, start, duration, true, false);
                }
                State::Pausing { left } if left > 0 => {
                    self.state = State::Pausing {
                        left: left.saturating_sub(self.step),
                    };
                    return Step::Pause;
                }
                State::Pausing { .. } => self.state = State::Idle,
            }
        }
    }
}

fn packet(event: u8, timestamp: u32, duration: u16, is_end: bool, marker: bool) -> Step {
    let [high, low] = duration.to_be_bytes();
    let flags = if is_end { 0x80 } else { 0 } | VOLUME;
    Step::Packet(EventPacket {
        marker,
        timestamp,
        payload: [event, flags, high, low],
    })
}
