//! What a browser may call this machine: the names of a certificate that tocsin makes for itself.

use std::net::{IpAddr, UdpSocket};

use crate::config::Web;

/// The machine's host name, the address listened on or those that lead outside, localhost, and the operator's own names.
pub(super) fn of_machine(web: &Web) -> Vec<String> {
    let mut names = web.names.clone();
    names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    names.extend(host_name());
    let listen = web.listen.ip();
    if listen.is_unspecified() {
        names.extend(outward(true).map(|ip| ip.to_string()));
        names.extend(outward(false).map(|ip| ip.to_string()));
    } else {
        names.push(listen.to_string());
    }
    names.sort();
    names.dedup();
    names
}

fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim().to_ascii_lowercase();
    let is_usable = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    is_usable.then_some(name)
}

/// The address from which packets leave for the world. Nothing is sent: documentation addresses (RFC 5737, RFC 3849).
fn outward(is_v4: bool) -> Option<IpAddr> {
    let (any, world) = if is_v4 {
        ("0.0.0.0:0", "192.0.2.1:9")
    } else {
        ("[::]:0", "[2001:db8::1]:9")
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(world).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn own_names_and_the_listened_address_are_there_once() {
        let web = Web {
            listen: "192.0.2.7:8443".parse().unwrap(),
            tls: None,
            names: vec!["tocsin.example".into(), "localhost".into()],
        };
        let names = of_machine(&web);
        for name in ["tocsin.example", "192.0.2.7", "localhost", "127.0.0.1", "::1"] {
            assert_eq!(
                names.iter().filter(|known| *known == name).count(),
                1,
                "{name} in {names:?}"
            );
        }
    }
}
