//! News of calls and texts: how far they are, how they end, what is confirmed.

use crate::campaign::Attempt;
use crate::dialer::{Call, Dialer, Gate};
use crate::member::is_text;
use crate::time::Moment;
use crate::{
    Action, AttemptId, Bill, CallPhase, CallReport, CallStats, CampaignId, ConfirmedBy, Event, FinalState, Now,
    Outcome, Whom, tariff_of,
};
use std::cmp::Reverse;

impl Dialer {
    /// A call has news.
    pub fn handle_report(&mut self, now: Now, report: CallReport) {
        let moment = self.clock.moment(now);
        match report {
            CallReport::Ringing { attempt } => self.set_phase(now, attempt, CallPhase::Ringing),
            CallReport::Answered { attempt } => self.set_phase(now, attempt, CallPhase::Speaking),
            CallReport::ConfirmRequested { attempt } => self.confirm(now, attempt),
            CallReport::Delivered { attempt } => self.deliver(now, attempt),
            CallReport::Ended {
                attempt,
                outcome,
                stats,
            } => {
                if self.calls.contains_key(&attempt) {
                    let is_confirmed = self.state.attempt(attempt).is_some_and(|attempt| attempt.is_confirmed);
                    if outcome == Outcome::Confirmed && !is_confirmed {
                        self.confirm(now, attempt);
                    }
                    self.end(now, attempt, outcome, &stats);
                }
            }
        }
        self.turn(now, moment);
    }

    /// The person confirmed on one number: the calls to their others are over.
    pub(crate) fn hang_up_others(&mut self, confirmed: AttemptId) {
        let Some((campaign, at)) = self.state.find(confirmed) else {
            return;
        };
        let Some(campaign) = self.state.campaigns.get(&campaign) else {
            return;
        };
        let Some(member) = campaign
            .attempts
            .get(at)
            .and_then(|a| campaign.members.get(a.member as usize))
        else {
            return;
        };
        if member.state != FinalState::Confirmed {
            return;
        }
        for other in member
            .slots
            .iter()
            .filter_map(|slot| slot.live)
            .filter(|other| *other != confirmed)
        {
            // Who pressed the key on two telephones is thanked on both.
            let is_confirmed = self.state.attempt(other).is_some_and(|attempt| attempt.is_confirmed);
            if self.is_placed(other) && !is_confirmed {
                self.actions.push_back(Action::HangUp(other));
            }
        }
    }

    fn set_phase(&mut self, now: Now, attempt: AttemptId, phase: CallPhase) {
        if let Some(call) = self.calls.get_mut(&attempt)
            && !std::mem::replace(&mut call.is_taken, true)
        {
            self.trunks[call.trunk].took_call();
        }
        if let Some((campaign, at)) = self.state.live.get(&attempt).copied()
            && let Some(campaign) = self.state.campaigns.get_mut(&campaign)
        {
            let is_onward = campaign.attempts.get(at).is_some_and(|attempt| {
                matches!(
                    (attempt.phase, phase),
                    (CallPhase::Calling, _) | (CallPhase::Ringing, CallPhase::Speaking)
                )
            });
            if is_onward {
                campaign.set_phase(at, phase, now.utc_ms);
            }
        }
    }

    /// The key was pressed: written down at once, thanked for when durable. Also taken for a call that is already over,
    /// since a confirmation is never lost.
    fn confirm(&mut self, now: Now, id: AttemptId) {
        let Some((campaign, at)) = self.state.find(id) else {
            return;
        };
        let Some(known) = self.state.campaigns.get(&campaign) else {
            return;
        };
        let Some(attempt) = known.attempts.get(at) else { return };
        if attempt.is_confirmed {
            // The thanks may have been lost on the way; a repeat does no harm.
            if self.calls.get(&id).is_some_and(|call| call.is_thanked) {
                self.actions.push_back(Action::Acknowledge(id));
            }
            return;
        }
        let at = attempt.member;
        let how = ConfirmedBy::Key;
        let sequence = self.emit(
            now,
            Event::Confirmed {
                campaign,
                whom: Whom::Member(at),
                attempt: id,
                how,
                by: String::new(),
            },
        );
        self.gate(sequence, Gate::Thank(id));
        self.after_change(now, campaign, at);
    }

    /// A text message reached the handset, mostly long after the gateway took it.
    fn deliver(&mut self, now: Now, attempt: AttemptId) {
        if self.calls.contains_key(&attempt) {
            return self.end(now, attempt, Outcome::Delivered, &CallStats::default());
        }
        let Some((campaign, at)) = self.state.find(attempt) else {
            return;
        };
        let known = self.state.campaigns.get(&campaign);
        let Some(known) = known.and_then(|campaign| campaign.attempts.get(at)) else {
            return;
        };
        if is_text(known.slot) && matches!(known.outcome, Some(Outcome::Sent | Outcome::Unknown)) {
            let member = known.member;
            self.emit(now, Event::TextDelivered { campaign, attempt });
            self.after_change(now, campaign, member);
        }
    }

    /// A member's state changed: take them out of the queues or put them back in, and see whether all is done.
    pub(crate) fn after_change(&mut self, now: Now, campaign: CampaignId, member: u32) {
        self.schedule(self.clock.moment(now), campaign, member, None);
        self.finish_if_done(now, campaign);
    }

    /// An attempt is over.
    pub(crate) fn end(&mut self, now: Now, id: AttemptId, outcome: Outcome, stats: &CallStats) {
        let Some(call) = self.calls.remove(&id) else { return };
        let moment = self.clock.moment(now);
        let is_confirmed = self
            .state
            .attempt(id)
            .is_some_and(|attempt: &Attempt| attempt.is_confirmed);
        // Whatever happened after the key was pressed, the call did its work.
        let outcome = if is_confirmed { Outcome::Confirmed } else { outcome };
        let trunk = &mut self.trunks[call.trunk];
        trunk.in_use = trunk.in_use.saturating_sub(1);
        if !call.is_placed {
            trunk.on_the_way = trunk.on_the_way.saturating_sub(1);
        }
        match outcome {
            Outcome::Congestion { retry_after, .. } => trunk.congestion(moment, retry_after),
            Outcome::Cancelled | Outcome::Unknown => {}
            _ => {
                trunk.worked();
                if !call.is_taken {
                    trunk.took_call();
                }
            }
        }
        let is_sent = matches!(outcome, Outcome::Sent | Outcome::Delivered);
        let bill = match tariff_of(&trunk.settings.tariffs, call.number) {
            Some(tariff) if is_sent => tariff.bill_parts(call.parts),
            Some(tariff) => tariff.bill(stats.talking),
            None => Bill {
                seconds: stats.talking.as_secs_f64().ceil() as u32,
                micros: 0,
            },
        };
        self.emit(
            now,
            Event::AttemptEnded {
                attempt: id,
                campaign: call.campaign,
                outcome,
                stats: *stats,
                bill,
            },
        );
        if !is_text(call.slot) {
            self.free(&call);
        }
        self.schedule(moment, call.campaign, call.member, Some(call.slot));
        self.finish_if_done(now, call.campaign);
    }

    /// Gives back what a call held; whoever waited for it lines up again.
    fn free(&mut self, call: &Call) {
        if let Some(plan) = self.plans.get_mut(&call.campaign) {
            plan.in_use = plan.in_use.saturating_sub(1);
        }
        let plans = &self.plans;
        let freed = self
            .locks
            .give_back(call.recipient, call.number, &call.throttles, |campaign, item| {
                plans.get(&campaign).is_some_and(|plan| plan.is_valid(item))
            });
        for (campaign, item) in freed {
            if let Some(plan) = self.plans.get_mut(&campaign) {
                plan.push_first(item);
            }
        }
    }

    /// Calls of which nothing was heard long after they must have ended.
    pub(crate) fn end_lost(&mut self, now: Now, moment: Moment) {
        while let Some(Reverse((due, attempt))) = self.watch.peek().copied()
            && (due <= moment || !self.calls.contains_key(&attempt))
        {
            self.watch.pop();
            if self.calls.contains_key(&attempt) {
                self.actions.push_back(Action::HangUp(attempt));
                self.end(now, attempt, Outcome::Unknown, &CallStats::default());
            }
        }
    }
}
