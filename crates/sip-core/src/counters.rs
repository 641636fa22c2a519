//! Counts of what went over the wire.

use std::time::Duration;

use crate::event::TrunkId;
use crate::message::{Method, StatusCode};
use crate::slots::ByNumber;

/// In or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// From a peer.
    Received,
    /// From us.
    Sent,
}

/// The method of a counted message. Unknown methods are counted together, so that peers cannot grow the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Kind {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Register,
    Prack,
    Update,
    Info,
    Other,
}

impl Kind {
    /// The kind of a method.
    #[must_use]
    pub fn of(method: &Method) -> Kind {
        match method {
            Method::Invite => Kind::Invite,
            Method::Ack => Kind::Ack,
            Method::Bye => Kind::Bye,
            Method::Cancel => Kind::Cancel,
            Method::Options => Kind::Options,
            Method::Register => Kind::Register,
            Method::Prack => Kind::Prack,
            Method::Update => Kind::Update,
            Method::Info => Kind::Info,
            _ => Kind::Other,
        }
    }

    /// The label for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Invite => "INVITE",
            Kind::Ack => "ACK",
            Kind::Bye => "BYE",
            Kind::Cancel => "CANCEL",
            Kind::Options => "OPTIONS",
            Kind::Register => "REGISTER",
            Kind::Prack => "PRACK",
            Kind::Update => "UPDATE",
            Kind::Info => "INFO",
            Kind::Other => "other",
        }
    }
}

/// What is counted separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    /// The trunk, if the message belongs to one.
    pub trunk: Option<TrunkId>,
    /// In or out.
    pub direction: Direction,
    /// The method, for responses that of their request.
    pub kind: Kind,
    /// The status of a response; `None` for requests.
    pub status: Option<StatusCode>,
}

impl Label {
    /// The label as one well-spread number: a hash without a second look at its parts.
    fn number(self) -> u64 {
        let trunk = self.trunk.map_or(0, |trunk| u64::from(trunk.0) + 1);
        let status = self.status.map_or(0, |status| u64::from(status.code()));
        let parts = trunk << 16 | status << 6 | (self.kind as u64) << 1 | self.direction as u64;
        // An odd factor, so that no two labels meet.
        parts.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// Upper bounds of a histogram's classes, in milliseconds. What is longer is only in the sum and the count.
pub const BOUNDS_MS: [u32; 14] = [
    1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
];

/// How long something took, many times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// How often it took at most as long as the bound of the same place in [`BOUNDS_MS`], and longer than the bound before.
    pub classes: [u64; BOUNDS_MS.len()],
    /// How often.
    pub count: u64,
    /// All together.
    pub sum: Duration,
}

impl Histogram {
    fn note(&mut self, time: Duration) {
        let class = BOUNDS_MS
            .iter()
            .position(|&bound| time <= Duration::from_millis(bound.into()));
        if let Some(class) = class {
            self.classes[class] += 1;
        }
        self.count += 1;
        self.sum += time;
    }
}

/// The counts since the endpoint was made. Requests and responses are counted once; repeats separately.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    messages: ByNumber<(Label, u64)>,
    delays: ByNumber<(Label, Histogram)>,
    /// Messages sent again because no answer came.
    pub retransmissions: u64,
    /// Transactions that nobody answered.
    pub timeouts: u64,
    /// Datagrams and stream pieces that are not SIP, or faulty beyond an answer.
    pub unreadable: u64,
    /// Faulty requests that were answered 400 or alike.
    pub refused_faulty: u64,
    /// Requests from strangers that were answered 401, 403 or 503 without a trace.
    pub refused_strangers: u64,
    /// Requests that were dropped because the rate of refusals was exhausted, or a limit was reached.
    pub dropped: u64,
    /// Responses that match no request of ours.
    pub stray_responses: u64,
    /// CRLF keep-alives.
    pub keep_alives: u64,
}

impl Counters {
    pub(crate) fn count(
        &mut self,
        trunk: Option<TrunkId>,
        direction: Direction,
        method: &Method,
        status: Option<StatusCode>,
    ) {
        let label = Label {
            trunk,
            direction,
            kind: Kind::of(method),
            status,
        };
        self.messages.entry(label.number()).or_insert((label, 0)).1 += 1;
    }

    /// A response to a request of ours came after so long.
    pub(crate) fn note_delay(&mut self, trunk: Option<TrunkId>, method: &Method, status: StatusCode, time: Duration) {
        let label = Label {
            trunk,
            direction: Direction::Received,
            kind: Kind::of(method),
            status: Some(status),
        };
        let (_, histogram) = self
            .delays
            .entry(label.number())
            .or_insert_with(|| (label, Histogram::default()));
        histogram.note(time);
    }

    /// All message counts.
    pub fn messages(&self) -> impl Iterator<Item = (Label, u64)> + '_ {
        self.messages.values().copied()
    }

    /// How long responses took, from the request's first sending: by trunk, method and status.
    pub fn delays(&self) -> impl Iterator<Item = (Label, &Histogram)> + '_ {
        self.delays.values().map(|(label, histogram)| (*label, histogram))
    }

    /// One message count.
    #[must_use]
    pub fn get(&self, label: Label) -> u64 {
        self.messages.get(&label.number()).map_or(0, |(_, count)| *count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_meet() {
        let mut counters = Counters::default();
        let statuses = (100..700).filter_map(StatusCode::new).map(Some).chain([None]);
        for status in statuses {
            for trunk in [None, Some(TrunkId(0)), Some(TrunkId(1)), Some(TrunkId(u16::MAX))] {
                for method in [Method::Invite, Method::Info, Method::Refer] {
                    for direction in [Direction::Received, Direction::Sent] {
                        counters.count(trunk, direction, &method, status);
                    }
                }
            }
        }
        assert_eq!(counters.messages().count(), 601 * 4 * 3 * 2);
        assert!(counters.messages().all(|(_, count)| count == 1));
    }

    #[test]
    fn a_histogram_has_each_time_in_one_class() {
        let mut histogram = Histogram::default();
        for ms in [0, 1, 2, 60_000, 60_001] {
            histogram.note(Duration::from_millis(ms));
        }
        assert_eq!((histogram.classes[0], histogram.classes[1]), (2, 1));
        assert_eq!(histogram.classes[BOUNDS_MS.len() - 1], 1);
        assert_eq!((histogram.count, histogram.classes.iter().sum::<u64>()), (5, 4));
    }
}
