//! What campaigns do, one story each.
#![allow(clippy::unwrap_used)]

mod world;

use dialer::{
    Action, CampaignState, Cause, Command, CommandError, ConfirmedBy, FinalState, Hours, MessageId, NumberOrder,
    Outcome, Policy, Preset, RecipientId, Settings, Tariff, anonymous_place,
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
fn pause_starts_nothing_and_resume_goes_on() {
    let mut world = World::new(1, vec![trunk("a", 2, 10.0)]);
    let people = world.people(1, 10, 1);
    let campaign = world.launch(alert(), people);
    world.run_for(secs(1));
    world.command(Command::Pause { campaign, by: BY() });
    let placed = world.placed.len();
    world.run_for(secs(600));
    assert_eq!(world.placed.len(), placed);
    assert_eq!(world.calls_now(), 0, "calls in progress went on to their end");
    world.command(Command::Resume { campaign, by: BY() });
    world.run_to_end();
    assert_eq!(world.campaign(campaign).confirmed, 10);
}

#[test]
fn a_paused_campaign_stays_paused_over_a_restart() {
    let mut world = small();
    let people = world.people(1, 10, 1);
    let campaign = world.create(alert(), people);
    world.command(Command::Launch { campaign, by: BY() });
    world.command(Command::Pause { campaign, by: BY() });
    world.run_for(secs(60));
    world.crash_and_restart();
    world.run_for(secs(60));
    assert_eq!(world.campaign(campaign).state, CampaignState::Paused);
    assert!(world.placed.len() <= 10);
    world.command(Command::Resume { campaign, by: BY() });
    world.run_to_end();
    assert_eq!(world.campaign(campaign).confirmed, 10);
}

#[test]
fn stop_ends_for_good_with_or_without_hanging_up() {
    for hang_up in [false, true] {
        let mut world = World::new(1, vec![trunk("a", 5, 10.0)]);
        let people = world.people(1, 50, 1);
        let campaign = world.launch(alert(), people);
        world.run_for(secs(2));
        world.command(Command::Stop {
            campaign,
            hang_up,
            by: BY(),
        });
        world.run_for(secs(1));
        assert_eq!(world.calls_now(), if hang_up { 0 } else { 5 });
        world.run_to_end();
        let view = world.campaign(campaign);
        assert_eq!((view.state, view.pending), (CampaignState::Stopped, 0));
        assert_eq!(view.confirmed, if hang_up { 0 } else { 5 });
        let launch = world.try_command(Command::Launch { campaign, by: BY() });
        assert!(matches!(
            launch,
            Err(CommandError::State {
                state: CampaignState::Stopped,
                ..
            })
        ));
    }
}

#[test]
fn extending_adds_only_those_who_are_not_in_it() {
    let mut world = small();
    let people = world.people(1, 3, 1);
    let campaign = world.launch(alert(), people);
    world.run_for(secs(5));
    let more = world.people(2, 5, 1);
    world.command(Command::Extend {
        campaign,
        recipients: more,
        by: BY(),
    });
    world.run_to_end();
    let view = world.campaign(campaign);
    assert_eq!((view.recipients, view.confirmed, world.placed.len()), (6, 6, 6));
}

#[test]
fn retrying_calls_only_those_who_did_not_confirm() {
    let mut world = small().answering(|_, order, before| {
        if order.recipient.0 == 1 || before >= 1 {
            Answer::Confirms { after: secs(3) }
        } else {
            Answer::Ends(Outcome::Unreachable { status: 404 }, secs(1))
        }
    });
    let people = world.people(1, 3, 1);
    let campaign = world.launch(alert(), people);
    world.run_to_end();
    assert_eq!(world.campaign(campaign).confirmed, 1);
    world.command(Command::RetryUnconfirmed { campaign, by: BY() });
    world.run_to_end();
    assert_eq!(world.campaign(campaign).confirmed, 3);
    assert_eq!(world.campaign(campaign).state, CampaignState::Ended);
    assert_eq!(world.calls_to(1).len(), 1);
}

#[test]
fn a_changed_message_reaches_calls_in_progress_and_new_ones() {
    let mut world = World::new(1, vec![trunk("a", 2, 10.0)]);
    let people = world.people(1, 4, 1);
    let campaign = world.launch(alert(), people);
    world.run_for(secs(3));
    let message = world.message("L'eau monte encore.");
    world.command(Command::ChangeMessage {
        campaign,
        message,
        in_progress: true,
        recall_confirmed: false,
        by: BY(),
    });
    world.run_to_end();
    let changed = world
        .actions
        .iter()
        .filter(|(_, a)| matches!(a, Action::ChangeMessage { message: m, .. } if *m == message));
    assert_eq!(changed.count(), 2);
    assert_eq!(world.placed[0].1.message, MessageId(1));
    assert_eq!(world.placed[3].1.message, message);
}

#[test]
fn those_who_confirmed_the_old_message_can_be_called_again() {
    let mut world = small();
    world.is_recall = true;
    let people = world.people(1, 3, 1);
    let campaign = world.launch(alert(), people);
    world.run_to_end();
    let message = world.message("Rentrez chez vous.");
    world.command(Command::ChangeMessage {
        campaign,
        message,
        in_progress: false,
        recall_confirmed: true,
        by: BY(),
    });
    world.run_for(secs(1));
    assert_eq!(world.campaign(campaign).pending, 3);
    world.crash_and_restart();
    world.run_to_end();
    let view = world.campaign(campaign);
    assert_eq!(
        (view.confirmed, view.state, view.message),
        (3, CampaignState::Ended, message)
    );
    assert!(world.calls_to(1).len() >= 2);
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
fn calls_are_priced_by_prefix_and_step() {
    let mut a = trunk("a", 10, 10.0);
    let tariff = Tariff {
        prefix: "33".into(),
        per_call_micros: 1_000,
        per_minute_micros: 60_000,
        first_step_s: 30,
        step_s: 15,
        per_part_micros: 0,
    };
    a.tariffs = vec![tariff];
    let mut world = World::new(1, vec![a]).answering(|_, order, before| match (order.recipient.0, before) {
        (1, _) => Answer::Confirms { after: secs(27) },
        (_, 0) => Answer::Ends(Outcome::Busy, secs(1)),
        _ => Answer::Confirms { after: secs(5) },
    });
    let people = world.people(1, 2, 1);
    let campaign = world.launch(alert(), people);
    world.run_to_end();
    // 31 s are billed as 45 s, 9 s as 30 s, a busy line is free.
    let view = world.campaign(campaign);
    assert_eq!((view.billed_seconds, view.cost_micros), (75, 2 * 1_000 + 75_000));
    let report = world.report(campaign);
    let costs: Vec<u64> = report.attempts.iter().map(|row| row.cost_micros).collect();
    assert_eq!(costs, [46_000, 0, 31_000]);
    // The account adds up what the attempts say, whichever way it is asked, also after a restart.
    for _ in 0..2 {
        let account = world.account(dialer::Period::ALWAYS);
        assert_eq!(account.total().cost_micros, 77_000);
        assert_eq!((account.total().attempts, account.total().answered), (3, 2));
        assert_eq!(account.lines.len(), 1);
        let line = &account.lines[0];
        assert_eq!(
            (
                line.month.to_string(),
                line.service.as_str(),
                line.campaign,
                line.trunk.as_str()
            ),
            ("2025-11".into(), "SIDPC", campaign, "a")
        );
        assert_eq!(line.tariff.as_ref().map(|tariff| tariff.step_s), Some(15));
        assert_eq!(
            account.attempts.iter().map(|one| one.row.cost_micros).sum::<u64>(),
            77_000
        );
        world.crash_and_restart();
    }
    let before = dialer::Period {
        from_ms: 0,
        to_ms: report.attempts[0].started_ms,
    };
    assert_eq!(world.account(before).total().attempts, 0);
}

#[test]
fn a_new_price_list_changes_no_old_bill() {
    let tariff = |price| Tariff {
        prefix: "33".into(),
        per_call_micros: 0,
        per_minute_micros: price,
        first_step_s: 60,
        step_s: 60,
        per_part_micros: 0,
    };
    let mut a = trunk("a", 10, 10.0);
    a.tariffs = vec![tariff(10_000)];
    let mut world = World::new(1, vec![a]).answering(|_, _, _| Answer::Confirms { after: secs(5) });
    let people = world.people(1, 1, 1);
    world.launch(alert(), people.clone());
    world.run_to_end();
    world.settings.trunks[0].tariffs = vec![tariff(70_000)];
    world.crash_and_restart();
    world.launch(alert(), people);
    world.run_to_end();
    let account = world.account(dialer::Period::ALWAYS);
    let lines: Vec<_> = account
        .lines
        .iter()
        .map(|line| {
            (
                line.campaign.0,
                line.tariff.as_ref().unwrap().per_minute_micros,
                line.totals.cost_micros,
            )
        })
        .collect();
    assert_eq!(lines, [(1, 10_000, 10_000), (2, 70_000, 70_000)]);
}

#[test]
fn a_call_whose_end_was_never_learnt_is_told_apart_in_the_account() {
    let mut world = small();
    let people = world.people(1, 1, 1);
    world.launch(alert(), people);
    world.run_for(secs(3));
    world.crash_and_restart();
    world.run_to_end();
    let total = world.account(dialer::Period::ALWAYS).total();
    assert_eq!((total.attempts, total.unmetered), (2, 1));
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

#[test]
fn an_erased_person_is_rung_no_more_and_the_story_stays() {
    let mut world = small().answering(|_, order, before| match order.recipient.0 {
        1 => Answer::Ends(Outcome::Busy, secs(1)),
        2 => Answer::Listens,
        3 if before == 0 => Answer::Ends(Outcome::NoAnswer, secs(20)),
        _ => Answer::Confirms { after: secs(5) },
    });
    let people = world.people(1, 5, 2);
    let campaign = world.launch(alert(), people);
    // Number 1 is busy, 2 is in a call, 3 waits for another try, 4 has confirmed.
    world.run_for(secs(22));
    let calls = |world: &World| world.placed.iter().filter(|(_, order)| order.recipient.0 <= 4).count();
    let before = calls(&world);
    for recipient in 1..=4 {
        let recipient = RecipientId(recipient);
        world.command(Command::Erase { recipient, by: BY() });
        // As the directory: it does not know them any more.
        world.contacts.remove(&recipient);
    }
    world.run_to_end();
    assert_eq!(calls(&world), before, "nobody is rung who was erased");
    let report = world.report(campaign);
    let states: Vec<_> = report.recipients.iter().map(|row| row.state).collect();
    let expected = [
        FinalState::Withdrawn,
        FinalState::NotConfirmed,
        FinalState::Withdrawn,
        FinalState::Confirmed,
        FinalState::Confirmed,
    ];
    assert_eq!(states, expected);
    let view = world.campaign(campaign);
    assert_eq!((view.state, view.pending, view.confirmed), (CampaignState::Ended, 0, 2));
    assert!(
        report
            .attempts
            .iter()
            .all(|row| row.number.is_none() == anonymous_place(row.recipient).is_some_and(|place| place < 4)),
        "no number is kept"
    );
    assert!(
        report.recipients[..4]
            .iter()
            .all(|row| anonymous_place(row.recipient).is_some())
    );
    assert_eq!(report.recipients[4].recipient, RecipientId(5));
    world.command(Command::RetryUnconfirmed { campaign, by: BY() });
    world.run_to_end();
    assert_eq!(calls(&world), before, "not with the next tries either");

    // The same after a restart, and from the records alone.
    let view = world.campaign(campaign);
    world.run_for(secs(1));
    world.crash_and_restart();
    assert_eq!(world.campaign(campaign), view);
}

#[test]
fn what_became_of_people_does_not_change_when_the_directory_forgets_them() {
    let mut world = small().answering(|_, order, before| match order.recipient.0 % 5 {
        0 => Answer::Ends(Outcome::Busy, secs(1)),
        1 => Answer::Listens,
        2 if before == 0 => Answer::Ends(Outcome::NoAnswer, secs(20)),
        3 => Answer::Ends(Outcome::Unreachable { status: 404 }, secs(1)),
        _ => Answer::Confirms { after: secs(5) },
    });
    let mut people = world.people(1, 60, 3);
    people[7].numbers.clear();
    let campaign = world.launch(alert(), people);
    world.run_for(secs(400));
    world.command(Command::Stop {
        campaign,
        hang_up: false,
        by: BY(),
    });
    world.run_to_end();
    let before = world.campaign(campaign);
    assert!(before.failed.len() > 1, "{before:?}");
    world.run_for(secs(1));
    world.contacts.clear();
    world.crash_and_restart();
    assert_eq!(world.campaign(campaign), before);
}

#[test]
fn results_lose_their_persons_when_they_have_been_kept_long_enough() {
    const DAY: u64 = 86_400;
    let settings = Settings {
        trunks: vec![trunk("a", 30, 100.0)],
        keep: Some(secs(30 * DAY)),
        ..Settings::default()
    };
    let mut world = World::with(1, settings).answering(|_, order, _| match order.recipient.0 % 3 {
        0 => Answer::Listens,
        1 => Answer::Ends(Outcome::Unreachable { status: 404 }, secs(1)),
        _ => Answer::Confirms { after: secs(5) },
    });
    let people = world.people(1, 30, 2);
    let campaign = world.launch(alert(), people);
    world.run_until(|world| world.campaign(campaign).state == CampaignState::Ended);
    world.run_for(secs(29 * DAY));
    let before = world.report(campaign);
    assert!(before.recipients.iter().all(|row| row.recipient.0 <= 30));
    assert!(before.attempts.iter().all(|row| row.number.is_some()));
    // A second campaign with the same people is younger and keeps them.
    let again = world.people(1, 10, 2);
    let younger = world.launch(alert(), again);
    world.run_until(|world| world.campaign(younger).state == CampaignState::Ended);
    world.run_for(secs(2 * DAY));

    let check = |world: &World| {
        let after = world.report(campaign);
        assert_eq!(after.summary, before.summary, "counts, times and costs stay");
        for (place, (row, was)) in after.recipients.iter().zip(&before.recipients).enumerate() {
            assert_eq!(anonymous_place(row.recipient), Some(place as u64));
            assert_eq!(
                (row.state, row.attempts, row.confirmed_ms),
                (was.state, was.attempts, was.confirmed_ms)
            );
            assert_eq!(row.confirmed_number, None);
        }
        assert!(after.attempts.iter().all(|row| row.number.is_none()));
        assert_eq!(after.attempts.len(), before.attempts.len());
        assert_eq!(world.report(younger).recipients[0].recipient, RecipientId(1));
    };
    check(&world);
    world.crash_and_restart();
    check(&world);
    // Nobody can be called again out of results that know nobody.
    let calls = world.placed.len();
    world.command(Command::RetryUnconfirmed { campaign, by: BY() });
    world.run_for(secs(DAY));
    assert_eq!(world.placed.len(), calls);
}
