//! A recorder fed with a call, and what can be drawn and written of it.

use std::process::Command;

use super::*;
use crate::flow::Transport;

const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 20000 RTP/AVP 8\r\n";

fn flow(transport: Transport, remote: &str) -> Flow {
    let local = if remote.starts_with('[') {
        "[2001:db8::10]:5060"
    } else {
        "192.0.2.10:5060"
    };
    Flow {
        transport,
        local: local.parse().unwrap(),
        remote: remote.parse().unwrap(),
    }
}

fn head(call_id: &str, to: &str, cseq: &str, transport: Transport) -> String {
    format!(
        "Via: SIP/2.0/{transport} 192.0.2.10;branch=z9hG4bK{}\r\nFrom: <sip:+33199001200@a.example>;tag=1\r\n\
         To: <sip:{to}@b.example>{}\r\nCall-ID: {call_id}\r\nCSeq: {cseq}\r\nMax-Forwards: 70\r\n",
        cseq.len(),
        if cseq == "1 BYE" { ";tag=2" } else { "" },
    )
}

/// A call that is answered and ended by the callee, its INVITE sent twice.
fn call(recorder: &mut Recorder, start: Instant, call_id: &str, to: &str, flow: Flow) {
    let transport = flow.transport;
    let invite = head(call_id, to, "1 INVITE", transport);
    let bye = head(call_id, to, "1 BYE", transport);
    let contact = "Contact: <sip:x@192.0.2.10>\r\n";
    let sdp = format!(
        "Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
        SDP.len()
    );
    let none = "Content-Length: 0\r\n\r\n";
    let reason = "Reason: Q.850;cause=16;text=\"Normal call clearing\"\r\n";
    let messages = [
        (
            0,
            Direction::Sent,
            format!("INVITE sip:{to}@b.example SIP/2.0\r\n{invite}{contact}{sdp}"),
        ),
        (
            500,
            Direction::Sent,
            format!("INVITE sip:{to}@b.example SIP/2.0\r\n{invite}{contact}{sdp}"),
        ),
        (
            543,
            Direction::Received,
            format!("SIP/2.0 100 Trying\r\n{invite}{none}"),
        ),
        (
            1_250,
            Direction::Received,
            format!("SIP/2.0 180 Ringing\r\n{invite}{none}"),
        ),
        (
            4_000,
            Direction::Received,
            format!("SIP/2.0 200 OK\r\n{invite}{contact}{sdp}"),
        ),
        (
            4_001,
            Direction::Sent,
            format!(
                "ACK sip:{to}@b.example SIP/2.0\r\n{}{none}",
                invite.replace("1 INVITE", "1 ACK")
            ),
        ),
        (
            34_000,
            Direction::Received,
            format!("BYE sip:x@192.0.2.10 SIP/2.0\r\n{bye}{reason}{none}"),
        ),
        (34_001, Direction::Sent, format!("SIP/2.0 200 OK\r\n{bye}{none}")),
    ];
    for (ms, direction, message) in messages {
        recorder.record(start + Duration::from_millis(ms), direction, flow, message.as_bytes());
    }
}

fn recorder(bounds: Bounds) -> (Recorder, Instant) {
    let start = Instant::now();
    // 2026-11-25 14:02:11.123 UTC.
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_615_331_123);
    (Recorder::new(bounds, start, time), start)
}

#[test]
fn a_call_is_drawn_as_a_ladder() {
    let (mut recorder, start) = recorder(Bounds::default());
    call(
        &mut recorder,
        start,
        "one@a",
        "+33199001234",
        flow(Transport::Udp, "198.51.100.7:5060"),
    );
    let traces = recorder.traces(&Filter::All);
    let drawn = ladder(traces[0]);
    let lines: Vec<&str> = drawn.lines().collect();
    assert_eq!(lines[..2], ["Call-ID: one@a", "Users: +33199001234, +33199001200"]);
    println!("{drawn}");
    assert_eq!(lines.len(), 3 + 8, "{drawn}");
    assert!(
        lines[3].starts_with(" 14:02:11.123 │──") && lines[3].contains(" INVITE (SDP) ") && lines[3].ends_with(">│"),
        "{drawn}"
    );
    assert!(lines[4].contains("+0.500") && lines[4].ends_with("(again)"), "{drawn}");
    assert!(
        lines[5].contains("│<") && lines[5].contains("100 Trying (INVITE)"),
        "{drawn}"
    );
    assert!(lines[9].contains("BYE (Q.850 16 Normal call clearing)"), "{drawn}");
    let widths: HashMap<usize, usize> = lines[3..].iter().fold(HashMap::new(), |mut widths, line| {
        *widths
            .entry(line.trim_end_matches("  (again)").chars().count())
            .or_default() += 1;
        widths
    });
    assert_eq!(widths.len(), 1, "all rungs are of one width:\n{drawn}");
}

#[test]
fn a_call_over_two_addresses_has_three_columns() {
    let (mut recorder, start) = recorder(Bounds::default());
    let (first, second) = (
        flow(Transport::Udp, "198.51.100.7:5060"),
        flow(Transport::Udp, "198.51.100.8:5060"),
    );
    let text = format!(
        "OPTIONS sip:b.example SIP/2.0\r\n{}\r\n",
        head("c", "b", "1 OPTIONS", Transport::Udp)
    );
    recorder.record(start, Direction::Sent, first, text.as_bytes());
    recorder.record(start, Direction::Sent, second, text.as_bytes());
    recorder.record(start, Direction::Received, second, b"garbage");
    let drawn = ladder(recorder.traces(&Filter::CallId("c".into()))[0]);
    let last = drawn.lines().last().unwrap();
    assert_eq!(drawn.lines().nth(3).unwrap().matches('│').count(), 3, "{drawn}");
    assert_eq!(
        last.matches('│').count(),
        2,
        "an arrow passes over the middle column:\n{drawn}"
    );
    let unreadable = ladder(recorder.traces(&Filter::CallId(String::new()))[0]);
    assert!(
        unreadable.contains("Call-ID: (none)") && unreadable.contains("7 bytes ! the first line"),
        "{unreadable}"
    );
}

#[test]
fn calls_are_found_by_number_and_by_call_id() {
    let (mut recorder, start) = recorder(Bounds::default());
    call(
        &mut recorder,
        start,
        "one@a",
        "+33199001234",
        flow(Transport::Udp, "198.51.100.7:5060"),
    );
    call(
        &mut recorder,
        start,
        "two@a",
        "0199005678",
        flow(Transport::Tcp, "198.51.100.7:5060"),
    );
    let found = |filter: &Filter| -> Vec<String> {
        recorder
            .traces(filter)
            .iter()
            .map(|trace| trace.call_id.clone())
            .collect()
    };
    assert_eq!(found(&Filter::All), ["one@a", "two@a"]);
    assert_eq!(found(&Filter::User("01 99 00 12 34".into())), ["one@a"]);
    assert_eq!(found(&Filter::User("+33 1 99 00 56 78".into())), ["two@a"]);
    assert_eq!(found(&Filter::CallId("two@a".into())), ["two@a"]);
    assert!(found(&Filter::User("0199009999".into())).is_empty());
    assert!(
        recorder
            .record(
                start,
                Direction::Received,
                flow(Transport::Udp, "198.51.100.7:5060"),
                b"\r\n\r\n"
            )
            .is_none()
    );
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let (mut recorder, start) = recorder(Bounds {
        calls: 50,
        messages: 4,
        bytes: 20_000,
    });
    let flow = flow(Transport::Udp, "198.51.100.7:5060");
    for i in 0..1_000 {
        call(&mut recorder, start, &format!("{i}@a"), "b", flow);
        let (calls, bytes) = recorder.size();
        assert!(calls <= 50 && bytes <= 20_000, "{calls} calls, {bytes} bytes");
    }
    let last = recorder.traces(&Filter::CallId("999@a".into()))[0];
    assert_eq!((last.records.len(), last.forgotten), (4, 4));
    let kept: usize = recorder
        .traces(&Filter::All)
        .iter()
        .flat_map(|trace| &trace.records)
        .map(|record| record.bytes.len())
        .sum();
    assert_eq!(kept, recorder.size().1);
    for _ in 0..100 {
        recorder.record(start, Direction::Received, flow, &[b'x'; 9_000]);
    }
    assert!(recorder.size().1 <= 40_000);
}

/// Everything that a capture can hold: both families, all transports, a message of several segments.
fn capture() -> (Vec<u8>, usize) {
    let (mut recorder, start) = recorder(Bounds::default());
    call(
        &mut recorder,
        start,
        "udp4@a",
        "+33199001234",
        flow(Transport::Udp, "198.51.100.7:5060"),
    );
    call(
        &mut recorder,
        start,
        "udp6@a",
        "+33199001235",
        flow(Transport::Udp, "[2001:db8::7]:5060"),
    );
    call(
        &mut recorder,
        start,
        "tcp4@a",
        "+33199001236",
        flow(Transport::Tcp, "198.51.100.7:5060"),
    );
    call(
        &mut recorder,
        start,
        "tls6@a",
        "+33199001237",
        flow(Transport::Tls, "[2001:db8::7]:5061"),
    );
    let long = format!(
        "OPTIONS sip:b.example SIP/2.0\r\n{}Subject: {}\r\nContent-Length: 0\r\n\r\n",
        head("long@a", "b", "1 OPTIONS", Transport::Tcp),
        "x".repeat(4_000)
    );
    recorder.record(
        start + Duration::from_secs(60),
        Direction::Sent,
        flow(Transport::Tcp, "198.51.100.7:5060"),
        long.as_bytes(),
    );
    let mut file = Vec::new();
    let traces = recorder.traces(&Filter::All);
    write_pcap(&mut file, traces.iter().flat_map(|trace| &trace.records)).unwrap();
    (file, 4 * 8 + 1)
}

/// Frames of a capture: payloads of IP packets, whose checksums must be right.
#[test]
fn captures_hold_sound_packets() {
    let (file, messages) = capture();
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    assert_eq!((word(0), word(20)), (0xa1b2_3c4d, 1));
    let mut at = 24;
    let mut frames = 0;
    while at < file.len() {
        let length = word(at + 8) as usize;
        assert_eq!(word(at + 12) as usize, length);
        let frame = &file[at + 16..at + 16 + length];
        let (pseudo, segment) = match frame[12..14] {
            [0x08, 0x00] => {
                assert_eq!(sum(&frame[14..34]), 0xffff, "the checksum of the IPv4 header");
                let length = (frame.len() - 34) as u16;
                (
                    [&frame[26..34], &[0, frame[23]], &length.to_be_bytes()].concat(),
                    &frame[34..],
                )
            }
            [0x86, 0xdd] => {
                let length = (frame.len() - 54) as u16;
                (
                    [&frame[22..54], &[0, frame[20]], &length.to_be_bytes()].concat(),
                    &frame[54..],
                )
            }
            _ => panic!("neither IPv4 nor IPv6"),
        };
        assert_eq!(sum(&[&pseudo, segment].concat()), 0xffff, "the checksum of the segment");
        at += 16 + length;
        frames += 1;
    }
    assert_eq!(frames, messages + 3, "the long message takes four segments");
}

/// Ones' complement sum: all ones over what holds its own checksum.
fn sum(bytes: &[u8]) -> u32 {
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}

/// tshark must find every message, no fault in any, and nothing odd about the streams.
#[test]
fn tshark_decodes_captures_without_complaint() {
    let (file, messages) = capture();
    let path = std::env::temp_dir().join(format!("tocsin-trace-{}.pcap", std::process::id()));
    std::fs::write(&path, file).unwrap();
    let lines = |filter: &str| {
        let checks = ["ip.check_checksum", "udp.check_checksum", "tcp.check_checksum"];
        let options = checks
            .iter()
            .flat_map(|check| ["-o".to_owned(), format!("{check}:TRUE")]);
        let out = Command::new("tshark")
            .args(options)
            .arg("-r")
            .arg(&path)
            .args(["-Y", filter])
            .output()
            .expect("tshark is needed for this test: run scripts/install-dependencies.sh");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let found = lines("sip");
    let complaints = lines("_ws.malformed || _ws.expert.severity >= 0x600000 || tcp.analysis.flags");
    let _ = std::fs::remove_file(&path);
    assert_eq!(found.lines().count(), messages, "{found}");
    assert_eq!(complaints, "");
}
