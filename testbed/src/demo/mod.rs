//! The demonstration: the main job from an operator's spreadsheet to a report, against the simulated carrier.
//!
//! [`fiction`] invents people and telephones; [`stage`] lays a fresh folder and starts the programs; [`desk`] speaks to tocsin as
//! an operator's browser does; [`screen`] shows the campaign in the terminal; [`verdict`] compares what tocsin reports with what
//! the carrier counted.

pub mod desk;
pub mod fiction;
pub mod play;
pub mod screen;
pub mod stage;
pub mod verdict;
