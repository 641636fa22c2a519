//! What a campaign's policy makes of media, shared telephones, duty rosters, expiry and hours, one story each.
#![allow(clippy::unwrap_used)]

mod world;

use dialer::{
    CampaignState, Cause, Command, CommandError, Contact, Escalation, FinalState, Heard, Hours, Language,
    MachinePolicy, NumberOrder, NumberResult, Order, Outcome, Policy, Preset, RecipientId, RecipientResult as R,
    Settings, SharedNumbers, Tariff, Texting, Texts,
};
use std::time::Duration;
use world::{Answer, Text, World, alert, number, secs, trunk};

/// A world with a gateway that takes 10 texts a second at 4.5 cents a part.
fn texting() -> World {
    let mut gateway = trunk("sms", 100, 10.0);
    gateway.tariffs = vec![Tariff {
        prefix: String::new(),
        per_call_micros: 0,
        per_minute_micros: 0,
        first_step_s: 1,
        step_s: 1,
        per_part_micros: 45_000,
    }];
    let settings = Settings {
        trunks: vec![trunk("a", 30, 100.0)],
        gateways: vec![gateway],
        ..Settings::default()
    };
    World::with(1, settings)
}

/// People with a landline to call and a mobile that is called and takes texts.
fn with_mobiles(world: &mut World, count: u64) -> Vec<Contact> {
    let mut people = world.people(1, count, 2);
    for contact in &mut people {
        contact.texts = vec![contact.numbers[1]];
        world.contacts.insert(contact.recipient, contact.clone());
    }
    people
}

fn texts(when: Texting) -> Policy {
    Policy {
        texts: Texts {
            when,
            ..Texts::default()
        },
        ..alert()
    }
}

fn results(world: &World, campaign: dialer::CampaignId) -> Vec<R> {
    world.report(campaign).recipients.iter().map(|row| row.result).collect()
}

#[test]
fn calls_and_texts_go_out_together() {
    let mut world = texting();
    let people = with_mobiles(&mut world, 5);
    let campaign = world.launch(texts(Texting::Together), people);
    world.run_to_end();
    assert_eq!((world.sent.len(), world.placed.len()), (5, 5));
    assert!(
        world
            .sent
            .iter()
            .all(|(at, notice)| *at < secs(1) && notice.text == "La Somme déborde.")
    );
    assert_eq!(world.campaign(campaign).confirmed, 5);
    // One part each, billed although the calls cost nothing.
    assert_eq!(world.campaign(campaign).cost_micros, 5 * 45_000);
    assert_eq!(world.account(dialer::Period::ALWAYS).total().parts, 5);
}

#[test]
fn a_text_follows_after_so_many_failures_and_not_before() {
    let mut world = texting().answering(|_, order, _| {
        if order.recipient == RecipientId(1) {
            Answer::Confirms { after: secs(5) }
        } else {
            Answer::Ends(Outcome::Busy, secs(1))
        }
    });
    let people = with_mobiles(&mut world, 2);
    let mut policy = texts(Texting::AfterFailures);
    policy.texts.failures = 3;
    let campaign = world.launch(policy, people);
    world.run_to_end();
    assert_eq!(world.sent.len(), 1, "who confirmed gets no text");
    let (sent_at, notice) = &world.sent[0];
    assert_eq!(notice.recipient, RecipientId(2));
    let calls = world.calls_to(2);
    let before = calls.iter().filter(|(at, _)| at < sent_at).count();
    assert_eq!(before, 3);
    assert!(calls.len() > 3, "calls go on after the text");
    assert_eq!(results(&world, campaign), [R::ConfirmedByKey, R::TextSent]);
}

#[test]
fn a_text_is_the_last_resort_where_no_call_is_left_or_possible() {
    let mut world = texting().answering(|_, _, _| Answer::Ends(Outcome::Unreachable { status: 404 }, secs(1)));
    let mut people = with_mobiles(&mut world, 1);
    people.push(Contact {
        recipient: RecipientId(9),
        texts: vec![number(9_000)],
        ..Contact::default()
    });
    world.contacts.insert(RecipientId(9), people[1].clone());
    let mut policy = texts(Texting::AfterFailures);
    policy.texts.failures = 50;
    world.launch(policy, people);
    world.run_to_end();
    let mut reached: Vec<_> = world.sent.iter().map(|(_, notice)| notice.recipient.0).collect();
    reached.sort_unstable();
    assert_eq!(reached, [1, 9]);
}

#[test]
fn delivered_to_the_handset_is_told_apart_from_sent_even_after_the_end() {
    let mut world = texting()
        .answering(|_, _, _| Answer::Ends(Outcome::NoAnswer, secs(30)))
        .texting(|notice, _| match notice.recipient.0 {
            1 => Text::Delivered { after: secs(2) },
            2 => Text::Delivered { after: secs(86_400) },
            _ => Text::Sent,
        });
    let people = with_mobiles(&mut world, 3);
    let campaign = world.launch(texts(Texting::Together), people);
    world.run_for(secs(43_200));
    assert_eq!(world.campaign(campaign).state, CampaignState::Ended);
    let expected = [R::DeliveredToHandset, R::TextSent, R::TextSent];
    assert_eq!(results(&world, campaign), expected);
    let view = world.campaign(campaign);
    assert_eq!((view.not_confirmed, view.failed[&Cause::Sent], view.pending), (1, 2, 0));
    world.run_to_end();
    for _ in 0..2 {
        let expected = [R::DeliveredToHandset, R::DeliveredToHandset, R::TextSent];
        assert_eq!(results(&world, campaign), expected);
        let view = world.campaign(campaign);
        assert_eq!((view.not_confirmed, view.failed[&Cause::Sent]), (2, 1));
        assert_eq!((view.outcomes[&Cause::Delivered], view.outcomes[&Cause::Sent]), (2, 1));
        world.crash_and_restart();
    }
}

#[test]
fn where_no_confirmation_is_asked_a_delivered_text_is_enough() {
    let mut world = texting()
        .answering(|_, _, _| Answer::Ends(Outcome::NoAnswer, secs(30)))
        .texting(|_, _| Text::Delivered { after: secs(4) });
    let people = with_mobiles(&mut world, 4);
    let policy = Policy {
        allowed_hours: Vec::new(),
        texts: texts(Texting::Together).texts,
        ..Preset::Information.policy()
    };
    let campaign = world.launch(policy, people);
    world.run_to_end();
    let view = world.campaign(campaign);
    assert_eq!((view.informed, view.attempts, view.state), (4, 8, CampaignState::Ended));
    assert_eq!(results(&world, campaign), [R::InformedByText; 4]);
}

#[test]
fn texts_alone_call_nobody_and_try_again_when_the_gateway_refuses() {
    let mut world = texting().texting(|_, before| {
        if before == 0 {
            Text::Ends(Outcome::Failed { status: 500 })
        } else {
            Text::Delivered { after: secs(5) }
        }
    });
    let people = with_mobiles(&mut world, 3);
    let campaign = world.launch(texts(Texting::Only), people);
    world.run_to_end();
    assert_eq!((world.placed.len(), world.sent.len()), (0, 6));
    let waited = world.sent[3].0 - world.sent[0].0;
    assert!(waited >= secs(60) && waited < secs(62), "{waited:?}");
    assert_eq!(results(&world, campaign), [R::DeliveredToHandset; 3]);
    let row = &world.report(campaign).recipients[0];
    assert_eq!(row.numbers[0].result, NumberResult::NotUsed);
    assert_eq!(row.numbers[2].result, NumberResult::Tried(Cause::Delivered));
}

#[test]
fn a_gateway_gets_no_more_texts_a_second_than_it_takes() {
    let mut world = texting();
    let people = with_mobiles(&mut world, 100);
    world.launch(texts(Texting::Only), people);
    world.run_to_end();
    let times: Vec<Duration> = world.sent.iter().map(|(at, _)| *at).collect();
    assert_eq!(times.len(), 100);
    for window in times.windows(11) {
        assert!(window[10] - window[0] >= secs(1), "{window:?}");
    }
    assert!(*times.last().unwrap() < secs(11));
}

#[test]
fn a_text_whose_end_a_crash_cut_off_is_sent_again_rather_than_forgotten() {
    let mut world = texting();
    let people = with_mobiles(&mut world, 1);
    let campaign = world.launch(texts(Texting::Only), people);
    world.run_until(|world| !world.sent.is_empty());
    world.crash_and_restart();
    world.run_to_end();
    assert_eq!(world.sent.len(), 2);
    assert_eq!(results(&world, campaign), [R::TextSent]);
    assert_eq!(world.campaign(campaign).pending, 0);
}

#[test]
fn a_policy_with_texts_is_refused_where_nothing_sends_them() {
    let mut world = World::new(1, vec![trunk("a", 5, 5.0)]);
    let (message, recipients) = (world.message("x"), world.people(1, 1, 1));
    let create = Command::Create {
        name: "x".into(),
        message,
        policy: texts(Texting::Together),
        recipients,
        service: String::new(),
        by: "op".into(),
    };
    assert_eq!(world.try_command(create).unwrap_err(), CommandError::NoGateway);
}

/// Waves of two people each.
fn roster(world: &mut World, waves: u64) -> Vec<Contact> {
    let mut people = world.people(1, 2 * waves, 1);
    for contact in &mut people {
        contact.wave = ((contact.recipient.0 - 1) / 2) as u8;
        world.contacts.insert(contact.recipient, contact.clone());
    }
    people
}

fn needs(needed: u32, wait: u64) -> Policy {
    Policy {
        escalation: Some(Escalation {
            needed,
            wait: secs(wait),
        }),
        ..alert()
    }
}

#[test]
fn the_next_wave_is_called_when_its_time_has_come_and_the_last_ones_are_spared() {
    let mut world = World::new(1, vec![trunk("a", 30, 100.0)]).answering(|_, order, _| match order.recipient.0 {
        3 => Answer::Confirms { after: secs(20) },
        _ => Answer::Ends(Outcome::NoAnswer, secs(30)),
    });
    let people = roster(&mut world, 3);
    let campaign = world.launch(needs(1, 120), people);
    world.run_for(secs(60));
    assert!(world.placed.iter().all(|(_, order)| order.recipient.0 <= 2));
    let view = world.campaign(campaign);
    assert_eq!((view.wave, view.waves, view.needed, view.pending), (1, 3, 1, 6));
    world.crash_and_restart();
    world.run_to_end();
    let second = &world.calls_to(3)[0];
    assert!(second.0 >= secs(120) && second.0 < secs(121), "{:?}", second.0);
    assert!(world.calls_to(5).is_empty() && world.calls_to(6).is_empty());
    let view = world.campaign(campaign);
    assert_eq!(
        (view.state, view.confirmed, view.spared, view.pending),
        (CampaignState::Ended, 1, 5, 0)
    );
    let expected = [
        R::NoLongerNeeded,
        R::NoLongerNeeded,
        R::ConfirmedByKey,
        R::NoLongerNeeded,
        R::NotNeeded,
        R::NotNeeded,
    ];
    assert_eq!(results(&world, campaign), expected);
}

#[test]
fn calls_that_only_ring_are_hung_up_once_enough_have_answered_and_conversations_go_on() {
    let mut world = World::new(1, vec![trunk("a", 30, 100.0)]).answering(|_, order, _| match order.recipient.0 {
        1 => Answer::Confirms { after: secs(10) },
        2 => Answer::Confirms { after: secs(60) },
        _ => Answer::Ends(Outcome::NoAnswer, secs(30)),
    });
    let mut people = world.people(1, 4, 1);
    people.iter_mut().for_each(|contact| contact.wave = 0);
    let campaign = world.launch(needs(1, 600), people);
    world.run_to_end();
    let view = world.campaign(campaign);
    assert_eq!((view.confirmed, view.spared, view.state), (2, 2, CampaignState::Ended));
    assert_eq!(world.placed.len(), 4);
    assert_eq!(view.outcomes[&Cause::Cancelled], 2);
}

#[test]
fn a_wave_that_has_nobody_left_makes_room_for_the_next_at_once() {
    let mut world = World::new(1, vec![trunk("a", 30, 100.0)]).answering(|_, order, _| match order.recipient.0 {
        5 | 6 => Answer::Confirms { after: secs(5) },
        _ => Answer::Ends(Outcome::Unreachable { status: 404 }, secs(1)),
    });
    let people = roster(&mut world, 3);
    let campaign = world.launch(needs(2, 3_600), people);
    world.run_to_end();
    assert!(world.calls_to(5)[0].0 < secs(5), "{:?}", world.calls_to(5));
    assert_eq!(world.campaign(campaign).confirmed, 2);
}

#[test]
fn an_escalation_that_finds_too_few_calls_everybody_and_says_so_and_can_be_tried_again() {
    let mut world = World::new(1, vec![trunk("a", 30, 100.0)]).answering(|_, order, before| match order.recipient.0 {
        1 => Answer::Confirms { after: secs(5) },
        4 if before > 0 => Answer::Confirms { after: secs(5) },
        _ => Answer::Ends(Outcome::Unreachable { status: 404 }, secs(1)),
    });
    let people = roster(&mut world, 2);
    let campaign = world.launch(needs(2, 60), people);
    world.run_to_end();
    let view = world.campaign(campaign);
    assert_eq!((view.state, view.confirmed, view.needed), (CampaignState::Ended, 1, 1));
    assert_eq!(view.failed[&Cause::Unreachable], 3);
    world.command(Command::RetryUnconfirmed {
        campaign,
        by: "op".into(),
    });
    world.run_to_end();
    assert_eq!(world.campaign(campaign).confirmed, 2);
    assert_eq!(world.calls_to(1).len(), 1);
}

#[test]
fn a_shared_telephone_is_called_once_where_the_policy_says_so() {
    for (shared, calls, expected) in [
        (SharedNumbers::ForEach, 2, R::ConfirmedByKey),
        (SharedNumbers::Once, 1, R::ConfirmedOnSharedNumber),
    ] {
        let mut world = World::new(1, vec![trunk("a", 30, 100.0)]);
        let mut people = world.people(1, 2, 1);
        people[1].numbers = people[0].numbers.clone();
        world.contacts.insert(people[1].recipient, people[1].clone());
        let policy = Policy {
            shared_numbers: shared,
            ..alert()
        };
        let campaign = world.launch(policy, people);
        world.run_to_end();
        assert_eq!(world.placed.len(), calls);
        world.crash_and_restart();
        assert_eq!(results(&world, campaign), [R::ConfirmedByKey, expected]);
        assert_eq!(world.campaign(campaign).state, CampaignState::Ended);
    }
}

#[test]
fn who_shares_a_telephone_is_still_called_on_their_own() {
    let mut world = World::new(1, vec![trunk("a", 30, 100.0)]);
    let mut people = world.people(1, 2, 2);
    people[1].numbers[0] = people[0].numbers[0];
    let own = people[1].numbers[1];
    world.contacts.insert(people[1].recipient, people[1].clone());
    let policy = Policy {
        shared_numbers: SharedNumbers::Once,
        ..alert()
    };
    let campaign = world.launch(policy, people);
    world.run_to_end();
    let calls = world.calls_to(2);
    assert_eq!((calls.len(), calls[0].1.number), (1, own));
    assert_eq!(world.campaign(campaign).confirmed, 2);
    let row = &world.report(campaign).recipients[1];
    assert_eq!(row.numbers[0].result, NumberResult::ConfirmedElsewhere);
}

#[test]
fn an_expired_message_is_told_to_nobody_any_more() {
    let mut world = World::new(1, vec![trunk("a", 1, 100.0)]).answering(|_, _, _| Answer::Confirms { after: secs(50) });
    let start = world.now().utc_ms;
    let people = world.people(1, 20, 1);
    let policy = Policy {
        expires_ms: Some(start + 300_000),
        ..alert()
    };
    let campaign = world.create(policy.clone(), people.clone());
    let late = world.create(policy, people);
    world.command(Command::Launch {
        campaign,
        by: "op".into(),
    });
    world.run_for(secs(200));
    world.crash_and_restart();
    world.run_to_end();
    assert!(world.placed.iter().all(|(at, _)| *at < secs(301)));
    let view = world.campaign(campaign);
    assert_eq!(view.state, CampaignState::Ended);
    assert!(view.failed[&Cause::Cancelled] >= 10, "{view:?}");
    assert_eq!(*results(&world, campaign).last().unwrap(), R::NotAttemptedExpired);
    let refused = world.try_command(Command::Launch {
        campaign: late,
        by: "op".into(),
    });
    assert_eq!(refused, Err(CommandError::Expired(late)));
}

#[test]
fn quiet_hours_hold_calls_back_and_let_them_go_in_the_morning() {
    let mut world = World::new(1, vec![trunk("a", 2, 10.0)]);
    // The world begins at 13:00 in Paris; quiet from 13:01 to 07:00.
    let policy = Policy {
        quiet_hours: vec![Hours {
            days: 127,
            from_minute: 13 * 60 + 1,
            to_minute: 7 * 60,
        }],
        total_period: secs(86_400),
        ..alert()
    };
    let people = world.people(1, 20, 1);
    let campaign = world.launch(policy, people);
    world.run_to_end();
    let morning = secs(18 * 3600);
    let quiet = world.placed.iter().filter(|(at, _)| (secs(60)..morning).contains(at));
    assert_eq!(quiet.count(), 0);
    assert!(
        world
            .placed
            .iter()
            .any(|(at, _)| *at >= morning && *at < morning + secs(60))
    );
    assert_eq!(world.campaign(campaign).confirmed, 20);
}

#[test]
fn hours_that_leave_nothing_are_refused() {
    let hours = |from_minute, to_minute| Hours {
        days: 127,
        from_minute,
        to_minute,
    };
    let policy = Policy {
        allowed_hours: vec![hours(600, 700)],
        quiet_hours: vec![hours(500, 900)],
        ..alert()
    };
    assert_eq!(policy.validate(), Err(dialer::PolicyError::NeverOpen));
}

#[test]
fn results_say_why_somebody_was_not_called() {
    let mut world = World::new(1, vec![trunk("a", 2, 10.0)]).answering(|_, order, _| match order.recipient.0 {
        1 => Answer::HangsUp,
        2 => Answer::Ends(Outcome::Machine { message_left: true }, secs(3)),
        3 => Answer::Confirms { after: secs(3) },
        4 => Answer::Ends(Outcome::AnsweredNotConfirmed(Heard::Whole), secs(3)),
        _ => Answer::Ends(Outcome::NoAnswer, secs(30)),
    });
    let mut people = world.people(1, 8, 2);
    people.push(Contact {
        recipient: RecipientId(99),
        ..Contact::default()
    });
    let policy = Policy {
        tries_per_number: 1,
        tries_per_recipient: 1,
        ..alert()
    };
    let campaign = world.launch(policy, people);
    world.run_for(secs(30));
    world.command(Command::Stop {
        campaign,
        hang_up: true,
        by: "op".into(),
    });
    world.run_to_end();
    let all = results(&world, campaign);
    let expected = [
        R::HungUpEarly,
        R::LeftOnMachine,
        R::ConfirmedByKey,
        R::HeardNotConfirmed,
    ];
    assert_eq!(all[..4], expected);
    assert_eq!(all[7..], [R::NotAttemptedStopped, R::NoNumber]);
    let report = world.report(campaign);
    let numbers = |at: usize| {
        report.recipients[at]
            .numbers
            .iter()
            .map(|row| row.result)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        numbers(0),
        [NumberResult::Tried(Cause::HungUpEarly), NumberResult::TriesUsed]
    );
    assert_eq!(
        numbers(2),
        [NumberResult::Tried(Cause::Confirmed), NumberResult::ConfirmedElsewhere]
    );
    assert_eq!(numbers(7), [NumberResult::CampaignEnded; 2]);
    let states: Vec<_> = report.recipients.iter().map(|row| row.state).collect();
    assert_eq!(states[7], FinalState::CampaignOver);
}

#[test]
fn the_roster_preset_calls_all_numbers_of_a_wave_at_once() {
    let mut world = World::new(1, vec![trunk("a", 30, 100.0)]);
    let people = world.people(1, 1, 3);
    let policy = Preset::Roster.policy();
    assert_eq!(policy.order, NumberOrder::AllAtOnce);
    let campaign = world.launch(policy, people);
    world.run_to_end();
    let view = world.campaign(campaign);
    assert_eq!((view.confirmed, view.needed, view.state), (1, 0, CampaignState::Ended));
}

#[test]
fn each_person_is_called_in_their_language_and_sees_the_number_that_the_policy_names() {
    let mut world = World::new(1, vec![trunk("a", 5, 10.0)]);
    let mut people = world.people(1, 3, 1);
    people[0].language = Some(Language::ENGLISH);
    people[1].language = Some(Language::FRENCH);
    let policy = Policy {
        language: Language::ENGLISH,
        caller: Some(number(900)),
        machine: MachinePolicy::LeaveMessage,
        ..alert()
    };
    world.launch(policy, people);
    world.run_to_end();
    let heard: Vec<_> = (1..=3).map(|n| world.calls_to(n)[0].1.clone()).collect();
    let languages: Vec<_> = heard.iter().map(|order| order.language).collect();
    let expected = [Language::ENGLISH, Language::FRENCH, Language::ENGLISH];
    assert_eq!(languages, expected, "who chose none hears the policy's");
    let is_as_asked =
        |order: &Order| order.caller == Some(number(900)) && order.script.machine == MachinePolicy::LeaveMessage;
    assert!(heard.iter().all(is_as_asked), "{heard:?}");
}
