//! Operators' commands.

use crate::campaign::Campaign;
use crate::dialer::{Dialer, Gate};
use crate::member::listed;
use crate::missed;
use crate::{
    AttemptId, CampaignId, CampaignState, Command, CommandError, Contact, Event, FinalState, Medium, Message, Now,
    Reply, Whom,
};

/// Recipients per journal record.
pub(crate) const CHUNK: usize = 10_000;

impl Dialer {
    /// An operator asks for something. The reply may be given once everything before [`Dialer::next_sequence`] is
    /// durable.
    ///
    /// # Errors
    /// Why nothing was done.
    pub fn handle_command(&mut self, now: Now, command: Command) -> Result<Reply, CommandError> {
        // Stopping must always be possible; everything else waits for a journal that works.
        if let Some(alarm) = &self.alarm
            && !matches!(command, Command::Pause { .. } | Command::Stop { .. })
        {
            return Err(CommandError::Journal(alarm.clone()));
        }
        let reply = self.execute(now, command)?;
        self.turn(now, self.clock.moment(now));
        Ok(reply)
    }

    fn execute(&mut self, now: Now, command: Command) -> Result<Reply, CommandError> {
        use CampaignState::{Paused, Ready, Running};
        let moment = self.clock.moment(now);
        match command {
            Command::SaveMessage { message, by } => return self.save_message(now, message, by),
            Command::Create {
                name,
                message,
                policy,
                recipients,
                service,
                by,
            } => {
                policy.validate()?;
                if policy.uses(Medium::Text) && self.settings.gateways.is_empty() {
                    return Err(CommandError::NoGateway);
                }
                if recipients.is_empty() {
                    return Err(CommandError::NoRecipients);
                }
                let edition = self
                    .state
                    .message(message, None)
                    .ok_or(CommandError::NoMessage(message))?;
                let version = edition.message.version;
                let campaign = self.state.new_campaign();
                let policy = Box::new(policy);
                let event = Event::CampaignCreated {
                    campaign,
                    name,
                    message,
                    version,
                    policy,
                    service,
                    by: by.clone(),
                };
                self.emit(now, event);
                self.add(now, campaign, recipients, &by);
                return Ok(Reply::Campaign(campaign));
            }
            Command::Launch { campaign, by } => {
                let known = self.expect(campaign, &[Ready], "launched")?;
                if known.policy.expires_ms.is_some_and(|expires| expires <= now.utc_ms) {
                    return Err(CommandError::Expired(campaign));
                }
                self.emit(now, Event::CampaignLaunched { campaign, by });
                self.schedule_all(moment, campaign, 0);
                self.finish_if_done(now, campaign);
            }
            Command::Pause { campaign, by } => {
                self.expect(campaign, &[Running], "paused")?;
                self.emit(now, Event::CampaignPaused { campaign, by });
            }
            Command::Resume { campaign, by } => {
                self.expect(campaign, &[Paused], "resumed")?;
                self.emit(now, Event::CampaignResumed { campaign, by });
            }
            Command::Stop { campaign, hang_up, by } => {
                self.expect(campaign, &[Ready, Running, Paused], "stopped")?;
                let sequence = self.emit(now, Event::CampaignStopped { campaign, by });
                if hang_up {
                    let live = self.live_of(campaign);
                    self.gate(sequence, Gate::HangUp(live));
                }
                self.drop_plan(campaign);
            }
            Command::Extend {
                campaign,
                recipients,
                by,
            } => {
                let known = self.expect(campaign, &[Ready, Running, Paused], "extended")?;
                let mut recipients = recipients;
                recipients.retain(|contact| !known.index.contains_key(&contact.recipient));
                let from = known.members.len();
                self.add(now, campaign, recipients, &by);
                self.schedule_all(moment, campaign, from);
                self.finish_if_done(now, campaign);
            }
            Command::RetryUnconfirmed { campaign, by } => {
                let known = self.expect(
                    campaign,
                    &[Running, Paused, CampaignState::Stopped, CampaignState::Ended],
                    "retried",
                )?;
                if known.policy.expires_ms.is_some_and(|expires| expires <= now.utc_ms) {
                    return Err(CommandError::Expired(campaign));
                }
                self.emit(now, Event::UnconfirmedRetried { campaign, by });
                self.reopened(now, campaign);
            }
            Command::ChangeMessage {
                campaign,
                message,
                in_progress,
                recall_confirmed,
                by,
            } => {
                let states: &[CampaignState] = if recall_confirmed {
                    &[Ready, Running, Paused, CampaignState::Stopped, CampaignState::Ended]
                } else {
                    &[Ready, Running, Paused]
                };
                self.expect(campaign, states, "given another message")?;
                let edition = self
                    .state
                    .message(message, None)
                    .ok_or(CommandError::NoMessage(message))?;
                let version = edition.message.version;
                let live = self.live_of(campaign);
                let event = Event::MessageChanged {
                    campaign,
                    message,
                    version,
                    in_progress,
                    recall_confirmed,
                    by,
                };
                let sequence = self.emit(now, event);
                if in_progress {
                    self.gate(sequence, Gate::Change(live));
                }
                if recall_confirmed {
                    self.reopened(now, campaign);
                }
            }
            Command::Confirm {
                campaign,
                recipient,
                how,
                heard,
                by,
            } => {
                let known = self
                    .state
                    .campaigns
                    .get(&campaign)
                    .ok_or(CommandError::NoCampaign(campaign))?;
                let at = *known.index.get(&recipient).ok_or(CommandError::NoRecipient(campaign))?;
                let member = &known.members[at as usize];
                if heard.is_some_and(|heard| !known.takes(heard)) {
                    return Ok(Reply::Changed(Box::new(missed::told(known, member))));
                }
                if member.state != FinalState::Confirmed {
                    let live = member.slots.iter().filter_map(|slot| slot.live).collect();
                    let attempt = AttemptId(0);
                    let sequence = self.emit(
                        now,
                        Event::Confirmed {
                            campaign,
                            whom: Whom::Member(at),
                            attempt,
                            how,
                            by,
                        },
                    );
                    self.gate(sequence, Gate::HangUp(live));
                    self.after_change(now, campaign, at);
                }
            }
            Command::Erase { recipient, by } => {
                self.take_out(now, recipient, &by);
            }
            Command::Renew { contacts, gone, by } => self.renew(now, contacts, gone, &by),
            Command::Note { by, action, subject } => {
                self.emit(now, Event::Noted { by, action, subject });
            }
        }
        Ok(Reply::Done)
    }

    fn expect(&self, id: CampaignId, states: &[CampaignState], verb: &'static str) -> Result<&Campaign, CommandError> {
        let campaign = self.state.campaigns.get(&id).ok_or(CommandError::NoCampaign(id))?;
        if states.contains(&campaign.state) {
            Ok(campaign)
        } else {
            Err(CommandError::State {
                campaign: id,
                state: campaign.state,
                verb,
            })
        }
    }

    fn save_message(&mut self, now: Now, mut message: Message, by: String) -> Result<Reply, CommandError> {
        if !message
            .texts
            .iter()
            .any(|text| !text.words.trim().is_empty() || text.audio.is_some())
        {
            return Err(CommandError::EmptyMessage);
        }
        if message.id.0 == 0 {
            message.id = self.state.new_message();
            message.version = 1;
        } else {
            let edition = self
                .state
                .message(message.id, None)
                .ok_or(CommandError::NoMessage(message.id))?;
            message.version = edition.message.version + 1;
        }
        let reply = Reply::Message(message.id, message.version);
        self.emit(now, Event::MessageSaved { message, by });
        Ok(reply)
    }

    pub(crate) fn add(&mut self, now: Now, campaign: CampaignId, recipients: Vec<Contact>, by: &str) {
        let mut recipients = recipients;
        recipients.sort_by_key(|contact| contact.wave);
        // Each person has one place.
        let mut known = std::collections::HashSet::with_capacity(recipients.len());
        recipients.retain(|contact| known.insert(contact.recipient));
        let mut first = self
            .state
            .campaigns
            .get(&campaign)
            .map_or(0, |campaign| campaign.members.len());
        let waves = recipients.chunk_by(|one, other| one.wave == other.wave);
        for chunk in waves.flat_map(|wave| wave.chunks(CHUNK)) {
            let wave = chunk.first().map_or(0, |contact| contact.wave);
            let ids = chunk.iter().map(|contact| contact.recipient).collect();
            let mut contacts = chunk.iter();
            let event = Event::RecipientsAdded {
                campaign,
                first: u32::try_from(first).ok(),
                recipients: ids,
                numbers: chunk.iter().map(listed).collect(),
                by: by.to_owned(),
                wave,
            };
            self.emit_with(now, event, &mut |_| contacts.next().cloned());
            first += chunk.len();
        }
        self.plan_members(campaign);
    }

    fn live_of(&self, campaign: CampaignId) -> Vec<AttemptId> {
        let mut live: Vec<AttemptId> = self
            .calls
            .iter()
            .filter(|(_, call)| call.campaign == campaign)
            .map(|(id, _)| *id)
            .collect();
        live.sort_unstable();
        live
    }

    /// A campaign has members to call again.
    fn reopened(&mut self, now: Now, campaign: CampaignId) {
        self.plan_members(campaign);
        self.schedule_all(self.clock.moment(now), campaign, 0);
        self.finish_if_done(now, campaign);
    }
}
