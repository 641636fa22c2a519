//! The call table: every call in progress and how far it is. Written on the signalling thread, read by everyone.

use dialer::{AttemptId, CallPhase, CallReport, CallState, CallTable, Order};

/// The hand that writes the table. Times are milliseconds since 1970 UTC.
#[derive(Debug, Clone, Default)]
pub struct Register(CallTable);

impl Register {
    /// The table, for readers.
    pub fn table(&self) -> CallTable {
        CallTable::clone(&self.0)
    }

    /// A call was ordered.
    pub fn handle_order(&self, order: &Order, now_ms: i64) {
        let state = CallState {
            campaign: order.campaign,
            recipient: order.recipient,
            number: order.number,
            trunk: order.trunk,
            phase: CallPhase::Calling,
            since_ms: now_ms,
        };
        self.0.insert(order.attempt, state);
    }

    /// The call told something.
    pub fn handle_report(&self, report: &CallReport, now_ms: i64) {
        match report {
            CallReport::Ringing { attempt } => self.enter(*attempt, CallPhase::Ringing, now_ms),
            CallReport::Answered { attempt } => self.enter(*attempt, CallPhase::Speaking, now_ms),
            CallReport::ConfirmRequested { attempt } => self.enter(*attempt, CallPhase::Confirming, now_ms),
            CallReport::Ended { attempt, .. } => {
                self.0.remove(attempt);
            }
            // No call: texts are not in the table.
            CallReport::Delivered { .. } => {}
        }
    }

    /// The confirmation is durable; the person hears so.
    pub fn handle_acknowledged(&self, attempt: AttemptId, now_ms: i64) {
        self.enter(attempt, CallPhase::Confirmed, now_ms);
    }

    /// No call goes back: a late 180 after the answer changes nothing.
    fn enter(&self, attempt: AttemptId, phase: CallPhase, now_ms: i64) {
        if let Some(mut state) = self.0.get_mut(&attempt)
            && state.phase < phase
        {
            state.phase = phase;
            state.since_ms = now_ms;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use dialer::{CallStats, CampaignId, E164, Language, MessageId, Outcome, RecipientId, TrunkIndex};

    use super::*;

    fn order(attempt: u64) -> Order {
        Order {
            attempt: AttemptId(attempt),
            campaign: CampaignId(7),
            recipient: RecipientId(3),
            slot: 0,
            number: "+33199000001".parse::<E164>().unwrap(),
            trunk: TrunkIndex(0),
            caller: None,
            message: MessageId(1),
            version: 1,
            language: Language::FRENCH,
            script: ivr::Settings::default(),
            ring_timeout: Duration::from_secs(30),
        }
    }

    #[test]
    fn a_call_goes_through_its_phases_and_leaves() {
        let register = Register::default();
        let table = register.table();
        let attempt = AttemptId(1);
        register.handle_order(&order(1), 100);
        let now = || table.get(&attempt).map(|state| (state.phase, state.since_ms));
        assert_eq!(now(), Some((CallPhase::Calling, 100)));
        register.handle_report(&CallReport::Ringing { attempt }, 200);
        assert_eq!(now(), Some((CallPhase::Ringing, 200)));
        register.handle_report(&CallReport::Answered { attempt }, 300);
        register.handle_report(&CallReport::Ringing { attempt }, 350);
        assert_eq!(now(), Some((CallPhase::Speaking, 300)), "a late 180 changes nothing");
        register.handle_report(&CallReport::ConfirmRequested { attempt }, 400);
        register.handle_report(&CallReport::ConfirmRequested { attempt }, 450);
        assert_eq!(now(), Some((CallPhase::Confirming, 400)), "since the first press");
        register.handle_acknowledged(attempt, 500);
        assert_eq!(now(), Some((CallPhase::Confirmed, 500)));
        let ended = CallReport::Ended {
            attempt,
            outcome: Outcome::Confirmed,
            stats: CallStats::default(),
        };
        register.handle_report(&ended, 600);
        assert_eq!(now(), None);
    }

    #[test]
    fn what_is_not_in_the_table_is_not_put_there_by_a_report() {
        let register = Register::default();
        register.handle_report(&CallReport::Ringing { attempt: AttemptId(9) }, 1);
        register.handle_acknowledged(AttemptId(9), 2);
        assert!(register.table().is_empty());
    }
}
