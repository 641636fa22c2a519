//! SRTP and SRTCP (RFC 3711, RFC 7714) on `webrtc-srtp`, with the guards that a telephone line in the open needs.
//!
//! The library allocates one buffer for each packet; encrypted calls are the only ones that allocate in a steady tick.

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use webrtc_srtp::context::Context;
use webrtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use webrtc_srtp::protection_profile::ProtectionProfile;

use crate::session::{MasterKey, Srtp, Suite};

/// Packets that may come late without being taken for replays (RFC 3711 §3.3.2 asks for at least 64).
const REPLAY_WINDOW: usize = 128;
/// Senders that are remembered, so that packets of an earlier SSRC cannot be replayed.
const SENDERS: usize = 4;
/// Unknown SSRCs cost a key derivation each to be tried; more than one each while would be an attack.
const TRIAL_INTERVAL: Duration = Duration::from_millis(20);

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the SRTP keys do not fit {}: {reason}", .suite.name())]
pub struct KeyError {
    suite: Suite,
    reason: webrtc_srtp::Error,
}

/// Protection of one call, both ways.
pub(crate) struct Protection {
    suite: Suite,
    remote: MasterKey,
    outgoing: Context,
    /// The sender heard last is the first.
    incoming: Vec<(u32, Context)>,
    last_trial: Option<Instant>,
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protection")
            .field("suite", &self.suite)
            .finish_non_exhaustive()
    }
}

fn context(suite: Suite, key: &MasterKey) -> Result<Context, KeyError> {
    let profile = match suite {
        Suite::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Suite::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
        Suite::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Suite::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
    };
    let windows = (
        srtp_replay_protection(REPLAY_WINDOW),
        srtcp_replay_protection(REPLAY_WINDOW),
    );
    Context::new(&key.key, &key.salt, profile, Some(windows.0), Some(windows.1))
        .map_err(|reason| KeyError { suite, reason })
}

impl Protection {
    pub(crate) fn new(keys: &Srtp) -> Result<Protection, KeyError> {
        context(keys.suite, &keys.remote)?;
        Ok(Protection {
            suite: keys.suite,
            remote: keys.remote.clone(),
            outgoing: context(keys.suite, &keys.local)?,
            incoming: Vec::with_capacity(SENDERS),
            last_trial: None,
        })
    }

    /// Encrypts an RTP packet. `None` once the keys are worn out (2^48 packets).
    pub(crate) fn protect(&mut self, packet: &[u8]) -> Option<Bytes> {
        self.outgoing.encrypt_rtp(packet).ok()
    }

    /// Encrypts an RTCP compound.
    pub(crate) fn protect_rtcp(&mut self, packet: &[u8]) -> Option<Bytes> {
        self.outgoing.encrypt_rtcp(packet).ok()
    }

    /// Checks and decrypts an RTP packet. `None`: forged, replayed or damaged.
    pub(crate) fn unprotect(&mut self, now: Instant, packet: &[u8]) -> Option<Bytes> {
        let ssrc = u32::from_be_bytes(*packet.get(8..)?.first_chunk()?);
        self.with_sender(now, ssrc, |context| context.decrypt_rtp(packet).ok())
    }

    /// Checks and decrypts an RTCP compound.
    pub(crate) fn unprotect_rtcp(&mut self, now: Instant, packet: &[u8]) -> Option<Bytes> {
        let ssrc = u32::from_be_bytes(*packet.get(4..)?.first_chunk()?);
        // SRTCP ends with its index and a tag; the library trusts that the index is there.
        if packet.len() < 12 {
            return None;
        }
        self.with_sender(now, ssrc, |context| context.decrypt_rtcp(packet).ok())
    }

    /// A sender has a context of its own, made on trial, so that forged SSRCs leave no trace in memory.
    fn with_sender(&mut self, now: Instant, ssrc: u32, f: impl Fn(&mut Context) -> Option<Bytes>) -> Option<Bytes> {
        if let Some((_, context)) = self.incoming.iter_mut().find(|(known, _)| *known == ssrc) {
            return f(context);
        }
        if self
            .last_trial
            .is_some_and(|last| now.saturating_duration_since(last) < TRIAL_INTERVAL)
        {
            return None;
        }
        let mut context = context(self.suite, &self.remote).ok()?;
        match f(&mut context) {
            Some(plain) => {
                self.incoming.truncate(SENDERS - 1);
                self.incoming.insert(0, (ssrc, context));
                Some(plain)
            }
            None => {
                self.last_trial = Some(now);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::{Header, Packet};

    fn key(suite: Suite, fill: u8) -> MasterKey {
        MasterKey {
            key: vec![fill; suite.key_len()],
            salt: vec![fill ^ 0x5a; suite.salt_len()],
        }
    }

    fn pair(suite: Suite) -> (Protection, Protection) {
        let (a, b) = (key(suite, 1), key(suite, 2));
        let ours = Srtp {
            suite,
            local: a.clone(),
            remote: b.clone(),
        };
        let theirs = Srtp {
            suite,
            local: b,
            remote: a,
        };
        (Protection::new(&ours).unwrap(), Protection::new(&theirs).unwrap())
    }

    fn packet(sequence: u16, ssrc: u32) -> Vec<u8> {
        let header = Header {
            marker: false,
            payload_type: 8,
            sequence,
            timestamp: u32::from(sequence) * 160,
            ssrc,
        };
        [header.to_bytes().as_slice(), &[0xd5; 160]].concat()
    }

    #[test]
    fn every_suite_carries_packets_and_refuses_replays_and_forgeries() {
        let now = Instant::now();
        for suite in Suite::ALL {
            let (mut ours, mut theirs) = pair(suite);
            for sequence in 1..200 {
                let plain = packet(sequence, 7);
                let sealed = ours.protect(&plain).unwrap();
                assert_ne!(&sealed[12..], &plain[12..], "{suite:?}");
                let mut forged = sealed.to_vec();
                forged[20] ^= 1;
                assert_eq!(theirs.unprotect(now, &forged), None, "{suite:?}");
                if sequence == 1 {
                    continue; // The forged one was the trial of this SSRC.
                }
                let later = now + TRIAL_INTERVAL * 2;
                assert_eq!(
                    theirs.unprotect(later, &sealed).as_deref(),
                    Some(&plain[..]),
                    "{suite:?}"
                );
                assert_eq!(theirs.unprotect(later, &sealed), None, "{suite:?}: replayed");
            }
        }
    }

    #[test]
    fn the_rollover_counter_follows_the_wrap_of_the_sequence_in_any_order() {
        let (mut ours, mut theirs) = pair(Suite::AesCm128HmacSha1_80);
        let now = Instant::now();
        let order = [65_530, 65_533, 65_531, 65_535, 0, 65_534, 2, 1, 3];
        let mut sealed: Vec<(u16, Bytes)> = Vec::new();
        for step in 0..12u16 {
            let sequence = 65_530u16.wrapping_add(step);
            sealed.push((sequence, ours.protect(&packet(sequence, 7)).unwrap()));
        }
        for wanted in order {
            let (_, bytes) = sealed.iter().find(|(sequence, _)| *sequence == wanted).unwrap();
            assert_eq!(
                theirs.unprotect(now, bytes).as_deref(),
                Some(&packet(wanted, 7)[..]),
                "{wanted}"
            );
        }
    }

    #[test]
    fn packets_of_an_earlier_ssrc_cannot_be_replayed() {
        let (mut ours, mut theirs) = pair(Suite::AeadAes128Gcm);
        let now = Instant::now();
        let first = ours.protect(&packet(1, 7)).unwrap();
        let second = ours.protect(&packet(1, 8)).unwrap();
        assert!(theirs.unprotect(now, &first).is_some());
        assert!(theirs.unprotect(now, &second).is_some());
        assert!(theirs.unprotect(now, &first).is_none());
    }

    #[test]
    fn a_flood_of_forged_ssrcs_costs_few_trials_and_no_memory() {
        let (mut ours, mut theirs) = pair(Suite::AesCm128HmacSha1_32);
        let now = Instant::now();
        assert!(theirs.unprotect(now, &ours.protect(&packet(1, 7)).unwrap()).is_some());
        for forged in 100..1_100 {
            assert!(theirs.unprotect(now, &packet(1, forged)).is_none());
        }
        assert_eq!(theirs.incoming.len(), 1);
        assert!(theirs.unprotect(now, &ours.protect(&packet(2, 7)).unwrap()).is_some());
    }

    #[test]
    fn srtcp_is_sealed_and_replays_are_refused() {
        let now = Instant::now();
        for suite in Suite::ALL {
            let (mut ours, mut theirs) = pair(suite);
            let mut buffer = [0; crate::rtcp::MAX_LEN];
            let len = crate::rtcp::write(&mut buffer, 7, None, None, "call", true);
            let sealed = ours.protect_rtcp(&buffer[..len]).unwrap();
            assert_eq!(
                theirs.unprotect_rtcp(now, &sealed).as_deref(),
                Some(&buffer[..len]),
                "{suite:?}"
            );
            assert_eq!(theirs.unprotect_rtcp(now, &sealed), None, "{suite:?}");
        }
    }

    #[test]
    fn short_and_odd_datagrams_are_refused_without_panic() {
        let (_, mut theirs) = pair(Suite::AesCm128HmacSha1_80);
        for (n, len) in (0..60).enumerate() {
            let now = Instant::now() + TRIAL_INTERVAL * n as u32;
            for first in [0x80, 0x90, 0xbf, 0xa0] {
                let mut bytes = vec![0xff; len];
                if let Some(byte) = bytes.first_mut() {
                    *byte = first;
                }
                assert_eq!(theirs.unprotect(now, &bytes), None);
                assert_eq!(theirs.unprotect_rtcp(now, &bytes), None);
            }
        }
        let packet = packet(1, 1);
        assert!(Packet::parse(&packet).is_ok());
    }

    #[test]
    fn keys_of_the_wrong_length_are_refused() {
        let suite = Suite::AeadAes256Gcm;
        let keys = Srtp {
            suite,
            local: key(suite, 1),
            remote: key(Suite::AeadAes128Gcm, 2),
        };
        assert!(Protection::new(&keys).is_err());
    }
}
