//! How a campaign goes about reaching its recipients.

use crate::{E164, Language};
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
    /// Hours in which calls may start, in local time; empty: always.
    pub allowed_hours: Vec<Hours>,
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

/// Hours of some days of the week, in local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Monday is bit 0, Sunday bit 6; 127: every day.
    pub days: u8,
    /// First minute of the day, from 0.
    pub from_minute: u16,
    /// The minute after the last one, at most 1440.
    pub to_minute: u16,
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
}

impl Preset {
    /// All presets, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Immediate, Self::Information, Self::Exercise];

    /// The title that operators see, in French and English.
    #[must_use]
    pub fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::Immediate => ("Alerte immédiate", "Immediate alert"),
            Self::Information => ("Information", "Information"),
            Self::Exercise => ("Exercice", "Exercise"),
        }
    }

    /// The policy behind it.
    #[must_use]
    pub fn policy(self) -> Policy {
        let secs = Duration::from_secs;
        let alert = Policy {
            order: NumberOrder::OneAfterTheOther,
            tries_per_number: 5,
            tries_per_recipient: 15,
            delays: Delays::default(),
            between_numbers: secs(2),
            ring_timeout: secs(30),
            total_period: secs(4 * 3600),
            allowed_hours: Vec::new(),
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
    /// Hours that are not.
    #[error("allowed hours {from}–{to} on days {days:#b} are empty or not hours of a day")]
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
        let ranges: [(&'static str, u64, u64, u64); 8] = [
            ("tries_per_number", self.tries_per_number.into(), 1, 50),
            ("tries_per_recipient", self.tries_per_recipient.into(), 1, 150),
            ("ring_timeout", self.ring_timeout.as_secs(), 5, 180),
            ("total_period", self.total_period.as_secs(), 1, 30 * 86_400),
            ("priority", self.priority.into(), 1, 100),
            ("channel_share", self.channel_share.into(), 1, 100),
            ("repeats", self.repeats.into(), 1, 10),
            ("between_numbers", self.between_numbers.as_secs(), 0, 86_400),
        ];
        for (field, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err(PolicyError::Range {
                    field,
                    value,
                    least,
                    most,
                });
            }
        }
        for hours in &self.allowed_hours {
            if hours.from_minute >= hours.to_minute || hours.to_minute > 1440 || hours.days == 0 || hours.days > 127 {
                return Err(PolicyError::Hours {
                    from: hours.from_minute,
                    to: hours.to_minute,
                    days: hours.days,
                });
            }
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
