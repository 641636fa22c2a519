//! Campaigns: who is called when, over which trunk, again or not; and the journal that remembers all of it.
//!
//! - [`dialer`](Dialer): all campaigns as one machine without I/O; [`driver`] runs it on its own threads.
//! - [`policy`](Policy): how a campaign goes about reaching its recipients.
//! - [`record`](Record), [`journal`]: what happened, made durable. The state in memory is the fold of the records.
//! - [`order`](Order), [`outcome`](Outcome): what is asked of the side that places calls, and what it reports.
//! - [`view`](LiveView), [`report`](CampaignReport): what operators see.
//! - [`meter`](Account): what it all cost, by month, service, campaign, trunk and tariff.
//! - [`statistics`]: what happened in a period: delays, quality of the trunks, incidents, cost.
//! - [`message`](Message), [`tariff`](Tariff), [`contact`](Contact), [`settings`](Settings): what calls say, cost, reach, use.

mod campaign;
mod charge;
mod codec;
mod command;
mod commands;
mod contact;
mod counts;
mod dialer;
pub mod driver;
mod escalation;
mod hours;
mod id;
pub mod journal;
mod member;
mod message;
mod meter;
mod missed;
mod news;
mod order;
mod outcome;
mod plan;
mod policy;
mod prediction;
mod queue;
mod record;
mod renew;
mod report;
mod restore;
mod result;
mod retention;
mod schedule;
mod settings;
mod show;
mod state;
pub mod statistics;
mod tariff;
mod text;
mod time;
mod trunk;
mod view;

pub use command::{Answer, Command, CommandError, ConfirmedBy, Gone, Missed, Query, Reply};
pub use contact::{Contact, Contacts, E164, Language, RecipientId, anonymous_place};
pub use dialer::Dialer;
pub use driver::Handle;
pub use hours::Hours;
pub use id::{AttemptId, CampaignId, MessageId, Sequence, TrunkIndex};
pub use journal::{Journal, JournalError};
pub use message::{Edition, Message, Text};
pub use meter::{Account, AccountLine, MeteredAttempt, Month, Period, Totals};
pub use order::{Action, Caller, Messenger, Notice, Order};
pub use outcome::{CallReport, CallStats, Cause, Heard, Outcome};
pub use policy::{
    Delays, Escalation, MachinePolicy, NumberOrder, Policy, PolicyError, Preset, SharedNumbers, Texting, Texts,
};
pub use prediction::{Assumptions, Outlook, predict};
pub use record::{Event, Record, Whom};
pub use report::{AttemptRow, CampaignReport, FinalState, PersonRow, RecipientRow};
pub use restore::RestoreError;
pub use result::{NumberResult, NumberRow, RecipientResult};
pub use settings::{Medium, Settings, Throttle, TrunkChange, TrunkSettings, mainland_france};
pub use tariff::{Bill, Tariff, tariff_of};
pub use text::parts;
pub use time::Now;
pub use view::{
    CallPhase, CallState, CallTable, CampaignState, CampaignView, JournalView, LiveView, Prediction, TrunkView,
};
