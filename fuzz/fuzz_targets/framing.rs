//! One stream, cut into pieces of the length that its first byte gives, and not cut: the same messages come out.
#![no_main]

#[path = "../../crates/sip-core/tests/checks/mod.rs"]
mod checks;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let [cut, stream @ ..] = bytes {
        checks::stream(stream, usize::from(*cut));
    }
});
