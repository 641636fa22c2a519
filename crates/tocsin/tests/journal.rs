//! `tocsin journal` with the real program: verified, backed up while it serves and when it does not, restored only when told;
//! a report proved by the journal that it came from, and caught when it was changed.

#![allow(clippy::unwrap_used)]

mod kit;

use dialer::Journal;
use dialer::journal::{Embedded, Engine};
use kit::desk::Desk;
use kit::telephone::Telephones;
use kit::{Said, Site};
use rustix::process::Signal;
use serde_json::{Value, json};

/// A configuration whose trunk leads to these telephones, and whose journal is kept in this store.
fn configure(site: &Site, port: u16, store: &str) {
    let text = site
        .configuration(port)
        .replace("user = \"prefecture80\"\n", "")
        .replace(&format!("password = \"{}\"\n", kit::TRUNK_SECRET), "")
        .replace("[web]", &format!("[journal]\nstore = \"{store}\"\n\n[web]"));
    site.write("tocsin.toml", text);
}

fn journal(site: &Site, language: &str, arguments: &[&str]) -> Said {
    let arguments: Vec<&str> = std::iter::once("journal").chain(arguments.iter().copied()).collect();
    let said = site.run(language, &arguments);
    said.is_proper();
    said
}

fn good(said: &Said) -> Value {
    assert!(said.status.success(), "{said:#?}");
    serde_json::from_str(&said.out).unwrap_or(Value::Null)
}

/// A service with a campaign of three people that is over; the report of the campaign lies in report.json.
fn campaign(site: &Site, telephones: &Telephones, running: &mut kit::Running) -> Desk {
    running.wait_until_served();
    let desk = Desk::sign_in(site);
    for n in 0..3 {
        desk.post(
            "recipients",
            &json!({
                "key": format!("élue-{n}"),
                "name": format!("Élue {n}"),
                "numbers": [{ "e164": format!("+3319900100{n}"), "kind": "landline", "voice": true, "sms": false }],
            }),
        );
    }
    let campaign = json!({
        "name": "Crue", "message": { "text": "La Somme monte." }, "preset": "immediate", "launch": true,
    });
    let made = desk.post("campaigns", &campaign);
    let id = made["id"].as_u64().unwrap();
    running.wait_until("calls are up", |_| {
        telephones.counts.up.load(std::sync::atomic::Ordering::Relaxed) == 3
    });
    desk.post(&format!("campaigns/{id}/stop"), &json!({ "hang_up": true }));
    running.wait_until("the campaign is over", |_| {
        let view = desk.get(&format!("campaigns/{id}"));
        view["state"] == "stopped" && view["speaking"] == 0 && view["ringing"] == 0 && view["calling"] == 0
    });
    let report = desk.get(&format!("campaigns/{id}/report.json"));
    site.write("report.json", report.to_string());
    desk
}

fn whole_story(store: &str) {
    let (site, telephones) = (Site::new(), Telephones::start());
    configure(&site, telephones.port, store);
    journal(&site, "fr", &["verify"]).is_refusal(&["il n’y a pas de journal"]);
    let mut running = site.start_beside("fr", &["serve"]);
    let _desk = campaign(&site, &telephones, &mut running);
    assert_eq!(Engine::found(&site.path("data/journal")).unwrap().name(), store);

    // While it serves.
    let verified = good(&journal(&site, "fr", &["verify", "--json", "--report", "report.json"]));
    assert_eq!(verified["report"]["attempts"], 3, "{verified}");
    let backed = good(&journal(&site, "en", &["backup", "--to", "hot.backup", "--json"]));
    assert_eq!(backed["head"].as_str().unwrap().len(), 64);
    journal(&site, "en", &["backup", "--to", "hot.backup"]).is_refusal(&["never replaces"]);
    journal(&site, "fr", &["restore", "--from", "hot.backup"]).is_refusal(&["--replace"]);
    journal(&site, "fr", &["restore", "--from", "hot.backup", "--replace"]).is_refusal(&["utilisé"]);
    running.signal(Signal::TERM);
    assert!(running.wait().success(), "{}", running.err());

    // When it does not.
    let after = journal(&site, "fr", &["verify", "--report", "report.json"]);
    assert!(
        after.status.success() && after.out.contains("complet et intact"),
        "{after:#?}"
    );
    let now = good(&journal(&site, "fr", &["backup", "--to", "cold.backup", "--json"]));
    assert!(now["records"].as_u64() >= backed["records"].as_u64());
    let checked = good(&journal(&site, "fr", &["verify", "--backup", "hot.backup", "--json"]));
    assert_eq!(
        (&checked["head"], &checked["records"]),
        (&backed["head"], &backed["records"])
    );
    // The newer journal proves the older backup's head.
    let (records, head) = (backed["records"].to_string(), backed["head"].as_str().unwrap());
    let stated = ["verify", "--records", &records, "--head", head];
    assert!(journal(&site, "en", &stated).status.success());
    let other = format!("{}{}", if head.starts_with('0') { "1" } else { "0" }, &head[1..]);
    journal(&site, "en", &["verify", "--records", &records, "--head", &other]).is_refusal(&["is not the one"]);
    journal(&site, "en", &["verify", "--records", "999999", "--head", head]).is_refusal(&["records are missing"]);

    changed_reports(&site);

    journal(&site, "fr", &["restore", "--from", "hot.backup"]).is_refusal(&["--replace"]);
    let restored = good(&journal(
        &site,
        "fr",
        &["restore", "--from", "hot.backup", "--replace", "--json"],
    ));
    assert_eq!(restored["head"], backed["head"]);
    let former = Embedded::open(&site.path(restored["former"].as_str().unwrap())).unwrap();
    assert_eq!(former.next().0, now["records"].as_u64().unwrap());
    drop(former);

    // The restored journal serves.
    let mut running = site.start_beside("fr", &["serve"]);
    running.wait_until_served();
    let desk = Desk::sign_in(&site);
    assert_eq!(desk.get("campaigns")["campaigns"].as_array().unwrap().len(), 1);
    running.signal(Signal::TERM);
    assert!(running.wait().success());
}

/// Each figure of a report that is changed is found out.
fn changed_reports(site: &Site) {
    let report: Value = serde_json::from_slice(&std::fs::read(site.path("report.json")).unwrap()).unwrap();
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 6] = [
        ("confirmed", |report| report["counts"]["confirmed"] = json!(3)),
        ("recipients/1/confirmed", |report| {
            report["recipients"][1]["confirmed"] = json!("2026-01-01T00:00:00Z");
        }),
        ("attempts", |report| {
            report["attempts"].as_array_mut().unwrap().pop();
        }),
        ("attempts/0/started", |report| {
            report["attempts"][0]["started"] = json!("2026-01-01T00:00:00Z");
        }),
        ("tries", |report| report["recipients"][0]["tries"] = json!(9)),
        ("empreinte", |report| report["facts"]["journal-records"] = json!(1)),
    ];
    for (what, change) in changes {
        let mut forged = report.clone();
        change(&mut forged);
        site.write("forged.json", forged.to_string());
        journal(site, "fr", &["verify", "--report", "forged.json"]).is_refusal(&[what]);
    }
    site.write("forged.json", "[]");
    journal(site, "fr", &["verify", "--report", "forged.json"]).is_refusal(&["ne peut pas être vérifié"]);
}

#[test]
fn the_journal_on_sled() {
    whole_story("sled");
}

#[test]
fn the_journal_on_redb() {
    whole_story("redb");
}

#[test]
fn a_journal_moves_to_another_store() {
    let (site, telephones) = (Site::new(), Telephones::start());
    configure(&site, telephones.port, "sled");
    let mut running = site.start_beside("fr", &["serve"]);
    running.wait_until_served();
    running.signal(Signal::TERM);
    assert!(running.wait().success());
    let before = good(&journal(&site, "fr", &["backup", "--to", "move.backup", "--json"]));
    configure(&site, telephones.port, "redb");
    site.run("fr", &["serve"]).is_refusal(&["sled", "redb", "--replace"]);
    let moved = good(&journal(
        &site,
        "fr",
        &["restore", "--from", "move.backup", "--replace", "--json"],
    ));
    assert_eq!(moved["head"], before["head"]);
    assert_eq!(Engine::found(&site.path("data/journal")), Some(Engine::Redb));
    let mut running = site.start_beside("fr", &["serve"]);
    running.wait_until_served();
}

#[test]
fn a_damaged_journal_is_told_with_its_place() {
    let (site, telephones) = (Site::new(), Telephones::start());
    configure(&site, telephones.port, "redb");
    let mut running = site.start_beside("fr", &["serve"]);
    running.wait_until_served();
    running.signal(Signal::TERM);
    assert!(running.wait().success());
    let path = good(&journal(&site, "fr", &["backup", "--to", "x.backup", "--json"]))["backup"].clone();
    let path = site.path(path.as_str().unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() / 3;
    bytes[at] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    journal(&site, "fr", &["verify", "--backup", "x.backup"]).is_refusal(&["endommagé"]);
    std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    journal(&site, "fr", &["restore", "--from", "x.backup", "--replace"]).is_refusal(&["sauvegarde"]);
}
