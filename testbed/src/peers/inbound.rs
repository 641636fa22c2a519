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

use super::{
    Check,
    caller::{Caller, Step},
};
use crate::demo::{
    desk::Desk,
    stage::{Program, Stage},
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
    let all: [(&str, &'static str, Run); 4] = [
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
            "inbound-no-such-number",
            "a called number that leads nowhere gets 404",
            no_such_number,
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
        noted.len() == 1 && noted[0]["target"] == "1/1",
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
    Ok(())
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
