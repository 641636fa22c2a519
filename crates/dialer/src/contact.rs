//! Who is called: what the dialer needs to know of a recipient, and no more.

use crate::{Command, Gone};
use serde::{Deserialize, Serialize};

pub use directory::{E164, RecipientId};
pub use ivr::Language;

/// A recipient as the dialer needs it. Stays in memory; the journal holds neither numbers nor the id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Contact {
    /// The directory's number for this person.
    pub recipient: RecipientId,
    /// Numbers in the order in which they are tried. The position is the *slot* that the journal records.
    pub numbers: Vec<E164>,
    /// Numbers that texts are sent to, in the order in which they are tried.
    #[serde(default)]
    pub texts: Vec<E164>,
    /// The language in which the message is spoken, if the person chose one.
    pub language: Option<Language>,
    /// The wave of an escalation in which they are called, from 0.
    #[serde(default)]
    pub wave: u8,
}

/// Numbers from here on are no recipients of the directory but places in a campaign whose persons are not known (any more).
const ANONYMOUS: u64 = 1 << 63;
/// The list of members is not there.
const GONE: u64 = 1 << 62;
/// The list of members is not what the record proves.
const ALTERED: u64 = 1 << 61;

pub(crate) fn anonymous(place: usize) -> RecipientId {
    RecipientId(ANONYMOUS | place as u64)
}

pub(crate) fn gone(place: u32) -> RecipientId {
    RecipientId(ANONYMOUS | GONE | u64::from(place))
}

pub(crate) fn altered(place: u32) -> RecipientId {
    RecipientId(ANONYMOUS | ALTERED | u64::from(place))
}

/// Why nobody knows who a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    /// Forgotten in order, and a record says so, or soon will.
    Forgotten,
    /// The list of members is not there.
    Gone,
    /// The list of members is not what the record proves.
    Altered,
}

/// Why nobody knows who this member is; `None` for a recipient of the directory.
pub(crate) fn absence(member: RecipientId) -> Option<Absence> {
    Some(match member.0 {
        number if number & ANONYMOUS == 0 => return None,
        number if number & ALTERED != 0 => Absence::Altered,
        number if number & GONE != 0 => Absence::Gone,
        _ => Absence::Forgotten,
    })
}

/// The place in its campaign, from 0, of a recipient whose person is not known any more because the results have been kept
/// long enough or the person was erased; `None` for those of the directory.
#[must_use]
pub fn anonymous_place(recipient: RecipientId) -> Option<u64> {
    (recipient.0 & ANONYMOUS != 0).then_some(recipient.0 & !(ANONYMOUS | GONE | ALTERED))
}

impl Command {
    /// What campaigns are to be told of changes of the directory. `directory` is as new as the changes.
    #[must_use]
    pub fn renewal(directory: &directory::Directory, changes: &[directory::Change], by: &str) -> Self {
        let mut contacts = Vec::new();
        let mut gone = Vec::new();
        for change in changes {
            match directory.contact(change.recipient) {
                Some(contact) => contacts.push(contact),
                None => gone.push(Gone {
                    recipient: change.recipient,
                    into: change.into.and_then(|into| directory.contact(into)),
                }),
            }
        }
        Self::Renew {
            contacts,
            gone,
            by: by.to_owned(),
        }
    }
}

/// Where contacts are looked up when a campaign is created, extended or restored from the journal.
pub trait Contacts {
    /// The contact of a recipient; `None` if the directory does not know them (any more).
    fn contact(&self, recipient: RecipientId) -> Option<Contact>;
}

impl From<&directory::Recipient> for Contact {
    fn from(recipient: &directory::Recipient) -> Self {
        let numbers = if recipient.unsubscribed {
            &[][..]
        } else {
            &recipient.numbers
        };
        let usable = |is_so: fn(&directory::PhoneNumber) -> bool| {
            numbers
                .iter()
                .filter(|number| is_so(number))
                .map(|number| number.e164)
                .collect()
        };
        Self {
            recipient: recipient.id,
            numbers: usable(|number| number.voice),
            texts: usable(|number| number.sms),
            language: Some(recipient.language),
            wave: 0,
        }
    }
}

impl Contacts for directory::Directory {
    fn contact(&self, recipient: RecipientId) -> Option<Contact> {
        self.recipient(recipient).map(|recipient| Contact::from(&**recipient))
    }
}

impl Contacts for std::collections::HashMap<RecipientId, Contact> {
    fn contact(&self, recipient: RecipientId) -> Option<Contact> {
        self.get(&recipient).cloned()
    }
}
