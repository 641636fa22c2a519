//! Calls to peers that somebody else wrote. See [`testbed::peers`].

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use testbed::peers::{self, Check, asterisk, baresip, inbound, kamailio, linphone, sipp};

/// Calls scripted far ends (SIPp), telephones (baresip, linphone), a proxy (Kamailio) and a PBX (Asterisk), and lets them call us.
#[derive(Parser)]
#[command(name = "peers", version)]
struct Arguments {
    /// Only these checks; see --list.
    names: Vec<String>,
    /// Only tell the names.
    #[arg(long)]
    list: bool,
    /// Only print the tables for the scenarios' README.
    #[arg(long)]
    table: bool,
    /// Also the checks with the Asterisk in this root folder, which `scripts/asterisk-root.sh` makes. Needs root.
    #[arg(long, value_name = "FOLDER")]
    asterisk: Option<PathBuf>,
    /// Folder of the SIPp scenarios.
    #[arg(long, default_value = "testbed/sipp")]
    scenarios: PathBuf,
    /// Folder for logs and recordings.
    #[arg(long, default_value = "target/peers")]
    folder: PathBuf,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("peers: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all passed.
fn run(arguments: Arguments) -> anyhow::Result<bool> {
    std::fs::create_dir_all(&arguments.folder)?;
    let (scenarios, folder) = (arguments.scenarios.canonicalize()?, arguments.folder.canonicalize()?);
    if arguments.table {
        for table in sipp::tables(&scenarios)? {
            println!("{table}");
        }
        return Ok(true);
    }
    let mut checks: Vec<Check> = sipp::checks(&scenarios, &folder)?;
    checks.extend(baresip::checks(&folder));
    checks.extend(linphone::checks(&folder));
    checks.extend(kamailio::checks(&folder));
    checks.extend(inbound::checks(&scenarios, &folder));
    if let Some(root) = &arguments.asterisk {
        checks.extend(asterisk::checks(&root.canonicalize()?, &folder));
    }
    if arguments.list {
        for check in &checks {
            println!("{}: {}", check.name, check.story);
        }
        return Ok(true);
    }
    for name in &arguments.names {
        anyhow::ensure!(
            checks.iter().any(|check| check.name == *name),
            "there is no check “{name}”; see --list"
        );
    }
    if !arguments.names.is_empty() {
        checks.retain(|check| arguments.names.contains(&check.name));
    }
    let (passed, failed) = peers::run(checks);
    println!(
        "peers: {passed} passed, {failed} failed; logs are in {}",
        folder.display()
    );
    Ok(failed == 0)
}
