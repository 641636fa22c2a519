//! Challenges to those who call us from an unknown address, and the check of their proofs.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::config::{Config, Credentials};
use crate::ids::{Ids, hex, unhex};
use crate::message::{AuthParams, Name, Request};

use super::digest::{Algorithm, Proof, Quality};

/// How long a nonce is good.
const LIFETIME: Duration = Duration::from_secs(60);

/// Nonces whose counts are remembered against replay. Older ones are refused when the table is full.
const NONCES: usize = 1024;

/// Strongest first (RFC 8760 §2.3); old telephones know only MD5.
const OFFERED: [&str; 2] = ["SHA-256", "MD5"];

/// What the credentials of a request are worth.
pub(crate) enum Checked {
    Proven,
    /// None, or outdated ones: challenge with these values.
    Missing(Vec<String>),
    Wrong,
}

/// Knows the users that may call from anywhere.
pub(crate) struct Guard {
    callers: Vec<Credentials>,
    realm: String,
    began: Option<Instant>,
    /// Highest count seen for each nonce that was used, and when it was made.
    used: HashMap<u64, (u32, Duration)>,
    keys: RandomState,
}

impl Guard {
    pub fn new(config: &Config) -> Guard {
        Guard {
            callers: config.callers.clone(),
            realm: config.realm.clone(),
            began: None,
            used: HashMap::new(),
            keys: RandomState::new(),
        }
    }

    /// A number that only we can compute.
    pub fn number(&self, parts: impl Hash) -> u64 {
        self.keys.hash_one(&parts)
    }

    /// Checks Authorization.
    pub fn check(&mut self, now: Instant, request: &Request, source: IpAddr, ids: &mut Ids) -> Checked {
        if self.callers.is_empty() {
            return Checked::Wrong;
        }
        let age_of_guard = now.saturating_duration_since(*self.began.get_or_insert(now));
        let mut proofs = request
            .headers()
            .credentials(Name::Authorization)
            .filter_map(Result::ok);
        let ours = proofs.find(|proof| proof.is_digest() && proof.text("realm").as_deref() == Some(&self.realm));
        let Some(proof) = ours else {
            return Checked::Missing(self.challenges(age_of_guard, source, false, ids));
        };
        let Some(nonce) = proof.text("nonce") else {
            return Checked::Wrong;
        };
        // A nonce that is not ours for this address proves nothing, so no digest is computed for it.
        let Some(made) = self.made_at(&nonce, source) else {
            return Checked::Missing(self.challenges(age_of_guard, source, false, ids));
        };
        if !self.is_right(request, &proof) {
            return Checked::Wrong;
        }
        let count = proof.text("nc").and_then(|nc| u32::from_str_radix(&nc, 16).ok());
        match count {
            Some(count) if made + LIFETIME >= age_of_guard && self.is_fresh(&nonce, count, made, age_of_guard) => {
                Checked::Proven
            }
            _ => Checked::Missing(self.challenges(age_of_guard, source, true, ids)),
        }
    }

    fn is_right(&self, request: &Request, proof: &AuthParams) -> bool {
        let text = |name| proof.text(name);
        let (Some(user), Some(nonce), Some(uri), Some(response)) =
            (text("username"), text("nonce"), text("uri"), text("response"))
        else {
            return false;
        };
        let (Some(count), Some(client_nonce)) = (text("nc"), text("cnonce")) else {
            return false;
        };
        let name = text("algorithm");
        let Some(algorithm) = Algorithm::parse(name.as_deref()).filter(|a| OFFERED.contains(&a.as_str())) else {
            return false;
        };
        // The proof must be about this request: it is of no use with another destination.
        if text("qop").as_deref() != Some("auth") || uri.as_bytes() != &request.uri_bytes()[..] {
            return false;
        }
        let Some(caller) = self.callers.iter().find(|caller| caller.user == user) else {
            return false;
        };
        let expected = Proof {
            algorithm,
            user: &user,
            realm: &self.realm,
            password: caller.password.reveal(),
            nonce: &nonce,
            method: request.method().as_str(),
            uri: &uri,
            quality: Some(Quality {
                count: &count,
                client_nonce: &client_nonce,
            }),
        }
        .response();
        // No early exit, so that time tells nothing.
        expected.len() == response.len()
            && expected
                .bytes()
                .zip(response.bytes())
                .fold(0, |diff, (a, b)| diff | (a ^ b.to_ascii_lowercase()))
                == 0
    }

    fn challenges(&self, age: Duration, source: IpAddr, is_stale: bool, ids: &mut Ids) -> Vec<String> {
        let salt = ids.draw();
        let seconds = age.as_secs();
        let seal = self.number((seconds, salt, source));
        let nonce: String = [seconds, salt, seal]
            .iter()
            .flat_map(|&part| hex(part))
            .map(char::from)
            .collect();
        let stale = if is_stale { ", stale=true" } else { "" };
        OFFERED
            .iter()
            .map(|algorithm| {
                format!(
                    "Digest realm=\"{}\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"{stale}",
                    self.realm
                )
            })
            .collect()
    }

    /// When we made a nonce for this address; `None` if we did not.
    fn made_at(&self, nonce: &str, source: IpAddr) -> Option<Duration> {
        let text = nonce.as_bytes();
        if text.len() != 48 {
            return None;
        }
        let (seconds, salt, seal) = (unhex(&text[..16])?, unhex(&text[16..32])?, unhex(&text[32..])?);
        (self.number((seconds, salt, source)) == seal).then(|| Duration::from_secs(seconds))
    }

    /// Whether this count of this nonce is new; notes it.
    fn is_fresh(&mut self, nonce: &str, count: u32, made: Duration, age: Duration) -> bool {
        if self.used.len() >= NONCES {
            self.used.retain(|_, (_, made)| *made + LIFETIME >= age);
        }
        let key = self.number(nonce);
        if !self.used.contains_key(&key) && self.used.len() >= NONCES {
            return false;
        }
        let (highest, _) = self.used.entry(key).or_insert((0, made));
        let is_new = count > *highest;
        if is_new {
            *highest = count;
        }
        is_new
    }
}
