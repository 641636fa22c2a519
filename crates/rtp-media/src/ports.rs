//! Which pairs of UDP ports are free: the even one for RTP, the next for RTCP (RFC 3550 §11).

use std::collections::VecDeque;
use std::ops::Range;

/// The free pairs, the longest unused first, so that late packets of an ended call do not meet a new one.
#[derive(Debug)]
pub struct Ports {
    free: VecDeque<u16>,
}

impl Ports {
    /// All pairs within `range`.
    pub fn new(range: Range<u16>) -> Ports {
        let first = range.start.next_multiple_of(2).max(2);
        let free = (first..range.end)
            .step_by(2)
            .filter(|port| port + 1 < range.end)
            .collect();
        Ports { free }
    }

    /// Begins elsewhere: after a restart, late packets of calls before it do not meet new ones either.
    pub fn turn(&mut self, places: u64) {
        if !self.free.is_empty() {
            let places = places % self.free.len() as u64;
            self.free.rotate_left(places as usize);
        }
    }

    /// How many pairs are free.
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// Takes the pair that has been free for longest; the even port.
    pub fn take(&mut self) -> Option<u16> {
        self.free.pop_front()
    }

    /// Gives a pair back.
    pub fn give_back(&mut self, port: u16) {
        self.free.push_back(port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_changes_the_order_alone() {
        let mut ports = Ports::new(4000..4008);
        ports.turn(7);
        let got: Vec<_> = std::iter::from_fn(|| ports.take()).collect();
        assert_eq!(got, [4006, 4000, 4002, 4004]);
        ports.turn(7);
        assert_eq!(ports.take(), None);
    }

    #[test]
    fn pairs_stay_within_the_range_and_start_even() {
        for (range, expected) in [
            (4001..4007, vec![4002, 4004]),
            (4000..4004, vec![4000, 4002]),
            (4000..4001, vec![]),
            (0..4, vec![2]),
        ] {
            let mut ports = Ports::new(range.clone());
            let mut got = Vec::new();
            while let Some(port) = ports.take() {
                got.push(port);
            }
            assert_eq!(got, expected, "{range:?}");
        }
    }

    #[test]
    fn a_port_given_back_is_taken_last() {
        let mut ports = Ports::new(4000..4006);
        let first = ports.take().unwrap();
        ports.give_back(first);
        assert_eq!(
            [ports.take(), ports.take(), ports.take()],
            [Some(4002), Some(4004), Some(4000)]
        );
        assert_eq!(ports.take(), None);
        assert_eq!(ports.free(), 0);
    }
}
