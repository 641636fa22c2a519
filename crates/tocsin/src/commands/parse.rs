//! `tocsin parse FILE…`: what the stack makes of a SIP message that arrives as one datagram.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use sip_core::verdict::{Examination, Verdict, examine};

use crate::words::{Phrase, Told, Words, system};

/// Prints one line for each file: accepted, answered with which status and reason, or dropped and why. With `json`, one JSON
/// object a line with the verdict and the parsed form.
///
/// Fails if a file cannot be read; what is in the files does not make it fail.
pub fn run(files: &[PathBuf], json: bool, words: &Words<'_>) -> ExitCode {
    match print(files, json, words, &mut io::stdout().lock(), &mut io::stderr().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

#[derive(Serialize)]
struct Line<'a> {
    file: String,
    #[serde(flatten)]
    examination: &'a Examination,
}

/// Whether all the files could be read. Errors are those of `out` and `err`.
fn print(
    files: &[PathBuf],
    json: bool,
    words: &Words<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<bool> {
    let mut all_read = true;
    for file in files {
        match std::fs::read(file) {
            Ok(bytes) => {
                let examination = examine(&bytes);
                if json {
                    let line = Line {
                        file: file.display().to_string(),
                        examination: &examination,
                    };
                    serde_json::to_writer(&mut *out, &line)?;
                    writeln!(out)?;
                } else {
                    writeln!(out, "{}", sentence(file, &examination).say(words))?;
                }
            }
            Err(error) => {
                all_read = false;
                let phrase = Phrase::new("parse-unreadable")
                    .with("file", file.display().to_string())
                    .with("reason", system(&error));
                writeln!(err, "{}", phrase.say(words))?;
            }
        }
    }
    Ok(all_read)
}

fn sentence(file: &Path, examination: &Examination) -> Phrase {
    let phrase = match &examination.verdict {
        Verdict::Accepted => {
            let outline = examination.message.as_ref();
            let what = match outline
                .map(|message| (&message.method, &message.request_uri, &message.status, &message.reason))
            {
                Some((Some(method), Some(uri), ..)) => format!("{method} {uri}"),
                Some((.., Some(status), Some(reason))) => format!("{status} {reason}"),
                _ => String::new(),
            };
            Phrase::new("parse-accepted").with("message", what.trim_end())
        }
        Verdict::Answered {
            status,
            reason,
            headers,
        } => {
            let headers: String = headers
                .iter()
                .map(|field| format!("; {}: {}", field.name, field.value))
                .collect();
            Phrase::new("parse-answered")
                .with("status", status.to_string())
                .with("reason", reason.clone())
                .with("headers", headers)
        }
        Verdict::Dropped { fault, .. } => {
            let reason = fault.as_ref().map_or(Phrase::new("fault-keep-alive"), Told::told);
            Phrase::new("parse-dropped").with("reason", reason)
        }
    };
    phrase.with("file", file.display().to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:tocsin@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
        From: \"Préfecture\" <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n";

    /// Prints about files with these contents and gives success, output and errors.
    fn about(contents: &[&str], json: bool) -> (bool, String, String) {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        for (i, content) in contents.iter().enumerate() {
            let file = folder.path().join(format!("{i}.sip"));
            std::fs::write(&file, content).unwrap();
            files.push(file);
        }
        files.push(folder.path().join("missing.sip"));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let words = crate::words::of(crate::words::Language::English);
        let all_read = print(&files, json, &words, &mut out, &mut err).unwrap();
        (
            all_read,
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap(),
        )
    }

    #[test]
    fn one_sentence_for_each_file() {
        let unknown = OPTIONS.replace("OPTIONS", "DANCE");
        let (all_read, out, err) = about(&[OPTIONS, &unknown, "hello"], false);
        let lines: Vec<_> = out.lines().collect();
        assert!(!all_read);
        assert!(err.contains("missing.sip: cannot be read"), "{err}");
        assert!(
            lines[0].ends_with("0.sip: accepted: OPTIONS sip:tocsin@example.com"),
            "{out}"
        );
        assert!(
            lines[1].contains("1.sip: answered 501 Not Implemented; Allow: INVITE"),
            "{out}"
        );
        assert!(lines[2].contains("2.sip: dropped: the first line is neither"), "{out}");
    }

    #[test]
    fn one_object_for_each_file() {
        let (_, out, _) = about(&[OPTIONS, "hello"], true);
        let objects: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(objects[0]["verdict"], "accepted");
        assert_eq!(objects[0]["message"]["from"]["display"], "Préfecture");
        assert_eq!(objects[0]["message"]["via"][0]["params"][0]["value"], "z9hG4bK1");
        assert_eq!(objects[0]["message"]["cseq"]["number"], 1);
        assert_eq!(objects[1]["verdict"], "dropped");
        assert_eq!(objects[1]["message"], serde_json::Value::Null);
    }
}
