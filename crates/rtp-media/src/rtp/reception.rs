//! What the arrivals of one sender's packets tell: order, loss, jitter (RFC 3550 A.1, A.3, A.8).

use std::time::{Duration, Instant};

/// A jump ahead by more than this is a restart of the sender, not loss (RFC 3550 A.1).
const MAX_DROPOUT: u16 = 3_000;
/// A step back by more than this is a restart too.
const MAX_MISORDER: u16 = 100;

/// What is to be done with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The newest so far, the given number of packets after the one before (1 when none is missing).
    Next {
        /// Steps of the sequence number.
        step: u16,
    },
    /// Late: a later one has come already. Its content is new.
    Late,
    /// Came before.
    Duplicate,
    /// The sender seems to have started its numbering afresh; believed if the next packet follows on.
    Suspect,
}

/// Reception of one SSRC.
#[derive(Debug, Clone)]
pub struct Reception {
    /// Who sends.
    pub ssrc: u32,
    base: u32,
    /// Highest sequence number, extended by the count of its wraps.
    highest: u32,
    /// The 64 numbers up to `highest` that have come; bit 0 is `highest`.
    seen: u64,
    received: u32,
    duplicates: u32,
    reordered: u32,
    /// Where a restart would go on.
    suspect: Option<u16>,
    // Of restarts before this one.
    earlier_lost: u64,
    earlier_received: u64,
    /// At the last report (A.3).
    expected_prior: u32,
    received_prior: u32,
    transit: Option<(Instant, u32, u32)>,
    /// In 1/16 of a clock unit, as A.8 keeps it.
    jitter: u32,
    max_jitter: u32,
    clock: u32,
}

impl Reception {
    /// Starts with the first packet.
    pub fn new(ssrc: u32, sequence: u16, clock: u32) -> Reception {
        Reception {
            ssrc,
            base: u32::from(sequence),
            highest: u32::from(sequence),
            seen: 0,
            received: 0,
            duplicates: 0,
            reordered: 0,
            suspect: None,
            earlier_lost: 0,
            earlier_received: 0,
            expected_prior: 0,
            received_prior: 0,
            transit: None,
            jitter: 0,
            max_jitter: 0,
            clock,
        }
    }

    /// A packet came (A.1).
    pub fn handle_packet(&mut self, sequence: u16) -> Admission {
        let step = sequence.wrapping_sub(self.highest as u16);
        if self.seen == 0 || step == 0 {
            if self.seen & 1 != 0 {
                self.duplicates += 1;
                return Admission::Duplicate;
            }
            self.seen |= 1;
            self.received += 1;
            return Admission::Next { step: 1 };
        }
        if step < MAX_DROPOUT {
            self.highest = self.highest.wrapping_add(u32::from(step));
            self.seen = if step < 64 { self.seen << step | 1 } else { 1 };
            self.received += 1;
            self.suspect = None;
            return Admission::Next { step };
        }
        let back = step.wrapping_neg();
        if back <= MAX_MISORDER {
            // Beyond the window it cannot be told whether it came before; it is far too late to matter.
            let bit = 1u64.checked_shl(u32::from(back)).unwrap_or(0);
            if bit == 0 || self.seen & bit != 0 {
                self.duplicates += 1;
                return Admission::Duplicate;
            }
            if u32::from(back) > self.highest.wrapping_sub(self.base) {
                // Older than the first packet we saw.
                self.base = self.highest.wrapping_sub(u32::from(back));
            }
            self.seen |= bit;
            self.received += 1;
            self.reordered += 1;
            return Admission::Late;
        }
        if self.suspect == Some(sequence) {
            self.restart(sequence);
            return Admission::Next { step: 1 };
        }
        self.suspect = Some(sequence.wrapping_add(1));
        Admission::Suspect
    }

    fn restart(&mut self, sequence: u16) {
        self.earlier_lost = self.lost();
        self.earlier_received = self.received();
        self.base = u32::from(sequence);
        self.highest = u32::from(sequence);
        self.seen = 1;
        self.received = 1;
        self.suspect = None;
        self.expected_prior = 0;
        self.received_prior = 0;
        self.transit = None;
    }

    /// When an audio packet came, for the jitter (A.8). Not for events: all packets of one event share one timestamp.
    pub fn handle_arrival(&mut self, at: Instant, timestamp: u32) {
        // Transit is measured from the first packet, so the units never overflow within a call.
        let (start, first, before) = *self.transit.get_or_insert((at, timestamp, 0));
        let arrival = units(at.saturating_duration_since(start), self.clock);
        let transit = arrival.wrapping_sub(timestamp.wrapping_sub(first));
        let difference = (transit.wrapping_sub(before) as i32).unsigned_abs();
        self.transit = Some((start, first, transit));
        // A jump of the timestamp by more than ten seconds is a new source behind the same SSRC, not jitter.
        if difference < self.clock * 10 {
            self.jitter = self
                .jitter
                .wrapping_add(difference)
                .wrapping_sub((self.jitter + 8) >> 4);
            self.max_jitter = self.max_jitter.max(self.jitter);
        }
    }

    /// Highest sequence number with its wraps, for receiver reports.
    pub fn highest(&self) -> u32 {
        self.highest
    }

    /// Different packets received.
    pub fn received(&self) -> u64 {
        self.earlier_received + u64::from(self.received)
    }

    /// Packets that came twice.
    pub fn duplicates(&self) -> u64 {
        u64::from(self.duplicates)
    }

    /// Packets that came after a later one.
    pub fn reordered(&self) -> u64 {
        u64::from(self.reordered)
    }

    /// Packets that never came (yet).
    pub fn lost(&self) -> u64 {
        self.earlier_lost + u64::from(self.expected().saturating_sub(self.received))
    }

    /// Interarrival jitter in clock units.
    pub fn jitter(&self) -> u32 {
        self.jitter >> 4
    }

    /// Interarrival jitter in milliseconds, and its highest so far.
    pub fn jitter_ms(&self) -> (f32, f32) {
        let scale = 1000.0 / 16.0 / self.clock as f32;
        (self.jitter as f32 * scale, self.max_jitter as f32 * scale)
    }

    /// Share of packets lost since the last call, in 1/256 (A.3). For each receiver report once.
    pub fn take_fraction_lost(&mut self) -> u8 {
        let expected = self.expected().wrapping_sub(self.expected_prior);
        let received = self.received.wrapping_sub(self.received_prior);
        self.expected_prior = self.expected();
        self.received_prior = self.received;
        let lost = expected.saturating_sub(received);
        (lost << 8).checked_div(expected).unwrap_or(0).min(255) as u8
    }

    fn expected(&self) -> u32 {
        if self.seen == 0 {
            0
        } else {
            self.highest.wrapping_sub(self.base).wrapping_add(1)
        }
    }
}

fn units(time: Duration, clock: u32) -> u32 {
    (time.as_micros() as u64)
        .wrapping_mul(u64::from(clock))
        .wrapping_div(1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(sequences: impl IntoIterator<Item = u16>) -> (Reception, Vec<Admission>) {
        let mut sequences = sequences.into_iter().peekable();
        let mut reception = Reception::new(7, *sequences.peek().unwrap(), 8_000);
        let admissions = sequences.map(|s| reception.handle_packet(s)).collect();
        (reception, admissions)
    }

    #[test]
    fn sequences_are_judged_as_a_1_says() {
        use Admission::*;
        let next = Next { step: 1 };
        let cases: [(&str, Vec<u16>, Vec<Admission>, u64); 8] = [
            ("in order", vec![1, 2, 3], vec![next; 3], 0),
            ("over the wrap", vec![65_534, 65_535, 0, 1], vec![next; 4], 0),
            ("one lost", vec![1, 2, 4], vec![next, next, Next { step: 2 }], 1),
            ("one late", vec![1, 3, 2], vec![next, Next { step: 2 }, Late], 0),
            (
                "late over the wrap",
                vec![65_535, 1, 0],
                vec![next, Next { step: 2 }, Late],
                0,
            ),
            ("twice", vec![1, 2, 2, 1], vec![next, next, Duplicate, Duplicate], 0),
            ("older than the first", vec![5, 4], vec![next, Late], 0),
            ("restart", vec![1, 2, 9_000, 9_001], vec![next, next, Suspect, next], 0),
        ];
        for (name, sequences, expected, lost) in cases {
            let (reception, admissions) = feed(sequences);
            assert_eq!(admissions, expected, "{name}");
            assert_eq!(reception.lost(), lost, "{name}");
        }
    }

    #[test]
    fn a_stray_packet_does_not_restart_the_numbering() {
        let (reception, admissions) = feed([100, 101, 30_000, 102]);
        assert_eq!(admissions[2..], [Admission::Suspect, Admission::Next { step: 1 }]);
        assert_eq!((reception.lost(), reception.received()), (0, 3));
    }

    #[test]
    fn loss_before_a_restart_is_not_forgotten() {
        let (reception, _) = feed([1, 2, 5, 40_000, 40_001, 40_003]);
        assert_eq!((reception.lost(), reception.received()), (3, 5));
    }

    #[test]
    fn the_highest_number_counts_the_wraps() {
        let (reception, _) = feed((0..70_000u32).map(|n| n as u16));
        assert_eq!(reception.highest(), 69_999);
        assert_eq!((reception.lost(), reception.received()), (0, 70_000));
    }

    #[test]
    fn fractions_are_of_the_time_since_the_last_report() {
        let (mut reception, _) = feed([1, 2, 3, 5]);
        assert_eq!(reception.take_fraction_lost(), 51, "one of five");
        for sequence in 6..10 {
            reception.handle_packet(sequence);
        }
        assert_eq!(reception.take_fraction_lost(), 0);
        assert_eq!(reception.take_fraction_lost(), 0, "nothing expected");
    }

    #[test]
    fn jitter_converges_to_the_mean_difference() {
        let start = Instant::now();
        let mut reception = Reception::new(7, 0, 8_000);
        for n in 0..2_000u32 {
            // Every other packet comes 10 ms late: each difference is 10 ms, 80 units.
            let late = if n % 2 == 0 { 0 } else { 10 };
            reception.handle_arrival(start + Duration::from_millis(u64::from(n * 20 + late)), n * 160);
        }
        assert!((79..=80).contains(&reception.jitter()), "{}", reception.jitter());
        let (now, max) = reception.jitter_ms();
        assert!((9.8..10.1).contains(&now) && max >= now);
    }

    #[test]
    fn steady_packets_have_no_jitter_even_over_the_timestamp_wrap() {
        let start = Instant::now();
        let mut reception = Reception::new(7, 0, 8_000);
        for n in 0..500u32 {
            let timestamp = (u32::MAX - 8_000).wrapping_add(n * 160);
            reception.handle_arrival(start + Duration::from_millis(u64::from(n * 20)), timestamp);
        }
        assert_eq!(reception.jitter(), 0);
    }
}
