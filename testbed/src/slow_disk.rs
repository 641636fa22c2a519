//! The slow disk: the real process, each flush of whose journal a tracer (strace) holds up. In a first campaign by a time that
//! must cost no pace; in a second one by so long that it must be an alarm, and that whoever was thanked early would be seen.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::{
    carrier::counts::Counts,
    crash::{clear, judge},
    demo::{
        desk::Desk,
        fiction::Fiction,
        play::{Launched, Opened, launch, open_with, password, settle},
        stage::{Program, Stage},
    },
    full_disk::policy,
};

/// How the test goes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Communes of one campaign, two people each.
    pub communes: usize,
    /// Seed of all chance.
    pub seed: u64,
    /// Folder of the current campaign; a campaign that went wrong is left there.
    pub folder: PathBuf,
    /// What the journal is kept in, if not the usual store.
    pub store: Option<String>,
}

/// A flush that is slow, and yet must not slow the campaign.
const SLOW: Duration = Duration::from_millis(300);
/// A flush that stalls: longer than the two seconds after which that is an alarm.
const STALLED: Duration = Duration::from_secs(3);
/// Human times are divided by this.
const PACE: f64 = 20.0;
/// The carrier gives a silent call up after this: whoever waits for their thanks waits for two flushes at most.
const SILENCE: Duration = Duration::from_secs(30);
/// More channels than are ever in use, so that only the pace keeps calls from starting.
const CHANNELS: u32 = 100;
const CALLS_PER_SECOND: u32 = 5;
/// Whatever is waited for is there within this.
const PATIENCE: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(100);

/// Plays both campaigns, and tells of them on standard output.
///
/// # Errors
/// When a promise was broken, with the promise.
pub fn run(settings: &Settings, is_over: &AtomicBool) -> anyhow::Result<()> {
    let slow = play(settings, SLOW, is_over).context("each flush took a little")?;
    let stalled = play(settings, STALLED, is_over).context("each flush stalled")?;
    // The thanks themselves take as long in both: what is more is the wait for the disk.
    ensure!(
        stalled >= slow + STALLED / 3,
        "with flushes of {STALLED:?} somebody was thanked {stalled:?} after the key, with flushes of {SLOW:?} it took {slow:?}"
    );
    Ok(())
}

/// Plays one campaign; the least time from the key to the end of the thanks.
fn play(settings: &Settings, flush: Duration, is_over: &AtomicBool) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let mut stage = Stage::lay(&settings.folder, CHANNELS, CALLS_PER_SECOND, password(settings.seed))?;
    stage.store.clone_from(&settings.store);
    let journal = stage.path("data/journal");
    let files = [journal.join("db"), journal.join("journal.redb")];
    let fiction = Fiction::invent(settings.seed, settings.communes);
    let Opened {
        mut carrier,
        mut tocsin,
        desk,
    } = open_with(&stage, &fiction, settings.seed, PACE, SILENCE, |stage| {
        stage.start_slow_tocsin(&files, flush)
    })?;
    let Launched { campaign, .. } = launch(&stage, &desk, &policy())?;

    let is_stalled = flush >= STALLED;
    let mut alarms = Vec::new();
    let mut slowest = 0;
    wait_until("the campaign is over", &mut tocsin, is_over, || {
        let live = desk.live()?;
        slowest = slowest.max(live["journal"]["flush_us"].as_u64().unwrap_or(0));
        alarms.extend(alarm(&live));
        Ok(desk.view(campaign)?.is_over())
    })?;
    let told = format!("{:.1} s", slowest as f64 / 1e6);
    ensure!(
        slowest >= flush.as_micros() as u64,
        "the journal's flushes were not held up: the slowest took {told}"
    );
    if is_stalled {
        ensure!(
            alarms
                .iter()
                .any(|alarm| alarm.contains("has not confirmed a record for")),
            "a disk that stalls is no alarm: {alarms:?}"
        );
    } else if slowest < 1_000_000 {
        // A record waits for two flushes at most. Whether the disk below was quick enough besides is not ours to say.
        ensure!(alarms.is_empty(), "a disk that is slow is an alarm: {alarms:?}");
    }
    wait_until("there is no alarm when nothing waits", &mut tocsin, is_over, || {
        Ok(alarm(&desk.live()?).is_none())
    })?;

    settle(&stage.path("carrier.json"));
    let report = judged(&stage, &desk, campaign, &fiction)?;
    tocsin.stop()?;
    carrier.stop()?;
    let counts = Counts::read(&stage.path("carrier.json"))?;
    let waited = counts.numbers.values().filter_map(|number| number.waited_ms);
    let shortest = Duration::from_millis(waited.min().context("nobody was thanked")?);
    ensure!(
        shortest >= flush,
        "somebody was thanked {shortest:?} after the key, and each flush takes {flush:?}"
    );
    let pace = pace(&report)?;
    ensure!(
        is_stalled || pace >= f64::from(CALLS_PER_SECOND) / 2.0,
        "the first calls left at {pace:.1} a second, not {CALLS_PER_SECOND}"
    );
    println!(
        "campaign with seed {}: each flush took {flush:?}; {} people, first calls at {pace:.1} a second, nobody thanked within \
         {shortest:?} of the key{}; no promise broken ({:.0} s)",
        settings.seed,
        fiction.people.len(),
        if is_stalled {
            ", an alarm while it lasted"
        } else {
            ", no alarm"
        },
        started.elapsed().as_secs_f64(),
    );
    clear(&settings.folder)?;
    Ok(shortest)
}

/// The report of a campaign that is over, which must be what the telephones lived through.
fn judged(stage: &Stage, desk: &Desk, campaign: u64, fiction: &Fiction) -> anyhow::Result<Value> {
    let view = desk.view(campaign)?;
    let bytes = desk.report(campaign, "json")?;
    fs::write(stage.path("report.json"), &bytes)?;
    let report = serde_json::from_slice(&bytes)?;
    let counts = Counts::read(&stage.path("carrier.json"))?;
    judge(fiction, &view, &report, &counts)?;
    Ok(report)
}

/// First calls to people a second.
fn pace(report: &Value) -> anyhow::Result<f64> {
    let mut starts = Vec::new();
    for row in report["recipients"].as_array().into_iter().flatten() {
        if let Some(first) = row["first"].as_str() {
            starts.push(first.parse::<jiff::Timestamp>()?.as_millisecond());
        }
    }
    let (first, last) = (starts.iter().min(), starts.iter().max());
    let took = first.zip(last).map(|(first, last)| (last - first) as f64 / 1e3);
    let took = took.context("the report tells of no call")?.max(0.001);
    Ok((starts.len() - 1) as f64 / took)
}

fn alarm(live: &Value) -> Option<String> {
    live["journal"]["alarm"].as_str().map(str::to_owned)
}

fn wait_until(
    what: &str,
    tocsin: &mut Program,
    is_over: &AtomicBool,
    mut is_so: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !is_so()? {
        tocsin.check()?;
        if is_over.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        if Instant::now() > deadline {
            bail!("not within {PATIENCE:?}: {what}");
        }
        thread::sleep(POLL);
    }
    Ok(())
}
