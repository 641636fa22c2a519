//! What the dialer and its journal cost. Prints JSON.
//!
//! `journal [FOLDER]`: durable records a second on the disk that holds the folder (a temporary one unless told), with a
//! real flush for each group, in each store; and the cost of scheduling with 100,000 recipients. Limit 10,000 records/s,
//! aim 50,000; launch to first call 50 ms, aim 10 ms.
//!
//! `journal --growth 10000000 --engine sled [FOLDER]`: one journal of so many records: what it takes on disk as it grows,
//! and how long it takes to open it again, to open it after a kill, and to read it.

use clap::Parser;
use dialer::journal::{Embedded, Engine};
use dialer::{
    Action, AttemptId, Bill, CallReport, CallStats, CampaignId, Command, Contact, Dialer, E164, Event, Journal,
    Message, MessageId, Now, Outcome, Preset, RecipientId, Record, Reply, Sequence, Settings, Text, TrunkSettings,
    Whom,
};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long each size of group is measured.
const PERIOD: Duration = Duration::from_secs(2);
const RECIPIENTS: u64 = 100_000;
/// Records of one group while a journal grows: a busy campaign's.
const GROWING: u64 = 1_000;

/// Measures the journal.
#[derive(Parser)]
struct Arguments {
    /// Folder for the journals.
    folder: Option<PathBuf>,
    /// Store; both unless told.
    #[arg(long)]
    engine: Option<Engine>,
    /// Grow one journal to so many records instead.
    #[arg(long)]
    growth: Option<u64>,
    /// Used by the measurement itself: open the journal, append, say so, and wait to be killed.
    #[arg(long, hide = true)]
    until_killed: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = arguments
        .folder
        .unwrap_or_else(|| std::env::temp_dir().join(format!("tocsin-journal-{}", std::process::id())));
    if arguments.until_killed {
        return until_killed(&folder);
    }
    let engines = arguments.engine.map_or(Engine::ALL.to_vec(), |engine| vec![engine]);
    let mut result = serde_json::json!({});
    for engine in engines {
        let place = folder.join(engine.name());
        let measured = match arguments.growth {
            Some(records) => growth(&place, engine, records)?,
            None => group_commit(&place, engine)?,
        };
        result[engine.name()] = measured;
    }
    if arguments.growth.is_none() {
        result["records_per_second"] = result[Engine::default().name()]["records_per_second"].clone();
        result["scheduling"] = scheduling()?;
    }
    std::fs::remove_dir_all(&folder)?;
    println!("{result:#}");
    Ok(())
}

fn group_commit(folder: &Path, engine: Engine) -> anyhow::Result<serde_json::Value> {
    let mut groups = Vec::new();
    for group in [1usize, 10, 100, 1_000, 5_000] {
        groups.push(durable(&folder.join(group.to_string()), engine, group)?);
    }
    let best = groups
        .iter()
        .filter_map(|row| row["records_per_second"].as_f64())
        .fold(0.0, f64::max);
    Ok(serde_json::json!({ "records_per_second": best.round(), "groups": groups }))
}

/// A journal that grows as in years of campaigns.
fn growth(folder: &Path, engine: Engine, records: u64) -> anyhow::Result<serde_json::Value> {
    let mut journal = Embedded::open_with(folder, engine)?;
    let mut sizes = Vec::new();
    let start = Instant::now();
    let mut next = 0;
    let mut slowest = Duration::ZERO;
    while next < records {
        let batch: Vec<Record> = (next..next + GROWING).map(record).collect();
        let begin = Instant::now();
        journal.append(Sequence(next), &batch)?;
        journal.flush()?;
        slowest = slowest.max(begin.elapsed());
        next += GROWING;
        if next.is_multiple_of((records / 10).max(GROWING)) {
            let bytes = journal.size()?;
            sizes
                .push(serde_json::json!({ "records": next, "bytes": bytes, "seconds": start.elapsed().as_secs_f64() }));
        }
    }
    let took = start.elapsed().as_secs_f64();
    let content: usize = content(&journal)?;
    drop(journal);
    let begin = Instant::now();
    drop(Embedded::open(folder)?);
    let reopened = begin.elapsed();
    let killed = kill_while_open(folder)?;
    let begin = Instant::now();
    let journal = Embedded::open(folder)?;
    let recovered = begin.elapsed();
    let begin = Instant::now();
    let read = journal.verify()?.records;
    let verified = begin.elapsed();
    anyhow::ensure!(read >= next && killed, "{read} of {next} records are there");
    Ok(serde_json::json!({
        "records": next,
        "records_per_second": (next as f64 / took).round(),
        "slowest_group_ms": slowest.as_secs_f64() * 1e3,
        "content_bytes": content,
        "sizes": sizes,
        "bytes_at_the_end": journal.size()?,
        "open_after_stop_ms": reopened.as_secs_f64() * 1e3,
        "open_after_kill_ms": recovered.as_secs_f64() * 1e3,
        "verify_ms": verified.as_secs_f64() * 1e3,
        "peak_memory_mib": peak_memory()?,
    }))
}

/// What a backup of the journal takes: its records and nothing else.
fn content(journal: &Embedded) -> anyhow::Result<usize> {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    dialer::journal::write_backup(&journal.reader()?, &mut count)?;
    Ok(count.0)
}

/// Opens the journal in another process, which is killed (SIGKILL) after it has appended.
fn kill_while_open(folder: &Path) -> anyhow::Result<bool> {
    use std::io::BufRead;
    let mut child = std::process::Command::new(std::env::current_exe()?)
        .arg(folder)
        .arg("--until-killed")
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let out = child.stdout.take().ok_or_else(|| anyhow::anyhow!("no output"))?;
    let mut said = String::new();
    std::io::BufReader::new(out).read_line(&mut said)?;
    child.kill()?;
    child.wait()?;
    Ok(said.trim() == "ready")
}

fn until_killed(folder: &Path) -> anyhow::Result<()> {
    let mut journal = Embedded::open(folder)?;
    let next = journal.next();
    let batch: Vec<Record> = (next.0..next.0 + GROWING).map(record).collect();
    journal.append(next, &batch)?;
    journal.flush()?;
    println!("ready");
    std::thread::sleep(Duration::from_secs(60));
    anyhow::bail!("nobody came")
}

/// The most memory that this process ever held (VmHWM), in MiB.
fn peak_memory() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line.unwrap_or_default().trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024)
}

/// The three records of an answered call, in turn.
fn record(at: u64) -> Record {
    let (attempt, campaign) = (AttemptId(at / 3 + 1), CampaignId(1));
    let whom = Whom::Member((at / 3) as u32);
    let event = match at % 3 {
        0 => Event::AttemptStarted {
            attempt,
            campaign,
            whom,
            slot: 0,
            trunk: "trunk-1".into(),
            version: 1,
            tariff: 1,
            parts: 0,
        },
        1 => Event::Confirmed {
            campaign,
            whom,
            attempt,
            how: dialer::ConfirmedBy::Key,
            by: String::new(),
        },
        _ => Event::AttemptEnded {
            attempt,
            campaign,
            outcome: Outcome::Confirmed,
            stats: CallStats {
                talking: Duration::from_secs(28),
                packets_sent: 1_400,
                ..CallStats::default()
            },
            bill: Bill {
                seconds: 28,
                micros: 9_000,
            },
        },
    };
    Record {
        sequence: Sequence(at),
        at_ms: 1_764_000_000_000 + at as i64,
        event,
    }
}

/// Appends groups of records, each followed by a flush, for a while.
fn durable(folder: &Path, engine: Engine, group: usize) -> anyhow::Result<serde_json::Value> {
    let mut journal = Embedded::open_with(folder, engine)?;
    let start = Instant::now();
    let mut flushes = Vec::new();
    let mut next = 0u64;
    while start.elapsed() < PERIOD {
        let records: Vec<Record> = (next..next + group as u64).map(record).collect();
        let begin = Instant::now();
        journal.append(Sequence(next), &records)?;
        journal.flush()?;
        flushes.push(begin.elapsed().as_micros() as u64);
        next += group as u64;
    }
    let took = start.elapsed().as_secs_f64();
    flushes.sort_unstable();
    let size = journal.size()?;
    drop(journal);
    let begin = Instant::now();
    let journal = Embedded::open(folder)?;
    let read = journal.verify()?.records;
    anyhow::ensure!(read == next, "{read} of {next} records are there");
    Ok(serde_json::json!({
        "group": group,
        "records_per_second": (next as f64 / took).round(),
        "flush_us_median": flushes[flushes.len() / 2],
        "flush_us_99": flushes[flushes.len() * 99 / 100],
        "bytes_per_record": (size as f64 / next as f64).round(),
        "reopened_and_verified_per_second": (read as f64 / begin.elapsed().as_secs_f64()).round(),
    }))
}

/// One campaign of 100,000 recipients, every call confirmed at once.
fn scheduling() -> anyhow::Result<serde_json::Value> {
    let settings = Settings {
        trunks: vec![TrunkSettings::new("trunk-1", 5_000, 2_000.0)],
        ..Settings::default()
    };
    let mut now = Now {
        monotonic: Instant::now(),
        utc_ms: 1_764_000_000_000,
    };
    let mut dialer = Dialer::new(settings, now);
    let by = || "bench".to_owned();
    let text = Text {
        language: dialer::Language::FRENCH,
        words: "Alerte.".into(),
        audio: None,
    };
    let message = Message {
        id: MessageId(0),
        version: 0,
        title: "Alerte".into(),
        texts: vec![text],
    };
    dialer.handle_command(now, Command::SaveMessage { message, by: by() })?;
    let recipients = (0..RECIPIENTS)
        .map(|n| {
            let number = |slot: u64| E164::parse(&format!("+33{}", 600_000_000 + n * 3 + slot));
            let numbers = (0..3).filter_map(|slot| number(slot).ok()).collect();
            Contact {
                recipient: RecipientId(n),
                numbers,
                ..Contact::default()
            }
        })
        .collect();
    let create = Command::Create {
        name: "Alerte".into(),
        message: MessageId(1),
        policy: Preset::Immediate.policy(),
        recipients,
        service: String::new(),
        by: by(),
    };
    let begin = Instant::now();
    let Reply::Campaign(campaign) = dialer.handle_command(now, create)? else {
        anyhow::bail!("no campaign")
    };
    let created = begin.elapsed();
    durable_now(&mut dialer, now);

    let begin = Instant::now();
    dialer.handle_command(now, Command::Launch { campaign, by: by() })?;
    durable_now(&mut dialer, now);
    let first = dialer.poll_action();
    let launched = begin.elapsed();
    anyhow::ensure!(
        matches!(first, Some(Action::Place(_))),
        "the launch places no call: {first:?}"
    );

    let mut attempts = 0u64;
    let mut actions: Vec<Action> = first.into_iter().collect();
    let begin = Instant::now();
    loop {
        for action in actions.drain(..) {
            if let Action::Place(order) = action {
                attempts += 1;
                let attempt = order.attempt;
                dialer.handle_report(now, CallReport::Ringing { attempt });
                dialer.handle_report(now, CallReport::Answered { attempt });
                dialer.handle_report(now, CallReport::ConfirmRequested { attempt });
                let stats = CallStats::default();
                dialer.handle_report(
                    now,
                    CallReport::Ended {
                        attempt,
                        outcome: Outcome::Confirmed,
                        stats,
                    },
                );
            }
        }
        durable_now(&mut dialer, now);
        actions.extend(std::iter::from_fn(|| dialer.poll_action()));
        if actions.is_empty() {
            let Some(due) = dialer.poll_timeout() else { break };
            now = now.later(due.saturating_duration_since(now.monotonic));
            dialer.handle_timeout(now);
            actions.extend(std::iter::from_fn(|| dialer.poll_action()));
            if dialer.view(now).campaign(campaign).is_none_or(|view| view.pending == 0) {
                break;
            }
        }
    }
    let took = begin.elapsed();
    anyhow::ensure!(
        attempts == RECIPIENTS,
        "{attempts} attempts for {RECIPIENTS} recipients"
    );
    Ok(serde_json::json!({
        "recipients": RECIPIENTS,
        "create_ms": created.as_secs_f64() * 1e3,
        "launch_to_first_call_ms": launched.as_secs_f64() * 1e3,
        "us_per_attempt": took.as_secs_f64() * 1e6 / attempts as f64,
    }))
}

/// Takes the records away as a journal that needs no time.
fn durable_now(dialer: &mut Dialer, now: Now) {
    let records = std::iter::from_fn(|| dialer.poll_record()).count();
    if records > 0 {
        dialer.handle_durable(now, dialer.next_sequence());
    }
}
