//! Statistics out of a whole story: they agree with the report of the campaign, and say the same after a restart.
#![allow(clippy::unwrap_used)]

mod world;

use dialer::statistics::{Activity, Figures, Period, Unit, Which};
use dialer::{Answer, CampaignId, Cause, FinalState, Outcome, Preset, Query, TrunkChange, mainland_france};
use world::{Answer as Telephone, World, secs, trunk};

fn today(world: &World) -> Period {
    Period::at(Unit::Day, world.now().utc_ms, &mainland_france())
}

fn activity(world: &World) -> Activity {
    let span = today(world).span(&mainland_france());
    match world.dialer.query(world.now(), Query::Activity(span)).unwrap() {
        Answer::Activity(activity) => *activity,
        other => panic!("{other:?}"),
    }
}

fn figures(world: &World) -> Figures {
    Figures::of(&activity(world), &today(world), Which::All, &mainland_france())
}

fn flood(seed: u64) -> (World, CampaignId) {
    let mut world =
        World::new(seed, vec![trunk("orange", 20, 5.0), trunk("sfr", 20, 5.0)]).answering(|_, order, tries| {
            match (order.recipient.0 % 4, tries) {
                (0, 0) => Telephone::Ends(Outcome::Busy, secs(1)),
                (1, _) => Telephone::Ends(Outcome::NoAnswer, secs(25)),
                _ => Telephone::Confirms { after: secs(20) },
            }
        });
    world.trunk_at(secs(20), 0, TrunkChange::Down);
    world.trunk_at(secs(80), 0, TrunkChange::Up);
    let people = world.people(1, 60, 1);
    let campaign = world.launch(Preset::Immediate.policy(), people);
    (world, campaign)
}

#[test]
fn they_agree_with_the_report_of_the_campaign() {
    let (mut world, campaign) = flood(5);
    world.run_to_end();
    let (report, figures) = (world.report(campaign), figures(&world));
    let confirmed = report
        .recipients
        .iter()
        .filter(|row| row.state == FinalState::Confirmed)
        .count() as u64;
    assert_eq!(figures.recipients, 60);
    assert_eq!(figures.in_state(FinalState::Confirmed), confirmed);
    assert_eq!(figures.to_confirm.unwrap().count, confirmed);
    assert_eq!(figures.totals.calls, report.attempts.len() as u64);
    let busy = report
        .attempts
        .iter()
        .filter(|row| row.outcome.is_some_and(|o| o.cause() == Cause::Busy))
        .count() as u64;
    assert!(busy > 0 && figures.causes.contains(&(Cause::Busy, busy)));
    let launched = report.summary.launched_ms.unwrap();
    let last = report
        .recipients
        .iter()
        .filter_map(|row| row.confirmed_ms)
        .max()
        .unwrap();
    assert_eq!(figures.to_confirm.unwrap().last_ms as i64, last - launched);
    let orange = figures.trunks.iter().find(|trunk| trunk.name == "orange").unwrap();
    assert_eq!((orange.outages, orange.outage_ms), (1, 60_000));
}

#[test]
fn a_restart_changes_nothing_and_is_itself_an_incident() {
    let (mut world, _) = flood(6);
    world.crash_at(secs(50));
    world.run_to_end();
    let before = figures(&world);
    let names: Vec<_> = before
        .incidents
        .iter()
        .map(|incident| incident.trouble.name())
        .collect();
    assert_eq!(names, ["trunk-down", "crashed"]);
    assert_eq!(
        before.incidents[0].to_ms, before.incidents[1].to_ms,
        "the outage is not known beyond the restart"
    );
    world.crash_at(world.time() + secs(1));
    world.run_for(secs(5));
    let after = figures(&world);
    assert_eq!(
        (after.totals, after.to_reach, after.to_confirm, after.trunks),
        (before.totals, before.to_reach, before.to_confirm, before.trunks)
    );
    assert_eq!(after.incidents.len(), 3);
}
