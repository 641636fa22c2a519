//! The crash test as a program. See [`testbed::crash`].

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::Parser;
use testbed::{
    crash::{self, Settings},
    signals,
};

/// Kills tocsin at random instants of running campaigns, and checks that nobody is rung twice or forgotten.
#[derive(Parser)]
#[command(name = "crash", version)]
struct Arguments {
    /// Kills in all.
    #[arg(long, default_value_t = 20)]
    kills: u32,
    /// Communes of one campaign, two people each.
    #[arg(long, default_value_t = 60)]
    communes: usize,
    /// Seed of the first campaign; drawn by chance if absent.
    #[arg(long)]
    seed: Option<u64>,
    /// Folder for the campaigns; emptied.
    #[arg(long, default_value = "target/crash")]
    folder: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(|| rand::random_range(0..1_000_000));
    println!("crash: seed {seed}, {} kills", arguments.kills);
    let is_over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_over);
    let settings = Settings {
        kills: arguments.kills,
        communes: arguments.communes,
        seed,
        folder: arguments.folder,
    };
    let result = signals::at_end(move || told.store(true, Ordering::Relaxed))
        .map_err(anyhow::Error::from)
        .and_then(|()| crash::run(&settings, &is_over));
    match result {
        Ok(()) => {
            println!("crash: every promise kept over {} kills", arguments.kills);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("crash: {error:#}");
            ExitCode::FAILURE
        }
    }
}
