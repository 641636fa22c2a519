//! tocsin, the program.
#![allow(missing_docs)]
fn main() {}
