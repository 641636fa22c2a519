use serde::{Deserialize, Serialize};

use crate::{Insee, ListId, Position, RecipientId};

/// Who is meant: criteria over any field, with and, or, not, and zones. Evaluated by
/// [`Directory::select`](crate::Directory::select).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Everybody.
    All,
    /// Those whom every part chooses; everybody when there is no part.
    And(Vec<Selection>),
    /// Those whom at least one part chooses; nobody when there is no part.
    Or(Vec<Selection>),
    /// Those whom the part does not choose.
    Not(Box<Selection>),
    /// Those whose field passes the test.
    Field {
        /// Where to look.
        field: Field,
        /// What to find there.
        test: Test,
    },
    /// Those whose commune lies in the zone.
    Zone(Zone),
    /// Those in another list.
    List(ListId),
    /// These.
    Recipients(Vec<RecipientId>),
}

/// A field of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Key of the operator's files.
    Key,
    /// Family name.
    Name,
    /// First name.
    FirstName,
    /// Function.
    Function,
    /// Domain.
    Domain,
    /// Name of the commune.
    Commune,
    /// Any of the numbers.
    Number,
    /// Kind of any of the numbers: `landline`, `mobile`, `foreign`.
    Kind,
    /// What any of the numbers is used for: `voice`, `sms`.
    Use,
    /// E-mail address.
    Email,
    /// Language code.
    Language,
    /// Any of the groups.
    Group,
}

/// A test of a field. Texts are compared without case, accents and punctuation; numbers as numbers.
/// A field with several values passes when one of them does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// Is this.
    Is(String),
    /// Is one of these.
    IsOneOf(Vec<String>),
    /// Contains this.
    Contains(String),
    /// Starts with this.
    StartsWith(String),
    /// Holds nothing.
    IsEmpty,
}

/// A geographic zone: recipients are in it when the point of their commune is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// These communes.
    Communes(Vec<Insee>),
    /// An arrondissement, by its code or name.
    Arrondissement(String),
    /// A canton, by its code or name.
    Canton(String),
    /// An intercommunality, by its code or name.
    Epci(String),
    /// Communes with at least and at most so many inhabitants.
    Population {
        /// Fewest inhabitants.
        min: u32,
        /// Most inhabitants.
        max: u32,
    },
    /// Everything within so many metres of a point.
    Circle {
        /// The middle.
        center: Position,
        /// Metres.
        radius_m: f64,
    },
    /// Everything inside a ring of at least three points; the last joins the first.
    Polygon(Vec<Position>),
}

/// Why a selection cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// It names a list that does not exist.
    #[error("there is no list {0}")]
    NoSuchList(ListId),
    /// A list that is defined by itself, directly or through others.
    #[error("list {0} is defined by itself")]
    Cycle(ListId),
    /// Parts within parts beyond [`MAX_DEPTH`].
    #[error("the selection is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// A circle without a sound middle and radius, or a polygon of fewer than three sound points.
    #[error("the zone has no sound shape")]
    Shape,
    /// A number to compare with that holds no digits.
    #[error("“{0}” holds no digits to look for")]
    NoDigits(String),
}

/// Parts within parts that a selection may have, counting through the lists that it names.
pub const MAX_DEPTH: usize = 64;
