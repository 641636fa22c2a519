//! A called side: tocsin's probe turned round. It shares endpoint and media engine with the product, and adds only the decision to
//! answer, so that peers can be let loose on being called without a campaign around it.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use rtp_media::{
    Clip, Codec, Ptime,
    driver::{Media, Settings as MediaSettings, Wake},
    import,
    sdp::{InBandPolicy, OfferSettings},
};
use serde_json::{Value, json};
use sip_core::{
    Config, Credentials, Destination, Endpoint, Event, Local, Secret, Target, Transport, TrunkConfig,
    driver::{Application, Driver},
};
use tocsin::{
    probe::{Leg, Plan, Probe},
    service::signalling::MediaPorts,
};

/// How calls are taken.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address and port for SIP, by UDP and TCP.
    pub listen: SocketAddr,
    /// Addresses that may call without a password.
    pub from: Vec<IpAddr>,
    /// `user:password` that callers from elsewhere prove.
    pub user: Option<String>,
    /// How long it rings.
    pub after: Duration,
    /// What the caller hears; the call ends with it.
    pub play: PathBuf,
    /// Keys that we press once answered.
    pub press: String,
    /// End after this many calls.
    pub calls: u32,
    /// End after this long at the latest.
    pub wait: Duration,
}

/// Takes calls; each one's story goes to standard output when it is over, as a line of JSON.
///
/// # Errors
/// When the sound or the sockets cannot be had.
pub fn run(settings: Settings) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(settings))
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let now = Instant::now();
    let codecs = vec![Codec::Pcma, Codec::Pcmu];
    let sound = std::fs::read(&settings.play).with_context(|| settings.play.display().to_string())?;
    let sound = import::read(sound, Some(import::MESSAGE_RATE))?;
    let clip = Clip::from_pcm(sound.samples, sound.rate);
    clip.prepare(&codecs, Ptime::MS_20);
    let callers = match &settings.user {
        Some(pair) => {
            let (user, password) = pair.split_once(':').context("--user wants USER:PASSWORD")?;
            vec![Credentials {
                user: user.to_owned(),
                password: Secret::new(password),
            }]
        }
        None => Vec::new(),
    };
    let config = Config {
        locals: vec![
            Local::new(Transport::Udp, settings.listen),
            Local::new(Transport::Tcp, settings.listen),
        ],
        callers,
        ..Config::default()
    };
    let mut seed = [0; 32];
    rand::RngCore::fill_bytes(&mut rand::rng(), &mut seed);
    let mut driver = Driver::bind(config, seed).await?;
    let trunk = TrunkConfig {
        name: "peers".to_owned(),
        // Nobody is called there.
        targets: vec![Target {
            transport: Transport::Udp,
            addr: settings.listen,
        }],
        domain: settings.listen.ip().to_string(),
        accept_from: settings.from.clone(),
        ..TrunkConfig::default()
    };
    let trunk = driver.endpoint().add_trunk(now, trunk);
    let waker = driver.waker();
    let media = Arc::new(Media::start(MediaSettings {
        wake: Some(Arc::new(move || waker.wake()) as Wake),
        ..MediaSettings::new(settings.listen.ip(), 20_000..60_000)
    })?);
    let plan = Plan {
        trunk,
        to: Destination::User(String::new()),
        from_user: None,
        calls: 0,
        rate: 1.0,
        clip: Arc::new(clip),
        hold: None,
        ring_timeout: Duration::ZERO,
        keys: settings.press.clone(),
        offer: OfferSettings {
            codecs,
            inband: InBandPolicy::Always,
            ..OfferSettings::new(settings.listen, 0)
        },
        is_late_offer: false,
        reoffer: None,
        headers: Vec::new(),
        answer_after: Some(settings.after),
        tells_story: true,
    };
    driver
        .run(Answerer {
            probe: Probe::new(now, plan, MediaPorts(Arc::clone(&media))),
            media,
            left: settings.calls,
            until: now + settings.wait,
        })
        .await;
    Ok(())
}

struct Answerer {
    probe: Probe<MediaPorts>,
    media: Arc<Media>,
    /// Calls that are still to come or to end.
    left: u32,
    until: Instant,
}

/// After its last call the endpoint stays this long for what is repeated or still to be answered.
const LINGER: Duration = Duration::from_millis(700);

impl Answerer {
    fn pass_on(&mut self, now: Instant) {
        while let Some(command) = self.probe.poll_media() {
            self.media.send(command);
        }
        while let Some(leg) = self.probe.poll_over() {
            println!("{}", story(&leg));
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                self.until = self.until.min(now + LINGER);
            }
        }
    }
}

impl Application for Answerer {
    fn handle_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        self.probe.handle_event(now, endpoint, event);
        self.pass_on(now);
    }

    fn handle_wake(&mut self, now: Instant, endpoint: &mut Endpoint) {
        while let Some(event) = self.media.try_event() {
            self.probe.handle_media(now, endpoint, event);
        }
        self.pass_on(now);
    }

    fn handle_timeout(&mut self, now: Instant, endpoint: &mut Endpoint) {
        self.probe.handle_timeout(now, endpoint);
        self.pass_on(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.probe.poll_timeout(), Some(self.until)]
            .into_iter()
            .flatten()
            .min()
    }

    fn is_finished(&self) -> bool {
        self.until <= Instant::now()
    }
}

fn story(leg: &Leg) -> Value {
    let cause = leg.cause();
    let steps: Vec<String> = leg.story().iter().map(|moment| format!("{:?}", moment.step)).collect();
    json!({
        "answered": leg.answered().is_some(),
        "talk_seconds": leg.talked().map(|talked| talked.as_secs_f64()),
        "status": cause.and_then(|cause| cause.status).map(|status| status.code()),
        "origin": cause.map(|cause| format!("{:?}", cause.origin)),
        "q850": cause.and_then(|cause| cause.q850),
        "digits": leg.digits(),
        "heard": leg.stats().map(|stats| stats.received),
        "steps": steps,
    })
}
