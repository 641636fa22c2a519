//! The bodies of the commands that need no running system.

pub mod parse;
