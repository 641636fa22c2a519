//! The crash test, the full disk and the slow disk as a program. See [`testbed::crash`], [`testbed::full_disk`] and
//! [`testbed::slow_disk`].

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context;
use clap::Parser;
use testbed::{
    crash::{self, Settings},
    full_disk, signals, slow_disk,
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
    /// Fills the disk in the middle of one campaign instead; needs root or user namespaces. See [`testbed::full_disk`].
    #[arg(long, conflicts_with = "kills")]
    full_disk: bool,
    /// Slows each flush of the journal instead; needs strace. See [`testbed::slow_disk`].
    #[arg(long, conflicts_with_all = ["kills", "full_disk"])]
    slow_disk: bool,
    /// What the journal is kept in, for the full and the slow disk.
    #[arg(long, value_parser = ["sled", "redb"])]
    store: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = if arguments.full_disk {
        fill(&arguments)
    } else if arguments.slow_disk {
        slow(&arguments)
    } else {
        kill(&arguments)
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("crash: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn kill(arguments: &Arguments) -> anyhow::Result<()> {
    let seed = seed(arguments);
    println!("crash: seed {seed}, {} kills", arguments.kills);
    let settings = Settings {
        kills: arguments.kills,
        communes: arguments.communes,
        seed,
        folder: arguments.folder.clone(),
    };
    let is_over = until_signal()?;
    crash::run(&settings, &is_over)?;
    println!("crash: every promise kept over {} kills", arguments.kills);
    Ok(())
}

fn fill(arguments: &Arguments) -> anyhow::Result<()> {
    full_disk::enter(&arguments.folder)?;
    let seed = seed(arguments);
    println!("crash: seed {seed}, full disk");
    let settings = full_disk::Settings {
        communes: arguments.communes,
        seed,
        folder: arguments.folder.clone(),
        store: arguments.store.clone(),
    };
    let is_over = until_signal()?;
    full_disk::run(&settings, &is_over).with_context(|| {
        format!(
            "campaign with seed {seed}; what it left is in {}",
            arguments.folder.display()
        )
    })?;
    println!("crash: every promise kept with a full disk");
    Ok(())
}

fn slow(arguments: &Arguments) -> anyhow::Result<()> {
    let seed = seed(arguments);
    println!("crash: seed {seed}, slow disk");
    let settings = slow_disk::Settings {
        communes: arguments.communes,
        seed,
        folder: arguments.folder.clone(),
        store: arguments.store.clone(),
    };
    let is_over = until_signal()?;
    slow_disk::run(&settings, &is_over).with_context(|| {
        format!(
            "campaign with seed {seed}; what it left is in {}",
            arguments.folder.display()
        )
    })?;
    println!("crash: every promise kept with a slow disk");
    Ok(())
}

fn seed(arguments: &Arguments) -> u64 {
    arguments.seed.unwrap_or_else(|| rand::random_range(0..1_000_000))
}

/// Becomes true when the program is told to end.
fn until_signal() -> anyhow::Result<Arc<AtomicBool>> {
    let is_over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_over);
    signals::at_end(move || told.store(true, Ordering::Relaxed))?;
    Ok(is_over)
}
