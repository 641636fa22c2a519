//! `tocsin serve`: runs the service until it is told to stop.

use std::path::PathBuf;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
use crate::service::{Service, ServiceError};
use crate::words::{Phrase, Words};

/// What `tocsin serve` takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Configuration file.
    #[arg(long, default_value = "tocsin.toml")]
    config: PathBuf,
}

/// Runs the service.
pub fn run(arguments: Arguments, words: &Words<'_>) -> ExitCode {
    start_log();
    let config = match Config::load(&arguments.config) {
        Ok(config) => config,
        Err(error) => return super::refuse(words, &error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return super::fail(words, &ServiceError::Thread(error)),
    };
    match runtime.block_on(serve(&config, words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::fail(words, &error),
    }
}

async fn serve(config: &Config, words: &Words<'_>) -> Result<(), ServiceError> {
    let mut signals = Signals::listen().map_err(ServiceError::Thread)?;
    let service = Service::start(config).await?;
    let server = service.server();
    let say = |phrase: Phrase| println!("{}", Phrase::new("program-says").with("what", phrase).say(words));
    say(Phrase::new("serve-address").with("address", format!("https://{}/", server.address())));
    say(Phrase::new("serve-certificate").with("fingerprint", server.fingerprint()));
    if let Some(password) = server.initial_password() {
        say(Phrase::new("serve-first-password").with("password", password));
    }
    for warning in service.warnings() {
        super::fail(words, warning);
    }
    signals.next().await;
    say(Phrase::new("serve-ending").with("seconds", config.grace.as_secs()));
    tokio::select! {
        () = service.stop() => Ok(()),
        number = signals.next() => {
            // As after a power cut, which the journal survives.
            say(Phrase::new("serve-cut"));
            std::process::exit(SIGNALLED + number);
        }
    }
}

/// Exit status of a program that a signal ended, less the signal's number (POSIX shells).
const SIGNALLED: i32 = 128;

/// The signals that end the service.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one and gives its number.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
        }
    }
}

/// Logs on standard error, as RUST_LOG wants; warnings and news by default.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,sled=warn"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}
