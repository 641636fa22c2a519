//! How often the answering-machine detector errs, and how long it takes, for a range of its settings; and how well beeps are
//! heard. On two labelled sets: calls that are generated, in which espeak-ng's voices say what people and machines say when
//! they answer, and calls put together from real recordings.
//!
//! `answerer --docs docs/answering-machine.md` writes the page that operators read.

mod calls;
mod recordings;

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
    before_beep_ms: u64,
    generated: Score,
    recordings: Score,
}

#[derive(Debug, Serialize)]
struct Score {
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
    greetings: Vec<Row>,
    waits: Vec<Row>,
    beeps: Beeps,
    recorded_beeps: Beeps,
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

fn score(settings: Settings, calls: &[Call]) -> Score {
    let of_kind = |is_machine: bool, wrong: Answerer| {
        let verdicts = calls.iter().filter(|c| c.is_machine == is_machine);
        let verdicts: Vec<(Answerer, u64)> = verdicts.map(|c| judge(settings, &c.pcm)).collect();
        let share = verdicts.iter().filter(|v| v.0 == wrong).count() as f64 / verdicts.len().max(1) as f64;
        let mut times: Vec<u64> = verdicts.iter().map(|v| v.1).collect();
        times.sort_unstable();
        (share, times.get(times.len() / 2).copied().unwrap_or(0))
    };
    let (people_taken_for_machines, people_ms) = of_kind(false, Answerer::Machine);
    let (machines_taken_for_people, machines_ms) = of_kind(true, Answerer::Person);
    Score {
        people_taken_for_machines,
        machines_taken_for_people,
        people_ms,
        machines_ms,
    }
}

fn row(settings: Settings, generated: &[Call], recordings: &[Call]) -> Row {
    let ms = |d: Duration| d.as_millis() as u64;
    Row {
        greeting_ms: ms(settings.greeting),
        after_greeting_ms: ms(settings.after_greeting),
        before_beep_ms: ms(settings.before_beep),
        generated: score(settings, generated),
        recordings: score(settings, recordings),
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
| `short_greeting` | a greeting that lasts longer may be a machine's short one (\"Salut, c'est Julien, laissez un message !\") | town halls wait a little longer for the message | machines with the shortest greetings are spoken to as people |
| `before_beep` | after such a greeting so much silence is waited for, in which a machine beeps | as if `after_greeting` held for all | more machines are known; who answered with a long welcome waits longer in silence, and may speak again |
| `initial_silence` | who says nothing for so long is a person that waits | | machines that start late are known |
| `words` | more words are a machine's | like `greeting` | |
| `total` | the verdict falls at the latest now, as a person | | |
| `level` | what is quieter is not speech | quiet voices count; noise may | |

In doubt the verdict is a person: to speak to a machine costs a minute, to hang up on a person costs the alert. Town halls answer
with long greetings (\"Mairie d'Abbeville, service technique, bonjour, que puis-je pour vous ?\" lasts three seconds): for lists of
professionals leave `greeting` at 4 s; for private numbers alone 2.6 s is enough, and machines are known sooner.

## Errors

On two labelled sets, each half people and half machines, at several levels, with delays and line noise, through A-law
(`cargo run --release -p benches --bin answerer -- --docs docs/answering-machine.md`):

- *generated*: espeak-ng's voices say what people, town halls and machines say, in French and English;
- *recorded*: seven real voices in five languages. Machines are put together as a voice mail does (\"the person at extension 4 2 is
  unavailable, please leave your message after the tone\", then the recorded beep), and one in seven is a network's announcement
  without a beep. People are phrases of the same voices as long as what people say: half of them under 1 s, a third 1 to 2 s, and
  a fifth 2 to 3.2 s. The recordings are Debian's asterisk-core-sounds-{en,fr,es,it,ru}-wav, asterisk-prompt-it-menardi-wav and
  asterisk-prompt-fr-armelle.

P→M: people taken for machines. M→P: machines taken for people. Real calls vary more: take the tables for the trend, and check
with the campaign reports.
";

const COLUMNS: &str = "| generated P→M | generated M→P | recorded P→M | recorded M→P | half of the people known by | half of the machines by |
|---|---|---|---|---|---|---|---|
";

fn page(report: &Report) -> String {
    let mut text = PAGE.to_owned();
    let default = Settings::default();
    let is_default = |r: &Row| {
        [
            (r.greeting_ms, default.greeting),
            (r.after_greeting_ms, default.after_greeting),
            (r.before_beep_ms, default.before_beep),
        ]
        .iter()
        .all(|&(ms, usual)| u128::from(ms) == usual.as_millis())
    };
    let line = |text: &mut String, r: &Row, second_ms: u64| {
        let mark = if is_default(r) { " (default)" } else { "" };
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let seconds = |ms: u64| format!("{:.1}", ms as f64 / 1_000.0);
        let (g, w) = (&r.generated, &r.recordings);
        let _ = writeln!(
            text,
            "| {} s | {} s{mark} | {} | {} | {} | {} | {} / {} s | {} / {} s |",
            seconds(r.greeting_ms),
            seconds(second_ms),
            percent(g.people_taken_for_machines),
            percent(g.machines_taken_for_people),
            percent(w.people_taken_for_machines),
            percent(w.machines_taken_for_people),
            seconds(g.people_ms),
            seconds(w.people_ms),
            seconds(g.machines_ms),
            seconds(w.machines_ms)
        );
    };
    let _ = write!(text, "\n| `greeting` | `after_greeting` {COLUMNS}");
    for r in &report.greetings {
        line(&mut text, r, r.after_greeting_ms);
    }
    let _ = write!(
        text,
        "\nWith what is waited for after a greeting that is longer than `short_greeting`:\n\n| `greeting` | `before_beep` {COLUMNS}"
    );
    for r in &report.waits {
        line(&mut text, r, r.before_beep_ms);
    }
    let (b, r) = (&report.beeps, &report.recorded_beeps);
    let _ = write!(
        text,
        "\n## Beeps\n\n{} of {} generated beeps of 300 to 2,000 Hz and 0.15 to 1.2 s were heard, and {} of {} times the recorded one; in {:.1} \
         hours of the same calls' speech, generated and recorded, {} were heard that are none.\n\n{} calls of each kind in each set, seed {}.\n",
        b.heard,
        b.sent,
        r.heard,
        r.sent,
        b.speech_hours + r.speech_hours,
        b.false_beeps + r.false_beeps,
        report.calls,
        report.seed
    );
    text
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let recordings = recordings::calls(arguments.calls, arguments.seed)?;
    let generated = calls::generate(arguments.calls, arguments.seed)?;
    let default = Settings::default();
    let mut greetings = Vec::new();
    for greeting in [1_500, 2_000, 2_600, 3_200, 4_000].map(Duration::from_millis) {
        for after_greeting in [500, 700, 1_000].map(Duration::from_millis) {
            let settings = Settings {
                greeting,
                after_greeting,
                ..default
            };
            greetings.push(row(settings, &generated, &recordings));
        }
    }
    let waits = [700, 1_000, 1_200, 1_500, 2_000]
        .map(Duration::from_millis)
        .map(|before_beep| {
            let settings = Settings { before_beep, ..default };
            row(settings, &generated, &recordings)
        });
    let report = Report {
        seed: arguments.seed,
        calls: arguments.calls,
        greetings,
        waits: waits.into(),
        beeps: beeps(&generated),
        recorded_beeps: beeps(&recordings),
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
