//! Calls with labels.

use std::ops::Range;

use anyhow::Result;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rtp_media::codec::g711;
use rtp_media::resample::resample_i16;
use rtp_media::speech::{Espeak, Synthesizer};

pub struct Call {
    pub is_machine: bool,
    /// 8 kHz from the moment of the answer.
    pub pcm: Vec<i16>,
    pub beep: Option<Range<usize>>,
}

/// What people say, by length: most calls reach somebody at home.
const PEOPLE: &[(&str, &str)] = &[
    ("fr", "Allô ?"),
    ("fr", "Oui ?"),
    ("fr", "Allô, oui ?"),
    ("fr", "Oui, bonjour."),
    ("fr", "Allô, bonjour."),
    ("fr", "Martine Lefèvre, bonjour."),
    ("fr", "Oui allô, qui est à l'appareil ?"),
    ("fr", "Mairie de Ham, bonjour."),
    ("fr", "Mairie de Péronne, bonjour, je vous écoute."),
    ("fr", "Mairie d'Abbeville, service technique, bonjour."),
    ("fr", "Centre de secours d'Albert, bonjour, que puis-je pour vous ?"),
    ("en", "Hello?"),
    ("en", "Yes, hello?"),
    ("en", "Hello, John Miller speaking."),
    ("en", "Good morning, town hall, how can I help you?"),
];

const MACHINES: &[(&str, &str)] = &[
    (
        "fr",
        "Bonjour, vous êtes bien sur le répondeur de Martine et Paul. Nous ne sommes pas là. Laissez un message après le bip, merci.",
    ),
    (
        "fr",
        "Bonjour, je ne suis pas disponible pour le moment, merci de me laisser un message et je vous rappellerai.",
    ),
    (
        "fr",
        "Vous êtes sur la messagerie vocale du zéro six, trente-neuf, quatre-vingt-dix-huit, douze, trente-quatre. Veuillez laisser votre message après le signal sonore.",
    ),
    (
        "fr",
        "Votre correspondant n'est pas joignable actuellement. Veuillez laisser un message après le bip sonore.",
    ),
    ("fr", "Salut, c'est Julien, laissez-moi un message !"),
    (
        "fr",
        "Bonjour et bienvenue à la mairie. Nos bureaux sont ouverts du lundi au vendredi, de neuf heures à douze heures et de quatorze heures à dix-sept heures. En cas d'urgence, composez le dix-huit.",
    ),
    (
        "en",
        "Hello, you have reached the Millers. We cannot take your call right now. Please leave a message after the tone.",
    ),
    (
        "en",
        "The person you are calling is not available. At the tone, please record your message. When you have finished, you may hang up.",
    ),
    ("en", "Hi, this is Kate. Leave me a message and I will call you back."),
];

/// What somebody says who hears nothing.
const AGAIN: &[(&str, &str)] = &[
    ("fr", "Allô ?"),
    ("fr", "Allô ? Il y a quelqu'un ?"),
    ("en", "Hello? Anybody there?"),
];

pub const RATE: usize = 8_000;

/// As many calls of each kind.
pub fn generate(count: usize, seed: u64) -> Result<Vec<Call>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut calls = Vec::new();
    for n in 0..count {
        calls.push(person(PEOPLE[n % PEOPLE.len()], &mut random)?);
        calls.push(machine(MACHINES[n % MACHINES.len()], &mut random)?);
    }
    Ok(calls)
}

fn person(text: (&str, &str), random: &mut ChaCha8Rng) -> Result<Call> {
    let mut pcm = vec![0; seconds(random.random_range(0.1..1.8))];
    pcm.extend(say(text, random)?);
    pcm.resize(pcm.len() + seconds(random.random_range(1.5..4.0)), 0);
    if let Some(&again) = AGAIN.choose(random) {
        pcm.extend(say(again, random)?);
    }
    pcm.resize(pcm.len() + seconds(4.0), 0);
    Ok(Call {
        is_machine: false,
        pcm: line(pcm, random),
        beep: None,
    })
}

fn machine(text: (&str, &str), random: &mut ChaCha8Rng) -> Result<Call> {
    let mut pcm = vec![0; seconds(random.random_range(0.2..1.5))];
    pcm.extend(say(text, random)?);
    pcm.resize(pcm.len() + seconds(random.random_range(0.1..1.5)), 0);
    let start = pcm.len();
    let hz: f32 = *[440.0, 800.0, 1_000.0, 1_400.0, random.random_range(360.0..2_000.0)]
        .choose(random)
        .unwrap_or(&1_000.0);
    let peak = random.random_range(800.0..8_000.0f32);
    let len = seconds(random.random_range(0.15..1.2));
    pcm.extend((0..len).map(|n| (peak * (std::f32::consts::TAU * hz * n as f32 / RATE as f32).sin()) as i16));
    let beep = Some(start..pcm.len());
    pcm.resize(pcm.len() + seconds(3.0), 0);
    Ok(Call {
        is_machine: true,
        pcm: line(pcm, random),
        beep,
    })
}

pub fn seconds(seconds: f32) -> usize {
    (seconds * RATE as f32) as usize
}

fn say((language, text): (&str, &str), random: &mut ChaCha8Rng) -> Result<Vec<i16>> {
    let engine = Espeak {
        speed: random.random_range(140..200),
        pitch: random.random_range(15..90),
    };
    let pcm = engine.speak(text, language)?;
    Ok(resample_i16(&pcm.samples, pcm.rate, RATE as u32))
}

/// As a line brings it: at some level, with noise, through A-law.
pub fn line(pcm: Vec<i16>, random: &mut ChaCha8Rng) -> Vec<i16> {
    let gain = 10f32.powf(random.random_range(-18.0..3.0f32) / 20.0);
    let noise = 10f32.powf(random.random_range(0.3..2.2f32));
    pcm.iter()
        .map(|&s| {
            let hiss = noise * (random.random::<f32>() + random.random::<f32>() - 1.0);
            let value = (f32::from(s) * gain + hiss).clamp(-32_768.0, 32_767.0) as i16;
            g711::alaw_decode(g711::alaw_encode(value))
        })
        .collect()
}
