//! How long a campaign will take, and what it will cost.
//!
//! Before a launch the dialer itself is run in virtual time, on the given people and trunks, against telephones that
//! behave as [`Assumptions`] say. Large campaigns are run on a sample, with trunks made smaller in proportion. While a
//! campaign runs, its end is computed from what is left and from what was observed.

use crate::campaign::Campaign;
use crate::{
    Action, AttemptId, CallReport, CallStats, CampaignId, CampaignState, Cause, Command, Contact, Dialer, Heard,
    Message, MessageId, Now, Order, Outcome, Policy, Prediction, Reply, Settings, Text,
};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::{Duration, Instant};

/// People that are played at most; larger campaigns are sampled.
const SAMPLE: usize = 4_000;
/// Channels that a trunk keeps at least when it is made smaller.
const FEWEST_CHANNELS: f64 = 20.0;

/// What is assumed about telephones before anything was observed. Shares are of all attempts to numbers that are in
/// service, in thousandths; what is left of 1,000 is not answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Assumptions {
    /// Numbers that are not in service.
    pub out_of_service: u32,
    /// Answered and confirmed.
    pub confirmed: u32,
    /// Answered, heard, not confirmed.
    pub not_confirmed: u32,
    /// Answered and hung up early.
    pub hung_up: u32,
    /// Answering machines.
    pub machine: u32,
    /// Busy.
    pub busy: u32,
    /// Time until somebody answers.
    pub answers_after: Duration,
    /// Time from the answer to the key, and a little longer to the end.
    pub confirms_after: Duration,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            out_of_service: 20,
            confirmed: 480,
            not_confirmed: 50,
            hung_up: 40,
            machine: 80,
            busy: 60,
            answers_after: Duration::from_secs(8),
            confirms_after: Duration::from_secs(25),
        }
    }
}

/// Chance out of a name: the same people give the same prediction.
fn chance(name: u64, salt: u64) -> u32 {
    let mut x = name.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) % 1000) as u32
}

/// What calling these people by this policy, from now on and without other campaigns, would lead to.
#[must_use]
pub fn predict(
    settings: &Settings,
    people: &[Contact],
    policy: &Policy,
    assumed: &Assumptions,
    now: Now,
) -> Prediction {
    let mut prediction = Prediction {
        recipients: people.len() as u64,
        ..Prediction::default()
    };
    let sampled = people.len().div_ceil(SAMPLE).max(1);
    let (small, shrunk) = shrink(settings, sampled);
    let sample: Vec<Contact> = people.iter().step_by(sampled).cloned().collect();
    let Some(mut play) = Play::new(small, sample, policy, assumed, now) else {
        return prediction;
    };
    play.run();
    // Trunks that could not be made small enough made the sample finish too early.
    let stretch = sampled as f64 / shrunk;
    let at = |share: f64| {
        let index = ((play.reached.len() as f64 * share).ceil() as usize).clamp(1, play.reached.len().max(1)) - 1;
        play.reached.get(index).map_or(0.0, |at| at.as_secs_f64() * stretch)
    };
    let scale = people.len() as f64 / (people.len().div_ceil(sampled)).max(1) as f64;
    let view = play.dialer.view(play.now());
    let view = view.campaign(play.campaign);
    prediction.half_s = at(0.5);
    prediction.ninety_s = at(0.9);
    prediction.ninety_nine_s = at(0.99);
    prediction.end_s = (play.time.as_secs_f64() * stretch).min(policy.total_period.as_secs_f64());
    prediction.reached = (play.reached.len() as f64 * scale).round() as u64;
    prediction.attempts = (view.map_or(0, |view| view.attempts) as f64 * scale).round() as u64;
    prediction.cost_micros = (view.map_or(0, |view| view.cost_micros) as f64 * scale).round() as u64;
    prediction
}

/// The same trunks for a sample of one in `sampled`; also how much smaller they have become.
fn shrink(settings: &Settings, sampled: usize) -> (Settings, f64) {
    let channels: f64 = settings.trunks.iter().map(|trunk| f64::from(trunk.channels)).sum();
    let by = (sampled as f64).min(channels / FEWEST_CHANNELS).max(1.0);
    let mut small = settings.clone();
    for trunk in &mut small.trunks {
        trunk.channels = ((f64::from(trunk.channels) / by).round() as u32).max(1);
        trunk.calls_per_second /= by;
    }
    for throttle in &mut small.throttles {
        throttle.calls = ((f64::from(throttle.calls) / by).round() as u32).max(1);
    }
    (small, by)
}

/// One campaign in virtual time.
struct Play<'a> {
    dialer: Dialer,
    campaign: CampaignId,
    assumed: &'a Assumptions,
    policy: &'a Policy,
    start: Now,
    time: Duration,
    reports: BinaryHeap<Reverse<(Duration, u64)>>,
    details: HashMap<u64, CallReport>,
    count: u64,
    reached: Vec<Duration>,
}

impl<'a> Play<'a> {
    fn new(
        settings: Settings,
        people: Vec<Contact>,
        policy: &'a Policy,
        assumed: &'a Assumptions,
        start: Now,
    ) -> Option<Self> {
        let mut dialer = Dialer::new(settings, start);
        let by = String::new;
        let text = Text {
            language: policy.language,
            words: "-".to_owned(),
            audio: None,
        };
        let message = Message {
            id: MessageId(0),
            version: 0,
            title: by(),
            texts: vec![text],
        };
        let Ok(Reply::Message(message, _)) = dialer.handle_command(start, Command::SaveMessage { message, by: by() })
        else {
            return None;
        };
        let create = Command::Create {
            name: by(),
            message,
            policy: policy.clone(),
            recipients: people,
            service: by(),
            by: by(),
        };
        let Ok(Reply::Campaign(campaign)) = dialer.handle_command(start, create) else {
            return None;
        };
        dialer
            .handle_command(start, Command::Launch { campaign, by: by() })
            .ok()?;
        Some(Self {
            dialer,
            campaign,
            assumed,
            policy,
            start,
            time: Duration::ZERO,
            reports: BinaryHeap::new(),
            details: HashMap::new(),
            count: 0,
            reached: Vec::new(),
        })
    }

    fn now(&self) -> Now {
        self.start.later(self.time)
    }

    fn is_over(&self) -> bool {
        self.dialer
            .state
            .campaigns
            .get(&self.campaign)
            .is_none_or(|campaign| campaign.state == CampaignState::Ended)
    }

    fn run(&mut self) {
        loop {
            self.settle();
            if self.is_over() {
                return;
            }
            let wake = self
                .dialer
                .poll_timeout()
                .map(|due: Instant| due.saturating_duration_since(self.start.monotonic));
            let report = self.reports.peek().map(|Reverse((at, _))| *at);
            let Some(next) = [wake, report].into_iter().flatten().min() else {
                return;
            };
            self.time = self.time.max(next);
            let now = self.now();
            if report.is_some_and(|at| at <= self.time)
                && let Some(Reverse((_, id))) = self.reports.pop()
                && let Some(report) = self.details.remove(&id)
            {
                let is_reached = match &report {
                    CallReport::ConfirmRequested { .. } => true,
                    CallReport::Ended { outcome, .. } => {
                        !self.policy.confirmation && *outcome == Outcome::AnsweredNotConfirmed(Heard::Whole)
                    }
                    _ => false,
                };
                if is_reached {
                    self.reached.push(self.time);
                }
                self.dialer.handle_report(now, report);
            } else {
                self.dialer.handle_timeout(now);
            }
        }
    }

    /// Everything is durable at once, and every call is placed.
    fn settle(&mut self) {
        loop {
            let mut upto = None;
            while let Some(record) = self.dialer.poll_record() {
                upto = Some(record.sequence.next());
            }
            if let Some(upto) = upto {
                self.dialer.handle_durable(self.now(), upto);
            }
            let mut is_idle = upto.is_none();
            while let Some(action) = self.dialer.poll_action() {
                is_idle = false;
                if let Action::Place(order) = action {
                    self.place(&order);
                }
            }
            if is_idle {
                return;
            }
        }
    }

    fn tell(&mut self, after: Duration, report: CallReport) {
        self.count += 1;
        self.reports.push(Reverse((self.time + after, self.count)));
        self.details.insert(self.count, report);
    }

    fn place(&mut self, order: &Order) {
        let (assumed, attempt) = (self.assumed, order.attempt);
        let ring = assumed.answers_after.min(order.ring_timeout);
        let name = order.recipient.0.wrapping_mul(8).wrapping_add(u64::from(order.slot));
        if chance(name, 0) < assumed.out_of_service {
            return self.end(
                attempt,
                Duration::from_secs(1),
                Duration::ZERO,
                Outcome::Unreachable { status: 404 },
            );
        }
        let mut luck = chance(name, attempt.0);
        let mut falls = |share: u32| {
            let is_it = luck < share;
            luck = luck.saturating_sub(share);
            is_it
        };
        let talk = assumed.confirms_after;
        if falls(assumed.confirmed) {
            if !self.policy.confirmation {
                return self.end(attempt, ring, talk, Outcome::AnsweredNotConfirmed(Heard::Whole));
            }
            self.tell(ring + talk, CallReport::ConfirmRequested { attempt });
            self.end(attempt, ring, talk + Duration::from_secs(4), Outcome::Confirmed);
        } else if falls(assumed.not_confirmed) {
            let talk = talk * u32::from(self.policy.repeats) + Duration::from_secs(6);
            self.end(attempt, ring, talk, Outcome::AnsweredNotConfirmed(Heard::Whole));
        } else if falls(assumed.hung_up) {
            self.end(
                attempt,
                ring,
                Duration::from_secs(5),
                Outcome::AnsweredNotConfirmed(Heard::Part),
            );
        } else if falls(assumed.machine) {
            self.end(
                attempt,
                Duration::from_secs(20),
                Duration::from_secs(5),
                Outcome::Machine { message_left: false },
            );
        } else if falls(assumed.busy) {
            self.end(attempt, Duration::from_secs(2), Duration::ZERO, Outcome::Busy);
        } else {
            self.end(attempt, order.ring_timeout, Duration::ZERO, Outcome::NoAnswer);
        }
    }

    fn end(&mut self, attempt: AttemptId, ringing: Duration, talking: Duration, outcome: Outcome) {
        let stats = CallStats {
            ringing,
            talking,
            ..CallStats::default()
        };
        self.tell(
            ringing + talking,
            CallReport::Ended {
                attempt,
                outcome,
                stats,
            },
        );
    }
}

/// Attempts that weigh as much as the assumptions in what a running campaign observed.
const WEIGHT: f64 = 50.0;
const EXPECTED_HOLD_S: f64 = 35.0;
const EXPECTED_SUCCESS: f64 = 0.5;

/// Time until a running campaign is over, from what is left and what was observed so far: round after round, each as
/// long as its calls take on the channels, or as the wait before a number is tried again, whichever is longer.
pub(crate) fn remaining(campaign: &Campaign, settings: &Settings) -> Duration {
    let (counts, policy) = (&campaign.counts, &campaign.policy);
    let channels: f64 = settings.trunks.iter().map(|trunk| f64::from(trunk.channels)).sum();
    let channels = (channels * f64::from(policy.channel_share) / 100.0).max(1.0);
    let rate: f64 = settings.trunks.iter().map(|trunk| trunk.calls_per_second).sum();
    let observed = counts.held as f64;
    let hold = (EXPECTED_HOLD_S * WEIGHT + counts.held_ms as f64 / 1000.0) / (WEIGHT + observed);
    let won = (counts.confirmed + counts.informed) as f64;
    let success = ((EXPECTED_SUCCESS * WEIGHT + won) / (WEIGHT + observed.max(won))).clamp(0.01, 0.99);
    let pace = (channels / hold).min(rate).max(0.01);
    let numbers = (counts.numbers as f64 / campaign.members.len().max(1) as f64).max(1.0);
    let wait = retry_wait(campaign) / numbers;
    let done = campaign.members.len() as f64 - counts.pending as f64;
    let tried = (observed - done).max(0.0) / (counts.pending as f64).max(1.0);
    let tries = f64::from(policy.tries_per_recipient).min(f64::from(policy.tries_per_number) * numbers);
    let mut left = counts.pending as f64;
    let mut time = 0.0;
    for round in 0..(tries - tried).max(1.0) as u32 {
        if left < 0.5 {
            break;
        }
        let calls = left / pace;
        time += if round == 0 { calls } else { calls.max(wait) };
        left *= 1.0 - success;
    }
    Duration::try_from_secs_f64(time + hold).unwrap_or(policy.total_period)
}

/// The mean wait before a number is tried again, over the outcomes seen so far, in seconds.
fn retry_wait(campaign: &Campaign) -> f64 {
    let delays = &campaign.policy.delays;
    let by_cause = [
        (Cause::Busy, delays.busy),
        (Cause::NoAnswer, delays.no_answer),
        (Cause::NotConfirmed, delays.not_confirmed),
        (Cause::HungUpEarly, delays.hung_up_early),
        (Cause::Machine, delays.machine),
        (Cause::Rejected, delays.rejected),
        (Cause::Failed, delays.failed),
    ];
    let (mut sum, mut weight) = (delays.no_answer.map_or(0.0, |delay| delay.as_secs_f64()), 1.0);
    for (cause, delay) in by_cause {
        if let Some(delay) = delay {
            let count = campaign.counts.outcomes[cause as usize] as f64;
            sum += delay.as_secs_f64() * count;
            weight += count;
        }
    }
    sum / weight
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{E164, Preset, RecipientId, Tariff, TrunkSettings};

    fn people(count: u64) -> Vec<Contact> {
        let number = |n: u64| E164::parse(&format!("+33{:09}", 100_000_000 + n)).unwrap();
        (0..count)
            .map(|n| Contact {
                recipient: RecipientId(n),
                numbers: vec![number(2 * n), number(2 * n + 1)],
                language: None,
            })
            .collect()
    }

    fn settings(channels: u32, rate: f64) -> Settings {
        let mut trunk = TrunkSettings::new("a", channels, rate);
        let tariff = Tariff {
            prefix: String::new(),
            per_call_micros: 0,
            per_minute_micros: 60_000,
            first_step_s: 1,
            step_s: 1,
            per_part_micros: 0,
        };
        trunk.tariffs = vec![tariff];
        Settings {
            trunks: vec![trunk],
            ..Settings::default()
        }
    }

    fn now() -> Now {
        Now {
            monotonic: Instant::now(),
            utc_ms: 1_764_072_000_000,
        }
    }

    fn predicted(count: u64, channels: u32, rate: f64) -> Prediction {
        let policy = Preset::Immediate.policy();
        predict(
            &settings(channels, rate),
            &people(count),
            &policy,
            &Assumptions::default(),
            now(),
        )
    }

    #[test]
    fn a_prediction_is_ordered_and_complete() {
        let p = predicted(2_000, 100, 20.0);
        assert!(
            0.0 < p.half_s && p.half_s < p.ninety_s && p.ninety_s < p.ninety_nine_s,
            "{p:?}"
        );
        assert!(p.ninety_nine_s <= p.end_s, "{p:?}");
        assert!(p.reached > 1_900 && p.attempts > p.reached, "{p:?}");
        assert!(p.cost_micros > p.reached * 25_000, "{p:?}");
    }

    #[test]
    fn a_sample_predicts_what_everybody_would() {
        // The same load per channel, once played in full and once as one in four.
        let full = predicted(4_000, 50, 10.0);
        let sampled = predicted(16_000, 200, 40.0);
        let ratio = |a: f64, b: f64| (a / b - 1.0).abs();
        assert!(ratio(full.half_s, sampled.half_s) < 0.05, "{full:?} {sampled:?}");
        assert!(ratio(full.ninety_s, sampled.ninety_s) < 0.05, "{full:?} {sampled:?}");
        assert!(
            ratio(full.attempts as f64 * 4.0, sampled.attempts as f64) < 0.02,
            "{full:?} {sampled:?}"
        );
    }

    #[test]
    fn twice_the_channels_halve_the_time_of_a_busy_campaign() {
        let (few, many) = (predicted(4_000, 40, 100.0), predicted(4_000, 80, 100.0));
        let ratio = few.half_s / many.half_s;
        assert!((1.8..2.2).contains(&ratio), "{ratio}");
    }

    #[test]
    fn nobody_to_call_or_no_trunk_predicts_nothing() {
        assert_eq!(predicted(0, 10, 10.0).attempts, 0);
        let policy = Preset::Exercise.policy();
        let p = predict(
            &Settings::default(),
            &people(5),
            &policy,
            &Assumptions::default(),
            now(),
        );
        assert_eq!((p.attempts, p.reached), (0, 0));
    }
}
