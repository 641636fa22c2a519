//! What the measurements share.

pub mod core;
pub mod udp_floor;
pub mod udp_limit;
