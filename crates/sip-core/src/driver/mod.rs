//! The endpoint on real sockets.
//!
//! One task owns the sockets, the [`Endpoint`] and the [`Application`] that decides about calls, so that nothing is
//! locked. Other threads wake it with a [`Waker`] after they have queued something for the application.

mod door;
mod heart;
mod locate;
mod pace;
mod stream;
mod tls;
mod udp;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

use crate::{Config, Endpoint, Event, Flow, Target, Transport, TrunkId};

pub use crate::Location;
pub use locate::lookup;
pub use tls::{TlsError, TlsSettings};

use pace::Pace;
use stream::{News, Streams};
use tls::Tls;
use udp::Udp;

/// Who decides about the calls; runs on the driver's task and must never block.
pub trait Application {
    /// The endpoint noticed something.
    fn handle_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event);

    /// Another thread called [`Waker::wake`].
    fn handle_wake(&mut self, now: Instant, endpoint: &mut Endpoint) {
        let _ = (now, endpoint);
    }

    /// The moment of [`Application::poll_timeout`] has come.
    fn handle_timeout(&mut self, now: Instant, endpoint: &mut Endpoint) {
        let _ = (now, endpoint);
    }

    /// When [`Application::handle_timeout`] wants to be called.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Whether the driver shall stop. Asked after everything that is to be sent has been sent.
    fn is_finished(&self) -> bool {
        false
    }
}

/// Wakes a running driver. Cheap to clone; callable from any thread.
#[derive(Debug, Clone)]
pub struct Waker(Arc<Notify>);

impl Waker {
    /// Has [`Application::handle_wake`] called soon; several wakes may become one.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heading {
    /// Received.
    In,
    /// Sent.
    Out,
}

/// Sees every message as it was on the wire, for traces. Must be quick.
pub type Tap = Box<dyn FnMut(Instant, Heading, Flow, &[u8]) + Send>;

/// Why a driver could not open its sockets.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The port is taken.
    #[error("port {} of {} is used by another program; stop it, or choose another port", .0.port(), .0.ip())]
    Busy(SocketAddr),
    /// Anything else.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

impl BindError {
    fn of(address: SocketAddr, source: io::Error) -> BindError {
        match source.kind() {
            io::ErrorKind::AddrInUse => BindError::Busy(address),
            _ => BindError::Listen { address, source },
        }
    }
}

/// An endpoint and its sockets.
pub struct Driver {
    endpoint: Endpoint,
    sockets: Vec<Udp>,
    streams: Streams,
    located: mpsc::Receiver<(TrunkId, Vec<Target>)>,
    locations: mpsc::Sender<(TrunkId, Vec<Target>)>,
    found: mpsc::Receiver<locate::Found>,
    finders: mpsc::Sender<locate::Found>,
    notify: Arc<Notify>,
    tap: Option<Tap>,
    owns_thread: bool,
}

/// Pieces of streams that are taken before others get their turn.
const BATCH: usize = 256;

impl Driver {
    /// Opens a socket for each of the configuration's local addresses, except those for TLS: see [`Driver::set_tls`]. A port of 0
    /// takes any free one; [`Driver::endpoint`] tells which.
    ///
    /// # Errors
    /// When an address cannot be listened on.
    pub async fn bind(mut config: Config, seed: [u8; 32]) -> Result<Driver, BindError> {
        let mut sockets = Vec::new();
        let streams = Streams::new(&config.limits);
        for local in &mut config.locals {
            if local.addr.ip().is_unspecified() && local.advertised.is_none() {
                local.advertised = own_address(local.addr);
            }
            match local.transport {
                Transport::Udp => {
                    let socket = Udp::bind(local.addr).await?;
                    local.addr = socket.address();
                    sockets.push(socket);
                }
                Transport::Tcp => local.addr = listen(&streams, local.addr, None).await?,
                Transport::Tls if local.addr.port() == 0 => local.addr.set_port(Transport::Tls.default_port()),
                Transport::Tls => {}
            }
        }
        for local in &mut config.locals {
            if let Some(advertised) = local.advertised.as_mut().filter(|advertised| advertised.port() == 0) {
                advertised.set_port(local.addr.port());
            }
        }
        let (locations, located) = mpsc::channel(64);
        let (finders, found) = mpsc::channel(64);
        Ok(Driver {
            endpoint: Endpoint::new(config, seed),
            sockets,
            streams,
            located,
            locations,
            found,
            finders,
            notify: Arc::new(Notify::new()),
            tap: None,
            owns_thread: false,
        })
    }

    /// Makes TLS possible: to carriers, whose certificates must carry the trunk's name; and, with a certificate of our own, from
    /// those who connect to the local TLS addresses.
    ///
    /// # Errors
    /// When a file is unusable or an address cannot be listened on.
    pub async fn set_tls(&mut self, settings: &TlsSettings) -> Result<(), TlsError> {
        let tls = Tls::load(settings)?;
        self.streams.set_connector(tls.client.into());
        let Some(server) = tls.server else { return Ok(()) };
        let locals: Vec<_> = self
            .endpoint
            .config()
            .locals
            .iter()
            .filter(|l| l.transport == Transport::Tls)
            .copied()
            .collect();
        for local in locals {
            listen(&self.streams, local.addr, Some(server.clone())).await?;
        }
        Ok(())
    }

    /// Keeps a trunk's addresses up to date by its name (RFC 3263): now, and whenever the answer's time to live has passed. While
    /// a name has no address, the trunk is down.
    pub fn locate(&self, trunk: TrunkId, location: Location) {
        tokio::spawn(locate::follow(trunk, location, self.locations.clone()));
    }

    /// The endpoint, to add trunks before the driver runs.
    pub fn endpoint(&mut self) -> &mut Endpoint {
        &mut self.endpoint
    }

    /// A waker for other threads.
    pub fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.notify))
    }

    /// Has every message seen by `tap`.
    pub fn set_tap(&mut self, tap: Tap) {
        self.tap = Some(tap);
    }

    /// Tells that the driver has a thread with a current-thread runtime for itself. After each thing that it has handled it then keeps
    /// the thread asleep for two milliseconds, so that what comes meanwhile costs one wake-up. A message that comes alone is still
    /// handled at once.
    pub fn own_thread(&mut self) {
        self.owns_thread = true;
    }

    /// Runs until the application is finished, and gives it back.
    pub async fn run<A: Application>(mut self, mut application: A) -> A {
        application.handle_wake(Instant::now(), &mut self.endpoint);
        let mut pace = Pace::new(Instant::now(), self.owns_thread);
        let mut rest = None;
        loop {
            self.settle(&mut application);
            while let Some(location) = self.endpoint.poll_lookup() {
                tokio::spawn(locate::look_up(location, self.finders.clone()));
            }
            if application.is_finished() {
                return application;
            }
            if let Some(rest) = rest {
                std::thread::sleep(rest);
            }
            let is_rested = rest.is_some();
            let deadline = [
                self.endpoint.poll_timeout().map(|at| pace.on_grid(at)),
                application.poll_timeout(),
            ]
            .into_iter()
            .flatten()
            .min();
            let mut is_idle = true;
            tokio::select! {
                biased;
                () = self.notify.notified() => {
                    application.handle_wake(Instant::now(), &mut self.endpoint);
                    is_idle = false;
                }
                news = self.streams.next() => {
                    self.hear(news);
                    is_idle = false;
                }
                Some((trunk, targets)) = self.located.recv() => {
                    self.endpoint.set_targets(Instant::now(), trunk, targets);
                    is_idle = false;
                }
                Some((location, targets, lifetime)) = self.found.recv() => {
                    self.endpoint.handle_lookup(Instant::now(), &location, &targets, lifetime);
                    is_idle = false;
                }
                // After a rest nothing is waited for. The connections' tasks and the other sources get their turn.
                () = tokio::task::yield_now(), if is_rested => {}
                () = udp::readable(&self.sockets), if !is_rested => {}
                () = until(deadline), if !is_rested => {}
            }
            let now = Instant::now();
            pace.wake(now);
            let messages = self.receive(now, is_rested);
            if self.endpoint.poll_timeout().is_some_and(|at| at <= now) {
                self.endpoint.handle_timeout(now);
                is_idle = false;
            }
            if application.poll_timeout().is_some_and(|at| at <= now) {
                application.handle_timeout(now, &mut self.endpoint);
                is_idle = false;
            }
            rest = pace.rest(now, messages, is_idle && messages == 0);
        }
    }

    /// Something happened on a connection.
    fn hear(&mut self, news: News) {
        let now = Instant::now();
        if !self.streams.learn(&news) {
            return;
        }
        match news {
            News::Received(flow, _, bytes) => {
                let tap = &mut self.tap;
                let mut count = 0;
                self.endpoint.handle_stream_seen(now, flow, &bytes, |message| {
                    count += 1;
                    if let Some(tap) = tap {
                        tap(now, Heading::In, flow, message);
                    }
                });
                if count > 0 {
                    self.streams.note_messages(&flow, count);
                }
                if self.endpoint.is_broken(flow) {
                    self.send_all(now);
                    self.streams.close(&flow);
                    self.endpoint.handle_flow_closed(now, flow);
                }
            }
            News::Closed(flow, _) => self.endpoint.handle_flow_closed(now, flow),
            News::Arrived(arrival) => {
                let is_known = self.endpoint.knows(arrival.remote().ip());
                self.streams.welcome(arrival, is_known);
            }
            News::Opened(..) => {}
        }
    }

    /// Takes what has come: how many pieces.
    fn receive(&mut self, now: Instant, is_rested: bool) -> usize {
        let mut count = 0;
        while count < BATCH
            && let Some(news) = self.streams.try_next()
        {
            self.hear(news);
            count += 1;
        }
        let Driver {
            endpoint, sockets, tap, ..
        } = self;
        for socket in sockets {
            count += socket.receive(is_rested, |flow, bytes| {
                if let Some(tap) = tap {
                    tap(now, Heading::In, flow, &bytes);
                }
                endpoint.handle_datagram(now, flow, bytes);
            });
        }
        count
    }

    /// Passes events and messages on until there are none.
    fn settle<A: Application>(&mut self, application: &mut A) {
        let now = Instant::now();
        loop {
            let mut is_quiet = true;
            while let Some(event) = self.endpoint.poll_event() {
                application.handle_event(now, &mut self.endpoint, event);
                is_quiet = false;
            }
            is_quiet &= self.send_all(now);
            if is_quiet {
                return;
            }
        }
    }

    /// Sends what the endpoint wants to send. False if something could not be sent, of which the endpoint may have something to say.
    fn send_all(&mut self, now: Instant) -> bool {
        let mut is_quiet = true;
        while let Some(transmit) = self.endpoint.poll_transmit() {
            let flow = transmit.flow;
            if let Some(tap) = &mut self.tap {
                tap(now, Heading::Out, flow, &transmit.payload);
            }
            let is_sent = match flow.transport {
                Transport::Udp => self
                    .sockets
                    .iter_mut()
                    .find(|socket| socket.address() == flow.local)
                    .is_some_and(|socket| socket.send(flow.remote, &transmit.payload)),
                Transport::Tcp | Transport::Tls => {
                    let endpoint = &self.endpoint;
                    let name = || endpoint.server_name(flow);
                    self.streams.send(now, flow, transmit.payload, name)
                }
            };
            if !is_sent {
                self.endpoint.handle_flow_closed(now, flow);
                is_quiet = false;
            }
        }
        is_quiet
    }
}

/// The address by which this machine reaches others: what peers are told when we listen on all addresses. Nothing is sent.
fn own_address(wildcard: SocketAddr) -> Option<SocketAddr> {
    let elsewhere = if wildcard.is_ipv4() {
        "192.0.2.1:9"
    } else {
        "[2001:db8::1]:9"
    };
    let socket = std::net::UdpSocket::bind(SocketAddr::new(wildcard.ip(), 0)).ok()?;
    socket.connect(elsewhere).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    Some(SocketAddr::new(ip, wildcard.port()))
}

async fn listen(
    streams: &Streams,
    address: SocketAddr,
    tls: Option<Arc<tokio_rustls::rustls::ServerConfig>>,
) -> Result<SocketAddr, BindError> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| BindError::of(address, source))?;
    let address = listener.local_addr().map_err(|source| BindError::of(address, source))?;
    streams.listen(listener, address, tls.map(Into::into));
    Ok(address)
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
