//! The words of the fixed prompts, French first. They are spoken by the synthesizer, or recorded by the operator.

use crate::{Language, Prompt, Settings};

/// What a fixed prompt says in a language; languages without their own words get the French ones.
/// [`Prompt::Message`] has no fixed words: `None`.
pub fn words(prompt: Prompt, language: Language, settings: &Settings) -> Option<String> {
    let english = language == Language::ENGLISH;
    let text = match (prompt, english) {
        (Prompt::Message, _) => return None,
        (Prompt::Welcome, false) => "Bonjour. Ceci est un appel d'alerte. Veuillez écouter le message suivant.".into(),
        (Prompt::Welcome, true) => "Hello. This is an alert call. Please listen to the following message.".into(),
        (Prompt::Menu, false) => format!(
            "Pour confirmer que vous avez reçu ce message, appuyez sur {}. Pour le réécouter, appuyez sur {}.",
            key(settings.confirm_key, false),
            key(settings.replay_key, false)
        ),
        (Prompt::Menu, true) => format!(
            "To confirm that you have received this message, press {}. To hear it again, press {}.",
            key(settings.confirm_key, true),
            key(settings.replay_key, true)
        ),
        (Prompt::Changed, false) => "Attention, le message vient de changer. Voici le nouveau message.".into(),
        (Prompt::Changed, true) => "Attention, the message has just changed. Here is the new message.".into(),
        (Prompt::OneMoment, false) => "Un instant, votre confirmation est en cours d'enregistrement.".into(),
        (Prompt::OneMoment, true) => "One moment, your confirmation is being recorded.".into(),
        (Prompt::Confirmed, false) => "Merci, votre confirmation est enregistrée. Au revoir.".into(),
        (Prompt::Confirmed, true) => "Thank you, your confirmation is recorded. Goodbye.".into(),
        (Prompt::Goodbye, false) => "Vous n'avez pas confirmé la réception de ce message. Au revoir.".into(),
        (Prompt::Goodbye, true) => "You have not confirmed reception of this message. Goodbye.".into(),
    };
    Some(text)
}

/// How a key is named aloud.
pub(crate) fn key(key: char, english: bool) -> String {
    match (key, english) {
        ('#', false) => "dièse".into(),
        ('#', true) => "the hash key".into(),
        ('*', false) => "étoile".into(),
        ('*', true) => "the star key".into(),
        (other, _) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fixed_prompt_has_words_and_the_menu_names_the_campaigns_keys() {
        let settings = Settings {
            confirm_key: '#',
            ..Settings::default()
        };
        for language in [Language::FRENCH, Language::ENGLISH] {
            for prompt in [
                Prompt::Welcome,
                Prompt::Menu,
                Prompt::Changed,
                Prompt::OneMoment,
                Prompt::Confirmed,
                Prompt::Goodbye,
            ] {
                assert!(
                    words(prompt, language, &settings).is_some_and(|text| text.len() > 10),
                    "{prompt:?}"
                );
            }
            assert_eq!(words(Prompt::Message, language, &settings), None);
        }
        assert!(
            words(Prompt::Menu, Language::FRENCH, &settings)
                .unwrap()
                .contains("appuyez sur dièse")
        );
        assert!(
            words(Prompt::Menu, "de".parse().unwrap(), &settings)
                .unwrap()
                .contains("appuyez")
        );
    }
}
