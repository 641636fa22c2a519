//! Call scripts: what a call says, which keys it awaits, and what came of it.
//!
//! The machines of this crate know no network, no audio and no clock. They are told what happened
//! (`handle*`), asked what to do (`poll_action`) and when to be woken (`poll_timeout`).
//!
//! - [`Script`]: an alert call. Says the message, takes the confirming key, thanks only once the confirmation is durable.
//! - [`PhoneLaunch`]: a call of an authorised person who launches a campaign with the keys of a telephone.
//! - [`catalogue`]: the French and English words of every fixed prompt, to be spoken or recorded.

mod call_back;
pub mod catalogue;
mod language;
mod launch;
mod script;

pub use call_back::CallBackPrompt;
pub use language::{Language, LanguageError};
pub use launch::{
    Change, Choice, Launch, LaunchAction, LaunchInput, LaunchOutcome, LaunchPrompt, LaunchSettings, PhoneLaunch, Pin,
};
pub use script::{Action, Input, MachinePolicy, Outcome, Prompt, Script, Settings};
