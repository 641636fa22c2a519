//! What attempts cost: the account of a period, added up by month, service, campaign, trunk and tariff (R7).
//!
//! Sums are of whole millionths of a euro as each attempt was billed, never of rounded figures, so that every way of
//! adding up the same attempts gives the same total. An attempt belongs to the month in which it began, by the wall
//! clock of the settings' time zone.

use crate::campaign::{Attempt, Campaign};
use crate::dialer::Dialer;
use crate::state::State;
use crate::{AttemptRow, CampaignId, Cause, Outcome, Tariff};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// A span of time, in milliseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Its first moment.
    pub from_ms: i64,
    /// The moment after its last one.
    pub to_ms: i64,
}

impl Period {
    /// From the first to the last moment that can be told.
    pub const ALWAYS: Self = Self {
        from_ms: i64::MIN,
        to_ms: i64::MAX,
    };

    /// Whether a moment lies in it.
    #[must_use]
    pub fn contains(&self, at_ms: i64) -> bool {
        (self.from_ms..self.to_ms).contains(&at_ms)
    }
}

/// A month of the calendar. Shown as `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// The year.
    pub year: i16,
    /// From 1 to 12.
    pub month: i8,
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl Serialize for Month {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Sums over attempts that are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Attempts.
    pub attempts: u64,
    /// Those that somebody or something answered, or that reached a handset.
    pub answered: u64,
    /// Billed seconds of calls.
    pub billed_seconds: u64,
    /// Parts of text messages.
    pub parts: u64,
    /// Cost in millionths of a euro.
    pub cost_micros: u64,
    /// Attempts of which the end was never learnt (the program stopped, reports were lost): the carrier may bill what
    /// is not in `cost_micros`.
    pub unmetered: u64,
}

impl Totals {
    fn of(attempt: &Attempt, outcome: Outcome) -> Self {
        Self {
            attempts: 1,
            answered: u64::from(outcome.is_answered()),
            billed_seconds: attempt.bill.seconds.into(),
            parts: attempt.price.parts.into(),
            cost_micros: attempt.bill.micros,
            unmetered: u64::from(outcome.cause() == Cause::Unknown),
        }
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.attempts += other.attempts;
        self.answered += other.answered;
        self.billed_seconds += other.billed_seconds;
        self.parts += other.parts;
        self.cost_micros = self.cost_micros.saturating_add(other.cost_micros);
        self.unmetered += other.unmetered;
    }
}

/// The finest sums: the attempts of one campaign in one month over one trunk at one tariff.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountLine {
    /// The month in which they began.
    pub month: Month,
    /// The service that pays; empty where none was named.
    pub service: String,
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Its name.
    pub name: String,
    /// Whether it was practice.
    pub exercise: bool,
    /// Over which trunk.
    pub trunk: String,
    /// At which price; `None` where none was configured.
    pub tariff: Option<Tariff>,
    /// The sums.
    pub totals: Totals,
}

/// One attempt of an account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeteredAttempt {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// The attempt.
    pub row: AttemptRow,
}

/// What the attempts that began in a period and are over cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Account {
    /// The period.
    pub period: Period,
    /// The finest sums, by month, service, campaign, trunk and tariff.
    pub lines: Vec<AccountLine>,
    /// The attempts one by one, in order of campaign and start; empty unless asked for.
    pub attempts: Vec<MeteredAttempt>,
}

impl Account {
    /// The sums of the lines that have the same key.
    #[must_use]
    pub fn by<K: Ord>(&self, key: impl Fn(&AccountLine) -> K) -> BTreeMap<K, Totals> {
        let mut sums: BTreeMap<K, Totals> = BTreeMap::new();
        for line in &self.lines {
            *sums.entry(key(line)).or_default() += line.totals;
        }
        sums
    }

    /// The sum of everything.
    #[must_use]
    pub fn total(&self) -> Totals {
        self.by(|_| ()).remove(&()).unwrap_or_default()
    }
}

/// The month of a moment. Remembers the last one's bounds: neighbours share it, and calendars are slow.
struct Calendar<'a> {
    zone: &'a TimeZone,
    known: Option<(Month, Period)>,
}

impl Calendar<'_> {
    fn month(&mut self, at_ms: i64) -> Month {
        if let Some((month, period)) = self.known
            && period.contains(at_ms)
        {
            return month;
        }
        let moment = jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default();
        let date = self.zone.to_datetime(moment).date();
        let month = Month {
            year: date.year(),
            month: date.month(),
        };
        let start = |date: jiff::civil::Date| {
            let zoned = date.to_zoned(self.zone.clone()).ok()?;
            Some(zoned.timestamp().as_millisecond())
        };
        let from = start(date.first_of_month());
        let to = date.last_of_month().tomorrow().ok().and_then(start);
        self.known = from.zip(to).map(|(from_ms, to_ms)| (month, Period { from_ms, to_ms }));
        month
    }
}

impl State {
    pub(crate) fn attempt_row(&self, campaign: &Campaign, attempt: &Attempt) -> Option<AttemptRow> {
        let member = campaign.members.get(attempt.member as usize)?;
        let talking = i64::from(attempt.talking_ms);
        Some(AttemptRow {
            attempt: attempt.id,
            recipient: member.recipient,
            slot: attempt.slot,
            number: member.slots.get(usize::from(attempt.slot)).and_then(|slot| slot.number),
            trunk: self
                .trunks
                .get(usize::from(attempt.trunk.0))
                .cloned()
                .unwrap_or_default(),
            started_ms: attempt.started_ms,
            ended_ms: attempt.ended_ms,
            answered_ms: attempt.ended_ms.filter(|_| talking > 0).map(|ended| ended - talking),
            ringing_ms: attempt.ringing_ms.into(),
            talking_ms: attempt.talking_ms.into(),
            outcome: attempt.outcome,
            status: attempt.status,
            message_version: attempt.version,
            tariff: self.price(attempt).cloned(),
            parts: attempt.price.parts,
            billed_seconds: attempt.bill.seconds,
            cost_micros: attempt.bill.micros,
        })
    }

    fn price(&self, attempt: &Attempt) -> Option<&Tariff> {
        let at = (attempt.price.tariff as usize).checked_sub(1)?;
        self.tariffs.get(at).map(|(_, tariff)| tariff)
    }
}

impl Dialer {
    /// What the attempts that began in a period and are over cost.
    pub(crate) fn account(&self, period: Period, detail: bool) -> Account {
        let mut account = Account {
            period,
            lines: Vec::new(),
            attempts: Vec::new(),
        };
        let mut calendar = Calendar {
            zone: &self.settings.time_zone,
            known: None,
        };
        for campaign in self.state.campaigns.values() {
            // By trunk and tariff as numbers: texts are only made once per line.
            let mut sums: BTreeMap<(Month, u16, u32), Totals> = BTreeMap::new();
            for attempt in campaign.attempts.iter().filter(|a| period.contains(a.started_ms)) {
                let Some(outcome) = attempt.outcome else { continue };
                let key = (
                    calendar.month(attempt.started_ms),
                    attempt.trunk.0,
                    attempt.price.tariff,
                );
                *sums.entry(key).or_default() += Totals::of(attempt, outcome);
                if detail && let Some(row) = self.state.attempt_row(campaign, attempt) {
                    let campaign = campaign.id;
                    account.attempts.push(MeteredAttempt { campaign, row });
                }
            }
            account
                .lines
                .extend(sums.into_iter().map(|((month, trunk, tariff), totals)| {
                    let tariff = (tariff as usize).checked_sub(1);
                    AccountLine {
                        month,
                        service: campaign.service.clone(),
                        campaign: campaign.id,
                        name: campaign.name.clone(),
                        exercise: campaign.policy.exercise,
                        trunk: self.state.trunks.get(usize::from(trunk)).cloned().unwrap_or_default(),
                        tariff: tariff
                            .and_then(|at| self.state.tariffs.get(at))
                            .map(|(_, tariff)| tariff.clone()),
                        totals,
                    }
                }));
        }
        // Stable: within a month and a service, campaigns stay in order of creation.
        account
            .lines
            .sort_by(|a, b| (a.month, &a.service).cmp(&(b.month, &b.service)));
        account
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_turn_at_midnight_of_the_zone_and_not_of_utc() {
        let zone = crate::mainland_france();
        let mut calendar = Calendar {
            zone: &zone,
            known: None,
        };
        // 30 November 2026, 22:59:59.999 and 23:00 UTC: midnight in Paris lies between them.
        for (at_ms, expected) in [
            (1_796_079_599_999, "2026-11"),
            (1_796_079_600_000, "2026-12"),
            (1_796_079_599_999, "2026-11"),
            // 31 March 2026, 21:59:59 and 22:00 UTC, in summer time.
            (1_774_994_399_000, "2026-03"),
            (1_774_994_400_000, "2026-04"),
        ] {
            assert_eq!(calendar.month(at_ms).to_string(), expected, "{at_ms}");
        }
    }
}
