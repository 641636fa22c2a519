//! The front desk of tocsin: HTTPS interface, web console, users and rights, audit trail, reports.
//!
//! - [`settings`]: what the program must say to open the desk; [`serve`] opens it, [`Server`] closes it.
//! - [`services`]: what the desk needs from the other rooms: the dialer, the directory, a voice.

pub mod server;
pub mod services;
pub mod settings;

pub use server::{ServeError, Server, serve};
pub use services::{Services, Speech, SpeechError};
pub use settings::{Settings, Tls};
