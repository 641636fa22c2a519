//! What the command line does, one file a command.

pub mod check;
pub mod dial;
pub mod journal;
pub mod load;
pub mod parse;
pub mod serve;
pub mod trace;

mod probing;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::ConfigError;
use crate::words::{Phrase, Told, Words};

/// What tocsin is told. The texts of the help pages are in the catalogue: see [`crate::words::help`].
#[derive(Debug, Parser)]
#[command(name = "tocsin", version, arg_required_else_help = true)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
    /// Read ahead of all else by [`crate::words::choose`]; here so that it is accepted and explained.
    #[arg(long, global = true, value_enum)]
    lang: Option<Tongue>,
}

/// The languages of the command line.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Tongue {
    Fr,
    En,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Check(check::Arguments),
    Dial(dial::Arguments),
    Load(load::Arguments),
    Journal(journal::Arguments),
    Trace(trace::Arguments),
    Parse {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[arg(long)]
        json: bool,
    },
}

/// Does what it is told.
pub fn run(line: CommandLine, words: &Words<'static>) -> ExitCode {
    match line.command {
        Command::Serve(arguments) => serve::run(arguments, words),
        Command::Check(arguments) => check::run(arguments, words),
        Command::Dial(arguments) => dial::run(arguments, words),
        Command::Load(arguments) => load::run(arguments, words),
        Command::Journal(arguments) => journal::run(arguments, words),
        Command::Trace(arguments) => trace::run(arguments, words),
        Command::Parse { files, json } => parse::run(&files, json, words),
    }
}

/// Says what is wrong on standard error.
fn fail(words: &Words<'_>, error: &dyn Told) -> ExitCode {
    complain(words, &error.told().say(words))
}

/// Says everything that is wrong with a configuration.
fn refuse(words: &Words<'_>, error: &ConfigError) -> ExitCode {
    complain(words, &error.listed(words))
}

fn complain(words: &Words<'_>, what: &str) -> ExitCode {
    eprintln!("{}", Phrase::new("program-says").with("what", what).say(words));
    ExitCode::FAILURE
}
