//! What somebody who rings back has missed.

use crate::campaign::Campaign;
use crate::member::Member;
use crate::{CampaignState, FinalState, Missed, RecipientId};

/// What `campaign` has to say to whoever of `recipients` rings back; `None` if it does not call them. Several people may share
/// a telephone: one key then speaks for one of them, and the others are still called.
pub(crate) fn missed(campaign: &Campaign, recipients: &[RecipientId], since_ms: i64) -> Option<Missed> {
    let is_heard = match campaign.state {
        CampaignState::Running | CampaignState::Paused => true,
        CampaignState::Ended => campaign.ended_ms.is_some_and(|ended| ended >= since_ms),
        CampaignState::Ready | CampaignState::Stopped => false,
    };
    if !is_heard {
        return None;
    }
    let members = recipients.iter().filter_map(|recipient| campaign.member(*recipient));
    let member = members.max_by_key(|member| (member.state != FinalState::Confirmed, member.last_ms))?;
    Some(told(campaign, member))
}

/// What somebody in the campaign is to hear.
pub(crate) fn told(campaign: &Campaign, member: &Member) -> Missed {
    Missed {
        campaign: campaign.id,
        recipient: member.recipient,
        is_confirmed: member.state == FinalState::Confirmed,
        message: campaign.message,
        version: campaign.version,
        edition: campaign.edition(),
        language: member.language.unwrap_or(campaign.policy.language),
        script: campaign.policy.script(),
    }
}
