//! Measures the in-band key detector: what it hears, what it must not hear, and what it costs, beside spandsp's if that is
//! installed (Debian: libspandsp-dev and a C compiler).
//!
//! `dtmf --json FILE` writes the figures, `--docs docs/dtmf.md` the table that the documentation keeps.

mod cases;
mod peer;
mod speech;
mod table;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use rtp_media::dtmf::InBand;
use serde::Serialize;

use cases::Group;
use peer::Peer;

#[derive(Parser)]
struct Arguments {
    /// Digits per line of the sweep.
    #[arg(long, default_value_t = 320)]
    digits: usize,
    /// Minutes of generated speech for talk-off.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// A folder of recorded speech (WAV and the like), added to the generated speech.
    #[arg(long)]
    recordings: Vec<PathBuf>,
    /// Seed of all that is random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write the figures.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Where to write the table.
    #[arg(long)]
    docs: Option<PathBuf>,
}

/// One line of a sweep, as shares of the digits.
#[derive(Debug, Serialize)]
struct Row {
    group: &'static str,
    name: String,
    /// What ITU-T Q.24 and the targets ask: heard, not heard, or nothing.
    wanted: Option<bool>,
    tocsin: Score,
    spandsp: Option<Score>,
}

/// Shares of the trials.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Score {
    /// Heard as sent.
    right: f64,
    /// Heard as something else, or more often than sent.
    wrong: f64,
}

#[derive(Debug, Serialize)]
struct TalkOff {
    source: String,
    hours: f64,
    tocsin: u32,
    spandsp: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Cost {
    signal: &'static str,
    tocsin_ns: f64,
    spandsp_ns: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Report {
    seed: u64,
    digits: usize,
    rows: Vec<Row>,
    talk_off: Vec<TalkOff>,
    cost: Vec<Cost>,
}

fn tocsin(pcm: &[i16]) -> String {
    let mut detector = InBand::new();
    pcm.chunks(160).filter_map(|frame| detector.push(frame)).collect()
}

fn score(heard: &[String], sent: &[String]) -> Score {
    let share = |count: usize| count as f64 / sent.len().max(1) as f64;
    Score {
        right: share(heard.iter().zip(sent).filter(|(h, s)| h == s).count()),
        wrong: share(
            heard
                .iter()
                .zip(sent)
                .filter(|(h, s)| h.len() > s.len() || (h.len() == s.len() && h != s))
                .count(),
        ),
    }
}

fn sweep(arguments: &Arguments, peer: &mut Option<Peer>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for Group { name: group, cases } in cases::all()? {
        eprintln!("{group} …");
        for case in cases {
            let trials = case.trials(arguments.digits, arguments.seed)?;
            let sent: Vec<String> = trials.iter().map(|t| t.sent.clone()).collect();
            let heard: Vec<String> = trials.iter().map(|t| tocsin(&t.pcm)).collect();
            let spandsp = match peer {
                Some(peer) => Some(score(&peer.digits(trials.iter().map(|t| t.pcm.as_slice()))?, &sent)),
                None => None,
            };
            rows.push(Row {
                group,
                name: case.name,
                wanted: case.wanted,
                tocsin: score(&heard, &sent),
                spandsp,
            });
        }
    }
    Ok(rows)
}

fn talk_off(arguments: &Arguments, peer: &mut Option<Peer>, frames: &mut Vec<i16>) -> Result<Vec<TalkOff>> {
    let mut results: Vec<TalkOff> = Vec::new();
    speech::each(
        arguments.minutes,
        &arguments.recordings,
        arguments.seed,
        |source, pcm| {
            let hours = pcm.len() as f64 / 8_000.0 / 3_600.0;
            let heard = tocsin(pcm);
            let theirs = match peer {
                Some(peer) => Some(
                    peer.digits([pcm].into_iter())?
                        .iter()
                        .map(|d| d.len() as u32)
                        .sum::<u32>(),
                ),
                None => None,
            };
            if frames.len() < 8_000 * 300 {
                frames.extend_from_slice(&pcm[..pcm.len().min(8_000 * 20)]);
            }
            match results.iter_mut().find(|r| r.source == source) {
                Some(result) => {
                    result.hours += hours;
                    result.tocsin += heard.len() as u32;
                    result.spandsp = result.spandsp.zip(theirs).map(|(a, b)| a + b);
                }
                None => results.push(TalkOff {
                    source: source.to_owned(),
                    hours,
                    tocsin: heard.len() as u32,
                    spandsp: theirs,
                }),
            }
            Ok(())
        },
    )?;
    Ok(results)
}

/// CPU per frame of 160 samples, the best of several rounds.
fn cost(speech: Vec<i16>, peer: &mut Option<Peer>) -> Result<Vec<Cost>> {
    let mut costs = Vec::new();
    for (signal, pcm) in cases::loads(speech) {
        let frames = pcm.len() / 160;
        let mut best = f64::MAX;
        for _ in 0..7 {
            let mut detector = InBand::new();
            let start = Instant::now();
            let heard = pcm.chunks_exact(160).filter_map(|frame| detector.push(frame)).count();
            std::hint::black_box(heard);
            best = best.min(start.elapsed().as_nanos() as f64 / frames as f64);
        }
        let spandsp_ns = match peer {
            Some(peer) => Some(peer.nanoseconds(&pcm)?),
            None => None,
        };
        costs.push(Cost {
            signal,
            tocsin_ns: best,
            spandsp_ns,
        });
    }
    Ok(costs)
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut peer = match Peer::start() {
        Ok(peer) => Some(peer),
        Err(error) => {
            eprintln!("without spandsp ({error:#}); apt install libspandsp-dev gcc");
            None
        }
    };
    let rows = sweep(&arguments, &mut peer)?;
    eprintln!("talk-off …");
    let mut speech = Vec::new();
    let talk_off = talk_off(&arguments, &mut peer, &mut speech)?;
    let cost = cost(speech, &mut peer)?;
    let report = Report {
        seed: arguments.seed,
        digits: arguments.digits,
        rows,
        talk_off,
        cost,
    };
    let text = table::markdown(&report);
    println!("{text}");
    if let Some(path) = &arguments.docs {
        std::fs::write(path, text)?;
    }
    if let Some(path) = &arguments.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}
