//! espeak-ng: small, needs no network, speaks over a hundred languages.

use std::time::Duration;

use super::{Pcm, SpeechError, Synthesizer, check_language, clean, command};

/// Runs `espeak-ng`, the default engine.
#[derive(Debug, Clone)]
pub struct Espeak {
    /// Words per minute; 160 is calm speech.
    pub speed: u32,
    /// Pitch, 0 to 99.
    pub pitch: u32,
}

impl Default for Espeak {
    fn default() -> Self {
        Espeak { speed: 150, pitch: 45 }
    }
}

impl Synthesizer for Espeak {
    fn speak(&self, text: &str, language: &str) -> Result<Pcm, SpeechError> {
        check_language(language)?;
        let text = clean(text)?;
        // The text goes through the standard input, so that none of it can be an option.
        let arguments = [
            "--stdin".to_owned(),
            "--stdout".to_owned(),
            "-b1".to_owned(),
            format!("-v{}", voice(language)),
            format!("-s{}", self.speed.clamp(80, 450)),
            format!("-p{}", self.pitch.min(99)),
        ];
        command::run(
            "espeak-ng",
            &arguments,
            "espeak-ng",
            text.as_bytes(),
            Duration::from_secs(60),
        )
    }

    fn identity(&self) -> String {
        format!("espeak-ng {} {}", self.speed, self.pitch)
    }
}

/// The voice for a language code.
fn voice(language: &str) -> String {
    match language.to_ascii_lowercase().as_str() {
        "fr" => "fr-fr".to_owned(),
        "en" => "en-gb".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_speaks_french_and_english() {
        for (text, language) in [
            ("Ceci est un exercice d'alerte.", "fr"),
            ("This is an alert exercise.", "en"),
        ] {
            let pcm = Espeak::default().speak(text, language).unwrap();
            assert!(
                pcm.duration() > Duration::from_millis(900),
                "{language}: {:?}",
                pcm.duration()
            );
            assert!(
                pcm.duration() < Duration::from_secs(6),
                "{language}: {:?}",
                pcm.duration()
            );
        }
    }

    #[test]
    fn text_and_language_cannot_be_options() {
        assert!(matches!(
            Espeak::default().speak("bonjour", "-w/x"),
            Err(SpeechError::Language(_))
        ));
        assert!(matches!(
            Espeak::default().speak(" \n", "fr"),
            Err(SpeechError::Length { length: 0, .. })
        ));
        let pcm = Espeak::default().speak("--version", "fr").unwrap();
        assert!(pcm.duration() > Duration::from_millis(200));
    }
}
