//! RTP of many telephones, cheaply: a few sockets for all calls, told apart by the caller's address; nothing is decoded.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, TryRecvError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use rtp_media::Encoded;

/// Time between two packets of a telephone.
const FRAME: Duration = Duration::from_millis(20);
/// Each call sends in one of this many milliseconds, so that packets are spread evenly.
const SLOTS: usize = 20;
/// Samples in a packet.
const SAMPLES: u32 = 160;
/// A-law silence.
const SILENCE: [u8; SAMPLES as usize] = [0xd5; SAMPLES as usize];
/// Longest datagram that is read; what is longer is no audio of a telephone.
const DATAGRAM: usize = 2_048;
/// A key lasts this many packets (RFC 4733 §2.5: updates every 20 ms; 100 ms is usual), then its end is said three times.
const KEY_PACKETS: u32 = 5;

/// The media of the whole carrier.
#[derive(Debug)]
pub struct Media {
    orders: Sender<Order>,
    locals: Vec<SocketAddr>,
    next_local: AtomicUsize,
    next_id: AtomicU64,
    totals: Arc<Totals>,
}

/// Packets of all calls.
#[derive(Debug, Default)]
pub struct Totals {
    /// RTP packets received that belong to a call.
    pub heard: AtomicU64,
    /// RTP packets sent.
    pub sent: AtomicU64,
    /// Datagrams from nobody we talk to.
    pub strays: AtomicU64,
}

/// What one call has heard.
#[derive(Debug, Default)]
pub struct Heard {
    /// RTP packets.
    pub packets: AtomicU64,
}

/// Where a call's RTP is to be sent: one of the carrier's sockets.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    socket: usize,
    /// The address for the SDP.
    pub address: SocketAddr,
}

/// One call's media, until it is dropped.
#[derive(Debug)]
pub struct Line {
    id: u64,
    orders: Sender<Order>,
    heard: Arc<Heard>,
}

enum Order {
    Open(u64, Box<Stream>),
    Play(u64, Arc<Encoded>),
    Press(u64, u8),
    Close(u64),
}

struct Stream {
    socket: usize,
    remote: SocketAddr,
    payload_type: u8,
    events: Option<u8>,
    sequence: u16,
    timestamp: u32,
    playing: Option<(Arc<Encoded>, usize)>,
    pressing: Option<Pressing>,
    heard: Arc<Heard>,
}

struct Pressing {
    event: u8,
    began: u32,
    packets: u32,
}

impl Media {
    /// Opens `sockets` pairs of ports on `address` and starts the thread that serves them.
    ///
    /// # Errors
    /// When the ports cannot be had.
    pub fn start(address: IpAddr, sockets: usize) -> io::Result<Media> {
        let pairs = (0..sockets.max(1))
            .map(|_| pair(address))
            .collect::<io::Result<Vec<_>>>()?;
        let locals = pairs
            .iter()
            .map(|(rtp, _)| rtp.local_addr())
            .collect::<io::Result<Vec<_>>>()?;
        let (orders, receiver) = channel();
        let totals = Arc::new(Totals::default());
        let engine = Engine {
            sockets: pairs,
            streams: HashMap::new(),
            callers: HashMap::new(),
            slots: vec![Vec::new(); SLOTS],
            orders: receiver,
            totals: Arc::clone(&totals),
        };
        thread::Builder::new()
            .name("media".into())
            .spawn(move || engine.run())?;
        Ok(Media {
            orders,
            locals,
            next_local: AtomicUsize::new(0),
            next_id: AtomicU64::new(0),
            totals,
        })
    }

    /// A socket for the next call, in turn.
    pub fn local(&self) -> Local {
        let socket = self.next_local.fetch_add(1, Ordering::Relaxed) % self.locals.len();
        Local {
            socket,
            address: self.locals[socket],
        }
    }

    /// Starts to send silence to `remote` and to count what comes from there.
    pub fn open(&self, local: Local, remote: SocketAddr, payload_type: u8, events: Option<u8>) -> Line {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let heard = Arc::new(Heard::default());
        let stream = Stream {
            socket: local.socket,
            remote,
            payload_type,
            events,
            sequence: (id.wrapping_mul(7_919) & 0x7fff) as u16,
            timestamp: (id.wrapping_mul(104_729) & 0xffff_ffff) as u32,
            playing: None,
            pressing: None,
            heard: Arc::clone(&heard),
        };
        let line = Line {
            id,
            orders: self.orders.clone(),
            heard,
        };
        line.order(Order::Open(id, Box::new(stream)));
        line
    }

    /// Packets of all calls so far.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }
}

impl Line {
    /// RTP packets heard so far.
    pub fn heard(&self) -> u64 {
        self.heard.packets.load(Ordering::Relaxed)
    }

    /// Says something, instead of what is being said.
    pub fn play(&self, sound: &Arc<Encoded>) {
        self.order(Order::Play(self.id, Arc::clone(sound)));
    }

    /// Presses a key as telephone events. Nothing happens if the other side did not offer them.
    pub fn press(&self, key: char) {
        if let Some(event) = "0123456789*#ABCD".find(key) {
            self.order(Order::Press(self.id, event as u8));
        }
    }

    fn order(&self, order: Order) {
        // The thread ends with the process only; nothing is lost by ignoring that it has.
        let _ = self.orders.send(order);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.order(Order::Close(self.id));
    }
}

/// An even port for RTP and the next one for RTCP.
fn pair(address: IpAddr) -> io::Result<(UdpSocket, UdpSocket)> {
    for _ in 0..200 {
        let rtp = UdpSocket::bind((address, 0))?;
        let port = rtp.local_addr()?.port();
        if port % 2 != 0 || port == u16::MAX {
            continue;
        }
        if let Ok(rtcp) = UdpSocket::bind((address, port + 1)) {
            rtp.set_nonblocking(true)?;
            rtcp.set_nonblocking(true)?;
            // Best effort: with a small buffer a busy moment loses packets, which the counts then show.
            let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&rtp, 4 << 20);
            return Ok((rtp, rtcp));
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AddrInUse,
        "no free pair of ports for RTP and RTCP",
    ))
}

struct Engine {
    sockets: Vec<(UdpSocket, UdpSocket)>,
    streams: HashMap<u64, Stream>,
    callers: HashMap<(usize, SocketAddr), Arc<Heard>>,
    slots: Vec<Vec<u64>>,
    orders: Receiver<Order>,
    totals: Arc<Totals>,
}

impl Engine {
    fn run(mut self) {
        let start = Instant::now();
        let mut tick: u64 = 0;
        let mut buffer = [0u8; DATAGRAM];
        while self.take_orders() {
            self.receive(&mut buffer);
            let now = start.elapsed().as_millis() as u64;
            // After a long stall the missed packets are not sent late: a telephone's clock does not run faster afterwards.
            tick = tick.max(now.saturating_sub(5 * FRAME.as_millis() as u64));
            while tick <= now {
                self.send((tick % SLOTS as u64) as usize);
                tick += 1;
            }
            let next = start + Duration::from_millis(tick);
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }

    /// Whether the carrier is still there.
    fn take_orders(&mut self) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Open(id, stream)) => {
                    self.callers
                        .insert((stream.socket, stream.remote), Arc::clone(&stream.heard));
                    self.slots[id as usize % SLOTS].push(id);
                    self.streams.insert(id, *stream);
                }
                Ok(Order::Play(id, sound)) => {
                    if let Some(stream) = self.streams.get_mut(&id) {
                        stream.playing = Some((sound, 0));
                    }
                }
                Ok(Order::Press(id, event)) => {
                    if let Some(stream) = self.streams.get_mut(&id) {
                        stream.pressing = Some(Pressing {
                            event,
                            began: stream.timestamp,
                            packets: 0,
                        });
                    }
                }
                Ok(Order::Close(id)) => {
                    if let Some(stream) = self.streams.remove(&id) {
                        // A caller that was started again may use the same address in a later call.
                        let source = (stream.socket, stream.remote);
                        if self
                            .callers
                            .get(&source)
                            .is_some_and(|heard| Arc::ptr_eq(heard, &stream.heard))
                        {
                            self.callers.remove(&source);
                        }
                        self.slots[id as usize % SLOTS].retain(|other| *other != id);
                    }
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) {
        for (index, (rtp, rtcp)) in self.sockets.iter().enumerate() {
            // An ICMP error of an earlier packet may stand before the next datagram; it is read past.
            let mut errors = 0;
            while errors < 16 {
                match rtp.recv_from(buffer) {
                    Ok((length, from)) => match self.callers.get(&(index, from)) {
                        Some(heard) if length >= 12 && buffer[0] >> 6 == 2 => {
                            heard.packets.fetch_add(1, Ordering::Relaxed);
                            self.totals.heard.fetch_add(1, Ordering::Relaxed);
                        }
                        _ => {
                            self.totals.strays.fetch_add(1, Ordering::Relaxed);
                        }
                    },
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(_) => errors += 1,
                }
            }
            while rtcp.recv_from(buffer).is_ok() {}
        }
    }

    fn send(&mut self, slot: usize) {
        for id in &self.slots[slot] {
            let Some(stream) = self.streams.get_mut(id) else {
                continue;
            };
            let (packet, length) = stream.next_packet(*id as u32);
            if self.sockets[stream.socket]
                .0
                .send_to(&packet[..length], stream.remote)
                .is_ok()
            {
                self.totals.sent.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Stream {
    /// The next packet and its length: a telephone event while a key is held, else what is being said, else silence.
    fn next_packet(&mut self, ssrc: u32) -> ([u8; 12 + SAMPLES as usize], usize) {
        let mut packet = [0u8; 12 + SAMPLES as usize];
        packet[0] = 0x80;
        packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
        self.sequence = self.sequence.wrapping_add(1);
        let now = self.timestamp;
        self.timestamp = now.wrapping_add(SAMPLES);
        if let (Some(pressing), Some(events)) = (&mut self.pressing, self.events) {
            pressing.packets += 1;
            let is_end = pressing.packets > KEY_PACKETS;
            let marker = if pressing.packets == 1 { 0x80 } else { 0 };
            packet[1] = events | marker;
            packet[4..8].copy_from_slice(&pressing.began.to_be_bytes());
            let duration = (SAMPLES * pressing.packets.min(KEY_PACKETS)) as u16;
            packet[12] = pressing.event;
            packet[13] = if is_end { 0x8a } else { 0x0a };
            packet[14..16].copy_from_slice(&duration.to_be_bytes());
            if pressing.packets >= KEY_PACKETS + 3 {
                self.pressing = None;
            }
            return (packet, 16);
        }
        packet[1] = self.payload_type;
        packet[4..8].copy_from_slice(&now.to_be_bytes());
        let mut payload: &[u8] = &SILENCE;
        if let Some((sound, frame)) = &mut self.playing
            && let Some(spoken) = sound.frame(*frame).filter(|spoken| spoken.len() == SILENCE.len())
        {
            payload = spoken;
            *frame += 1;
        }
        packet[12..].copy_from_slice(payload);
        if self
            .playing
            .as_ref()
            .is_some_and(|(sound, frame)| *frame >= sound.len())
        {
            self.playing = None;
        }
        (packet, 12 + SAMPLES as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Stream {
        Stream {
            socket: 0,
            remote: ([127, 0, 0, 1], 4000).into(),
            payload_type: 8,
            events: Some(101),
            sequence: 65_535,
            timestamp: 1_000,
            playing: None,
            pressing: None,
            heard: Arc::default(),
        }
    }

    #[test]
    fn a_key_is_one_event_with_a_growing_duration_and_three_ends() {
        let mut stream = stream();
        stream.pressing = Some(Pressing {
            event: 11,
            began: stream.timestamp,
            packets: 0,
        });
        let mut seen = Vec::new();
        for _ in 0..8 {
            let (packet, length) = stream.next_packet(1);
            assert_eq!(length, 16);
            assert_eq!(
                packet[4..8],
                1_000u32.to_be_bytes(),
                "all packets of an event carry its start"
            );
            seen.push((
                packet[1] & 0x80 != 0,
                packet[13] & 0x80 != 0,
                u16::from_be_bytes([packet[14], packet[15]]),
            ));
        }
        let expected = [
            (true, false, 160),
            (false, false, 320),
            (false, false, 480),
            (false, false, 640),
            (false, false, 800),
            (false, true, 800),
            (false, true, 800),
            (false, true, 800),
        ];
        assert_eq!(seen, expected);
        let (packet, length) = stream.next_packet(1);
        assert_eq!((packet[1], length), (8, 172), "silence again");
        assert_eq!(packet[2..4], 7u16.to_be_bytes(), "the sequence went on, past its wrap");
        assert_eq!(packet[4..8], (1_000u32 + 8 * 160).to_be_bytes(), "so did the clock");
    }

    #[test]
    fn two_calls_on_one_socket_are_told_apart() {
        let media = Media::start([127, 0, 0, 1].into(), 1).unwrap();
        let callers = [
            UdpSocket::bind("127.0.0.1:0").unwrap(),
            UdpSocket::bind("127.0.0.1:0").unwrap(),
        ];
        let local = media.local();
        let lines: Vec<Line> = callers
            .iter()
            .map(|caller| media.open(local, caller.local_addr().unwrap(), 8, Some(101)))
            .collect();
        let mut buffer = [0; 2_000];
        // The first silence from the telephone proves that the order to open has been carried out.
        for caller in &callers {
            caller.recv_from(&mut buffer).unwrap();
        }
        let mut packet = [0u8; 172];
        packet[0] = 0x80;
        for _ in 0..3 {
            callers[1].send_to(&packet, local.address).unwrap();
        }
        while media.totals().heard.load(Ordering::Relaxed) < 3 {
            callers[0].recv_from(&mut buffer).unwrap();
        }
        assert_eq!((lines[0].heard(), lines[1].heard()), (0, 3));
    }
}
