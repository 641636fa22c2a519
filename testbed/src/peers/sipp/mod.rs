//! SIPp scenarios. The files in `testbed/sipp` say what SIPp does and insists on; the tables in [`calls`] say how the call is
//! placed and what tocsin must tell about it.

mod called;
mod calls;
mod parts;
pub(super) mod proof;
mod scenario;

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use self::scenario::{Expected, Scenario};
use super::{
    Check,
    called_side::Called,
    dial::{self, PASSWORD, USER},
    ear::Ear,
    ports,
};

/// A table of scenarios, the folder of their files, and how they are played.
type Play = fn(&Scenario, &Path, &Path, &Path) -> anyhow::Result<()>;
const TABLES: [(&[Scenario], &str, Play); 2] = [
    (calls::CALLS, "calls", play),
    (called::CALLED_CALLS, "called", play_called),
];

/// All scenarios, whose files lie in `scenarios`; each works in a folder of its own below `folder`.
///
/// # Errors
/// When a scenario's file is missing.
pub fn checks(scenarios: &Path, folder: &Path) -> anyhow::Result<Vec<Check>> {
    let mut checks = Vec::new();
    for (table, kind, play) in TABLES {
        for scenario in table {
            let file = scenarios.join(kind).join(format!("{}.xml", scenario.name));
            let parts = scenarios.join("parts");
            let folder = folder.join(scenario.name);
            checks.push(Check {
                name: scenario.name.to_owned(),
                story: parts::story(&file)?,
                is_slow: scenario.pace > 1,
                run: Box::new(move || play(scenario, &file, &parts, &folder)),
            });
        }
    }
    Ok(checks)
}

/// The tables of the scenarios for their README: name, line of the check list, story.
///
/// # Errors
/// When a scenario's file is missing.
pub fn tables(scenarios: &Path) -> anyhow::Result<[String; 2]> {
    let mut texts = [const { String::new() }; 2];
    for ((table, kind, _), text) in TABLES.into_iter().zip(&mut texts) {
        text.push_str("| scenario | line of the check list | what happens |\n|---|---|---|\n");
        for scenario in table {
            let story = parts::story(&scenarios.join(kind).join(format!("{}.xml", scenario.name)))?;
            writeln!(text, "| {} | {} | {story} |", scenario.name, scenario.topic)?;
        }
    }
    Ok(texts)
}

/// A running SIPp.
struct Sipp {
    child: Child,
    errors: PathBuf,
    messages: PathBuf,
}

impl Sipp {
    /// Starts SIPp with a scenario, whose parts are put in first.
    fn start(
        file: &Path,
        parts: &Path,
        folder: &Path,
        (address, port): (&str, u16),
        arguments: &[&str],
    ) -> anyhow::Result<Sipp> {
        let expanded = folder.join("scenario.xml");
        fs::write(&expanded, parts::expand(file, parts)?)?;
        let (errors, messages) = (folder.join("sipp-errors.log"), folder.join("sipp-messages.log"));
        for old in [&errors, &messages] {
            // Left over from an earlier run, if at all.
            let _ = fs::remove_file(old);
        }
        let child = Command::new("sipp")
            .arg("-sf")
            .arg(&expanded)
            .args([
                "-i",
                address,
                "-mi",
                address,
                "-p",
                &port.to_string(),
                "-m",
                "1",
                "-nostdin",
            ])
            .args(["-timeout", "35s", "-timeout_error"])
            .args(["-trace_err", "-error_file"])
            .arg(&errors)
            .args(["-trace_msg", "-message_file"])
            .arg(&messages)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(fs::File::create(folder.join("sipp.log"))?)
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start sipp (package sip-tester)")?;
        Ok(Sipp {
            child,
            errors,
            messages,
        })
    }

    /// Waits until SIPp has ended by itself; `None` if it is still busy after `patience`.
    fn wait(&mut self, patience: Duration) -> anyhow::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() > deadline {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn complaint(&self) -> String {
        let text = fs::read_to_string(&self.errors).unwrap_or_else(|_| "no errors written".to_owned());
        let lines: Vec<&str> = text.lines().collect();
        format!("SIPp: {}", lines[lines.len().saturating_sub(40)..].join("\n"))
    }

    fn messages(&self) -> anyhow::Result<String> {
        let bytes = fs::read(&self.messages).with_context(|| self.messages.display().to_string())?;
        Ok(String::from_utf8_lossy(&bytes).replace('\r', ""))
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        // If it has ended, these do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn play(scenario: &Scenario, file: &Path, parts: &Path, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let ear = Ear::listen(scenario.address, scenario.key)?;
    let port = ports::free(scenario.address)?;
    let rtp_port = ear.address.port().to_string();
    let mut arguments = vec!["-key", "rtp_port", &rtp_port];
    arguments.extend(scenario.sipp);
    let mut sipp = Sipp::start(file, parts, folder, (scenario.address, port), &arguments)?;
    ports::wait_for(port, Duration::from_secs(5)).with_context(|| sipp.complaint())?;
    let host = match scenario.address {
        address if address.contains(':') => format!("[{address}]"),
        address => address.to_owned(),
    };
    let dialled = dial::dial(
        folder,
        &format!("sip:+33199000001@{host}:{port}{}", scenario.suffix),
        &dial::Settings {
            seconds: scenario.seconds,
            arguments: scenario.arguments,
            pace: scenario.pace,
        },
    );
    let status = sipp.wait(Duration::from_secs(if dialled.is_ok() { 10 } else { 0 }))?;
    let dialled = dialled.with_context(|| sipp.complaint())?;
    let told = &dialled.told;
    match status {
        Some(status) if status.success() => {}
        Some(status) => bail!(
            "SIPp was not content ({status}); tocsin told {told}\n{}",
            sipp.complaint()
        ),
        None => bail!(
            "SIPp still waits for something; tocsin told {told}\n{}",
            sipp.complaint()
        ),
    }
    compare(scenario, told, ear.heard())?;
    if scenario.proofs > 0 {
        let proofs = proof::check(&sipp.messages()?, USER, PASSWORD)?;
        ensure!(
            proofs == scenario.proofs,
            "SIPp received {proofs} digest proofs; {} are due",
            scenario.proofs
        );
    }
    Ok(())
}

/// SIPp calls, and an answering program with tocsin's endpoint and media engine is called.
fn play_called(scenario: &Scenario, file: &Path, parts: &Path, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let ear = Ear::listen(scenario.address, scenario.key)?;
    let mut called = Called::start(
        folder,
        scenario.address,
        scenario.arguments,
        scenario.seconds,
        scenario.pace,
    )?;
    let port = ports::free(scenario.address)?;
    let (rtp_port, remote) = (ear.address.port().to_string(), called.address());
    let mut arguments = vec!["-key", "rtp_port", &rtp_port];
    arguments.extend(scenario.sipp);
    arguments.push(&remote);
    let mut sipp = Sipp::start(file, parts, folder, (scenario.address, port), &arguments)?;
    let status = sipp.wait(Duration::from_secs(40))?;
    let calls = called.end(if scenario.tells.is_empty() { 0 } else { 1 })?;
    match status {
        Some(status) if status.success() => {}
        Some(status) => bail!(
            "SIPp was not content ({status}); tocsin told {calls:?}\n{}",
            sipp.complaint()
        ),
        None => bail!(
            "SIPp still waits for something; tocsin told {calls:?}\n{}",
            sipp.complaint()
        ),
    }
    match (calls.as_slice(), scenario.tells) {
        ([], []) => Ok(()),
        ([told], [_, ..]) => compare(scenario, told, ear.heard()),
        _ => bail!("{} calls came of it: {calls:?}", calls.len()),
    }
}

fn compare(scenario: &Scenario, told: &Value, heard: u64) -> anyhow::Result<()> {
    for (pointer, expected) in scenario.tells {
        let found = told.pointer(pointer).unwrap_or(&Value::Null);
        ensure!(is_so(found, expected), "tocsin told {found} as {pointer}: {told}");
    }
    let (least, most) = scenario.heard;
    ensure!(
        (least..=most).contains(&heard),
        "the far end heard {heard} packets; {least} to {most} are due; tocsin told {told}"
    );
    Ok(())
}

fn is_so(found: &Value, expected: &Expected) -> bool {
    let has_step = |text: &str| {
        found.as_array().is_some_and(|steps| {
            steps
                .iter()
                .any(|step| step["what"].as_str().is_some_and(|what| what.contains(text)))
        })
    };
    match expected {
        Expected::Text(text) => found.as_str() == Some(text),
        Expected::Number(number) => found.as_u64() == Some(*number),
        Expected::Is(is) => found.as_bool() == Some(*is),
        Expected::Null => found.is_null(),
        Expected::Step(text) => has_step(text),
        Expected::NoStep(text) => !has_step(text),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_file_is_a_scenario_and_the_readme_lists_them() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sipp");
        for (table, kind, _) in TABLES {
            let mut files: Vec<String> = fs::read_dir(folder.join(kind))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            let mut known: Vec<String> = table.iter().map(|s| format!("{}.xml", s.name)).collect();
            files.sort();
            known.sort();
            assert_eq!(files, known);
            for name in files {
                parts::expand(&folder.join(kind).join(name), &folder.join("parts")).unwrap();
            }
        }
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        for table in tables(&folder).unwrap() {
            assert!(
                readme.contains(&table),
                "testbed/sipp/README.md is not what `peers --table` prints:\n{table}"
            );
        }
    }
}
