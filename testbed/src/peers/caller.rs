//! The ear, the finger and the mouth of somebody who calls tocsin: SIPp speaks only SIP, this is the rest of the telephone.
//!
//! A person presses keys when a question is being asked, not at fixed times; so does this: each step waits for the voice.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rtp_media::codec::g711::{alaw_decode, alaw_encode};

/// What the caller does next.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Presses these keys once a voice has begun to speak.
    Press(&'static str),
    /// Speaks for so many milliseconds once the voice has spoken and fallen silent.
    Speak(u32),
    /// Presses these keys at once.
    PressNow(&'static str),
}

/// A voice that is heard for so long has begun to speak.
const VOICE: u32 = 15;
/// A voice that is not heard for so long has fallen silent.
const SILENCE: u32 = 40;
/// What is heard right after a key still belongs to what the key cut off.
const DEAF: Duration = Duration::from_millis(200);
/// A packet.
const FRAME: Duration = Duration::from_millis(20);

/// Attends an RTP port until it is dropped.
pub struct Caller {
    /// Where it listens.
    pub address: SocketAddr,
    heard: Arc<AtomicU64>,
    left: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Caller {
    /// Listens on a free even port of the loopback address, and takes the steps one after the other.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn listen(steps: &'static [Step]) -> anyhow::Result<Caller> {
        let socket = UdpSocket::bind(("127.0.0.1", super::ports::free("127.0.0.1")?))?;
        let address = socket.local_addr()?;
        socket.set_read_timeout(Some(Duration::from_millis(5)))?;
        let heard = Arc::new(AtomicU64::new(0));
        let left = Arc::new(AtomicU64::new(steps.len() as u64));
        let is_over = Arc::new(AtomicBool::new(false));
        let thread = {
            let (heard, left, is_over) = (Arc::clone(&heard), Arc::clone(&left), Arc::clone(&is_over));
            thread::spawn(move || Attending::new(steps).run(&socket, &heard, &left, &is_over))
        };
        Ok(Caller {
            address,
            heard,
            left,
            is_over,
            thread: Some(thread),
        })
    }

    /// Packets with a voice in them that were heard so far.
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Steps that were never taken: no voice asked for them.
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic there would have been seen as a step not taken.
            let _ = thread.join();
        }
    }
}

/// What one frame of ours is.
#[derive(Clone, Copy)]
enum Frame {
    /// A telephone event: key, the timestamp at which it began, frame of it from 0.
    Key(u8, u32, u32),
    Tone,
    Silence,
}

struct Attending {
    steps: std::slice::Iter<'static, Step>,
    next: Option<&'static Step>,
    loud: u32,
    quiet: u32,
    deaf_until: Option<Instant>,
    /// Frames to send before the next step is thought of.
    plan: Vec<Frame>,
    sent: u32,
}

impl Attending {
    fn new(steps: &'static [Step]) -> Attending {
        let mut steps = steps.iter();
        let next = steps.next();
        Attending {
            steps,
            next,
            loud: 0,
            quiet: 0,
            deaf_until: None,
            plan: Vec::new(),
            sent: 0,
        }
    }

    fn run(mut self, socket: &UdpSocket, heard: &AtomicU64, left: &AtomicU64, is_over: &AtomicBool) {
        let mut buffer = [0; 2_048];
        let mut remote: Option<(SocketAddr, Instant)> = None;
        while !is_over.load(Ordering::Relaxed) {
            if let Ok((length, from)) = socket.recv_from(&mut buffer)
                && length > 12
            {
                let (_, since) = remote.unwrap_or((from, Instant::now()));
                remote = Some((from, since));
                if buffer[1] & 0x7f == 8 && self.hear(&buffer[12..length]) {
                    heard.fetch_add(1, Ordering::Relaxed);
                }
            }
            let Some((remote, since)) = remote else { continue };
            while since + self.sent * FRAME <= Instant::now() {
                if self.plan.is_empty() {
                    self.think();
                    left.store(
                        self.steps.len() as u64 + u64::from(self.next.is_some()),
                        Ordering::Relaxed,
                    );
                }
                let frame = if self.plan.is_empty() {
                    Frame::Silence
                } else {
                    self.plan.remove(0)
                };
                // Lost packets are the network's affair; a caller who has gone is seen elsewhere.
                let _ = socket.send_to(&packet(self.sent, frame), remote);
                self.sent += 1;
                if self.plan.is_empty() && !matches!(frame, Frame::Silence) {
                    self.deaf_until = Some(Instant::now() + DEAF);
                }
            }
        }
    }

    /// Takes in a packet; whether there was a voice in it.
    fn hear(&mut self, payload: &[u8]) -> bool {
        let sum: u64 = payload
            .iter()
            .map(|code| u64::from(alaw_decode(*code).unsigned_abs()))
            .sum();
        let is_loud = sum / payload.len().max(1) as u64 > 300;
        if !self.plan.is_empty() || self.deaf_until.is_some_and(|until| Instant::now() < until) {
            (self.loud, self.quiet) = (0, 0);
        } else if is_loud {
            self.loud += 1;
            self.quiet = 0;
        } else {
            self.quiet += 1;
        }
        is_loud
    }

    /// Plans the next step if its moment has come.
    fn think(&mut self) {
        let Some(step) = self.next else { return };
        let is_time = match step {
            Step::Press(_) => self.loud >= VOICE,
            Step::Speak(_) => self.loud >= VOICE && self.quiet >= SILENCE,
            Step::PressNow(_) => true,
        };
        if !is_time {
            return;
        }
        match step {
            Step::Press(keys) | Step::PressNow(keys) => {
                for key in keys.chars() {
                    let start = (self.sent + self.plan.len() as u32) * 160;
                    self.plan.extend((0..10).map(|n| Frame::Key(event(key), start, n)));
                    self.plan.extend([Frame::Silence; 5]);
                }
            }
            Step::Speak(ms) => self.plan.extend((0..ms / 20).map(|_| Frame::Tone)),
        }
        self.next = self.steps.next();
        (self.loud, self.quiet) = (0, 0);
    }
}

/// The event code of a key (RFC 4733 §3.2).
fn event(key: char) -> u8 {
    match key {
        '*' => 10,
        '#' => 11,
        digit => digit.to_digit(10).unwrap_or(0) as u8,
    }
}

fn packet(n: u32, frame: Frame) -> Vec<u8> {
    const SSRC: u32 = 0x0ca1_1e12;
    let mut packet = vec![0x80, 8];
    packet.extend((n as u16).to_be_bytes());
    if let Frame::Key(key, start, at) = frame {
        packet[1] = if at == 0 { 0x80 | 101 } else { 101 };
        packet.extend(start.to_be_bytes());
        packet.extend(SSRC.to_be_bytes());
        // Seven frames of the key, then its three ends.
        packet.extend([key, if at < 7 { 0x0a } else { 0x8a }]);
        packet.extend((160 * (at.min(7) + 1) as u16).to_be_bytes());
        return packet;
    }
    packet.extend((n * 160).to_be_bytes());
    packet.extend(SSRC.to_be_bytes());
    packet.extend((0..160u32).map(|i| match frame {
        Frame::Tone => {
            let t = f64::from(n.wrapping_mul(160).wrapping_add(i)) / 8_000.0;
            alaw_encode((8_000.0 * (std::f64::consts::TAU * 440.0 * t).sin()) as i16)
        }
        _ => 0xd5,
    }));
    packet
}
