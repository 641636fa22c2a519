//! The service's own measurements, for `/metrics`.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Makes this process's `metrics` recorder the one that `/metrics` shows. The first call decides; calling again changes nothing. It has
/// no effect when the program has installed another recorder.
pub fn install() {
    HANDLE.get_or_init(|| {
        let handle = PrometheusBuilder::new().install_recorder().ok();
        metrics::describe_counter!("tocsin_http_requests_total", "HTTP requests answered, by status class");
        metrics::describe_histogram!(
            "tocsin_http_seconds",
            metrics::Unit::Seconds,
            "Time to answer HTTP requests"
        );
        handle
    });
}

/// The Prometheus text form; empty when no recorder of ours is installed.
pub(crate) fn render() -> String {
    HANDLE
        .get()
        .and_then(Option::as_ref)
        .map_or_else(String::new, |handle| {
            handle.run_upkeep();
            handle.render()
        })
}
