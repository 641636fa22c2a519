//! What it costs to read a SIP response of 900 bytes, and how much memory is asked for; `rsip` reads the same in the same run.
//! Prints JSON, times in nanoseconds a message, the quickest of several rounds.
//!
//! `sip_parse [MESSAGES_A_ROUND]` (20,000 unless told).
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use rsip::headers::ToTypedHeader;
use rsip::message::HeadersExt;
use sip_core::admission::{Admission, Rules, admit};
use sip_core::message::{Limits, Message, Parsed, parse_datagram};

/// Counts requests for memory.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ROUNDS: usize = 15;

/// A 200 to INVITE as a border controller sends it; only forms that rsip can read.
const RESPONSE: &str = "SIP/2.0 200 OK\r\n\
    Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK7d8f9a6b5c4e3f21;rport=5060;received=192.0.2.10\r\n\
    Record-Route: <sip:198.51.100.7;lr;ftag=a6c85cf4>\r\n\
    From: \"Prefecture de la Somme\" <sip:+33199001200@carrier.example;user=phone>;tag=a6c85cf4\r\n\
    To: <sip:+33199001234@carrier.example;user=phone>;tag=1928301774-as4f\r\n\
    Call-ID: 3848276298220188511-7f3a@192.0.2.10\r\n\
    CSeq: 314159 INVITE\r\n\
    Contact: <sip:+33199001234@198.51.100.20:5060;transport=udp>\r\n\
    Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, PRACK, UPDATE, INFO\r\n\
    Supported: 100rel, timer\r\n\
    Session-Expires: 1800;refresher=uac\r\n\
    Server: Border/7.2\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 169\r\n\
    \r\n\
    v=0\r\n\
    o=- 829302 829302 IN IP4 198.51.100.20\r\n\
    s=-\r\n\
    c=IN IP4 198.51.100.20\r\n\
    t=0 0\r\n\
    m=audio 21000 RTP/AVP 8 101\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=ptime:20\r\n\
    a=sendrecv\r\n";

struct Cost {
    nanoseconds: f64,
    allocations: f64,
}

fn measure(messages: u64, mut work: impl FnMut()) -> Cost {
    let mut cost = Cost {
        nanoseconds: f64::MAX,
        allocations: 0.0,
    };
    for _ in 0..ROUNDS {
        let allocations = ALLOCATIONS.load(Ordering::Relaxed);
        let start = Instant::now();
        for _ in 0..messages {
            work();
        }
        cost.nanoseconds = cost
            .nanoseconds
            .min(start.elapsed().as_nanos() as f64 / messages as f64);
        cost.allocations = (ALLOCATIONS.load(Ordering::Relaxed) - allocations) as f64 / messages as f64;
    }
    cost
}

fn main() {
    let messages = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_000);
    let wire = Bytes::from_static(RESPONSE.as_bytes());
    // As it comes from a socket: shared memory, not a constant.
    let wire = Bytes::from(wire.to_vec());
    let (limits, rules) = (Limits::default(), Rules::user_agent());
    // The first clone of a vector's bytes allocates its counter; every later one does not.
    let _kept = wire.clone();

    let rows = [
        (
            "tocsin: index",
            measure(messages, || {
                let Parsed::Message(message) = parse_datagram(black_box(wire.clone()), &limits) else {
                    unreachable!("it is sound")
                };
                black_box(message);
            }),
        ),
        (
            "tocsin: index, and Via, From, To, CSeq, Contact",
            measure(messages, || {
                let Parsed::Message(Message::Response(response)) = parse_datagram(black_box(wire.clone()), &limits)
                else {
                    unreachable!("it is sound")
                };
                let headers = response.headers();
                black_box((
                    headers.via().is_ok(),
                    headers.from().is_ok(),
                    headers.to().is_ok(),
                    headers.cseq().is_ok(),
                    headers.contact().is_ok(),
                ));
            }),
        ),
        (
            "tocsin: admission (index, all that is mandatory, checks)",
            measure(messages, || {
                let Admission::Response(response, essentials) = admit(black_box(wire.clone()), &rules) else {
                    unreachable!("it is sound")
                };
                black_box((response, essentials));
            }),
        ),
        (
            "rsip: parse",
            measure(messages, || {
                black_box(rsip::Response::try_from(black_box(&wire[..])).is_ok());
            }),
        ),
        (
            "rsip: parse, and Via, From, To, CSeq, Contact",
            measure(messages, || {
                let Ok(response) = rsip::Response::try_from(black_box(&wire[..])) else {
                    unreachable!("it is sound")
                };
                black_box((
                    response.via_header().map(|h| h.typed().is_ok()).is_ok(),
                    response.from_header().map(|h| h.typed().is_ok()).is_ok(),
                    response.to_header().map(|h| h.typed().is_ok()).is_ok(),
                    response.cseq_header().map(|h| h.typed().is_ok()).is_ok(),
                    response.contact_header().map(|h| h.typed().is_ok()).is_ok(),
                ));
            }),
        ),
    ];
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(what, cost)| serde_json::json!({ "what": what, "ns": cost.nanoseconds.round(), "allocations": cost.allocations }))
        .collect();
    println!("{:#}", serde_json::json!({ "bytes": RESPONSE.len(), "rows": rows }));
}
