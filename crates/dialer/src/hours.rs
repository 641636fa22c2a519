//! Hours of the week in which calls may start, and in which they may not.

use crate::Policy;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const DAY: u16 = 1440;

/// Hours of some days of the week, in local time. Hours that end before they begin (22:00 to 07:00) last into the next
/// day; their days are those on which they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Monday is bit 0, Sunday bit 6; 127: every day.
    pub days: u8,
    /// First minute of the day, from 0.
    pub from_minute: u16,
    /// The minute after the last one, at most 1440.
    pub to_minute: u16,
}

impl Hours {
    /// Whether these are hours at all.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        (1..128).contains(&self.days)
            && self.from_minute < DAY
            && (1..=DAY).contains(&self.to_minute)
            && self.from_minute != self.to_minute
    }

    /// Whether a minute of a day lies in them. Monday is day 0.
    #[must_use]
    pub fn contains(&self, day: u8, minute: u16) -> bool {
        let begins_on = |day: u8| self.days & (1 << (day % 7)) != 0;
        if self.from_minute < self.to_minute {
            begins_on(day) && (self.from_minute..self.to_minute).contains(&minute)
        } else {
            begins_on(day) && minute >= self.from_minute || begins_on(day + 6) && minute < self.to_minute
        }
    }
}

/// Whether a policy lets calls start at a minute of a day.
pub(crate) fn is_open(policy: &Policy, day: u8, minute: u16) -> bool {
    let within = |hours: &[Hours]| hours.iter().any(|hours| hours.contains(day, minute));
    (policy.allowed_hours.is_empty() || within(&policy.allowed_hours)) && !within(&policy.quiet_hours)
}

/// Whether any minute of the week lets calls start.
pub(crate) fn is_ever_open(policy: &Policy) -> bool {
    (0..7).any(|day| (0..DAY).any(|minute| is_open(policy, day, minute)))
}

/// Whether calls may start at a wall-clock time, and how long that stays so (at most to the end of the day).
pub(crate) fn hours(utc_ms: i64, policy: &Policy, zone: &TimeZone) -> (bool, Duration) {
    let timestamp = jiff::Timestamp::from_millisecond(utc_ms).unwrap_or_default();
    let local = timestamp.to_zoned(zone.clone());
    let day = u8::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0);
    let minute = u16::try_from(local.hour()).unwrap_or(0) * 60 + u16::try_from(local.minute()).unwrap_or(0);
    let second = u64::try_from(local.second()).unwrap_or(0);
    let now = is_open(policy, day, minute);
    // Only at the bounds of hours can it change.
    let bounds = policy.allowed_hours.iter().chain(&policy.quiet_hours);
    let next = bounds
        .flat_map(|hours| [hours.from_minute, hours.to_minute])
        .filter(|bound| *bound > minute && *bound < DAY && is_open(policy, day, *bound) != now)
        .min()
        .unwrap_or(DAY);
    let left = (u64::from(next - minute) * 60).saturating_sub(second).max(1);
    (now, Duration::from_secs(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;

    #[test]
    fn quiet_hours_last_over_midnight_and_win_over_allowed_ones() {
        let night = Hours {
            days: 0b000_0001,
            from_minute: 22 * 60,
            to_minute: 7 * 60,
        };
        let policy = Policy {
            quiet_hours: vec![night],
            ..Preset::Immediate.policy()
        };
        for (day, hour, expected) in [
            (0, 21, true),
            (0, 22, false),
            (0, 23, false),
            (1, 0, false),
            (1, 6, false),
            (1, 7, true),
            (1, 23, true),
            (2, 3, true),
            (0, 3, true),
        ] {
            assert_eq!(is_open(&policy, day, hour * 60), expected, "day {day}, {hour} h");
        }
        let sunday = Hours {
            days: 0b100_0000,
            ..night
        };
        assert!(sunday.contains(0, 0) && !sunday.contains(1, 0) && sunday.contains(6, 1439));
        let both = Policy {
            allowed_hours: vec![Hours {
                days: 127,
                from_minute: 6 * 60,
                to_minute: 8 * 60,
            }],
            quiet_hours: vec![Hours { days: 127, ..night }],
            ..policy
        };
        assert!(!is_open(&both, 3, 6 * 60) && is_open(&both, 3, 7 * 60) && !is_open(&both, 3, 8 * 60));
    }

    #[test]
    fn the_answer_says_until_when_it_stands() {
        let policy = Policy {
            quiet_hours: vec![Hours {
                days: 127,
                from_minute: 20 * 60,
                to_minute: 8 * 60,
            }],
            ..Preset::Immediate.policy()
        };
        let zone = crate::mainland_france();
        // Tuesday, 25 November 2025, 12:00 UTC: 13:00 in Paris.
        let noon = 1_764_072_000_000;
        assert_eq!(hours(noon, &policy, &zone), (true, Duration::from_secs(7 * 3600)));
        let evening = noon + 8 * 3_600_000 + 30_000;
        assert_eq!(
            hours(evening, &policy, &zone),
            (false, Duration::from_secs(3 * 3600 - 30))
        );
        let night = noon + 12 * 3_600_000;
        assert_eq!(hours(night, &policy, &zone), (false, Duration::from_secs(7 * 3600)));
    }
}
