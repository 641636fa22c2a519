//! What calls cost.

use crate::E164;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The price of calls to the numbers that begin with a prefix. The longest prefix that fits decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tariff {
    /// E.164 digits without "+"; empty: every number.
    pub prefix: String,
    /// Per answered call, in millionths of a euro.
    pub per_call_micros: u64,
    /// Per minute, in millionths of a euro.
    pub per_minute_micros: u64,
    /// Seconds billed at least once a call is answered.
    pub first_step_s: u32,
    /// Step in which further seconds are billed; 1: by the second, 60: by the minute.
    pub step_s: u32,
    /// Per part of a text message, in millionths of a euro.
    #[serde(default)]
    pub per_part_micros: u64,
}

/// What one call cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bill {
    /// Seconds that are billed.
    pub seconds: u32,
    /// Millionths of a euro.
    pub micros: u64,
}

impl Tariff {
    /// The bill of a call that was answered for `talking`; nothing is billed for an unanswered one.
    #[must_use]
    pub fn bill(&self, talking: Duration) -> Bill {
        if talking.is_zero() {
            return Bill::default();
        }
        let exact = u32::try_from(talking.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        let step = self.step_s.max(1);
        let first = self.first_step_s.max(1);
        let seconds = if exact <= first {
            first
        } else {
            first + (exact - first).div_ceil(step).saturating_mul(step)
        };
        Bill {
            seconds,
            micros: self
                .per_call_micros
                .saturating_add(self.per_minute_micros.saturating_mul(u64::from(seconds)) / 60),
        }
    }

    /// The bill of a text message of so many parts.
    #[must_use]
    pub fn bill_parts(&self, parts: u32) -> Bill {
        Bill {
            seconds: 0,
            micros: self.per_part_micros.saturating_mul(u64::from(parts)),
        }
    }
}

/// The tariff for a number: the longest prefix that fits.
#[must_use]
pub fn tariff_of(tariffs: &[Tariff], number: E164) -> Option<&Tariff> {
    place_of(tariffs, number).and_then(|at| tariffs.get(at))
}

/// The place of the tariff for a number.
pub(crate) fn place_of(tariffs: &[Tariff], number: E164) -> Option<usize> {
    let digits = number.digits();
    (0..tariffs.len())
        .filter(|at| digits.starts_with(&tariffs[*at].prefix))
        .max_by_key(|at| tariffs[*at].prefix.len())
}
