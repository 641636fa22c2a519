//! The people of the simulation and their telephones.

use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sip_core::StatusCode;

/// What a telephone does with one call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Deed {
    /// Refused with this status, at once or after it rang.
    Refuse { status: StatusCode, rings: bool },
    /// Rings for ever.
    Ignore,
    /// The carrier says nothing at all.
    Silence,
    /// Answers after a while, presses these keys so long after the answer, perhaps hangs up.
    Answer {
        after: Duration,
        keys: Vec<(Duration, char)>,
        hangs_up: Option<Duration>,
    },
}

/// Shares of the kinds of telephone, each out of 100; what is missing to 100 answers and confirms.
#[derive(Debug, Clone, Copy)]
pub struct Population {
    /// Busy.
    pub busy: u32,
    /// Nobody is there.
    pub absent: u32,
    /// The number does not exist.
    pub unknown: u32,
    /// The carrier is short of lines (503, 500) or says nothing.
    pub congested: u32,
    /// Answers and presses nothing.
    pub silent: u32,
    /// Answers and hangs up early.
    pub hasty: u32,
    /// Listens twice before it confirms.
    pub attentive: u32,
}

impl Population {
    /// People as they are on an ordinary evening.
    pub const ORDINARY: Population = Population {
        busy: 8,
        absent: 20,
        unknown: 3,
        congested: 4,
        silent: 8,
        hasty: 6,
        attentive: 8,
    };

    /// What happens when a number is called for the `nth` time, from 1. Depends on nothing else, so that other orders of
    /// the same calls meet the same people.
    pub(super) fn deed(&self, seed: u64, number: &str, nth: u32) -> Deed {
        let digits = number.bytes().filter(u8::is_ascii_digit);
        let number = digits.fold(0u64, |sum, digit| {
            sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))
        });
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&number.to_le_bytes());
        bytes[16..20].copy_from_slice(&nth.to_le_bytes());
        self.draw(&mut ChaCha8Rng::from_seed(bytes))
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Deed {
        let mut draw = rng.random_range(0..100u32);
        let mut falls_in = |share: u32| {
            let falls = draw < share;
            if !falls {
                draw -= share;
            }
            falls
        };
        let seconds = |rng: &mut ChaCha8Rng, from: u64, to: u64| Duration::from_millis(rng.random_range(from..to));
        if falls_in(self.busy) {
            return Deed::Refuse {
                status: StatusCode::BUSY_HERE,
                rings: false,
            };
        }
        if falls_in(self.absent) {
            return Deed::Ignore;
        }
        if falls_in(self.unknown) {
            return Deed::Refuse {
                status: StatusCode::NOT_FOUND,
                rings: false,
            };
        }
        if falls_in(self.congested) {
            return match rng.random_range(0..3) {
                0 => Deed::Silence,
                1 => Deed::Refuse {
                    status: StatusCode::SERVICE_UNAVAILABLE,
                    rings: false,
                },
                _ => Deed::Refuse {
                    status: StatusCode::SERVER_INTERNAL_ERROR,
                    rings: true,
                },
            };
        }
        let after = seconds(rng, 500, 20_000);
        if falls_in(self.silent) {
            return Deed::Answer {
                after,
                keys: Vec::new(),
                hangs_up: None,
            };
        }
        if falls_in(self.hasty) {
            return Deed::Answer {
                after,
                keys: Vec::new(),
                hangs_up: Some(seconds(rng, 100, 9_000)),
            };
        }
        let first = seconds(rng, 500, 25_000);
        if falls_in(self.attentive) {
            let keys = vec![(first, '2'), (first + seconds(rng, 500, 25_000), '1')];
            return Deed::Answer {
                after,
                keys,
                hangs_up: None,
            };
        }
        // Some hang up the moment they pressed: the confirmation counts all the same.
        let hangs_up = rng.random_bool(0.2).then(|| first + seconds(rng, 0, 400));
        Deed::Answer {
            after,
            keys: vec![(first, '1')],
            hangs_up,
        }
    }
}
