//! `tocsin check`: explains every mistake of a configuration with its line, and can place one test call.

use std::path::PathBuf;
use std::process::ExitCode;

use directory::E164;

use super::probing::{Dtmf, Line};
use crate::config::{Config, Security, Trunk};

/// What `tocsin check` takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Configuration file.
    #[arg(long, default_value = "tocsin.toml")]
    config: PathBuf,
    /// Place one test call to this number and tell what happened.
    #[arg(long)]
    call: Option<String>,
    /// Trunk of the test call; the first if left out.
    #[arg(long, requires = "call")]
    trunk: Option<String>,
}

/// Checks. Exit status 0 if everything is in order.
pub fn run(arguments: Arguments) -> ExitCode {
    let config = match Config::load(&arguments.config) {
        Ok(config) => config,
        Err(error) => return super::fail(&error),
    };
    println!(
        "{}: no mistake found, {} trunk(s)",
        arguments.config.display(),
        config.trunks.len()
    );
    let mut is_good = true;
    for trunk in &config.trunks {
        match crate::service::trunks::sip(trunk) {
            Ok(sip) => println!("trunk “{}”: {} address(es)", trunk.name, sip.targets.len()),
            Err(error) => {
                eprintln!("{error}");
                is_good = false;
            }
        }
    }
    let Some(number) = arguments.call else {
        return if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    };
    let number = match number.parse::<E164>() {
        Ok(number) => number,
        Err(error) => return super::fail(&error),
    };
    let trunk = match &arguments.trunk {
        Some(name) => config.trunks.iter().find(|trunk| trunk.name == *name),
        None => config.trunks.first(),
    };
    match trunk {
        Some(trunk) => super::dial::call(&line(trunk, &number, &config), trunk.credentials.clone()),
        None => {
            eprintln!("there is no trunk of this name in the configuration");
            ExitCode::FAILURE
        }
    }
}

/// The test call as `tocsin dial` would place it.
fn line(trunk: &Trunk, number: &E164, config: &Config) -> Line {
    let user = crate::switchboard::write_number(trunk.number_format, number);
    let transport = format!("{:?}", trunk.transport).to_ascii_lowercase();
    let port = trunk.port.map(|port| format!(":{port}")).unwrap_or_default();
    let caller = trunk
        .callers
        .first()
        .map(|caller| crate::switchboard::write_number(trunk.number_format, caller));
    let is_any = config.sip.listen.ip().is_unspecified();
    Line {
        uri: format!("sip:{user}@{}{port};transport={transport}", trunk.host),
        play: None,
        hold: Some(15.0),
        ring: 60.0,
        dtmf: if trunk.inband_dtmf { Dtmf::Both } else { Dtmf::Rfc4733 },
        press: String::new(),
        codecs: trunk
            .codecs
            .iter()
            .map(|codec| format!("{codec:?}").to_ascii_lowercase())
            .collect(),
        srtp: trunk.security == Security::Required,
        authorities: config.sip.authorities.clone(),
        from: caller.unwrap_or_else(|| "tocsin".to_owned()),
        user: None,
        password_env: None,
        password_file: None,
        local: (!is_any).then_some(std::net::SocketAddr::new(config.sip.listen.ip(), 0)),
        json: false,
    }
}
