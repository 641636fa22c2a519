//! People and names of the configuration: who may sign in with which rights, what the house and its console are called.

use std::collections::BTreeSet;
use std::net::IpAddr;

use api::users::Right;

use super::Mistake;
use super::reader::Section;
use super::secret::Secret;
use super::trunk::one_of;
use crate::words::Phrase;

/// A user named in the file.
#[derive(Debug, Clone)]
pub struct User {
    /// Sign-in name.
    pub name: String,
    /// Name for people.
    pub full_name: String,
    /// Groups whose rights it has.
    pub groups: BTreeSet<String>,
    /// Password.
    pub password: Secret,
    /// User code and secret code for launches by telephone: digits.
    pub telephone: Option<(String, Secret)>,
}

/// A group named in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// What its members may do.
    pub rights: BTreeSet<Right>,
}

pub(super) fn read_user(section: &mut Section<'_, '_>) -> Option<User> {
    let name = section.text("name");
    let full_name = section.text("full_name");
    let group = section.text("group");
    let groups = section.texts("groups");
    let password = section.secret(["password", "password_file", "password_env"]);
    if name.is_none() {
        section.missing("name", "config-purpose-user-name");
    }
    let asked = ["password", "password_file", "password_env"];
    if password.is_none() && !asked.iter().any(|key| section.has(key)) {
        section.missing("password", "config-purpose-password");
    }
    if group.is_some() && groups.is_some() {
        section.blame(None, Mistake::Conflict(Phrase::new("config-conflict-groups")));
    }
    let mut groups: BTreeSet<String> = groups
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
        .chain(group)
        .collect();
    if groups.is_empty() {
        groups.insert("administration".to_owned());
    }
    let code = section.text("phone_code");
    let keys = ["phone_pin", "phone_pin_file", "phone_pin_env"];
    let pin = section.secret(keys);
    if code.is_some() != keys.iter().any(|key| section.has(key)) {
        section.blame(None, Mistake::Conflict(Phrase::new("config-conflict-phone-codes")));
    }
    Some(User {
        name: name?,
        full_name: full_name.unwrap_or_default(),
        groups,
        password: password?,
        telephone: code.zip(pin),
    })
}

pub(super) fn read_group(section: &mut Section<'_, '_>) -> Option<Group> {
    let name = section.text("name");
    if name.is_none() {
        section.missing("name", "config-purpose-group-name");
    }
    let mut rights = BTreeSet::new();
    match section.texts("rights") {
        Some(names) => {
            for (name, span) in names {
                match Right::ALL.into_iter().find(|right| right.name() == name) {
                    Some(right) => {
                        rights.insert(right);
                    }
                    None => section.refuse("rights", span, name, one_of(&Right::ALL.map(Right::name).join(", "))),
                }
            }
        }
        None if section.has("rights") => {}
        None => section.missing("rights", "config-purpose-rights"),
    }
    Some(Group { name: name?, rights })
}

/// Host names and addresses for a certificate.
pub(super) fn names(section: &mut Section<'_, '_>) -> Vec<String> {
    let mut names = Vec::new();
    for (name, span) in section.texts("names").unwrap_or_default() {
        if is_host(&name) {
            names.push(name);
        } else {
            section.refuse("names", span, name, Phrase::new("config-expected-host"));
        }
    }
    names
}

/// Whether a certificate can carry it: an address, or a name of letters, digits, dots and dashes (RFC 5280 §4.2.1.6); its
/// first label may be “*”.
fn is_host(name: &str) -> bool {
    let labels = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.parse::<IpAddr>().is_ok() || (labels.len() <= 253 && labels.split('.').all(is_label))
}

/// An IANA time zone.
pub(super) fn time_zone(text: &str) -> Result<String, Phrase> {
    match jiff::tz::TimeZone::get(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Phrase::new("config-expected-time-zone")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_and_addresses() {
        for good in [
            "tocsin.prefecture.example",
            "tocsin",
            "192.0.2.7",
            "2001:db8::7",
            "*.example.net",
            "a-b.c",
        ] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            "https://tocsin",
            "tocsin:8443",
            "préfecture",
            "a..b",
            "-a",
            "a b",
            "[::1]",
            "a.*.b",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
