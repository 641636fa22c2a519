//! How far the dialer's own schedule is from the best of the yardstick's.

use super::{Order, Times, schedule};
use crate::sim::{Report, Setup};

/// Campaigns of one shape, from several seeds.
///
/// Times are compared by their means over the seeds: which order serves a single campaign best is known only
/// afterwards, and picking it then would be foresight.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    ours: Vec<Times>,
    /// By order, as in [`Order::ALL`].
    others: Vec<Vec<Times>>,
    bounds: Vec<f64>,
    waste: Vec<f64>,
}

impl Comparison {
    /// Takes up one simulation of the whole program, and schedules the same campaign in every order.
    pub fn add(&mut self, setup: &Setup, report: &Report) {
        self.ours.push(Times::of(&report.reached, report.last_call));
        let others = Order::ALL.iter().map(|order| schedule(setup, *order));
        self.others.push(others.collect());
        self.bounds.push(report.bound.as_secs_f64());
        self.waste.push(report.waste);
    }

    /// Mean times of the dialer, in seconds.
    #[must_use]
    pub fn ours(&self) -> [f64; 4] {
        mean(self.ours.iter())
    }

    /// Mean times of an order, in seconds.
    #[must_use]
    pub fn of(&self, order: Order) -> [f64; 4] {
        let at = Order::ALL.iter().position(|known| *known == order).unwrap_or(0);
        mean(self.others.iter().map(|all| &all[at]))
    }

    /// How much longer the dialer takes than the best order for each of the times, as ratios.
    #[must_use]
    pub fn over_best(&self, is_clairvoyant: bool) -> [f64; 4] {
        let orders = Order::ALL
            .iter()
            .filter(|order| order.is_clairvoyant() == is_clairvoyant);
        let mut best = [f64::INFINITY; 4];
        for order in orders {
            let times = self.of(*order);
            best.iter_mut()
                .zip(times)
                .for_each(|(best, time)| *best = best.min(time));
        }
        let ours = self.ours();
        std::array::from_fn(|at| ours[at] / best[at].max(1e-9))
    }

    /// How much longer the dialer takes to the last call's end than the bound, as a ratio.
    #[must_use]
    pub fn over_bound(&self) -> f64 {
        let bound: f64 = self.bounds.iter().sum::<f64>() / self.bounds.len().max(1) as f64;
        self.ours()[3] / bound.max(1e-9)
    }

    /// The most channel time that was lost while somebody who was due waited: see [`crate::sim::waste`].
    #[must_use]
    pub fn most_waste(&self) -> f64 {
        self.waste.iter().copied().fold(0.0, f64::max)
    }
}

fn mean<'a>(times: impl Iterator<Item = &'a Times>) -> [f64; 4] {
    let (mut sums, mut count) = ([0.0; 4], 0.0);
    for times in times {
        count += 1.0;
        sums.iter_mut()
            .zip(times.0)
            .for_each(|(sum, time)| *sum += time.as_secs_f64());
    }
    sums.map(|sum| sum / f64::max(count, 1.0))
}
