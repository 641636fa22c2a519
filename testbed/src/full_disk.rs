//! The full disk: the real process with its data folder on a small file system that a ballast file fills in the middle of a
//! campaign. In a first campaign there is space again after a while; in a second one the process is killed while the disk is
//! full, so that whatever it told anybody without having it on the disk would be seen to be lost.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, bail, ensure};
use serde_json::{Value, json};

use crate::{
    carrier::counts::Counts,
    crash::{clear, judge},
    demo::{
        desk::{Desk, View},
        fiction::Fiction,
        play::{LIST, Launched, Opened, launch, open, password, settle},
        stage::{Program, Stage},
    },
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

/// Set in a process that has mounts of its own.
const INSIDE: &str = "TOCSIN_OWN_MOUNTS";
/// Size of the data folder's file system.
const MEGABYTES: u32 = 24;
/// Human times are divided by this.
const PACE: f64 = 20.0;
/// The carrier gives a silent call up after this; nobody who waits for their thanks is silent to.
const SILENCE: Duration = Duration::from_secs(8);
/// More channels than are ever in use, so that only the disk keeps calls from starting.
const CHANNELS: u32 = 100;
/// Few enough a second that there are people left to be rung when the disk is full.
const CALLS_PER_SECOND: u32 = 5;
/// Confirmations taken, as the carrier saw it, before the disk is full.
const FILLED_AFTER: u64 = 4;
/// Whatever is waited for is there within this.
const PATIENCE: Duration = Duration::from_secs(120);
/// The carrier must see no change for so long. With a disk that works, some fifteen calls would start in it.
const STILL: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(50);

/// Gives this process mounts that nobody else sees, by starting it anew with the same arguments. Returns in the new process.
///
/// # Errors
/// When there are neither the rights of root nor user namespaces, or `unshare` is missing.
pub fn enter(folder: &Path) -> anyhow::Result<()> {
    if std::env::var_os(INSIDE).is_some() {
        return Ok(());
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut refusals = Vec::new();
    for rights in [&["--mount"][..], &["--mount", "--map-root-user"]] {
        let tried = Command::new("unshare")
            .args(rights)
            .args(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(folder)
            .output()
            .context("unshare (package util-linux) cannot be run")?;
        if tried.status.success() {
            let error = Command::new("unshare")
                .args(rights)
                .arg(std::env::current_exe()?)
                .args(std::env::args_os().skip(1))
                .env(INSIDE, "1")
                .exec();
            return Err(error).context("unshare cannot be run");
        }
        refusals.push(String::from_utf8_lossy(&tried.stderr).trim().to_owned());
    }
    bail!(
        "this test mounts a small file system of its own: it needs root, or user namespaces \
         (sysctl kernel.unprivileged_userns_clone=1). {}",
        refusals.join("; ")
    )
}

/// What ends the time of the full disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Space again: the campaign must go on by itself.
    Space,
    /// A kill, then space and a new start.
    Kill,
}

/// Plays both campaigns, and tells of them on standard output. Only in a process that has called [`enter`].
///
/// # Errors
/// When a promise was broken, with the promise.
pub fn run(settings: &Settings, is_over: &AtomicBool) -> anyhow::Result<()> {
    play(settings, End::Space, is_over).context("there was space again")?;
    play(settings, End::Kill, is_over).context("the process was killed while the disk was full")
}

fn play(settings: &Settings, end: End, is_over: &AtomicBool) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut stage = Stage::lay(&settings.folder, CHANNELS, CALLS_PER_SECOND, password(settings.seed))?;
    stage.store.clone_from(&settings.store);
    let disk = Disk::mount(&stage.path("data"))?;
    let fiction = Fiction::invent(settings.seed, settings.communes);
    let Opened {
        mut carrier,
        tocsin,
        desk,
    } = open(&stage, &fiction, settings.seed, PACE, SILENCE)?;
    let Launched { campaign, .. } = launch(&stage, &desk, &policy())?;
    let mut scene = Scene {
        stage: &stage,
        disk: &disk,
        tocsin,
        desk,
        campaign,
        is_over,
    };

    scene.wait_until("a few people have confirmed", |scene| {
        Ok(taken(&scene.counts()?) >= FILLED_AFTER)
    })?;
    let mut full = scene.full_disk()?;
    match end {
        End::Space => {
            scene.free_disk(&full)?;
            // The same journal, the second time.
            let other = scene.other_campaign()?;
            full = scene.full_disk()?;
            scene.free_disk(&full)?;
            let made = other
                .join()
                .map_err(|_| anyhow!("the second campaign's thread has failed"))?;
            if made.is_err() {
                // It was asked for when there was an alarm already, and was refused; now it must be made.
                let message = scene.desk.add_message("Autre", "Un autre message.")?;
                scene.desk.add_campaign("Autre", message, LIST, &policy())?;
            }
        }
        End::Kill => {
            scene.tocsin.kill()?;
            disk.free()?;
            scene.tocsin = stage.start_tocsin()?;
            scene.wait_until("tocsin answers again", |scene| match stage.sign_in() {
                Ok(desk) => {
                    scene.desk = desk;
                    Ok(true)
                }
                Err(_) => Ok(false),
            })?;
        }
    }
    scene.wait_until("the campaign is over", |scene| Ok(scene.view()?.is_over()))?;

    settle(&stage.path("carrier.json"));
    let view = scene.view()?;
    let report = scene.desk.report(campaign, "json")?;
    fs::write(stage.path("report.json"), &report)?;
    scene.tocsin.stop()?;
    carrier.stop()?;
    let counts = Counts::read(&stage.path("carrier.json"))?;
    judge(&fiction, &view, &serde_json::from_slice(&report)?, &counts)?;
    ensure!(
        counts.calls > full.calls,
        "no call was left to make when the disk was full: the campaign is too small for this machine"
    );
    println!(
        "campaign with seed {}: the disk was full after {} calls of {}, then {}; {} people, {} confirmed, no promise broken ({:.0} s)",
        settings.seed,
        full.calls,
        counts.calls,
        match end {
            End::Space => "had space again",
            End::Kill => "a kill",
        },
        fiction.people.len(),
        view.confirmed,
        started.elapsed().as_secs_f64(),
    );
    drop(scene);
    disk.unmount()?;
    clear(&settings.folder)
}

/// Few tries and short waits: a campaign of seconds.
pub(crate) fn policy() -> Value {
    json!({
        "ring_timeout": 5,
        "between_numbers": 1,
        "tries_per_number": 2,
        "tries_per_recipient": 3,
        "total_period": 3600,
        "delays": {
            "busy": 1, "no_answer": 1, "not_confirmed": 1, "hung_up_early": 1, "machine": null,
            "rejected": null, "unreachable": null, "failed": 1, "unknown": 1
        },
    })
}

/// Another campaign that somebody asks for once the disk is full.
type Other = thread::JoinHandle<anyhow::Result<()>>;

/// Everything on the stage.
struct Scene<'a> {
    stage: &'a Stage,
    disk: &'a Disk,
    tocsin: Program,
    desk: Desk,
    campaign: u64,
    is_over: &'a AtomicBool,
}

impl Scene<'_> {
    /// Makes space, and sees the campaign go on.
    fn free_disk(&mut self, full: &Counts) -> anyhow::Result<()> {
        self.disk.free()?;
        self.wait_until("the alarm is over", |scene| Ok(scene.alarm()?.is_none()))?;
        self.wait_until("calls start again and people are thanked", |scene| {
            let counts = scene.counts()?;
            Ok(counts.calls > full.calls && taken(&counts) > taken(full))
        })
    }

    /// Somebody will ask for another campaign when the disk is full again. A journal that was full once holds space ahead in its
    /// file, in which a small campaign's records fit; the list of a new one's people does not, and so the disk is seen to be
    /// full at once. Whoever asked waits for the answer until there is space.
    fn other_campaign(&self) -> anyhow::Result<Other> {
        let desk = self.stage.sign_in()?;
        let message = desk.add_message("Autre", "Un autre message.")?;
        let ballast = self.disk.ballast();
        Ok(thread::spawn(move || {
            let deadline = Instant::now() + PATIENCE;
            while !ballast.exists() {
                ensure!(Instant::now() < deadline, "the disk was not filled a second time");
                thread::sleep(POLL);
            }
            thread::sleep(STILL / 6);
            desk.add_campaign("Autre", message, LIST, &policy())?;
            Ok(())
        }))
    }

    /// Fills the disk and sees what must be seen; what the carrier had counted when nothing moved any more. The disk is full
    /// when this returns.
    fn full_disk(&mut self) -> anyhow::Result<Counts> {
        let before = self.view()?;
        ensure!(
            before.state == "running" && before.pending > 0,
            "the campaign was nearly over before the disk was full: it is too small for this machine"
        );
        self.disk.fill()?;
        self.wait_until("the full disk is an alarm", |scene| Ok(scene.alarm()?.is_some()))?;
        let alarm = self.alarm()?.unwrap_or_default();
        ensure!(
            alarm.contains("full") && alarm.contains("free some space"),
            "the alarm does not say that the disk is full and what to do: {alarm}"
        );
        // Somebody who signs in now must be let in, and be told.
        let newcomer = self.stage.sign_in().context("while the disk is full")?;
        // A record that is small enough may still find room, and then the alarm is gone for a moment.
        self.wait_until("the console's first page shows the alarm", |_| {
            let page = newcomer.dashboard()?;
            Ok(page.contains("role=alert") && page.contains("free some space"))
        })?;

        // Calls in progress go on: people still press the key. Then nothing moves: no new call, no thanks.
        let at_alarm = self.counts()?;
        let pressed = |counts: &Counts| counts.keys.get(&'1').copied().unwrap_or_default();
        self.wait_until("somebody confirms in a call that was in progress", |scene| {
            Ok(pressed(&scene.counts()?) > pressed(&at_alarm))
        })?;
        let mut last = self.counts()?;
        let mut since = Instant::now();
        self.wait_until("no call starts and nobody is thanked any more", |scene| {
            let counts = scene.counts()?;
            if (counts.calls, taken(&counts)) != (last.calls, taken(&last)) {
                since = Instant::now();
            }
            last = counts;
            Ok(since.elapsed() >= STILL)
        })?;
        let view = self.view()?;
        ensure!(
            view.state == "running" && view.pending > 0 && self.alarm()?.is_some(),
            "the campaign does not wait for the disk: {}",
            json!(view)
        );
        Ok(last)
    }

    /// Waits for a state, and keeps the disk full as long as it is.
    fn wait_until(
        &mut self,
        what: &str,
        mut is_so: impl FnMut(&mut Self) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self)? {
            self.tocsin.check()?;
            if self.disk.is_filled() {
                self.disk.fill()?;
            }
            if self.is_over.load(Ordering::Relaxed) {
                bail!("interrupted");
            }
            if Instant::now() > deadline {
                bail!("not within {PATIENCE:?}: {what}; {}", json!(self.view()?));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn alarm(&self) -> anyhow::Result<Option<String>> {
        let live = self.desk.live()?;
        let journal = live
            .get("journal")
            .context("the live view does not tell of the journal")?;
        Ok(journal.get("alarm").and_then(Value::as_str).map(str::to_owned))
    }

    fn view(&self) -> anyhow::Result<View> {
        self.desk.view(self.campaign)
    }

    fn counts(&self) -> anyhow::Result<Counts> {
        Counts::read(&self.stage.path("carrier.json")).context("the carrier's counts cannot be read")
    }
}

/// Calls in which a confirmation was taken, as the carrier saw it.
fn taken(counts: &Counts) -> u64 {
    counts.numbers.values().map(|number| number.thanked).sum()
}

/// A small file system of our own.
#[derive(Debug)]
struct Disk {
    folder: PathBuf,
}

impl Disk {
    fn mount(folder: &Path) -> anyhow::Result<Disk> {
        fs::create_dir(folder)?;
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={MEGABYTES}m,mode=700"), "tmpfs"])
            .arg(folder)
            .output()
            .context("mount (package mount) cannot be run")?;
        ensure!(
            done.status.success(),
            "no small file system can be mounted: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        Ok(Disk {
            folder: folder.to_owned(),
        })
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    fn is_filled(&self) -> bool {
        self.ballast().exists()
    }

    /// Takes whatever space there is.
    fn fill(&self) -> anyhow::Result<()> {
        let mut file = File::options().create(true).append(true).open(self.ballast())?;
        for piece in [vec![0; 64 << 10], vec![0; 4 << 10]] {
            loop {
                match file.write(&piece) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error).context("the ballast cannot be written"),
                }
            }
        }
        Ok(())
    }

    fn free(&self) -> anyhow::Result<()> {
        fs::remove_file(self.ballast()).context("the ballast cannot be removed")
    }

    fn unmount(&self) -> anyhow::Result<()> {
        let done = Command::new("umount").arg(&self.folder).output()?;
        ensure!(
            done.status.success(),
            "the small file system cannot be unmounted: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        Ok(())
    }
}
