//! SIPp scenarios that play the far end of one call. The scenario files say what SIPp does and insists on; the table here says
//! how the call is placed and what tocsin must tell about it.

use std::{
    fs,
    net::UdpSocket,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::{Check, dial, ear::Ear};

/// How a scenario is played, and what must come of it.
struct Scenario {
    name: &'static str,
    story: &'static str,
    /// Seconds of sound that tocsin plays before it hangs up.
    seconds: f64,
    /// More arguments of `tocsin dial`.
    arguments: &'static [&'static str],
    /// More arguments of SIPp.
    sipp: &'static [&'static str],
    /// The key that the far end presses one second after it hears something.
    key: Option<u8>,
    /// Fields of what tocsin tells, as JSON pointers.
    tells: &'static [(&'static str, Expected)],
    /// RTP packets that the far end must have heard at least.
    heard: u64,
}

/// What a field must be.
enum Expected {
    Text(&'static str),
    Number(u64),
    Is(bool),
}

const ANSWERED: (&str, Expected) = ("/answered", Expected::Is(true));
const UNANSWERED: (&str, Expected) = ("/answered", Expected::Is(false));
const WE_ENDED: (&str, Expected) = ("/origin", Expected::Text("Local"));
const FAR_END_ENDED: (&str, Expected) = ("/origin", Expected::Text("Remote"));
const SCENARIOS: [Scenario; 11] = [
    Scenario {
        name: "answer",
        story: "a call is answered, a key is heard, tocsin hangs up",
        seconds: 3.0,
        arguments: &[],
        sipp: &[],
        key: Some(1),
        tells: &[ANSWERED, ("/digits", Expected::Text("1")), WE_ENDED],
        heard: 120,
    },
    Scenario {
        name: "callee-hangs-up",
        story: "the far end hangs up first",
        seconds: 20.0,
        arguments: &[],
        sipp: &[],
        key: None,
        tells: &[ANSWERED, FAR_END_ENDED],
        heard: 50,
    },
    Scenario {
        name: "early-media",
        story: "183 brings early media, the answer follows",
        seconds: 2.0,
        arguments: &[],
        sipp: &[],
        key: None,
        tells: &[ANSWERED, WE_ENDED],
        heard: 80,
    },
    Scenario {
        name: "server-challenge",
        story: "401 is answered with the password",
        seconds: 1.0,
        arguments: &["--user", "prefecture"],
        sipp: &[],
        key: None,
        tells: &[ANSWERED],
        heard: 30,
    },
    Scenario {
        name: "proxy-challenge",
        story: "407 is answered with the password",
        seconds: 1.0,
        arguments: &["--user", "prefecture"],
        sipp: &[],
        key: None,
        tells: &[ANSWERED],
        heard: 30,
    },
    Scenario {
        name: "ring-timeout",
        story: "nobody answers, the call is cancelled",
        seconds: 1.0,
        arguments: &["--ring", "2"],
        sipp: &[],
        key: None,
        tells: &[UNANSWERED, ("/origin", Expected::Text("RingTimeout"))],
        heard: 0,
    },
    Scenario {
        name: "late-answer",
        story: "the answer crosses the CANCEL and is ended with BYE",
        seconds: 1.0,
        arguments: &["--ring", "2"],
        sipp: &[],
        key: None,
        tells: &[UNANSWERED, ("/origin", Expected::Text("RingTimeout"))],
        heard: 0,
    },
    Scenario {
        name: "busy",
        story: "the line is busy",
        seconds: 1.0,
        arguments: &[],
        sipp: &[],
        key: None,
        tells: &[UNANSWERED, ("/status", Expected::Number(486))],
        heard: 0,
    },
    Scenario {
        name: "congestion",
        story: "the carrier is overloaded and says for how long",
        seconds: 1.0,
        arguments: &[],
        sipp: &[],
        key: None,
        tells: &[
            UNANSWERED,
            ("/status", Expected::Number(503)),
            ("/retry_after_seconds", Expected::Number(7)),
        ],
        heard: 0,
    },
    Scenario {
        name: "lost-ack",
        story: "each repeated 200 is acknowledged again",
        seconds: 20.0,
        arguments: &[],
        // An ACK that equals the one before is what this is about, and SIPp would swallow it as a retransmission.
        sipp: &["-nr"],
        key: None,
        tells: &[ANSWERED, FAR_END_ENDED],
        heard: 50,
    },
    Scenario {
        name: "hold",
        story: "the call is put on hold by re-INVITE and taken back",
        seconds: 20.0,
        arguments: &[],
        sipp: &[],
        key: None,
        tells: &[ANSWERED, FAR_END_ENDED],
        heard: 50,
    },
];

/// All scenarios, whose files lie in `scenarios`; each works in a folder of its own below `folder`.
pub fn checks(scenarios: &Path, folder: &Path) -> Vec<Check> {
    SCENARIOS
        .iter()
        .map(|scenario| {
            let file = scenarios.join(format!("{}.xml", scenario.name));
            let folder = folder.join(scenario.name);
            Check {
                name: scenario.name.to_owned(),
                story: scenario.story,
                run: Box::new(move || play(scenario, &file, &folder)),
            }
        })
        .collect()
}

fn play(scenario: &Scenario, file: &Path, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let ear = Ear::listen(scenario.key)?;
    let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let errors = folder.join("sipp-errors.log");
    let _ = fs::remove_file(&errors);
    let mut sipp = Command::new("sipp")
        .arg("-sf")
        .arg(file)
        .args([
            "-i",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "-m",
            "1",
            "-nostdin",
            "-timeout",
            "35s",
            "-timeout_error",
        ])
        .args([
            "-key",
            "rtp_port",
            &ear.address.port().to_string(),
            "-trace_err",
            "-error_file",
        ])
        .arg(&errors)
        .args(scenario.sipp)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(fs::File::create(folder.join("sipp.log"))?)
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start sipp (package sip-tester)")?;
    wait_for(port, Duration::from_secs(5))?;
    let dialled = dial::dial(
        folder,
        &format!("sip:+33199000001@127.0.0.1:{port}"),
        scenario.seconds,
        scenario.arguments,
    );
    let deadline = Instant::now() + Duration::from_secs(if dialled.is_ok() { 10 } else { 0 });
    let status = loop {
        if let Some(status) = sipp.try_wait()? {
            break Some(status);
        }
        if Instant::now() > deadline {
            sipp.kill()?;
            sipp.wait()?;
            break None;
        }
        thread::sleep(Duration::from_millis(20));
    };
    let complaint = || format!("SIPp: {}", tail(&errors));
    let dialled = dialled.with_context(complaint)?;
    match status {
        Some(status) if status.success() => {}
        Some(status) => bail!(
            "SIPp was not content ({status}); tocsin told {}\n{}",
            dialled.told,
            complaint()
        ),
        None => bail!(
            "SIPp still waits for something; tocsin told {}\n{}",
            dialled.told,
            complaint()
        ),
    }
    for (pointer, expected) in scenario.tells {
        let found = dialled.told.pointer(pointer).unwrap_or(&Value::Null);
        let is_so = match expected {
            Expected::Text(text) => found.as_str() == Some(text),
            Expected::Number(number) => found.as_u64() == Some(*number),
            Expected::Is(is) => found.as_bool() == Some(*is),
        };
        ensure!(is_so, "tocsin told {found} as {pointer}: {}", dialled.told);
    }
    ensure!(
        ear.heard() >= scenario.heard,
        "the far end heard {} packets; at least {} are due",
        ear.heard(),
        scenario.heard
    );
    Ok(())
}

/// Waits until something has bound the port.
pub(super) fn wait_for(port: u16, patience: Duration) -> anyhow::Result<()> {
    let deadline = Instant::now() + patience;
    while UdpSocket::bind(("127.0.0.1", port)).is_ok() {
        ensure!(
            Instant::now() < deadline,
            "nothing listens on UDP port {port} after {patience:?}"
        );
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn tail(path: &PathBuf) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|_| "no errors written".to_owned());
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
