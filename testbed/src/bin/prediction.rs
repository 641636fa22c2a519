//! How far predictions and schedules are from what happens: campaigns of many shapes and seeds are simulated, predicted
//! before their launch and while they run, and compared with the best that any schedule could have done. Prints the
//! tables of docs/prediction.md.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use dialer::{Assumptions, NumberOrder, Policy, Prediction, Preset};
use testbed::sim::{Population, Report, Setup, predict, run};

/// Compares predictions and schedules with simulations.
#[derive(Parser)]
struct Arguments {
    /// First seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seeds per shape.
    #[arg(long, default_value_t = 5)]
    seeds: u64,
}

/// A shape of campaign.
struct Shape {
    name: &'static str,
    recipients: u32,
    numbers: u32,
    channels: u32,
    calls_per_second: u32,
    population: Population,
    policy: Policy,
}

fn shapes() -> Vec<Shape> {
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

/// Relative errors of one prediction against what happened.
struct Errors([f64; 4]);

impl Errors {
    fn of(predicted: &Prediction, report: &Report) -> Self {
        let at = |share: f64| {
            let index = (report.reached.len() as f64 * share).ceil() as usize;
            report.reached[index.clamp(1, report.reached.len()) - 1].as_secs_f64()
        };
        let error = |predicted: f64, happened: f64| predicted / happened.max(1e-9) - 1.0;
        Self([
            error(predicted.half_s, at(0.5)),
            error(predicted.ninety_s, at(0.9)),
            error(predicted.ninety_nine_s, at(0.99)),
            error(predicted.cost_micros as f64, report.cost_micros as f64),
        ])
    }
}

/// `median (worst)` of the errors' sizes in percent.
fn cell(mut errors: Vec<f64>) -> String {
    errors.iter_mut().for_each(|error| *error = error.abs() * 100.0);
    errors.sort_by(f64::total_cmp);
    let (median, worst) = (errors[errors.len() / 2], errors[errors.len() - 1]);
    format!("{median:.0} ({worst:.0})")
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = Instant::now();
    let mut predictions = Vec::new();
    let mut schedules = Vec::new();
    for shape in shapes() {
        let setup = |seed: u64| Setup {
            recipients: shape.recipients,
            numbers: shape.numbers,
            channels: shape.channels,
            calls_per_second: shape.calls_per_second,
            population: shape.population,
            policy: shape.policy.clone(),
            look_at: Some(0.25),
            ..Setup::quiet(seed)
        };
        // What an earlier campaign of the same kind observed.
        let Ok(earlier) = run(&setup(arguments.seed + 1_000)) else {
            println!("the simulation of “{}” failed", shape.name);
            return ExitCode::FAILURE;
        };
        let mut errors: [Vec<Errors>; 3] = Default::default();
        let (mut ratios, mut times) = (Vec::new(), Vec::new());
        for seed in arguments.seed..arguments.seed + arguments.seeds {
            let setup = setup(seed);
            let report = match run(&setup) {
                Ok(report) if !report.reached.is_empty() => report,
                Ok(_) => {
                    println!("nobody was reached in “{}”, seed {seed}", shape.name);
                    return ExitCode::FAILURE;
                }
                Err(violations) => {
                    println!("“{}”, seed {seed}: {}", shape.name, violations[0]);
                    return ExitCode::FAILURE;
                }
            };
            errors[0].push(Errors::of(&predict(&setup, &Assumptions::default()), &report));
            errors[1].push(Errors::of(&predict(&setup, &earlier.assumptions), &report));
            if let Some(outlook) = &report.outlook {
                errors[2].push(Errors::of(&outlook.predict(), &report));
            }
            ratios.push(report.last_call.as_secs_f64() / report.bound.as_secs_f64());
            times.push(report.last_call.as_secs_f64());
        }
        let told = [
            "before, nothing known",
            "before, after an earlier campaign",
            "running, a quarter reached",
        ];
        for (known, errors) in told.iter().zip(&errors) {
            let column = |at: usize| cell(errors.iter().map(|errors| errors.0[at]).collect());
            predictions.push(format!(
                "| {} | {known} | {} | {} | {} | {} |",
                shape.name,
                column(0),
                column(1),
                column(2),
                column(3)
            ));
        }
        ratios.sort_by(f64::total_cmp);
        times.sort_by(f64::total_cmp);
        schedules.push(format!(
            "| {} | {} × {} | {} | {} | {:.0} min | {:.1} % | {:.1} % |",
            shape.name,
            shape.recipients,
            shape.numbers,
            shape.channels,
            shape.calls_per_second,
            times[times.len() / 2] / 60.0,
            (ratios[ratios.len() / 2] - 1.0) * 100.0,
            (ratios[ratios.len() - 1] - 1.0) * 100.0,
        ));
    }
    println!("| campaign | prediction | 50 % | 90 % | 99 % | cost |");
    println!("|---|---|---|---|---|---|");
    predictions.iter().for_each(|line| println!("{line}"));
    println!();
    println!("| campaign | people × numbers | channels | calls/s | last call after | over the bound, median | worst |");
    println!("|---|---|---|---|---|---|---|");
    schedules.iter().for_each(|line| println!("{line}"));
    let took = Duration::from_secs(started.elapsed().as_secs());
    eprintln!("{} seeds per shape, {took:?}", arguments.seeds);
    ExitCode::SUCCESS
}
