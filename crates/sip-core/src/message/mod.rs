//! The wire grammar of RFC 3261 §25.

mod status;

pub use status::{Class, StatusCode};
