//! Retention (R16, R24): the results of a campaign are kept as long as configured; then they lose their persons.

use crate::campaign::Campaign;
use crate::dialer::Dialer;
use crate::time::Moment;
use crate::{CampaignId, Event, Now};

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
