//! The campaigns whose predictions and schedules are measured.

use dialer::{NumberOrder, Policy, Preset};

use super::phone::Population;
use super::setup::Setup;

/// A shape of campaign.
pub struct Shape {
    /// Its name in tables.
    pub name: &'static str,
    /// People to reach.
    pub recipients: u32,
    /// Numbers of each.
    pub numbers: u32,
    /// Channels of the trunk.
    pub channels: u32,
    /// New calls a second.
    pub calls_per_second: u32,
    /// Who they are.
    pub population: Population,
    /// How it goes.
    pub policy: Policy,
}

/// All of them.
#[must_use]
pub fn shapes() -> Vec<Shape> {
    let alert = || Preset::Immediate.policy();
    let shape = |name, recipients, numbers, channels, calls_per_second| Shape {
        name,
        recipients,
        numbers,
        channels,
        calls_per_second,
        population: Population::ORDINARY,
        policy: alert(),
    };
    vec![
        shape("the communes of the Somme", 782, 3, 60, 10),
        shape("few channels", 3_000, 3, 30, 10),
        shape("slow trunk", 5_000, 2, 400, 10),
        shape("large", 20_000, 2, 600, 40),
        shape("one number each", 3_000, 1, 60, 10),
        Shape {
            policy: Policy {
                order: NumberOrder::AllAtOnce,
                ..alert()
            },
            ..shape("all numbers at once", 1_000, 3, 90, 10)
        },
        Shape {
            population: Population {
                absent: 45,
                ..Population::ORDINARY
            },
            ..shape("holidays", 3_000, 3, 60, 10)
        },
        Shape {
            population: Population {
                busy: 20,
                congested: 10,
                ..Population::ORDINARY
            },
            ..shape("network under strain", 3_000, 3, 60, 10)
        },
    ]
}

impl Shape {
    /// A simulation of it on a good network.
    #[must_use]
    pub fn setup(&self, seed: u64) -> Setup {
        Setup {
            recipients: self.recipients,
            numbers: self.numbers,
            channels: self.channels,
            calls_per_second: self.calls_per_second,
            population: self.population,
            policy: self.policy.clone(),
            look_at: Some(0.25),
            ..Setup::quiet(seed)
        }
    }
}
