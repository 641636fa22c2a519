//! Transactions (RFC 3261 §17 with the corrections of RFC 6026): the four machines, and the table that matches messages to them.
//!
//! The machines know only time and status classes. They hold no message and do no I/O, so each reads like the RFC's figure.

pub(crate) mod client;
pub(crate) mod client_invite;
pub(crate) mod entry;
pub(crate) mod server;
pub(crate) mod server_invite;
pub(crate) mod table;
pub(crate) mod timer;
