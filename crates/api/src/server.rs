//! Opens and closes the HTTPS server.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::desk::{Desk, Peer};
use crate::{Services, Settings, Telephone, routes, tls};

/// Connections at once; beyond, new ones wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 2048;
/// Time for a TLS handshake, and for the head of each request.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Time for requests in progress when the server closes.
const GOODBYE: Duration = Duration::from_secs(10);

/// A running desk. Dropping it leaves it running; [`Server::shutdown`] ends it.
pub struct Server {
    address: SocketAddr,
    fingerprint: String,
    initial_password: Option<String>,
    desk: Arc<Desk>,
    accepting: JoinHandle<GracefulShutdown>,
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

    /// The desk for those who ring it up.
    #[must_use]
    pub fn telephone(&self) -> Telephone {
        Telephone::new(Arc::clone(&self.desk))
    }

    /// Stops accepting, lets requests in progress end (at most ten seconds), closes.
    pub async fn shutdown(self) {
        self.desk.closing.send_replace(true);
        if let Ok(connections) = self.accepting.await {
            let _ = tokio::time::timeout(GOODBYE, connections.shutdown()).await;
        }
        if let Err(error) = self.desk.sessions.save() {
            tracing::warn!(%error, "the sessions could not be kept");
        }
    }
}

/// Opens the desk: reads or makes the certificate, loads users, binds, serves in the background.
///
/// # Errors
/// When the port is taken, the certificate cannot be used or the data folder cannot be written; each says what to do.
pub async fn serve(settings: Settings, services: Services) -> Result<Server, ServeError> {
    crate::numbers::install();
    let listen = settings.listen;
    let listener = TcpListener::bind(listen).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::PortBusy(listen),
        _ => ServeError::Bind {
            address: listen,
            source,
        },
    })?;
    let address = listener.local_addr().map_err(|source| ServeError::Bind {
        address: listen,
        source,
    })?;
    let (desk, initial_password) = Desk::open(settings, services)?;
    crate::renewal::tell(&desk, "").await;
    tokio::spawn(crate::renewal::run(Arc::clone(&desk), desk.closing.subscribe()));
    tokio::spawn(crate::sessions::run(Arc::clone(&desk), desk.closing.subscribe()));
    tokio::spawn(crate::kept::run(Arc::clone(&desk), desk.closing.subscribe()));
    let identity = tls::identity(&desk.settings.tls, &desk.settings.data)?;
    let fingerprint = identity.fingerprint;
    tracing::info!(%address, %fingerprint, "the console and the interface listen on HTTPS");
    let accepting = tokio::spawn(accept(
        listener,
        TlsAcceptor::from(identity.config),
        routes::router(Arc::clone(&desk)),
        desk.closing.subscribe(),
    ));
    Ok(Server {
        address,
        fingerprint,
        initial_password,
        desk,
        accepting,
    })
}

async fn accept(
    listener: TcpListener,
    tls: TlsAcceptor,
    app: Router,
    mut closing: watch::Receiver<bool>,
) -> GracefulShutdown {
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            _ = closing.wait_for(|closing| *closing) => return connections,
            accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (listener.accept().await, place)
            } => accepted,
        };
        match accepted {
            (Ok((stream, peer)), place) => {
                let (tls, app, watcher) = (tls.clone(), app.clone(), connections.watcher());
                tokio::spawn(async move {
                    let _place = place;
                    if let Err(error) = connection(stream, peer, tls, app, watcher).await {
                        tracing::debug!(%peer, %error, "a connection ended");
                    }
                });
            }
            (Err(error), _) => {
                // No file descriptor left, most likely: serve those who are there.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: TlsAcceptor,
    app: Router,
    watcher: Watcher,
) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let mut first = [0_u8; 1024];
    let seen = tokio::time::timeout(HANDSHAKE, stream.peek(&mut first)).await??;
    // A TLS record of a handshake begins with 22 (RFC 8446 §5.1); a letter is somebody who typed http://.
    if first.first().is_some_and(u8::is_ascii_uppercase) {
        return redirect(stream, &first[..seen]).await;
    }
    let stream = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await??;
    let inner = TowerToHyperService::new(app);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        hyper::service::Service::call(&inner, request)
    });
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE)
        .max_buf_size(64 << 10);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .max_concurrent_streams(64)
        .max_header_list_size(32 << 10);
    watcher
        .watch(http.serve_connection(TokioIo::new(stream), service))
        .await
}

/// Sends somebody who came without TLS to the same page with it.
async fn redirect(mut stream: TcpStream, head: &[u8]) -> Result<(), Failure> {
    let answer = match secure_address(head) {
        Some(place) => format!(
            "HTTP/1.1 308 Permanent Redirect\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ),
        None => "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
    };
    tokio::time::timeout(HANDSHAKE, stream.write_all(answer.as_bytes())).await??;
    stream.shutdown().await?;
    Ok(())
}

/// The `https://` form of a request's address, when host and path hold nothing but what such an address may hold.
fn secure_address(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?;
    let host = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim())
    })?;
    let fits = path.starts_with('/')
        && path.bytes().all(|b| b.is_ascii_graphic())
        && !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".:-[]".contains(&b));
    fits.then(|| format!("https://{host}{path}"))
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
    /// A user that the configuration names has a login that cannot be typed.
    #[error("the user “{0}” of the configuration cannot be added: a login has 1 to 64 of a-z, 0-9, '.', '-', '_'")]
    Login(String),
    /// A user that the configuration names is in a group that is not there.
    #[error("the user “{login}” of the configuration cannot be added: there is no group “{group}”")]
    NoGroup {
        /// The login.
        login: String,
        /// The group.
        group: String,
    },
    /// A user that the configuration names has telephone codes that cannot be used.
    #[error(
        "the telephone codes of the user “{0}” of the configuration cannot be used: a user code has 2 to 12 digits and is one person's, a secret code has 6 to 16"
    )]
    PhoneCodes(String),
    /// The time zone is unknown.
    #[error("“{0}” is not a time zone; write an IANA name such as Europe/Paris")]
    TimeZone(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_address_is_redirected() {
        for (head, expected) in [
            (
                "GET /a?b=1 HTTP/1.1\r\nHost: tocsin.example:8443\r\n\r\n",
                Some("https://tocsin.example:8443/a?b=1"),
            ),
            ("GET / HTTP/1.1\r\nhost: [::1]:1\r\n", Some("https://[::1]:1/")),
            ("GET / HTTP/1.1\r\n\r\n", None),
            ("GET http://evil/ HTTP/1.1\r\nHost: a\r\n", None),
            ("GET / HTTP/1.1\r\nHost: a/evil\r\n", None),
            ("GET / HTTP/1.1\r\nHost: a b\r\n", None),
            ("GET", None),
        ] {
            assert_eq!(secure_address(head.as_bytes()).as_deref(), expected, "{head:?}");
        }
    }
}
