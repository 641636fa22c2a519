//! Reads descriptions leniently: what is not understood and not needed is passed over.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{MAX_BYTES, SdpError, base64};
use crate::session::{Codec, Direction, MasterKey, Suite};

/// Limits beyond the size: a description within it can still ask for much work.
const MAX_MEDIA: usize = 16;
const MAX_FORMATS: usize = 64;
const MAX_CRYPTO: usize = 16;

/// `o=`: who describes, and which edition of the description this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Names the session, with the address.
    pub session_id: String,
    /// Grows with every change (RFC 3264 §8).
    pub version: String,
    /// The rest of the line.
    pub address: String,
}

/// A description, as far as audio needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description {
    /// `o=`, if it can be read.
    pub origin: Option<Origin>,
    /// All `m=` sections in order.
    pub media: Vec<Media>,
}

/// One `m=` section with the session level's values filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// `audio`, `video`, `image` …
    pub kind: String,
    /// 0 if refused.
    pub port: u16,
    /// `RTP/AVP`, `RTP/SAVP` …
    pub profile: String,
    /// The formats as written, in order of preference.
    pub formats: Vec<String>,
    /// `c=` of the section, or of the session.
    pub address: Option<IpAddr>,
    /// As the peer wrote it, seen from the peer.
    pub direction: Direction,
    /// `a=rtpmap`: payload type, encoding name, clock, channels.
    pub(crate) rtpmaps: Vec<(u8, String, u32, u32)>,
    /// `a=ptime`, `a=maxptime` in ms.
    pub(crate) ptime: Option<u32>,
    pub(crate) maxptime: Option<u32>,
    /// `a=rtcp` (RFC 3605) and `a=rtcp-mux` (RFC 5761); `b=RS:0` with `b=RR:0` (RFC 3556).
    pub(crate) rtcp: Option<(u16, Option<IpAddr>)>,
    pub(crate) rtcp_mux: bool,
    pub(crate) no_rtcp: (bool, bool),
    /// The usable `a=crypto` lines: tag, suite, key.
    pub(crate) crypto: Vec<(u32, Suite, MasterKey)>,
}

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// [`SdpError::TooLong`], or [`SdpError::Malformed`] for an `m=` line that cannot be read; other bad lines are passed over.
    pub fn parse(bytes: &[u8]) -> Result<Description, SdpError> {
        if bytes.len() > MAX_BYTES {
            return Err(SdpError::TooLong);
        }
        let text = String::from_utf8_lossy(bytes);
        let mut description = Description::default();
        let mut session_address = None;
        let mut session_direction = Direction::SendRecv;
        for (index, line) in text.split(['\n', '\r']).filter(|l| !l.is_empty()).enumerate() {
            let Some((kind, value)) = line.split_once('=') else {
                continue;
            };
            let value = value.trim();
            let section = description.media.last_mut();
            match (kind.trim(), section) {
                ("o", None) => description.origin = origin(value),
                ("m", _) => {
                    if description.media.len() == MAX_MEDIA {
                        return Err(SdpError::TooLong);
                    }
                    let media = Media::parse(value, session_address, session_direction);
                    description
                        .media
                        .push(media.ok_or(SdpError::Malformed { line: index + 1 })?);
                }
                ("c", None) => session_address = connection(value),
                ("c", Some(media)) => media.address = connection(value).or(media.address),
                ("a", None) => session_direction = direction(value).unwrap_or(session_direction),
                ("a", Some(media)) => media.attribute(value),
                ("b", Some(media)) => match value.split_once(':') {
                    Some(("RS", "0")) => media.no_rtcp.0 = true,
                    Some(("RR", "0")) => media.no_rtcp.1 = true,
                    _ => {}
                },
                _ => {}
            }
        }
        Ok(description)
    }
}

impl Media {
    fn parse(value: &str, address: Option<IpAddr>, direction: Direction) -> Option<Media> {
        let mut words = value.split_ascii_whitespace();
        let kind = words.next()?.to_ascii_lowercase();
        // "49170/2" asks for several ports; one is enough.
        let port = words.next()?.split('/').next()?.parse().ok()?;
        let profile = words.next()?.to_ascii_uppercase();
        let formats: Vec<String> = words.take(MAX_FORMATS).map(str::to_owned).collect();
        // What we refuse is written back (RFC 3264 §6), so nothing may stand there that breaks our own description.
        let is_word = |word: &str| word.bytes().all(|c| c.is_ascii_graphic());
        if !is_word(&kind) || !is_word(&profile) || !formats.iter().all(|format| is_word(format)) {
            return None;
        }
        Some(Media {
            kind,
            port,
            profile,
            formats,
            address,
            direction,
            rtpmaps: Vec::new(),
            ptime: None,
            maxptime: None,
            rtcp: None,
            rtcp_mux: false,
            no_rtcp: (false, false),
            crypto: Vec::new(),
        })
    }

    fn attribute(&mut self, value: &str) {
        if let Some(direction) = direction(value) {
            self.direction = direction;
            return;
        }
        let (name, value) = value.split_once(':').unwrap_or((value, ""));
        let value = value.trim();
        match name.trim() {
            "rtpmap" if self.rtpmaps.len() < MAX_FORMATS => self.rtpmaps.extend(rtpmap(value)),
            "ptime" => self.ptime = milliseconds(value),
            "maxptime" => self.maxptime = milliseconds(value),
            "rtcp" => {
                let mut words = value.split_ascii_whitespace();
                let port = words.next().and_then(|p| p.parse().ok()).filter(|&p| p != 0);
                let address = words.nth(2).and_then(|a| a.parse().ok());
                self.rtcp = port.map(|port| (port, address));
            }
            "rtcp-mux" => self.rtcp_mux = true,
            "crypto" if self.crypto.len() < MAX_CRYPTO => self.crypto.extend(crypto(value)),
            _ => {}
        }
    }

    /// Where RTP is to be sent. `None` for no address, a multicast address, or none but the old sign of hold.
    pub(crate) fn remote(&self) -> Option<SocketAddr> {
        let address = self.address.filter(|a| !a.is_multicast())?;
        Some(SocketAddr::new(address, self.port))
    }

    /// Hold as RFC 2543 had it: `c=IN IP4 0.0.0.0`.
    pub(crate) fn is_held_by_address(&self) -> bool {
        self.address.is_some_and(|a| a.is_unspecified())
    }

    /// The codec of a payload type: by `a=rtpmap`, or by RFC 3551 if there is none.
    pub(crate) fn codec(&self, payload_type: u8) -> Option<Codec> {
        match self.rtpmaps.iter().find(|(pt, ..)| *pt == payload_type) {
            Some((_, name, clock, channels)) => match (name.to_ascii_uppercase().as_str(), clock, channels) {
                ("PCMA", 8_000, 1) => Some(Codec::Pcma),
                ("PCMU", 8_000, 1) => Some(Codec::Pcmu),
                ("G722", 8_000 | 16_000, 1) => Some(Codec::G722),
                ("OPUS", 48_000, _) => Some(Codec::Opus),
                _ => None,
            },
            None => [Codec::Pcma, Codec::Pcmu, Codec::G722]
                .into_iter()
                .find(|c| c.static_payload_type() == Some(payload_type)),
        }
    }

    /// The payload type of telephone events at this clock.
    pub(crate) fn events(&self, clock: u32) -> Option<u8> {
        self.payload_types().find(|pt| {
            self.rtpmaps
                .iter()
                .any(|(p, name, c, _)| p == pt && name.eq_ignore_ascii_case("telephone-event") && *c == clock)
        })
    }

    /// The payload type of comfort noise (RFC 3389).
    pub(crate) fn comfort_noise(&self) -> Option<u8> {
        self.payload_types()
            .find(|&pt| match self.rtpmaps.iter().find(|(p, ..)| *p == pt) {
                Some((_, name, clock, _)) => name.eq_ignore_ascii_case("CN") && *clock == 8_000,
                None => pt == 13,
            })
    }

    /// The formats that are payload types, in order.
    pub(crate) fn payload_types(&self) -> impl Iterator<Item = u8> {
        self.formats
            .iter()
            .filter_map(|f| f.parse().ok())
            .filter(|&pt: &u8| pt < 128)
    }
}

fn origin(value: &str) -> Option<Origin> {
    let mut words = value.split_ascii_whitespace().skip(1);
    Some(Origin {
        session_id: words.next()?.to_owned(),
        version: words.next()?.to_owned(),
        address: words.collect::<Vec<_>>().join(" "),
    })
}

/// `IN IP4 192.0.2.1`, with a TTL behind a slash for multicast. Host names are not resolved here.
fn connection(value: &str) -> Option<IpAddr> {
    let address = value.split_ascii_whitespace().nth(2)?;
    let address = address.split('/').next()?;
    address.parse::<IpAddr>().ok().map(|a| match a {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(a, IpAddr::V4),
        IpAddr::V4(Ipv4Addr { .. }) => a,
    })
}

fn direction(attribute: &str) -> Option<Direction> {
    match attribute.trim() {
        "sendrecv" => Some(Direction::SendRecv),
        "sendonly" => Some(Direction::SendOnly),
        "recvonly" => Some(Direction::RecvOnly),
        "inactive" => Some(Direction::Inactive),
        _ => None,
    }
}

/// Some senders write "20.0".
fn milliseconds(value: &str) -> Option<u32> {
    value.split('.').next()?.parse().ok().filter(|&ms| ms > 0)
}

fn rtpmap(value: &str) -> Option<(u8, String, u32, u32)> {
    let (pt, encoding) = value.split_once([' ', '\t'])?;
    let mut parts = encoding.trim().split('/');
    let name = parts.next()?.to_owned();
    let clock = parts.next()?.trim().parse().ok()?;
    let channels = parts.next().and_then(|c| c.trim().parse().ok()).unwrap_or(1);
    Some((pt.trim().parse().ok()?, name, clock, channels))
}

/// `1 AES_CM_128_HMAC_SHA1_80 inline:…|2^20|1:4` (RFC 4568 §9.1). Lines that ask for what we do not do (a key identifier, a
/// session parameter that weakens) are passed over, as §5.1.2 lets us.
fn crypto(value: &str) -> Option<(u32, Suite, MasterKey)> {
    let mut words = value.split_ascii_whitespace();
    let tag = words.next()?.parse().ok()?;
    let suite = Suite::from_name(words.next()?)?;
    let key = words.next()?;
    if words.next().is_some() || key.contains(';') {
        return None;
    }
    let (method, key) = key.split_once(':')?;
    let mut parts = key.split('|');
    let bytes = base64::decode(parts.next()?)?;
    if !method.eq_ignore_ascii_case("inline") || parts.any(|p| p.contains(':')) {
        return None;
    }
    Some((tag, suite, MasterKey::from_inline(suite, &bytes)?))
}
