//! An authorised person launches a campaign by telephone: [`ivr::PhoneLaunch`] leads the conversation, the house does what it
//! asks.

use std::sync::Arc;
use std::time::Instant;

use ivr::{Choice, Language, LaunchAction, LaunchInput, LaunchPrompt, LaunchSettings, PhoneLaunch, catalogue};

use super::ask::{Ask, Member, Piece, Sound, Told};
use super::deed::Deed;

/// What the house was asked last, so that its refusal can be told to the script.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    Codes,
    Keep,
    Order,
}

/// The conversation.
pub(super) struct LaunchCall {
    script: PhoneLaunch,
    settings: LaunchSettings,
    language: Language,
    caller: String,
    member: Arc<Member>,
    /// Recorded in this call and kept: its number and title.
    kept: Vec<(Choice, String)>,
    sound: Option<Sound>,
    asked: Asked,
}

impl LaunchCall {
    /// A call that rings. `caller` is written to the audit trail.
    pub fn new(settings: LaunchSettings, language: Language, caller: String) -> LaunchCall {
        LaunchCall {
            script: PhoneLaunch::new(settings.clone()),
            settings,
            language,
            caller,
            member: Arc::default(),
            kept: Vec::new(),
            sound: None,
            asked: Asked::Nothing,
        }
    }

    pub fn handle(&mut self, now: Instant, input: LaunchInput) -> Vec<Deed> {
        self.script.handle(now, input);
        self.obey()
    }

    /// The recording is over.
    pub fn handle_recorded(&mut self, now: Instant, pcm: Vec<i16>, rate: u32) -> Vec<Deed> {
        let has_sound = !pcm.is_empty();
        self.sound = has_sound.then(|| Sound {
            pcm: Arc::new(pcm),
            rate,
        });
        self.handle(now, LaunchInput::Recorded { has_sound })
    }

    pub fn handle_told(&mut self, now: Instant, told: Told) -> Vec<Deed> {
        let asked = std::mem::replace(&mut self.asked, Asked::Nothing);
        let input = match (asked, told) {
            (Asked::Codes, Told::Member(member)) => {
                let choices = |named: &[(Choice, String)]| named.iter().map(|(choice, _)| *choice).collect();
                let input = LaunchInput::PinAccepted {
                    messages: choices(&member.messages),
                    lists: choices(&member.lists),
                    campaigns: choices(&member.campaigns),
                };
                self.member = member;
                input
            }
            (Asked::Codes, _) => LaunchInput::PinRefused,
            (Asked::Keep, Told::Kept(choice, title)) => {
                self.kept.push((choice, title));
                LaunchInput::Kept(choice)
            }
            (Asked::Keep, _) => LaunchInput::KeepRefused,
            (Asked::Order, Told::Done) => LaunchInput::Launched,
            (Asked::Order, _) => LaunchInput::LaunchRefused,
            (Asked::Nothing, _) => return Vec::new(),
        };
        self.handle(now, input)
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.script.poll_timeout()
    }

    pub fn handle_timeout(&mut self, now: Instant) -> Vec<Deed> {
        self.script.handle_timeout(now);
        self.obey()
    }

    fn obey(&mut self) -> Vec<Deed> {
        let mut deeds = Vec::new();
        while let Some(action) = self.script.poll_action() {
            deeds.push(match action {
                LaunchAction::Play(prompts) => {
                    Deed::Speak(prompts.iter().filter_map(|prompt| self.piece(*prompt)).collect())
                }
                LaunchAction::Stop => Deed::Stop,
                LaunchAction::CheckPin { code, pin } => {
                    self.asked = Asked::Codes;
                    let caller = self.caller.clone();
                    Deed::Ask(Ask::SignIn { code, pin, caller })
                }
                LaunchAction::Record(longest) => Deed::Record(longest),
                LaunchAction::StopRecording => Deed::StopRecording,
                LaunchAction::Keep => {
                    let Some(sound) = self.sound.clone() else { continue };
                    self.asked = Asked::Keep;
                    let member = Arc::clone(&self.member);
                    Deed::Ask(Ask::Keep { member, sound })
                }
                LaunchAction::Launch(launch) => {
                    self.asked = Asked::Order;
                    let member = Arc::clone(&self.member);
                    Deed::Ask(Ask::Launch { member, launch })
                }
                LaunchAction::Change(change) => {
                    self.asked = Asked::Order;
                    let member = Arc::clone(&self.member);
                    Deed::Ask(Ask::Change { member, change })
                }
                LaunchAction::HangUp => Deed::HangUp,
            });
        }
        deeds
    }

    fn piece(&self, prompt: LaunchPrompt) -> Option<Piece> {
        match prompt {
            LaunchPrompt::Tone => Some(Piece::Tone),
            LaunchPrompt::Recording => self.sound.clone().map(Piece::Sound),
            LaunchPrompt::Message(id) => Some(Piece::Message(id)),
            _ => {
                let title = self.title(prompt);
                catalogue::launch_words(prompt, self.language, title, &self.settings).map(Piece::Words)
            }
        }
    }

    /// The title of what a prompt names.
    fn title(&self, prompt: LaunchPrompt) -> &str {
        let member = &self.member;
        let (named, id) = match prompt {
            LaunchPrompt::MessageChoice(choice) => (&member.messages, choice.id),
            LaunchPrompt::ReadBackMessage(id) => (&member.messages, id),
            LaunchPrompt::ListChoice(choice) => (&member.lists, choice.id),
            LaunchPrompt::ReadBackList(id) => (&member.lists, id),
            LaunchPrompt::CampaignChoice(choice) => (&member.campaigns, choice.id),
            LaunchPrompt::ReadBackCampaign(id) => (&member.campaigns, id),
            _ => return "",
        };
        let is_message = std::ptr::eq(named, &member.messages);
        let kept = self.kept.iter().filter(|_| is_message);
        let mut all = named.iter().chain(kept);
        all.find(|(choice, _)| choice.id == id).map_or("", |(_, title)| title)
    }
}
