//! What the command line does, one file a command.

pub mod check;
pub mod dial;
pub mod load;
pub mod parse;
pub mod serve;

mod probing;

use std::process::ExitCode;

/// Says what is wrong on standard error.
fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("tocsin: {error}");
    ExitCode::FAILURE
}
