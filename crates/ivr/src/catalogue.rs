//! The words of the fixed prompts, French first. They are spoken by the synthesizer, or recorded by the operator.

use crate::{CallBackPrompt, Language, LaunchPrompt, LaunchSettings, Prompt, Settings};

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

/// What a prompt of a launch by telephone says. `title` is the title of the message or the name of the list that the
/// prompt names, for a list followed by its number of recipients. [`LaunchPrompt::Message`] has no fixed words: `None`.
pub fn launch_words(
    prompt: LaunchPrompt,
    language: Language,
    title: &str,
    settings: &LaunchSettings,
) -> Option<String> {
    let english = language == Language::ENGLISH;
    let (launch, listen) = (key(settings.launch_key, english), key(settings.listen_key, english));
    let text = match (prompt, english) {
        (LaunchPrompt::Message(_), _) => return None,
        (LaunchPrompt::AskCode, false) => "Composez votre code d'utilisateur, puis dièse.".into(),
        (LaunchPrompt::AskCode, true) => "Type your user code, then the hash key.".into(),
        (LaunchPrompt::AskPin, false) => "Composez votre code secret, puis dièse.".into(),
        (LaunchPrompt::AskPin, true) => "Type your secret code, then the hash key.".into(),
        (LaunchPrompt::WrongPin, false) => "Ces codes ne sont pas acceptés.".into(),
        (LaunchPrompt::WrongPin, true) => "These codes are not accepted.".into(),
        (LaunchPrompt::TooManyPins, false) => "Trop de codes faux ont été composés. Au revoir.".into(),
        (LaunchPrompt::TooManyPins, true) => "Too many wrong codes were typed. Goodbye.".into(),
        (LaunchPrompt::AskMessage, false) => {
            "Composez le numéro du message, puis dièse. Pour en enregistrer un, composez 0, puis dièse.".into()
        }
        (LaunchPrompt::AskMessage, true) => {
            "Type the number of the message, then the hash key. To record one, type 0, then the hash key.".into()
        }
        (LaunchPrompt::AskCampaign, false) => {
            "Composez le numéro de l'alerte dont le message change, puis dièse.".into()
        }
        (LaunchPrompt::AskCampaign, true) => {
            "Type the number of the alert whose message changes, then the hash key.".into()
        }
        (LaunchPrompt::AskRecording, false) => {
            "Dictez votre message après le signal sonore, puis appuyez sur dièse.".into()
        }
        (LaunchPrompt::AskRecording, true) => "Speak your message after the tone, then press the hash key.".into(),
        (LaunchPrompt::Tone | LaunchPrompt::Recording, _) => return None,
        (LaunchPrompt::NothingHeard, false) => "Rien n'a été entendu.".into(),
        (LaunchPrompt::NothingHeard, true) => "Nothing was heard.".into(),
        (LaunchPrompt::ReviewMenu, false) => format!(
            "Pour garder ce message, appuyez sur {launch}. Pour le réécouter, sur {listen}. Pour l'enregistrer de nouveau, sur 3."
        ),
        (LaunchPrompt::ReviewMenu, true) => format!(
            "To keep this message, press {launch}. To hear it again, press {listen}. To record it again, press 3."
        ),
        (LaunchPrompt::Kept(choice), false) => format!("Le message est gardé sous le numéro {}.", choice.number),
        (LaunchPrompt::Kept(choice), true) => format!("The message is kept under number {}.", choice.number),
        (LaunchPrompt::KeepRefused, false) => "Le message n'a pas pu être gardé.".into(),
        (LaunchPrompt::KeepRefused, true) => "The message could not be kept.".into(),
        (LaunchPrompt::UseMenu { can_change: true }, false) => format!(
            "Pour lancer une nouvelle alerte avec ce message, appuyez sur {launch}. Pour remplacer le message d'une alerte en cours, \
             sur {listen}. Pour terminer, sur 3."
        ),
        (LaunchPrompt::UseMenu { can_change: true }, true) => format!(
            "To launch a new alert with this message, press {launch}. To replace the message of an alert under way, press {listen}. \
             To end, press 3."
        ),
        (LaunchPrompt::UseMenu { can_change: false }, false) => {
            format!("Pour lancer une alerte avec ce message, appuyez sur {launch}. Pour terminer, sur 3.")
        }
        (LaunchPrompt::UseMenu { can_change: false }, true) => {
            format!("To launch an alert with this message, press {launch}. To end, press 3.")
        }
        (LaunchPrompt::ReadBackCampaign(_), false) => {
            format!("Vous allez remplacer le message de l'alerte : {title}.")
        }
        (LaunchPrompt::ReadBackCampaign(_), true) => {
            format!("You are about to replace the message of the alert: {title}.")
        }
        (LaunchPrompt::ChangeMenu, false) => format!(
            "Pour remplacer le message, appuyez sur {launch}. Pour écouter le nouveau message, sur {listen}. Pour recommencer, sur \
             étoile."
        ),
        (LaunchPrompt::ChangeMenu, true) => format!(
            "To replace the message, press {launch}. To hear the new message, press {listen}. To begin again, press the star key."
        ),
        (LaunchPrompt::Changed, false) => "Le message est remplacé. Au revoir.".into(),
        (LaunchPrompt::Changed, true) => "The message is replaced. Goodbye.".into(),
        (LaunchPrompt::ChangeRefused, false) => "Le message n'a pas été remplacé. Au revoir.".into(),
        (LaunchPrompt::ChangeRefused, true) => "The message was not replaced. Goodbye.".into(),
        (LaunchPrompt::AskList, false) => {
            "Composez le numéro de la liste, puis dièse. Pour la première, composez dièse.".into()
        }
        (LaunchPrompt::AskList, true) => {
            "Type the number of the list, then the hash key. For the first one, press the hash key.".into()
        }
        (
            LaunchPrompt::MessageChoice(choice)
            | LaunchPrompt::ListChoice(choice)
            | LaunchPrompt::CampaignChoice(choice),
            false,
        ) => {
            format!("{} : {title}.", choice.number)
        }
        (
            LaunchPrompt::MessageChoice(choice)
            | LaunchPrompt::ListChoice(choice)
            | LaunchPrompt::CampaignChoice(choice),
            true,
        ) => {
            format!("{}: {title}.", choice.number)
        }
        (LaunchPrompt::NoSuchNumber, false) => "Ce numéro n'existe pas.".into(),
        (LaunchPrompt::NoSuchNumber, true) => "There is no such number.".into(),
        (LaunchPrompt::ReadBackMessage(_), false) => format!("Le message : {title}."),
        (LaunchPrompt::ReadBackMessage(_), true) => format!("The message: {title}."),
        (LaunchPrompt::ReadBackList(_), false) => format!("Il sera diffusé à la liste : {title}."),
        (LaunchPrompt::ReadBackList(_), true) => format!("It will be sent to the list: {title}."),
        (LaunchPrompt::LaunchMenu, false) => format!(
            "Pour lancer l'alerte, appuyez sur {launch}. Pour écouter le message, sur {listen}. Pour recommencer, sur étoile."
        ),
        (LaunchPrompt::LaunchMenu, true) => format!(
            "To launch the alert, press {launch}. To hear the message, press {listen}. To begin again, press the star key."
        ),
        (LaunchPrompt::Launched, false) => "L'alerte est lancée. Au revoir.".into(),
        (LaunchPrompt::Launched, true) => "The alert is launched. Goodbye.".into(),
        (LaunchPrompt::LaunchRefused, false) => {
            "Le lancement a été refusé. Aucune alerte n'est lancée. Au revoir.".into()
        }
        (LaunchPrompt::LaunchRefused, true) => "The launch was refused. No alert is launched. Goodbye.".into(),
        (LaunchPrompt::Goodbye, false) => "Aucune alerte n'a été lancée. Au revoir.".into(),
        (LaunchPrompt::Goodbye, true) => "No alert was launched. Goodbye.".into(),
    };
    Some(text)
}

/// What is said to somebody who rings the number back.
pub fn call_back_words(prompt: CallBackPrompt, language: Language) -> &'static str {
    match (prompt, language == Language::ENGLISH) {
        (CallBackPrompt::Nothing, false) => {
            "Bonjour. Vous êtes en relation avec un service d'alerte. Aucun message n'attend votre numéro. Au revoir."
        }
        (CallBackPrompt::Nothing, true) => {
            "Hello. This is an alert service. There is no message for your number. Goodbye."
        }
    }
}

/// How a key is named aloud.
fn key(key: char, english: bool) -> String {
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
