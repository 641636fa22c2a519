//! What real senders and networks do to telephone events.

use std::time::Duration;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{EventReceiver, EventSender, KEYS, Step, event_code};
use crate::session::{Ptime, TelephoneEvent};

#[derive(Debug, Clone, Copy)]
struct Packet {
    payload: [u8; 4],
    timestamp: u32,
    seq: u16,
    marker: bool,
}

/// Digits as our own sender sends them, with silent pauses.
fn sent(digits: &str, hold_ms: u64, clock: u32) -> Vec<Packet> {
    let mut sender = EventSender::new(
        TelephoneEvent {
            payload_type: 101,
            clock,
        },
        Ptime::MS_20,
    );
    sender.press(digits, Duration::from_millis(hold_ms));
    let (mut packets, mut timestamp, mut seq) = (Vec::new(), 0xffff_f000u32, 65_530u16);
    loop {
        match sender.next(timestamp) {
            Step::Idle => return packets,
            Step::Pause => {}
            Step::Packet(p) => {
                packets.push(Packet {
                    payload: p.payload,
                    timestamp: p.timestamp,
                    seq,
                    marker: p.marker,
                });
            }
        }
        seq = seq.wrapping_add(1);
        timestamp = timestamp.wrapping_add(clock / 50);
    }
}

fn heard(packets: &[Packet], clock: u32) -> String {
    let mut receiver = EventReceiver::new(clock);
    packets
        .iter()
        .filter_map(|p| receiver.push(&p.payload, p.timestamp, p.seq, p.marker))
        .collect()
}

/// A packet as a gateway might write it, at 8000 Hz.
fn packet(key: char, timestamp: u32, seq: u16, marker: bool, end: bool, duration: u16) -> Packet {
    let [high, low] = duration.to_be_bytes();
    let event = event_code(key).unwrap();
    Packet {
        payload: [event, if end { 0x8a } else { 0x0a }, high, low],
        timestamp,
        seq,
        marker,
    }
}

#[test]
fn each_key_once_at_both_clocks_over_wraps_of_time_and_sequence() {
    let all: String = KEYS.iter().collect();
    for clock in [8_000, 48_000] {
        for digits in [all.as_str(), "1111", "112233", "0"] {
            assert_eq!(heard(&sent(digits, 100, clock), clock), digits, "{clock}");
        }
    }
}

#[test]
fn the_sender_marks_the_first_packet_and_repeats_the_end_three_times() {
    let packets = sent("7", 100, 8_000);
    let ends: Vec<bool> = packets.iter().map(|p| p.payload[1] & 0x80 != 0).collect();
    assert_eq!(ends, [false, false, false, false, true, true, true]);
    assert_eq!(packets.iter().filter(|p| p.marker).count(), 1);
    assert!(packets.iter().all(|p| p.timestamp == packets[0].timestamp));
    assert_eq!(packets[6].payload[2..], 800u16.to_be_bytes());
}

#[test]
fn losses_duplicates_and_reordering_neither_lose_nor_repeat_a_key() {
    for seed in 0..2_000 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let digits: String = (0..12).map(|_| KEYS[random.random_range(0..3)]).collect();
        let packets = sent(&digits, 100, 8_000);
        let mut arriving = Vec::new();
        let mut start = 0;
        // Of each key at least one packet arrives.
        while start < packets.len() {
            let len = packets[start..]
                .iter()
                .take_while(|p| p.timestamp == packets[start].timestamp)
                .count();
            let of_key = &packets[start..start + len];
            let keep = random.random_range(0..len);
            for (i, p) in of_key.iter().enumerate() {
                if i == keep || random.random_bool(0.5) {
                    arriving.push(*p);
                    if random.random_bool(0.2) {
                        arriving.push(*p);
                    }
                }
            }
            start += len;
        }
        assert_eq!(heard(&arriving, 8_000), digits, "seed {seed}, lost and doubled");
        // Reordered within about 60 ms, which stays within one key and its pause.
        for window in arriving.chunks_mut(3) {
            window.shuffle(&mut random);
        }
        let mut got: Vec<char> = heard(&arriving, 8_000).chars().collect();
        let mut expected: Vec<char> = digits.chars().collect();
        got.sort_unstable();
        expected.sort_unstable();
        assert_eq!(got, expected, "seed {seed}, reordered");
    }
}

#[test]
fn a_key_held_for_long_comes_in_segments_and_is_one_key() {
    for (hold, clock) in [(20_000, 8_000), (3_000, 48_000), (5_000, 48_000)] {
        let packets = sent("#", hold, clock);
        let mut starts: Vec<u32> = packets.iter().map(|p| p.timestamp).collect();
        starts.dedup();
        assert!(starts.len() > 1);
        assert_eq!(heard(&packets, clock), "#");
        // With half of the packets lost as well, a whole segment's start among them.
        let some: Vec<Packet> = packets
            .iter()
            .copied()
            .enumerate()
            .filter(|(i, _)| i % 7 < 3)
            .map(|(_, p)| p)
            .collect();
        assert_eq!(heard(&some, clock), "#");
    }
}

#[test]
fn a_gateway_that_moves_its_timestamp_within_one_event() {
    let mut packets = Vec::new();
    let mut seq = 100;
    for (n, key) in "1123".chars().enumerate() {
        for i in 0..8u32 {
            let timestamp = 50_000 + n as u32 * 3_200 + i * 160;
            packets.push(packet(key, timestamp, seq, i == 0, i >= 5, 160 * (i.min(5) as u16 + 1)));
            seq += 1;
        }
        seq += 10;
    }
    assert_eq!(heard(&packets, 8_000), "1123");
}

#[test]
fn a_gateway_whose_timestamp_never_moves() {
    let mut packets = Vec::new();
    for (n, key) in "4455".chars().enumerate() {
        for i in 0..6u16 {
            packets.push(packet(key, 0, n as u16 * 20 + i, i == 0, i >= 3, 160 * (i + 1)));
        }
    }
    assert_eq!(heard(&packets, 8_000), "4455");
}

#[test]
fn wrong_durations_and_missing_ends_and_markers() {
    // All durations zero, then all at the maximum; never an end, never a marker.
    for duration in [0, 0xffff] {
        let mut packets = Vec::new();
        for (n, key) in "99".chars().enumerate() {
            for i in 0..5u16 {
                packets.push(packet(key, n as u32 * 1_600, n as u16 * 10 + i, false, false, duration));
            }
        }
        assert_eq!(heard(&packets, 8_000), "99", "{duration}");
    }
}

#[test]
fn keys_back_to_back_without_a_pause() {
    let mut packets = Vec::new();
    for (n, key) in "1212".chars().enumerate() {
        for i in 0..3u16 {
            packets.push(packet(
                key,
                n as u32 * 480,
                n as u16 * 3 + i,
                i == 0,
                i == 2,
                160 * (i + 1),
            ));
        }
    }
    assert_eq!(heard(&packets, 8_000), "1212");
}

#[test]
fn a_late_packet_of_an_older_key_is_not_a_key() {
    let one = packet('1', 1_000, 10, true, false, 160);
    let two = packet('2', 3_000, 20, true, false, 160);
    assert_eq!(heard(&[one, two, one, two, one], 8_000), "12");
    // Unless nothing of that key was heard before.
    assert_eq!(heard(&[two, one, one, two], 8_000), "21");
}

#[test]
fn a_sender_that_starts_anew_is_heard_after_a_reset() {
    let mut receiver = EventReceiver::new(8_000);
    let push = |r: &mut EventReceiver, p: Packet| r.push(&p.payload, p.timestamp, p.seq, p.marker);
    assert_eq!(push(&mut receiver, packet('1', 1_000, 10, true, false, 160)), Some('1'));
    receiver.reset();
    assert_eq!(push(&mut receiver, packet('1', 1_000, 10, true, false, 160)), Some('1'));
}

#[test]
fn other_events_and_rubbish_are_silent() {
    let mut receiver = EventReceiver::new(8_000);
    for payload in [
        &[][..],
        &[1],
        &[1, 0x8a, 0],
        &[16, 0x0a, 0, 160],
        &[255; 4],
        &[32, 0, 0, 0],
    ] {
        assert_eq!(receiver.push(payload, 0, 0, true), None);
    }
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..100_000 {
        let payload: [u8; 4] = random.random();
        receiver.push(&payload, random.random(), random.random(), random.random());
    }
}
