//! FFmpeg and tshark as judges: how they are started, fed, and read.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rtp_media::Srtp;
use tempfile::TempDir;

/// Longest that anything may take here; only a fault reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until there is an answer.
pub fn wait<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "nothing came within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn missing(program: &str) -> String {
    format!("{program} cannot be run; scripts/install-dependencies.sh installs it (Debian package {program})")
}

/// FFmpeg, receiving one stream and decoding it.
pub struct Ffmpeg {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Ffmpeg {
    /// Starts it on a port of its own; returns once it listens. It ends by itself after `seconds` of sound.
    pub fn listen(payload_type: u8, format: &str, srtp: Option<&Srtp>, seconds: f64) -> Ffmpeg {
        // Its port is only known to be free until it is let go for FFmpeg: should another take it, another is tried.
        for _ in 0..8 {
            if let Some(listening) = Ffmpeg::try_listen(payload_type, format, srtp, seconds) {
                return listening;
            }
        }
        panic!("FFmpeg found no port to listen on in eight tries");
    }

    fn try_listen(payload_type: u8, format: &str, srtp: Option<&Srtp>, seconds: f64) -> Option<Ffmpeg> {
        let port = free_pair();
        let folder = tempfile::tempdir().unwrap();
        let (profile, crypto) = match srtp {
            None => ("RTP/AVP", String::new()),
            Some(srtp) => {
                let key = base64(&srtp.local.to_inline());
                let line = format!("a=crypto:1 {} inline:{key}\r\n", srtp.suite.name());
                ("RTP/SAVP", line)
            }
        };
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {port} {profile} {payload_type}\r\na=rtpmap:{payload_type} {format}\r\n{crypto}"
        );
        let path = folder.path().join("call.sdp");
        fs::write(&path, sdp).unwrap();
        let mut child = Command::new("ffmpeg")
            .args([
                "-nostdin",
                "-loglevel",
                "warning",
                "-protocol_whitelist",
                "file,udp,rtp,srtp",
            ])
            .arg("-i")
            .arg(&path)
            .args(["-t", &seconds.to_string(), "-ac", "1", "-ar", "8000", "-f", "s16le"])
            .arg(folder.path().join("heard"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("said")).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", missing("ffmpeg")));
        let listens = wait(|| match child.try_wait().unwrap() {
            Some(_) => Some(false),
            None => is_bound(port).then_some(true),
        });
        listens.then_some(Ffmpeg { child, port, folder })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), self.port)
    }

    /// Waits for its end; what it heard, at 8 kHz.
    pub fn finish(mut self) -> Vec<i16> {
        let status = wait(|| self.child.try_wait().unwrap());
        let said = fs::read_to_string(self.folder.path().join("said")).unwrap_or_default();
        assert!(status.success(), "ffmpeg: {status}: {said}");
        let heard = fs::read(self.folder.path().join("heard")).unwrap();
        heard
            .chunks_exact(2)
            .map(|b| i16::from_le_bytes([b[0], b[1]]))
            .collect()
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An even port that is free, and the next too.
fn free_pair() -> u16 {
    wait(|| {
        let rtp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        let port = rtp.local_addr().ok()?.port();
        let is_free = port.is_multiple_of(2) && UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port + 1)).is_ok();
        is_free.then_some(port)
    })
}

/// Does a socket listen on this UDP port? By the kernel's own table.
fn is_bound(port: u16) -> bool {
    let wanted = format!(":{port:04X}");
    ["/proc/net/udp", "/proc/net/udp6"].into_iter().any(|path| {
        let table = fs::read_to_string(path).unwrap_or_default();
        let mut locals = table.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1));
        locals.any(|local| local.ends_with(&wanted))
    })
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, &b| word << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for n in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * n)) as usize & 63];
            text.push(if n <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

/// Takes the datagrams that are sent to a socket, passes them on, and keeps them as a capture file would.
pub struct Capture {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<u8>>,
}

impl Capture {
    /// Starts to pass on.
    pub fn start(tap: UdpSocket, to: SocketAddr) -> Capture {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        tap.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let thread = std::thread::spawn(move || {
            let onward = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let SocketAddr::V4(own) = tap.local_addr().unwrap() else {
                unreachable!("it is bound to an IPv4 address")
            };
            // libpcap's classic format, in microseconds, of raw IP packets (link type 101).
            let mut file = Vec::new();
            for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 65_535, 101] {
                file.extend(word.to_le_bytes());
            }
            let mut buffer = [0; 2_048];
            loop {
                match tap.recv_from(&mut buffer) {
                    Ok((len, SocketAddr::V4(from))) => {
                        record(&mut file, from, own, &buffer[..len]);
                        // FFmpeg leaves when it has heard enough; what comes later is only captured.
                        let _ = onward.send_to(&buffer[..len], to);
                    }
                    _ if stopped.load(Ordering::Relaxed) => return file,
                    _ => {}
                }
            }
        });
        Capture { stop, thread }
    }

    /// The capture file.
    pub fn finish(self) -> Vec<u8> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn record(file: &mut Vec<u8>, from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let len = payload.len() + 28;
    for word in [time.as_secs() as u32, time.subsec_micros(), len as u32, len as u32] {
        file.extend(word.to_le_bytes());
    }
    // IPv4 (RFC 791) and UDP (RFC 768) headers without checksums.
    file.extend([0x45, 0]);
    file.extend((len as u16).to_be_bytes());
    file.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    file.extend(from.ip().octets());
    file.extend(to.ip().octets());
    file.extend(from.port().to_be_bytes());
    file.extend(to.port().to_be_bytes());
    file.extend((len as u16 - 20).to_be_bytes());
    file.extend([0, 0]);
    file.extend(payload);
}

/// tshark, reading a capture file.
pub struct Tshark {
    path: PathBuf,
    port: u16,
    _folder: TempDir,
}

/// A line of `tshark -z rtp,streams`.
#[derive(Debug)]
pub struct Found {
    pub packets: u64,
    pub lost: i64,
    pub has_problems: bool,
}

impl Tshark {
    /// Of a file of [`Capture`], whose first packet tells the port of RTP.
    pub fn of(capture: &[u8]) -> Tshark {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("call.pcap");
        fs::write(&path, capture).unwrap();
        let at = 24 + 16 + 22;
        let port = u16::from_be_bytes([capture[at], capture[at + 1]]);
        Tshark {
            path,
            port,
            _folder: folder,
        }
    }

    fn ask(&self, arguments: &[&str]) -> String {
        let output = Command::new("tshark")
            .args(["-n", "-r"])
            .arg(Path::new(&self.path))
            .args(["-d", &format!("udp.port=={},rtp", self.port)])
            .args(["-o", "rtpevent.event_payload_type_value:101"])
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", missing("tshark")));
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tshark {arguments:?}: {complaint}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Its RTP analysis.
    pub fn streams(&self) -> Vec<Found> {
        let table = self.ask(&["-q", "-z", "rtp,streams"]);
        let lines = table.lines().filter(|line| line.contains("127.0.0.1"));
        // Start, end, two addresses with ports, SSRC, payload, packets, "lost (share%)", …, problems.
        let read = |line: &str| {
            let (head, tail) = line.split_once('(').unwrap_or_else(|| panic!("{table}"));
            let words: Vec<&str> = head.split_whitespace().collect();
            let number = |n: usize| words[words.len() - n].parse().unwrap_or_else(|_| panic!("{table}"));
            Found {
                packets: number(2) as u64,
                lost: number(1),
                has_problems: tail.contains('X'),
            }
        };
        lines.map(read).collect()
    }

    /// The keys that it reads in telephone events, by the start of each.
    pub fn keys(&self) -> String {
        let fields = [
            "-Y",
            "rtpevent",
            "-T",
            "fields",
            "-e",
            "rtp.timestamp",
            "-e",
            "rtpevent.event_id",
        ];
        let lines = self.ask(&fields);
        let mut events: Vec<&str> = lines.lines().collect();
        events.dedup();
        let key = |event: &str| {
            let number: usize = event.split_whitespace().nth(1).unwrap().parse().unwrap();
            char::from(b"0123456789*#ABCD"[number])
        };
        events.into_iter().map(key).collect()
    }
}
