//! Calls into tocsin: SIPp places them through the trunk, [`Caller`] hears and presses keys, and tocsin's desk tells afterwards
//! what came of them. The carrier of the testbed is only there to be rung by campaigns.

use std::{
    fs,
    net::UdpSocket,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use serde_json::json;

mod accounts;

use super::{
    Check,
    caller::{Caller, Step},
    sound::expect_tone,
};
use crate::demo::{
    desk::Desk,
    stage::{Program, Stage, beside},
};

/// The number that campaigns show, and that people ring back.
const SHOWN: &str = "+33199000000";
/// The telephone of the one recipient: it rings and nobody is there.
const MISSED: &str = "0199000042";
/// Password of the administrator.
const PASSWORD: &str = "le code du beffroi";

/// All checks, whose scenario files lie in `scenarios`; each works in a folder of its own below `folder`.
pub fn checks(scenarios: &Path, folder: &Path) -> Vec<Check> {
    type Run = fn(&Place) -> anyhow::Result<()>;
    let all: [(&str, &'static str, Run); 13] = [
        (
            "inbound-call-back",
            "who missed the alert rings back, hears it, presses 1, and is not rung any more",
            call_back,
        ),
        (
            "inbound-nobody",
            "who was not called and rings the number is told so",
            nobody,
        ),
        (
            "inbound-stranger",
            "who calls from an address of no trunk gets 403 and learns nothing",
            stranger,
        ),
        (
            "inbound-launch",
            "an authorised person launches an alert with the keys of a telephone",
            launch,
        ),
        (
            "inbound-wrong-code",
            "wrong codes end the call, then lock the user code, and nothing is launched",
            wrong_code,
        ),
        (
            "inbound-record",
            "a message is recorded by telephone, kept, and launched",
            record,
        ),
        (
            "inbound-change",
            "the message of an alert under way is replaced by one that is recorded by telephone",
            change,
        ),
        (
            "inbound-trace",
            "tocsin trace shows a real call, and writes a capture that tshark finds nothing odd in",
            trace,
        ),
        (
            "inbound-no-such-number",
            "a called number that leads nowhere gets 404",
            no_such_number,
        ),
        (
            "inbound-account",
            "a telephone with an account is challenged, let in with its password, and talked to",
            accounts::right,
        ),
        (
            "inbound-wrong-password",
            "a telephone with a wrong password gets 403 and learns nothing",
            accounts::wrong,
        ),
        (
            "inbound-replay",
            "a proof that was used, and an old count of a nonce, get 401 with stale; a higher count and a fresh nonce get in",
            accounts::replayed,
        ),
        (
            "inbound-stale-nonce",
            "a nonce of more than a minute ago gets 401 with stale, and its successor gets in",
            accounts::stale,
        ),
    ];
    all.map(|(name, story, run)| {
        let place = Place {
            scenarios: scenarios.to_owned(),
            folder: folder.join(name),
        };
        Check {
            name: name.to_owned(),
            story: story.to_owned(),
            is_slow: true,
            run: Box::new(move || run(&place)),
        }
    })
    .into()
}

/// Who may launch by telephone, and where; added to the section of the administrator.
const LAUNCHING: &str = r#"phone_code = "80"
phone_pin = "123456"

[incoming]
launch = ["+33199000080"]
"#;

/// The number of the launch service, as a carrier might write it.
const LAUNCH: &str = "0199000080";
/// From where it is called.
const OFFICER: &str = "+33199000099";

/// Where one check works.
struct Place {
    scenarios: PathBuf,
    folder: PathBuf,
}

/// tocsin and a carrier, with one recipient in the directory.
struct House {
    stage: Stage,
    desk: Desk,
    message: u64,
    // Dropped in this order: tocsin takes leave of a carrier that still answers.
    _tocsin: Program,
    _carrier: Program,
}

impl House {
    fn open(place: &Place, more: &str) -> anyhow::Result<House> {
        let stage = Stage::lay(&place.folder, 4, 4, PASSWORD.to_owned())?;
        fs::write(
            stage.path("phones.csv"),
            format!("number,behaviour,parameters\n{MISSED},no-answer,\n"),
        )?;
        stage.write_configuration()?;
        let configuration = stage.path("tocsin.toml");
        fs::write(&configuration, fs::read_to_string(&configuration)? + more)?;
        let carrier = stage.start_carrier(1, 1.0, Duration::from_secs(10))?;
        let tocsin = stage.start_tocsin()?.wait_until_served(&stage)?;
        let desk = stage.sign_in()?;
        let people = format!("Nom;Prénom;Code INSEE;Commune;Téléphone 1\nMesange;Lea;80001;Abbeville;{MISSED}\n");
        let imported = desk.import("Maires", "maires.csv", people.as_bytes())?;
        ensure!(imported.created == 1, "the import told {imported:?}");
        let message = desk.add_message("Crue", "La Somme déborde. Prévenez vos habitants.")?;
        Ok(House {
            stage,
            desk,
            message,
            _tocsin: tocsin,
            _carrier: carrier,
        })
    }

    /// SIPp places one call by a scenario, from `from`; whatever it wants is an error with its log.
    fn call(&self, place: &Place, call: &Call) -> anyhow::Result<Heard> {
        self.call_with(place, call, &[])
    }

    /// The same with more arguments of SIPp.
    fn call_with(&self, place: &Place, call: &Call, more: &[&str]) -> anyhow::Result<Heard> {
        let caller = Caller::listen(call.steps)?;
        let port = UdpSocket::bind((call.from, 0))?.local_addr()?.port();
        let errors = self.stage.path("sipp-errors.log");
        let mut sipp = Command::new("sipp")
            .arg(format!("127.0.0.1:{}", self.stage.sip_port))
            .arg("-sf")
            .arg(place.scenarios.join(format!("{}.xml", call.scenario)))
            .args(["-i", call.from, "-p", &port.to_string()])
            .args(["-m", "1", "-nostdin", "-timeout", "180s", "-timeout_error"])
            .args(["-s", call.called, "-key", "caller", call.caller])
            .args(["-key", "rtp_port", &caller.address.port().to_string()])
            .args(more)
            .args(["-trace_err", "-error_file"])
            .arg(&errors)
            .current_dir(&self.stage.folder)
            .stdin(Stdio::null())
            .stdout(fs::File::create(self.stage.path("sipp.log"))?)
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start sipp (package sip-tester)")?;
        let status = sipp.wait()?;
        let complaint = fs::read_to_string(&errors).unwrap_or_default();
        ensure!(status.success(), "SIPp was not content ({status}): {complaint}");
        Ok(Heard {
            voice: caller.heard(),
            steps_left: caller.left(),
        })
    }

    /// Launches a campaign to the one recipient, and waits until the telephone rings.
    fn launch(&self) -> anyhow::Result<u64> {
        let policy = json!({ "ring_timeout": 60, "total_period": 600 });
        let (campaign, _) = self.desk.add_campaign("Crue", self.message, "Maires", &policy)?;
        self.desk.launch(campaign)?;
        wait("the telephone rings", || Ok(self.desk.view(campaign)?.ringing == 1))?;
        Ok(campaign)
    }
}

/// One call into tocsin.
struct Call {
    scenario: &'static str,
    /// Address that it comes from.
    from: &'static str,
    /// What the network says who calls.
    caller: &'static str,
    called: &'static str,
    steps: &'static [Step],
}

/// What the caller's telephone heard.
#[derive(Debug)]
struct Heard {
    /// Packets with a voice.
    voice: u64,
    steps_left: u64,
}

fn call_back(place: &Place) -> anyhow::Result<()> {
    let house = House::open(place, "")?;
    let campaign = house.launch()?;
    let heard = house.call(
        place,
        &Call {
            scenario: "inbound-call",
            from: "127.0.0.1",
            caller: "+33199000042",
            called: SHOWN,
            steps: &[Step::Press("1")],
        },
    )?;
    ensure!(heard.steps_left == 0 && heard.voice > 50, "the caller heard {heard:?}");
    // The other telephone stops ringing, and the campaign is over: nobody is left to be called.
    wait("the campaign is over", || Ok(house.desk.view(campaign)?.is_over()))?;
    let view = house.desk.view(campaign)?;
    ensure!(
        (view.confirmed, view.attempts) == (1, 1),
        "confirmed by call back: {view:?}"
    );
    let noted = house.desk.audit("telephone.call-back")?;
    ensure!(
        noted.len() == 1 && noted[0]["target"] == "1/1 message 1.1",
        "the audit trail: {noted:?}"
    );
    Ok(())
}

fn nobody(place: &Place) -> anyhow::Result<()> {
    let house = House::open(place, "")?;
    let campaign = house.launch()?;
    let heard = house.call(
        place,
        &Call {
            scenario: "inbound-call",
            from: "127.0.0.1",
            caller: "+33199000043",
            called: SHOWN,
            // Somebody who says something into the goodbye, and presses a key all the same.
            steps: &[Step::PressNow("1"), Step::Speak(400)],
        },
    )?;
    ensure!(heard.voice > 50, "the caller heard {heard:?}");
    let view = house.desk.view(campaign)?;
    ensure!(view.confirmed == 0 && view.ringing == 1, "nobody confirmed: {view:?}");
    Ok(())
}

fn stranger(place: &Place) -> anyhow::Result<()> {
    let house = House::open(place, "")?;
    let campaign = house.launch()?;
    house.call(
        place,
        &Call {
            scenario: "inbound-stranger",
            from: "127.0.0.2",
            caller: "+33199000042",
            called: SHOWN,
            steps: &[],
        },
    )?;
    let view = house.desk.view(campaign)?;
    ensure!(view.confirmed == 0 && view.ringing == 1, "nobody confirmed: {view:?}");
    wait("the refusal is written down", || {
        Ok(house
            .desk
            .audit("telephone.stranger")?
            .iter()
            .any(|entry| entry["target"] == "1"))
    })
}

fn no_such_number(place: &Place) -> anyhow::Result<()> {
    let house = House::open(place, "")?;
    house.call(
        place,
        &Call {
            scenario: "inbound-no-such-number",
            from: "127.0.0.1",
            caller: "+33199000042",
            called: "+33199000009",
            steps: &[],
        },
    )?;
    Ok(())
}

fn launch_call(scenario: &'static str, steps: &'static [Step]) -> Call {
    Call {
        scenario,
        from: "127.0.0.1",
        caller: OFFICER,
        called: LAUNCH,
        steps,
    }
}

fn launch(place: &Place) -> anyhow::Result<()> {
    let house = House::open(place, LAUNCHING)?;
    let heard = house.call(
        place,
        &launch_call(
            "inbound-call",
            &[
                Step::Press("80#"),
                Step::Press("123456#"),
                Step::Press("1#"),
                Step::Press("#"),
                Step::Press("1"),
            ],
        ),
    )?;
    ensure!(heard.steps_left == 0, "the caller heard {heard:?}");
    wait("the telephone rings", || Ok(house.desk.view(1)?.ringing == 1))?;
    let noted = house.desk.audit("campaign.launch")?;
    ensure!(
        noted.len() == 1
            && noted[0]["user"] == "admin"
            && noted[0]["target"] == "1"
            && noted[0]["address"] == format!("tel:{OFFICER}")
            && noted[0]["status"] == 200,
        "the audit trail: {noted:?}"
    );
    Ok(())
}

fn wrong_code(place: &Place) -> anyhow::Result<()> {
    let house = House::open(place, LAUNCHING)?;
    let first = launch_call(
        "inbound-call",
        &[
            Step::Press("80#"),
            Step::Press("000000#"),
            Step::Press("80#"),
            Step::Press("000001#"),
            Step::Press("81#"),
            Step::Press("123456#"),
        ],
    );
    let heard = house.call(place, &first)?;
    ensure!(heard.steps_left == 0, "the caller heard {heard:?}");
    let second = launch_call(
        "inbound-call",
        &[
            Step::Press("80#"),
            Step::Press("000002#"),
            Step::Press("80#"),
            Step::Press("000003#"),
            Step::Press("80#"),
            Step::Press("000004#"),
        ],
    );
    house.call(place, &second)?;
    // The right code, too late: the call goes on as if it were wrong.
    let third = launch_call(
        "inbound-call",
        &[
            Step::Press("80#"),
            Step::Press("123456#"),
            Step::Press("80#"),
            Step::Press("123456#"),
            Step::Press("80#"),
            Step::Press("123456#"),
        ],
    );
    house.call(place, &third)?;
    let noted = house.desk.audit("telephone.login")?;
    let statuses: Vec<u64> = noted.iter().filter_map(|entry| entry["status"].as_u64()).collect();
    ensure!(
        statuses == [429, 429, 429, 401, 401, 401, 401, 401, 401],
        "the audit trail: {noted:?}"
    );
    ensure!(house.desk.view(1).is_err(), "something was launched");
    Ok(())
}

/// Speaks two seconds, keeps it.
const DICTATION: [Step; 6] = [
    Step::Press("80#"),
    Step::Press("123456#"),
    Step::Press("0#"),
    Step::Speak(2_000),
    Step::PressNow("#"),
    Step::Press("1"),
];

fn record(place: &Place) -> anyhow::Result<()> {
    const STEPS: [Step; 9] = {
        let [a, b, c, d, e, f] = DICTATION;
        [a, b, c, d, e, f, Step::Press("1"), Step::Press("#"), Step::Press("1")]
    };
    let house = House::open(place, LAUNCHING)?;
    let heard = house.call(place, &launch_call("inbound-call", &STEPS))?;
    ensure!(heard.steps_left == 0, "the caller heard {heard:?}");
    wait("the telephone rings", || Ok(house.desk.view(1)?.ringing == 1))?;
    let campaign = house.desk.campaign(1)?;
    ensure!(campaign["message"] == 2, "the campaign says {campaign}");
    let mut recordings = fs::read_dir(house.stage.path("data/recordings"))?;
    let recording = recordings.next().context("nothing was recorded")??;
    ensure!(recordings.next().is_none(), "more than one recording was kept");
    // Two seconds and what is kept of the silence around them, at 8 kHz in 16 bits.
    let seconds = (recording.metadata()?.len() - 44) as f64 / 16_000.0;
    ensure!((1.8..2.7).contains(&seconds), "the recording lasts {seconds} s");
    expect_tone(&recording.path(), 1.7).context("what was said is not what was kept")?;
    let noted = house.desk.audit("message.save")?;
    ensure!(
        noted
            .first()
            .is_some_and(|entry| entry["address"] == format!("tel:{OFFICER}") && entry["target"] == "2"),
        "the audit trail: {noted:?}"
    );
    Ok(())
}

fn change(place: &Place) -> anyhow::Result<()> {
    const STEPS: [Step; 8] = {
        let [a, b, c, d, e, f] = DICTATION;
        [a, b, c, d, e, f, Step::Press("2"), Step::Press("1")]
    };
    let house = House::open(place, LAUNCHING)?;
    let campaign = house.launch()?;
    let heard = house.call(place, &launch_call("inbound-call", &STEPS))?;
    ensure!(heard.steps_left == 0, "the caller heard {heard:?}");
    let told = house.desk.campaign(campaign)?;
    ensure!(told["message"] == 2, "the campaign says {told}");
    let noted = house.desk.audit("campaign.message")?;
    ensure!(
        noted.len() == 1 && noted[0]["user"] == "admin" && noted[0]["target"].as_str() == Some(&*campaign.to_string()),
        "the audit trail: {noted:?}"
    );
    Ok(())
}

fn trace(place: &Place) -> anyhow::Result<()> {
    let house = House::open(place, "")?;
    house.call(
        place,
        &Call {
            scenario: "inbound-call",
            from: "127.0.0.1",
            caller: "+33199000077",
            called: SHOWN,
            steps: &[],
        },
    )?;
    let configuration = house.stage.path("tocsin.toml");
    let tocsin = |more: &[&str]| -> anyhow::Result<String> {
        let mut command = Command::new(beside("tocsin")?);
        command.args(["trace", "01 99 00 00 77", "--lang", "en"]).args(more);
        said(command.arg("--config").arg(&configuration))
    };
    let ladder = tocsin(&[])?;
    for rung in ["INVITE", "100 Trying", "180 Ringing", "200 OK", "ACK", "BYE"] {
        ensure!(ladder.contains(rung), "the ladder lacks {rung}:\n{ladder}");
    }
    let (pcap, saved) = (house.stage.path("call.pcap"), house.stage.path("call.trace"));
    tocsin(&["--pcap", &pcap.to_string_lossy()])?;
    tocsin(&["--save", &saved.to_string_lossy()])?;
    let kept = fs::read_to_string(&saved)?;
    let again = tocsin(&["--read", &saved.to_string_lossy()])?;
    ensure!(again == ladder, "the saved trace shows another ladder:\n{again}");
    let tshark = |filter: &str| said(Command::new("tshark").arg("-r").arg(&pcap).args(["-Y", filter]));
    let count = kept.matches("\"call_id\":").count();
    let found = tshark("sip")?;
    ensure!(
        found.lines().count() == count,
        "tshark finds other messages than the {count} of the trace:\n{found}"
    );
    let complaints = tshark("_ws.malformed || _ws.expert.severity >= 0x600000")?;
    ensure!(complaints.is_empty(), "tshark complains:\n{complaints}");
    Ok(())
}

/// What a command says, if it succeeds.
fn said(command: &mut Command) -> anyhow::Result<String> {
    let out = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    ensure!(
        out.status.success(),
        "{command:?} failed ({}): {}",
        out.status,
        String::from_utf8_lossy(&out.stderr)
    );
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Waits until something is so, at most 20 seconds.
fn wait(what: &str, is_so: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so()? {
        if Instant::now() > deadline {
            bail!("waited in vain until {what}");
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
