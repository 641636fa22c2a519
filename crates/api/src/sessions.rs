//! Sessions: a random token, of which only the hash is kept, so that a copy of the file opens nothing. Sessions outlive
//! a restart: an operator who watches a campaign is not sent back to the login page by an incident.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngCore;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::ServeError;
use crate::desk::{Desk, blocking};
use crate::store::{self, StoreError};

/// More sessions than any prefecture has agents; beyond, the least recently used one ends.
const MOST: usize = 10_000;

/// How often what a full disk did not take is tried again.
const CATCH_UP: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    login: String,
    /// Last use, in milliseconds of Unix time.
    used_ms: i64,
}

/// The open sessions.
pub(crate) struct Sessions {
    path: PathBuf,
    idle: Duration,
    open: Mutex<HashMap<String, Session>>,
    /// The end of a session could not be written down.
    is_behind: AtomicBool,
}

impl Sessions {
    pub(crate) fn open(path: PathBuf, idle: Duration) -> Result<Sessions, ServeError> {
        let open = store::read_json(&path)?.unwrap_or_default();
        Ok(Sessions {
            path,
            idle,
            open: Mutex::new(open),
            is_behind: AtomicBool::new(false),
        })
    }

    /// Opens a session and returns its token. A disk that is full keeps nobody out, who may have come to read that alarm: such
    /// a session merely ends with the process.
    pub(crate) fn start(&self, login: &str, now_ms: i64) -> String {
        let mut bytes = [0_u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        let token = hex(&bytes);
        let mut open = self.lock();
        open.retain(|_, session| self.is_fresh(session, now_ms));
        if open.len() >= MOST {
            let oldest = open
                .iter()
                .min_by_key(|(_, session)| session.used_ms)
                .map(|(key, _)| key.clone());
            oldest.map(|key| open.remove(&key));
        }
        open.insert(
            digest("session", &token),
            Session {
                login: login.to_owned(),
                used_ms: now_ms,
            },
        );
        if let Err(error) = store::replace_json(&self.path, &*open) {
            tracing::warn!(%error, "a new session could not be written down: it would not outlive a restart");
        }
        token
    }

    /// The user of a token, which counts as use.
    pub(crate) fn login(&self, token: &str, now_ms: i64) -> Option<String> {
        let mut open = self.lock();
        let session = open.get_mut(&digest("session", token))?;
        if !self.is_fresh(session, now_ms) {
            return None;
        }
        session.used_ms = session.used_ms.max(now_ms);
        Some(session.login.clone())
    }

    /// Ends the session of a token: it opens nothing any more. A disk that is full keeps nobody in; the end is written down
    /// by [`Sessions::catch_up`].
    pub(crate) fn end(&self, token: &str) {
        let mut open = self.lock();
        open.remove(&digest("session", token));
        if let Err(error) = store::replace_json(&self.path, &*open) {
            tracing::warn!(%error, "the end of a session could not be written down yet");
            self.is_behind.store(true, Ordering::Relaxed);
        }
    }

    /// Writes down what could not be written before, so that no restart opens again what was ended.
    pub(crate) fn catch_up(&self) {
        if self.is_behind.load(Ordering::Relaxed) && self.save().is_ok() {
            self.is_behind.store(false, Ordering::Relaxed);
        }
    }

    /// Ends all sessions of a user.
    pub(crate) fn end_all(&self, login: &str) -> Result<(), StoreError> {
        let mut open = self.lock();
        open.retain(|_, session| session.login != login);
        store::replace_json(&self.path, &*open)
    }

    /// Writes the times of last use, at the end.
    pub(crate) fn save(&self) -> Result<(), StoreError> {
        store::replace_json(&self.path, &*self.lock())
    }

    fn is_fresh(&self, session: &Session, now_ms: i64) -> bool {
        let idle = u64::try_from(now_ms.saturating_sub(session.used_ms)).unwrap_or(0);
        Duration::from_millis(idle) <= self.idle
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes down what a full disk did not take, until the desk closes.
pub(crate) async fn run(desk: Arc<Desk>, mut closing: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(CATCH_UP) => {}
            _ = closing.wait_for(|closing| *closing) => return,
        }
        let behind = Arc::clone(&desk);
        // A thread that is not to be had now is there in a moment.
        let _ = blocking(move || behind.sessions.catch_up()).await;
    }
}

/// The word that a form of this session carries, so that no other site can send it for the user.
pub(crate) fn form_word(token: &str) -> String {
    digest("form", token)
}

/// Whether two words are equal, in a time that does not tell where they differ.
pub(crate) fn same(left: &str, right: &str) -> bool {
    left.len() == right.len() && left.bytes().zip(right.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

fn digest(purpose: &str, token: &str) -> String {
    hex(&Sha256::new()
        .chain_update(purpose)
        .chain_update([0])
        .chain_update(token)
        .finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lives_while_used_and_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sessions.json");
        let hour = 3_600_000;
        let sessions = Sessions::open(path.clone(), Duration::from_secs(3600)).unwrap();
        let token = sessions.start("lea", 0);
        assert_eq!(sessions.login(&token, hour).as_deref(), Some("lea"));
        assert_eq!(
            sessions.login(&token, 2 * hour).as_deref(),
            Some("lea"),
            "use prolongs it"
        );
        sessions.save().unwrap();
        assert!(
            !std::fs::read_to_string(&path).unwrap().contains(&token),
            "the token itself is not kept"
        );
        let sessions = Sessions::open(path, Duration::from_secs(3600)).unwrap();
        assert_eq!(sessions.login(&token, 3 * hour).as_deref(), Some("lea"));
        assert_eq!(sessions.login(&token, 4 * hour + 1), None, "idle for more than an hour");
        assert_eq!(sessions.login("another", 0), None);
    }

    #[test]
    fn a_disk_that_takes_nothing_keeps_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions::open(folder.path().join("gone/s.json"), Duration::from_secs(3600)).unwrap();
        let token = sessions.start("lea", 0);
        assert!(sessions.save().is_err(), "nothing can be written there");
        assert_eq!(sessions.login(&token, 1).as_deref(), Some("lea"));
    }

    #[test]
    fn a_session_that_ended_on_a_full_disk_stays_ended_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let (place, away) = (folder.path().join("data"), folder.path().join("away"));
        std::fs::create_dir(&place).unwrap();
        let path = place.join("s.json");
        let open = || Sessions::open(path.clone(), Duration::from_secs(3600)).unwrap();
        let sessions = open();
        let token = sessions.start("lea", 0);
        // Nothing can be written where no folder is.
        std::fs::rename(&place, &away).unwrap();
        sessions.end(&token);
        assert_eq!(sessions.login(&token, 1), None, "ended at once");
        sessions.catch_up();
        std::fs::rename(&away, &place).unwrap();
        assert_eq!(
            open().login(&token, 1).as_deref(),
            Some("lea"),
            "as it lies on the disk"
        );
        sessions.catch_up();
        assert_eq!(open().login(&token, 1), None);
    }

    #[test]
    fn ending_is_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions::open(folder.path().join("s.json"), Duration::from_secs(3600)).unwrap();
        let (one, two) = (sessions.start("lea", 0), sessions.start("lea", 0));
        sessions.end(&one);
        assert_eq!(sessions.login(&one, 1), None);
        assert!(sessions.login(&two, 1).is_some());
        sessions.end_all("lea").unwrap();
        assert_eq!(sessions.login(&two, 1), None);
    }
}
