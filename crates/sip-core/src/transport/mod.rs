//! What lies between sockets and messages: framing of TCP and TLS byte streams (RFC 3261 §18.3).

pub mod framing;
