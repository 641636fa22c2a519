//! Retention (R16, R24): the results of a campaign are kept as long as configured; then they lose their persons.

use crate::campaign::Campaign;
use crate::contact::{Absence, absence};
use crate::dialer::Dialer;
use crate::member::Member;
use crate::time::Moment;
use crate::{CampaignId, Event, FinalState, Now};

fn missing_list(campaign: &Campaign) -> String {
    format!(
        "the people of campaign {} “{}” cannot be read, and nobody of it is called: stop tocsin and restore the newest backup \
         with `tocsin journal restore`, or add its people to it again",
        campaign.id, campaign.name
    )
}

impl Dialer {
    /// When the next campaign loses its persons; to be found anew when a campaign ends or is reopened.
    pub(crate) fn find_expiry(&mut self) {
        let campaigns = self.state.campaigns.values();
        self.expiry = campaigns.filter_map(|campaign| self.expires(campaign)).min();
    }

    fn expires(&self, campaign: &Campaign) -> Option<Moment> {
        let keep = self.settings.keep?;
        let ended = campaign
            .ended_ms
            .filter(|_| !campaign.is_open() && !campaign.is_anonymous)?;
        Some(Moment::from_ms(ended) + keep)
    }

    /// Persons whom the records say to be forgotten: whole campaigns, and single places of them. The journal is told at the
    /// start, in case that it could not forget them at the time.
    #[must_use]
    pub fn forgotten(&self) -> Vec<(CampaignId, Option<u32>)> {
        let mut persons = Vec::new();
        for campaign in self.state.campaigns.values() {
            if campaign.is_anonymous {
                persons.push((campaign.id, None));
                continue;
            }
            for (place, member) in (0..).zip(&campaign.members) {
                if absence(member.recipient) == Some(Absence::Forgotten) {
                    persons.push((campaign.id, Some(place)));
                }
            }
        }
        persons
    }

    /// Makes good what a crash, or the restoration of a backup, has left: whoever was forgotten before the records said so is
    /// said to be; and a campaign that is open and whose members nobody knows is held, not ended, and is an alarm.
    pub(crate) fn find_absences(&mut self, now: Now) {
        let mut erased = Vec::new();
        let mut anonymous = Vec::new();
        for campaign in self.state.campaigns.values().filter(|campaign| !campaign.is_anonymous) {
            let mut is_lost = false;
            for (place, member) in (0..).zip(&campaign.members) {
                match absence(member.recipient) {
                    None => {}
                    Some(Absence::Forgotten) => {
                        let is_said = !member.slots.iter().any(|slot| slot.is_listed);
                        erased.extend((!is_said).then_some((campaign.id, place)));
                    }
                    Some(Absence::Gone | Absence::Altered) => is_lost |= member.state == FinalState::Pending,
                }
            }
            let is_gone = |member: &Member| absence(member.recipient) == Some(Absence::Gone);
            if is_lost && campaign.is_open() {
                tracing::error!(campaign = %campaign.id, "{}", missing_list(campaign));
                self.held.push(campaign.id);
            } else if !campaign.is_open() && campaign.members.iter().any(is_gone) {
                tracing::error!(
                    campaign = %campaign.id,
                    "the list of the people of a campaign that is over is gone: its results have lost their persons"
                );
                anonymous.push(campaign.id);
            }
        }
        for campaign in anonymous {
            self.emit(now, Event::CampaignAnonymised { campaign });
        }
        for member in erased {
            let event = Event::RecipientErased {
                members: vec![member],
                recipient: None,
                by: "tocsin".to_owned(),
            };
            self.emit(now, event);
        }
    }

    /// What to say of campaigns that cannot go on because nobody knows their members.
    pub(crate) fn held_back(&self) -> Option<String> {
        let mut held = self.held.iter().filter(|id| !self.plans.contains_key(id));
        let campaign = held.find_map(|id| self.state.campaigns.get(id).filter(|campaign| campaign.is_open()))?;
        Some(missing_list(campaign))
    }

    /// Campaigns that have been over for longer than results are kept lose their persons.
    pub(crate) fn anonymise(&mut self, now: Now, moment: Moment) {
        if self.expiry.is_none_or(|due| due > moment) {
            return;
        }
        let is_due = |campaign: &&Campaign| self.expires(campaign).is_some_and(|due| due <= moment);
        let due: Vec<CampaignId> = self
            .state
            .campaigns
            .values()
            .filter(is_due)
            .map(|campaign| campaign.id)
            .collect();
        for campaign in due {
            self.emit(now, Event::CampaignAnonymised { campaign });
        }
        self.find_expiry();
    }
}

/// Whether an event may change when campaigns lose their persons.
pub(crate) fn concerns(event: &Event) -> bool {
    matches!(
        event,
        Event::CampaignEnded { .. }
            | Event::CampaignStopped { .. }
            | Event::UnconfirmedRetried { .. }
            | Event::MessageChanged { .. }
    )
}
