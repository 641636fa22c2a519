//! The voice of the service: messages and prompts spoken ahead of the calls, on a thread of their own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use dashmap::DashMap;
use dialer::Message;
use ivr::{Language, Prompt, Settings, catalogue};
use rtp_media::speech::{
    Cached, Espeak, ExternalCommand, Pcm, PromptError, PromptSet, PromptText, SpeechError, Synthesizer,
};
use rtp_media::{Clip, Codec, Ptime, import, wav};

use crate::config::{Config, Engine};
use crate::switchboard::{Piece, Sound, Voice, VoiceKey};
use crate::words::{Phrase, Told, error_in_english, system};

/// Longest time that an external command may take to speak one text.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// A prompt's words depend on the keys that they name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PromptKey {
    prompt: Prompt,
    language: Language,
    keys: [char; 2],
}

impl PromptKey {
    fn new(prompt: Prompt, language: Language, settings: &Settings) -> Self {
        Self {
            prompt,
            language,
            keys: [settings.confirm_key, settings.replay_key],
        }
    }
}

enum Job {
    Message(Box<Message>),
    Prompt(PromptKey),
}

/// Why the voice could not be made ready.
#[derive(Debug)]
pub enum VoiceError {
    /// The engine cannot speak.
    Speech(SpeechError),
    /// A prompt cannot be had.
    Prompt(PromptError),
    /// A recorded message cannot be played.
    Recording {
        /// Its file.
        path: PathBuf,
        /// Why.
        reason: Phrase,
    },
    /// No thread.
    Thread(std::io::Error),
}

impl Told for VoiceError {
    fn told(&self) -> Phrase {
        match self {
            Self::Speech(error) => error.told(),
            Self::Prompt(error) => error.told(),
            Self::Recording { path, reason } => Phrase::new("prompt-recording")
                .with("path", path.display().to_string())
                .with("reason", reason.clone()),
            Self::Thread(error) => Phrase::new("start-thread").with("reason", system(error)),
        }
    }
}

error_in_english!(VoiceError);

/// Everything that calls can say. Cheap to clone.
#[derive(Clone)]
pub struct Library {
    shared: Arc<Shared>,
    jobs: Sender<Job>,
}

struct Shared {
    engine: Cached<Speaker>,
    prompts_folder: Option<PathBuf>,
    recordings: PathBuf,
    codecs: Vec<Codec>,
    messages: DashMap<VoiceKey, Arc<Clip>>,
    /// `None` while it is being made, or when the script has no words for it.
    prompts: DashMap<PromptKey, Option<Arc<Clip>>>,
}

/// The prompts that every call may need.
const PROMPTS: [Prompt; 6] = [
    Prompt::Welcome,
    Prompt::Menu,
    Prompt::Changed,
    Prompt::OneMoment,
    Prompt::Confirmed,
    Prompt::Goodbye,
];

impl Library {
    /// Opens the library and speaks the prompts of the usual script in French, so that a missing engine is known at
    /// start and not in the first alert.
    ///
    /// # Errors
    /// When the engine cannot speak.
    pub fn open(config: &Config) -> Result<Self, VoiceError> {
        let engine = Cached::in_folder(Speaker::new(&config.speech.engine), &config.data.join("speech"))
            .map_err(VoiceError::Speech)?;
        let mut codecs: Vec<Codec> = config.trunks.iter().flat_map(|trunk| trunk.codecs.clone()).collect();
        codecs.sort_unstable_by_key(|codec| codec.sample_rate());
        codecs.dedup();
        let shared = Arc::new(Shared {
            engine,
            prompts_folder: config.speech.prompts.clone(),
            recordings: config.data.join("recordings"),
            codecs,
            messages: DashMap::new(),
            prompts: DashMap::new(),
        });
        for prompt in PROMPTS {
            shared.make_prompt(&PromptKey::new(prompt, Language::FRENCH, &Settings::default()))?;
        }
        let (jobs, received) = mpsc::channel::<Job>();
        let worker = Arc::clone(&shared);
        let work = move || {
            while let Ok(job) = received.recv() {
                worker.work(job);
            }
        };
        thread::Builder::new()
            .name("speech".into())
            .spawn(work)
            .map_err(VoiceError::Thread)?;
        // English ones in the background: the first English call need not wait for them.
        for prompt in PROMPTS {
            let key = PromptKey::new(prompt, Language::ENGLISH, &Settings::default());
            let _ = jobs.send(Job::Prompt(key));
        }
        Ok(Self { shared, jobs })
    }

    /// Has a message spoken in the background; calls that need it wait for it.
    pub fn prepare(&self, message: &Message) {
        let _ = self.jobs.send(Job::Message(Box::new(message.clone())));
    }

    /// Something that a call from outside says, except [`Piece::Message`], which must be looked up first. Speaks it now if it
    /// was never spoken before: may block.
    pub fn piece(&self, piece: &Piece) -> Option<Arc<Clip>> {
        match piece {
            Piece::Words(words) => match self.shared.engine.speak(words, Language::FRENCH.code()) {
                Ok(pcm) => Some(self.shared.clip(pcm)),
                Err(error) => {
                    tracing::error!(%error, "what a caller is to hear cannot be spoken");
                    None
                }
            },
            Piece::Tone => Some(self.shared.clip(tone())),
            Piece::Sound(sound) => Some(self.shared.clip(Pcm {
                samples: sound.pcm.to_vec(),
                rate: sound.rate,
            })),
            Piece::Message(_) => None,
        }
    }

    /// A message in French, or in its first language. May block.
    pub fn message(&self, message: &Message) -> Option<Arc<Clip>> {
        let key = VoiceKey {
            message: message.id,
            version: message.version,
            language: Language::FRENCH,
        };
        if let Some(clip) = self.shared.messages.get(&key) {
            return Some(Arc::clone(&clip));
        }
        match self.shared.speak(message.text(Language::FRENCH)?) {
            Ok(pcm) => Some(self.shared.clip(pcm)),
            Err(error) => {
                tracing::error!(%error, message = message.id.0, "a message cannot be spoken");
                None
            }
        }
    }

    /// Keeps a recording; its name in the audio store. Durable when it returns.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep(&self, sound: &Sound) -> std::io::Result<String> {
        let name = format!("telephone-{:016x}.wav", rand::random::<u64>());
        std::fs::create_dir_all(&self.shared.recordings)?;
        let file = std::fs::File::create_new(self.shared.recordings.join(&name))?;
        std::io::Write::write_all(&mut &file, &wav::write(&sound.pcm, sound.rate))?;
        file.sync_all()?;
        // The name, too, must outlive a power cut.
        std::fs::File::open(&self.shared.recordings)?.sync_all()?;
        Ok(name)
    }
}

/// The tone after which a caller speaks: 1 kHz, a third of a second.
fn tone() -> Pcm {
    const RATE: u32 = 8_000;
    let sample = |n: u32| {
        let phase = std::f64::consts::TAU * 1_000.0 * f64::from(n) / f64::from(RATE);
        (6_000.0 * phase.sin()) as i16
    };
    Pcm {
        samples: (0..RATE / 3).map(sample).collect(),
        rate: RATE,
    }
}

impl Shared {
    fn work(&self, job: Job) {
        match job {
            Job::Message(message) => self.make_message(&message),
            Job::Prompt(key) => {
                if let Err(error) = self.make_prompt(&key) {
                    tracing::error!(%error, prompt = name(key.prompt), "a prompt cannot be spoken");
                }
            }
        }
    }

    fn make_message(&self, message: &Message) {
        let first = message.texts.first().map(|text| text.language);
        let mut languages: Vec<Language> = message.texts.iter().map(|text| text.language).collect();
        languages.extend([Language::FRENCH, Language::ENGLISH]);
        languages.sort_unstable();
        languages.dedup();
        for language in languages {
            let Some(text) = message.text(language) else { continue };
            let key = VoiceKey {
                message: message.id,
                version: message.version,
                language,
            };
            if self.messages.contains_key(&key) {
                continue;
            }
            match self.speak(text) {
                Ok(pcm) => {
                    self.messages.insert(key, self.clip(pcm));
                }
                Err(error) => {
                    let code = first.map_or("fr", |_| language.code()).to_owned();
                    tracing::error!(%error, message = message.id.0, language = code, "a message cannot be spoken");
                }
            }
        }
    }

    fn speak(&self, text: &dialer::Text) -> Result<Pcm, VoiceError> {
        if let Some(audio) = &text.audio {
            let path = self.recordings.join(audio);
            let read = std::fs::read(&path)
                .map_err(|error| system(&error))
                .and_then(|bytes| import::read(bytes, Some(import::MESSAGE_RATE)).map_err(|error| error.told()));
            return read.map_err(|reason| VoiceError::Recording { path, reason });
        }
        self.engine
            .speak(&text.words, text.language.code())
            .map_err(VoiceError::Speech)
    }

    fn make_prompt(&self, key: &PromptKey) -> Result<(), VoiceError> {
        let settings = Settings {
            confirm_key: key.keys[0],
            replay_key: key.keys[1],
            ..Settings::default()
        };
        let Some(text) = catalogue::words(key.prompt, key.language, &settings) else {
            return Ok(());
        };
        let language = if key.language == Language::ENGLISH { "en" } else { "fr" };
        let wanted = PromptText {
            name: name(key.prompt).to_owned(),
            language: language.to_owned(),
            text,
        };
        let set =
            PromptSet::load(&[wanted], self.prompts_folder.as_deref(), &self.engine).map_err(VoiceError::Prompt)?;
        let clip = set.get(name(key.prompt), language);
        if let Some(clip) = &clip {
            clip.prepare(&self.codecs, Ptime::MS_20);
        }
        self.prompts.insert(key.clone(), clip);
        Ok(())
    }

    fn clip(&self, pcm: Pcm) -> Arc<Clip> {
        let clip = Arc::new(Clip::from_pcm(pcm.samples, pcm.rate));
        clip.prepare(&self.codecs, Ptime::MS_20);
        clip
    }
}

impl Voice for Library {
    fn is_ready(&self, key: &VoiceKey, settings: &Settings) -> bool {
        let mut is_ready = self.shared.messages.contains_key(key);
        for prompt in PROMPTS {
            let wanted = PromptKey::new(prompt, key.language, settings);
            match self.shared.prompts.get(&wanted).map(|clip| clip.is_some()) {
                Some(has_clip) => is_ready &= has_clip,
                None => {
                    self.shared.prompts.insert(wanted.clone(), None);
                    let _ = self.jobs.send(Job::Prompt(wanted));
                    is_ready = false;
                }
            }
        }
        is_ready
    }

    fn clip(&self, key: &VoiceKey, prompt: Prompt, settings: &Settings) -> Option<Arc<Clip>> {
        if prompt == Prompt::Message {
            return self.shared.messages.get(key).map(|clip| Arc::clone(&clip));
        }
        self.shared
            .prompts
            .get(&PromptKey::new(prompt, key.language, settings))
            .and_then(|clip| clip.clone())
    }
}

impl api::Speech for Library {
    fn preview(&self, text: &str, language: &str) -> Result<Vec<u8>, api::SpeechError> {
        match self.shared.engine.speak(text, language) {
            Ok(pcm) => Ok(wav::write(&pcm.samples, pcm.rate)),
            Err(error) => Err(api::SpeechError::Engine(error.to_string())),
        }
    }

    fn recording(&self, name: &str) -> Result<Vec<u8>, api::SpeechError> {
        let wrong = |error: String| api::SpeechError::Engine(format!("{name}: {error}"));
        let bytes = std::fs::read(self.shared.recordings.join(name)).map_err(|error| wrong(error.to_string()))?;
        // As it will be heard: levelled.
        let pcm = import::read(bytes, Some(import::MESSAGE_RATE)).map_err(|error| wrong(error.to_string()))?;
        Ok(wav::write(&pcm.samples, pcm.rate))
    }
}

/// File name of a prompt's recording.
fn name(prompt: Prompt) -> &'static str {
    match prompt {
        Prompt::Welcome => "welcome",
        Prompt::Message => "message",
        Prompt::Menu => "menu",
        Prompt::Changed => "changed",
        Prompt::OneMoment => "one_moment",
        Prompt::Confirmed => "confirmed",
        Prompt::Goodbye => "goodbye",
    }
}

/// The engine that the configuration names.
enum Speaker {
    Espeak(Espeak),
    Command(ExternalCommand),
}

impl Speaker {
    fn new(engine: &Engine) -> Self {
        match engine {
            Engine::Espeak => Self::Espeak(Espeak::default()),
            Engine::Command(words) => Self::Command(ExternalCommand {
                program: words.first().cloned().unwrap_or_default(),
                arguments: words.get(1..).unwrap_or_default().to_vec(),
                limit: COMMAND_LIMIT,
            }),
        }
    }
}

impl Synthesizer for Speaker {
    fn speak(&self, text: &str, language: &str) -> Result<Pcm, SpeechError> {
        match self {
            Self::Espeak(engine) => engine.speak(text, language),
            Self::Command(engine) => engine.speak(text, language),
        }
    }

    fn identity(&self) -> String {
        match self {
            Self::Espeak(engine) => engine.identity(),
            Self::Command(engine) => engine.identity(),
        }
    }
}

#[cfg(test)]
#[path = "voice_tests.rs"]
mod tests;
