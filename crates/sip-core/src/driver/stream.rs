//! TCP and TLS: connections that are opened when there is something to send, kept, and used again (RFC 3261 §18, RFC 5626).

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::{Flow, Transport};

/// How long a connection may take to open, TLS included.
const OPENING: Duration = Duration::from_secs(5);

/// How long a peer may take to accept what we write.
const WRITING: Duration = Duration::from_secs(10);

/// Interval of our CRLF keep-alives on connections that we opened (RFC 5626 §4.4.1).
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long after a keep-alive its answer may take, from peers that have answered before.
const PONG: Duration = Duration::from_secs(10);

/// A connection that somebody opened to us may say nothing for this long before its first bytes…
const SILENCE_FIRST: Duration = Duration::from_secs(15);

/// …and this long after them.
const SILENCE: Duration = Duration::from_secs(900);

/// Connections that strangers and trunks may open to us at once.
const ACCEPTED: usize = 2_000;

/// Messages that wait for one connection.
const QUEUE: usize = 4_096;

/// Longest pause between two tries to open a connection.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What connections report to the driver. The number tells a connection from its predecessor on the same flow.
pub(super) enum News {
    Accepted(Flow, u64, mpsc::Sender<Bytes>),
    Opened(Flow, u64),
    Received(Flow, u64, Bytes),
    Closed(Flow, u64),
}

struct Connection {
    number: u64,
    queue: mpsc::Sender<Bytes>,
    is_accepted: bool,
}

/// Failures in a row to open connections to one address.
struct Failures {
    count: u32,
    until: Instant,
}

pub(super) struct Streams {
    connections: HashMap<Flow, Connection>,
    failures: HashMap<(Transport, SocketAddr), Failures>,
    news: mpsc::Receiver<News>,
    report: mpsc::Sender<News>,
    connector: Option<TlsConnector>,
    next: u64,
}

impl Streams {
    pub fn new() -> Streams {
        let (report, news) = mpsc::channel(1024);
        Streams {
            connections: HashMap::new(),
            failures: HashMap::new(),
            news,
            report,
            connector: None,
            next: 0,
        }
    }

    pub fn set_connector(&mut self, connector: TlsConnector) {
        self.connector = Some(connector);
    }

    /// Lets peers connect.
    pub fn listen(&self, listener: TcpListener, local: SocketAddr, acceptor: Option<TlsAcceptor>) {
        let report = self.report.clone();
        tokio::spawn(accept(listener, local, acceptor, report));
    }

    /// The next thing that happened on a connection.
    pub async fn next(&mut self) -> News {
        loop {
            match self.news.recv().await {
                Some(news) => return news,
                // It cannot be: we hold a sender ourselves.
                None => std::future::pending().await,
            }
        }
    }

    /// The same, without waiting.
    pub fn try_next(&mut self) -> Option<News> {
        self.news.try_recv().ok()
    }

    /// Notes what happened. Returns whether the news is about a connection that is still ours.
    pub fn learn(&mut self, news: &News) -> bool {
        match news {
            News::Accepted(flow, number, queue) => {
                let accepted = self.connections.values().filter(|c| c.is_accepted).count();
                if accepted >= ACCEPTED {
                    return false;
                }
                self.connections.insert(
                    *flow,
                    Connection {
                        number: *number,
                        queue: queue.clone(),
                        is_accepted: true,
                    },
                );
                true
            }
            News::Opened(flow, number) => {
                self.failures.remove(&(flow.transport, flow.remote));
                self.is_current(flow, *number)
            }
            News::Received(flow, number, _) => self.is_current(flow, *number),
            News::Closed(flow, number) => {
                let is_current = self.is_current(flow, *number);
                if is_current {
                    self.connections.remove(flow);
                }
                is_current
            }
        }
    }

    fn is_current(&self, flow: &Flow, number: u64) -> bool {
        self.connections.get(flow).is_some_and(|c| c.number == number)
    }

    /// Sends on the flow's connection, opening it if need be. False if that is not possible now.
    pub fn send(&mut self, now: Instant, flow: Flow, payload: Bytes, server_name: impl FnOnce() -> String) -> bool {
        if let Some(connection) = self.connections.get(&flow) {
            return connection.queue.try_send(payload).is_ok();
        }
        let target = (flow.transport, flow.remote);
        let failures = self.failures.entry(target).or_insert(Failures { count: 0, until: now });
        if failures.until > now {
            return false;
        }
        // Counted as a failure until it has opened.
        let pause = Duration::from_millis(500) * 2u32.pow(failures.count.min(6));
        failures.count += 1;
        failures.until = now + pause.min(LONGEST_PAUSE);
        let tls = match flow.transport {
            Transport::Tls => match (&self.connector, ServerName::try_from(server_name())) {
                (Some(connector), Ok(name)) => Some((connector.clone(), name)),
                _ => return false,
            },
            _ => None,
        };
        self.next += 1;
        let number = self.next << 1;
        let (queue, waiting) = mpsc::channel(QUEUE);
        let is_queued = queue.try_send(payload).is_ok();
        self.connections.insert(
            flow,
            Connection {
                number,
                queue,
                is_accepted: false,
            },
        );
        tokio::spawn(open(flow, number, tls, waiting, self.report.clone()));
        is_queued
    }

    /// Closes a connection after what is queued has been sent.
    pub fn close(&mut self, flow: &Flow) {
        self.connections.remove(flow);
    }
}

async fn accept(listener: TcpListener, local: SocketAddr, acceptor: Option<TlsAcceptor>, report: mpsc::Sender<News>) {
    let mut next = 0u64;
    loop {
        let Ok((stream, remote)) = listener.accept().await else {
            // Out of files: give others the time to close some.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        next += 1;
        let number = next << 1 | 1;
        let transport = if acceptor.is_some() {
            Transport::Tls
        } else {
            Transport::Tcp
        };
        let flow = Flow {
            transport,
            local,
            remote,
        };
        tokio::spawn(welcome(stream, flow, number, acceptor.clone(), report.clone()));
    }
}

async fn welcome(
    stream: TcpStream,
    flow: Flow,
    number: u64,
    acceptor: Option<TlsAcceptor>,
    report: mpsc::Sender<News>,
) {
    let _ = stream.set_nodelay(true);
    let (queue, waiting) = mpsc::channel(QUEUE);
    match acceptor {
        None => {
            if report.send(News::Accepted(flow, number, queue)).await.is_ok() {
                serve(stream, flow, number, waiting, report, false).await;
            }
        }
        Some(acceptor) => {
            // Strangers that only shake hands never become known to the driver.
            if let Ok(Ok(stream)) = tokio::time::timeout(OPENING, acceptor.accept(stream)).await
                && report.send(News::Accepted(flow, number, queue)).await.is_ok()
            {
                serve(stream, flow, number, waiting, report, false).await;
            }
        }
    }
}

async fn open(
    flow: Flow,
    number: u64,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    waiting: mpsc::Receiver<Bytes>,
    report: mpsc::Sender<News>,
) {
    let connecting = async {
        let stream = TcpStream::connect(flow.remote).await?;
        stream.set_nodelay(true)?;
        match tls {
            None => Ok::<_, io::Error>(Either::Plain(stream)),
            Some((connector, name)) => Ok(Either::Tls(Box::new(connector.connect(name, stream).await?))),
        }
    };
    let opened = tokio::time::timeout(OPENING, connecting).await;
    let Ok(Ok(stream)) = opened else {
        let _ = report.send(News::Closed(flow, number)).await;
        return;
    };
    if report.send(News::Opened(flow, number)).await.is_err() {
        return;
    }
    match stream {
        Either::Plain(stream) => serve(stream, flow, number, waiting, report, true).await,
        Either::Tls(stream) => serve(*stream, flow, number, waiting, report, true).await,
    }
}

enum Either {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

/// Reads and writes until either side closes.
async fn serve<S: AsyncRead + AsyncWrite>(
    stream: S,
    flow: Flow,
    number: u64,
    mut waiting: mpsc::Receiver<Bytes>,
    report: mpsc::Sender<News>,
    is_ours: bool,
) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut buffer = BytesMut::with_capacity(16 * 1024);
    let mut heart = Heart::new(is_ours);
    loop {
        buffer.reserve(4096);
        tokio::select! {
            read = reader.read_buf(&mut buffer) => match read {
                Ok(0) | Err(_) => break,
                Ok(_) => {
                    let bytes = buffer.split().freeze();
                    heart.heard(&bytes);
                    if report.send(News::Received(flow, number, bytes)).await.is_err() {
                        return;
                    }
                }
            },
            message = waiting.recv() => {
                let Some(first) = message else {
                    let _ = writer.shutdown().await;
                    break;
                };
                let mut batch = first;
                if !waiting.is_empty() {
                    let mut joined = BytesMut::from(&batch[..]);
                    while let Ok(more) = waiting.try_recv() {
                        joined.extend_from_slice(&more);
                    }
                    batch = joined.freeze();
                }
                match tokio::time::timeout(WRITING, write(&mut writer, &batch)).await {
                    Ok(Ok(())) => {}
                    _ => break,
                }
            }
            () = tokio::time::sleep_until(heart.next().into()) => {
                if !heart.beat() || write(&mut writer, b"\r\n\r\n").await.is_err() {
                    break;
                }
            }
        }
    }
    let _ = report.send(News::Closed(flow, number)).await;
}

async fn write(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes).await?;
    writer.flush().await
}

/// Decides whether a connection lives.
struct Heart {
    is_ours: bool,
    last_heard: Instant,
    has_heard: bool,
    pinged: Option<Instant>,
    /// The peer has answered a keep-alive, so silence after one means that it is gone.
    answers: bool,
}

impl Heart {
    fn new(is_ours: bool) -> Heart {
        Heart {
            is_ours,
            last_heard: Instant::now(),
            has_heard: false,
            pinged: None,
            answers: false,
        }
    }

    fn heard(&mut self, bytes: &[u8]) {
        self.last_heard = Instant::now();
        self.has_heard = true;
        if self.pinged.take().is_some() && bytes.starts_with(b"\r\n") {
            self.answers = true;
        }
    }

    fn next(&self) -> Instant {
        match (self.is_ours, self.pinged) {
            (true, Some(at)) if self.answers => at + PONG,
            (true, Some(at)) => at + KEEP_ALIVE,
            (true, None) => self.last_heard + KEEP_ALIVE,
            (false, _) if self.has_heard => self.last_heard + SILENCE,
            (false, _) => self.last_heard + SILENCE_FIRST,
        }
    }

    /// The time has come. False: the peer is gone. True: send a keep-alive.
    fn beat(&mut self) -> bool {
        if !self.is_ours || (self.answers && self.pinged.is_some()) {
            return false;
        }
        self.pinged = Some(Instant::now());
        true
    }
}
