//! The media of a telephone: a voice of which some packets are lost and others late, and RTCP that tells what it lacks.
//!
//! Written to the bytes of RFC 3550, so that it is a judge of ours.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// One packet in so many is left out.
pub const LOST_OF: u64 = 10;
/// Of seven packets each claims to be so much older than the one before, in samples of 8 kHz; then it begins anew. Whichever
/// packets are measured, they are early and late by more than 8 ms on average, unless it is each seventh.
const SHAKE: u32 = 40;
/// From a report of ours to the answer, which tells nothing of the wait: it counts as time on the way.
pub const ANSWER_AFTER: Duration = Duration::from_millis(40);
/// Packets of ours that it says never came.
pub const MISSING: u32 = 7;

/// Listens and speaks from the first packet on until it is dropped.
pub struct Ear {
    pub address: SocketAddr,
    pub told: Arc<Told>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
pub struct Told {
    /// Packets of voice sent.
    pub spoken: AtomicU64,
    /// Reports answered.
    pub reported: AtomicU64,
    is_over: AtomicBool,
}

impl Ear {
    pub fn open() -> Ear {
        let (rtp, rtcp) = pair();
        let address = rtp.local_addr().unwrap();
        for socket in [&rtp, &rtcp] {
            socket.set_nonblocking(true).unwrap();
        }
        let told = Arc::new(Told::default());
        let shared = Arc::clone(&told);
        let thread = std::thread::spawn(move || attend(&rtp, &rtcp, &shared));
        Ear {
            address,
            told,
            thread: Some(thread),
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.told.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An even port and the next.
fn pair() -> (UdpSocket, UdpSocket) {
    for _ in 0..100 {
        let rtp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = rtp.local_addr().unwrap().port();
        if port.is_multiple_of(2)
            && let Ok(rtcp) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port + 1))
        {
            return (rtp, rtcp);
        }
    }
    panic!("no two ports side by side are free");
}

fn attend(rtp: &UdpSocket, rtcp: &UdpSocket, told: &Told) {
    let mut buffer = [0; 2_048];
    let mut caller: Option<(SocketAddr, Instant)> = None;
    let mut sent = 0u64;
    let mut answers: Vec<(Instant, SocketAddr, Vec<u8>)> = Vec::new();
    while !told.is_over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(1));
        while let Ok((length, from)) = rtp.recv_from(&mut buffer) {
            if length > 12 {
                caller.get_or_insert((from, Instant::now()));
            }
        }
        while let Ok((length, from)) = rtcp.recv_from(&mut buffer) {
            if let Some(answer) = answer(&buffer[..length]) {
                answers.push((Instant::now() + ANSWER_AFTER, from, answer));
            }
        }
        answers.retain(|(at, to, answer)| {
            let is_due = *at <= Instant::now();
            if is_due {
                rtcp.send_to(answer, to).unwrap();
                told.reported.fetch_add(1, Ordering::Relaxed);
            }
            !is_due
        });
        let Some((to, since)) = caller else { continue };
        while since + Duration::from_millis(20) * sent as u32 <= Instant::now() {
            if sent % LOST_OF != LOST_OF - 1 {
                // Who has hung up hears nothing more.
                let _ = rtp.send_to(&voice(sent), to);
                told.spoken.fetch_add(1, Ordering::Relaxed);
            }
            sent += 1;
        }
    }
}

/// RFC 3550 §5.1: A-law that is not quite silent.
fn voice(n: u64) -> Vec<u8> {
    let mut packet = vec![0x80, 8];
    packet.extend((n as u16).to_be_bytes());
    packet.extend((10_000 + n as u32 * 160 - (n % 7) as u32 * SHAKE).to_be_bytes());
    packet.extend(0x0fa0_0fa0u32.to_be_bytes());
    packet.extend([0xd4; 160]);
    packet
}

/// RFC 3550 §6.4.2: a receiver report on the sender report that came, if one did.
fn answer(report: &[u8]) -> Option<Vec<u8>> {
    let is_sender_report = report.len() >= 28 && report[1] == 200;
    let (ssrc, ntp) = is_sender_report.then(|| (&report[4..8], &report[8..16]))?;
    let mut packet = vec![0x81, 201, 0, 7];
    packet.extend(0x0fa0_0fa0u32.to_be_bytes());
    packet.extend(ssrc);
    packet.extend(MISSING.to_be_bytes());
    packet.extend([0; 8]);
    packet.extend(&ntp[2..6]);
    packet.extend([0; 4]);
    Some(packet)
}
