//! The end of a simulation: what the report tells against what people lived through.

use std::collections::HashSet;

use dialer::{Answer, CampaignReport, FinalState, Journal, Query, RecipientId};

use super::{Violation, World};

impl World<'_> {
    /// Compares what happened with what the journal tells.
    pub(super) fn judge(&mut self) {
        if let Err(error) = self.journal.verify() {
            self.violations.push(Violation::Journal(error.to_string()));
        }
        let clock = self.clock();
        let Some(program) = &self.program else { return };
        let report = match program.dialer.query(clock, Query::Report(self.campaign)) {
            Ok(Answer::Report(report)) => report,
            _ => return self.violations.push(Violation::Endless),
        };
        self.judge_report(&report);
    }

    fn judge_report(&mut self, report: &CampaignReport) {
        let confirmed: HashSet<RecipientId> = report
            .recipients
            .iter()
            .filter(|row| row.state == FinalState::Confirmed)
            .map(|row| row.recipient)
            .collect();
        self.report.confirmed = confirmed.len() as u64;
        self.report.not_confirmed = report.recipients.len() as u64 - self.report.confirmed;
        let mut lost: Vec<_> = self
            .thanked
            .difference(&confirmed)
            .map(|who| Violation::ConfirmationLost(who.0))
            .collect();
        self.violations.append(&mut lost);
        let known: HashSet<RecipientId> = report.recipients.iter().map(|row| row.recipient).collect();
        let forgotten = self
            .contacts
            .keys()
            .filter(|who| !known.contains(who) || !self.called.contains(who));
        self.violations.extend(forgotten.map(|who| Violation::Forgotten(who.0)));
    }
}
