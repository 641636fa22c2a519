//! The configured trunks as the endpoint, the switchboard and the dialer know them.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use dialer::TrunkSettings;
use sip_core::driver::{Location, TlsSettings};
use sip_core::{Config as SipConfig, Credentials, Identity, Local, Target, Transport, TrunkConfig};

use crate::config::{Config, Trunk};

/// A trunk's host has no address.
#[derive(Debug, thiserror::Error)]
#[error("the host “{host}” of trunk “{trunk}” has no address ({source}); check its name, and the DNS of this machine")]
pub struct NoAddress {
    trunk: String,
    host: String,
    source: std::io::Error,
}

/// The endpoint's own settings.
pub fn endpoint(config: &Config) -> SipConfig {
    let listen = config.sip.listen;
    let advertised = config.sip.advertised.map(|ip| SocketAddr::new(ip, listen.port()));
    let local = |transport| Local {
        advertised,
        ..Local::new(transport, listen)
    };
    let mut locals = vec![local(Transport::Udp)];
    if config.trunks.iter().any(|trunk| trunk.transport == Transport::Tcp) {
        locals.push(local(Transport::Tcp));
    }
    if has_tls(config) {
        // TCP and TLS cannot share a port; port 0 stands for the usual one of TLS.
        let own = Local::new(Transport::Tls, SocketAddr::new(listen.ip(), 0));
        let advertised = config
            .sip
            .advertised
            .map(|ip| SocketAddr::new(ip, Transport::Tls.default_port()));
        locals.push(Local { advertised, ..own });
    }
    let callers = config.incoming.accounts.iter().map(|account| Credentials {
        user: account.user.clone(),
        password: account.password.clone(),
    });
    SipConfig {
        locals,
        callers: callers.collect(),
        ..SipConfig::default()
    }
}

/// Whether a trunk is reached by TLS.
pub fn has_tls(config: &Config) -> bool {
    config.trunks.iter().any(|trunk| trunk.transport == Transport::Tls)
}

/// Whom TLS trusts.
pub fn tls(config: &Config) -> TlsSettings {
    TlsSettings {
        authorities: config.sip.authorities.iter().cloned().collect(),
        ..TlsSettings::default()
    }
}

/// The name by which the DNS tells a trunk's addresses (RFC 3263); `None` if the configuration fixes port or address.
pub fn location(trunk: &Trunk) -> Option<Location> {
    let is_name = trunk.host.parse::<IpAddr>().is_err();
    (is_name && trunk.port.is_none()).then(|| Location {
        host: trunk.host.clone(),
        port: None,
        transport: Some(trunk.transport),
    })
}

/// A trunk as the endpoint wants it.
///
/// # Errors
/// When its host has no address.
pub fn sip(trunk: &Trunk) -> Result<TrunkConfig, NoAddress> {
    let addresses = resolve(trunk)?;
    let targets = addresses
        .iter()
        .map(|addr| Target {
            transport: trunk.transport,
            addr: *addr,
        })
        .collect();
    let mut accept_from: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
    accept_from.extend(&trunk.accept_from);
    Ok(TrunkConfig {
        name: trunk.name.clone(),
        targets,
        domain: trunk.domain.clone(),
        credentials: trunk.credentials.as_ref().map(|(user, password)| Credentials {
            user: user.clone(),
            password: password.clone(),
        }),
        register: trunk.register,
        ping: trunk.ping,
        identity: Identity {
            user: trunk.callers.first().map(|caller| caller.international()),
            contact_user: trunk.credentials.as_ref().map(|(user, _)| user.clone()),
            ..Identity::default()
        },
        accept_from,
        ..TrunkConfig::default()
    })
}

fn resolve(trunk: &Trunk) -> Result<Vec<SocketAddr>, NoAddress> {
    let port = trunk
        .port
        .unwrap_or(if trunk.transport == Transport::Tls { 5061 } else { 5060 });
    let fail = |source| NoAddress {
        trunk: trunk.name.clone(),
        host: trunk.host.clone(),
        source,
    };
    let addresses: Vec<SocketAddr> = (trunk.host.as_str(), port).to_socket_addrs().map_err(fail)?.collect();
    if addresses.is_empty() {
        return Err(fail(std::io::Error::from(std::io::ErrorKind::NotFound)));
    }
    Ok(addresses)
}

/// A trunk as the dialer's scheduler wants it.
pub fn dialling(trunk: &Trunk) -> TrunkSettings {
    TrunkSettings {
        prefixes: trunk
            .prefixes
            .iter()
            .map(|prefix| prefix.trim_start_matches('+').to_owned())
            .collect(),
        caller: trunk.callers.first().copied(),
        tariffs: trunk.tariffs.clone(),
        ramp: trunk.ramp,
        ..TrunkSettings::new(&trunk.name, trunk.channels, f64::from(trunk.calls_per_second))
    }
}
