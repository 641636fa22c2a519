//! What `tocsin trace` shows: the last messages of the last calls, kept within bounds, as a ladder or as a capture file.
//!
//! The recorder does no I/O and knows no clock: the driver's tap feeds it, and the caller says when it began.

mod filter;
mod ladder;
mod pcap;
mod redact;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use crate::flow::Flow;
use crate::message::{Headers, Limits, Message, Parsed, Scheme, Uri, parse_datagram};

pub use filter::Filter;
pub use ladder::{ladder, line};
pub use pcap::{Pcap, write_pcap};
pub use redact::redact;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the peer to us.
    Received,
    /// From us to the peer.
    Sent,
}

#[cfg(feature = "tokio")]
impl From<crate::driver::Heading> for Direction {
    fn from(heading: crate::driver::Heading) -> Self {
        match heading {
            crate::driver::Heading::In => Direction::Received,
            crate::driver::Heading::Out => Direction::Sent,
        }
    }
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Calls (Call-IDs). When one more comes, the oldest is forgotten.
    pub calls: usize,
    /// Messages of one call. When one more comes, the oldest of this call is forgotten.
    pub messages: usize,
    /// Bytes of messages, all calls together. Beyond it the oldest calls are forgotten.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            calls: 10_000,
            messages: 200,
            bytes: 64 << 20,
        }
    }
}

/// One message and its circumstances.
#[derive(Debug, Clone)]
pub struct Record {
    /// When it was seen, since 1970 (UTC).
    pub time: Duration,
    /// Which way it went.
    pub direction: Direction,
    /// Between whom.
    pub flow: Flow,
    /// The message as on the wire.
    pub bytes: Bytes,
}

/// The messages with one Call-ID.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// The Call-ID; empty for what has none.
    pub call_id: String,
    /// Users in Request-URI, From and To of its messages, escapes resolved: telephone numbers, mostly.
    pub users: Vec<String>,
    /// The messages, in the order in which they were seen.
    pub records: VecDeque<Record>,
    /// How many older ones were forgotten.
    pub forgotten: u64,
}

/// Users noted for one call. More would be an attack, or no call.
const USERS: usize = 8;

/// Keeps the last messages of the last calls.
#[derive(Debug)]
pub struct Recorder {
    bounds: Bounds,
    start: Instant,
    start_time: Duration,
    traces: HashMap<String, Trace>,
    /// Call-IDs, the one that began first at the front.
    order: VecDeque<String>,
    bytes: usize,
}

impl Recorder {
    /// A recorder that begins at `start`, which was the time of day `time`. Times of records follow the monotonic clock from
    /// there, so that a step of the system's clock does not turn a ladder upside down.
    pub fn new(bounds: Bounds, start: Instant, time: SystemTime) -> Self {
        let start_time = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Recorder {
            bounds,
            start,
            start_time,
            traces: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Keeps a message. Keep-alives are not kept. Gives the record as it was kept, for a live view, and the call's trace.
    pub fn record(
        &mut self,
        now: Instant,
        direction: Direction,
        flow: Flow,
        bytes: &[u8],
    ) -> Option<(&Record, &Trace)> {
        let bytes = Bytes::copy_from_slice(bytes);
        let parsed = parse_datagram(bytes.clone(), &Limits::default());
        let (headers, uri) = match &parsed {
            Parsed::Message(Message::Request(request)) | Parsed::Faulty { request, .. } => {
                (Some(request.headers()), request.uri().ok())
            }
            Parsed::Message(Message::Response(response)) => (Some(response.headers()), None),
            Parsed::KeepAlive => return None,
            Parsed::Unreadable(_) => (None, None),
        };
        let call_id = headers.and_then(|headers| headers.call_id().ok()).unwrap_or_default();
        if !self.traces.contains_key(call_id) {
            self.begin(call_id);
        }
        let trace = self.traces.get_mut(call_id)?;
        if trace.users.len() < USERS {
            trace.note_users(headers, uri.as_ref());
        }
        let time = self.start_time + now.saturating_duration_since(self.start);
        self.bytes += bytes.len();
        trace.records.push_back(Record {
            time,
            direction,
            flow,
            bytes,
        });
        if trace.records.len() > self.bounds.messages.max(1)
            && let Some(old) = trace.records.pop_front()
        {
            self.bytes -= old.bytes.len();
            trace.forgotten += 1;
        }
        while self.bytes > self.bounds.bytes && self.order.front().is_some_and(|oldest| oldest != call_id) {
            self.forget_oldest();
        }
        let trace = self.traces.get(call_id)?;
        trace.records.back().map(|record| (record, trace))
    }

    fn begin(&mut self, call_id: &str) {
        while self.order.len() >= self.bounds.calls.max(1) {
            self.forget_oldest();
        }
        self.order.push_back(call_id.to_owned());
        self.traces.insert(
            call_id.to_owned(),
            Trace {
                call_id: call_id.to_owned(),
                ..Trace::default()
            },
        );
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.order.pop_front() else { return };
        if let Some(trace) = self.traces.remove(&oldest) {
            self.bytes -= trace.records.iter().map(|record| record.bytes.len()).sum::<usize>();
        }
    }

    /// The traces that `filter` lets through, the call that began first at the front.
    pub fn traces(&self, filter: &Filter) -> Vec<&Trace> {
        let traces = self.order.iter().filter_map(|call_id| self.traces.get(call_id));
        traces.filter(|trace| filter.matches(trace)).collect()
    }

    /// How many calls and how many bytes are kept.
    pub fn size(&self) -> (usize, usize) {
        (self.traces.len(), self.bytes)
    }
}

impl Trace {
    fn note_users(&mut self, headers: Option<&Headers>, uri: Option<&Uri>) {
        // Within a dialog the Request-URI is a Contact, which tells no number.
        let is_in_dialog = headers.is_some_and(|headers| headers.to().is_ok_and(|to| to.tag().is_some()));
        let target = uri.filter(|_| !is_in_dialog).cloned();
        let addresses = headers
            .into_iter()
            .flat_map(|headers| [headers.from(), headers.to()])
            .flatten();
        for uri in target.into_iter().chain(addresses.map(|address| address.uri().clone())) {
            if uri.scheme() == Scheme::Other || self.users.len() >= USERS {
                continue;
            }
            let Some(user) = uri.user_decoded() else { continue };
            let user = crate::message::text(&user).into_owned();
            if !self.users.contains(&user) {
                self.users.push(user);
            }
        }
    }
}

#[cfg(test)]
mod tests;
