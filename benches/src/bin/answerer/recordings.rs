//! Calls from real recordings: the voices that read Asterisk's prompts, as Debian packages them.
//!
//! Machines are put together as a voice mail puts them together ("the person at extension … is unavailable, please leave
//! your message after the tone", then the recorded beep), and network announcements are taken as they are. People are
//! phrases of the same voices as long as what people say when they answer.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rtp_media::import;

use crate::calls::{Call, RATE, line, seconds};

const FOLDER: &str = "/usr/share/asterisk/sounds";

/// Folder of each voice and the package that it comes from.
const VOICES: [(&str, &str); 7] = [
    ("en_US_f_Allison", "asterisk-core-sounds-en-wav"),
    ("fr_CA_f_June", "asterisk-core-sounds-fr-wav"),
    ("es_MX_f_Allison", "asterisk-core-sounds-es-wav"),
    ("it_IT_m_Carlo", "asterisk-core-sounds-it-wav"),
    ("ru_RU_f_IvrvoiceRU", "asterisk-core-sounds-ru-wav"),
    ("it_IT_f_Menardi", "asterisk-prompt-it-menardi-wav"),
    ("fr", "asterisk-prompt-fr-armelle"),
];

/// What a voice mail says, piece after piece; `#` is a number of some digits.
const GREETINGS: &[&[&str]] = &[
    &["vm-theperson", "#", "vm-isunavail", "vm-intro"],
    &["vm-theperson", "#", "vm-isonphone", "vm-intro"],
    &["vm-theperson", "#", "vm-isunavail"],
    &["vm-theperson", "#", "vm-isonphone"],
    &["vm-isunavail", "vm-intro"],
    &["vm-nobodyavail"],
    &["vm-intro"],
];

/// What a network says instead of a telephone, without a beep.
const ANNOUNCEMENTS: &[&str] = &["ss-noservice", "cannot-complete-as-dialed"];

/// Lengths of what people say, in seconds, with how many of ten say so much: "Allô ?", a name, a town hall's welcome.
const PHRASES: [(f32, f32, usize); 3] = [(0.3, 1.0, 5), (1.0, 2.0, 3), (2.0, 3.2, 2)];

struct Recording {
    name: String,
    pcm: Vec<i16>,
}

struct Voice {
    recordings: Vec<Recording>,
}

/// As many calls of each kind.
///
/// # Errors
/// Recordings that are not installed, with the packages that bring them.
pub fn calls(count: usize, seed: u64) -> Result<Vec<Call>> {
    let voices = voices()?;
    let beep = voices[0].piece("beep").context("no recorded beep")?;
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0xA57E);
    let mut calls = Vec::new();
    for n in 0..count {
        let voice = &voices[n % voices.len()];
        calls.push(person(voice, n, &mut random)?);
        calls.push(machine(voice, beep, &mut random)?);
    }
    Ok(calls)
}

fn voices() -> Result<Vec<Voice>> {
    let missing: Vec<&str> = VOICES
        .iter()
        .filter(|(folder, _)| {
            !["beep.wav", "beep.gsm", "vm-intro.gsm"]
                .iter()
                .any(|f| Path::new(FOLDER).join(folder).join(f).exists())
        })
        .map(|&(_, package)| package)
        .collect();
    ensure!(
        missing.is_empty(),
        "the recordings are not all installed: apt-get install {}",
        missing.join(" ")
    );
    VOICES
        .iter()
        .map(|(folder, _)| Voice::read(&Path::new(FOLDER).join(folder)))
        .collect()
}

impl Voice {
    fn read(folder: &Path) -> Result<Voice> {
        let mut paths = Vec::new();
        for folder in [folder.to_owned(), folder.join("digits")] {
            for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
                paths.push(entry?.path());
            }
        }
        paths.sort();
        let mut recordings = Vec::new();
        for path in paths {
            let pcm = match path.extension().and_then(|e| e.to_str()) {
                Some("wav") => import::read(std::fs::read(&path)?, Some(RATE as u32)).map(|pcm| pcm.samples),
                Some("gsm") => Ok(decoded(&path)?),
                _ => continue,
            };
            // Some prompts are pure silence, which cannot be imported as a message.
            let Ok(pcm) = pcm else { continue };
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            recordings.push(Recording { name, pcm });
        }
        Ok(Voice { recordings })
    }

    fn piece(&self, name: &str) -> Option<&[i16]> {
        self.recordings
            .iter()
            .find(|r| r.name == name)
            .map(|r| r.pcm.as_slice())
    }

    /// A phrase of some length.
    fn phrase(&self, from: f32, to: f32, random: &mut ChaCha8Rng) -> Result<&[i16]> {
        let is_speech = |r: &&Recording| {
            !["beep", "tone", "silence", "ring"]
                .iter()
                .any(|word| r.name.contains(word))
        };
        let fitting: Vec<&Recording> = self
            .recordings
            .iter()
            .filter(|r| (seconds(from)..seconds(to)).contains(&r.pcm.len()))
            .filter(is_speech)
            .collect();
        let recording = fitting.choose(random).context("a voice without phrases")?;
        Ok(&recording.pcm)
    }
}

/// GSM files hold bare frames, which only ffmpeg reads.
fn decoded(path: &Path) -> Result<Vec<i16>> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-f", "s16le", "-ar", "8000", "-ac", "1", "-"])
        .output()
        .context("ffmpeg is missing: apt-get install ffmpeg")?;
    if !output.status.success() {
        bail!("{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(output
        .stdout
        .as_chunks::<2>()
        .0
        .iter()
        .map(|&b| i16::from_le_bytes(b))
        .collect())
}

fn person(voice: &Voice, n: usize, random: &mut ChaCha8Rng) -> Result<Call> {
    let mut turn = n / VOICES.len() % 10;
    let mut pcm = vec![0; seconds(random.random_range(0.1..1.8))];
    for (from, to, share) in PHRASES {
        if turn < share {
            pcm.extend_from_slice(voice.phrase(from, to, random)?);
            break;
        }
        turn -= share;
    }
    pcm.resize(pcm.len() + seconds(random.random_range(1.5..4.0)), 0);
    pcm.extend_from_slice(voice.phrase(0.3, 1.2, random)?);
    pcm.resize(pcm.len() + seconds(4.0), 0);
    Ok(Call {
        is_machine: false,
        pcm: line(pcm, random),
        beep: None,
    })
}

fn machine(voice: &Voice, beep: &[i16], random: &mut ChaCha8Rng) -> Result<Call> {
    let mut pcm = vec![0; seconds(random.random_range(0.2..1.5))];
    let announcements: Vec<&[i16]> = ANNOUNCEMENTS.iter().filter_map(|name| voice.piece(name)).collect();
    if !announcements.is_empty() && random.random_bool(0.15) {
        pcm.extend_from_slice(announcements.choose(random).copied().unwrap_or_default());
        pcm.resize(pcm.len() + seconds(4.0), 0);
        return Ok(Call {
            is_machine: true,
            pcm: line(pcm, random),
            beep: None,
        });
    }
    let has = |greeting: &&&[&str]| greeting.iter().all(|part| *part == "#" || voice.piece(part).is_some());
    let greetings: Vec<&&[&str]> = GREETINGS.iter().filter(has).collect();
    for part in greetings.choose(random).context("a voice without greetings")?.iter() {
        match voice.piece(part) {
            Some(piece) => pcm.extend_from_slice(piece),
            None => {
                for _ in 0..random.random_range(2..5) {
                    let digit = random.random_range(0..10u32).to_string();
                    pcm.extend_from_slice(voice.piece(&digit).unwrap_or_default());
                }
            }
        }
    }
    pcm.resize(pcm.len() + seconds(random.random_range(0.1..1.5)), 0);
    let start = pcm.len();
    pcm.extend_from_slice(beep);
    let end = pcm.len();
    pcm.resize(end + seconds(3.0), 0);
    Ok(Call {
        is_machine: true,
        pcm: line(pcm, random),
        beep: Some(start..end),
    })
}
