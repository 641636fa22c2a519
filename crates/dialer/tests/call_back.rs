//! Somebody rings back, hears what they missed, and confirms: also when the message changes meanwhile.
#![allow(clippy::unwrap_used)]

mod world;

use dialer::{CampaignId, Command, ConfirmedBy, Missed, Outcome, Query, RecipientId, Reply};
use world::{Answer, World, alert, secs, trunk};

/// A campaign whose calls nobody answers.
fn unanswered(people: u64) -> (World, CampaignId) {
    let mut world =
        World::new(1, vec![trunk("a", 30, 100.0)]).answering(|_, _, _| Answer::Ends(Outcome::NoAnswer, secs(30)));
    let people = world.people(1, people, 2);
    let campaign = world.launch(alert(), people);
    world.run_for(secs(10));
    (world, campaign)
}

/// What the person hears who rings back now.
fn rings_back(world: &World, recipient: u64) -> Missed {
    let query = Query::Missed {
        recipients: vec![RecipientId(recipient)],
        since_ms: 0,
    };
    match world.dialer.query(world.now(), query).unwrap() {
        dialer::Answer::Missed(missed) => missed.into_iter().next().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn confirms(world: &mut World, heard: &Missed) -> Reply {
    world.command(Command::Confirm {
        campaign: heard.campaign,
        recipient: heard.recipient,
        how: ConfirmedBy::CallBack,
        heard: Some(heard.edition),
        by: String::new(),
    })
}

fn changes(world: &mut World, campaign: CampaignId, in_progress: bool, recall_confirmed: bool) {
    let message = world.message("La Somme monte encore : quittez les rives.");
    world.is_recall |= recall_confirmed;
    world.command(Command::ChangeMessage {
        campaign,
        message,
        in_progress,
        recall_confirmed,
        by: "op".into(),
    });
}

#[test]
fn who_confirms_by_calling_back_is_not_called_again() {
    let (mut world, campaign) = unanswered(1);
    let heard = rings_back(&world, 1);
    assert_eq!(confirms(&mut world, &heard), Reply::Done);
    world.run_to_end();
    assert_eq!((world.campaign(campaign).confirmed, world.placed.len()), (1, 1));
    let row = &world.report(campaign).recipients[0];
    assert_eq!(row.confirmed_by, Some(ConfirmedBy::CallBack));
}

#[test]
fn who_hears_the_old_message_while_it_is_replaced_confirms_the_new_one() {
    for (in_progress, recall) in [(true, false), (false, true), (true, true)] {
        let (mut world, campaign) = unanswered(1);
        let old = rings_back(&world, 1);
        changes(&mut world, campaign, in_progress, recall);
        let Reply::Changed(new) = confirms(&mut world, &old) else {
            panic!("the old message was confirmed: {in_progress} {recall}");
        };
        assert_eq!(world.campaign(campaign).confirmed, 0);
        assert_eq!(*new, rings_back(&world, 1));
        assert!(new.edition > old.edition && new.message != old.message);
        // The machine goes down before the second key: what was replaced is replaced after it, too.
        world.run_for(secs(1));
        world.crash_and_restart();
        assert!(matches!(confirms(&mut world, &old), Reply::Changed(_)));
        assert_eq!(confirms(&mut world, &new), Reply::Done);
        world.run_to_end();
        assert_eq!(world.campaign(campaign).confirmed, 1);
    }
}

#[test]
fn calls_in_progress_may_end_with_the_old_message_when_the_operator_says_so() {
    let (mut world, campaign) = unanswered(2);
    let old = rings_back(&world, 1);
    changes(&mut world, campaign, false, false);
    assert_eq!(confirms(&mut world, &old), Reply::Done);
    assert_eq!(world.campaign(campaign).confirmed, 1);
    assert!(
        rings_back(&world, 2).edition > old.edition,
        "who rings now hears the new one"
    );
}

#[test]
fn who_confirmed_before_a_recall_hears_the_new_message_when_ringing_back() {
    let (mut world, campaign) = unanswered(1);
    let old = rings_back(&world, 1);
    assert_eq!(confirms(&mut world, &old), Reply::Done);
    changes(&mut world, campaign, false, true);
    assert_eq!(world.campaign(campaign).confirmed, 0);
    let new = rings_back(&world, 1);
    assert!(!new.is_confirmed);
    assert_eq!(confirms(&mut world, &new), Reply::Done);
    assert_eq!(world.campaign(campaign).confirmed, 1);
}
