//! How a campaign goes about reaching its recipients.

use crate::{E164, Hours, Language, Medium, hours};
pub use ivr::MachinePolicy;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The policy of a campaign. In JSON, durations are whole seconds; fields left out take the values of
/// [`Preset::Immediate`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// In which order a recipient's numbers are tried.
    pub order: NumberOrder,
    /// Text messages beside the calls, or instead of them.
    pub texts: Texts,
    /// What becomes of a telephone that several recipients share.
    pub shared_numbers: SharedNumbers,
    /// Groups called one after the other until enough people have answered; `None`: everybody at once.
    pub escalation: Option<Escalation>,
    /// Tries per number, at most (1 to 50).
    pub tries_per_number: u8,
    /// Tries per recipient over all numbers, at most (1 to 150).
    pub tries_per_recipient: u8,
    /// How long to wait before the same number is tried again.
    pub delays: Delays,
    /// Wait between two numbers of the same recipient.
    #[serde(with = "seconds")]
    pub between_numbers: Duration,
    /// How long it rings (5 s to 180 s).
    #[serde(with = "seconds")]
    pub ring_timeout: Duration,
    /// From the launch on; after it nobody is called any more (at most 30 days).
    #[serde(with = "seconds")]
    pub total_period: Duration,
    /// The moment after which the message is of no use any more, in milliseconds since 1970 UTC: then nobody is called
    /// any more, whatever is left of the period.
    pub expires_ms: Option<i64>,
    /// Hours in which calls may start, in local time; empty: always.
    pub allowed_hours: Vec<Hours>,
    /// Hours in which no call may start, in local time, whatever is allowed.
    pub quiet_hours: Vec<Hours>,
    /// Weight against other campaigns (1 to 100): twice the priority, twice the calls.
    pub priority: u8,
    /// The share of all channels that this campaign may take, in percent (1 to 100).
    pub channel_share: u8,
    /// What to do with answering machines.
    pub machine: MachinePolicy,
    /// Whether a person must press a key. If not, hearing the whole message is enough.
    pub confirmation: bool,
    /// The message is spoken this many times unless a key is pressed (1 to 10).
    pub repeats: u8,
    /// The language for people who have not chosen one.
    pub language: Language,
    /// The number to show; `None`: the trunk's.
    pub caller: Option<E164>,
    /// The key that confirms reception.
    pub confirm_key: char,
    /// The key that asks for the message again.
    pub replay_key: char,
    /// For practice: results are marked and kept apart from real alerts.
    pub exercise: bool,
}

/// In which order a recipient's numbers are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberOrder {
    /// One after the other, beginning again with the first.
    #[default]
    OneAfterTheOther,
    /// All at the same time; the first confirmation ends the other calls.
    AllAtOnce,
}

/// When text messages are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Texting {
    /// Not at all.
    #[default]
    Never,
    /// At the same time as the first call.
    Together,
    /// After some calls have failed, or when there is no number (left) to call.
    AfterFailures,
    /// Texts alone: nobody is called.
    Only,
}

/// Text messages of a campaign. A recipient gets one, on the first of their numbers that takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Texts {
    /// When they are sent.
    pub when: Texting,
    /// For [`Texting::AfterFailures`]: calls that must have failed (1 to 150).
    pub failures: u8,
    /// Tries per number, when the gateway refuses the message (1 to 10).
    pub tries: u8,
    /// Wait before the same number is tried again.
    #[serde(with = "seconds")]
    pub delay: Duration,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            when: Texting::Never,
            failures: 2,
            tries: 3,
            delay: Duration::from_secs(60),
        }
    }
}

/// What becomes of a telephone that several recipients share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SharedNumbers {
    /// It is called for each of them, one after the other, until each has confirmed.
    #[default]
    ForEach,
    /// Once somebody has confirmed on it, it is not called for the others, who are only called on numbers of their own.
    Once,
}

/// Groups called in waves until enough people have answered: duty rosters. Who is in which wave comes with the
/// recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// People who must confirm (without confirmation: hear the message). Then nobody else is called.
    pub needed: u32,
    /// A wave gets this long before the next one is called too; the next one is called earlier when nobody is left to
    /// call in the wave.
    #[serde(with = "seconds")]
    pub wait: Duration,
}

/// Waiting times before the same number is tried again, by cause; `None`: never again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delays {
    /// The line was busy.
    #[serde(with = "seconds::option")]
    pub busy: Option<Duration>,
    /// Nobody answered.
    #[serde(with = "seconds::option")]
    pub no_answer: Option<Duration>,
    /// Heard, not confirmed.
    #[serde(with = "seconds::option")]
    pub not_confirmed: Option<Duration>,
    /// Hung up early.
    #[serde(with = "seconds::option")]
    pub hung_up_early: Option<Duration>,
    /// Answering machine.
    #[serde(with = "seconds::option")]
    pub machine: Option<Duration>,
    /// Refused.
    #[serde(with = "seconds::option")]
    pub rejected: Option<Duration>,
    /// The number cannot be reached.
    #[serde(with = "seconds::option")]
    pub unreachable: Option<Duration>,
    /// Other failure.
    #[serde(with = "seconds::option")]
    pub failed: Option<Duration>,
    /// The program stopped during the call, or its reports were lost.
    #[serde(with = "seconds::option")]
    pub unknown: Option<Duration>,
}

/// A ready-made policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// "Alerte immédiate": as fast as the trunks allow, day and night, busy lines again after a minute.
    Immediate,
    /// "Information": in daytime, few tries, hearing it is enough.
    Information,
    /// "Exercice": like an alert, with few tries and marked as practice.
    Exercise,
    /// "Astreinte": wave after wave of a duty roster, on all numbers at once, until one person has confirmed.
    Roster,
}

impl Preset {
    /// All presets, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Immediate, Self::Information, Self::Exercise, Self::Roster];

    /// The title that operators see, in French and English.
    #[must_use]
    pub fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::Immediate => ("Alerte immédiate", "Immediate alert"),
            Self::Information => ("Information", "Information"),
            Self::Exercise => ("Exercice", "Exercise"),
            Self::Roster => ("Astreinte", "Duty roster"),
        }
    }

    /// The policy behind it.
    #[must_use]
    pub fn policy(self) -> Policy {
        let secs = Duration::from_secs;
        let alert = Policy {
            order: NumberOrder::OneAfterTheOther,
            texts: Texts::default(),
            shared_numbers: SharedNumbers::ForEach,
            escalation: None,
            tries_per_number: 5,
            tries_per_recipient: 15,
            delays: Delays::default(),
            between_numbers: secs(2),
            ring_timeout: secs(30),
            total_period: secs(4 * 3600),
            expires_ms: None,
            allowed_hours: Vec::new(),
            quiet_hours: Vec::new(),
            priority: 50,
            channel_share: 100,
            machine: MachinePolicy::HangUp,
            confirmation: true,
            repeats: 2,
            language: Language::FRENCH,
            caller: None,
            confirm_key: '1',
            replay_key: '2',
            exercise: false,
        };
        match self {
            Self::Immediate => alert,
            Self::Information => Policy {
                tries_per_number: 2,
                tries_per_recipient: 6,
                delays: Delays {
                    busy: Some(secs(300)),
                    no_answer: Some(secs(3600)),
                    not_confirmed: None,
                    hung_up_early: None,
                    machine: None,
                    rejected: None,
                    ..Delays::default()
                },
                total_period: secs(48 * 3600),
                allowed_hours: vec![Hours {
                    days: 0b011_1111,
                    from_minute: 9 * 60,
                    to_minute: 20 * 60,
                }],
                priority: 10,
                channel_share: 50,
                machine: MachinePolicy::LeaveMessage,
                confirmation: false,
                repeats: 1,
                ..alert
            },
            Self::Exercise => Policy {
                tries_per_number: 2,
                tries_per_recipient: 4,
                total_period: secs(3600),
                priority: 20,
                exercise: true,
                ..alert
            },
            Self::Roster => Policy {
                order: NumberOrder::AllAtOnce,
                escalation: Some(Escalation {
                    needed: 1,
                    wait: secs(300),
                }),
                tries_per_number: 3,
                tries_per_recipient: 9,
                total_period: secs(2 * 3600),
                priority: 80,
                ..alert
            },
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Preset::Immediate.policy()
    }
}

impl Default for Delays {
    fn default() -> Self {
        let secs = |s| Some(Duration::from_secs(s));
        Self {
            busy: secs(60),
            no_answer: secs(300),
            not_confirmed: secs(600),
            hung_up_early: secs(300),
            machine: secs(600),
            rejected: secs(900),
            unreachable: None,
            failed: secs(120),
            unknown: secs(5),
        }
    }
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A figure out of its range.
    #[error("{field} is {value}; it must lie between {least} and {most}")]
    Range {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: u64,
        /// Smallest value.
        least: u64,
        /// Largest value.
        most: u64,
    },
    /// Keys that a telephone does not have, or the same key for two things.
    #[error("“{confirm}” (confirm) and “{replay}” (hear again) must be two different keys out of 0–9, * and #")]
    Keys {
        /// The confirming key.
        confirm: char,
        /// The key to hear the message again.
        replay: char,
    },
    /// Hours that leave nothing.
    #[error("the allowed hours and the quiet hours leave no minute of the week in which calls may start")]
    NeverOpen,
    /// Hours that are not.
    #[error("the hours {from}–{to} on days {days:#b} are empty or not hours of a day")]
    Hours {
        /// First minute.
        from: u16,
        /// Last minute.
        to: u16,
        /// Days.
        days: u8,
    },
}

impl Policy {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is out of its range.
    pub fn validate(&self) -> Result<(), PolicyError> {
        let ranges = [
            ("tries_per_number", self.tries_per_number.into(), 1, 50),
            ("tries_per_recipient", self.tries_per_recipient.into(), 1, 150),
            ("ring_timeout", self.ring_timeout.as_secs(), 5, 180),
            ("total_period", self.total_period.as_secs(), 1, 30 * 86_400),
            ("priority", self.priority.into(), 1, 100),
            ("channel_share", self.channel_share.into(), 1, 100),
            ("repeats", self.repeats.into(), 1, 10),
            ("between_numbers", self.between_numbers.as_secs(), 0, 86_400),
            ("texts.failures", self.texts.failures.into(), 1, 150),
            ("texts.tries", self.texts.tries.into(), 1, 10),
            ("texts.delay", self.texts.delay.as_secs(), 1, 86_400),
        ];
        let escalation = self.escalation.iter().flat_map(|escalation| {
            [
                ("escalation.needed", escalation.needed.into(), 1, 1_000_000),
                ("escalation.wait", escalation.wait.as_secs(), 10, 7 * 86_400),
            ]
        });
        for (field, value, least, most) in ranges.into_iter().chain(escalation) {
            if !(least..=most).contains(&value) {
                return Err(PolicyError::Range {
                    field,
                    value,
                    least,
                    most,
                });
            }
        }
        for hours in self.allowed_hours.iter().chain(&self.quiet_hours) {
            if !hours.is_valid() {
                return Err(PolicyError::Hours {
                    from: hours.from_minute,
                    to: hours.to_minute,
                    days: hours.days,
                });
            }
        }
        if !hours::is_ever_open(self) {
            return Err(PolicyError::NeverOpen);
        }
        let is_key = |key: char| key.is_ascii_digit() || key == '*' || key == '#';
        if !is_key(self.confirm_key) || !is_key(self.replay_key) || self.confirm_key == self.replay_key {
            return Err(PolicyError::Keys {
                confirm: self.confirm_key,
                replay: self.replay_key,
            });
        }
        Ok(())
    }

    /// Whether this policy uses a medium.
    #[must_use]
    pub fn uses(&self, medium: Medium) -> bool {
        match medium {
            Medium::Voice => self.texts.when != Texting::Only,
            Medium::Text => self.texts.when != Texting::Never,
        }
    }

    /// How a call of this campaign goes.
    #[must_use]
    pub fn script(&self) -> ivr::Settings {
        ivr::Settings {
            repeats: self.repeats.saturating_sub(1),
            confirm_key: self.confirm_key,
            replay_key: self.replay_key,
            machine: self.machine,
            ..ivr::Settings::default()
        }
    }
}

/// Durations as whole seconds in JSON.
mod seconds {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_secs().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }

    pub(super) mod option {
        use super::{Deserialize, Deserializer, Duration, Serialize, Serializer};

        pub(in super::super) fn serialize<S: Serializer>(
            v: &Option<Duration>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            v.map(|d| d.as_secs()).serialize(serializer)
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
            Option::<u64>::deserialize(d).map(|s| s.map(Duration::from_secs))
        }
    }
}
