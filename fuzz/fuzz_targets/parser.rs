//! One datagram: it is judged, and what can be read is written and read again.
#![no_main]

#[path = "../../crates/sip-core/tests/checks/mod.rs"]
mod checks;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| checks::datagram(bytes));
