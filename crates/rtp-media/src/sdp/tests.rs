//! Offers and answers as carriers, gateways and attackers write them.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;
use crate::session::{Rtcp, TelephoneEvent};

fn settings() -> OfferSettings {
    OfferSettings::new("192.0.2.10:40000".parse().unwrap(), 7)
}

fn secure(srtp: SrtpPolicy) -> OfferSettings {
    let mut next = 0u8;
    let keys = make_keys(|bytes| {
        bytes.iter_mut().for_each(|b| {
            *b = next;
            next = next.wrapping_add(1);
        })
    });
    OfferSettings {
        srtp,
        keys,
        ..settings()
    }
}

fn description(media: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 198.51.100.5\r\ns=-\r\nc=IN IP4 198.51.100.5\r\nt=0 0\r\n{media}")
}

fn accept(media: &str) -> Result<crate::Session, SdpError> {
    accept_answer(&settings(), description(media).as_bytes())
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn our_offer_is_what_french_carriers_expect() {
    assert_eq!(
        text(&offer(&settings())),
        "v=0\r\no=- 7 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n\
         m=audio 40000 RTP/AVP 8 0 9 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:9 G722/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
    let v6 = OfferSettings {
        address: "[2001:db8::1]:4000".parse().unwrap(),
        ..settings()
    };
    assert!(text(&offer(&v6)).contains("c=IN IP6 2001:db8::1\r\n"));
}

#[test]
fn both_sides_of_one_negotiation_agree() {
    for codecs in [
        vec![Codec::Pcma],
        vec![Codec::Opus, Codec::Pcma],
        vec![Codec::G722],
        vec![Codec::Pcmu, Codec::Opus],
    ] {
        for srtp in [SrtpPolicy::Off, SrtpPolicy::Offered, SrtpPolicy::Required] {
            let caller = OfferSettings {
                codecs: codecs.clone(),
                rtcp_mux: true,
                ..secure(srtp)
            };
            let callee = OfferSettings {
                address: "203.0.113.9:5000".parse().unwrap(),
                ..caller.clone()
            };
            let (reply, theirs) = answer(&offer(&caller), &callee).unwrap();
            let ours = accept_answer(&caller, &reply).unwrap();
            assert_eq!((ours.codec, theirs.codec), (codecs[0], codecs[0]));
            assert_eq!((ours.remote, theirs.remote), (callee.address, caller.address));
            assert!(theirs.receive.contains(&(ours.payload_type, ours.codec)));
            assert!(ours.receive.contains(&(theirs.payload_type, theirs.codec)));
            assert_eq!(ours.events_out, theirs.events_in);
            assert_eq!(ours.events_in, theirs.events_out);
            assert_eq!(ours.events_out.unwrap().clock, codecs[0].clock());
            assert_eq!((ours.rtcp, theirs.rtcp), (Rtcp::Mux, Rtcp::Mux));
            match (ours.srtp, theirs.srtp) {
                (Some(a), Some(b)) => {
                    assert_ne!(srtp, SrtpPolicy::Off);
                    assert_eq!((&a.local, &a.remote, a.suite), (&b.remote, &b.local, b.suite));
                }
                (None, None) => assert_eq!(srtp, SrtpPolicy::Off),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn answers_that_reorder_drop_or_renumber() {
    let session = accept("m=audio 6000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n").unwrap();
    assert_eq!((session.codec, session.payload_type), (Codec::Pcmu, 0));
    let session = accept("m=audio 6000 RTP/AVP 9\r\n").unwrap();
    assert_eq!(session.codec, Codec::G722);
    assert_eq!(session.events_out, None);
    // Our own offer stands: the peer may still send events.
    assert_eq!(
        session.events_in,
        Some(TelephoneEvent {
            payload_type: 101,
            clock: 8_000
        })
    );
    let session =
        accept("m=audio 6000 RTP/AVP 18 97 96\r\na=rtpmap:97 PCMA/8000\r\na=rtpmap:96 telephone-event/8000\r\n")
            .unwrap();
    assert_eq!((session.codec, session.payload_type), (Codec::Pcma, 97));
    assert_eq!(session.events_out.unwrap().payload_type, 96);
    assert_eq!(session.events_in.unwrap().payload_type, 101);
    assert_eq!(accept("m=audio 6000 RTP/AVP 18 3\r\n"), Err(SdpError::NoCommonCodec));
    assert_eq!(accept("m=audio 0 RTP/AVP 8\r\n"), Err(SdpError::Refused));
    assert_eq!(accept("m=video 6000 RTP/AVP 31\r\n"), Err(SdpError::NoAudio));
}

#[test]
fn packet_time_is_the_peers_within_reason() {
    for (lines, ms) in [
        ("", 20),
        ("a=ptime:30\r\n", 30),
        ("a=ptime:20.0\r\n", 20),
        ("a=ptime:5\r\n", 10),
        ("a=ptime:500\r\n", 60),
        ("a=ptime:0\r\n", 20),
        ("a=ptime:x\r\n", 20),
        ("a=ptime:40\r\na=maxptime:30\r\n", 30),
        ("a=maxptime:10\r\n", 10),
        ("a=maxptime:240\r\n", 20),
        ("a=ptime:35\r\n", 30),
    ] {
        let session = accept(&format!("m=audio 6000 RTP/AVP 8\r\n{lines}")).unwrap();
        assert_eq!(session.ptime.ms(), ms, "{lines:?}");
    }
}

#[test]
fn addresses_at_both_levels() {
    let at = |media: &str| accept(media).map(|s| s.remote.to_string());
    assert_eq!(at("m=audio 6000 RTP/AVP 8\r\n").unwrap(), "198.51.100.5:6000");
    assert_eq!(
        at("m=audio 6000 RTP/AVP 8\r\nc=IN IP4 203.0.113.1\r\n").unwrap(),
        "203.0.113.1:6000"
    );
    assert_eq!(
        at("m=audio 6000 RTP/AVP 8\r\nc=IN IP4 224.2.1.1/127\r\n"),
        Err(SdpError::NoAddress)
    );
    let none = b"v=0\r\no=- 1 1 IN IP4 x\r\ns=-\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n";
    assert_eq!(accept_answer(&settings(), none), Err(SdpError::NoAddress));
}

#[test]
fn a_stream_in_a_family_without_address_of_ours_is_refused() {
    let six = OfferSettings {
        address: "[2001:db8::1]:4000".parse().unwrap(),
        ..settings()
    };
    let (in_four, in_six) = ("c=IN IP4 203.0.113.1\r\n", "c=IN IP6 2001:db8::5\r\n");
    let audio = "m=audio 6000 RTP/AVP 8\r\n";
    for (ours, line, remote) in [
        (&settings(), in_four, Some("203.0.113.1:6000")),
        (&settings(), in_six, None),
        (&six, in_six, Some("[2001:db8::5]:6000")),
        (&six, in_four, None),
    ] {
        let text = description(&format!("{audio}{line}"));
        let as_answer = accept_answer(ours, text.as_bytes());
        let as_offer = answer(text.as_bytes(), ours).map(|(_, session)| session);
        for session in [as_answer, as_offer] {
            let expected = remote.map(str::to_owned).ok_or(SdpError::NoAddress);
            assert_eq!(session.map(|s| s.remote.to_string()), expected, "{line}");
        }
    }
    // Both families are offered: the one that can be reached is taken, and the other refused in its place.
    let both = description(&format!("{audio}{in_four}{audio}{in_six}"));
    let (reply, session) = answer(both.as_bytes(), &six).unwrap();
    let reply = String::from_utf8(reply.to_vec()).unwrap();
    assert_eq!(session.remote.to_string(), "[2001:db8::5]:6000");
    let sections: Vec<&str> = reply.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(sections, ["m=audio 0 RTP/AVP 8", "m=audio 4000 RTP/AVP 8"]);
    assert!(reply.contains("\r\nc=IN IP6 2001:db8::1\r\n"), "{reply}");
}

#[test]
fn directions_and_the_two_ways_of_hold() {
    for (lines, direction) in [
        ("", Direction::SendRecv),
        ("a=sendonly\r\n", Direction::RecvOnly),
        ("a=recvonly\r\n", Direction::SendOnly),
        ("a=inactive\r\n", Direction::Inactive),
        ("c=IN IP4 0.0.0.0\r\n", Direction::RecvOnly),
        ("c=IN IP4 0.0.0.0\r\na=sendonly\r\n", Direction::RecvOnly),
        ("c=IN IP6 ::\r\na=inactive\r\n", Direction::Inactive),
    ] {
        let media = format!("m=audio 6000 RTP/AVP 8\r\n{lines}");
        assert_eq!(accept(&media).unwrap().direction, direction, "{lines:?}");
        let (reply, session) = answer(description(&media).as_bytes(), &settings()).unwrap();
        assert_eq!(session.direction, direction, "{lines:?}");
        let word = match direction {
            Direction::SendRecv => "a=sendrecv",
            Direction::SendOnly => "a=sendonly",
            Direction::RecvOnly => "a=recvonly",
            Direction::Inactive => "a=inactive",
        };
        assert!(text(&reply).contains(word), "{lines:?}");
    }
    // A direction for the whole session, overruled by the stream's.
    let whole = description("m=audio 6000 RTP/AVP 8\r\n").replace("t=0 0\r\n", "t=0 0\r\na=sendonly\r\n");
    assert_eq!(
        accept_answer(&settings(), whole.as_bytes()).unwrap().direction,
        Direction::RecvOnly
    );
    let stream = whole.clone() + "a=sendrecv\r\n";
    assert_eq!(
        accept_answer(&settings(), stream.as_bytes()).unwrap().direction,
        Direction::SendRecv
    );
}

#[test]
fn one_audio_stream_is_taken_and_others_are_refused_in_their_place() {
    let media = "m=video 7000 RTP/AVP 31\r\nm=audio 0 RTP/AVP 8\r\nm=audio 6000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n\
                 m=audio 6002 RTP/AVP 0\r\nm=image 8000 udptl t38\r\nm=application 9 TCP/MRCPv2 1\r\n";
    let (reply, session) = answer(description(media).as_bytes(), &settings()).unwrap();
    assert_eq!(session.remote.port(), 6_000);
    let lines: Vec<&str> = text(&reply).lines().filter(|l| l.starts_with("m=")).collect();
    assert_eq!(
        lines,
        [
            "m=video 0 RTP/AVP 31",
            "m=audio 0 RTP/AVP 8",
            "m=audio 40000 RTP/AVP 8 101",
            "m=audio 0 RTP/AVP 0",
            "m=image 0 UDPTL t38",
            "m=application 0 TCP/MRCPV2 1"
        ]
    );
    assert_eq!(
        answer(description("m=video 7000 RTP/AVP 31\r\n").as_bytes(), &settings()).err(),
        Some(SdpError::NoAudio)
    );
    let unknown = description("m=audio 7000 UDP/TLS/RTP/SAVPF 8\r\n");
    assert_eq!(answer(unknown.as_bytes(), &settings()).err(), Some(SdpError::Profile));
}

#[test]
fn rtcp_goes_where_it_is_wanted() {
    for (lines, rtcp) in [
        ("", Rtcp::NextPort),
        ("a=rtcp:7001\r\n", Rtcp::At("198.51.100.5:7001".parse().unwrap())),
        (
            "a=rtcp:7001 IN IP4 203.0.113.7\r\n",
            Rtcp::At("203.0.113.7:7001".parse().unwrap()),
        ),
        ("b=RS:0\r\nb=RR:0\r\n", Rtcp::Off),
        // We did not offer to multiplex.
        ("a=rtcp-mux\r\n", Rtcp::NextPort),
    ] {
        assert_eq!(
            accept(&format!("m=audio 6000 RTP/AVP 8\r\n{lines}")).unwrap().rtcp,
            rtcp,
            "{lines:?}"
        );
    }
}

#[test]
fn encryption_is_agreed_or_the_call_does_not_proceed() {
    let ours = secure(SrtpPolicy::Required);
    assert!(text(&offer(&ours)).contains("m=audio 40000 RTP/SAVP "));
    let plain = description("m=audio 6000 RTP/AVP 8\r\n");
    assert_eq!(
        accept_answer(&ours, plain.as_bytes()),
        Err(SdpError::EncryptionRequired)
    );
    assert!(
        accept_answer(&secure(SrtpPolicy::Offered), plain.as_bytes())
            .unwrap()
            .srtp
            .is_none()
    );
    assert_eq!(
        answer(plain.as_bytes(), &ours).err(),
        Some(SdpError::EncryptionRequired)
    );
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";
    let with = |line: &str| description(&format!("m=audio 6000 RTP/SAVP 8\r\na=crypto:{line}\r\n"));
    // Tag 3 is our third suite.
    for (line, is_good) in [
        (format!("3 AES_CM_128_HMAC_SHA1_80 inline:{key}"), true),
        (format!("3 AES_CM_128_HMAC_SHA1_80 inline:{key}|2^20"), true),
        (format!("4 AES_CM_128_HMAC_SHA1_80 inline:{key}"), false),
        (format!("3 AES_CM_128_HMAC_SHA1_80 inline:{key}|2^20|1:4"), false),
        (
            format!("3 AES_CM_128_HMAC_SHA1_80 inline:{key} UNENCRYPTED_SRTP"),
            false,
        ),
        ("3 AES_CM_128_HMAC_SHA1_80 inline:AAEC".to_owned(), false),
        (format!("3 F8_128_HMAC_SHA1_80 inline:{key}"), false),
    ] {
        let result = accept_answer(&ours, with(&line).as_bytes());
        assert_eq!(result.is_ok(), is_good, "{line}");
        if let Ok(session) = result {
            let srtp = session.srtp.unwrap();
            assert_eq!(srtp.suite, Suite::AesCm128HmacSha1_80);
            assert_eq!(srtp.remote.key[..4], [0, 1, 2, 3]);
        }
    }
    let (reply, session) = answer(
        with(&format!("9 AES_CM_128_HMAC_SHA1_32 inline:{key}")).as_bytes(),
        &ours,
    )
    .unwrap();
    assert!(text(&reply).contains("a=crypto:9 AES_CM_128_HMAC_SHA1_32 inline:"));
    assert_eq!(session.srtp.unwrap().suite, Suite::AesCm128HmacSha1_32);
    assert_eq!(
        answer(with("1 X inline:AA").as_bytes(), &settings()).err(),
        Some(SdpError::Profile)
    );
}

#[test]
fn careless_writers_are_understood() {
    let lines = "v=0\no=x\nc=IN IP4 198.51.100.5 \nm=audio 6000/2 rtp/avp  8  101 \na=rtpmap:101 TELEPHONE-EVENT/8000\na=fmtp\n=\nq=?\na=ptime: 20\n";
    let session = accept_answer(&settings(), lines.as_bytes()).unwrap();
    assert_eq!(session.remote, "198.51.100.5:6000".parse::<SocketAddr>().unwrap());
    assert_eq!(session.events_out.unwrap().payload_type, 101);
    // As some telephones name G.722.
    let session = accept("m=audio 6000 RTP/AVP 9\r\na=rtpmap:9 G722/16000\r\n").unwrap();
    assert_eq!(session.codec, Codec::G722);
}

#[test]
fn hostile_descriptions_are_bounded() {
    assert_eq!(Description::parse(&vec![b'a'; MAX_BYTES + 1]), Err(SdpError::TooLong));
    assert_eq!(Description::parse(&b"m=a 1 b\n".repeat(17)), Err(SdpError::TooLong));
    assert_eq!(
        Description::parse(b"v=0\r\nm=audio\r\n"),
        Err(SdpError::Malformed { line: 2 })
    );
    // Found by fuzzing: what we refuse is written back, so it must not break our answer.
    for line in [
        "m=image 0 udp\0tl t38",
        "m=im\u{1}age 0 udptl t38",
        "m=image 0 udptl t\u{e9}8",
    ] {
        let offer = format!("v=0\r\n{line}\r\n");
        assert_eq!(
            Description::parse(offer.as_bytes()),
            Err(SdpError::Malformed { line: 2 }),
            "{line}"
        );
    }
    let formats = description(&format!("m=audio 1 RTP/AVP {}", "8 ".repeat(5_000)));
    assert_eq!(
        Description::parse(formats.as_bytes()).unwrap().media[0].formats.len(),
        64
    );
}

proptest! {
    #[test]
    fn nothing_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = accept_answer(&settings(), &bytes);
        let _ = answer(&bytes, &secure(SrtpPolicy::Offered));
    }

    #[test]
    fn mutated_offers_are_harmless(at in 0usize..400, with in any::<u8>(), cut in 0usize..500) {
        let mut bytes = offer(&secure(SrtpPolicy::Offered)).to_vec();
        let at = at % bytes.len();
        bytes[at] = with;
        bytes.truncate(cut);
        if let Ok((reply, _)) = answer(&bytes, &secure(SrtpPolicy::Offered)) {
            // Whatever was understood, our answer can be read.
            Description::parse(&reply).unwrap();
        }
    }
}
