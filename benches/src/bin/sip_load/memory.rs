//! What an open dialog keeps in memory.

use std::time::Duration;

use anyhow::{Result, ensure};
use benches::core;
use serde::Serialize;

use crate::Arguments;
use crate::agent::{self, Agent};
use crate::sipp::Sipp;

/// Dialogs a second.
const RATE: u32 = 2_000;

/// Longer than the transaction of an answered INVITE is remembered (Timer M, 64·T1).
const HOLD: Duration = Duration::from_secs(34);

#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    pub dialogs: u64,
    /// Growth of the resident memory when all were open, most of them with their transactions.
    pub bytes_per_fresh_dialog: u64,
    /// The same when the transactions were over.
    pub bytes_per_dialog: u64,
}

/// Opens dialogs as a caller, and keeps them.
pub(crate) fn measure(arguments: &Arguments) -> Result<Memory> {
    let (_sipp, target) = Sipp::answering(arguments)?;
    let before = core::resident();
    let (agent, _, _) = agent::run(target, None, agent::plenty(), |trunk| {
        Agent::holding(trunk, RATE, arguments.dialogs, HOLD)
    })?;
    ensure!(agent.failed == 0, "{} dialogs could not be opened", agent.failed);
    let each = |resident: u64| resident.saturating_sub(before) / agent.answered.max(1);
    Ok(Memory {
        dialogs: agent.answered,
        bytes_per_fresh_dialog: each(agent.resident[0]),
        bytes_per_dialog: each(agent.resident[1]),
    })
}
