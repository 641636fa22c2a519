//! Tells the campaigns under way what has changed in the directory: who is called no more, and who on other numbers.
//!
//! The directory marks such changes on disk together with the changes themselves, so that none is lost when the program
//! ends in between: what was not told is told at the next start, before any trunk is open. Requests tell at once, before
//! they are answered; what changes by itself (extracts), and what the dialer could not take, is told within a second.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use dialer::{Command, RecipientId};
use tokio::sync::watch;

use crate::desk::{Desk, blocking};
use crate::problem::Problem;

/// How often it is looked whether there is something to tell.
const LOOK: Duration = Duration::from_secs(1);
/// Changes told at once.
const MOST: usize = 10_000;

/// Tells everything that has not been told. `by` names the user; empty: nobody who is known.
pub(crate) async fn tell(desk: &Arc<Desk>, by: &str) {
    match desk.services.directory.has_untold() {
        Ok(false) => return,
        Ok(true) => {}
        Err(error) => return tracing::error!(%error, "it is not known whether the directory has changed"),
    }
    let by = if by.is_empty() { "directory" } else { by }.to_owned();
    let told = Arc::clone(desk);
    let done = blocking(move || tell_all(&told, &by)).await;
    if let Err(problem) = done.and_then(|done| done) {
        let why = problem.sentence(desk.words(crate::text::Language::English));
        tracing::warn!(%why, "the campaigns could not be told of changes of the directory; it is tried again");
    }
}

fn tell_all(desk: &Desk, by: &str) -> Result<(), Problem> {
    // One after the other: a change that is told twice would give its person fresh tries twice.
    let _turn = desk.telling.lock().unwrap_or_else(PoisonError::into_inner);
    let shared = &desk.services.directory;
    loop {
        let changes = shared.untold(MOST)?;
        if changes.is_empty() {
            return Ok(());
        }
        let renewal = Command::renewal(&shared.snapshot(), &changes, by);
        desk.services.campaigns.command(renewal)?;
        shared.told(&changes)?;
    }
}

/// Tells that a person was erased, and says why if that is not possible now.
pub(crate) async fn tell_erased(desk: &Arc<Desk>, recipient: RecipientId, by: &str) -> Result<(), Problem> {
    let (desk, by) = (Arc::clone(desk), by.to_owned());
    blocking(move || {
        let _turn = desk.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = &desk.services.directory;
        let mut changes = shared.untold(usize::MAX)?;
        changes.retain(|change| change.recipient == recipient);
        desk.services.campaigns.command(Command::Erase { recipient, by })?;
        Ok(shared.told(&changes)?)
    })
    .await?
}

/// Looks from time to time, until the desk closes.
pub(crate) async fn run(desk: Arc<Desk>, mut closing: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = closing.wait_for(|closing| *closing) => return,
        }
        tell(&desk, "").await;
    }
}
