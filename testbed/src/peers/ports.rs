//! Ports for programs that cannot be told to take any free one.

use std::{
    fs,
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
    sync::atomic::{AtomicU16, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

/// Below the ports that the system hands out by itself and that tocsin uses for RTP, so that nobody takes one between our look at it and its use.
const FIRST: u16 = 10_000;
const COUNT: u16 = 9_000;

/// A port that is free for UDP and TCP, as is the next one (SIP over TLS, RTCP). No two calls give the same.
pub fn free(address: &str) -> anyhow::Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let address: IpAddr = address.parse().with_context(|| format!("“{address}” is no address"))?;
    // Runs at the same time begin elsewhere.
    let start = (std::process::id() as u16).wrapping_mul(64) % COUNT;
    (0..COUNT / 2)
        .map(|_| FIRST + (start + NEXT.fetch_add(2, Ordering::Relaxed) % COUNT) % COUNT / 2 * 2)
        .find(|&port| {
            [port, port + 1].iter().all(|&port| {
                let address = SocketAddr::new(address, port);
                UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok()
            })
        })
        .context("no port is free between 10000 and 19000")
}

/// Waits until something has bound the port.
pub fn wait_for(port: u16, patience: Duration) -> anyhow::Result<()> {
    let deadline = Instant::now() + patience;
    while !is_bound(port) {
        ensure!(
            Instant::now() < deadline,
            "nothing listens on port {port} after {patience:?}"
        );
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Asks the kernel. To try and bind it would take the port away from whom we wait for.
fn is_bound(port: u16) -> bool {
    const LISTEN: &str = "0A";
    let wanted = format!(":{port:04X}");
    for table in ["udp", "udp6", "tcp", "tcp6"] {
        let text = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        let has_it = text.lines().skip(1).any(|line| {
            let mut fields = line.split_ascii_whitespace().skip(1);
            let is_here = fields.next().is_some_and(|local| local.ends_with(&wanted));
            is_here && (table.starts_with("udp") || fields.nth(1) == Some(LISTEN))
        });
        if has_it {
            return true;
        }
    }
    false
}
