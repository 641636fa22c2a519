//! `tocsin check`: explains every mistake of a configuration with its line, and can place one test call.

use std::path::PathBuf;
use std::process::ExitCode;

use directory::E164;

use super::probing::{Dtmf, Line, ReliableRinging};
use crate::config::{Config, Security, Trunk};
use crate::service::trunks;
use crate::words::{Phrase, Told, Words};

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
pub fn run(arguments: Arguments, words: &Words<'_>) -> ExitCode {
    let config = match Config::load(&arguments.config) {
        Ok(config) => config,
        Err(error) => return super::refuse(words, &error),
    };
    println!(
        "{}",
        Phrase::new("check-good")
            .with("path", arguments.config.display().to_string())
            .with("trunks", config.trunks.len())
            .say(words)
    );
    let mut lost = Vec::new();
    for trunk in &config.trunks {
        let targets = match super::probing::block_on(trunks::locate(trunk)) {
            Ok(targets) => targets,
            Err(error) => return super::fail(words, &error),
        };
        if targets.is_empty() {
            super::fail(words, &trunks::without_address(trunk));
            lost.push(trunk.name.as_str());
            continue;
        }
        let addresses: Vec<String> = targets.iter().map(|target| target.addr.to_string()).collect();
        let phrase = Phrase::new("check-trunk")
            .with("trunk", trunk.name.clone())
            .with("addresses", addresses.join(", "));
        println!("{}", phrase.say(words));
    }
    let Some(number) = arguments.call else {
        return if lost.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    };
    let number = match number.parse::<E164>() {
        Ok(number) => number,
        Err(error) => {
            let phrase = Phrase::new("check-number")
                .with("number", number)
                .with("reason", error.told());
            return super::fail(words, &phrase);
        }
    };
    let trunk = match &arguments.trunk {
        Some(name) => config.trunks.iter().find(|trunk| trunk.name == *name),
        None => config.trunks.first(),
    };
    match trunk {
        // What is wrong was said already.
        Some(trunk) if lost.contains(&trunk.name.as_str()) => ExitCode::FAILURE,
        Some(trunk) => super::dial::call(&line(trunk, &number, &config), trunk.credentials.clone(), words),
        None => {
            let name = arguments.trunk.unwrap_or_default();
            super::fail(words, &Phrase::new("check-no-trunk").with("name", name))
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
        headers: Vec::new(),
        session_timer: None,
        reliable: ReliableRinging::Supported,
        late_offer: false,
        reoffer: None,
        by_update: false,
        tcp_for_large: false,
        local: (!is_any).then_some(std::net::SocketAddr::new(config.sip.listen.ip(), 0)),
        json: false,
    }
}
