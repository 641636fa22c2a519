//! Who is called: what the dialer needs to know of a recipient, and no more.

use serde::{Deserialize, Serialize};

pub use self::local::{E164, RecipientId};
pub use ivr::Language;

/// A recipient as the dialer needs it. Stays in memory; the journal only holds the id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The directory's number for this person.
    pub recipient: RecipientId,
    /// Numbers in the order in which they are tried. The position is the *slot* that the journal records.
    pub numbers: Vec<E164>,
    /// The language in which the message is spoken, if the person chose one.
    pub language: Option<Language>,
}

/// Where contacts are looked up when a campaign is created, extended or restored from the journal.
pub trait Contacts {
    /// The contact of a recipient; `None` if the directory does not know them (any more).
    fn contact(&self, recipient: RecipientId) -> Option<Contact>;
}

impl Contacts for std::collections::HashMap<RecipientId, Contact> {
    fn contact(&self, recipient: RecipientId) -> Option<Contact> {
        self.get(&recipient).cloned()
    }
}

/// Stand-ins until the directory's own types land.
mod local {
    use serde::{Deserialize, Serialize};

    /// A recipient's number in the directory.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub struct RecipientId(pub u64);

    /// A telephone number in international form (ITU-T E.164), digits only.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub struct E164(pub u64);

    impl E164 {
        /// Reads "+33…".
        pub fn parse(text: &str) -> Result<Self, std::num::ParseIntError> {
            text.trim_start_matches('+').parse().map(Self)
        }

        /// The digits without "+".
        pub fn digits(self) -> String {
            self.0.to_string()
        }
    }

    impl std::fmt::Display for E164 {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "+{}", self.0)
        }
    }
}
