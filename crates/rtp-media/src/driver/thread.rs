//! One pacing thread: an engine, its sockets, and the clock.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use socket2::{Domain, SockRef, Socket, Type};

use super::{Wake, kernel};
use crate::command::{Command, Event, StreamId};
use crate::engine::{Arrival, Channel, Engine, Link, Slot};
use crate::ports::Ports;

/// A call's sockets.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    pub(super) port: u16,
    pub(super) is_locked: bool,
    /// A second socket on the RTP port, while the first is connected to the peer: the kernel gives it what others send,
    /// so that injection is counted without a look at the sender of each packet.
    pub(super) guard: Option<UdpSocket>,
}

/// The kernel's least buffer: a flood fills it and is dropped there.
const GUARD_BUFFER: usize = 4 * 1024;

/// A socket on the port that `rtp` is bound to.
fn guard(rtp: &UdpSocket) -> io::Result<UdpSocket> {
    let address = rtp.local_addr()?;
    let first = SockRef::from(rtp);
    let second = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    second.set_nonblocking(true)?;
    second.set_recv_buffer_size(GUARD_BUFFER)?;
    // Shared for the moment of this bind only: two programs that want the same port must still be told so.
    first.set_reuse_address(true)?;
    second.set_reuse_address(true)?;
    let bound = second.bind(&address.into());
    first.set_reuse_address(false)?;
    second.set_reuse_address(false)?;
    bound.map(|()| second.into())
}

/// What reaches a pacing thread.
pub(super) enum Order {
    /// A call was given ports.
    Adopt(StreamId, Sockets),
    /// Something for the engine.
    Command(Command),
}

/// What a pacing thread tells of itself.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    /// Highest lateness of a tick since it was last asked for, in microseconds.
    pub(super) late_us: AtomicU64,
    /// Time spent working, in microseconds.
    pub(super) busy_us: AtomicU64,
}

/// The kernel as the engine sees it.
struct Kernel {
    sockets: Vec<Option<Sockets>>,
    ports: Arc<Mutex<Ports>>,
    now: Instant,
    /// Nanoseconds since 1970 at `now`.
    wall: i128,
}

impl Kernel {
    fn handle_time(&mut self, now: Instant) {
        self.now = now;
        self.wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_nanos() as i128);
    }

    /// The kernel stamps by the wall clock; a step of it while a datagram waits must not tear the figures.
    fn instant(&self, stamp: Option<i128>) -> Instant {
        let Some(stamp) = stamp else { return self.now };
        match self.wall - stamp {
            ago @ 0..1_000_000_000 => self
                .now
                .checked_sub(Duration::from_nanos(ago as u64))
                .unwrap_or(self.now),
            ahead @ -10_000_000..0 => self.now + Duration::from_nanos(-ahead as u64),
            _ => self.now,
        }
    }

    fn socket(&mut self, slot: Slot) -> Option<&mut Sockets> {
        self.sockets.get_mut(slot.0 as usize)?.as_mut()
    }
}

impl Link for Kernel {
    fn receive(&mut self, slot: Slot, channel: Channel, buffer: &mut [u8], is_timed: bool) -> Option<Arrival> {
        let sockets = self.sockets.get(slot.0 as usize)?.as_ref()?;
        let (socket, wants_sender) = match channel {
            Channel::Rtp => (&sockets.rtp, !sockets.is_locked),
            Channel::Rtcp => (&sockets.rtcp, true),
            Channel::Guard => (sockets.guard.as_ref()?, true),
        };
        // An error may be an ICMP message about what we sent; the next datagram waits behind it.
        for _ in 0..2 {
            let received = if is_timed || wants_sender {
                kernel::receive(socket, buffer, wants_sender)
            } else {
                kernel::receive_plain(socket, buffer)
            };
            match received {
                Ok(received) => {
                    return Some(Arrival {
                        len: received.len,
                        from: received.from,
                        at: is_timed.then(|| self.instant(received.stamp)),
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(_) => return None,
            }
        }
        None
    }

    fn send(&mut self, slot: Slot, channel: Channel, to: SocketAddr, datagram: &[u8]) -> bool {
        let Some(sockets) = self.socket(slot) else { return false };
        for _ in 0..2 {
            let result = match channel {
                Channel::Rtp if sockets.is_locked => sockets.rtp.send(datagram),
                Channel::Rtp => sockets.rtp.send_to(datagram, to),
                Channel::Rtcp => sockets.rtcp.send_to(datagram, to),
                Channel::Guard => return false,
            };
            match result {
                Ok(_) => return true,
                // What is told is the fate of an earlier packet; this one was not sent yet.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(_) => return false,
            }
        }
        false
    }

    fn lock(&mut self, slot: Slot, peer: Option<SocketAddr>) {
        let Some(sockets) = self.socket(slot) else { return };
        // Two sockets on one port, neither connected, would take each other's datagrams: the guard is there only while
        // the first is connected.
        sockets.guard = peer.and_then(|_| guard(&sockets.rtp).ok());
        sockets.is_locked = match peer {
            Some(peer) => sockets.rtp.connect(peer).is_ok(),
            None => {
                let _ = kernel::disconnect(&sockets.rtp);
                false
            }
        };
        if !sockets.is_locked {
            sockets.guard = None;
        }
    }

    fn close(&mut self, slot: Slot) {
        let sockets = self.sockets.get_mut(slot.0 as usize).and_then(Option::take);
        if let Some(Sockets {
            port, rtp, rtcp, guard, ..
        }) = sockets
        {
            drop((rtp, rtcp, guard));
            self.ports
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .give_back(port);
        }
    }
}

pub(super) struct Pacer {
    pub(super) engine: Engine,
    pub(super) orders: Receiver<Order>,
    pub(super) events: Sender<Event>,
    pub(super) wake: Option<Wake>,
    pub(super) ports: Arc<Mutex<Ports>>,
    pub(super) gauge: Arc<Gauge>,
}

impl Pacer {
    /// Runs until nobody can send orders any more.
    pub(super) fn run(mut self) {
        let mut kernel = Kernel {
            sockets: Vec::new(),
            ports: Arc::clone(&self.ports),
            now: Instant::now(),
            wall: 0,
        };
        loop {
            if self.engine.is_empty() {
                // Nothing to pace: sleep until there is.
                match self.orders.recv() {
                    Ok(order) => self.obey(order, &mut kernel),
                    Err(_) => return,
                }
            }
            loop {
                match self.orders.try_recv() {
                    Ok(order) => self.obey(order, &mut kernel),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            let now = Instant::now();
            kernel.handle_time(now);
            let late = now.saturating_duration_since(self.engine.poll_timeout());
            self.gauge.late_us.fetch_max(late.as_micros() as u64, Ordering::Relaxed);
            self.engine.tick(now, &mut kernel);
            let mut has_events = false;
            while let Some(event) = self.engine.poll_event() {
                has_events |= self.events.send(event).is_ok();
            }
            if has_events && let Some(wake) = &self.wake {
                wake();
            }
            let done = Instant::now();
            self.gauge.busy_us.fetch_add(
                done.saturating_duration_since(now).as_micros() as u64,
                Ordering::Relaxed,
            );
            let rest = self.engine.poll_timeout().saturating_duration_since(done);
            if !rest.is_zero() {
                std::thread::sleep(rest);
            }
        }
    }

    fn obey(&mut self, order: Order, kernel: &mut Kernel) {
        match order {
            Order::Adopt(stream, sockets) => {
                let slot = self.engine.add(stream).0 as usize;
                if kernel.sockets.len() <= slot {
                    kernel.sockets.resize_with(slot + 1, || None);
                }
                kernel.sockets[slot] = Some(sockets);
            }
            Order::Command(command) => self.engine.handle_command(Instant::now(), command, kernel),
        }
    }
}
