//! Puts a few packets back into order for those who listen. Playing needs more patience than detecting: nobody hears
//! this audio live, so a packet waits only for the few that overtook it.

use crate::rtp::Packet;
use crate::session::Codec;

/// Packets that may wait for an earlier one at first (60 ms at 20 ms each), and once the network has shown that it needs it.
const PATIENCE: std::ops::RangeInclusive<usize> = 3..=12;
/// Longest payload that is kept: 180 ms of G.711, as much as a decoder takes.
const PAYLOAD_MAX: usize = 1_440;

/// A packet in order.
pub(super) struct Held {
    sequence: u16,
    pub(super) timestamp: u32,
    /// `None` for packets that are no audio, which only take a place in the sequence.
    pub(super) codec: Option<Codec>,
    bytes: Vec<u8>,
}

impl Held {
    pub(super) fn payload(&self) -> &[u8] {
        &self.bytes
    }
}

/// Packets that wait for an earlier one.
pub(super) struct Reorder {
    /// The sequence number that is heard next.
    next: Option<u16>,
    waiting: Vec<Held>,
    /// So many may wait.
    patience: usize,
    /// Memory of packets that were heard, to be used again.
    spare: Vec<Vec<u8>>,
}

impl Default for Reorder {
    fn default() -> Reorder {
        Reorder {
            next: None,
            waiting: Vec::new(),
            patience: *PATIENCE.start(),
            spare: Vec::new(),
        }
    }
}

impl Reorder {
    /// Takes a packet that came for the first time. True if it is to be heard at once, and then what [`Reorder::pop`]
    /// gives; else it waits, or is too late.
    pub(super) fn push(&mut self, packet: &Packet<'_>, codec: Option<Codec>) -> bool {
        let sequence = packet.header.sequence;
        let ahead = self.next.map_or(0, |next| sequence.wrapping_sub(next) as i16);
        match ahead {
            0 => {
                self.next = Some(sequence.wrapping_add(1));
                true
            }
            1..=100 => {
                let bytes = self.spare.pop().unwrap_or_default();
                self.waiting.push(Held::new(packet, codec, bytes));
                false
            }
            // Its place was given up already; with more patience the next one that comes so late is heard.
            -100..0 => {
                let needed = usize::from(ahead.unsigned_abs());
                self.patience = self.patience.max(needed).min(*PATIENCE.end());
                false
            }
            // The sender has started anew.
            _ => {
                self.waiting.clear();
                self.next = Some(sequence.wrapping_add(1));
                true
            }
        }
    }

    /// The next packet in order that has waited, or the next there is if too many wait for it.
    pub(super) fn pop(&mut self) -> Option<Held> {
        if self.waiting.is_empty() {
            return None;
        }
        let next = self.next?;
        let distance = |held: &Held| held.sequence.wrapping_sub(next);
        let index = (0..self.waiting.len()).min_by_key(|&index| distance(&self.waiting[index]))?;
        if distance(&self.waiting[index]) > 0 && self.waiting.len() <= self.patience {
            return None;
        }
        let held = self.waiting.swap_remove(index);
        self.next = Some(held.sequence.wrapping_add(1));
        Some(held)
    }

    /// Takes back the memory of a packet that was heard.
    pub(super) fn recycle(&mut self, held: Held) {
        if self.spare.len() < *PATIENCE.end() {
            self.spare.push(held.bytes);
        }
    }
}

impl Held {
    fn new(packet: &Packet<'_>, codec: Option<Codec>, mut bytes: Vec<u8>) -> Held {
        bytes.clear();
        bytes.extend_from_slice(&packet.payload[..packet.payload.len().min(PAYLOAD_MAX)]);
        Held {
            sequence: packet.header.sequence,
            timestamp: packet.header.timestamp,
            codec,
            bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::Header;

    fn order(sequences: &[u16]) -> Vec<u16> {
        let mut reorder = Reorder::default();
        let mut heard = Vec::new();
        for &sequence in sequences {
            let header = Header {
                marker: false,
                payload_type: 8,
                sequence,
                timestamp: 0,
                ssrc: 1,
            };
            if reorder.push(&Packet { header, payload: b"x" }, Some(Codec::Pcma)) {
                heard.push(sequence);
            }
            while let Some(held) = reorder.pop() {
                heard.push(held.sequence);
                reorder.recycle(held);
            }
        }
        heard
    }

    #[test]
    fn packets_are_heard_in_their_order() {
        let cases: [(&str, &[u16], &[u16]); 6] = [
            ("in order", &[1, 2, 3], &[1, 2, 3]),
            ("overtaken", &[1, 3, 2, 4], &[1, 2, 3, 4]),
            ("overtaken by three", &[1, 3, 4, 5, 2, 6], &[1, 2, 3, 4, 5, 6]),
            ("over the wrap", &[65_534, 0, 65_535, 1], &[65_534, 65_535, 0, 1]),
            ("lost", &[1, 3, 4, 5, 6, 7], &[1, 3, 4, 5, 6, 7]),
            ("restarted", &[1, 2, 40_000, 40_001], &[1, 2, 40_000, 40_001]),
        ];
        for (name, came, expected) in cases {
            assert_eq!(order(came), expected, "{name}");
        }
        assert_eq!(order(&[1, 3, 4, 5, 6, 2]), [1, 3, 4, 5, 6], "2 is too late");
        let next_time = order(&[1, 3, 4, 5, 6, 2, 7, 9, 10, 11, 12, 13, 8, 14]);
        assert_eq!(
            next_time,
            [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
            "8 is waited for"
        );
    }
}
