//! The running program as its operator configured it: the house's name, its certificate, its people, its calls in progress.

#![allow(clippy::unwrap_used)]

mod kit;

use std::net::TcpListener;
use std::sync::atomic::Ordering;

use kit::Site;
use kit::desk::Desk;
use kit::telephone::Telephones;
use rustix::process::Signal;
use serde_json::json;

#[test]
fn the_example_file_passes_the_check() {
    let site = Site::new();
    let example = include_str!("../../../tocsin.example.toml");
    // The example's carrier does not exist.
    let text = example.replace("sbc.operateur-a.example", "192.0.2.20");
    assert_ne!(text, example);
    site.write("tocsin.toml", text);
    for (language, words) in [("fr", "aucune erreur"), ("en", "no mistake found")] {
        let said = site.run(language, &["check"]);
        assert!(said.status.success(), "{said:#?}");
        assert!(
            said.out.contains(words) && said.out.contains("192.0.2.20:5060"),
            "{said:#?}"
        );
        said.is_proper();
    }
}

#[test]
fn the_house_has_its_name_and_the_certificate_its_names() {
    let site = Site::new();
    let text = site.configuration(5060);
    let text = text.replace(
        "listen = \"127.0.0.1:",
        "names = [\"tocsin.prefecture.example\"]\nlisten = \"127.0.0.1:",
    );
    // The first of the two is that of [web]; [sip] knows no names.
    let text = text.replacen("[sip]\nnames = [\"tocsin.prefecture.example\"]\n", "[sip]\n", 1);
    site.write(
        "tocsin.toml",
        format!("organisation = \"Préfecture de l’Essai\"\n{text}"),
    );
    let mut running = site.start("fr", &["serve"]);
    running.wait_until_served();
    let pem = std::fs::read(site.path("data/web/certificate.pem")).unwrap();
    // By address as well as by name: the client checks that the certificate carries what it asked for.
    for host in ["localhost", "127.0.0.1"] {
        let desk = Desk::sign_in_at(&site, host, &pem);
        assert!(desk.text("/connexion").contains("Préfecture de l’Essai"));
    }
    let names = std::fs::read_to_string(site.path("data/web/certificate.names.json")).unwrap();
    assert!(names.contains("tocsin.prefecture.example"), "{names}");
}

#[test]
fn the_operators_own_certificate_is_served() {
    let first = Site::new();
    first.write("tocsin.toml", first.configuration(5060));
    first.start("fr", &["serve"]).wait_until_served();
    let site = Site::new();
    for (from, to) in [("certificate.pem", "own.pem"), ("certificate.key.pem", "own.key")] {
        site.write(to, std::fs::read(first.path(&format!("data/web/{from}"))).unwrap());
    }
    let keys = "certificate = \"own.pem\"\nkey = \"own.key\"\n\n[sip]";
    site.write("tocsin.toml", site.configuration(5060).replace("[sip]", keys));
    let mut running = site.start("fr", &["serve"]);
    running.wait_until_served();
    let pem = std::fs::read(site.path("own.pem")).unwrap();
    Desk::sign_in_at(&site, "localhost", &pem);
    assert!(!site.path("data/web/certificate.pem").exists(), "none is made");
    drop(running);

    site.write("own.key", "not a key");
    for (language, word) in [("fr", "la clé qui va avec"), ("en", "its matching key")] {
        site.run(language, &["serve"]).is_refusal(&["own.key", word]);
    }
}

#[test]
fn groups_of_the_file_give_their_rights() {
    let site = Site::new();
    let people = "\n[[group]]\nname = \"Astreinte\"\nrights = [\"directory\"]\n\n[[user]]\nname = \"lea\"\nfull_name = \"Léa Martin\"\n\
                  groups = [\"Astreinte\", \"statistics\"]\npassword = \"un autre mot de passe\"\n";
    site.write("tocsin.toml", site.configuration(5060) + people);
    let mut running = site.start("fr", &["serve"]);
    running.wait_until_served();
    let pem = std::fs::read(site.path("data/web/certificate.pem")).unwrap();
    let desk = Desk::sign_in_as(&site, "localhost", &pem, "lea", "un autre mot de passe");
    let me = desk.get("me");
    assert_eq!(me["rights"], json!(["directory", "statistics"]), "{me}");
    drop(running);

    site.write(
        "tocsin.toml",
        site.configuration(5060) + &people.replace("Astreinte\", \"stat", "Personne\", \"stat"),
    );
    for (language, word) in [("fr", "il n’y a pas de groupe"), ("en", "there is no group")] {
        site.run(language, &["serve"]).is_refusal(&["lea", "Personne", word]);
    }
}

#[test]
fn a_start_that_fails_has_begun_no_attempt() {
    let (site, telephones) = (Site::new(), Telephones::start());
    site.write("tocsin.toml", site.configuration_without_password(telephones.port));
    let mut running = site.start("fr", &["serve"]);
    running.wait_until_served();
    Desk::sign_in(&site).launch(2, 20);
    running.wait_until("both calls are up", |_| {
        telephones.counts.up.load(Ordering::Relaxed) == 2
    });
    running.signal(Signal::KILL);
    running.wait();

    // The campaign would resume, but the console's port is taken.
    let holder = TcpListener::bind(("127.0.0.1", site.web_port)).unwrap();
    site.run("fr", &["serve"]).is_refusal(&["le port HTTPS"]);
    drop(holder);
    assert_eq!(telephones.counts.called.load(Ordering::Relaxed), 2);

    let mut running = site.start("fr", &["serve"]);
    running.wait_until("they are rung again", |_| {
        telephones.counts.called.load(Ordering::Relaxed) == 4
    });
    let desk = Desk::sign_in(&site);
    running.wait_until("the view has taken notice", |_| {
        desk.get("campaigns/1")["attempts"].as_u64() >= Some(4)
    });
    assert_eq!(desk.get("campaigns/1")["attempts"], 4);
}

#[test]
fn calls_in_progress_are_in_the_table_until_they_end() {
    let (site, telephones) = (Site::new(), Telephones::start());
    site.write("tocsin.toml", site.configuration_without_password(telephones.port));
    let mut running = site.start("fr", &["serve"]);
    running.wait_until_served();
    let desk = Desk::sign_in(&site);
    desk.launch(2, 20);
    running.wait_until("both calls speak", |_| desk.get("calls")["phases"]["speaking"] == 2);
    let calls = desk.get("calls");
    assert_eq!(calls["total"], 2, "{calls}");
    let first = &calls["calls"][0];
    assert_eq!(first["trunk"], "Opérateur");
    assert_eq!(first["campaign_name"], "Crue");
    assert!(
        first["name"].as_str().is_some_and(|name| name.starts_with("Élue")),
        "{calls}"
    );
    assert!(
        first["number"]
            .as_str()
            .is_some_and(|number| number.starts_with("0199001")),
        "{calls}"
    );
    let campaign = first["campaign"].as_u64().unwrap();
    desk.post(&format!("campaigns/{campaign}/stop?hang_up=true"), &json!({}));
    running.wait_until("the table is empty", |_| desk.get("calls")["total"] == 0);
    assert_eq!(telephones.counts.ended.load(Ordering::Relaxed), 2);
}
