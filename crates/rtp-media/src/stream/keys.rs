//! One key pressed is one key reported, though it may come as an event, as tones, and by signalling.

use std::time::{Duration, Instant};

use crate::command::DigitSource;

/// One way may be this much later than another: a gateway that turns tones into events, or an INFO request sent again.
const LATENESS: Duration = Duration::from_millis(1_500);
const REMEMBERED: usize = 8;

/// Decides which of the keys heard are news.
///
/// Each way tells of the same presses in the same order. A key is news unless another way has told of it lately, and
/// this one has not yet. Once a call has proved that it brings events or INFO requests, its tones are no longer listened to:
/// those cannot be talked off, and what leaks into the audio is at best a repetition.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    hears_messages: bool,
    /// Keys reported lately, oldest first.
    reported: [Option<Press>; REMEMBERED],
}

/// A key that was reported, and the ways that have told of it.
#[derive(Debug, Clone, Copy)]
struct Press {
    digit: char,
    at: Instant,
    ways: u8,
}

impl Keys {
    /// A key was heard. True if it is to be reported.
    pub(crate) fn handle_digit(&mut self, now: Instant, digit: char, source: DigitSource) -> bool {
        if source == DigitSource::InBand && self.hears_messages {
            return false;
        }
        self.hears_messages |= source != DigitSource::InBand;
        let way = 1 << source as u8;
        let told = self.reported.iter_mut().flatten().find(|press| {
            press.digit == digit && press.ways & way == 0 && now.saturating_duration_since(press.at) < LATENESS
        });
        if let Some(press) = told {
            press.ways |= way;
            return false;
        }
        self.reported.rotate_left(1);
        self.reported[REMEMBERED - 1] = Some(Press {
            digit,
            at: now,
            ways: way,
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DigitSource::{InBand, Info, Rfc4733};

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
    fn a_key_that_signalling_brings_too_is_reported_once() {
        let info_first = [
            (0, '1', Info),
            (40, '1', Rfc4733),
            (600, '2', Info),
            (650, '2', Rfc4733),
        ];
        assert_eq!(reported(&info_first), "12");
        let info_last = [
            (0, '1', Rfc4733),
            (300, '1', Rfc4733),
            (400, '1', Info),
            (500, '1', Info),
        ];
        assert_eq!(reported(&info_last), "11");
        assert_eq!(reported(&[(0, '1', InBand), (200, '1', Info), (400, '1', InBand)]), "1");
        assert_eq!(
            reported(&[(0, '1', Info), (400, '1', Info)]),
            "11",
            "by signalling alone"
        );
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
