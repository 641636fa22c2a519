//! SIP for an alerting system: a user agent that takes no decision about time, sockets or threads by itself.
//!
//! - [`message`]: the wire grammar of RFC 3261 §25, zero-copy over [`bytes::Bytes`], and the writer.
//! - [`admission`]: which messages are let in, refused at once, or dropped.
//! - [`verdict`]: what the stack makes of one message, for people and programs.
//! - [`trace`]: the last messages of the last calls, as ladders and captures.
//! - [`transport`]: framing of byte streams into messages.
//! - [`Endpoint`]: messages and time in, messages and [`Event`]s out. Inside it the transactions, dialogs, calls, registrations.
//! - [`Config`], [`TrunkConfig`]: what the operator decides.
//! - [`Flow`], [`Transmit`]: where messages travel.
//! - `driver` (feature `tokio`): the endpoint on real sockets.

pub mod admission;
pub mod config;
#[cfg(feature = "tokio")]
pub mod driver;
pub mod message;
pub mod trace;
pub mod transport;
pub mod verdict;

mod auth;
mod compose;
mod counters;
mod dialog;
mod endpoint;
mod event;
mod flow;
mod ids;
mod invite;
mod registration;
mod slots;
mod transaction;

pub use config::{Asserted, Reliable, SessionTimer};
pub use config::{Config, Credentials, Identity, Limits, Local, Secret, Target, Timing, TrunkConfig};
pub use counters::{BOUNDS_MS, Counters, Direction, Histogram, Kind, Label};
pub use endpoint::Endpoint;
pub use event::{Address, CallId, Cause, Event, Origin, Party, TrunkId};
pub use flow::{Flow, Location, Transmit, Transport};
pub use invite::{CallError, Destination, Invite, InviteError};
pub use message::StatusCode;
