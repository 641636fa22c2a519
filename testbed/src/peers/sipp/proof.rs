//! A second computation of digest proofs (RFC 7616), by which what SIPp received is judged; SIPp itself knows MD5 alone.

use anyhow::{Context, bail, ensure};
use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

/// Recomputes every proof in SIPp's log of messages; how many there are. An ACK's is that of its INVITE (RFC 3261 §22.1), and not counted.
///
/// # Errors
/// When a proof is incomplete or wrong.
pub fn check(log: &str, user: &str, password: &str) -> anyhow::Result<usize> {
    let mut method = "";
    let mut is_received = false;
    let mut proofs = 0;
    for line in log.lines() {
        if line.contains(" message received ") {
            is_received = true;
        } else if line.contains(" message sent ") {
            is_received = false;
        } else if let Some((first, _)) = line.strip_suffix(" SIP/2.0").and_then(|start| start.split_once(' ')) {
            method = first;
        } else if is_received
            && let Some((name, value)) = line.split_once(": Digest ")
            && matches!(name, "Authorization" | "Proxy-Authorization")
        {
            let proved = if method == "ACK" { "INVITE" } else { method };
            check_one(value, proved, user, password).with_context(|| format!("{method}: {line}"))?;
            proofs += usize::from(method != "ACK");
        }
    }
    Ok(proofs)
}

fn check_one(value: &str, method: &str, user: &str, password: &str) -> anyhow::Result<()> {
    let field = |name: &str| {
        parameters(value)
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
            .with_context(|| format!("the proof has no {name}"))
    };
    ensure!(
        field("username")? == user,
        "the proof is that of {}",
        field("username")?
    );
    let quality = match field("qop") {
        Ok(quality) => Some((field("nc")?, field("cnonce")?, quality)),
        Err(_) => None,
    };
    let wanted = response(
        field("algorithm").unwrap_or("MD5"),
        [user, field("realm")?, password],
        [method, field("uri")?],
        field("nonce")?,
        quality,
    )?;
    ensure!(field("response")? == wanted, "the proof is wrong; {wanted} is due");
    Ok(())
}

/// `quality`: count, client nonce and quality of protection.
fn response(
    algorithm: &str,
    [user, realm, password]: [&str; 3],
    [method, uri]: [&str; 2],
    nonce: &str,
    quality: Option<(&str, &str, &str)>,
) -> anyhow::Result<String> {
    let hash: fn(&str) -> String = match algorithm {
        "MD5" => hashed::<Md5>,
        "SHA-256" => hashed::<Sha256>,
        "SHA-512-256" => hashed::<Sha512_256>,
        other => bail!("the algorithm {other} is not known here"),
    };
    let secret = hash(&format!("{user}:{realm}:{password}"));
    let request = hash(&format!("{method}:{uri}"));
    let middle = match quality {
        Some((count, client, quality)) => format!("{nonce}:{count}:{client}:{quality}"),
        None => nonce.to_owned(),
    };
    Ok(hash(&format!("{secret}:{middle}:{request}")))
}

/// What is to be proved.
pub struct Asked<'a> {
    /// The value of WWW-Authenticate.
    pub challenge: &'a str,
    pub method: &'a str,
    pub uri: &'a str,
    /// How often the nonce was used, this time included.
    pub count: u32,
    pub user: &'a str,
    pub password: &'a str,
}

/// The value of Authorization that answers a challenge.
///
/// # Errors
/// When the challenge is not one that tocsin makes.
pub fn prove(asked: &Asked<'_>) -> anyhow::Result<String> {
    let challenge = asked.challenge.strip_prefix("Digest ").context("a digest challenge")?;
    let field = |name: &str| {
        let mut found = parameters(challenge).filter(|(known, _)| *known == name);
        let value = found.next().map(|(_, value)| value);
        value.with_context(|| format!("the challenge has no {name}"))
    };
    let (realm, nonce, algorithm) = (field("realm")?, field("nonce")?, field("algorithm")?);
    let (user, uri, count, client) = (asked.user, asked.uri, format!("{:08x}", asked.count), "c0ffee");
    let quality = Some((&*count, client, "auth"));
    let response = response(
        algorithm,
        [user, realm, asked.password],
        [asked.method, uri],
        nonce,
        quality,
    )?;
    Ok(format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
         algorithm={algorithm}, qop=auth, nc={count}, cnonce=\"{client}\""
    ))
}

/// The parameters of a challenge's answer. Values with commas or escapes do not occur in these scenarios.
fn parameters(value: &str) -> impl Iterator<Item = (&str, &str)> {
    value
        .split(',')
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (name, value.trim_matches('"')))
}

fn hashed<D: Digest>(text: &str) -> String {
    D::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 7616 §3.9.1, moved into a SIPp log.
    const LOG: &str = "UDP message received [9] bytes :\n\nGET /dir/index.html SIP/2.0\n\
        Authorization: Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm=SHA-256, \
        nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", \
        qop=auth, response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\"\n";

    #[test]
    fn the_example_of_the_standard_is_right_and_another_password_is_not() {
        assert_eq!(check(LOG, "Mufasa", "Circle of Life").unwrap(), 1);
        assert!(check(LOG, "Mufasa", "circle of life").is_err());
        assert_eq!(check(&LOG.replace("received", "sent"), "Mufasa", "x").unwrap(), 0);
    }

    #[test]
    fn what_is_proved_here_is_right() {
        let mut asked = Asked {
            challenge: "Digest realm=\"tocsin\", nonce=\"n\", algorithm=MD5, qop=\"auth\", stale=true",
            method: "INVITE",
            uri: "sip:x@y",
            count: 2,
            user: "alice",
            password: "secret",
        };
        let log = |proof: String| {
            format!("UDP message received [9] bytes :\n\nINVITE sip:x@y SIP/2.0\nAuthorization: {proof}\n")
        };
        assert_eq!(check(&log(prove(&asked).unwrap()), "alice", "secret").unwrap(), 1);
        asked.password = "guess";
        assert!(check(&log(prove(&asked).unwrap()), "alice", "secret").is_err());
    }
}
