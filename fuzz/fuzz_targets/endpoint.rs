//! An endpoint fed with hostile datagrams, responses and orders, in virtual time: every call ends, and is told to end once.
#![no_main]

#[path = "../../crates/sip-core/tests/checks/siege.rs"]
mod siege;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| siege::siege(bytes));
