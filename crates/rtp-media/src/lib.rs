//! Media of telephone calls: RTP, RTCP, SRTP, codecs, keys, and an engine that paces thousands of calls.
//!
//! The machines own no socket, clock or thread; [`driver`] runs them on the kernel.

pub mod amd;
mod clip;
pub mod codec;
mod command;
pub mod driver;
pub mod dtmf;
pub mod engine;
pub mod import;
pub mod loudness;
pub mod opus_file;
pub mod ports;
pub mod record;
pub mod resample;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
mod session;
pub mod speech;
pub mod srtp;
mod stats;
mod stream;
pub mod tone;
mod voice;
pub mod wav;

pub use clip::{Clip, Encoded};
pub use command::{Answerer, Command, DigitSource, Event, StreamId};
pub use engine::Engine;
pub use session::{Codec, Direction, MasterKey, Ptime, Rtcp, Session, Source, Srtp, Suite, TelephoneEvent};
pub use stats::Stats;
pub use stream::Idle;
