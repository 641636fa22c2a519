//! The far end: thousands of telephones in one process, which measure when each packet of the engine came.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use benches::core;
use serde::{Deserialize, Serialize};
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

use super::Arguments;

/// Not the engine's: its RTCP goes to the port after each telephone's, which must not be one of the engine's own.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const PTIME: Duration = Duration::from_millis(20);

/// What the far end counted.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FarReport {
    pub(super) sent: u64,
    pub(super) received: u64,
    /// Of those, how many came while it measured.
    pub(super) measured: u64,
    /// Lateness of the measured packets: at 50 %, 99 % and the highest, in milliseconds.
    pub(super) lateness_ms: [f64; 3],
    /// What its stranger sent.
    pub(super) forged: u64,
}

/// One telephone of the far end.
struct Phone {
    socket: UdpSocket,
    packet: [u8; 172],
    protection: Option<Context>,
    sequence: u16,
    received: u64,
    /// Of the measured packets: arrival less its place by the RTP timestamp, in microseconds.
    delays: Vec<i32>,
    origin: Option<(u64, u32)>,
}

impl Phone {
    fn hear(&mut self, is_measuring: bool) {
        let mut buffer = [0; 512];
        while let Some((len, stamp)) = core::receive(&self.socket, &mut buffer) {
            if len < 12 {
                continue;
            }
            self.received += 1;
            if !is_measuring {
                continue;
            }
            let timestamp = u32::from_be_bytes([buffer[4], buffer[5], buffer[6], buffer[7]]);
            let (start, first) = *self.origin.get_or_insert((stamp, timestamp));
            let place = i64::from(timestamp.wrapping_sub(first) as i32) * 125;
            let arrival = (stamp as i64 - start as i64) / 1_000;
            self.delays.push((arrival - place) as i32);
        }
    }

    fn speak(&mut self) -> bool {
        self.sequence = self.sequence.wrapping_add(1);
        let timestamp = u32::from(self.sequence).wrapping_mul(160);
        self.packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        self.packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
        match &mut self.protection {
            None => self.socket.send(&self.packet).is_ok(),
            Some(protection) => protection
                .encrypt_rtp(&self.packet)
                .is_ok_and(|sealed| self.socket.send(&sealed).is_ok()),
        }
    }
}

fn protection() -> Result<Context> {
    let key = super::key(2);
    Ok(Context::new(
        &key.key,
        &key.salt,
        ProtectionProfile::Aes128CmHmacSha1_80,
        None,
        None,
    )?)
}

/// Somebody who knows the ports and the formats, and sends a key that would confirm.
struct Stranger {
    socket: UdpSocket,
    sequence: u16,
    sent: u64,
}

impl Stranger {
    fn new() -> Result<Stranger> {
        let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 66), 0))?;
        socket.set_nonblocking(true)?;
        Ok(Stranger {
            socket,
            sequence: 0,
            sent: 0,
        })
    }

    /// The packets of one millisecond; every other one is for the first call.
    fn send(&mut self, tick: u64, per_second: u64, calls: &[SocketAddr]) {
        let due = per_second * (tick + 1) / 1_000 - per_second * tick / 1_000;
        for _ in 0..due {
            self.sequence = self.sequence.wrapping_add(1);
            let [high, low] = self.sequence.to_be_bytes();
            let packet = [0x80, 0xe5, high, low, 0, 0, high, low, 0, 0, 0, 1, 1, 0x8a, 3, 0x20];
            let victim = if self.sequence.is_multiple_of(2) {
                0
            } else {
                usize::from(self.sequence) % calls.len()
            };
            self.sent += u64::from(self.socket.send_to(&packet, calls[victim]).is_ok());
        }
    }
}

/// Plays all telephones until it is told to report, and the stranger beside them.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    core::pin(arguments.far_core).context("the far end's core")?;
    let mut phones = Vec::with_capacity(arguments.calls);
    for number in 0..arguments.calls {
        let socket = UdpSocket::bind((ADDRESS, 0))?;
        core::stamp_arrivals(&socket)?;
        let mut packet = [0xd5; 172];
        packet[..2].copy_from_slice(&[0x80, 8]);
        packet[8..12].copy_from_slice(&(number as u32 + 1).to_be_bytes());
        phones.push(Phone {
            socket,
            packet,
            protection: arguments.srtp.then(protection).transpose()?,
            sequence: 0,
            received: 0,
            delays: Vec::with_capacity(1_024),
            origin: None,
        });
    }
    let addresses: Vec<SocketAddr> = phones
        .iter()
        .map(|phone| phone.socket.local_addr())
        .collect::<Result<_, _>>()?;
    println!("{}", serde_json::to_string(&addresses)?);
    let mut stranger = Stranger::new()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let peers: Vec<SocketAddr> = serde_json::from_str(&line)?;
    for (phone, peer) in phones.iter().zip(&peers) {
        phone.socket.connect(peer)?;
        phone.socket.set_nonblocking(true)?;
    }
    let (orders, order) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let _ = orders.send(line);
        }
    });
    let (mut is_measuring, mut is_quiet, mut sent) = (false, false, 0u64);
    let start = Instant::now();
    for tick in 0u64.. {
        match order.try_recv().as_deref() {
            Ok("\"measure\"") => is_measuring = true,
            Ok("\"quiet\"") => {
                is_quiet = true;
                is_measuring = false;
                println!("\"quiet\"");
            }
            Ok(_) => break,
            Err(std::sync::mpsc::TryRecvError::Empty) => {}
            Err(std::sync::mpsc::TryRecvError::Disconnected) => return Ok(()),
        }
        let first = (tick % PTIME.as_millis() as u64) as usize;
        for phone in phones.iter_mut().skip(first).step_by(PTIME.as_millis() as usize) {
            phone.hear(is_measuring);
            if !is_quiet {
                sent += u64::from(phone.speak());
            }
        }
        if is_measuring {
            stranger.send(tick, arguments.forged, &peers);
        }
        let next = start + Duration::from_millis(tick + 1);
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    for phone in &mut phones {
        phone.hear(false);
    }
    println!("{}", serde_json::to_string(&report(&phones, sent, stranger.sent))?);
    Ok(())
}

/// Lateness is counted from each call's own earliest packet.
fn report(phones: &[Phone], sent: u64, forged: u64) -> FarReport {
    let mut late: Vec<i32> = Vec::new();
    for phone in phones {
        let earliest = phone.delays.iter().min().copied().unwrap_or(0);
        late.extend(phone.delays.iter().map(|delay| delay - earliest));
    }
    late.sort_unstable();
    let at = |share: f64| late.get(((late.len() as f64 * share) as usize).min(late.len().saturating_sub(1)));
    let ms = |share: f64| at(share).map_or(0.0, |&us| f64::from(us) / 1_000.0);
    FarReport {
        sent,
        measured: late.len() as u64,
        received: phones.iter().map(|phone| phone.received).sum(),
        lateness_ms: [ms(0.5), ms(0.99), ms(1.0)],
        forged,
    }
}
