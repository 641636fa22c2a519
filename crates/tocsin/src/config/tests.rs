#![allow(clippy::unwrap_used)]
use super::*;
use crate::words::{Language, of};

const GOOD: &str = r#"
data = "state"

[web]
listen = "127.0.0.1:8443"

[sip]
listen = "192.0.2.10:5060"

[[trunk]]
name = "Opérateur"
host = "sbc.example.net"
user = "prefecture80"
password = "never shown"
callers = ["+33199000000", "01 99 00 00 01"]
channels = 120
calls_per_second = 20

[[user]]
name = "crise"
group = "launch"
password = "un mot de passe"
"#;

fn mistakes(text: &str) -> Vec<String> {
    Config::parse(text, Path::new("/etc/tocsin"))
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_good_file_is_read() {
    let config = Config::parse(GOOD, Path::new("/etc/tocsin")).unwrap();
    assert_eq!(config.data, Path::new("/etc/tocsin/state"));
    assert_eq!(config.media.address.to_string(), "192.0.2.10");
    assert_eq!(config.service_report, Some(dialer::statistics::Unit::Month));
    let never = format!("{GOOD}\n[reports]\nevery = \"never\"\n");
    assert_eq!(Config::parse(&never, Path::new("/")).unwrap().service_report, None);
    assert!(!mistakes(&never.replace("never", "sometimes")).is_empty());
    assert_eq!(config.trunks[0].channels, 120);
    assert_eq!(config.trunks[0].callers[1].international(), "+33199000001");
    assert_eq!(config.trunks[0].domain, "sbc.example.net");
    assert!(!format!("{config:?}").contains("never shown"));
    assert!(!format!("{config:?}").contains("mot de passe"));
}

#[test]
fn each_mistake_is_told_with_its_line() {
    let text = GOOD
        .replace("channels = 120", "chanels = 120")
        .replace("\"127.0.0.1:8443\"", "\"localhost\"")
        .replace("calls_per_second = 20", "calls_per_second = \"beaucoup\"")
        .replace("password = \"never shown\"", "password_env = \"TOCSIN_TEST_UNSET\"")
        .replace("\"01 99 00 00 01\"", "\"12\"");
    let told = mistakes(&text);
    assert_eq!(told.len(), 5, "{told:#?}");
    assert!(told[0].starts_with("line 5: “listen” = “localhost”"), "{told:#?}");
    assert!(
        told[1].starts_with("line 14: “password”: the environment variable TOCSIN_TEST_UNSET"),
        "{told:#?}"
    );
    assert!(told[2].starts_with("line 15: “callers” = “12”"), "{told:#?}");
    assert!(told[3].starts_with("line 16: unknown setting “chanels”"), "{told:#?}");
    assert!(told[3].ends_with("did you mean “channels”?"), "{told:#?}");
    assert!(
        told[4].starts_with("line 17: “calls_per_second” must be a whole number"),
        "{told:#?}"
    );
}

#[test]
fn the_media_of_a_trunk_is_read_and_has_defaults() {
    let trunk = |more: &str| {
        let text = GOOD.replace("channels = 120", &format!("channels = 120\n{more}"));
        Config::parse(&text, Path::new("/etc/tocsin")).map(|config| config.trunks[0].clone())
    };
    let usual = trunk("").unwrap();
    assert_eq!((usual.ptime.ms(), usual.security), (20, Security::Off));
    assert_eq!(usual.silence.unwrap().as_secs(), 10);
    let other = trunk("ptime = 40\nsilence = \"1min\"\nsrtp = \"offered\"").unwrap();
    assert_eq!((other.ptime.ms(), other.security), (40, Security::Offered));
    assert_eq!(other.silence.unwrap().as_secs(), 60);
    assert_eq!(trunk("silence = \"0s\"").unwrap().silence, None);
    for wrong in ["ptime = 25", "ptime = 80", "silence = 10", "srtp = \"maybe\""] {
        assert!(trunk(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let told = mistakes("[[trunk]]\nport = 70000\n");
    assert!(told.iter().any(|problem| problem.contains("lacks “name”")), "{told:#?}");
    assert!(told.iter().any(|problem| problem.contains("lacks “host”")), "{told:#?}");
    assert!(
        told.iter().any(|problem| problem.contains("lacks “callers”")),
        "{told:#?}"
    );
    assert!(
        told.iter()
            .any(|problem| problem.starts_with("line 2: “port” = “70000”")),
        "{told:#?}"
    );
    assert!(mistakes("")[0].contains("at least one way to the telephone network"));
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    let told = mistakes("data = \"x\"\n[web\nlisten = 3\n");
    assert!(told[0].starts_with("line 2:"), "{told:#?}");
}

#[test]
fn a_file_in_another_encoding_is_refused_with_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tocsin.toml");
    std::fs::write(&path, b"data = \"x\"\n# pr\xe9fecture\n").unwrap();
    let error = Config::load(&path).unwrap_err().listed(&of(Language::English));
    assert!(error.contains("line 2") && error.contains("UTF-8"), "{error}");
    let error = Config::load(&folder.path().join("none.toml")).unwrap_err().to_string();
    assert!(
        error.contains("cannot be read") && error.contains("--config"),
        "{error}"
    );
}

#[test]
fn settings_that_exclude_each_other_are_told() {
    let text = GOOD.replace(
        "password = \"never shown\"",
        "password = \"a\"\npassword_env = \"PATH\"",
    );
    assert!(mistakes(&text)[0].contains("keep one of them"));
    let text = GOOD.replace("user = \"prefecture80\"\n", "");
    assert!(mistakes(&text)[0].contains("go together"));
    let text = GOOD.to_owned() + "\n[[user]]\nname = \"crise\"\npassword = \"x\"\n";
    assert!(mistakes(&text)[0].contains("two users are named “crise”"));
}

#[test]
fn people_names_and_detection_are_read() {
    let text = format!(
        "organisation = \"Préfecture de la Somme\"\ntime_zone = \"Indian/Reunion\"\ngrace = \"0s\"\n{}\n{}",
        GOOD.replace("[sip]", "names = [\"tocsin.example\", \"192.0.2.9\"]\n\n[sip]")
            .replace(
                "group = \"launch\"",
                "groups = [\"launch\", \"Astreinte\"]\nfull_name = \"Cellule de crise\""
            ),
        "[[group]]\nname = \"Astreinte\"\nrights = [\"launch\", \"statistics\"]\n\n\
         [answering_machine]\ngreeting = \"2600ms\"\nlevel = -40.5\nwords = 8\n"
    );
    let config = Config::parse(&text, Path::new("/etc/tocsin")).unwrap();
    assert_eq!(config.organisation.as_deref(), Some("Préfecture de la Somme"));
    assert_eq!(config.time_zone.as_deref(), Some("Indian/Reunion"));
    assert_eq!(config.grace, Duration::ZERO);
    assert_eq!(config.web.names, ["tocsin.example", "192.0.2.9"]);
    assert_eq!(config.users[0].groups.len(), 2);
    assert_eq!(config.users[0].full_name, "Cellule de crise");
    assert_eq!(config.groups[0].rights.len(), 2);
    assert_eq!(config.machines.greeting, Duration::from_millis(2600));
    assert_eq!((config.machines.words, config.machines.level), (8, -40.5));
    let usual = rtp_media::amd::Settings::default();
    assert_eq!(config.machines.total, usual.total);
}

#[test]
fn wrong_people_names_and_detection_are_told_with_their_lines() {
    let text = format!(
        "time_zone = \"Paris\"\ngrace = \"1d\"\n{}\n{}",
        GOOD.replace("[sip]", "names = [\"https://tocsin\"]\n\n[sip]")
            .replace("group = \"launch\"", "group = \"launch\"\ngroups = [\"launch\"]"),
        "[[group]]\nrights = [\"everything\"]\n[[group]]\nname = \"a\"\n[answering_machine]\nlevel = 3\ntotal = \"1h\"\n"
    );
    let told = mistakes(&text);
    for expected in [
        "line 1: “time_zone” = “Paris”: expected a time zone",
        "line 2: “grace” = “1d”: must be between 0s and 10min",
        "“names” = “https://tocsin”: expected a host name",
        "“group” and “groups” say the same thing",
        "[[group]] lacks “name”",
        "“rights” = “everything”: expected one of launch, directory, statistics, administration",
        "[[group]] lacks “rights”",
        "“level” = “3”: must be between -70 and -10",
        "“total” = “1h”: must be between 1s and 30s",
    ] {
        assert!(
            told.iter().any(|problem| problem.contains(expected)),
            "{expected}: {told:#?}"
        );
    }
}

#[test]
fn the_example_file_is_valid() {
    let text = include_str!("../../../../tocsin.example.toml");
    Config::parse(text, Path::new("/etc/tocsin")).unwrap();
}

#[test]
fn what_a_carrier_wants_to_see_reaches_the_endpoint() {
    let text = GOOD.replace(
        "[[user]]",
        "caller_header = \"asserted\"\nanonymous = true\nhistory_info = true\nsession_timer = \"30min\"\nprack = \"off\"\n\
         diversion = \"<sip:0322@c.example>;reason=unconditional\"\nearly_media = true\ntcp_for_large = true\n[[user]]",
    );
    let config = Config::parse(&text, Path::new("/etc/tocsin")).unwrap();
    let trunk = crate::service::trunks::sip(&config.trunks[0], Vec::new());
    let identity = &trunk.identity;
    assert_eq!(identity.asserted, sip_core::Asserted::Asserted);
    assert!(identity.is_private && identity.history && trunk.early_media && trunk.tcp_for_large);
    assert_eq!(
        identity.diversion.as_deref(),
        Some("<sip:0322@c.example>;reason=unconditional")
    );
    assert_eq!(trunk.session_timer.interval, Some(Duration::from_secs(1_800)));
    assert_eq!(trunk.reliable_provisional, sip_core::Reliable::Off);
    let locals = crate::service::trunks::endpoint(&config).locals;
    assert!(locals.iter().any(|local| local.transport == sip_core::Transport::Tcp));
    let told = mistakes(&GOOD.replace(
        "[[user]]",
        "caller_header = \"yes\"\ndiversion = \"nobody\"\nsession_timer = \"10s\"\n[[user]]",
    ));
    assert!(
        told.iter().any(|told| told.contains("preferred")) && told.iter().any(|told| told.contains("SIP address")),
        "{told:#?}"
    );
    assert_eq!(told.len(), 3, "{told:#?}");
}

#[test]
fn prices_and_spared_numbers_reach_the_dialer() {
    let text = GOOD.replace(
        "[[user]]",
        "ramp = \"10s\"\n[[trunk.tariff]]\nprefix = \"+33\"\nper_minute = \"0.0125\"\nstep = \"60s\"\n\
         [[throttle]]\nprefix = \"+33322\"\ncalls = 3\n[[user]]",
    );
    let config = Config::parse(&text, Path::new("/etc/tocsin")).unwrap();
    let trunk = crate::service::trunks::dialling(&config.trunks[0]);
    let tariff = &trunk.tariffs[0];
    assert_eq!(
        (
            tariff.prefix.as_str(),
            tariff.per_minute_micros,
            tariff.first_step_s,
            tariff.step_s
        ),
        ("33", 12_500, 1, 60)
    );
    assert_eq!(trunk.ramp, Duration::from_secs(10));
    assert_eq!(
        (config.throttles[0].prefix.as_str(), config.throttles[0].calls),
        ("33322", 3)
    );
    let told = mistakes(&GOOD.replace(
        "[[user]]",
        "[[trunk.tariff]]\nprefix = \"33\"\nper_minute = \"cher\"\n[[throttle]]\ncalls = 0\n[[user]]",
    ));
    assert!(
        told[0].contains("international prefix") && told[1].contains("six decimals"),
        "{told:#?}"
    );
    assert!(told.iter().any(|problem| problem.contains("“calls”")), "{told:#?}");
}

#[test]
fn extracts_come_from_a_folder_or_by_https_only() {
    let with = |extract: &str| format!("{GOOD}\n[[extract]]\nname = \"Élus\"\n{extract}\n");
    let folder = Config::parse(
        &with("folder = \"extraits\"\nevery = \"6h\"\nlist = \"Élus\""),
        Path::new("/etc/tocsin"),
    )
    .unwrap();
    let extract = &folder.extracts[0];
    assert!(matches!(&extract.origin, Origin::Folder(path) if path == Path::new("/etc/tocsin/extraits")));
    assert_eq!(
        (extract.every.as_secs(), extract.list.as_deref()),
        (21_600, Some("Élus"))
    );
    let https = "url = \"https://extraits.example/elus.csv\"\nauthorization = \"Bearer x\"\ntimeout = \"30s\"";
    let https = Config::parse(&with(https), Path::new("/")).unwrap();
    assert!(!format!("{https:?}").contains("Bearer"));
    for wrong in [
        "",
        "url = \"http://extraits.example/elus.csv\"",
        "url = \"https://me:secret@extraits.example/elus.csv\"",
        "url = \"https://\"",
        "url = \"https://a.example/\"\nfolder = \"x\"",
        "folder = \"x\"\nevery = \"1s\"",
        "folder = \"x\"\nunknown = 1",
    ] {
        assert!(!mistakes(&with(wrong)).is_empty(), "{wrong}");
    }
}
