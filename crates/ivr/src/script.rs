use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How one alert call behaves. A campaign's policy gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Times that the message is said again by itself when nobody presses a key. 0: it is said once.
    pub repeats: u8,
    /// Times that the person may ask for the message again. Beyond, only the menu is said again.
    pub replays: u8,
    /// Silence after the menu before the message is repeated, or the call ends.
    pub menu_timeout: Duration,
    /// The key that confirms reception (R9).
    pub confirm_key: char,
    /// The key that asks for the message again (R10).
    pub replay_key: char,
    /// What to do when an answering machine took the call.
    pub machine: MachinePolicy,
    /// Longest wait for the beep of an answering machine; then the message is left anyway.
    pub beep_timeout: Duration,
    /// A confirmation that is not durable after this time makes the call say "one moment".
    pub patience: Duration,
    /// Longest call, from the answer or from the latest change of the message. Then it is hung up.
    pub max_duration: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            repeats: 2,
            replays: 9,
            menu_timeout: Duration::from_secs(6),
            confirm_key: '1',
            replay_key: '2',
            machine: MachinePolicy::HangUp,
            beep_timeout: Duration::from_secs(30),
            patience: Duration::from_secs(2),
            max_duration: Duration::from_secs(300),
        }
    }
}

/// What a call does once an answering machine is recognised. No choice lets a machine confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MachinePolicy {
    /// Hang up at once; the number can be tried again.
    HangUp,
    /// Wait for the beep, say the message once, hang up.
    LeaveMessage,
    /// Go on as with a person: the detector's verdict is not trusted.
    Ignore,
}

/// What happened on the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The call was answered and its media flows.
    Answered,
    /// A key was pressed: `0`–`9`, `*`, `#`, `A`–`D`. Reported once a press.
    Key(char),
    /// Everything of the latest [`Action::Play`] was said. Never sent for what [`Action::Stop`] cut.
    PromptEnded,
    /// The line is gone, whoever hung up.
    HungUp,
    /// An answering machine was recognised.
    Machine,
    /// The beep of an answering machine was heard.
    Beep,
    /// A fax machine answered: nobody hears this call.
    Fax,
    /// The confirmation that [`Action::Confirm`] asked for is safe on disk.
    ConfirmationDurable,
    /// The operator changed the message (R14): [`Prompt::Message`] now means the new one.
    MessageChanged,
}

/// What the call must do now, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Say these, one after the other, then report [`Input::PromptEnded`].
    Play(Vec<Prompt>),
    /// Stop what is being said. Its end must not be reported.
    Stop,
    /// The person confirmed: make it durable, then report [`Input::ConfirmationDurable`]. Asked for at most once,
    /// and to be obeyed even when the person hangs up meanwhile.
    Confirm,
    /// End the call.
    HangUp,
}

/// A piece of speech of an alert call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Who calls.
    Welcome,
    /// The campaign's message, as it is now.
    Message,
    /// Which keys do what.
    Menu,
    /// Said before a message that replaces the one that the person was hearing.
    Changed,
    /// The confirmation is taking long to record.
    OneMoment,
    /// Thanks: the confirmation is recorded.
    Confirmed,
    /// Nobody confirmed; the call ends.
    Goodbye,
}

/// What came of the call so far; final once [`Script::is_ended`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nobody answered yet.
    NotAnswered,
    /// The confirming key was pressed.
    Confirmed,
    /// The current message was heard whole at least once, and not confirmed.
    Heard,
    /// Answered, but the call ended before the current message was heard whole.
    HungUpEarly,
    /// An answering machine; nothing was left on it.
    Machine,
    /// An answering machine; the message was left whole on it.
    MessageLeft,
}

/// Where the call stands. Each variant names what [`Input::PromptEnded`] or the timer leads on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not answered yet.
    Dialling,
    /// Saying the message.
    Message,
    /// Saying which keys do what.
    Menu,
    /// Silent, waiting for a key until the deadline.
    Waiting { until: Instant },
    /// The key was pressed; the confirmation is not durable yet.
    Confirming { one_moment: Option<Instant> },
    /// Saying thanks.
    Thanks,
    /// Saying goodbye to somebody who did not confirm.
    Goodbye,
    /// An answering machine: waiting for its beep.
    Beep { until: Instant },
    /// Leaving the message on an answering machine.
    Leaving,
    /// Nothing more will be done.
    Ended,
}

/// The script of an alert call.
///
/// ```text
/// Dialling ─answered→ Message ─ended→ Menu ─ended→ Waiting ─timeout→ Message (repeats) … → Goodbye → Ended
///              key 1 anywhere there → Confirming ─durable→ Thanks ─ended→ Ended
///              key 2 anywhere there → Message;   machine → Ended, or Beep → Leaving → Ended
/// ```
#[derive(Debug)]
pub struct Script {
    settings: Settings,
    state: State,
    actions: VecDeque<Action>,
    outcome: Outcome,
    /// The whole call ends then.
    limit: Option<Instant>,
    repeated: u8,
    replayed: u8,
    wrong_keys: u8,
    /// A key that the menu offers was pressed, so a person is on the line whatever the detector says.
    is_person: bool,
    has_beeped: bool,
    /// The latest `Play` neither ended nor was stopped.
    is_speaking: bool,
}

/// Wrong keys after which the menu is no longer said again for one: a fax or a child must not hold a line.
const WRONG_KEYS: u8 = 3;

impl Script {
    /// A script for one call that is being placed.
    pub fn new(settings: Settings) -> Script {
        Script {
            settings,
            state: State::Dialling,
            actions: VecDeque::with_capacity(4),
            outcome: Outcome::NotAnswered,
            limit: None,
            repeated: 0,
            replayed: 0,
            wrong_keys: 0,
            is_person: false,
            has_beeped: false,
            is_speaking: false,
        }
    }

    /// Takes what happened. Inputs that mean nothing in the present state are ignored.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match (self.state, input) {
            (State::Ended, _) => {}
            (_, Input::HungUp) => self.end_by_peer(),
            (State::Dialling, Input::Answered) => {
                self.outcome = Outcome::HungUpEarly;
                self.limit = Some(now + self.settings.max_duration);
                self.say(State::Message, vec![Prompt::Welcome, Prompt::Message]);
            }
            (State::Dialling, _) | (_, Input::Answered) => {}
            (State::Confirming { .. }, Input::ConfirmationDurable) => {
                self.stop_if_speaking();
                self.say(State::Thanks, vec![Prompt::Confirmed]);
            }
            (_, Input::ConfirmationDurable) => {}
            (_, Input::Key(key)) => self.handle_key(now, key),
            (_, Input::PromptEnded) => self.handle_prompt_ended(now),
            (_, Input::Machine) => self.handle_machine(now),
            (_, Input::Fax) => self.handle_fax(),
            (State::Beep { .. }, Input::Beep) => self.leave_message(),
            (_, Input::Beep) => self.has_beeped = true,
            (_, Input::MessageChanged) => self.handle_message_changed(now),
        }
    }

    /// The next thing to do, if any.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Script::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let step = match self.state {
            State::Ended => return None,
            State::Waiting { until } | State::Beep { until } => Some(until),
            State::Confirming { one_moment } => one_moment,
            _ => None,
        };
        [step, self.limit].into_iter().flatten().min()
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
        match self.state {
            State::Waiting { until } if until <= now => {
                if self.repeated < self.settings.repeats {
                    self.repeated += 1;
                    self.say(State::Message, vec![Prompt::Message]);
                } else {
                    self.say(State::Goodbye, vec![Prompt::Goodbye]);
                }
            }
            State::Beep { until } if until <= now => self.leave_message(),
            State::Confirming { one_moment: Some(at) } if at <= now => {
                self.say(State::Confirming { one_moment: None }, vec![Prompt::OneMoment]);
            }
            _ => {}
        }
    }

    /// What came of the call so far.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// True once the script has nothing more to do on the call.
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    fn handle_key(&mut self, now: Instant, key: char) {
        match self.state {
            State::Message | State::Menu | State::Waiting { .. } | State::Goodbye => {}
            _ => return,
        }
        if key == self.settings.confirm_key {
            self.is_person = true;
            self.stop_if_speaking();
            self.outcome = Outcome::Confirmed;
            self.actions.push_back(Action::Confirm);
            self.state = State::Confirming {
                one_moment: Some(now + self.settings.patience),
            };
        } else if key == self.settings.replay_key {
            self.is_person = true;
            self.stop_if_speaking();
            if self.replayed < self.settings.replays {
                self.replayed += 1;
                self.say(State::Message, vec![Prompt::Message]);
            } else {
                self.say(State::Menu, vec![Prompt::Menu]);
            }
        } else if matches!(self.state, State::Waiting { .. }) && self.wrong_keys < WRONG_KEYS {
            self.wrong_keys += 1;
            self.say(State::Menu, vec![Prompt::Menu]);
        }
    }

    fn handle_prompt_ended(&mut self, now: Instant) {
        if !self.is_speaking {
            return;
        }
        self.is_speaking = false;
        match self.state {
            State::Message => {
                self.outcome = Outcome::Heard;
                self.say(State::Menu, vec![Prompt::Menu]);
            }
            State::Menu => {
                self.state = State::Waiting {
                    until: now + self.settings.menu_timeout,
                }
            }
            State::Leaving => {
                self.outcome = Outcome::MessageLeft;
                self.hang_up();
            }
            State::Thanks | State::Goodbye => self.hang_up(),
            State::Dialling | State::Waiting { .. } | State::Confirming { .. } | State::Beep { .. } | State::Ended => {}
        }
    }

    fn handle_machine(&mut self, now: Instant) {
        let listening = matches!(
            self.state,
            State::Message | State::Menu | State::Waiting { .. } | State::Goodbye
        );
        if !listening || self.is_person {
            return;
        }
        match self.settings.machine {
            MachinePolicy::Ignore => {}
            MachinePolicy::HangUp => {
                self.stop_if_speaking();
                self.outcome = Outcome::Machine;
                self.hang_up();
            }
            MachinePolicy::LeaveMessage => {
                self.stop_if_speaking();
                self.outcome = Outcome::Machine;
                if self.has_beeped {
                    self.leave_message();
                } else {
                    self.state = State::Beep {
                        until: now + self.settings.beep_timeout,
                    };
                }
            }
        }
    }

    fn handle_fax(&mut self) {
        let undecided = !matches!(self.state, State::Confirming { .. } | State::Thanks | State::Ended);
        if undecided && !self.is_person {
            self.stop_if_speaking();
            self.outcome = Outcome::Machine;
            self.hang_up();
        }
    }

    fn handle_message_changed(&mut self, now: Instant) {
        match self.state {
            State::Message | State::Menu | State::Waiting { .. } | State::Goodbye => {
                self.stop_if_speaking();
                self.outcome = Outcome::HungUpEarly;
                self.repeated = 0;
                self.limit = Some(now + self.settings.max_duration);
                self.say(State::Message, vec![Prompt::Changed, Prompt::Message]);
            }
            State::Leaving => {
                self.stop_if_speaking();
                self.limit = Some(now + self.settings.max_duration);
                self.say(State::Leaving, vec![Prompt::Changed, Prompt::Message]);
            }
            // Before the message, the new one is simply what will be said. After the key, what was confirmed stands,
            // and the campaign's policy decides whether the person is called again.
            State::Dialling | State::Beep { .. } | State::Confirming { .. } | State::Thanks | State::Ended => {}
        }
    }

    fn leave_message(&mut self) {
        self.say(State::Leaving, vec![Prompt::Welcome, Prompt::Message]);
    }

    fn say(&mut self, state: State, prompts: Vec<Prompt>) {
        self.state = state;
        self.is_speaking = true;
        self.actions.push_back(Action::Play(prompts));
    }

    fn stop_if_speaking(&mut self) {
        if std::mem::take(&mut self.is_speaking) {
            self.actions.push_back(Action::Stop);
        }
    }

    fn hang_up(&mut self) {
        self.state = State::Ended;
        self.actions.push_back(Action::HangUp);
    }

    /// The line is gone: there is nobody to speak to, yet a confirmation not handed out still has to be recorded.
    fn end_by_peer(&mut self) {
        self.state = State::Ended;
        self.is_speaking = false;
        self.actions.retain(|action| *action == Action::Confirm);
    }
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
