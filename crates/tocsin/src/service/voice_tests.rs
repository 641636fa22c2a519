#![allow(clippy::unwrap_used)]
use dialer::{MessageId, Text};
use rtp_media::codec::g711::alaw_decode;

use super::*;

/// Two seconds of a tone that rises from 300 to 2,000 Hz.
fn said() -> Vec<i16> {
    (0..16_000)
        .map(|n| {
            let at = f64::from(n) / 8_000.0;
            let cycles = 300.0 * at + 1_700.0 / 2.0 * at * at / 2.0;
            (3_000.0 * (std::f64::consts::TAU * cycles).sin()) as i16
        })
        .collect()
}

/// Correlation at the offset that fits best, up to an eighth of a second: 1 if alike, however loud.
fn correlation(heard: &[i16], said: &[i16]) -> f64 {
    let energy = |pcm: &[i16]| pcm.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>();
    let at = |offset: usize| {
        let heard = &heard[offset..];
        let said = &said[..said.len().min(heard.len())];
        let dot: f64 = heard.iter().zip(said).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
        dot / (energy(&heard[..said.len()]) * energy(said)).sqrt().max(1.0)
    };
    (0..heard.len().min(1_000)).map(at).fold(0.0, f64::max)
}

#[test]
fn what_was_recorded_by_telephone_is_what_a_campaign_plays() {
    let folder = tempfile::tempdir().unwrap();
    let text = include_str!("../../../../tocsin.example.toml");
    let config = Config::parse(text, folder.path()).map(|config| Config {
        data: folder.path().join("data"),
        ..config
    });
    let library = Library::open(&config.unwrap()).unwrap();
    let sound = Sound {
        pcm: Arc::new(said()),
        rate: 8_000,
    };
    let name = library.keep(&sound).unwrap();
    let other = library.keep(&sound).unwrap();
    assert_ne!(name, other, "each recording is kept under a name of its own");

    let message = |audio: Option<String>| Message {
        id: MessageId(3),
        version: 1,
        title: "Enregistré par téléphone".into(),
        texts: vec![Text {
            language: Language::FRENCH,
            words: "La Somme monte.".into(),
            audio,
        }],
    };
    library.shared.make_message(&message(Some(name)));
    let key = VoiceKey {
        message: MessageId(3),
        version: 1,
        language: Language::FRENCH,
    };
    let clip = Voice::clip(&library, &key, Prompt::Message, &Settings::default()).unwrap();
    let encoded = clip.encoded(Codec::Pcma, Ptime::MS_20);
    let frames = (0..encoded.len()).filter_map(|n| encoded.frame(n));
    let heard: Vec<i16> = frames.flatten().map(|&code| alaw_decode(code)).collect();
    let alike = correlation(&heard, &said());
    assert!(alike > 0.98, "{alike:.4} alike, {} samples", heard.len());

    // Without the recording the words are spoken, and that is another sound.
    library.shared.messages.clear();
    library.shared.make_message(&message(None));
    let spoken = Voice::clip(&library, &key, Prompt::Message, &Settings::default()).unwrap();
    assert!(correlation(spoken.pcm(), &said()) < 0.5);
}
