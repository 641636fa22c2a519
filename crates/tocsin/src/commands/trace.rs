//! `tocsin trace`: the SIP messages of calls, out of a running service or out of a file, as a ladder, live, or as a capture.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sip_core::trace::{Filter, Trace, ladder, line, write_pcap};

use crate::config::Config;
use crate::service::trace::{self, Line, Question};
use crate::words::{Phrase, Words, system};

/// What `tocsin trace` takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Telephone number in any notation, user name or Call-ID; all calls if absent.
    call: Option<String>,
    #[arg(long, default_value = "tocsin.toml")]
    config: PathBuf,
    /// Show messages as they come, one a line, until interrupted.
    #[arg(long, conflicts_with_all = ["read", "pcap", "save"])]
    follow: bool,
    /// Read a trace that was saved, instead of asking the service.
    #[arg(long, value_name = "FILE")]
    read: Option<PathBuf>,
    /// Write a capture that Wireshark and tshark read.
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Save the trace, to be read again.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Leave secrets in: digests, keys of SRTP, digits in INFO.
    #[arg(long)]
    secrets: bool,
}

/// Shows a trace. Fails if there is none.
pub fn run(arguments: Arguments, words: &Words<'_>) -> ExitCode {
    let answer = match open(&arguments) {
        Ok(answer) => answer,
        Err(Problem::Configuration(error)) => return super::refuse(words, &error),
        Err(Problem::Trace(phrase)) => return super::fail(words, &phrase),
    };
    let shown = if arguments.follow {
        follow(answer)
    } else {
        show(answer, &arguments)
    };
    match shown {
        Ok(0) => super::fail(words, &Phrase::new("trace-nothing")),
        Ok(_) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => super::fail(words, &Phrase::new("trace-broken").with("reason", system(&error))),
    }
}

enum Problem {
    Configuration(crate::config::ConfigError),
    Trace(Phrase),
}

fn open(arguments: &Arguments) -> Result<Box<dyn BufRead>, Problem> {
    let unreadable = |path: &Path, error: &io::Error| {
        Problem::Trace(
            Phrase::new("trace-unreadable")
                .with("path", path.display().to_string())
                .with("reason", system(error)),
        )
    };
    if let Some(path) = &arguments.read {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        return Ok(Box::new(BufReader::new(file)));
    }
    let config = Config::load(&arguments.config).map_err(Problem::Configuration)?;
    let (user, call_id) = wanted(arguments.call.as_deref());
    let question = Question {
        user,
        call_id,
        follow: arguments.follow,
        secrets: arguments.secrets,
    };
    match trace::ask(&config.data, &question) {
        Ok(answer) => Ok(Box::new(answer)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Err(
            Problem::Trace(Phrase::new("trace-not-running").with("path", config.data.display().to_string())),
        ),
        Err(error) => Err(unreadable(&trace::socket(&config.data), &error)),
    }
}

/// User and Call-ID that are meant: a Call-ID has an `@`, or is too long for a user's name.
fn wanted(call: Option<&str>) -> (Option<String>, Option<String>) {
    let Some(call) = call else { return (None, None) };
    let is_call_id = call.contains('@') || (call.len() > 20 && call.contains(|c: char| c.is_ascii_alphabetic()));
    if is_call_id {
        (None, Some(call.to_owned()))
    } else {
        (Some(call.to_owned()), None)
    }
}

fn follow(mut answer: Box<dyn BufRead>) -> io::Result<usize> {
    let mut out = io::stdout().lock();
    let mut count = 0;
    while let Some(seen) = Line::read(&mut answer)? {
        writeln!(out, "{}", line(&seen.record))?;
        out.flush()?;
        count += 1;
    }
    Ok(count)
}

/// Shows all that is told; how many messages there were.
fn show(mut answer: Box<dyn BufRead>, arguments: &Arguments) -> io::Result<usize> {
    let (user, call_id) = wanted(arguments.call.as_deref());
    let filter = match (call_id, user) {
        (Some(call_id), _) => Filter::CallId(call_id),
        (None, Some(user)) => Filter::User(user),
        (None, None) => Filter::All,
    };
    let mut saved = arguments
        .save
        .as_ref()
        .map(File::create)
        .transpose()?
        .map(BufWriter::new);
    let mut traces: Vec<Trace> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    while let Some(told) = Line::read(&mut answer)? {
        let place = *places.entry(told.call_id.clone()).or_insert_with(|| {
            traces.push(Trace {
                call_id: told.call_id.clone(),
                users: told.users.clone(),
                forgotten: told.forgotten,
                ..Trace::default()
            });
            traces.len() - 1
        });
        if !filter.matches(&traces[place]) {
            continue;
        }
        if let Some(saved) = &mut saved {
            told.write(saved)?;
        }
        traces[place].records.push_back(told.record);
    }
    traces.retain(|trace| !trace.records.is_empty());
    if let Some(mut saved) = saved {
        saved.flush()?;
    }
    if let Some(path) = &arguments.pcap {
        let mut records: Vec<_> = traces.iter().flat_map(|trace| &trace.records).collect();
        records.sort_by_key(|record| record.time);
        write_pcap(BufWriter::new(File::create(path)?), records)?;
    } else if arguments.save.is_none() {
        let mut out = io::stdout().lock();
        for trace in &traces {
            writeln!(out, "{}", ladder(trace))?;
        }
    }
    Ok(traces.iter().map(|trace| trace.records.len()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_users_and_call_ids_are_told_apart() {
        let user = |text: &str| (Some(text.to_owned()), None);
        let call_id = |text: &str| (None, Some(text.to_owned()));
        assert_eq!(wanted(None), (None, None));
        for text in ["01 99 00 00 01", "+33199000001", "0033 1 99 00 00 01", "astreinte"] {
            assert_eq!(wanted(Some(text)), user(text), "{text}");
        }
        for text in ["1-2453@127.0.0.1", "7f3a9c01b2d84e6f9a10c4d2"] {
            assert_eq!(wanted(Some(text)), call_id(text), "{text}");
        }
    }
}
