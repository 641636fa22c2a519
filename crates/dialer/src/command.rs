//! What people and the console ask of the dialer.

use crate::statistics::{Activity, Span};
use crate::{
    Account, Assumptions, AttemptId, CampaignId, CampaignReport, Contact, Edition, Message, MessageId, Outlook, Period,
    PersonRow, Policy, PolicyError, RecipientId,
};

/// An order of an operator. `by` names the user, for the audit trail.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // Commands are rare, and never kept in numbers.
pub enum Command {
    /// Adds a message to the library, or a new version of it. Reply: [`Reply::Message`].
    SaveMessage {
        /// The message; id 0 asks for a new one.
        message: Message,
        /// The user.
        by: String,
    },
    /// Makes a campaign, which then waits for its launch. Reply: [`Reply::Campaign`].
    Create {
        /// What operators call it.
        name: String,
        /// What it says.
        message: MessageId,
        /// How it goes.
        policy: Policy,
        /// Whom it calls; a recipient listed twice is called once.
        recipients: Vec<Contact>,
        /// The service to which its cost is charged; may be empty.
        service: String,
        /// The user.
        by: String,
    },
    /// Starts it.
    Launch {
        /// Which campaign.
        campaign: CampaignId,
        /// The user.
        by: String,
    },
    /// No new calls until [`Command::Resume`]; calls in progress go on.
    Pause {
        /// Which campaign.
        campaign: CampaignId,
        /// The user.
        by: String,
    },
    /// Goes on after a pause.
    Resume {
        /// Which campaign.
        campaign: CampaignId,
        /// The user.
        by: String,
    },
    /// Ends it for good. Calls in progress are hung up if asked, else they go on to their end.
    Stop {
        /// Which campaign.
        campaign: CampaignId,
        /// Whether calls in progress are hung up.
        hang_up: bool,
        /// The user.
        by: String,
    },
    /// Adds recipients to a campaign, also while it runs. Those already in it are left alone.
    Extend {
        /// Which campaign.
        campaign: CampaignId,
        /// Whom to add.
        recipients: Vec<Contact>,
        /// The user.
        by: String,
    },
    /// Calls everybody again who has not confirmed, with fresh tries and a fresh period; also reopens an ended campaign.
    RetryUnconfirmed {
        /// Which campaign.
        campaign: CampaignId,
        /// The user.
        by: String,
    },
    /// From now on the campaign says this.
    ChangeMessage {
        /// Which campaign.
        campaign: CampaignId,
        /// The message to say; its newest version is taken.
        message: MessageId,
        /// Whether calls in progress take the new message at once.
        in_progress: bool,
        /// Whether those who confirmed the old message are called again.
        recall_confirmed: bool,
        /// The user.
        by: String,
    },
    /// Notes that a recipient has confirmed otherwise than by key in one of our calls.
    Confirm {
        /// Which campaign.
        campaign: CampaignId,
        /// Who.
        recipient: RecipientId,
        /// How.
        how: ConfirmedBy,
        /// What they heard before, as [`Missed::edition`] told it; `None` if they did not hear it from us. A confirmation
        /// of what the operator has replaced, for calls in progress or for those who had confirmed, does not count:
        /// [`Reply::Changed`] says what to play.
        heard: Option<u16>,
        /// The user, or the telephone number's owner as known.
        by: String,
    },
    /// A person was erased from the directory: their numbers are forgotten, and they are rung no more. A call in progress
    /// goes on to its end.
    Erase {
        /// Who.
        recipient: RecipientId,
        /// The user.
        by: String,
    },
    /// The directory has changed: these people have these numbers from now on, those have left it. Campaigns under way
    /// call nobody any more who has no number left, and call others on the new numbers, with fresh tries, unless the message
    /// has reached them. Calls in progress go on to their end.
    Renew {
        /// Whose numbers have changed, or who wants no alerts any more (without numbers then).
        contacts: Vec<Contact>,
        /// Who is not in the directory any more.
        gone: Vec<Gone>,
        /// The user.
        by: String,
    },
    /// Writes a line into the audit trail.
    Note {
        /// The user.
        by: String,
        /// What was done, such as `directory.import`.
        action: String,
        /// On what.
        subject: String,
    },
}

/// Somebody who has left the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Who.
    pub recipient: RecipientId,
    /// The same person under the entry that took theirs in, where two were merged: called in their place.
    pub into: Option<Contact>,
}

/// How a recipient confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmedBy {
    /// By key in one of our calls.
    Key,
    /// By calling back.
    CallBack,
    /// An operator noted it.
    Operator,
}

/// The answer to a [`Command`]. Given after the records that it caused are durable.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Done.
    Done,
    /// The campaign that was made.
    Campaign(CampaignId),
    /// The message that was saved, and its version.
    Message(MessageId, u32),
    /// To [`Command::Confirm`]: not confirmed, the message has changed since; this is to be heard first.
    Changed(Box<Missed>),
}

/// What can be asked without changing anything.
#[derive(Debug, Clone)]
pub enum Query {
    /// The full report of a campaign.
    Report(CampaignId),
    /// The library: the newest version of each message.
    Messages,
    /// Every version of one message, oldest first.
    History(MessageId),
    /// One version of a message; `None` is the newest.
    Message(MessageId, Option<u32>),
    /// The policy of a campaign.
    Policy(CampaignId),
    /// The order that an attempt in progress stems from.
    Recipient(AttemptId),
    /// What happened in a span of time.
    Activity(Span),
    /// What campaigns did with one recipient, oldest first: what a person may know of (R24).
    Person(RecipientId),
    /// What somebody who rings back has missed.
    Missed {
        /// Who it may be: everybody who has the caller's number.
        recipients: Vec<RecipientId>,
        /// Campaigns that ended by themselves since then (milliseconds since 1970 UTC) count as well.
        since_ms: i64,
    },
    /// How telephones are expected to behave, after what the newest campaigns observed.
    Assumptions,
    /// Where a campaign stands, from which its rest can be predicted.
    Outlook(CampaignId),
    /// What the attempts that began in a period cost.
    Account {
        /// The period.
        period: Period,
        /// Whether each attempt is listed too.
        detail: bool,
    },
}

/// What somebody who rings back is told: one of these for each campaign that calls them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// The campaign.
    pub campaign: CampaignId,
    /// For whom the call counts: of those who may be meant, one who has not confirmed, and was rung last.
    pub recipient: RecipientId,
    /// Whether nobody of those who may be meant still has to confirm.
    pub is_confirmed: bool,
    /// What the campaign says.
    pub message: MessageId,
    /// Which version of it.
    pub version: u32,
    /// Grows with each change of what the campaign says; for [`Command::Confirm`].
    pub edition: u16,
    /// In which language.
    pub language: crate::Language,
    /// How its calls go.
    pub script: ivr::Settings,
}

/// The answer to a [`Query`].
#[derive(Debug, Clone)]
pub enum Answer {
    /// To [`Query::Report`].
    Report(Box<CampaignReport>),
    /// To [`Query::Messages`] and [`Query::History`] and [`Query::Message`].
    Messages(Vec<Edition>),
    /// To [`Query::Policy`].
    Policy(Box<Policy>),
    /// To [`Query::Recipient`].
    Recipient(CampaignId, RecipientId),
    /// To [`Query::Missed`]: the newest campaign first.
    Missed(Vec<Missed>),
    /// To [`Query::Assumptions`].
    Assumptions(Box<Assumptions>),
    /// To [`Query::Outlook`].
    Outlook(Box<Outlook>),
    /// To [`Query::Account`].
    Account(Box<Account>),
    /// To [`Query::Activity`].
    Activity(Box<Activity>),
    /// To [`Query::Person`].
    Person(Vec<PersonRow>),
}

/// Why a command was refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// No such campaign.
    #[error("there is no campaign {0}")]
    NoCampaign(CampaignId),
    /// No such message.
    #[error("there is no message {0} in the library")]
    NoMessage(MessageId),
    /// No such attempt.
    #[error("there is no attempt {0}")]
    NoAttempt(AttemptId),
    /// The recipient is not in the campaign.
    #[error("the recipient is not in campaign {0}")]
    NoRecipient(CampaignId),
    /// The message says nothing.
    #[error("the message has no text and no recording")]
    EmptyMessage,
    /// A policy with texts where no gateway takes them.
    #[error("no gateway for text messages is configured: the policy cannot send any")]
    NoGateway,
    /// The message has expired.
    #[error("the message of campaign {0} has expired: make a new campaign")]
    Expired(CampaignId),
    /// Nobody to call.
    #[error("the campaign has no recipient")]
    NoRecipients,
    /// The policy contradicts itself.
    #[error("the policy cannot be used: {0}")]
    Policy(#[from] PolicyError),
    /// The command does not fit the campaign's state.
    #[error("campaign {campaign} is {state}: it cannot be {verb}")]
    State {
        /// Which campaign.
        campaign: CampaignId,
        /// Its state.
        state: crate::CampaignState,
        /// What was asked, such as "paused".
        verb: &'static str,
    },
    /// The journal does not take records now (disk full?); commands wait for it to work again.
    #[error("the journal cannot be written ({0}): nothing can be started until it works again")]
    Journal(String),
    /// The dialer has stopped.
    #[error("the dialer has stopped")]
    Stopped,
}
