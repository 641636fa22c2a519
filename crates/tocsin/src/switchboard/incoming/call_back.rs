//! Somebody who missed the alert rings back the number that the telephone shows.
//!
//! ```text
//! Looking ─missed something→ Preparing ─spoken words are ready→ Talking (one script for each campaign, one after the other) → Ended
//!         ─nothing missed──────────────────────────────────────→ Apologising → Ended
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use dialer::Missed;
use directory::E164;
use ivr::{Action, CallBackPrompt, Input, Script, catalogue};

use super::super::voice::{Voice, VoiceKey};
use super::ask::{Ask, Piece, Told};
use super::deed::Deed;

/// How long the telephone rings while we look for what to say.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often we look whether the words are spoken.
const LOOK: Duration = Duration::from_millis(100);

enum State {
    Looking { until: Instant },
    Preparing { look: Instant, until: Instant },
    Talking(Box<Script>),
    Apologising,
    Ended,
}

/// The conversation.
pub(super) struct CallBack {
    state: State,
    /// What is being said is the first of these.
    missed: VecDeque<Missed>,
    /// What was heard was replaced meanwhile: the new message is announced as such.
    is_changed: bool,
}

impl CallBack {
    /// The telephone rings; asks who it is.
    pub fn new(now: Instant, caller: Option<E164>) -> (CallBack, Deed) {
        let call = CallBack {
            state: State::Looking { until: now + PATIENCE },
            missed: VecDeque::new(),
            is_changed: false,
        };
        (call, Deed::Ask(Ask::Recognise { caller }))
    }

    pub fn handle_told(&mut self, now: Instant, told: Told, voice: &impl Voice) -> Vec<Deed> {
        match (&mut self.state, told) {
            (State::Looking { until }, Told::Missed(mut missed)) => {
                let until = *until;
                // Who has confirmed everything may hear the newest message again.
                if missed.iter().any(|missed| !missed.is_confirmed) {
                    missed.retain(|missed| !missed.is_confirmed);
                } else {
                    missed.truncate(1);
                }
                self.missed = missed.into();
                self.state = State::Preparing { look: now, until };
                if self.missed.is_empty() {
                    self.state = State::Apologising;
                    return vec![Deed::Answer];
                }
                self.look(now, voice)
            }
            (State::Talking(_), Told::Confirmed) => self.feed(now, Input::ConfirmationDurable),
            (State::Talking(_), Told::Changed(changed)) => {
                if let Some(missed) = self.missed.front_mut() {
                    *missed = *changed;
                }
                self.is_changed = true;
                self.state = State::Preparing {
                    look: now,
                    until: now + PATIENCE,
                };
                self.look(now, voice)
            }
            _ => Vec::new(),
        }
    }

    /// The call is answered and heard.
    pub fn handle_answered(&mut self, now: Instant) -> Vec<Deed> {
        match self.state {
            State::Apologising => {
                let language = ivr::Language::default();
                let words = catalogue::call_back_words(CallBackPrompt::Nothing, language);
                vec![Deed::Speak(vec![Piece::Words(words.to_owned())])]
            }
            _ => self.feed(now, Input::Answered),
        }
    }

    pub fn handle_key(&mut self, now: Instant, key: char) -> Vec<Deed> {
        self.feed(now, Input::Key(key))
    }

    pub fn handle_prompt_ended(&mut self, now: Instant) -> Vec<Deed> {
        if matches!(self.state, State::Apologising) {
            self.state = State::Ended;
            return vec![Deed::HangUp];
        }
        self.feed(now, Input::PromptEnded)
    }

    /// The line is gone. A confirmation that was asked for still has to be recorded, and was handed out already.
    pub fn handle_hung_up(&mut self) {
        self.state = State::Ended;
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Looking { until } => Some(*until),
            State::Preparing { look, .. } => Some(*look),
            State::Talking(script) => script.poll_timeout(),
            State::Apologising | State::Ended => None,
        }
    }

    pub fn handle_timeout(&mut self, now: Instant, voice: &impl Voice) -> Vec<Deed> {
        match &mut self.state {
            State::Looking { until } if *until <= now => self.give_up(),
            State::Preparing { look, .. } if *look <= now => self.look(now, voice),
            State::Talking(script) => {
                script.handle_timeout(now);
                self.obey(now)
            }
            _ => Vec::new(),
        }
    }

    /// Answers once everything that the call says can be said.
    fn look(&mut self, now: Instant, voice: &impl Voice) -> Vec<Deed> {
        let State::Preparing { until, .. } = self.state else {
            return Vec::new();
        };
        let Some(first) = self.missed.front() else {
            return self.give_up();
        };
        if self
            .missed
            .iter()
            .all(|missed| voice.is_ready(&key(missed), &missed.script))
        {
            self.state = State::Talking(Box::new(Script::new(first.script.clone())));
            return if self.is_changed {
                self.begin_again(now)
            } else {
                vec![Deed::Answer]
            };
        }
        if until <= now {
            return self.give_up();
        }
        self.state = State::Preparing {
            look: now + LOOK,
            until,
        };
        Vec::new()
    }

    /// Says the new message to somebody who has confirmed the old one.
    fn begin_again(&mut self, now: Instant) -> Vec<Deed> {
        if let State::Talking(script) = &mut self.state {
            script.handle(now, Input::Answered);
            // Who has heard a greeting hears in its place that the message has changed.
            while script.poll_action().is_some() {}
            script.handle(now, Input::MessageChanged);
        }
        self.obey(now)
    }

    fn give_up(&mut self) -> Vec<Deed> {
        self.state = State::Ended;
        vec![Deed::HangUp]
    }

    fn feed(&mut self, now: Instant, input: Input) -> Vec<Deed> {
        let State::Talking(script) = &mut self.state else {
            return Vec::new();
        };
        script.handle(now, input);
        self.obey(now)
    }

    fn obey(&mut self, now: Instant) -> Vec<Deed> {
        let mut deeds = Vec::new();
        while let State::Talking(script) = &mut self.state {
            let (Some(action), Some(missed)) = (script.poll_action(), self.missed.front()) else {
                break;
            };
            match action {
                Action::Play(prompts) => deeds.push(Deed::Say {
                    key: key(missed),
                    prompts,
                    settings: Box::new(missed.script.clone()),
                }),
                Action::Stop => deeds.push(Deed::Stop),
                Action::Confirm => deeds.push(Deed::Ask(Ask::Confirm {
                    heard: Box::new(missed.clone()),
                })),
                Action::HangUp => {
                    self.missed.pop_front();
                    match self.missed.front() {
                        Some(next) => {
                            let mut script = Script::new(next.script.clone());
                            script.handle(now, Input::Answered);
                            self.state = State::Talking(Box::new(script));
                        }
                        None => {
                            self.state = State::Ended;
                            deeds.push(Deed::HangUp);
                        }
                    }
                }
            }
        }
        deeds
    }
}

fn key(missed: &Missed) -> VoiceKey {
    VoiceKey {
        message: missed.message,
        version: missed.version,
        language: missed.language,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use dialer::{CampaignId, MessageId, RecipientId};
    use ivr::{Language, Prompt, Settings};
    use rtp_media::Clip;

    use super::*;

    /// A voice that can say everything once it is ready.
    struct Spoken(bool);

    impl Voice for Spoken {
        fn is_ready(&self, _: &VoiceKey, _: &Settings) -> bool {
            self.0
        }

        fn clip(&self, _: &VoiceKey, _: Prompt, _: &Settings) -> Option<Arc<Clip>> {
            None
        }
    }

    fn missed(campaign: u64, is_confirmed: bool) -> Missed {
        Missed {
            campaign: CampaignId(campaign),
            recipient: RecipientId(7),
            is_confirmed,
            message: MessageId(campaign * 10),
            version: 1,
            edition: 0,
            language: Language::FRENCH,
            script: Settings::default(),
        }
    }

    fn ringing(now: Instant) -> CallBack {
        let (call, first) = CallBack::new(now, E164::parse("0199000001").ok());
        assert!(matches!(first, Deed::Ask(Ask::Recognise { caller: Some(_) })));
        call
    }

    /// Messages of what is said.
    fn said(deeds: &[Deed]) -> Vec<u64> {
        let said = deeds.iter().filter_map(|deed| match deed {
            Deed::Say { key, .. } => Some(key.message.0),
            _ => None,
        });
        said.collect()
    }

    #[test]
    fn the_thanks_wait_for_the_journal() {
        let now = Instant::now();
        let mut call = ringing(now);
        let deeds = call.handle_told(now, Told::Missed(vec![missed(1, false)]), &Spoken(true));
        assert!(matches!(deeds[..], [Deed::Answer]));
        assert_eq!(said(&call.handle_answered(now)), [10]);
        let deeds = call.handle_key(now, '1');
        assert!(
            matches!(deeds[..], [Deed::Stop, Deed::Ask(Ask::Confirm { .. })]),
            "{deeds:?}"
        );
        assert_eq!(asked(&deeds), [(1, 0)]);
        assert!(call.handle_key(now, '1').is_empty(), "asked once");
        assert_eq!(said(&call.handle_told(now, Told::Confirmed, &Spoken(true))), [10]);
        assert!(matches!(call.handle_prompt_ended(now)[..], [Deed::HangUp]));
    }

    /// The campaigns and editions whose confirmation is asked for.
    fn asked(deeds: &[Deed]) -> Vec<(u64, u16)> {
        let asked = deeds.iter().filter_map(|deed| match deed {
            Deed::Ask(Ask::Confirm { heard }) => Some((heard.campaign.0, heard.edition)),
            _ => None,
        });
        asked.collect()
    }

    #[test]
    fn a_message_that_was_replaced_meanwhile_is_heard_before_it_can_be_confirmed() {
        let now = Instant::now();
        let changed = || {
            Told::Changed(Box::new(Missed {
                message: MessageId(11),
                version: 2,
                edition: 1,
                ..missed(1, false)
            }))
        };
        for is_ready in [true, false] {
            let mut call = ringing(now);
            call.handle_told(now, Told::Missed(vec![missed(1, false)]), &Spoken(true));
            call.handle_answered(now);
            assert_eq!(asked(&call.handle_key(now, '1')), [(1, 0)]);
            let mut deeds = call.handle_told(now, changed(), &Spoken(is_ready));
            if !is_ready {
                assert!(deeds.is_empty(), "the new words are not spoken yet");
                let look = call.poll_timeout().unwrap();
                deeds = call.handle_timeout(look, &Spoken(true));
            }
            assert_eq!(said(&deeds), [11]);
            let prompts = deeds.iter().find_map(|deed| match deed {
                Deed::Say { prompts, .. } => Some(prompts.clone()),
                _ => None,
            });
            assert_eq!(prompts, Some(vec![Prompt::Changed, Prompt::Message]));
            assert_eq!(asked(&call.handle_key(now, '1')), [(1, 1)], "the new one");
            assert_eq!(said(&call.handle_told(now, Told::Confirmed, &Spoken(true))), [11]);
            assert!(matches!(call.handle_prompt_ended(now)[..], [Deed::HangUp]));
        }
    }

    #[test]
    fn each_campaign_that_was_missed_is_heard_and_confirmed() {
        let now = Instant::now();
        let mut call = ringing(now);
        let all = vec![missed(3, false), missed(2, true), missed(1, false)];
        call.handle_told(now, Told::Missed(all), &Spoken(true));
        assert_eq!(said(&call.handle_answered(now)), [30]);
        call.handle_key(now, '1');
        call.handle_told(now, Told::Confirmed, &Spoken(true));
        assert_eq!(
            said(&call.handle_prompt_ended(now)),
            [10],
            "the next one, not the confirmed one"
        );
        call.handle_key(now, '1');
        call.handle_told(now, Told::Confirmed, &Spoken(true));
        assert!(matches!(call.handle_prompt_ended(now)[..], [Deed::HangUp]));
    }

    #[test]
    fn who_confirmed_everything_hears_the_newest_again() {
        let now = Instant::now();
        let mut call = ringing(now);
        call.handle_told(now, Told::Missed(vec![missed(3, true), missed(2, true)]), &Spoken(true));
        assert_eq!(said(&call.handle_answered(now)), [30]);
    }

    #[test]
    fn who_missed_nothing_is_told_so() {
        let now = Instant::now();
        let mut call = ringing(now);
        assert!(matches!(
            call.handle_told(now, Told::Missed(Vec::new()), &Spoken(false))[..],
            [Deed::Answer]
        ));
        assert!(matches!(call.handle_answered(now)[..], [Deed::Speak(_)]));
        assert!(call.handle_key(now, '1').is_empty());
        assert!(matches!(call.handle_prompt_ended(now)[..], [Deed::HangUp]));
    }

    #[test]
    fn it_rings_until_the_words_are_spoken_and_not_for_ever() {
        let now = Instant::now();
        let mut call = ringing(now);
        assert!(
            call.handle_told(now, Told::Missed(vec![missed(1, false)]), &Spoken(false))
                .is_empty()
        );
        let look = call.poll_timeout().unwrap();
        assert!(matches!(call.handle_timeout(look, &Spoken(true))[..], [Deed::Answer]));
        let mut call = ringing(now);
        call.handle_told(now, Told::Missed(vec![missed(1, false)]), &Spoken(false));
        assert!(matches!(
            call.handle_timeout(now + PATIENCE, &Spoken(false))[..],
            [Deed::HangUp]
        ));
        let mut call = ringing(now);
        assert!(matches!(
            call.handle_timeout(now + PATIENCE, &Spoken(true))[..],
            [Deed::HangUp]
        ));
    }
}
