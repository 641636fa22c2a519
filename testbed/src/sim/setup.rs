//! What is simulated, what came of it, and the promises that may be broken.

use std::fmt;
use std::time::Duration;

use dialer::Policy;

use super::network::Quality;
use super::phone::Population;

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// The network.
    pub network: Quality,
    /// How many times the program is killed while the campaign runs; what was not flushed is lost.
    pub crashes: u32,
    /// Longest flush of the journal.
    pub slowest_flush: Duration,
    /// The carrier is gone: nothing passes, either way.
    pub outage: Option<Span>,
    /// The carrier refuses every new call with 503 and asks to be left alone for so long (Retry-After, whole seconds).
    pub storm: Option<(Span, Duration)>,
}

impl Faults {
    /// A good day.
    pub const NONE: Faults = Faults {
        network: Quality::GOOD,
        crashes: 0,
        slowest_flush: Duration::from_millis(20),
        outage: None,
        storm: None,
    };
}

/// A span of time, from the launch on.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// When it begins.
    pub after: Duration,
    /// How long it lasts.
    pub length: Duration,
}

impl Span {
    /// When it ends.
    #[must_use]
    pub fn end(&self) -> Duration {
        self.after + self.length
    }

    pub(super) fn holds(&self, since_launch: Duration) -> bool {
        (self.after..self.end()).contains(&since_launch)
    }
}

/// One simulation.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Everything follows from it.
    pub seed: u64,
    /// People to reach.
    pub recipients: u32,
    /// Numbers of each, 1 to 3.
    pub numbers: u32,
    /// Channels of the trunk.
    pub channels: u32,
    /// New calls a second.
    pub calls_per_second: u32,
    /// Who they are.
    pub population: Population,
    /// What goes wrong.
    pub faults: Faults,
    /// How the campaign goes.
    pub policy: Policy,
    /// When this share of the recipients has confirmed, the campaign's outlook is taken.
    pub look_at: Option<f64>,
}

impl Setup {
    /// A small campaign on a good day.
    #[must_use]
    pub fn quiet(seed: u64) -> Self {
        Self {
            seed,
            recipients: 400,
            numbers: 3,
            channels: 60,
            calls_per_second: 20,
            population: Population::ORDINARY,
            faults: Faults::NONE,
            policy: dialer::Preset::Immediate.policy(),
            look_at: None,
        }
    }
}

/// What a simulation found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Virtual time from the launch to the end of the campaign.
    pub duration: Duration,
    /// Calls placed.
    pub attempts: u64,
    /// Recipients who confirmed.
    pub confirmed: u64,
    /// Recipients who did not.
    pub not_confirmed: u64,
    /// Crashes that took place.
    pub crashes: u32,
    /// Calls that the carrier refused in a storm.
    pub refused: u64,
    /// From the end of the outage, or of the storm, to the first call after it.
    pub resumed: Option<Duration>,
    /// Datagrams on the virtual wire.
    pub datagrams: u64,
    /// Most calls at once.
    pub peak: usize,
    /// When people confirmed, from the launch on, in order.
    pub reached: Vec<Duration>,
    /// From the launch to the end of the last call.
    pub last_call: Duration,
    /// The least time in which the same calls could have been made.
    pub bound: Duration,
    /// Share of the channel time that was left unused while somebody who was due waited: see [`super::waste`].
    pub waste: f64,
    /// Cost in millionths of a euro.
    pub cost_micros: u64,
    /// The outlook that was asked for.
    pub outlook: Option<dialer::Outlook>,
    /// What the program tells of the campaign.
    pub campaign: Option<Box<dialer::CampaignReport>>,
    /// What the campaign observed.
    pub assumptions: dialer::Assumptions,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Somebody who was thanked was called again.
    RungAfterThanks(u64),
    /// Somebody whose confirmation was durable was called again.
    RungAfterConfirmation(u64),
    /// Somebody was thanked, and the report does not say so.
    ConfirmationLost(u64),
    /// Somebody was never called, or has no final state.
    Forgotten(u64),
    /// More calls at once than the trunk has channels.
    TooManyCalls(usize),
    /// More new calls in one second than the trunk allows.
    TooFast(usize),
    /// Calls that came while the carrier had asked to be left alone.
    Importunate(u64),
    /// A call was placed although its start was not durable.
    UnrecordedAttempt(u64),
    /// The campaign did not end.
    Endless,
    /// The journal cannot be read any more.
    Journal(String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RungAfterThanks(who) => write!(f, "recipient {who} was thanked, then called again"),
            Self::RungAfterConfirmation(who) => write!(f, "recipient {who} had confirmed, then was called again"),
            Self::ConfirmationLost(who) => write!(f, "recipient {who} was thanked; the report does not know"),
            Self::Forgotten(who) => write!(f, "recipient {who} was forgotten"),
            Self::TooManyCalls(calls) => write!(f, "{calls} calls at once"),
            Self::TooFast(calls) => write!(f, "{calls} new calls in one second"),
            Self::Importunate(calls) => write!(f, "{calls} calls although Retry-After forbade them"),
            Self::UnrecordedAttempt(attempt) => write!(f, "attempt {attempt} was placed before it was durable"),
            Self::Endless => f.write_str("the campaign did not end"),
            Self::Journal(error) => write!(f, "the journal cannot be read: {error}"),
        }
    }
}
