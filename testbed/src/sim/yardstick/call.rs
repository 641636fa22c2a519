//! What comes of one call when nothing but the person called and the call's script take time.

use std::time::{Duration, Instant};

use dialer::{Cause, Policy};
use ivr::{Action, Input, Script};

use super::super::carrier::LONGEST;
use super::super::media::SECONDS;
use super::super::phone::Deed;

/// One call, from its start on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) cause: Cause,
    pub(super) length: Duration,
    /// When the key was pressed.
    pub(super) confirmed: Option<Duration>,
}

/// How long a telephone rings before the carrier says that it has no line for it.
const REFUSES_AFTER: Duration = Duration::from_secs(2);

pub(super) fn call(deed: &Deed, policy: &Policy) -> Call {
    let failed = |cause, length| Call {
        cause,
        length,
        confirmed: None,
    };
    match deed {
        Deed::Refuse { status, rings } => {
            let cause = match status.code() {
                486 => Cause::Busy,
                404 => Cause::Unreachable,
                _ => Cause::Congestion,
            };
            failed(cause, if *rings { REFUSES_AFTER } else { Duration::ZERO })
        }
        Deed::Ignore | Deed::Silence => failed(Cause::NoAnswer, policy.ring_timeout),
        Deed::Answer { after, keys, hangs_up } => {
            let spoken = speak(policy, keys, hangs_up.unwrap_or(LONGEST));
            Call {
                length: *after + spoken.length,
                confirmed: spoken.confirmed.map(|at| *after + at),
                ..spoken
            }
        }
    }
}

/// Plays the call's script from the answer on.
fn speak(policy: &Policy, keys: &[(Duration, char)], hangs_up: Duration) -> Call {
    let start = Instant::now();
    let mut script = Script::new(policy.script());
    let (mut time, mut said, mut confirmed) = (Duration::ZERO, None, None);
    let mut keys = keys.iter().peekable();
    script.handle(start, Input::Answered);
    loop {
        while let Some(action) = script.poll_action() {
            match action {
                Action::Play(prompts) => {
                    let seconds = |prompt| {
                        SECONDS
                            .iter()
                            .find(|(known, _)| *known == prompt)
                            .map_or(0, |(_, s)| *s)
                    };
                    let length: usize = prompts.into_iter().map(seconds).sum();
                    said = Some(time + Duration::from_secs(length as u64));
                }
                Action::Stop => said = None,
                Action::Confirm => {
                    confirmed = Some(time);
                    script.handle(start + time, Input::ConfirmationDurable);
                }
                Action::HangUp => {}
            }
        }
        if script.is_ended() {
            break;
        }
        let timeout = script.poll_timeout().map(|at| at - start);
        let key = keys.peek().map(|(at, _)| *at);
        let next = [Some(hangs_up), key, said, timeout].into_iter().flatten().min();
        time = next.unwrap_or(hangs_up).max(time);
        if key.is_some_and(|at| at <= time) {
            if let Some((_, key)) = keys.next() {
                script.handle(start + time, Input::Key(*key));
            }
        } else if said.is_some_and(|at| at <= time) {
            said = None;
            script.handle(start + time, Input::PromptEnded);
        } else if hangs_up <= time {
            script.handle(start + time, Input::HungUp);
        } else {
            script.handle_timeout(start + time);
        }
    }
    let cause = match script.outcome() {
        ivr::Outcome::Confirmed => Cause::Confirmed,
        ivr::Outcome::Heard => Cause::NotConfirmed,
        ivr::Outcome::NotAnswered | ivr::Outcome::HungUpEarly => Cause::HungUpEarly,
        ivr::Outcome::Machine | ivr::Outcome::MessageLeft => Cause::Machine,
    };
    Call {
        cause,
        length: time,
        confirmed,
    }
}
