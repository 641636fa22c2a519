//! The user agent as a whole: messages and time in, messages and events out.

use std::time::Instant;

use bytes::Bytes;

use crate::StatusCode;
use crate::config::{Config, Target, TrunkConfig};
use crate::event::{CallId, Event, TrunkId};
use crate::flow::{Flow, Transmit};
use crate::invite::{CallError, Invite, InviteError};

/// A SIP user agent without sockets, clock or threads.
pub struct Endpoint {
    config: Config,
    trunks: Vec<TrunkConfig>,
}

impl Endpoint {
    /// An endpoint that draws its identifiers from `seed`. Two endpoints with the same seed and inputs send the same bytes.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32]) -> Endpoint {
        let _ = seed;
        Endpoint {
            config,
            trunks: Vec::new(),
        }
    }

    /// The settings that it was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Adds a carrier. Registration and pings start at once.
    pub fn add_trunk(&mut self, now: Instant, trunk: TrunkConfig) -> TrunkId {
        let _ = now;
        self.trunks.push(trunk);
        TrunkId((self.trunks.len() - 1) as u16)
    }

    /// Replaces a trunk's addresses, for instance when its name was resolved again. Calls in progress are not touched.
    pub fn set_targets(&mut self, now: Instant, trunk: TrunkId, targets: Vec<Target>) {
        let _ = now;
        if let Some(trunk) = self.trunks.get_mut(usize::from(trunk.0)) {
            trunk.targets = targets;
        }
    }

    /// A datagram arrived.
    pub fn handle_datagram(&mut self, now: Instant, flow: Flow, bytes: Bytes) {
        let _ = (now, flow, bytes);
    }

    /// Bytes arrived on a stream.
    pub fn handle_stream(&mut self, now: Instant, flow: Flow, bytes: &[u8]) {
        let _ = (now, flow, bytes);
    }

    /// A stream was closed or could not be opened, or ICMP said that a datagram did not arrive.
    pub fn handle_flow_closed(&mut self, now: Instant, flow: Flow) {
        let _ = (now, flow);
    }

    /// Time has come to [`poll_timeout`](Self::poll_timeout) or later.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// When `handle_timeout` wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        None
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// Places a call.
    ///
    /// # Errors
    /// When the call cannot even be tried; nothing is sent and no event follows.
    pub fn invite(&mut self, now: Instant, invite: Invite) -> Result<CallId, InviteError> {
        let _ = now;
        Err(InviteError::UnknownTrunk(invite.trunk))
    }

    /// Ends a call in whatever state: CANCEL before the answer (then `Failed` follows), BYE after it, 603 for an incoming call that was not
    /// answered (then `Ended` follows).
    ///
    /// # Errors
    /// When the call is over already.
    pub fn hang_up(&mut self, now: Instant, call: CallId) -> Result<(), CallError> {
        let _ = (now, call);
        Err(CallError::Unknown)
    }

    /// Gives up a call that was not answered. If the answer crosses, it is acknowledged and ended, and `Failed` is reported all the same.
    ///
    /// # Errors
    /// When the call is over, or answered already.
    pub fn cancel(&mut self, now: Instant, call: CallId) -> Result<(), CallError> {
        let _ = (now, call);
        Err(CallError::Unknown)
    }

    /// Sends 180 for an incoming call, or 183 when there is SDP for early media.
    ///
    /// # Errors
    /// When the call is not waiting for our answer.
    pub fn ring(&mut self, now: Instant, call: CallId, sdp: Option<Bytes>) -> Result<(), CallError> {
        let _ = (now, call, sdp);
        Err(CallError::Unknown)
    }

    /// Sends 200 for an incoming call.
    ///
    /// # Errors
    /// When the call is not waiting for our answer.
    pub fn answer(&mut self, now: Instant, call: CallId, sdp: Bytes) -> Result<(), CallError> {
        let _ = (now, call, sdp);
        Err(CallError::Unknown)
    }

    /// Refuses an incoming call.
    ///
    /// # Errors
    /// When the call is not waiting for our answer.
    pub fn reject(&mut self, now: Instant, call: CallId, status: StatusCode) -> Result<(), CallError> {
        let _ = (now, call, status);
        Err(CallError::Unknown)
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
        retry_after: Option<std::time::Duration>,
    ) -> Result<(), CallError> {
        let _ = retry_after;
        self.reject(now, call, status)
    }

    /// Offers a changed session to the peer of an answered call, by re-INVITE. `OfferAnswered` or `OfferRefused` follows.
    ///
    /// # Errors
    /// When the call is not established, or an offer is under way.
    pub fn reinvite(&mut self, now: Instant, call: CallId, sdp: Bytes) -> Result<(), CallError> {
        let _ = (now, call, sdp);
        Err(CallError::Unknown)
    }

    /// The same by UPDATE (RFC 3311), which also works before the answer.
    ///
    /// # Errors
    /// When there is no dialog yet, the peer does not allow UPDATE, or an offer is under way.
    pub fn update(&mut self, now: Instant, call: CallId, sdp: Bytes) -> Result<(), CallError> {
        let _ = (now, call, sdp);
        Err(CallError::Unknown)
    }

    /// Answers [`Event::Offer`], [`Event::OfferWanted`], or an offer that came with [`Event::Answered`].
    ///
    /// # Errors
    /// When no offer waits.
    pub fn answer_offer(&mut self, now: Instant, call: CallId, sdp: Bytes) -> Result<(), CallError> {
        let _ = (now, call, sdp);
        Err(CallError::Unknown)
    }

    /// Refuses [`Event::Offer`] or [`Event::OfferWanted`], usually with 488. The session stays as it was.
    ///
    /// # Errors
    /// When no offer waits.
    pub fn refuse_offer(&mut self, now: Instant, call: CallId, status: StatusCode) -> Result<(), CallError> {
        let _ = (now, call, status);
        Err(CallError::Unknown)
    }

    /// Sends INFO inside an answered call (RFC 6086).
    ///
    /// # Errors
    /// When the call is not established or the content type is not a header value.
    pub fn info(&mut self, now: Instant, call: CallId, content_type: &str, body: Bytes) -> Result<(), CallError> {
        let _ = (now, call, content_type, body);
        Err(CallError::Unknown)
    }
}
