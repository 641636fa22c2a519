//! What becomes of results when persons are erased, or when they have been kept long enough.
#![allow(clippy::unwrap_used)]

mod world;

use dialer::{CampaignState, Command, FinalState, Outcome, RecipientId, Settings, anonymous_place};
use world::{Answer, World, alert, secs, trunk};

const BY: fn() -> String = || "op".to_owned();

fn small() -> World {
    World::new(1, vec![trunk("a", 30, 100.0)])
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
