//! How often the answering-machine detector errs, and how long it takes, for a range of its settings; and how well beeps are
//! heard. On calls that are generated with labels: espeak-ng's voices say what people and machines say when they answer.
//!
//! `answerer --docs docs/answering-machine.md` writes the page that operators read.

mod calls;

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use rtp_media::Answerer;
use rtp_media::amd::{Detector, Settings};
use rtp_media::tone::Beep;
use serde::Serialize;

use calls::Call;

#[derive(Parser)]
struct Arguments {
    /// Calls of each kind.
    #[arg(long, default_value_t = 300)]
    calls: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write the figures.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Where to write the page.
    #[arg(long)]
    docs: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Row {
    greeting_ms: u64,
    after_greeting_ms: u64,
    /// Shares of the calls.
    people_taken_for_machines: f64,
    machines_taken_for_people: f64,
    /// Half of the verdicts had fallen by then.
    people_ms: u64,
    machines_ms: u64,
}

#[derive(Debug, Serialize)]
struct Beeps {
    sent: usize,
    heard: usize,
    /// Beeps that were heard in speech.
    false_beeps: usize,
    speech_hours: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    seed: u64,
    calls: usize,
    rows: Vec<Row>,
    beeps: Beeps,
}

/// The verdict, and when it fell.
fn judge(settings: Settings, pcm: &[i16]) -> (Answerer, u64) {
    let mut detector = Detector::new(settings);
    let mut beep = Beep::new();
    for (n, frame) in pcm.chunks(160).enumerate() {
        let by_voice = detector.push(frame);
        let by_beep = if beep.push(frame) { detector.beep() } else { None };
        if let Some(verdict) = by_voice.or(by_beep) {
            return (verdict, n as u64 * 20 + 20);
        }
    }
    (Answerer::Person, pcm.len() as u64 / 8)
}

fn row(settings: Settings, calls: &[Call]) -> Row {
    let share = |is_machine: bool, verdict: Answerer| {
        let of_kind: Vec<&Call> = calls.iter().filter(|c| c.is_machine == is_machine).collect();
        let wrong = of_kind.iter().filter(|c| judge(settings, &c.pcm).0 == verdict).count();
        wrong as f64 / of_kind.len().max(1) as f64
    };
    let median = |is_machine: bool| {
        let of_kind = calls.iter().filter(|c| c.is_machine == is_machine);
        let mut times: Vec<u64> = of_kind.map(|c| judge(settings, &c.pcm).1).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or(0)
    };
    Row {
        greeting_ms: settings.greeting.as_millis() as u64,
        after_greeting_ms: settings.after_greeting.as_millis() as u64,
        people_taken_for_machines: share(false, Answerer::Machine),
        machines_taken_for_people: share(true, Answerer::Person),
        people_ms: median(false),
        machines_ms: median(true),
    }
}

/// Beeps at the ends of machines' greetings, and false ones before them.
fn beeps(calls: &[Call]) -> Beeps {
    let mut beeps = Beeps {
        sent: 0,
        heard: 0,
        false_beeps: 0,
        speech_hours: 0.0,
    };
    for call in calls {
        let mut detector = Beep::new();
        let ends = call
            .pcm
            .chunks(160)
            .enumerate()
            .filter(|(_, frame)| detector.push(frame))
            .map(|(n, _)| n * 160 + 160);
        let (mut heard, mut wrong) = (0, 0);
        for end in ends {
            match &call.beep {
                Some(beep) if (beep.start..beep.end + 1_600).contains(&end) => heard += 1,
                _ => wrong += 1,
            }
        }
        beeps.sent += usize::from(call.beep.is_some());
        beeps.heard += usize::from(heard > 0);
        beeps.false_beeps += wrong;
        beeps.speech_hours += call.pcm.len() as f64 / 8_000.0 / 3_600.0;
    }
    beeps
}

const PAGE: &str = "# Person or answering machine

A campaign may treat machines apart: leave the message after the beep, or hang up and try again. To do so, tocsin listens to
the first seconds after the answer. **A message that a machine took never counts as a confirmation**, whatever the verdict:
only a key does. The verdict only decides what is said.

People say a word or two and wait. Machines talk on, and beep. The detector therefore measures how long the greeting lasts, and
whether silence follows. A beep settles it at once.

A fax machine, known by its tone (2,100 Hz, or 1,100 Hz when it calls), ends the call whatever the campaign says about machines:
nobody would hear it. The attempt counts as one that a machine took.

No rule is sure, so each setting, under `[answering_machine]` in the configuration, trades one error against the other:

| setting | what it means | a lower value | a higher value |
|---|---|---|---|
| `greeting` | a greeting that lasts longer is a machine's | machines are known sooner; a switchboard's long welcome is taken for a machine | more machines with short greetings are spoken to as people |
| `after_greeting` | so much silence ends a greeting | people hear the message sooner; a machine that draws breath is taken for a person | people wait longer in silence |
| `initial_silence` | who says nothing for so long is a person that waits | | machines that start late are known |
| `words` | more words are a machine's | like `greeting` | |
| `total` | the verdict falls at the latest now, as a person | | |
| `level` | what is quieter is not speech | quiet voices count; noise may | |

In doubt the verdict is a person: to speak to a machine costs a minute, to hang up on a person costs the alert. Town halls answer
with long greetings (\"Mairie d'Abbeville, service technique, bonjour, que puis-je pour vous ?\" lasts three seconds): for lists of
professionals leave `greeting` at 4 s; for private numbers alone 2.6 s is enough, and machines are known sooner.

## Errors

On generated calls, half people and half machines, at several levels, with delays and line noise
(`cargo run --release -p benches --bin answerer -- --docs docs/answering-machine.md`). Real calls vary more: take the table for the trend, and
check with the campaign reports. The detector's own defaults are marked.

| `greeting` | `after_greeting` | people taken for machines | machines taken for people | half of the people known by | half of the machines by |
|---|---|---|---|---|---|
";

fn page(report: &Report) -> String {
    let mut text = PAGE.to_owned();
    let default = Settings::default();
    for r in &report.rows {
        let is_default = u128::from(r.greeting_ms) == default.greeting.as_millis()
            && u128::from(r.after_greeting_ms) == default.after_greeting.as_millis();
        let mark = if is_default { " (default)" } else { "" };
        let _ = writeln!(
            text,
            "| {:.1} s | {:.1} s{mark} | {:.1} % | {:.1} % | {:.1} s | {:.1} s |",
            r.greeting_ms as f64 / 1_000.0,
            r.after_greeting_ms as f64 / 1_000.0,
            r.people_taken_for_machines * 100.0,
            r.machines_taken_for_people * 100.0,
            r.people_ms as f64 / 1_000.0,
            r.machines_ms as f64 / 1_000.0
        );
    }
    let b = &report.beeps;
    let _ = write!(
        text,
        "\n## Beeps\n\n{} of {} beeps of 300 to 2,000 Hz and 0.15 to 1.2 s were heard; in {:.1} hours of the same calls' speech {} were heard that \
         are none.\n\n{} calls of each kind, seed {}.\n",
        b.heard, b.sent, b.speech_hours, b.false_beeps, report.calls, report.seed
    );
    text
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let calls = calls::generate(arguments.calls, arguments.seed)?;
    let mut rows = Vec::new();
    for greeting in [1_500, 2_000, 2_600, 3_200, 4_000] {
        for after_greeting in [500, 700, 1_000] {
            let settings = Settings {
                greeting: Duration::from_millis(greeting),
                after_greeting: Duration::from_millis(after_greeting),
                ..Settings::default()
            };
            rows.push(row(settings, &calls));
        }
    }
    let report = Report {
        seed: arguments.seed,
        calls: arguments.calls,
        rows,
        beeps: beeps(&calls),
    };
    let text = page(&report);
    println!("{text}");
    if let Some(path) = &arguments.docs {
        std::fs::write(path, text)?;
    }
    if let Some(path) = &arguments.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}
