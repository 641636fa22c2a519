//! The demonstration as a program. See [`testbed::demo`].

use std::{
    fs,
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
    demo::play::{Size, Summary, play},
    signals,
};

/// The main job of tocsin, from a spreadsheet to a report, against a simulated carrier. Nothing leaves this machine.
#[derive(Parser)]
#[command(name = "demo", version)]
struct Arguments {
    /// A short form, for continuous integration.
    #[arg(long)]
    short: bool,
    /// Folder for everything that is made; emptied first.
    #[arg(long, default_value = "demo-output")]
    folder: PathBuf,
    /// Write what both sides counted as JSON.
    #[arg(long)]
    summary: Option<PathBuf>,
    /// Seed of all chance.
    #[arg(long, default_value_t = 80)]
    seed: u64,
    /// Communes to alert instead of all 771 (60 with --short).
    #[arg(long)]
    communes: Option<usize>,
    /// Channels of the trunk.
    #[arg(long)]
    channels: Option<u32>,
    /// New calls a second.
    #[arg(long)]
    calls_per_second: Option<u32>,
    /// Divide all human times by this.
    #[arg(long)]
    pace: Option<f64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether both sides agree.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let mut size = if arguments.short { Size::SHORT } else { Size::FULL };
    size.communes = arguments.communes.unwrap_or(size.communes);
    size.channels = arguments.channels.unwrap_or(size.channels);
    size.calls_per_second = arguments.calls_per_second.unwrap_or(size.calls_per_second);
    size.pace = arguments.pace.unwrap_or(size.pace);

    let is_over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_over);
    signals::at_end(move || told.store(true, Ordering::Relaxed))?;
    let summary = play(&size, &arguments.folder, arguments.seed, &is_over)?;
    show(&summary);
    if let Some(path) = &arguments.summary {
        fs::write(path, serde_json::to_vec_pretty(&summary)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(summary.agree)
}

fn show(summary: &Summary) {
    println!("\n{:<55} {:>8} {:>8}", "", "tocsin", "carrier");
    for figure in &summary.figures {
        let mark = if figure.agrees() { "" } else { "   ← differs" };
        println!("{:<55} {:>8} {:>8}{mark}", figure.what, figure.tocsin, figure.carrier);
    }
    println!(
        "\nOver in {:.0} s, at most {} calls at once.",
        summary.seconds, summary.concurrent_max
    );
    for report in &summary.reports {
        println!("Report: {}", report.display());
    }
    if summary.agree {
        println!("tocsin and the carrier agree.");
    } else {
        println!("tocsin and the carrier DISAGREE.");
    }
}
