//! What the operator decides about the endpoint and its trunks.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::flow::Transport;

/// Settings of one [`Endpoint`](crate::Endpoint).
#[derive(Debug, Clone)]
pub struct Config {
    /// The local addresses. The first one that fits a target's transport and address family is used for it.
    pub locals: Vec<Local>,
    /// Written in User-Agent and Server headers.
    pub product: String,
    /// Timer values of the transactions.
    pub timing: Timing,
    /// Bounds on what peers can make us remember.
    pub limits: Limits,
    /// Users that may call from anywhere with a digest password (RFC 3261 §22), for instance to launch a campaign by telephone.
    pub callers: Vec<Credentials>,
    /// The realm with which callers are challenged.
    pub realm: String,
    /// How many times a 3xx answer is followed for one call. 0 means that a redirection is a failure.
    pub max_redirects: u8,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            locals: Vec::new(),
            product: concat!("tocsin/", env!("CARGO_PKG_VERSION")).to_owned(),
            timing: Timing::default(),
            limits: Limits::default(),
            callers: Vec::new(),
            realm: "tocsin".to_owned(),
            max_redirects: 3,
        }
    }
}

/// One address on which the endpoint sends and receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// The protocol spoken there.
    pub transport: Transport,
    /// The bound address, as it stands in [`Flow::local`](crate::Flow).
    pub addr: SocketAddr,
    /// What peers are told in Via and Contact, when it differs from `addr` (wildcard binding, NAT).
    pub advertised: Option<SocketAddr>,
}

impl Local {
    /// A local address that is told to peers as it is.
    #[must_use]
    pub const fn new(transport: Transport, addr: SocketAddr) -> Local {
        Local {
            transport,
            addr,
            advertised: None,
        }
    }

    /// The address for Via and Contact.
    #[must_use]
    pub fn public(&self) -> SocketAddr {
        self.advertised.unwrap_or(self.addr)
    }
}

/// The base timers of RFC 3261 §17 (table 4) from which A to M are derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Round-trip estimate; first retransmission interval.
    pub t1: Duration,
    /// Longest retransmission interval of non-INVITE requests and INVITE responses.
    pub t2: Duration,
    /// Longest time a message stays in the network.
    pub t4: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}

/// Bounds on the memory and the work that peers can cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls at once, both directions. Beyond it incoming calls get 503 and `invite` fails.
    pub calls: usize,
    /// Server transactions at once. Beyond it new requests get a stateless 503.
    pub server_transactions: usize,
    /// Client transactions at once.
    pub client_transactions: usize,
    /// Stateless refusals (403, 503) a second, all sources together; one address gets at most five. Beyond it unwanted requests are
    /// dropped in silence.
    pub refusals_per_second: u32,
    /// The same for challenges (401), and for proofs that are checked. Higher, so that telephones with a password get through while
    /// others attack.
    pub challenges_per_second: u32,
    /// Early dialogs that one INVITE may create by forking.
    pub forks: usize,
    /// Largest message that is read or buffered on a stream, in bytes.
    pub message_bytes: usize,
    /// Longest message sent over UDP when the trunk also offers a stream, in bytes (RFC 3261 §18.1.1).
    pub datagram_bytes: usize,
    /// Connections that others may open to us at once, TCP and TLS together. Strangers get half of them, trunks the rest.
    pub connections: usize,
    /// Of these, for one address that is not a trunk's.
    pub connections_each: usize,
    /// How long a connection of a stranger may exist without its first whole message.
    pub first_message: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            calls: 20_000,
            server_transactions: 50_000,
            client_transactions: 500_000,
            refusals_per_second: 50,
            challenges_per_second: 1_000,
            forks: 8,
            message_bytes: 65_535,
            datagram_bytes: 1_300,
            connections: 2_000,
            connections_each: 50,
            first_message: Duration::from_secs(15),
        }
    }
}

/// A word that must not appear in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Secret {
        Secret(secret.into())
    }

    /// The secret itself, for the digest computation only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A user name and password for digest authentication (RFC 7616, RFC 8760).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The authentication user name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// One address of a trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    /// How to speak to it.
    pub transport: Transport,
    /// Where it is.
    pub addr: SocketAddr,
}

/// A carrier, or one access to it.
#[derive(Debug, Clone)]
pub struct TrunkConfig {
    /// Name shown to the operator.
    pub name: String,
    /// Addresses in the order in which they are tried. May be empty until the driver has resolved the name.
    pub targets: Vec<Target>,
    /// The host part of the Request-URI, To and From (and the registrar's domain).
    pub domain: String,
    /// Answer to digest challenges.
    pub credentials: Option<Credentials>,
    /// Registration with this lifetime, refreshed before it ends (RFC 3261 §10).
    pub register: Option<Duration>,
    /// Interval of the OPTIONS ping that decides between up and down.
    pub ping: Option<Duration>,
    /// Who we say we are.
    pub identity: Identity,
    /// Source addresses whose INVITEs are accepted without credentials.
    pub accept_from: Vec<IpAddr>,
    /// Session timers (RFC 4028).
    pub session_timer: SessionTimer,
    /// Reliable provisional responses (RFC 3262).
    pub reliable_provisional: Reliable,
    /// The name that the carrier's certificate must carry; the domain when absent.
    pub tls_name: Option<String>,
    /// INVITEs say that we understand P-Early-Media (RFC 5009).
    pub early_media: bool,
    /// A large request may go by TCP to the same address, although the target says UDP (RFC 3261 §18.1.1).
    pub tcp_for_large: bool,
}

impl Default for TrunkConfig {
    fn default() -> Self {
        TrunkConfig {
            name: String::new(),
            targets: Vec::new(),
            domain: String::new(),
            credentials: None,
            register: None,
            ping: None,
            identity: Identity::default(),
            accept_from: Vec::new(),
            session_timer: SessionTimer::default(),
            reliable_provisional: Reliable::Supported,
            tls_name: None,
            early_media: false,
            tcp_for_large: false,
        }
    }
}

/// Our identity on one trunk.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// User part of From, unless the call names another.
    pub user: Option<String>,
    /// Display name of From, unless the call names another.
    pub display_name: Option<String>,
    /// User part of the Contact; the From user when absent.
    pub contact_user: Option<String>,
    /// Whether and how the caller number is also told to the carrier alone.
    pub asserted: Asserted,
    /// Ask the carrier to hide the number from the called person (RFC 3323 `Privacy: id`, anonymous From).
    pub is_private: bool,
    /// Full value of a Diversion header (RFC 5806) for every call.
    pub diversion: Option<String>,
    /// Tell by History-Info (RFC 7044) whom a call was meant for, also when a redirection is followed. A Diversion is told the same
    /// way (RFC 7544).
    pub history: bool,
}

/// Headers that tell the carrier the caller's number (RFC 3325).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Asserted {
    /// None.
    #[default]
    No,
    /// P-Asserted-Identity.
    Asserted,
    /// P-Preferred-Identity.
    Preferred,
}

/// Session timers of RFC 4028.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimer {
    /// The Session-Expires that we ask for. `None`: we do not ask, but obey a peer who does.
    pub interval: Option<Duration>,
    /// The smallest interval that we accept from a peer; RFC 4028 §4 allows no less than 90 s.
    pub minimum: Duration,
}

impl Default for SessionTimer {
    fn default() -> Self {
        SessionTimer {
            interval: None,
            minimum: Duration::from_secs(90),
        }
    }
}

/// How much a trunk wants of RFC 3262.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reliable {
    /// Not offered.
    Off,
    /// Offered in Supported, used if the peer asks.
    #[default]
    Supported,
    /// Demanded in Require.
    Required,
}
