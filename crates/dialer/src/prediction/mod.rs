//! How long a campaign will take, and what it will cost.
//!
//! The dialer itself is run in virtual time against telephones that behave as [`Assumptions`] say: before a launch on
//! the chosen people, while a campaign runs on those who are still to be reached, from where each of them stands. What
//! earlier calls showed corrects what is assumed. Large campaigns are run on a sample, with trunks made smaller in
//! proportion. Small ones are run several times with other chances: the last percent of some hundred people hangs on how a
//! handful of telephones behave, and one run would tell of that handful what no one can know.

mod assumptions;
mod forecast;
mod observed;
mod play;

pub use assumptions::Assumptions;
pub(crate) use forecast::Forecasts;
pub(crate) use observed::Observed;

use crate::campaign::Campaign;
use crate::dialer::Dialer;
use crate::member::{Member, Slot, VOICE};
use crate::time::Moment;
use crate::{
    CallPhase, CampaignId, CampaignState, Contact, FinalState, Now, Policy, Prediction, RecipientId, Settings,
};
use play::{Past, Play, UnderWay};
use std::time::Duration;

/// People that are played at most; larger campaigns are sampled.
const SAMPLE: usize = 4_000;
/// Times that a small campaign is played at most.
const PLAYS: usize = 16;
/// Channels that a trunk keeps at least when it is made smaller.
const FEWEST_CHANNELS: f64 = 20.0;
/// Campaigns, the newest first, whose calls tell how telephones behave.
const LOOKED_BACK: usize = 20;

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
    let (small, shrunk) = shrink(settings, sampled as f64);
    let sample: Vec<Contact> = people.iter().step_by(sampled).cloned().collect();
    let scale = people.len() as f64 / sample.len().max(1) as f64;
    let policy = thinned(policy, sampled, now);
    // Trunks that could not be made small enough made the sample finish too early.
    let stretch = sampled as f64 / shrunk;
    let plays = plays(sample.len());
    let part = 1.0 / plays as f64;
    let mut curve = Vec::new();
    let (mut attempts, mut cost, mut end_s) = (0.0, 0.0, 0.0);
    for draw in 0..plays {
        let Some(play) = Play::new(small.clone(), sample.clone(), &policy, assumed, now) else {
            return prediction;
        };
        let mut play = play.drawn(draw);
        play.run();
        curve.extend(play.reached.iter().map(|at| (at.as_secs_f64() * stretch, scale * part)));
        let (made, cost_micros) = play.totals();
        attempts += made as f64 * scale * part;
        cost += cost_micros as f64 * scale * part;
        end_s += (play.time.as_secs_f64() * stretch).min(policy.total_period.as_secs_f64()) * part;
    }
    fill(&mut prediction, curve);
    // The last percent of all plays may lie behind the mean of their ends.
    prediction.end_s = end_s.max(prediction.ninety_nine_s);
    prediction.attempts = attempts.round() as u64;
    prediction.cost_micros = cost.round() as u64;
    prediction
}

/// How often so many people are played: together about as many as a large sample holds.
fn plays(people: usize) -> u64 {
    (SAMPLE / people.max(1)).clamp(1, PLAYS) as u64
}

/// Writes down when which share of the people reached in the end will be reached. Each point of the curve stands for
/// so many people.
fn fill(prediction: &mut Prediction, mut curve: Vec<(f64, f64)>) {
    curve.sort_by(|one, other| one.0.total_cmp(&other.0));
    let all: f64 = curve.iter().map(|(_, people)| people).sum();
    let at = |share: f64| {
        let mut sum = 0.0;
        let reached = curve.iter().find(|(_, people)| {
            sum += people;
            // A hair less: sums of fractions need not be exact.
            sum >= all * share - 1e-6
        });
        reached.map_or(0.0, |(at, _)| *at)
    };
    prediction.half_s = at(0.5);
    prediction.ninety_s = at(0.9);
    prediction.ninety_nine_s = at(0.99);
    prediction.reached = all.round() as u64;
}

/// The same trunks for a sample of one in `by`; also how much smaller they have become.
fn shrink(settings: &Settings, by: f64) -> (Settings, f64) {
    let channels: f64 = settings.trunks.iter().map(|trunk| f64::from(trunk.channels)).sum();
    let by = by.min(channels / FEWEST_CHANNELS).max(1.0);
    (scaled(settings, 1.0 / by), by)
}

/// The same trunks with this share of their channels and pace.
fn scaled(settings: &Settings, share: f64) -> Settings {
    let mut scaled = settings.clone();
    for trunk in scaled.trunks.iter_mut().chain(&mut scaled.gateways) {
        trunk.channels = ((f64::from(trunk.channels) * share).round() as u32).max(1);
        trunk.calls_per_second *= share;
    }
    for throttle in &mut scaled.throttles {
        throttle.calls = ((f64::from(throttle.calls) * share).round() as u32).max(1);
    }
    scaled
}

/// The policy for a sample of one in `sampled`: an escalation needs fewer people. An expiry becomes part of the period.
fn thinned(policy: &Policy, sampled: usize, now: Now) -> Policy {
    let mut policy = policy.clone();
    if let Some(expires) = policy.expires_ms.take() {
        let left = Duration::from_millis(u64::try_from(expires - now.utc_ms).unwrap_or(0));
        policy.total_period = policy.total_period.min(left).max(Duration::from_secs(1));
    }
    if let Some(escalation) = &mut policy.escalation {
        escalation.needed = escalation.needed.div_ceil(sampled as u32).max(1);
    }
    policy
}

/// Where a campaign stands, and what it has observed: enough to predict its rest away from the dialer's thread.
#[derive(Debug, Clone)]
pub struct Outlook {
    settings: Settings,
    policy: Policy,
    assumed: Assumptions,
    /// A sample of those still to be reached, and how many people each of them stands for.
    members: Vec<Member>,
    sampled: usize,
    /// How far the calls to them are that are under way.
    under_way: UnderWay,
    pending: u64,
    recipients: u64,
    wave: u8,
    now: Now,
    moment: Moment,
    elapsed: Duration,
    /// When people were reached, in seconds since the launch.
    reached: Vec<f64>,
    attempts: u64,
    cost_micros: u64,
}

impl Outlook {
    /// How telephones are expected to behave, after what this and earlier campaigns observed.
    #[must_use]
    pub fn assumptions(&self) -> &Assumptions {
        &self.assumed
    }

    /// The whole campaign, from its launch to its end: what has happened and what is to be expected. Takes some tens of
    /// milliseconds.
    #[must_use]
    pub fn predict(&self) -> Prediction {
        let mut prediction = Prediction {
            recipients: self.recipients,
            ..Prediction::default()
        };
        let elapsed = self.elapsed.as_secs_f64();
        let mut curve: Vec<(f64, f64)> = self.reached.iter().map(|at| (*at, 1.0)).collect();
        (prediction.attempts, prediction.cost_micros) = (self.attempts, self.cost_micros);
        let scale = self.pending as f64 / self.members.len().max(1) as f64;
        let (small, shrunk) = shrink(&self.settings, self.sampled as f64);
        let policy = thinned(&self.policy, self.sampled, self.now);
        let stretch = self.sampled as f64 / shrunk;
        let plays = plays(self.members.len());
        let part = 1.0 / plays as f64;
        let (mut attempts, mut cost, mut left) = (0.0, 0.0, 0.0);
        for draw in 0..plays {
            let stood = (self.members.clone(), self.wave, self.under_way.clone());
            let times = (self.now, self.moment);
            let play = Play::going_on(small.clone(), stood, draw, &policy, &self.assumed, times);
            let Some(mut play) = play.filter(|_| !self.members.is_empty()) else {
                break;
            };
            play.run();
            let to_come = play.reached.iter();
            curve.extend(to_come.map(|at| (elapsed + at.as_secs_f64() * stretch, scale * part)));
            let (made, cost_micros) = play.totals();
            attempts += made as f64 * scale * part;
            cost += cost_micros as f64 * scale * part;
            left += (play.time.as_secs_f64() * stretch).min(self.policy.total_period.as_secs_f64()) * part;
        }
        prediction.attempts += attempts.round() as u64;
        prediction.cost_micros += cost.round() as u64;
        fill(&mut prediction, curve);
        prediction.end_s = (elapsed + left).max(prediction.ninety_nine_s);
        prediction
    }
}

impl Dialer {
    /// How telephones are expected to behave, after what the newest campaigns observed.
    pub(crate) fn assumptions(&self) -> Assumptions {
        self.assumptions_without(None)
    }

    /// The same without one campaign, whose own calls are counted apart.
    fn assumptions_without(&self, left_out: Option<CampaignId>) -> Assumptions {
        let mut observed = Observed::default();
        let others = self.state.campaigns.values().rev();
        let newest = others
            .filter(|campaign| Some(campaign.id) != left_out)
            .take(LOOKED_BACK);
        newest.for_each(|campaign| observed.join(&campaign.observed));
        observed.correct(&Assumptions::default())
    }

    /// Where a campaign stands.
    pub(crate) fn outlook(&self, campaign: &Campaign, now: Now) -> Outlook {
        let moment = self.clock.moment(now);
        let is_going = matches!(
            campaign.state,
            CampaignState::Ready | CampaignState::Running | CampaignState::Paused
        );
        let pending = || {
            let is_pending = move |member: &&Member| member.state == FinalState::Pending && is_going;
            campaign.members.iter().filter(is_pending)
        };
        let count = pending().count();
        let sampled = count.div_ceil(SAMPLE).max(1);
        let launched = campaign.launched_ms.unwrap_or(now.utc_ms);
        let since_launch = |at_ms: i64| (at_ms - launched).max(0) as f64 / 1e3;
        let mut reached: Vec<f64> = campaign
            .members
            .iter()
            .filter_map(|member| match member.state {
                FinalState::Confirmed => member.confirmation.map(|confirmation| confirmation.at_ms),
                FinalState::Informed => member.last_ms,
                _ => None,
            })
            .map(since_launch)
            .collect();
        reached.sort_by(f64::total_cmp);
        let mut policy = campaign.policy.clone();
        if let Some(deadline) = campaign.deadline() {
            policy.total_period = deadline.since(moment).max(Duration::from_secs(1));
        }
        if let Some(escalation) = &mut policy.escalation {
            let answered =
                (campaign.counts.confirmed + campaign.counts.informed).saturating_sub(campaign.answered_before);
            let answered = u32::try_from(answered).unwrap_or(u32::MAX);
            escalation.needed = escalation.needed.saturating_sub(answered).max(1);
        }
        // Other campaigns take their part of the trunks.
        let priority = |campaign: &Campaign| f64::from(campaign.policy.priority.max(1));
        let others: f64 = self
            .state
            .campaigns
            .values()
            .filter(|other| other.state == CampaignState::Running && other.id != campaign.id)
            .map(priority)
            .sum();
        let share = priority(campaign) / (priority(campaign) + others);
        let mut settings = scaled(&self.settings, share);
        let is_running = campaign.state != CampaignState::Ready;
        for trunk in settings.trunks.iter_mut().filter(|_| is_running) {
            trunk.ramp = Duration::ZERO;
        }
        let members: Vec<Member> = pending().step_by(sampled).cloned().collect();
        let under_way = members
            .iter()
            .flat_map(|member| under_way(campaign, member, now))
            .collect();
        // Those are played as well.
        let played = pending().flat_map(|member| &member.slots[..VOICE]);
        let played = played.filter(|slot| slot.live.is_some()).count();
        let mut observed = campaign.observed.clone();
        let live = self.state.live.values().filter(|(of, _)| *of == campaign.id);
        let live = live.filter_map(|(_, at)| campaign.attempts.get(*at));
        live.for_each(|attempt| observed.add_live(attempt, now.utc_ms));
        Outlook {
            settings,
            policy,
            assumed: observed.correct(&self.assumptions_without(Some(campaign.id))),
            members,
            sampled,
            under_way,
            pending: count as u64,
            recipients: campaign.members.len() as u64,
            wave: campaign.wave,
            now,
            moment,
            elapsed: Duration::from_secs_f64(since_launch(campaign.ended_ms.unwrap_or(now.utc_ms))),
            reached,
            attempts: (campaign.attempts.len() - played) as u64,
            cost_micros: campaign.counts.cost_micros,
        }
    }
}

/// The calls to a member that are under way.
fn under_way(campaign: &Campaign, member: &Member, now: Now) -> Vec<((RecipientId, u8), Past)> {
    let past = |(slot, known): (u8, &Slot)| {
        let id = known.live?;
        let at = campaign.attempts.binary_search_by_key(&id, |attempt| attempt.id).ok()?;
        let attempt = campaign.attempts.get(at)?;
        let age = Duration::from_millis(attempt.age_ms(now.utc_ms).into());
        let rings = Duration::from_millis(attempt.ringing_ms.into());
        let past = match attempt.phase {
            CallPhase::Speaking => Past {
                rings,
                talks: Some(age.saturating_sub(rings)),
            },
            _ => Past {
                rings: age,
                talks: None,
            },
        };
        Some(((member.recipient, slot), past))
    };
    (0u8..).zip(&member.slots[..VOICE]).filter_map(past).collect()
}

#[cfg(test)]
mod tests;
