use super::*;
use crate::{
    Bill, CampaignId, CampaignState, Cause, Event, FinalState, Heard, Outcome, Record, Sequence, mainland_france,
};

/// 25 November 2026, 10:00 in Paris.
const TEN: i64 = 1_795_597_200_000;
const MINUTE: i64 = 60_000;

fn call(person: u32, started_ms: i64, outcome: Outcome) -> Call {
    let is_answered = outcome.is_answered();
    Call {
        person,
        trunk: 0,
        outcome: Some(outcome),
        started_ms,
        ended_ms: Some(started_ms + 30_000),
        ringing_ms: if is_answered { 10_000 } else { 30_000 },
        talking_ms: if is_answered { 20_000 } else { 0 },
        quality: Quality {
            post_dial_ms: Some(1_500),
            round_trip_us: is_answered.then_some(40_000),
            remote_lost: is_answered.then_some(10),
            packets_sent: if is_answered { 1_000 } else { 0 },
            packets_received: if is_answered { 980 } else { 0 },
            packets_lost: if is_answered { 20 } else { 0 },
            jitter_us: 2_000,
        },
        bill: if is_answered {
            Bill {
                seconds: 20,
                micros: 4_000,
            }
        } else {
            Bill::default()
        },
    }
}

fn campaign(id: u64, launched_ms: i64, people: Vec<Person>, calls: Vec<Call>) -> CampaignActivity {
    CampaignActivity {
        id: CampaignId(id),
        name: format!("Crue {id}"),
        service: "SIDPC".into(),
        exercise: false,
        state: CampaignState::Ended,
        launched_ms,
        ended_ms: Some(launched_ms + 60 * MINUTE),
        people,
        calls,
    }
}

fn person(state: FinalState, confirmed_ms: Option<i64>) -> Person {
    Person { state, confirmed_ms }
}

fn activity(text: &str, campaigns: Vec<CampaignActivity>) -> (Activity, Period) {
    let period: Period = text.parse().unwrap();
    let activity = Activity {
        span: period.span(&mainland_france()),
        at_ms: TEN + 10 * 24 * 60 * MINUTE,
        campaigns,
        trunks: vec!["orange".into(), "idle".into()],
        incidents: Vec::new(),
    };
    (activity, period)
}

fn figures(activity: &Activity, period: &Period) -> Figures {
    Figures::of(activity, period, Which::All, &mainland_france())
}

/// Three people: one confirms at the first call, one at the second after a busy line, one never answers.
fn flood() -> CampaignActivity {
    let people = vec![
        person(FinalState::Confirmed, Some(TEN + 25_000)),
        person(FinalState::Confirmed, Some(TEN + 5 * MINUTE + 25_000)),
        person(FinalState::NotReached, None),
    ];
    let calls = vec![
        call(0, TEN, Outcome::Confirmed),
        call(1, TEN, Outcome::Busy),
        call(2, TEN + 1_000, Outcome::NoAnswer),
        call(1, TEN + 5 * MINUTE, Outcome::Confirmed),
        call(2, TEN + 16 * MINUTE, Outcome::Cancelled),
    ];
    campaign(1, TEN, people, calls)
}

#[test]
fn delays_run_from_the_launch_and_counts_add_up() {
    let (activity, period) = activity("2026-11-25", vec![flood()]);
    let figures = figures(&activity, &period);
    assert_eq!((figures.campaigns, figures.recipients), (1, 3));
    assert_eq!(
        figures.states,
        [(FinalState::Confirmed, 2), (FinalState::NotReached, 1)]
    );
    let reach = figures.to_reach.unwrap();
    assert_eq!((reach.count, reach.median_ms, reach.last_ms), (2, 10_000, 310_000));
    let confirm = figures.to_confirm.unwrap();
    assert_eq!((confirm.median_ms, confirm.ninety_ms), (25_000, 325_000));
    assert_eq!(
        (figures.totals.calls, figures.totals.answered, figures.totals.confirmed),
        (5, 2, 2)
    );
    assert_eq!(figures.totals.cost_micros, 8_000);
    let causes: u64 = figures.causes.iter().map(|(_, count)| count).sum();
    assert_eq!(causes, 5);
    assert!(figures.causes.contains(&(Cause::Busy, 1)));
    assert_eq!(figures.most_at_once, Some((3, TEN + 1_000)));
    let row = &figures.rows[0];
    assert_eq!((row.reached, row.confirmed, row.quarter_most), (2, 2, 2));
}

#[test]
fn messages_are_counted_per_quarter_of_the_clock() {
    let (activity, period) = activity("2026-11-25", vec![flood()]);
    let figures = figures(&activity, &period);
    let quarters: Vec<_> = figures
        .quarters
        .iter()
        .map(|quarter| (quarter.from_ms, quarter.calls, quarter.answered, quarter.confirmed))
        .collect();
    assert_eq!(quarters, [(TEN, 4, 2, 2), (TEN + 15 * MINUTE, 1, 0, 0)]);
    assert_eq!(figures.busiest().unwrap().from_ms, TEN);
    let hours: Vec<_> = figures.slices.iter().map(|slice| slice.totals.calls).collect();
    assert_eq!(hours.len(), 24);
    assert_eq!((hours[10], hours.iter().sum::<u64>()), (5, 5));
}

#[test]
fn the_trunk_is_judged_by_the_calls_that_were_left_to_it() {
    let (activity, period) = activity("2026-11-25", vec![flood()]);
    let figures = figures(&activity, &period);
    assert_eq!(figures.trunks.len(), 1, "an idle trunk is left out");
    let trunk = &figures.trunks[0];
    assert_eq!((trunk.seizures, trunk.answered, trunk.delivered), (4, 2, 4));
    assert_eq!(trunk.post_dial.unwrap().median_ms, 1_500);
    assert_eq!((trunk.loss(), trunk.remote_loss()), (Some(0.02), Some(0.01)));
    assert_eq!(
        (trunk.jitter_median_us, trunk.round_trip_us),
        (Some(2_000), Some(40_000))
    );
}

#[test]
fn a_campaign_over_midnight_counts_once_and_each_call_where_it_began() {
    let midnight = TEN + 14 * 60 * MINUTE;
    let people = vec![person(FinalState::Confirmed, Some(midnight + MINUTE)); 2];
    let calls = vec![
        call(0, midnight - MINUTE, Outcome::NoAnswer),
        call(1, midnight - MINUTE, Outcome::Confirmed),
        call(0, midnight + 1_000, Outcome::Confirmed),
    ];
    let night = campaign(7, midnight - MINUTE, people, calls);
    let (first, day) = activity("2026-11-25", vec![night.clone()]);
    let first = figures(&first, &day);
    let (second, day) = activity("2026-11-26", vec![night]);
    let second = figures(&second, &day);
    assert_eq!((first.campaigns, first.recipients, first.totals.calls), (1, 2, 2));
    assert_eq!(first.to_confirm.unwrap().count, 2, "the delays stay with the launch");
    assert_eq!((second.campaigns, second.recipients, second.totals.calls), (0, 0, 1));
    assert_eq!(second.to_confirm, None);
    assert!(!second.rows[0].is_of_period);
}

#[test]
fn exercises_are_kept_apart_and_services_pay_their_share() {
    let mut practice = flood();
    practice.id = CampaignId(2);
    practice.exercise = true;
    practice.service = String::new();
    let mut december = flood();
    december.id = CampaignId(3);
    let later = 6 * 24 * 60 * MINUTE;
    december.launched_ms += later;
    december.calls.iter_mut().for_each(|call| call.started_ms += later);
    let (activity, period) = activity("2026-Q4", vec![flood(), practice, december]);
    let zone = mainland_france();
    let of = |which| Figures::of(&activity, &period, which, &zone);
    assert_eq!((of(Which::All).campaigns, of(Which::All).exercises), (3, 1));
    assert_eq!((of(Which::Real).campaigns, of(Which::Exercises).campaigns), (2, 1));
    let all = of(Which::All);
    let names: Vec<_> = all
        .services
        .iter()
        .map(|share| (share.name.as_str(), share.totals.cost_micros))
        .collect();
    assert_eq!(names, [("", 8_000), ("SIDPC", 16_000)]);
    let months: Vec<_> = all
        .months
        .iter()
        .map(|share| (share.name.as_str(), share.campaigns))
        .collect();
    assert_eq!(months, [("2026-11", 2), ("2026-12", 1)]);
    let cost: u64 = all.months.iter().map(|share| share.totals.cost_micros).sum();
    assert_eq!(cost, all.totals.cost_micros);
}

#[test]
fn every_view_of_the_same_calls_gives_the_same_sums() {
    let mut state = 7u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    let outcomes = [
        Outcome::Confirmed,
        Outcome::Busy,
        Outcome::NoAnswer,
        Outcome::AnsweredNotConfirmed(Heard::Part),
        Outcome::Congestion {
            status: 503,
            retry_after: None,
        },
    ];
    let people = vec![person(FinalState::NotConfirmed, None); 500];
    let mut calls: Vec<Call> = (0..5_000)
        .map(|_| {
            let at = TEN + random(40 * 24 * 3_600_000) as i64;
            Call {
                trunk: random(2) as u16,
                ..call(random(500) as u32, at, outcomes[random(5) as usize])
            }
        })
        .collect();
    calls.sort_by_key(|call| call.started_ms);
    let (activity, period) = activity("2026", vec![campaign(1, TEN, people, calls)]);
    let figures = figures(&activity, &period);
    let sum = |part: fn(&Totals) -> u64| {
        let slices: u64 = figures.slices.iter().map(|slice| part(&slice.totals)).sum();
        let months: u64 = figures.months.iter().map(|share| part(&share.totals)).sum();
        let services: u64 = figures.services.iter().map(|share| part(&share.totals)).sum();
        let rows: u64 = figures.rows.iter().map(|row| part(&row.totals)).sum();
        assert_eq!([slices, months, services, rows], [part(&figures.totals); 4]);
    };
    sum(|totals| totals.calls);
    sum(|totals| totals.answered);
    sum(|totals| totals.cost_micros);
    let trunks: u64 = figures.trunks.iter().map(|trunk| trunk.seizures).sum();
    let quarters: u64 = figures.quarters.iter().map(|quarter| quarter.calls).sum();
    assert!(figures.totals.calls > 4_000);
    assert_eq!((trunks, quarters), (figures.totals.calls, figures.totals.calls));
}

#[test]
fn incidents_are_told_from_orderly_ends() {
    let mut incidents = Incidents::default();
    let mut sequence = 0;
    let mut happen = |at_ms: i64, event: Event| {
        incidents.apply(&Record {
            sequence: Sequence(sequence),
            at_ms,
            event,
        });
        sequence += 1;
    };
    let started = || Event::Started { version: "1".into() };
    let trunk = |is_up| Event::TrunkChanged {
        trunk: "orange".into(),
        is_up,
    };
    happen(1_000, started());
    happen(2_000, trunk(false));
    happen(5_000, trunk(true));
    happen(6_000, Event::Stopped);
    happen(9_000, started());
    happen(10_000, trunk(false));
    happen(20_000, started());
    happen(
        30_000,
        Event::JournalRecovered {
            since_ms: 25_000,
            why: "full".into(),
        },
    );
    happen(31_000, trunk(false));
    let all = Span {
        from_ms: 0,
        to_ms: 100_000,
    };
    let found: Vec<_> = incidents
        .within(all)
        .into_iter()
        .map(|incident| (incident.trouble.name(), incident.from_ms, incident.to_ms))
        .collect();
    assert_eq!(
        found,
        [
            ("trunk-down", 2_000, Some(5_000)),
            ("restarted", 6_000, Some(9_000)),
            ("trunk-down", 10_000, Some(20_000)),
            ("crashed", 10_000, Some(20_000)),
            ("journal-failed", 25_000, Some(30_000)),
            ("trunk-down", 31_000, None),
        ]
    );
    let late = Span {
        from_ms: 22_000,
        to_ms: 40_000,
    };
    let within: Vec<_> = incidents
        .within(late)
        .iter()
        .map(|incident| incident.within(late, 50_000))
        .collect();
    assert_eq!(within, [5_000, 9_000]);
}
