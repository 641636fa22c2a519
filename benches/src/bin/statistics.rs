//! How long the statistics of a year take. Prints JSON, times in milliseconds.
//!
//! `statistics [CALLS]` (100,000 unless told, in 20 campaigns). `copy_ms` is the time for which the dialer's thread is
//! held up: calls do not move on meanwhile. `compute_ms` runs on the caller's thread.

use std::collections::HashMap;
use std::time::Instant;

use dialer::statistics::{Figures, Period, Which};
use dialer::{
    Answer, AttemptId, Bill, CallStats, CampaignId, Contact, Dialer, E164, Event, MessageId, Now, Outcome, Preset,
    Query, RecipientId, Record, Sequence, Settings, TrunkSettings, Whom, mainland_france,
};

const CAMPAIGNS: u64 = 20;
const RUNS: usize = 11;

fn main() -> anyhow::Result<()> {
    let calls: u64 = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(100_000);
    let people = calls / CAMPAIGNS / 2;
    let contacts: HashMap<RecipientId, Contact> = (0..people)
        .map(|n| {
            let contact = Contact {
                recipient: RecipientId(n + 1),
                numbers: E164::parse(&format!("01990{n:05}")).into_iter().collect(),
                language: None,
                ..Contact::default()
            };
            (contact.recipient, contact)
        })
        .collect();
    let settings = Settings {
        trunks: vec![
            TrunkSettings::new("trunk-1", 500, 50.0),
            TrunkSettings::new("trunk-2", 500, 50.0),
        ],
        ..Settings::default()
    };
    let records = records(people);
    let dialer = Dialer::restore(settings, Now::read(), records.into_iter().map(Ok), &contacts)?;
    let zone = mainland_france();
    let period: Period = "2025".parse()?;
    let (mut copies, mut computations, mut counted) = (Vec::new(), Vec::new(), 0);
    for _ in 0..RUNS {
        let begin = Instant::now();
        let Answer::Activity(activity) = dialer.query(Now::read(), Query::Activity(period.span(&zone)))? else {
            anyhow::bail!("the dialer answered another question");
        };
        copies.push(begin.elapsed().as_secs_f64() * 1e3);
        let begin = Instant::now();
        let figures = Figures::of(&activity, &period, Which::All, &zone);
        computations.push(begin.elapsed().as_secs_f64() * 1e3);
        counted = figures.totals.calls;
    }
    anyhow::ensure!(counted == people * 2 * CAMPAIGNS, "{counted} calls were counted");
    copies.sort_by(f64::total_cmp);
    computations.sort_by(f64::total_cmp);
    let report = serde_json::json!({
        "calls": counted,
        "copy_ms": { "median": copies[RUNS / 2], "worst": copies[RUNS - 1] },
        "compute_ms": { "median": computations[RUNS / 2], "worst": computations[RUNS - 1] },
    });
    println!("{report:#}");
    Ok(())
}

/// Campaigns in which everybody is called twice: not answered, then confirmed.
fn records(people: u64) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    // 1 January 2025, and a campaign each fortnight.
    let (year, fortnight) = (1_735_689_600_000, 14 * 24 * 3_600_000);
    let mut push = |at_ms: i64, event: Event| {
        let sequence = Sequence(records.len() as u64);
        records.push(Record { sequence, at_ms, event });
    };
    let mut attempt = 0;
    for n in 1..=CAMPAIGNS {
        let (campaign, by) = (CampaignId(n), String::from("bench"));
        let begin = year + n as i64 * fortnight;
        push(
            begin,
            Event::CampaignCreated {
                campaign,
                name: format!("Crue {n}"),
                message: MessageId(1),
                version: 1,
                policy: Box::new(Preset::Immediate.policy()),
                service: format!("service {}", n % 4),
                by: by.clone(),
            },
        );
        let recipients: Vec<RecipientId> = (1..=people).map(RecipientId).collect();
        let numbers = vec![1; recipients.len()];
        push(
            begin,
            Event::RecipientsAdded {
                campaign,
                first: Some(0),
                recipients,
                numbers,
                by: by.clone(),
                wave: 0,
            },
        );
        push(begin, Event::CampaignLaunched { campaign, by });
        for (round, outcome) in [Outcome::NoAnswer, Outcome::Confirmed].into_iter().enumerate() {
            for person in 1..=people {
                attempt += 1;
                let at = begin + round as i64 * 600_000 + person as i64 * 20;
                push(
                    at,
                    Event::AttemptStarted {
                        attempt: AttemptId(attempt),
                        campaign,
                        whom: Whom::Member(person as u32 - 1),
                        slot: 0,
                        trunk: format!("trunk-{}", person % 2 + 1),
                        version: 1,
                        tariff: 0,
                        parts: 0,
                    },
                );
                let stats = CallStats {
                    ringing: std::time::Duration::from_secs(12),
                    talking: std::time::Duration::from_secs(20 * round as u64),
                    packets_sent: 1_000,
                    packets_received: 990,
                    packets_lost: 10,
                    jitter_us: (person % 3_000) as u32,
                    post_dial: Some(std::time::Duration::from_millis(800 + person % 2_000)),
                    round_trip: Some(std::time::Duration::from_micros(20_000 + person % 9_000)),
                    ..CallStats::default()
                };
                push(
                    at + 32_000,
                    Event::AttemptEnded {
                        attempt: AttemptId(attempt),
                        campaign,
                        outcome,
                        stats,
                        bill: Bill {
                            seconds: 20,
                            micros: 4_000,
                        },
                    },
                );
            }
        }
        push(
            begin + 700_000,
            Event::CampaignEnded {
                campaign,
                expired: false,
            },
        );
    }
    records
}
