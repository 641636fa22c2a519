//! Call scripts: what a call says, which keys it awaits, and what came of it.
//!
//! The machines of this crate know no network, no audio and no clock. They are told what happened
//! (`handle*`), asked what to do (`poll_action`) and when to be woken (`poll_timeout`).
//!
//! - [`Script`]: an alert call. Says the message, takes the confirming key, thanks only once the confirmation is durable.
//! - [`catalogue`]: the French and English words of every fixed prompt, to be spoken or recorded.

pub mod catalogue;
mod language;
mod script;

pub use language::{Language, LanguageError};
pub use script::{Action, Input, MachinePolicy, Outcome, Prompt, Script, Settings};
