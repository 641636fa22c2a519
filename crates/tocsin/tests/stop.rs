//! The end of the real program: no new calls, those in progress may finish within a bound, then BYE; a second signal ends at
//! once.

#![allow(clippy::unwrap_used)]

mod kit;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use kit::desk::Desk;
use kit::telephone::Telephones;
use kit::{Running, Site};
use rustix::process::Signal;

/// SIP by itself waits for this long for an answer that does not come (64 × T1, RFC 3261 §17.1.2.2): an end that takes less
/// did not wait for it.
const SIP_PATIENCE: Duration = Duration::from_secs(32);

const CALLS: usize = 3;

/// A tocsin in which calls are up that would go on for minutes.
fn in_the_middle(site: &Site, telephones: &Telephones, grace: &str) -> (Running, Desk) {
    let text = site
        .configuration_without_password(telephones.port)
        .replace("grace = \"1s\"", &format!("grace = \"{grace}\""));
    site.write("tocsin.toml", text);
    let mut running = site.start("fr", &["serve"]);
    running.wait_until_served();
    let desk = Desk::sign_in(site);
    desk.launch(CALLS, 20);
    running.wait_until("all calls are up", |_| {
        telephones.counts.up.load(Ordering::Relaxed) == CALLS
    });
    (running, desk)
}

#[test]
fn calls_in_progress_are_hung_up_after_their_time() {
    let (site, telephones) = (Site::new(), Telephones::start());
    let (mut running, _desk) = in_the_middle(&site, &telephones, "1s");
    let before = Instant::now();
    running.signal(Signal::TERM);
    let status = running.wait();
    assert!(status.success(), "{status}: {}", running.err());
    assert!(before.elapsed() < SIP_PATIENCE, "{:?}", before.elapsed());
    assert!(
        running.out().contains("les appels en cours ont 1 s pour finir"),
        "{}",
        running.out()
    );
    assert_eq!(
        telephones.counts.ended.load(Ordering::Relaxed),
        CALLS,
        "every call had its BYE"
    );

    // The next start takes the campaign up again by itself.
    let mut running = site.start("fr", &["serve"]);
    running.wait_until("they are rung again", |_| {
        telephones.counts.called.load(Ordering::Relaxed) == 2 * CALLS
    });
}

#[test]
fn a_carrier_that_is_gone_does_not_hold_up_the_end() {
    let (site, telephones) = (Site::new(), Telephones::start());
    let (mut running, _desk) = in_the_middle(&site, &telephones, "0s");
    telephones.counts.is_gone.store(true, Ordering::Relaxed);
    let before = Instant::now();
    running.signal(Signal::INT);
    let status = running.wait();
    assert!(status.success(), "{status}: {}", running.err());
    assert!(before.elapsed() < SIP_PATIENCE, "{:?}", before.elapsed());
}

#[test]
fn a_second_signal_ends_at_once() {
    let (site, telephones) = (Site::new(), Telephones::start());
    let (mut running, _desk) = in_the_middle(&site, &telephones, "10min");
    running.signal(Signal::TERM);
    running.wait_until("the end is announced", |running| {
        running.out().contains("600 s pour finir")
    });
    assert_eq!(
        telephones.counts.ended.load(Ordering::Relaxed),
        0,
        "calls in progress go on"
    );
    running.signal(Signal::TERM);
    let status = running.wait();
    assert_eq!(status.code(), Some(128 + 15), "{status}: {}", running.err());
}

#[test]
fn nothing_up_means_nothing_to_wait_for() {
    let site = Site::new();
    let text = site.configuration(5060).replace("grace = \"1s\"", "grace = \"10min\"");
    site.write("tocsin.toml", text);
    let mut running = site.start("en", &["serve"]);
    running.wait_until_served();
    running.signal(Signal::TERM);
    // The patience of `wait` is far shorter than the ten minutes.
    assert!(running.wait().success(), "{}", running.err());
}
