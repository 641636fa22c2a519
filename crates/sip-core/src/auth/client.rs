//! Our answers to challenges.

use std::fmt::Write;

use crate::config::Credentials;
use crate::ids::{Ids, hex};
use crate::message::{AuthParams, Challenge, Headers, Name, Response};

use super::digest::{Algorithm, Proof, Quality};

/// What one realm asked for last. Its nonce is used again, with a growing count, until the realm objects.
#[derive(Debug)]
struct Realm {
    is_proxy: bool,
    name: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// The challenge named its algorithm, so we must too.
    names_algorithm: bool,
    has_quality: bool,
    count: u32,
}

/// The challenges that one trunk has given us.
#[derive(Debug)]
pub(crate) struct Client {
    credentials: Credentials,
    realms: Vec<Realm>,
}

/// Whether it makes sense to try again after a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send the request again with [`Client::write`].
    Retry,
    /// The same proof was refused: the password is wrong.
    WrongPassword,
    /// Only methods that we do not speak are offered, such as `auth-int` or another scheme.
    Unsupported,
}

/// How many realms are remembered. A proxy chain rarely has more than two.
const REALMS: usize = 8;

impl Client {
    pub fn new(credentials: Credentials) -> Client {
        Client {
            credentials,
            realms: Vec::new(),
        }
    }

    /// Whether a challenge is known, so that requests can carry credentials at once.
    pub fn is_challenged(&self) -> bool {
        !self.realms.is_empty()
    }

    /// Learns from a 401 or 407. `tries` counts the challenges of this request so far, `request` is what was refused.
    pub fn learn(&mut self, response: &Response, request: &[u8], tries: u8) -> Verdict {
        let mut fresh = Vec::new();
        for (name, is_proxy) in [(Name::WwwAuthenticate, false), (Name::ProxyAuthenticate, true)] {
            for challenge in response.headers().challenges(name).filter_map(Result::ok) {
                let Some(realm) = read(&challenge, is_proxy) else {
                    continue;
                };
                // RFC 8760 §2.4: the first one that we can speak, for each realm.
                if fresh
                    .iter()
                    .any(|(known, _): &(Realm, bool)| known.is_proxy == is_proxy && known.name == realm.name)
                {
                    continue;
                }
                let is_stale = challenge
                    .text("stale")
                    .is_some_and(|stale| stale.eq_ignore_ascii_case("true"));
                fresh.push((realm, is_stale));
            }
        }
        if fresh.is_empty() {
            return Verdict::Unsupported;
        }
        let mut is_refused = false;
        for (realm, is_stale) in fresh {
            let had_proof = carries_proof(request, &realm);
            // A stale nonce is a fair objection, once or twice; a refused proof with a fresh one is not.
            is_refused |= had_proof && !is_stale && tries > 0 || tries > 3;
            self.realms
                .retain(|known| !(known.is_proxy == realm.is_proxy && known.name == realm.name));
            if self.realms.len() >= REALMS {
                self.realms.remove(0);
            }
            self.realms.push(realm);
        }
        if is_refused {
            self.realms.clear();
            return Verdict::WrongPassword;
        }
        Verdict::Retry
    }

    /// Learns the next nonce of an Authentication-Info (RFC 7616 §3.5).
    pub fn learn_next(&mut self, headers: &Headers) {
        for (name, is_proxy) in [(Name::AuthenticationInfo, false), (Name::ProxyAuthenticationInfo, true)] {
            let Some(value) = headers.first(name) else { continue };
            // The header has no scheme; with one it reads like a challenge.
            let text = [b"Digest ", value].concat();
            let Ok(info) = AuthParams::parse(text.into()) else {
                continue;
            };
            let Some(next) = info.text("nextnonce").filter(|next| !next.is_empty()) else {
                continue;
            };
            for realm in self.realms.iter_mut().filter(|realm| realm.is_proxy == is_proxy) {
                if realm.nonce != next {
                    realm.nonce.clone_from(&next);
                    realm.count = 0;
                }
            }
        }
    }

    /// Writes an Authorization or Proxy-Authorization line for every realm known.
    pub fn write(&mut self, out: &mut Vec<u8>, method: &str, uri: &[u8], ids: &mut Ids) {
        let uri = String::from_utf8_lossy(uri);
        for realm in &mut self.realms {
            realm.count += 1;
            let count = format!("{:08x}", realm.count);
            let client_nonce = hex(ids.draw());
            let client_nonce = std::str::from_utf8(&client_nonce).unwrap_or_default();
            let quality = realm.has_quality.then_some(Quality {
                count: &count,
                client_nonce,
            });
            let proof = Proof {
                algorithm: realm.algorithm,
                user: &self.credentials.user,
                realm: &realm.name,
                password: self.credentials.password.reveal(),
                nonce: &realm.nonce,
                method,
                uri: &uri,
                quality,
            };
            let mut line = String::with_capacity(320);
            let header = if realm.is_proxy {
                "Proxy-Authorization"
            } else {
                "Authorization"
            };
            // Writing to a String cannot fail.
            let _ = write!(
                line,
                "{header}: Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", response=\"{}\"",
                escape(&self.credentials.user),
                escape(&realm.name),
                escape(&realm.nonce),
                proof.response(),
            );
            if realm.names_algorithm {
                let _ = write!(line, ", algorithm={}", realm.algorithm.as_str());
            }
            if realm.has_quality {
                let _ = write!(line, ", qop=auth, nc={count}, cnonce=\"{client_nonce}\"");
            }
            if let Some(opaque) = &realm.opaque {
                let _ = write!(line, ", opaque=\"{}\"", escape(opaque));
            }
            line.push_str("\r\n");
            out.extend_from_slice(line.as_bytes());
        }
    }
}

/// What we need of a challenge; `None` if we do not speak it.
fn read(challenge: &Challenge, is_proxy: bool) -> Option<Realm> {
    if !challenge.is_digest() {
        return None;
    }
    let qop = challenge.text("qop");
    let has_quality = match &qop {
        None => false,
        Some(list) if list.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth")) => true,
        Some(_) => return None,
    };
    let algorithm = challenge.text("algorithm");
    Some(Realm {
        is_proxy,
        name: challenge.text("realm")?,
        nonce: challenge.text("nonce")?,
        opaque: challenge.text("opaque"),
        algorithm: Algorithm::parse(algorithm.as_deref())?,
        names_algorithm: algorithm.is_some(),
        has_quality,
        count: 0,
    })
}

/// Whether a request of ours already carried credentials for this realm.
fn carries_proof(request: &[u8], realm: &Realm) -> bool {
    let header = if realm.is_proxy {
        "\r\nProxy-Authorization: "
    } else {
        "\r\nAuthorization: "
    };
    let wanted = format!("realm=\"{}\"", escape(&realm.name));
    let mut rest = request;
    while let Some(at) = memchr::memmem::find(rest, header.as_bytes()) {
        rest = &rest[at + header.len()..];
        let end = memchr::memchr(b'\r', rest).unwrap_or(rest.len());
        if memchr::memmem::find(&rest[..end], wanted.as_bytes()).is_some() {
            return true;
        }
    }
    false
}

/// Quoted-string escapes. Line breaks cannot stand there at all.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
