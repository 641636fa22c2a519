//! `make bench`: runs every measurement on this machine, one after the other, writes `target/bench/report.json` and
//! prints a table against the figures to reach.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde_json::{Value, json};

/// The number of calls to carry at once, in percent of what the kernel's limit allows: 3,000 where it allows 5,700. Machines
/// differ, and one machine from hour to hour, so the ratio is what is to be reached.
const CALLS_SHARE: &str = "53";

/// Runs every measurement and prints a table.
#[derive(Debug, Parser)]
struct Arguments {
    /// Measure Asterisk too: the folder that `scripts/asterisk-root.sh` made.
    #[arg(long)]
    asterisk: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let programs = programs()?;
    let media = |arguments: &[&str]| run(&programs.join("media_load"), arguments);
    let mut report = json!({
        "signalling": run(&programs.join("sip_load"), &[])?,
        "media": media(&["--calls", "1500"])?,
        "media_inband": media(&["--calls", "1500", "--inband"])?,
        "media_srtp": media(&["--calls", "1500", "--srtp"])?,
        "media_share": media(&["--share", CALLS_SHARE, "--find-max"])?,
        "media_share_inband": media(&["--share", CALLS_SHARE, "--inband"])?,
        "media_3000": media(&["--calls", "3000"])?,
        "media_3000_inband": media(&["--calls", "3000", "--inband"])?,
        "media_forged": media(&["--calls", "1500", "--inband", "--forged", "10000"])?,
        "sip_parse": run(&programs.join("sip_parse"), &[])?,
        "journal": run(&programs.join("journal"), &[])?,
        "selection": run(&programs.join("selection"), &[])?,
        "statistics": run(&programs.join("statistics"), &[])?,
    });
    match arguments.asterisk.as_deref().map(Path::to_str) {
        Some(Some(root)) => report["asterisk"] = run(&programs.join("asterisk_load"), &[root])?,
        Some(None) => bail!("the name of Asterisk's folder is no UTF-8"),
        None => eprintln!("Asterisk is not measured: make bench ASTERISK=FOLDER, see scripts/asterisk-root.sh"),
    }
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

fn show(report: &Value) {
    let figure = |room: &str, name: &str| report[room][name].as_f64().unwrap_or(f64::NAN);
    let signalling = &report["signalling"];
    // The point at 1,000 calls a second, which the targets mean.
    let at_thousand = |role: &str| {
        let points = signalling[role].as_array();
        let point = points.and_then(|points| points.iter().find(|point| point["calls_per_second"] == 1_000));
        point
            .and_then(|point| point["cpu_us_per_call"].as_f64())
            .unwrap_or(f64::NAN)
    };
    let highest = |role: &str| signalling[role]["calls_per_second"].as_f64().unwrap_or(f64::NAN);
    let limited = |room: &str| (figure(room, "cpu_us_per_call_second"), figure(room, "ratio_to_limit"));
    let late = |room: &str| (figure(room, "p99_lateness_ms"), figure(room, "calls"));
    println!("{:<62} {:>10} {:>10}", "what", "measured", "to reach");
    let rows = [
        (
            "kernel's UDP limit, us per packet".to_owned(),
            figure("media", "udp_limit_us_per_packet"),
            "-",
        ),
        (
            "CPU per originated call at 1,000/s, us".to_owned(),
            at_thousand("calling"),
            "90",
        ),
        (
            "the same, SIPp in our place".to_owned(),
            at_thousand("peer_calling"),
            "-",
        ),
        (
            "the same, limit of the kernel in this run".to_owned(),
            figure("signalling", "udp_limit_us_per_call"),
            "-",
        ),
        (
            "CPU per answered call at 1,000/s, us".to_owned(),
            at_thousand("called"),
            "90",
        ),
        (
            "the same, Asterisk at 50/s".to_owned(),
            figure("asterisk", "cpu_us_per_call"),
            "-",
        ),
        (
            "calls placed a second on one core, nothing sent twice".to_owned(),
            highest("highest_calling"),
            "-",
        ),
        (
            "calls answered a second on one core, nothing sent twice".to_owned(),
            highest("highest_called"),
            "-",
        ),
        (
            "memory of an open dialog, bytes".to_owned(),
            signalling["memory"]["bytes_per_dialog"].as_f64().unwrap_or(f64::NAN),
            "32768",
        ),
        (
            format!(
                "two-way media: limit x this ({:.0} us per call-second)",
                limited("media").0
            ),
            limited("media").1,
            "2.00",
        ),
        (
            format!("the same, Asterisk in our place ({:.0} us)", limited("asterisk").0),
            limited("asterisk").1,
            "-",
        ),
        (
            format!("the same with in-band keys ({:.0} us)", limited("media_inband").0),
            limited("media_inband").1,
            "2.11",
        ),
        (
            format!("the same as SRTP ({:.0} us)", limited("media_srtp").0),
            limited("media_srtp").1,
            "-",
        ),
        (
            format!("99 % of packets late by at most, {} calls, ms", late("media_share").1),
            late("media_share").0,
            "5",
        ),
        (
            format!("the same with in-band keys, {} calls, ms", late("media_share_inband").1),
            late("media_share_inband").0,
            "5",
        ),
        (
            format!(
                "the same, 3,000 calls: {:.0} % of the limit's, ms",
                3e5 / figure("media_3000", "limit_calls")
            ),
            late("media_3000").0,
            "-",
        ),
        (
            format!(
                "and with in-band keys: {:.0} %, ms",
                3e5 / figure("media_3000_inband", "limit_calls")
            ),
            late("media_3000_inband").0,
            "-",
        ),
        (
            "the same while 10,000 forged packets a second come, ms".to_owned(),
            late("media_forged").0,
            "5",
        ),
        (
            "forged keys that were believed".to_owned(),
            figure("media_forged", "keys_heard"),
            "0",
        ),
        (
            format!(
                "calls at once on one core ({}), % of the limit's",
                figure("media_share", "max_calls")
            ),
            figure("media_share", "max_calls_share"),
            CALLS_SHARE,
        ),
        (
            "memory of a call, kernel included, bytes".to_owned(),
            figure("media_3000_inband", "bytes_per_call") + figure("media_3000_inband", "kernel_bytes_per_call"),
            "32768",
        ),
    ];
    for (what, measured, target) in rows {
        let measured = if measured.is_nan() {
            "not done".to_owned()
        } else {
            format!("{measured:.2}")
        };
        println!("{what:<62} {measured:>10} {target:>10}");
    }
}
