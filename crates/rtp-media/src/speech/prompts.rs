//! The fixed prompts of call scripts: spoken at the first run, or the operator's own recordings.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Pcm, SpeechError, Synthesizer};
use crate::clip::Clip;
use crate::import::{self, ImportError};

/// One prompt to have: its name, its language and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptText {
    /// Names it in scripts and in the operator's folder, such as `welcome`.
    pub name: String,
    /// ISO 639 code.
    pub language: String,
    /// What is said unless there is a recording.
    pub text: String,
}

/// Prompts ready to play, by name and language.
#[derive(Debug, Clone, Default)]
pub struct PromptSet {
    clips: HashMap<(String, String), Arc<Clip>>,
}

/// Why a prompt is missing.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The engine could not say it.
    #[error("the prompt “{name}” ({language}): {source}")]
    Speech {
        /// Which.
        name: String,
        /// In what language.
        language: String,
        /// Why.
        source: SpeechError,
    },
    /// A recording of the operator cannot be played.
    #[error("the recording {}: {source}", .path.display())]
    Recording {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ImportError,
    },
    /// A file cannot be opened.
    #[error("the recording {}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Extensions of recordings, in the order in which they are looked for.
const EXTENSIONS: [&str; 8] = ["wav", "flac", "ogg", "opus", "mp3", "m4a", "webm", "mka"];

impl PromptSet {
    /// Makes all of `texts`. A recording `folder/<language>/<name>.wav` (or .flac, .ogg, .mp3 …) stands in for speech, and
    /// `folder/<language>/<name>.txt` for the words.
    ///
    /// # Errors
    /// The first prompt that cannot be had: no call should start without its prompts.
    pub fn load(
        texts: &[PromptText],
        folder: Option<&Path>,
        engine: &dyn Synthesizer,
    ) -> Result<PromptSet, PromptError> {
        let mut set = PromptSet::default();
        for prompt in texts {
            let recorded = match folder {
                Some(folder) => recording(folder, prompt)?,
                None => None,
            };
            let pcm = match recorded {
                Some(pcm) => pcm,
                None => engine
                    .speak(&words(folder, prompt)?, &prompt.language)
                    .map_err(|source| PromptError::Speech {
                        name: prompt.name.clone(),
                        language: prompt.language.clone(),
                        source,
                    })?,
            };
            set.insert(
                &prompt.name,
                &prompt.language,
                Arc::new(Clip::from_pcm(pcm.samples, pcm.rate)),
            );
        }
        Ok(set)
    }

    /// Adds or replaces one prompt.
    pub fn insert(&mut self, name: &str, language: &str, clip: Arc<Clip>) {
        self.clips
            .insert((name.to_owned(), language.to_ascii_lowercase()), clip);
    }

    /// The prompt in this language, else in the language without its region, else in French.
    pub fn get(&self, name: &str, language: &str) -> Option<Arc<Clip>> {
        let language = language.to_ascii_lowercase();
        let general = language.split('-').next().unwrap_or_default().to_owned();
        [language, general, "fr".to_owned()]
            .into_iter()
            .find_map(|language| self.clips.get(&(name.to_owned(), language)))
            .map(Arc::clone)
    }

    /// All clips, to encode them ahead of the first call.
    pub fn clips(&self) -> impl Iterator<Item = &Arc<Clip>> {
        self.clips.values()
    }
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, PromptError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(PromptError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

fn path(folder: &Path, prompt: &PromptText, extension: &str) -> PathBuf {
    folder
        .join(&prompt.language)
        .join(format!("{}.{extension}", prompt.name))
}

fn recording(folder: &Path, prompt: &PromptText) -> Result<Option<Pcm>, PromptError> {
    for extension in EXTENSIONS {
        let path = path(folder, prompt, extension);
        if let Some(bytes) = read_if_there(&path)? {
            let pcm = import::read(bytes, Some(import::MESSAGE_RATE));
            return pcm.map(Some).map_err(|source| PromptError::Recording { path, source });
        }
    }
    Ok(None)
}

fn words(folder: Option<&Path>, prompt: &PromptText) -> Result<String, PromptError> {
    let own = match folder {
        Some(folder) => read_if_there(&path(folder, prompt, "txt"))?,
        None => None,
    };
    Ok(own.map_or_else(
        || prompt.text.clone(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::Silent;
    use crate::wav;

    fn welcome(language: &str) -> PromptText {
        PromptText {
            name: "welcome".into(),
            language: language.into(),
            text: "Bonjour.".into(),
        }
    }

    #[test]
    fn recordings_come_before_speech_and_french_is_the_last_resort() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("en")).unwrap();
        let recording: Vec<i16> = (0..8_000).map(|n| if n % 20 < 10 { 4_000 } else { -4_000 }).collect();
        fs::write(folder.path().join("en/welcome.wav"), wav::write(&recording, 8_000)).unwrap();
        let set = PromptSet::load(&[welcome("fr"), welcome("en")], Some(folder.path()), &Silent).unwrap();
        assert_eq!(set.get("welcome", "en-GB").unwrap().pcm().len(), 16_000);
        assert_eq!(
            set.get("welcome", "de").unwrap().pcm().len(),
            "Bonjour.".len() * 8_000 / 15
        );
        assert!(set.get("goodbye", "fr").is_none());
    }

    #[test]
    fn a_damaged_recording_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("fr")).unwrap();
        fs::write(folder.path().join("fr/welcome.mp3"), b"nothing to hear").unwrap();
        let error = PromptSet::load(&[welcome("fr")], Some(folder.path()), &Silent).unwrap_err();
        assert!(error.to_string().contains("welcome.mp3"), "{error}");
    }
}
