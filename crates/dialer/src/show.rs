//! Views and reports out of the state in memory.

use crate::campaign::Campaign;
use crate::dialer::Dialer;
use crate::member::{Member, SLOTS};
use crate::missed::missed;
use crate::result::Tally;
use crate::time::Moment;
use crate::{
    Answer, CampaignReport, CampaignState, CampaignView, Cause, CommandError, FinalState, JournalView, LiveView, Now,
    PersonRow, Query, RecipientId, RecipientRow, TrunkView,
};
use std::collections::BTreeMap;

impl Dialer {
    /// What is happening now.
    #[must_use]
    pub fn view(&self, now: Now) -> LiveView {
        let moment = self.clock.moment(now);
        let wall = |at: Moment| now.utc_ms + (at.0 - moment.0) / 1000;
        let trunks = self.trunks.iter().map(|trunk| TrunkView {
            name: trunk.settings.name.clone(),
            medium: trunk.medium,
            is_up: trunk.is_up,
            blocked_until_ms: (trunk.blocked_until > moment).then(|| wall(trunk.blocked_until)),
            channels: trunk.settings.channels,
            in_use: trunk.in_use,
            calls_per_second: trunk.settings.calls_per_second,
            placed: trunk.placed,
            congested: trunk.congested,
        });
        LiveView {
            at_ms: now.utc_ms,
            campaigns: self
                .state
                .campaigns
                .values()
                .rev()
                .map(|campaign| self.campaign_view(campaign, now))
                .collect(),
            trunks: trunks.collect(),
            journal: JournalView {
                durable: self.durable.0,
                head: String::new(),
                waiting: self.state.next.0.saturating_sub(self.durable.0),
                alarm: self
                    .alarm
                    .clone()
                    .or_else(|| self.slow_disk(moment))
                    .or_else(|| self.held_back()),
                flush_us: 0,
            },
        }
    }

    fn campaign_view(&self, campaign: &Campaign, now: Now) -> CampaignView {
        let counts = &campaign.counts;
        let plan = self.plans.get(&campaign.id);
        let by_cause = |counts: &[u64; Cause::ALL.len()]| -> BTreeMap<Cause, u64> {
            Cause::ALL
                .iter()
                .map(|cause| (*cause, counts[*cause as usize]))
                .filter(|(_, count)| *count > 0)
                .collect()
        };
        let waves = campaign
            .policy
            .escalation
            .map_or(0, |_| u32::from(campaign.last_wave) + 1);
        let answered = (counts.confirmed + counts.informed).saturating_sub(campaign.answered_before);
        let needed = campaign
            .policy
            .escalation
            .map_or(0, |escalation| u64::from(escalation.needed).saturating_sub(answered));
        CampaignView {
            id: campaign.id,
            name: campaign.name.clone(),
            state: campaign.state,
            exercise: campaign.policy.exercise,
            message: campaign.message,
            message_version: campaign.version,
            created_ms: campaign.created_ms,
            launched_ms: campaign.launched_ms,
            ended_ms: campaign.ended_ms,
            recipients: campaign.members.len() as u64,
            confirmed: counts.confirmed,
            informed: counts.informed,
            not_confirmed: counts.not_confirmed,
            failed: by_cause(&counts.failed),
            spared: counts.spared,
            pending: counts.pending,
            wave: if waves == 0 { 0 } else { u32::from(campaign.wave) + 1 },
            waves,
            needed,
            attempts: campaign.attempts.len() as u64,
            calling: counts.calling,
            ringing: counts.ringing,
            speaking: counts.speaking,
            outcomes: by_cause(&counts.outcomes),
            rate: plan.map_or(0.0, |plan| plan.rate(self.clock.moment(now))),
            predicted_end_ms: self.predicted_end(campaign, now),
            cost_micros: counts.cost_micros,
            billed_seconds: counts.billed_seconds,
        }
    }

    /// When a running campaign will be over, by the newest prediction, and never after its period.
    fn predicted_end(&self, campaign: &Campaign, now: Now) -> Option<i64> {
        if campaign.state != CampaignState::Running {
            return campaign.ended_ms;
        }
        let left = campaign.deadline()?.since(self.clock.moment(now));
        let latest = now
            .utc_ms
            .saturating_add(i64::try_from(left.as_millis()).unwrap_or(i64::MAX));
        Some(self.forecasts.end(campaign.id)?.max(now.utc_ms).min(latest))
    }

    /// Looks something up.
    ///
    /// # Errors
    /// When it is not there.
    pub fn query(&self, now: Now, query: Query) -> Result<Answer, CommandError> {
        let campaign = |id| self.state.campaigns.get(&id).ok_or(CommandError::NoCampaign(id));
        Ok(match query {
            Query::Report(id) => Answer::Report(Box::new(self.report(campaign(id)?, now))),
            Query::Messages => Answer::Messages(
                self.state
                    .messages
                    .values()
                    .filter_map(|all| all.last().cloned())
                    .collect(),
            ),
            Query::History(id) => Answer::Messages(
                self.state
                    .messages
                    .get(&id)
                    .cloned()
                    .ok_or(CommandError::NoMessage(id))?,
            ),
            Query::Message(id, version) => {
                let edition = self.state.message(id, version).ok_or(CommandError::NoMessage(id))?;
                Answer::Messages(vec![edition.clone()])
            }
            Query::Account { period, detail } => Answer::Account(Box::new(self.account(period, detail))),
            Query::Assumptions => Answer::Assumptions(Box::new(self.assumptions())),
            Query::Outlook(id) => Answer::Outlook(Box::new(self.outlook(campaign(id)?, now))),
            Query::Policy(id) => Answer::Policy(Box::new(campaign(id)?.policy.clone())),
            Query::Recipient(id) => {
                let call = self.calls.get(&id).ok_or(CommandError::NoAttempt(id))?;
                Answer::Recipient(call.campaign, call.recipient)
            }
            Query::Person(recipient) => Answer::Person(self.person(recipient)),
            Query::Missed { recipients, since_ms } => {
                let campaigns = self.state.campaigns.values().rev();
                Answer::Missed(
                    campaigns
                        .filter_map(|campaign| missed(campaign, &recipients, since_ms))
                        .collect(),
                )
            }
            Query::Activity(span) => Answer::Activity(Box::new(self.activity(span, now))),
        })
    }

    pub(crate) fn report(&self, campaign: &Campaign, now: Now) -> CampaignReport {
        let tallies = campaign.tallies();
        let rows = campaign.members.iter().zip(&tallies);
        CampaignReport {
            at_ms: now.utc_ms,
            records: self.state.next.0,
            summary: self.campaign_view(campaign, now),
            policy: campaign.policy.clone(),
            created_by: campaign.created_by.clone(),
            launched_by: campaign.launched_by.clone(),
            service: campaign.service.clone(),
            recipients: rows
                .map(|(member, tally)| recipient_row(campaign, member, tally))
                .collect(),
            attempts: campaign
                .attempts
                .iter()
                .filter_map(|attempt| self.state.attempt_row(campaign, attempt))
                .collect(),
        }
    }

    /// What campaigns did with one recipient.
    fn person(&self, recipient: RecipientId) -> Vec<PersonRow> {
        let of = |campaign: &Campaign| {
            let at = *campaign.index.get(&recipient)?;
            let member = campaign.members.get(at as usize)?;
            let attempts = campaign.attempts.iter().filter(|attempt| attempt.member == at);
            let tallies = campaign.tallies();
            Some(PersonRow {
                campaign: campaign.id,
                name: campaign.name.clone(),
                launched_ms: campaign.launched_ms,
                recipient: recipient_row(campaign, member, tallies.get(at as usize)?),
                attempts: attempts
                    .filter_map(|attempt| self.state.attempt_row(campaign, attempt))
                    .collect(),
            })
        };
        self.state.campaigns.values().filter_map(of).collect()
    }
}

fn recipient_row(campaign: &Campaign, member: &Member, tally: &[Tally; SLOTS]) -> RecipientRow {
    let confirmation = member.confirmation.filter(|_| member.state == FinalState::Confirmed);
    let slot = confirmation.and_then(|confirmation| confirmation.slot);
    RecipientRow {
        recipient: member.recipient,
        state: member.state,
        result: campaign.result(member),
        numbers: campaign.numbers(member, tally),
        wave: member.wave,
        last: member.last,
        attempts: member.attempts,
        confirmed_slot: slot,
        confirmed_number: slot
            .and_then(|slot| member.slots.get(usize::from(slot)))
            .and_then(|slot| slot.number),
        confirmed_by: confirmation.map(|confirmation| confirmation.how),
        confirmed_ms: confirmation.map(|confirmation| confirmation.at_ms),
        first_ms: member.first_ms,
        last_ms: member.last_ms,
    }
}
