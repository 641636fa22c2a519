//! The scenarios in which tocsin is called.

use super::scenario::{ANSWERED, Expected, FAR_END_ENDED, Scenario, UNANSWERED, WE_ENDED, q850, status};

const CALLED: &str = "Being called: 100 at once, 180, 200, digits, BYE";
const STRANGERS: &str = "Being called: others 403 without a trace of what is behind";
const CANCEL: &str = "Transactions: CANCEL, crossing with 200";
const REPEATS: &str = "Transactions: the four machines and their timers, retransmitted 2xx";
const OFFERS: &str = "INVITE usage: re-INVITE and UPDATE, offer in 200 answered in ACK, hold and resume";
const TIMER: &str = "INVITE usage: session timers as watched side, 422 with Min-SE";
const REFUSALS: &str = "Dialogs: Max-Forwards, Allow, Supported, Require, 420, 405, 481, 482, OPTIONS";
const GRAMMAR: &str = "Grammar: compact names, folds, white space; peers of RFC 2543";

/// Calls from this machine are taken.
const WELCOME: &[&str] = &["--from", "127.0.0.1"];
/// They ring for half a second first.
const RINGS: &[&str] = &["--from", "127.0.0.1", "--after", "0.5"];
/// They ring for longer than the scenario lasts.
const RINGS_ON: &[&str] = &["--from", "127.0.0.1", "--after", "8"];

/// `tells` is about the one call that comes of it; empty: no call may come of it.
pub const CALLED_CALLS: &[Scenario] = &[
    Scenario::new("called-session-timer", TIMER)
        .plays(80.0)
        .arguments(WELCOME)
        .hurries(10),
    Scenario::new("called-no-ack", REPEATS)
        .plays(200.0)
        .arguments(WELCOME)
        .tells(&[ANSWERED, ("/origin", Expected::Text("Timeout"))])
        .hurries(10),
    Scenario::new("called-lost-ack", REPEATS)
        .plays(4.0)
        .arguments(WELCOME)
        // The repeated 200 is what this is about; SIPp would swallow it.
        .sipp(&["-nr"]),
    Scenario::new("called-answer", CALLED)
        .plays(3.0)
        .arguments(RINGS)
        .presses(1)
        .tells(&[ANSWERED, WE_ENDED, ("/digits", Expected::Text("1"))])
        .hears(100, u64::MAX),
    Scenario::new("called-caller-hangs-up", CALLED)
        .plays(20.0)
        .arguments(WELCOME)
        .tells(&[ANSWERED, FAR_END_ENDED, q850(16)]),
    Scenario::new("called-cancelled", CANCEL)
        .arguments(RINGS_ON)
        .fails(&[UNANSWERED, FAR_END_ENDED]),
    Scenario::new("called-cancel-late", CANCEL)
        .plays(20.0)
        .arguments(WELCOME)
        .tells(&[ANSWERED, FAR_END_ENDED])
        .hears(0, u64::MAX),
    Scenario::new("called-bye-early", CANCEL)
        .arguments(RINGS_ON)
        .fails(&[UNANSWERED, FAR_END_ENDED]),
    Scenario::new("called-without-offer", OFFERS).arguments(WELCOME),
    Scenario::new("called-hold", OFFERS)
        .plays(20.0)
        .arguments(WELCOME)
        .tells(&[ANSWERED, FAR_END_ENDED]),
    Scenario::new("called-stranger", STRANGERS).fails(&[]),
    Scenario::new("called-extension", REFUSALS)
        .arguments(WELCOME)
        .fails(&[]),
    Scenario::new("called-interval-too-small", TIMER)
        .arguments(WELCOME)
        .fails(&[]),
    Scenario::new("called-repeated-invite", REPEATS)
        .arguments(RINGS)
        .sipp(&["-nr"]),
    Scenario::new("called-merged", REFUSALS).arguments(RINGS).sipp(&["-nr"]),
    Scenario::new("called-bye-crossing", CALLED).arguments(WELCOME),
    Scenario::new("called-last-hop", REFUSALS).arguments(WELCOME),
    Scenario::new("called-options", REFUSALS).arguments(WELCOME).fails(&[]),
    Scenario::new("called-unknown-method", REFUSALS)
        .arguments(WELCOME)
        .fails(&[]),
    Scenario::new("called-no-codec", REFUSALS)
        .arguments(WELCOME)
        .fails(&[UNANSWERED, status(488)]),
    Scenario::new("called-reliably", "INVITE usage: 100rel and PRACK")
        .arguments(RINGS_ON_SHORT)
        .sipp(&["-nr"]),
    Scenario::new("called-old-peer", GRAMMAR)
        .arguments(RINGS_ON)
        .sipp(&["-nr"])
        .fails(&[UNANSWERED, FAR_END_ENDED]),
    Scenario::new("called-compact", GRAMMAR).arguments(WELCOME),
    Scenario::new("called-tcp", "Transport: TCP, large messages")
        .arguments(RINGS)
        .sipp(&["-t", "t1", "-key", "ballast", BALLAST]),
];

/// Long enough for a repeated 180.
const RINGS_ON_SHORT: &[&str] = &["--from", "127.0.0.1", "--after", "1.2"];

/// More than one datagram holds.
const BALLAST: &str = super::calls::BALLAST;
