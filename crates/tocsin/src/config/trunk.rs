//! One `[[trunk]]` of the configuration: a way to the telephone network.

use std::net::IpAddr;
use std::time::Duration;

use directory::E164;
use rtp_media::{Codec, Ptime};
use sip_core::Transport;

use super::dialect::Dialect;
use super::reader::Section;
use super::secret::Secret;
use super::{LONGEST_PERIOD, Mistake};
use crate::words::{Phrase, Told};

/// A carrier's SIP trunk.
#[derive(Debug, Clone)]
pub struct Trunk {
    /// How the operator calls it, in reports too.
    pub name: String,
    /// Host name or address of the carrier's border controller.
    pub host: String,
    /// Port; `None` lets the DNS decide (RFC 3263), 5060 or 5061 without records.
    pub port: Option<u16>,
    /// Transport to it.
    pub transport: Transport,
    /// Domain in From and To; the host unless the carrier wants another.
    pub domain: String,
    /// User name and password for digest authentication.
    pub credentials: Option<(String, Secret)>,
    /// Register with this expiry, when the carrier asks for a registration.
    pub register: Option<Duration>,
    /// How often the carrier is asked whether it is there (OPTIONS).
    pub ping: Option<Duration>,
    /// Numbers that may be shown to the called persons; the first is the default.
    pub callers: Vec<E164>,
    /// Most calls at once.
    pub channels: u32,
    /// Most new calls a second.
    pub calls_per_second: u32,
    /// Codecs offered, best first.
    pub codecs: Vec<Codec>,
    /// Length of the packets of sound that are asked for, and sent unless the carrier wants another.
    pub ptime: Ptime,
    /// An answered call from which nothing has come for so long is dead and is ended; `None`: never.
    pub silence: Option<Duration>,
    /// Whether media are encrypted.
    pub security: Security,
    /// How called numbers are written.
    pub number_format: NumberFormat,
    /// Listen for DTMF in the sound too, for carriers that do not convert every telephone's tones to events.
    pub inband_dtmf: bool,
    /// Further addresses that this carrier calls from, besides those that the host resolves to.
    pub accept_from: Vec<IpAddr>,
    /// Destination prefixes that this trunk serves (`+33`); all when empty.
    pub prefixes: Vec<String>,
    /// What its calls cost.
    pub tariffs: Vec<dialer::Tariff>,
    /// After a start or an outage the rate grows to its full height over this time.
    pub ramp: Duration,
    /// What the carrier wants to see in our SIP.
    pub dialect: Dialect,
}

/// SRTP by SDES (RFC 4568).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Plain RTP.
    Off,
    /// Encrypted if the carrier takes the keys that it is offered, plain otherwise.
    Offered,
    /// Encrypted or the call fails.
    Required,
}

/// How a called number is written in the Request-URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFormat {
    /// `+33199001234`.
    E164,
    /// `33199001234`.
    Digits,
    /// `0199001234` for French numbers, `00…` for others.
    National,
}

pub(super) fn read(section: &mut Section<'_, '_>) -> Option<Trunk> {
    let name = section.text("name");
    let host = section.text("host");
    let port = section.integer("port", 1..65_536).map(|port| port as u16);
    let transport = section.read_with("transport", transport).unwrap_or(Transport::Udp);
    let domain = section.text("domain");
    let user = section.text("user");
    let password = section.secret(["password", "password_file", "password_env"]);
    let register = section.duration("register", Duration::from_secs(30)..LONGEST_PERIOD);
    let ping = section.duration("ping", Duration::from_secs(1)..LONGEST_PERIOD);
    let callers = callers(section);
    let channels = section.integer("channels", 1..100_001).unwrap_or(30) as u32;
    let calls_per_second = section.integer("calls_per_second", 1..10_001).unwrap_or(10) as u32;
    let codecs = codecs(section);
    let ptime = packet_time(section);
    let silence = section
        .duration("silence", Duration::ZERO..LONGEST_PERIOD)
        .unwrap_or(Duration::from_secs(10));
    let security = section.read_with("srtp", security).unwrap_or(Security::Off);
    let number_format = section
        .read_with("number_format", number_format)
        .unwrap_or(NumberFormat::E164);
    let inband_dtmf = section.boolean("inband_dtmf").unwrap_or(true);
    let accept_from = addresses(section);
    let prefixes = prefixes(section);
    let tariffs = section.tables("tariff", super::tariff::read_tariff);
    let ramp = section.duration("ramp", Duration::ZERO..LONGEST_PERIOD);
    let dialect = super::dialect::read(section);
    if name.is_none() {
        section.missing("name", "config-purpose-trunk-name");
    }
    if host.is_none() {
        section.missing("host", "config-purpose-trunk-host");
    }
    let asked = ["password", "password_file", "password_env"]
        .iter()
        .any(|key| section.has(key));
    if user.is_some() != asked {
        section.blame(None, Mistake::Conflict(Phrase::new("config-conflict-credentials")));
    }
    if register.is_some() && user.is_none() {
        section.blame(None, Mistake::Conflict(Phrase::new("config-conflict-register")));
    }
    let host = host?;
    Some(Trunk {
        name: name?,
        domain: domain.unwrap_or_else(|| host.clone()),
        host,
        port,
        transport,
        credentials: user.zip(password),
        register,
        ping: Some(ping.unwrap_or(Duration::from_secs(30))),
        callers,
        channels,
        calls_per_second,
        codecs,
        ptime,
        silence: Some(silence).filter(|silence| !silence.is_zero()),
        security,
        number_format,
        inband_dtmf,
        accept_from,
        prefixes,
        tariffs,
        ramp: ramp.unwrap_or(Duration::ZERO),
        dialect,
    })
}

/// What would have done.
pub(super) fn one_of(values: &str) -> Phrase {
    Phrase::new("config-expected-one-of").with("values", values)
}

/// In milliseconds: 10, 20 … 60.
fn packet_time(section: &mut Section<'_, '_>) -> Ptime {
    let Some(ms) = section.integer("ptime", 10..61) else {
        return Ptime::MS_20;
    };
    Ptime::new(ms as u32).unwrap_or_else(|| {
        section.blame(None, Mistake::Conflict(Phrase::new("config-conflict-ptime")));
        Ptime::MS_20
    })
}

fn transport(text: &str) -> Result<Transport, Phrase> {
    match text {
        "udp" => Ok(Transport::Udp),
        "tcp" => Ok(Transport::Tcp),
        "tls" => Ok(Transport::Tls),
        _ => Err(one_of("udp, tcp, tls")),
    }
}

fn security(text: &str) -> Result<Security, Phrase> {
    match text {
        "off" => Ok(Security::Off),
        "offered" => Ok(Security::Offered),
        "required" => Ok(Security::Required),
        _ => Err(one_of("off, offered, required")),
    }
}

fn number_format(text: &str) -> Result<NumberFormat, Phrase> {
    match text {
        "e164" => Ok(NumberFormat::E164),
        "digits" => Ok(NumberFormat::Digits),
        "national" => Ok(NumberFormat::National),
        _ => Err(one_of("e164 (+33…), digits (33…), national (0…)")),
    }
}

/// The codecs' names.
pub(crate) const CODECS: &str = "pcma, pcmu, g722, opus";

/// Reads a codec's name as SDP writes it.
pub(crate) fn codec(text: &str) -> Option<Codec> {
    match text.to_ascii_lowercase().as_str() {
        "pcma" => Some(Codec::Pcma),
        "pcmu" => Some(Codec::Pcmu),
        "g722" => Some(Codec::G722),
        "opus" => Some(Codec::Opus),
        _ => None,
    }
}

fn codecs(section: &mut Section<'_, '_>) -> Vec<Codec> {
    let default = vec![Codec::Pcma, Codec::Pcmu];
    let Some(names) = section.texts("codecs") else {
        return default;
    };
    let mut codecs = Vec::new();
    for (name, span) in names {
        match codec(&name) {
            Some(codec) if !codecs.contains(&codec) => codecs.push(codec),
            Some(_) => section.refuse("codecs", span, name, Phrase::new("config-named-twice")),
            None => section.refuse("codecs", span, name, one_of(CODECS)),
        }
    }
    if codecs.is_empty() { default } else { codecs }
}

fn callers(section: &mut Section<'_, '_>) -> Vec<E164> {
    let mut callers = Vec::new();
    let Some(numbers) = section.texts("callers") else {
        section.missing("callers", "config-purpose-callers");
        return callers;
    };
    for (number, span) in numbers {
        match number.parse::<E164>() {
            Ok(number) => callers.push(number),
            Err(error) => section.refuse("callers", span, number, error.told()),
        }
    }
    callers
}

fn addresses(section: &mut Section<'_, '_>) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for (address, span) in section.texts("accept_from").unwrap_or_default() {
        match address.parse() {
            Ok(address) => addresses.push(address),
            Err(_) => section.refuse("accept_from", span, address, Phrase::new("config-expected-ip")),
        }
    }
    addresses
}

fn prefixes(section: &mut Section<'_, '_>) -> Vec<String> {
    let mut prefixes = Vec::new();
    for (prefix, span) in section.texts("prefixes").unwrap_or_default() {
        let digits = prefix.strip_prefix('+').unwrap_or(&prefix);
        if !prefix.starts_with('+') || digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            section.refuse("prefixes", span, prefix, Phrase::new("config-expected-prefix"));
        } else {
            prefixes.push(prefix);
        }
    }
    prefixes
}
