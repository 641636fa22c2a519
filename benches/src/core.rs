//! What a measurement asks of the kernel: one core, and how much of it was used.
#![allow(unsafe_code)]

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Duration;

/// Binds the calling thread, and the threads it starts from then on, to one core.
///
/// # Errors
/// When there is no such core.
pub fn pin(core: usize) -> io::Result<()> {
    if core >= libc::CPU_SETSIZE as usize {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: zero is the empty set, and the index was checked.
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

/// CPU time of this process so far, user and system.
pub fn cpu_time() -> Duration {
    usage(libc::RUSAGE_SELF)
}

/// CPU time of the calling thread so far, user and system.
pub fn thread_time() -> Duration {
    // Finer than getrusage, which some kernels count in ticks.
    // SAFETY: the structure is ours.
    let time = unsafe {
        let mut time: libc::timespec = mem::zeroed();
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time);
        time
    };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// CPU time so far of another process, all its threads. It is counted in ticks of 10 ms; zero once the process is gone.
pub fn cpu_time_of(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum::<u64>();
    Duration::from_millis(10 * ticks)
}

fn usage(whose: libc::c_int) -> Duration {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the structure is ours, and zero is a value for all its fields, should the call fail.
    let usage = unsafe {
        libc::getrusage(whose, usage.as_mut_ptr());
        usage.assume_init()
    };
    let time = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1_000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// Resident memory of this process in bytes, after what was freed has been given back.
pub fn resident() -> u64 {
    // SAFETY: it takes no pointer.
    unsafe {
        libc::malloc_trim(0);
    }
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = pages
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    pages * 4096
}

/// Lets this process open as many files as it may.
pub fn raise_file_limit() {
    // SAFETY: both calls are given a structure of ours.
    unsafe {
        let mut limit: libc::rlimit = mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}

/// Lets the kernel stamp what arrives on `socket`, for [`receive`].
///
/// # Errors
/// When the kernel refuses.
pub fn stamp_arrivals(socket: &UdpSocket) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the option's value is an int, and its length is told truly.
    let result = unsafe {
        let value = ptr::from_ref(&on).cast();
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, value, 4)
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Takes the oldest waiting datagram: its length, and when the kernel had it, in nanoseconds since 1970.
pub fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, u64)> {
    #[repr(C, align(8))]
    struct Control([u8; 64]);
    let mut control = Control([0; 64]);
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: every pointer is to a local or to `buffer`, with its true length; the control messages are read within
    // what the kernel says it wrote.
    unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = control.0.len();
        let len = libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT);
        let len = usize::try_from(len).ok()?;
        let header = libc::CMSG_FIRSTHDR(&message).as_ref()?;
        if header.cmsg_type != libc::SCM_TIMESTAMPNS {
            return None;
        }
        let time: libc::timespec = ptr::read_unaligned(libc::CMSG_DATA(header).cast());
        Some((len, time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64))
    }
}
