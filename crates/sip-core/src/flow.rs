//! Where a message travels: a transport and two addresses.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;

/// A transport protocol of RFC 3261 §18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams; the transactions retransmit.
    Udp,
    /// A stream; messages are framed by Content-Length.
    Tcp,
    /// A stream inside TLS.
    Tls,
}

impl Transport {
    /// Whether the transport itself repairs loss, so that transactions do not retransmit.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Transport::Udp)
    }

    /// The token that Via headers carry (RFC 3261 §20.42).
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
        }
    }

    /// The port used when none is written (RFC 3261 §19.1.2).
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Transport::Tls => 5061,
            Transport::Udp | Transport::Tcp => 5060,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token())
    }
}

/// The path of a message between one local and one remote address.
///
/// For streams, `local` is the listening address that the endpoint was configured with, so that a flow
/// names the same connection whoever opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The protocol.
    pub transport: Transport,
    /// Our address.
    pub local: SocketAddr,
    /// The peer's address.
    pub remote: SocketAddr,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} → {}", self.transport, self.local, self.remote)
    }
}

/// Where a name leads has to be looked up (RFC 3263).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Location {
    /// A host name, a domain with NAPTR or SRV records, or an address.
    pub host: String,
    /// With a port, SRV is not asked (RFC 3263 §4.2).
    pub port: Option<u16>,
    /// With a transport, NAPTR is not asked (RFC 3263 §4.1).
    pub transport: Option<Transport>,
}

/// A message that the driver has to send.
#[derive(Debug, Clone)]
pub struct Transmit {
    /// Where to.
    pub flow: Flow,
    /// The whole message. Retransmissions share the same memory.
    pub payload: Bytes,
}
