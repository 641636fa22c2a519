//! Who may connect by TCP, and for how long, on real sockets.
#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sip_core::driver::{Application, Driver, Waker};
use sip_core::{Config, Endpoint, Event, Limits, Local, Transport, TrunkConfig};

/// Takes no calls, and runs until it is told to stop.
struct Deaf(Arc<AtomicBool>);

impl Application for Deaf {
    fn handle_event(&mut self, _: Instant, _: &mut Endpoint, _: Event) {}

    fn is_finished(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A driver on a thread of its own, with a trunk at 127.0.0.2.
struct Server {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(limits: Limits) -> Server {
        let is_over = Arc::new(AtomicBool::new(false));
        let application = Deaf(Arc::clone(&is_over));
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let config = Config {
                    locals: vec![Local::new(Transport::Tcp, "127.0.0.1:0".parse().unwrap())],
                    limits,
                    ..Config::default()
                };
                let mut driver = Driver::bind(config, [9; 32]).await.unwrap();
                let trunk = TrunkConfig {
                    accept_from: vec![IpAddr::from([127, 0, 0, 2])],
                    ..TrunkConfig::default()
                };
                driver.endpoint().add_trunk(Instant::now(), trunk);
                let address = driver.endpoint().config().locals[0].addr;
                tell.send((address, driver.waker())).unwrap();
                driver.own_thread();
                driver.run(application).await;
            });
        });
        let (address, waker) = told.recv().unwrap();
        Server {
            address,
            is_over,
            waker,
            thread: Some(thread),
        }
    }

    fn connect(&self, last: u8) -> TcpStream {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, last], 0)).into()).unwrap();
        socket.connect(&self.address.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.waker.wake();
        self.thread.take().map(JoinHandle::join);
    }
}

/// A keep-alive is answered on a connection that is served; one that is not was closed.
fn is_served(stream: &mut TcpStream) -> bool {
    let mut answer = [0; 2];
    stream.write_all(b"\r\n\r\n").is_ok() && stream.read_exact(&mut answer).is_ok()
}

#[test]
fn one_address_cannot_take_the_places_of_others() {
    let server = Server::start(Limits {
        connections: 20,
        connections_each: 6,
        ..Limits::default()
    });
    let mut open: Vec<(u8, TcpStream)> = Vec::new();
    let mut served = |from: u8, tries: usize| {
        for _ in 0..tries {
            let mut stream = server.connect(from);
            if is_served(&mut stream) {
                open.push((from, stream));
            }
        }
        open.iter().filter(|(last, _)| *last == from).count()
    };
    assert_eq!(served(9, 15), 6, "one stranger");
    assert_eq!(served(10, 15), 4, "strangers have half of the places");
    assert_eq!(served(2, 15), 10, "the trunk has the others");
    // Those that are there are not harmed.
    assert!(open.iter_mut().all(|(_, stream)| is_served(stream)));
    // A place that is left is free again, once the server has noticed.
    open.retain(|(last, _)| *last != 9);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_served(&mut server.connect(10)) {
        assert!(Instant::now() < deadline, "places are never free again");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn who_never_sends_a_whole_message_is_disconnected() {
    let server = Server::start(Limits {
        first_message: Duration::from_millis(500),
        ..Limits::default()
    });
    let options =
        b"OPTIONS sip:us@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.9;branch=z9hG4bKo\r\nFrom: <sip:a@b>;tag=1\r\n\
        To: <sip:us@127.0.0.1>\r\nCall-ID: one\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
    let mut telephone = server.connect(9);
    telephone.write_all(options).unwrap();
    let mut answer = [0; 11];
    telephone.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"SIP/2.0 403");
    let mut rest = vec![0; 4096];
    assert!(telephone.read(&mut rest).unwrap() > 0);
    // One sends its message byte by byte for ever, another nothing but keep-alives, the third nothing.
    let (mut slow, mut empty, mut silent) = (server.connect(9), server.connect(10), server.connect(11));
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut bytes = options.iter().cycle();
    while slow.write_all(&[*bytes.next().unwrap().max(&b'x')]).is_ok() {
        assert!(Instant::now() < deadline, "it may drip for ever");
        std::thread::sleep(Duration::from_millis(20));
    }
    while is_served(&mut empty) {
        assert!(Instant::now() < deadline, "keep-alives alone suffice");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(silent.read(&mut rest).unwrap(), 0, "silence suffices");
    assert!(is_served(&mut telephone), "who has spoken stays");
}
