//! Challenges, proofs, and right proofs that were damaged: nobody gets in without the password.
#![no_main]

#[path = "../../crates/sip-core/tests/checks/digest.rs"]
mod digest;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| digest::digest(bytes));
