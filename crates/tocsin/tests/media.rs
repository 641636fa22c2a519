//! What the media of a call are worth to the whole program: a call from which nothing comes is hung up, and what was lost,
//! late and slow stands in the attempt's record.
#![allow(clippy::unwrap_used)]

mod kit;

use std::sync::atomic::Ordering;
use std::time::Duration;

use dialer::journal::{Embedded, Journal};
use dialer::{CallStats, Event, Outcome, Sequence};
use kit::desk::Desk;
use kit::ear::{self, Ear};
use kit::telephone::Telephones;
use kit::{Running, Site};
use rustix::process::Signal;
use serde_json::json;

/// Ends the program; how each call ended.
fn ended(site: &Site, running: &mut Running) -> Vec<(Outcome, CallStats)> {
    running.signal(Signal::TERM);
    assert!(running.wait().success(), "{}", running.err());
    let journal = Embedded::open(&site.path("data/journal")).unwrap();
    journal
        .read_from(Sequence(0))
        .filter_map(|record| match record.unwrap().event {
            Event::AttemptEnded { outcome, stats, .. } => Some((outcome, stats)),
            _ => None,
        })
        .collect()
}

#[test]
fn an_answered_call_from_which_nothing_comes_is_hung_up() {
    let (site, telephones) = (Site::new(), Telephones::start());
    let text = site.configuration_without_password(telephones.port);
    site.write("tocsin.toml", text.replace("[[trunk]]", "[[trunk]]\nsilence = \"1s\""));
    let mut running = site.start("fr", &["serve"]);
    running.wait_until_served();
    // The message would last for minutes, and the telephone never hangs up.
    Desk::sign_in(&site).launch(1, 60);
    running.wait_until("the call is up", |_| telephones.counts.up.load(Ordering::Relaxed) > 0);
    running.wait_until("it is hung up", |_| telephones.counts.ended.load(Ordering::Relaxed) > 0);
    let ended = ended(&site, &mut running);
    let (_, stats) = &ended[0];
    assert!(
        (Duration::from_secs(1)..Duration::from_secs(30)).contains(&stats.talking),
        "{ended:?}"
    );
    assert_eq!((stats.status, stats.packets_received), (Some(200), 0), "{ended:?}");
}

#[test]
fn loss_jitter_and_round_trip_stand_in_the_attempts_record() {
    let site = Site::new();
    let ear = Ear::open();
    let telephones = Telephones::with_media(ear.address);
    site.write("tocsin.toml", site.configuration_without_password(telephones.port));
    let mut running = site.start("fr", &["serve"]);
    running.wait_until_served();
    let desk = Desk::sign_in(&site);
    desk.launch(1, 60);
    running.wait_until("two reports are answered", |_| {
        ear.told.reported.load(Ordering::Relaxed) >= 2 && ear.told.spoken.load(Ordering::Relaxed) >= 100
    });
    desk.post("campaigns/1/stop?hang_up=true", &json!({}));
    running.wait_until("the call has ended", |_| {
        telephones.counts.ended.load(Ordering::Relaxed) == 1
    });
    let ended = ended(&site, &mut running);
    assert_eq!(ended.len(), 1, "{ended:?}");
    let stats = &ended[0].1;
    assert!(stats.packets_received >= 100 && stats.packets_sent >= 100, "{stats:?}");
    // All that was left out before the last packet that came.
    let lost = (stats.packets_received - 1) / (ear::LOST_OF - 1);
    assert_eq!(stats.packets_lost, lost, "{stats:?}");
    // RFC 3550 §6.4.1 tends to what the telephone does, and the machine adds to it.
    assert!(stats.jitter_us >= 4_000, "{stats:?}");
    let round_trip = stats.round_trip.unwrap();
    assert!(
        (ear::ANSWER_AFTER..Duration::from_secs(5)).contains(&round_trip),
        "{stats:?}"
    );
    assert_eq!(stats.remote_lost, Some(u64::from(ear::MISSING)), "{stats:?}");
}
