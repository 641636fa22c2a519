//! The dialer: all campaigns as one machine without I/O.

use crate::{
    Action, Answer, CallReport, Command, CommandError, Contacts, JournalError, LiveView, Now, Query, Record, Reply,
    Sequence, Settings, TrunkChange, TrunkIndex,
};
use std::collections::VecDeque;
use std::time::Instant;

/// All campaigns: told of commands, reports, durable records and time; answers with records to make durable and
/// actions to take.
#[derive(Debug)]
pub struct Dialer {
    settings: Settings,
    next: Sequence,
    records: VecDeque<Record>,
    actions: VecDeque<Action>,
}

/// Why the dialer could not take up a journal.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Dialer {
    /// A dialer on an empty journal.
    #[must_use]
    pub fn new(settings: Settings, seed: [u8; 32], now: Now) -> Self {
        let _ = (seed, now);
        Self {
            settings,
            next: Sequence(0),
            records: VecDeque::new(),
            actions: VecDeque::new(),
        }
    }

    /// A dialer that takes up where a journal ends: running campaigns go on, calls that the end of the program cut off
    /// become unknown and are retried, nobody who confirmed is called again.
    ///
    /// # Errors
    /// The first record that cannot be read.
    pub fn restore(
        settings: Settings,
        seed: [u8; 32],
        now: Now,
        records: impl Iterator<Item = Result<Record, JournalError>>,
        contacts: &dyn Contacts,
    ) -> Result<Self, RestoreError> {
        let _ = contacts;
        let mut dialer = Self::new(settings, seed, now);
        for record in records {
            dialer.next = record?.sequence.next();
        }
        Ok(dialer)
    }

    /// An operator asks for something. The reply may be given once everything up to [`Dialer::next_sequence`] is durable.
    ///
    /// # Errors
    /// Why nothing was done.
    pub fn handle_command(&mut self, now: Now, command: Command) -> Result<Reply, CommandError> {
        let _ = (now, command, &self.settings);
        Err(CommandError::Stopped)
    }

    /// Looks something up.
    ///
    /// # Errors
    /// When it is not there.
    pub fn query(&self, now: Now, query: Query) -> Result<Answer, CommandError> {
        let _ = (now, query);
        Err(CommandError::Stopped)
    }

    /// A call has news.
    pub fn handle_report(&mut self, now: Now, report: CallReport) {
        let _ = (now, report);
    }

    /// Every record before `upto` is durable.
    pub fn handle_durable(&mut self, now: Now, upto: Sequence) {
        let _ = (now, upto);
    }

    /// The journal takes no records: no new attempt is made until the next [`Dialer::handle_durable`].
    pub fn handle_journal_failure(&mut self, now: Now, why: &str) {
        let _ = (now, why);
    }

    /// A trunk changed.
    pub fn handle_trunk(&mut self, now: Now, trunk: TrunkIndex, change: TrunkChange) {
        let _ = (now, trunk, change);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        let _ = now;
    }

    /// The next record to append, in order.
    pub fn poll_record(&mut self) -> Option<Record> {
        self.records.pop_front()
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Dialer::handle_timeout`] is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The place that the next record will take.
    #[must_use]
    pub fn next_sequence(&self) -> Sequence {
        self.next
    }

    /// What is happening now.
    #[must_use]
    pub fn view(&self, now: Now) -> LiveView {
        LiveView {
            at_ms: now.utc_ms,
            ..LiveView::default()
        }
    }
}
