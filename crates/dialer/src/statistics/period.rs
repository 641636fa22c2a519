//! Periods of the calendar, in the operator's time zone.

use jiff::civil::{Date, ISOWeekDate, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// Days that a period of any days may have: ten years.
const MOST_DAYS: i32 = 3_660;

/// A span of time: from its first millisecond (UTC, since 1970) to the one after its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Span {
    /// First millisecond.
    pub from_ms: i64,
    /// The millisecond after the last one.
    pub to_ms: i64,
}

impl Span {
    /// Whether the moment lies in it.
    #[must_use]
    pub fn holds(self, at_ms: i64) -> bool {
        (self.from_ms..self.to_ms).contains(&at_ms)
    }

    /// Its length up to now, in milliseconds.
    #[must_use]
    pub fn elapsed(self, now_ms: i64) -> u64 {
        u64::try_from(self.to_ms.min(now_ms) - self.from_ms).unwrap_or(0)
    }
}

/// A unit of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// One hour; only as a part of a day.
    Hour,
    /// One day.
    Day,
    /// Monday to Sunday (ISO 8601).
    Week,
    /// One month.
    Month,
    /// Three months.
    Quarter,
    /// One year.
    Year,
}

/// A period of the calendar. Written `2026`, `2026-Q4`, `2026-11`, `2026-W48`, `2026-11-25` or
/// `2026-11-01..2026-11-15` (both days included).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    unit: Option<Unit>,
    first: Date,
    /// The day after the last one.
    end: Date,
}

/// Why a text is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "“{0}” is no period; write 2026, 2026-Q4, 2026-11, 2026-W48, 2026-11-25 or 2026-11-01..2026-11-15 (ten years at most)"
)]
pub struct PeriodError(pub String);

impl Period {
    /// The day, week, month, quarter or year that holds a day. An hour is taken for its day.
    #[must_use]
    pub fn containing(unit: Unit, day: Date) -> Self {
        let first = match unit {
            Unit::Hour | Unit::Day => day,
            Unit::Week => monday(day),
            Unit::Month => day.first_of_month(),
            Unit::Quarter => date(day.year(), (day.month() - 1) / 3 * 3 + 1, 1),
            Unit::Year => day.first_of_year(),
        };
        let unit = if unit == Unit::Hour { Unit::Day } else { unit };
        Self {
            unit: Some(unit),
            first,
            end: step(first, unit, 1),
        }
    }

    /// From the first day to the last, both included. `None` if they are not in order, or too far from each other.
    #[must_use]
    pub fn between(first: Date, last: Date) -> Option<Self> {
        let days = (last - first).get_days();
        (0..MOST_DAYS).contains(&days).then(|| Self {
            unit: None,
            first,
            end: step(last, Unit::Day, 1),
        })
    }

    /// Its unit; `None` for a period of any days.
    #[must_use]
    pub fn unit(&self) -> Option<Unit> {
        self.unit
    }

    /// Its first day.
    #[must_use]
    pub fn first(&self) -> Date {
        self.first
    }

    /// Its last day.
    #[must_use]
    pub fn last(&self) -> Date {
        step(self.end, Unit::Day, -1)
    }

    /// The period of the same length before it.
    #[must_use]
    pub fn previous(&self) -> Self {
        match self.unit {
            Some(unit) => Self::containing(unit, step(self.first, Unit::Day, -1)),
            None => Self {
                unit: None,
                first: self.first - (self.end - self.first),
                end: self.first,
            },
        }
    }

    /// The period of the same length after it.
    #[must_use]
    pub fn next(&self) -> Self {
        match self.unit {
            Some(unit) => Self::containing(unit, self.end),
            None => Self {
                unit: None,
                first: self.end,
                end: self.end + (self.end - self.first),
            },
        }
    }

    /// Its span of time in a zone. Days on which clocks change have 23 or 25 hours.
    #[must_use]
    pub fn span(&self, zone: &TimeZone) -> Span {
        Span {
            from_ms: midnight(self.first, zone),
            to_ms: midnight(self.end, zone),
        }
    }

    /// The parts that a curve of this period shows: hours of a day, days of a week or a month, months of what is longer.
    #[must_use]
    pub fn parts(&self, zone: &TimeZone) -> (Unit, Vec<Span>) {
        let days = (self.end - self.first).get_days();
        if days == 1 {
            let span = self.span(zone);
            let hour = 3_600_000;
            let starts = (0..)
                .map(|n| span.from_ms + n * hour)
                .take_while(|start| *start < span.to_ms);
            let parts = starts.map(|from_ms| Span {
                from_ms,
                to_ms: (from_ms + hour).min(span.to_ms),
            });
            return (Unit::Hour, parts.collect());
        }
        let unit = if days <= 62 { Unit::Day } else { Unit::Month };
        let mut parts = Vec::new();
        let mut first = self.first;
        while first < self.end {
            let next = step(Self::containing(unit, first).first, unit, 1).min(self.end);
            if next <= first {
                break;
            }
            parts.push(Span {
                from_ms: midnight(first, zone),
                to_ms: midnight(next, zone),
            });
            first = next;
        }
        (unit, parts)
    }
}

fn monday(day: Date) -> Date {
    let back = i32::from(day.weekday().to_monday_zero_offset());
    step(day, Unit::Day, -back)
}

/// So many units later. At the ends of the calendar (year 9999) it stays where it is.
fn step(day: Date, unit: Unit, by: i32) -> Date {
    let span = match unit {
        Unit::Hour | Unit::Day => by.days(),
        Unit::Week => by.weeks(),
        Unit::Month => by.months(),
        Unit::Quarter => (by * 3).months(),
        Unit::Year => by.years(),
    };
    day.saturating_add(span)
}

fn midnight(day: Date, zone: &TimeZone) -> i64 {
    day.to_zoned(zone.clone())
        .map_or(0, |midnight| midnight.timestamp().as_millisecond())
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.first;
        match self.unit {
            Some(Unit::Year) => write!(f, "{:04}", first.year()),
            Some(Unit::Quarter) => write!(f, "{:04}-Q{}", first.year(), (first.month() - 1) / 3 + 1),
            Some(Unit::Month) => write!(f, "{:04}-{:02}", first.year(), first.month()),
            Some(Unit::Week) => {
                let week = first.iso_week_date();
                write!(f, "{:04}-W{:02}", week.year(), week.week())
            }
            Some(Unit::Day | Unit::Hour) => write!(f, "{first}"),
            None => write!(f, "{first}..{}", self.last()),
        }
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let text = text.trim();
        read(text).ok_or_else(|| PeriodError(text.chars().take(40).collect()))
    }
}

fn read(text: &str) -> Option<Period> {
    if let Some((first, last)) = text.split_once("..") {
        return Period::between(day(first)?, day(last)?);
    }
    let (year, rest) = match text.split_once('-') {
        None => (text, ""),
        Some(parts) => parts,
    };
    let year: i16 = digits(year, 4)?;
    if !(1970..=2999).contains(&year) {
        return None;
    }
    let (unit, day) = match rest.as_bytes().first() {
        None if !text.contains('-') => (Unit::Year, date(year, 1, 1)),
        Some(b'Q' | b'T') => {
            let quarter: i8 = digits(&rest[1..], 1)?;
            (Unit::Quarter, Date::new(year, (quarter - 1) * 3 + 1, 1).ok()?)
        }
        Some(b'W' | b'S') => {
            let week = ISOWeekDate::new(year, digits(&rest[1..], 2)?, Weekday::Monday).ok()?;
            (Unit::Week, week.date())
        }
        _ if rest.len() == 2 => (Unit::Month, Date::new(year, digits(rest, 2)?, 1).ok()?),
        _ => (Unit::Day, self::day(text)?),
    };
    Some(Period::containing(unit, day))
}

/// `2026-11-25`, and nothing else that looks like a day.
fn day(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let date = Date::new(digits(year, 4)?, digits(month, 2)?, digits(day, 2)?).ok()?;
    (parts.next().is_none() && (1970..=2999).contains(&date.year())).then_some(date)
}

fn digits<T: FromStr>(text: &str, count: usize) -> Option<T> {
    let fits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// The civil day of a moment.
#[must_use]
pub(super) fn day_of(at_ms: i64, zone: &TimeZone) -> Date {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    zone.to_datetime(at).date()
}

impl Period {
    /// The period of this unit that holds a moment.
    #[must_use]
    pub fn at(unit: Unit, at_ms: i64, zone: &TimeZone) -> Self {
        Self::containing(unit, day_of(at_ms, zone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mainland_france;

    #[test]
    fn periods_are_read_and_written() {
        for (text, first, last) in [
            ("2026", date(2026, 1, 1), date(2026, 12, 31)),
            ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
            ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
            ("2026-W01", date(2025, 12, 29), date(2026, 1, 4)),
            ("2026-W53", date(2026, 12, 28), date(2027, 1, 3)),
            ("2026-11-25", date(2026, 11, 25), date(2026, 11, 25)),
            ("2026-11-01..2026-11-15", date(2026, 11, 1), date(2026, 11, 15)),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!((period.first(), period.last()), (first, last), "{text}");
            assert_eq!(period.to_string(), text);
            assert_eq!(period.previous().next(), period, "{text}");
            assert_eq!(period.previous().last(), step(first, Unit::Day, -1), "{text}");
        }
        for (text, same) in [("2026-T1", "2026-Q1"), ("2026-S07", "2026-W07"), (" 2026 ", "2026")] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), same);
        }
        for wrong in [
            "",
            "-",
            "2026-",
            "20",
            "2026-13",
            "2026-00",
            "2026-Q5",
            "2026-Q0",
            "2027-W53",
            "2026-W00",
            "2026-02-30",
            "2026-11-15..2026-11-01",
            "1969",
            "9999",
            "2026-1-1",
            "2026-11-25-1",
            "1990-01-01..2026-01-01",
            "2026-Qé",
            "+026",
            "2026-Q",
        ] {
            assert_eq!(wrong.parse::<Period>(), Err(PeriodError(wrong.into())), "{wrong}");
        }
    }

    #[test]
    fn days_on_which_clocks_change_are_longer_or_shorter() {
        let zone = mainland_france();
        let hours = |text: &str| {
            let (unit, parts) = text.parse::<Period>().unwrap().parts(&zone);
            assert_eq!(unit, Unit::Hour);
            parts.len()
        };
        assert_eq!(
            (hours("2026-03-29"), hours("2026-03-30"), hours("2026-10-25")),
            (23, 24, 25)
        );
    }

    #[test]
    fn parts_follow_each_other_and_fill_the_period() {
        let zone = mainland_france();
        for (text, unit, count) in [
            ("2026-11-25", Unit::Hour, 24),
            ("2026-W48", Unit::Day, 7),
            ("2026-11", Unit::Day, 30),
            ("2026-Q4", Unit::Month, 3),
            ("2026", Unit::Month, 12),
            ("2026-11-15..2027-02-10", Unit::Month, 4),
        ] {
            let period: Period = text.parse().unwrap();
            let (found, parts) = period.parts(&zone);
            assert_eq!((found, parts.len()), (unit, count), "{text}");
            let span = period.span(&zone);
            assert_eq!(
                (parts[0].from_ms, parts[count - 1].to_ms),
                (span.from_ms, span.to_ms),
                "{text}"
            );
            assert!(parts.windows(2).all(|pair| pair[0].to_ms == pair[1].from_ms), "{text}");
        }
    }
}
