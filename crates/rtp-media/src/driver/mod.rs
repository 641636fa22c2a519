//! The engine on real sockets: one pacing thread per core that is given to media.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::command::{Command, Event, StreamId};
use crate::ports::Ports;

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
pub struct Media {
    ip: IpAddr,
    reserved: Mutex<Reserved>,
    next: AtomicU64,
    events: Mutex<Receiver<Event>>,
    commands: Vec<Sender<Command>>,
    _events: Sender<Event>,
}

struct Reserved {
    ports: Ports,
    sockets: HashMap<StreamId, (u16, UdpSocket)>,
}

impl Media {
    /// Starts the pacing threads.
    pub fn start(settings: Settings) -> Result<Media, StartError> {
        let ports = Ports::new(settings.ports.clone());
        if ports.free() == 0 {
            return Err(StartError::NoPorts(settings.ports));
        }
        UdpSocket::bind((settings.ip, 0)).map_err(|source| StartError::Bind {
            ip: settings.ip,
            source,
        })?;
        let (sender, events) = channel();
        Ok(Media {
            ip: settings.ip,
            reserved: Mutex::new(Reserved {
                ports,
                sockets: HashMap::new(),
            }),
            next: AtomicU64::new(1),
            events: Mutex::new(events),
            commands: Vec::new(),
            _events: sender,
        })
    }

    /// Binds ports for a call, and tells the RTP address for its SDP.
    pub fn reserve(&self) -> Result<(StreamId, SocketAddr), ReserveError> {
        let mut reserved = self.reserved();
        for _ in 0..reserved.ports.free() {
            let port = reserved.ports.take().ok_or(ReserveError::PortsExhausted)?;
            match UdpSocket::bind((self.ip, port)) {
                Ok(socket) => {
                    let stream = StreamId(self.next.fetch_add(1, Ordering::Relaxed));
                    let address = socket.local_addr()?;
                    reserved.sockets.insert(stream, (port, socket));
                    return Ok((stream, address));
                }
                Err(error) => {
                    reserved.ports.give_back(port);
                    if error.kind() != io::ErrorKind::AddrInUse {
                        return Err(error.into());
                    }
                }
            }
        }
        Err(ReserveError::PortsExhausted)
    }

    /// Gives up a reservation that was never opened, or closes the stream without waiting for its statistics.
    pub fn release(&self, stream: StreamId) {
        let mut reserved = self.reserved();
        if let Some((port, _)) = reserved.sockets.remove(&stream) {
            reserved.ports.give_back(port);
        }
    }

    /// Passes an order to the thread that owns the stream.
    pub fn send(&self, command: Command) {
        if let Some(sender) = self.commands.first() {
            let _ = sender.send(command);
        }
    }

    /// The next event, if one waits.
    pub fn try_event(&self) -> Option<Event> {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .try_recv()
            .ok()
    }

    fn reserved(&self) -> MutexGuard<'_, Reserved> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
