//! A call's messages as a ladder: one column for each address, one arrow for each message.

use std::collections::HashSet;
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use super::{Direction, Record, Trace};
use crate::message::{Headers, Limits, Message, Name, Parsed, parse_datagram, text};

/// Width of the time column.
const TIME: usize = 14;
/// Smallest distance between two columns.
const GAP: usize = 30;

/// Draws a call. Times are UTC; the second and later ones are told as the distance from the first.
pub fn ladder(trace: &Trace) -> String {
    let columns = columns(trace);
    let labels: Vec<String> = trace.records.iter().map(|record| label(&record.bytes)).collect();
    let widest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let address = columns.iter().map(|addr| addr.to_string().len()).max().unwrap_or(0);
    let gap = GAP.max(widest + 8).max(address + 2);

    let mut out = String::new();
    let _ = writeln!(
        out,
        "Call-ID: {}",
        if trace.call_id.is_empty() {
            "(none)"
        } else {
            &trace.call_id
        }
    );
    if !trace.users.is_empty() {
        let _ = writeln!(out, "Users: {}", trace.users.join(", "));
    }
    if trace.forgotten > 0 {
        let _ = writeln!(out, "{} older messages were not kept.", trace.forgotten);
    }
    let mut head = " ".repeat(TIME);
    for (i, addr) in columns.iter().enumerate() {
        let addr = addr.to_string();
        // Each address is centred over its column, as far as the line's beginning allows.
        let start = (TIME + i * gap).saturating_sub(addr.len() / 2);
        let used = head.chars().count();
        let _ = write!(head, "{}{addr}", " ".repeat(start.saturating_sub(used)));
    }
    let _ = writeln!(out, "{}", head.trim_end());

    let mut seen = HashSet::new();
    let mut first = None;
    for (record, label) in trace.records.iter().zip(&labels) {
        let time = match first {
            None => clock(record.time),
            Some(first) => distance(record.time.saturating_sub(first)),
        };
        first = first.or(Some(record.time));
        let is_repeated = !seen.insert((record.direction, record.flow, &record.bytes));
        let (from, to) = ends(record);
        let place = |addr: SocketAddr| columns.iter().position(|column| *column == addr).unwrap_or(0);
        let rungs = rungs(columns.len(), gap, place(from), place(to), label);
        let again = if is_repeated { "  (again)" } else { "" };
        let _ = writeln!(out, "{time:>width$} {rungs}{again}", width = TIME - 1);
    }
    out
}

/// One message in one line, for a live view.
pub fn line(record: &Record) -> String {
    let arrow = match record.direction {
        Direction::Received => "<-",
        Direction::Sent => "->",
    };
    let call_id = match headers(&record.bytes, |headers| headers.call_id().ok().map(str::to_owned)).flatten() {
        Some(call_id) => format!("  {call_id}"),
        None => String::new(),
    };
    format!(
        "{} {} {arrow} {}  {}{call_id}",
        clock(record.time),
        record.flow.transport,
        record.flow.remote,
        label(&record.bytes)
    )
}

/// The addresses, ours first, in the order in which they appear.
fn columns(trace: &Trace) -> Vec<SocketAddr> {
    let mut columns: Vec<SocketAddr> = Vec::new();
    let locals = trace.records.iter().map(|record| record.flow.local);
    let remotes = trace.records.iter().map(|record| record.flow.remote);
    for addr in locals.chain(remotes) {
        if !columns.contains(&addr) {
            columns.push(addr);
        }
    }
    columns
}

fn ends(record: &Record) -> (SocketAddr, SocketAddr) {
    match record.direction {
        Direction::Received => (record.flow.remote, record.flow.local),
        Direction::Sent => (record.flow.local, record.flow.remote),
    }
}

/// The verticals, and between two of them an arrow with its label.
fn rungs(columns: usize, gap: usize, from: usize, to: usize, label: &str) -> String {
    let (left, right) = (from.min(to), from.max(to));
    let mut out = String::new();
    let mut column = 0;
    while column < columns {
        out.push('│');
        if column == left && right > left {
            let width = (right - left) * gap - 1;
            let dashes = width.saturating_sub(label.chars().count() + 4);
            let (before, after) = (dashes / 2, dashes - dashes / 2);
            let (start, end) = if from < to { ("─", ">") } else { ("<", "─") };
            let _ = write!(out, "{start}{} {label} {}{end}", "─".repeat(before), "─".repeat(after));
            column = right;
        } else {
            if column + 1 < columns {
                out.push_str(&" ".repeat(gap - 1));
            }
            column += 1;
        }
    }
    if left == right {
        let _ = write!(out, " {label}");
    }
    out
}

/// What a message is, in a few words.
fn label(bytes: &bytes::Bytes) -> String {
    let (mut out, is_response) = match parse_datagram(bytes.clone(), &Limits::default()) {
        Parsed::Message(Message::Request(request)) => (request.method().to_string(), false),
        Parsed::Message(Message::Response(response)) => (
            format!("{} {}", response.status(), text(response.reason()))
                .trim_end()
                .to_owned(),
            true,
        ),
        Parsed::Faulty { request, fault } => return format!("{} ! {fault}", request.method()),
        Parsed::Unreadable(fault) => return format!("{} bytes ! {fault}", bytes.len()),
        Parsed::KeepAlive => return "keep-alive".to_owned(),
    };
    let details = headers(bytes, |headers| {
        let mut details = Vec::new();
        if headers.has_content_type("application/sdp") {
            details.push("SDP".to_owned());
        } else if let Some(kind) = headers.content_type() {
            details.push(text(kind).split(';').next().unwrap_or_default().trim().to_owned());
        }
        if is_response && let Ok(cseq) = headers.cseq() {
            details.push(cseq.method.to_string());
        }
        for (protocol, cause, reason) in headers.reasons() {
            let cause = cause.map(|cause| format!(" {cause}")).unwrap_or_default();
            let reason = reason.map(|reason| format!(" {reason}")).unwrap_or_default();
            details.push(format!("{protocol}{cause}{reason}"));
        }
        if headers.contains(Name::Authorization) || headers.contains(Name::ProxyAuthorization) {
            details.push("with credentials".to_owned());
        }
        details
    });
    if let Some(details) = details.filter(|details| !details.is_empty()) {
        let _ = write!(out, " ({})", details.join(", "));
    }
    // A reason phrase may hold anything; a ladder's line holds no control characters and stays within a screen.
    out.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(70)
        .collect()
}

fn headers<T>(bytes: &bytes::Bytes, read: impl FnOnce(&Headers) -> T) -> Option<T> {
    match parse_datagram(bytes.clone(), &Limits::default()) {
        Parsed::Message(message) => Some(read(message.headers())),
        Parsed::Faulty { request, .. } => Some(read(request.headers())),
        Parsed::KeepAlive | Parsed::Unreadable(_) => None,
    }
}

/// `14:02:11.123`, UTC.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs() % 86_400;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60,
        time.subsec_millis()
    )
}

/// `+0.043` seconds.
fn distance(time: Duration) -> String {
    format!("+{}.{:03}", time.as_secs(), time.subsec_millis())
}
