//! The figures of a period, computed from its [`Activity`].
//!
//! A campaign belongs to the period of its launch, with all its recipients and their delays; a call, its cost and what
//! the network did with it belong to the period of the call's start.

use super::{Activity, Call, CampaignActivity, Delays, Incident, Period, Span, TrunkFigures, trunk};
use crate::{CampaignId, CampaignState, Cause, FinalState};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A quarter of an hour, in milliseconds.
const QUARTER_MS: i64 = 15 * 60 * 1000;

/// Which campaigns count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// All of them.
    #[default]
    All,
    /// Real alerts and information.
    Real,
    /// Practice.
    Exercises,
}

impl Which {
    fn takes(self, campaign: &CampaignActivity) -> bool {
        match self {
            Self::All => true,
            Self::Real => !campaign.exercise,
            Self::Exercises => campaign.exercise,
        }
    }
}

/// Everything that is told about a period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// The span of time.
    pub span: Span,
    /// When it was computed, in milliseconds since 1970 UTC: what lasts still is counted up to here.
    pub at_ms: i64,
    /// Which campaigns were counted.
    pub which: Which,
    /// Campaigns launched.
    pub campaigns: u64,
    /// Of these, exercises.
    pub exercises: u64,
    /// Recipients of these campaigns; somebody in two campaigns counts twice.
    pub recipients: u64,
    /// Recipients by final state, in the order of the enumeration.
    pub states: Vec<(FinalState, u64)>,
    /// From the launch to the first answer of a recipient, of those who answered.
    pub to_reach: Option<Delays>,
    /// From the launch to the confirmation of a recipient, of those who confirmed.
    pub to_confirm: Option<Delays>,
    /// Calls started in the period.
    pub totals: Totals,
    /// These calls by cause of their end; those still in progress are in none.
    pub causes: Vec<(Cause, u64)>,
    /// Quarters of an hour in which something happened, in order.
    pub quarters: Vec<Quarter>,
    /// The most calls at once, and since when, in milliseconds since 1970 UTC.
    pub most_at_once: Option<(u64, i64)>,
    /// Parts of the period, for curves.
    pub slices: Vec<Slice>,
    /// Trunks.
    pub trunks: Vec<TrunkFigures>,
    /// Campaigns with their own figures, in order of launch.
    pub rows: Vec<CampaignFigures>,
    /// What each service has to pay, in order of name.
    pub services: Vec<Share>,
    /// What each month has to pay, named `2026-11`, in order.
    pub months: Vec<Share>,
    /// Incidents, in order of their beginning.
    pub incidents: Vec<Incident>,
}

/// Sums over calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Calls started.
    pub calls: u64,
    /// Calls answered by somebody or something: messages delivered.
    pub answered: u64,
    /// Confirmations by key.
    pub confirmed: u64,
    /// Time spent talking, in milliseconds.
    pub talking_ms: u64,
    /// Billed seconds.
    pub billed_seconds: u64,
    /// Cost in millionths of a euro.
    pub cost_micros: u64,
}

impl Totals {
    fn take(&mut self, call: &Call) {
        self.calls += 1;
        self.answered += u64::from(call.answered_ms().is_some());
        self.confirmed += u64::from(is_confirmed(call));
        self.talking_ms += u64::from(call.talking_ms);
        self.billed_seconds += u64::from(call.bill.seconds);
        self.cost_micros += call.bill.micros;
    }
}

fn is_confirmed(call: &Call) -> bool {
    call.outcome.is_some_and(|outcome| outcome.cause() == Cause::Confirmed)
}

/// What happened in a quarter of an hour of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Quarter {
    /// Its beginning, in milliseconds since 1970 UTC.
    pub from_ms: i64,
    /// Calls started.
    pub calls: u64,
    /// Messages delivered: calls answered.
    pub answered: u64,
    /// Calls that ended with a confirmation.
    pub confirmed: u64,
}

/// A part of the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Slice {
    /// Which part.
    pub span: Span,
    /// Campaigns launched.
    pub campaigns: u64,
    /// Calls started.
    pub totals: Totals,
}

/// One campaign.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CampaignFigures {
    /// Which campaign.
    pub id: CampaignId,
    /// Its name.
    pub name: String,
    /// The service that pays.
    pub service: String,
    /// Whether it is practice.
    pub exercise: bool,
    /// Where it is in its life.
    pub state: CampaignState,
    /// When it was launched, in milliseconds since 1970 UTC.
    pub launched_ms: i64,
    /// When it ended, in milliseconds since 1970 UTC.
    pub ended_ms: Option<i64>,
    /// Whether it was launched in the period; if not, only its calls, their sums and its cost belong here.
    pub is_of_period: bool,
    /// Recipients.
    pub recipients: u64,
    /// Recipients who answered.
    pub reached: u64,
    /// Recipients who confirmed.
    pub confirmed: u64,
    /// From the launch to the first answer.
    pub to_reach: Option<Delays>,
    /// From the launch to the confirmation.
    pub to_confirm: Option<Delays>,
    /// The most messages delivered in a quarter of an hour of the clock.
    pub quarter_most: u64,
    /// Its calls in the period.
    pub totals: Totals,
}

/// A part of the bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The service's name (may be empty), or the month.
    pub name: String,
    /// Campaigns with calls in it.
    pub campaigns: u64,
    /// Their calls.
    pub totals: Totals,
}

/// Delays of one campaign's recipients, from its launch.
struct Reach {
    reached: Vec<u64>,
    confirmed: Vec<u64>,
}

impl Reach {
    fn of(campaign: &CampaignActivity) -> Self {
        let after = |at: i64| u64::try_from(at - campaign.launched_ms).unwrap_or(0);
        let mut first: Vec<Option<i64>> = vec![None; campaign.people.len()];
        for call in &campaign.calls {
            if let (Some(at), Some(known)) = (call.answered_ms(), first.get_mut(call.person as usize)) {
                *known = Some(known.map_or(at, |before| before.min(at)));
            }
        }
        Self {
            reached: first.into_iter().flatten().map(after).collect(),
            confirmed: campaign
                .people
                .iter()
                .filter_map(|person| person.confirmed_ms)
                .map(after)
                .collect(),
        }
    }
}

impl Figures {
    /// Computes the figures of an activity, whose span is the period's. `zone` cuts it into hours, days or months.
    #[must_use]
    pub fn of(activity: &Activity, period: &Period, which: Which, zone: &TimeZone) -> Self {
        let span = activity.span;
        let campaigns: Vec<&CampaignActivity> = activity
            .campaigns
            .iter()
            .filter(|campaign| which.takes(campaign))
            .collect();
        let calls = || {
            campaigns
                .iter()
                .flat_map(|campaign| &campaign.calls)
                .filter(|call| span.holds(call.started_ms))
        };
        let mut totals = Totals::default();
        let mut causes = [0u64; Cause::ALL.len()];
        let mut quarters = BTreeMap::new();
        for call in calls() {
            totals.take(call);
            if let Some(outcome) = call.outcome {
                causes[outcome.cause() as usize] += 1;
            }
        }
        campaigns
            .iter()
            .for_each(|campaign| enter_quarters(campaign, span, &mut quarters));
        let mut states: BTreeMap<u8, (FinalState, u64)> = BTreeMap::new();
        let (mut reached, mut confirmed) = (Vec::new(), Vec::new());
        let mut rows = Vec::new();
        for campaign in &campaigns {
            let reach = Reach::of(campaign);
            let is_of_period = span.holds(campaign.launched_ms);
            let row = row(campaign, &reach, span);
            if is_of_period {
                for person in &campaign.people {
                    states.entry(person.state as u8).or_insert((person.state, 0)).1 += 1;
                }
                reached.extend(reach.reached);
                confirmed.extend(reach.confirmed);
            }
            if is_of_period || row.totals.calls > 0 {
                rows.push(row);
            }
        }
        rows.sort_by_key(|row| (row.launched_ms, row.id));
        let of_period = || rows.iter().filter(|row| row.is_of_period);
        Self {
            span,
            at_ms: activity.at_ms,
            which,
            campaigns: of_period().count() as u64,
            exercises: of_period().filter(|row| row.exercise).count() as u64,
            recipients: of_period().map(|row| row.recipients).sum(),
            states: states.into_values().collect(),
            to_reach: Delays::of(reached),
            to_confirm: Delays::of(confirmed),
            totals,
            causes: Cause::ALL
                .iter()
                .map(|cause| (*cause, causes[*cause as usize]))
                .filter(|(_, count)| *count > 0)
                .collect(),
            quarters: quarters.into_values().collect(),
            most_at_once: most_at_once(calls()),
            slices: slices(&campaigns, &period.parts(zone).1),
            trunks: trunk::figures(activity, calls()),
            services: shares(&rows),
            months: months(&campaigns, span, zone),
            incidents: activity.incidents.clone(),
            rows,
        }
    }

    /// The quarter of an hour in which most messages were delivered.
    #[must_use]
    pub fn busiest(&self) -> Option<&Quarter> {
        // The first of those that are equal.
        self.quarters.iter().rev().max_by_key(|quarter| quarter.answered)
    }

    /// Recipients in this final state.
    #[must_use]
    pub fn in_state(&self, state: FinalState) -> u64 {
        self.states
            .iter()
            .find(|(known, _)| *known == state)
            .map_or(0, |(_, count)| *count)
    }
}

/// Starts, answers and confirmations fall each into its own quarter.
fn enter_quarters(campaign: &CampaignActivity, span: Span, quarters: &mut BTreeMap<i64, Quarter>) {
    let mut at = |at_ms: i64, count: fn(&mut Quarter) -> &mut u64| {
        if span.holds(at_ms) {
            let from_ms = at_ms.div_euclid(QUARTER_MS) * QUARTER_MS;
            let quarter = quarters.entry(from_ms).or_insert(Quarter {
                from_ms,
                ..Quarter::default()
            });
            *count(quarter) += 1;
        }
    };
    for call in &campaign.calls {
        at(call.started_ms, |quarter| &mut quarter.calls);
        if let Some(answered) = call.answered_ms() {
            at(answered, |quarter| &mut quarter.answered);
        }
        if let Some(ended) = call.ended_ms.filter(|_| is_confirmed(call)) {
            at(ended, |quarter| &mut quarter.confirmed);
        }
    }
}

fn row(campaign: &CampaignActivity, reach: &Reach, span: Span) -> CampaignFigures {
    let mut totals = Totals::default();
    campaign
        .calls
        .iter()
        .filter(|call| span.holds(call.started_ms))
        .for_each(|call| totals.take(call));
    let mut quarters = BTreeMap::new();
    enter_quarters(campaign, span, &mut quarters);
    CampaignFigures {
        id: campaign.id,
        name: campaign.name.clone(),
        service: campaign.service.clone(),
        exercise: campaign.exercise,
        state: campaign.state,
        launched_ms: campaign.launched_ms,
        ended_ms: campaign.ended_ms,
        is_of_period: span.holds(campaign.launched_ms),
        recipients: campaign.people.len() as u64,
        reached: reach.reached.len() as u64,
        confirmed: reach.confirmed.len() as u64,
        to_reach: Delays::of(reach.reached.clone()),
        to_confirm: Delays::of(reach.confirmed.clone()),
        quarter_most: quarters.values().map(|quarter| quarter.answered).max().unwrap_or(0),
        totals,
    }
}

/// Walks along the beginnings and ends of calls; where one ends as another begins, the end counts first.
fn most_at_once<'a>(calls: impl Iterator<Item = &'a Call>) -> Option<(u64, i64)> {
    let mut steps: Vec<(i64, bool)> = Vec::new();
    for call in calls {
        steps.push((call.started_ms, true));
        if let Some(ended) = call.ended_ms {
            steps.push((ended.max(call.started_ms + 1), false));
        }
    }
    steps.sort_unstable();
    let (mut now, mut most) = (0u64, None);
    for (at, is_start) in steps {
        now = if is_start { now + 1 } else { now.saturating_sub(1) };
        if most.is_none_or(|(count, _)| now > count) {
            most = Some((now, at));
        }
    }
    most
}

fn slices(campaigns: &[&CampaignActivity], parts: &[Span]) -> Vec<Slice> {
    let mut slices: Vec<Slice> = parts
        .iter()
        .map(|span| Slice {
            span: *span,
            campaigns: 0,
            totals: Totals::default(),
        })
        .collect();
    // Parts follow each other without gaps.
    let place = |at: i64| {
        let after = parts.partition_point(|part| part.from_ms <= at);
        after.checked_sub(1).filter(|place| parts[*place].holds(at))
    };
    for campaign in campaigns {
        if let Some(place) = place(campaign.launched_ms) {
            slices[place].campaigns += 1;
        }
        for call in &campaign.calls {
            if let Some(place) = place(call.started_ms) {
                slices[place].totals.take(call);
            }
        }
    }
    slices
}

fn add(sum: &mut Totals, part: &Totals) {
    sum.calls += part.calls;
    sum.answered += part.answered;
    sum.confirmed += part.confirmed;
    sum.talking_ms += part.talking_ms;
    sum.billed_seconds += part.billed_seconds;
    sum.cost_micros += part.cost_micros;
}

fn shares(rows: &[CampaignFigures]) -> Vec<Share> {
    let mut services: BTreeMap<&str, (u64, Totals)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.totals.calls > 0) {
        let (campaigns, totals) = services.entry(&row.service).or_default();
        *campaigns += 1;
        add(totals, &row.totals);
    }
    share(services.into_iter().map(|(name, sums)| (name.to_owned(), sums)))
}

fn share(sums: impl Iterator<Item = (String, (u64, Totals))>) -> Vec<Share> {
    sums.map(|(name, (campaigns, totals))| Share {
        name,
        campaigns,
        totals,
    })
    .collect()
}

fn months(campaigns: &[&CampaignActivity], span: Span, zone: &TimeZone) -> Vec<Share> {
    let mut months: BTreeMap<String, (u64, Totals)> = BTreeMap::new();
    for campaign in campaigns {
        // Calls are in order of start: the month is looked up when it changes, not for each call.
        let mut month: Option<(Span, String, Totals)> = None;
        let mut close = |month: &mut Option<(Span, String, Totals)>| {
            if let Some((_, name, totals)) = month.take() {
                let (campaigns, sum) = months.entry(name).or_default();
                *campaigns += 1;
                add(sum, &totals);
            }
        };
        for call in campaign.calls.iter().filter(|call| span.holds(call.started_ms)) {
            if month.as_ref().is_none_or(|(span, ..)| !span.holds(call.started_ms)) {
                close(&mut month);
                let of_call = Period::at(super::Unit::Month, call.started_ms, zone);
                month = Some((of_call.span(zone), of_call.to_string(), Totals::default()));
            }
            if let Some((_, _, totals)) = &mut month {
                totals.take(call);
            }
        }
        close(&mut month);
    }
    share(months.into_iter())
}
