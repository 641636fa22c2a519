//! How far predictions and schedules are from what happens: campaigns of many shapes and seeds are simulated, predicted
//! before their launch and while they run, and compared with the best that any schedule could have done. Prints the
//! tables of docs/prediction.md.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use dialer::{Assumptions, Prediction};
use testbed::sim::{Comparison, Order, Report, Shape, predict, run, shapes};

/// Compares predictions and schedules with simulations.
#[derive(Parser)]
struct Arguments {
    /// First seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seeds per shape.
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Also the times of every order, in minutes.
    #[arg(long)]
    orders: bool,
    /// Only campaigns whose name contains this.
    #[arg(long, default_value = "")]
    shape: String,
    /// Errors of every seed with their signs, in percent.
    #[arg(long)]
    signs: bool,
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

const SCHEDULES: [&str; 2] = [
    "| campaign | people × numbers | channels | calls/s | last call after | over the best order: 50 % | 90 % | 99 % | \
     last call | idle | over the clairvoyant: last call | over the bound: last call |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|",
];

/// One line of the table of schedules.
fn schedules_line(shape: &Shape, comparison: &Comparison) -> String {
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    let best = comparison.over_best(false).map(percent);
    format!(
        "| {} | {} × {} | {} | {} | {:.0} min | {:.1} % | {:.1} % | {:.1} % | {:.1} % | {:.1} % | {:.0} % | {:.0} % |",
        shape.name,
        shape.recipients,
        shape.numbers,
        shape.channels,
        shape.calls_per_second,
        comparison.ours()[3] / 60.0,
        best[0],
        best[1],
        best[2],
        best[3],
        comparison.most_waste() * 100.0,
        percent(comparison.over_best(true)[3]),
        percent(comparison.over_bound()),
    )
}

/// Every order's times in minutes.
fn print_orders(shape: &Shape, comparison: &Comparison) {
    let line = |name: &str, times: [f64; 4]| {
        let [half, ninety, ninety_nine, last] = times.map(|time| time / 60.0);
        println!("  {name:28} {half:7.2} {ninety:7.2} {ninety_nine:7.2} {last:7.2}");
    };
    println!("{}", shape.name);
    line("tocsin", comparison.ours());
    Order::ALL
        .iter()
        .for_each(|order| line(order.name(), comparison.of(*order)));
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = Instant::now();
    let mut predictions = Vec::new();
    let mut schedules = Vec::new();
    for shape in shapes().iter().filter(|shape| shape.name.contains(&arguments.shape)) {
        let setup = |seed: u64| shape.setup(seed);
        // What an earlier campaign of the same kind observed.
        let Ok(earlier) = run(&setup(arguments.seed + 1_000)) else {
            println!("the simulation of “{}” failed", shape.name);
            return ExitCode::FAILURE;
        };
        let mut errors: [Vec<Errors>; 3] = Default::default();
        let mut comparison = Comparison::default();
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
            comparison.add(&setup, &report);
        }
        let told = [
            "before, nothing known",
            "before, after an earlier campaign",
            "running, a quarter reached",
        ];
        for (known, errors) in told.iter().zip(&errors) {
            for Errors(seed) in errors.iter().filter(|_| arguments.signs) {
                let [half, ninety, ninety_nine, cost] = seed.map(|error| error * 100.0);
                println!(
                    "{}, {known}: {half:+.0} {ninety:+.0} {ninety_nine:+.0} {cost:+.0}",
                    shape.name
                );
            }
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
        if arguments.orders {
            print_orders(shape, &comparison);
        }
        schedules.push(schedules_line(shape, &comparison));
    }
    println!("| campaign | prediction | 50 % | 90 % | 99 % | cost |");
    println!("|---|---|---|---|---|---|");
    predictions.iter().for_each(|line| println!("{line}"));
    println!();
    SCHEDULES.iter().for_each(|line| println!("{line}"));
    schedules.iter().for_each(|line| println!("{line}"));
    let took = Duration::from_secs(started.elapsed().as_secs());
    eprintln!("{} seeds per shape, {took:?}", arguments.seeds);
    ExitCode::SUCCESS
}
