//! The INVITE usage: one call from its first INVITE to its last BYE (RFC 3261 §13–15).

pub(crate) mod call;
pub(crate) mod called;
mod calling;
mod fork;
mod history;
mod identity;
mod offer;
mod prack;
pub(crate) mod session_timer;
mod update;

use std::time::Duration;

use bytes::Bytes;

pub(crate) use identity::{address_of_record, domain_of};

use crate::event::TrunkId;

/// A call to place.
#[derive(Debug, Clone)]
pub struct Invite {
    /// By which trunk.
    pub trunk: TrunkId,
    /// Whom to call.
    pub to: Destination,
    /// User part of From instead of the trunk's.
    pub from_user: Option<String>,
    /// Display name of From instead of the trunk's.
    pub display_name: Option<String>,
    /// SDP offer. Without it the peer's 200 brings one, to be answered by `answer_offer`.
    pub offer: Option<Bytes>,
    /// How long to wait for an answer before the call is cancelled.
    pub ring_timeout: Duration,
    /// More headers, written as they are.
    pub headers: Vec<(String, String)>,
}

impl Invite {
    /// A call with the trunk's own identity that rings for at most 60 s.
    #[must_use]
    pub fn new(trunk: TrunkId, to: Destination, offer: Bytes) -> Invite {
        Invite {
            trunk,
            to,
            from_user: None,
            display_name: None,
            offer: Some(offer),
            ring_timeout: Duration::from_secs(60),
            headers: Vec::new(),
        }
    }
}

/// Whom to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// The user part, completed with the trunk's domain: `sip:USER@DOMAIN`. Characters that a user part cannot hold are escaped.
    User(String),
    /// A whole SIP or tel URI.
    Uri(String),
}

/// Why a call could not even be tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// No trunk has this number.
    #[error("there is no trunk {0:?}")]
    UnknownTrunk(TrunkId),
    /// The trunk's name is not resolved yet, or no local address fits its targets.
    #[error("the trunk has no address to send to")]
    NoTarget,
    /// [`Limits::calls`](crate::Limits::calls) or the limit of client transactions is reached.
    #[error("too many calls at once")]
    TooManyCalls,
    /// The destination is not a URI that can be called.
    #[error("“{0}” is not an address that can be called")]
    Destination(String),
    /// A header that would break the message.
    #[error("the header “{0}” cannot be sent")]
    Header(String),
}

/// Why a request about a call was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The call is over, or never was.
    #[error("there is no such call")]
    Unknown,
    /// The call is not in a state in which this can be done.
    #[error("the call is not in a state for this")]
    State,
}
