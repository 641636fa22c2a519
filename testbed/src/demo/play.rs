//! The demonstration itself, act by act.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rand::{Rng, SeedableRng};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    desk::{Desk, Imported, View},
    fiction::Fiction,
    screen::Screen,
    stage::{Program, Stage},
    verdict::{self, Figure},
};
use crate::carrier::counts::Counts;

/// What the people hear.
pub const MESSAGE: &str = "Alerte de la préfecture de la Somme. Vigilance rouge pour inondations. \
    Prévenez vos habitants des zones basses, ouvrez votre centre d'accueil, et tenez votre commune informée.";

/// How large and how quick the demonstration is.
#[derive(Debug, Clone)]
pub struct Size {
    /// Communes whose people are alerted.
    pub communes: usize,
    /// Channels of the trunk.
    pub channels: u32,
    /// New calls a second.
    pub calls_per_second: u32,
    /// Human times are divided by this.
    pub pace: f64,
    /// The campaign's period, in seconds: it is over by then.
    pub period: u64,
}

impl Size {
    /// All 771 communes: two to three minutes.
    pub const FULL: Size = Size {
        communes: 771,
        channels: 500,
        calls_per_second: 40,
        pace: 4.0,
        period: 150,
    };
    /// A short form for continuous integration.
    pub const SHORT: Size = Size {
        communes: 60,
        channels: 200,
        calls_per_second: 20,
        pace: 6.0,
        period: 45,
    };
}

/// What is written with `--summary`.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Whether every figure agrees.
    pub agree: bool,
    /// The figures, side by side.
    pub figures: Vec<Figure>,
    /// The campaign as tocsin shows it at the end.
    pub tocsin: View,
    /// What the carrier counted, without the single telephones.
    pub carrier: Counts,
    /// Rows of the spreadsheet that were read.
    pub imported: u64,
    /// Seconds from the launch to the end.
    pub seconds: f64,
    /// Most calls at once, as the carrier saw it.
    pub concurrent_max: u64,
    /// The reports.
    pub reports: Vec<PathBuf>,
    /// The seed of this run.
    pub seed: u64,
}

/// Plays everything; children are gone when it returns, whatever happens.
///
/// # Errors
/// When an act fails; a disagreement is no error but stands in the summary.
pub fn play(size: &Size, folder: &Path, seed: u64, is_over: &AtomicBool) -> anyhow::Result<Summary> {
    let stage = Stage::lay(folder, size.channels, size.calls_per_second, password(seed))?;
    println!("Folder: {}", stage.folder.display());

    let fiction = Fiction::invent(seed, size.communes);
    let mut opened = open(&stage, &fiction, seed, size.pace, SILENCE)?;
    println!(
        "Spreadsheet: {} people of {} communes with {} telephones: {}",
        fiction.people.len(),
        size.communes,
        fiction.phones.len(),
        stage.path(SPREADSHEET).display()
    );
    println!("Carrier: udp://127.0.0.1:{}", stage.carrier_port);
    println!(
        "Console: https://localhost:{}/ (user admin, password {})",
        stage.web_port, stage.password
    );

    let launched = Instant::now();
    let Launched {
        campaign,
        imported,
        prediction,
    } = launch(&stage, &opened.desk, &policy(size))?;
    println!(
        "Import: {} rows read, {} people created, {} problems",
        imported.read,
        imported.created,
        imported.problems.len()
    );
    for problem in imported.problems.iter().take(5) {
        println!("  {problem}");
    }
    if let Some(end) = prediction["end_s"].as_f64() {
        println!("Prediction: about {end:.0} s");
    }
    println!("Launched; live at {}", opened.desk.live_page(campaign, CAMPAIGN)?);

    let people = fiction.people.len() as u64;
    let mut screen = Screen::new(people);
    let view = loop {
        let view = opened.desk.view(campaign)?;
        screen.show(&view, launched.elapsed());
        if view.is_over() {
            break view;
        }
        if is_over.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        opened.carrier.check()?;
        opened.tocsin.check()?;
        if launched.elapsed() > Duration::from_secs(size.period + 120) {
            bail!(
                "the campaign is still not over {} s after its launch: {}",
                size.period + 120,
                json!(view)
            );
        }
        thread::sleep(Duration::from_millis(250));
    };
    screen.finish();
    let seconds = launched.elapsed().as_secs_f64();
    // The far ends of the last calls learn of their end a moment later.
    settle(&stage.path("carrier.json"));

    let mut reports = Vec::new();
    for kind in ["xlsx", "pdf", "csv", "json"] {
        let path = stage.path(&format!("report.{kind}"));
        fs::write(&path, opened.desk.report(campaign, kind)?)?;
        reports.push(path);
    }
    let report: Value = serde_json::from_slice(&fs::read(stage.path("report.json"))?)?;
    opened.tocsin.stop().context("at the end")?;
    opened.carrier.stop().context("at the end")?;
    let mut counts = Counts::read(&stage.path("carrier.json")).context("the carrier's counts cannot be read")?;

    let figures = verdict::compare(&view, &report, &counts, people);
    let concurrent_max = counts.concurrent_max;
    counts.numbers.clear();
    Ok(Summary {
        agree: figures.iter().all(Figure::agrees),
        figures,
        tocsin: view,
        carrier: counts,
        imported: imported.read,
        seconds,
        concurrent_max,
        reports,
        seed,
    })
}

/// The spreadsheet's name in the folder.
const SPREADSHEET: &str = "elus-de-la-somme.xlsx";

/// The campaign's name.
const CAMPAIGN: &str = "Crue de la Somme";

/// How long the carrier waits for sound before it hangs up.
const SILENCE: Duration = Duration::from_secs(8);

/// The programs, running, and a session at the desk.
#[derive(Debug)]
pub struct Opened {
    /// The simulated carrier.
    pub carrier: Program,
    /// tocsin.
    pub tocsin: Program,
    /// Signed in.
    pub desk: Desk,
}

/// Writes the spreadsheet, the telephones and the configuration; starts both programs; signs in.
///
/// # Errors
/// When a file cannot be written or a program does not start.
pub fn open(stage: &Stage, fiction: &Fiction, seed: u64, pace: f64, silence: Duration) -> anyhow::Result<Opened> {
    open_with(stage, fiction, seed, pace, silence, Stage::start_tocsin)
}

/// The same with tocsin started in another way.
///
/// # Errors
/// As for [`open`].
pub fn open_with(
    stage: &Stage,
    fiction: &Fiction,
    seed: u64,
    pace: f64,
    silence: Duration,
    start: impl FnOnce(&Stage) -> anyhow::Result<Program>,
) -> anyhow::Result<Opened> {
    fiction.write_spreadsheet(&stage.path(SPREADSHEET))?;
    fiction.write_phones(&stage.path("phones.csv"))?;
    stage.write_configuration()?;
    let carrier = stage.start_carrier(seed, pace, silence)?;
    let tocsin = start(stage)?.wait_until_served(stage)?;
    let desk = stage.sign_in()?;
    Ok(Opened { carrier, tocsin, desk })
}

/// The list of everybody.
pub const LIST: &str = "Élus de la Somme";

/// A campaign under way.
#[derive(Debug)]
pub struct Launched {
    /// Its number.
    pub campaign: u64,
    /// What the import said.
    pub imported: Imported,
    /// What was predicted, in JSON.
    pub prediction: Value,
}

/// Imports the spreadsheet, adds the message, makes the campaign and launches it.
///
/// # Errors
/// When tocsin refuses one of these.
pub fn launch(stage: &Stage, desk: &Desk, policy: &Value) -> anyhow::Result<Launched> {
    let imported = desk.import(LIST, SPREADSHEET, &fs::read(stage.path(SPREADSHEET))?)?;
    let message = desk.add_message("Vigilance rouge inondations", MESSAGE)?;
    let (campaign, mut made) = desk.add_campaign(CAMPAIGN, message, LIST, policy)?;
    desk.launch(campaign)?;
    Ok(Launched {
        campaign,
        imported,
        prediction: made["prediction"].take(),
    })
}

/// The policy of the demonstration: an alert whose waits are shortened like the people's own times.
fn policy(size: &Size) -> Value {
    json!({
        "ring_timeout": 8,
        "between_numbers": 1,
        "tries_per_number": 2,
        "tries_per_recipient": 4,
        "total_period": size.period,
        "delays": {
            "busy": 6, "no_answer": 6, "not_confirmed": 10, "hung_up_early": 6, "machine": 10,
            "rejected": 10, "unreachable": null, "failed": 5, "unknown": 5
        },
    })
}

/// Waits until the carrier has no call any more, at most five seconds: a disagreement is then shown, not waited for.
pub(crate) fn settle(counts: &Path) {
    for _ in 0..10 {
        thread::sleep(Duration::from_millis(500));
        if Counts::read(counts).is_ok_and(|counts| counts.concurrent == 0) {
            return;
        }
    }
}

/// A password for this run only.
pub(crate) fn password(seed: u64) -> String {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed ^ u64::from(std::process::id()));
    (0..16)
        .map(|_| char::from(b"abcdefghjkmnpqrstuvwxyz23456789"[rng.random_range(0..31)]))
        .collect()
}
