//! RTCP of one call: reports each way, and what the peer's reports say of our packets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{DATAGRAM_MAX, Stream, Surroundings};
use crate::rtcp::{self, Block, Item, NtpClock, SenderPart};
use crate::session::Rtcp;
use crate::stats::Stats;

/// Least time between reports on average (RFC 3550 §6.2).
const INTERVAL: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Reports {
    next: Instant,
    /// Middle of the NTP time of the peer's last sender report, and when it came.
    last: Option<(u32, Instant)>,
    round_trip: Option<Duration>,
    remote_lost: Option<i32>,
    remote_jitter: Option<u32>,
    /// Our clock sampled with the last report, to place it in RTP units.
    sent: u64,
    received: u64,
}

impl Reports {
    pub(super) fn new(now: Instant, rng: &mut ChaCha8Rng) -> Reports {
        // The first one after half the interval (§6.2).
        let next = now + spread(INTERVAL / 2, rng);
        Reports {
            next,
            last: None,
            round_trip: None,
            remote_lost: None,
            remote_jitter: None,
            sent: 0,
            received: 0,
        }
    }

    pub(super) fn add_to(&self, stats: &mut Stats, clock: u32) {
        stats.rtcp_sent = self.sent;
        stats.rtcp_received = self.received;
        stats.round_trip = self.round_trip;
        stats.remote_lost = self.remote_lost.map(|lost| lost.max(0) as u64);
        stats.remote_jitter_ms = self.remote_jitter.map(|units| units as f32 * 1000.0 / clock as f32);
    }
}

/// Between half and one and a half of `interval` (§6.3.1), so that thousands of calls do not report at once.
fn spread(interval: Duration, rng: &mut ChaCha8Rng) -> Duration {
    interval.mul_f32(rng.random_range(0.5..1.5))
}

impl Stream {
    /// Where our RTCP goes: `None` if the peer wants none. True beside it if it shares the RTP port.
    pub(crate) fn rtcp_target(&self) -> Option<(SocketAddr, bool)> {
        let mut target = self.ingress.target();
        match self.session.rtcp {
            Rtcp::Off => None,
            Rtcp::Mux => Some((target, true)),
            Rtcp::At(address) => Some((address, false)),
            Rtcp::NextPort => {
                target.set_port(target.port().checked_add(1)?);
                Some((target, false))
            }
        }
    }

    /// Is a report due?
    pub(crate) fn is_report_due(&self, now: Instant) -> bool {
        now >= self.reports.next
    }

    /// The report that is due, or the last one with its BYE, written into `buffer`; its length.
    pub(crate) fn next_report(
        &mut self,
        now: Instant,
        buffer: &mut [u8; DATAGRAM_MAX],
        around: &mut Surroundings<'_>,
        cname: &str,
        is_bye: bool,
    ) -> Option<usize> {
        self.reports.next = now + spread(INTERVAL, around.rng);
        let sender = (self.out.sent > 0).then(|| SenderPart {
            ntp: around.clock.ntp(now),
            rtp: self.out.timestamp,
            packets: self.out.sent as u32,
            bytes: self.out.sent_bytes as u32,
        });
        let (last_report, delay) = match self.reports.last {
            Some((middle, came)) => (middle, fractions(now.saturating_duration_since(came))),
            None => (0, 0),
        };
        let block = self.ingress.reception_mut().map(|reception| Block {
            ssrc: reception.ssrc,
            fraction_lost: reception.take_fraction_lost(),
            lost: reception.lost() as i32,
            highest: reception.highest(),
            jitter: reception.jitter(),
            last_report,
            delay,
        });
        let mut compound = [0; rtcp::MAX_LEN];
        let len = rtcp::write(&mut compound, self.out.ssrc, sender, block, cname, is_bye);
        buffer[..len].copy_from_slice(&compound[..len]);
        self.reports.sent += 1;
        self.seal(len, buffer, true)
    }

    /// RTCP came at `at`. `from` is `None` on a shared port, whose sender was checked already.
    pub(crate) fn handle_rtcp(
        &mut self,
        at: Instant,
        from: Option<SocketAddr>,
        bytes: &[u8],
        around: &mut Surroundings<'_>,
    ) {
        let promised = self.rtcp_target().is_some_and(|(target, _)| {
            from.is_none_or(|from| from.ip() == target.ip() || from.ip() == self.ingress.target().ip())
        });
        if !promised {
            return self.ingress.count_foreign();
        }
        if self.session.srtp.is_none() {
            return self.read_rtcp(at, bytes, around.clock);
        }
        match self
            .protection
            .as_mut()
            .and_then(|protection| protection.unprotect_rtcp(at, bytes))
        {
            Some(plain) => self.read_rtcp(at, &plain, around.clock),
            None => self.ingress.count_srtp_refused(),
        }
    }

    fn read_rtcp(&mut self, at: Instant, bytes: &[u8], clock: &NtpClock) {
        let ours = self.out.ssrc;
        let theirs = self.ingress.reception().map(|reception| reception.ssrc);
        let reports = &mut self.reports;
        let is_rtcp = rtcp::read(bytes, |item| match item {
            Item::Sender { ssrc, part } if theirs == Some(ssrc) => {
                reports.last = Some(((part.ntp >> 16) as u32, at));
            }
            Item::Block { block, .. } if block.ssrc == ours => {
                reports.remote_lost = Some(block.lost);
                reports.remote_jitter = Some(block.jitter);
                if let Some(trip) = rtcp::round_trip(clock, at, &block) {
                    reports.round_trip = Some(trip);
                }
            }
            // A BYE changes nothing: signalling ends calls, and a forged one must not.
            Item::Sender { .. } | Item::Block { .. } | Item::Bye { .. } => {}
        });
        if is_rtcp {
            self.reports.received += 1;
        } else {
            self.ingress.count_refused();
        }
    }
}

/// In units of 1/65536 s.
fn fractions(time: Duration) -> u32 {
    (time.as_micros() * 65_536 / 1_000_000).min(u128::from(u32::MAX)) as u32
}
