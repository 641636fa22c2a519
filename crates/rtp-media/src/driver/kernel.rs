//! The system calls that the standard library does not have: receive with the kernel's time stamp, and disconnect.
#![allow(unsafe_code)]

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;

/// One received datagram.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received {
    /// Bytes in the buffer; 0 too for a datagram that did not fit.
    pub(super) len: usize,
    /// Who sent it, if that was asked for.
    pub(super) from: Option<SocketAddr>,
    /// When the kernel took it from the wire: nanoseconds since 1970.
    pub(super) stamp: Option<i128>,
}

/// Room for one time stamp's control message, aligned as `cmsghdr` asks.
#[repr(C, align(8))]
struct Control([u8; 64]);

/// Lets the kernel stamp what arrives. Arrivals are read up to 20 ms later, so jitter and round trips need the stamp.
pub(super) fn stamp_arrivals(socket: &UdpSocket) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the option's value is an int that lives through the call, and its length is told truly.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPNS,
            ptr::from_ref(&on).cast(),
            mem::size_of_val(&on) as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Takes the oldest waiting datagram, without waiting for one. `wants_sender` costs a copy of the address.
pub(super) fn receive(socket: &UdpSocket, buffer: &mut [u8], wants_sender: bool) -> io::Result<Received> {
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    let mut control = MaybeUninit::<Control>::uninit();
    let mut name = MaybeUninit::<libc::sockaddr_storage>::uninit();
    // SAFETY: all fields of msghdr are integers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = mem::size_of::<Control>();
    if wants_sender {
        message.msg_name = name.as_mut_ptr().cast();
        message.msg_namelen = mem::size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    }
    // SAFETY: every pointer in `message` is to a local or to `buffer`, with its true length; all outlive the call.
    let len = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) };
    if len < 0 {
        return Err(io::Error::last_os_error());
    }
    let len = if message.msg_flags & libc::MSG_TRUNC != 0 {
        0
    } else {
        len as usize
    };
    let from = if wants_sender {
        // SAFETY: the kernel has written `msg_namelen` bytes of an address of the socket's family.
        unsafe { address(name.as_ptr(), message.msg_namelen) }
    } else {
        None
    };
    // SAFETY: the kernel has set msg_control and msg_controllen to the messages it wrote into `control`.
    let stamp = unsafe { stamp(&message) };
    Ok(Received { len, from, stamp })
}

/// The same without sender and time stamp: a third less work for the kernel.
pub(super) fn receive_plain(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Received> {
    // SAFETY: the buffer's pointer and true length, which outlives the call.
    let len = unsafe {
        libc::recv(
            socket.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            libc::MSG_DONTWAIT | libc::MSG_TRUNC,
        )
    };
    let Ok(len) = usize::try_from(len) else {
        return Err(io::Error::last_os_error());
    };
    Ok(Received {
        // With MSG_TRUNC the kernel tells the datagram's own length, which may be more than it wrote.
        len: if len > buffer.len() { 0 } else { len },
        from: None,
        stamp: None,
    })
}

/// Lets sleeps of the calling thread end on time: by default the kernel may add 50 µs, of the millisecond that a tick has.
pub(super) fn wake_sharply() {
    // SAFETY: this option takes an integer and touches no memory of ours. A refusal changes nothing that matters.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1_000 as libc::c_ulong);
    }
}

/// Asks that the calling thread be run before ordinary programs whenever it is due, as audio servers ask: a backup or a report
/// on the same machine must not delay anybody's sound. The lowest of the real-time priorities, or a better place among
/// ordinary programs, or nothing, as the system allows; a thread that never slept would still leave them one twentieth
/// (sched(7)).
pub(super) fn run_first() {
    // SAFETY: the structure lives through the call; 0 is the calling thread. A refusal changes nothing but the order.
    unsafe {
        let mut lowest: libc::sched_param = mem::zeroed();
        lowest.sched_priority = 1;
        if libc::sched_setscheduler(0, libc::SCHED_RR, &raw const lowest) != 0 {
            libc::setpriority(libc::PRIO_PROCESS, 0, -11);
        }
    }
}

/// Undoes a connect: datagrams of anyone are received again. A port that was bound by its number stays bound; one that
/// the kernel chose would be lost.
pub(super) fn disconnect(socket: &UdpSocket) -> io::Result<()> {
    // SAFETY: all fields are integers, for which zero is a value; AF_UNSPEC makes the rest irrelevant (connect(2)).
    let mut nobody: libc::sockaddr = unsafe { mem::zeroed() };
    nobody.sa_family = libc::AF_UNSPEC as libc::sa_family_t;
    // SAFETY: the address lives through the call, and its length is told truly.
    let result = unsafe {
        libc::connect(
            socket.as_raw_fd(),
            &raw const nobody,
            mem::size_of::<libc::sockaddr>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Binds the calling thread to one core. Media is paced; moving between cores costs it its caches.
pub(super) fn pin(core: usize) -> io::Result<()> {
    if core >= libc::CPU_SETSIZE as usize {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: a cpu_set_t is a bit set for which zero is the empty set; CPU_SET is told an index within it.
    let result = unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, mem::size_of::<libc::cpu_set_t>(), &raw const set)
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// # Safety
/// `message` must have come back from a successful `recvmsg`, with its control buffer still alive.
unsafe fn stamp(message: &libc::msghdr) -> Option<i128> {
    // SAFETY: as the caller promises; CMSG_FIRSTHDR and CMSG_NXTHDR stay within msg_controllen, and give null at the end.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while let Some(control) = header.as_ref() {
            if control.cmsg_level == libc::SOL_SOCKET && control.cmsg_type == libc::SCM_TIMESTAMPNS {
                let time: libc::timespec = ptr::read_unaligned(libc::CMSG_DATA(header).cast());
                return Some(i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec));
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    None
}

/// # Safety
/// `name` must point to `len` written bytes of a socket address, in storage for the longest one.
unsafe fn address(name: *const libc::sockaddr_storage, len: libc::socklen_t) -> Option<SocketAddr> {
    if (len as usize) < mem::size_of::<libc::sa_family_t>() {
        return None;
    }
    // SAFETY: at least the family was written; each branch checks that its whole structure was.
    unsafe {
        match i32::from((*name.cast::<libc::sockaddr>()).sa_family) {
            libc::AF_INET if len as usize >= mem::size_of::<libc::sockaddr_in>() => {
                let name = &*name.cast::<libc::sockaddr_in>();
                let ip = Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr));
                Some(SocketAddr::new(IpAddr::V4(ip), u16::from_be(name.sin_port)))
            }
            libc::AF_INET6 if len as usize >= mem::size_of::<libc::sockaddr_in6>() => {
                let name = &*name.cast::<libc::sockaddr_in6>();
                let ip = Ipv6Addr::from(name.sin6_addr.s6_addr);
                let port = u16::from_be(name.sin6_port);
                Some(SocketAddrV6::new(ip, port, 0, name.sin6_scope_id).into())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    fn pair(ip: &str) -> (UdpSocket, UdpSocket) {
        let bind = || UdpSocket::bind((ip.parse::<IpAddr>().unwrap(), 0)).unwrap();
        (bind(), bind())
    }

    #[test]
    fn datagrams_come_with_their_sender_and_the_time_they_came() {
        for ip in ["127.0.0.1", "::1"] {
            let (us, peer) = pair(ip);
            stamp_arrivals(&us).unwrap();
            let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i128;
            peer.send_to(b"hello", us.local_addr().unwrap()).unwrap();
            let mut buffer = [0; 64];
            let received = receive(&us, &mut buffer, true).unwrap();
            let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i128;
            assert_eq!(&buffer[..received.len], b"hello");
            assert_eq!(received.from, Some(peer.local_addr().unwrap()));
            assert!((before - 1_000_000..=after).contains(&received.stamp.unwrap()), "{ip}");
            assert_eq!(
                receive(&us, &mut buffer, true).unwrap_err().kind(),
                io::ErrorKind::WouldBlock
            );
        }
    }

    #[test]
    fn empty_datagrams_and_giants_have_no_length() {
        let (us, peer) = pair("127.0.0.1");
        let to = us.local_addr().unwrap();
        let mut buffer = [0; 64];
        for datagram in [&[][..], &[7; 65][..], &[7; 60_000][..]] {
            peer.send_to(datagram, to).unwrap();
            assert_eq!(receive(&us, &mut buffer, false).unwrap().len, 0);
            peer.send_to(datagram, to).unwrap();
            assert_eq!(receive_plain(&us, &mut buffer).unwrap().len, 0);
        }
        peer.send_to(b"hello", to).unwrap();
        assert_eq!(receive_plain(&us, &mut buffer).unwrap().len, 5);
        assert_eq!(&buffer[..5], b"hello");
        assert!(receive_plain(&us, &mut buffer).is_err());
    }

    #[test]
    fn a_connected_socket_refuses_strangers_until_it_is_disconnected() {
        let (chosen, peer) = pair("127.0.0.1");
        let to = chosen.local_addr().unwrap();
        drop(chosen);
        let us = UdpSocket::bind(to).unwrap();
        let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut buffer = [0; 64];
        us.connect(peer.local_addr().unwrap()).unwrap();
        stranger.send_to(b"forged", to).unwrap();
        assert!(receive(&us, &mut buffer, true).is_err());
        disconnect(&us).unwrap();
        assert_eq!(us.local_addr().unwrap(), to);
        stranger.send_to(b"forged", to).unwrap();
        assert_eq!(receive(&us, &mut buffer, true).unwrap().len, 6);
    }
}
