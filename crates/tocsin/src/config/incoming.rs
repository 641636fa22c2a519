//! `[incoming]`: who may call, and what the numbers that can be called lead to.

use std::time::Duration;

use directory::E164;

use super::reader::Section;
use super::secret::Secret;
use super::{LONGEST_PERIOD, Mistake, Trunk};
use crate::words::Phrase;

/// Calls from outside.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Numbers under which campaigns are launched by telephone, as [`called`] writes them.
    pub launch: Vec<String>,
    /// Numbers that people ring back, as [`called`] writes them; those that the trunks show unless told otherwise.
    pub call_back: Vec<String>,
    /// How long after its end a campaign's message is still heard by those who ring back.
    pub call_back_for: Duration,
    /// Most calls from outside at once.
    pub channels: usize,
    /// Longest message that is recorded by telephone.
    pub longest_recording: Duration,
    /// Telephones that may call from any address with a password.
    pub accounts: Vec<Account>,
}

/// A telephone that calls with a password (digest authentication).
#[derive(Debug, Clone)]
pub struct Account {
    /// User name.
    pub user: String,
    /// Password.
    pub password: Secret,
}

/// A called number in the one form in which it is compared: international if it is a telephone number, else as it is
/// (short numbers, names).
pub fn called(user: &str) -> String {
    E164::parse(user).map_or_else(|_| user.trim().to_owned(), E164::international)
}

pub(super) fn read(section: &mut Section<'_, '_>) -> Incoming {
    let launch = numbers(section, "launch").unwrap_or_default();
    let has_call_back = section.has("call_back");
    let call_back = numbers(section, "call_back").unwrap_or_default();
    let call_back_for = section
        .duration("call_back_for", Duration::ZERO..LONGEST_PERIOD * 31)
        .unwrap_or(Duration::from_secs(86_400));
    let channels = section.integer("channels", 1..10_001).unwrap_or(30) as usize;
    let longest_recording = section
        .duration("longest_recording", Duration::from_secs(5)..Duration::from_secs(1_800))
        .unwrap_or(Duration::from_secs(180));
    let accounts = section.tables("account", read_account);
    if let Some(both) = call_back.iter().find(|number| launch.contains(number)) {
        let reason = Phrase::new("config-conflict-incoming").with("number", both.clone());
        section.blame(None, Mistake::Conflict(reason));
    }
    Incoming {
        launch,
        call_back: if has_call_back {
            call_back
        } else {
            vec![SHOWN.to_owned()]
        },
        call_back_for,
        channels,
        longest_recording,
        accounts,
    }
}

/// Stands for the numbers that the trunks show, until the trunks are read. No number that is called has a space.
const SHOWN: &str = "the trunks' callers";

impl Incoming {
    /// The trunks are read: what they show can be rung back unless the file says otherwise.
    pub(super) fn take_shown(&mut self, trunks: &[Trunk]) {
        if self.call_back.first().is_some_and(|first| first == SHOWN) {
            let shown = trunks.iter().flat_map(|trunk| &trunk.callers);
            self.call_back = shown.map(|number| number.international()).collect();
            self.call_back.retain(|number| !self.launch.contains(number));
        }
    }
}

fn numbers(section: &mut Section<'_, '_>, key: &'static str) -> Option<Vec<String>> {
    let mut numbers = Vec::new();
    for (text, span) in section.texts(key)? {
        let number = called(&text);
        if number.is_empty() || number.contains(|c: char| c.is_whitespace() || c.is_control()) {
            section.refuse(key, span, text, Phrase::new("config-expected-called"));
        } else if numbers.contains(&number) {
            section.refuse(key, span, text, Phrase::new("config-named-twice"));
        } else {
            numbers.push(number);
        }
    }
    Some(numbers)
}

fn read_account(section: &mut Section<'_, '_>) -> Option<Account> {
    let user = section.text("user");
    let password = section.secret(["password", "password_file", "password_env"]);
    if user.is_none() {
        section.missing("user", "config-purpose-account-user");
    }
    let asked = ["password", "password_file", "password_env"]
        .iter()
        .any(|key| section.has(key));
    if password.is_none() && !asked {
        section.missing("password", "config-purpose-password");
    }
    Some(Account {
        user: user?,
        password: password?,
    })
}
