//! Being attacked: what calls cost, and whether they complete, while hostile datagrams come.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use benches::core;
use serde::Serialize;
use sip_core::Limits;

use crate::Arguments;
use crate::agent::{self, Agent};
use crate::sipp::Sipp;

/// Hostile datagrams a second.
const FLOOD: u64 = 10_000;

/// Calls a second that go on meanwhile, and for how many seconds.
const RATE: u32 = 200;
const SECONDS: u32 = 8;

/// Addresses from which the attack of many sources comes.
const SOURCES: u32 = 2_000;

/// INVITEs of the attempt to fill our memory.
const HALF_OPEN: u32 = 1_000_000;

/// Calls under one kind of attack.
#[derive(Debug, Serialize)]
pub(crate) struct Flooded {
    attack: &'static str,
    hostile_per_second: f64,
    /// Of our core.
    cpu_percent: f64,
    completed: u64,
    failed: u64,
    retransmissions: u64,
    /// What strangers got for an answer, and what was dropped without one.
    refused: u64,
    dropped: u64,
}

/// Memory after a million INVITEs from a carrier's address that nobody ever acknowledges.
#[derive(Debug, Serialize)]
pub(crate) struct HalfOpen {
    attempted: u32,
    calls: usize,
    transactions: usize,
    resident_growth_mib: f64,
}

/// Where an attack comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Nowhere,
    One,
    Many,
}

/// Calls come while nobody attacks, while one source does, and while many do.
pub(crate) fn measure(arguments: &Arguments) -> Result<Vec<Flooded>> {
    [Origin::Nowhere, Origin::One, Origin::Many]
        .into_iter()
        .map(|from| flooded(arguments, from))
        .collect()
}

fn flooded(arguments: &Arguments, from: Origin) -> Result<Flooded> {
    let calls = RATE * SECONDS;
    let patience = Duration::from_secs(u64::from(SECONDS) + 30);
    let (bound, address) = mpsc::channel();
    let stop = AtomicBool::new(false);
    let stop = &stop;
    std::thread::scope(|scope| {
        let far = scope.spawn(move || {
            let target = address.recv().context("our address")?;
            let attack = scope.spawn(move || attack(arguments.far_core, target, from, stop));
            let sipp = Sipp::calling(arguments, arguments.far_core, target, RATE, calls);
            let statistics = sipp.and_then(|sipp| sipp.finish(patience));
            stop.store(true, Ordering::Relaxed);
            let sent = attack.join().map_err(|_| anyhow::anyhow!("the attacking thread"))??;
            anyhow::Ok((statistics?, sent))
        });
        let trusted = SocketAddr::from(([127, 0, 0, 1], 9));
        let answering = |_| Agent::called(calls, patience);
        let ran = agent::run(trusted, Some(bound), Limits::default(), answering);
        stop.store(true, Ordering::Relaxed);
        let (statistics, sent) = far.join().map_err(|_| anyhow::anyhow!("the thread of sipp"))??;
        let (agent, wall, cpu) = ran?;
        let counters = &agent.counters;
        Ok(Flooded {
            attack: match from {
                Origin::Nowhere => "none",
                Origin::One => "one source",
                Origin::Many => "many sources",
            },
            hostile_per_second: sent as f64 / wall.as_secs_f64(),
            cpu_percent: 100.0 * cpu.as_secs_f64() / wall.as_secs_f64(),
            completed: agent.ended.min(statistics.successful),
            failed: statistics.failed,
            retransmissions: counters.retransmissions + statistics.retransmissions,
            refused: counters.refused_strangers,
            dropped: counters.dropped + counters.unreadable + counters.stray_responses,
        })
    })
}

/// Sends hostile datagrams at a steady rate until told to stop. How many there were.
fn attack(core: usize, target: SocketAddr, from: Origin, stop: &AtomicBool) -> Result<u64> {
    core::pin(core).context("the attacker's core")?;
    let sources = match from {
        Origin::Nowhere => 0,
        Origin::One => 1,
        Origin::Many => SOURCES,
    };
    let sockets: Vec<UdpSocket> = (0..sources)
        .map(|n| {
            let [_, b, c, d] = (n * 7919 + 256).to_be_bytes();
            UdpSocket::bind((Ipv4Addr::new(127, 64 + b % 64, c, d.max(1)), 0))
        })
        .collect::<std::io::Result<_>>()
        .context("the attacker's addresses")?;
    let (began, mut sent) = (Instant::now(), 0u64);
    while !stop.load(Ordering::Relaxed) && !sockets.is_empty() {
        let due = began.elapsed().as_micros() as u64 * FLOOD / 1_000_000;
        while sent < due {
            let socket = &sockets[(sent % u64::from(sources)) as usize];
            // A full buffer is the attacker's loss.
            let _ = socket.send_to(&hostile(sent), target);
            sent += 1;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(sent)
}

/// One hostile message after the other: no SIP, broken SIP, and sound requests of people we do not know.
fn hostile(number: u64) -> Vec<u8> {
    let method = match number % 8 {
        0 => return vec![(number >> 3) as u8; 200],
        1 => {
            return format!("INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{number}\r\nFrom: <\r\n\r\n")
                .into_bytes();
        }
        2 => {
            return format!(
                "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{number:016x}\r\nFrom: <sip:a@b>;tag=1\r\n\
                 To: <sip:c@d>;tag=2\r\nCall-ID: {number}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
            )
            .into_bytes();
        }
        3 => "OPTIONS",
        4 => "REGISTER",
        5 => "BYE",
        _ => "INVITE",
    };
    let tag = if method == "BYE" { ";tag=x" } else { "" };
    format!(
        "{method} sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: \"100\" <sip:100@127.0.0.1>;tag={number}\r\nTo: <sip:100@127.0.0.1>{tag}\r\n\
         Call-ID: {number}@203.0.113.9\r\nCSeq: 1 {method}\r\nContact: <sip:100@203.0.113.9:5060>\r\n\
         User-Agent: friendly-scanner\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// A million INVITEs from the address of a carrier, none of which is ever acknowledged or cancelled.
pub(crate) fn half_open(arguments: &Arguments) -> Result<HalfOpen> {
    let (bound, address) = mpsc::channel::<SocketAddr>();
    let before = core::resident();
    std::thread::scope(|scope| {
        let far_core = arguments.far_core;
        let far = scope.spawn(move || -> Result<()> {
            core::pin(far_core).context("the attacker's core")?;
            let target = address.recv().context("our address")?;
            let socket = UdpSocket::bind("127.0.0.1:0").context("the attacker's address")?;
            for number in 0..HALF_OPEN {
                let invite = hostile(6 + 8 * u64::from(number));
                let _ = socket.send_to(&invite, target);
                if number % 64 == 63 {
                    // So that most of them arrive: the attack is on our memory, not on the kernel's.
                    std::thread::sleep(Duration::from_micros(600));
                }
            }
            Ok(())
        });
        let trusted = SocketAddr::from(([127, 0, 0, 1], 9));
        let ran = agent::run(trusted, Some(bound), Limits::default(), |_| {
            Agent::ignoring(Duration::from_secs(24))
        });
        far.join().map_err(|_| anyhow::anyhow!("the attacking thread"))??;
        let (agent, ..) = ran?;
        Ok(HalfOpen {
            attempted: HALF_OPEN,
            calls: agent.most_calls,
            transactions: agent.most_transactions,
            resident_growth_mib: agent.resident[1].saturating_sub(before) as f64 / f64::from(1 << 20),
        })
    })
}
