//! The way in for commands on the same machine: a socket in the data folder that only the service's own user may use. With
//! it `tocsin journal` reads a journal that is in use.
//!
//! One line asks; one line answers, `ok` or `no REASON`; after `ok` follows a backup of the journal.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use dialer::{Command, Handle, JournalError, journal};

const SOCKET: &str = "control";
const BACKUP: &str = "journal";
/// The longest question.
const LONGEST: u64 = 64;
/// Time for a question to come, and for the other side to take each piece of the answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The socket's address. It goes through the folder's descriptor, since an address holds a hundred bytes and a path may be
/// longer.
fn address(folder: &Path) -> io::Result<(File, PathBuf)> {
    let folder = File::open(folder)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()));
    Ok((folder, path))
}

/// Listens until it is dropped.
pub struct Control {
    folder: PathBuf,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// Opens the way into a running dialer. The journal's lock is held by then: a socket that lies in the folder is of a
    /// program that is dead.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(folder: &Path, dialer: Handle) -> io::Result<Self> {
        let (held, path) = address(folder)?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        drop(held);
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_over);
        let thread = std::thread::Builder::new().name("control".into()).spawn(move || {
            for stream in listener.incoming() {
                if told.load(Ordering::Relaxed) {
                    return;
                }
                // One after the other: nobody needs two backups at once.
                if let Ok(stream) = stream
                    && let Err(error) = answer(&stream, &dialer)
                {
                    tracing::warn!(%error, "a local command was not answered to its end");
                }
            }
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            is_over,
            thread: Some(thread),
        })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread, which then ends; one that is in the middle of a backup ends after it.
        if let Ok((_held, path)) = address(&self.folder) {
            let _ = UnixStream::connect(&path);
            let _ = std::fs::remove_file(&path);
        }
        if let Some(thread) = self.thread.take()
            && thread.is_finished()
        {
            let _ = thread.join();
        }
    }
}

fn answer(stream: &UnixStream, dialer: &Handle) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut question = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut question)?;
    let mut out = BufWriter::with_capacity(1 << 16, stream);
    if question.trim_end() != BACKUP {
        writeln!(out, "no unknown question")?;
        return out.flush();
    }
    // Checked before anything is promised; the backup itself is checked again by who receives it.
    let checked = dialer.journal().and_then(|reader| {
        reader.verify()?;
        Ok(reader)
    });
    let reader = match checked {
        Ok(reader) => reader,
        Err(error) => {
            writeln!(out, "no {}", error.to_string().replace('\n', " "))?;
            return out.flush();
        }
    };
    let who = rustix::net::sockopt::socket_peercred(stream).map_or_else(
        |_| "local".to_owned(),
        |peer| format!("local user {}", peer.uid.as_raw()),
    );
    let note = Command::Note {
        by: who,
        action: "journal.backup".into(),
        subject: reader.end().to_string(),
    };
    if let Err(error) = dialer.command(note) {
        tracing::warn!(%error, "a backup of the journal could not be noted in it");
    }
    writeln!(out, "ok")?;
    journal::write_backup(&reader, &mut out).map_err(io::Error::other)?;
    out.flush()
}

/// Why a running tocsin gave no backup.
#[derive(Debug)]
pub enum Unanswered {
    /// Nobody listens.
    Nobody(io::Error),
    /// It said no, and why.
    Refused(String),
    /// It was cut off.
    Cut(io::Error),
}

/// Asks the tocsin that runs on this data folder for a backup of its journal.
///
/// # Errors
/// Why there is none.
pub fn fetch(folder: &Path, out: &mut dyn Write) -> Result<u64, Unanswered> {
    let (_held, path) = address(folder).map_err(Unanswered::Nobody)?;
    let mut stream = UnixStream::connect(&path).map_err(Unanswered::Nobody)?;
    writeln!(stream, "{BACKUP}").map_err(Unanswered::Cut)?;
    let mut answer = BufReader::new(stream);
    let mut said = String::new();
    answer.read_line(&mut said).map_err(Unanswered::Cut)?;
    match said.trim_end().split_once(' ') {
        None if said == "ok\n" => io::copy(&mut answer, out).map_err(Unanswered::Cut),
        Some(("no", reason)) => Err(Unanswered::Refused(reason.to_owned())),
        _ => Err(Unanswered::Cut(io::ErrorKind::UnexpectedEof.into())),
    }
}

impl From<JournalError> for Unanswered {
    fn from(error: JournalError) -> Self {
        Self::Refused(error.to_string())
    }
}
