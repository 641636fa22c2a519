mod interface;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use interface::{
    Change, Choice, Launch, LaunchAction, LaunchInput, LaunchOutcome, LaunchPrompt, LaunchSettings, Pin,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Dialling,
    Code,
    Pin,
    Checking,
    Message,
    /// Saying how to record; the recording begins when that is said.
    Instructing,
    Recording,
    Review,
    Keeping,
    /// What to do with a message.
    Use {
        message: u64,
    },
    List {
        message: u64,
    },
    ReadBack(Launch),
    Launching(Launch),
    Campaign {
        message: u64,
    },
    ReadBackChange(Change),
    Changing(Change),
    /// Saying the last words.
    Farewell,
    Ended,
}

/// The script of a call from, or to, an authorised person who launches a campaign, or changes its message, with the keys of a
/// telephone; and who may record the message on the spot (R5, R14, R19).
///
/// ```text
/// Dialling → Code → Pin → Checking → Message → List → ReadBack ─launch key→ Launching → Farewell → Ended
///             ↑───────wrong──┘         │ ↑───── * ─────┘
///                                      ├─0→ Instructing → Recording → Review → Keeping → Use
///                                      └─a campaign is under way→ Use ─1→ List
///                                                                     ─2→ Campaign → ReadBackChange ─key→ Changing → Farewell
///                                                                     ─3→ Farewell
/// ```
#[derive(Debug)]
pub struct PhoneLaunch {
    settings: LaunchSettings,
    state: State,
    actions: VecDeque<LaunchAction>,
    outcome: LaunchOutcome,
    typed: Pin,
    code: Pin,
    wrong_pins: u8,
    asked_again: u8,
    messages: Vec<Choice>,
    lists: Vec<Choice>,
    campaigns: Vec<Choice>,
    is_speaking: bool,
    /// The silence that is too long.
    silence: Option<Instant>,
    limit: Option<Instant>,
}

/// Digits that a code or number has at most; more are ignored.
const DIGITS: usize = 16;

/// Choices that are read out; others can be typed all the same.
const READ_OUT: usize = 9;

/// Typed instead of a message's number: record one.
const RECORD: &str = "0";

/// The key that begins a recording anew, and that ends the call when all is done.
const THIRD_KEY: char = '3';

impl PhoneLaunch {
    /// A script for one call.
    pub fn new(settings: LaunchSettings) -> PhoneLaunch {
        PhoneLaunch {
            settings,
            state: State::Dialling,
            actions: VecDeque::new(),
            outcome: LaunchOutcome::Abandoned,
            typed: Pin::default(),
            code: Pin::default(),
            wrong_pins: 0,
            asked_again: 0,
            messages: Vec::new(),
            lists: Vec::new(),
            campaigns: Vec::new(),
            is_speaking: false,
            silence: None,
            limit: None,
        }
    }

    /// Takes what happened. Inputs that mean nothing in the present state are ignored.
    pub fn handle(&mut self, now: Instant, input: LaunchInput) {
        match (self.state, input) {
            (State::Ended, _) => {}
            (_, LaunchInput::HungUp) => {
                self.state = State::Ended;
                self.is_speaking = false;
                self.actions
                    .retain(|action| matches!(action, LaunchAction::Launch(_) | LaunchAction::Change(_)));
            }
            (State::Dialling, LaunchInput::Answered) => {
                self.limit = Some(now + self.settings.max_duration);
                self.ask(State::Code, None);
            }
            (_, LaunchInput::Key(key)) => self.handle_key(now, key),
            (_, LaunchInput::PromptEnded) if self.is_speaking => {
                self.is_speaking = false;
                match self.state {
                    State::Farewell => self.hang_up(),
                    State::Instructing => {
                        self.state = State::Recording;
                        self.actions
                            .push_back(LaunchAction::Record(self.settings.longest_recording));
                    }
                    _ => self.listen(now, self.settings.key_timeout),
                }
            }
            (
                State::Checking,
                LaunchInput::PinAccepted {
                    messages,
                    lists,
                    campaigns,
                },
            ) => {
                (self.messages, self.lists, self.campaigns) = (messages, lists, campaigns);
                self.ask(State::Message, None);
            }
            (State::Checking, LaunchInput::PinRefused) => {
                self.wrong_pins += 1;
                if self.wrong_pins < self.settings.attempts {
                    self.ask(State::Code, Some(LaunchPrompt::WrongPin));
                } else {
                    self.outcome = LaunchOutcome::PinRefused;
                    self.say(State::Farewell, vec![LaunchPrompt::TooManyPins]);
                }
            }
            (State::Recording, LaunchInput::Recorded { has_sound: true }) => {
                self.say(State::Review, vec![LaunchPrompt::Recording, LaunchPrompt::ReviewMenu]);
            }
            (State::Recording, LaunchInput::Recorded { has_sound: false }) => {
                self.ask(State::Message, Some(LaunchPrompt::NothingHeard));
            }
            (State::Keeping, LaunchInput::Kept(choice)) => {
                self.messages.push(choice);
                self.ask(State::Use { message: choice.id }, Some(LaunchPrompt::Kept(choice)));
            }
            (State::Keeping, LaunchInput::KeepRefused) => {
                self.ask(State::Message, Some(LaunchPrompt::KeepRefused));
            }
            (State::Launching(_), LaunchInput::Launched) => self.say(State::Farewell, vec![LaunchPrompt::Launched]),
            (State::Launching(launch), LaunchInput::LaunchRefused) => {
                self.outcome = LaunchOutcome::Refused(launch);
                self.say(State::Farewell, vec![LaunchPrompt::LaunchRefused]);
            }
            (State::Changing(_), LaunchInput::Launched) => self.say(State::Farewell, vec![LaunchPrompt::Changed]),
            (State::Changing(change), LaunchInput::LaunchRefused) => {
                self.outcome = LaunchOutcome::ChangeRefused(change);
                self.say(State::Farewell, vec![LaunchPrompt::ChangeRefused]);
            }
            _ => {}
        }
    }

    /// The next thing to do, if any.
    pub fn poll_action(&mut self) -> Option<LaunchAction> {
        self.actions.pop_front()
    }

    /// When [`PhoneLaunch::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.state == State::Ended {
            return None;
        }
        [self.silence, self.limit].into_iter().flatten().min()
    }

    /// Time passed. Early or repeated calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.state == State::Ended {
            return;
        }
        if self.limit.is_some_and(|limit| limit <= now) {
            self.stop_if_speaking();
            self.hang_up();
            return;
        }
        if self.silence.is_none_or(|silence| silence > now) {
            return;
        }
        self.silence = None;
        if !self.typed.0.is_empty() {
            self.complete();
        } else if self.asked_again < self.settings.repeats {
            self.asked_again += 1;
            self.ask(self.state, None);
        } else {
            self.say(State::Farewell, vec![LaunchPrompt::Goodbye]);
        }
    }

    /// What came of the call so far.
    pub fn outcome(&self) -> LaunchOutcome {
        self.outcome
    }

    /// True once the script has nothing more to do on the call.
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    fn handle_key(&mut self, now: Instant, key: char) {
        let (first, listen) = (self.settings.launch_key, self.settings.listen_key);
        match self.state {
            State::Code | State::Pin | State::Message | State::List { .. } | State::Campaign { .. } => {
                self.stop_if_speaking();
                match key {
                    '0'..='9' => {
                        if self.typed.0.len() < DIGITS {
                            self.typed.0.push(key);
                        }
                        self.listen(now, self.settings.digit_timeout);
                    }
                    '#' => self.complete(),
                    '*' => self.ask(self.state, None),
                    _ => self.listen(now, self.settings.key_timeout),
                }
            }
            // Who does not want to hear how it is done speaks at once after the tone.
            State::Instructing if key == '#' => {
                self.stop_if_speaking();
                self.say(State::Instructing, vec![LaunchPrompt::Tone]);
            }
            State::Recording => self.actions.push_back(LaunchAction::StopRecording),
            State::Review if key == first => {
                self.stop_if_speaking();
                self.silence = None;
                self.state = State::Keeping;
                self.actions.push_back(LaunchAction::Keep);
            }
            State::Review if key == listen => self.ask_anew(State::Review),
            State::Review if key == THIRD_KEY => self.ask_anew(State::Instructing),
            State::Use { message } if key == first => self.ask_anew(State::List { message }),
            State::Use { message } if key == listen && !self.campaigns.is_empty() => match self.campaigns[..] {
                [only] => self.ask_anew(State::ReadBackChange(Change {
                    campaign: only.id,
                    message,
                })),
                _ => self.ask_anew(State::Campaign { message }),
            },
            State::Use { .. } if key == THIRD_KEY => {
                self.stop_if_speaking();
                self.say(State::Farewell, vec![LaunchPrompt::Goodbye]);
            }
            State::ReadBack(launch) if key == first => {
                self.outcome = LaunchOutcome::Launch(launch);
                self.order(State::Launching(launch), LaunchAction::Launch(launch));
            }
            State::ReadBackChange(change) if key == first => {
                self.outcome = LaunchOutcome::Change(change);
                self.order(State::Changing(change), LaunchAction::Change(change));
            }
            State::ReadBack(launch) if key == listen => {
                self.stop_if_speaking();
                let prompts = vec![LaunchPrompt::Message(launch.message), LaunchPrompt::LaunchMenu];
                self.say(self.state, prompts);
            }
            State::ReadBackChange(change) if key == listen => {
                self.stop_if_speaking();
                let prompts = vec![LaunchPrompt::Message(change.message), LaunchPrompt::ChangeMenu];
                self.say(self.state, prompts);
            }
            State::Review | State::Use { .. } | State::ReadBack(_) | State::ReadBackChange(_) if key == '*' => {
                self.ask_anew(State::Message);
            }
            _ => {}
        }
    }

    /// The number that was typed is complete.
    fn complete(&mut self) {
        let typed = std::mem::take(&mut self.typed);
        self.silence = None;
        match self.state {
            State::Code | State::Pin if typed.0.is_empty() => self.ask(self.state, None),
            State::Code => {
                self.code = typed;
                self.ask(State::Pin, None);
            }
            State::Pin => {
                self.state = State::Checking;
                let code = std::mem::take(&mut self.code);
                self.actions.push_back(LaunchAction::CheckPin { code, pin: typed });
            }
            State::Message if typed.0 == RECORD => self.ask(State::Instructing, None),
            State::Message => match chosen(&self.messages, &typed.0) {
                Some(message) if self.campaigns.is_empty() => self.ask(State::List { message }, None),
                Some(message) => self.ask(State::Use { message }, None),
                None => self.ask(State::Message, Some(LaunchPrompt::NoSuchNumber)),
            },
            State::List { message } => {
                let default = self.lists.first().filter(|_| typed.0.is_empty()).map(|list| list.id);
                match default.or_else(|| chosen(&self.lists, &typed.0)) {
                    Some(list) => self.ask(State::ReadBack(Launch { message, list }), None),
                    None => self.ask(State::List { message }, Some(LaunchPrompt::NoSuchNumber)),
                }
            }
            State::Campaign { message } => match chosen(&self.campaigns, &typed.0) {
                Some(campaign) => self.ask(State::ReadBackChange(Change { campaign, message }), None),
                None => self.ask(State::Campaign { message }, Some(LaunchPrompt::NoSuchNumber)),
            },
            _ => {}
        }
    }

    /// The key that counts was pressed.
    fn order(&mut self, state: State, action: LaunchAction) {
        self.stop_if_speaking();
        self.silence = None;
        self.state = state;
        self.actions.push_back(action);
    }

    fn ask_anew(&mut self, state: State) {
        self.stop_if_speaking();
        self.ask(state, None);
    }

    /// Asks the question of a state, after a remark.
    fn ask(&mut self, state: State, remark: Option<LaunchPrompt>) {
        if state != self.state {
            self.asked_again = 0;
        }
        let mut prompts: Vec<LaunchPrompt> = remark.into_iter().collect();
        let read_out = |choices: &[Choice], prompt: fn(Choice) -> LaunchPrompt| {
            let choices = choices.iter().take(READ_OUT);
            choices.map(|choice| prompt(*choice)).collect::<Vec<_>>()
        };
        match state {
            State::Code => prompts.push(LaunchPrompt::AskCode),
            State::Pin => prompts.push(LaunchPrompt::AskPin),
            State::Message => {
                prompts.push(LaunchPrompt::AskMessage);
                prompts.extend(read_out(&self.messages, LaunchPrompt::MessageChoice));
            }
            State::Instructing => prompts.extend([LaunchPrompt::AskRecording, LaunchPrompt::Tone]),
            State::Review => prompts.extend([LaunchPrompt::Recording, LaunchPrompt::ReviewMenu]),
            State::Use { .. } => prompts.push(LaunchPrompt::UseMenu {
                can_change: !self.campaigns.is_empty(),
            }),
            State::List { .. } => {
                prompts.push(LaunchPrompt::AskList);
                prompts.extend(read_out(&self.lists, LaunchPrompt::ListChoice));
            }
            State::ReadBack(launch) => prompts.extend([
                LaunchPrompt::ReadBackMessage(launch.message),
                LaunchPrompt::ReadBackList(launch.list),
                LaunchPrompt::LaunchMenu,
            ]),
            State::Campaign { .. } => {
                prompts.push(LaunchPrompt::AskCampaign);
                prompts.extend(read_out(&self.campaigns, LaunchPrompt::CampaignChoice));
            }
            State::ReadBackChange(change) => prompts.extend([
                LaunchPrompt::ReadBackCampaign(change.campaign),
                LaunchPrompt::ReadBackMessage(change.message),
                LaunchPrompt::ChangeMenu,
            ]),
            _ => {}
        }
        self.say(state, prompts);
    }

    fn listen(&mut self, now: Instant, patience: Duration) {
        let awaits_keys = matches!(
            self.state,
            State::Code
                | State::Pin
                | State::Message
                | State::Review
                | State::Use { .. }
                | State::List { .. }
                | State::Campaign { .. }
                | State::ReadBack(_)
                | State::ReadBackChange(_)
        );
        self.silence = awaits_keys.then(|| now + patience);
    }

    fn say(&mut self, state: State, prompts: Vec<LaunchPrompt>) {
        self.state = state;
        self.typed.0.clear();
        self.silence = None;
        self.is_speaking = true;
        self.actions.push_back(LaunchAction::Play(prompts));
    }

    fn stop_if_speaking(&mut self) {
        if std::mem::take(&mut self.is_speaking) {
            self.actions.push_back(LaunchAction::Stop);
        }
    }

    fn hang_up(&mut self) {
        self.state = State::Ended;
        self.actions.push_back(LaunchAction::HangUp);
    }
}

fn chosen(choices: &[Choice], typed: &str) -> Option<u64> {
    let number: u32 = typed.parse().ok()?;
    choices
        .iter()
        .find(|choice| choice.number == number)
        .map(|choice| choice.id)
}

#[cfg(test)]
mod tests;
