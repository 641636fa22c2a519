//! The state of all campaigns: the fold of the journal's records. Nothing changes it but [`State::apply`].

use crate::campaign::{Attempt, Campaign, Price};
use crate::statistics::Incidents;
use crate::time::Moment;
use crate::{
    AttemptId, CampaignId, Contact, Edition, Event, Message, MessageId, RecipientId, Record, Sequence, Tariff,
    TrunkIndex,
};
use std::collections::{BTreeMap, HashMap};

/// Looks a recipient up when records name one.
pub(crate) type Lookup<'a> = &'a mut dyn FnMut(RecipientId) -> Option<Contact>;

/// The fold of the records so far.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) next: Sequence,
    pub(crate) messages: BTreeMap<MessageId, Vec<Edition>>,
    pub(crate) campaigns: BTreeMap<CampaignId, Campaign>,
    /// Attempts that have started and not ended: where they are.
    pub(crate) live: HashMap<AttemptId, (CampaignId, usize)>,
    /// Trunk names as attempts name them; those of the settings come first.
    pub(crate) trunks: Vec<String>,
    /// Every price that ever was in force, in the order in which records made them known.
    pub(crate) tariffs: Vec<(TrunkIndex, Tariff)>,
    pub(crate) incidents: Incidents,
    last_campaign: u64,
    last_attempt: u64,
    last_message: u64,
}

impl State {
    pub(crate) fn new(trunks: Vec<String>) -> Self {
        Self {
            trunks,
            ..Self::default()
        }
    }

    pub(crate) fn new_campaign(&self) -> CampaignId {
        CampaignId(self.last_campaign + 1)
    }

    pub(crate) fn new_attempt(&self) -> AttemptId {
        AttemptId(self.last_attempt + 1)
    }

    pub(crate) fn new_message(&self) -> MessageId {
        MessageId(self.last_message + 1)
    }

    /// A version of a message; `None` is the newest.
    pub(crate) fn message(&self, id: MessageId, version: Option<u32>) -> Option<&Edition> {
        let editions = self.messages.get(&id)?;
        match version {
            Some(version) => editions.iter().find(|edition| edition.message.version == version),
            None => editions.last(),
        }
    }

    /// Where an attempt is, live or over.
    pub(crate) fn find(&self, id: AttemptId) -> Option<(CampaignId, usize)> {
        if let Some(place) = self.live.get(&id) {
            return Some(*place);
        }
        self.campaigns.values().rev().find_map(|campaign| {
            let at = campaign.attempts.binary_search_by_key(&id, |attempt| attempt.id).ok()?;
            Some((campaign.id, at))
        })
    }

    pub(crate) fn attempt(&self, id: AttemptId) -> Option<&Attempt> {
        let (campaign, at) = self.find(id)?;
        self.campaigns.get(&campaign)?.attempts.get(at)
    }

    fn trunk(&mut self, name: &str) -> TrunkIndex {
        let at = self.trunks.iter().position(|known| known == name).unwrap_or_else(|| {
            self.trunks.push(name.to_owned());
            self.trunks.len() - 1
        });
        TrunkIndex(u16::try_from(at).unwrap_or(u16::MAX))
    }

    /// The place of a price among all, from 1.
    pub(crate) fn tariff(&self, trunk: TrunkIndex, tariff: &Tariff) -> Option<u32> {
        let at = self
            .tariffs
            .iter()
            .position(|(of, known)| *of == trunk && known == tariff)?;
        u32::try_from(at + 1).ok()
    }

    /// Takes up one record. `at` is its steady time. Records that fit nothing (a campaign that is not there) change
    /// nothing.
    pub(crate) fn apply(&mut self, record: &Record, at: Moment, contacts: Lookup<'_>) {
        self.next = record.sequence.next();
        let at_ms = record.at_ms;
        self.incidents.apply(record);
        match &record.event {
            Event::MessageSaved { message, by } => self.save_message(message, at_ms, by),
            Event::CampaignCreated { campaign, .. } => {
                self.last_campaign = self.last_campaign.max(campaign.0);
                if let Some(made) = Campaign::created(&record.event, at_ms) {
                    self.campaigns.insert(*campaign, made);
                }
            }
            Event::AttemptStarted {
                attempt,
                campaign,
                whom,
                slot,
                trunk,
                version,
                tariff,
                parts,
            } => {
                self.last_attempt = self.last_attempt.max(attempt.0);
                let trunk = self.trunk(trunk);
                let Some(campaign) = self.campaigns.get_mut(campaign) else {
                    return;
                };
                let price = Price {
                    tariff: *tariff,
                    parts: *parts,
                };
                if let Some(at) = campaign.start(*attempt, *whom, *slot, trunk, *version, price, at_ms) {
                    self.live.insert(*attempt, (campaign.id, at));
                }
            }
            Event::AttemptEnded {
                attempt,
                outcome,
                stats,
                bill,
                ..
            } => {
                let Some((campaign, index)) = self.live.remove(attempt) else {
                    return;
                };
                if let Some(campaign) = self.campaigns.get_mut(&campaign) {
                    campaign.end_attempt(index, *outcome, stats, *bill, at, at_ms);
                }
            }
            Event::TextDelivered { campaign, attempt } => {
                if let Some(campaign) = self.campaigns.get_mut(campaign) {
                    campaign.deliver(*attempt, at_ms);
                }
            }
            Event::Confirmed {
                campaign,
                whom,
                attempt,
                how,
                ..
            } => {
                if let Some(campaign) = self.campaigns.get_mut(campaign) {
                    campaign.confirm(*whom, *attempt, *how, at_ms);
                }
            }
            Event::TariffsSet { trunk, tariffs } => {
                let trunk = self.trunk(trunk);
                for tariff in tariffs {
                    if self.tariff(trunk, tariff).is_none() {
                        self.tariffs.push((trunk, tariff.clone()));
                    }
                }
            }
            Event::RecipientErased { members, recipient, .. } => {
                for (campaign, place) in members {
                    if let Some(campaign) = self.campaigns.get_mut(campaign) {
                        campaign.erase(*place as usize);
                    }
                }
                for campaign in self.campaigns.values_mut() {
                    if let Some(at) = recipient.and_then(|recipient| campaign.index.get(&recipient).copied()) {
                        campaign.erase(at as usize);
                    }
                }
            }
            other => {
                let Some(campaign) = other.campaign().and_then(|id| self.campaigns.get_mut(&id)) else {
                    return;
                };
                campaign.apply(other, at, at_ms, contacts);
            }
        }
    }

    fn save_message(&mut self, message: &Message, at_ms: i64, by: &str) {
        self.last_message = self.last_message.max(message.id.0);
        self.messages.entry(message.id).or_default().push(Edition {
            message: message.clone(),
            at_ms,
            by: by.to_owned(),
        });
    }
}
