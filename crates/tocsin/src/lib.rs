//! tocsin, the program: configuration, wiring, command line.
//!
//! - [`config`]: the operator's file, checked whole.
//! - [`extracts`]: directory extracts that are refreshed by themselves.
//! - [`switchboard`]: orders of the dialer become calls; sans-I/O, shared with the simulator.
//! - [`probe`]: calls that test a trunk.
//! - [`service`]: the running system: threads, voice, wiring.
//! - [`commands`]: what the command line does; [`words`]: what it says, in French and English.

pub mod commands;
pub mod config;
pub mod extracts;
pub mod probe;
pub mod service;
pub mod switchboard;
pub mod words;
