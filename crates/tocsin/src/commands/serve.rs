//! `tocsin serve`: runs the service until it is told to stop.

use std::path::PathBuf;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::service::{Service, ServiceError};

/// What `tocsin serve` takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Configuration file.
    #[arg(long, default_value = "tocsin.toml")]
    config: PathBuf,
}

/// Runs the service.
pub fn run(arguments: Arguments) -> ExitCode {
    start_log();
    let config = match Config::load(&arguments.config) {
        Ok(config) => config,
        Err(error) => return super::fail(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return super::fail(&ServiceError::Thread(error)),
    };
    match runtime.block_on(serve(&config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::fail(&error),
    }
}

async fn serve(config: &Config) -> Result<(), ServiceError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ServiceError::Thread)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServiceError::Thread)?;
    let service = Service::start(config).await?;
    let server = service.server();
    println!("tocsin: https://{}/", server.address());
    println!("tocsin: certificate SHA-256 {}", server.fingerprint());
    if let Some(password) = server.initial_password() {
        println!("tocsin: first sign-in as “admin” with the password {password}");
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    println!("tocsin: ending; calls are hung up, campaigns resume at the next start");
    service.stop().await;
    Ok(())
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
