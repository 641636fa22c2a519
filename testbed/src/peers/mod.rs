//! Peers that somebody else wrote: SIPp plays scripted far ends ([`sipp`]), [`baresip`] and [`linphone`] are telephones, [`kamailio`] is a
//! proxy in front of one, and [`asterisk`] a PBX.
//! Each takes one call from `tocsin dial`, and both sides must tell the same story. [`inbound`] is the other way round: SIPp calls.

pub mod asterisk;
pub mod baresip;
mod called_side;
pub mod callee;
mod caller;
mod dial;
mod ear;
pub mod inbound;
pub mod kamailio;
pub mod linphone;
mod ports;
pub mod sipp;
mod sound;

use std::path::Path;
use std::time::Instant;

/// One check: its name, and what does it.
pub struct Check {
    /// Its name on the command line.
    pub name: String,
    /// What is seen when it passes.
    pub story: String,
    /// It takes long, so it had better begin early.
    pub is_slow: bool,
    /// Does it.
    pub run: Box<dyn FnOnce() -> anyhow::Result<()> + Send>,
}

impl Check {
    /// A check with a peer that takes long to start; it works in a folder of its own, named after it, below `folder`.
    fn slow(folder: &Path, name: &str, story: &str, run: fn(&Path) -> anyhow::Result<()>) -> Self {
        let folder = folder.join(name);
        Self {
            name: name.to_owned(),
            story: story.to_owned(),
            is_slow: true,
            run: Box::new(move || run(&folder)),
        }
    }
}

/// Most of a check's time is waiting.
const AT_ONCE: usize = 8;

/// Runs the checks several at a time, telling of each on standard output; how many passed and how many failed.
pub fn run(mut checks: Vec<Check>) -> (usize, usize) {
    checks.sort_by_key(|check| !check.is_slow);
    let queue = std::sync::Mutex::new(checks.into_iter());
    let failed = std::sync::atomic::AtomicUsize::new(0);
    let passed = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().ok().and_then(|mut queue| queue.next());
                    let Some(Check { name, story, run, .. }) = next else {
                        return;
                    };
                    let started = Instant::now();
                    match run() {
                        Ok(()) => {
                            passed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            println!("ok    {name} ({:.1} s): {story}", started.elapsed().as_secs_f64());
                        }
                        Err(error) => {
                            failed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            println!("FAIL  {name}: {story}\n{error:#}\n");
                        }
                    }
                }
            });
        }
    });
    (passed.into_inner(), failed.into_inner())
}
