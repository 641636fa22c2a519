//! `tocsin dial` as a process, and what it said.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rtp_media::wav;
use serde_json::Value;

use crate::demo::stage::beside;

/// The longest that a call of these checks may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// What scenarios that challenge expect of the user `prefecture`.
pub const PASSWORD: &str = "correct horse";

/// The user.
pub const USER: &str = "prefecture";

/// How a call is placed.
pub struct Settings<'a> {
    /// Seconds of a 440 Hz tone to play.
    pub seconds: f64,
    /// More arguments.
    pub arguments: &'a [&'a str],
    /// By how much the clock of tocsin runs too fast (by libfaketime, unless it is 1).
    pub pace: u32,
}

impl<'a> Settings<'a> {
    /// A call that plays the tone this long.
    pub fn new(seconds: f64, arguments: &'a [&'a str]) -> Settings<'a> {
        Settings {
            seconds,
            arguments,
            pace: 1,
        }
    }
}

/// What `tocsin dial` said.
#[derive(Debug)]
pub struct Dialled {
    /// Whether the call was answered (exit status 0).
    pub is_success: bool,
    /// Its JSON.
    pub told: Value,
}

/// Places one call and waits for its story.
///
/// # Errors
/// When tocsin does not end in time, or does not speak JSON.
pub fn dial(folder: &Path, to: &str, settings: &Settings<'_>) -> anyhow::Result<Dialled> {
    let sound = folder.join("tone.wav");
    fs::write(&sound, wav::write(&tone(settings.seconds), 8_000))?;
    let output = folder.join("dial.json");
    let log = folder.join("dial.log");
    let tocsin = beside("tocsin")?;
    let mut command = if settings.pace == 1 {
        Command::new(tocsin)
    } else {
        let mut command = Command::new("faketime");
        command.args(["-f", &format!("+0 x{}", settings.pace)]).arg(tocsin);
        command
    };
    let mut child = command
        .args(["dial", to, "--json", "--play"])
        .arg(&sound)
        .args(settings.arguments)
        .env("TOCSIN_PASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .stdout(fs::File::create(&output)?)
        .stderr(fs::File::create(&log)?)
        .spawn()
        .context("cannot start tocsin, or faketime (package faketime)")?;
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("tocsin dial did not end within {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(20));
    };
    let text = fs::read_to_string(&output)?;
    let told = serde_json::from_str(&text).with_context(|| {
        format!(
            "tocsin dial ({status}) did not print JSON: {text}\n{}",
            fs::read_to_string(&log).unwrap_or_default()
        )
    })?;
    Ok(Dialled {
        is_success: status.success(),
        told,
    })
}

/// A tone of 440 Hz at 8,000 samples a second.
pub fn tone(seconds: f64) -> Vec<i16> {
    (0..(seconds * 8_000.0) as usize)
        .map(|n| (8_000.0 * (std::f64::consts::TAU * 440.0 * n as f64 / 8_000.0).sin()) as i16)
        .collect()
}
