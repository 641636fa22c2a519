//! The test bed of tocsin: far ends that behave like the world outside.
//!
//! - [`carrier`]: a simulated telephone carrier with thousands of telephones, a process of its own (`carrier`).
//! - [`demo`]: the demonstration of the main job (`demo`).
//! - [`peers`]: calls to far ends that somebody else wrote (`peers`).
//! - [`crash`]: kills at random instants of a running campaign (`crash`).
//! - [`full_disk`]: a disk that fills up in the middle of a campaign (`crash --full-disk`).
//! - [`slow_disk`]: a disk that takes its time (`crash --slow-disk`).
//! - [`sim`]: the whole path in virtual time, from a seed (`simulate`).

pub mod carrier;
pub mod crash;
pub mod demo;
pub mod full_disk;
pub mod peers;
pub mod signals;
pub mod sim;
pub mod slow_disk;
