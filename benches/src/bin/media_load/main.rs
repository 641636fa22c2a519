//! Cost and evenness of two-way calls: the media engine on one core, a far end in a process of its own on another.
//!
//! Each call plays a message at 50 packets a second and hears as many, with telephone events (or tones too, by
//! `--inband`) listened for, in clear or by `--srtp`. The far end takes the kernel's arrival stamps, so it measures what left,
//! when it left. `--forged` adds a stranger who sends keys to these calls. One JSON object on stdout.

mod far;

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Child, Command as Process, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use benches::core;
use benches::udp_limit::{self, UdpLimit};
use clap::Parser;
use far::FarReport;
use rtp_media::driver::{Media, Settings};
use rtp_media::{Clip, Command, Event, MasterKey, Session, Srtp, StreamId, Suite};
use serde::{Deserialize, Serialize};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SUITE: Suite = Suite::AesCm128HmacSha1_80;

/// The engine's keys are made of 1, the far end's of 2.
fn key(fill: u8) -> MasterKey {
    MasterKey {
        key: vec![fill; SUITE.key_len()],
        salt: vec![fill; SUITE.salt_len()],
    }
}

/// Measures two-way calls of the media engine on one core.
#[derive(Debug, Parser)]
struct Arguments {
    /// Concurrent calls.
    #[arg(long, default_value_t = 1_500, conflicts_with = "share")]
    calls: usize,
    /// Instead of a number: as many calls as this share, in percent, of those that the kernel's limit allows in this run.
    #[arg(long)]
    share: Option<f64>,
    /// Length of the measurement in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Listen for keys in the audio too.
    #[arg(long)]
    inband: bool,
    /// Encrypt both ways (AES_CM_128_HMAC_SHA1_80).
    #[arg(long)]
    srtp: bool,
    /// Packets a second with forged keys, half of them at one call.
    #[arg(long, default_value_t = 0)]
    forged: u64,
    /// Find the most calls without loss and with 99 % of packets within 5 ms.
    #[arg(long)]
    find_max: bool,
    /// Core of the engine.
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// Core of the far end.
    #[arg(long, default_value_t = 1)]
    far_core: usize,
    /// Be the far end.
    #[arg(long, hide = true)]
    far_end: bool,
}

#[derive(Debug, Serialize)]
struct Outcome {
    udp_limit_us_per_packet: f64,
    udp_limit_us_per_call_second: f64,
    cpu_us_per_call_second: f64,
    ratio_to_limit: f64,
    /// Calls that would fill the core if nothing but the kernel worked for them.
    limit_calls: f64,
    calls: usize,
    inband: bool,
    srtp: bool,
    p50_lateness_ms: f64,
    p99_lateness_ms: f64,
    max_lateness_ms: f64,
    sent: u64,
    lost: u64,
    bytes_per_call: u64,
    kernel_bytes_per_call: u64,
    /// Forged packets that the stranger sent, those that the calls have counted (the kernel drops what a full queue
    /// cannot take), and the keys that were believed: there must be none.
    forged: u64,
    forged_counted: u64,
    keys_heard: u64,
    max_calls: Option<usize>,
    /// The same in percent of the calls that the limit allows, by the mean of the limits while it was sought.
    max_calls_share: Option<f64>,
}

/// A call takes three files here (RTP, its guard, RTCP), and a process may often open no more than 20,000.
const MOST_CALLS: usize = 6_000;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    core::raise_file_limit();
    if arguments.far_end {
        return far::run(&arguments);
    }
    core::pin(arguments.core).context("the engine's core")?;
    let limit = measure_limit(&arguments)?;
    let calls = arguments.share.map_or(arguments.calls, |share| {
        (limit.calls() * share / 100.0).clamp(1.0, MOST_CALLS as f64) as usize
    });
    let mut outcome = measure(&arguments, calls, arguments.seconds, limit)?;
    if arguments.find_max {
        let (most, limit) = find_max(&arguments, limit)?;
        outcome.max_calls = most;
        outcome.max_calls_share = most.map(|most| most as f64 / limit.calls() * 100.0);
    }
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

fn measure_limit(arguments: &Arguments) -> Result<UdpLimit> {
    udp_limit::measure(arguments.far_core).context("the limit of UDP")
}

/// Halves the gap between a number of calls that went well and one that did not, six times. One that did not is tried once
/// more: on a machine with neighbours a single bad second is theirs.
fn find_max(arguments: &Arguments, first: UdpLimit) -> Result<(Option<usize>, UdpLimit)> {
    let (mut good, mut bad) = (0, MOST_CALLS);
    let mut calls = 3_000;
    let (mut limits, mut measured) = (first, 1.0);
    for _ in 0..6 {
        let mut is_good = false;
        for _ in 0..2 {
            let outcome = measure(arguments, calls, 4, limits)?;
            let limit = measure_limit(arguments)?;
            measured += 1.0;
            limits = limits.between(limit, 1.0 / measured);
            is_good = outcome.lost == 0 && outcome.p99_lateness_ms <= 5.0;
            eprintln!(
                "{calls} calls: p99 {:.2} ms, {} lost, limit {:.0} us per call-second",
                outcome.p99_lateness_ms,
                outcome.lost,
                limit.per_call_second_us()
            );
            if is_good {
                break;
            }
        }
        *(if is_good { &mut good } else { &mut bad }) = calls;
        calls = ((good + bad) / 2).next_multiple_of(50);
    }
    Ok(((good > 0).then_some(good), limits))
}

/// The far end, seen from the engine's side.
struct FarEnd {
    child: Child,
    answers: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl FarEnd {
    fn start(arguments: &Arguments, calls: usize) -> Result<FarEnd> {
        let mut child = Process::new(std::env::current_exe()?)
            .args([
                "--far-end",
                "--calls",
                &calls.to_string(),
                "--far-core",
                &arguments.far_core.to_string(),
                "--forged",
                &arguments.forged.to_string(),
            ])
            .args(arguments.srtp.then_some("--srtp"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let answers = BufReader::new(child.stdout.take().context("stdout")?).lines();
        Ok(FarEnd { child, answers })
    }

    fn tell<T: Serialize>(&mut self, line: &T) -> Result<()> {
        let stdin = self.child.stdin.as_mut().context("stdin")?;
        writeln!(stdin, "{}", serde_json::to_string(line)?)?;
        Ok(stdin.flush()?)
    }

    fn hear<T: for<'a> Deserialize<'a>>(&mut self) -> Result<T> {
        let line = self.answers.next().context("the far end has gone")??;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn measure(arguments: &Arguments, calls: usize, seconds: u64, before: UdpLimit) -> Result<Outcome> {
    let mut far = FarEnd::start(arguments, calls)?;
    let peers: Vec<SocketAddr> = far.hear()?;
    ensure!(peers.len() == calls, "the far end has too few ports");
    let media = Media::start(Settings {
        cores: vec![arguments.core],
        ..Settings::new(LOOPBACK, 20_000..60_000)
    })?;
    let message = Arc::new(Clip::from_pcm(speech_like(90), 8_000));
    let (memory, kernel_memory) = (resident()?, slab()?);
    let mut streams: Vec<StreamId> = Vec::with_capacity(calls);
    let mut addresses = Vec::with_capacity(calls);
    for _ in 0..calls {
        let (stream, address) = media.reserve()?;
        streams.push(stream);
        addresses.push(address);
    }
    for (&stream, &peer) in streams.iter().zip(&peers) {
        let session = Session {
            inband_dtmf: arguments.inband,
            srtp: arguments.srtp.then(|| Srtp {
                suite: SUITE,
                local: key(1),
                remote: key(2),
            }),
            ..Session::pcma(peer)
        };
        media.send(Command::Open {
            stream,
            session: Box::new(session),
        });
        media.send(Command::Play {
            stream,
            clips: vec![Arc::clone(&message)],
        });
    }
    far.tell(&addresses)?;
    std::thread::sleep(Duration::from_secs(2));
    let (bytes, kernel_bytes) = (
        resident()?.saturating_sub(memory),
        slab()?.saturating_sub(kernel_memory),
    );
    far.tell(&"measure")?;
    let cpu = core::cpu_time();
    std::thread::sleep(Duration::from_secs(seconds));
    let cpu = core::cpu_time() - cpu;
    far.tell(&"quiet")?;
    let _: String = far.hear()?;
    // What is under way arrives.
    std::thread::sleep(Duration::from_millis(200));
    for &stream in &streams {
        media.send(Command::Close { stream });
    }
    let (mut sent, mut received, mut closed) = (0, 0, 0);
    let (mut forged_counted, mut keys_heard) = (0, 0);
    while closed < calls {
        match media.try_event() {
            Some(Event::Closed { stats, .. }) => {
                sent += stats.sent;
                received += stats.received;
                forged_counted += stats.foreign;
                keys_heard += u64::from(stats.digits);
                closed += 1;
            }
            Some(_) => {}
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    far.tell(&"report")?;
    let report: FarReport = far.hear()?;
    drop(far);
    let limit = before.between(measure_limit(arguments)?, 0.5);
    // On a machine that is too busy for the pace, fewer packets leave than the clock asks for; count those that did.
    let call_seconds = report.measured as f64 / 50.0;
    let cost = cpu.as_secs_f64() * 1e6 / call_seconds.max(1.0);
    Ok(Outcome {
        udp_limit_us_per_packet: limit.per_packet_us(),
        udp_limit_us_per_call_second: limit.per_call_second_us(),
        cpu_us_per_call_second: cost,
        ratio_to_limit: cost / limit.per_call_second_us(),
        limit_calls: limit.calls(),
        calls,
        inband: arguments.inband,
        srtp: arguments.srtp,
        p50_lateness_ms: report.lateness_ms[0],
        p99_lateness_ms: report.lateness_ms[1],
        max_lateness_ms: report.lateness_ms[2],
        sent,
        lost: sent.saturating_sub(report.received) + report.sent.saturating_sub(received),
        bytes_per_call: bytes / calls as u64,
        // Of four sockets for each call one is the far end's.
        kernel_bytes_per_call: kernel_bytes * 3 / 4 / calls as u64,
        forged: report.forged,
        forged_counted,
        keys_heard,
        max_calls: None,
        max_calls_share: None,
    })
}

/// A hum whose loudness wanders like a voice's, so that no detector has an easy time.
fn speech_like(seconds: usize) -> Vec<i16> {
    let sample = |n: usize| {
        let time = n as f32 / 8_000.0;
        let envelope = (time * 4.0 * std::f32::consts::TAU).sin().max(0.0);
        let voice = [140.0, 280.0, 700.0, 1_190.0].map(|hz: f32| (time * hz * std::f32::consts::TAU).sin());
        (voice.iter().sum::<f32>() * envelope * 2_500.0) as i16
    };
    (0..seconds * 8_000).map(sample).collect()
}

/// Memory of this process in bytes.
fn resident() -> Result<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = pages.split_whitespace().nth(1).context("statm")?.parse()?;
    Ok(pages * 4_096)
}

/// Memory that the kernel holds for its structures, in bytes.
fn slab() -> Result<u64> {
    let lines = std::fs::read_to_string("/proc/meminfo")?;
    let line = lines.lines().find(|line| line.starts_with("Slab:")).context("Slab")?;
    Ok(line.split_whitespace().nth(1).context("Slab")?.parse::<u64>()? * 1_024)
}
