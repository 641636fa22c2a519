//! The directory changes while campaigns run: whoever leaves is called no more, whoever gets another number is called there.
#![allow(clippy::unwrap_used)]

mod world;

use dialer::{
    CampaignId, CampaignState, Command, Contact, FinalState, Gone, NumberOrder, Outcome, Policy, RecipientId,
    RecipientResult,
};
use directory::{Recipient, Shared, Store};
use world::{Answer, World, alert, number, secs, trunk};

fn small() -> World {
    World::new(1, vec![trunk("a", 30, 100.0)])
}

/// The directory says something new, and the dialer is told.
fn renew(world: &mut World, contacts: Vec<Contact>, gone: Vec<Gone>) {
    for contact in &contacts {
        world.contacts.insert(contact.recipient, contact.clone());
    }
    for Gone { recipient, .. } in &gone {
        world.contacts.remove(recipient);
    }
    let by = "op".into();
    world.command(Command::Renew { contacts, gone, by });
}

fn with_numbers(recipient: u64, numbers: &[u64]) -> Contact {
    Contact {
        recipient: RecipientId(recipient),
        numbers: numbers.iter().map(|n| number(*n)).collect(),
        ..Contact::default()
    }
}

fn gone(recipient: u64) -> Gone {
    Gone {
        recipient: RecipientId(recipient),
        into: None,
    }
}

fn results(world: &World, campaign: CampaignId) -> Vec<RecipientResult> {
    let rows = world.report(campaign).recipients;
    rows.iter().map(|row| row.result).collect()
}

#[test]
fn who_leaves_the_directory_or_unsubscribes_is_called_no_more_by_campaigns_under_way() {
    for crash in [false, true] {
        let mut world = small().answering(|_, _, _| Answer::Ends(Outcome::Busy, secs(1)));
        let people = world.people(1, 3, 2);
        let campaign = world.launch(alert(), people.clone());
        world.run_for(secs(2));
        let unsubscribed = Contact {
            numbers: Vec::new(),
            ..people[1].clone()
        };
        renew(&mut world, vec![unsubscribed], vec![gone(1)]);
        let placed = (world.calls_to(1).len(), world.calls_to(2).len());
        assert_eq!(placed, (1, 1), "both were called and are owed more");
        world.run_for(secs(1));
        if crash {
            world.crash_and_restart();
        }
        world.run_to_end();
        assert_eq!((world.calls_to(1).len(), world.calls_to(2).len()), placed, "{crash}");
        assert!(world.calls_to(3).len() > 2, "the others are called as before");
        let expected = [
            RecipientResult::Withdrawn,
            RecipientResult::Withdrawn,
            RecipientResult::Busy,
        ];
        assert_eq!(results(&world, campaign), expected);
        assert_eq!(world.campaign(campaign).state, CampaignState::Ended);
    }
}

#[test]
fn a_call_in_progress_goes_on_and_what_had_become_of_somebody_stays() {
    let mut world = small().answering(|_, order, _| match order.recipient.0 {
        1 => Answer::Confirms { after: secs(20) },
        2 => Answer::Confirms { after: secs(1) },
        _ => Answer::Listens,
    });
    let people = world.people(1, 3, 1);
    let campaign = world.launch(alert(), people);
    world.run_for(secs(15));
    assert_eq!(world.campaign(campaign).confirmed, 1);
    renew(&mut world, Vec::new(), vec![gone(1), gone(2), gone(3)]);
    world.run_to_end();
    let states: Vec<FinalState> = world.report(campaign).recipients.iter().map(|row| row.state).collect();
    let expected = [FinalState::Confirmed, FinalState::Confirmed, FinalState::NotConfirmed];
    assert_eq!(states, expected);
    assert_eq!(world.placed.len(), 3);
}

#[test]
fn a_corrected_number_is_called_by_the_campaign_under_way_with_fresh_tries() {
    for crash in [false, true] {
        // A wrong number that the carrier does not know, which is never tried twice.
        let mut world = small().answering(|_, order, _| match order.number {
            wrong if wrong == number(3) => Answer::Ends(Outcome::Unreachable { status: 404 }, secs(1)),
            slow if slow == number(6) => Answer::Ends(Outcome::NoAnswer, secs(30)),
            _ => Answer::Confirms { after: secs(5) },
        });
        let people = world.people(1, 2, 1);
        let campaign = world.launch(alert(), people);
        world.run_for(secs(60));
        assert_eq!(results(&world, campaign)[0], RecipientResult::Unreachable);
        renew(&mut world, vec![with_numbers(1, &[77])], Vec::new());
        world.run_for(secs(1));
        if crash {
            world.crash_and_restart();
        }
        world.run_for(secs(30));
        let mut called: Vec<_> = world.calls_to(1).iter().map(|(_, order)| order.number).collect();
        // The crash cuts a call off, which is placed again.
        called.dedup();
        assert_eq!(called, [number(3), number(77)], "{crash}");
        assert_eq!(results(&world, campaign)[0], RecipientResult::ConfirmedByKey);
        world.run_to_end();
    }
}

#[test]
fn a_person_who_confirmed_is_not_called_on_a_new_number() {
    let mut world = small().answering(|_, order, _| match order.recipient.0 {
        1 => Answer::Confirms { after: secs(5) },
        _ => Answer::Ends(Outcome::Busy, secs(1)),
    });
    let people = world.people(1, 2, 1);
    let campaign = world.launch(alert(), people);
    world.run_for(secs(30));
    renew(&mut world, vec![with_numbers(1, &[77])], Vec::new());
    world.run_for(secs(1));
    world.crash_and_restart();
    world.run_to_end();
    assert_eq!(world.calls_to(1).len(), 1);
    assert_eq!(results(&world, campaign)[0], RecipientResult::ConfirmedByKey);
}

#[test]
fn who_subscribes_again_is_called_again_and_all_numbers_at_once_take_the_new_ones() {
    let mut world = small().answering(|_, order, _| {
        if order.number == number(8) {
            Answer::Confirms { after: secs(5) }
        } else {
            Answer::Ends(Outcome::NoAnswer, secs(25))
        }
    });
    let people = world.people(1, 2, 2);
    let policy = Policy {
        order: NumberOrder::AllAtOnce,
        ..alert()
    };
    let campaign = world.launch(policy, people.clone());
    world.run_for(secs(5));
    let away = Contact {
        numbers: Vec::new(),
        ..people[0].clone()
    };
    renew(&mut world, vec![away], Vec::new());
    world.run_for(secs(60));
    assert_eq!(results(&world, campaign)[0], RecipientResult::Withdrawn);
    assert_eq!(world.calls_to(1).len(), 2);
    renew(&mut world, vec![with_numbers(1, &[3, 4, 8])], Vec::new());
    world.run_to_end();
    assert_eq!(results(&world, campaign)[0], RecipientResult::ConfirmedByKey);
    let numbers: Vec<_> = world
        .calls_to(1)
        .iter()
        .skip(2)
        .map(|(_, order)| order.number)
        .collect();
    assert_eq!(numbers, [number(3), number(4), number(8)]);
}

#[test]
fn who_is_merged_into_another_entry_is_called_there() {
    for crash in [false, true] {
        let mut world = small().answering(|_, order, _| {
            if order.recipient.0 == 9 {
                Answer::Confirms { after: secs(5) }
            } else {
                Answer::Ends(Outcome::Busy, secs(1))
            }
        });
        let people = world.people(1, 2, 1);
        let campaign = world.launch(alert(), people);
        world.run_for(secs(2));
        let into = with_numbers(9, &[3, 99]);
        world.contacts.insert(into.recipient, into.clone());
        let merged = Gone {
            recipient: RecipientId(1),
            into: Some(into),
        };
        renew(&mut world, Vec::new(), vec![merged]);
        world.run_for(secs(1));
        if crash {
            world.crash_and_restart();
        }
        world.run_to_end();
        assert_eq!(world.calls_to(1).len(), 1);
        let expected = [
            RecipientResult::Withdrawn,
            RecipientResult::Busy,
            RecipientResult::ConfirmedByKey,
        ];
        assert_eq!(results(&world, campaign), expected, "{crash}");
    }
}

#[test]
fn a_campaign_that_is_reopened_calls_the_numbers_of_today() {
    let mut world = small().answering(|_, order, _| {
        if order.number == number(77) {
            Answer::Confirms { after: secs(5) }
        } else {
            Answer::Ends(Outcome::Unreachable { status: 404 }, secs(1))
        }
    });
    let people = world.people(1, 1, 1);
    let campaign = world.launch(alert(), people);
    world.run_to_end();
    let records = world.dialer.next_sequence();
    renew(&mut world, vec![with_numbers(1, &[77])], Vec::new());
    assert_eq!(world.dialer.next_sequence(), records, "nothing for the journal");
    assert_eq!(world.campaign(campaign).state, CampaignState::Ended);
    world.command(Command::RetryUnconfirmed {
        campaign,
        by: "op".into(),
    });
    world.run_to_end();
    assert_eq!(results(&world, campaign), [RecipientResult::ConfirmedByKey]);
}

/// A mayor in a directory on disk.
fn saved(shared: &Shared, numbers: &[u64]) -> RecipientId {
    let numbers = numbers.iter().map(|n| number(*n).into()).collect();
    shared
        .save(Recipient {
            key: "80021".into(),
            name: "Martin".into(),
            numbers,
            ..Recipient::default()
        })
        .unwrap()
}

/// The directory on disk after a crash, as the world's dialer sees it.
fn reopened(world: &mut World, folder: &std::path::Path) -> Shared {
    let shared = Shared::new(Store::open(folder).unwrap()).unwrap();
    let now = shared.snapshot();
    world.contacts = now
        .recipients()
        .iter()
        .map(|recipient| (recipient.id, Contact::from(&**recipient)))
        .collect();
    shared
}

/// What the desk does at its start and after each change.
fn tell(world: &mut World, shared: &Shared) {
    let changes = shared.untold(100).unwrap();
    world.command(Command::renewal(&shared.snapshot(), &changes, "directory"));
    world.run_for(secs(1));
    shared.told(&changes).unwrap();
}

#[test]
fn a_crash_between_the_directory_and_the_dialer_loses_no_correction() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = small().answering(|_, order, _| match order.number {
        wrong if wrong == number(3) => Answer::Ends(Outcome::Unreachable { status: 404 }, secs(1)),
        slow if slow == number(6) => Answer::Ends(Outcome::Busy, secs(1)),
        _ => Answer::Confirms { after: secs(5) },
    });
    let first = {
        let shared = Shared::new(Store::open(folder.path()).unwrap()).unwrap();
        let id = saved(&shared, &[3]);
        let other = shared
            .save(Recipient {
                key: "80001".into(),
                name: "Petit".into(),
                numbers: vec![number(6).into()],
                ..Recipient::default()
            })
            .unwrap();
        let now = shared.snapshot();
        let contacts = [id, other].map(|id| Contact::from(&**now.recipient(id).unwrap()));
        world.contacts = contacts
            .iter()
            .map(|contact| (contact.recipient, contact.clone()))
            .collect();
        let campaign = world.launch(alert(), contacts.to_vec());
        world.run_for(secs(10));
        assert_eq!(results(&world, campaign)[0], RecipientResult::Unreachable);
        let mayor = Recipient::clone(now.recipient(id).unwrap());
        shared
            .save(Recipient {
                numbers: vec![number(77).into()],
                ..mayor
            })
            .unwrap();
        campaign
    };
    // The correction is on disk, the dialer never heard of it, and the machine goes down.
    let shared = reopened(&mut world, folder.path());
    world.crash_and_restart();
    world.run_for(secs(5));
    assert_eq!(results(&world, first)[0], RecipientResult::Unreachable, "not by itself");
    assert!(shared.has_untold().unwrap());
    tell(&mut world, &shared);
    assert!(!shared.has_untold().unwrap());
    world.run_for(secs(20));
    assert_eq!(results(&world, first)[0], RecipientResult::ConfirmedByKey);
}

#[test]
fn a_crash_between_the_directory_and_the_dialer_rings_nobody_who_was_removed() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = small().answering(|_, _, _| Answer::Ends(Outcome::Busy, secs(1)));
    let campaign = {
        let shared = Shared::new(Store::open(folder.path()).unwrap()).unwrap();
        let id = saved(&shared, &[3, 4]);
        let contact = Contact::from(&**shared.snapshot().recipient(id).unwrap());
        let campaign = world.launch(alert(), vec![contact]);
        world.run_for(secs(2));
        shared.remove(&[id]).unwrap();
        campaign
    };
    let placed = world.placed.len();
    let shared = reopened(&mut world, folder.path());
    world.crash_and_restart();
    world.run_for(secs(5));
    assert_eq!(world.placed.len(), placed, "before the dialer is told");
    tell(&mut world, &shared);
    world.run_to_end();
    assert_eq!(world.placed.len(), placed);
    assert_eq!(results(&world, campaign), [RecipientResult::Withdrawn]);
    assert_eq!(world.campaign(campaign).state, CampaignState::Ended);
}
