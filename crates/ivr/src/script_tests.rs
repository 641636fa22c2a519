use super::*;
use Prompt::{Changed, Confirmed, Goodbye, Menu, Message, OneMoment, Welcome};

/// A call driven by hand: time is a number of seconds since the answer.
struct Call {
    script: Script,
    start: Instant,
    seconds: f64,
}

impl Call {
    fn new(settings: Settings) -> Call {
        Call {
            script: Script::new(settings),
            start: Instant::now(),
            seconds: 0.0,
        }
    }

    fn answered(settings: Settings) -> Call {
        let mut call = Call::new(settings);
        assert_eq!(call.input(Input::Answered), [play(&[Welcome, Message])]);
        call
    }

    fn input(&mut self, input: Input) -> Vec<Action> {
        let now = self.now();
        self.script.handle(now, input);
        self.actions()
    }

    fn key(&mut self, key: char) -> Vec<Action> {
        self.input(Input::Key(key))
    }

    fn ended(&mut self) -> Vec<Action> {
        self.input(Input::PromptEnded)
    }

    /// Lets time pass, waking the script whenever it asked for.
    fn after(&mut self, seconds: f64) -> Vec<Action> {
        let end = self.seconds + seconds;
        let mut actions = Vec::new();
        while let Some(at) = self.script.poll_timeout() {
            let at = at.duration_since(self.start).as_secs_f64();
            if at > end {
                break;
            }
            self.seconds = self.seconds.max(at);
            let now = self.start + Duration::from_secs_f64(self.seconds);
            let before = self.script.poll_timeout();
            self.script.handle_timeout(now.max(before.unwrap_or(now)));
            actions.extend(self.actions());
        }
        self.seconds = end;
        actions
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_secs_f64(self.seconds)
    }

    fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.script.poll_action()).collect()
    }

    fn outcome(&self) -> Outcome {
        self.script.outcome()
    }
}

fn play(prompts: &[Prompt]) -> Action {
    Action::Play(prompts.to_vec())
}

fn settings() -> Settings {
    Settings {
        repeats: 1,
        replays: 2,
        ..Settings::default()
    }
}

#[test]
fn a_person_listens_then_confirms_and_is_thanked_once_it_is_durable() {
    let mut call = Call::answered(settings());
    assert_eq!(call.outcome(), Outcome::HungUpEarly);
    assert_eq!(call.ended(), [play(&[Menu])]);
    assert_eq!(call.outcome(), Outcome::Heard);
    assert_eq!(call.ended(), []);
    assert_eq!(call.key('1'), [Action::Confirm]);
    assert_eq!(call.outcome(), Outcome::Confirmed);
    assert_eq!(call.after(1.0), [], "no thanks before the journal has it");
    assert_eq!(call.input(Input::ConfirmationDurable), [play(&[Confirmed])]);
    assert_eq!(call.ended(), [Action::HangUp]);
    assert!(call.script.is_ended());
    assert_eq!(call.input(Input::HungUp), []);
    assert_eq!(call.outcome(), Outcome::Confirmed);
    assert_eq!(call.script.poll_timeout(), None);
}

#[test]
fn the_confirming_key_is_taken_wherever_the_menu_is_on_offer() {
    type Lead = fn(&mut Call);
    let cases: [(&str, Lead, bool); 4] = [
        ("message", |_| {}, true),
        ("menu", |call| drop(call.ended()), true),
        (
            "waiting",
            |call| {
                call.ended();
                call.ended();
            },
            false,
        ),
        (
            "goodbye",
            |call| {
                for _ in 0..2 {
                    call.ended();
                    call.ended();
                    call.after(10.0);
                }
                assert_eq!(call.script.state, State::Goodbye);
            },
            true,
        ),
    ];
    for (name, lead, speaking) in cases {
        let mut call = Call::answered(settings());
        lead(&mut call);
        let expected = if speaking {
            vec![Action::Stop, Action::Confirm]
        } else {
            vec![Action::Confirm]
        };
        assert_eq!(call.key('1'), expected, "{name}");
        assert_eq!(call.outcome(), Outcome::Confirmed, "{name}");
    }
}

#[test]
fn nobody_presses_a_key_so_the_message_is_repeated_then_the_call_ends() {
    let mut call = Call::answered(settings());
    call.ended();
    call.ended();
    assert_eq!(call.after(5.9), []);
    assert_eq!(call.after(0.1), [play(&[Message])]);
    assert_eq!(call.ended(), [play(&[Menu])]);
    assert_eq!(call.ended(), []);
    assert_eq!(call.after(6.0), [play(&[Goodbye])]);
    assert_eq!(call.ended(), [Action::HangUp]);
    assert_eq!(call.outcome(), Outcome::Heard);
}

#[test]
fn key_two_says_the_message_again_until_its_limit() {
    let mut call = Call::answered(settings());
    assert_eq!(call.key('2'), [Action::Stop, play(&[Message])]);
    assert_eq!(call.ended(), [play(&[Menu])]);
    assert_eq!(call.key('2'), [Action::Stop, play(&[Message])]);
    call.ended();
    call.ended();
    assert_eq!(call.key('2'), [play(&[Menu])], "beyond the limit only the menu is said");
    assert_eq!(call.key('1'), [Action::Stop, Action::Confirm]);
}

#[test]
fn a_replay_asked_for_does_not_use_up_the_repeats() {
    let mut call = Call::answered(settings());
    call.key('2');
    call.ended();
    call.ended();
    assert_eq!(call.after(6.0), [play(&[Message])]);
}

#[test]
fn wrong_keys_bring_the_menu_back_three_times_and_then_nothing() {
    let mut call = Call::answered(settings());
    assert_eq!(call.key('5'), [], "the message goes on");
    call.ended();
    assert_eq!(call.key('#'), [], "the menu goes on");
    call.ended();
    for _ in 0..3 {
        assert_eq!(call.key('9'), [play(&[Menu])]);
        call.ended();
    }
    let deadline = call.script.poll_timeout();
    assert_eq!(call.key('9'), []);
    assert_eq!(
        call.script.poll_timeout(),
        deadline,
        "a stuck key does not hold the line"
    );
    assert_eq!(call.outcome(), Outcome::Heard);
}

#[test]
fn keys_are_the_campaigns_own() {
    let mut call = Call::answered(Settings {
        confirm_key: '#',
        replay_key: '*',
        ..settings()
    });
    assert_eq!(call.key('1'), []);
    assert_eq!(call.key('*'), [Action::Stop, play(&[Message])]);
    assert_eq!(call.key('#'), [Action::Stop, Action::Confirm]);
}

#[test]
fn the_confirming_key_pressed_again_confirms_once() {
    let mut call = Call::answered(settings());
    assert_eq!(call.key('1'), [Action::Stop, Action::Confirm]);
    assert_eq!(call.key('1'), []);
    assert_eq!(call.key('2'), [], "nor can it be taken back");
    call.input(Input::ConfirmationDurable);
    assert_eq!(call.key('1'), []);
    assert_eq!(call.input(Input::ConfirmationDurable), [], "thanked once");
    assert_eq!(call.ended(), [Action::HangUp]);
}

#[test]
fn hanging_up_at_each_moment_gives_its_outcome() {
    type Lead = fn(&mut Call);
    let cases: [(&str, Lead, Outcome); 8] = [
        ("message", |_| {}, Outcome::HungUpEarly),
        ("menu", |c| drop(c.ended()), Outcome::Heard),
        (
            "waiting",
            |c| {
                c.ended();
                c.ended();
            },
            Outcome::Heard,
        ),
        (
            "second hearing",
            |c| {
                c.ended();
                c.key('2');
            },
            Outcome::Heard,
        ),
        ("confirming", |c| drop(c.key('1')), Outcome::Confirmed),
        (
            "thanks",
            |c| {
                c.key('1');
                c.input(Input::ConfirmationDurable);
            },
            Outcome::Confirmed,
        ),
        (
            "machine waiting for the beep",
            |c| drop(c.input(Input::Machine)),
            Outcome::Machine,
        ),
        (
            "machine being left the message",
            |c| {
                c.input(Input::Machine);
                c.input(Input::Beep);
            },
            Outcome::Machine,
        ),
    ];
    for (name, lead, expected) in cases {
        let mut call = Call::answered(Settings {
            machine: MachinePolicy::LeaveMessage,
            ..settings()
        });
        lead(&mut call);
        assert_eq!(call.input(Input::HungUp), [], "{name}");
        assert_eq!(call.outcome(), expected, "{name}");
        assert!(call.script.is_ended(), "{name}");
        assert_eq!(call.script.poll_timeout(), None, "{name}");
        for input in [
            Input::Key('1'),
            Input::PromptEnded,
            Input::ConfirmationDurable,
            Input::Machine,
        ] {
            assert_eq!(call.input(input), [], "{name}: {input:?} after the end");
        }
        assert_eq!(call.outcome(), expected, "{name}");
    }
}

#[test]
fn hanging_up_before_the_answer_is_not_an_answer() {
    let mut call = Call::new(settings());
    assert_eq!(call.key('1'), []);
    assert_eq!(call.input(Input::MessageChanged), []);
    assert_eq!(call.script.poll_timeout(), None);
    call.input(Input::HungUp);
    assert_eq!(call.outcome(), Outcome::NotAnswered);
}

#[test]
fn a_confirmation_not_yet_handed_out_survives_the_hang_up() {
    let mut call = Call::answered(settings());
    let now = call.now();
    call.script.handle(now, Input::Key('1'));
    call.script.handle(now, Input::HungUp);
    assert_eq!(call.actions(), [Action::Confirm]);
    assert_eq!(call.outcome(), Outcome::Confirmed);
}

#[test]
fn a_late_journal_makes_the_person_wait_but_never_thanks_early() {
    let mut call = Call::answered(settings());
    call.key('1');
    assert_eq!(call.after(2.0), [play(&[OneMoment])]);
    assert_eq!(call.ended(), []);
    assert_eq!(call.after(60.0), [], "said once");
    assert_eq!(call.input(Input::ConfirmationDurable), [play(&[Confirmed])]);

    let mut call = Call::answered(settings());
    call.key('1');
    call.after(2.0);
    assert_eq!(
        call.input(Input::ConfirmationDurable),
        [Action::Stop, play(&[Confirmed])]
    );
    assert_eq!(call.ended(), [Action::HangUp]);
}

#[test]
fn a_journal_that_never_answers_ends_the_call_at_its_longest_without_thanks() {
    let mut call = Call::answered(settings());
    call.key('1');
    assert_eq!(call.after(300.0), [play(&[OneMoment]), Action::Stop, Action::HangUp]);
    assert_eq!(call.outcome(), Outcome::Confirmed);
}

#[test]
fn machines_are_hung_up_on() {
    let mut call = Call::answered(settings());
    assert_eq!(call.input(Input::Machine), [Action::Stop, Action::HangUp]);
    assert_eq!(call.outcome(), Outcome::Machine);
}

#[test]
fn machines_get_the_message_after_the_beep_and_never_confirm() {
    let mut call = Call::answered(Settings {
        machine: MachinePolicy::LeaveMessage,
        ..settings()
    });
    assert_eq!(call.input(Input::Machine), [Action::Stop]);
    assert_eq!(call.key('1'), [], "a tone of the machine is no confirmation");
    assert_eq!(call.after(4.0), []);
    assert_eq!(call.input(Input::Beep), [play(&[Welcome, Message])]);
    assert_eq!(call.key('1'), []);
    assert_eq!(call.outcome(), Outcome::Machine);
    assert_eq!(call.ended(), [Action::HangUp]);
    assert_eq!(call.outcome(), Outcome::MessageLeft);
}

#[test]
fn a_fax_ends_the_call_whatever_the_policy_unless_a_person_is_there() {
    for machine in [
        MachinePolicy::Ignore,
        MachinePolicy::HangUp,
        MachinePolicy::LeaveMessage,
    ] {
        let mut call = Call::answered(Settings { machine, ..settings() });
        assert_eq!(call.input(Input::Fax), [Action::Stop, Action::HangUp], "{machine:?}");
        assert_eq!(call.outcome(), Outcome::Machine);
    }
    let mut call = Call::answered(settings());
    call.key('1');
    assert_eq!(call.input(Input::Fax), [], "a key was pressed");
    assert_eq!(call.outcome(), Outcome::Confirmed);
}

#[test]
fn a_machine_without_a_beep_gets_the_message_after_a_while() {
    let mut call = Call::answered(Settings {
        machine: MachinePolicy::LeaveMessage,
        ..settings()
    });
    call.input(Input::Machine);
    assert_eq!(call.after(29.9), []);
    assert_eq!(call.after(0.1), [play(&[Welcome, Message])]);
}

#[test]
fn a_beep_heard_before_the_verdict_counts() {
    let mut call = Call::answered(Settings {
        machine: MachinePolicy::LeaveMessage,
        ..settings()
    });
    assert_eq!(call.input(Input::Beep), [], "a beep alone is not a verdict");
    assert_eq!(call.input(Input::Machine), [Action::Stop, play(&[Welcome, Message])]);
}

#[test]
fn a_verdict_is_not_believed_after_a_key_or_by_policy() {
    let mut call = Call::answered(settings());
    call.key('2');
    assert_eq!(call.input(Input::Machine), []);
    let mut call = Call::answered(Settings {
        machine: MachinePolicy::Ignore,
        ..settings()
    });
    assert_eq!(call.input(Input::Machine), []);
    assert_eq!(call.key('1'), [Action::Stop, Action::Confirm]);
}

#[test]
fn a_changed_message_starts_again_from_the_new_one() {
    let mut call = Call::answered(settings());
    assert_eq!(
        call.input(Input::MessageChanged),
        [Action::Stop, play(&[Changed, Message])]
    );
    call.ended();
    call.ended();
    assert_eq!(call.outcome(), Outcome::Heard);
    assert_eq!(call.input(Input::MessageChanged), [play(&[Changed, Message])]);
    assert_eq!(call.outcome(), Outcome::HungUpEarly, "the new message was not heard");
    assert_eq!(call.ended(), [play(&[Menu])]);
    assert_eq!(call.key('1'), [Action::Stop, Action::Confirm]);
}

#[test]
fn a_changed_message_gives_the_call_its_full_time_again() {
    let mut call = Call::answered(settings());
    call.after(299.0);
    call.input(Input::MessageChanged);
    assert_eq!(call.after(299.0), []);
    assert_eq!(call.after(1.0), [Action::Stop, Action::HangUp]);
}

#[test]
fn a_message_changed_after_the_key_leaves_the_confirmation_standing() {
    let mut call = Call::answered(settings());
    call.key('1');
    assert_eq!(call.input(Input::MessageChanged), []);
    call.input(Input::ConfirmationDurable);
    assert_eq!(call.input(Input::MessageChanged), []);
    assert_eq!(call.outcome(), Outcome::Confirmed);
}

#[test]
fn a_message_changed_while_it_is_left_on_a_machine_is_left_anew() {
    let mut call = Call::answered(Settings {
        machine: MachinePolicy::LeaveMessage,
        ..settings()
    });
    call.input(Input::Machine);
    assert_eq!(call.input(Input::MessageChanged), []);
    call.input(Input::Beep);
    assert_eq!(
        call.input(Input::MessageChanged),
        [Action::Stop, play(&[Changed, Message])]
    );
    assert_eq!(call.ended(), [Action::HangUp]);
    assert_eq!(call.outcome(), Outcome::MessageLeft);
}

#[test]
fn no_call_lasts_longer_than_its_limit() {
    let mut call = Call::answered(Settings {
        max_duration: Duration::from_secs(20),
        ..settings()
    });
    call.ended();
    assert_eq!(call.after(20.0), [Action::Stop, Action::HangUp]);
    assert_eq!(call.outcome(), Outcome::Heard);
}

#[test]
fn a_stray_prompt_end_moves_nothing() {
    let mut call = Call::answered(settings());
    call.ended();
    call.ended();
    assert_eq!(call.ended(), []);
    call.key('1');
    assert_eq!(call.ended(), []);
    assert_eq!(call.input(Input::ConfirmationDurable), [play(&[Confirmed])]);
}

#[test]
fn settings_are_read_with_their_missing_fields_defaulted() {
    let settings: Settings = serde_json::from_str(r##"{"repeats":4,"confirm_key":"#"}"##).unwrap();
    assert_eq!(
        settings,
        Settings {
            repeats: 4,
            confirm_key: '#',
            ..Settings::default()
        }
    );
}
