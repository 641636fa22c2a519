//! Speaks each text once.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Pcm, SpeechError, Synthesizer};
use crate::wav;

/// Keeps what an engine has spoken, in memory and in a folder, by the content of text, language and engine.
pub struct Cached<S> {
    engine: S,
    folder: Option<PathBuf>,
    memory: Mutex<HashMap<u128, Arc<Pcm>>>,
}

/// Most samples that are kept in memory: about 16 minutes at 22 kHz.
const MEMORY_SAMPLES: usize = 22_050 * 60 * 16;

impl<S: Synthesizer> Cached<S> {
    /// Keeps in memory only.
    pub fn in_memory(engine: S) -> Cached<S> {
        Cached {
            engine,
            folder: None,
            memory: Mutex::default(),
        }
    }

    /// Keeps in `folder` as well, which is made if it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn in_folder(engine: S, folder: &Path) -> Result<Cached<S>, SpeechError> {
        fs::create_dir_all(folder).map_err(|source| SpeechError::Cache {
            path: folder.display().to_string(),
            source,
        })?;
        Ok(Cached {
            folder: Some(folder.to_owned()),
            ..Cached::in_memory(engine)
        })
    }

    fn key(&self, text: &str, language: &str) -> u128 {
        let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        for part in [&self.engine.identity(), language, text] {
            for &byte in part.as_bytes().iter().chain(&[0xff]) {
                // FNV-1a with 128 bits.
                hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
            }
        }
        hash
    }

    fn remember(&self, key: u128, pcm: &Arc<Pcm>) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let kept: usize = memory.values().map(|p| p.samples.len()).sum();
        if kept + pcm.samples.len() > MEMORY_SAMPLES {
            memory.clear();
        }
        memory.insert(key, Arc::clone(pcm));
    }
}

impl<S: Synthesizer> Synthesizer for Cached<S> {
    fn speak(&self, text: &str, language: &str) -> Result<Pcm, SpeechError> {
        let key = self.key(text, language);
        if let Some(pcm) = self.memory.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Pcm::clone(pcm));
        }
        let path = self.folder.as_ref().map(|f| f.join(format!("{key:032x}.wav")));
        if let Some(pcm) = path
            .as_ref()
            .and_then(|p| fs::read(p).ok())
            .and_then(|bytes| wav::read(&bytes))
        {
            self.remember(key, &Arc::new(pcm.clone()));
            return Ok(pcm);
        }
        let pcm = self.engine.speak(text, language)?;
        if let Some(path) = path {
            // A full disk must not stop an alert: the folder is only a convenience. Renamed, so that a crash leaves no half file.
            let partial = path.with_extension("part");
            if fs::write(&partial, wav::write(&pcm.samples, pcm.rate)).is_ok() {
                let _ = fs::rename(&partial, &path);
            }
        }
        self.remember(key, &Arc::new(pcm.clone()));
        Ok(pcm)
    }

    fn identity(&self) -> String {
        self.engine.identity()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    struct Counting(Arc<AtomicU32>);

    impl Synthesizer for Counting {
        fn speak(&self, text: &str, _: &str) -> Result<Pcm, SpeechError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Pcm {
                samples: vec![text.len() as i16; 100],
                rate: 22_050,
            })
        }

        fn identity(&self) -> String {
            "counting".to_owned()
        }
    }

    #[test]
    fn each_text_is_spoken_once_even_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let count = Arc::new(AtomicU32::new(0));
        for _ in 0..2 {
            let engine = Cached::in_folder(Counting(Arc::clone(&count)), folder.path()).unwrap();
            for _ in 0..3 {
                let pcm = engine.speak("bonjour", "fr").unwrap();
                assert_eq!((pcm.samples[0], pcm.rate), (7, 22_050));
            }
            engine.speak("bonjour", "en").unwrap();
        }
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }
}
