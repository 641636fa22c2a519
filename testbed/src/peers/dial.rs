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
const PASSWORD: &str = "correct horse";

/// What `tocsin dial` said.
#[derive(Debug)]
pub struct Dialled {
    /// Whether the call was answered (exit status 0).
    pub is_success: bool,
    /// Its JSON.
    pub told: Value,
}

/// Places one call that plays `seconds` of a 440 Hz tone, and waits for its story.
///
/// # Errors
/// When tocsin does not end in time, or does not speak JSON.
pub fn dial(folder: &Path, to: &str, seconds: f64, arguments: &[&str]) -> anyhow::Result<Dialled> {
    let sound = folder.join("tone.wav");
    fs::write(&sound, wav::write(&tone(seconds), 8_000))?;
    let output = folder.join("dial.json");
    let log = folder.join("dial.log");
    let mut child = Command::new(beside("tocsin")?)
        .args(["dial", to, "--json", "--play"])
        .arg(&sound)
        .args(arguments)
        .env("TOCSIN_PASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .stdout(fs::File::create(&output)?)
        .stderr(fs::File::create(&log)?)
        .spawn()
        .context("cannot start tocsin")?;
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

fn tone(seconds: f64) -> Vec<i16> {
    (0..(seconds * 8_000.0) as usize)
        .map(|n| (8_000.0 * (std::f64::consts::TAU * 440.0 * n as f64 / 8_000.0).sin()) as i16)
        .collect()
}
