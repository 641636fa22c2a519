//! The thread that refreshes extracts, and what is known of each.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::{Fingerprint, Refresh, RefreshError, Refreshed, Schedule, Settings, Source};
use crate::Shared;

/// An extract that is refreshed.
pub struct Task {
    /// What operators call it.
    pub name: String,
    /// Where it comes from, for people; without credentials.
    pub place: String,
    /// Fetches it.
    pub source: Box<dyn Source + Send>,
    /// How it is read and applied.
    pub settings: Settings,
    /// How often.
    pub schedule: Schedule,
}

/// What is known of an extract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    /// What operators call it.
    pub name: String,
    /// Where it comes from.
    pub place: String,
    /// Whether it is being fetched now.
    pub is_running: bool,
    /// When a refresh last went well, in milliseconds since 1970 UTC.
    pub checked_ms: Option<i64>,
    /// When one last changed the directory, in milliseconds since 1970 UTC.
    pub applied_ms: Option<i64>,
    /// Recipients that it created then.
    pub created: usize,
    /// Recipients that it changed then.
    pub updated: usize,
    /// Rows that it left out then.
    pub rejected: usize,
    /// Refreshes that failed since the last one that went well; the directory keeps what it had.
    pub failures: u32,
    /// Why the last one failed.
    pub failure: Option<String>,
    /// When it failed, in milliseconds since 1970 UTC.
    pub failed_ms: Option<i64>,
}

/// The handle to the thread; clones share it. When the last one goes, the thread ends.
#[derive(Clone, Debug, Default)]
pub struct Extracts {
    states: Arc<Mutex<Vec<State>>>,
    asked: Option<Sender<usize>>,
}

impl Extracts {
    /// What is known of each extract, in the order of the configuration.
    #[must_use]
    pub fn states(&self) -> Vec<State> {
        lock(&self.states).clone()
    }

    /// Asks for a refresh now; false when there is no such extract.
    pub fn ask(&self, name: &str) -> bool {
        let place = lock(&self.states).iter().position(|state| state.name == name);
        match (place, &self.asked) {
            (Some(place), Some(asked)) => asked.send(place).is_ok(),
            _ => false,
        }
    }
}

fn lock(states: &Mutex<Vec<State>>) -> std::sync::MutexGuard<'_, Vec<State>> {
    states.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread. `tell` hears of every refresh that changed something or failed.
///
/// # Errors
/// When the system gives no thread.
pub fn start(tasks: Vec<Task>, shared: Shared, tell: Box<dyn Fn(&State) + Send>) -> std::io::Result<Extracts> {
    let states = tasks
        .iter()
        .map(|task| State {
            name: task.name.clone(),
            place: task.place.clone(),
            ..State::default()
        })
        .collect();
    let states = Arc::new(Mutex::new(states));
    let (asked, asks) = mpsc::channel();
    let now = Instant::now();
    let lines = tasks
        .into_iter()
        .map(|task| Line {
            refresh: Refresh::new(task.schedule, now),
            known: None,
            task,
        })
        .collect();
    let worker = Worker {
        lines,
        shared,
        states: Arc::clone(&states),
        tell,
    };
    std::thread::Builder::new()
        .name("extracts".into())
        .spawn(move || worker.run(&asks))?;
    Ok(Extracts {
        states,
        asked: Some(asked),
    })
}

struct Line {
    task: Task,
    refresh: Refresh,
    known: Option<Fingerprint>,
}

struct Worker {
    lines: Vec<Line>,
    shared: Shared,
    states: Arc<Mutex<Vec<State>>>,
    tell: Box<dyn Fn(&State) + Send>,
}

impl Worker {
    fn run(mut self, asks: &Receiver<usize>) {
        loop {
            let now = Instant::now();
            for place in 0..self.lines.len() {
                self.lines[place].refresh.handle_timeout(now);
                if self.lines[place].refresh.poll_run() {
                    self.refresh(place);
                }
            }
            let due = self.lines.iter().filter_map(|line| line.refresh.poll_timeout()).min();
            let wait = due.map_or(Duration::from_secs(3600), |due| {
                due.saturating_duration_since(Instant::now())
            });
            match asks.recv_timeout(wait) {
                Ok(place) => {
                    if let Some(line) = self.lines.get_mut(place) {
                        line.refresh.handle_request(Instant::now());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // A request was handled above; its run is asked for at the head of the loop.
            for place in 0..self.lines.len() {
                if self.lines[place].refresh.poll_run() {
                    self.refresh(place);
                }
            }
        }
    }

    fn refresh(&mut self, place: usize) {
        let line = &mut self.lines[place];
        lock(&self.states)[place].is_running = true;
        let at_ms = now_ms();
        let refreshed = super::run(
            &mut *line.task.source,
            line.known,
            &self.shared,
            &line.task.settings,
            at_ms,
        );
        line.refresh.handle_done(Instant::now(), refreshed.is_ok());
        if let Ok(Refreshed::Applied { fingerprint, .. } | Refreshed::Same(fingerprint)) = &refreshed {
            line.known = Some(*fingerprint);
        }
        let failures = line.refresh.failures();
        let state = {
            let mut states = lock(&self.states);
            enter(&mut states[place], &refreshed, failures, now_ms());
            states[place].clone()
        };
        if matches!(refreshed, Err(_) | Ok(Refreshed::Applied { .. })) {
            (self.tell)(&state);
        }
    }
}

fn enter(state: &mut State, refreshed: &Result<Refreshed, RefreshError>, failures: u32, at_ms: i64) {
    state.is_running = false;
    state.failures = failures;
    match refreshed {
        Err(error) => {
            state.failure = Some(error.to_string());
            state.failed_ms = Some(at_ms);
        }
        Ok(done) => {
            state.failure = None;
            state.checked_ms = Some(at_ms);
            if let Refreshed::Applied { import, applied, .. } = done {
                state.applied_ms = Some(at_ms);
                state.created = applied.plan.created;
                state.updated = applied.plan.updated;
                state.rejected = import.rejected();
            }
        }
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::{Extract, Fetched, SourceError};
    use super::*;
    use crate::Store;

    /// Gives what the test sends, one after the other; fails when it sends nothing.
    struct Script(Receiver<Option<&'static str>>);

    impl Source for Script {
        fn fetch(&mut self, _: usize) -> Result<Fetched, SourceError> {
            match self.0.recv() {
                Ok(Some(text)) => Ok(Fetched::Extract(Extract {
                    name: "extrait.csv".into(),
                    bytes: text.into(),
                })),
                _ => Err(SourceError::Refused {
                    place: "https://extraits.example".into(),
                    reason: "status 503".into(),
                }),
            }
        }
    }

    #[test]
    fn what_each_refresh_did_is_known_and_a_failure_keeps_the_directory() {
        let shared = Shared::new(Store::temporary().unwrap()).unwrap();
        let (feed, script) = mpsc::channel();
        let (told, tellings) = mpsc::channel();
        let task = Task {
            name: "Élus".into(),
            place: "https://extraits.example".into(),
            source: Box::new(Script(script)),
            settings: Settings::default(),
            schedule: Schedule {
                every: Duration::from_secs(86_400),
                retry: Duration::from_secs(86_400),
            },
        };
        let tell = Box::new(move |state: &State| told.send(state.clone()).unwrap());
        let extracts = start(vec![task], shared.clone(), tell).unwrap();
        feed.send(Some("id;Nom;Tél\n1;Martin;0199000001\n")).unwrap();
        let first = tellings.recv().unwrap();
        assert_eq!((first.created, first.failures, first.is_running), (1, 0, false));
        assert!(extracts.ask("Élus") && !extracts.ask("autre"));
        feed.send(None).unwrap();
        let second = tellings.recv().unwrap();
        assert_eq!((second.failures, second.created), (1, 1));
        assert!(second.failure.unwrap().contains("status 503"));
        assert_eq!(shared.snapshot().len(), 1);
        assert!(extracts.ask("Élus"));
        feed.send(Some("id;Nom;Tél\n1;Martin;0199000011\n")).unwrap();
        let third = tellings.recv().unwrap();
        assert_eq!((third.updated, third.failures, third.failure), (1, 0, None));
        assert_eq!(extracts.states()[0].updated, 1);
    }
}
