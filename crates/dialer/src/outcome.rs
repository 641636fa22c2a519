//! What becomes of a call, and how the side that places calls reports it.

use crate::AttemptId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The person pressed the confirming key.
    Confirmed,
    /// The call was answered by a person (or so it seemed) who did not confirm.
    AnsweredNotConfirmed(Heard),
    /// An answering machine took the call.
    Machine {
        /// Whether the message was left on it.
        message_left: bool,
    },
    /// The line was busy (486, 600).
    Busy,
    /// It rang until the ring timeout (or 408, 480 after ringing).
    NoAnswer,
    /// The number cannot be reached at all (404, 410, 484, 604…): it is not tried again.
    Unreachable {
        /// SIP status, 0 if there was none.
        status: u16,
    },
    /// The called side refused the call (603, 403…).
    Rejected {
        /// SIP status, 0 if there was none.
        status: u16,
    },
    /// The carrier, not the person, was the reason: 503, no channel, trunk down. Does not count as a try of the number.
    Congestion {
        /// SIP status, 0 if there was none.
        status: u16,
        /// What the carrier asked for (Retry-After, RFC 3261 §20.33).
        retry_after: Option<Duration>,
    },
    /// Any other failure.
    Failed {
        /// SIP status, 0 if there was none.
        status: u16,
    },
    /// We gave the attempt up before its end: campaign stopped, or the person confirmed on another number.
    Cancelled,
    /// A text message was taken by the gateway; whether it reached the handset is not known (yet).
    Sent,
    /// A text message reached the handset.
    Delivered,
    /// Nobody knows: the program stopped while the call was in progress, or its reports were lost.
    Unknown,
}

/// How much of the message a person who did not confirm has heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// The whole message, at least once.
    Whole,
    /// The person hung up during the message.
    Part,
    /// The call was answered and dropped before the message began, or nothing was heard of the person.
    Nothing,
}

/// The causes by which outcomes are counted and retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Confirmed by key.
    Confirmed,
    /// Heard the whole message and did not confirm.
    NotConfirmed,
    /// Hung up early.
    HungUpEarly,
    /// Answering machine.
    Machine,
    /// Busy line.
    Busy,
    /// Rang without answer.
    NoAnswer,
    /// Number unreachable.
    Unreachable,
    /// Call refused.
    Rejected,
    /// Carrier congestion or outage.
    Congestion,
    /// Other failure.
    Failed,
    /// Given up by us.
    Cancelled,
    /// Unknown end.
    Unknown,
    /// Text handed to the gateway.
    Sent,
    /// Text delivered to the handset.
    Delivered,
}

impl Cause {
    /// Every cause, in the order in which tables show them.
    pub const ALL: [Self; 14] = [
        Self::Confirmed,
        Self::NotConfirmed,
        Self::HungUpEarly,
        Self::Machine,
        Self::Busy,
        Self::NoAnswer,
        Self::Unreachable,
        Self::Rejected,
        Self::Congestion,
        Self::Failed,
        Self::Cancelled,
        Self::Unknown,
        Self::Sent,
        Self::Delivered,
    ];

    /// The name used in JSON and metrics, such as `no_answer`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::NotConfirmed => "not_confirmed",
            Self::HungUpEarly => "hung_up_early",
            Self::Machine => "machine",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::Unreachable => "unreachable",
            Self::Rejected => "rejected",
            Self::Congestion => "congestion",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
        }
    }
}

impl Outcome {
    /// The cause under which this outcome is counted.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::Confirmed => Cause::Confirmed,
            Self::AnsweredNotConfirmed(Heard::Whole) => Cause::NotConfirmed,
            Self::AnsweredNotConfirmed(Heard::Part | Heard::Nothing) => Cause::HungUpEarly,
            Self::Machine { .. } => Cause::Machine,
            Self::Busy => Cause::Busy,
            Self::NoAnswer => Cause::NoAnswer,
            Self::Unreachable { .. } => Cause::Unreachable,
            Self::Rejected { .. } => Cause::Rejected,
            Self::Congestion { .. } => Cause::Congestion,
            Self::Failed { .. } => Cause::Failed,
            Self::Cancelled => Cause::Cancelled,
            Self::Unknown => Cause::Unknown,
            Self::Sent => Cause::Sent,
            Self::Delivered => Cause::Delivered,
        }
    }

    /// Whether somebody or something took the call, or the text reached a handset.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        matches!(
            self,
            Self::Confirmed | Self::AnsweredNotConfirmed(_) | Self::Machine { .. } | Self::Delivered
        )
    }
}

/// What the side that places calls measured about one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct CallStats {
    /// From the INVITE to the answer, or to the end if there was none.
    pub ringing: Duration,
    /// From the answer to the end; zero if there was no answer.
    pub talking: Duration,
    /// Final SIP status, if any.
    pub status: Option<u16>,
    /// Q.850 cause from a Reason header (RFC 3326), if any.
    pub q850: Option<u8>,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP packets received.
    pub packets_received: u64,
    /// RTP packets lost on the way to us.
    pub packets_lost: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1) in microseconds.
    pub jitter_us: u32,
    /// Digits heard.
    pub digits: u16,
    /// Post-dial delay: from the INVITE to the first sign of the called telephone (180, 183 or the answer).
    pub post_dial: Option<Duration>,
    /// Round trip by RTCP (RFC 3550 §6.4.1).
    pub round_trip: Option<Duration>,
    /// RTP packets of ours that the far end reports lost (RFC 3550 §6.4.1).
    pub remote_lost: Option<u64>,
}

/// What the side that places calls tells the dialer.
#[derive(Debug, Clone, PartialEq)]
pub enum CallReport {
    /// The far end rings (180, 183).
    Ringing {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// The far end answered.
    Answered {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// The person pressed the confirming key. Thanks may only be spoken after [`crate::Action::Acknowledge`].
    ConfirmRequested {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// A text message reached the handset; may come long after its end.
    Delivered {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// The call is over, or the gateway took or refused the text. Exactly one per [`crate::Action::Place`] and
    /// [`crate::Action::Send`].
    Ended {
        /// Which attempt.
        attempt: AttemptId,
        /// How.
        outcome: Outcome,
        /// With what figures.
        stats: CallStats,
    },
}

impl CallReport {
    /// The attempt that this report is about.
    #[must_use]
    pub fn attempt(&self) -> AttemptId {
        match self {
            Self::Ringing { attempt }
            | Self::Answered { attempt }
            | Self::ConfirmRequested { attempt }
            | Self::Delivered { attempt }
            | Self::Ended { attempt, .. } => *attempt,
        }
    }
}
