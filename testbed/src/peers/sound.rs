//! What telephones say and hear: keys as tones, and how much of a recording is our tone.

use std::{fs, path::Path};

use anyhow::{Context, ensure};
use rtp_media::{import, wav};

/// Samples a second.
const RATE: u32 = 8_000;

/// Writes a sound of `seconds` in which `keys` are pressed as tones (ITU-T Q.23), the first after `after` seconds and one each half second.
///
/// # Errors
/// When the file cannot be written.
pub fn write_keys(path: &Path, seconds: f64, after: f64, keys: &str) -> anyhow::Result<()> {
    const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
    const COLUMNS: [f64; 3] = [1_209.0, 1_336.0, 1_477.0];
    let mut samples = vec![0i16; (seconds * f64::from(RATE)) as usize];
    for (n, key) in keys.chars().enumerate() {
        let place = "123456789*0#".find(key).context("no such key")?;
        let (low, high) = (ROWS[place / 3], COLUMNS[place % 3]);
        let start = ((after + 0.5 * n as f64) * f64::from(RATE)) as usize;
        for (t, sample) in samples.iter_mut().skip(start).take(1_200).enumerate() {
            let phase = std::f64::consts::TAU * t as f64 / f64::from(RATE);
            *sample = (6_000.0 * ((phase * low).sin() + (phase * high).sin())) as i16;
        }
    }
    fs::write(path, wav::write(&samples, RATE))?;
    Ok(())
}

/// Seconds of sound in a recording, and the share of their power that is the 440 Hz tone.
///
/// # Errors
/// When the recording cannot be read.
pub fn heard_tone(path: &Path) -> anyhow::Result<(f64, f64)> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    let sound = import::read(bytes, Some(RATE)).with_context(|| path.display().to_string())?;
    let (mut in_tone, mut total, mut blocks) = (0.0, 0.0, 0);
    // Blocks of 100 ms hold 44 whole periods of the tone.
    for block in sound.samples.chunks_exact(RATE as usize / 10) {
        let power: f64 = block.iter().map(|&s| f64::from(s).powi(2)).sum();
        if power < 1_000_000.0 * block.len() as f64 {
            continue;
        }
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &sample) in block.iter().enumerate() {
            let angle = std::f64::consts::TAU * 440.0 * n as f64 / f64::from(RATE);
            re += f64::from(sample) * angle.cos();
            im += f64::from(sample) * angle.sin();
        }
        in_tone += 2.0 * (re * re + im * im) / block.len() as f64;
        total += power;
        blocks += 1;
    }
    Ok((
        f64::from(blocks) / 10.0,
        if total > 0.0 { in_tone / total } else { 0.0 },
    ))
}

/// Insists that a recording holds at least `seconds` of sound, nearly all of it the tone.
///
/// # Errors
/// When it does not.
pub fn expect_tone(path: &Path, seconds: f64) -> anyhow::Result<()> {
    let (heard, share) = heard_tone(path)?;
    ensure!(
        heard >= seconds && share > 0.8,
        "{heard:.1} s of sound were heard, of which {:.0} % is the 440 Hz tone; at least {seconds:.1} s and 80 % are due",
        share * 100.0
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_tone_is_told_from_keys_and_from_silence() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sound.wav");
        fs::write(&file, wav::write(&super::super::dial::tone(2.0), RATE)).unwrap();
        expect_tone(&file, 1.9).unwrap();
        assert!(expect_tone(&file, 2.1).is_err());
        write_keys(&file, 2.0, 0.0, "123").unwrap();
        let (heard, share) = heard_tone(&file).unwrap();
        assert!(heard > 0.2 && share < 0.1, "{heard} {share}");
        write_keys(&file, 2.0, 0.0, "").unwrap();
        assert!(expect_tone(&file, 0.0).is_err());
    }
}
