//! The configuration file: what the operator wrote, checked whole, every mistake with its line.

mod dialect;
mod extract;
mod incoming;
mod machines;
mod people;
mod problem;
mod reader;
mod secret;
mod tariff;
mod trunk;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dialer::statistics::Unit;

pub use dialect::Dialect;
pub use extract::{Extract, Origin};
pub use incoming::{Account, Incoming, called};
pub use people::{Group, User};
pub use problem::{ConfigError, Mistake, Problem};
pub use secret::{Place, Secret, SecretError};
pub(crate) use trunk::{CODECS, codec};
pub use trunk::{NumberFormat, Security, Trunk};

use crate::words::Phrase;

use reader::{Reader, Section};

/// The whole configuration of one tocsin.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder that holds the journal, the directory, the certificates and the recordings.
    pub data: PathBuf,
    /// How long calls in progress may go on when the service is told to stop.
    pub grace: Duration,
    /// Name of the organisation, in the console and on reports.
    pub organisation: Option<String>,
    /// IANA name of the time zone of dates in the console and on reports.
    pub time_zone: Option<String>,
    /// The journal.
    pub journal: Journal,
    /// The HTTPS API and console.
    pub web: Web,
    /// Signalling.
    pub sip: Sip,
    /// Media.
    pub media: Media,
    /// Text to speech and prompts.
    pub speech: Speech,
    /// At least one way to the telephone network.
    pub trunks: Vec<Trunk>,
    /// Calls from outside.
    pub incoming: Incoming,
    /// Limits on simultaneous calls into number ranges.
    pub throttles: Vec<dialer::Throttle>,
    /// How answering machines are told from people.
    pub machines: rtp_media::amd::Settings,
    /// Groups besides those that every house has; more are made in the console.
    pub groups: Vec<Group>,
    /// People who may sign in; more are added in the console.
    pub users: Vec<User>,
    /// Directory extracts that are refreshed by themselves.
    pub extracts: Vec<Extract>,
    /// After each of these a service report is made and kept; `None`: only when asked for.
    pub service_report: Option<Unit>,
}

/// Results may not lose their persons before the day is over that looks at them, nor be promised for longer than people live.
const SHORTEST_KEEP: Duration = Duration::from_secs(86_400);
const LONGEST_KEEP: Duration = Duration::from_secs(100 * 366 * 86_400);

/// The journal.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// What it is kept in; one that is there stays in what it is in unless told otherwise.
    pub store: Option<dialer::journal::Engine>,
    /// How long results stay linked to persons after the end of their campaign; `None`: for ever.
    pub keep: Option<Duration>,
}

/// The HTTPS API and console.
#[derive(Debug, Clone)]
pub struct Web {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Certificate chain and key, PEM files; without them a self-signed certificate is made in the data folder.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Names and addresses of the self-signed certificate, besides those that the machine has.
    pub names: Vec<String>,
}

/// Signalling.
#[derive(Debug, Clone)]
pub struct Sip {
    /// UDP and TCP address that carriers see.
    pub listen: SocketAddr,
    /// Address written in Via and Contact when it differs from the one listened on (address translation).
    pub advertised: Option<IpAddr>,
    /// PEM file of further certificate authorities for TLS trunks.
    pub authorities: Option<PathBuf>,
}

/// Media.
#[derive(Debug, Clone)]
pub struct Media {
    /// Address that RTP is sent from and received on.
    pub address: IpAddr,
    /// Address written in SDP when it differs (address translation).
    pub advertised: Option<IpAddr>,
    /// RTP ports; even numbers are used.
    pub ports: Range<u16>,
    /// Pacing threads; one core each.
    pub threads: usize,
}

/// Text to speech.
#[derive(Debug, Clone)]
pub struct Speech {
    /// Which engine speaks.
    pub engine: Engine,
    /// The operator's own recordings of the prompts, which replace the synthetic ones.
    pub prompts: Option<PathBuf>,
}

/// A text-to-speech engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// espeak-ng, the embedded default: no network, any language.
    Espeak,
    /// A command that reads a text on its standard input and writes WAV on its standard output;
    /// `{language}` in an argument becomes `fr` or `en`.
    Command(Vec<String>),
}

impl Config {
    /// Reads and checks a file. Relative paths in it start from the file's folder.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let bytes = std::fs::read(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let base = path.parent().unwrap_or(Path::new("."));
        let read = match std::str::from_utf8(&bytes) {
            Ok(text) => Self::parse(text, base),
            Err(error) => {
                let line = bytes[..error.valid_up_to()]
                    .iter()
                    .filter(|byte| **byte == b'\n')
                    .count()
                    + 1;
                Err(vec![Problem {
                    line: Some(line),
                    mistake: Mistake::Encoding,
                }])
            }
        };
        read.map_err(|problems| ConfigError::Mistakes {
            path: path.to_owned(),
            problems,
        })
    }

    /// Reads and checks a configuration's text; all mistakes are returned, in the order of the file.
    pub fn parse(text: &str, base: &Path) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(text, base);
        let (document, errors) = toml::de::DeTable::parse_recoverable(text);
        for error in errors {
            reader.blame(
                error.span(),
                Mistake::Syntax {
                    message: error.message().to_owned(),
                },
            );
        }
        if !reader.problems.is_empty() {
            return Err(reader.problems);
        }
        let mut root = Section::new(
            &mut reader,
            Phrase::new("config-whole-file"),
            Some(document.get_ref()),
            None,
        );
        let config = read_root(&mut root, base);
        root.finish();
        let mut problems = reader.problems;
        problems.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(problems),
        }
    }
}

fn read_root(root: &mut Section<'_, '_>, base: &Path) -> Option<Config> {
    let data = root.path("data").unwrap_or_else(|| base.join("data"));
    let grace = root
        .duration("grace", Duration::ZERO..LONGEST_GRACE)
        .unwrap_or(Duration::from_secs(10));
    let organisation = root.text("organisation");
    let time_zone = root.read_with("time_zone", people::time_zone);
    let journal = root.table("journal", |section| Journal {
        store: section.parsed("store", "config-expected-store"),
        keep: section.duration("keep", SHORTEST_KEEP..LONGEST_KEEP),
    });
    let web = root.table("web", read_web);
    let sip = root.table("sip", read_sip);
    let media = root.table("media", |section| read_media(section, sip.listen.ip()));
    let speech = root.table("speech", read_speech);
    let trunks = root.tables("trunk", trunk::read);
    let mut incoming = root.table("incoming", incoming::read);
    incoming.take_shown(&trunks);
    let throttles = root.tables("throttle", tariff::read_throttle);
    let machines = root.table("answering_machine", machines::read);
    let groups = root.tables("group", people::read_group);
    let users = root.tables("user", people::read_user);
    let extracts = root.tables("extract", extract::read);
    let service_report = root.table("reports", read_reports);
    if !root.has("trunk") {
        root.missing("[[trunk]]", "config-purpose-trunk");
    }
    if let Some(name) = twice(trunks.iter().map(|trunk| &trunk.name)) {
        let reason = Phrase::new("config-conflict-trunk-name").with("name", name.clone());
        root.blame(None, Mistake::Conflict(reason));
    }
    if let Some(name) = twice(users.iter().map(|user| &user.name)) {
        let reason = Phrase::new("config-conflict-user-name").with("name", name.clone());
        root.blame(None, Mistake::Conflict(reason));
    }
    if let Some(name) = twice(groups.iter().map(|group| &group.name)) {
        let reason = Phrase::new("config-conflict-group-name").with("name", name.clone());
        root.blame(None, Mistake::Conflict(reason));
    }
    if let Some(name) = twice(extracts.iter().map(|extract| &extract.name)) {
        root.blame(
            None,
            Mistake::Conflict(Phrase::new("config-conflict-extract-name").with("name", name.clone())),
        );
    }
    Some(Config {
        data,
        grace,
        organisation,
        time_zone,
        journal,
        web,
        sip,
        media,
        speech,
        trunks,
        incoming,
        throttles,
        machines,
        groups,
        users,
        extracts,
        service_report,
    })
}

fn twice<'n>(names: impl Iterator<Item = &'n String>) -> Option<&'n String> {
    let mut seen = std::collections::HashSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

fn read_web(section: &mut Section<'_, '_>) -> Web {
    let listen = section
        .address("listen")
        .unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8443)));
    let tls = match (section.path("certificate"), section.path("key")) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => {
            section.blame(None, Mistake::Conflict(Phrase::new("config-conflict-certificate")));
            None
        }
    };
    let names = people::names(section);
    Web { listen, tls, names }
}

fn read_sip(section: &mut Section<'_, '_>) -> Sip {
    Sip {
        listen: section
            .address("listen")
            .unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5060))),
        advertised: section.parsed("advertised", "config-expected-ip"),
        authorities: section.path("authorities"),
    }
}

fn read_media(section: &mut Section<'_, '_>, signalling: IpAddr) -> Media {
    let address = section.parsed("address", "config-expected-ip").unwrap_or(signalling);
    let advertised = section.parsed("advertised", "config-expected-ip");
    let ports = section.read_with("ports", read_ports).unwrap_or(20_000..40_000);
    let threads = section.integer("threads", 1..65).unwrap_or(1) as usize;
    Media {
        address,
        advertised,
        ports,
        threads,
    }
}

fn read_ports(text: &str) -> Result<Range<u16>, Phrase> {
    let wrong = || Phrase::new("config-expected-ports");
    let (first, last) = text.split_once('-').ok_or_else(wrong)?;
    let first: u16 = first.trim().parse().map_err(|_| wrong())?;
    let last: u16 = last.trim().parse().map_err(|_| wrong())?;
    if first < 1024 || last <= first {
        return Err(Phrase::new("config-expected-port-order"));
    }
    Ok(first..last)
}

fn read_reports(section: &mut Section<'_, '_>) -> Option<Unit> {
    let read = |text: &str| match text {
        "day" => Ok(Some(Unit::Day)),
        "week" => Ok(Some(Unit::Week)),
        "month" => Ok(Some(Unit::Month)),
        "quarter" => Ok(Some(Unit::Quarter)),
        "year" => Ok(Some(Unit::Year)),
        "never" => Ok(None),
        _ => Err(trunk::one_of("day, week, month, quarter, year, never")),
    };
    section.read_with("every", read).unwrap_or(Some(Unit::Month))
}

fn read_speech(section: &mut Section<'_, '_>) -> Speech {
    let command: Option<Vec<String>> = section
        .texts("command")
        .map(|words| words.into_iter().map(|(word, _)| word).collect());
    let engine = match command {
        Some(words) if words.is_empty() => {
            section.blame(None, Mistake::Conflict(Phrase::new("config-conflict-command")));
            Engine::Espeak
        }
        Some(words) => Engine::Command(words),
        None => Engine::Espeak,
    };
    Speech {
        engine,
        prompts: section.path("prompts"),
    }
}

/// Longest time that a stop may take: beyond it, service managers lose patience.
const LONGEST_GRACE: Duration = Duration::from_secs(600);

/// Longest ping interval, registration or other period that makes sense in a trunk's settings.
pub(crate) const LONGEST_PERIOD: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests;
