//! Bad starts of the real program: each ends with a status that says so and one clear sentence that says what to do, in
//! French and in English, without a panic and without a secret.

#![allow(clippy::unwrap_used)]

mod kit;

use std::net::{TcpListener, UdpSocket};

use kit::{ADMIN_SECRET, Site, TRUNK_SECRET};

/// Runs `serve` with this configuration in both languages.
fn refused(site: &Site, configuration: &str, french: &[&str], english: &[&str]) {
    site.write("tocsin.toml", configuration);
    for (language, words) in [("fr", french), ("en", english)] {
        site.run(language, &["serve"]).is_refusal(words);
    }
}

#[test]
fn several_mistakes_are_told_at_once_each_with_its_line() {
    let site = Site::new();
    let text = site
        .configuration(5060)
        .replace("channels", "chanels")
        .replace("calls_per_second = 20", "calls_per_second = \"beaucoup\"")
        .replace("\"+33199000000\"", "\"12\"")
        .replace("name = \"Opérateur\"", "");
    site.write("tocsin.toml", &text);
    let line = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    let (section, callers, channels, rate) = (
        line("[[trunk]]"),
        line("callers"),
        line("chanels"),
        line("calls_per_second"),
    );
    for command in ["serve", "check"] {
        let french = site.run("fr", &[command]);
        french.is_refusal(&[
            "tocsin.toml contient 4 erreurs",
            &format!("ligne {section}\u{a0}: il manque «\u{a0}name\u{a0}» dans [[trunk]]"),
            &format!("ligne {callers}\u{a0}: «\u{a0}callers\u{a0}» = «\u{a0}12\u{a0}»\u{a0}: Un numéro court"),
            &format!("ligne {channels}\u{a0}: le réglage «\u{a0}chanels\u{a0}» est inconnu"),
            &format!("ligne {rate}\u{a0}: «\u{a0}calls_per_second\u{a0}» doit être un nombre entier, pas un texte"),
        ]);
        let english = site.run("en", &[command]);
        english.is_refusal(&[
            "tocsin.toml holds 4 mistakes",
            &format!("line {section}: [[trunk]] lacks “name”"),
            &format!("line {channels}: unknown setting “chanels” in [[trunk]]; did you mean “channels”?"),
            &format!("line {rate}: “calls_per_second” must be a whole number, not a text"),
        ]);
    }
}

#[test]
fn a_secret_on_a_line_that_is_wrong_is_not_shown() {
    let site = Site::new();
    for broken in [
        site.configuration(5060)
            .replace(&format!("\"{TRUNK_SECRET}\""), TRUNK_SECRET),
        site.configuration(5060)
            .replace(&format!("\"{ADMIN_SECRET}\""), &format!("[\"{ADMIN_SECRET}\"]")),
        site.configuration(5060).replace("password =", "passwort ="),
    ] {
        refused(&site, &broken, &["ligne "], &["line "]);
    }
}

#[test]
fn a_missing_configuration_and_one_that_is_not_toml() {
    let site = Site::new();
    for command in ["serve", "check"] {
        let arguments = [command, "--config", "nulle-part.toml"];
        site.run("fr", &arguments).is_refusal(&[
            "nulle-part.toml ne peut pas être lu (introuvable)",
            "Copiez tocsin.example.toml",
        ]);
        site.run("en", &arguments).is_refusal(&[
            "nulle-part.toml cannot be read (it does not exist)",
            "Copy tocsin.example.toml",
        ]);
    }
    refused(
        &site,
        "data = \"x\"\n[web\n",
        &["ligne 2", "pas du TOML"],
        &["line 2", "not valid TOML"],
    );
}

#[test]
fn a_busy_sip_port() {
    let site = Site::new();
    let _holder = UdpSocket::bind(("127.0.0.1", site.sip_port)).unwrap();
    let port = format!("{} ", site.sip_port);
    refused(
        &site,
        &site.configuration(5060),
        &["le port SIP", &port, "[sip] listen"],
        &["the SIP port", &port, "[sip] listen"],
    );
}

#[test]
fn a_busy_https_port() {
    let site = Site::new();
    let _holder = TcpListener::bind(("127.0.0.1", site.web_port)).unwrap();
    let port = format!("{} ", site.web_port);
    refused(
        &site,
        &site.configuration(5060),
        &["le port HTTPS", &port, "[web] listen"],
        &["the HTTPS port", &port, "[web] listen"],
    );
}

#[test]
fn an_address_that_is_not_of_this_machine() {
    let site = Site::new();
    // A documentation address (RFC 5737).
    let text = site.configuration(5060).replace(
        &format!("listen = \"127.0.0.1:{}\"", site.sip_port),
        "listen = \"192.0.2.1:5060\"",
    );
    refused(
        &site,
        &text,
        &["192.0.2.1:5060", "pas celle de cette machine"],
        &["192.0.2.1:5060", "not one of this machine"],
    );
}

#[test]
fn a_data_folder_that_cannot_be_made_or_written() {
    let site = Site::new();
    site.write("fichier", "");
    // Neither can be made or written even by root.
    for folder in ["fichier/data", "/proc/tocsin"] {
        let text = site
            .configuration(5060)
            .replace("data = \"data\"", &format!("data = \"{folder}\""));
        refused(
            &site,
            &text,
            &["le dossier des données", folder, "le droit d’y écrire"],
            &["the data folder", folder, "let the service’s user write"],
        );
    }
    // Parts of it that are not what they should be.
    std::fs::create_dir(site.path("data")).unwrap();
    site.write("data/journal", "");
    refused(
        &site,
        &site.configuration(5060),
        &["le dossier du journal", "sauvegarde"],
        &["the journal folder", "backup"],
    );
}

#[test]
fn a_damaged_journal() {
    let site = Site::new();
    site.write("tocsin.toml", site.configuration(5060));
    // A first start makes the journal; a message of the library is its first record.
    let mut running = site.start("fr", &["serve"]);
    running.wait_until_served();
    let desk = kit::desk::Desk::sign_in(&site);
    desk.post(
        "messages",
        &serde_json::json!({ "title": "Crue", "text": "La Somme monte." }),
    );
    running.signal(rustix::process::Signal::TERM);
    assert!(running.wait().success(), "{}", running.err());
    {
        let store = sled::open(site.path("data/journal")).unwrap();
        let records = store.open_tree("records").unwrap();
        let (key, bytes) = records.last().unwrap().unwrap();
        let mut damaged = bytes.to_vec();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x20;
        records.insert(key, damaged).unwrap();
        store.flush().unwrap();
    }
    for (language, words) in [
        ("fr", ["le journal est endommagé", "sauvegarde"]),
        ("en", ["the journal is damaged", "backup"]),
    ] {
        site.run(language, &["serve"]).is_refusal(&words);
    }
}

#[test]
fn a_sound_that_cannot_be_played() {
    let site = Site::new();
    let damaged = site.write(
        "endommage.wav",
        [b"RIFF\x24\0\0\0WAVEfmt ".as_slice(), &[0xff; 400]].concat(),
    );
    let text = site.write("texte.wav", "ceci n’est pas un son");
    let folder = site.path("dossier.wav");
    std::fs::create_dir(&folder).unwrap();
    let folder = folder.display().to_string();
    for (file, french, english) in [
        (&damaged, "WAV", "WAV"),
        (&text, "convertissez-le", "convert it"),
        (&folder, "c’est un dossier", "it is a folder"),
        (&"absent.wav".to_owned(), "introuvable", "it does not exist"),
    ] {
        let dial = ["dial", "sip:1@127.0.0.1:9", "--play", file];
        let load = ["load", "sip:1@127.0.0.1:9", "--calls", "1", "--play", file];
        for arguments in [dial.as_slice(), &load] {
            site.run("fr", arguments)
                .is_refusal(&["ne peut pas être diffusé", file, french]);
            site.run("en", arguments)
                .is_refusal(&["cannot be played", file, english]);
        }
    }
}

#[test]
fn a_password_file_that_cannot_be_read() {
    let site = Site::new();
    std::fs::create_dir(site.path("dossier")).unwrap();
    site.write("vide", "\n");
    for (file, french, english) in [
        ("absent", "introuvable", "it does not exist"),
        ("dossier", "c’est un dossier", "it is a folder"),
        ("vide", "le secret est vide", "the secret is empty"),
    ] {
        let text = site.configuration(5060).replace(
            &format!("password = \"{TRUNK_SECRET}\""),
            &format!("password_file = \"{file}\""),
        );
        refused(&site, &text, &["ligne ", french], &["line ", english]);
        let arguments = ["dial", "sip:1@127.0.0.1:9", "--user", "a", "--password-file", file];
        site.run("fr", &arguments).is_refusal(&["mot de passe", french]);
        site.run("en", &arguments).is_refusal(&["password", english]);
    }
}

#[test]
fn an_unknown_host() {
    let site = Site::new();
    let text = site
        .configuration(5060)
        .replace("host = \"127.0.0.1\"", "host = \"nulle-part.invalid\"");
    site.write("tocsin.toml", &text);
    for (language, words) in [
        ("fr", ["nulle-part.invalid", "n’a pas d’adresse", "DNS"]),
        ("en", ["nulle-part.invalid", "has no address", "DNS"]),
    ] {
        site.run(language, &["check"]).is_refusal(&words);
        site.run(language, &["check", "--call", "0199001234"])
            .is_refusal(&words[..1]);
        site.run(language, &["dial", "sip:1@nulle-part.invalid"])
            .is_refusal(&words);
    }
}

#[test]
fn an_alert_system_starts_when_the_dns_does_not_know_its_trunk() {
    let site = Site::new();
    let text = site
        .configuration(5060)
        .replace("host = \"127.0.0.1\"", "host = \"nulle-part.invalid\"");
    site.write("tocsin.toml", &text);
    let mut running = site.start("fr", &["serve"]);
    running.wait_until_served();
    let live = kit::desk::Desk::sign_in(&site).get("live");
    assert_eq!(live["trunks"][0]["name"], "Opérateur");
    assert_eq!(live["trunks"][0]["is_up"], false, "{live}");
    running.wait_until("the trunk without address is told", |running| {
        running
            .err()
            .contains("tocsin\u{a0}: ligne «\u{a0}Opérateur\u{a0}»\u{a0}: l’hôte «\u{a0}nulle-part.invalid\u{a0}»")
    });
    running.signal(rustix::process::Signal::TERM);
    assert!(running.wait().success(), "{}", running.err());
}

#[test]
fn arguments_that_cannot_be_understood() {
    let site = Site::new();
    for (arguments, french, english) in [
        (
            ["dail", ""].as_slice(),
            "la commande «\u{a0}dail\u{a0}» n’existe pas",
            "no command “dail”",
        ),
        (
            &["serve", "--confg"],
            "peut-être «\u{a0}--config",
            "did you mean “--config",
        ),
        (&["dial"], "il manque <URI>", "<URI> is missing"),
        (
            &["load", "sip:1@2", "--calls", "beaucoup"],
            "«\u{a0}beaucoup\u{a0}» ne convient pas",
            "“beaucoup” does not fit",
        ),
        (
            &["dial", "sip:1@2", "--dtmf", "morse"],
            "valeurs possibles\u{a0}: rfc4733",
            "possible values: rfc4733",
        ),
        (&["dial", "tel:1"], "sip:NUMÉRO@HÔTE", "sip:NUMBER@HOST"),
        (
            &["dial", "sip:1@127.0.0.1:9", "--codecs", "mp3"],
            "«\u{a0}mp3\u{a0}» n’est pas un codec",
            "“mp3” is not a codec",
        ),
        (
            &["load", "sip:1@127.0.0.1:9", "--calls", "1", "--rate", "0"],
            "--rate",
            "--rate",
        ),
    ] {
        let arguments: Vec<&str> = arguments
            .iter()
            .copied()
            .filter(|argument| !argument.is_empty())
            .collect();
        site.run("fr", &arguments).is_refusal(&[french]);
        site.run("en", &arguments).is_refusal(&[english]);
    }
}
