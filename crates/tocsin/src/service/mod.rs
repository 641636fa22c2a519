//! The running system: what is started, in which order, on which thread.

pub mod clerk;
pub mod signalling;
pub mod trunks;
pub mod voice;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use dialer::journal::Embedded;
use dialer::{Dialer, Handle, Journal, JournalError, Now, RestoreError, Sequence};
use rand::RngCore;
use rtp_media::driver::{Media, Settings as MediaSettings, StartError};
use sip_core::driver::{BindError, Driver};

use crate::config::Config;
use crate::switchboard::Line;

use clerk::Clerk;
use signalling::{Board, Stopper};
use trunks::NoAddress;
use voice::{Library, VoiceError};

/// Why the service could not start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The data folder.
    #[error("the data folder {path} cannot be used: {source}; make it, and let the service's user write in it")]
    Data {
        /// As configured.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal's story makes no sense.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The directory.
    #[error(transparent)]
    Directory(#[from] directory::StoreError),
    /// The sound.
    #[error(transparent)]
    Media(#[from] StartError),
    /// The telephone side.
    #[error("[sip] listen: {0}")]
    Sip(#[from] BindError),
    /// TLS to a trunk.
    #[error("[sip] authorities: {0}")]
    Tls(#[from] sip_core::driver::TlsError),
    /// A trunk.
    #[error(transparent)]
    Trunk(#[from] NoAddress),
    /// The voice.
    #[error(transparent)]
    Voice(#[from] VoiceError),
    /// The web side.
    #[error(transparent)]
    Web(#[from] api::ServeError),
    /// A thread.
    #[error("the system gives no thread: {0}")]
    Thread(std::io::Error),
}

/// A running service.
pub struct Service {
    server: api::Server,
    dialer: Handle,
    stopper: Stopper,
    signalling: JoinHandle<()>,
}

impl Service {
    /// Starts everything; running campaigns resume by themselves.
    ///
    /// # Errors
    /// The first thing that cannot be started.
    pub async fn start(config: &Config) -> Result<Self, ServiceError> {
        let data = |source| ServiceError::Data {
            path: config.data.clone(),
            source,
        };
        std::fs::create_dir_all(&config.data).map_err(data)?;
        let directory = directory::Shared::new(directory::Store::open(config.data.join("directory"))?)?;
        let journal = Embedded::open(&config.data.join("journal"))?;
        let library = Library::open(config)?;
        let mut driver = Driver::bind(trunks::endpoint(config), random_seed()).await?;
        if trunks::has_tls(config) {
            driver.set_tls(&trunks::tls(config)).await?;
        }
        let mut lines = Vec::new();
        let mut ids = Vec::new();
        for trunk in &config.trunks {
            let id = driver
                .endpoint()
                .add_trunk(std::time::Instant::now(), trunks::sip(trunk)?);
            if let Some(location) = trunks::location(trunk) {
                driver.locate(id, location);
            }
            lines.push(Line::new(id, trunk, config.media.advertised));
            ids.push(id);
        }
        let media = Arc::new(start_media(config, driver.waker())?);
        let dialer = restore(config, &journal, &directory)?;
        let (exchange, stopper, requests) = signalling::queue(&driver.waker(), library.clone());
        let dialer =
            dialer::driver::start(dialer, Box::new(journal), Box::new(exchange)).map_err(ServiceError::Thread)?;
        let services = api::Services {
            campaigns: Arc::new(dialer.clone()),
            directory: directory.clone(),
            speech: Arc::new(library.clone()),
        };
        let server = api::serve(web(config), services).await?;
        let clerk = Clerk::new(
            &config.incoming,
            server.telephone(),
            directory,
            dialer.clone(),
            library.clone(),
            stopper.clone(),
        );
        let callers = (clerk::reception(&config.incoming), clerk);
        let board = Board::new(lines, ids, media, library, dialer.clone(), callers, requests);
        let signalling = signalling::spawn("signalling", move || (driver, board)).map_err(ServiceError::Thread)?;
        Ok(Self {
            server,
            dialer,
            stopper,
            signalling,
        })
    }

    /// The HTTPS server.
    pub fn server(&self) -> &api::Server {
        &self.server
    }

    /// Ends everything in order: no new requests, calls hung up, every record durable.
    pub async fn stop(self) {
        self.server.shutdown().await;
        self.stopper.stop();
        let (signalling, dialer) = (self.signalling, self.dialer);
        let ended = tokio::task::spawn_blocking(move || {
            let _ = signalling.join();
            dialer.stop();
        });
        let _ = ended.await;
    }
}

fn start_media(config: &Config, waker: sip_core::driver::Waker) -> Result<Media, StartError> {
    Media::start(MediaSettings {
        threads: config.media.threads,
        wake: Some(Arc::new(move || waker.wake())),
        ..MediaSettings::new(config.media.address, config.media.ports.clone())
    })
}

fn restore(config: &Config, journal: &Embedded, directory: &directory::Shared) -> Result<Dialer, ServiceError> {
    let settings = dialer::Settings {
        trunks: config.trunks.iter().map(trunks::dialling).collect(),
        throttles: config.throttles.clone(),
        ..dialer::Settings::default()
    };
    let contacts = directory.snapshot();
    Ok(Dialer::restore(
        settings,
        Now::read(),
        journal.read_from(Sequence(0)),
        &*contacts,
    )?)
}

fn web(config: &Config) -> api::Settings {
    let mut settings = api::Settings::new(config.web.listen, config.data.join("web"));
    if let Some((certificate, key)) = &config.web.tls {
        settings.tls = api::Tls::Files {
            certificate: certificate.clone(),
            key: key.clone(),
        };
    }
    settings.users = config
        .users
        .iter()
        .map(|user| api::NamedUser {
            login: user.name.clone(),
            group: user.group.clone(),
            password: user.password.reveal().to_owned(),
        })
        .collect();
    settings
}

/// Identifiers that nobody can guess.
pub(crate) fn random_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    rand::rng().fill_bytes(&mut seed);
    seed
}
