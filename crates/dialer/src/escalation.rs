//! Waves: the groups of a duty roster are called one after the other until enough people have answered.

use crate::campaign::Campaign;
use crate::dialer::{Dialer, Gate};
use crate::time::Moment;
use crate::{AttemptId, CallPhase, CampaignId, CampaignState, Escalation, Event, Now};

/// What is to be done next about an escalation.
enum Step {
    /// Enough people have answered.
    Enough,
    /// This wave is to be called.
    Open(u8),
}

impl Campaign {
    /// The escalation of a campaign that still has one to go through.
    fn escalation(&self) -> Option<Escalation> {
        self.policy
            .escalation
            .filter(|_| self.state == CampaignState::Running && !self.has_enough)
    }

    /// When the next wave is due because the last one had its time.
    pub(crate) fn next_wave(&self) -> Option<Moment> {
        let escalation = self.escalation()?;
        (self.wave < self.last_wave).then(|| self.wave_opened + escalation.wait)
    }

    /// Whether a member's turn has come.
    pub(crate) fn calls_wave(&self, wave: u8) -> bool {
        self.policy.escalation.is_none() || wave <= self.wave
    }

    fn step(&self, moment: Moment) -> Option<Step> {
        let escalation = self.escalation()?;
        let answered = (self.counts.confirmed + self.counts.informed).saturating_sub(self.answered_before);
        if answered >= u64::from(escalation.needed) {
            return Some(Step::Enough);
        }
        let is_due = self.next_wave().is_some_and(|due| due <= moment);
        let is_idle = self.wave < self.last_wave && self.pending_in(0..=self.wave) == 0;
        (is_due || is_idle).then_some(Step::Open(self.wave + 1))
    }
}

impl Dialer {
    /// Opens the waves that are due, and ends escalations that have their people.
    pub(crate) fn escalate(&mut self, now: Now, moment: Moment) {
        let with_waves = |campaign: &&Campaign| campaign.policy.escalation.is_some();
        let ids: Vec<CampaignId> = self
            .plans
            .keys()
            .filter_map(|id| self.state.campaigns.get(id))
            .filter(with_waves)
            .map(|campaign| campaign.id)
            .collect();
        for id in ids {
            while let Some(step) = self.state.campaigns.get(&id).and_then(|campaign| campaign.step(moment)) {
                match step {
                    Step::Enough => {
                        let sequence = self.emit(now, Event::EnoughAnswered { campaign: id });
                        let unanswered = self.unanswered(id);
                        self.gate(sequence, Gate::HangUp(unanswered));
                        self.finish_if_done(now, id);
                    }
                    Step::Open(wave) => {
                        self.emit(now, Event::WaveOpened { campaign: id, wave });
                        self.schedule_wave(moment, id, wave);
                    }
                }
            }
        }
    }

    /// Calls of a campaign that nobody has answered yet: they ring for nothing once enough people are found.
    fn unanswered(&self, id: CampaignId) -> Vec<AttemptId> {
        let is_unanswered = |attempt: &AttemptId| {
            self.state
                .attempt(*attempt)
                .is_some_and(|attempt| matches!(attempt.phase, CallPhase::Calling | CallPhase::Ringing))
        };
        let mut calls: Vec<AttemptId> = self
            .calls
            .iter()
            .filter(|(_, call)| call.campaign == id)
            .map(|(attempt, _)| *attempt)
            .filter(is_unanswered)
            .collect();
        calls.sort_unstable();
        calls
    }

    fn schedule_wave(&mut self, moment: Moment, id: CampaignId, wave: u8) {
        let Some(campaign) = self.state.campaigns.get(&id) else {
            return;
        };
        let members: Vec<u32> = (0..)
            .zip(&campaign.members)
            .filter(|(_, member)| member.wave == wave)
            .map(|(at, _)| at)
            .collect();
        for at in members {
            self.schedule(moment, id, at, None);
        }
    }
}
