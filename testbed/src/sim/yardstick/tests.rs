use super::*;
use crate::sim::{Population, Setup, run};
use std::collections::HashMap;

/// The yardstick is only fair if calls go as they do in the whole program.
#[test]
fn calls_end_as_they_do_in_the_whole_program() {
    let setup = Setup {
        population: Population {
            congested: 20,
            ..Population::ORDINARY
        },
        ..Setup::quiet(5)
    };
    let report = run(&setup).unwrap().campaign.unwrap();
    let mut counts: HashMap<String, u32> = HashMap::new();
    let mut seen = std::collections::BTreeSet::new();
    // What was given up before it was placed called nobody.
    let is_placed = |row: &&dialer::AttemptRow| row.outcome != Some(dialer::Outcome::Cancelled);
    for row in report.attempts.iter().filter(is_placed) {
        let number = row.number.unwrap().digits().to_string();
        let nth = counts.entry(number.clone()).or_default();
        *nth += 1;
        let deed = setup.population.deed(setup.seed, &number, *nth);
        let expected = call::call(&deed, &setup.policy);
        let cause = row.outcome.unwrap().cause();
        assert_eq!(cause, expected.cause, "{deed:?}: {row:?}");
        let took = row.ended_ms.unwrap() - row.started_ms;
        let expected = expected.length.as_millis() as i64;
        // The way there and back, and the journal's flush.
        assert!((-1..=200).contains(&(took - expected)), "{deed:?}: {took} {expected}");
        seen.insert(cause);
    }
    assert!(seen.len() >= 7, "{seen:?}");
}
