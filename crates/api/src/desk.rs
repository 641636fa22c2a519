//! What every request may need.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::{Semaphore, watch};

use crate::attempts::Attempts;
use crate::audit::{Audit, Operation};
use crate::console::Upload;
use crate::links::Links;
use crate::lockout::Lockout;
use crate::problem::Problem;
use crate::sessions::Sessions;
use crate::text::{Catalogue, Language, Words};
use crate::users::{Right, Users};
use crate::{ServeError, Services, Settings};

/// What every request may need. Shared, never locked as a whole.
pub(crate) struct Desk {
    pub(crate) settings: Settings,
    pub(crate) services: Services,
    pub(crate) texts: Catalogue,
    pub(crate) users: Users,
    pub(crate) sessions: Sessions,
    pub(crate) audit: Audit,
    pub(crate) attempts: Attempts,
    pub(crate) links: Links,
    /// Wrong personal links by address; apart from passwords, so that they never hold up an operator behind the same address.
    pub(crate) strangers: Attempts,
    pub(crate) lockout: Lockout,
    pub(crate) zone: TimeZone,
    /// Passwords verified at the same time. A flood of logins must leave the cores to the calls.
    pub(crate) verifying: Semaphore,
    /// Held by whoever tells the campaigns of changes of the directory.
    pub(crate) telling: Mutex<()>,
    /// Files that were looked at and wait to be imported, by user.
    pub(crate) uploads: Mutex<HashMap<String, Upload>>,
    /// Turns true when the server closes, so that endless answers end.
    pub(crate) closing: watch::Sender<bool>,
}

impl Desk {
    /// Opens everything in the data folder. Also returns the first password, if one was made.
    pub(crate) fn open(settings: Settings, services: Services) -> Result<(Arc<Desk>, Option<String>), ServeError> {
        let data = &settings.data;
        std::fs::create_dir_all(data).map_err(|source| ServeError::File {
            path: data.clone(),
            source,
        })?;
        let zone = TimeZone::get(&settings.time_zone).map_err(|_| ServeError::TimeZone(settings.time_zone.clone()))?;
        let (users, made) = Users::open(
            data.join("users.json"),
            settings.admin_password.as_deref(),
            &settings.groups,
            &settings.users,
        )?;
        let desk = Desk {
            sessions: Sessions::open(data.join("sessions.json"), settings.session_idle)?,
            audit: Audit::open(data.join("audit.jsonl"))?,
            texts: Catalogue::embedded(),
            attempts: Attempts::default(),
            strangers: Attempts::default(),
            links: Links::open(&data.join("links.key"))?,
            lockout: Lockout::default(),
            verifying: Semaphore::new(2),
            closing: watch::Sender::new(false),
            telling: Mutex::default(),
            uploads: Mutex::default(),
            users,
            zone,
            services,
            settings,
        };
        Ok((Arc::new(desk), made))
    }

    pub(crate) fn words(&self, language: Language) -> Words<'_> {
        self.texts.words(language)
    }

    /// Writes an operation to the audit trail without holding up the other requests.
    pub(crate) async fn trace(self: &Arc<Desk>, operation: Operation) {
        let desk = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || desk.audit.write(operation, now_ms())).await;
        match written {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%error, "an operation could not be written to the audit trail"),
            Err(error) => tracing::error!(%error, "the audit trail failed"),
        }
    }
}

/// Milliseconds of Unix time.
pub(crate) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Runs what may block (disk, password, speech, reports) away from the threads that serve.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::internal(&error))
}

/// The far end's address, put into each request by the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Default for Peer {
    fn default() -> Peer {
        Peer(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

/// Who asks, as the gate found. Without a session, `login` is empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    pub(crate) login: String,
    pub(crate) rights: BTreeSet<Right>,
    pub(crate) language: Language,
    pub(crate) peer: Peer,
    pub(crate) token: Option<String>,
}

impl Caller {
    pub(crate) fn may(&self, right: Right) -> bool {
        self.rights.contains(&right)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        parts
            .extensions
            .get::<Caller>()
            .cloned()
            .ok_or_else(Problem::unauthenticated)
    }
}

/// Put into a response by a handler: who did it, when nobody was logged in before.
#[derive(Debug, Clone)]
pub(crate) struct Author(pub(crate) String);

/// Put into a response by a handler: what the operation was done to, when the path does not tell.
#[derive(Debug, Clone)]
pub(crate) struct Target(pub(crate) String);
