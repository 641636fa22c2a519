//! What the dialer and its journal cost. Prints JSON.
//!
//! `journal [FOLDER]`: durable records a second on the disk that holds the folder (a temporary one unless told), with a
//! real flush for each group; and the cost of scheduling with 100,000 recipients. Limit 10,000 records/s, aim 50,000;
//! launch to first call 50 ms, aim 10 ms.

use dialer::journal::Embedded;
use dialer::{
    Action, AttemptId, Bill, CallReport, CallStats, CampaignId, Command, Contact, Dialer, E164, Event, Journal,
    Message, MessageId, Now, Outcome, Preset, RecipientId, Record, Reply, Sequence, Settings, Text, TrunkSettings,
};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long each size of group is measured.
const PERIOD: Duration = Duration::from_secs(2);
const RECIPIENTS: u64 = 100_000;

fn main() -> anyhow::Result<()> {
    let folder = std::env::args().nth(1).map_or_else(
        || std::env::temp_dir().join(format!("tocsin-journal-{}", std::process::id())),
        PathBuf::from,
    );
    let mut groups = Vec::new();
    for group in [1usize, 10, 100, 1_000, 5_000] {
        groups.push(durable(&folder.join(group.to_string()), group)?);
    }
    let best = groups
        .iter()
        .filter_map(|row| row["records_per_second"].as_f64())
        .fold(0.0, f64::max);
    let result = serde_json::json!({
        "records_per_second": best.round(),
        "groups": groups,
        "scheduling": scheduling()?,
    });
    std::fs::remove_dir_all(&folder)?;
    println!("{result:#}");
    Ok(())
}

/// The three records of an answered call, in turn.
fn record(at: u64) -> Record {
    let (attempt, campaign, recipient) = (AttemptId(at / 3 + 1), CampaignId(1), RecipientId(at / 3));
    let event = match at % 3 {
        0 => Event::AttemptStarted {
            attempt,
            campaign,
            recipient,
            slot: 0,
            trunk: "trunk-1".into(),
            version: 1,
        },
        1 => Event::Confirmed {
            campaign,
            recipient,
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
fn durable(folder: &Path, group: usize) -> anyhow::Result<serde_json::Value> {
    let mut journal = Embedded::open(folder)?;
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
                language: None,
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
