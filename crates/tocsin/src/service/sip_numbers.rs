//! What the SIP endpoint counts, for the metrics page: messages, and how long their answers took, by trunk, method and status.

use std::time::{Duration, Instant};

use sip_core::{BOUNDS_MS, Direction, Endpoint, Label};

/// The page is no fresher than this.
const INTERVAL: Duration = Duration::from_secs(1);

/// Passes the endpoint's counts on to the `metrics` recorder, at most once a second and only after something happened.
#[derive(Debug, Default)]
pub(crate) struct SipNumbers {
    told: Option<Instant>,
    has_news: bool,
}

impl SipNumbers {
    /// Something happened.
    pub fn handle_news(&mut self, now: Instant, endpoint: &Endpoint) {
        self.has_news = true;
        self.handle_timeout(now, endpoint);
    }

    /// When it is time to tell.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.has_news.then_some(self.told).flatten().map(|told| told + INTERVAL)
    }

    /// Tells, if it is time.
    pub fn handle_timeout(&mut self, now: Instant, endpoint: &Endpoint) {
        if !self.has_news || self.told.is_some_and(|told| now < told + INTERVAL) {
            return;
        }
        self.told = Some(now);
        self.has_news = false;
        tell(endpoint);
    }
}

fn tell(endpoint: &Endpoint) {
    let counters = endpoint.counters();
    for (label, count) in counters.messages() {
        metrics::counter!("tocsin_sip_messages_total", &labels(endpoint, label)).absolute(count);
    }
    // Prometheus' own form of a histogram, since its classes are counted already.
    for (label, delays) in counters.delays() {
        let labels = labels(endpoint, label);
        let mut so_far = 0;
        let bounds = BOUNDS_MS.iter().map(|ms| format!("{}", f64::from(*ms) / 1_000.0));
        for (bound, count) in bounds.zip(delays.classes) {
            so_far += count;
            let labels = [&labels[..], &[("le", bound)]].concat();
            metrics::counter!("tocsin_sip_response_seconds_bucket", &labels).absolute(so_far);
        }
        let whole = [&labels[..], &[("le", "+Inf".to_owned())]].concat();
        metrics::counter!("tocsin_sip_response_seconds_bucket", &whole).absolute(delays.count);
        metrics::counter!("tocsin_sip_response_seconds_count", &labels).absolute(delays.count);
        metrics::gauge!("tocsin_sip_response_seconds_sum", &labels).set(delays.sum.as_secs_f64());
    }
    for (what, count) in [
        ("retransmitted", counters.retransmissions),
        ("timed_out", counters.timeouts),
        ("unreadable", counters.unreadable),
        ("refused_faulty", counters.refused_faulty),
        ("refused_strangers", counters.refused_strangers),
        ("dropped", counters.dropped),
        ("stray_response", counters.stray_responses),
        ("keep_alive", counters.keep_alives),
    ] {
        metrics::counter!("tocsin_sip_events_total", "what" => what).absolute(count);
    }
    metrics::gauge!("tocsin_sip_calls").set(endpoint.calls() as f64);
    metrics::gauge!("tocsin_sip_transactions").set(endpoint.transactions() as f64);
}

fn labels(endpoint: &Endpoint, label: Label) -> Vec<(&'static str, String)> {
    let trunk = label
        .trunk
        .and_then(|trunk| endpoint.trunk_name(trunk))
        .unwrap_or_default();
    let direction = match label.direction {
        Direction::Received => "in",
        Direction::Sent => "out",
    };
    let mut labels = vec![
        ("trunk", trunk.to_owned()),
        ("direction", direction.to_owned()),
        ("method", label.kind.as_str().to_owned()),
    ];
    if let Some(status) = label.status {
        labels.push(("status", status.code().to_string()));
    }
    labels
}
