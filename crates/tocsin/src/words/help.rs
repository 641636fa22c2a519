//! Help pages and complaints about arguments in the operator's language. What the commands take stands in their own
//! files; their texts have the keys `help-COMMAND`, `help-COMMAND-ARGUMENT`, or `help-any-ARGUMENT` where commands share one.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use super::{Phrase, Words};

/// Exit status when the arguments cannot be understood, as clap has it.
const USAGE: u8 = 2;

/// The command line with all texts from the catalogue.
pub fn localised(command: Command, words: &Words<'_>) -> Command {
    let mut command = dress(command.disable_help_subcommand(true), "", words);
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        let own = name.clone();
        command = command.mut_subcommand(name, |sub| page(sub, &own, words));
    }
    command
}

/// One command's page and those of the commands in it, whose keys go on with their names.
fn page(command: Command, name: &str, words: &Words<'_>) -> Command {
    let mut command = dress(command.disable_help_subcommand(true), name, words);
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for inner in names {
        let key = format!("{name}-{inner}");
        command = command.mut_subcommand(inner, |sub| page(sub, &key, words));
    }
    command
}

fn dress(mut command: Command, name: &str, words: &Words<'_>) -> Command {
    let text = |key: &str| words.get(key).into_owned();
    let page = if name.is_empty() {
        "help".to_owned()
    } else {
        format!("help-{name}")
    };
    if words.has(&page) {
        command = command.about(text(&page)).long_about(None);
    }
    let ids: Vec<String> = command.get_arguments().map(|arg| arg.get_id().to_string()).collect();
    for id in ids {
        let key = [format!("help-{name}-{id}"), format!("help-any-{id}")]
            .into_iter()
            .find(|key| words.has(key));
        command = command.mut_arg(id, |arg| dress_argument(arg, key.map(|key| text(&key)), words));
    }
    let has_version = command.get_version().is_some();
    command = command
        .disable_help_flag(true)
        .disable_version_flag(true)
        .help_template(format!("{{about}}\n\n{} {{usage}}\n\n{{all-args}}", text("help-usage")))
        .subcommand_help_heading(text("help-commands"))
        .subcommand_value_name(text("help-command"))
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(ArgAction::Help)
                .help(text("help-help"))
                .help_heading(text("help-options")),
        );
    if has_version {
        let version = Arg::new("version")
            .short('V')
            .long("version")
            .action(ArgAction::Version);
        command = command.arg(version.help(text("help-version")).help_heading(text("help-options")));
    }
    command
}

fn dress_argument(arg: Arg, help: Option<String>, words: &Words<'_>) -> Arg {
    let mut help = help.unwrap_or_else(|| arg.get_help().map(ToString::to_string).unwrap_or_default());
    let takes_value = arg.get_action().takes_values();
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .map(|value| value.get_name().to_owned())
        .collect();
    if takes_value && !values.is_empty() {
        let phrase = Phrase::new("help-values").with("values", values.join(", "));
        help.push_str(&phrase.say(words));
    }
    let default: Vec<String> = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy().into_owned())
        .filter(|value| !value.is_empty())
        .collect();
    if takes_value && !default.is_empty() {
        let phrase = Phrase::new("help-default").with("value", default.join(","));
        help.push_str(&phrase.say(words));
    }
    let heading = if arg.is_positional() {
        "help-arguments"
    } else {
        "help-options"
    };
    let arg = arg
        .help(help)
        .long_help(None)
        .help_heading(words.get(heading).into_owned());
    if takes_value {
        arg.hide_default_value(true).hide_possible_values(true)
    } else {
        arg
    }
}

/// Prints the page that was asked for, or what is wrong with the arguments.
pub fn answer(error: &clap::Error, words: &Words<'_>) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(USAGE)
        }
        _ => {
            let what = Phrase::new("usage-see-help").with("what", complaint(error));
            eprintln!("{}", Phrase::new("program-says").with("what", what).say(words));
            ExitCode::from(USAGE)
        }
    }
}

fn complaint(error: &clap::Error) -> Phrase {
    let context = |kind| error.get(kind).map(written).unwrap_or_default();
    let argument = context(ContextKind::InvalidArg);
    let value = context(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let nearest = context(ContextKind::SuggestedArg);
            if nearest.is_empty() {
                Phrase::new("usage-unknown").with("argument", argument)
            } else {
                Phrase::new("usage-unknown-near")
                    .with("argument", argument)
                    .with("nearest", nearest)
            }
        }
        ErrorKind::InvalidSubcommand => {
            Phrase::new("usage-command").with("name", context(ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand => Phrase::new("usage-no-command"),
        ErrorKind::MissingRequiredArgument => Phrase::new("usage-missing").with("argument", argument),
        ErrorKind::InvalidValue if value.is_empty() => Phrase::new("usage-no-value").with("argument", argument),
        ErrorKind::InvalidValue => Phrase::new("usage-value-of")
            .with("argument", argument)
            .with("value", value)
            .with("values", context(ContextKind::ValidValue)),
        ErrorKind::ValueValidation => Phrase::new("usage-value")
            .with("argument", argument)
            .with("value", value),
        ErrorKind::ArgumentConflict => Phrase::new("usage-conflict")
            .with("argument", argument)
            .with("other", context(ContextKind::PriorArg)),
        ErrorKind::InvalidUtf8 => Phrase::new("usage-encoding"),
        _ => Phrase::new("usage-other"),
    }
}

fn written(value: &ContextValue) -> String {
    match value {
        ContextValue::Strings(values) => values.join(", "),
        ContextValue::StyledStrs(values) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
