//! Offer and answer (RFC 3264).

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use super::parse::{Description, Media};
use super::write::{self, Section, event_clocks};
use super::{InBandPolicy, OfferSettings, SdpError, SrtpPolicy, event_payload_type, payload_type};
use crate::codec::fit_ptime;
use crate::session::{Codec, Direction, Ptime, Rtcp, Session, Srtp, TelephoneEvent};

/// The peer's answer to the offer that [`super::offer`] makes of the same settings.
///
/// # Errors
/// If the answer is malformed, refuses the stream, or agrees to nothing that we offered.
pub fn accept_answer(settings: &OfferSettings, answer: &[u8]) -> Result<Session, SdpError> {
    let answer = Description::parse(answer)?;
    // Our offer has one section, so the answer's first is meant (§6); some peers put others before it.
    let media = answer
        .media
        .iter()
        .find(|m| m.kind == "audio")
        .ok_or(SdpError::NoAudio)?;
    if media.port == 0 {
        return Err(SdpError::Refused);
    }
    // The answerer's order decides which of the agreed codecs is used.
    let (number, codec) = media
        .payload_types()
        .filter_map(|pt| Some((pt, media.codec(pt)?)))
        .find(|(_, codec)| settings.codecs.contains(codec))
        .ok_or(SdpError::NoCommonCodec)?;
    let srtp = match settings.srtp {
        SrtpPolicy::Off if is_secure(media) => return Err(SdpError::Profile),
        SrtpPolicy::Off => None,
        policy => {
            let ours = settings.keys.iter().zip(1u32..);
            let agreed = media.crypto.iter().find_map(|(tag, suite, remote)| {
                let ((_, local), _) = ours.clone().find(|((s, _), t)| t == tag && s == suite)?;
                Some(Srtp {
                    suite: *suite,
                    local: local.clone(),
                    remote: remote.clone(),
                })
            });
            if agreed.is_none() && (policy == SrtpPolicy::Required || is_secure(media)) {
                return Err(SdpError::EncryptionRequired);
            }
            agreed
        }
    };
    let receive = settings.codecs.iter().map(|&c| (payload_type(c), c)).collect();
    let event_in = |clock| {
        event_clocks(settings)
            .contains(&clock)
            .then(|| event_payload_type(clock))
    };
    let mux = settings.rtcp_mux && media.rtcp_mux;
    session(
        settings,
        media,
        Agreed {
            number,
            codec,
            receive,
            mux,
            srtp,
        },
        event_in,
    )
}

/// Our answer to the peer's offer, and what it means for the engine.
///
/// The first audio stream that can be used is taken; every other stream is refused with port 0 (§6). One codec is
/// answered: the first of the peer's that we know, so that both sides send the same.
///
/// # Errors
/// If the offer is malformed or holds nothing that we can do: then it is to be refused with 488.
pub fn answer(offer: &[u8], settings: &OfferSettings) -> Result<(Bytes, Session), SdpError> {
    let offer = Description::parse(offer)?;
    let mut failure = SdpError::NoAudio;
    let mut chosen = None;
    for (index, media) in offer
        .media
        .iter()
        .enumerate()
        .filter(|(_, m)| m.kind == "audio" && m.port != 0)
    {
        match agree(settings, media) {
            Ok(agreed) => {
                chosen = Some((index, agreed));
                break;
            }
            Err(error) => failure = error,
        }
    }
    let Some((chosen, (session, tag))) = chosen else {
        return Err(failure);
    };

    let mut text = String::with_capacity(512);
    write::session(&mut text, settings);
    for (index, media) in offer.media.iter().enumerate() {
        if index == chosen {
            let mut events = Vec::new();
            events.extend(session.events_out.map(|e| (e.payload_type, e.clock)));
            let crypto = session.srtp.iter().map(|s| (tag, s.suite, &s.local)).collect();
            write::section(
                &mut text,
                &Section {
                    port: settings.address.port(),
                    profile: &media.profile,
                    formats: vec![(session.payload_type, session.codec)],
                    events,
                    ptime: session.ptime.ms(),
                    rtcp_mux: session.rtcp == Rtcp::Mux,
                    crypto,
                    direction: session.direction,
                },
            );
        } else {
            let format = media.formats.first().map_or("0", String::as_str);
            text.push_str(&format!("m={} 0 {} {format}\r\n", media.kind, media.profile));
        }
    }
    Ok((Bytes::from(text), session))
}

/// What an offered stream and we agree on, and the tag of the crypto line that was taken.
fn agree(settings: &OfferSettings, media: &Media) -> Result<(Session, u32), SdpError> {
    if !matches!(
        media.profile.as_str(),
        "RTP/AVP" | "RTP/SAVP" | "RTP/AVPF" | "RTP/SAVPF"
    ) {
        return Err(SdpError::Profile);
    }
    let (number, codec) = media
        .payload_types()
        .filter_map(|pt| Some((pt, media.codec(pt)?)))
        .find(|(_, codec)| settings.codecs.contains(codec))
        .ok_or(SdpError::NoCommonCodec)?;
    let mut tag = 0;
    let srtp = media.crypto.iter().find_map(|(t, suite, remote)| {
        let (_, local) = settings.keys.iter().find(|(s, _)| s == suite)?;
        tag = *t;
        Some(Srtp {
            suite: *suite,
            local: local.clone(),
            remote: remote.clone(),
        })
    });
    let srtp = match (settings.srtp, srtp, is_secure(media)) {
        (SrtpPolicy::Off, _, true) => return Err(SdpError::Profile),
        (SrtpPolicy::Off, _, false) => None,
        (SrtpPolicy::Required, None, _) | (_, None, true) => return Err(SdpError::EncryptionRequired),
        (_, srtp, _) => srtp,
    };
    let mux = settings.rtcp_mux && media.rtcp_mux;
    let events_in = |clock| if settings.events { media.events(clock) } else { None };
    let session = session(
        settings,
        media,
        Agreed {
            number,
            codec,
            receive: vec![(number, codec)],
            mux,
            srtp,
        },
        events_in,
    )?;
    Ok((session, tag))
}

fn is_secure(media: &Media) -> bool {
    media.profile.contains("SAVP")
}

/// What both ways of negotiating have found.
struct Agreed {
    /// The peer's number for the codec.
    number: u8,
    codec: Codec,
    receive: Vec<(u8, Codec)>,
    mux: bool,
    srtp: Option<Srtp>,
}

fn session(
    settings: &OfferSettings,
    media: &Media,
    agreed: Agreed,
    events_in: impl Fn(u32) -> Option<u8>,
) -> Result<Session, SdpError> {
    let is_reachable =
        |remote: &SocketAddr| remote.ip().is_unspecified() || remote.is_ipv4() == settings.address.is_ipv4();
    let remote = media.remote().filter(is_reachable).ok_or(SdpError::NoAddress)?;
    // Events count in the clock of the codec beside them (RFC 4733 §2.1); some peers only know 8000.
    let clocks = if agreed.codec.clock() == 48_000 {
        [48_000, 8_000]
    } else {
        [8_000, 48_000]
    };
    let event = |find: &dyn Fn(u32) -> Option<u8>| {
        clocks.into_iter().find_map(|clock| {
            Some(TelephoneEvent {
                payload_type: find(clock)?,
                clock,
            })
        })
    };
    let events_out = if settings.events {
        event(&|clock| media.events(clock))
    } else {
        None
    };
    let events_in = match events_out {
        Some(TelephoneEvent { clock, .. }) => {
            events_in(clock).map(|payload_type| TelephoneEvent { payload_type, clock })
        }
        None => event(&events_in),
    };
    Ok(Session {
        remote,
        rtcp: rtcp(media, remote.ip(), agreed.mux),
        codec: agreed.codec,
        payload_type: agreed.number,
        receive: agreed.receive,
        ptime: packet_time(settings.ptime, media, agreed.codec),
        events_out,
        events_in,
        comfort_noise_in: media.comfort_noise(),
        direction: direction(settings.direction, media),
        srtp: agreed.srtp,
        source: settings.source,
        inband_dtmf: match settings.inband {
            InBandPolicy::Always => true,
            InBandPolicy::WithoutEvents => events_out.is_none(),
            InBandPolicy::Never => false,
        },
        amd: settings.amd,
        tones: settings.tones,
        is_early: false,
        silence_timeout: settings.silence_timeout,
    })
}

fn rtcp(media: &Media, remote: IpAddr, mux: bool) -> Rtcp {
    match (mux, media.no_rtcp, media.rtcp) {
        (_, (true, true), _) => Rtcp::Off,
        (true, ..) => Rtcp::Mux,
        (false, _, Some((port, address))) => Rtcp::At(SocketAddr::new(address.unwrap_or(remote), port)),
        (false, _, None) => Rtcp::NextPort,
    }
}

/// The peer's wish within what we do, or ours; never above the peer's `maxptime`.
fn packet_time(ours: Ptime, media: &Media, codec: Codec) -> Ptime {
    let wish = media.ptime.map_or(ours.ms(), |ms| ms.clamp(10, 60));
    let limit = media.maxptime.unwrap_or(60).max(10);
    let wish = wish.min(limit) / 10 * 10;
    fit_ptime(codec, Ptime::new(wish).unwrap_or(ours))
}

/// Our direction: what the peer's leaves us (§6.1), within what we want.
fn direction(ours: Direction, media: &Media) -> Direction {
    let sends = ours.sends() && media.direction.receives() && !media.is_held_by_address();
    let receives = ours.receives() && media.direction.sends();
    match (sends, receives) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}
