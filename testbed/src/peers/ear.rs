//! The media of a scripted far end: SIPp speaks only SIP, this listens to the RTP and presses a key.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::ports;

/// Listens on an RTP port until it is dropped.
pub struct Ear {
    /// Where it listens.
    pub address: SocketAddr,
    heard: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ear {
    /// Listens on a free port of `address`. One second after the first packet it presses `key`.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn listen(address: &str, key: Option<u8>) -> anyhow::Result<Ear> {
        let socket = UdpSocket::bind((address, ports::free(address)?))?;
        let address = socket.local_addr()?;
        socket.set_read_timeout(Some(Duration::from_millis(5)))?;
        let heard = Arc::new(AtomicU64::new(0));
        let is_over = Arc::new(AtomicBool::new(false));
        let thread = {
            let (heard, is_over) = (Arc::clone(&heard), Arc::clone(&is_over));
            thread::spawn(move || attend(&socket, key, &heard, &is_over))
        };
        Ok(Ear {
            address,
            heard,
            is_over,
            thread: Some(thread),
        })
    }

    /// RTP packets heard so far.
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic there would have been seen as a missing key.
            let _ = thread.join();
        }
    }
}

/// From one packet to the next.
const PACKET: Duration = Duration::from_millis(20);
/// A caller that is silent for this long is on hold or has gone.
const SILENCE: Duration = Duration::from_millis(100);

fn attend(socket: &UdpSocket, key: Option<u8>, heard: &AtomicU64, is_over: &AtomicBool) {
    let mut buffer = [0; 2_048];
    let mut caller: Option<(SocketAddr, Instant)> = None;
    let mut sent = 0u32;
    let mut last = Instant::now();
    while !is_over.load(Ordering::Relaxed) {
        if let Ok((length, from)) = socket.recv_from(&mut buffer)
            && length >= 12
        {
            heard.fetch_add(1, Ordering::Relaxed);
            last = Instant::now();
            caller.get_or_insert((from, last - sent * PACKET));
        }
        if last.elapsed() > SILENCE {
            // The caller has gone. To send on would be to speak to whoever is given its port next.
            caller = None;
        }
        let Some((remote, since)) = caller else { continue };
        while since + sent * PACKET <= Instant::now() {
            // Lost packets are the network's affair; a caller who has gone is seen elsewhere.
            let _ = socket.send_to(&packet(sent, key), remote);
            sent += 1;
        }
    }
}

/// Packet number `n` of the stream: A-law silence, and from the fiftieth on a telephone event of 160 ms with its three ends.
fn packet(n: u32, key: Option<u8>) -> Vec<u8> {
    const PRESS_AT: u32 = 50;
    let mut packet = vec![0x80, 8];
    packet.extend((n as u16).to_be_bytes());
    let held = n.wrapping_sub(PRESS_AT);
    if let Some(key) = key
        && held < 10
    {
        packet[1] = if held == 0 { 0x80 | 101 } else { 101 };
        packet.extend((PRESS_AT * 160).to_be_bytes());
        packet.extend(0x0fa0_u32.to_be_bytes());
        packet.extend([key, if held < 7 { 0x0a } else { 0x8a }]);
        packet.extend((160 * (held.min(7) + 1) as u16).to_be_bytes());
    } else {
        packet.extend((n * 160).to_be_bytes());
        packet.extend(0x0fa0_u32.to_be_bytes());
        packet.extend([0xd5; 160]);
    }
    packet
}
