//! Whole campaigns in virtual time, with a hostile carrier, lost reports, failing trunks and power losses at random
//! instants. `TOCSIN_SEED=n` replays the world of one seed; `TOCSIN_WORLDS=n` runs more of them.
#![allow(clippy::unwrap_used)]

mod world;

use dialer::{CampaignState, FinalState, Heard, NumberOrder, Outcome, TrunkChange};
use rand::Rng;
use std::time::Duration;
use world::{Answer, World, alert, ms, secs, trunk};

fn hostile(rng: &mut rand_chacha::ChaCha8Rng) -> Answer {
    match rng.random_range(0..100) {
        0..=34 => Answer::Confirms {
            after: secs(rng.random_range(3..40)),
        },
        35..=39 => Answer::ConfirmsAndHangsUp {
            after: secs(rng.random_range(3..40)),
        },
        40..=49 => Answer::Listens,
        50..=54 => Answer::HangsUp,
        55..=64 => Answer::Ends(Outcome::Busy, secs(2)),
        65..=79 => Answer::Ends(Outcome::NoAnswer, secs(30)),
        80..=82 => Answer::Ends(Outcome::Unreachable { status: 404 }, ms(300)),
        83..=85 => Answer::Ends(Outcome::Rejected { status: 603 }, secs(4)),
        86..=90 => Answer::Ends(
            Outcome::Congestion {
                status: 503,
                retry_after: None,
            },
            ms(100),
        ),
        91 => {
            let retry_after = Some(secs(rng.random_range(1..6)));
            Answer::Ends(
                Outcome::Congestion {
                    status: 503,
                    retry_after,
                },
                ms(100),
            )
        }
        92..=94 => Answer::Ends(Outcome::Machine { message_left: false }, secs(20)),
        95..=97 => Answer::Ends(Outcome::Failed { status: 500 }, ms(200)),
        _ => Answer::Vanishes,
    }
}

fn hostile_world(seed: u64) {
    let mut world =
        World::new(seed, vec![trunk("a", 40, 15.0), trunk("b", 25, 7.5)]).answering(|rng, _, _| hostile(rng));
    world.flush = ms(world.rng.random_range(1..80));
    world.loss = [0.0, 0.02, 0.2][world.rng.random_range(0..3)];
    let count = world.rng.random_range(50..1_200);
    let mut policy = alert();
    policy.tries_per_number = 3;
    policy.tries_per_recipient = 6;
    let at_once = world.rng.random_bool(0.3);
    if at_once {
        policy.order = NumberOrder::AllAtOnce;
    }
    let everybody = world.people(1, count, 2);
    // A second campaign shares a third of the people.
    let shared = everybody.iter().take(count as usize / 3).cloned().collect();
    for _ in 0..world.rng.random_range(0..8) {
        let at = ms(world.rng.random_range(0..1_800_000));
        world.crash_at(at);
    }
    for trunk in 0..2 {
        for _ in 0..world.rng.random_range(0..3) {
            let at = secs(world.rng.random_range(0..900));
            world.trunk_at(at, trunk, TrunkChange::Down);
            let back = at + secs(world.rng.random_range(5..200));
            world.trunk_at(back, trunk, TrunkChange::Up);
        }
    }
    let first = world.launch(policy.clone(), everybody);
    let second = world.launch(policy.clone(), shared);
    if world.rng.random_bool(0.3) {
        world.fill_disk(true);
        world.run_for(secs(20));
        world.fill_disk(false);
    }
    world.run_to_end();

    // The launch itself may have been lost with the power, before anybody was told that it was done.
    let mut confirmed = 0;
    for campaign in [first, second] {
        let Some(view) = world.view().campaign(campaign).cloned() else {
            continue;
        };
        if view.state == CampaignState::Ready {
            continue;
        }
        assert_eq!(view.state, CampaignState::Ended, "seed {seed}");
        assert_eq!(view.pending, 0, "seed {seed}");
        assert_eq!(
            view.calling + view.ringing + view.speaking,
            0,
            "seed {seed}: calls are left over"
        );
        let report = world.report(campaign);
        for row in &report.recipients {
            let calls: Vec<_> = report
                .attempts
                .iter()
                .filter(|call| call.recipient == row.recipient)
                .collect();
            assert_eq!(row.attempts as usize, calls.len(), "seed {seed}: {row:?}");
            let count = |what: &dyn Fn(&Outcome) -> bool| {
                calls
                    .iter()
                    .filter(|call| call.outcome.as_ref().is_some_and(what))
                    .count()
            };
            let counting = count(&|outcome| {
                !matches!(
                    outcome,
                    Outcome::Cancelled | Outcome::Congestion { .. } | Outcome::Unknown
                )
            });
            match row.state {
                FinalState::Confirmed => {
                    confirmed += 1;
                    assert!(
                        count(&|outcome| *outcome == Outcome::Confirmed) > 0 || world.loss > 0.0,
                        "seed {seed}: {row:?}"
                    );
                }
                FinalState::NotConfirmed | FinalState::NotReached => {
                    let dead = count(&|outcome| matches!(outcome, Outcome::Unreachable { .. }));
                    let unknown = count(&|outcome| *outcome == Outcome::Unknown);
                    let expired = world.time() >= policy.total_period;
                    assert!(
                        expired || counting + unknown >= 6 || dead > 0,
                        "seed {seed}: {row:?} was given up after {calls:?}"
                    );
                    let answered =
                        count(&|outcome| matches!(outcome, Outcome::AnsweredNotConfirmed(Heard::Whole | Heard::Part)));
                    assert_eq!(
                        row.state == FinalState::NotConfirmed,
                        answered > 0,
                        "seed {seed}: {row:?}"
                    );
                }
                FinalState::CampaignOver => assert!(world.time() >= policy.total_period, "seed {seed}: {row:?}"),
                other => panic!("seed {seed}: {other:?}"),
            }
        }
        for recipient in world.acknowledged.iter().filter(|_| campaign == first) {
            let row = report
                .recipients
                .iter()
                .find(|row| row.recipient == *recipient)
                .unwrap();
            let in_second = world.view().campaign(second).is_some();
            assert!(
                row.state == FinalState::Confirmed || in_second,
                "seed {seed}: {row:?} was thanked"
            );
        }
    }
    // The state in memory is the fold of the journal: a restart finds the same.
    let before: Vec<_> = [first, second]
        .iter()
        .filter_map(|id| world.view().campaign(*id).cloned())
        .collect();
    world.run_for(Duration::from_secs(1));
    world.crash_and_restart();
    let after: Vec<_> = [first, second]
        .iter()
        .filter_map(|id| world.view().campaign(*id).cloned())
        .collect();
    assert_eq!(before, after, "seed {seed}: the fold differs");
    println!(
        "seed {seed}: {count} people, {} calls, {confirmed} confirmed, {} crashes, loss {}, {:?}",
        world.placed.len(),
        world.crashes,
        world.loss,
        world.time()
    );
}

#[test]
fn hostile_worlds_keep_every_promise() {
    if let Some(seed) = std::env::var("TOCSIN_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return hostile_world(seed);
    }
    let worlds = std::env::var("TOCSIN_WORLDS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(40);
    for seed in 0..worlds {
        println!("seed {seed} (replay with TOCSIN_SEED={seed})");
        hostile_world(seed);
    }
}

#[test]
fn ten_thousand_people_in_virtual_time() {
    let seed = 2026;
    let mut world =
        World::new(seed, vec![trunk("a", 400, 50.0), trunk("b", 200, 25.0)]).answering(|rng, _, _| hostile(rng));
    for crash in 1..10 {
        world.crash_at(secs(crash * 60) + ms(137));
    }
    let people = world.people(1, 10_000, 3);
    let campaign = world.launch(alert(), people);
    world.run_to_end();
    let view = world.campaign(campaign);
    assert_eq!((view.state, view.pending), (CampaignState::Ended, 0), "seed {seed}");
    assert!(view.confirmed > 9_000, "seed {seed}: {view:?}");
}
