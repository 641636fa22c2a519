//! The yardstick of schedules: other orders in which the same people could have been called.
//!
//! A list scheduler of its own calls the same people by the same policy on the same channels at the same calls per second.
//! What happens on the nth call of a number is the same as in the simulation of the whole program
//! ([`super::Population`] draws it from the seed, the number and n), so that the orders differ in nothing but order. This
//! scheduler has no journal to wait for, no network, no carrier to be careful with: it never leaves a channel free while
//! somebody may be called, and starts calls in bursts as the limit allows.
//!
//! Some orders know what a dialer knows. Others are told how every call will end ([`Order::is_clairvoyant`]): what they
//! reach shows what foresight is worth, and nobody can have it.

mod call;
mod compare;
mod list;
mod person;

pub use compare::Comparison;
pub use list::schedule;

use std::time::Duration;

/// Who is called first among those who may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// Who has been due for longest.
    LongestDue,
    /// Who was never called; then who has been due for longest.
    NewFirst,
    /// Who was called before; then who has been due for longest.
    RetriesFirst,
    /// So many new ones to one that was called before.
    Mixed(u32),
    /// Who was called the fewest times: the longest chain of calls may still be before them.
    FewestCalls,
    /// Who was called the most times: the end of the chain is near.
    MostCalls,
    /// Clairvoyant: whose calls and waits will take longest to the end (the critical path).
    CriticalPath,
    /// Clairvoyant: who will have confirmed with the least work of channels.
    LeastWork,
}

impl Order {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::LongestDue,
        Self::NewFirst,
        Self::RetriesFirst,
        Self::Mixed(1),
        Self::Mixed(2),
        Self::Mixed(3),
        Self::Mixed(4),
        Self::FewestCalls,
        Self::MostCalls,
        Self::CriticalPath,
        Self::LeastWork,
    ];

    /// Whether it is told how calls will end.
    #[must_use]
    pub fn is_clairvoyant(self) -> bool {
        matches!(self, Self::CriticalPath | Self::LeastWork)
    }

    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LongestDue => "longest due",
            Self::NewFirst => "new first",
            Self::RetriesFirst => "retries first",
            Self::Mixed(1) => "new and retries by turns",
            Self::Mixed(2) => "two new to one retry",
            Self::Mixed(3) => "three new to one retry",
            Self::Mixed(_) => "four new to one retry",
            Self::FewestCalls => "fewest calls first",
            Self::MostCalls => "most calls first",
            Self::CriticalPath => "critical path",
            Self::LeastWork => "least work",
        }
    }
}

/// How long a schedule took: until 50, 90 and 99 % of those whom it reached had confirmed, and until the last call's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times(pub [Duration; 4]);

impl Times {
    /// Out of the moments at which people confirmed, in order.
    #[must_use]
    pub fn of(reached: &[Duration], last_call: Duration) -> Self {
        let at = |share: f64| {
            let place = (reached.len() as f64 * share).ceil() as usize;
            reached.get(place.max(1) - 1).copied().unwrap_or_default()
        };
        Self([at(0.5), at(0.9), at(0.99), last_call])
    }
}

#[cfg(test)]
mod tests;
