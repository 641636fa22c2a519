//! `make bench`: runs every measurement on this machine, one after the other, writes `target/bench/report.json` and
//! prints a table against the figures to reach.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// New calls a second of the signalling measurement, and how long it lasts.
const RATE: u32 = 1_000;
const SECONDS: u32 = 10;

/// Port on loopback where SIPp answers.
const PORT: u16 = 25_060;

fn main() -> Result<()> {
    let programs = programs()?;
    let media = |arguments: &[&str]| run(&programs.join("media_load"), arguments);
    let report = json!({
        "signalling": signalling(&programs)?,
        "media": media(&["--calls", "1500"])?,
        "media_inband": media(&["--calls", "1500", "--inband"])?,
        "sip_parse": run(&programs.join("sip_parse"), &[])?,
        "journal": run(&programs.join("journal"), &[])?,
        "selection": run(&programs.join("selection"), &[])?,
    });
    let folder = Path::new("target/bench");
    std::fs::create_dir_all(folder).context("target/bench cannot be made")?;
    let path = folder.join("report.json");
    std::fs::write(&path, format!("{report:#}\n")).context("the report cannot be written")?;
    show(&report);
    println!("\n{}", path.display());
    Ok(())
}

/// The folder of the other measuring programs: they are built together with this one.
fn programs() -> Result<PathBuf> {
    let own = std::env::current_exe().context("where this program is")?;
    Ok(own.parent().context("this program has no folder")?.to_owned())
}

fn run(program: &Path, arguments: &[&str]) -> Result<Value> {
    let name = program.display();
    eprintln!("measuring: {name} {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{name}"))?;
    if !output.status.success() {
        bail!("{name} failed: {}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let begin = text.find('{').with_context(|| format!("{name} printed no figures"))?;
    serde_json::from_str(&text[begin..]).with_context(|| format!("the figures of {name}"))
}

/// Ends SIPp however the measurement ends.
struct FarEnd(Child);

impl Drop for FarEnd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// CPU of one originated call, signalling alone: SIPp's built-in answering side on the other core.
fn signalling(programs: &Path) -> Result<Value> {
    let port = PORT.to_string();
    let far = Command::new("sipp")
        .args(["-sn", "uas", "-i", "127.0.0.1", "-p", &port, "-nostdin"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("sipp cannot be run; install the package sip-tester")?;
    let _far = FarEnd(far);
    std::thread::sleep(std::time::Duration::from_millis(500));
    let program = programs.join("examples/originate");
    let target = format!("127.0.0.1:{PORT}");
    eprintln!("measuring: {} {target} {RATE} {SECONDS}", program.display());
    let output = Command::new(&program)
        .args([&target, &RATE.to_string(), &SECONDS.to_string()])
        .output()
        .with_context(|| format!("{} (cargo build --release --example originate)", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default();
    let before = line.split(" us of CPU").next().unwrap_or_default();
    let cpu: f64 = before
        .rsplit(' ')
        .next()
        .unwrap_or_default()
        .parse()
        .with_context(|| format!("“{line}”"))?;
    Ok(json!({ "calls_per_second": RATE, "cpu_us_per_call": cpu, "said": line }))
}

fn show(report: &Value) {
    let figure = |room: &str, name: &str| report[room][name].as_f64().unwrap_or(f64::NAN);
    println!("{:<58} {:>10} {:>10}", "what", "measured", "to reach");
    let rows = [
        (
            "kernel's UDP limit, us per packet",
            figure("media", "udp_limit_us_per_packet"),
            "-",
        ),
        (
            "CPU per originated call, us",
            figure("signalling", "cpu_us_per_call"),
            "90",
        ),
        (
            "CPU per call-second, two-way media, us",
            figure("media", "cpu_us_per_call_second"),
            "350",
        ),
        (
            "the same, limit of the kernel in this run",
            figure("media", "udp_limit_us_per_call_second"),
            "-",
        ),
        (
            "CPU per call-second with in-band keys, us",
            figure("media_inband", "cpu_us_per_call_second"),
            "400",
        ),
        (
            "99 % of packets late by at most, ms",
            figure("media", "p99_lateness_ms"),
            "5",
        ),
    ];
    for (what, measured, target) in rows {
        println!("{what:<58} {measured:>10.1} {target:>10}");
    }
}
