//! Results as fine as they are known: for each recipient, and for each of their numbers.

use crate::campaign::Campaign;
use crate::member::{Member, SLOTS, Texted, is_text};
use crate::{Cause, ConfirmedBy, E164, FinalState, Medium, Outcome};
use serde::Serialize;

/// What became of a recipient, in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipientResult {
    /// Confirmed by key in one of our calls.
    ConfirmedByKey,
    /// Confirmed by calling back.
    ConfirmedByCallBack,
    /// Noted as confirmed by an operator.
    ConfirmedByOperator,
    /// Heard the whole message where no confirmation was asked.
    HeardMessage,
    /// Got the text on their handset where no confirmation was asked.
    InformedByText,
    /// Heard the whole message and did not confirm.
    HeardNotConfirmed,
    /// Answered and hung up early.
    HungUpEarly,
    /// The text was delivered to the handset; no confirmation.
    DeliveredToHandset,
    /// The text was sent; whether it arrived is not known.
    TextSent,
    /// The message was left on an answering machine.
    LeftOnMachine,
    /// An answering machine took the call.
    Machine,
    /// Every line was busy in the end.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// The numbers cannot be reached.
    Unreachable,
    /// The call was refused.
    Rejected,
    /// The carrier failed.
    CarrierFailure,
    /// Other failure.
    Failed,
    /// No number that can be called.
    NoNumber,
    /// Not called (any more): taken out of the directory, or unsubscribed, while the campaign was under way.
    Withdrawn,
    /// No trunk reaches the numbers.
    NoRoute,
    /// Not called: somebody else confirmed on the telephone that they share.
    ConfirmedOnSharedNumber,
    /// Not called: enough people had answered already.
    NotNeeded,
    /// Called, and not called again: enough people had answered already.
    NoLongerNeeded,
    /// Not called: the campaign was stopped before their turn.
    NotAttemptedStopped,
    /// Not called: the campaign's period was over before their turn.
    NotAttemptedExpired,
    /// Called without an answer, and the campaign was stopped before the last try.
    UnfinishedStopped,
    /// Called without an answer, and the campaign's period was over before the last try.
    UnfinishedExpired,
    /// Not over yet.
    Pending,
}

/// What became of one number of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberResult {
    /// It was tried; this was the last end.
    Tried(Cause),
    /// A call or a text is on its way.
    InProgress,
    /// It waits for its turn.
    Waiting,
    /// Not tried: the person had already confirmed elsewhere (on another number, by calling back, with an operator).
    ConfirmedElsewhere,
    /// Not tried: the person had already got the message on another number.
    InformedElsewhere,
    /// Not tried: somebody else confirmed on it.
    ConfirmedByAnother,
    /// Not tried: enough people had answered already.
    NotNeeded,
    /// Not tried: the campaign ended before.
    CampaignEnded,
    /// Not tried: the recipient's tries were used up on other numbers.
    TriesUsed,
    /// Not tried: no trunk reaches it.
    NoRoute,
    /// Not tried: the policy uses no number of this kind.
    NotUsed,
}

/// One number of a recipient in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NumberRow {
    /// Its place among the recipient's numbers, from 0; texts come after calls.
    pub slot: u8,
    /// What it was used for.
    pub medium: Medium,
    /// The number.
    pub number: E164,
    /// Attempts made on it.
    pub attempts: u32,
    /// What became of it.
    pub result: NumberResult,
}

/// What the attempts on one number came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    attempts: u32,
    last: Option<Cause>,
}

impl Campaign {
    /// The attempts on each number of each member.
    pub(crate) fn tallies(&self) -> Vec<[Tally; SLOTS]> {
        let mut tallies = vec![[Tally::default(); SLOTS]; self.members.len()];
        for attempt in &self.attempts {
            let slots = tallies.get_mut(attempt.member as usize);
            if let Some(tally) = slots.and_then(|slots| slots.get_mut(usize::from(attempt.slot))) {
                tally.attempts += 1;
                tally.last = attempt.outcome.map(|outcome| outcome.cause()).or(tally.last);
            }
        }
        tallies
    }

    /// What became of a member.
    pub(crate) fn result(&self, member: &Member) -> RecipientResult {
        use RecipientResult as R;
        match member.state {
            FinalState::Pending => R::Pending,
            FinalState::Confirmed => match member.confirmation.map(|confirmation| confirmation.how) {
                None | Some(ConfirmedBy::Key) => R::ConfirmedByKey,
                Some(ConfirmedBy::CallBack) => R::ConfirmedByCallBack,
                Some(ConfirmedBy::Operator) => R::ConfirmedByOperator,
            },
            FinalState::Informed if member.text == Some(Texted::Delivered) && !member.has_answered => R::InformedByText,
            FinalState::Informed => R::HeardMessage,
            FinalState::NotConfirmed if member.has_heard => R::HeardNotConfirmed,
            FinalState::NotConfirmed => R::HungUpEarly,
            FinalState::Delivered => R::DeliveredToHandset,
            FinalState::Sent => R::TextSent,
            FinalState::NoNumber => R::NoNumber,
            FinalState::Withdrawn => R::Withdrawn,
            FinalState::ConfirmedElsewhere => R::ConfirmedOnSharedNumber,
            FinalState::NotNeeded if member.attempts == 0 => R::NotNeeded,
            FinalState::NotNeeded => R::NoLongerNeeded,
            FinalState::CampaignOver => match (member.attempts == 0, self.has_expired) {
                (true, false) => R::NotAttemptedStopped,
                (true, true) => R::NotAttemptedExpired,
                (false, false) => R::UnfinishedStopped,
                (false, true) => R::UnfinishedExpired,
            },
            FinalState::NotReached => match member.last {
                None => R::NoRoute,
                Some(Outcome::Machine { message_left: true }) => R::LeftOnMachine,
                Some(Outcome::Machine { message_left: false }) => R::Machine,
                Some(Outcome::Busy) => R::Busy,
                Some(Outcome::NoAnswer) => R::NoAnswer,
                Some(Outcome::Unreachable { .. }) => R::Unreachable,
                Some(Outcome::Rejected { .. }) => R::Rejected,
                Some(Outcome::Congestion { .. }) => R::CarrierFailure,
                Some(_) => R::Failed,
            },
        }
    }

    /// What became of each number of a member.
    pub(crate) fn numbers(&self, member: &Member, tallies: &[Tally; SLOTS]) -> Vec<NumberRow> {
        (0u8..)
            .zip(member.slots.iter().zip(tallies))
            .filter_map(|(slot, (known, tally))| {
                let medium = if is_text(slot) { Medium::Text } else { Medium::Voice };
                Some(NumberRow {
                    slot,
                    medium,
                    number: known.number?,
                    attempts: tally.attempts,
                    result: self.number(member, slot, tally),
                })
            })
            .collect()
    }

    fn number(&self, member: &Member, slot: u8, tally: &Tally) -> NumberResult {
        let known = &member.slots[usize::from(slot)];
        let is_used = self
            .policy
            .uses(if is_text(slot) { Medium::Text } else { Medium::Voice });
        if known.live.is_some() {
            return NumberResult::InProgress;
        }
        if let Some(last) = tally.last {
            return NumberResult::Tried(last);
        }
        match member.state {
            _ if !is_used => NumberResult::NotUsed,
            FinalState::Confirmed => NumberResult::ConfirmedElsewhere,
            FinalState::Informed => NumberResult::InformedElsewhere,
            _ if known.is_spared => NumberResult::ConfirmedByAnother,
            FinalState::NotNeeded => NumberResult::NotNeeded,
            _ if known.has_no_route => NumberResult::NoRoute,
            FinalState::Pending => NumberResult::Waiting,
            FinalState::CampaignOver => NumberResult::CampaignEnded,
            _ => NumberResult::TriesUsed,
        }
    }
}
