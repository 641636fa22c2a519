//! The front desk of tocsin: HTTPS interface, web console, users and rights, audit trail, reports.
//!
//! - [`settings`]: what the program must say to open the desk; [`serve`] opens it, [`Server`] closes it.
//! - [`services`]: what the desk needs from the other rooms: the dialer, the directory, a voice.
//! - [`users`], `sessions`, `attempts`: who may do what; [`audit`]: who did what.
//! - `gate`, `access`: every request passes here, and one table says what each needs.
//! - `rest`: JSON for programs; `console`: pages for people; `report`: XLSX, PDF, CSV, JSON of a campaign.
//! - [`text`]: every word that a user reads, in French and English.

mod access;
mod attempts;
mod audience;
pub mod audit;
mod console;
mod desk;
mod extract;
mod gate;
mod kept;
mod levers;
mod links;
mod lockout;
mod numbers;
mod problem;
mod renewal;
mod report;
mod rest;
mod rooms;
mod routes;
pub mod server;
pub mod services;
mod sessions;
pub mod settings;
mod statements;
mod store;
pub mod telephone;
#[cfg(test)]
mod tests;
pub mod text;
mod tls;
pub mod users;

pub use numbers::install as install_metrics;
pub use server::{ServeError, Server, serve};
pub use services::{Campaigns, Services, Speech, SpeechError};
pub use settings::{NamedUser, Settings, Tls};
pub use telephone::Telephone;
