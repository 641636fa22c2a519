//! What the endpoint tells its owner.

use std::time::Duration;

use bytes::Bytes;

use crate::StatusCode;

/// A call of this endpoint, valid until its last event. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// A trunk of this endpoint, in the order in which they were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrunkId(pub u16);

/// Something that happened.
///
/// Every [`invite`](crate::Endpoint::invite) that returned a call ends in exactly one `Failed`, or in `Answered` followed by exactly one
/// `Ended`. Every `Incoming` ends in exactly one `Ended`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A provisional response other than 100.
    Provisional {
        /// Our call.
        call: CallId,
        /// 180, 181, 182, 183…
        status: StatusCode,
        /// An answer (or, for a call without offer, an offer) to listen to early media.
        sdp: Option<Bytes>,
    },
    /// The network says whether what can be heard before the answer is meant to be heard (P-Early-Media, RFC 5009). Comes before the
    /// `Provisional` that told it.
    EarlyMedia {
        /// Our call.
        call: CallId,
        /// False: ring by yourself, and ignore what arrives.
        is_authorised: bool,
    },
    /// The other side took the call.
    Answered {
        /// Our call.
        call: CallId,
        /// The answer to our offer, unless an early answer already was final; or the offer when we made none: reply to it with
        /// [`answer_offer`](crate::Endpoint::answer_offer).
        sdp: Option<Bytes>,
    },
    /// The call was not answered. Nothing more will come about it.
    Failed {
        /// Our call.
        call: CallId,
        /// Why.
        cause: Cause,
    },
    /// Somebody calls us. Reply with `ring`, `answer` or `reject`.
    Incoming {
        /// The new call.
        call: CallId,
        /// The trunk it came from, or `None` for a caller who proved a password.
        trunk: Option<TrunkId>,
        /// From header; P-Asserted-Identity if the trunk gave one.
        from: Address,
        /// Request-URI.
        to: Address,
        /// The offer. Without it our answer will be the offer, and `OfferAnswered` brings the answer.
        sdp: Option<Bytes>,
        /// The headers that the endpoint does not consume itself, in order; and To, which may name another than the Request-URI.
        headers: Vec<(String, String)>,
    },
    /// Our 200 was acknowledged: the incoming call is established.
    Confirmed {
        /// The call.
        call: CallId,
    },
    /// The other side changes the session (re-INVITE or UPDATE). Reply with `answer_offer` or `refuse_offer`.
    Offer {
        /// The call.
        call: CallId,
        /// The new offer.
        sdp: Bytes,
    },
    /// The other side asks us for an offer (re-INVITE without SDP). Reply with `answer_offer`; `OfferAnswered` follows.
    OfferWanted {
        /// The call.
        call: CallId,
    },
    /// The answer to our offer.
    OfferAnswered {
        /// The call.
        call: CallId,
        /// The answer.
        sdp: Bytes,
    },
    /// Our offer was refused; the session stays as it was.
    OfferRefused {
        /// The call.
        call: CallId,
        /// 488, 491 after all retries, 500…
        status: StatusCode,
    },
    /// An INFO inside the call (already answered 200).
    Info {
        /// The call.
        call: CallId,
        /// Content-Type.
        content_type: String,
        /// Body.
        body: Bytes,
    },
    /// An answered or incoming call is over. Nothing more will come about it.
    Ended {
        /// The call.
        call: CallId,
        /// Who ended it.
        by: Party,
        /// Why.
        cause: Cause,
    },
    /// The trunk answers its pings again, or for the first time.
    TrunkUp {
        /// The trunk.
        trunk: TrunkId,
    },
    /// No target of the trunk answers, or it asked for a pause.
    TrunkDown {
        /// The trunk.
        trunk: TrunkId,
        /// Why; `retry_after` holds the pause that a 503 asked for.
        cause: Cause,
    },
    /// The registrar accepted us.
    Registered {
        /// The trunk.
        trunk: TrunkId,
        /// Granted lifetime.
        expires: Duration,
    },
    /// The registrar refused, or does not answer. Tried again by itself.
    RegistrationFailed {
        /// The trunk.
        trunk: TrunkId,
        /// Why.
        cause: Cause,
    },
}

/// A party of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// This side.
    Local,
    /// The other side.
    Remote,
}

/// Who a header speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Address {
    /// Display name, unquoted.
    pub display_name: Option<Box<str>>,
    /// The user part of a SIP URI or the number of a tel URI; empty when there is none.
    pub user: Box<str>,
    /// The whole URI.
    pub uri: Box<str>,
}

/// Why a call failed or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Where the decision came from.
    pub origin: Origin,
    /// The final response, if one came.
    pub status: Option<StatusCode>,
    /// The text of the Reason header (RFC 3326), else of the status line.
    pub reason: Option<String>,
    /// The Q.850 cause of the Reason header.
    pub q850: Option<u8>,
    /// How long the peer asks us to wait (Retry-After).
    pub retry_after: Option<Duration>,
}

impl Cause {
    /// A cause of which only the origin is known.
    #[must_use]
    pub const fn new(origin: Origin) -> Cause {
        Cause {
            origin,
            status: None,
            reason: None,
            q850: None,
            retry_after: None,
        }
    }
}

/// Where the end of a call was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The peer said so.
    Remote,
    /// Our owner asked for it.
    Local,
    /// Nobody answered within the call's ring timeout.
    RingTimeout,
    /// No response within the transaction's time (Timer B, F, H) or the session timer ran out.
    Timeout,
    /// The message could not be sent: connection refused, no target left.
    Transport,
}
