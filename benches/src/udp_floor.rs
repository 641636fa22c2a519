//! What the kernel asks of a program that is mostly asleep: a thread that blocks until a datagram comes and sends one answer, so many
//! times a second. It is the floor of signalling at low rates, where each message finds the processor asleep and its caches cold.

use std::io;
use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use crate::core;

/// Size of a datagram: about that of a SIP message.
const BYTES: usize = 500;

/// How long the measurement takes.
const TIME: Duration = Duration::from_secs(3);

/// CPU time in microseconds of one datagram received and one sent, `rate` times a second, over loopback. Measures on the calling
/// thread, which should be pinned, against a thread on `far_core`; takes three seconds.
///
/// # Errors
/// When sockets cannot be made, or the other thread cannot be pinned.
pub fn measure(far_core: usize, rate: u32) -> io::Result<f64> {
    let (near, far) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    near.connect(far.local_addr()?)?;
    far.connect(near.local_addr()?)?;
    far.set_nonblocking(true)?;
    let count = rate * TIME.as_secs() as u32;
    let peer = thread::spawn(move || -> io::Result<()> {
        core::pin(far_core)?;
        let mut buffer = [0; BYTES];
        let began = Instant::now();
        for n in 0..count {
            let due = began + Duration::from_micros(u64::from(n) * 1_000_000 / u64::from(rate));
            thread::sleep(due.saturating_duration_since(Instant::now()));
            far.send(&buffer)?;
            while far.recv(&mut buffer).is_ok() {}
        }
        // Its end, should one have been lost.
        for _ in 0..3 {
            thread::sleep(Duration::from_millis(5));
            far.send(&[])?;
        }
        Ok(())
    });
    let mut buffer = [0; BYTES];
    let mut answered = 0u32;
    let before = core::thread_time();
    while near.recv(&mut buffer)? > 0 {
        near.send(&buffer)?;
        answered += 1;
    }
    let time = core::thread_time() - before;
    peer.join().map_err(|_| io::Error::other("the far thread panicked"))??;
    Ok(time.as_secs_f64() * 1e6 / f64::from(answered.max(1)))
}
