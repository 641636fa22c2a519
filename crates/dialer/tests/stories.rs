//! What campaigns do, one story each.
#![allow(clippy::unwrap_used)]

mod world;

use dialer::{
    Action, CampaignState, Cause, Command, ConfirmedBy, FinalState, Hours, NumberOrder, Outcome, Policy, Preset,
};
use std::time::Duration;
use world::{Answer, World, alert, ms, number, secs, trunk};

const BY: fn() -> String = || "op".to_owned();

fn small() -> World {
    World::new(1, vec![trunk("a", 30, 100.0)])
}

#[test]
fn who_confirms_is_called_once_and_thanked() {
    let mut world = small();
    let people = world.people(1, 3, 3);
    let campaign = world.launch(alert(), people);
    world.run_to_end();
    let view = world.campaign(campaign);
    assert_eq!(
        (view.state, view.confirmed, view.attempts),
        (CampaignState::Ended, 3, 3)
    );
    assert_eq!(world.acknowledged.len(), 3);
    let row = &world.report(campaign).recipients[0];
    assert_eq!((row.confirmed_slot, row.confirmed_number), (Some(0), Some(number(3))));
    assert_eq!(row.confirmed_by, Some(ConfirmedBy::Key));
}

#[test]
fn a_busy_line_is_tried_again_after_the_other_numbers_and_its_delay() {
    let mut world = small().answering(|_, order, before| {
        if order.slot == 0 && before > 0 {
            Answer::Confirms { after: secs(5) }
        } else {
            Answer::Ends(Outcome::Busy, secs(1))
        }
    });
    let people = world.people(1, 1, 3);
    world.launch(alert(), people);
    world.run_to_end();
    let slots: Vec<u8> = world.placed.iter().map(|(_, order)| order.slot).collect();
    assert_eq!(slots, [0, 1, 2, 0]);
    let times: Vec<Duration> = world.placed.iter().map(|(at, _)| *at).collect();
    assert!(
        times[1] - times[0] >= secs(3) && times[1] - times[0] < secs(4),
        "a pause between numbers: {times:?}"
    );
    assert!(
        times[3] - times[0] >= secs(61) && times[3] - times[0] < secs(62),
        "the delay of a busy line: {times:?}"
    );
}

#[test]
fn each_cause_has_its_delay() {
    let cases = [
        (Outcome::Busy, Some(60)),
        (Outcome::NoAnswer, Some(300)),
        (Outcome::Machine { message_left: false }, Some(600)),
        (Outcome::Rejected { status: 603 }, Some(900)),
        (Outcome::Failed { status: 500 }, Some(120)),
        (Outcome::Unreachable { status: 404 }, None),
        (
            Outcome::Congestion {
                status: 503,
                retry_after: None,
            },
            Some(1),
        ),
    ];
    for (outcome, delay) in cases {
        let mut world = small().answering(move |_, _, before| {
            if before == 0 {
                Answer::Ends(outcome, secs(1))
            } else {
                Answer::Confirms { after: secs(5) }
            }
        });
        let people = world.people(1, 1, 1);
        let campaign = world.launch(alert(), people);
        world.run_to_end();
        let times: Vec<Duration> = world.placed.iter().map(|(at, _)| *at).collect();
        match delay {
            None => {
                assert_eq!(times.len(), 1, "{outcome:?}");
                assert_eq!(world.campaign(campaign).failed[&Cause::Unreachable], 1);
            }
            Some(delay) => {
                assert_eq!(times.len(), 2, "{outcome:?}");
                let waited = times[1] - times[0];
                assert!(
                    waited >= secs(delay + 1) && waited < secs(delay + 3),
                    "{outcome:?}: {waited:?}"
                );
            }
        }
    }
}

#[test]
fn tries_end_per_number_and_per_recipient() {
    for (per_number, per_recipient, numbers, expected) in [(2, 15, 3, 6), (5, 4, 3, 4), (3, 150, 1, 3)] {
        let mut world = small().answering(|_, _, _| Answer::Ends(Outcome::NoAnswer, secs(30)));
        let people = world.people(1, 1, numbers);
        let policy = Policy {
            tries_per_number: per_number,
            tries_per_recipient: per_recipient,
            ..alert()
        };
        let campaign = world.launch(policy, people);
        world.run_to_end();
        assert_eq!(world.placed.len(), expected);
        assert_eq!(world.report(campaign).recipients[0].state, FinalState::NotReached);
        assert_eq!(world.campaign(campaign).state, CampaignState::Ended);
    }
}

#[test]
fn congestion_is_the_carriers_fault_and_costs_no_try() {
    let mut world = small().answering(|_, _, before| {
        let outcome = Outcome::Congestion {
            status: 503,
            retry_after: None,
        };
        if before < 6 {
            Answer::Ends(outcome, ms(50))
        } else {
            Answer::Confirms { after: secs(5) }
        }
    });
    let people = world.people(1, 1, 1);
    let campaign = world.launch(
        Policy {
            tries_per_number: 1,
            ..alert()
        },
        people,
    );
    world.run_to_end();
    assert_eq!(world.campaign(campaign).confirmed, 1);
}

#[test]
fn all_numbers_at_once_ring_together_and_the_first_key_ends_the_others() {
    let mut world = small().answering(|_, order, _| {
        if order.slot == 1 {
            Answer::Confirms { after: secs(3) }
        } else {
            Answer::Ends(Outcome::NoAnswer, secs(30))
        }
    });
    let people = world.people(1, 1, 3);
    let campaign = world.launch(
        Policy {
            order: NumberOrder::AllAtOnce,
            ..alert()
        },
        people,
    );
    world.run_to_end();
    assert_eq!(world.placed.len(), 3);
    let hung_up = world
        .actions
        .iter()
        .filter(|(_, action)| matches!(action, Action::HangUp(_)))
        .count();
    assert_eq!(hung_up, 2);
    assert_eq!(world.report(campaign).recipients[0].confirmed_slot, Some(1));
    assert_eq!(world.campaign(campaign).outcomes[&Cause::Cancelled], 2);
}

#[test]
fn a_confirmation_survives_a_crash_before_the_thanks() {
    let mut world = small();
    let people = world.people(1, 1, 1);
    let campaign = world.launch(alert(), people);
    world.run_until(|world| !world.acknowledged.is_empty());
    world.crash_and_restart();
    world.run_to_end();
    assert_eq!(world.calls_to(1).len(), 1);
    assert_eq!(world.campaign(campaign).confirmed, 1);
    assert_eq!(world.report(campaign).attempts[0].outcome, Some(Outcome::Confirmed));
}

#[test]
fn a_confirmation_that_never_became_durable_is_asked_for_again() {
    let mut world = small();
    let people = world.people(1, 1, 1);
    let campaign = world.launch(alert(), people);
    world.run_until(|world| world.campaign(campaign).confirmed == 1);
    assert!(world.acknowledged.is_empty(), "not thanked before the flush");
    world.crash_and_restart();
    world.run_to_end();
    assert_eq!(world.calls_to(1).len(), 2);
    assert_eq!(world.campaign(campaign).confirmed, 1);
}

#[test]
fn a_key_pressed_just_before_hanging_up_counts() {
    let mut world = small().answering(|_, _, _| Answer::ConfirmsAndHangsUp { after: secs(4) });
    let people = world.people(1, 1, 1);
    let campaign = world.launch(alert(), people);
    world.run_to_end();
    assert_eq!((world.campaign(campaign).confirmed, world.placed.len()), (1, 1));
}

#[test]
fn a_confirmation_that_comes_after_the_end_of_the_call_counts() {
    let mut world = small().answering(|_, _, _| Answer::HangsUp);
    let people = world.people(1, 1, 1);
    let campaign = world.launch(alert(), people);
    world.run_until(|world| world.campaign(campaign).outcomes.contains_key(&Cause::HungUpEarly));
    let attempt = world.placed[0].1.attempt;
    world
        .dialer
        .handle_report(world.now(), dialer::CallReport::ConfirmRequested { attempt });
    world.run_to_end();
    assert_eq!((world.campaign(campaign).confirmed, world.placed.len()), (1, 1));
}

#[test]
fn information_is_given_when_it_was_heard() {
    let mut world = small().answering(|_, _, _| Answer::Listens);
    let people = world.people(1, 4, 2);
    let policy = Policy {
        allowed_hours: Vec::new(),
        ..Preset::Information.policy()
    };
    let campaign = world.launch(policy, people);
    world.run_to_end();
    let view = world.campaign(campaign);
    assert_eq!((view.informed, view.attempts, view.state), (4, 4, CampaignState::Ended));
}

#[test]
fn a_policy_out_of_range_is_refused_with_its_field() {
    let mut world = small();
    let message = world.message("x");
    let people = world.people(1, 1, 1);
    let mut refuse = |policy: Policy| {
        let (name, service) = ("x".to_owned(), String::new());
        let recipients = people.clone();
        let create = Command::Create {
            name,
            message,
            policy,
            recipients,
            service,
            by: BY(),
        };
        world.try_command(create).unwrap_err().to_string()
    };
    let tries = refuse(Policy {
        tries_per_number: 0,
        ..alert()
    });
    assert_eq!(
        tries,
        "the policy cannot be used: tries_per_number is 0; it must lie between 1 and 50"
    );
    assert!(
        refuse(Policy {
            replay_key: '1',
            ..alert()
        })
        .contains("two different keys")
    );
    let hours = vec![Hours {
        days: 1,
        from_minute: 600,
        to_minute: 600,
    }];
    assert!(
        refuse(Policy {
            allowed_hours: hours,
            ..alert()
        })
        .contains("the hours 600–600")
    );
}

#[test]
fn policies_are_read_from_json_with_defaults_and_without_unknown_fields() {
    let policy: Policy =
        serde_json::from_str(r#"{"ring_timeout": 20, "delays": {"busy": 30, "rejected": null}}"#).unwrap();
    assert_eq!(policy.ring_timeout, secs(20));
    assert_eq!((policy.delays.busy, policy.delays.rejected), (Some(secs(30)), None));
    assert_eq!(policy.tries_per_number, alert().tries_per_number);
    assert!(serde_json::from_str::<Policy>(r#"{"ring_timout": 20}"#).is_err());
    for preset in Preset::ALL {
        let policy = preset.policy();
        policy.validate().unwrap();
        let text = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy);
    }
}
