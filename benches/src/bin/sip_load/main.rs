//! Cost of calls' signalling, in both roles, against SIPp: our driver on one core, SIPp on another.
//!
//! In one run: the kernel's UDP limit, CPU per call at several rates calling and being called, SIPp in our place as the peer, the
//! highest rate without retransmission, and the memory of open dialogs. One JSON object on stdout, a table on stderr.

mod agent;
mod flood;
mod memory;
mod sipp;

use std::time::Duration;

use anyhow::{Context, Result};
use benches::{core, udp_floor, udp_limit};
use clap::Parser;
use serde::Serialize;

use agent::{Outcome, Role};

/// Measures calls' signalling against SIPp.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// New calls a second, one measurement each.
    #[arg(long, value_delimiter = ',', default_value = "500,1000,2000,5000")]
    rates: Vec<u32>,
    /// Length of one measurement in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Dialogs held open for the measurement of memory; 0 leaves it out.
    #[arg(long, default_value_t = 20_000)]
    dialogs: u32,
    /// Leave out the search for the highest rate.
    #[arg(long)]
    no_limit: bool,
    /// Leave out SIPp in our place.
    #[arg(long)]
    no_peer: bool,
    /// Leave out the attacks.
    #[arg(long)]
    no_flood: bool,
    /// One role only.
    #[arg(long, value_enum)]
    role: Option<Role>,
    /// Our core.
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// The core of SIPp.
    #[arg(long, default_value_t = 1)]
    far_core: usize,
}

/// Datagrams of one call, sent and received together: INVITE, 100 or 180, 180 or 200, ACK, BYE, 200.
const DATAGRAMS: f64 = 6.0;

#[derive(Debug, Serialize)]
struct Report {
    udp_limit_us_per_datagram: f64,
    udp_limit_us_per_call: f64,
    floor: Vec<Floor>,
    calling: Vec<Point>,
    called: Vec<Point>,
    peer_calling: Vec<Point>,
    highest_calling: Option<Highest>,
    highest_called: Option<Highest>,
    memory: Option<memory::Memory>,
    flooded: Vec<flood::Flooded>,
    half_open: Option<flood::HalfOpen>,
}

/// What a program costs that receives and sends a call's datagrams, each pair after a wake-up of its own, and does nothing else.
#[derive(Debug, Serialize)]
struct Floor {
    wake_ups_per_second: u32,
    us_per_pair: f64,
    us_per_call: f64,
}

/// One rate.
#[derive(Debug, Serialize)]
struct Point {
    calls_per_second: u32,
    cpu_us_per_call: f64,
    ratio_to_limit: f64,
    ratio_to_floor: f64,
    completed: u64,
    failed: u64,
    retransmissions: u64,
}

/// The highest rate without retransmission, and what set the limit.
#[derive(Debug, Serialize)]
struct Highest {
    calls_per_second: u32,
    our_core_percent: f64,
    sipp_core_percent: f64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    core::raise_file_limit();
    core::pin(arguments.core).context("our core")?;
    let limit = udp_limit::measure(arguments.far_core).context("the limit of UDP")?;
    let limit_per_call = DATAGRAMS * limit.per_packet_us();
    let mut report = Report {
        udp_limit_us_per_datagram: limit.per_packet_us(),
        udp_limit_us_per_call: limit_per_call,
        floor: Vec::new(),
        calling: Vec::new(),
        called: Vec::new(),
        peer_calling: Vec::new(),
        highest_calling: None,
        highest_called: None,
        memory: None,
        flooded: Vec::new(),
        half_open: None,
    };
    let wants = |role| arguments.role.is_none_or(|only| only == role);
    let point = |rate: u32, floor: f64, outcome: &Outcome| Point {
        calls_per_second: rate,
        cpu_us_per_call: outcome.cpu_us_per_call(),
        ratio_to_limit: outcome.cpu_us_per_call() / limit_per_call,
        ratio_to_floor: outcome.cpu_us_per_call() / floor,
        completed: outcome.completed,
        failed: outcome.failed,
        retransmissions: outcome.retransmissions,
    };
    // First, while nothing that was freed can be used again.
    if arguments.dialogs > 0 {
        let memory = memory::measure(&arguments)?;
        eprintln!(
            "{} dialogs open: {} bytes each, {} while their INVITEs are still remembered",
            memory.dialogs, memory.bytes_per_dialog, memory.bytes_per_fresh_dialog
        );
        report.memory = Some(memory);
    }
    for &rate in &arguments.rates {
        let us_per_pair = udp_floor::measure(arguments.far_core, rate).context("the kernel's floor")?;
        let floor = us_per_pair * DATAGRAMS / 2.0;
        eprintln!(
            "{:>12} at {rate:>5}/s: {us_per_pair:>6.1} us for a datagram and its answer",
            "kernel alone"
        );
        report.floor.push(Floor {
            wake_ups_per_second: rate,
            us_per_pair,
            us_per_call: floor,
        });
        for role in [Role::Calling, Role::Called].into_iter().filter(|&role| wants(role)) {
            let outcome = agent::measure(&arguments, role, rate, arguments.seconds)?;
            tell(&format!("{role:?}"), rate, &outcome, limit_per_call);
            match role {
                Role::Calling => report.calling.push(point(rate, floor, &outcome)),
                Role::Called => report.called.push(point(rate, floor, &outcome)),
            }
        }
        if !arguments.no_peer && wants(Role::Calling) {
            let outcome = sipp::against_itself(&arguments, rate, arguments.seconds)?;
            tell("SIPp calling", rate, &outcome, limit_per_call);
            report.peer_calling.push(point(rate, floor, &outcome));
        }
    }
    if !arguments.no_limit {
        if wants(Role::Calling) {
            report.highest_calling = highest(&arguments, Role::Calling)?;
        }
        if wants(Role::Called) {
            report.highest_called = highest(&arguments, Role::Called)?;
        }
    }
    if !arguments.no_flood {
        report.flooded = flood::measure(&arguments)?;
        for flooded in &report.flooded {
            eprintln!("{flooded:?}");
        }
        report.half_open = Some(flood::half_open(&arguments)?);
        eprintln!("{:?}", report.half_open);
    }
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

fn tell(who: &str, rate: u32, outcome: &Outcome, limit: f64) {
    eprintln!(
        "{who:>12} at {rate:>5}/s: {:>6.1} us a call, {:.1} times the kernel's {limit:.1}; {} completed, {} failed, {} retransmissions",
        outcome.cpu_us_per_call(),
        outcome.cpu_us_per_call() / limit,
        outcome.completed,
        outcome.failed,
        outcome.retransmissions,
    );
}

/// Goes up in steps of a quarter until something had to be sent again, did not complete, or the rate was not reached.
fn highest(arguments: &Arguments, role: Role) -> Result<Option<Highest>> {
    const SECONDS: u32 = 3;
    let mut best = None;
    let mut rate = 4_000;
    while rate <= 40_000 {
        let outcome = agent::measure(arguments, role, rate, SECONDS)?;
        let reached = outcome.completed as f64 / outcome.wall.as_secs_f64();
        let is_good = outcome.retransmissions == 0 && outcome.failed == 0 && reached >= 0.95 * f64::from(rate);
        let percent = |time: Duration| 100.0 * time.as_secs_f64() / outcome.wall.as_secs_f64();
        eprintln!(
            "{role:?} at {rate}/s: {reached:.0}/s reached, {} retransmissions, our core {:.0} %, SIPp's {:.0} %",
            outcome.retransmissions,
            percent(outcome.cpu),
            percent(outcome.sipp_cpu)
        );
        if !is_good {
            break;
        }
        best = Some(Highest {
            calls_per_second: rate,
            our_core_percent: percent(outcome.cpu),
            sipp_core_percent: percent(outcome.sipp_cpu),
        });
        rate += rate / 4;
    }
    Ok(best)
}
