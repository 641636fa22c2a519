//! One session description: read, answered, and taken as an answer.
#![no_main]

#[path = "../../crates/rtp-media/tests/checks/mod.rs"]
mod checks;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| checks::description(bytes));
