//! A steady tick allocates nothing: what is not done cannot take time, and cannot fail.
#![allow(unsafe_code)] // A counting allocator is the only way to see allocations.
#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rtp_media::engine::{Arrival, Channel, Engine, Link, Settings, Slot};
use rtp_media::{Clip, Command, Session, StreamId};

struct Counting;

thread_local!(static COUNT: Cell<u64> = const { Cell::new(0) });

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> u64 {
    COUNT.with(Cell::get)
}

const PEER: &str = "192.0.2.1:4000";

/// Every call hears one packet in each packet time.
struct Peers {
    now: Instant,
    sequences: Vec<u16>,
    waiting: Vec<bool>,
    sent: u64,
}

impl Link for Peers {
    fn receive(&mut self, slot: Slot, channel: Channel, buffer: &mut [u8], is_timed: bool) -> Option<Arrival> {
        let index = slot.0 as usize;
        if channel != Channel::Rtp || !std::mem::take(&mut self.waiting[index]) {
            return None;
        }
        self.sequences[index] = self.sequences[index].wrapping_add(1);
        let sequence = self.sequences[index];
        let timestamp = u32::from(sequence) * 160;
        buffer[..12].copy_from_slice(&[0x80, 8, 0, 0, 0, 0, 0, 0, 1, 2, 3, slot.0 as u8]);
        buffer[2..4].copy_from_slice(&sequence.to_be_bytes());
        buffer[4..8].copy_from_slice(&timestamp.to_be_bytes());
        buffer[12..172].fill(0xd5);
        Some(Arrival {
            len: 172,
            from: Some(PEER.parse().unwrap()),
            at: is_timed.then_some(self.now),
        })
    }

    fn send(&mut self, slot: Slot, channel: Channel, _to: SocketAddr, _datagram: &[u8]) -> bool {
        if channel == Channel::Rtp {
            self.sent += 1;
            self.waiting[slot.0 as usize] = true;
        }
        true
    }

    fn lock(&mut self, _slot: Slot, _peer: Option<SocketAddr>) {}

    fn close(&mut self, _slot: Slot) {}
}

fn allocations_of_ten_seconds(is_inband: bool) -> (u64, u64) {
    const CALLS: usize = 200;
    let start = Instant::now();
    let mut engine = Engine::new(Settings::default(), [7; 32], start, SystemTime::now());
    let mut link = Peers {
        now: start,
        sequences: vec![0; CALLS],
        waiting: vec![false; CALLS],
        sent: 0,
    };
    let message = Arc::new(Clip::from_pcm(vec![1_000; 8_000 * 60], 8_000));
    for number in 0..CALLS as u64 {
        let stream = StreamId(number);
        engine.add(stream);
        let session = Session {
            inband_dtmf: is_inband,
            ..Session::pcma(PEER.parse().unwrap())
        };
        engine.handle_command(
            start,
            Command::Open {
                stream,
                session: Box::new(session),
            },
            &mut link,
        );
        engine.handle_command(
            start,
            Command::Play {
                stream,
                clips: vec![Arc::clone(&message)],
            },
            &mut link,
        );
    }
    let mut run = |from: u64, to: u64| {
        let before = allocations();
        for ms in from..to {
            link.now = start + Duration::from_millis(ms);
            engine.tick(link.now, &mut link);
        }
        allocations() - before
    };
    run(0, 1_000);
    while engine.poll_event().is_some() {}
    let mut run = |from: u64, to: u64| {
        let before = allocations();
        for ms in from..to {
            link.now = start + Duration::from_millis(ms);
            engine.tick(link.now, &mut link);
        }
        allocations() - before
    };
    (run(1_000, 11_000), link.sent)
}

#[test]
fn ten_seconds_of_200_calls_allocate_nothing() {
    let (allocations, sent) = allocations_of_ten_seconds(false);
    assert_eq!(sent, 200 * 550);
    assert_eq!(allocations, 0);
}

#[test]
fn nor_do_they_while_keys_are_listened_for_in_the_audio() {
    let (allocations, _) = allocations_of_ten_seconds(true);
    assert_eq!(allocations, 0);
}
