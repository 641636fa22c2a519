//! The command line of tocsin.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tocsin::commands;

/// Rings everybody who must know, at once, when a disaster strikes.
#[derive(Parser)]
#[command(name = "tocsin", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service: console, API, telephone calls.
    Serve(commands::serve::Arguments),
    /// Check a configuration file, and place one test call if asked.
    Check(commands::check::Arguments),
    /// Place one call and say what happened.
    Dial(commands::dial::Arguments),
    /// Load a trunk with calls and measure them.
    Load(commands::load::Arguments),
    /// Show what the SIP stack makes of messages kept in files.
    Parse {
        /// Files that hold one SIP message each.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Print the parsed form as JSON, one object a line.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve(arguments) => commands::serve::run(arguments),
        Command::Check(arguments) => commands::check::run(arguments),
        Command::Dial(arguments) => commands::dial::run(arguments),
        Command::Load(arguments) => commands::load::run(arguments),
        Command::Parse { files, json } => commands::parse::run(&files, json),
    }
}
