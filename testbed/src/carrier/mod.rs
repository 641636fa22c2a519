//! A simulated telephone carrier.
//!
//! It has a list of telephones ([`phones`]), each of which does something different when it is rung ([`behaviour`]): answers and
//! presses a key, refuses, lets it ring. One call to one telephone is a small machine ([`telephone`]). Signalling is
//! [`exchange`], on the same SIP endpoint as tocsin; media ([`media`]) is deliberately simpler than tocsin's: it decodes nothing
//! and counts packets. What the carrier saw is in [`counts`], against which tocsin's own report is compared.

pub mod behaviour;
pub mod counts;
pub mod exchange;
pub mod media;
pub mod phones;
pub mod service;
pub mod sound;
pub mod telephone;
