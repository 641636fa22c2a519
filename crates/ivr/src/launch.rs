use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

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
            max_duration: Duration::from_secs(600),
        }
    }
}

/// A code typed by a caller. Its digits are not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

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
    /// What is meant: the id of a message or list.
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
    /// The code is right; this is what its owner may choose from. The first list is the default one.
    PinAccepted {
        /// Predefined messages.
        messages: Vec<Choice>,
        /// Lists.
        lists: Vec<Choice>,
    },
    /// The code is wrong.
    PinRefused,
    /// The launch is safe on disk and under way.
    Launched,
    /// The launch was refused.
    LaunchRefused,
}

/// What the call must do now, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchAction {
    /// Say these, one after the other, then report [`LaunchInput::PromptEnded`].
    Play(Vec<LaunchPrompt>),
    /// Stop what is being said.
    Stop,
    /// Check this code, then report [`LaunchInput::PinAccepted`] or [`LaunchInput::PinRefused`].
    CheckPin(Pin),
    /// Launch, then report [`LaunchInput::Launched`] or [`LaunchInput::LaunchRefused`]. Asked for at most once, and to
    /// be obeyed even when the caller hangs up meanwhile.
    Launch(Launch),
    /// End the call.
    HangUp,
}

/// A piece of speech of such a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaunchPrompt {
    /// “Type your code, then hash.”
    AskPin,
    /// “This code is wrong.”
    WrongPin,
    /// “Too many wrong codes.”
    TooManyPins,
    /// “Type the number of the message, then hash.”
    AskMessage,
    /// “Type the number of the list, then hash; hash alone for the default list.”
    AskList,
    /// “For …, type …”: a message by its title and number.
    MessageChoice(Choice),
    /// “For …, type …”: a list by its name and number.
    ListChoice(Choice),
    /// “There is no such number.”
    NoSuchNumber,
    /// “You are about to launch the message …”: the title of this message.
    ReadBackMessage(u64),
    /// “… to the list …”: its name and number of recipients.
    ReadBackList(u64),
    /// Which keys launch, say the message, and begin again.
    LaunchMenu,
    /// The message itself.
    Message(u64),
    /// “The alert is launched.”
    Launched,
    /// “The launch was refused.”
    LaunchRefused,
    /// “No alert was launched. Goodbye.”
    Goodbye,
}

/// What came of the call so far; final once [`PhoneLaunch::is_ended`].
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Dialling,
    Pin,
    Checking,
    Message,
    List {
        message: u64,
    },
    ReadBack(Launch),
    Launching(Launch),
    /// Saying the last words.
    Farewell,
    Ended,
}

/// The script of a call from, or to, an authorised person who launches a campaign with the keys of a telephone.
///
/// ```text
/// Dialling → Pin → Checking → Message → List → ReadBack ─launch key→ Launching → Farewell → Ended
///             ↑──wrong────┘     ↑────── * ────────┘
/// ```
#[derive(Debug)]
pub struct PhoneLaunch {
    settings: LaunchSettings,
    state: State,
    actions: VecDeque<LaunchAction>,
    outcome: LaunchOutcome,
    typed: Pin,
    wrong_pins: u8,
    asked_again: u8,
    messages: Vec<Choice>,
    lists: Vec<Choice>,
    is_speaking: bool,
    /// The silence that is too long.
    silence: Option<Instant>,
    limit: Option<Instant>,
}

/// Digits that a code or number has at most; more are ignored.
const DIGITS: usize = 16;

/// Choices that are read out; others can be typed all the same.
const READ_OUT: usize = 9;

impl PhoneLaunch {
    /// A script for one call.
    pub fn new(settings: LaunchSettings) -> PhoneLaunch {
        PhoneLaunch {
            settings,
            state: State::Dialling,
            actions: VecDeque::new(),
            outcome: LaunchOutcome::Abandoned,
            typed: Pin(String::new()),
            wrong_pins: 0,
            asked_again: 0,
            messages: Vec::new(),
            lists: Vec::new(),
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
                self.actions.retain(|action| matches!(action, LaunchAction::Launch(_)));
            }
            (State::Dialling, LaunchInput::Answered) => {
                self.limit = Some(now + self.settings.max_duration);
                self.ask(State::Pin, None);
            }
            (_, LaunchInput::Key(key)) => self.handle_key(now, key),
            (_, LaunchInput::PromptEnded) if self.is_speaking => {
                self.is_speaking = false;
                match self.state {
                    State::Farewell => self.hang_up(),
                    _ => self.listen(now, self.settings.key_timeout),
                }
            }
            (State::Checking, LaunchInput::PinAccepted { messages, lists }) => {
                (self.messages, self.lists) = (messages, lists);
                self.ask(State::Message, None);
            }
            (State::Checking, LaunchInput::PinRefused) => {
                self.wrong_pins += 1;
                if self.wrong_pins < self.settings.attempts {
                    self.ask(State::Pin, Some(LaunchPrompt::WrongPin));
                } else {
                    self.outcome = LaunchOutcome::PinRefused;
                    self.say(State::Farewell, vec![LaunchPrompt::TooManyPins]);
                }
            }
            (State::Launching(_), LaunchInput::Launched) => self.say(State::Farewell, vec![LaunchPrompt::Launched]),
            (State::Launching(launch), LaunchInput::LaunchRefused) => {
                self.outcome = LaunchOutcome::Refused(launch);
                self.say(State::Farewell, vec![LaunchPrompt::LaunchRefused]);
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
        match self.state {
            State::Pin | State::Message | State::List { .. } => {
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
            State::ReadBack(launch) => {
                if key == self.settings.launch_key {
                    self.stop_if_speaking();
                    self.silence = None;
                    self.outcome = LaunchOutcome::Launch(launch);
                    self.state = State::Launching(launch);
                    self.actions.push_back(LaunchAction::Launch(launch));
                } else if key == self.settings.listen_key {
                    self.stop_if_speaking();
                    self.say(
                        self.state,
                        vec![LaunchPrompt::Message(launch.message), LaunchPrompt::LaunchMenu],
                    );
                } else if key == '*' {
                    self.stop_if_speaking();
                    self.ask(State::Message, None);
                }
            }
            _ => {}
        }
    }

    /// The number that was typed is complete.
    fn complete(&mut self) {
        let typed = std::mem::replace(&mut self.typed, Pin(String::new()));
        self.silence = None;
        match self.state {
            State::Pin if typed.0.is_empty() => self.ask(State::Pin, None),
            State::Pin => {
                self.state = State::Checking;
                self.actions.push_back(LaunchAction::CheckPin(typed));
            }
            State::Message => match chosen(&self.messages, &typed.0) {
                Some(message) => self.ask(State::List { message }, None),
                None => self.ask(State::Message, Some(LaunchPrompt::NoSuchNumber)),
            },
            State::List { message } => {
                let default = self.lists.first().filter(|_| typed.0.is_empty()).map(|list| list.id);
                match default.or_else(|| chosen(&self.lists, &typed.0)) {
                    Some(list) => self.ask(State::ReadBack(Launch { message, list }), None),
                    None => self.ask(State::List { message }, Some(LaunchPrompt::NoSuchNumber)),
                }
            }
            _ => {}
        }
    }

    /// Asks the question of a state, after a remark.
    fn ask(&mut self, state: State, remark: Option<LaunchPrompt>) {
        if state != self.state {
            self.asked_again = 0;
        }
        let mut prompts: Vec<LaunchPrompt> = remark.into_iter().collect();
        match state {
            State::Pin => prompts.push(LaunchPrompt::AskPin),
            State::Message => {
                prompts.push(LaunchPrompt::AskMessage);
                prompts.extend(
                    self.messages
                        .iter()
                        .take(READ_OUT)
                        .map(|choice| LaunchPrompt::MessageChoice(*choice)),
                );
            }
            State::List { .. } => {
                prompts.push(LaunchPrompt::AskList);
                prompts.extend(
                    self.lists
                        .iter()
                        .take(READ_OUT)
                        .map(|choice| LaunchPrompt::ListChoice(*choice)),
                );
            }
            State::ReadBack(launch) => prompts.extend([
                LaunchPrompt::ReadBackMessage(launch.message),
                LaunchPrompt::ReadBackList(launch.list),
                LaunchPrompt::LaunchMenu,
            ]),
            _ => {}
        }
        self.say(state, prompts);
    }

    fn listen(&mut self, now: Instant, patience: Duration) {
        let awaits_keys = matches!(
            self.state,
            State::Pin | State::Message | State::List { .. } | State::ReadBack(_)
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
#[path = "launch_tests.rs"]
mod tests;
