//! What the kernel itself asks for a small UDP datagram, without any protocol around it: the floor of every media figure.

use std::io;
use std::net::UdpSocket;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::core;

/// Cost of one datagram of 172 bytes (20 ms of G.711 in RTP) over loopback, on one core.
#[derive(Debug, Clone, Copy)]
pub struct UdpLimit {
    /// To send it on a connected socket; on loopback that includes its delivery into the receiver's queue.
    pub send_us: f64,
    /// To take one from a connected socket's queue.
    pub receive_us: f64,
}

impl UdpLimit {
    /// Mean of both directions, in microseconds.
    pub fn per_packet_us(&self) -> f64 {
        (self.send_us + self.receive_us) / 2.0
    }

    /// 50 packets each way, in microseconds.
    pub fn per_call_second_us(&self) -> f64 {
        50.0 * (self.send_us + self.receive_us)
    }

    /// Two-way calls that would fill a core if nothing but the kernel worked for them.
    pub fn calls(&self) -> f64 {
        1e6 / self.per_call_second_us()
    }

    /// What lies between this measurement and a later one, which counts for `weight` of 1: a machine's speed moves while it
    /// is measured.
    pub fn between(self, later: UdpLimit, weight: f64) -> UdpLimit {
        let mix = |before: f64, after: f64| before * (1.0 - weight) + after * weight;
        UdpLimit {
            send_us: mix(self.send_us, later.send_us),
            receive_us: mix(self.receive_us, later.receive_us),
        }
    }
}

const SOCKETS: usize = 1_000;
const ROUNDS: usize = 40;

/// Measures on the calling thread, which should be pinned, against a thread on `far_core`. Takes half a second.
///
/// # Errors
/// When sockets cannot be made.
pub fn measure(far_core: usize) -> io::Result<UdpLimit> {
    let bind = || UdpSocket::bind("127.0.0.1:0");
    let near: Vec<UdpSocket> = (0..SOCKETS).map(|_| bind()).collect::<io::Result<_>>()?;
    let far: Vec<UdpSocket> = (0..SOCKETS).map(|_| bind()).collect::<io::Result<_>>()?;
    for (near, far) in near.iter().zip(&far) {
        near.connect(far.local_addr()?)?;
        far.connect(near.local_addr()?)?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
    }
    let (turn, turns) = channel::<()>();
    let (done, dones) = channel::<()>();
    let peer = std::thread::spawn(move || {
        let _ = core::pin(far_core);
        let mut buffer = [0; 256];
        while turns.recv().is_ok() {
            for socket in &far {
                while socket.recv(&mut buffer).is_ok() {}
            }
            for socket in &far {
                let _ = socket.send(&buffer[..172]);
            }
            if done.send(()).is_err() {
                return;
            }
        }
    });
    let (mut sending, mut receiving) = (Duration::ZERO, Duration::ZERO);
    let (mut sent, mut received) = (0u32, 0u32);
    let mut buffer = [0; 256];
    for _ in 0..ROUNDS {
        let start = core::thread_time();
        for socket in &near {
            sent += u32::from(socket.send(&buffer[..172]).is_ok());
        }
        sending += core::thread_time() - start;
        let handed = turn.send(()).is_ok() && dones.recv().is_ok();
        if !handed {
            break;
        }
        let start = core::thread_time();
        for socket in &near {
            received += u32::from(socket.recv(&mut buffer).is_ok());
        }
        receiving += core::thread_time() - start;
    }
    drop(turn);
    let _ = peer.join();
    let mean = |time: Duration, count: u32| time.as_secs_f64() * 1e6 / f64::from(count.max(1));
    Ok(UdpLimit {
        send_us: mean(sending, sent),
        receive_us: mean(receiving, received),
    })
}
