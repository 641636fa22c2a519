//! Incidents: what went wrong in the service, as the journal tells it.

use super::Span;
use crate::{Event, Record};
use serde::Serialize;
use std::collections::VecDeque;

/// Incidents remembered at most; the oldest are forgotten first, as a trunk that flaps for years must not fill the memory.
const MOST: usize = 10_000;

/// Something went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// Since when, in milliseconds since 1970 UTC. For a restart that nobody ordered: the last thing the program wrote
    /// down before, so that the outage began then or later.
    pub from_ms: i64,
    /// Until when, in milliseconds since 1970 UTC; `None` while it lasts.
    pub to_ms: Option<i64>,
    /// What.
    pub trouble: Trouble,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trouble {
    /// A trunk did not answer.
    TrunkDown {
        /// Its name.
        trunk: String,
    },
    /// The journal could not be written: no new call was started.
    JournalFailed {
        /// What was wrong.
        why: String,
    },
    /// The program started again.
    Restarted {
        /// Whether somebody had stopped it in order; if not, it was a crash or a power cut.
        is_ordered: bool,
        /// The version that started.
        version: String,
    },
}

impl Trouble {
    /// The name used in JSON and texts, such as `trunk-down`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TrunkDown { .. } => "trunk-down",
            Self::JournalFailed { .. } => "journal-failed",
            Self::Restarted { is_ordered: true, .. } => "restarted",
            Self::Restarted { is_ordered: false, .. } => "crashed",
        }
    }
}

impl Incident {
    /// How long it lasted within the span, in milliseconds; what lasts still is counted up to `now_ms`.
    #[must_use]
    pub fn within(&self, span: Span, now_ms: i64) -> u64 {
        let from = self.from_ms.max(span.from_ms);
        let to = self.to_ms.unwrap_or(now_ms).min(span.to_ms);
        u64::try_from(to - from).unwrap_or(0)
    }

    /// Whether any part of it lies in the span.
    #[must_use]
    pub fn touches(&self, span: Span) -> bool {
        self.from_ms < span.to_ms && self.to_ms.is_none_or(|to| to >= span.from_ms)
    }
}

/// The fold of the records that tell of incidents.
#[derive(Debug, Default)]
pub(crate) struct Incidents {
    known: VecDeque<Incident>,
    /// When the last record was made, and whether it said that the program was stopped in order.
    last: Option<(i64, bool)>,
}

impl Incidents {
    pub(crate) fn apply(&mut self, record: &Record) {
        let at_ms = record.at_ms;
        match &record.event {
            Event::Started { version } => {
                // What a trunk was before says nothing about it now: if it is down still, that is told again.
                self.known
                    .iter_mut()
                    .filter(|incident| incident.to_ms.is_none())
                    .for_each(|incident| incident.to_ms = Some(at_ms));
                if let Some((last_ms, is_ordered)) = self.last {
                    let trouble = Trouble::Restarted {
                        is_ordered,
                        version: version.clone(),
                    };
                    self.push(last_ms.min(at_ms), Some(at_ms), trouble);
                }
            }
            Event::TrunkChanged { trunk, is_up: false } => {
                let trouble = Trouble::TrunkDown { trunk: trunk.clone() };
                self.push(at_ms, None, trouble);
            }
            Event::TrunkChanged { trunk, is_up: true } => {
                let open = self.known.iter_mut().rev().find(|incident| {
                    incident.to_ms.is_none()
                        && matches!(&incident.trouble, Trouble::TrunkDown { trunk: known } if known == trunk)
                });
                if let Some(incident) = open {
                    incident.to_ms = Some(at_ms);
                }
            }
            Event::JournalRecovered { since_ms, why } => {
                let trouble = Trouble::JournalFailed { why: why.clone() };
                self.push((*since_ms).min(at_ms), Some(at_ms), trouble);
            }
            _ => {}
        }
        self.last = Some((at_ms, matches!(record.event, Event::Stopped)));
    }

    fn push(&mut self, from_ms: i64, to_ms: Option<i64>, trouble: Trouble) {
        if self.known.len() == MOST {
            self.known.pop_front();
        }
        self.known.push_back(Incident {
            from_ms,
            to_ms,
            trouble,
        });
    }

    /// Those that touch the span, in order of their beginning.
    pub(crate) fn within(&self, span: Span) -> Vec<Incident> {
        let mut found: Vec<Incident> = self
            .known
            .iter()
            .filter(|incident| incident.touches(span))
            .cloned()
            .collect();
        found.sort_by_key(|incident| incident.from_ms);
        found
    }
}
