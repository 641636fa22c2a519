//! Peers that somebody else wrote: SIPp plays scripted far ends ([`sipp`]), baresip is an independent telephone ([`baresip`]).
//! Each takes one call from `tocsin dial`, and both sides must tell the same story. [`inbound`] is the other way round: SIPp calls.

pub mod baresip;
mod caller;
mod dial;
mod ear;
pub mod inbound;
pub mod sipp;

use std::time::Instant;

/// One check: its name, and what does it.
pub struct Check {
    /// Its name on the command line.
    pub name: String,
    /// What is seen when it passes.
    pub story: &'static str,
    /// Does it.
    pub run: Box<dyn FnOnce() -> anyhow::Result<()> + Send>,
}

/// Runs the checks two at a time, telling of each on standard output; how many passed and how many failed.
pub fn run(checks: Vec<Check>) -> (usize, usize) {
    let queue = std::sync::Mutex::new(checks.into_iter());
    let failed = std::sync::atomic::AtomicUsize::new(0);
    let passed = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().ok().and_then(|mut queue| queue.next());
                    let Some(Check { name, story, run }) = next else { return };
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
