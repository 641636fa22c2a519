//! Counts of what went over the wire.

use std::collections::HashMap;

use crate::event::TrunkId;
use crate::message::{Method, StatusCode};

/// In or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// From a peer.
    Received,
    /// From us.
    Sent,
}

/// The method of a counted message. Unknown methods are counted together, so that peers cannot grow the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Kind {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Register,
    Prack,
    Update,
    Info,
    Other,
}

impl Kind {
    /// The kind of a method.
    #[must_use]
    pub fn of(method: &Method) -> Kind {
        match method {
            Method::Invite => Kind::Invite,
            Method::Ack => Kind::Ack,
            Method::Bye => Kind::Bye,
            Method::Cancel => Kind::Cancel,
            Method::Options => Kind::Options,
            Method::Register => Kind::Register,
            Method::Prack => Kind::Prack,
            Method::Update => Kind::Update,
            Method::Info => Kind::Info,
            _ => Kind::Other,
        }
    }

    /// The label for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Invite => "INVITE",
            Kind::Ack => "ACK",
            Kind::Bye => "BYE",
            Kind::Cancel => "CANCEL",
            Kind::Options => "OPTIONS",
            Kind::Register => "REGISTER",
            Kind::Prack => "PRACK",
            Kind::Update => "UPDATE",
            Kind::Info => "INFO",
            Kind::Other => "other",
        }
    }
}

/// What is counted separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    /// The trunk, if the message belongs to one.
    pub trunk: Option<TrunkId>,
    /// In or out.
    pub direction: Direction,
    /// The method, for responses that of their request.
    pub kind: Kind,
    /// The status of a response; `None` for requests.
    pub status: Option<StatusCode>,
}

/// The counts since the endpoint was made. Requests and responses are counted once; repeats separately.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    messages: HashMap<Label, u64>,
    /// Messages sent again because no answer came.
    pub retransmissions: u64,
    /// Transactions that nobody answered.
    pub timeouts: u64,
    /// Datagrams and stream pieces that are not SIP, or faulty beyond an answer.
    pub unreadable: u64,
    /// Faulty requests that were answered 400 or alike.
    pub refused_faulty: u64,
    /// Requests from strangers that were answered 401, 403 or 503 without a trace.
    pub refused_strangers: u64,
    /// Requests that were dropped because the rate of refusals was exhausted, or a limit was reached.
    pub dropped: u64,
    /// Responses that match no request of ours.
    pub stray_responses: u64,
    /// CRLF keep-alives.
    pub keep_alives: u64,
}

impl Counters {
    pub(crate) fn count(
        &mut self,
        trunk: Option<TrunkId>,
        direction: Direction,
        method: &Method,
        status: Option<StatusCode>,
    ) {
        *self
            .messages
            .entry(Label {
                trunk,
                direction,
                kind: Kind::of(method),
                status,
            })
            .or_default() += 1;
    }

    /// All message counts.
    pub fn messages(&self) -> impl Iterator<Item = (Label, u64)> + '_ {
        self.messages.iter().map(|(&label, &count)| (label, count))
    }

    /// One message count.
    #[must_use]
    pub fn get(&self, label: Label) -> u64 {
        self.messages.get(&label).copied().unwrap_or(0)
    }
}
