//! The quality of a trunk, from its calls and its outages.

use super::delays::{Delays, quantile};
use super::{Activity, Call, Incident, Trouble};
use crate::Outcome;
use serde::Serialize;

/// One trunk in a period.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct TrunkFigures {
    /// Its name.
    pub name: String,
    /// Calls that it was given and that we did not take back: seizures (ITU-T E.411).
    pub seizures: u64,
    /// Of these, calls that somebody or something answered. `answered / seizures` is the answer-seizure ratio (ASR).
    pub answered: u64,
    /// Of these, calls that the network brought to their end: answered, busy, not answered, or refused by the person.
    /// `delivered / seizures` is the network effectiveness ratio (NER, ITU-T E.425).
    pub delivered: u64,
    /// Calls that the carrier refused for congestion or did not answer.
    pub congested: u64,
    /// From the INVITE to the first sign of the called telephone.
    pub post_dial: Option<Delays>,
    /// Time spent talking, in milliseconds; divided by `answered`, the mean length of a call (ACD).
    pub talking_ms: u64,
    /// RTP packets that came.
    pub packets_received: u64,
    /// RTP packets that were lost on the way to us.
    pub packets_lost: u64,
    /// RTP packets of ours, in calls whose far end reported.
    pub packets_reported: u64,
    /// Of these, packets that the far end reports lost.
    pub remote_lost: u64,
    /// Half of the calls with sound had at most this jitter, in microseconds.
    pub jitter_median_us: Option<u32>,
    /// 95 % of the calls with sound had at most this jitter, in microseconds.
    pub jitter_most_us: Option<u32>,
    /// Half of the calls that measured one had at most this round trip, in microseconds.
    pub round_trip_us: Option<u32>,
    /// Billed seconds.
    pub billed_seconds: u64,
    /// Cost in millionths of a euro.
    pub cost_micros: u64,
    /// Outages.
    pub outages: u64,
    /// Time that it was down, in milliseconds.
    pub outage_ms: u64,
}

impl TrunkFigures {
    /// Share of the packets sent to us that were lost, 0 to 1; `None` without any sound.
    #[must_use]
    pub fn loss(&self) -> Option<f64> {
        ratio(self.packets_lost, self.packets_lost + self.packets_received)
    }

    /// Share of our packets that were lost, 0 to 1; `None` when no far end reported.
    #[must_use]
    pub fn remote_loss(&self) -> Option<f64> {
        ratio(self.remote_lost, self.packets_reported)
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// What is gathered call by call, and summed up at the end.
#[derive(Default)]
struct Gathered {
    figures: TrunkFigures,
    post_dial: Vec<u64>,
    jitter: Vec<u32>,
    round_trip: Vec<u32>,
}

impl Gathered {
    fn take(&mut self, call: &Call) {
        let figures = &mut self.figures;
        figures.billed_seconds += u64::from(call.bill.seconds);
        figures.cost_micros += call.bill.micros;
        // A call that we took back, or whose end nobody knows, says nothing about the trunk.
        let Some(outcome) = call
            .outcome
            .filter(|outcome| !matches!(outcome, Outcome::Cancelled | Outcome::Unknown))
        else {
            return;
        };
        figures.seizures += 1;
        let is_answered = outcome.is_answered() || call.talking_ms > 0;
        figures.answered += u64::from(is_answered);
        let is_delivered = matches!(outcome, Outcome::Busy | Outcome::NoAnswer | Outcome::Rejected { .. });
        figures.delivered += u64::from(is_answered || is_delivered);
        figures.congested += u64::from(matches!(outcome, Outcome::Congestion { .. }));
        figures.talking_ms += u64::from(call.talking_ms);
        let quality = &call.quality;
        figures.packets_received += u64::from(quality.packets_received);
        figures.packets_lost += u64::from(quality.packets_lost);
        if let Some(lost) = quality.remote_lost {
            figures.packets_reported += u64::from(quality.packets_sent);
            figures.remote_lost += u64::from(lost.min(quality.packets_sent));
        }
        self.post_dial.extend(quality.post_dial_ms.map(u64::from));
        self.round_trip.extend(quality.round_trip_us);
        if quality.packets_received > 0 {
            self.jitter.push(quality.jitter_us);
        }
    }

    fn done(mut self, name: String, incidents: &[Incident], activity: &Activity) -> TrunkFigures {
        self.jitter.sort_unstable();
        self.round_trip.sort_unstable();
        let outages = incidents
            .iter()
            .filter(|incident| matches!(&incident.trouble, Trouble::TrunkDown { trunk } if *trunk == name));
        let lasted: Vec<u64> = outages
            .map(|incident| incident.within(activity.span, activity.at_ms))
            .collect();
        TrunkFigures {
            name,
            post_dial: Delays::of(self.post_dial),
            jitter_median_us: quantile(&self.jitter, 50),
            jitter_most_us: quantile(&self.jitter, 95),
            round_trip_us: quantile(&self.round_trip, 50),
            outages: lasted.len() as u64,
            outage_ms: lasted.iter().sum(),
            ..self.figures
        }
    }
}

/// The trunks of the activity, from the calls given. Trunks that had neither a call nor an outage are left out.
pub(super) fn figures<'a>(activity: &Activity, calls: impl Iterator<Item = &'a Call>) -> Vec<TrunkFigures> {
    let mut gathered: Vec<Gathered> = activity.trunks.iter().map(|_| Gathered::default()).collect();
    for call in calls {
        if let Some(trunk) = gathered.get_mut(usize::from(call.trunk)) {
            trunk.take(call);
        }
    }
    let trunks = gathered.into_iter().zip(&activity.trunks);
    trunks
        .map(|(trunk, name)| trunk.done(name.clone(), &activity.incidents, activity))
        .filter(|trunk| trunk.seizures > 0 || trunk.outages > 0 || trunk.billed_seconds > 0)
        .collect()
}
