//! The command line of tocsin.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use tocsin::commands::{self, CommandLine};
use tocsin::words;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let words = words::of(words::choose(&arguments, |name| std::env::var_os(name)));
    let read = words::help::localised(CommandLine::command(), &words)
        .try_get_matches_from(arguments)
        .and_then(|matches| CommandLine::from_arg_matches(&matches));
    match read {
        Ok(line) => commands::run(line, &words),
        Err(error) => words::help::answer(&error, &words),
    }
}
