//! Any program that turns text into audio.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Pcm, SpeechError, Synthesizer, check_language, clean};
use crate::import;

/// Runs a command of the operator, such as piper or pico2wave, without a shell.
///
/// The text comes on its standard input, in UTF-8, and wherever an argument says `{text}`. `{language}` becomes the language
/// code (`fr`), `{locale}` the code with a region (`fr-FR`), and `{output}` the path of a file that the command writes; without
/// `{output}` the audio is read from its standard output. Any audio format that [`import`] reads will do.
#[derive(Debug, Clone)]
pub struct ExternalCommand {
    /// The program, as a path or a name in the search path.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How long it may take.
    pub limit: Duration,
}

impl Synthesizer for ExternalCommand {
    fn speak(&self, text: &str, language: &str) -> Result<Pcm, SpeechError> {
        check_language(language)?;
        let text = clean(text)?;
        let output = self.arguments.iter().any(|a| a.contains("{output}")).then(output_path);
        let path = output
            .as_ref()
            .map_or_else(Default::default, |path| path.to_string_lossy());
        // A text that begins like an option must not become one. It is filled in last: it may hold braces of its own.
        let words = if text.starts_with('-') {
            format!(" {text}")
        } else {
            text.clone()
        };
        let fill = |argument: &String| {
            let argument = argument.replace("{language}", language);
            let argument = argument
                .replace("{locale}", &locale(language))
                .replace("{output}", &path);
            argument.replace("{text}", &words)
        };
        let arguments: Vec<String> = self.arguments.iter().map(fill).collect();
        let printed = execute(&self.program, &arguments, &self.program, text.as_bytes(), self.limit);
        let bytes = match &output {
            None => printed?,
            Some(path) => {
                let written = std::fs::read(path).unwrap_or_default();
                let _ = std::fs::remove_file(path);
                printed.map(|_| written)?
            }
        };
        decode(&self.program, bytes)
    }

    fn identity(&self) -> String {
        format!("{} {}", self.program, self.arguments.join(" "))
    }
}

/// A language with a region, as many engines name their voices.
fn locale(language: &str) -> String {
    match language.split_once('-') {
        Some((language, region)) => format!("{language}-{}", region.to_ascii_uppercase()),
        None if language == "en" => "en-GB".to_owned(),
        None => format!("{language}-{}", language.to_ascii_uppercase()),
    }
}

/// A path that no other thread or process uses.
fn output_path() -> std::path::PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    std::env::temp_dir().join(format!(
        "tocsin-speech-{}-{}.wav",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    ))
}

/// Gives silence as long as speech would take: for tests and machines without an engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Synthesizer for Silent {
    fn speak(&self, text: &str, language: &str) -> Result<Pcm, SpeechError> {
        check_language(language)?;
        // About 15 characters a second.
        let samples = clean(text)?.chars().count() * 8_000 / 15;
        Ok(Pcm {
            samples: vec![0; samples],
            rate: 8_000,
        })
    }

    fn identity(&self) -> String {
        "silent".to_owned()
    }
}

/// Runs a program and reads the audio that it prints.
pub(super) fn run(
    program: &str,
    arguments: &[String],
    package: &str,
    input: &[u8],
    limit: Duration,
) -> Result<Pcm, SpeechError> {
    decode(program, execute(program, arguments, package, input, limit)?)
}

fn decode(program: &str, bytes: Vec<u8>) -> Result<Pcm, SpeechError> {
    import::read(bytes, None).map_err(|source| SpeechError::Audio {
        program: program.to_owned(),
        source,
    })
}

/// Most that a program may print: an hour of 48 kHz audio.
const MAX_OUTPUT: u64 = 400 << 20;

fn execute(
    program: &str,
    arguments: &[String],
    package: &str,
    input: &[u8],
    limit: Duration,
) -> Result<Vec<u8>, SpeechError> {
    let missing = |source| SpeechError::Missing {
        program: program.to_owned(),
        package: package.to_owned(),
        source,
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(missing)?;
    // All three pipes move at once, so that neither side waits for the other.
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut pipe| pipe.write_all(input)));
        let printed = scope.spawn(move || drain(stdout, MAX_OUTPUT));
        let complaint = scope.spawn(move || drain(stderr, 4_096));
        let status = wait(&mut child, limit);
        let printed = printed.join().unwrap_or_default();
        let complaint = complaint.join().unwrap_or_default();
        match status {
            None => Err(SpeechError::TimedOut {
                program: program.to_owned(),
                limit,
            }),
            Some(status) if status.success() => Ok(printed),
            Some(status) => Err(SpeechError::Failed {
                program: program.to_owned(),
                status: status.to_string(),
                message: String::from_utf8_lossy(&complaint)
                    .lines()
                    .take(3)
                    .collect::<Vec<_>>()
                    .join("; "),
            }),
        }
    })
}

fn drain(pipe: Option<impl Read>, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = pipe.by_ref().take(limit).read_to_end(&mut bytes);
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
    }
    bytes
}

/// Waits for the end, or kills the program at the limit.
fn wait(child: &mut Child, limit: Duration) -> Option<std::process::ExitStatus> {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(2);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(pause),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(program: &str, arguments: &[&str]) -> ExternalCommand {
        ExternalCommand {
            program: program.to_owned(),
            arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
            limit: Duration::from_millis(500),
        }
    }

    #[test]
    fn text_language_and_locale_are_filled_into_the_arguments() {
        let folder = tempfile::tempdir().unwrap();
        let wav = folder.path().join("voice.wav");
        let said = folder.path().join("said");
        std::fs::write(&wav, crate::wav::write(&[500; 8_000], 8_000)).unwrap();
        let script = format!(
            "printf '%s|' \"$@\" > {said}; cat >> {said}; cat {wav}",
            said = said.display(),
            wav = wav.display()
        );
        let engine = command("sh", &["-c", &script, "sh", "{language}", "{locale}", "{text}"]);
        for (text, language, expected) in [
            ("l'eau monte", "fr", "fr|fr-FR|l'eau monte|l'eau monte"),
            ("{language}", "en", "en|en-GB|{language}|{language}"),
            ("--help", "fr-be", "fr-be|fr-BE| --help|--help"),
        ] {
            assert_eq!(engine.speak(text, language).unwrap().samples.len(), 8_000);
            assert_eq!(std::fs::read_to_string(&said).unwrap(), expected);
        }
    }

    #[test]
    fn a_missing_program_is_told_with_what_to_install() {
        let error = command("no-such-voice", &[]).speak("bonjour", "fr").unwrap_err();
        assert!(error.to_string().contains("apt install no-such-voice"), "{error}");
    }

    #[test]
    fn a_failing_a_silent_and_a_hanging_program_are_told_apart() {
        assert!(matches!(
            command("false", &[]).speak("bonjour", "fr"),
            Err(SpeechError::Failed { .. })
        ));
        assert!(matches!(
            command("true", &[]).speak("bonjour", "fr"),
            Err(SpeechError::Audio { .. })
        ));
        assert!(matches!(
            command("sleep", &["60"]).speak("bonjour", "fr"),
            Err(SpeechError::TimedOut { .. })
        ));
    }

    #[test]
    fn audio_comes_from_the_output_or_from_a_file() {
        let wav = crate::wav::write(&[500; 8_000], 8_000);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("voice.wav");
        std::fs::write(&path, wav).unwrap();
        let path = path.to_str().unwrap();
        assert_eq!(
            command("cat", &[path]).speak("bonjour", "fr").unwrap().samples.len(),
            8_000
        );
        assert_eq!(
            command("cp", &[path, "{output}"])
                .speak("bonjour", "fr")
                .unwrap()
                .samples
                .len(),
            8_000
        );
    }
}
