//! The journal's records: everything that happened, in order. The state in memory is their fold.

use crate::{
    AttemptId, Bill, CallStats, CampaignId, ConfirmedBy, Message, MessageId, Outcome, Policy, RecipientId, Sequence,
    Tariff,
};

/// One record of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its place.
    pub sequence: Sequence,
    /// Wall clock when it was made, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// What happened.
    pub event: Event,
}

/// Whom a record of a campaign means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// The member at this place of the campaign, from 0.
    Member(u32),
    /// The directory's number of the person: in records of the first version only.
    Recipient(RecipientId),
}

/// What happened. People are named by their place in a campaign; who has that place stands beside the chain of records, where
/// it can be forgotten (see [`crate::journal`]).
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A version of a message was saved in the library.
    MessageSaved {
        /// The message, with its id and version.
        message: Message,
        /// The user.
        by: String,
    },
    /// A campaign was made.
    CampaignCreated {
        /// Its id.
        campaign: CampaignId,
        /// Its name.
        name: String,
        /// What it says.
        message: MessageId,
        /// Which version.
        version: u32,
        /// How it goes.
        policy: Box<Policy>,
        /// The service that pays.
        service: String,
        /// The user.
        by: String,
    },
    /// Recipients were added to a campaign. In records of the first version those who were in it have other numbers from now on;
    /// see [`Event::NumbersChanged`].
    RecipientsAdded {
        /// Which campaign.
        campaign: CampaignId,
        /// The place of the first of them in the campaign; `None` in records of the first version, which hold the recipients
        /// themselves.
        first: Option<u32>,
        /// Who, each once. Not in the record, but in a list beside it that the record proves.
        recipients: Vec<RecipientId>,
        /// How many numbers each of them had: those that are called, and sixteen times those that take texts; empty in records
        /// of the first version.
        numbers: Vec<u8>,
        /// The user.
        by: String,
        /// In which wave of an escalation they are called.
        wave: u8,
    },
    /// Members of a campaign have other numbers from now on.
    NumbersChanged {
        /// Which campaign.
        campaign: CampaignId,
        /// Their places.
        members: Vec<u32>,
        /// How many numbers each of them has, as in [`Event::RecipientsAdded`].
        numbers: Vec<u8>,
        /// The user.
        by: String,
    },
    /// A campaign was launched.
    CampaignLaunched {
        /// Which campaign.
        campaign: CampaignId,
        /// The user.
        by: String,
    },
    /// A campaign was paused.
    CampaignPaused {
        /// Which campaign.
        campaign: CampaignId,
        /// The user.
        by: String,
    },
    /// A campaign was resumed.
    CampaignResumed {
        /// Which campaign.
        campaign: CampaignId,
        /// The user.
        by: String,
    },
    /// A campaign was stopped by an operator.
    CampaignStopped {
        /// Which campaign.
        campaign: CampaignId,
        /// The user.
        by: String,
    },
    /// A campaign is over: everybody confirmed, or every try is used up, or its period is over.
    CampaignEnded {
        /// Which campaign.
        campaign: CampaignId,
        /// Whether its period ended before its tries did.
        expired: bool,
    },
    /// Everybody who had not confirmed is called again.
    UnconfirmedRetried {
        /// Which campaign.
        campaign: CampaignId,
        /// The user.
        by: String,
    },
    /// The message was changed.
    MessageChanged {
        /// Which campaign.
        campaign: CampaignId,
        /// What it says from now on.
        message: MessageId,
        /// Which version.
        version: u32,
        /// Whether calls in progress take it.
        in_progress: bool,
        /// Whether those who confirmed are called again.
        recall_confirmed: bool,
        /// The user.
        by: String,
    },
    /// A call is about to be placed (intent before act).
    AttemptStarted {
        /// Its id.
        attempt: AttemptId,
        /// For which campaign.
        campaign: CampaignId,
        /// To whom.
        whom: Whom,
        /// To which of their numbers.
        slot: u8,
        /// Over which trunk.
        trunk: String,
        /// Saying which version of the campaign's message.
        version: u32,
        /// At which price: the place of the tariff among all that [`Event::TariffsSet`] made known, from 1; 0: none.
        tariff: u32,
        /// Parts of a text message; 0 for a call.
        parts: u32,
    },
    /// A recipient confirmed (truth before thanks).
    Confirmed {
        /// Which campaign.
        campaign: CampaignId,
        /// Who.
        whom: Whom,
        /// In which call; 0 if in none.
        attempt: AttemptId,
        /// How.
        how: ConfirmedBy,
        /// The user who noted it; empty for keys.
        by: String,
    },
    /// A call is over.
    AttemptEnded {
        /// Which call.
        attempt: AttemptId,
        /// Of which campaign.
        campaign: CampaignId,
        /// How.
        outcome: Outcome,
        /// With what figures.
        stats: CallStats,
        /// At what cost.
        bill: Bill,
    },
    /// The dialer started on this journal.
    Started {
        /// The program's version.
        version: String,
    },
    /// A trunk changed state.
    TrunkChanged {
        /// Its name.
        trunk: String,
        /// Whether it works.
        is_up: bool,
    },
    /// The next wave of an escalation is called.
    WaveOpened {
        /// Which campaign.
        campaign: CampaignId,
        /// Which wave, from 1.
        wave: u8,
    },
    /// Enough people answered an escalation: nobody else is called.
    EnoughAnswered {
        /// Which campaign.
        campaign: CampaignId,
    },
    /// A text message reached the handset after its attempt had ended.
    TextDelivered {
        /// Which campaign.
        campaign: CampaignId,
        /// Which attempt.
        attempt: AttemptId,
    },
    /// From now on the calls over a trunk cost this.
    TariffsSet {
        /// Its name.
        trunk: String,
        /// Its prices.
        tariffs: Vec<Tariff>,
    },
    /// The results of a campaign have been kept long enough: they lose their persons (R16). Counts, times and costs stay.
    CampaignAnonymised {
        /// Which campaign.
        campaign: CampaignId,
    },
    /// A person was erased from the directory (R24): no number of theirs is kept in memory, none is rung any more, and it is
    /// forgotten that they were a member.
    RecipientErased {
        /// Their places in campaigns.
        members: Vec<(CampaignId, u32)>,
        /// The directory's number of the person: in records of the first version only.
        recipient: Option<RecipientId>,
        /// The user.
        by: String,
    },
    /// The program was stopped in order. A start without this record before it follows a crash or a power cut.
    Stopped,
    /// The journal takes records again after it had failed (disk full, disk gone).
    JournalRecovered {
        /// Since when it had failed, in milliseconds since 1970 UTC.
        since_ms: i64,
        /// What was wrong.
        why: String,
    },
    /// A line of the audit trail.
    Noted {
        /// The user.
        by: String,
        /// What was done.
        action: String,
        /// On what.
        subject: String,
    },
}

impl Event {
    /// The campaign that this event belongs to, if any.
    #[must_use]
    pub fn campaign(&self) -> Option<CampaignId> {
        match self {
            Self::CampaignCreated { campaign, .. }
            | Self::RecipientsAdded { campaign, .. }
            | Self::NumbersChanged { campaign, .. }
            | Self::CampaignLaunched { campaign, .. }
            | Self::CampaignPaused { campaign, .. }
            | Self::CampaignResumed { campaign, .. }
            | Self::CampaignStopped { campaign, .. }
            | Self::CampaignEnded { campaign, .. }
            | Self::UnconfirmedRetried { campaign, .. }
            | Self::MessageChanged { campaign, .. }
            | Self::AttemptStarted { campaign, .. }
            | Self::Confirmed { campaign, .. }
            | Self::CampaignAnonymised { campaign }
            | Self::AttemptEnded { campaign, .. }
            | Self::WaveOpened { campaign, .. }
            | Self::EnoughAnswered { campaign }
            | Self::TextDelivered { campaign, .. } => Some(*campaign),
            Self::RecipientErased { .. }
            | Self::MessageSaved { .. }
            | Self::Started { .. }
            | Self::Stopped
            | Self::JournalRecovered { .. }
            | Self::TrunkChanged { .. }
            | Self::TariffsSet { .. }
            | Self::Noted { .. } => None,
        }
    }
}
