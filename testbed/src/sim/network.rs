//! A network that delays, loses, repeats and reorders datagrams, as a seed wants it.

use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// How bad the network is.
#[derive(Debug, Clone, Copy)]
pub struct Quality {
    /// Probability that a datagram is lost.
    pub loss: f64,
    /// Probability that a datagram arrives twice.
    pub duplication: f64,
    /// Shortest way.
    pub fastest: Duration,
    /// Longest way; what lies between reorders.
    pub slowest: Duration,
}

impl Quality {
    /// A carrier's good network.
    pub const GOOD: Quality = Quality {
        loss: 0.0,
        duplication: 0.0,
        fastest: Duration::from_millis(2),
        slowest: Duration::from_millis(5),
    };

    /// Times from now at which a datagram arrives: none, one or two.
    pub(super) fn arrivals(&self, rng: &mut ChaCha8Rng) -> impl Iterator<Item = Duration> + use<> {
        let copies = match rng.random::<f64>() {
            draw if draw < self.loss => 0,
            draw if draw < self.loss + self.duplication => 2,
            _ => 1,
        };
        let span = self.slowest.saturating_sub(self.fastest);
        let delays: [Duration; 2] = std::array::from_fn(|_| self.fastest + span.mul_f64(rng.random()));
        delays.into_iter().take(copies)
    }
}
