//! The engine on real sockets: one pacing thread per core that is given to media.

mod kernel;
mod thread;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use socket2::SockRef;

use crate::command::{Command, Event, StreamId};
use crate::engine::{self, Engine};
use crate::ports::Ports;
use crate::session::{Codec, Ptime};
use thread::{Gauge, Order, Pacer, Sockets};

/// Called after events were queued, on a pacing thread; it must only wake the reader.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// How to run the media of this machine.
#[derive(Clone)]
pub struct Settings {
    /// Address to bind.
    pub ip: IpAddr,
    /// UDP ports to use; each call takes an even one and the next.
    pub ports: Range<u16>,
    /// Pacing threads; 0 counts as 1.
    pub threads: usize,
    /// Cores to pin the threads to, one after the other; empty: not pinned.
    pub cores: Vec<usize>,
    /// How the engines behave.
    pub engine: engine::Settings,
    /// Called when events wait.
    pub wake: Option<Wake>,
}

impl Settings {
    /// One thread, no pinning, no wake.
    pub fn new(ip: IpAddr, ports: Range<u16>) -> Settings {
        Settings {
            ip,
            ports,
            threads: 1,
            cores: Vec::new(),
            engine: engine::Settings::default(),
            wake: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("ip", &self.ip)
            .field("ports", &self.ports)
            .field("threads", &self.threads)
            .field("cores", &self.cores)
            .finish_non_exhaustive()
    }
}

/// Why media cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The range holds no even port followed by another.
    #[error("the port range {}–{} holds no pair of ports; give at least two ports per call", .0.start, .0.end)]
    NoPorts(Range<u16>),
    /// The address is not one of this machine, or may not be bound.
    #[error("cannot bind UDP on {ip}: {source}")]
    Bind {
        /// What was tried.
        ip: IpAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel refused a thread.
    #[error("cannot start a media thread: {0}")]
    Thread(io::Error),
}

/// Why no ports could be reserved.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// All pairs of the range are taken, by us or by others.
    #[error("all UDP ports given to media are in use")]
    PortsExhausted,
    /// The kernel refused: usually the limit of open files.
    #[error("cannot open a media socket: {0}")]
    Socket(#[from] io::Error),
}

/// The media of this machine. All methods may be called from any thread and return at once.
///
/// Dropping it ends all streams without a word; close them first.
pub struct Media {
    ip: IpAddr,
    ports: Arc<Mutex<Ports>>,
    /// What each open stream sends, so that clips are encoded here rather than on a pacing thread.
    formats: Mutex<HashMap<StreamId, (Codec, Ptime)>>,
    next: AtomicU64,
    events: Mutex<Receiver<Event>>,
    threads: Vec<Thread>,
}

#[derive(Debug)]
struct Thread {
    orders: Option<Sender<Order>>,
    calls: AtomicUsize,
    gauge: Arc<Gauge>,
    handle: Option<JoinHandle<()>>,
}

/// How a pacing thread fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    /// Calls it carries, open or reserved.
    pub calls: usize,
    /// The latest that a tick started since the last pulse was taken.
    pub late: Duration,
    /// Time spent working since the start.
    pub busy: Duration,
}

/// Receive buffer asked for each call: some 60 packets of 20 ms, more than a second.
const RECEIVE_BUFFER: usize = 48 * 1024;
/// The low bits of a stream's number tell its thread.
const THREAD_BITS: u32 = 8;

impl Media {
    /// Starts the pacing threads.
    ///
    /// # Errors
    /// When the range holds no ports, the address cannot be bound, or a thread cannot be started.
    pub fn start(settings: Settings) -> Result<Media, StartError> {
        let mut ports = Ports::new(settings.ports.clone());
        ports.turn(rand::random());
        if ports.free() == 0 {
            return Err(StartError::NoPorts(settings.ports));
        }
        UdpSocket::bind((settings.ip, 0)).map_err(|source| StartError::Bind {
            ip: settings.ip,
            source,
        })?;
        let ports = Arc::new(Mutex::new(ports));
        let (sender, events) = channel();
        let count = settings.threads.clamp(1, 1 << THREAD_BITS);
        let mut threads = Vec::with_capacity(count);
        for index in 0..count {
            let (orders, receiver) = channel();
            let gauge = Arc::new(Gauge::default());
            let engine = settings.engine.clone();
            let (events, wake, ports) = (sender.clone(), settings.wake.clone(), Arc::clone(&ports));
            let core = settings.cores.get(index % settings.cores.len().max(1)).copied();
            let shared = Arc::clone(&gauge);
            let handle = std::thread::Builder::new()
                .name(format!("media-{index}"))
                .spawn(move || {
                    // A core that is not there is no reason to be without media.
                    let _ = core.map(kernel::pin);
                    kernel::wake_sharply();
                    kernel::run_first();
                    let engine = Engine::new(engine, rand::random(), Instant::now(), SystemTime::now());
                    Pacer {
                        engine,
                        orders: receiver,
                        events,
                        wake,
                        ports,
                        gauge: shared,
                    }
                    .run();
                })
                .map_err(StartError::Thread)?;
            threads.push(Thread {
                orders: Some(orders),
                calls: AtomicUsize::new(0),
                gauge,
                handle: Some(handle),
            });
        }
        Ok(Media {
            ip: settings.ip,
            ports,
            formats: Mutex::default(),
            next: AtomicU64::new(1),
            events: Mutex::new(events),
            threads,
        })
    }

    /// Binds ports for a call, and tells the RTP address for its SDP. They are the call's until [`Command::Close`] or
    /// [`Media::release`].
    ///
    /// # Errors
    /// When all ports are taken, or the kernel gives no more sockets.
    pub fn reserve(&self) -> Result<(StreamId, SocketAddr), ReserveError> {
        let tries = lock(&self.ports).free();
        for _ in 0..tries {
            let port = lock(&self.ports).take().ok_or(ReserveError::PortsExhausted)?;
            match self.bind(port) {
                Ok(sockets) => {
                    let address = sockets.rtp.local_addr()?;
                    let (index, thread) = self.least_busy().ok_or(ReserveError::PortsExhausted)?;
                    let number = self.next.fetch_add(1, Ordering::Relaxed);
                    let stream = StreamId(number << THREAD_BITS | index as u64);
                    thread.calls.fetch_add(1, Ordering::Relaxed);
                    thread.order(Order::Adopt(stream, sockets));
                    return Ok((stream, address));
                }
                Err(error) => {
                    lock(&self.ports).give_back(port);
                    // Somebody else on this machine may have one of the two.
                    if error.kind() != io::ErrorKind::AddrInUse {
                        return Err(error.into());
                    }
                }
            }
        }
        Err(ReserveError::PortsExhausted)
    }

    fn bind(&self, port: u16) -> io::Result<Sockets> {
        let rtp = UdpSocket::bind((self.ip, port))?;
        let rtcp = UdpSocket::bind((self.ip, port + 1))?;
        for socket in [&rtp, &rtcp] {
            socket.set_nonblocking(true)?;
            kernel::stamp_arrivals(socket)?;
            SockRef::from(socket).set_recv_buffer_size(RECEIVE_BUFFER)?;
        }
        Ok(Sockets {
            rtp,
            rtcp,
            port,
            is_locked: false,
            guard: None,
        })
    }

    fn least_busy(&self) -> Option<(usize, &Thread)> {
        self.threads
            .iter()
            .enumerate()
            .min_by_key(|(_, thread)| thread.calls.load(Ordering::Relaxed))
    }

    /// Gives up a reservation, or closes the stream.
    pub fn release(&self, stream: StreamId) {
        self.send(Command::Close { stream });
    }

    /// Passes an order to the thread that owns the stream.
    pub fn send(&self, command: Command) {
        match &command {
            Command::Open { stream, session } | Command::Update { stream, session } => {
                lock(&self.formats).insert(*stream, (session.codec, session.ptime));
            }
            Command::Play { stream, clips } => {
                let format = lock(&self.formats).get(stream).copied();
                if let Some((codec, ptime)) = format {
                    for clip in clips {
                        clip.encoded(codec, ptime);
                    }
                }
            }
            Command::Close { stream } => {
                lock(&self.formats).remove(stream);
            }
            Command::Replace { old, new } => {
                let formats: HashSet<_> = lock(&self.formats).values().copied().collect();
                for (codec, ptime) in formats {
                    new.encoded(codec, ptime);
                }
                for thread in &self.threads {
                    let (old, new) = (Arc::clone(old), Arc::clone(new));
                    thread.order(Order::Command(Command::Replace { old, new }));
                }
                return;
            }
            _ => {}
        }
        let Some(stream) = command.stream() else { return };
        let index = (stream.0 & ((1 << THREAD_BITS) - 1)) as usize;
        if let Some(thread) = self.threads.get(index) {
            if matches!(command, Command::Close { .. }) {
                // More closes than reservations are the caller's slip; the count must not wrap for it.
                let _ = thread
                    .calls
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |calls| calls.checked_sub(1));
            }
            thread.order(Order::Command(command));
        }
    }

    /// The next event, if one waits.
    pub fn try_event(&self) -> Option<Event> {
        lock(&self.events).try_recv().ok()
    }

    /// How each pacing thread fares.
    pub fn pulses(&self) -> Vec<Pulse> {
        let pulse = |thread: &Thread| Pulse {
            calls: thread.calls.load(Ordering::Relaxed),
            late: Duration::from_micros(thread.gauge.late_us.swap(0, Ordering::Relaxed)),
            busy: Duration::from_micros(thread.gauge.busy_us.load(Ordering::Relaxed)),
        };
        self.threads.iter().map(pulse).collect()
    }
}

impl Thread {
    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // A thread that is gone has panicked; its calls are lost, and signalling ends them by its own timers.
            let _ = orders.send(order);
        }
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        for thread in &mut self.threads {
            thread.orders = None;
        }
        for thread in &mut self.threads {
            let _ = thread.handle.take().map(JoinHandle::join);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
