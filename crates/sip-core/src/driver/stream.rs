//! TCP and TLS: connections that are opened when there is something to send, kept, and used again (RFC 3261 §18, RFC 5626).

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::{Flow, Limits, Transport};

use super::door::Door;
use super::heart::{Beat, Heart, Opened, SILENCE};

/// How long a connection may take to open, TLS included.
const OPENING: Duration = Duration::from_secs(5);

/// How long a peer may take to accept what we write.
const WRITING: Duration = Duration::from_secs(10);

/// Messages that wait for one connection.
const QUEUE: usize = 4_096;

/// Longest pause between two tries to open a connection.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What connections report to the driver. The number tells a connection from its predecessor on the same flow.
pub(super) enum News {
    /// Somebody wants to connect.
    Arrived(Arrival),
    Opened(Flow, u64),
    Received(Flow, u64, Bytes),
    Closed(Flow, u64),
}

/// A connection that was opened to us, before anything is read from it.
pub(super) struct Arrival {
    stream: TcpStream,
    flow: Flow,
    acceptor: Option<TlsAcceptor>,
}

impl Arrival {
    /// From where it comes.
    pub fn remote(&self) -> SocketAddr {
        self.flow.remote
    }
}

struct Connection {
    number: u64,
    queue: mpsc::Sender<Bytes>,
    place: Place,
    /// Whole messages that came.
    messages: Arc<AtomicU64>,
}

/// Whose place at the door a connection takes.
#[derive(Clone, Copy)]
enum Place {
    /// None: we opened it.
    Ours,
    Trunk,
    Stranger,
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
    door: Door,
    /// How long a stranger's first message may take.
    patience: Duration,
    next: u64,
}

impl Streams {
    pub fn new(limits: &Limits) -> Streams {
        let (report, news) = mpsc::channel(1024);
        Streams {
            connections: HashMap::new(),
            failures: HashMap::new(),
            news,
            report,
            connector: None,
            door: Door::new(limits.connections, limits.connections_each),
            patience: limits.first_message,
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
            News::Arrived(_) => true,
            News::Opened(flow, number) => {
                self.failures.remove(&(flow.transport, flow.remote));
                self.is_current(flow, *number)
            }
            News::Received(flow, number, _) => self.is_current(flow, *number),
            News::Closed(flow, number) => {
                let is_current = self.is_current(flow, *number);
                if is_current {
                    self.close(flow);
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
        let (served, queue) = self.connect(flow, Place::Ours);
        let is_queued = queue.try_send(payload).is_ok();
        tokio::spawn(open(served, tls));
        is_queued
    }

    /// Serves a connection that somebody opened to us, or closes it if there is no place. `is_known`: from an address of a trunk.
    pub fn welcome(&mut self, arrival: Arrival, is_known: bool) {
        let Arrival { stream, flow, acceptor } = arrival;
        if !self.door.enter(flow.remote.ip(), is_known) {
            return;
        }
        let (served, _) = self.connect(flow, if is_known { Place::Trunk } else { Place::Stranger });
        // A carrier may connect long before it has something to say.
        let patience = if is_known { SILENCE } else { self.patience };
        tokio::spawn(welcome(stream, served, patience, acceptor));
    }

    /// Notes a connection. Returns its own end, and the queue of what it is to send.
    fn connect(&mut self, flow: Flow, place: Place) -> (Served, mpsc::Sender<Bytes>) {
        self.next += 1;
        let number = self.next;
        let (queue, waiting) = mpsc::channel(QUEUE);
        let messages = Arc::default();
        let served = Served {
            flow,
            number,
            waiting,
            report: self.report.clone(),
            messages: Arc::clone(&messages),
        };
        // One on the same flow of whose end nobody has told yet.
        self.close(&flow);
        let connection = Connection {
            number,
            queue: queue.clone(),
            place,
            messages,
        };
        self.connections.insert(flow, connection);
        (served, queue)
    }

    /// So many whole messages came on a connection.
    pub fn note_messages(&self, flow: &Flow, count: u64) {
        if let Some(connection) = self.connections.get(flow) {
            connection.messages.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Closes a connection after what is queued has been sent.
    pub fn close(&mut self, flow: &Flow) {
        let Some(connection) = self.connections.remove(flow) else {
            return;
        };
        match connection.place {
            Place::Ours => {}
            Place::Trunk => self.door.leave(flow.remote.ip(), true),
            Place::Stranger => self.door.leave(flow.remote.ip(), false),
        }
    }
}

/// A connection's end of what the driver knows about it.
struct Served {
    flow: Flow,
    number: u64,
    waiting: mpsc::Receiver<Bytes>,
    report: mpsc::Sender<News>,
    messages: Arc<AtomicU64>,
}

async fn accept(listener: TcpListener, local: SocketAddr, acceptor: Option<TlsAcceptor>, report: mpsc::Sender<News>) {
    loop {
        let Ok((stream, remote)) = listener.accept().await else {
            // Out of files: give others the time to close some.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
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
        let arrival = Arrival {
            stream,
            flow,
            acceptor: acceptor.clone(),
        };
        if report.send(News::Arrived(arrival)).await.is_err() {
            return;
        }
    }
}

async fn welcome(stream: TcpStream, served: Served, patience: Duration, acceptor: Option<TlsAcceptor>) {
    let _ = stream.set_nodelay(true);
    let by = Opened::Theirs(patience);
    let Some(acceptor) = acceptor else {
        return serve(stream, served, by).await;
    };
    match tokio::time::timeout(OPENING, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => serve(stream, served, by).await,
        _ => served.close().await,
    }
}

async fn open(served: Served, tls: Option<(TlsConnector, ServerName<'static>)>) {
    let flow = served.flow;
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
        return served.close().await;
    };
    if served.report.send(News::Opened(flow, served.number)).await.is_err() {
        return;
    }
    match stream {
        Either::Plain(stream) => serve(stream, served, Opened::Ours).await,
        Either::Tls(stream) => serve(*stream, served, Opened::Ours).await,
    }
}

enum Either {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl Served {
    async fn close(self) {
        let _ = self.report.send(News::Closed(self.flow, self.number)).await;
    }
}

/// Reads and writes until either side closes.
async fn serve<S: AsyncRead + AsyncWrite>(stream: S, mut served: Served, by: Opened) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut buffer = BytesMut::with_capacity(4 * 1024);
    let mut heart = Heart::new(Instant::now(), by);
    loop {
        buffer.reserve(4096);
        tokio::select! {
            read = reader.read_buf(&mut buffer) => match read {
                Ok(0) | Err(_) => break,
                Ok(_) => {
                    let bytes = buffer.split().freeze();
                    heart.hear(Instant::now(), &bytes);
                    let received = News::Received(served.flow, served.number, bytes);
                    if served.report.send(received).await.is_err() {
                        return;
                    }
                }
            },
            message = served.waiting.recv() => {
                let Some(first) = message else {
                    let _ = writer.shutdown().await;
                    break;
                };
                let mut batch = first;
                if !served.waiting.is_empty() {
                    let mut joined = BytesMut::from(&batch[..]);
                    while let Ok(more) = served.waiting.try_recv() {
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
                match heart.beat(Instant::now(), served.messages.load(Ordering::Relaxed)) {
                    Beat::Lives => {}
                    Beat::Ping if write(&mut writer, b"\r\n\r\n").await.is_ok() => {}
                    Beat::Ping | Beat::Close => break,
                }
            }
        }
    }
    served.close().await;
}

async fn write(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes).await?;
    writer.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusing_address_is_tried_again_after_pauses_that_grow() {
        // Nobody listens on a port that was given and left.
        let left = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let remote = left.local_addr().expect("its address");
        drop(left);
        let flow = Flow {
            transport: Transport::Tcp,
            local: "127.0.0.1:5060".parse().expect("an address"),
            remote,
        };
        let mut streams = Streams::new(&Limits::default());
        let mut now = Instant::now();
        for pause in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000].map(Duration::from_millis) {
            let mut send = |now| streams.send(now, flow, Bytes::from_static(b"OPTIONS"), String::new);
            assert!(send(now), "after the pause before {pause:?}");
            let news = streams.next().await;
            assert!(streams.learn(&news) && matches!(news, News::Closed(..)));
            let mut send = |now| streams.send(now, flow, Bytes::from_static(b"OPTIONS"), String::new);
            now += pause;
            assert!(!send(now - Duration::from_millis(1)), "within {pause:?}");
        }
    }
}
