//! Delays and other spread values, told by their quantiles.

use serde::Serialize;

/// How a set of durations is spread. Quantiles are nearest ranks: each is a duration that occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Delays {
    /// How many durations there are.
    pub count: u64,
    /// Half are at most this, in milliseconds.
    pub median_ms: u64,
    /// 90 % are at most this, in milliseconds.
    pub ninety_ms: u64,
    /// 99 % are at most this, in milliseconds.
    pub ninety_nine_ms: u64,
    /// The longest, in milliseconds.
    pub last_ms: u64,
}

impl Delays {
    /// Of these durations, in milliseconds. `None` when there is none.
    #[must_use]
    pub fn of(mut durations: Vec<u64>) -> Option<Self> {
        durations.sort_unstable();
        Some(Self {
            count: durations.len() as u64,
            median_ms: quantile(&durations, 50)?,
            ninety_ms: quantile(&durations, 90)?,
            ninety_nine_ms: quantile(&durations, 99)?,
            last_ms: *durations.last()?,
        })
    }
}

/// The value that `percent` of the sorted values do not exceed.
pub(super) fn quantile<T: Copy>(sorted: &[T], percent: usize) -> Option<T> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        assert_eq!(Delays::of(Vec::new()), None);
        let one = Delays::of(vec![7]).unwrap();
        assert_eq!(
            (one.count, one.median_ms, one.ninety_nine_ms, one.last_ms),
            (1, 7, 7, 7)
        );
        let hundred = Delays::of((1..=100).rev().collect()).unwrap();
        assert_eq!(
            (
                hundred.median_ms,
                hundred.ninety_ms,
                hundred.ninety_nine_ms,
                hundred.last_ms
            ),
            (50, 90, 99, 100)
        );
        let three = Delays::of(vec![30, 10, 20]).unwrap();
        assert_eq!((three.median_ms, three.ninety_ms), (20, 30));
    }
}
