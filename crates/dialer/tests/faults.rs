//! What breaks around a campaign, and what must not: the table of docs/reliability.md names these tests.
#![allow(clippy::unwrap_used)]

mod world;

use dialer::{AttemptId, CampaignState, Outcome};
use rand::Rng;
use std::time::Duration;
use world::{Answer, World, alert, ms, secs, trunk};

/// A campaign of 200 people whose telephones do all sorts of things; the clock is set by an hour now and then.
fn every_call(seed: u64, steps: &[(u64, i64)]) -> Vec<(Duration, AttemptId, u8, u16)> {
    let mut world = World::new(seed, vec![trunk("a", 20, 5.0), trunk("b", 10, 2.5)]).answering(|rng, _, _| {
        match rng.random_range(0..6) {
            0 => Answer::Ends(Outcome::Busy, secs(2)),
            1 => Answer::Ends(Outcome::NoAnswer, secs(30)),
            2 => Answer::Listens,
            3 => Answer::Ends(
                Outcome::Congestion {
                    status: 503,
                    retry_after: Some(secs(7)),
                },
                ms(100),
            ),
            _ => Answer::Confirms { after: secs(12) },
        }
    });
    let people = world.people(1, 200, 2);
    let campaign = world.launch(alert(), people);
    for (at, step) in steps {
        world.run_for(secs(*at).saturating_sub(world.time()));
        world.clock_step_ms += step;
    }
    world.run_to_end();
    assert_eq!(world.campaign(campaign).state, CampaignState::Ended);
    world
        .placed
        .iter()
        .map(|(at, order)| (*at, order.attempt, order.slot, order.trunk.0))
        .collect()
}

#[test]
fn a_clock_set_by_an_hour_moves_no_call_of_a_whole_campaign() {
    const HOUR: i64 = 3_600_000;
    for seed in 0..5 {
        let undisturbed = every_call(seed, &[(20, 0), (90, 0), (400, 0), (700, 0)]);
        assert!(undisturbed.len() > 200);
        for steps in [
            [(20, HOUR), (90, HOUR), (400, -HOUR), (700, -HOUR)],
            [(20, -HOUR), (90, HOUR), (400, -2 * HOUR), (700, HOUR)],
        ] {
            assert_eq!(every_call(seed, &steps), undisturbed, "seed {seed}, {steps:?}");
        }
    }
}

#[test]
fn a_clock_set_by_an_hour_while_the_program_is_down_loses_nobody() {
    for step in [-3_600_000, 3_600_000] {
        let mut world = World::new(9, vec![trunk("a", 20, 5.0)]).answering(|_, _, before| {
            if before == 0 {
                Answer::Ends(Outcome::Busy, secs(1))
            } else {
                Answer::Confirms { after: secs(5) }
            }
        });
        let people = world.people(1, 100, 1);
        let campaign = world.launch(alert(), people);
        world.run_for(secs(30));
        world.clock_step_ms = step;
        let at = world.time();
        world.crash_and_restart();
        world.run_to_end();
        assert_eq!(world.campaign(campaign).confirmed, 100, "{step}");
        // Retries that were due within a minute are not put off by an hour.
        assert!(world.time() - at < secs(600), "{step}: {:?}", world.time() - at);
    }
}

#[test]
fn a_stalled_disk_is_an_alarm_and_nobody_is_thanked_before_it_is_done() {
    let mut world = World::new(1, vec![trunk("a", 5, 10.0)]);
    let people = world.people(1, 20, 1);
    let campaign = world.launch(alert(), people);
    world.run_for(secs(2));
    let placed = world.placed.len();
    assert!(placed > 0 && world.view().journal.alarm.is_none());
    // From now on a flush takes a minute. Everybody presses the key meanwhile.
    world.flush = secs(60);
    world.run_for(secs(40));
    assert_eq!(
        world.placed.len(),
        placed,
        "no call leaves before its record is durable"
    );
    assert!(
        world.acknowledged.is_empty(),
        "nobody is thanked for what is not durable"
    );
    let alarm = world.view().journal.alarm.unwrap();
    assert!(alarm.contains("has not confirmed a record"), "{alarm}");
    world.flush = ms(3);
    world.run_to_end();
    assert!(world.view().journal.alarm.is_none());
    assert_eq!(world.campaign(campaign).confirmed, 20);
    assert_eq!(
        world.placed.len(),
        20,
        "who confirmed while the disk stalled is not called again"
    );
}

#[test]
fn a_disk_that_fails_and_a_power_failure_together_lose_nothing_that_was_promised() {
    for seed in 0..20 {
        let mut world = World::new(seed, vec![trunk("a", 30, 10.0)]).answering(|rng, _, _| Answer::Confirms {
            after: secs(rng.random_range(3..40)),
        });
        let people = world.people(1, 150, 2);
        let campaign = world.launch(alert(), people);
        for _ in 0..4 {
            let run = secs(world.rng.random_range(1..20));
            world.run_for(run);
            world.fill_disk(true);
            let full = secs(world.rng.random_range(1..60));
            world.run_for(full);
            let is_cut = world.rng.random_bool(0.5);
            world.fill_disk(false);
            if is_cut {
                world.crash_and_restart();
            }
        }
        world.run_to_end();
        let view = world.campaign(campaign);
        assert_eq!((view.state, view.confirmed), (CampaignState::Ended, 150), "seed {seed}");
    }
}
