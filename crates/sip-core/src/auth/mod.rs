//! Digest authentication (RFC 3261 §22, RFC 7616, RFC 8760).

pub(crate) mod client;
mod digest;
pub(crate) mod server;
