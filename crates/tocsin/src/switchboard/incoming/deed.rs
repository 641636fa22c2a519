//! What a conversation wants done.

use std::time::Duration;

use ivr::Prompt;

use super::super::voice::VoiceKey;
use super::ask::{Ask, Piece};

/// One thing to do, in order.
#[derive(Debug)]
pub(super) enum Deed {
    /// Take the call.
    Answer,
    /// Say what is spoken already, instead of what is being said.
    Say {
        key: VoiceKey,
        prompts: Vec<Prompt>,
        settings: Box<ivr::Settings>,
    },
    /// Have this spoken and say it, instead of what is being said.
    Speak(Vec<Piece>),
    /// Stop what is being said.
    Stop,
    /// Record the caller, at most so long.
    Record(Duration),
    /// End the recording.
    StopRecording,
    /// Ask the house.
    Ask(Ask),
    /// End the call.
    HangUp,
}
