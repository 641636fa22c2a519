//! tocsin, the program: configuration, wiring, command line.

pub mod commands;
