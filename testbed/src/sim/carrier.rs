//! The far end: a carrier's switch with everybody's telephones, driven in virtual time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip_core::{CallId, Config, Endpoint, Event, Local, StatusCode, Transport, TrunkConfig};

use super::phone::{Deed, Population};
use super::setup::Setup;

/// What a telephone does at a certain moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Picks up.
    PickUp,
    /// Presses a key.
    Press(char),
    /// Hangs up.
    HangUp,
    /// Refuses after ringing.
    Refuse(u16),
}

/// A step that is due on one leg.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub(super) at: Instant,
    pub(super) leg: CallId,
    pub(super) step: Step,
}

struct Leg {
    deed: Deed,
}

/// The carrier.
pub(super) struct Carrier {
    pub(super) endpoint: Endpoint,
    legs: HashMap<CallId, Leg>,
    population: Population,
    seed: u64,
    /// Calls that came in, by called number.
    calls_to: HashMap<String, u32>,
    /// No new call is taken then.
    storm: Option<Storm>,
    /// Calls refused in it.
    pub(super) refused: u64,
    /// Calls that came although Retry-After forbade them.
    pub(super) importunate: u64,
}

/// When new calls are refused, and what is asked with it.
struct Storm {
    from: Instant,
    until: Instant,
    pause: Duration,
    /// The pause that was asked for: since when, and until when.
    asked: Option<(Instant, Instant)>,
}

/// A refusal is known at the other end after this time; and so much sooner may a call come than the latest one asked.
const KNOWN_AFTER: Duration = Duration::from_millis(200);

/// A telephone hangs up when a call lasts longer than this: the far end has died.
pub(super) const LONGEST: Duration = Duration::from_secs(180);

impl Carrier {
    pub(super) fn new(now: Instant, address: SocketAddr, peer: SocketAddr, setup: &Setup) -> Self {
        let seed = setup.seed;
        let mut seed_bytes = [7; 32];
        seed_bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let limits = sip_core::Limits {
            calls: 1_000_000,
            server_transactions: 1_000_000,
            ..Default::default()
        };
        let config = Config {
            locals: vec![Local::new(Transport::Udp, address)],
            limits,
            ..Config::default()
        };
        let mut endpoint = Endpoint::new(config, seed_bytes);
        let trunk = TrunkConfig {
            name: "tocsin".to_owned(),
            domain: address.ip().to_string(),
            accept_from: vec![peer.ip()],
            ..TrunkConfig::default()
        };
        endpoint.add_trunk(now, trunk);
        Self {
            endpoint,
            legs: HashMap::new(),
            population: setup.population,
            seed,
            calls_to: HashMap::new(),
            storm: setup.faults.storm.map(|(span, pause)| Storm {
                from: now + span.after,
                until: now + span.end(),
                pause,
                asked: None,
            }),
            refused: 0,
            importunate: 0,
        }
    }

    /// Takes what the endpoint noticed; returns what the telephones will do.
    pub(super) fn handle_event(&mut self, now: Instant, event: Event) -> Vec<Due> {
        match event {
            Event::Incoming { call, to, .. } => {
                if self.refuses(now, call) {
                    return Vec::new();
                }
                let number = to.user.to_string();
                let nth = self.calls_to.entry(number.clone()).or_default();
                *nth += 1;
                let deed = self.population.deed(self.seed, &number, *nth);
                self.take(now, call, deed)
            }
            Event::Failed { call, .. } | Event::Ended { call, .. } => {
                self.legs.remove(&call);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Refuses a call in a storm.
    fn refuses(&mut self, now: Instant, leg: CallId) -> bool {
        let Some(storm) = &mut self.storm else { return false };
        let is_asked = storm.asked.filter(|(_, until)| now < *until);
        if is_asked.is_some_and(|(since, until)| now > since + KNOWN_AFTER && now + KNOWN_AFTER < until) {
            self.importunate += 1;
        }
        if !(storm.from..storm.until).contains(&now) {
            return false;
        }
        self.refused += 1;
        let since = is_asked.map_or(now, |(since, _)| since);
        storm.asked = Some((since, now + storm.pause));
        let _ = self
            .endpoint
            .reject_after(now, leg, StatusCode::SERVICE_UNAVAILABLE, Some(storm.pause));
        true
    }

    fn take(&mut self, now: Instant, leg: CallId, deed: Deed) -> Vec<Due> {
        let mut due = Vec::new();
        match &deed {
            Deed::Refuse { status, rings: false } => {
                let _ = self.endpoint.reject(now, leg, *status);
                return due;
            }
            Deed::Refuse { status, rings: true } => {
                let _ = self.endpoint.ring(now, leg, None);
                due.push(Due {
                    at: now + Duration::from_secs(2),
                    leg,
                    step: Step::Refuse(status.code()),
                });
            }
            Deed::Ignore => {
                let _ = self.endpoint.ring(now, leg, None);
            }
            Deed::Silence => {}
            Deed::Answer { after, .. } => {
                let _ = self.endpoint.ring(now, leg, None);
                due.push(Due {
                    at: now + *after,
                    leg,
                    step: Step::PickUp,
                });
            }
        }
        self.legs.insert(leg, Leg { deed });
        due
    }

    /// Does what is due, as far as the call still stands; returns what follows from it.
    pub(super) fn handle_due(&mut self, now: Instant, due: Due) -> Vec<Due> {
        let Some(leg) = self.legs.get(&due.leg) else {
            return Vec::new();
        };
        match due.step {
            Step::PickUp => {
                let sdp = answer(media_address(due.leg));
                if self.endpoint.answer(now, due.leg, sdp).is_err() {
                    return Vec::new();
                }
                let Deed::Answer { keys, hangs_up, .. } = &leg.deed else {
                    return Vec::new();
                };
                let mut next: Vec<Due> = keys
                    .iter()
                    .map(|(after, key)| Due {
                        at: now + *after,
                        leg: due.leg,
                        step: Step::Press(*key),
                    })
                    .collect();
                let end = hangs_up.unwrap_or(LONGEST);
                next.push(Due {
                    at: now + end,
                    leg: due.leg,
                    step: Step::HangUp,
                });
                next
            }
            Step::HangUp => {
                let _ = self.endpoint.hang_up(now, due.leg);
                Vec::new()
            }
            Step::Refuse(status) => {
                if let Some(status) = StatusCode::new(status) {
                    let _ = self.endpoint.reject(now, due.leg, status);
                }
                Vec::new()
            }
            Step::Press(_) => Vec::new(),
        }
    }

    /// Whether the leg still stands, so that a key pressed on it travels.
    pub(super) fn stands(&self, leg: CallId) -> bool {
        self.legs.contains_key(&leg)
    }
}

/// Each leg has a media address of its own, so that both ends of a call can be told from its SDP.
pub(super) fn media_address(leg: CallId) -> SocketAddr {
    let bytes = (leg.0 as u32).to_be_bytes();
    SocketAddr::from((
        [172, 16 | (bytes[1] & 15), bytes[2], bytes[3]],
        40_000 + 2 * u16::from(bytes[0]),
    ))
}

fn answer(address: SocketAddr) -> Bytes {
    let (ip, port) = (address.ip(), address.port());
    Bytes::from(format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
    ))
}
