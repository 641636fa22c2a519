//! The user agent as a whole: messages and time in, messages and events out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::StatusCode;
use crate::admission::{Rules, refuse_broken};
use crate::config::{Config, Target, TrunkConfig};
use crate::counters::Counters;
use crate::event::{CallId, Event, Origin, TrunkId};
use crate::flow::{Flow, Location, Transmit};
use crate::invite::call::Call;
use crate::invite::{CallError, Invite, InviteError};
use crate::message::Limits as MessageLimits;
use crate::slots::{Key, Slots};
use crate::transaction::table::{Owner, Woken};
use crate::transport::framing::{Frame, Framer};

use self::core::{Context, Core};
use self::strangers::Strangers;
use self::trunk::Trunk;

mod allowance;
pub(crate) mod core;
mod names;
mod receive;
mod strangers;
pub(crate) mod trunk;

/// A SIP user agent without sockets, clock or threads.
///
/// After any call that takes `now`, drain [`poll_transmit`](Self::poll_transmit) and [`poll_event`](Self::poll_event), and see to it that
/// [`handle_timeout`](Self::handle_timeout) is called at [`poll_timeout`](Self::poll_timeout).
pub struct Endpoint {
    core: Core,
    calls: Slots<Call>,
    trunks: Vec<Trunk>,
    strangers: Strangers,
    streams: HashMap<Flow, Framer>,
    rules: Rules,
}

impl Endpoint {
    /// An endpoint that draws its identifiers from `seed`. Two endpoints with the same seed and inputs send the same bytes.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32]) -> Endpoint {
        let limits = MessageLimits {
            message: config.limits.message_bytes,
            ..MessageLimits::default()
        };
        let strangers = Strangers::new(&config);
        Endpoint {
            core: Core::new(config, seed),
            calls: Slots::new(),
            trunks: Vec::new(),
            strangers,
            streams: HashMap::new(),
            rules: Rules {
                limits,
                ..Rules::user_agent()
            },
        }
    }

    /// The settings that it was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.core.config
    }

    /// What went over the wire so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.core.counters
    }

    /// The number of calls that are not forgotten yet, both directions.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// The number of transactions that are not forgotten yet, both directions.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.core.table.clients() + self.core.table.servers()
    }

    /// The name of a trunk.
    #[must_use]
    pub fn trunk_name(&self, trunk: TrunkId) -> Option<&str> {
        self.trunks
            .get(usize::from(trunk.0))
            .map(|trunk| trunk.config.name.as_str())
    }

    /// Whether one of the trunks calls from this address.
    #[must_use]
    pub fn knows(&self, address: IpAddr) -> bool {
        self.strangers.trunk_of(address).is_some()
    }

    /// The name that a certificate on this flow must carry: that of the trunk that has the address, else the address itself.
    #[must_use]
    pub fn server_name(&self, flow: Flow) -> String {
        let has_it = |trunk: &&Trunk| trunk.config.targets.iter().any(|target| target.addr == flow.remote);
        match self.trunks.iter().find(has_it) {
            Some(trunk) => trunk.config.tls_name.as_ref().unwrap_or(&trunk.config.domain).clone(),
            None => flow.remote.ip().to_string(),
        }
    }

    /// Adds a carrier. Registration and pings start at once.
    pub fn add_trunk(&mut self, now: Instant, trunk: TrunkConfig) -> TrunkId {
        let id = TrunkId(self.trunks.len() as u16);
        let trunk = Trunk::new(trunk, &self.core);
        self.strangers.learn(id, &trunk.config);
        self.trunks.push(trunk);
        trunk::start(&mut self.context(now), id);
        id
    }

    /// Replaces a trunk's addresses, for instance when its name was resolved again; calls from them are taken. Calls in progress
    /// are not touched. A trunk that has no address is down ([`Event::TrunkDown`]) until it gets one.
    pub fn set_targets(&mut self, now: Instant, trunk: TrunkId, targets: Vec<Target>) {
        let had_none = self
            .trunks
            .get(usize::from(trunk.0))
            .is_some_and(|t| t.accesses.is_empty());
        if let Some(trunk) = self.trunks.get_mut(usize::from(trunk.0)) {
            trunk.set_targets(&self.core, &targets);
        }
        self.strangers
            .relocate(trunk, targets.iter().map(|target| target.addr.ip()));
        if targets.is_empty() {
            trunk::lose(&mut self.context(now), trunk);
        } else if had_none {
            trunk::start(&mut self.context(now), trunk);
        }
    }

    /// A datagram arrived.
    pub fn handle_datagram(&mut self, now: Instant, flow: Flow, bytes: Bytes) {
        self.handle_message(now, flow, bytes);
    }

    /// Bytes arrived on a stream.
    pub fn handle_stream(&mut self, now: Instant, flow: Flow, bytes: &[u8]) {
        self.handle_stream_seen(now, flow, bytes, |_| {});
    }

    /// The same; `seen` is shown each message as it is cut out.
    pub fn handle_stream_seen(&mut self, now: Instant, flow: Flow, bytes: &[u8], mut seen: impl FnMut(&[u8])) {
        let limits = self.rules.limits;
        let framer = self.streams.entry(flow).or_insert_with(|| Framer::new(limits));
        framer.push(bytes);
        while let Some(frame) = self.streams.get_mut(&flow).and_then(Framer::poll) {
            match frame {
                Frame::Message(message) => {
                    seen(&message);
                    self.handle_message(now, flow, message);
                }
                Frame::Ping => {
                    self.core.counters.keep_alives += 1;
                    self.core.table.transmit(flow, Bytes::from_static(b"\r\n"));
                }
                Frame::Broken { head, fault } => {
                    seen(&head);
                    match refuse_broken(head, fault, &self.rules) {
                        Some(refusal) => self.refuse_faulty(now, flow, &refusal),
                        None => self.core.counters.unreadable += 1,
                    }
                }
            }
        }
    }

    /// Whether what came on a stream can no longer be told apart: the driver should close it after sending what is due.
    #[must_use]
    pub fn is_broken(&self, flow: Flow) -> bool {
        self.streams.get(&flow).is_some_and(Framer::is_broken)
    }

    /// A stream was closed or could not be opened, or ICMP said that a datagram did not arrive.
    pub fn handle_flow_closed(&mut self, now: Instant, flow: Flow) {
        self.streams.remove(&flow);
        for entry in self.core.table.take_unanswered(flow) {
            self.handle_unanswered(now, entry, Origin::Transport);
        }
    }

    /// Time has come to [`poll_timeout`](Self::poll_timeout) or later.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(woken) = self.core.table.wake(now, &mut self.core.counters) {
            match woken {
                Woken::ClientTimedOut(entry) => self.handle_unanswered(now, *entry, Origin::Timeout),
                Woken::NotAcknowledged(call, server) => {
                    self.run(now, call, |call, cx| call.handle_no_ack(cx, server));
                }
                Woken::Call(key, at) => {
                    let is_current = self.calls.get_mut(key).is_some_and(|call| {
                        let is_current = call.planned == Some(at);
                        if is_current {
                            call.planned = None;
                        }
                        is_current
                    });
                    if is_current {
                        self.run(now, key, |call, cx| call.handle_timeout(cx));
                    }
                }
                Woken::Trunk(id, at) => trunk::handle_timeout(&mut self.context(now), id, at),
            }
        }
    }

    /// The next host name that has to be looked up by RFC 3263, because a peer's Contact or Record-Route leads there. Tell what was
    /// found by [`handle_lookup`](Self::handle_lookup).
    pub fn poll_lookup(&mut self) -> Option<Location> {
        self.core.names.poll()
    }

    /// A name was looked up: its addresses in their order, none if it has none, and how long they are good. Dialogs that wait for it
    /// go there from now on.
    pub fn handle_lookup(&mut self, now: Instant, location: &Location, targets: &[Target], lifetime: Duration) {
        let can_be_reached = |target: &&Target| self.core.flow_to(target.transport, target.addr).is_some();
        let target = targets.iter().find(can_be_reached).copied();
        self.core.names.learn(now, location, target, lifetime);
        let awaits = |key: &Key| self.calls.get(*key).is_some_and(|call| call.awaits(location));
        let waiting: Vec<Key> = self.calls.keys().filter(awaits).collect();
        let mut moved = HashMap::new();
        for key in waiting {
            if let Some(Some((from, to))) = self.run(now, key, |call, cx| call.handle_lookup(cx)) {
                moved.insert(key, (from, to));
            }
        }
        self.core.table.redirect_requests(&moved);
    }

    /// When `handle_timeout` wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.core.table.schedule.next()
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.core.table.out.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.core.events.pop_front()
    }

    /// Places a call.
    ///
    /// # Errors
    /// When the call cannot even be tried; nothing is sent and no event follows.
    pub fn invite(&mut self, now: Instant, invite: Invite) -> Result<CallId, InviteError> {
        if self.calls.len() >= self.core.config.limits.calls || !self.core.has_room() {
            return Err(InviteError::TooManyCalls);
        }
        let mut cx = Context {
            core: &mut self.core,
            trunks: &mut self.trunks,
            now,
        };
        let key = self.calls.reserve();
        match Call::place(&mut cx, key, invite) {
            Ok(mut call) => {
                call.plan(&mut cx);
                let id = call.id;
                self.calls.fill(key, call);
                Ok(id)
            }
            Err(error) => {
                self.calls.release(key);
                Err(error)
            }
        }
    }

    /// Ends a call in whatever state: CANCEL before the answer (then `Failed` follows), BYE after it, 603 for an incoming call that was not
    /// answered (then `Ended` follows).
    ///
    /// # Errors
    /// When the call is over already.
    pub fn hang_up(&mut self, now: Instant, call: CallId) -> Result<(), CallError> {
        self.run(now, Key::from_u64(call.0), |call, cx| call.hang_up(cx))
            .ok_or(CallError::Unknown)?
    }

    /// Gives up a call that was not answered. If the answer crosses, it is acknowledged and ended, and `Failed` is reported all the same.
    ///
    /// # Errors
    /// When the call is over, or answered already.
    pub fn cancel(&mut self, now: Instant, call: CallId) -> Result<(), CallError> {
        self.run(now, Key::from_u64(call.0), |call, cx| call.cancel(cx))
            .ok_or(CallError::Unknown)?
    }

    /// Sends 180 for an incoming call, or 183 when there is SDP for early media.
    ///
    /// # Errors
    /// When the call is not waiting for our answer.
    pub fn ring(&mut self, now: Instant, call: CallId, sdp: Option<Bytes>) -> Result<(), CallError> {
        self.run(now, Key::from_u64(call.0), |call, cx| call.ring(cx, sdp))
            .ok_or(CallError::Unknown)?
    }

    /// Sends 200 for an incoming call.
    ///
    /// # Errors
    /// When the call is not waiting for our answer.
    pub fn answer(&mut self, now: Instant, call: CallId, sdp: Bytes) -> Result<(), CallError> {
        self.run(now, Key::from_u64(call.0), |call, cx| call.answer(cx, sdp))
            .ok_or(CallError::Unknown)?
    }

    /// Refuses an incoming call.
    ///
    /// # Errors
    /// When the call is not waiting for our answer.
    pub fn reject(&mut self, now: Instant, call: CallId, status: StatusCode) -> Result<(), CallError> {
        self.run(now, Key::from_u64(call.0), |call, cx| call.reject(cx, status, None))
            .ok_or(CallError::Unknown)?
    }

    /// Refuses an incoming call and says when it may be tried again (Retry-After, whole seconds; RFC 3261 §20.33).
    ///
    /// # Errors
    /// When the call is not waiting for our answer.
    pub fn reject_after(
        &mut self,
        now: Instant,
        call: CallId,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) -> Result<(), CallError> {
        self.run(now, Key::from_u64(call.0), |call, cx| {
            call.reject(cx, status, retry_after)
        })
        .ok_or(CallError::Unknown)?
    }

    /// Offers a changed session to the peer of an answered call, by re-INVITE. `OfferAnswered` or `OfferRefused` follows.
    ///
    /// # Errors
    /// When the call is not established, or an offer is under way.
    pub fn reinvite(&mut self, now: Instant, call: CallId, sdp: Bytes) -> Result<(), CallError> {
        self.run(now, Key::from_u64(call.0), |call, cx| call.offer(cx, sdp, false))
            .ok_or(CallError::Unknown)?
    }

    /// The same by UPDATE (RFC 3311), which also works before the answer.
    ///
    /// # Errors
    /// When there is no dialog yet, the peer does not allow UPDATE, or an offer is under way.
    pub fn update(&mut self, now: Instant, call: CallId, sdp: Bytes) -> Result<(), CallError> {
        self.run(now, Key::from_u64(call.0), |call, cx| call.offer(cx, sdp, true))
            .ok_or(CallError::Unknown)?
    }

    /// Answers [`Event::Offer`], [`Event::OfferWanted`], or an offer that came with [`Event::Answered`].
    ///
    /// # Errors
    /// When no offer waits.
    pub fn answer_offer(&mut self, now: Instant, call: CallId, sdp: Bytes) -> Result<(), CallError> {
        self.run(now, Key::from_u64(call.0), |call, cx| call.answer_offer(cx, sdp))
            .ok_or(CallError::Unknown)?
    }

    /// Refuses [`Event::Offer`] or [`Event::OfferWanted`], usually with 488. The session stays as it was.
    ///
    /// # Errors
    /// When no offer waits.
    pub fn refuse_offer(&mut self, now: Instant, call: CallId, status: StatusCode) -> Result<(), CallError> {
        self.run(now, Key::from_u64(call.0), |call, cx| call.refuse_offer(cx, status))
            .ok_or(CallError::Unknown)?
    }

    /// Sends INFO inside an answered call (RFC 6086).
    ///
    /// # Errors
    /// When the call is not established or the content type is not a header value.
    pub fn info(&mut self, now: Instant, call: CallId, content_type: &str, body: Bytes) -> Result<(), CallError> {
        self.run(now, Key::from_u64(call.0), |call, cx| {
            call.info(cx, content_type, &body)
        })
        .ok_or(CallError::Unknown)?
    }

    fn context(&mut self, now: Instant) -> Context<'_> {
        Context {
            core: &mut self.core,
            trunks: &mut self.trunks,
            now,
        }
    }

    /// Lets a call handle something, then plans its next wake-up or forgets it.
    fn run<R>(&mut self, now: Instant, key: Key, act: impl FnOnce(&mut Call, &mut Context<'_>) -> R) -> Option<R> {
        let call = self.calls.get_mut(key)?;
        let mut cx = Context {
            core: &mut self.core,
            trunks: &mut self.trunks,
            now,
        };
        let result = act(call, &mut cx);
        if call.is_over() {
            if let Some(call) = self.calls.remove(key) {
                self.core.by_dialog.remove(&call.hash);
                if let Some(merged) = call.merged {
                    self.core.by_dialog.remove(&merged);
                }
            }
        } else {
            call.plan(&mut cx);
        }
        Some(result)
    }

    /// A request of ours got no answer, or could not be sent.
    fn handle_unanswered(&mut self, now: Instant, entry: crate::transaction::table::ClientEntry, origin: Origin) {
        match entry.owner {
            Owner::Invite(key) => {
                self.run(now, key, |call, cx| call.handle_invite_failure(cx, &entry, origin));
            }
            Owner::Call(key, purpose) => {
                self.run(now, key, |call, cx| call.handle_inside_failure(cx, purpose, origin));
            }
            Owner::Ping(id) => trunk::handle_ping_failure(&mut self.context(now), id, &entry, origin),
            Owner::Register(id) => trunk::handle_register_failure(&mut self.context(now), id, &entry, origin),
            Owner::Nobody => {}
        }
    }
}
