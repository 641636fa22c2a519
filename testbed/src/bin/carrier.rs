//! A simulated telephone carrier as a program. See [`testbed::carrier`].

use std::{
    fs::File,
    net::{IpAddr, SocketAddr, UdpSocket},
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::Parser;
use sip_core::{Credentials, Secret};
use testbed::{
    carrier::{
        exchange::{Exchange, Settings},
        media::Media,
        phones::Phones,
        service::{self, Access},
    },
    signals,
};

/// A simulated telephone carrier: a SIP trunk over UDP with thousands of telephones behind it.
#[derive(Parser)]
#[command(name = "carrier", version)]
struct Arguments {
    /// Address and port for SIP.
    #[arg(long, default_value = "127.0.0.1:5070")]
    listen: SocketAddr,
    /// CSV file of telephones: number, behaviour, parameters. A number on several rows behaves so at its first call, its second…
    #[arg(long)]
    phones: PathBuf,
    /// Where to write what was counted, as JSON, twice a second and at the end.
    #[arg(long)]
    counts: Option<PathBuf>,
    /// Seed of all chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Demand this user and password (digest) of every caller.
    #[arg(long, value_name = "USER:PASSWORD")]
    auth: Option<String>,
    /// Addresses that may call without a password. Ignored with --auth.
    #[arg(long, default_value = "127.0.0.1")]
    from: Vec<IpAddr>,
    /// Divide all human times by this.
    #[arg(long, default_value_t = 1.0)]
    pace: f64,
    /// Hang up an answered call in which nothing has been heard for this many seconds.
    #[arg(long, default_value_t = 8.0)]
    silence: f64,
    /// Pairs of RTP and RTCP ports that all calls share.
    #[arg(long, default_value_t = 4)]
    rtp_ports: usize,
    /// Stop after this many seconds.
    #[arg(long)]
    max_seconds: Option<u64>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("carrier: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    anyhow::ensure!(
        arguments.pace > 0.0 && arguments.pace.is_finite(),
        "--pace must be greater than 0"
    );
    anyhow::ensure!(
        arguments.silence > 0.0 && arguments.silence < 86_400.0,
        "--silence must be between 0 and 86400 seconds"
    );
    let file = File::open(&arguments.phones).with_context(|| format!("cannot open {}", arguments.phones.display()))?;
    let phones = Phones::read(file).with_context(|| format!("in {}", arguments.phones.display()))?;
    let access = match &arguments.auth {
        Some(pair) => {
            let (user, password) = pair.split_once(':').context("--auth wants USER:PASSWORD")?;
            let credentials = Credentials {
                user: user.to_owned(),
                password: Secret::new(password),
            };
            Access {
                from: Vec::new(),
                credentials: Some(credentials),
            }
        }
        None => Access {
            from: arguments.from.clone(),
            credentials: None,
        },
    };
    let socket = UdpSocket::bind(arguments.listen)
        .with_context(|| format!("cannot listen on {}; is another carrier running?", arguments.listen))?;
    let media = Media::start(arguments.listen.ip(), arguments.rtp_ports).context("cannot open ports for RTP")?;
    println!("carrier: {} telephones behind {}", phones.len(), socket.local_addr()?);

    let is_over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_over);
    signals::at_end(move || told.store(true, Ordering::Relaxed))?;
    let now = Instant::now();
    let settings = Settings {
        seed: arguments.seed,
        pace: arguments.pace,
        silence: Duration::from_secs_f64(arguments.silence),
        counts: arguments.counts,
    };
    let mut endpoint = service::endpoint(now, socket.local_addr()?, access, arguments.seed);
    let mut exchange = Exchange::new(now, settings, phones, media);
    let deadline = arguments.max_seconds.map(|seconds| now + Duration::from_secs(seconds));
    service::run(&socket, &mut endpoint, &mut exchange, &is_over, deadline).context("the SIP socket failed")?;
    let counts = exchange.counts();
    println!(
        "carrier: {} calls, {} answered, {} confirmations taken",
        counts.calls,
        counts.answered,
        counts.thanked()
    );
    Ok(())
}
