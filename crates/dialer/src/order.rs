//! What the dialer asks of the side that places calls.

use crate::{AttemptId, CampaignId, E164, Language, MessageId, RecipientId, TrunkIndex};
use std::time::Duration;

/// Something to do now. Everything that it depends on is already durable.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Place this call. Its `AttemptStarted` record is durable.
    Place(Order),
    /// The confirmation is durable: thank the person.
    Acknowledge(AttemptId),
    /// End this call (before the answer: CANCEL). An `Ended` report is still awaited.
    HangUp(AttemptId),
    /// Send this text. Its `AttemptStarted` record is durable.
    Send(Notice),
    /// From now on this call speaks another version of the message.
    ChangeMessage {
        /// The call in progress.
        attempt: AttemptId,
        /// The message to speak.
        message: MessageId,
        /// Its version.
        version: u32,
    },
}

/// One call to place.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Its name in all reports.
    pub attempt: AttemptId,
    /// For which campaign.
    pub campaign: CampaignId,
    /// Whom it is meant for.
    pub recipient: RecipientId,
    /// Which of the recipient's numbers, from 0.
    pub slot: u8,
    /// The number to call.
    pub number: E164,
    /// The trunk to use.
    pub trunk: TrunkIndex,
    /// The number to show; `None` leaves it to the trunk.
    pub caller: Option<E164>,
    /// What to say.
    pub message: MessageId,
    /// Which version of it.
    pub version: u32,
    /// In which language.
    pub language: Language,
    /// How the call goes.
    pub script: ivr::Settings,
    /// How long to let it ring.
    pub ring_timeout: Duration,
}

/// The side that places calls. Called from the dialer's thread: must return at once.
pub trait Caller: Send {
    /// Places a call; its progress comes back as [`crate::CallReport`]s.
    fn place(&mut self, order: Order);
    /// The confirmation of this call is durable.
    fn acknowledge(&mut self, attempt: AttemptId);
    /// Ends this call.
    fn hang_up(&mut self, attempt: AttemptId);
    /// The message was changed under this call in progress.
    fn change_message(&mut self, attempt: AttemptId, message: MessageId, version: u32);
    /// A message was saved in the library: render it ahead of time. Called before any order that uses it.
    fn prepare(&mut self, message: &crate::Message) {
        let _ = message;
    }
}

/// One text message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its name in all reports.
    pub attempt: AttemptId,
    /// For which campaign.
    pub campaign: CampaignId,
    /// Whom it is meant for.
    pub recipient: RecipientId,
    /// Where it goes.
    pub number: E164,
    /// The gateway to use: its place in [`crate::Settings::gateways`].
    pub gateway: u16,
    /// The number to show; `None` leaves it to the gateway.
    pub caller: Option<E164>,
    /// The words.
    pub text: String,
    /// Messages of the network that the words take, as they are billed.
    pub parts: u32,
}

/// The media that are not calls. Called from the dialer's thread: must return at once.
pub trait Messenger: Send {
    /// Sends a notice; its fate comes back as [`crate::CallReport`]s of the same attempt.
    fn send(&mut self, notice: Notice);
}
