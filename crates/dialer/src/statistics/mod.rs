//! Statistics: what campaigns, trunks and the service itself did in a period, computed from the fold of the journal.
//!
//! - [`Activity`]: the raw rows of a span of time, copied out of the dialer in one go.
//! - [`Figures`]: what follows from them; pure, on the caller's thread, so that no call waits for a report.
//! - [`Period`]: day, week, month, quarter, year, or any days, in the operator's time zone.
//! - [`Incident`]: outages of trunks and of the journal, and restarts.

mod activity;
mod delays;
mod figures;
mod incident;
mod period;
mod trunk;

pub use activity::{Activity, Call, CampaignActivity, Person, Quality};
pub use delays::Delays;
pub use figures::{CampaignFigures, Figures, Quarter, Share, Slice, Totals, Which};
pub(crate) use incident::Incidents;
pub use incident::{Incident, Trouble};
pub use period::{Period, PeriodError, Span, Unit};
pub use trunk::TrunkFigures;

#[cfg(test)]
mod tests;
