//! Names of things: campaigns, attempts, messages, trunks, places in the journal.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A campaign: one message sent to one selection of recipients. Numbered from 1 in order of creation.
    CampaignId, u64);
id!(
    /// One call to one number. Numbered from 1 over all campaigns, never used twice, also across restarts.
    AttemptId, u64);
id!(
    /// A message of the library. Numbered from 1.
    MessageId, u64);
id!(
    /// A trunk: its place in [`crate::Settings::trunks`].
    TrunkIndex, u16);
id!(
    /// The place of a record in the journal. The first record is number 0; there are no gaps.
    Sequence, u64);

impl Sequence {
    /// The place right after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The place `count` records further on.
    #[must_use]
    pub fn advanced(self, count: usize) -> Self {
        Self(self.0 + count as u64)
    }
}
