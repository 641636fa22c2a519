//! What one carrier wants to see in our SIP, and another does not: further keys of `[[trunk]]`.

use std::time::Duration;

use sip_core::message::NameAddr;
use sip_core::{Asserted, Reliable};

use super::reader::Section;
use super::trunk::one_of;
use crate::words::Phrase;

/// The shortest session timer that RFC 4028 §4 allows, and the longest that we ask for.
const SESSION: std::ops::Range<Duration> = Duration::from_secs(90)..Duration::from_secs(86_401);

/// How a carrier is told who calls, and which extensions it speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dialect {
    /// How the caller number is told to the carrier beside From (RFC 3325).
    pub asserted: Asserted,
    /// The called person sees no number; the carrier does (RFC 3323).
    pub is_private: bool,
    /// Value of Diversion (RFC 5806), for calls in the name of a number that is not the trunk's own.
    pub diversion: Option<String>,
    /// Tell the history of a call too (RFC 7044).
    pub history: bool,
    /// Ask for a session timer (RFC 4028).
    pub session_timer: Option<Duration>,
    /// Reliable provisional responses (RFC 3262).
    pub reliable: Reliable,
    /// Ask whether early media is meant to be heard (RFC 5009).
    pub early_media: bool,
    /// Large requests go by TCP to the same address.
    pub tcp_for_large: bool,
}

pub(super) fn read(section: &mut Section<'_, '_>) -> Dialect {
    Dialect {
        asserted: section.read_with("caller_header", asserted).unwrap_or_default(),
        is_private: section.boolean("anonymous").unwrap_or(false),
        diversion: section.read_with("diversion", address),
        history: section.boolean("history_info").unwrap_or(false),
        session_timer: section.duration("session_timer", SESSION),
        reliable: section.read_with("prack", reliable).unwrap_or_default(),
        early_media: section.boolean("early_media").unwrap_or(false),
        tcp_for_large: section.boolean("tcp_for_large").unwrap_or(false),
    }
}

fn asserted(text: &str) -> Result<Asserted, Phrase> {
    match text {
        "none" => Ok(Asserted::No),
        "asserted" => Ok(Asserted::Asserted),
        "preferred" => Ok(Asserted::Preferred),
        _ => Err(one_of("none, asserted, preferred")),
    }
}

fn reliable(text: &str) -> Result<Reliable, Phrase> {
    match text {
        "off" => Ok(Reliable::Off),
        "supported" => Ok(Reliable::Supported),
        "required" => Ok(Reliable::Required),
        _ => Err(one_of("off, supported, required")),
    }
}

fn address(text: &str) -> Result<String, Phrase> {
    match text.parse::<NameAddr>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Phrase::new("config-expected-sip-address")),
    }
}
