//! Takes calls as tocsin's endpoint and media engine take them, and tells what happened. See [`testbed::peers::callee`].

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use testbed::peers::callee::{self, Settings};

/// Answers calls, plays a sound, listens for keys, and prints the story of each call as a line of JSON.
#[derive(Parser)]
#[command(name = "callee", version)]
struct Arguments {
    /// Address and port for SIP, by UDP and TCP.
    #[arg(long)]
    listen: SocketAddr,
    /// Addresses that may call without a password; anyone else is refused, or must prove --user.
    #[arg(long)]
    from: Vec<std::net::IpAddr>,
    /// Callers from elsewhere prove this user and password.
    #[arg(long, value_name = "USER:PASSWORD")]
    user: Option<String>,
    /// Seconds of ringing.
    #[arg(long, default_value_t = 0.0)]
    after: f64,
    /// The sound to play; the call ends with it.
    #[arg(long)]
    play: PathBuf,
    /// Keys that we press once answered.
    #[arg(long, default_value = "")]
    press: String,
    /// End after this many calls.
    #[arg(long, default_value_t = 1)]
    calls: u32,
    /// End after this many seconds at the latest.
    #[arg(long, default_value_t = 40.0)]
    wait: f64,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("callee: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let seconds = |value: f64| Duration::try_from_secs_f64(value);
    callee::run(Settings {
        listen: arguments.listen,
        from: arguments.from,
        user: arguments.user,
        after: seconds(arguments.after)?,
        play: arguments.play,
        press: arguments.press,
        calls: arguments.calls,
        wait: seconds(arguments.wait)?,
    })
}
