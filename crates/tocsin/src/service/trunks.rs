//! The configured trunks as the endpoint, the switchboard and the dialer know them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use dialer::TrunkSettings;
use sip_core::driver::{Location, TlsSettings};
use sip_core::{Config as SipConfig, Credentials, Identity, Local, SessionTimer, Target, Transport, TrunkConfig};

use crate::config::{Config, Trunk};
use crate::words::Phrase;

/// The endpoint's own settings.
pub fn endpoint(config: &Config) -> SipConfig {
    let listen = config.sip.listen;
    let advertised = config.sip.advertised.map(|ip| SocketAddr::new(ip, listen.port()));
    let local = |transport| Local {
        advertised,
        ..Local::new(transport, listen)
    };
    let mut locals = vec![local(Transport::Udp)];
    let needs_tcp = |trunk: &Trunk| trunk.transport == Transport::Tcp || trunk.dialect.tcp_for_large;
    if config.trunks.iter().any(needs_tcp) {
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

/// The name by which the DNS tells a trunk's addresses (RFC 3263); `None` if the configuration gives the address itself.
pub fn location(trunk: &Trunk) -> Option<Location> {
    trunk.host.parse::<IpAddr>().is_err().then(|| Location {
        host: trunk.host.clone(),
        port: trunk.port,
        transport: Some(trunk.transport),
    })
}

/// Where a trunk is now. Empty when its name has no address, or the name servers do not answer: not a reason to refuse
/// anything, since they may answer later.
pub async fn locate(trunk: &Trunk) -> Vec<Target> {
    if let Some(location) = location(trunk) {
        return sip_core::driver::lookup(&location).await.unwrap_or_default();
    }
    let port = trunk.port.unwrap_or(trunk.transport.default_port());
    let target = |ip| Target {
        transport: trunk.transport,
        addr: SocketAddr::new(ip, port),
    };
    trunk.host.parse().map(target).into_iter().collect()
}

/// Where all trunks are, as far as can be told within `patience`.
pub async fn locate_all(trunks: &[Trunk], patience: Duration) -> Vec<Vec<Target>> {
    let searches: Vec<_> = trunks
        .iter()
        .cloned()
        .map(|trunk| tokio::spawn(async move { tokio::time::timeout(patience, locate(&trunk)).await }))
        .collect();
    let mut found = Vec::new();
    for search in searches {
        found.push(search.await.ok().and_then(Result::ok).unwrap_or_default());
    }
    found
}

/// A trunk as the endpoint wants it.
pub fn sip(trunk: &Trunk, targets: Vec<Target>) -> TrunkConfig {
    let mut accept_from: Vec<IpAddr> = targets.iter().map(|target| target.addr.ip()).collect();
    accept_from.extend(&trunk.accept_from);
    TrunkConfig {
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
            asserted: trunk.dialect.asserted,
            is_private: trunk.dialect.is_private,
            diversion: trunk.dialect.diversion.clone(),
            history: trunk.dialect.history,
            ..Identity::default()
        },
        session_timer: SessionTimer {
            interval: trunk.dialect.session_timer,
            ..SessionTimer::default()
        },
        reliable_provisional: trunk.dialect.reliable,
        early_media: trunk.dialect.early_media,
        tcp_for_large: trunk.dialect.tcp_for_large,
        accept_from,
        ..TrunkConfig::default()
    }
}

/// What an operator is told of a trunk that has no address.
pub fn without_address(trunk: &Trunk) -> Phrase {
    Phrase::new("trunk-no-address")
        .with("trunk", trunk.name.clone())
        .with("host", trunk.host.clone())
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn trunk(host: &str, port: &str) -> Trunk {
        let text = format!("[[trunk]]\nname = \"t\"\nhost = \"{host}\"\n{port}\ncallers = [\"+33199000000\"]\n");
        let config = Config::parse(&text, std::path::Path::new(".")).unwrap();
        config.trunks[0].clone()
    }

    #[test]
    fn a_name_is_followed_by_rfc_3263_and_an_address_is_taken_as_it_is() {
        let srv = location(&trunk("voice.example.net", "")).unwrap();
        assert_eq!((srv.port, srv.transport), (None, Some(Transport::Udp)));
        let plain = location(&trunk("voice.example.net", "port = 5080")).unwrap();
        assert_eq!(plain.port, Some(5080));
        assert_eq!(location(&trunk("192.0.2.7", "port = 5080")), None);
        assert_eq!(location(&trunk("2001:db8::7", "")), None);
    }

    #[test]
    fn a_name_without_address_makes_a_trunk_without_targets() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let trunks = [trunk("nowhere.invalid", ""), trunk("192.0.2.7", "")];
        let found = runtime.block_on(locate_all(&trunks, Duration::from_secs(3)));
        assert_eq!(found[0], Vec::new());
        assert_eq!(found[1][0].addr.to_string(), "192.0.2.7:5060");
        let config = sip(&trunks[0], found[0].clone());
        assert!(config.targets.is_empty() && config.accept_from.is_empty());
    }
}
