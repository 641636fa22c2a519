//! Telephones of a small carrier, in this process: they answer at once and never hang up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rtp_media::sdp::{self, OfferSettings};
use sip_core::driver::{Application, Driver};
use sip_core::{Config, Endpoint, Event, Local, Target, Transport, TrunkConfig};

/// What the telephones lived through.
#[derive(Default)]
pub struct Counts {
    pub called: AtomicUsize,
    pub up: AtomicUsize,
    pub ended: AtomicUsize,
    /// Once true, nothing is answered any more, as if the carrier had gone.
    pub is_gone: AtomicBool,
    is_over: AtomicBool,
}

/// The carrier; it ends when this is dropped.
pub struct Telephones {
    pub port: u16,
    pub counts: Arc<Counts>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Telephones {
    /// The sound goes nowhere: these telephones have no ears, and say nothing.
    pub fn start() -> Self {
        Self::with_media(SocketAddr::from(([127, 0, 0, 1], 9)))
    }

    /// Telephones whose media are at this address.
    pub fn with_media(media: SocketAddr) -> Self {
        let counts = Arc::new(Counts::default());
        let (told, port) = std::sync::mpsc::channel();
        let shared = Arc::clone(&counts);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let local = SocketAddr::from(([127, 0, 0, 1], 0));
                let config = Config {
                    locals: vec![Local::new(Transport::Udp, local)],
                    ..Config::default()
                };
                let mut driver = Driver::bind(config, [7; 32]).await.unwrap();
                let own = driver.endpoint().config().locals[0].addr;
                let subscribers = TrunkConfig {
                    name: "subscribers".into(),
                    targets: vec![Target {
                        transport: Transport::Udp,
                        addr: own,
                    }],
                    domain: "127.0.0.1".into(),
                    accept_from: vec![own.ip()],
                    ..TrunkConfig::default()
                };
                driver.endpoint().add_trunk(Instant::now(), subscribers);
                told.send(own.port()).unwrap();
                driver.run(Carrier { counts: shared, media }).await;
            });
        });
        Self {
            port: port.recv().unwrap(),
            counts,
            thread: Some(thread),
        }
    }
}

impl Drop for Telephones {
    fn drop(&mut self) {
        self.counts.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Carrier {
    media: SocketAddr,
    counts: Arc<Counts>,
}

impl Application for Carrier {
    fn handle_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        match event {
            Event::Incoming { call, sdp, .. } => {
                self.counts.called.fetch_add(1, Ordering::Relaxed);
                let offer = sdp.unwrap();
                let (answer, _) = sdp::answer(&offer, &OfferSettings::new(self.media, 1)).unwrap();
                endpoint.answer(now, call, answer).unwrap();
            }
            Event::Confirmed { .. } => {
                self.counts.up.fetch_add(1, Ordering::Relaxed);
            }
            Event::Ended { .. } => {
                self.counts.ended.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    fn handle_wake(&mut self, _now: Instant, _endpoint: &mut Endpoint) {}

    fn handle_timeout(&mut self, _now: Instant, _endpoint: &mut Endpoint) {}

    fn poll_timeout(&self) -> Option<Instant> {
        Some(Instant::now() + Duration::from_millis(50))
    }

    fn is_finished(&self) -> bool {
        self.counts.is_over.load(Ordering::Relaxed) || self.counts.is_gone.load(Ordering::Relaxed)
    }
}
