//! `[answering_machine]`: how answering machines are told from people; `docs/answering-machine.md` shows what each setting does.

use std::time::Duration;

use rtp_media::amd::Settings;

use super::reader::Section;

/// The longest wait for a verdict that makes sense: by then most people have hung up.
const LONGEST: Duration = Duration::from_secs(30);

pub(super) fn read(section: &mut Section<'_, '_>) -> Settings {
    let usual = Settings::default();
    let mut duration = |key, least_ms| section.duration(key, Duration::from_millis(least_ms)..LONGEST);
    let initial_silence = duration("initial_silence", 500).unwrap_or(usual.initial_silence);
    let greeting = duration("greeting", 500).unwrap_or(usual.greeting);
    let after_greeting = duration("after_greeting", 200).unwrap_or(usual.after_greeting);
    let short_greeting = duration("short_greeting", 500).unwrap_or(usual.short_greeting);
    let before_beep = duration("before_beep", 200).unwrap_or(usual.before_beep);
    let total = duration("total", 1_000).unwrap_or(usual.total);
    Settings {
        initial_silence,
        greeting,
        after_greeting,
        short_greeting,
        before_beep,
        words: section
            .integer("words", 1..101)
            .map_or(usual.words, |words| words as u32),
        total,
        level: section
            .decimal("level", -70.0..=-10.0)
            .map_or(usual.level, |level| level as f32),
    }
}
