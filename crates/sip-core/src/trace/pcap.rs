//! Capture files that Wireshark and tshark read: classic pcap, Ethernet frames made up around each message.
//!
//! UDP messages become datagrams. Messages of streams become TCP segments with sequence numbers that fit, so that they are
//! put together again; what went through TLS is written in clear, on port 5060 instead of 5061, where it is decoded as SIP.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

use super::{Direction, Record};
use crate::flow::{Flow, Transport};

/// The largest IP packet.
const SNAP: u32 = 65_549;
/// The longest piece of a TCP stream in one frame.
const SEGMENT: usize = 1_400;
/// Datagrams longer than an IPv4 packet can hold are cut; none can have been received.
const DATAGRAM: usize = 65_507;

/// Writes records into a capture, in any order of their times.
pub struct Pcap<W> {
    out: W,
    /// The next sequence number, for each flow and each way.
    sequence: HashMap<(Flow, Direction), u32>,
}

/// Writes a whole capture.
///
/// # Errors
/// Those of `out`.
pub fn write_pcap<'a>(out: impl Write, records: impl IntoIterator<Item = &'a Record>) -> io::Result<()> {
    let mut pcap = Pcap::new(out)?;
    for record in records {
        pcap.write(record)?;
    }
    pcap.finish().map(drop)
}

impl<W: Write> Pcap<W> {
    /// Writes the file's head.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W) -> io::Result<Self> {
        let mut head = Vec::with_capacity(24);
        // Nanoseconds, version 2.4, UTC, no accuracy told, largest packet, Ethernet.
        for word in [0xa1b2_3c4d, 0x0004_0002, 0, 0, SNAP, 1] {
            head.extend_from_slice(&u32::to_le_bytes(word));
        }
        out.write_all(&head)?;
        Ok(Pcap {
            out,
            sequence: HashMap::new(),
        })
    }

    /// Writes one message.
    ///
    /// # Errors
    /// Those of the file.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        let flow = record.flow;
        let (from, to) = match record.direction {
            Direction::Received => (flow.remote, flow.local),
            Direction::Sent => (flow.local, flow.remote),
        };
        if flow.transport == Transport::Udp {
            let payload = &record.bytes[..record.bytes.len().min(DATAGRAM)];
            return self.frame(record, &udp(from, to, payload));
        }
        let (from, to) = (in_clear(from, flow.transport), in_clear(to, flow.transport));
        let back = match record.direction {
            Direction::Received => Direction::Sent,
            Direction::Sent => Direction::Received,
        };
        let acknowledged = self.sequence.get(&(flow, back)).copied().unwrap_or(1);
        for piece in record.bytes.chunks(SEGMENT) {
            let next = self.sequence.entry((flow, record.direction)).or_insert(1);
            let segment = tcp(from, to, *next, acknowledged, piece);
            *next = next.wrapping_add(piece.len() as u32);
            self.frame(record, &segment)?;
        }
        Ok(())
    }

    /// Flushes and gives the file back.
    ///
    /// # Errors
    /// Those of the file.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn frame(&mut self, record: &Record, packet: &Packet) -> io::Result<()> {
        // Locally administered addresses; ours ends with 1.
        let (ours, theirs) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let (to, from) = match record.direction {
            Direction::Received => (ours, theirs),
            Direction::Sent => (theirs, ours),
        };
        let length = 14 + packet.bytes.len() as u32;
        let mut head = Vec::with_capacity(30);
        for word in [record.time.as_secs() as u32, record.time.subsec_nanos(), length, length] {
            head.extend_from_slice(&word.to_le_bytes());
        }
        head.extend_from_slice(&to);
        head.extend_from_slice(&from);
        head.extend_from_slice(&packet.ethertype.to_be_bytes());
        self.out.write_all(&head)?;
        self.out.write_all(&packet.bytes)
    }
}

/// An IP packet and what Ethernet calls it.
struct Packet {
    ethertype: u16,
    bytes: Vec<u8>,
}

/// Wireshark expects TLS on its port, which is no longer there.
fn in_clear(mut addr: SocketAddr, transport: Transport) -> SocketAddr {
    if transport == Transport::Tls && addr.port() == Transport::Tls.default_port() {
        addr.set_port(Transport::Tcp.default_port());
    }
    addr
}

fn udp(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Packet {
    let mut head = Vec::with_capacity(8);
    head.extend_from_slice(&from.port().to_be_bytes());
    head.extend_from_slice(&to.port().to_be_bytes());
    head.extend_from_slice(&((8 + payload.len()) as u16).to_be_bytes());
    head.extend_from_slice(&[0, 0]);
    ip(from, to, 17, head, 6, payload)
}

fn tcp(from: SocketAddr, to: SocketAddr, sequence: u32, acknowledged: u32, payload: &[u8]) -> Packet {
    let mut head = Vec::with_capacity(20);
    head.extend_from_slice(&from.port().to_be_bytes());
    head.extend_from_slice(&to.port().to_be_bytes());
    head.extend_from_slice(&sequence.to_be_bytes());
    head.extend_from_slice(&acknowledged.to_be_bytes());
    // Five words of header, PSH and ACK, a large window, no checksum yet, nothing urgent.
    head.extend_from_slice(&[0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
    ip(from, to, 6, head, 16, payload)
}

/// Puts an IP header before `head` and `payload`, and the checksum into `head` at `checksum_at`.
fn ip(from: SocketAddr, to: SocketAddr, protocol: u8, mut head: Vec<u8>, checksum_at: usize, payload: &[u8]) -> Packet {
    let length = (head.len() + payload.len()) as u16;
    let (ethertype, mut bytes, pseudo) = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut ip = vec![0x45, 0];
            ip.extend_from_slice(&(20 + length).to_be_bytes());
            // No identification, not to be fragmented, TTL 64.
            ip.extend_from_slice(&[0, 0, 0x40, 0, 64, protocol, 0, 0]);
            ip.extend_from_slice(&from.octets());
            ip.extend_from_slice(&to.octets());
            let checksum = checksum(&[&ip]);
            ip[10..12].copy_from_slice(&checksum.to_be_bytes());
            let pseudo = [&from.octets()[..], &to.octets(), &[0, protocol], &length.to_be_bytes()].concat();
            (0x0800, ip, pseudo)
        }
        (from, to) => {
            let (from, to) = (v6(from), v6(to));
            let mut ip = vec![0x60, 0, 0, 0];
            ip.extend_from_slice(&length.to_be_bytes());
            ip.extend_from_slice(&[protocol, 64]);
            ip.extend_from_slice(&from);
            ip.extend_from_slice(&to);
            let pseudo = [&from[..], &to, &[0, 0], &length.to_be_bytes(), &[0, 0, 0, protocol]].concat();
            (0x86dd, ip, pseudo)
        }
    };
    let sum = match checksum(&[&pseudo, &head, payload]) {
        // RFC 768: zero means that there is none.
        0 => 0xffff,
        sum => sum,
    };
    head[checksum_at..checksum_at + 2].copy_from_slice(&sum.to_be_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(payload);
    Packet { ethertype, bytes }
}

fn v6(addr: IpAddr) -> [u8; 16] {
    match addr {
        IpAddr::V4(addr) => addr.to_ipv6_mapped().octets(),
        IpAddr::V6(addr) => addr.octets(),
    }
}

/// The Internet checksum (RFC 1071) of parts, each but the last of even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u32;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
            sum = (sum & 0xffff) + (sum >> 16);
        }
    }
    !(sum as u16)
}
