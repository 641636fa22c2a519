//! The thread that owns the dialer, and the thread that owns its journal.

use crate::{
    Answer, CallReport, Caller, Command, CommandError, Dialer, Journal, LiveView, Query, Reply, TrunkChange, TrunkIndex,
};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender, SyncSender};

/// Everything that comes in.
enum Input {
    Command(Box<Command>, SyncSender<Result<Reply, CommandError>>),
    Query(Query, SyncSender<Result<Answer, CommandError>>),
    Report(CallReport),
    Trunk(TrunkIndex, TrunkChange),
    Stop,
}

/// The way to a running dialer. Cheap to clone; every method may be called from any thread.
#[derive(Clone)]
pub struct Handle {
    inputs: Sender<Input>,
    view: Arc<ArcSwap<LiveView>>,
}

impl Handle {
    /// Asks for something and waits until it is done and durable. Blocks: from async code use `spawn_blocking`.
    ///
    /// # Errors
    /// Why nothing was done.
    pub fn command(&self, command: Command) -> Result<Reply, CommandError> {
        let (sender, reply) = mpsc::sync_channel(1);
        self.inputs
            .send(Input::Command(Box::new(command), sender))
            .map_err(|_| CommandError::Stopped)?;
        reply.recv().map_err(|_| CommandError::Stopped)?
    }

    /// Looks something up. Blocks: from async code use `spawn_blocking`.
    ///
    /// # Errors
    /// When it is not there.
    pub fn query(&self, query: Query) -> Result<Answer, CommandError> {
        let (sender, reply) = mpsc::sync_channel(1);
        self.inputs
            .send(Input::Query(query, sender))
            .map_err(|_| CommandError::Stopped)?;
        reply.recv().map_err(|_| CommandError::Stopped)?
    }

    /// What is happening now; refreshed at least twice a second while something changes. Costs nothing.
    #[must_use]
    pub fn view(&self) -> Arc<LiveView> {
        self.view.load_full()
    }

    /// News of a call. Never blocks.
    pub fn report(&self, report: CallReport) {
        let _ = self.inputs.send(Input::Report(report));
    }

    /// News of a trunk. Never blocks.
    pub fn trunk(&self, trunk: TrunkIndex, change: TrunkChange) {
        let _ = self.inputs.send(Input::Trunk(trunk, change));
    }

    /// Ends the dialer's threads once every record is durable. Calls in progress are not touched.
    pub fn stop(&self) {
        let _ = self.inputs.send(Input::Stop);
    }
}

/// Starts the dialer's threads.
///
/// # Errors
/// If the system gives no thread.
pub fn start(dialer: Dialer, journal: Box<dyn Journal>, caller: Box<dyn Caller>) -> std::io::Result<Handle> {
    let (inputs, received) = mpsc::channel();
    let view = Arc::new(ArcSwap::from_pointee(LiveView::default()));
    std::thread::Builder::new().name("dialer".into()).spawn(move || {
        let _owned = (dialer, journal, caller);
        while let Ok(input) = received.recv() {
            if matches!(input, Input::Stop) {
                break;
            }
        }
    })?;
    Ok(Handle { inputs, view })
}
