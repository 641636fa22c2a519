//! What such a call is told, and what it wants done and said.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a call that launches a campaign behaves (R5, R27).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LaunchSettings {
    /// Wrong codes after which the call ends. Locking the account is for whoever checks codes.
    pub attempts: u8,
    /// The key that launches, and only after the read-back has begun.
    pub launch_key: char,
    /// The key that says the message to be launched.
    pub listen_key: char,
    /// Times that a question is asked again when no key is pressed.
    pub repeats: u8,
    /// Silence after a question before it is asked again.
    pub key_timeout: Duration,
    /// Silence after a digit before the number counts as complete; `#` completes it at once.
    pub digit_timeout: Duration,
    /// Longest message that is recorded.
    pub longest_recording: Duration,
    /// Longest call.
    pub max_duration: Duration,
}

impl Default for LaunchSettings {
    fn default() -> Self {
        LaunchSettings {
            attempts: 3,
            launch_key: '1',
            listen_key: '2',
            repeats: 2,
            key_timeout: Duration::from_secs(8),
            digit_timeout: Duration::from_secs(4),
            longest_recording: Duration::from_secs(180),
            max_duration: Duration::from_secs(900),
        }
    }
}

/// A code typed by a caller. Its digits are not shown by `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pin(pub(super) String);

impl Pin {
    /// The digits.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// Something that can be chosen by typing its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Choice {
    /// What is typed.
    pub number: u32,
    /// What is meant: the id of a message, list or campaign.
    pub id: u64,
}

/// What was ordered by telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Launch {
    /// Id of the message.
    pub message: u64,
    /// Id of the list.
    pub list: u64,
}

/// Another message for a campaign that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Change {
    /// Id of the campaign.
    pub campaign: u64,
    /// Id of the message that it says from now on.
    pub message: u64,
}

/// What happened on the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchInput {
    /// The call was answered and its media flows.
    Answered,
    /// A key was pressed.
    Key(char),
    /// Everything of the latest [`LaunchAction::Play`] was said; never sent for what [`LaunchAction::Stop`] cut.
    PromptEnded,
    /// The line is gone.
    HungUp,
    /// The codes are right; this is what their owner may choose from. The first list is the default one.
    PinAccepted {
        /// Predefined messages. Number 0 is not used: it stands for a message that is recorded now.
        messages: Vec<Choice>,
        /// Lists.
        lists: Vec<Choice>,
        /// Campaigns under way.
        campaigns: Vec<Choice>,
    },
    /// The codes are wrong, or not taken now.
    PinRefused,
    /// The recording is over, by [`LaunchAction::StopRecording`] or by itself.
    Recorded {
        /// Whether anything was heard.
        has_sound: bool,
    },
    /// The recording is a message of the library now.
    Kept(Choice),
    /// The recording could not be kept.
    KeepRefused,
    /// The launch, or the change, is safe on disk and under way.
    Launched,
    /// The launch, or the change, was refused.
    LaunchRefused,
}

/// What the call must do now, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchAction {
    /// Say these, one after the other, then report [`LaunchInput::PromptEnded`].
    Play(Vec<LaunchPrompt>),
    /// Stop what is being said.
    Stop,
    /// Check these, then report [`LaunchInput::PinAccepted`] or [`LaunchInput::PinRefused`].
    CheckPin {
        /// Who it says it is.
        code: Pin,
        /// What only that person knows.
        pin: Pin,
    },
    /// Record what the caller says, at most so long; then report [`LaunchInput::Recorded`].
    Record(Duration),
    /// End the recording.
    StopRecording,
    /// Make the recording a message, then report [`LaunchInput::Kept`] or [`LaunchInput::KeepRefused`].
    Keep,
    /// Launch, then report [`LaunchInput::Launched`] or [`LaunchInput::LaunchRefused`]. Asked for at most once, and to
    /// be obeyed even when the caller hangs up meanwhile.
    Launch(Launch),
    /// Change what a campaign says; otherwise like [`LaunchAction::Launch`].
    Change(Change),
    /// End the call.
    HangUp,
}

/// A piece of speech of such a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaunchPrompt {
    /// “Type your user code, then hash.”
    AskCode,
    /// “Type your secret code, then hash.”
    AskPin,
    /// “These codes are wrong.”
    WrongPin,
    /// “Too many wrong codes.”
    TooManyPins,
    /// “Type the number of the message, then hash; 0 to record one.”
    AskMessage,
    /// “Type the number of the list, then hash; hash alone for the default list.”
    AskList,
    /// “Type the number of the alert whose message changes, then hash.”
    AskCampaign,
    /// “For …, type …”: a message by its title and number.
    MessageChoice(Choice),
    /// “For …, type …”: a list by its name and number.
    ListChoice(Choice),
    /// “For …, type …”: a campaign by its name and number.
    CampaignChoice(Choice),
    /// “There is no such number.”
    NoSuchNumber,
    /// “Speak after the tone, then press hash.”
    AskRecording,
    /// The tone.
    Tone,
    /// “Nothing was heard.”
    NothingHeard,
    /// What was recorded.
    Recording,
    /// Which keys keep the recording, say it, and begin again.
    ReviewMenu,
    /// “The message is kept under number …”
    Kept(Choice),
    /// “The message could not be kept.”
    KeepRefused,
    /// Which keys launch with the message, change a campaign under way, and end.
    UseMenu {
        /// Whether a campaign is under way.
        can_change: bool,
    },
    /// “You are about to launch the message …”: the title of this message.
    ReadBackMessage(u64),
    /// “… to the list …”: its name and number of recipients.
    ReadBackList(u64),
    /// “You are about to change the message of the alert …”: its name.
    ReadBackCampaign(u64),
    /// Which keys launch, say the message, and begin again.
    LaunchMenu,
    /// Which keys change, say the message, and begin again.
    ChangeMenu,
    /// The message itself.
    Message(u64),
    /// “The alert is launched.”
    Launched,
    /// “The message is changed.”
    Changed,
    /// “The launch was refused.”
    LaunchRefused,
    /// “The message was not changed.”
    ChangeRefused,
    /// “No alert was launched. Goodbye.”
    Goodbye,
}

/// What came of the call so far; final once [`crate::PhoneLaunch::is_ended`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaunchOutcome {
    /// Nothing was launched; the caller went, or pressed no key.
    Abandoned,
    /// Too many wrong codes.
    PinRefused,
    /// The launch key was pressed.
    Launch(Launch),
    /// The launch key was pressed and the launch refused.
    Refused(Launch),
    /// The key was pressed that changes a campaign's message.
    Change(Change),
    /// The same, and it was refused.
    ChangeRefused(Change),
}
