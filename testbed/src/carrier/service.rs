//! Runs the exchange on one UDP socket, in the calling thread.
//!
//! A carrier under test needs no more than this; the endpoint's own driver, with its streams and name resolution, is what the
//! other side runs.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sip_core::{Config, Credentials, Endpoint, Flow, Limits, Local, Target, Transport, TrunkConfig};

use super::exchange::Exchange;

/// Longest wait, so that an order to stop is seen soon.
const WAIT: Duration = Duration::from_millis(100);
/// Datagrams read before time is looked at again.
const BATCH: usize = 256;
/// Largest datagram of UDP.
const DATAGRAM: usize = 65_535;

/// Who may call.
#[derive(Debug, Clone)]
pub struct Access {
    /// Calls from these addresses are taken without a password.
    pub from: Vec<IpAddr>,
    /// Anyone else, and these addresses too if there are none above, must prove this password by digest (RFC 3261 §22).
    pub credentials: Option<Credentials>,
}

/// An endpoint that takes calls on `local`.
pub fn endpoint(now: Instant, local: SocketAddr, access: Access, seed: u64) -> Endpoint {
    let config = Config {
        locals: vec![Local::new(Transport::Udp, local)],
        product: "testbed carrier".to_owned(),
        limits: Limits {
            calls: 100_000,
            server_transactions: 500_000,
            ..Limits::default()
        },
        callers: access.credentials.into_iter().collect(),
        realm: "carrier".to_owned(),
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut endpoint = Endpoint::new(config, bytes);
    if let Some(first) = access.from.first() {
        let trunk = TrunkConfig {
            name: "subscribers".to_owned(),
            targets: vec![Target {
                transport: Transport::Udp,
                addr: SocketAddr::new(*first, 5060),
            }],
            domain: first.to_string(),
            accept_from: access.from,
            ..TrunkConfig::default()
        };
        endpoint.add_trunk(now, trunk);
    }
    endpoint
}

/// Serves calls until `is_over` is set or the deadline has passed; then writes the counts a last time.
///
/// # Errors
/// When the socket fails for good.
pub fn run(
    socket: &UdpSocket,
    endpoint: &mut Endpoint,
    exchange: &mut Exchange,
    is_over: &AtomicBool,
    deadline: Option<Instant>,
) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    // Best effort: a burst of requests then waits in the kernel instead of being sent again.
    let _ = rustix::net::sockopt::set_socket_recv_buffer_size(socket, 4 << 20);
    let local = socket.local_addr()?;
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let now = Instant::now();
        if is_over.load(Ordering::Relaxed) || deadline.is_some_and(|deadline| now >= deadline) {
            exchange.write_counts(now);
            return Ok(());
        }
        work(now, socket, endpoint, exchange);
        let due = [endpoint.poll_timeout(), exchange.poll_timeout()]
            .into_iter()
            .flatten()
            .min();
        let wait = due.map_or(WAIT, |due| due.saturating_duration_since(now).min(WAIT));
        // Rounded up to a millisecond: waking before the time would mean to spin.
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: (wait.as_millis() as i64 + 1) * 1_000_000,
        };
        match poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&wait)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        for _ in 0..BATCH {
            match socket.recv_from(&mut buffer) {
                Ok((length, remote)) => {
                    let flow = Flow {
                        transport: Transport::Udp,
                        local,
                        remote,
                    };
                    endpoint.handle_datagram(Instant::now(), flow, Bytes::copy_from_slice(&buffer[..length]));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An ICMP error about a caller that has gone; the transactions find out by time.
                Err(_) => {}
            }
        }
    }
}

/// Lets time pass and events flow until nothing is left to do or to send.
fn work(now: Instant, socket: &UdpSocket, endpoint: &mut Endpoint, exchange: &mut Exchange) {
    if endpoint.poll_timeout().is_some_and(|due| due <= now) {
        endpoint.handle_timeout(now);
    }
    if exchange.poll_timeout().is_some_and(|due| due <= now) {
        exchange.handle_timeout(now, endpoint);
    }
    while let Some(event) = endpoint.poll_event() {
        exchange.handle_event(now, endpoint, event);
    }
    while let Some(transmit) = endpoint.poll_transmit() {
        // What the kernel does not take is lost like any datagram, and sent again by its transaction.
        let _ = socket.send_to(&transmit.payload, transmit.flow.remote);
    }
}
