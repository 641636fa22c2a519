//! The trace of a running service: the last SIP messages of the last calls, within bounds, for `tocsin trace`.
//!
//! The signalling thread hands each message over and goes on; a thread of its own keeps and finds them. It is asked through a
//! socket in the data folder that only the service's user can open: who may read the journal may read the trace.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sip_core::driver::{Heading, Tap};
use sip_core::trace::{Bounds, Direction, Filter, Record, Recorder, Trace, redact};
use sip_core::{Flow, Transport};

/// Messages that wait to be kept. When more come at once, some are missing from the trace; calls never wait for it.
const WAITING: usize = 8_192;
/// Messages that wait for somebody who watches; who is slower misses some.
const WATCHED: usize = 1_024;
/// Who asks at the same time, at most.
const GUESTS: usize = 16;
/// Longest question, in bytes.
const LONGEST_QUESTION: u64 = 4_096;
/// A guest who takes nothing for so long is sent away.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest message that is read from a trace.
const LONGEST_MESSAGE: usize = 1 << 20;

/// The socket's place in the data folder.
pub fn socket(data: &Path) -> PathBuf {
    data.join("trace.sock")
}

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Question {
    /// A telephone number or a user name.
    pub user: Option<String>,
    /// A Call-ID.
    pub call_id: Option<String>,
    /// Go on with what comes.
    pub follow: bool,
    /// Leave what proves passwords, decrypts sound and was typed in the messages.
    pub secrets: bool,
}

impl Question {
    fn filter(&self) -> Filter {
        match (&self.call_id, &self.user) {
            (Some(call_id), _) => Filter::CallId(call_id.clone()),
            (None, Some(user)) => Filter::User(user.clone()),
            (None, None) => Filter::All,
        }
    }
}

/// The line before each message of an answer, and of a file with a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    call_id: String,
    users: Vec<String>,
    forgotten: u64,
    /// Since 1970, in nanoseconds.
    time_ns: u64,
    sent: bool,
    transport: String,
    local: SocketAddr,
    remote: SocketAddr,
    length: usize,
}

/// One message of an answer.
#[derive(Debug, Clone)]
pub struct Line {
    /// Call-ID.
    pub call_id: String,
    /// Users that the call has to do with.
    pub users: Vec<String>,
    /// How many older messages of the call were forgotten.
    pub forgotten: u64,
    /// The message.
    pub record: Record,
}

impl Line {
    fn of(trace: &Trace, record: &Record, secrets: bool) -> Line {
        let mut record = record.clone();
        if !secrets {
            record.bytes = redact(&record.bytes).into();
        }
        Line {
            call_id: trace.call_id.clone(),
            users: trace.users.clone(),
            forgotten: trace.forgotten,
            record,
        }
    }

    /// Writes it in the form that [`Line::read`] reads.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let Record {
            time,
            direction,
            flow,
            bytes,
        } = &self.record;
        let head = Head {
            call_id: self.call_id.clone(),
            users: self.users.clone(),
            forgotten: self.forgotten,
            time_ns: u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
            sent: *direction == Direction::Sent,
            transport: flow.transport.token().to_owned(),
            local: flow.local,
            remote: flow.remote,
            length: bytes.len(),
        };
        serde_json::to_writer(&mut *out, &head)?;
        out.write_all(b"\n")?;
        out.write_all(bytes)?;
        out.write_all(b"\n")
    }

    /// Reads the next one; `None` at the end.
    ///
    /// # Errors
    /// Those of `from`, or [`io::ErrorKind::InvalidData`] if it is no trace.
    pub fn read(from: &mut impl BufRead) -> io::Result<Option<Line>> {
        let mut head = String::new();
        if from.take(LONGEST_MESSAGE as u64).read_line(&mut head)? == 0 {
            return Ok(None);
        }
        let wrong = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason.to_owned());
        let head: Head = serde_json::from_str(&head).map_err(|error| wrong(&error.to_string()))?;
        let transport = [Transport::Udp, Transport::Tcp, Transport::Tls]
            .into_iter()
            .find(|transport| transport.token() == head.transport)
            .ok_or_else(|| wrong("unknown transport"))?;
        if head.length > LONGEST_MESSAGE {
            return Err(wrong("a message is too long"));
        }
        let mut bytes = vec![0; head.length + 1];
        from.read_exact(&mut bytes)?;
        bytes.truncate(head.length);
        Ok(Some(Line {
            call_id: head.call_id,
            users: head.users,
            forgotten: head.forgotten,
            record: Record {
                time: Duration::from_nanos(head.time_ns),
                direction: if head.sent {
                    Direction::Sent
                } else {
                    Direction::Received
                },
                flow: Flow {
                    transport,
                    local: head.local,
                    remote: head.remote,
                },
                bytes: bytes.into(),
            },
        }))
    }
}

/// What the trace's thread is told.
enum Input {
    Seen(Instant, Heading, Flow, Bytes),
    Asked(Question, SyncSender<Line>),
}

/// Somebody who watches.
struct Watcher {
    filter: Filter,
    secrets: bool,
    lines: SyncSender<Line>,
}

/// Starts to keep a trace, and to answer at the socket in `data`. Gives what the driver must show every message to.
///
/// # Errors
/// When the socket cannot be opened, or there is no thread.
pub fn start(data: &Path) -> io::Result<Tap> {
    let path = socket(data);
    // A socket that a crash left behind; a running service holds the folder's lock before this.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let (inputs, received) = mpsc::sync_channel(WAITING);
    thread::Builder::new()
        .name("trace".into())
        .spawn(move || keep(&received))?;
    let asked = inputs.clone();
    thread::Builder::new()
        .name("trace-socket".into())
        .spawn(move || listen(&listener, &asked))?;
    Ok(Box::new(move |now, heading, flow, message| {
        let seen = Input::Seen(now, heading, flow, Bytes::copy_from_slice(message));
        if inputs.try_send(seen).is_err() {
            metrics::counter!("tocsin_trace_missed_total").increment(1);
        }
    }))
}

fn keep(inputs: &Receiver<Input>) {
    let mut recorder = Recorder::new(Bounds::default(), Instant::now(), SystemTime::now());
    let mut watchers: Vec<Watcher> = Vec::new();
    while let Ok(input) = inputs.recv() {
        match input {
            Input::Seen(now, heading, flow, bytes) => {
                let Some((record, trace)) = recorder.record(now, heading.into(), flow, &bytes) else {
                    continue;
                };
                watchers.retain(|watcher| {
                    if !watcher.filter.matches(trace) {
                        return true;
                    }
                    let line = Line::of(trace, record, watcher.secrets);
                    !matches!(watcher.lines.try_send(line), Err(TrySendError::Disconnected(_)))
                });
            }
            Input::Asked(question, lines) => {
                let filter = question.filter();
                // The copy is made here, and handed over by a thread that may wait for its reader.
                let told: Vec<Line> = recorder
                    .traces(&filter)
                    .into_iter()
                    .flat_map(|trace| {
                        let records = trace.records.iter();
                        records.map(|record| Line::of(trace, record, question.secrets))
                    })
                    .collect();
                let secrets = question.secrets;
                if question.follow {
                    watchers.push(Watcher { filter, secrets, lines });
                } else {
                    let _ = thread::Builder::new().name("trace-answer".into()).spawn(move || {
                        for line in told {
                            if lines.send(line).is_err() {
                                return;
                            }
                        }
                    });
                }
            }
        }
    }
}

fn listen(listener: &UnixListener, inputs: &SyncSender<Input>) {
    let guests = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // No file descriptor left: others need it more.
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        if guests.fetch_add(1, Ordering::Relaxed) >= GUESTS {
            guests.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (inputs, present) = (inputs.clone(), Arc::clone(&guests));
        let spawned = thread::Builder::new().name("trace-guest".into()).spawn(move || {
            if let Err(error) = serve(&stream, &inputs) {
                tracing::debug!(%error, "somebody who asked for a trace has gone");
            }
            present.fetch_sub(1, Ordering::Relaxed);
        });
        if spawned.is_err() {
            guests.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn serve(stream: &UnixStream, inputs: &SyncSender<Input>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut question = String::new();
    BufReader::new(stream.take(LONGEST_QUESTION)).read_line(&mut question)?;
    let question: Question = serde_json::from_str(&question)?;
    let (lines, told) = mpsc::sync_channel(WATCHED);
    let asked = inputs.send(Input::Asked(question, lines));
    asked.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
    let mut out = io::BufWriter::new(stream);
    loop {
        match told.recv_timeout(Duration::from_secs(1)) {
            Ok(line) => line.write(&mut out)?,
            Err(RecvTimeoutError::Timeout) if has_gone(stream)? => return Ok(()),
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return out.flush(),
        }
        while let Ok(line) = told.try_recv() {
            line.write(&mut out)?;
        }
        out.flush()?;
    }
}

/// Whether a guest who watches quiet calls has left meanwhile.
fn has_gone(mut stream: &UnixStream) -> io::Result<bool> {
    stream.set_nonblocking(true)?;
    let read = stream.read(&mut [0]);
    stream.set_nonblocking(false)?;
    match read {
        Ok(length) => Ok(length == 0),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

/// Asks a running service; what it tells is read from the answer with [`Line::read`].
///
/// # Errors
/// When no service runs on this data folder, or it is another user's.
pub fn ask(data: &Path, question: &Question) -> io::Result<BufReader<UnixStream>> {
    let mut stream = UnixStream::connect(socket(data))?;
    serde_json::to_writer(&mut stream, question)?;
    stream.write_all(b"\n")?;
    Ok(BufReader::new(stream))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn flow() -> Flow {
        Flow {
            transport: Transport::Udp,
            local: "192.0.2.1:5060".parse().unwrap(),
            remote: "192.0.2.2:5060".parse().unwrap(),
        }
    }

    fn invite(call_id: &str, user: &str) -> Vec<u8> {
        format!(
            "INVITE sip:{user}@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{call_id}\r\nFrom: <sip:a@b>;tag=1\r\n\
             To: <sip:{user}@b>\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\nAuthorization: Digest response=\"8f4e\"\r\n\
             Content-Length: 0\r\n\r\n"
        )
        .into_bytes()
    }

    fn all(from: &mut impl BufRead) -> Vec<Line> {
        std::iter::from_fn(|| Line::read(from).unwrap()).collect()
    }

    #[test]
    fn what_was_seen_is_told_to_who_asks_at_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let mut tap = start(folder.path()).unwrap();
        let mode = std::fs::metadata(socket(folder.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for (call, user) in [("one", "+33199000001"), ("two", "+33199000002")] {
            tap(Instant::now(), Heading::Out, flow(), &invite(call, user));
        }
        let question = Question {
            user: Some("01 99 00 00 02".into()),
            ..Question::default()
        };
        let told = all(&mut ask(folder.path(), &question).unwrap());
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].call_id.as_str(), told[0].record.flow), ("two", flow()));
        assert!(!told[0].record.bytes.windows(4).any(|part| part == b"8f4e"));
        let question = Question {
            call_id: Some("one".into()),
            secrets: true,
            ..Question::default()
        };
        let told = all(&mut ask(folder.path(), &question).unwrap());
        assert_eq!(told[0].record.bytes, invite("one", "+33199000001"));
    }

    #[test]
    fn who_watches_sees_what_comes() {
        let folder = tempfile::tempdir().unwrap();
        let mut tap = start(folder.path()).unwrap();
        let question = Question {
            follow: true,
            user: Some("0199000002".into()),
            ..Question::default()
        };
        let mut answer = ask(folder.path(), &question).unwrap();
        // The watcher stands in the queue behind nothing; messages are shown until one is seen.
        let (done, is_done) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                while let Err(mpsc::RecvTimeoutError::Timeout) = is_done.recv_timeout(Duration::from_millis(5)) {
                    tap(Instant::now(), Heading::In, flow(), &invite("one", "+33199000001"));
                    tap(Instant::now(), Heading::In, flow(), &invite("two", "+33199000002"));
                }
            });
            let seen = Line::read(&mut answer).unwrap().unwrap();
            drop(done);
            assert_eq!(
                (seen.call_id.as_str(), seen.record.direction),
                ("two", Direction::Received)
            );
        });
    }

    #[test]
    fn what_is_no_trace_is_refused() {
        for bytes in [&b"{}\n"[..], b"nonsense", b"\n"] {
            assert!(Line::read(&mut &bytes[..]).is_err(), "{bytes:?}");
        }
        assert!(Line::read(&mut &b""[..]).unwrap().is_none());
    }
}
