//! Writes our descriptions.

use std::fmt::Write;
use std::net::SocketAddr;

use bytes::Bytes;

use super::{OfferSettings, SrtpPolicy, base64, event_payload_type, payload_type};
use crate::session::{Codec, Direction, MasterKey, Suite};

/// Our offer.
pub fn offer(settings: &OfferSettings) -> Bytes {
    let mut text = String::with_capacity(512);
    session(&mut text, settings);
    let clocks = event_clocks(settings);
    let formats = settings.codecs.iter().map(|&c| (payload_type(c), c)).collect();
    let events = clocks
        .into_iter()
        .map(|clock| (event_payload_type(clock), clock))
        .collect();
    let crypto = match settings.srtp {
        SrtpPolicy::Off => Vec::new(),
        _ => settings
            .keys
            .iter()
            .zip(1..)
            .map(|((suite, key), tag)| (tag, *suite, key))
            .collect(),
    };
    let profile = if settings.srtp == SrtpPolicy::Required {
        "RTP/SAVP"
    } else {
        "RTP/AVP"
    };
    section(
        &mut text,
        &Section {
            port: settings.address.port(),
            profile,
            formats,
            events,
            ptime: settings.ptime.ms(),
            rtcp_mux: settings.rtcp_mux,
            crypto,
            direction: settings.direction,
        },
    );
    Bytes::from(text)
}

/// Clocks of the telephone events that we offer: one for each clock among the codecs.
pub(super) fn event_clocks(settings: &OfferSettings) -> Vec<u32> {
    let mut clocks: Vec<u32> = Vec::new();
    if settings.events {
        for clock in settings.codecs.iter().map(|c| c.clock()) {
            if !clocks.contains(&clock) {
                clocks.push(clock);
            }
        }
    }
    clocks
}

/// The lines before the first `m=`.
pub(super) fn session(text: &mut String, settings: &OfferSettings) {
    let address = network(settings.address);
    let _ = write!(
        text,
        "v=0\r\no=- {} {} {address}\r\ns=-\r\nc={address}\r\nt=0 0\r\n",
        settings.session_id, settings.version
    );
}

/// Our audio section.
pub(super) struct Section<'a> {
    pub port: u16,
    pub profile: &'a str,
    pub formats: Vec<(u8, Codec)>,
    pub events: Vec<(u8, u32)>,
    pub ptime: u32,
    pub rtcp_mux: bool,
    pub crypto: Vec<(u32, Suite, &'a MasterKey)>,
    pub direction: Direction,
}

pub(super) fn section(text: &mut String, section: &Section<'_>) {
    let _ = write!(text, "m=audio {} {}", section.port, section.profile);
    for pt in section
        .formats
        .iter()
        .map(|(pt, _)| pt)
        .chain(section.events.iter().map(|(pt, _)| pt))
    {
        let _ = write!(text, " {pt}");
    }
    text.push_str("\r\n");
    for (tag, suite, key) in &section.crypto {
        let _ = write!(
            text,
            "a=crypto:{tag} {} inline:{}\r\n",
            suite.name(),
            base64::encode(&key.to_inline())
        );
    }
    for &(pt, codec) in &section.formats {
        let name = match codec {
            Codec::Pcma => "PCMA/8000",
            Codec::Pcmu => "PCMU/8000",
            Codec::G722 => "G722/8000",
            Codec::Opus => "opus/48000/2",
        };
        let _ = write!(text, "a=rtpmap:{pt} {name}\r\n");
        if codec == Codec::Opus {
            let _ = write!(text, "a=fmtp:{pt} useinbandfec=1;stereo=0;sprop-stereo=0\r\n");
        }
    }
    for (pt, clock) in &section.events {
        let _ = write!(text, "a=rtpmap:{pt} telephone-event/{clock}\r\na=fmtp:{pt} 0-15\r\n");
    }
    let _ = write!(text, "a=ptime:{}\r\n", section.ptime);
    if section.rtcp_mux {
        text.push_str("a=rtcp-mux\r\n");
    }
    let direction = match section.direction {
        Direction::SendRecv => "sendrecv",
        Direction::SendOnly => "sendonly",
        Direction::RecvOnly => "recvonly",
        Direction::Inactive => "inactive",
    };
    let _ = write!(text, "a={direction}\r\n");
}

fn network(address: SocketAddr) -> String {
    let family = if address.is_ipv4() { "IP4" } else { "IP6" };
    format!("IN {family} {}", address.ip())
}
