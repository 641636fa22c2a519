//! SIPp as the far end: started on its core, watched, and never left behind.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use benches::core;

use crate::Arguments;
use crate::agent::Outcome;

/// A running SIPp. It is ended when this is dropped.
pub(crate) struct Sipp {
    child: Child,
    folder: Option<PathBuf>,
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl Sipp {
    /// SIPp's built-in answering side, and the address where it answers.
    pub fn answering(arguments: &Arguments) -> Result<(Sipp, SocketAddr)> {
        let address = free_address()?;
        let port = address.port().to_string();
        let sipp = start(arguments.far_core, arguments.core, &["-sn", "uas", "-p", &port], None)?;
        // It has no way to say that it is ready but to have bound its port.
        let patience = Instant::now() + Duration::from_secs(5);
        while !is_bound(address) {
            ensure!(Instant::now() < patience, "sipp does not listen on {address}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok((sipp, address))
    }

    /// SIPp's built-in calling side, from which `calls` calls come.
    pub fn calling(arguments: &Arguments, core: usize, target: SocketAddr, rate: u32, calls: u32) -> Result<Sipp> {
        let own = free_address()?.port().to_string();
        let (rate, calls, target) = (rate.to_string(), calls.to_string(), target.to_string());
        let folder = std::env::temp_dir().join(format!("tocsin-bench-{}-{own}", std::process::id()));
        std::fs::create_dir_all(&folder).context("a folder for sipp")?;
        let words = [
            "-sn",
            "uac",
            "-p",
            &own,
            "-r",
            &rate,
            "-m",
            &calls,
            "-l",
            "100000",
            "-d",
            "0",
            "-trace_stat",
            "-stf",
            "stat.csv",
            "-fd",
            "1",
            &target,
        ];
        start(core, arguments.core, &words, Some(folder))
    }

    /// CPU time so far, all threads. It is counted in ticks of 10 ms.
    pub fn cpu_time(&self) -> Duration {
        core::cpu_time_of(self.child.id())
    }

    /// Waits until it has ended. Its own statistics, if it keeps some.
    pub fn finish(mut self, patience: Duration) -> Result<Statistics> {
        let end = Instant::now() + patience;
        let mut cpu = Duration::ZERO;
        while self.child.try_wait().context("sipp")?.is_none() {
            ensure!(Instant::now() < end, "sipp has not ended within {patience:?}");
            cpu = cpu.max(self.cpu_time());
            std::thread::sleep(Duration::from_millis(10));
        }
        let file = self.folder.as_deref().unwrap_or(Path::new(".")).join("stat.csv");
        let text = std::fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
        let mut statistics = Statistics::read(&text).context("the statistics of sipp")?;
        statistics.cpu = cpu;
        Ok(statistics)
    }
}

/// What SIPp counted.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Statistics {
    pub successful: u64,
    pub failed: u64,
    pub retransmissions: u64,
    pub cpu: Duration,
}

impl Statistics {
    fn read(text: &str) -> Option<Statistics> {
        let mut lines = text.lines().filter(|line| !line.is_empty());
        let names: Vec<&str> = lines.next()?.split(';').collect();
        let last: Vec<&str> = lines.next_back()?.split(';').collect();
        let value = |name: &str| last.get(names.iter().position(|n| *n == name)?)?.parse().ok();
        Some(Statistics {
            successful: value("SuccessfulCall(C)")?,
            failed: value("FailedCall(C)")?,
            retransmissions: value("Retransmissions(C)")?,
            cpu: Duration::ZERO,
        })
    }
}

/// SIPp calls SIPp: what a load generator without a stack costs in our place.
pub(crate) fn against_itself(arguments: &Arguments, rate: u32, seconds: u32) -> Result<Outcome> {
    let (_answering, address) = Sipp::answering(arguments)?;
    let began = Instant::now();
    let calls = rate * seconds;
    let calling = Sipp::calling(arguments, arguments.core, address, rate, calls)?;
    let statistics = calling.finish(Duration::from_secs(u64::from(seconds) + 30))?;
    Ok(Outcome {
        completed: statistics.successful,
        failed: statistics.failed,
        retransmissions: statistics.retransmissions,
        cpu: statistics.cpu,
        sipp_cpu: Duration::ZERO,
        wall: began.elapsed(),
    })
}

/// Children inherit the core of the thread that starts them.
fn start(core: usize, own_core: usize, words: &[&str], folder: Option<PathBuf>) -> Result<Sipp> {
    core::pin(core).context("the core of sipp")?;
    let mut command = Command::new("sipp");
    command
        .args(words)
        .args(["-i", "127.0.0.1", "-nostdin", "-buff_size", "4194304"]);
    if let Some(folder) = &folder {
        command.current_dir(folder);
    }
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    core::pin(own_core).context("our core")?;
    let child = child.context("sipp cannot be run; install the package sip-tester")?;
    Ok(Sipp { child, folder })
}

/// An address on loopback that nobody uses.
fn free_address() -> Result<SocketAddr> {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").context("a free port")?;
    socket.local_addr().context("its address")
}

/// Whether somebody receives datagrams there.
fn is_bound(address: SocketAddr) -> bool {
    std::net::UdpSocket::bind(address).is_err()
}
