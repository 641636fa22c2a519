//! Runs campaigns in virtual time from seeds; a failing seed is printed and can be replayed.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use dialer::Preset;
use testbed::sim::{Faults, Population, Quality, Setup, Span, run};

/// Simulates campaigns against a hostile carrier.
#[derive(Parser)]
struct Arguments {
    /// First seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds, one after the other.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// People to reach.
    #[arg(long, default_value_t = 100_000)]
    recipients: u32,
    /// Numbers of each.
    #[arg(long, default_value_t = 3)]
    numbers: u32,
    /// Channels of the trunk.
    #[arg(long, default_value_t = 5_000)]
    channels: u32,
    /// New calls a second.
    #[arg(long, default_value_t = 200)]
    calls_per_second: u32,
    /// Share of the datagrams that are lost, from 0 to 1; as many are repeated.
    #[arg(long, default_value_t = 0.02)]
    loss: f64,
    /// Crashes in the middle of the campaign.
    #[arg(long, default_value_t = 3)]
    crashes: u32,
    /// The carrier is gone for so many seconds, from the thirtieth on.
    #[arg(long)]
    outage: Option<u64>,
    /// The carrier refuses every call with 503 and Retry-After: 10 for so many seconds, from the thirtieth on.
    #[arg(long)]
    storm: Option<u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    for seed in arguments.seed..arguments.seed + arguments.seeds {
        let setup = setup(&arguments, seed);
        let started = Instant::now();
        match run(&setup) {
            Ok(report) => println!(
                "seed {seed}: {} recipients, {} confirmed, {} not; {} calls (at most {} at once), {} datagrams, \
                 {} crashes; {:.0} s of campaign in {:.1} s",
                setup.recipients,
                report.confirmed,
                report.not_confirmed,
                report.attempts,
                report.peak,
                report.datagrams,
                report.crashes,
                report.duration.as_secs_f64(),
                started.elapsed().as_secs_f64()
            ),
            Err(violations) => {
                println!("seed {seed} FAILED; replay it with --seed {seed} and the same other arguments");
                for violation in violations.iter().take(20) {
                    println!("  {violation}");
                }
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn setup(arguments: &Arguments, seed: u64) -> Setup {
    let network = Quality {
        loss: arguments.loss,
        duplication: arguments.loss,
        fastest: Duration::from_millis(2),
        slowest: Duration::from_millis(60),
    };
    let span = |length| Span {
        after: Duration::from_secs(30),
        length: Duration::from_secs(length),
    };
    Setup {
        seed,
        recipients: arguments.recipients,
        numbers: arguments.numbers,
        channels: arguments.channels,
        calls_per_second: arguments.calls_per_second,
        population: Population::ORDINARY,
        faults: Faults {
            network,
            crashes: arguments.crashes,
            outage: arguments.outage.map(span),
            storm: arguments.storm.map(|length| (span(length), Duration::from_secs(10))),
            ..Faults::NONE
        },
        policy: Preset::Immediate.policy(),
        look_at: None,
    }
}
