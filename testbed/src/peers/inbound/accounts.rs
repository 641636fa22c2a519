//! Telephones that call tocsin with a password: SIPp plays them, and a second computation of digest proofs writes theirs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, ensure};

use super::{Call, Heard, House, Place, SHOWN};
use crate::peers::sipp::proof::{self, Asked};

/// The account, added to the configuration.
const ACCOUNT: &str = "[incoming]\n[[incoming.account]]\nuser = \"mairie\"\npassword = \"le pont de pierre\"\n";
const USER: &str = "mairie";
const PASSWORD: &str = "le pont de pierre";

/// SIPp calls by a scenario from an address of no trunk; its proofs are made with this password.
fn call(place: &Place, scenario: &'static str, password: &'static str) -> anyhow::Result<(House, Heard)> {
    let house = House::open(place, ACCOUNT)?;
    let prover = Prover::start(password)?;
    let call = Call {
        scenario,
        from: "127.0.0.3",
        caller: "+33199000077",
        called: SHOWN,
        steps: &[],
    };
    let heard = house.call_with(place, &call, &["-3pcc", &prover.address.to_string()])?;
    Ok((house, heard))
}

pub(super) fn right(place: &Place) -> anyhow::Result<()> {
    let (_, heard) = call(place, "inbound-account", PASSWORD)?;
    ensure!(heard.voice > 50, "the caller heard {heard:?}");
    Ok(())
}

pub(super) fn wrong(place: &Place) -> anyhow::Result<()> {
    let (_, heard) = call(place, "inbound-wrong-password", "le pont de bois")?;
    ensure!(heard.voice == 0, "the caller heard {heard:?}");
    Ok(())
}

pub(super) fn replayed(place: &Place) -> anyhow::Result<()> {
    call(place, "inbound-replay", PASSWORD).map(drop)
}

pub(super) fn stale(place: &Place) -> anyhow::Result<()> {
    call(place, "inbound-stale-nonce", PASSWORD).map(drop)
}

/// Ends each command between SIPp and its twin.
const END: u8 = 0x1b;

/// SIPp's twin: it is sent a challenge and sends back the proof.
struct Prover {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Prover {
    fn start(password: &'static str) -> anyhow::Result<Prover> {
        let listener = TcpListener::bind("127.0.0.1:0").context("a port for SIPp's twin")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                match listener.accept() {
                    // SIPp waits in vain for what could not be proved, and tells so.
                    Ok((stream, _)) => drop(serve(stream, password, &stop)),
                    Err(_) => thread::sleep(Duration::from_millis(10)),
                }
            }
        });
        Ok(Prover {
            address,
            is_over,
            thread: Some(thread),
        })
    }
}

impl Drop for Prover {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut stream: TcpStream, password: &str, stop: &AtomicBool) -> anyhow::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_millis(50)))?;
    let mut pending = Vec::new();
    let mut buffer = [0; 4096];
    while !stop.load(Ordering::Relaxed) {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => pending.extend_from_slice(&buffer[..length]),
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) => {}
            Err(error) => return Err(error.into()),
        }
        while let Some(end) = pending.iter().position(|&byte| byte == END) {
            let command: Vec<u8> = pending.drain(..=end).collect();
            stream.write_all(answer(&String::from_utf8_lossy(&command[..end]), password)?.as_bytes())?;
        }
    }
    Ok(())
}

fn answer(command: &str, password: &str) -> anyhow::Result<String> {
    let field = |name: &str| {
        let mut lines = command.lines().filter_map(|line| line.trim().split_once(": "));
        let found = lines.find(|(known, _)| *known == name).map(|(_, value)| value);
        found.with_context(|| format!("SIPp's command lacks {name}: {command}"))
    };
    let proof = proof::prove(&Asked {
        challenge: field("Challenge")?,
        method: field("Method")?,
        uri: field("Uri")?,
        count: field("Count")?.parse()?,
        user: USER,
        password,
    })?;
    let end = char::from(END);
    Ok(format!(
        "Call-ID: {}\r\nAuthorization: {proof}\r\n\r\n{end}",
        field("Call-ID")?
    ))
}
