//! UDP: one socket in and out (RFC 3581), read in batches.

use std::io;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use tokio::net::UdpSocket;

use crate::{Flow, Transport};

use super::BindError;

/// Datagrams read before others get their turn.
const BATCH: usize = 256;

/// Largest datagram that UDP carries, in bytes.
const LARGEST: usize = 65_535;

/// Buffer that the kernel keeps for bursts, in bytes: a thousand calls' answers at once.
const KERNEL_BUFFER: usize = 4 << 20;

pub(super) struct Udp {
    socket: UdpSocket,
    /// The same socket, without asking the runtime first whether it is ready.
    raw: std::net::UdpSocket,
    address: SocketAddr,
    buffer: BytesMut,
}

impl Udp {
    pub(super) async fn bind(address: SocketAddr) -> Result<Udp, BindError> {
        let failed = |source| BindError::of(address, source);
        let raw = std::net::UdpSocket::bind(address).map_err(failed)?;
        raw.set_nonblocking(true).map_err(failed)?;
        let socket = UdpSocket::from_std(raw.try_clone().map_err(failed)?).map_err(failed)?;
        let reference = socket2::SockRef::from(&socket);
        // The kernel may grant less; bursts are then lost sooner and sent again by RFC 3261's timers.
        let _ = reference.set_recv_buffer_size(KERNEL_BUFFER);
        let _ = reference.set_send_buffer_size(KERNEL_BUFFER);
        let address = socket
            .local_addr()
            .map_err(|source| BindError::Listen { address, source })?;
        Ok(Udp {
            socket,
            raw,
            address,
            buffer: BytesMut::zeroed(LARGEST),
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Passes on what has come, at most a batch, and returns how much that was. `is_rested`: the runtime has not been asked whether
    /// something has come.
    pub(super) fn receive(&mut self, is_rested: bool, mut pass: impl FnMut(Flow, Bytes)) -> usize {
        for count in 0..BATCH {
            let received = match is_rested {
                true => self.raw.recv_from(&mut self.buffer),
                // It notes when nothing is left, so that it can be waited for again.
                false => self.socket.try_recv_from(&mut self.buffer),
            };
            match received {
                Ok((length, remote)) => {
                    let flow = Flow {
                        transport: Transport::Udp,
                        local: self.address,
                        remote,
                    };
                    pass(flow, Bytes::copy_from_slice(&self.buffer[..length]));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return count,
                // An ICMP error of an earlier datagram: its transaction runs into its timer.
                Err(_) => {}
            }
        }
        BATCH
    }

    /// Whether the datagram may have been sent. A full buffer counts as loss, which RFC 3261's timers repair.
    pub(super) fn send(&mut self, remote: SocketAddr, bytes: &[u8]) -> bool {
        // Straight to the kernel: the runtime would refuse until it has seen the socket become writable.
        match self.raw.send_to(bytes, remote) {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

/// Waits until one of the sockets can be read.
pub(super) async fn readable(sockets: &[Udp]) {
    match sockets {
        [] => std::future::pending().await,
        [one] => {
            let _ = one.socket.readable().await;
        }
        many => {
            std::future::poll_fn(|context| {
                match many
                    .iter()
                    .any(|socket| socket.socket.poll_recv_ready(context).is_ready())
                {
                    true => std::task::Poll::Ready(()),
                    false => std::task::Poll::Pending,
                }
            })
            .await;
        }
    }
}
