//! What calls showed of telephones, those that were cut short included.
//!
//! A call that we hang up because the person confirmed on another number does not tell how it would have ended, but it does
//! tell that it had not ended until then. Left out, it would make calls look shorter than they are: the long ones are cut.
//! Each of the two phases of a call (until the answer, from the answer on) is therefore estimated as Aalen and Johansen do
//! for competing ends under censoring ("An empirical transition matrix…", 1978): what was cut counts among those at risk
//! until it was cut.

use super::assumptions::{Assumptions, THANKS};
use crate::campaign::Attempt;
use crate::member::is_text;
use crate::{CallPhase, Cause, Outcome};
use std::time::Duration;

/// Attempts that weigh as much as what was assumed before.
const WEIGHT: f64 = 50.0;
/// Length of a cell of time.
const CELL_MS: u32 = 500;
/// What lasts longer than all cells lies in the last one.
const CELLS: usize = 400;

/// How a call that is not answered ends, the answer being one of the ends.
#[derive(Debug, Clone, Copy)]
enum Ring {
    Answered,
    Unreachable,
    Busy,
    Rejected,
    Failed,
    Congested,
    NoAnswer,
}

/// How a call that was answered ends.
#[derive(Debug, Clone, Copy)]
enum Talk {
    Confirmed,
    NotConfirmed,
    HungUp,
    Machine,
}

/// Attempts that are over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed {
    ringing: Phase<7>,
    talking: Phase<4>,
}

/// One phase of calls: how many ended in which way in which cell of time.
#[derive(Debug, Clone)]
struct Phase<const ENDS: usize> {
    cells: Vec<Cell<ENDS>>,
}

#[derive(Debug, Clone, Copy)]
struct Cell<const ENDS: usize> {
    ended: [Tally; ENDS],
    cut: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    count: u64,
    sum_ms: u64,
}

/// One way to end: its share of all, and its mean time in seconds.
#[derive(Debug, Clone, Copy, Default)]
struct End {
    share: f64,
    mean: f64,
}

impl<const ENDS: usize> Default for Phase<ENDS> {
    fn default() -> Self {
        Self { cells: Vec::new() }
    }
}

impl<const ENDS: usize> Phase<ENDS> {
    fn cell(&mut self, ms: u32) -> &mut Cell<ENDS> {
        let at = ((ms / CELL_MS) as usize).min(CELLS - 1);
        if self.cells.len() <= at {
            let empty = Cell {
                ended: [Tally::default(); ENDS],
                cut: 0,
            };
            self.cells.resize(at + 1, empty);
        }
        &mut self.cells[at]
    }

    fn end(&mut self, end: usize, ms: u32) {
        let tally = &mut self.cell(ms).ended[end];
        tally.count += 1;
        tally.sum_ms += u64::from(ms);
    }

    fn add(&mut self, other: &Self) {
        for (at, cell) in other.cells.iter().enumerate() {
            let known = self.cell(at as u32 * CELL_MS);
            known.cut += cell.cut;
            for (known, tally) in known.ended.iter_mut().zip(&cell.ended) {
                known.count += tally.count;
                known.sum_ms += tally.sum_ms;
            }
        }
    }

    fn count(&self) -> f64 {
        let count = |cell: &Cell<ENDS>| cell.cut + cell.ended.iter().map(|tally| tally.count).sum::<u64>();
        self.cells.iter().map(count).sum::<u64>() as f64
    }

    /// The ends as they would have been had nothing been cut.
    fn ends(&self) -> [End; ENDS] {
        let mut ends = [End::default(); ENDS];
        let (mut at_risk, mut left) = (self.count(), 1.0);
        for cell in &self.cells {
            let mut ended = 0.0;
            for (end, tally) in ends.iter_mut().zip(&cell.ended).filter(|(_, tally)| tally.count > 0) {
                let count = tally.count as f64;
                let share = left * count / at_risk;
                end.share += share;
                end.mean += share * tally.sum_ms as f64 / count / 1e3;
                ended += count;
            }
            left *= 1.0 - ended / at_risk.max(1.0);
            at_risk -= ended + cell.cut as f64;
        }
        // Of what was cut later than anything ended no more is known than of the rest.
        let known: f64 = ends.iter().map(|end| end.share).sum();
        for end in ends.iter_mut().filter(|end| end.share > 0.0) {
            end.mean /= end.share;
            end.share /= known;
        }
        ends
    }
}

impl Observed {
    /// Takes up one attempt that is over.
    pub(crate) fn add(&mut self, attempt: &Attempt) {
        let Some(outcome) = attempt.outcome.filter(|_| !is_text(attempt.slot)) else {
            return;
        };
        let (ringing, talking) = (attempt.ringing_ms, attempt.talking_ms);
        let ring = match outcome.cause() {
            Cause::Confirmed | Cause::NotConfirmed | Cause::HungUpEarly | Cause::Machine => Ring::Answered,
            Cause::Cancelled if talking > 0 => Ring::Answered,
            Cause::Cancelled => {
                // What was never placed says nothing.
                if ringing > 0 {
                    self.ringing.cell(ringing).cut += 1;
                }
                return;
            }
            Cause::Unreachable => Ring::Unreachable,
            Cause::Busy => Ring::Busy,
            Cause::Rejected => Ring::Rejected,
            Cause::Failed => Ring::Failed,
            Cause::Congestion => Ring::Congested,
            Cause::NoAnswer => Ring::NoAnswer,
            // What nobody knows the end of says nothing either.
            Cause::Unknown | Cause::Sent | Cause::Delivered => return,
        };
        self.ringing.end(ring as usize, ringing);
        let thanks = THANKS.as_millis() as u32;
        match outcome {
            // The key came before the thanks.
            Outcome::Confirmed => self
                .talking
                .end(Talk::Confirmed as usize, talking.saturating_sub(thanks)),
            Outcome::Machine { .. } => self.talking.end(Talk::Machine as usize, talking),
            Outcome::Cancelled => self.talking.cell(talking).cut += 1,
            _ => match outcome.cause() {
                Cause::NotConfirmed => self.talking.end(Talk::NotConfirmed as usize, talking),
                Cause::HungUpEarly => self.talking.end(Talk::HungUp as usize, talking),
                _ => {}
            },
        }
    }

    /// Takes up one attempt that is not over: it has lasted this long, and how it ends is not known. Left out, calls that
    /// end soon (busy lines, wrong numbers) would seem more frequent than they are while a campaign is young.
    pub(crate) fn add_live(&mut self, attempt: &Attempt, now_ms: i64) {
        if is_text(attempt.slot) {
            return;
        }
        let age = attempt.age_ms(now_ms);
        if attempt.phase == CallPhase::Speaking {
            self.ringing.end(Ring::Answered as usize, attempt.ringing_ms);
            self.talking.cell(age.saturating_sub(attempt.ringing_ms)).cut += 1;
        } else {
            self.ringing.cell(age).cut += 1;
        }
    }

    /// Takes up what another campaign observed.
    pub(crate) fn join(&mut self, other: &Self) {
        self.ringing.add(&other.ringing);
        self.talking.add(&other.talking);
    }

    /// What was assumed, corrected by what was seen; the more was seen, the less counts what was assumed.
    pub(crate) fn correct(&self, assumed: &Assumptions) -> Assumptions {
        let (ring, talk) = (self.ringing.ends(), self.talking.ends());
        let (all, answered) = (self.ringing.count(), ring[Ring::Answered as usize]);
        let share = |seen: f64, assumed: u32| {
            let part = (seen * all + f64::from(assumed) / 1e6 * WEIGHT) / (all + WEIGHT);
            (part * 1e6) as u32
        };
        let of_ring = |end: Ring, assumed| share(ring[end as usize].share, assumed);
        let of_talk = |end: Talk, assumed| share(answered.share * talk[end as usize].share, assumed);
        let mean = |count: f64, mean: f64, assumed: Duration| {
            let sum = mean * count + assumed.as_secs_f64() * WEIGHT;
            Duration::from_secs_f64(sum / (count + WEIGHT))
        };
        let talking = |end: Talk, assumed| {
            let End { share, mean: seen } = talk[end as usize];
            mean(all * answered.share * share, seen, assumed)
        };
        let failures = [Ring::Unreachable, Ring::Busy, Ring::Rejected, Ring::Failed].map(|end| ring[end as usize]);
        let failed: f64 = failures.iter().map(|end| end.share).sum();
        let fails_after = failures.iter().map(|end| end.share * end.mean).sum::<f64>() / failed.max(f64::MIN_POSITIVE);
        Assumptions {
            out_of_service: of_ring(Ring::Unreachable, assumed.out_of_service),
            confirmed: of_talk(Talk::Confirmed, assumed.confirmed),
            not_confirmed: of_talk(Talk::NotConfirmed, assumed.not_confirmed),
            hung_up: of_talk(Talk::HungUp, assumed.hung_up),
            machine: of_talk(Talk::Machine, assumed.machine),
            busy: of_ring(Ring::Busy, assumed.busy),
            rejected: of_ring(Ring::Rejected, assumed.rejected),
            failed: of_ring(Ring::Failed, assumed.failed),
            congested: of_ring(Ring::Congested, assumed.congested),
            answers_after: mean(all * answered.share, answered.mean, assumed.answers_after),
            confirms_after: talking(Talk::Confirmed, assumed.confirms_after),
            listens_for: talking(Talk::NotConfirmed, assumed.listens_for),
            hangs_up_after: talking(Talk::HungUp, assumed.hangs_up_after),
            fails_after: mean(all * failed, fails_after, assumed.fails_after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls that ring evenly between 0 and 20 s, each cut at an even moment between 0 and 20 s: those that remain are
    /// the short ones, and yet the mean comes out.
    #[test]
    fn what_is_cut_short_does_not_make_calls_look_short() {
        let mut phase: Phase<7> = Phase::default();
        let (mut sum, mut count) = (0, 0);
        for ring in 0..200u32 {
            for cut in 0..200u32 {
                if ring <= cut {
                    phase.end(Ring::Answered as usize, ring * 100);
                    (sum, count) = (sum + ring * 100, count + 1);
                } else {
                    phase.cell(cut * 100).cut += 1;
                }
            }
        }
        let naive = f64::from(sum) / f64::from(count) / 1e3;
        assert!(naive < 7.0, "{naive}");
        let end = phase.ends()[Ring::Answered as usize];
        assert!((end.mean - 9.95).abs() < 0.3, "{end:?}");
        assert!((end.share - 1.0).abs() < 1e-9, "{end:?}");
    }

    /// Half of the lines are busy at once, half ring for 20 s and are answered. After ten seconds the busy ones alone are over.
    #[test]
    fn calls_in_progress_keep_those_that_end_soon_from_seeming_frequent() {
        let mut phase: Phase<7> = Phase::default();
        for _ in 0..50 {
            phase.end(Ring::Busy as usize, 100);
        }
        assert!(
            (phase.ends()[Ring::Busy as usize].share - 1.0).abs() < 1e-9,
            "nothing else is known"
        );
        for age in 0..50 {
            phase.cell(9_000 + age * 20).cut += 1;
        }
        // One of them is answered.
        phase.end(Ring::Answered as usize, 10_500);
        let busy = phase.ends()[Ring::Busy as usize].share;
        assert!((busy - 0.5).abs() < 0.01, "{busy}");
    }

    #[test]
    fn without_cuts_shares_and_means_are_those_counted() {
        let mut phase: Phase<4> = Phase::default();
        for _ in 0..3 {
            phase.end(Talk::Confirmed as usize, 10_250);
        }
        phase.end(Talk::HungUp as usize, 1_000);
        let ends = phase.ends();
        assert!((ends[Talk::Confirmed as usize].share - 0.75).abs() < 1e-9);
        assert!((ends[Talk::Confirmed as usize].mean - 10.25).abs() < 1e-9);
        assert!((ends[Talk::HungUp as usize].share - 0.25).abs() < 1e-9);
    }
}
