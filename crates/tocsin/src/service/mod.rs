//! The running system: what is started, in which order, on which thread.

pub mod clerk;
pub mod control;
mod names;
pub mod register;
pub mod signalling;
mod sip_numbers;
pub mod trace;
pub mod trunks;
pub mod voice;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use dialer::journal::{Embedded, Engine};
use dialer::{Dialer, Handle, Journal, JournalError, Now, RestoreError, Sequence, TrunkChange, TrunkIndex};
use rand::RngCore;
use rtp_media::driver::{Media, Settings as MediaSettings, StartError};
use sip_core::driver::{BindError, Driver};

use crate::config::Config;
use crate::switchboard::Line;
use crate::words::{Phrase, Told, error_in_english, system};

use clerk::Clerk;
use control::Control;
use register::Register;
use signalling::{Board, Stopper};
use voice::{Library, VoiceError};

/// Why the service could not start. Each says what to do.
#[derive(Debug)]
pub enum ServiceError {
    /// The data folder.
    Data {
        /// As configured.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The journal.
    Journal(JournalError),
    /// The journal's story makes no sense.
    Restore(RestoreError),
    /// The directory.
    Directory(directory::StoreError),
    /// The sound.
    Media(StartError),
    /// The telephone side.
    Sip(BindError),
    /// TLS to a trunk.
    Tls(sip_core::driver::TlsError),
    /// The extracts.
    Extracts(crate::extracts::SetupError),
    /// The voice.
    Voice(VoiceError),
    /// The web side.
    Web(api::ServeError),
    /// A thread.
    Thread(std::io::Error),
}

impl Told for ServiceError {
    fn told(&self) -> Phrase {
        match self {
            Self::Data { path, source } => Phrase::new("start-data")
                .with("path", path.display().to_string())
                .with("reason", system(source)),
            Self::Journal(error) => error.told(),
            Self::Restore(error) => error.told(),
            Self::Directory(error) => error.told(),
            Self::Media(error) => error.told(),
            Self::Sip(error) => error.told(),
            Self::Tls(error) => error.told(),
            Self::Extracts(error) => error.told(),
            Self::Voice(error) => error.told(),
            Self::Web(error) => error.told(),
            Self::Thread(error) => Phrase::new("start-thread").with("reason", system(error)),
        }
    }
}

error_in_english!(ServiceError);

/// Trunks are closed for longer than a start or an end takes.
const CLOSED: Duration = Duration::from_secs(600);

/// How long the start waits for the name servers; a trunk that is not found by then is down until it is.
const DNS_PATIENCE: Duration = Duration::from_secs(3);

/// A running service.
pub struct Service {
    server: api::Server,
    dialer: Handle,
    control: Control,
    stopper: Stopper,
    signalling: JoinHandle<()>,
    trunks: u16,
    grace: Duration,
    warnings: Vec<Phrase>,
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
        let directory = directory::Store::open(config.data.join("directory"))
            .and_then(directory::Shared::new)
            .map_err(ServiceError::Directory)?;
        let mut journal = open_journal(config).map_err(ServiceError::Journal)?;
        let library = Library::open(config).map_err(ServiceError::Voice)?;
        let mut driver = Driver::bind(trunks::endpoint(config), random_seed())
            .await
            .map_err(ServiceError::Sip)?;
        if trunks::has_tls(config) {
            driver.set_tls(&trunks::tls(config)).await.map_err(ServiceError::Tls)?;
        }
        match trace::start(&config.data) {
            Ok(tap) => driver.set_tap(tap),
            // The alert does not depend on it.
            Err(error) => tracing::warn!(%error, "there will be no trace: its socket cannot be opened"),
        }
        let mut lines = Vec::new();
        let mut ids = Vec::new();
        let located = trunks::locate_all(&config.trunks, DNS_PATIENCE).await;
        let is_lost: Vec<bool> = located.iter().map(Vec::is_empty).collect();
        for (trunk, targets) in config.trunks.iter().zip(located) {
            let settings = trunks::sip(trunk, targets);
            let id = driver.endpoint().add_trunk(std::time::Instant::now(), settings);
            if let Some(location) = trunks::location(trunk) {
                driver.locate(id, location);
            }
            lines.push(Line::new(id, trunk, config.media.advertised).with_machines(config.machines));
            ids.push(id);
        }
        let media = Arc::new(start_media(config, driver.waker()).map_err(ServiceError::Media)?);
        let mut dialer = restore(config, &journal, &directory)?;
        journal.forget(&dialer.forgotten());
        let mut warnings = Vec::new();
        for (index, trunk) in config.trunks.iter().enumerate() {
            let change = if is_lost[index] {
                warnings.push(trunks::without_address(trunk));
                TrunkChange::Down
            } else {
                // A start that fails further down must not have begun any attempt.
                TrunkChange::RetryAfter(CLOSED)
            };
            dialer.handle_trunk(Now::read(), TrunkIndex(index as u16), change);
        }
        let (exchange, stopper, requests) = signalling::queue(&driver.waker(), library.clone());
        let dialer =
            dialer::driver::start(dialer, Box::new(journal), Box::new(exchange)).map_err(ServiceError::Thread)?;
        let register = Register::default();
        let control = Control::open(&config.data, dialer.clone()).map_err(data)?;
        let extracts = crate::extracts::start(&config.extracts, &directory).map_err(ServiceError::Extracts)?;
        let services = api::Services {
            calls: register.table(),
            campaigns: Arc::new(dialer.clone()),
            directory: directory.clone(),
            extracts,
            speech: Arc::new(library.clone()),
        };
        let server = api::serve(web(config), services).await.map_err(ServiceError::Web)?;
        let clerk = Clerk::new(
            &config.incoming,
            server.telephone(),
            directory,
            dialer.clone(),
            library.clone(),
            stopper.clone(),
        );
        let callers = (clerk::reception(&config.incoming), clerk);
        let board = Board::new(lines, ids, media, library, dialer.clone(), callers, requests).registering(register);
        let signalling = signalling::spawn("signalling", move || (driver, board)).map_err(ServiceError::Thread)?;
        for index in (0..config.trunks.len()).filter(|index| !is_lost[*index]) {
            dialer.trunk(TrunkIndex(index as u16), TrunkChange::Up);
        }
        Ok(Self {
            server,
            dialer,
            control,
            stopper,
            signalling,
            trunks: config.trunks.len() as u16,
            grace: config.grace,
            warnings,
        })
    }

    /// What the operator should know although everything has started.
    pub fn warnings(&self) -> &[Phrase] {
        &self.warnings
    }

    /// The HTTPS server.
    pub fn server(&self) -> &api::Server {
        &self.server
    }

    /// Ends everything in order: no new calls and no new requests, calls in progress may come to their end within the
    /// configured time, then they are hung up; every record is durable. Takes little longer than that time, whatever
    /// the far ends do.
    pub async fn stop(self) {
        for trunk in 0..self.trunks {
            // Closed as by a carrier that asks for a pause: not an outage that statistics should count.
            self.dialer
                .trunk(TrunkIndex(trunk), TrunkChange::RetryAfter(self.grace + CLOSED));
        }
        self.stopper.stop(self.grace);
        drop(self.control);
        let (signalling, dialer) = (self.signalling, self.dialer);
        let ended = tokio::task::spawn_blocking(move || {
            let _ = signalling.join();
            dialer.stop();
        });
        let _ = tokio::join!(self.server.shutdown(), ended);
    }
}

fn start_media(config: &Config, waker: sip_core::driver::Waker) -> Result<Media, StartError> {
    Media::start(MediaSettings {
        threads: config.media.threads,
        wake: Some(Arc::new(move || waker.wake())),
        ..MediaSettings::new(config.media.address, config.media.ports.clone())
    })
}

/// The journal that is there, whatever it is kept in; a new one in the store of the configuration.
fn open_journal(config: &Config) -> Result<Embedded, JournalError> {
    let folder = config.data.join("journal");
    let store = config.journal.store.or(Engine::found(&folder)).unwrap_or_default();
    Embedded::open_with(&folder, store)
}

fn restore(config: &Config, journal: &Embedded, directory: &directory::Shared) -> Result<Dialer, ServiceError> {
    let settings = dialer::Settings {
        trunks: config.trunks.iter().map(trunks::dialling).collect(),
        throttles: config.throttles.clone(),
        keep: config.journal.keep,
        ..dialer::Settings::default()
    };
    let contacts = directory.snapshot();
    Dialer::restore(settings, Now::read(), journal.read_from(Sequence(0)), &*contacts).map_err(ServiceError::Restore)
}

fn web(config: &Config) -> api::Settings {
    let mut settings = api::Settings::new(config.web.listen, config.data.join("web"));
    settings.tls = match &config.web.tls {
        Some((certificate, key)) => api::Tls::Files {
            certificate: certificate.clone(),
            key: key.clone(),
        },
        None => api::Tls::SelfSigned {
            names: names::of_machine(&config.web),
        },
    };
    if let Some(organisation) = &config.organisation {
        settings.organisation.clone_from(organisation);
    }
    settings.service_report = config.service_report;
    if let Some(time_zone) = &config.time_zone {
        settings.time_zone.clone_from(time_zone);
    }
    settings.groups = config
        .groups
        .iter()
        .map(|group| api::users::Group {
            name: group.name.clone(),
            rights: group.rights.clone(),
        })
        .collect();
    settings.users = config
        .users
        .iter()
        .map(|user| api::NamedUser {
            login: user.name.clone(),
            name: user.full_name.clone(),
            groups: user.groups.clone(),
            password: user.password.reveal().to_owned(),
            telephone: user
                .telephone
                .as_ref()
                .map(|(code, pin)| (code.clone(), pin.reveal().to_owned())),
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
