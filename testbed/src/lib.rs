//! The test bed of tocsin: far ends that behave like the world outside.
//!
//! - [`carrier`]: a simulated telephone carrier with thousands of telephones, a process of its own (`carrier`).

pub mod carrier;
