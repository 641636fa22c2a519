//! `tocsin load`: puts many calls on a trunk and measures them, so that its capacity is known before a crisis.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::probing::{Line, ProbeError, Show, block_on};
use crate::probe::{Leg, Totals};

/// What `tocsin load` takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    line: Line,
    /// Calls in all.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    calls: u32,
    /// New calls a second.
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
}

/// Places the load. Exit status 0 if every call was answered.
pub fn run(arguments: Arguments) -> ExitCode {
    match block_on(load(&arguments)) {
        Ok(Ok(status)) => status,
        Ok(Err(error)) | Err(error) => super::fail(&error),
    }
}

async fn load(arguments: &Arguments) -> Result<ExitCode, ProbeError> {
    if !(arguments.rate > 0.0 && arguments.rate <= 100_000.0) {
        return Err(ProbeError::Seconds("rate"));
    }
    let ready = arguments
        .line
        .prepare(arguments.calls, arguments.rate, false, None)
        .await?;
    let (started, cpu) = (Instant::now(), cpu_time());
    let (totals, bar) = ready.run(Bar::new(arguments.calls, arguments.line.json)).await;
    bar.bar.finish_and_clear();
    let (elapsed, cpu) = (started.elapsed(), cpu_time().saturating_sub(cpu));
    if arguments.line.json {
        let result = json!({
            "totals": &totals,
            "loss": totals.loss(),
            "mean_jitter_ms": totals.mean_jitter_ms(),
            "seconds": elapsed.as_secs_f64(),
            "cpu_seconds": cpu.as_secs_f64(),
            "cpu_us_per_call": cpu.as_secs_f64() * 1e6 / totals.placed.max(1) as f64,
        });
        println!("{result}");
    } else {
        tell(&totals, elapsed, cpu);
    }
    Ok(if totals.answered == totals.placed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn tell(totals: &Totals, elapsed: Duration, cpu: Duration) {
    println!(
        "{} calls placed, {} answered, at most {} up at once",
        totals.placed, totals.answered, totals.peak
    );
    for (cause, count) in &totals.failed_by_cause {
        println!("  {count} failed: {cause}");
    }
    for (source, count) in &totals.digits_by_source {
        println!("  {count} keys heard ({source})");
    }
    println!(
        "RTP: {} packets sent, {} received, {} lost ({:.3} %), jitter {:.1} ms on average, {:.1} ms at most",
        totals.rtp_sent,
        totals.rtp_received,
        totals.rtp_lost,
        totals.loss() * 100.0,
        totals.mean_jitter_ms(),
        totals.rtp_max_jitter_ms
    );
    println!("{:.1} s, {:.1} s of CPU", elapsed.as_secs_f64(), cpu.as_secs_f64());
}

struct Bar {
    bar: ProgressBar,
}

impl Bar {
    fn new(calls: u32, is_json: bool) -> Self {
        let bar = if is_json {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(u64::from(calls))
        };
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} placed  {msg}");
        Self {
            bar: bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())),
        }
    }
}

impl Show for Bar {
    fn totals(&mut self, totals: &Totals) {
        self.bar.set_position(totals.placed);
        self.bar.set_message(format!(
            "{} up, {} answered, {} failed, {} keys",
            totals.up, totals.answered, totals.failed, totals.digits
        ));
    }

    fn over(&mut self, _leg: &Leg) {}
}

/// CPU time that this process has used.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
