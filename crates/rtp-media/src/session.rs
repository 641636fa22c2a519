//! What signalling agreed for one call's media: the outcome of an SDP offer and answer, ready for a [`Stream`](crate::Stream).

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::amd;

/// An audio codec of telephony.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 A-law, the codec of European telephone networks (RFC 3551 §4.5.14).
    Pcma,
    /// G.711 µ-law (RFC 3551 §4.5.14).
    Pcmu,
    /// G.722 at 64 kbit/s: 16 kHz audio whose RTP clock is 8000 by history (RFC 3551 §4.5.2).
    G722,
    /// Opus in mono; the RTP clock is always 48000 (RFC 7587).
    Opus,
}

impl Codec {
    /// Rate of the RTP timestamps, in Hz.
    pub fn clock(self) -> u32 {
        match self {
            Codec::Pcma | Codec::Pcmu | Codec::G722 => 8_000,
            Codec::Opus => 48_000,
        }
    }

    /// Rate of the audio that enters the encoder and leaves the decoder, in Hz.
    pub fn sample_rate(self) -> u32 {
        match self {
            Codec::Pcma | Codec::Pcmu => 8_000,
            Codec::G722 => 16_000,
            Codec::Opus => 48_000,
        }
    }

    /// The payload type that RFC 3551 assigns, if it does.
    pub fn static_payload_type(self) -> Option<u8> {
        match self {
            Codec::Pcmu => Some(0),
            Codec::Pcma => Some(8),
            Codec::G722 => Some(9),
            Codec::Opus => None,
        }
    }
}

/// Time between the starts of two packets of one stream. RFC 3551 §4.5 recommends 20 ms for G.711.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ptime(u8);

impl Ptime {
    /// 20 ms, what every carrier expects.
    pub const MS_20: Ptime = Ptime(20);

    /// All packet times that are accepted.
    pub const ALL: [Ptime; 6] = [Ptime(10), Ptime(20), Ptime(30), Ptime(40), Ptime(50), Ptime(60)];

    /// `ms` if it is 10, 20, 30, 40, 50 or 60.
    pub fn new(ms: u32) -> Option<Ptime> {
        Ptime::ALL.into_iter().find(|p| p.ms() == ms)
    }

    /// In milliseconds.
    pub fn ms(self) -> u32 {
        u32::from(self.0)
    }

    /// As a duration.
    pub fn duration(self) -> Duration {
        Duration::from_millis(u64::from(self.0))
    }

    /// RTP timestamp units in one packet at `clock` Hz.
    pub fn ticks(self, clock: u32) -> u32 {
        clock / 1000 * self.ms()
    }
}

impl Default for Ptime {
    fn default() -> Self {
        Ptime::MS_20
    }
}

impl fmt::Debug for Ptime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// Telephone events (RFC 4733) as negotiated in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// RTP payload type, 96..=127.
    pub payload_type: u8,
    /// Clock of its timestamps and durations in Hz: 8000, or 48000 beside Opus.
    pub clock: u32,
}

/// Which way media flows, seen from us (RFC 3264 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// We send only: the peer has muted itself.
    SendOnly,
    /// We receive only: the peer has put us on hold.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// May we send?
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Are packets expected from the peer?
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }
}

/// Where the peer wants RTCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rtcp {
    /// On the RTP port plus one (RFC 3550 §11), or where `a=rtcp` (RFC 3605) said.
    #[default]
    NextPort,
    /// At this address (RFC 3605).
    At(SocketAddr),
    /// On the RTP port itself (RFC 5761).
    Mux,
    /// The peer has refused RTCP.
    Off,
}

/// An SRTP crypto suite (RFC 4568, RFC 7714).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suite {
    /// `AES_CM_128_HMAC_SHA1_80`.
    AesCm128HmacSha1_80,
    /// `AES_CM_128_HMAC_SHA1_32`.
    AesCm128HmacSha1_32,
    /// `AEAD_AES_128_GCM`.
    AeadAes128Gcm,
    /// `AEAD_AES_256_GCM`.
    AeadAes256Gcm,
}

impl Suite {
    /// All suites, the strongest first.
    pub const ALL: [Suite; 4] = [
        Suite::AeadAes256Gcm,
        Suite::AeadAes128Gcm,
        Suite::AesCm128HmacSha1_80,
        Suite::AesCm128HmacSha1_32,
    ];

    /// The name in `a=crypto`.
    pub fn name(self) -> &'static str {
        match self {
            Suite::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Suite::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Suite::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// The suite of this name.
    pub fn from_name(name: &str) -> Option<Suite> {
        Suite::ALL.into_iter().find(|s| s.name().eq_ignore_ascii_case(name))
    }

    /// Length of the master key in bytes.
    pub fn key_len(self) -> usize {
        match self {
            Suite::AeadAes256Gcm => 32,
            _ => 16,
        }
    }

    /// Length of the master salt in bytes.
    pub fn salt_len(self) -> usize {
        match self {
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => 14,
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => 12,
        }
    }
}

/// Master key and salt of one direction, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    /// [`Suite::key_len`] bytes.
    pub key: Vec<u8>,
    /// [`Suite::salt_len`] bytes.
    pub salt: Vec<u8>,
}

impl MasterKey {
    /// Splits the concatenated key and salt of an `inline:` parameter (RFC 4568 §6.1), after base64.
    pub fn from_inline(suite: Suite, bytes: &[u8]) -> Option<MasterKey> {
        (bytes.len() == suite.key_len() + suite.salt_len()).then(|| MasterKey {
            key: bytes[..suite.key_len()].to_vec(),
            salt: bytes[suite.key_len()..].to_vec(),
        })
    }

    /// Key and salt concatenated, for `inline:` (before base64).
    pub fn to_inline(&self) -> Vec<u8> {
        [self.key.as_slice(), self.salt.as_slice()].concat()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// SRTP keys of both directions (SDES, RFC 4568).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srtp {
    /// The suite both sides use.
    pub suite: Suite,
    /// Protects what we send.
    pub local: MasterKey,
    /// Protects what the peer sends.
    pub remote: MasterKey,
}

/// What signalling agreed for one call's media.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Where the peer's SDP wants our RTP. Its address is also the only one that packets are accepted from (see [`Source`]).
    pub remote: SocketAddr,
    /// Where the peer wants RTCP.
    pub rtcp: Rtcp,
    /// The codec we send.
    pub codec: Codec,
    /// The payload type we send it as: the peer's number for this codec.
    pub payload_type: u8,
    /// Payload types that the peer may send, by our own numbering; it may change between them in mid-stream.
    pub receive: Vec<(u8, Codec)>,
    /// Packet time that we send.
    pub ptime: Ptime,
    /// Telephone events we may send, by the peer's numbering; `None` if the peer did not offer them.
    pub events_out: Option<TelephoneEvent>,
    /// Telephone events we receive, by our numbering; `None` if we did not offer them.
    pub events_in: Option<TelephoneEvent>,
    /// Comfort noise (RFC 3389) that the peer may send; its payload type.
    pub comfort_noise_in: Option<u8>,
    /// Which way media flows.
    pub direction: Direction,
    /// Keys when the call is encrypted.
    pub srtp: Option<Srtp>,
    /// Which senders are accepted.
    pub source: Source,
    /// Listen for keys in the audio itself.
    pub inband_dtmf: bool,
    /// Tell an answering machine from a person, once the call is answered.
    pub amd: Option<amd::Settings>,
    /// Tell the network's progress tones before the answer, and a fax machine after it.
    pub tones: bool,
    /// The call is not answered yet: what comes is the network's, and nobody's greeting.
    pub is_early: bool,
    /// After this long without any packet while some are expected, the call is reported dead. `None`: never.
    pub silence_timeout: Option<Duration>,
}

/// How far the real sender of RTP may differ from what signalling promised.
///
/// The promised sender is locked onto with its first packet. Another that is allowed is locked onto once some of its packets
/// have followed each other while the promised one was not heard. Whoever is locked onto, others are refused and counted
/// until it has been silent for a while or a new SDP arrives; the promised one always wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Source {
    /// Only the address and port in the SDP (symmetric RTP as RFC 4961 asks).
    Exact,
    /// The address in the SDP, any port: behind a port-rewriting NAT, or a gateway that sends from another port.
    #[default]
    SameAddress,
    /// Anyone, until one is locked onto: for a peer behind NAT whose SDP tells a private address.
    Any,
}

impl Session {
    /// A plain PCMA session at 20 ms with telephone events as payload type 101 both ways.
    pub fn pcma(remote: SocketAddr) -> Session {
        Session {
            remote,
            rtcp: Rtcp::default(),
            codec: Codec::Pcma,
            payload_type: 8,
            receive: vec![(8, Codec::Pcma)],
            ptime: Ptime::MS_20,
            events_out: Some(TelephoneEvent {
                payload_type: 101,
                clock: 8_000,
            }),
            events_in: Some(TelephoneEvent {
                payload_type: 101,
                clock: 8_000,
            }),
            comfort_noise_in: None,
            direction: Direction::SendRecv,
            srtp: None,
            source: Source::default(),
            inband_dtmf: false,
            amd: None,
            tones: false,
            is_early: false,
            silence_timeout: Some(Duration::from_secs(10)),
        }
    }
}
