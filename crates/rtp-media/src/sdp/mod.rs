//! SDP (RFC 8866) by the rules of offer and answer (RFC 3264), for one audio stream.
//!
//! Signalling carries the bodies without reading them; here they become a [`Session`](crate::Session) that the engine runs.

mod base64;
mod negotiate;
mod parse;
mod write;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use crate::amd;
use crate::session::{Codec, Direction, MasterKey, Ptime, Source, Suite};

pub use negotiate::{accept_answer, answer};
pub use parse::{Description, Media, Origin};
pub use write::offer;

/// What we want of one call's media. One value serves the offer and the reading of its answer, or the answer to an offer.
#[derive(Debug, Clone)]
pub struct OfferSettings {
    /// Our RTP address, as the peer must reach it.
    pub address: SocketAddr,
    /// Codecs, the best first.
    pub codecs: Vec<Codec>,
    /// Packet time we ask for and send unless the peer asks for another.
    pub ptime: Ptime,
    /// Offer telephone events (RFC 4733).
    pub events: bool,
    /// When to listen for keys in the audio as well.
    pub inband: InBandPolicy,
    /// Encryption.
    pub srtp: SrtpPolicy,
    /// Our keys: one per suite, the best suite first. Needed unless `srtp` is off. See [`make_keys`].
    pub keys: Vec<(Suite, MasterKey)>,
    /// Offer RTP and RTCP on one port (RFC 5761).
    pub rtcp_mux: bool,
    /// Direction to offer; for an answer, the most that is allowed.
    pub direction: Direction,
    /// Session id of `o=`: the same over a call's life.
    pub session_id: u64,
    /// Version of `o=`: one more each time that our description changes (RFC 3264 §8).
    pub version: u64,
    /// Which senders are accepted.
    pub source: Source,
    /// Tell an answering machine from a person.
    pub amd: Option<amd::Settings>,
    /// Tell progress tones before the answer, and a fax machine after it.
    pub tones: bool,
    /// When a silent peer is reported dead.
    pub silence_timeout: Option<Duration>,
}

impl OfferSettings {
    /// What French carriers expect: A-law, then µ-law and G.722, 20 ms, telephone events, no encryption.
    pub fn new(address: SocketAddr, session_id: u64) -> OfferSettings {
        OfferSettings {
            address,
            codecs: vec![Codec::Pcma, Codec::Pcmu, Codec::G722],
            ptime: Ptime::MS_20,
            events: true,
            inband: InBandPolicy::default(),
            srtp: SrtpPolicy::Off,
            keys: Vec::new(),
            rtcp_mux: false,
            direction: Direction::SendRecv,
            session_id,
            version: 1,
            source: Source::default(),
            amd: None,
            tones: false,
            silence_timeout: Some(Duration::from_secs(10)),
        }
    }
}

/// When keys are looked for in the audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InBandPolicy {
    /// Always: some gateways promise events and pass tones. One key is reported once.
    #[default]
    Always,
    /// Only if the peer did not agree to telephone events.
    WithoutEvents,
    /// Never.
    Never,
}

/// Whether a trunk's calls are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SrtpPolicy {
    /// Plain RTP.
    #[default]
    Off,
    /// Keys are offered under the plain profile; the call goes on without if the peer ignores them.
    Offered,
    /// RTP/SAVP: no call without encryption.
    Required,
}

/// Why a description cannot be used. The variants that a peer causes are answered with 488.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// More than [`MAX_BYTES`] or too many lines.
    #[error("the session description is too long")]
    TooLong,
    /// A line that cannot be understood.
    #[error("line {line} of the session description is malformed")]
    Malformed {
        /// Counted from 1.
        line: usize,
    },
    /// There is no audio stream.
    #[error("the session description has no audio stream")]
    NoAudio,
    /// The peer answered our stream with port 0.
    #[error("the peer refused the audio stream")]
    Refused,
    /// No codec that both sides know.
    #[error("no codec in common")]
    NoCommonCodec,
    /// No IP address for the stream, or one of a family in which we have none.
    #[error("the session description has no usable address for the audio stream")]
    NoAddress,
    /// We require encryption and the peer does not do it, or not with a suite that we know.
    #[error("encryption is required and the peer does not agree to it")]
    EncryptionRequired,
    /// The peer requires what we may not do: an unknown profile, or encryption where it is off.
    #[error("the media profile is not supported")]
    Profile,
}

/// Longest description that is read.
pub const MAX_BYTES: usize = 16 * 1024;

/// Random keys for [`OfferSettings::keys`], one per suite of [`Suite::ALL`]. `fill` fills a buffer with cryptographic randomness.
pub fn make_keys(mut fill: impl FnMut(&mut [u8])) -> Vec<(Suite, MasterKey)> {
    let mut random = |len| {
        let mut bytes = vec![0; len];
        fill(&mut bytes);
        bytes
    };
    Suite::ALL
        .into_iter()
        .map(|suite| {
            (
                suite,
                MasterKey {
                    key: random(suite.key_len()),
                    salt: random(suite.salt_len()),
                },
            )
        })
        .collect()
}

/// The payload type under which we offer a codec.
pub(crate) fn payload_type(codec: Codec) -> u8 {
    codec.static_payload_type().unwrap_or(96)
}

/// The payload type under which we offer telephone events of a clock.
pub(crate) fn event_payload_type(clock: u32) -> u8 {
    if clock == 48_000 { 100 } else { 101 }
}
