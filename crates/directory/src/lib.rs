//! Who can be alerted: recipients, their numbers, communes, lists, zones, selections, import and export.
//!
//! - [`E164`], [`PhoneNumber`]: telephone numbers, read as people in France write them.
//! - [`Recipient`], [`Commune`], [`List`]: what the directory holds.
//! - [`Selection`]: criteria and zones that choose recipients, evaluated over an index in memory.
//! - [`Directory`]: an immutable snapshot of everything, shared by `Arc`.
//! - [`export`]: files for spreadsheet programs, without a cell that one could take for a formula.
//! - [`import`]: spreadsheets read row by row, nothing dropped silently.
//! - [`refresh`]: extracts fetched again and again from a folder or an address.
//! - [`Store`], [`Shared`]: the same on disk (sled), and the handle through which it is changed.

mod apply;
mod bits;
mod column;
mod commune;
mod directory;
pub mod export;
pub mod import;
mod index;
mod keep_away;
mod list;
mod merge;
mod number;
mod number_index;
mod recipient;
pub mod refresh;
mod selection;
mod store;
mod untold;
mod zone;

pub use apply::{Applied, ImportId, ImportRecord, Plan, Target, Undone};
pub use commune::{Area, Commune, CommuneError, Gazetteer, Insee, Position};
pub use directory::{Directory, Duplicate};
pub use ivr::Language;
pub use list::{Content, List, ListId};
pub use merge::Merged;
pub use number::{E164, Kind, NumberError, PhoneNumber};
pub use recipient::{MAX_EMAIL, MAX_NUMBERS, MAX_TEXT, Recipient, RecipientId};
pub use selection::{Field, MAX_DEPTH, Selection, SelectionError, Test, Zone};
pub use store::{Shared, Store, StoreError};
pub use untold::Change;
