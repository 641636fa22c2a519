use super::*;
use LaunchPrompt::*;

/// A call driven by hand.
struct Call {
    script: PhoneLaunch,
    now: Instant,
}

const MESSAGES: [Choice; 2] = [Choice { number: 1, id: 101 }, Choice { number: 12, id: 112 }];
const LISTS: [Choice; 2] = [Choice { number: 0, id: 0 }, Choice { number: 7, id: 70 }];
const LAUNCH: Launch = Launch { message: 112, list: 70 };

impl Call {
    fn answered() -> Call {
        let mut call = Call {
            script: PhoneLaunch::new(LaunchSettings::default()),
            now: Instant::now(),
        };
        assert_eq!(call.input(LaunchInput::Answered), [LaunchAction::Play(vec![AskCode])]);
        call
    }

    /// A call whose code was accepted.
    fn admitted() -> Call {
        let mut call = Call::answered();
        assert_eq!(call.keys("80#"), [LaunchAction::Stop, LaunchAction::Play(vec![AskPin])]);
        assert_eq!(call.keys("4711#"), [LaunchAction::Stop, check("80", "4711")]);
        assert_eq!(call.accept(), [ask_message()]);
        call
    }

    /// The same while a campaign is under way.
    fn admitted_in_an_alert(campaigns: &[Choice]) -> Call {
        let mut call = Call::answered();
        call.keys("80#4711#");
        call.input(LaunchInput::PinAccepted {
            messages: MESSAGES.into(),
            lists: LISTS.into(),
            campaigns: campaigns.into(),
        });
        call
    }

    /// A call that is reading back what would be launched.
    fn reading_back() -> Call {
        let mut call = Call::admitted();
        call.keys("12#");
        assert_eq!(call.keys("7#"), [LaunchAction::Stop, read_back(LAUNCH)]);
        call
    }

    fn input(&mut self, input: LaunchInput) -> Vec<LaunchAction> {
        self.script.handle(self.now, input);
        self.actions()
    }

    fn accept(&mut self) -> Vec<LaunchAction> {
        self.input(LaunchInput::PinAccepted {
            messages: MESSAGES.into(),
            lists: LISTS.into(),
            campaigns: Vec::new(),
        })
    }

    fn keys(&mut self, keys: &str) -> Vec<LaunchAction> {
        keys.chars().flat_map(|key| self.input(LaunchInput::Key(key))).collect()
    }

    /// The prompt ends and nobody presses a key for this long.
    fn silence(&mut self, seconds: u64) -> Vec<LaunchAction> {
        self.input(LaunchInput::PromptEnded);
        self.now += Duration::from_secs(seconds);
        self.script.handle_timeout(self.now);
        self.actions()
    }

    fn actions(&mut self) -> Vec<LaunchAction> {
        std::iter::from_fn(|| self.script.poll_action()).collect()
    }
}

fn check(code: &str, pin: &str) -> LaunchAction {
    LaunchAction::CheckPin {
        code: Pin(code.into()),
        pin: Pin(pin.into()),
    }
}

fn ask_message() -> LaunchAction {
    LaunchAction::Play(vec![AskMessage, MessageChoice(MESSAGES[0]), MessageChoice(MESSAGES[1])])
}

fn read_back(launch: Launch) -> LaunchAction {
    LaunchAction::Play(vec![
        ReadBackMessage(launch.message),
        ReadBackList(launch.list),
        LaunchMenu,
    ])
}

#[test]
fn an_authorised_person_launches_with_a_dozen_keys() {
    let mut call = Call::reading_back();
    assert_eq!(call.script.outcome(), LaunchOutcome::Abandoned);
    assert_eq!(call.keys("1"), [LaunchAction::Stop, LaunchAction::Launch(LAUNCH)]);
    assert_eq!(call.script.outcome(), LaunchOutcome::Launch(LAUNCH));
    assert_eq!(call.keys("1"), [], "launched once");
    assert_eq!(call.input(LaunchInput::Launched), [LaunchAction::Play(vec![Launched])]);
    assert_eq!(call.input(LaunchInput::PromptEnded), [LaunchAction::HangUp]);
    assert!(call.script.is_ended());
    assert_eq!(call.script.poll_timeout(), None);
}

#[test]
fn the_call_ends_after_too_many_wrong_codes() {
    let mut call = Call::answered();
    for _ in 0..2 {
        call.keys("80#0000#");
        assert_eq!(
            call.input(LaunchInput::PinRefused),
            [LaunchAction::Play(vec![WrongPin, AskCode])]
        );
    }
    call.keys("80#0000#");
    assert_eq!(
        call.input(LaunchInput::PinRefused),
        [LaunchAction::Play(vec![TooManyPins])]
    );
    assert_eq!(call.keys("80#4711#"), [], "no more codes are taken");
    assert_eq!(call.input(LaunchInput::PromptEnded), [LaunchAction::HangUp]);
    assert_eq!(call.script.outcome(), LaunchOutcome::PinRefused);
}

#[test]
fn nothing_is_launched_without_a_code() {
    let mut call = Call::answered();
    assert_eq!(call.accept(), [], "no code was asked to be checked");
    call.keys("80#4711#");
    assert_eq!(call.keys("1#12#7#1"), [], "keys before the verdict are lost");
    assert_eq!(call.input(LaunchInput::Launched), []);
    assert_eq!(call.script.outcome(), LaunchOutcome::Abandoned);
}

#[test]
fn silence_completes_a_number_that_was_begun() {
    let mut call = Call::answered();
    call.keys("80#4711");
    call.now += Duration::from_secs(4);
    call.script.handle_timeout(call.now);
    assert_eq!(call.actions(), [check("80", "4711")]);
}

#[test]
fn silence_asks_again_and_at_last_says_goodbye() {
    let mut call = Call::admitted();
    assert_eq!(call.silence(7), []);
    assert_eq!(call.silence(1), [ask_message()]);
    assert_eq!(call.silence(8), [ask_message()]);
    assert_eq!(call.silence(8), [LaunchAction::Play(vec![Goodbye])]);
    assert_eq!(call.input(LaunchInput::PromptEnded), [LaunchAction::HangUp]);
    assert_eq!(call.script.outcome(), LaunchOutcome::Abandoned);
}

#[test]
fn wrong_numbers_are_told_and_a_star_begins_again() {
    let mut call = Call::admitted();
    let LaunchAction::Play(mut prompts) = ask_message() else {
        unreachable!()
    };
    prompts.insert(0, NoSuchNumber);
    assert_eq!(call.keys("5#"), [LaunchAction::Stop, LaunchAction::Play(prompts)]);
    assert_eq!(
        call.keys("99999999999999999999#").last(),
        call.keys("5#").last(),
        "as many digits as one likes"
    );
    assert_eq!(call.keys("1*"), [LaunchAction::Stop, ask_message()]);
    let lists = LaunchAction::Play(vec![AskList, ListChoice(LISTS[0]), ListChoice(LISTS[1])]);
    assert_eq!(call.keys("12#"), [LaunchAction::Stop, lists]);
    call.keys("7#");
    assert_eq!(
        call.keys("*"),
        [LaunchAction::Stop, ask_message()],
        "a star after the read-back chooses anew"
    );
    assert_eq!(
        call.keys("1"),
        [LaunchAction::Stop],
        "and the launch key is a digit again"
    );
}

#[test]
fn hash_alone_takes_the_default_list() {
    let mut call = Call::admitted();
    call.keys("1#");
    assert_eq!(
        call.keys("#"),
        [LaunchAction::Stop, read_back(Launch { message: 101, list: 0 })]
    );
}

#[test]
fn the_message_can_be_heard_before_it_is_launched() {
    let mut call = Call::reading_back();
    assert_eq!(
        call.keys("2"),
        [LaunchAction::Stop, LaunchAction::Play(vec![Message(112), LaunchMenu])]
    );
    assert_eq!(call.keys("9"), [], "other keys do nothing");
    assert_eq!(call.keys("1"), [LaunchAction::Stop, LaunchAction::Launch(LAUNCH)]);
}

#[test]
fn a_refused_launch_is_told() {
    let mut call = Call::reading_back();
    call.keys("1");
    assert_eq!(
        call.input(LaunchInput::LaunchRefused),
        [LaunchAction::Play(vec![LaunchRefused])]
    );
    assert_eq!(call.input(LaunchInput::PromptEnded), [LaunchAction::HangUp]);
    assert_eq!(call.script.outcome(), LaunchOutcome::Refused(LAUNCH));
}

#[test]
fn hanging_up_launches_nothing_unless_the_key_was_pressed() {
    let mut call = Call::reading_back();
    assert_eq!(call.input(LaunchInput::HungUp), []);
    assert_eq!(call.keys("1"), []);
    assert_eq!(call.script.outcome(), LaunchOutcome::Abandoned);

    let mut call = Call::reading_back();
    call.script.handle(call.now, LaunchInput::Key('1'));
    call.script.handle(call.now, LaunchInput::HungUp);
    assert_eq!(call.actions(), [LaunchAction::Launch(LAUNCH)]);
    assert_eq!(call.script.outcome(), LaunchOutcome::Launch(LAUNCH));
}

#[test]
fn no_call_lasts_longer_than_its_limit() {
    let mut call = Call::admitted();
    call.now += Duration::from_secs(900);
    call.script.handle_timeout(call.now);
    assert_eq!(call.actions(), [LaunchAction::Stop, LaunchAction::HangUp]);
}

#[test]
fn a_code_is_not_shown_in_logs() {
    let mut call = Call::answered();
    let actions = call.keys("80#4711#");
    assert!(!format!("{actions:?} {:?}", call.script).contains("4711"));
    let Some(LaunchAction::CheckPin { pin, .. }) = actions.last() else {
        panic!("{actions:?}")
    };
    assert_eq!(pin.digits(), "4711");
}

const CRUE: Choice = Choice { number: 5, id: 5 };
const NEIGE: Choice = Choice { number: 6, id: 6 };
const NEW: Choice = Choice { number: 13, id: 113 };

/// A call on which something was recorded.
fn recorded(mut call: Call) -> Call {
    assert_eq!(
        call.keys("0#"),
        [LaunchAction::Stop, LaunchAction::Play(vec![AskRecording, Tone])]
    );
    let longest = LaunchSettings::default().longest_recording;
    assert_eq!(call.input(LaunchInput::PromptEnded), [LaunchAction::Record(longest)]);
    assert_eq!(call.keys("#"), [LaunchAction::StopRecording]);
    assert_eq!(
        call.input(LaunchInput::Recorded { has_sound: true }),
        [LaunchAction::Play(vec![Recording, ReviewMenu])]
    );
    call
}

#[test]
fn a_message_is_recorded_kept_and_launched() {
    let mut call = recorded(Call::admitted());
    assert_eq!(
        call.keys("2"),
        [LaunchAction::Stop, LaunchAction::Play(vec![Recording, ReviewMenu])]
    );
    assert_eq!(call.keys("1"), [LaunchAction::Stop, LaunchAction::Keep]);
    assert_eq!(call.keys("1"), [], "kept once");
    assert_eq!(
        call.input(LaunchInput::Kept(NEW)),
        [LaunchAction::Play(vec![Kept(NEW), UseMenu { can_change: false }])]
    );
    assert_eq!(call.keys("2"), [], "nothing is under way that could be changed");
    call.keys("1");
    call.keys("7#");
    let launch = Launch { message: 113, list: 70 };
    assert_eq!(call.keys("1"), [LaunchAction::Stop, LaunchAction::Launch(launch)]);
}

#[test]
fn a_recording_can_be_made_again_or_dropped() {
    let mut call = recorded(Call::admitted());
    assert_eq!(
        call.keys("3"),
        [LaunchAction::Stop, LaunchAction::Play(vec![AskRecording, Tone])]
    );
    assert_eq!(call.keys("#"), [LaunchAction::Stop, LaunchAction::Play(vec![Tone])]);
    call.input(LaunchInput::PromptEnded);
    // The recorder may end by itself: silence, or the longest message.
    let LaunchAction::Play(mut prompts) = ask_message() else {
        unreachable!()
    };
    prompts.insert(0, NothingHeard);
    assert_eq!(
        call.input(LaunchInput::Recorded { has_sound: false }),
        [LaunchAction::Play(prompts)]
    );
    let mut call = recorded(call);
    assert_eq!(call.keys("*"), [LaunchAction::Stop, ask_message()]);
    let mut call = recorded(call);
    call.keys("1");
    assert!(matches!(
        &call.input(LaunchInput::KeepRefused)[..],
        [LaunchAction::Play(prompts)] if prompts[0] == KeepRefused
    ));
}

#[test]
fn a_kept_message_need_not_be_used() {
    let mut call = recorded(Call::admitted());
    call.keys("1");
    call.input(LaunchInput::Kept(NEW));
    assert_eq!(call.keys("3"), [LaunchAction::Stop, LaunchAction::Play(vec![Goodbye])]);
    assert_eq!(call.script.outcome(), LaunchOutcome::Abandoned);
}

#[test]
fn the_message_of_the_only_alert_under_way_is_changed() {
    let mut call = Call::admitted_in_an_alert(&[CRUE]);
    assert_eq!(
        call.keys("12#"),
        [
            LaunchAction::Stop,
            LaunchAction::Play(vec![UseMenu { can_change: true }])
        ]
    );
    assert_eq!(
        call.keys("2"),
        [
            LaunchAction::Stop,
            LaunchAction::Play(vec![ReadBackCampaign(5), ReadBackMessage(112), ChangeMenu])
        ]
    );
    let change = Change {
        campaign: 5,
        message: 112,
    };
    assert_eq!(
        call.keys("2"),
        [LaunchAction::Stop, LaunchAction::Play(vec![Message(112), ChangeMenu])]
    );
    assert_eq!(call.keys("1"), [LaunchAction::Stop, LaunchAction::Change(change)]);
    assert_eq!(call.input(LaunchInput::Launched), [LaunchAction::Play(vec![Changed])]);
    assert_eq!(call.script.outcome(), LaunchOutcome::Change(change));
}

#[test]
fn of_several_alerts_one_is_chosen() {
    let mut call = recorded(Call::admitted_in_an_alert(&[CRUE, NEIGE]));
    call.keys("1");
    call.input(LaunchInput::Kept(NEW));
    assert_eq!(
        call.keys("2"),
        [
            LaunchAction::Stop,
            LaunchAction::Play(vec![AskCampaign, CampaignChoice(CRUE), CampaignChoice(NEIGE)])
        ]
    );
    call.keys("9#");
    call.keys("6#");
    let change = Change {
        campaign: 6,
        message: 113,
    };
    assert_eq!(call.keys("1"), [LaunchAction::Stop, LaunchAction::Change(change)]);
    assert_eq!(
        call.input(LaunchInput::LaunchRefused),
        [LaunchAction::Play(vec![ChangeRefused])]
    );
    assert_eq!(call.script.outcome(), LaunchOutcome::ChangeRefused(change));
}
