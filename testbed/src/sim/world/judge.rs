//! The end of a simulation: what the report tells against what people lived through.

use std::collections::HashSet;
use std::time::Duration;

use dialer::{Answer, CampaignReport, FinalState, Journal, Query, RecipientId};

use super::super::bound::bound;
use super::super::waste::waste;
use super::{Violation, World};

impl World<'_> {
    /// Compares what happened with what the journal tells.
    pub(super) fn judge(&mut self) {
        if let Err(error) = self.journal.verify() {
            self.violations.push(Violation::Journal(error.to_string()));
        }
        self.report.refused = self.carrier.refused;
        if self.carrier.importunate > 0 {
            self.violations.push(Violation::Importunate(self.carrier.importunate));
        }
        let clock = self.clock();
        let Some(program) = &self.program else { return };
        let report = match program.dialer.query(clock, Query::Report(self.campaign)) {
            Ok(Answer::Report(report)) => report,
            _ => return self.violations.push(Violation::Endless),
        };
        if let Ok(Answer::Assumptions(assumptions)) = program.dialer.query(clock, Query::Assumptions) {
            self.report.assumptions = *assumptions;
        }
        self.judge_report(&report);
        self.measure(&report);
        self.report.campaign = Some(report);
    }

    /// How long it took, and how long it must have taken.
    fn measure(&mut self, report: &CampaignReport) {
        let launched = report.summary.launched_ms.unwrap_or(0);
        let last = report.attempts.iter().filter_map(|row| row.ended_ms).max();
        let took = last.map_or(0, |last| u64::try_from(last - launched).unwrap_or(0));
        self.report.last_call = Duration::from_millis(took);
        self.report.bound = bound(report, self.setup.channels, self.setup.calls_per_second);
        self.report.waste = waste(report, self.setup.channels, self.setup.calls_per_second);
        self.report.cost_micros = report.summary.cost_micros;
        self.report.reached.sort_unstable();
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
