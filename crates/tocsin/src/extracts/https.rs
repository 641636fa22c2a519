//! An extract behind an HTTPS address: bounded in size and time, certificate checked, asked for only when it is new
//! (RFC 9110 §13.1: If-None-Match, If-Modified-Since).

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use directory::refresh::{Extract, Fetched, Source, SourceError};
use sip_core::Secret;
use ureq::Agent;
use ureq::http::{HeaderMap, Response, StatusCode, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::words::{Phrase, Told, error_in_english, system};

/// Where systems keep the authorities that they trust.
const SYSTEM: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
];
/// Redirections that are followed, each to HTTPS only; the authorization is not sent along to another host.
const REDIRECTS: u32 = 5;

/// Why a source cannot be set up.
#[derive(Debug)]
pub enum SetupError {
    /// The authority file cannot be used.
    Authorities {
        /// As configured.
        path: PathBuf,
        /// What is wrong.
        reason: Phrase,
    },
    /// No authority at all.
    NoAuthorities,
    /// The system gives no thread.
    Thread(std::io::Error),
}

impl Told for SetupError {
    fn told(&self) -> Phrase {
        match self {
            Self::Authorities { path, reason } => Phrase::new("start-extract-authorities")
                .with("path", path.display().to_string())
                .with("reason", reason.clone()),
            Self::NoAuthorities => Phrase::new("start-extract-no-authorities"),
            Self::Thread(error) => Phrase::new("start-thread").with("reason", system(error)),
        }
    }
}

error_in_english!(SetupError);

/// What the server told of a version, to ask for a newer one only.
#[derive(Debug, Clone, Default)]
struct Version {
    etag: Option<String>,
    modified: Option<String>,
}

/// An extract behind an HTTPS address.
pub struct Https {
    url: String,
    authorization: Option<Secret>,
    agent: Agent,
    /// That of the extract which the directory took.
    kept: Version,
    /// That of the extract fetched last.
    seen: Version,
}

impl Https {
    /// Fetches from `url`, which begins with `https://`, within `timeout` for all of it.
    ///
    /// # Errors
    /// When no certificate authority can be had.
    pub fn new(
        url: &str,
        authorization: Option<Secret>,
        authorities: Option<&Path>,
        timeout: Duration,
    ) -> Result<Self, SetupError> {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots(authorities)?)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(REDIRECTS)
            .timeout_global(Some(timeout))
            .user_agent(concat!("tocsin/", env!("CARGO_PKG_VERSION")))
            // Packed bodies would slip past the bound on size.
            .accept_encoding("identity")
            .build()
            .new_agent();
        Ok(Self {
            url: url.to_owned(),
            authorization,
            agent,
            kept: Version::default(),
            seen: Version::default(),
        })
    }

    fn refused(&self, reason: impl ToString) -> SourceError {
        SourceError::Refused {
            place: self.url.clone(),
            reason: reason.to_string(),
        }
    }

    fn ask(&self) -> Result<Response<ureq::Body>, SourceError> {
        let mut request = self.agent.get(&self.url);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization.reveal());
        }
        if let Some(etag) = &self.kept.etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(modified) = &self.kept.modified {
            request = request.header(header::IF_MODIFIED_SINCE, modified);
        }
        request.call().map_err(|error| self.refused(error))
    }
}

impl Source for Https {
    fn fetch(&mut self, limit: usize) -> Result<Fetched, SourceError> {
        let mut response = self.ask()?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED => return Ok(Fetched::Unchanged),
            StatusCode::NO_CONTENT => return Ok(Fetched::Nothing),
            status => return Err(self.refused(format!("HTTP status {status}"))),
        }
        let too_large = || SourceError::TooLarge {
            place: self.url.clone(),
            limit,
        };
        let announced = text(response.headers(), header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        if announced.is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        let body = response.body_mut().as_reader();
        body.take(limit as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| self.refused(error))?;
        if bytes.len() > limit {
            return Err(too_large());
        }
        self.seen = Version {
            etag: text(response.headers(), header::ETAG),
            modified: text(response.headers(), header::LAST_MODIFIED),
        };
        Ok(Fetched::Extract(Extract {
            name: file_name(&self.url),
            bytes,
        }))
    }

    fn keep(&mut self) {
        self.kept = std::mem::take(&mut self.seen);
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The last part of the path.
fn file_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path.trim_start_matches("https://").trim_end_matches('/');
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The authorities of the system and of the operator's file.
fn roots(authorities: Option<&Path>) -> Result<Vec<Certificate<'static>>, SetupError> {
    let mut roots = Vec::new();
    if let Some(bytes) = SYSTEM.iter().find_map(|path| std::fs::read(path).ok()) {
        // One certificate that cannot be read must not make the others useless.
        roots.extend(certificates(&bytes).filter_map(Result::ok));
    }
    if let Some(path) = authorities {
        let wrong = |reason: Phrase| SetupError::Authorities {
            path: path.to_owned(),
            reason,
        };
        let bytes = std::fs::read(path).map_err(|error| wrong(system(&error)))?;
        let own = certificates(&bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| wrong(Phrase::new("start-extract-no-certificate")))?;
        if own.is_empty() {
            return Err(wrong(Phrase::new("start-extract-no-certificate")));
        }
        roots.extend(own);
    }
    if roots.is_empty() {
        return Err(SetupError::NoAuthorities);
    }
    Ok(roots)
}

fn certificates(pem: &[u8]) -> impl Iterator<Item = Result<Certificate<'static>, ureq::Error>> + '_ {
    parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

#[cfg(test)]
#[path = "https_tests.rs"]
mod tests;
