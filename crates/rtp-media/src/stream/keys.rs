//! One key pressed is one key reported, though it may be heard as an event and as tones.

use std::time::{Duration, Instant};

use crate::command::DigitSource;

/// A gateway that turns tones into events may be this late with them.
const LATENESS: Duration = Duration::from_millis(1_500);
const REMEMBERED: usize = 8;

/// Decides which of the keys heard are news.
///
/// Once a call has proved that it brings events, they are the truth and its tones are no longer listened to: an event
/// cannot be talked off, and what leaks into the audio is at best a repetition. Before that, tones count at once, and
/// an event that follows for the same key is the repetition.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    events_heard: bool,
    /// Keys heard as tones for which no event came, oldest first.
    unmatched: [Option<(char, Instant)>; REMEMBERED],
}

impl Keys {
    /// A key was heard. True if it is to be reported.
    pub(crate) fn handle_digit(&mut self, now: Instant, digit: char, source: DigitSource) -> bool {
        match source {
            DigitSource::InBand if self.events_heard => false,
            DigitSource::InBand => {
                self.unmatched.rotate_left(1);
                self.unmatched[REMEMBERED - 1] = Some((digit, now));
                true
            }
            DigitSource::Rfc4733 => {
                self.events_heard = true;
                let repeated = self.unmatched.iter_mut().find(|entry| {
                    entry.is_some_and(|(heard, at)| heard == digit && now.saturating_duration_since(at) < LATENESS)
                });
                match repeated {
                    Some(entry) => {
                        *entry = None;
                        false
                    }
                    None => true,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DigitSource::{InBand, Rfc4733};

    fn reported(heard: &[(u64, char, DigitSource)]) -> String {
        let start = Instant::now();
        let mut keys = Keys::default();
        let is_new = |(ms, digit, source): &&(u64, char, DigitSource)| {
            keys.handle_digit(start + Duration::from_millis(*ms), *digit, *source)
        };
        heard.iter().filter(is_new).map(|(_, digit, _)| digit).collect()
    }

    #[test]
    fn a_key_heard_both_ways_is_reported_once() {
        assert_eq!(reported(&[(0, '1', Rfc4733), (60, '1', InBand)]), "1");
        assert_eq!(reported(&[(0, '1', InBand), (200, '1', Rfc4733)]), "1");
    }

    #[test]
    fn the_same_key_twice_is_two_keys() {
        assert_eq!(
            reported(&[
                (0, '1', Rfc4733),
                (60, '1', InBand),
                (300, '1', Rfc4733),
                (360, '1', InBand)
            ]),
            "11"
        );
        assert_eq!(
            reported(&[
                (0, '1', InBand),
                (300, '1', InBand),
                (900, '1', Rfc4733),
                (1_200, '1', Rfc4733)
            ]),
            "11"
        );
        assert_eq!(reported(&[(0, '1', InBand), (300, '1', InBand)]), "11");
        assert_eq!(reported(&[(0, '1', InBand), (5_000, '1', Rfc4733)]), "11");
    }

    #[test]
    fn a_call_that_brings_events_is_not_listened_to_for_tones() {
        assert_eq!(
            reported(&[(0, '1', Rfc4733), (9_000, '5', InBand), (9_100, '2', Rfc4733)]),
            "12"
        );
    }
}
