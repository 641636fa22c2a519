//! The scenarios in which tocsin calls. Those that take long come first, so that they do not come last.

use super::scenario::{ANSWERED, Expected, FAR_END_ENDED, Scenario, UNANSWERED, WE_ENDED, no_step, q850, status, step};

/// No packet limit.
const ANY: u64 = u64::MAX;

const TIMER: &str = "INVITE usage: session timers as refresher and as watched side, 422 with Min-SE";
const CHALLENGE: &str =
    "INVITE usage: 401 and 407, both at once, nonce reuse, stale, auth-int refused, all algorithms, nextnonce";
const OFFERS: &str = "INVITE usage: UPDATE and re-INVITE both ways (offer in INVITE, in 200, in ACK)";
const GLARE: &str = "INVITE usage: glare 491 with its random delay";
const HOLD: &str = "INVITE usage: hold and resume";
const SDP: &str = "SDP: offer and answer by the rules, other streams refused, codecs reordered or dropped";
const PRACK: &str = "INVITE usage: 100rel and PRACK";
const FORKS: &str = "INVITE usage: several early dialogs, the late 2xx of a fork acknowledged and ended";
const REDIRECT: &str = "INVITE usage: 3xx followed within a limit";
const OUTCOMES: &str = "INVITE usage: final responses mapped to outcomes, Reason kept";
const CANCEL: &str = "Transactions: CANCEL only after a provisional, crossing with 200";
const REPEATS: &str = "Transactions: the four machines and their timers, retransmitted 2xx";
const ROUTES: &str = "Dialogs: route sets, strict and loose; target refresh";
const INSIDE: &str = "Dialogs: requests inside a dialog (OPTIONS, INFO, unknown ones, 420, old CSeq)";
const ENDS: &str = "Dialogs: BYE races, 481 ends the dialog";
const GRAMMAR: &str = "Grammar: compact names, folds, white space, lists, quoted strings";
const TRANSPORT: &str = "Transport: UDP, TCP, IPv6, switch to TCP above 1,300 bytes";

pub const CALLS: &[Scenario] = &[
    Scenario::new("session-refreshed-by-them", TIMER)
        .plays(200.0)
        .arguments(&["--session-timer", "90"])
        .tells(&[ANSWERED, FAR_END_ENDED])
        .hurries(10),
    Scenario::new("session-refreshed-by-update", TIMER)
        .plays(200.0)
        .arguments(&["--session-timer", "90"])
        .tells(&[ANSWERED, FAR_END_ENDED])
        .hurries(10),
    Scenario::new("session-refreshed-by-reinvite", TIMER)
        .plays(200.0)
        .arguments(&["--session-timer", "90"])
        .tells(&[ANSWERED, FAR_END_ENDED])
        .hurries(10),
    Scenario::new("session-expires", TIMER)
        .plays(200.0)
        .arguments(&["--session-timer", "90"])
        .tells(&[ANSWERED, ("/origin", Expected::Text("Timeout"))])
        .hurries(10),
    Scenario::new("session-too-small", TIMER).arguments(&["--session-timer", "120"]),
    Scenario::new("glare", GLARE)
        .plays(6.5)
        .arguments(&["--reoffer", "0.3"])
        .tells(&[ANSWERED, WE_ENDED, no_step("offer refused")]),
    Scenario::new("glare-crossing", GLARE)
        .plays(3.0)
        .arguments(&["--reoffer", "0.3"])
        .tells(&[ANSWERED, WE_ENDED, no_step("offer refused")]),
    Scenario::new("cancel-waits", CANCEL)
        .arguments(&["--ring", "1"])
        .fails(&[UNANSWERED, ("/origin", Expected::Text("RingTimeout"))]),
    Scenario::new("answer", REPEATS)
        .plays(3.0)
        .presses(1)
        .tells(&[ANSWERED, ("/digits", Expected::Text("1")), WE_ENDED])
        .hears(120, ANY),
    Scenario::new("callee-hangs-up", ENDS)
        .plays(20.0)
        .tells(&[ANSWERED, FAR_END_ENDED])
        .hears(50, ANY),
    Scenario::new("early-media", "INVITE usage: 183 with early media")
        .plays(2.0)
        .tells(&[ANSWERED, WE_ENDED, step("183 Session Progress")])
        .hears(80, ANY),
    Scenario::new("prack-supported", PRACK),
    Scenario::new("prack-required", PRACK).arguments(&["--reliable", "required"]),
    Scenario::new("bad-extension", PRACK)
        .arguments(&["--reliable", "required"])
        .fails(&[UNANSWERED, status(420)]),
    Scenario::new("update-early", OFFERS),
    Scenario::new("update-theirs", OFFERS)
        .plays(20.0)
        .tells(&[ANSWERED, FAR_END_ENDED]),
    Scenario::new("update-ours", OFFERS)
        .plays(2.0)
        .arguments(&["--reoffer", "0.5", "--by-update"])
        .tells(&[
            ANSWERED,
            WE_ENDED,
            step("offered again by UPDATE"),
            no_step("offer refused"),
        ]),
    Scenario::new("reinvite-ours", OFFERS)
        .plays(2.0)
        .arguments(&["--reoffer", "0.5"])
        .tells(&[
            ANSWERED,
            WE_ENDED,
            step("offered again by re-INVITE"),
            no_step("offer refused"),
        ]),
    Scenario::new("reinvite-refused", OFFERS)
        .plays(2.0)
        .arguments(&["--reoffer", "0.5"])
        .tells(&[ANSWERED, WE_ENDED, step("offer refused: 488")]),
    Scenario::new("reinvite-481", ENDS)
        .plays(20.0)
        .arguments(&["--reoffer", "0.5"])
        .tells(&[ANSWERED, FAR_END_ENDED, status(481)])
        .hears(10, ANY),
    Scenario::new("offer-in-answer", OFFERS).arguments(&["--late-offer"]),
    Scenario::new("offer-in-prack", OFFERS).arguments(&["--late-offer"]),
    Scenario::new("offer-wanted", OFFERS)
        .plays(20.0)
        .tells(&[ANSWERED, FAR_END_ENDED]),
    Scenario::new("fork-early", FORKS),
    Scenario::new("fork-answers", FORKS),
    Scenario::new("redirect", REDIRECT),
    Scenario::new("redirect-order", REDIRECT),
    Scenario::new("redirect-loop", REDIRECT).fails(&[UNANSWERED, status(302)]),
    Scenario::new("redirect-declined", REDIRECT).fails(&[UNANSWERED, status(603)]),
    Scenario::new("challenge-md5", CHALLENGE).proves(2),
    Scenario::new("challenge-sha-256", CHALLENGE).proves(2),
    Scenario::new("challenge-sha-512-256", CHALLENGE).proves(2),
    Scenario::new("challenge-choice", CHALLENGE).proves(2),
    Scenario::new("challenge-stale", CHALLENGE).proves(3),
    Scenario::new("challenge-both", CHALLENGE).proves(4),
    Scenario::new("challenge-one-after-other", CHALLENGE).proves(5),
    Scenario::new("challenge-auth-int", CHALLENGE)
        .proves(0)
        .fails(&[UNANSWERED, status(401)]),
    Scenario::new("challenge-wrong", CHALLENGE)
        .proves(1)
        .fails(&[UNANSWERED, status(401)]),
    Scenario::new("challenge-next-nonce", CHALLENGE).proves(2),
    Scenario::new("challenge-bye", CHALLENGE).proves(1),
    Scenario::new("ring-timeout", CANCEL)
        .arguments(&["--ring", "1"])
        .fails(&[UNANSWERED, ("/origin", Expected::Text("RingTimeout")), status(487)]),
    Scenario::new("late-answer", CANCEL)
        .arguments(&["--ring", "1"])
        .fails(&[UNANSWERED, ("/origin", Expected::Text("RingTimeout")), status(200)]),
    Scenario::new("busy", OUTCOMES).fails(&[UNANSWERED, status(486)]),
    Scenario::new("congestion", OUTCOMES).fails(&[
        UNANSWERED,
        status(503),
        ("/retry_after_seconds", Expected::Number(7)),
    ]),
    Scenario::new("not-found", OUTCOMES).fails(&[
        UNANSWERED,
        status(404),
        q850(1),
        ("/reason", Expected::Text("Unallocated (unassigned) number")),
    ]),
    Scenario::new("no-reply", OUTCOMES).fails(&[
        UNANSWERED,
        status(480),
        q850(19),
        ("/reason", Expected::Text("No answer from user")),
    ]),
    Scenario::new("declined", OUTCOMES).fails(&[UNANSWERED, status(603), q850(21)]),
    Scenario::new("blocked", OUTCOMES).fails(&[UNANSWERED, status(607), ("/q850", Expected::Null)]),
    Scenario::new("bye-reason", OUTCOMES)
        .plays(20.0)
        .tells(&[ANSWERED, FAR_END_ENDED, q850(31)])
        .hears(15, ANY),
    Scenario::new("bye-481", ENDS),
    Scenario::new("bye-crossing", ENDS),
    Scenario::new("lost-ack", REPEATS)
        .plays(20.0)
        // An ACK that equals the one before is what this is about, and SIPp would swallow it as a retransmission.
        .sipp(&["-nr"])
        .tells(&[ANSWERED, FAR_END_ENDED])
        .hears(50, ANY),
    Scenario::new("repeated-responses", REPEATS).sipp(&["-nr"]),
    Scenario::new("lost-invite", REPEATS).sipp(&["-nr"]),
    Scenario::new("hold", HOLD)
        .plays(20.0)
        .tells(&[ANSWERED, FAR_END_ENDED])
        .hears(50, ANY),
    Scenario::new("hold-inactive", HOLD)
        .plays(20.0)
        .tells(&[ANSWERED, FAR_END_ENDED])
        // A second of speech before and after, half a second of silence.
        .hears(35, 70),
    Scenario::new("hold-zero-address", HOLD)
        .plays(20.0)
        .tells(&[ANSWERED, FAR_END_ENDED])
        .hears(35, 70),
    Scenario::new("video-refused", SDP),
    Scenario::new("unacceptable-offer", SDP),
    Scenario::new("other-codec", SDP).tells(&[ANSWERED, WE_ENDED, step("media agreed: Pcmu")]),
    Scenario::new("no-common-codec", SDP)
        .tells(&[ANSWERED, WE_ENDED, step("no agreement on media")])
        .hears(0, 0),
    Scenario::new("options-inside", INSIDE),
    Scenario::new("info-digit", INSIDE)
        // The repeated INFO must get its 200 again, which SIPp would send away itself.
        .sipp(&["-nr"])
        .tells(&[ANSWERED, WE_ENDED, ("/digits", Expected::Text("5#"))]),
    Scenario::new("unknown-method", INSIDE),
    Scenario::new("required-inside", INSIDE),
    Scenario::new("old-sequence", INSIDE),
    Scenario::new("odd-headers", GRAMMAR),
    Scenario::new("no-contact", GRAMMAR),
    Scenario::new("record-route", ROUTES),
    Scenario::new("strict-route", ROUTES),
    Scenario::new("new-target", ROUTES),
    Scenario::new("large-invite", TRANSPORT)
        .over(&["-t", "t1"], "")
        .arguments(&["--tcp-for-large", "--header", BALLAST]),
    Scenario::new("tcp", TRANSPORT).over(&["-t", "t1"], ";transport=tcp"),
    Scenario::new("ipv6", TRANSPORT).on("::1"),
];

/// A header that makes the INVITE too large for a datagram.
pub const BALLAST: &str = concat!(
    "X-Ballast: ",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
);
