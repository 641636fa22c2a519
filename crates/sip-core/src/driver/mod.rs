//! The endpoint on real sockets.
//!
//! One task owns the sockets, the [`Endpoint`] and the [`Application`] that decides about calls, so that nothing is
//! locked. Other threads wake it with a [`Waker`] after they have queued something for the application.

mod udp;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;

use crate::{Config, Endpoint, Event, Flow, Transport};

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

/// An endpoint and its sockets.
pub struct Driver {
    endpoint: Endpoint,
    sockets: Vec<Udp>,
    notify: Arc<Notify>,
    tap: Option<Tap>,
}

impl Driver {
    /// Opens a socket for each of the configuration's local addresses. A port of 0 takes any free one;
    /// [`Driver::endpoint`] tells which.
    ///
    /// # Errors
    /// When an address cannot be listened on.
    pub async fn bind(mut config: Config, seed: [u8; 32]) -> Result<Driver, BindError> {
        let mut sockets = Vec::new();
        for local in config
            .locals
            .iter_mut()
            .filter(|local| local.transport == Transport::Udp)
        {
            let socket = Udp::bind(local.addr).await?;
            local.addr = socket.address();
            sockets.push(socket);
        }
        let endpoint = Endpoint::new(config, seed);
        Ok(Driver {
            endpoint,
            sockets,
            notify: Arc::new(Notify::new()),
            tap: None,
        })
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

    /// Runs until the application is finished, and gives it back.
    pub async fn run<A: Application>(mut self, mut application: A) -> A {
        application.handle_wake(Instant::now(), &mut self.endpoint);
        loop {
            self.settle(&mut application);
            if application.is_finished() {
                return application;
            }
            let deadline = [self.endpoint.poll_timeout(), application.poll_timeout()]
                .into_iter()
                .flatten()
                .min();
            tokio::select! {
                biased;
                () = self.notify.notified() => application.handle_wake(Instant::now(), &mut self.endpoint),
                () = udp::readable(&self.sockets) => {}
                () = until(deadline) => {}
            }
            self.receive();
            let now = Instant::now();
            if self.endpoint.poll_timeout().is_some_and(|at| at <= now) {
                self.endpoint.handle_timeout(now);
            }
            if application.poll_timeout().is_some_and(|at| at <= now) {
                application.handle_timeout(now, &mut self.endpoint);
            }
        }
    }

    fn receive(&mut self) {
        let Driver {
            endpoint, sockets, tap, ..
        } = self;
        let now = Instant::now();
        for socket in sockets {
            socket.receive(|flow, bytes| {
                if let Some(tap) = tap {
                    tap(now, Heading::In, flow, &bytes);
                }
                endpoint.handle_datagram(now, flow, bytes);
            });
        }
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
            while let Some(transmit) = self.endpoint.poll_transmit() {
                if let Some(tap) = &mut self.tap {
                    tap(now, Heading::Out, transmit.flow, &transmit.payload);
                }
                let socket = self
                    .sockets
                    .iter_mut()
                    .find(|socket| socket.address() == transmit.flow.local);
                let is_sent = socket.is_some_and(|socket| socket.send(transmit.flow.remote, &transmit.payload));
                if !is_sent {
                    self.endpoint.handle_flow_closed(now, transmit.flow);
                    is_quiet = false;
                }
            }
            if is_quiet {
                return;
            }
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
