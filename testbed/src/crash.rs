//! The crash test: the real process is killed at random instants of a running campaign, and started again, many times. What the
//! telephones lived through must be what an uninterrupted campaign would have done to people.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::{
    carrier::{counts::Counts, phones::international},
    demo::{
        desk::View,
        fiction::Fiction,
        play::{Launched, Opened, launch, open, password, settle},
        stage::Stage,
    },
};

/// How a crash test goes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Kills in all.
    pub kills: u32,
    /// Communes of one campaign, two people each.
    pub communes: usize,
    /// Seed of all chance.
    pub seed: u64,
    /// Folder of the current campaign; a campaign that went wrong is left there.
    pub folder: PathBuf,
}

/// Human times are divided by this: a call takes some seconds, so that kills hit calls in every phase and yet calls complete.
const PACE: f64 = 10.0;
/// The carrier gives a silent call up after this.
const SILENCE: Duration = Duration::from_secs(2);
/// A campaign that is left alone is over within this.
const PATIENCE: Duration = Duration::from_secs(240);

/// Kills until the wanted number is reached, one campaign after the other; tells of each on standard output.
///
/// # Errors
/// When a campaign broke a promise, with the promise and the seed.
pub fn run(settings: &Settings, is_over: &AtomicBool) -> anyhow::Result<()> {
    let mut kills = 0;
    let mut seed = settings.seed;
    while kills < settings.kills {
        let started = Instant::now();
        let round = play(settings, seed, settings.kills - kills, is_over).with_context(|| {
            format!(
                "campaign with seed {seed}; everything it left is in {}",
                settings.folder.display()
            )
        })?;
        kills += round.kills;
        println!(
            "campaign with seed {seed}: {} kills, {} calls to {} people, {} confirmed, no promise broken ({:.0} s); {kills} of {} kills",
            round.kills,
            round.calls,
            round.people,
            round.confirmed,
            started.elapsed().as_secs_f64(),
            settings.kills,
        );
        ensure!(
            round.kills > 0,
            "the campaign was over before the first kill: it is too small for this machine"
        );
        seed += 1;
    }
    Ok(())
}

struct Round {
    kills: u32,
    calls: u64,
    people: usize,
    confirmed: u64,
}

fn play(settings: &Settings, seed: u64, wanted: u32, is_over: &AtomicBool) -> anyhow::Result<Round> {
    let stage = Stage::lay(&settings.folder, 60, 10, password(seed))?;
    let fiction = Fiction::invent(seed, settings.communes);
    let Opened {
        mut carrier,
        mut tocsin,
        desk,
    } = open(&stage, &fiction, seed, PACE, SILENCE)?;
    let Launched { campaign, .. } = launch(&stage, &desk, &policy())?;

    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut kills = 0;
    while kills < wanted {
        // One kill in four comes while the program is still starting.
        let at = if rng.random_bool(0.25) {
            rng.random_range(0.0..0.5)
        } else {
            rng.random_range(0.5..8.0)
        };
        let until = Instant::now() + Duration::from_secs_f64(at);
        while Instant::now() < until {
            thread::sleep(Duration::from_millis(5).min(until.saturating_duration_since(Instant::now())));
            tocsin.check().context("it stopped without having been killed")?;
        }
        if is_over.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        carrier.check()?;
        // Looked at now and then, since looking takes its time; a campaign that is over cannot be crashed.
        if at > 4.0
            && stage
                .sign_in()
                .and_then(|desk| desk.view(campaign))
                .is_ok_and(|view| view.is_over())
        {
            break;
        }
        tocsin.kill()?;
        kills += 1;
        tocsin = stage.start_tocsin()?;
    }

    tocsin = tocsin.wait_until_served(&stage).context("after the last kill")?;
    let desk = stage.sign_in()?;
    let deadline = Instant::now() + PATIENCE;
    let view = loop {
        let view = desk.view(campaign)?;
        if view.is_over() {
            break view;
        }
        tocsin.check()?;
        // Ended is good as well: everybody is settled, and the last calls still say their thanks.
        ensure!(
            matches!(view.state.as_str(), "running" | "ended"),
            "the campaign did not resume by itself: it is {}",
            view.state
        );
        ensure!(
            Instant::now() < deadline,
            "the campaign is not over {PATIENCE:?} after the last kill: {}",
            json!(view)
        );
        if is_over.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        thread::sleep(Duration::from_millis(200));
    };
    settle(&stage.path("carrier.json"));
    let report = desk.report(campaign, "json")?;
    fs::write(stage.path("report.json"), &report)?;
    tocsin.stop()?;
    carrier.stop()?;
    let counts = Counts::read(&stage.path("carrier.json"))?;
    judge(&fiction, &view, &serde_json::from_slice(&report)?, &counts)?;
    clear(&settings.folder)?;
    Ok(Round {
        kills,
        calls: counts.calls,
        people: fiction.people.len(),
        confirmed: view.confirmed,
    })
}

/// Tries are many, so that no one is given up because of the kills alone; waits are short.
fn policy() -> Value {
    json!({
        "ring_timeout": 6,
        "between_numbers": 1,
        "tries_per_number": 2,
        "tries_per_recipient": 6,
        "total_period": 3600,
        "delays": {
            "busy": 3, "no_answer": 3, "not_confirmed": 3, "hung_up_early": 3, "machine": 3,
            "rejected": 3, "unreachable": null, "failed": 3, "unknown": 3
        },
    })
}

/// The promises, each checked against what the carrier saw.
pub(crate) fn judge(fiction: &Fiction, view: &View, report: &Value, counts: &Counts) -> anyhow::Result<()> {
    let rung = counts.rung_after_thanks();
    ensure!(
        rung.is_empty(),
        "rung again after their confirmation was taken: {rung:?}"
    );

    let confirmed: HashSet<String> = report["recipients"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|row| !row["confirmed"].is_null())
        .filter_map(|row| row["number"].as_str())
        .map(international)
        .collect();
    let attempts = attempts_by_number(report);
    for person in &fiction.people {
        let seen = || {
            person
                .numbers
                .iter()
                .filter_map(|number| Some((number, counts.numbers.get(number)?)))
        };
        let thanked = seen()
            .filter_map(|(number, seen)| Some((number, seen.thanked_ms?)))
            .min_by_key(|(_, at)| *at);
        if let Some((number, thanked_ms)) = thanked {
            let late: Vec<&String> = seen()
                .filter(|(_, seen)| seen.last_call_ms.is_some_and(|at| at > thanked_ms))
                .map(|(number, _)| number)
                .collect();
            ensure!(
                late.is_empty(),
                "{} confirmed on {number} and was rung afterwards on {late:?}",
                person.key
            );
            let is_known = person.numbers.iter().any(|number| confirmed.contains(number));
            ensure!(
                is_known,
                "{} confirmed on {number}, and tocsin does not know it",
                person.key
            );
        } else {
            ensure!(
                seen().next().is_some(),
                "{} was forgotten: no telephone of theirs ever rang",
                person.key
            );
        }
    }

    let accounted = view.confirmed + view.informed + view.not_confirmed + view.failed.values().sum::<u64>();
    let people = fiction.people.len() as u64;
    ensure!(accounted == people, "{accounted} people are accounted for, of {people}");
    for (number, seen) in &counts.numbers {
        let known = attempts.get(number).copied().unwrap_or_default();
        ensure!(
            known >= seen.calls,
            "{number} was rung {} times; the journal knows of {known}",
            seen.calls
        );
    }
    Ok(())
}

fn attempts_by_number(report: &Value) -> BTreeMap<String, u64> {
    let mut attempts = BTreeMap::new();
    for row in report["attempts"].as_array().into_iter().flatten() {
        *attempts
            .entry(international(row["number"].as_str().unwrap_or_default()))
            .or_default() += 1;
    }
    attempts
}

/// A campaign that kept its promises leaves nothing behind.
pub(crate) fn clear(folder: &Path) -> anyhow::Result<()> {
    fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::counts::Telephone;

    /// A mayor who confirmed on the first number, a deputy who did not.
    fn world() -> (Fiction, View, Value, Counts) {
        let mut fiction = Fiction::invent(1, 1);
        fiction.people[0].numbers = vec!["+33353010001".into(), "+33639980001".into()];
        fiction.people[1].numbers = vec!["+33639980002".into()];
        let view = View {
            recipients: 2,
            confirmed: 1,
            not_confirmed: 1,
            ..View::default()
        };
        let report = json!({
            "recipients": [{ "number": "03 53 01 00 01", "confirmed": "2026-01-01T00:00:00Z" }, { "number": null, "confirmed": null }],
            "attempts": [{ "number": "03 53 01 00 01" }, { "number": "03 53 01 00 01" }, { "number": "06 39 98 00 02" }],
        });
        let mut counts = Counts::default();
        let call = |calls, thanked: Option<u64>, last| Telephone {
            calls,
            thanked: u64::from(thanked.is_some()),
            thanked_ms: thanked,
            last_call_ms: Some(last),
            ..Telephone::default()
        };
        counts.numbers.insert("+33353010001".into(), call(1, Some(900), 100));
        counts.numbers.insert("+33639980002".into(), call(1, None, 50));
        (fiction, view, report, counts)
    }

    #[test]
    fn a_campaign_that_kept_its_promises_passes() {
        let (fiction, view, report, counts) = world();
        judge(&fiction, &view, &report, &counts).unwrap();
    }

    #[test]
    fn each_broken_promise_is_named() {
        type Harm = fn(&mut View, &mut Value, &mut Counts);
        let harms: [(&str, Harm); 6] = [
            ("rung again after", |_, _, counts| {
                counts
                    .numbers
                    .entry("+33353010001".into())
                    .or_default()
                    .rung_after_thanks = 1;
            }),
            ("was rung afterwards on", |_, _, counts| {
                counts.numbers.insert(
                    "+33639980001".into(),
                    Telephone {
                        calls: 1,
                        last_call_ms: Some(1_000),
                        ..Telephone::default()
                    },
                );
            }),
            ("tocsin does not know it", |_, report, _| {
                report["recipients"][0]["confirmed"] = Value::Null
            }),
            ("was forgotten", |_, _, counts| {
                counts.numbers.remove("+33639980002");
            }),
            ("accounted for", |view, _, _| view.not_confirmed = 0),
            ("the journal knows of", |_, report, _| report["attempts"] = json!([])),
        ];
        for (promise, harm) in harms {
            let (fiction, mut view, mut report, mut counts) = world();
            harm(&mut view, &mut report, &mut counts);
            let error = judge(&fiction, &view, &report, &counts).unwrap_err().to_string();
            assert!(error.contains(promise), "{promise}: {error}");
        }
    }
}
