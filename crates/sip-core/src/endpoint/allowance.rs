//! How much strangers may cost us in one second: in all, and each address for itself.

use std::time::{Duration, Instant};

/// Addresses are told apart by so many places; those that share one share its part.
const PLACES: usize = 4_096;

/// A number of things a second. A flood from one address leaves the others theirs, and an address whose name is abused for a flood
/// is not hit by our answers.
pub(crate) struct Allowance {
    total: u32,
    each: u16,
    left: u32,
    used: Box<[u16; PLACES]>,
    began: Option<Instant>,
}

impl Allowance {
    pub fn new(total: u32, each: u16) -> Allowance {
        Allowance {
            total,
            each,
            left: total,
            used: Box::new([0; PLACES]),
            began: None,
        }
    }

    /// Whether one more fits into this second. `source` is a number that stands for the address.
    pub fn take(&mut self, now: Instant, source: u64) -> bool {
        let is_over = |began: Instant| now.saturating_duration_since(began) >= Duration::from_secs(1);
        if self.began.is_none_or(is_over) {
            self.began = Some(now);
            self.left = self.total;
            self.used.fill(0);
        }
        let place = &mut self.used[source as usize % PLACES];
        if self.left == 0 || *place >= self.each {
            return false;
        }
        *place += 1;
        self.left -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_part_and_all_together_theirs() {
        let mut allowance = Allowance::new(10, 4);
        let now = Instant::now();
        let taken = |allowance: &mut Allowance, now, source| (0..100).filter(|_| allowance.take(now, source)).count();
        assert_eq!(taken(&mut allowance, now, 1), 4);
        assert_eq!(taken(&mut allowance, now, 2), 4);
        assert_eq!(taken(&mut allowance, now, 3), 2, "all together");
        assert_eq!(taken(&mut allowance, now, 4), 0);
        let later = now + Duration::from_secs(1);
        assert_eq!(taken(&mut allowance, later, 4), 4);
        assert_eq!(taken(&mut allowance, later, 1), 4);
    }
}
