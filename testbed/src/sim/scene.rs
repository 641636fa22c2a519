//! Who is called over what: invented people, one trunk.

use std::collections::HashMap;
use std::time::Instant;

use dialer::{Contact, E164, Now, RecipientId, Settings, TrunkSettings};
use tocsin::config::Config as Operator;

use super::setup::Setup;

/// Wall clock at the start of every simulation: 2026-03-02 08:00 UTC.
pub(super) const EPOCH_MS: i64 = 1_772_438_400_000;

/// One trunk to everywhere, at six cents a minute by the second.
pub(super) fn settings(setup: &Setup) -> Settings {
    let mut trunk = TrunkSettings::new("sim", setup.channels, f64::from(setup.calls_per_second));
    trunk.tariffs = vec![dialer::Tariff {
        prefix: String::new(),
        per_call_micros: 0,
        per_minute_micros: 60_000,
        first_step_s: 1,
        step_s: 1,
        per_part_micros: 0,
    }];
    Settings {
        trunks: vec![trunk],
        ..Settings::default()
    }
}

/// What the dialer would predict of this simulation before its launch.
#[must_use]
pub fn predict(setup: &Setup, assumed: &dialer::Assumptions) -> dialer::Prediction {
    let contacts = contacts(setup);
    let mut people: Vec<Contact> = contacts.into_values().collect();
    people.sort_by_key(|contact| contact.recipient);
    let now = Now {
        monotonic: Instant::now(),
        utc_ms: EPOCH_MS,
    };
    dialer::predict(&settings(setup), &people, &setup.policy, assumed, now)
}

/// Invented numbers; they never leave the simulator.
pub(super) fn contacts(setup: &Setup) -> HashMap<RecipientId, Contact> {
    let mut contacts = HashMap::new();
    for index in 0..setup.recipients {
        let numbers: Vec<E164> = (0..setup.numbers.clamp(1, 3))
            .filter_map(|slot| {
                format!("+33{}{index:07}{}", [1, 6, 9][slot as usize], slot)
                    .parse()
                    .ok()
            })
            .collect();
        let recipient = RecipientId(u64::from(index) + 1);
        contacts.insert(
            recipient,
            Contact {
                recipient,
                numbers,
                ..Contact::default()
            },
        );
    }
    contacts
}

pub(super) fn operator_trunk() -> tocsin::config::Trunk {
    let text = "[[trunk]]\nname = \"sim\"\nhost = \"127.0.0.2\"\ncallers = [\"+33199000000\"]\n";
    match Operator::parse(text, std::path::Path::new(".")) {
        Ok(mut config) => config.trunks.remove(0),
        Err(problems) => unreachable!("the simulator's own trunk is valid: {problems:?}"),
    }
}
