//! Media of telephone calls: RTP, RTCP, SRTP, codecs, keys, and an engine that paces thousands of calls.
//!
//! The machines own no socket, clock or thread; [`driver`] runs them on the kernel.

mod clip;
mod command;
pub mod driver;
pub mod ports;
mod session;
mod stats;

pub use clip::{Clip, Encoded};
pub use command::{Answerer, Command, DigitSource, Event, StreamId};
pub use session::{Codec, Direction, MasterKey, Ptime, Rtcp, Session, Source, Srtp, Suite, TelephoneEvent};
pub use stats::Stats;
