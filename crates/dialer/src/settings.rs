//! What the dialer is told at start: trunks, tariffs, throttles, time zone.

use crate::{E164, Tariff};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Settings of the dialer, derived from the operator's configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The trunks, in order of preference at equal cost.
    pub trunks: Vec<TrunkSettings>,
    /// The gateways that take text messages, in order of preference at equal cost: their channels are messages not
    /// answered for yet, their calls per second are messages per second.
    pub gateways: Vec<TrunkSettings>,
    /// Limits on simultaneous calls into number ranges.
    pub throttles: Vec<Throttle>,
    /// The zone of allowed hours. Default: the rule of mainland France.
    pub time_zone: jiff::tz::TimeZone,
    /// An attempt without any report for this long after it must have ended counts as [`crate::Outcome::Unknown`].
    pub lost_report_margin: Duration,
    /// How long the results of a campaign stay linked to persons after its end; `None`: for ever.
    pub keep: Option<Duration>,
    /// The longest call; after it the dialer hangs up.
    pub longest_call: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            trunks: Vec::new(),
            gateways: Vec::new(),
            throttles: Vec::new(),
            time_zone: mainland_france(),
            lost_report_margin: Duration::from_secs(30),
            keep: None,
            longest_call: Duration::from_secs(15 * 60),
        }
    }
}

/// Central European Time with its summer time (POSIX TZ rule), without reading a zone file.
#[must_use]
pub fn mainland_france() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap_or(jiff::tz::TimeZone::UTC)
}

/// What carries a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// A telephone call.
    #[default]
    Voice,
    /// A text message.
    Text,
}

/// One trunk as the scheduler sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrunkSettings {
    /// Its name; written into the journal with each attempt.
    pub name: String,
    /// Calls at once, at most.
    pub channels: u32,
    /// Calls started per second, at most; never exceeded in any second.
    pub calls_per_second: f64,
    /// After start or an outage the rate grows to its full height over this time.
    pub ramp: Duration,
    /// Number prefixes (E.164 digits without "+") that it may reach; empty: all.
    pub prefixes: Vec<String>,
    /// What its calls cost; also decides between trunks that can reach a number.
    pub tariffs: Vec<Tariff>,
    /// The number to show, unless the campaign has its own.
    pub caller: Option<E164>,
}

impl TrunkSettings {
    /// A trunk that reaches all numbers for nothing.
    #[must_use]
    pub fn new(name: &str, channels: u32, calls_per_second: f64) -> Self {
        Self {
            name: name.to_owned(),
            channels,
            calls_per_second,
            ramp: Duration::ZERO,
            prefixes: Vec::new(),
            tariffs: Vec::new(),
            caller: None,
        }
    }
}

/// At most `calls` simultaneous calls into the numbers that begin with `prefix`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttle {
    /// E.164 digits without "+", such as "33322".
    pub prefix: String,
    /// Calls at once.
    pub calls: u32,
}

/// A change of a trunk, as the signalling side sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrunkChange {
    /// Works (again).
    Up,
    /// Does not answer; its calls go to other trunks.
    Down,
    /// Takes no new calls for this long (503 with Retry-After, RFC 3261 §21.5.4).
    RetryAfter(Duration),
}
