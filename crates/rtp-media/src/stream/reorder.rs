//! Puts a few packets back into order for those who listen. Playing needs more patience than detecting: nobody hears
//! this audio live, so a packet waits only for the few that overtook it.

use crate::rtp::Packet;
use crate::session::Codec;

/// Packets that may wait for an earlier one; 60 ms at 20 ms each.
const WAITING: usize = 3;
/// Longest payload that is kept: 180 ms of G.711, as much as a decoder takes.
const PAYLOAD_MAX: usize = 1_440;

/// A packet in order.
#[derive(Clone)]
pub(super) struct Held {
    sequence: u16,
    pub(super) timestamp: u32,
    /// `None` for packets that are no audio, which only take a place in the sequence.
    pub(super) codec: Option<Codec>,
    len: usize,
    bytes: [u8; PAYLOAD_MAX],
}

impl Held {
    pub(super) fn payload(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Packets that wait for an earlier one.
#[derive(Default)]
pub(super) struct Reorder {
    /// The sequence number that is heard next.
    next: Option<u16>,
    waiting: Vec<Held>,
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
                self.waiting.push(Held::new(packet, codec));
                false
            }
            // Its place was given up already.
            -100..0 => false,
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
        if distance(&self.waiting[index]) > 0 && self.waiting.len() <= WAITING {
            return None;
        }
        let held = self.waiting.swap_remove(index);
        self.next = Some(held.sequence.wrapping_add(1));
        Some(held)
    }
}

impl Held {
    fn new(packet: &Packet<'_>, codec: Option<Codec>) -> Held {
        let len = packet.payload.len().min(PAYLOAD_MAX);
        let mut bytes = [0; PAYLOAD_MAX];
        bytes[..len].copy_from_slice(&packet.payload[..len]);
        Held {
            sequence: packet.header.sequence,
            timestamp: packet.header.timestamp,
            codec,
            len,
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
            heard.extend(std::iter::from_fn(|| reorder.pop()).map(|held| held.sequence));
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
    }
}
