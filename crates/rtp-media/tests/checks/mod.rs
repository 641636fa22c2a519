//! What must hold for any session description whatever: shared by the mutation test and the fuzz target.

use rtp_media::sdp::{Description, MAX_BYTES, OfferSettings, SrtpPolicy, accept_answer, answer, make_keys, offer};
use rtp_media::{Codec, Direction, Ptime, Session};

/// One description: read, answered as an offer, and taken as an answer, under several settings.
pub fn description(bytes: &[u8]) {
    let read = Description::parse(bytes);
    assert_eq!(read, Description::parse(bytes));
    for settings in settings() {
        offered(&settings, bytes, &read);
        answered(&settings, bytes);
    }
}

fn settings() -> Vec<OfferSettings> {
    let mut plain = OfferSettings::new("192.0.2.1:4000".parse().expect("an address"), 1);
    plain.rtcp_mux = true;
    let mut fill = 0u8;
    let keys = make_keys(|bytes| {
        for byte in bytes {
            fill = fill.wrapping_add(37);
            *byte = fill;
        }
    });
    let mut secure = OfferSettings::new("[2001:db8::1]:4000".parse().expect("an address"), 2);
    secure.srtp = SrtpPolicy::Required;
    secure.keys = keys;
    secure.codecs = vec![Codec::Opus, Codec::G722, Codec::Pcma];
    let mut willing = secure.clone();
    willing.srtp = SrtpPolicy::Offered;
    willing.direction = Direction::SendOnly;
    vec![plain, secure, willing]
}

/// Our answer has the offer's sections in their order, one of them taken, and can be read (RFC 3264 §6).
fn offered(settings: &OfferSettings, bytes: &[u8], read: &Result<Description, rtp_media::sdp::SdpError>) {
    let Ok((text, agreed)) = answer(bytes, settings) else {
        return;
    };
    let asked = read.as_ref().expect("what cannot be read cannot be answered");
    sound(settings, &agreed);
    let text_lines = std::str::from_utf8(&text).expect("our descriptions are text");
    assert!(text_lines.ends_with("\r\n") && text_lines.len() <= 2 * MAX_BYTES);
    for line in text_lines.split_terminator("\r\n") {
        assert!(line.len() > 2 && line.as_bytes()[1] == b'=', "{line:?}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    let own = Description::parse(&text).unwrap_or_else(|error| panic!("{error}: {text_lines}"));
    assert_eq!(own.media.len(), asked.media.len(), "{text_lines}");
    let mut taken = 0;
    for (ours, theirs) in own.media.iter().zip(&asked.media) {
        assert_eq!(ours.profile, theirs.profile);
        if ours.port != 0 {
            taken += 1;
            assert_ne!(theirs.port, 0, "a stream that was not offered is taken");
            assert_eq!(ours.kind, "audio");
            // By number: `00` is offered by some, and answered as `0`.
            let number = |format: &String| format.parse::<u8>().ok();
            let asked: Vec<_> = theirs.formats.iter().map(number).collect();
            assert!(
                ours.formats.iter().all(|format| asked.contains(&number(format))),
                "{text_lines}"
            );
        }
    }
    assert_eq!(taken, 1, "{text_lines}");
    if settings.srtp == SrtpPolicy::Required {
        assert!(agreed.srtp.is_some());
    }
}

fn answered(settings: &OfferSettings, bytes: &[u8]) {
    if let Ok(agreed) = accept_answer(settings, bytes) {
        sound(settings, &agreed);
        assert!(agreed.srtp.is_some() || settings.srtp != SrtpPolicy::Required);
        assert!(agreed.srtp.is_none() || settings.srtp != SrtpPolicy::Off);
    }
    // Our own offer is always an answer that could be ours.
    let own = offer(settings);
    assert!(Description::parse(&own).is_ok());
}

/// What the engine may rely on.
fn sound(settings: &OfferSettings, session: &Session) {
    assert!(settings.codecs.contains(&session.codec));
    assert!(session.payload_type < 128);
    assert!(!session.receive.is_empty() && session.receive.iter().all(|(number, _)| *number < 128));
    assert!(Ptime::ALL.contains(&session.ptime));
    assert!(session.remote.port() != 0 && !session.remote.ip().is_multicast());
    assert!(!session.direction.sends() || (settings.direction.sends() && !session.remote.ip().is_unspecified()));
    assert!(!session.direction.receives() || settings.direction.receives());
    for events in session.events_out.iter().chain(&session.events_in) {
        assert!(settings.events && events.payload_type < 128);
        assert!(matches!(events.clock, 8_000 | 48_000));
    }
}
