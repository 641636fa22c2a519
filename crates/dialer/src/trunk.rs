//! Trunks: channels, pace, outages, and which trunk takes a number.

use crate::tariff::place_of;
use crate::time::Moment;
use crate::{AttemptId, E164, Medium, Settings, TrunkChange, TrunkSettings, tariff_of};
use std::collections::VecDeque;
use std::time::Duration;

/// How late a place may be made up for at once; what is later is lost, so that a stall is not followed by a burst.
const CATCH_UP: Duration = Duration::from_millis(50);
/// Congestion answers in a row after which a trunk rests.
const TOLERATED: u32 = 5;
const REST: Duration = Duration::from_secs(5);
const MIN_PACE: f64 = 0.05;
/// Share of refused calls up to which a trunk keeps its pace: numbers have shortages of their own, and a trunk that slows
/// down for each of them never reaches its pace.
const BEARABLE: f64 = 0.2;
/// How much the newest call counts in that share.
const NEWEST: f64 = 1.0 / 32.0;

/// When a trunk may start its next call.
///
/// Two rules: calls are evenly spaced (with a little catching up), and no window of one second, wherever it begins,
/// holds more than `calls_per_second` starts. The second one is exact.
#[derive(Debug)]
struct Pacer {
    rate: f64,
    /// Share of the rate that congestion has left, `MIN_PACE..=1`.
    pace: f64,
    ramp: Duration,
    ramp_start: Moment,
    due: Moment,
    /// The latest starts: as many as one window may hold.
    starts: VecDeque<Moment>,
}

impl Pacer {
    fn new(rate: f64, ramp: Duration, now: Moment) -> Self {
        let rate = if rate.is_finite() && rate > 0.0 { rate } else { 1.0 };
        Self {
            rate,
            pace: 1.0,
            ramp,
            ramp_start: now,
            due: now,
            starts: VecDeque::new(),
        }
    }

    /// Starts that one window may hold, and the window's length.
    fn window(&self) -> (usize, Duration) {
        let starts = self.rate.ceil();
        (starts as usize, Duration::from_secs_f64(starts / self.rate))
    }

    fn current(&self, now: Moment) -> f64 {
        let full = self.rate * self.pace;
        if self.ramp.is_zero() {
            return full;
        }
        let grown = now.since(self.ramp_start).as_secs_f64() / self.ramp.as_secs_f64();
        full * grown.clamp(0.1, 1.0)
    }

    fn next(&self) -> Moment {
        let (count, window) = self.window();
        match self.starts.len().checked_sub(count).and_then(|at| self.starts.get(at)) {
            Some(oldest) => self.due.max(*oldest + window),
            None => self.due,
        }
    }

    /// The program starts again: what it placed in the last second before is not known to the last one.
    fn resume(&mut self, now: Moment) {
        let (count, _) = self.window();
        self.starts = std::iter::repeat_n(now, count).collect();
    }

    fn started(&mut self, now: Moment) {
        let (count, _) = self.window();
        self.starts.push_back(now);
        while self.starts.len() > count {
            self.starts.pop_front();
        }
        let earliest = Moment(now.0.saturating_sub(CATCH_UP.as_micros() as i64));
        let spacing = Duration::from_secs_f64(1.0 / self.current(now));
        self.due = self.due.max(earliest) + spacing;
        self.pace = (self.pace + 0.02).min(1.0);
    }
}

/// One trunk as it is now.
#[derive(Debug)]
pub(crate) struct Trunk {
    pub(crate) settings: TrunkSettings,
    pub(crate) medium: Medium,
    /// How records name its tariffs.
    pub(crate) prices: Vec<u32>,
    pub(crate) is_up: bool,
    pub(crate) blocked_until: Moment,
    /// The part of it that the carrier asked for in its answers to calls (Retry-After): stands also when the trunk is said to
    /// be up, which any answer to a ping or to another call shows.
    asked_until: Moment,
    /// Channels held: attempts from their intent to their end.
    pub(crate) in_use: u32,
    /// Attempts whose intent is written and whose call is not placed yet.
    pub(crate) on_the_way: u32,
    /// Attempts whose intent is durable, waiting for their turn.
    pub(crate) outbox: VecDeque<AttemptId>,
    pub(crate) placed: u64,
    pub(crate) congested: u64,
    congested_in_a_row: u32,
    /// Share of the calls that the carrier refused of late.
    refused: f64,
    pacer: Pacer,
}

impl Trunk {
    pub(crate) fn new(settings: TrunkSettings, medium: Medium, now: Moment) -> Self {
        let pacer = Pacer::new(settings.calls_per_second, settings.ramp, now);
        Self {
            settings,
            medium,
            prices: Vec::new(),
            is_up: true,
            blocked_until: Moment::default(),
            asked_until: Moment::default(),
            in_use: 0,
            on_the_way: 0,
            outbox: VecDeque::new(),
            placed: 0,
            congested: 0,
            congested_in_a_row: 0,
            refused: 0.0,
            pacer,
        }
    }

    /// How records name the tariff of a number; 0: none.
    pub(crate) fn price(&self, number: E164) -> u32 {
        place_of(&self.settings.tariffs, number)
            .and_then(|at| self.prices.get(at))
            .copied()
            .unwrap_or(0)
    }

    /// The program starts again: the second before counts as full, so that no window holds too many starts.
    pub(crate) fn resume(&mut self, now: Moment) {
        self.pacer.resume(now);
    }

    /// From now on so many calls a second, without a ramp: for what is only played.
    pub(crate) fn set_pace(&mut self, calls_per_second: f64, now: Moment) {
        self.pacer = Pacer::new(calls_per_second, Duration::ZERO, now);
    }

    /// Whether the carrier takes calls.
    pub(crate) fn takes_calls(&self, now: Moment) -> bool {
        self.is_up && self.blocked_until <= now
    }

    /// Whether one more attempt may be intended: a channel is free and its turn comes within `ahead`.
    pub(crate) fn has_room(&self, now: Moment, ahead: Duration) -> bool {
        if !self.takes_calls(now) || self.in_use >= self.settings.channels {
            return false;
        }
        let limit = (self.pacer.current(now) * ahead.as_secs_f64()).ceil().max(1.0);
        f64::from(self.on_the_way) < limit
    }

    /// When the first attempt of the outbox may be placed.
    pub(crate) fn next_place(&self) -> Option<Moment> {
        (!self.outbox.is_empty()).then(|| self.pacer.next())
    }

    pub(crate) fn place(&mut self, now: Moment) {
        self.pacer.started(now);
        self.placed += 1;
    }

    pub(crate) fn change(&mut self, now: Moment, change: TrunkChange) {
        match change {
            TrunkChange::Up => {
                if !self.is_up {
                    self.pacer.ramp_start = now;
                }
                self.is_up = true;
                self.blocked_until = self.asked_until;
                self.congested_in_a_row = 0;
                self.refused = 0.0;
            }
            TrunkChange::Down => self.is_up = false,
            TrunkChange::RetryAfter(wait) => self.block(now + wait, now),
        }
    }

    fn block(&mut self, until: Moment, now: Moment) {
        self.blocked_until = self.blocked_until.max(until);
        self.pacer.ramp_start = self.pacer.ramp_start.max(until.max(now));
    }

    /// An attempt ended for reasons of the carrier: slow down if many do; rest if it happens again and again.
    pub(crate) fn congestion(&mut self, now: Moment, retry_after: Option<Duration>) {
        self.congested += 1;
        self.congested_in_a_row += 1;
        self.refused += (1.0 - self.refused) * NEWEST;
        if self.refused > BEARABLE {
            self.pacer.pace = (self.pacer.pace * 0.7).max(MIN_PACE);
        }
        if let Some(wait) = retry_after {
            self.asked_until = self.asked_until.max(now + wait);
            self.block(now + wait, now);
        } else if self.congested_in_a_row >= TOLERATED {
            self.congested_in_a_row = 0;
            self.block(now + REST, now);
        }
    }

    /// The carrier took a call: it rings, or ended for reasons of the person called. Once per call.
    pub(crate) fn took_call(&mut self) {
        self.refused -= self.refused * NEWEST;
    }

    /// An attempt ended for reasons of the person called: the carrier works.
    pub(crate) fn worked(&mut self) {
        self.congested_in_a_row = 0;
    }
}

/// Numbers that the same trunks reach, in the same order of cost, form a class; campaigns queue by class.
#[derive(Debug, Default)]
pub(crate) struct Router {
    classes: Vec<Vec<usize>>,
    /// The class of every number of a medium whose trunks make no difference between numbers.
    trivial: [Option<usize>; 2],
    throttles: Vec<String>,
}

impl Router {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut router = Self {
            classes: Vec::new(),
            trivial: [None; 2],
            throttles: settings
                .throttles
                .iter()
                .map(|throttle| throttle.prefix.clone())
                .collect(),
        };
        let voice = settings.trunks.len();
        let media = [
            (Medium::Voice, &settings.trunks, 0),
            (Medium::Text, &settings.gateways, voice),
        ];
        for (medium, trunks, first) in media {
            let is_trivial = |trunk: &TrunkSettings| trunk.prefixes.is_empty() && trunk.tariffs.is_empty();
            if !trunks.is_empty() && trunks.iter().all(is_trivial) {
                router.trivial[medium as usize] = Some(router.classes.len());
                router.classes.push((first..first + trunks.len()).collect());
            }
        }
        router
    }

    /// The class of a number; `None` if no trunk reaches it.
    pub(crate) fn class(&mut self, trunks: &[Trunk], number: E164, medium: Medium) -> Option<usize> {
        if let Some(class) = self.trivial[medium as usize] {
            return Some(class);
        }
        let digits = number.digits();
        let mut able: Vec<(u64, usize)> = Vec::new();
        let of_medium = |(_, trunk): &(usize, &Trunk)| trunk.medium == medium;
        for (at, trunk) in trunks.iter().enumerate().filter(of_medium) {
            let settings = &trunk.settings;
            if settings.prefixes.is_empty() || settings.prefixes.iter().any(|prefix| digits.starts_with(prefix)) {
                // The price of a call of one minute decides, or of a text of one part.
                let cost = tariff_of(&settings.tariffs, number).map_or(0, |tariff| match medium {
                    Medium::Voice => tariff.bill(Duration::from_secs(60)).micros,
                    Medium::Text => tariff.bill_parts(1).micros,
                });
                able.push((cost, at));
            }
        }
        if able.is_empty() {
            return None;
        }
        able.sort_unstable();
        let order: Vec<usize> = able.into_iter().map(|(_, at)| at).collect();
        Some(
            self.classes
                .iter()
                .position(|known| *known == order)
                .unwrap_or_else(|| {
                    self.classes.push(order);
                    self.classes.len() - 1
                }),
        )
    }

    /// The trunks of a class, cheapest first.
    pub(crate) fn trunks(&self, class: usize) -> &[usize] {
        self.classes.get(class).map_or(&[], Vec::as_slice)
    }

    /// The throttles that a number falls under.
    pub(crate) fn throttles(&self, number: E164) -> Vec<usize> {
        if self.throttles.is_empty() {
            return Vec::new();
        }
        let digits = number.digits();
        (0..self.throttles.len())
            .filter(|at| digits.starts_with(&self.throttles[*at]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pacer(rate: f64) -> Pacer {
        Pacer::new(rate, Duration::ZERO, Moment(0))
    }

    /// Drives a pacer with wake-ups that are late by a varying amount, and returns the starts.
    fn drive(pacer: &mut Pacer, until: Duration, late: impl Fn(usize) -> Duration) -> Vec<Moment> {
        let mut starts = Vec::new();
        let mut now = Moment(0);
        while now.0 < until.as_micros() as i64 {
            now = now.max(pacer.next());
            now = now + late(starts.len());
            while pacer.next() <= now {
                pacer.started(now);
                starts.push(now);
            }
        }
        starts
    }

    #[test]
    fn no_second_holds_more_starts_than_allowed() {
        for rate in [0.5, 1.0, 2.5, 10.0, 333.0] {
            for lateness in [0u64, 1, 7, 200, 900] {
                let mut pacer = pacer(rate);
                let starts = drive(&mut pacer, Duration::from_secs(20), |n| {
                    Duration::from_millis(if n % 13 == 5 { lateness } else { 0 })
                });
                for (at, first) in starts.iter().enumerate() {
                    let end = *first + Duration::from_secs(1);
                    let count = starts[at..].iter().take_while(|moment| **moment < end).count();
                    assert!(
                        count <= rate.ceil() as usize,
                        "rate {rate}, late {lateness}: {count} in a second"
                    );
                }
            }
        }
    }

    #[test]
    fn the_full_rate_is_reached_when_wakes_are_a_little_late() {
        let mut pacer = pacer(200.0);
        let starts = drive(&mut pacer, Duration::from_secs(10), |_| Duration::from_micros(900));
        assert!(starts.len() >= 1_900, "{}", starts.len());
    }

    #[test]
    fn the_rate_grows_over_the_ramp() {
        let mut pacer = Pacer::new(100.0, Duration::from_secs(10), Moment(0));
        let starts = drive(&mut pacer, Duration::from_secs(20), |_| Duration::ZERO);
        let within = |from: i64, to: i64| {
            starts
                .iter()
                .filter(|moment| (from * 1_000_000..to * 1_000_000).contains(&moment.0))
                .count()
        };
        assert!(within(0, 1) <= 15, "{}", within(0, 1));
        assert!((40..=65).contains(&within(5, 6)), "{}", within(5, 6));
        assert!(within(12, 13) >= 95, "{}", within(12, 13));
    }

    #[test]
    fn retry_after_blocks_exactly_that_long() {
        let mut trunk = Trunk::new(TrunkSettings::new("a", 10, 10.0), Medium::Voice, Moment(0));
        trunk.congestion(Moment(0), Some(Duration::from_secs(7)));
        assert!(!trunk.takes_calls(Moment(6_999_999)));
        assert!(trunk.takes_calls(Moment(7_000_000)));
        // That the trunk answers something else is no leave to call.
        trunk.congestion(Moment(7_000_000), Some(Duration::from_secs(7)));
        trunk.change(Moment(8_000_000), TrunkChange::Up);
        assert!(!trunk.takes_calls(Moment(13_999_999)));
        assert!(trunk.takes_calls(Moment(14_000_000)));
    }

    #[test]
    fn the_pace_falls_when_many_calls_are_refused_and_not_for_one_in_ten() {
        let mut trunk = Trunk::new(TrunkSettings::new("a", 10, 10.0), Medium::Voice, Moment(0));
        for call in 0..1_000 {
            if call % 10 == 0 {
                trunk.congestion(Moment(0), None);
            } else {
                trunk.took_call();
                trunk.worked();
            }
        }
        assert_eq!(trunk.pacer.pace, 1.0);
        for call in 0..100 {
            if call % 2 == 0 {
                trunk.congestion(Moment(0), None);
            } else {
                trunk.took_call();
                trunk.worked();
            }
        }
        assert!(trunk.pacer.pace < 0.2, "{}", trunk.pacer.pace);
    }

    #[test]
    fn the_cheapest_trunk_that_reaches_a_number_comes_first() {
        let tariff = |prefix: &str, price| crate::Tariff {
            prefix: prefix.into(),
            per_call_micros: 0,
            per_minute_micros: price,
            first_step_s: 1,
            step_s: 1,
            per_part_micros: 0,
        };
        let mut a = TrunkSettings::new("a", 1, 1.0);
        a.tariffs = vec![tariff("33", 10_000), tariff("336", 90_000)];
        let mut b = TrunkSettings::new("b", 1, 1.0);
        b.tariffs = vec![tariff("", 50_000)];
        b.prefixes = vec!["33".into()];
        let settings = Settings {
            trunks: vec![a, b],
            ..Settings::default()
        };
        let trunks: Vec<Trunk> = settings
            .trunks
            .iter()
            .cloned()
            .map(|s| Trunk::new(s, Medium::Voice, Moment(0)))
            .collect();
        let mut router = Router::new(&settings);
        let order = |router: &mut Router, number: &str| {
            let class = router
                .class(&trunks, E164::parse(number).unwrap(), Medium::Voice)
                .unwrap();
            router.trunks(class).to_vec()
        };
        assert_eq!(order(&mut router, "+33199001234"), [0, 1]);
        assert_eq!(order(&mut router, "+33639981234"), [1, 0]);
        assert_eq!(order(&mut router, "+4930123456"), [0]);
    }
}
