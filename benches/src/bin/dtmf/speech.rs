//! Hours of speech: espeak-ng in many voices and languages over shuffled words, and recordings from folders.

use std::path::{Path, PathBuf};

use anyhow::Result;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rtp_media::speech::{Espeak, Synthesizer};
use rtp_media::{import, speech::Pcm};

use crate::cases::telephone;

/// Languages with the variants of each voice (espeak-ng writes them behind a plus sign).
const LANGUAGES: [&str; 10] = ["fr", "fr-be", "fr-ch", "en", "en-us", "de", "es", "it", "pt", "nl"];
const SPEEDS: [u32; 3] = [120, 150, 190];
const PITCHES: [u32; 5] = [10, 35, 50, 75, 95];

const FRENCH: &str = "bonjour mairie alerte inondation rivière commune habitants évacuation message confirmer appuyez écouter secours \
pompiers préfecture département route fermée école gymnase accueil danger vent pluie tempête neige verglas canicule numéro \
téléphone urgence information maintenant demain matin soir heure minute oui non merci madame monsieur je suis vous êtes nous \
avons ils seront aujourd'hui deux trois quatre cinq six sept huit neuf dix vingt trente quarante cinquante soixante mille";

const ENGLISH: &str = "hello town hall alert flood river people evacuation message confirm press listen rescue fire brigade county road \
closed school shelter danger wind rain storm snow ice heat number telephone emergency information now tomorrow morning evening \
hour minute yes no thank you madam sir I am you are we have they will be today two three four five six seven eight nine ten \
twenty thirty forty fifty sixty thousand window orange purple yellow noise whistle music leave your name after the tone";

/// A prompt at 8 kHz, long enough to cut pieces from.
pub fn prompt() -> Result<Vec<i16>> {
    let text =
        "Ceci est un appel d'alerte. La rivière monte, les habitants des quartiers bas doivent rejoindre le gymnase. "
            .repeat(4);
    let Pcm { samples, rate } = Espeak::default().speak(&text, "fr")?;
    telephone(&samples, rate)
}

/// Calls `take` with the name of the source and a piece of 8 kHz speech at some telephone level.
pub fn each(
    minutes: u64,
    folders: &[PathBuf],
    seed: u64,
    mut take: impl FnMut(&str, &[i16]) -> Result<()>,
) -> Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut left = minutes as i64 * 60 * 8_000;
    for turn in 0.. {
        if left <= 0 {
            break;
        }
        let language = LANGUAGES[turn % LANGUAGES.len()];
        let words: Vec<&str> = if language.starts_with("fr") { FRENCH } else { ENGLISH }
            .split_whitespace()
            .collect();
        let text: Vec<&str> = (0..120).filter_map(|_| words.choose(&mut random).copied()).collect();
        let engine = Espeak {
            speed: SPEEDS[turn % SPEEDS.len()],
            pitch: *PITCHES.choose(&mut random).unwrap_or(&50),
        };
        let Pcm { samples, rate } = engine.speak(&text.join(" "), language)?;
        let pcm = telephone(&at_some_level(&samples, &mut random), rate)?;
        left -= pcm.len() as i64;
        take("espeak-ng, 10 languages", &pcm)?;
    }
    for folder in folders {
        let name = format!("recordings in {}", folder.display());
        for file in files(folder)? {
            let Ok(Pcm { samples, rate }) = import::read(std::fs::read(&file)?, Some(8_000)) else {
                continue;
            };
            // Recordings of the tones themselves, as some collections hold, are no speech.
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
            if ["beep", "tone", "dtmf", "ring", "busy", "congest"]
                .iter()
                .any(|word| stem.contains(word))
            {
                continue;
            }
            take(&name, &telephone(&at_some_level(&samples, &mut random), rate)?)?;
        }
    }
    Ok(())
}

fn at_some_level(samples: &[i16], random: &mut ChaCha8Rng) -> Vec<i16> {
    let gain = 10f32.powf(random.random_range(-15.0..6.0f32) / 20.0);
    samples
        .iter()
        .map(|&s| (f32::from(s) * gain).clamp(-32_768.0, 32_767.0) as i16)
        .collect()
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
