//! The ends of running campaigns for the live view, predicted anew from time to time.
//!
//! A prediction takes some tens of milliseconds: the driver has them made on a thread of their own, one after the other.

use crate::dialer::Dialer;
use crate::prediction::Outlook;
use crate::{CampaignId, CampaignState, Now, Prediction};
use std::collections::BTreeMap;

/// When campaigns will be over, in milliseconds since 1970 UTC, and in which turn that was predicted.
#[derive(Debug, Default)]
pub(crate) struct Forecasts {
    ends: BTreeMap<CampaignId, (u64, i64)>,
    turn: u64,
}

impl Forecasts {
    pub(crate) fn end(&self, campaign: CampaignId) -> Option<i64> {
        self.ends.get(&campaign).map(|(_, end)| *end)
    }
}

impl Dialer {
    /// The running campaign whose prediction is the oldest, and where it stands.
    #[must_use]
    pub fn next_forecast(&self, now: Now) -> Option<(CampaignId, Outlook)> {
        let running = self
            .plans
            .keys()
            .filter_map(|id| self.state.campaigns.get(id))
            .filter(|campaign| campaign.state == CampaignState::Running);
        let oldest =
            running.min_by_key(|campaign| self.forecasts.ends.get(&campaign.id).map_or(0, |(turn, _)| *turn))?;
        Some((oldest.id, self.outlook(oldest, now)))
    }

    /// A campaign's rest has been predicted.
    pub fn handle_forecast(&mut self, campaign: CampaignId, prediction: &Prediction) {
        let Some(known) = self.state.campaigns.get(&campaign) else {
            return;
        };
        let Some(launched) = known.launched_ms.filter(|_| known.state == CampaignState::Running) else {
            return;
        };
        let forecasts = &mut self.forecasts;
        forecasts.turn += 1;
        let end = launched.saturating_add((prediction.end_s * 1e3) as i64);
        forecasts.ends.insert(campaign, (forecasts.turn, end));
    }
}
