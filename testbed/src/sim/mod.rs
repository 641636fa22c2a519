//! The simulator: the dialer, the journal, the switchboard with its call scripts, and the SIP endpoint run in virtual
//! time against a hostile carrier, on a network that loses, repeats and reorders packets, with crashes at any moment.
//!
//! Hours of campaign take seconds, and everything follows from one seed: a failing seed is printed and can be replayed.

mod bound;
mod carrier;
mod media;
mod network;
mod phone;
mod queue;
mod scene;
mod setup;
mod shape;
mod waste;
mod world;
mod yardstick;

pub use bound::bound;
pub use network::Quality;
pub use phone::Population;
pub use scene::predict;
pub use setup::{Faults, Report, Setup, Span, Violation};
pub use shape::{Shape, shapes};
pub use waste::waste;
pub use world::run;
pub use yardstick::{Comparison, Order, Times, schedule};
