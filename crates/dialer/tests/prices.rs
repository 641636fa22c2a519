//! What calls cost, one story each.
#![allow(clippy::unwrap_used)]

mod world;

use dialer::{Outcome, Tariff};
use world::{Answer, World, alert, secs, trunk};

fn small() -> World {
    World::new(1, vec![trunk("a", 30, 100.0)])
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
