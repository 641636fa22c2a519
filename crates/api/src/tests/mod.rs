//! The desk as a whole, on a real dialer with a journal in memory and telephones that answer at once.

mod audit;
mod calls;
mod campaigns;
mod console;
mod directory;
mod full_disk;
mod hostile;
mod kit;
mod metering;
mod network;
mod persons;
mod policies;
mod renewal;
mod rights;
mod statements;
