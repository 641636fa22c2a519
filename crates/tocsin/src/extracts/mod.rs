//! Directory extracts as configured, made into tasks of the directory's refresh thread (R31).

mod https;

use std::time::Duration;

use directory::refresh::{self, Extracts, Folder, Schedule, Source, State, Task};
use directory::{Shared, Target, import};

use crate::config::{Extract, Origin};

pub use https::{Https, SetupError};

/// A file counts as written when nothing was added to it for this long.
const SETTLE: Duration = Duration::from_secs(10);
/// Wait after a first failure; it doubles up to the extract's period.
const RETRY: Duration = Duration::from_secs(60);

/// Starts the refreshes. Without an extract no thread is made.
///
/// # Errors
/// When an authority file cannot be used, or the system gives no thread.
pub fn start(extracts: &[Extract], shared: &Shared) -> Result<Extracts, SetupError> {
    if extracts.is_empty() {
        return Ok(Extracts::default());
    }
    let tasks = extracts.iter().map(task).collect::<Result<Vec<_>, _>>()?;
    refresh::start(tasks, shared.clone(), Box::new(tell)).map_err(SetupError::Thread)
}

fn task(extract: &Extract) -> Result<Task, SetupError> {
    let (place, source): (String, Box<dyn Source + Send>) = match &extract.origin {
        Origin::Folder(path) => (path.display().to_string(), Box::new(Folder::new(path, SETTLE))),
        Origin::Https {
            url,
            authorization,
            authorities,
            timeout,
        } => {
            let source = Https::new(url, authorization.clone(), authorities.as_deref(), *timeout)?;
            (url.clone(), Box::new(source))
        }
    };
    let target = extract.list.clone().map_or(Target::Directory, Target::List);
    Ok(Task {
        name: extract.name.clone(),
        place,
        source,
        settings: refresh::Settings {
            options: import::Options {
                domain: extract.domain.clone(),
                function: extract.function.clone(),
                ..import::Options::default()
            },
            target,
            max_rejected: extract.max_rejected,
        },
        schedule: Schedule {
            every: extract.every,
            retry: RETRY.min(extract.every),
        },
    })
}

fn tell(state: &State) {
    match &state.failure {
        Some(why) => {
            tracing::error!(extract = %state.name, failures = state.failures, %why, "the extract could not be refreshed; the directory keeps what it had")
        }
        None => tracing::info!(
            extract = %state.name,
            created = state.created,
            updated = state.updated,
            rejected = state.rejected,
            "the extract was applied"
        ),
    }
}
