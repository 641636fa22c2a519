//! What is known of a call's media when it ends, for the attempt's record.

use std::time::Duration;

/// Counts and quality of one call's media.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// RTP packets sent.
    pub sent: u64,
    /// RTP packets accepted from the peer.
    pub received: u64,
    /// Payload bytes sent.
    pub sent_bytes: u64,
    /// Payload bytes accepted.
    pub received_bytes: u64,
    /// Packets of the peer that never came (RFC 3550 A.3); duplicates do not make it negative.
    pub lost: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Packets that came after a later one.
    pub reordered: u64,
    /// Interarrival jitter at the end (RFC 3550 A.8), in milliseconds.
    pub jitter_ms: f32,
    /// The highest jitter seen, in milliseconds.
    pub max_jitter_ms: f32,
    /// Loss of what we sent, as the peer's last RTCP report tells it, in packets.
    pub remote_lost: Option<u64>,
    /// Jitter of what we sent, as the peer's last RTCP report tells it, in milliseconds.
    pub remote_jitter_ms: Option<f32>,
    /// Round trip by RTCP (RFC 3550 §6.4.1): the last one measured.
    pub round_trip: Option<Duration>,
    /// RTCP packets sent.
    pub rtcp_sent: u64,
    /// RTCP packets accepted.
    pub rtcp_received: u64,
    /// Packets refused because they came from somebody else than the peer: injection, or another call's bleed.
    pub foreign: u64,
    /// Packets refused because they are not RTP, carry an unknown payload type, or an SSRC or a sender on trial.
    pub refused: u64,
    /// SRTP packets refused: wrong authentication, or replayed.
    pub srtp_refused: u64,
    /// Times the peer changed its SSRC.
    pub ssrc_changes: u32,
    /// Times the peer changed its address within what signalling allows.
    pub source_changes: u32,
    /// Our own packets that the kernel refused.
    pub send_errors: u64,
    /// Keys heard.
    pub digits: u32,
    /// From the opening to the first accepted packet.
    pub first_packet_after: Option<Duration>,
    /// From the opening to the close.
    pub duration: Duration,
}

impl Stats {
    /// Share of the peer's packets that were lost, 0 to 1.
    pub fn loss(&self) -> f64 {
        let expected = self.received + self.lost;
        if expected == 0 {
            0.0
        } else {
            self.lost as f64 / expected as f64
        }
    }
}
