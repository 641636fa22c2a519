//! The signalling thread: the SIP endpoint and the switchboard on one task, fed by queues.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use dialer::{AttemptId, CallReport, Caller, Handle, Message, MessageId, Now, Order, Outcome, TrunkChange, TrunkIndex};
use rtp_media::StreamId;
use rtp_media::driver::Media;
use sip_core::driver::{Application, Driver, Waker};
use sip_core::{CallId, Endpoint, Event, StatusCode, TrunkId};

use crate::switchboard::{Line, Ports, Reception, Switchboard, Told};

use super::clerk::Clerk;
use super::register::Register;
use super::sip_numbers::SipNumbers;
use super::voice::Library;

/// What the dialer wants of the switchboard.
enum Request {
    Place(Box<Order>),
    Acknowledge(AttemptId),
    HangUp(AttemptId),
    ChangeMessage(AttemptId, MessageId, u32),
    Tell(CallId, Box<Told>),
    /// No new calls; those in progress may go on for so long, then they are hung up. Then end.
    Stop(Duration),
}

/// The dialer's side of the queue: it places calls.
pub struct Exchange {
    requests: Sender<Request>,
    waker: Waker,
    library: Library,
}

impl Exchange {
    fn ask(&self, request: Request) {
        // A signalling thread that is gone has ended the program.
        let _ = self.requests.send(request);
        self.waker.wake();
    }
}

impl Caller for Exchange {
    fn place(&mut self, order: Order) {
        self.ask(Request::Place(Box::new(order)));
    }

    fn acknowledge(&mut self, attempt: AttemptId) {
        self.ask(Request::Acknowledge(attempt));
    }

    fn hang_up(&mut self, attempt: AttemptId) {
        self.ask(Request::HangUp(attempt));
    }

    fn change_message(&mut self, attempt: AttemptId, message: MessageId, version: u32) {
        self.ask(Request::ChangeMessage(attempt, message, version));
    }

    fn prepare(&mut self, message: &Message) {
        self.library.prepare(message);
    }
}

/// Ends the signalling thread from another, and answers what its calls from outside ask.
#[derive(Clone)]
pub struct Stopper {
    requests: Sender<Request>,
    waker: Waker,
}

impl Stopper {
    /// Takes no new calls, hangs up those still in progress after `grace`, and ends the thread.
    pub fn stop(&self, grace: Duration) {
        let _ = self.requests.send(Request::Stop(grace));
        self.waker.wake();
    }

    /// Answers a call from outside.
    pub fn tell(&self, call: CallId, told: Told) {
        let _ = self.requests.send(Request::Tell(call, Box::new(told)));
        self.waker.wake();
    }
}

/// The queue's other end, until the board takes it over.
pub struct Requests(Receiver<Request>);

/// A queue between the dialer and the board.
pub fn queue(waker: &Waker, library: Library) -> (Exchange, Stopper, Requests) {
    let (requests, received) = mpsc::channel();
    let stopper = Stopper {
        requests: requests.clone(),
        waker: waker.clone(),
    };
    (
        Exchange {
            requests,
            waker: waker.clone(),
            library,
        },
        stopper,
        Requests(received),
    )
}

/// RTP ports from the media engine.
pub struct MediaPorts(pub Arc<Media>);

impl Ports for MediaPorts {
    fn reserve(&mut self) -> Option<(StreamId, SocketAddr)> {
        match self.0.reserve() {
            Ok(reserved) => Some(reserved),
            Err(error) => {
                tracing::error!(%error, "a call cannot have an RTP port");
                None
            }
        }
    }

    fn release(&mut self, stream: StreamId) {
        self.0.release(stream);
    }
}

/// The application that runs beside the endpoint.
pub struct Board {
    switchboard: Switchboard<MediaPorts, Library>,
    media: Arc<Media>,
    dialer: Handle,
    clerk: Clerk,
    requests: Requests,
    trunks: Vec<TrunkId>,
    numbers: SipNumbers,
    register: Register,
    strangers: Strangers,
    ending: Option<Ending>,
}

/// Refusals of strangers, told now and then: a line for each would let them fill the audit trail.
struct Strangers {
    look: Instant,
    /// Refusals and challenges that were told, or belong to callers who then proved themselves.
    known: u64,
}

/// How often refusals of strangers are written down.
const STRANGERS_PERIOD: Duration = Duration::from_secs(10);

/// The end of the program, once it has been asked for.
struct Ending {
    /// When the calls in progress are hung up.
    hang_up_at: Instant,
    has_hung_up: bool,
}

/// How long the answers to the last BYE and CANCEL are awaited, and the statistics of the last calls.
const FAREWELL: Duration = Duration::from_secs(3);

impl Ending {
    /// When it ends, whatever far ends do: they may be gone, and SIP would wait for 32 s (RFC 3261 §17.1.1.2).
    fn over_at(&self) -> Instant {
        self.hang_up_at + FAREWELL
    }
}

impl Board {
    /// A board that answers to a dialer, and asks a clerk for its callers. `trunks` are in the order of the dialer's indices.
    pub fn new(
        lines: Vec<Line>,
        trunks: Vec<TrunkId>,
        media: Arc<Media>,
        library: Library,
        dialer: Handle,
        (reception, clerk): (Reception, Clerk),
        requests: Requests,
    ) -> Self {
        let mut switchboard = Switchboard::new(lines, MediaPorts(Arc::clone(&media)), library);
        switchboard.receive(reception);
        Self {
            switchboard,
            media,
            dialer,
            clerk,
            requests,
            trunks,
            numbers: SipNumbers::default(),
            register: Register::default(),
            strangers: Strangers {
                look: Instant::now() + STRANGERS_PERIOD,
                known: 0,
            },
            ending: None,
        }
    }

    /// The same, writing its calls into this register.
    #[must_use]
    pub fn registering(mut self, register: Register) -> Self {
        self.register = register;
        self
    }

    fn take(&mut self, now: Instant, endpoint: &mut Endpoint, request: Request) {
        match request {
            // An order that crosses the end is placed by the next start.
            Request::Place(_) if self.ending.is_some() => {}
            Request::Place(order) => {
                self.register.handle_order(&order, Now::read().utc_ms);
                self.switchboard.handle_order(now, endpoint, *order);
            }
            Request::Acknowledge(attempt) => {
                self.register.handle_acknowledged(attempt, Now::read().utc_ms);
                self.switchboard.handle_acknowledged(now, endpoint, attempt);
            }
            Request::HangUp(attempt) => self.switchboard.handle_hang_up(now, endpoint, attempt),
            Request::ChangeMessage(attempt, message, version) => {
                self.switchboard
                    .handle_message_changed(now, endpoint, attempt, message, version);
            }
            Request::Tell(call, told) => self.switchboard.handle_told(now, endpoint, call, *told),
            Request::Stop(grace) => {
                self.switchboard.forget_waiting();
                self.ending.get_or_insert(Ending {
                    hang_up_at: now + grace,
                    has_hung_up: false,
                });
            }
        }
    }

    /// Passes on what the switchboard has to say.
    fn pass_on(&mut self) {
        while let Some(command) = self.switchboard.poll_media() {
            self.media.send(command);
        }
        while let Some((call, ask)) = self.switchboard.poll_ask() {
            self.clerk.take(call, ask);
        }
        while let Some(report) = self.switchboard.poll_report() {
            self.register.handle_report(&report, Now::read().utc_ms);
            // What our own end cut short is unknown, not given up: the next start takes it up again.
            let is_cut = self.ending.as_ref().is_some_and(|ending| ending.has_hung_up)
                && matches!(&report, CallReport::Ended { outcome, .. } if *outcome != Outcome::Confirmed);
            if !is_cut {
                tell(&report);
                self.dialer.report(report);
            }
        }
    }

    fn trunk(&self, trunk: TrunkId) -> Option<TrunkIndex> {
        self.trunks
            .iter()
            .position(|known| *known == trunk)
            .map(|index| TrunkIndex(index as u16))
    }
}

impl Application for Board {
    fn handle_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        match &event {
            Event::TrunkUp { trunk } => {
                tracing::info!(trunk = endpoint.trunk_name(*trunk), "the trunk is up");
                // While the program ends, trunks are closed.
                if let Some(trunk) = self.trunk(*trunk).filter(|_| self.ending.is_none()) {
                    self.dialer.trunk(trunk, TrunkChange::Up);
                }
            }
            Event::TrunkDown { trunk, cause } => {
                tracing::warn!(
                    trunk = endpoint.trunk_name(*trunk),
                    cause = crate::probe::Failure::from(cause).to_string(),
                    "the trunk is down"
                );
                if let Some(trunk) = self.trunk(*trunk) {
                    self.dialer.trunk(trunk, TrunkChange::Down);
                }
            }
            Event::RegistrationFailed { trunk, cause } => {
                tracing::warn!(
                    trunk = endpoint.trunk_name(*trunk),
                    cause = crate::probe::Failure::from(cause).to_string(),
                    "the registration failed"
                );
            }
            Event::Incoming { call, .. } if self.ending.is_some() => {
                let _ = endpoint.reject(now, *call, StatusCode::SERVICE_UNAVAILABLE);
            }
            _ => {
                if let Event::Incoming { trunk: None, .. } = &event {
                    // Their first INVITE was challenged, which is no refusal.
                    self.strangers.known += 1;
                }
                self.switchboard.handle_event(now, endpoint, event);
            }
        }
        self.pass_on();
        self.numbers.handle_news(now, endpoint);
    }

    fn handle_wake(&mut self, now: Instant, endpoint: &mut Endpoint) {
        while let Ok(request) = self.requests.0.try_recv() {
            self.take(now, endpoint, request);
        }
        while let Some(event) = self.media.try_event() {
            self.switchboard.handle_media(now, endpoint, event);
        }
        self.pass_on();
    }

    fn handle_timeout(&mut self, now: Instant, endpoint: &mut Endpoint) {
        self.switchboard.handle_timeout(now, endpoint);
        self.numbers.handle_timeout(now, endpoint);
        if self.strangers.look <= now {
            self.strangers.look = now + STRANGERS_PERIOD;
            let counters = endpoint.counters();
            let refused = counters.refused_strangers + counters.dropped;
            if refused > self.strangers.known {
                let count = refused - self.strangers.known;
                self.strangers.known = refused;
                metrics::counter!("tocsin_strangers_refused_total").increment(count);
                self.clerk.note_strangers(count);
            }
        }
        self.pass_on();
        if let Some(ending) = self.ending.as_mut().filter(|ending| !ending.has_hung_up)
            && ending.hang_up_at <= now
        {
            ending.has_hung_up = true;
            self.switchboard.hang_up_all(now, endpoint);
            self.pass_on();
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let ending = self.ending.as_ref().map(|ending| {
            if ending.has_hung_up {
                ending.over_at()
            } else {
                ending.hang_up_at
            }
        });
        let (calls, numbers) = (self.switchboard.poll_timeout(), self.numbers.poll_timeout());
        let all = [calls, numbers, ending, Some(self.strangers.look)];
        all.into_iter().flatten().min()
    }

    fn is_finished(&self) -> bool {
        self.ending.as_ref().is_some_and(|ending| {
            self.switchboard.calls() == 0 || (ending.has_hung_up && ending.over_at() <= Instant::now())
        })
    }
}

/// Counts for the metrics page.
fn tell(report: &CallReport) {
    match report {
        CallReport::Ringing { .. } => metrics::counter!("tocsin_calls_ringing_total").increment(1),
        CallReport::Answered { .. } => metrics::counter!("tocsin_calls_answered_total").increment(1),
        CallReport::Delivered { .. } => metrics::counter!("tocsin_texts_delivered_total").increment(1),
        CallReport::ConfirmRequested { .. } => metrics::counter!("tocsin_confirmations_total").increment(1),
        CallReport::Ended { outcome, stats, .. } => {
            metrics::counter!("tocsin_calls_ended_total", "cause" => outcome.cause().name()).increment(1);
            metrics::histogram!("tocsin_call_ringing_seconds").record(stats.ringing.as_secs_f64());
            metrics::histogram!("tocsin_call_talking_seconds").record(stats.talking.as_secs_f64());
        }
    }
}

/// Runs a driver and its application on a thread of their own, to the end.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn<A, F>(name: &str, start: F) -> std::io::Result<std::thread::JoinHandle<()>>
where
    A: Application + 'static,
    F: FnOnce() -> (Driver, A) + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        let (mut driver, application) = start();
        driver.own_thread();
        runtime.block_on(driver.run(application));
    })
}
