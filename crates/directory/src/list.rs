use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{RecipientId, Selection};

/// The lasting identity of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListId(pub u64);

impl ListId {
    /// The global alert list: everybody. It always exists and is the default (R22).
    pub const GLOBAL: ListId = ListId(0);
}

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A distribution list. There is no limit to their number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct List {
    /// Given by the store when the list is created.
    pub id: ListId,
    /// Its name; no two lists have the same.
    pub name: String,
    /// Who is in it.
    pub content: Content,
}

/// Who is in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// These recipients.
    Static(Vec<RecipientId>),
    /// Whoever the selection chooses at the moment of use.
    Live(Selection),
}

impl List {
    /// The global alert list.
    pub fn global() -> List {
        List {
            id: ListId::GLOBAL,
            name: "Liste d'alerte globale".into(),
            content: Content::Live(Selection::All),
        }
    }
}
