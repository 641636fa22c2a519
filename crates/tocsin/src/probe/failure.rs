//! Why calls of a probe were never answered, as the rows of a table.

use std::fmt;

use serde::{Serialize, Serializer};
use sip_core::{Cause, Origin};

use crate::words::{Phrase, Told};

/// Why a call was never answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The far end refused: status and reason phrase, as it wrote them.
    Status(u16, Option<String>),
    /// The far end ended it without a status.
    Remote,
    /// We gave it up.
    Local,
    /// It rang too long.
    RingTimeout,
    /// Nothing answers.
    Timeout,
    /// It cannot be sent.
    Transport,
    /// No RTP port was free.
    NoPort,
    /// The stack did not take the call.
    Stack(String),
}

impl From<&Cause> for Failure {
    fn from(cause: &Cause) -> Self {
        match (cause.origin, cause.status) {
            (Origin::Remote, Some(status)) => Self::Status(status.code(), cause.reason.clone()),
            (Origin::Remote, None) => Self::Remote,
            (Origin::Local, _) => Self::Local,
            (Origin::RingTimeout, _) => Self::RingTimeout,
            (Origin::Timeout, _) => Self::Timeout,
            (Origin::Transport, _) => Self::Transport,
        }
    }
}

impl Told for Failure {
    fn told(&self) -> Phrase {
        match self {
            Self::Status(status, reason) => Phrase::new("failure-status")
                .with("status", status.to_string())
                .with("reason", reason.clone().unwrap_or_default()),
            Self::Remote => Phrase::new("failure-remote"),
            Self::Local => Phrase::new("failure-local"),
            Self::RingTimeout => Phrase::new("failure-ring-timeout"),
            Self::Timeout => Phrase::new("failure-timeout"),
            Self::Transport => Phrase::new("failure-transport"),
            Self::NoPort => Phrase::new("failure-no-port"),
            Self::Stack(words) => Phrase::new("failure-stack").with("words", words.clone()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.told().english().trim_end())
    }
}

/// In English, as the keys of the JSON output.
impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
