//! What calls cost and how many may go to one place: `[[trunk.tariff]]` and `[[throttle]]` of the configuration.

use std::time::Duration;

use dialer::{Tariff, Throttle};

use super::reader::Section;
use crate::words::Phrase;

/// Longest billing step.
const LONGEST_STEP: Duration = Duration::from_secs(3600);

pub(super) fn read_tariff(section: &mut Section<'_, '_>) -> Option<Tariff> {
    let prefix = section.read_with("prefix", prefix).unwrap_or_default();
    let per_call_micros = section.read_with("per_call", euros);
    let per_minute_micros = section.read_with("per_minute", euros);
    let per_part_micros = section.read_with("per_sms", euros);
    let step = Duration::from_secs(1)..LONGEST_STEP;
    let first = section.duration("first_step", step.clone());
    let next = section.duration("step", step);
    let has_price = ["per_call", "per_minute", "per_sms"].iter().any(|key| section.has(key));
    if !has_price {
        section.missing("per_minute", "config-purpose-price");
    }
    let seconds = |step: Option<Duration>| u32::try_from(step.map_or(1, |step| step.as_secs())).unwrap_or(1);
    Some(Tariff {
        prefix,
        per_call_micros: per_call_micros.unwrap_or(0),
        per_minute_micros: per_minute_micros.unwrap_or(0),
        first_step_s: seconds(first),
        step_s: seconds(next),
        per_part_micros: per_part_micros.unwrap_or(0),
    })
}

pub(super) fn read_throttle(section: &mut Section<'_, '_>) -> Option<Throttle> {
    let given = section.read_with("prefix", prefix);
    let calls = section.integer("calls", 1..100_001);
    if !section.has("prefix") {
        section.missing("prefix", "config-purpose-throttle-prefix");
    }
    if !section.has("calls") {
        section.missing("calls", "config-purpose-throttle-calls");
    }
    Some(Throttle {
        prefix: given?,
        calls: calls? as u32,
    })
}

/// `+33322` as digits.
fn prefix(text: &str) -> Result<String, Phrase> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Phrase::new("config-expected-prefix"));
    }
    Ok(digits.to_owned())
}

/// A price in euros, in whole millionths: written as a text, because a binary fraction would not be exact.
fn euros(text: &str) -> Result<u64, Phrase> {
    let wrong = || Phrase::new("config-expected-euros");
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 6 || fraction.len() > 6 || !are_digits(whole) || !are_digits(fraction) {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let fraction: u64 = format!("{fraction:0<6}").parse().map_err(|_| wrong())?;
    Ok(whole * 1_000_000 + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact() {
        for (text, expected) in [
            ("0.0125", Some(12_500)),
            ("0,1", Some(100_000)),
            ("2", Some(2_000_000)),
            ("0.000001", Some(1)),
            ("0.0000001", None),
            ("-1", None),
            ("1e3", None),
            ("", None),
            (".5", None),
            ("1 000", None),
        ] {
            assert_eq!(euros(text).ok(), expected, "{text}");
        }
    }
}
