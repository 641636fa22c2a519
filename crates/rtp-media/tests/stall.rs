//! A pacing thread that was stopped for a while: what is due leaves first, and what came meanwhile is read soon after.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use rtp_media::engine::{Arrival, Channel, Engine, Link, Settings, Slot};
use rtp_media::rtp::Header;
use rtp_media::{Command, Event, Session, StreamId};

const CALLS: usize = 40;

#[derive(Default)]
struct Network {
    inboxes: Vec<VecDeque<Vec<u8>>>,
    /// True for a read, false for a packet that left; of the tick that runs.
    steps: Vec<bool>,
}

impl Link for Network {
    fn receive(&mut self, slot: Slot, channel: Channel, buffer: &mut [u8], _: bool) -> Option<Arrival> {
        if channel != Channel::Rtp {
            return None;
        }
        self.steps.push(true);
        let bytes = self.inboxes[slot.0 as usize].pop_front()?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        let (len, from, at) = (bytes.len(), Some(peer()), None);
        Some(Arrival { len, from, at })
    }

    fn send(&mut self, _: Slot, channel: Channel, _: SocketAddr, _: &[u8]) -> bool {
        if channel == Channel::Rtp {
            self.steps.push(false);
        }
        true
    }

    fn lock(&mut self, _: Slot, _: Option<SocketAddr>) {}

    fn close(&mut self, _: Slot) {}
}

fn peer() -> SocketAddr {
    "192.0.2.1:4000".parse().unwrap()
}

#[test]
fn what_is_due_leaves_before_what_came_is_read_and_nothing_is_lost() {
    let start = Instant::now();
    let mut engine = Engine::new(Settings::default(), [3; 32], start, SystemTime::now());
    let mut network = Network {
        inboxes: vec![VecDeque::new(); CALLS],
        ..Network::default()
    };
    for n in 0..CALLS {
        let stream = StreamId(n as u64);
        engine.add(stream);
        let session = Box::new(Session::pcma(peer()));
        engine.handle_command(start, Command::Open { stream, session }, &mut network);
    }
    let mut spoken = 0u16;
    let mut sent = 0;
    for ms in 0..5_000u64 {
        if ms % 20 == 0 {
            spoken += 1;
            let header = Header {
                marker: false,
                payload_type: 8,
                sequence: spoken,
                timestamp: u32::from(spoken) * 160,
                ssrc: 9,
            };
            let packet = [header.to_bytes().as_slice(), &[0xd5; 160]].concat();
            for inbox in &mut network.inboxes {
                inbox.push_back(packet.clone());
            }
        }
        // Each second the thread stands still for 50 ms, two and a half rounds.
        if (500..549).contains(&(ms % 1_000)) {
            continue;
        }
        network.steps.clear();
        engine.tick(start + Duration::from_millis(ms), &mut network);
        sent += network.steps.iter().filter(|is_read| !**is_read).count();
        if ms % 1_000 == 549 {
            // 50 ticks at two calls each; the last three are on time.
            let first_read = network.steps.iter().position(|is_read| *is_read).unwrap();
            assert!(first_read >= 90, "{first_read} packets left before the first read");
        }
        if ms % 1_000 == 600 {
            let waiting = network.inboxes.iter().map(VecDeque::len).max();
            assert!(waiting <= Some(1), "{waiting:?} packets wait soon after");
        }
    }
    assert!(sent >= CALLS * 249, "{sent}");
    for n in 0..CALLS {
        let close = Command::Close {
            stream: StreamId(n as u64),
        };
        engine.handle_command(start + Duration::from_secs(5), close, &mut network);
    }
    let mut closed = 0;
    while let Some(event) = engine.poll_event() {
        if let Event::Closed { stats, .. } = event {
            closed += 1;
            assert_eq!((stats.lost, stats.refused), (0, 0), "{stats:?}");
            assert!(stats.received >= 248, "{stats:?}");
        }
    }
    assert_eq!(closed, CALLS);
}
