//! The arithmetic of digests (RFC 7616 §3.4).

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

use crate::ids::hex_bytes;

/// A hash that SIP peers may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Md5,
    Sha256,
    Sha512_256,
}

/// The value of the `algorithm` parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Algorithm {
    pub hash: Hash,
    /// The `-sess` variant.
    pub is_session: bool,
}

impl Algorithm {
    /// Reads the parameter. Its absence means MD5.
    pub fn parse(text: Option<&str>) -> Option<Algorithm> {
        let text = text.unwrap_or("MD5").to_ascii_uppercase();
        let (name, is_session) = match text.strip_suffix("-SESS") {
            Some(name) => (name, true),
            None => (text.as_str(), false),
        };
        let hash = match name {
            "MD5" => Hash::Md5,
            "SHA-256" => Hash::Sha256,
            "SHA-512-256" => Hash::Sha512_256,
            _ => return None,
        };
        Some(Algorithm { hash, is_session })
    }

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match (self.hash, self.is_session) {
            (Hash::Md5, false) => "MD5",
            (Hash::Md5, true) => "MD5-sess",
            (Hash::Sha256, false) => "SHA-256",
            (Hash::Sha256, true) => "SHA-256-sess",
            (Hash::Sha512_256, false) => "SHA-512-256",
            (Hash::Sha512_256, true) => "SHA-512-256-sess",
        }
    }

    /// H(parts joined by colons), in hexadecimal.
    pub fn digest(self, parts: &[&str]) -> String {
        let text = parts.join(":");
        match self.hash {
            Hash::Md5 => hex_bytes(&Md5::digest(text)),
            Hash::Sha256 => hex_bytes(&Sha256::digest(text)),
            Hash::Sha512_256 => hex_bytes(&Sha512_256::digest(text)),
        }
    }
}

/// Everything that goes into a response. Without `quality` the old form of RFC 2069 is computed.
pub(crate) struct Proof<'a> {
    pub algorithm: Algorithm,
    pub user: &'a str,
    pub realm: &'a str,
    pub password: &'a str,
    pub nonce: &'a str,
    pub method: &'a str,
    pub uri: &'a str,
    pub quality: Option<Quality<'a>>,
}

/// The parameters of `qop=auth`.
pub(crate) struct Quality<'a> {
    /// `nc`, eight hexadecimal digits.
    pub count: &'a str,
    pub client_nonce: &'a str,
}

impl Proof<'_> {
    /// The `response` parameter.
    pub fn response(&self) -> String {
        let algorithm = self.algorithm;
        let mut secret = algorithm.digest(&[self.user, self.realm, self.password]);
        if algorithm.is_session {
            let client_nonce = self.quality.as_ref().map_or("", |q| q.client_nonce);
            secret = algorithm.digest(&[&secret, self.nonce, client_nonce]);
        }
        let request = algorithm.digest(&[self.method, self.uri]);
        match &self.quality {
            Some(q) => algorithm.digest(&[&secret, self.nonce, q.count, q.client_nonce, "auth", &request]),
            None => algorithm.digest(&[&secret, self.nonce, &request]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_7616_and_rfc_2069() {
        // RFC 7616 §3.9.1.
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let client_nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (name, expected) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            (
                "SHA-256",
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            let proof = Proof {
                algorithm: Algorithm::parse(Some(name)).expect(name),
                user: "Mufasa",
                realm: "http-auth@example.org",
                password: "Circle of Life",
                nonce,
                method: "GET",
                uri: "/dir/index.html",
                quality: Some(Quality {
                    count: "00000001",
                    client_nonce,
                }),
            };
            assert_eq!(proof.response(), expected, "{name}");
        }
        // Without qop; the value is that of RFC 2069 with its known erratum corrected.
        let old = Proof {
            algorithm: Algorithm::parse(None).expect("MD5"),
            user: "Mufasa",
            realm: "testrealm@host.com",
            password: "CircleOfLife",
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            method: "GET",
            uri: "/dir/index.html",
            quality: None,
        };
        assert_eq!(old.response(), "1949323746fe6a43ef61f9606e7febea");
    }

    #[test]
    fn algorithms_are_read_in_any_case() {
        for name in [
            "MD5",
            "MD5-sess",
            "SHA-256",
            "SHA-256-sess",
            "SHA-512-256",
            "SHA-512-256-sess",
        ] {
            let algorithm = Algorithm::parse(Some(&name.to_lowercase())).expect(name);
            assert_eq!(algorithm.as_str(), name);
        }
        assert_eq!(Algorithm::parse(Some("AKAv1-MD5")), None);
    }
}
