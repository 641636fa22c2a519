//! Where the switchboard finds what to say.

use std::sync::Arc;

use dialer::MessageId;
use ivr::{Language, Prompt};
use rtp_media::Clip;

/// One version of one message in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VoiceKey {
    /// The message.
    pub message: MessageId,
    /// Its version.
    pub version: u32,
    /// The language it is spoken in.
    pub language: Language,
}

/// Spoken messages and prompts, made ahead of the calls.
pub trait Voice {
    /// Whether everything that a call with this message says can be had.
    fn is_ready(&self, key: &VoiceKey, settings: &ivr::Settings) -> bool;
    /// The sound of a prompt; `None` if there is none, and then it is left out.
    fn clip(&self, key: &VoiceKey, prompt: Prompt, settings: &ivr::Settings) -> Option<Arc<Clip>>;
}
