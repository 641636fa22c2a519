//! `tocsin load`: puts many calls on a trunk and measures them, so that its capacity is known before a crisis.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::probing::{Line, ProbeError, Show, block_on};
use crate::probe::{Leg, Totals};
use crate::words::{Phrase, Told, Words, decimal, digit_source};

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
pub fn run(arguments: Arguments, words: &Words<'static>) -> ExitCode {
    match block_on(load(&arguments, words)) {
        Ok(Ok(status)) => status,
        Ok(Err(error)) | Err(error) => super::fail(words, &error),
    }
}

async fn load(arguments: &Arguments, words: &Words<'static>) -> Result<ExitCode, ProbeError> {
    if !(arguments.rate > 0.0 && arguments.rate <= 100_000.0) {
        return Err(ProbeError::Rate);
    }
    let ready = arguments
        .line
        .prepare(arguments.calls, arguments.rate, false, None)
        .await?;
    let (started, cpu) = (Instant::now(), cpu_time());
    let (totals, bar) = ready.run(Bar::new(arguments.calls, arguments.line.json, words)).await;
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
        tell(&totals, elapsed, cpu, words);
    }
    Ok(if totals.answered == totals.placed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn tell(totals: &Totals, elapsed: Duration, cpu: Duration, words: &Words<'static>) {
    let say = |phrase: Phrase| println!("{}", phrase.say(words));
    let decimal = |value: f64, digits: usize| decimal(value, digits, words.language());
    say(Phrase::new("load-calls")
        .with("placed", totals.placed)
        .with("answered", totals.answered)
        .with("peak", totals.peak));
    for (failure, count) in &totals.failed_by_cause {
        say(Phrase::new("load-failed")
            .with("count", *count)
            .with("cause", failure.told()));
    }
    for (source, count) in &totals.digits_by_source {
        say(Phrase::new("load-digits")
            .with("count", *count)
            .with("source", digit_source(source)));
    }
    say(Phrase::new("load-rtp")
        .with("sent", totals.rtp_sent)
        .with("received", totals.rtp_received)
        .with("lost", totals.rtp_lost)
        .with("share", decimal(totals.loss() * 100.0, 3))
        .with("mean", decimal(totals.mean_jitter_ms(), 1))
        .with("most", decimal(f64::from(totals.rtp_max_jitter_ms), 1)));
    say(Phrase::new("load-time")
        .with("seconds", decimal(elapsed.as_secs_f64(), 1))
        .with("cpu", decimal(cpu.as_secs_f64(), 1)));
}

struct Bar<'w> {
    bar: ProgressBar,
    start: Instant,
    words: &'w Words<'static>,
}

impl<'w> Bar<'w> {
    fn new(calls: u32, is_json: bool, words: &'w Words<'static>) -> Self {
        let bar = if is_json {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(u64::from(calls))
        };
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}");
        Self {
            bar: bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())),
            start: Instant::now(),
            words,
        }
    }
}

impl Show for Bar<'_> {
    fn totals(&mut self, totals: &Totals) {
        self.bar.set_position(totals.placed);
        let decimal = |value: f64, digits: usize| decimal(value, digits, self.words.language());
        let elapsed = self.start.elapsed().as_secs_f64().max(0.001);
        let mut news = Phrase::new("load-progress")
            .with("up", totals.up)
            .with("answered", totals.answered)
            .with("failed", totals.failed)
            .with("digits", totals.digits)
            .with("loss", decimal(totals.loss() * 100.0, 2))
            .with("jitter", decimal(totals.mean_jitter_ms(), 1))
            .with("cpu", decimal(cpu_time().as_secs_f64() / elapsed * 100.0, 0))
            .say(self.words);
        for (failure, count) in &totals.failed_by_cause {
            news.push_str(", ");
            let failed = Phrase::new("load-failed")
                .with("count", *count)
                .with("cause", failure.told());
            news.push_str(failed.say(self.words).trim_start());
        }
        self.bar.set_message(news);
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
