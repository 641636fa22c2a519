//! What operators do with a campaign that runs, one story each.
#![allow(clippy::unwrap_used)]

mod world;

use dialer::{Action, CampaignState, Command, CommandError, MessageId, Outcome};
use world::{Answer, World, alert, secs, trunk};

const BY: fn() -> String = || "op".to_owned();

fn small() -> World {
    World::new(1, vec![trunk("a", 30, 100.0)])
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
