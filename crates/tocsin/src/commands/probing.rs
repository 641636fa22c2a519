//! What `dial`, `load` and `check --call` share: a trunk from the command line or the configuration, and a probe on it.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtp_media::driver::{Media, Settings as MediaSettings, StartError};
use rtp_media::sdp::{InBandPolicy, OfferSettings, SrtpPolicy, make_keys};
use rtp_media::{Clip, Codec, Ptime, import};
use sip_core::driver::{Application, BindError, Driver, Location, TlsError, TlsSettings, lookup};
use sip_core::{
    Config as SipConfig, Credentials, Destination, Endpoint, Event, Identity, Local, Reliable, Secret, SessionTimer,
    Target, Transport, TrunkConfig,
};

use crate::config::{Place, SecretError};
use crate::probe::{Leg, Plan, Probe, Reoffer, Totals};
use crate::service::random_seed;
use crate::service::signalling::MediaPorts;
use crate::words::{Phrase, Told, error_in_english, system};

/// Which keys are listened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Dtmf {
    /// Telephone events alone.
    Rfc4733,
    /// Tones in the sound alone.
    Inband,
    /// Both.
    Both,
}

/// How much is asked of provisional responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ReliableRinging {
    /// Not offered.
    Off,
    /// Offered.
    Supported,
    /// Demanded: the call fails if the far end cannot.
    Required,
}

/// What both commands take.
#[derive(Debug, Clone, clap::Args)]
pub struct Line {
    /// Whom to call: sip:NUMBER@HOST[:PORT][;transport=udp|tcp|tls].
    pub uri: String,
    /// Sound file that is played: WAV, MP3, Ogg, FLAC, M4A. A tone if left out.
    #[arg(long)]
    pub play: Option<PathBuf>,
    /// Seconds that an answered call lasts; left out, until the sound has been heard.
    #[arg(long)]
    pub hold: Option<f64>,
    /// Seconds that it may ring.
    #[arg(long, default_value_t = 60.0)]
    pub ring: f64,
    /// Keys listened for.
    #[arg(long, value_enum, default_value_t = Dtmf::Both)]
    pub dtmf: Dtmf,
    /// Keys that we press once answered.
    #[arg(long, default_value = "")]
    pub press: String,
    /// Codecs offered, best first.
    #[arg(long, value_delimiter = ',', default_value = "pcma,pcmu")]
    pub codecs: Vec<String>,
    /// Encrypt the sound (SRTP by SDES); the call fails if the far end cannot.
    #[arg(long)]
    pub srtp: bool,
    /// Further certificate authorities (PEM file) for transport=tls.
    #[arg(long)]
    pub authorities: Option<PathBuf>,
    /// Caller number or user name in From.
    #[arg(long, default_value = "tocsin")]
    pub from: String,
    /// User name for digest authentication.
    #[arg(long)]
    pub user: Option<String>,
    /// Environment variable that holds the password.
    #[arg(long, requires = "user")]
    pub password_env: Option<String>,
    /// File that holds the password.
    #[arg(long, requires = "user", conflicts_with = "password_env")]
    pub password_file: Option<PathBuf>,
    /// Further header of the INVITE, as `Name: value`; may be given several times.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// Ask for a session timer of this many seconds (RFC 4028; at least 90).
    #[arg(long, value_name = "SECONDS")]
    pub session_timer: Option<u32>,
    /// Reliable provisional responses (100rel, RFC 3262).
    #[arg(long, value_enum, default_value_t = ReliableRinging::Supported)]
    pub reliable: ReliableRinging,
    /// Send the INVITE without SDP: the far end makes the offer.
    #[arg(long)]
    pub late_offer: bool,
    /// Offer the session once more this many seconds after the answer, to see whether the far end takes changes.
    #[arg(long, value_name = "SECONDS")]
    pub reoffer: Option<f64>,
    /// Do that by UPDATE instead of re-INVITE.
    #[arg(long, requires = "reoffer")]
    pub by_update: bool,
    /// An INVITE above 1,300 bytes goes by TCP, although the address says UDP (RFC 3261 §18.1.1).
    #[arg(long)]
    pub tcp_for_large: bool,
    /// Local address; the one that leads to the host if left out. Port 0 takes any.
    #[arg(long)]
    pub local: Option<SocketAddr>,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Why a probe cannot start.
#[derive(Debug)]
pub enum ProbeError {
    /// The address.
    Uri(String),
    /// The host.
    Host(String),
    /// The sound's file.
    File {
        /// As given.
        path: PathBuf,
        /// Why it cannot be read.
        source: std::io::Error,
    },
    /// The sound.
    Sound {
        /// As given.
        path: PathBuf,
        /// Why it cannot be played.
        source: import::ImportError,
    },
    /// The codec.
    Codec(String),
    /// The password.
    Password(SecretError),
    /// A header.
    Header(String),
    /// A number of seconds.
    Seconds(&'static str),
    /// Calls a second.
    Rate,
    /// SIP sockets.
    Sip(BindError),
    /// TLS.
    Tls(TlsError),
    /// RTP.
    Media(StartError),
    /// Threads.
    Thread(std::io::Error),
}

impl Told for ProbeError {
    fn told(&self) -> Phrase {
        match self {
            Self::Uri(uri) => Phrase::new("probe-uri").with("uri", uri.clone()),
            Self::Host(host) => Phrase::new("probe-host").with("host", host.clone()),
            Self::File { path, source } => Phrase::new("probe-sound")
                .with("path", path.display().to_string())
                .with("reason", system(source)),
            Self::Sound { path, source } => Phrase::new("probe-sound")
                .with("path", path.display().to_string())
                .with("reason", source.told()),
            Self::Codec(name) => Phrase::new("probe-codec")
                .with("name", name.clone())
                .with("codecs", crate::config::CODECS),
            Self::Password(error) => Phrase::new("probe-password").with("reason", error.told()),
            Self::Header(text) => Phrase::new("probe-header").with("text", text.clone()),
            Self::Seconds(option) => Phrase::new("probe-seconds").with("option", *option),
            Self::Rate => Phrase::new("probe-rate"),
            Self::Sip(BindError::Busy(address)) => Phrase::new("probe-busy").with("address", address.to_string()),
            Self::Sip(BindError::Listen { address, source }) => Phrase::new("probe-local")
                .with("address", address.to_string())
                .with("reason", system(source)),
            Self::Tls(error) => error.told(),
            Self::Media(error) => error.told(),
            Self::Thread(error) => Phrase::new("start-thread").with("reason", system(error)),
        }
    }
}

error_in_english!(ProbeError);

/// A sip URI taken apart as far as a probe needs it.
#[derive(Debug, PartialEq, Eq)]
struct Remote {
    location: Location,
    domain: String,
}

impl Remote {
    /// Where it leads now (RFC 3263), by one transport.
    async fn locate(&self) -> Result<Vec<Target>, ProbeError> {
        let mut targets = lookup(&self.location).await.unwrap_or_default();
        let Some(transport) = targets.first().map(|target| target.transport) else {
            return Err(ProbeError::Host(self.location.host.clone()));
        };
        targets.retain(|target| target.transport == transport);
        Ok(targets)
    }
}

fn remote(uri: &str) -> Result<Remote, ProbeError> {
    let wrong = || ProbeError::Uri(uri.to_owned());
    let is_secure = uri.starts_with("sips:");
    let rest = uri
        .strip_prefix("sip:")
        .or_else(|| uri.strip_prefix("sips:"))
        .ok_or_else(wrong)?;
    let (rest, parameters) = rest.split_once(';').unwrap_or((rest, ""));
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let named = parameters
        .split(';')
        .find_map(|parameter| parameter.strip_prefix("transport="));
    let transport = match named.map(str::to_ascii_lowercase).as_deref() {
        None if is_secure => Some(Transport::Tls),
        None => None,
        Some("udp") => Some(Transport::Udp),
        Some("tcp") => Some(Transport::Tcp),
        Some("tls") => Some(Transport::Tls),
        Some(_) => return Err(wrong()),
    };
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !name.ends_with(':') && (!name.contains(':') || name.ends_with(']')) => {
            (name, Some(port.parse().map_err(|_| wrong())?))
        }
        _ => (host, None),
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if bare.is_empty() {
        return Err(wrong());
    }
    let location = Location {
        host: bare.to_owned(),
        port,
        transport,
    };
    Ok(Remote {
        location,
        domain: name.to_owned(),
    })
}

/// The local address from which packets leave for `remote`.
fn local_towards(remote: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if remote.is_ipv4() {
        [0; 4].into()
    } else {
        [0u16; 8].into()
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(remote).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn sound(path: Option<&Path>, codecs: &[Codec]) -> Result<Arc<Clip>, ProbeError> {
    let clip = match path {
        None => {
            let tone = (0..16_000).map(|n| (f64::from(n) * 440.0 * std::f64::consts::TAU / 8000.0).sin() * 8000.0);
            Clip::from_pcm(tone.map(|sample| sample as i16).collect(), 8000)
        }
        Some(path) => {
            let path = path.to_owned();
            let bytes = match std::fs::read(&path) {
                Ok(bytes) => bytes,
                Err(source) => return Err(ProbeError::File { path, source }),
            };
            let pcm =
                import::read(bytes, Some(import::MESSAGE_RATE)).map_err(|source| ProbeError::Sound { path, source })?;
            Clip::from_pcm(pcm.samples, pcm.rate)
        }
    };
    clip.prepare(codecs, Ptime::MS_20);
    Ok(Arc::new(clip))
}

fn seconds(name: &'static str, value: f64) -> Result<Duration, ProbeError> {
    if !(0.0..=86_400.0).contains(&value) {
        return Err(ProbeError::Seconds(name));
    }
    Ok(Duration::from_secs_f64(value))
}

/// A probe with its sockets, ready to run.
pub struct Ready {
    driver: Driver,
    media: Arc<Media>,
    plan: Plan,
}

impl Line {
    /// Opens sockets and reads the sound.
    ///
    /// # Errors
    /// What is wrong with the arguments or the machine.
    pub async fn prepare(
        &self,
        calls: u32,
        rate: f64,
        tells_story: bool,
        credentials: Option<(String, Secret)>,
    ) -> Result<Ready, ProbeError> {
        let configured = credentials.map(|(user, password)| Credentials { user, password });
        let remote = remote(&self.uri)?;
        let targets = remote.locate().await?;
        let Target { transport, addr } = targets[0];
        let hold = self.hold.map(|value| seconds("hold", value)).transpose()?;
        let ring_timeout = seconds("ring", self.ring)?;
        let mut codecs = Vec::new();
        for name in &self.codecs {
            codecs.push(crate::config::codec(name).ok_or_else(|| ProbeError::Codec(name.clone()))?);
        }
        let clip = sound(self.play.as_deref(), &codecs)?;
        let ip = local_towards(addr).unwrap_or(IpAddr::from([127, 0, 0, 1]));
        let local = self.local.unwrap_or(SocketAddr::new(ip, 0));
        let mut locals = vec![Local::new(transport, local)];
        if self.tcp_for_large && transport == Transport::Udp {
            locals.push(Local::new(Transport::Tcp, local));
        }
        let headers = self
            .headers
            .iter()
            .map(|header| {
                header
                    .split_once(':')
                    .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                    .filter(|(name, value)| !name.is_empty() && !value.is_empty())
                    .ok_or_else(|| ProbeError::Header(header.clone()))
            })
            .collect::<Result<_, _>>()?;
        let reoffer = self.reoffer.map(|value| seconds("reoffer", value)).transpose()?;
        let config = SipConfig {
            locals,
            ..SipConfig::default()
        };
        let mut driver = Driver::bind(config, random_seed()).await.map_err(ProbeError::Sip)?;
        if transport == Transport::Tls {
            let authorities = self.authorities.iter().cloned().collect();
            driver
                .set_tls(&TlsSettings {
                    authorities,
                    ..TlsSettings::default()
                })
                .await
                .map_err(ProbeError::Tls)?;
        }
        let trunk = TrunkConfig {
            name: "probe".to_owned(),
            targets,
            domain: remote.domain,
            credentials: self.credentials()?.or(configured),
            identity: Identity {
                user: Some(self.from.clone()),
                ..Identity::default()
            },
            session_timer: SessionTimer {
                interval: self.session_timer.map(|value| Duration::from_secs(value.into())),
                ..SessionTimer::default()
            },
            reliable_provisional: match self.reliable {
                ReliableRinging::Off => Reliable::Off,
                ReliableRinging::Supported => Reliable::Supported,
                ReliableRinging::Required => Reliable::Required,
            },
            tcp_for_large: self.tcp_for_large,
            ..TrunkConfig::default()
        };
        let trunk = driver.endpoint().add_trunk(Instant::now(), trunk);
        let waker = driver.waker();
        let wake = Some(Arc::new(move || waker.wake()) as rtp_media::driver::Wake);
        let media = Media::start(MediaSettings {
            wake,
            ..MediaSettings::new(local.ip(), 20_000..60_000)
        })
        .map_err(ProbeError::Media)?;
        let media = Arc::new(media);
        let mut offer = OfferSettings {
            codecs,
            ..OfferSettings::new(local, 0)
        };
        offer.events = self.dtmf != Dtmf::Inband;
        offer.inband = if self.dtmf == Dtmf::Rfc4733 {
            InBandPolicy::Never
        } else {
            InBandPolicy::Always
        };
        if self.srtp {
            offer.srtp = SrtpPolicy::Required;
            offer.keys = make_keys(|bytes| rand::RngCore::fill_bytes(&mut rand::rng(), bytes));
        }
        let plan = Plan {
            trunk,
            to: Destination::Uri(self.uri.clone()),
            from_user: Some(self.from.clone()),
            calls,
            rate,
            clip,
            hold,
            ring_timeout,
            keys: self.press.clone(),
            offer,
            is_late_offer: self.late_offer,
            reoffer: reoffer.map(|after| Reoffer {
                after,
                is_update: self.by_update,
            }),
            headers,
            answer_after: None,
            tells_story,
        };
        Ok(Ready { driver, media, plan })
    }

    fn credentials(&self) -> Result<Option<Credentials>, ProbeError> {
        let Some(user) = &self.user else { return Ok(None) };
        let place = match (&self.password_env, &self.password_file) {
            (Some(name), _) => Place::Environment(name.clone()),
            (None, Some(path)) => Place::File(path.clone()),
            (None, None) => Place::Environment("TOCSIN_PASSWORD".to_owned()),
        };
        let password: Secret = place.read(Path::new(".")).map_err(ProbeError::Password)?;
        Ok(Some(Credentials {
            user: user.clone(),
            password,
        }))
    }
}

/// What is shown while the probe runs.
pub trait Show: Send {
    /// News of the figures, several times a second.
    fn totals(&mut self, totals: &Totals);
    /// A call is over.
    fn over(&mut self, leg: &Leg);
}

/// How often the figures are shown.
const SHOW: Duration = Duration::from_millis(250);

struct Running<S> {
    probe: Probe<MediaPorts>,
    media: Arc<Media>,
    show: S,
    next_show: Instant,
    has_interrupt: Arc<std::sync::atomic::AtomicBool>,
}

impl<S: Show> Running<S> {
    fn pass_on(&mut self) {
        while let Some(command) = self.probe.poll_media() {
            self.media.send(command);
        }
        while let Some(leg) = self.probe.poll_over() {
            self.show.over(&leg);
        }
    }
}

impl<S: Show> Application for Running<S> {
    fn handle_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        self.probe.handle_event(now, endpoint, event);
        self.pass_on();
    }

    fn handle_wake(&mut self, now: Instant, endpoint: &mut Endpoint) {
        if self.has_interrupt.swap(false, std::sync::atomic::Ordering::Relaxed) {
            self.probe.stop(now, endpoint);
        }
        while let Some(event) = self.media.try_event() {
            self.probe.handle_media(now, endpoint, event);
        }
        self.pass_on();
    }

    fn handle_timeout(&mut self, now: Instant, endpoint: &mut Endpoint) {
        self.probe.handle_timeout(now, endpoint);
        if now >= self.next_show {
            self.next_show = now + SHOW;
            self.show.totals(self.probe.totals());
        }
        self.pass_on();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.probe.poll_timeout(), Some(self.next_show)]
            .into_iter()
            .flatten()
            .min()
    }

    fn is_finished(&self) -> bool {
        self.probe.is_done()
    }
}

impl Ready {
    /// Runs to the end, or until Ctrl-C, after which the calls in progress are hung up.
    pub async fn run<S: Show>(self, show: S) -> (Totals, S) {
        let now = Instant::now();
        let has_interrupt = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let flag = Arc::clone(&has_interrupt);
        let waker = self.driver.waker();
        let interrupt = tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                flag.store(true, std::sync::atomic::Ordering::Relaxed);
                waker.wake();
            }
        });
        let probe = Probe::new(now, self.plan, MediaPorts(Arc::clone(&self.media)));
        let running = Running {
            probe,
            media: self.media,
            show,
            next_show: now,
            has_interrupt,
        };
        let mut running = self.driver.run(running).await;
        interrupt.abort();
        running.show.totals(running.probe.totals());
        (running.probe.totals().clone(), running.show)
    }
}

/// Runs a future on a runtime of its own.
///
/// # Errors
/// When the system gives no thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> Result<T, ProbeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ProbeError::Thread)?;
    Ok(runtime.block_on(future))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let (udp, tcp, tls) = (Some(Transport::Udp), Some(Transport::Tcp), Some(Transport::Tls));
        let cases = [
            ("sip:100@127.0.0.1", Some(("127.0.0.1", None, None))),
            (
                "sip:100@127.0.0.1:5080;transport=tcp",
                Some(("127.0.0.1", Some(5080), tcp)),
            ),
            (
                "sip:100@sbc.example.net;transport=UDP",
                Some(("sbc.example.net", None, udp)),
            ),
            ("sips:100@127.0.0.1", Some(("127.0.0.1", None, tls))),
            ("sip:127.0.0.1:5070", Some(("127.0.0.1", Some(5070), None))),
            ("sip:100@[::1]:5080", Some(("::1", Some(5080), None))),
            ("sip:100@[::1]", Some(("::1", None, None))),
            ("sip:100@127.0.0.1;transport=carrier-pigeon", None),
            ("sip:100@", None),
            ("sip:100@host:99999", None),
            ("tel:+33199000000", None),
            ("100", None),
        ];
        for (uri, expected) in cases {
            let read = remote(uri).ok().map(|remote| remote.location);
            let expected = expected.map(|(host, port, transport)| Location {
                host: host.to_owned(),
                port,
                transport,
            });
            assert_eq!(read, expected, "{uri}");
        }
    }
}
