//! Campaigns in virtual time, from seeds. `cargo run --release --bin simulate -- --seed N` replays others.

use std::time::Duration;

use dialer::Preset;
use testbed::sim::{Faults, Population, Quality, Setup, run};

fn promises_hold(seeds: std::ops::Range<u64>, loss: f64, crashes: u32) {
    for seed in seeds {
        let network = Quality {
            loss,
            duplication: loss,
            fastest: Duration::from_millis(2),
            slowest: Duration::from_millis(60),
        };
        let setup = Setup {
            seed,
            recipients: 400,
            numbers: 3,
            channels: 60,
            calls_per_second: 20,
            population: Population::ORDINARY,
            faults: Faults {
                network,
                crashes,
                slowest_flush: Duration::from_millis(20),
            },
            policy: Preset::Immediate.policy(),
            look_at: None,
        };
        if let Err(violations) = run(&setup) {
            panic!("seed {seed}, loss {loss}, {crashes} crashes: {violations:?}");
        }
    }
}

#[test]
fn everybody_is_reached_on_a_good_day() {
    promises_hold(1..4, 0.0, 0);
}

#[test]
fn nothing_is_lost_on_a_bad_network() {
    promises_hold(100..104, 0.1, 0);
}

#[test]
fn nothing_is_lost_in_crashes() {
    promises_hold(200..208, 0.02, 6);
}
