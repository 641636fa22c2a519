//! Being asked to stop: Ctrl-C and SIGTERM.

use std::{io, thread};

use tokio::signal::unix::{SignalKind, signal};

/// Calls `then` once, on a thread of its own, when the process is asked to stop.
///
/// # Errors
/// When the handlers cannot be set.
pub fn at_end(then: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        then();
    })?;
    Ok(())
}
