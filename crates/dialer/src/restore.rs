//! Taking up where a journal ends.

use crate::campaign::Campaign;
use crate::dialer::Dialer;
use crate::time::Moment;
use crate::{
    AttemptId, Bill, CallStats, CampaignId, Contacts, Event, JournalError, Now, Outcome, Record, Sequence, Settings,
};

/// Why the dialer could not take up a journal.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record is missing.
    #[error(
        "the journal skips from record {expected} to record {found}: restore the newest backup with \
         `tocsin journal restore`"
    )]
    Gap {
        /// The record that should have come.
        expected: Sequence,
        /// The record that came.
        found: Sequence,
    },
}

impl Dialer {
    /// A dialer that takes up where a journal ends: running campaigns go on, calls that the end of the program cut off
    /// become unknown and are retried, nobody who confirmed is called again.
    ///
    /// # Errors
    /// The first record that cannot be read.
    pub fn restore(
        settings: Settings,
        now: Now,
        records: impl Iterator<Item = Result<Record, JournalError>>,
        contacts: &dyn Contacts,
    ) -> Result<Self, RestoreError> {
        let mut dialer = Self::bare(settings, now);
        let moment = dialer.clock.moment(now);
        for record in records {
            let record = record?;
            if record.sequence != dialer.state.next {
                return Err(RestoreError::Gap {
                    expected: dialer.state.next,
                    found: record.sequence,
                });
            }
            // A wall clock that was set back must not push retries into the future.
            let at = Moment::from_ms(record.at_ms).min(moment);
            dialer
                .state
                .apply(&record, at, &mut |recipient| contacts.contact(recipient));
        }
        if dialer.state.next.0 > 0 {
            dialer.trunks.iter_mut().for_each(|trunk| trunk.resume(moment));
        }
        dialer.durable = dialer.state.next;
        dialer.emit(
            now,
            Event::Started {
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
        );
        dialer.publish_tariffs(now);
        dialer.end_cut_off(now);
        dialer.find_absences(now);
        dialer.find_expiry();
        let open: Vec<CampaignId> = dialer
            .state
            .campaigns
            .values()
            .filter(|campaign| campaign.is_open() && !dialer.held.contains(&campaign.id))
            .map(|campaign| campaign.id)
            .collect();
        for id in open {
            dialer.plan_members(id);
            dialer.schedule_all(moment, id, 0);
            dialer.finish_if_done(now, id);
        }
        dialer.turn(now, moment);
        Ok(dialer)
    }

    /// The story of a journal up to where these records end, to be asked with [`Dialer::query`]: nothing goes on, and no
    /// directory is needed.
    ///
    /// # Errors
    /// The first record that cannot be read.
    pub fn retell(records: impl Iterator<Item = Result<Record, JournalError>>) -> Result<Self, JournalError> {
        let now = Now::read();
        let mut dialer = Self::new(Settings::default(), now);
        for record in records {
            let record = record?;
            let at = Moment::from_ms(record.at_ms);
            dialer.state.apply(&record, at, &mut |_| None);
        }
        dialer.durable = dialer.state.next;
        Ok(dialer)
    }

    /// Calls that were in progress when the program ended: their end is unknown, unless the key had been pressed.
    fn end_cut_off(&mut self, now: Now) {
        let mut cut_off: Vec<(AttemptId, CampaignId, usize)> = self
            .state
            .live
            .iter()
            .map(|(id, (campaign, at))| (*id, *campaign, *at))
            .collect();
        cut_off.sort_unstable();
        for (attempt, campaign, at) in cut_off {
            let known = self
                .state
                .campaigns
                .get(&campaign)
                .and_then(|campaign: &Campaign| campaign.attempts.get(at));
            let is_confirmed = known.is_some_and(|attempt| attempt.is_confirmed);
            let outcome = if is_confirmed {
                Outcome::Confirmed
            } else {
                Outcome::Unknown
            };
            let stats = CallStats::default();
            self.emit(
                now,
                Event::AttemptEnded {
                    attempt,
                    campaign,
                    outcome,
                    stats,
                    bill: Bill::default(),
                },
            );
        }
    }
}
