//! The test bed of tocsin: far ends that behave like the world outside.
//!
//! - [`carrier`]: a simulated telephone carrier with thousands of telephones, a process of its own (`carrier`).
//! - [`demo`]: the demonstration of the main job (`demo`).

pub mod carrier;
pub mod demo;
pub mod signals;
