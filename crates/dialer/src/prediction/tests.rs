use super::*;
use crate::{E164, Preset, RecipientId, Tariff, TrunkSettings};
use std::time::Instant;

fn people(count: u64) -> Vec<Contact> {
    let number = |n: u64| E164::parse(&format!("+33{:09}", 100_000_000 + n)).unwrap();
    (0..count)
        .map(|n| Contact {
            recipient: RecipientId(n),
            numbers: vec![number(2 * n), number(2 * n + 1)],
            ..Contact::default()
        })
        .collect()
}

fn settings(channels: u32, rate: f64) -> Settings {
    let mut trunk = TrunkSettings::new("a", channels, rate);
    let tariff = Tariff {
        prefix: String::new(),
        per_call_micros: 0,
        per_minute_micros: 60_000,
        first_step_s: 1,
        step_s: 1,
        per_part_micros: 0,
    };
    trunk.tariffs = vec![tariff];
    Settings {
        trunks: vec![trunk],
        ..Settings::default()
    }
}

fn now() -> Now {
    Now {
        monotonic: Instant::now(),
        utc_ms: 1_764_072_000_000,
    }
}

fn predicted(count: u64, channels: u32, rate: f64) -> Prediction {
    let policy = Preset::Immediate.policy();
    predict(
        &settings(channels, rate),
        &people(count),
        &policy,
        &Assumptions::default(),
        now(),
    )
}

#[test]
fn a_prediction_is_ordered_and_complete() {
    let p = predicted(2_000, 100, 20.0);
    assert!(
        0.0 < p.half_s && p.half_s < p.ninety_s && p.ninety_s < p.ninety_nine_s,
        "{p:?}"
    );
    assert!(p.ninety_nine_s <= p.end_s, "{p:?}");
    assert!(p.reached > 1_900 && p.attempts > p.reached, "{p:?}");
    assert!(p.cost_micros > p.reached * 25_000, "{p:?}");
}

#[test]
fn a_sample_predicts_what_everybody_would() {
    // The same load per channel, once played in full and once as one in four.
    let full = predicted(4_000, 50, 10.0);
    let sampled = predicted(16_000, 200, 40.0);
    let ratio = |a: f64, b: f64| (a / b - 1.0).abs();
    assert!(ratio(full.half_s, sampled.half_s) < 0.05, "{full:?} {sampled:?}");
    assert!(ratio(full.ninety_s, sampled.ninety_s) < 0.05, "{full:?} {sampled:?}");
    assert!(
        ratio(full.attempts as f64 * 4.0, sampled.attempts as f64) < 0.02,
        "{full:?} {sampled:?}"
    );
}

#[test]
fn twice_the_channels_halve_the_time_of_a_busy_campaign() {
    let (few, many) = (predicted(4_000, 40, 100.0), predicted(4_000, 80, 100.0));
    let ratio = few.half_s / many.half_s;
    assert!((1.8..2.2).contains(&ratio), "{ratio}");
}

#[test]
fn nobody_to_call_or_no_trunk_predicts_nothing() {
    assert_eq!(predicted(0, 10, 10.0).attempts, 0);
    let policy = Preset::Exercise.policy();
    let p = predict(
        &Settings::default(),
        &people(5),
        &policy,
        &Assumptions::default(),
        now(),
    );
    assert_eq!((p.attempts, p.reached), (0, 0));
}

/// A dialer with a campaign that has run for a while against telephones that never answer the first call.
fn running(people: u64) -> (Dialer, crate::CampaignId, Now) {
    let start = now();
    let mut dialer = Dialer::new(settings(20, 10.0), start);
    let by = String::new;
    let text = crate::Text {
        language: crate::Language::FRENCH,
        words: "x".into(),
        audio: None,
    };
    let message = crate::Message {
        id: crate::MessageId(0),
        version: 0,
        title: "x".into(),
        texts: vec![text],
    };
    let save = crate::Command::SaveMessage { message, by: by() };
    let Ok(crate::Reply::Message(message, _)) = dialer.handle_command(start, save) else {
        panic!("no message")
    };
    let create = crate::Command::Create {
        name: by(),
        message,
        policy: Preset::Immediate.policy(),
        recipients: self::people(people),
        service: by(),
        by: by(),
    };
    let Ok(crate::Reply::Campaign(campaign)) = dialer.handle_command(start, create) else {
        panic!("no campaign")
    };
    dialer
        .handle_command(start, crate::Command::Launch { campaign, by: by() })
        .unwrap();
    let mut now = start;
    // A tenth of a second at a time: every call is busy at once.
    for _ in 0..600 {
        now = now.later(Duration::from_millis(100));
        dialer.handle_timeout(now);
        while let Some(record) = dialer.poll_record() {
            let upto = record.sequence.next();
            dialer.handle_durable(now, upto);
        }
        while let Some(action) = dialer.poll_action() {
            if let crate::Action::Place(order) = action {
                let report = crate::CallReport::Ended {
                    attempt: order.attempt,
                    outcome: crate::Outcome::Busy,
                    stats: crate::CallStats::default(),
                };
                dialer.handle_report(now, report);
            }
        }
    }
    (dialer, campaign, now)
}

#[test]
fn what_was_observed_corrects_what_was_assumed() {
    let (dialer, campaign, now) = running(2_000);
    let assumed = dialer.assumptions();
    assert!(assumed.busy > 800_000 && assumed.confirmed < 100_000, "{assumed:?}");
    let outlook = dialer.outlook(&dialer.state.campaigns[&campaign], now);
    let (before, after) = (predicted(2_000, 20, 10.0), outlook.predict());
    assert!(after.reached < before.reached / 2, "{before:?} {after:?}");
    assert!(after.attempts > 2 * before.attempts, "{before:?} {after:?}");
}

#[test]
fn the_end_of_a_small_campaign_is_not_before_its_last_percent() {
    for people in [1, 5, 20, 100] {
        let p = predicted(people, 50, 10.0);
        assert!(p.end_s >= p.ninety_nine_s && p.ninety_nine_s >= p.ninety_s, "{p:?}");
    }
    for people in [5, 20] {
        let (dialer, campaign, now) = running(people);
        let p = dialer.outlook(&dialer.state.campaigns[&campaign], now).predict();
        assert!(p.end_s >= p.ninety_nine_s && p.ninety_nine_s >= p.ninety_s, "{p:?}");
    }
}

#[test]
fn a_running_campaign_counts_once_in_its_own_outlook() {
    let (dialer, campaign, now) = running(200);
    let campaign = &dialer.state.campaigns[&campaign];
    let alone = campaign.observed.correct(&Assumptions::default());
    assert_eq!(*dialer.outlook(campaign, now).assumptions(), alone);
    assert_ne!(
        campaign.observed.correct(&dialer.assumptions()),
        alone,
        "twice is another thing"
    );
}

#[test]
fn the_outlook_of_a_ready_campaign_is_its_prediction() {
    let (mut dialer, _, now) = running(10);
    let create = crate::Command::Create {
        name: "x".into(),
        message: crate::MessageId(1),
        policy: Preset::Immediate.policy(),
        recipients: people(1_000),
        service: String::new(),
        by: String::new(),
    };
    let Ok(crate::Reply::Campaign(campaign)) = dialer.handle_command(now, create) else {
        panic!("no campaign")
    };
    let outlook = dialer.outlook(&dialer.state.campaigns[&campaign], now).predict();
    assert_eq!(outlook.recipients, 1_000);
    assert!(
        outlook.reached > 800 && outlook.half_s > 0.0 && outlook.end_s >= outlook.ninety_nine_s,
        "{outlook:?}"
    );
}
