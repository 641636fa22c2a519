//! Our side of the measurement: a driver on real sockets, and who decides about its calls.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use benches::core;
use bytes::Bytes;
use clap::ValueEnum;
use sip_core::driver::{Application, Driver};
use sip_core::{
    Config, Counters, Destination, Endpoint, Event, Invite, Limits, Local, Target, Transport, TrunkConfig, TrunkId,
};

use crate::Arguments;
use crate::sipp::Sipp;

const SDP: &[u8] =
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 101\r\n\
    a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n";

/// Which side of the calls we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    Calling,
    Called,
}

/// What one measurement found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    pub completed: u64,
    pub failed: u64,
    /// Of both sides.
    pub retransmissions: u64,
    pub cpu: Duration,
    pub sipp_cpu: Duration,
    pub wall: Duration,
}

impl Outcome {
    pub fn cpu_us_per_call(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / (self.completed + self.failed).max(1) as f64
    }
}

/// Calls at one rate for some seconds.
pub(crate) fn measure(arguments: &Arguments, role: Role, rate: u32, seconds: u32) -> Result<Outcome> {
    let calls = rate * seconds;
    let patience = Duration::from_secs(u64::from(seconds) + 40);
    match role {
        Role::Calling => {
            let (sipp, target) = Sipp::answering(arguments)?;
            let before = sipp.cpu_time();
            let caller = |trunk| Agent::calling(trunk, rate, calls);
            let (agent, wall, cpu) = run(target, None, plenty(), caller)?;
            Ok(Outcome {
                completed: agent.ended,
                failed: agent.failed,
                retransmissions: agent.counters.retransmissions,
                cpu,
                sipp_cpu: sipp.cpu_time().saturating_sub(before),
                wall,
            })
        }
        Role::Called => {
            let (bound, address) = mpsc::channel();
            let answering = |_| Agent::called(calls, patience);
            // The caller needs our address, and we its start: it waits on a thread of its own until we have bound ours.
            std::thread::scope(|scope| {
                let far = scope.spawn(move || {
                    let target: SocketAddr = address.recv().context("our address")?;
                    let sipp = Sipp::calling(arguments, arguments.far_core, target, rate, calls)?;
                    sipp.finish(patience)
                });
                let trusted = SocketAddr::from(([127, 0, 0, 1], 9));
                let (agent, wall, cpu) = run(trusted, Some(bound), plenty(), answering)?;
                let statistics = far.join().map_err(|_| anyhow::anyhow!("the thread of sipp"))??;
                Ok(Outcome {
                    completed: agent.ended.min(statistics.successful),
                    failed: statistics.failed,
                    retransmissions: agent.counters.retransmissions + statistics.retransmissions,
                    cpu,
                    sipp_cpu: statistics.cpu,
                    wall,
                })
            })
        }
    }
}

/// Limits that no measurement of speed reaches.
pub(crate) fn plenty() -> Limits {
    Limits {
        calls: 1_000_000,
        client_transactions: 2_000_000,
        server_transactions: 2_000_000,
        ..Limits::default()
    }
}

/// Runs a driver on this thread until its agent is finished. The time starts with the agent. Calls from the target's address
/// are let in.
pub(crate) fn run(
    target: SocketAddr,
    tell: Option<mpsc::Sender<SocketAddr>>,
    limits: Limits,
    agent: impl FnOnce(TrunkId) -> Agent,
) -> Result<(Agent, Duration, Duration)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let config = Config {
            locals: vec![Local::new(Transport::Udp, "127.0.0.1:0".parse()?)],
            limits,
            ..Config::default()
        };
        let mut driver = Driver::bind(config, rand::random()).await?;
        driver.own_thread();
        let trunk = TrunkConfig {
            targets: vec![Target {
                transport: Transport::Udp,
                addr: target,
            }],
            domain: "carrier.example".to_owned(),
            accept_from: vec![target.ip()],
            ..TrunkConfig::default()
        };
        let trunk = driver.endpoint().add_trunk(Instant::now(), trunk);
        if let (Some(tell), Some(local)) = (tell, driver.endpoint().config().locals.first()) {
            tell.send(local.addr)?;
        }
        let agent = agent(trunk);
        let (began, before) = (Instant::now(), core::thread_time());
        let agent = driver.run(agent).await;
        Ok((agent, began.elapsed(), core::thread_time() - before))
    })
}

/// Decides about the calls of one measurement.
pub(crate) struct Agent {
    trunk: Option<TrunkId>,
    rate: u64,
    began: Instant,
    most: u64,
    until: Option<Instant>,
    /// Calls are held instead of ended at once.
    holds: Option<Duration>,
    placed: u64,
    pub answered: u64,
    pub ended: u64,
    pub failed: u64,
    pub counters: Counters,
    /// The most of both that there ever were.
    pub most_calls: usize,
    pub most_transactions: usize,
    /// Incoming calls are left to ring.
    ignores: bool,
    /// Resident memory when all were answered, and at the end of the hold.
    pub resident: [u64; 2],
}

impl Agent {
    fn new(most: u32) -> Agent {
        Agent {
            trunk: None,
            rate: 1,
            began: Instant::now(),
            most: u64::from(most),
            until: None,
            holds: None,
            placed: 0,
            answered: 0,
            ended: 0,
            failed: 0,
            counters: Counters::default(),
            most_calls: 0,
            most_transactions: 0,
            ignores: false,
            resident: [0; 2],
        }
    }

    /// Places calls and ends each as soon as it is answered.
    pub fn calling(trunk: TrunkId, rate: u32, calls: u32) -> Agent {
        Agent {
            trunk: Some(trunk),
            rate: u64::from(rate),
            ..Agent::new(calls)
        }
    }

    /// Places calls and keeps them all for `hold` after the last was answered.
    pub fn holding(trunk: TrunkId, rate: u32, calls: u32, hold: Duration) -> Agent {
        Agent {
            holds: Some(hold),
            ..Agent::calling(trunk, rate, calls)
        }
    }

    /// Rings and answers what comes. Gives up after `patience`.
    pub fn called(calls: u32, patience: Duration) -> Agent {
        Agent {
            until: Some(Instant::now() + patience),
            ..Agent::new(calls)
        }
    }

    /// Leaves what comes without an answer, for so long.
    pub fn ignoring(time: Duration) -> Agent {
        Agent {
            ignores: true,
            holds: Some(time),
            ..Agent::called(u32::MAX, time)
        }
    }

    fn due(&self) -> Instant {
        self.began + Duration::from_micros(self.placed * 1_000_000 / self.rate)
    }

    fn is_counting_memory(&self) -> bool {
        self.holds.is_some()
    }

    fn is_placing(&self) -> bool {
        self.trunk.is_some() && self.placed < self.most
    }
}

impl Application for Agent {
    fn handle_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        match event {
            Event::Answered { call, .. } => {
                self.answered += 1;
                match self.holds {
                    None => drop(endpoint.hang_up(now, call)),
                    Some(hold) if self.answered + self.failed == self.most => {
                        self.resident[0] = core::resident();
                        self.until = Some(now + hold);
                    }
                    Some(_) => {}
                }
            }
            Event::Incoming { .. } if self.ignores => {}
            Event::Incoming { call, .. } => {
                let _ = endpoint.ring(now, call, None);
                let _ = endpoint.answer(now, call, Bytes::from_static(SDP));
            }
            Event::Ended { .. } => self.ended += 1,
            Event::Failed { .. } => self.failed += 1,
            _ => {}
        }
        if self.is_counting_memory() {
            self.most_calls = self.most_calls.max(endpoint.calls());
            self.most_transactions = self.most_transactions.max(endpoint.transactions());
        }
        if self.is_finished() {
            self.counters = endpoint.counters().clone();
        }
    }

    fn handle_timeout(&mut self, now: Instant, endpoint: &mut Endpoint) {
        while self.is_placing() && self.due() <= now {
            self.placed += 1;
            let to = Destination::User(format!("01990{:05}", self.placed % 100_000));
            if let Some(trunk) = self.trunk
                && endpoint
                    .invite(now, Invite::new(trunk, to, Bytes::from_static(SDP)))
                    .is_err()
            {
                self.failed += 1;
            }
        }
        if self.holds.is_some() && self.until.is_some_and(|until| until <= now) {
            self.resident[1] = core::resident();
        }
        if self.is_finished() {
            self.counters = endpoint.counters().clone();
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self.is_placing() {
            true => Some(self.due()),
            false => self.until.filter(|_| !self.is_finished()),
        }
    }

    fn is_finished(&self) -> bool {
        match (self.holds, self.until) {
            (Some(_), _) => self.resident[1] != 0,
            (None, Some(until)) => self.ended + self.failed >= self.most || until <= Instant::now(),
            (None, None) => self.ended + self.failed >= self.most,
        }
    }
}
