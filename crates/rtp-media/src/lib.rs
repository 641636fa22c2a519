//! Media of telephone calls: RTP, RTCP, SRTP, codecs, keys, and an engine that paces thousands of calls.
//!
//! The machines own no socket, clock or thread; [`driver`] runs them on the kernel.

mod clip;
pub mod codec;
mod command;
pub mod driver;
pub mod dtmf;
pub mod import;
pub mod loudness;
pub mod ports;
pub mod resample;
pub mod sdp;
mod session;
pub mod speech;
mod stats;
pub mod wav;

pub use clip::{Clip, Encoded};
pub use command::{Answerer, Command, DigitSource, Event, StreamId};
pub use session::{Codec, Direction, MasterKey, Ptime, Rtcp, Session, Source, Srtp, Suite, TelephoneEvent};
pub use stats::Stats;
