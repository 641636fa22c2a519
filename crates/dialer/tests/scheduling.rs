//! Who is called when and over which trunk, and what faults do to it, one story each.
#![allow(clippy::unwrap_used)]

mod world;

use dialer::{
    CampaignState, Cause, Command, CommandError, Contact, FinalState, Hours, Outcome, Policy, RecipientId, Settings,
    Throttle, TrunkChange, TrunkIndex,
};
use world::{Answer, World, alert, ms, secs, trunk};

const BY: fn() -> String = || "op".to_owned();

fn small() -> World {
    World::new(1, vec![trunk("a", 30, 100.0)])
}

#[test]
fn two_campaigns_never_ring_the_same_person_at_once() {
    let mut world = small();
    let people = world.people(1, 20, 2);
    let first = world.launch(alert(), people.clone());
    let second = world.launch(alert(), people);
    world.run_to_end();
    // The world itself checks each call.
    assert_eq!(
        (world.campaign(first).confirmed, world.campaign(second).confirmed),
        (20, 20)
    );
}

#[test]
fn two_people_who_share_a_telephone_are_called_one_after_the_other() {
    let mut world = small();
    let mut people = world.people(1, 2, 1);
    people[1].numbers = people[0].numbers.clone();
    world.contacts.insert(people[1].recipient, people[1].clone());
    let campaign = world.launch(alert(), people);
    world.run_to_end();
    assert_eq!(world.campaign(campaign).confirmed, 2);
}

#[test]
fn priority_shares_the_trunk() {
    let mut world = World::new(1, vec![trunk("a", 30, 10.0)]);
    let some = world.people(1, 500, 1);
    let others = world.people(1_001, 500, 1);
    let urgent = world.launch(
        Policy {
            priority: 60,
            ..alert()
        },
        some,
    );
    let calm = world.launch(
        Policy {
            priority: 20,
            ..alert()
        },
        others,
    );
    world.run_for(secs(120));
    let (a, b) = (
        world.campaign(urgent).attempts as f64,
        world.campaign(calm).attempts as f64,
    );
    assert!((2.7..3.3).contains(&(a / b)), "{a} to {b}");
}

#[test]
fn a_campaign_that_was_paused_has_saved_up_no_turns() {
    let mut world = World::new(1, vec![trunk("a", 30, 10.0)]);
    let some = world.people(1, 2_000, 1);
    let others = world.people(3_001, 2_000, 1);
    let paused = world.launch(alert(), some);
    let campaign = paused;
    world.run_for(secs(10));
    world.command(Command::Pause { campaign, by: BY() });
    let other = world.launch(alert(), others);
    world.run_for(secs(600));
    world.command(Command::Resume { campaign, by: BY() });
    let before = (world.campaign(paused).attempts, world.campaign(other).attempts);
    world.run_for(secs(120));
    let gained = |id, before| (world.campaign(id).attempts - before) as f64;
    let (a, b) = (gained(paused, before.0), gained(other, before.1));
    assert!((0.8..1.25).contains(&(a / b)), "{a} to {b}");
}

#[test]
fn a_campaign_keeps_to_its_share_of_the_channels() {
    let mut world = World::new(1, vec![trunk("a", 20, 50.0)]);
    let people = world.people(1, 100, 1);
    let campaign = world.launch(
        Policy {
            channel_share: 25,
            ..alert()
        },
        people,
    );
    let mut most = 0;
    world.run_until(|world| {
        most = most.max(world.calls_now());
        false
    });
    assert_eq!(most, 5);
    assert_eq!(world.campaign(campaign).confirmed, 100);
}

#[test]
fn another_trunk_takes_over_within_five_seconds() {
    let mut world = World::new(1, vec![trunk("a", 10, 10.0), trunk("b", 10, 10.0)]).answering(|_, order, _| {
        if order.trunk == TrunkIndex(0) {
            Answer::Ends(
                Outcome::Congestion {
                    status: 503,
                    retry_after: Some(secs(60)),
                },
                ms(100),
            )
        } else {
            Answer::Confirms { after: secs(5) }
        }
    });
    let people = world.people(1, 30, 1);
    let campaign = world.launch(alert(), people);
    world.run_for(secs(5));
    let on_b: Vec<_> = world
        .placed
        .iter()
        .filter(|(_, order)| order.trunk == TrunkIndex(1))
        .collect();
    assert!(on_b.len() >= 10);
    let again = world
        .placed
        .iter()
        .filter(|(at, order)| order.trunk == TrunkIndex(0) && *at > secs(1))
        .count();
    assert_eq!(again, 0, "Retry-After is obeyed");
    world.run_to_end();
    assert_eq!(world.campaign(campaign).confirmed, 30);
}

#[test]
fn a_trunk_that_is_down_gets_no_call_until_it_is_up() {
    let mut world = World::new(1, vec![trunk("a", 10, 10.0)]);
    world.dialer.handle_trunk(world.now(), TrunkIndex(0), TrunkChange::Down);
    world.trunk_at(secs(100), 0, TrunkChange::Up);
    let people = world.people(1, 5, 1);
    let campaign = world.launch(alert(), people);
    world.run_to_end();
    assert!(world.placed.iter().all(|(at, _)| *at >= secs(100)));
    assert_eq!(world.campaign(campaign).confirmed, 5);
}

#[test]
fn a_switchboard_gets_no_more_calls_at_once_than_it_can_take() {
    let settings = Settings {
        trunks: vec![trunk("a", 30, 100.0)],
        throttles: vec![Throttle {
            prefix: "331990".into(),
            calls: 3,
        }],
        ..Settings::default()
    };
    let mut world = World::with(1, settings);
    let people = world.people(1, 40, 1);
    let campaign = world.launch(alert(), people);
    let mut most = 0;
    world.run_until(|world| {
        most = most.max(world.calls_now());
        false
    });
    assert_eq!((most, world.campaign(campaign).confirmed), (3, 40));
}

#[test]
fn a_number_that_no_trunk_reaches_is_told_apart() {
    let mut a = trunk("a", 30, 100.0);
    a.prefixes = vec!["336".into()];
    let mut world = World::new(1, vec![a]);
    let people = world.people(1, 2, 2);
    let campaign = world.launch(alert(), people);
    world.run_to_end();
    let view = world.campaign(campaign);
    assert_eq!((view.state, view.attempts, view.pending), (CampaignState::Ended, 0, 0));
}

#[test]
fn people_without_a_number_are_counted_and_not_waited_for() {
    let mut world = small();
    let mut people = world.people(1, 2, 1);
    people.push(Contact {
        recipient: RecipientId(99),
        ..Contact::default()
    });
    let campaign = world.launch(alert(), people);
    world.run_to_end();
    assert_eq!(world.campaign(campaign).confirmed, 2);
    assert_eq!(world.report(campaign).recipients[2].state, FinalState::NoNumber);
}

#[test]
fn nobody_is_called_outside_the_allowed_hours() {
    let mut world = small();
    // The world begins at 13:00 in Paris; let it be allowed from 15:30 to 16:00 on working days.
    let hours = Hours {
        days: 0b001_1111,
        from_minute: 15 * 60 + 30,
        to_minute: 16 * 60,
    };
    let policy = Policy {
        allowed_hours: vec![hours],
        total_period: secs(86_400),
        ..alert()
    };
    let people = world.people(1, 5, 1);
    let campaign = world.launch(policy, people);
    world.run_to_end();
    assert_eq!(world.campaign(campaign).confirmed, 5);
    let first = world.placed[0].0;
    assert!((secs(9_000)..secs(9_061)).contains(&first), "{first:?}");
}

#[test]
fn a_clock_that_steps_by_an_hour_moves_no_retry() {
    for step in [-3_600_000, 3_600_000] {
        let mut world = small().answering(|_, _, before| {
            if before == 0 {
                Answer::Ends(Outcome::Busy, secs(1))
            } else {
                Answer::Confirms { after: secs(5) }
            }
        });
        let people = world.people(1, 1, 1);
        let campaign = world.launch(alert(), people);
        world.run_for(secs(10));
        world.clock_step_ms = step;
        world.run_to_end();
        let waited = world.placed[1].0 - world.placed[0].0;
        assert!(waited >= secs(61) && waited < secs(62), "{waited:?}");
        assert_eq!(world.campaign(campaign).confirmed, 1);
    }
}

#[test]
fn a_full_disk_starts_nothing_and_loses_no_confirmation() {
    let mut world = World::new(1, vec![trunk("a", 5, 10.0)]);
    let people = world.people(1, 20, 1);
    let campaign = world.launch(alert(), people);
    world.run_for(secs(2));
    world.fill_disk(true);
    world.run_for(secs(120));
    assert_eq!(world.placed.len(), 5, "calls in progress went on, no new one began");
    assert!(
        world.acknowledged.is_empty(),
        "nobody is thanked for what is not written"
    );
    assert!(world.view().journal.alarm.is_some());
    let refused = world.try_command(Command::Launch { campaign, by: BY() });
    assert!(matches!(refused, Err(CommandError::Journal(_))));
    world.fill_disk(false);
    world.run_to_end();
    assert!(world.view().journal.alarm.is_none());
    assert_eq!(world.campaign(campaign).confirmed, 20);
    assert_eq!(
        world.placed.len(),
        20,
        "those who confirmed during the alarm were not called again"
    );
}

#[test]
fn a_slow_disk_slows_no_pace() {
    let mut world = World::new(1, vec![trunk("a", 2_000, 100.0)]);
    world.flush = ms(200);
    let people = world.people(1, 2_000, 1);
    world.launch(alert(), people);
    world.run_for(secs(12));
    assert!(world.placed.len() >= 1_000, "{}", world.placed.len());
}

#[test]
fn the_period_ends_what_tries_do_not() {
    let mut world = small().answering(|_, order, _| {
        if order.recipient.0 == 1 {
            Answer::Listens
        } else {
            Answer::Ends(Outcome::Busy, secs(1))
        }
    });
    let people = world.people(1, 2, 1);
    let policy = Policy {
        tries_per_number: 50,
        tries_per_recipient: 150,
        total_period: secs(1_000),
        ..alert()
    };
    let campaign = world.launch(policy, people);
    world.run_to_end();
    let view = world.campaign(campaign);
    assert_eq!(view.ended_ms.unwrap() - view.launched_ms.unwrap(), 1_000_000);
    let report = world.report(campaign);
    let states: Vec<_> = report.recipients.iter().map(|row| row.state).collect();
    assert_eq!(states, [FinalState::NotConfirmed, FinalState::CampaignOver]);
}

#[test]
fn a_call_of_which_nothing_is_heard_is_given_up_and_retried() {
    let mut world = small().answering(|_, _, before| {
        if before == 0 {
            Answer::Vanishes
        } else {
            Answer::Confirms { after: secs(5) }
        }
    });
    let people = world.people(1, 1, 1);
    let campaign = world.launch(alert(), people);
    world.run_to_end();
    assert_eq!(world.campaign(campaign).confirmed, 1);
    assert_eq!(world.campaign(campaign).outcomes[&Cause::Unknown], 1);
}
