//! Figures of a probe.

use std::collections::BTreeMap;

use rtp_media::Stats;
use serde::Serialize;

use super::Failure;

/// Figures over all calls of a probe.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Totals {
    /// INVITEs sent, or refused here for want of a port.
    pub placed: u64,
    /// Calls not over yet.
    pub in_progress: u64,
    /// Calls answered so far.
    pub answered: u64,
    /// Calls answered and not over.
    pub up: u64,
    /// Most calls up at once.
    pub peak: u64,
    /// Calls never answered, all told.
    pub failed: u64,
    /// The same by cause.
    pub failed_by_cause: BTreeMap<Failure, u64>,
    /// Keys heard.
    pub digits: u64,
    /// The same by how they came.
    pub digits_by_source: BTreeMap<String, u64>,
    /// RTP packets sent on closed calls.
    pub rtp_sent: u64,
    /// RTP packets received on closed calls.
    pub rtp_received: u64,
    /// RTP packets lost on the way to us.
    pub rtp_lost: u64,
    /// Largest jitter of a closed call (RFC 3550 §6.4.1), in milliseconds.
    pub rtp_max_jitter_ms: f32,
    /// Calls whose far end told of packets lost on the way to it.
    pub calls_with_remote_loss: u64,
    #[serde(skip)]
    jitter_sum: f64,
    #[serde(skip)]
    closed: u64,
}

impl Totals {
    /// Mean jitter over the closed calls, in milliseconds.
    pub fn mean_jitter_ms(&self) -> f64 {
        if self.closed == 0 {
            0.0
        } else {
            self.jitter_sum / self.closed as f64
        }
    }

    /// Share of the packets that were lost on the way to us, from 0 to 1.
    pub fn loss(&self) -> f64 {
        let expected = self.rtp_received + self.rtp_lost;
        if expected == 0 {
            0.0
        } else {
            self.rtp_lost as f64 / expected as f64
        }
    }

    pub(super) fn fail(&mut self, cause: Failure) {
        self.failed += 1;
        *self.failed_by_cause.entry(cause).or_default() += 1;
    }

    pub(super) fn add_media(&mut self, stats: &Stats) {
        self.rtp_sent += stats.sent;
        self.rtp_received += stats.received;
        self.rtp_lost += stats.lost;
        self.rtp_max_jitter_ms = self.rtp_max_jitter_ms.max(stats.jitter_ms);
        self.jitter_sum += f64::from(stats.jitter_ms);
        self.closed += 1;
        self.calls_with_remote_loss += u64::from(stats.remote_lost.is_some_and(|lost| lost > 0));
    }
}
