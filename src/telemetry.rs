//! What the program says about itself: log lines and metrics.
//!
//! Invariants: no personal data, secrets or bodies in either; ids name records. `error!` only where
//! somebody must act, logged once at the boundary. Metric labels come from small closed sets
//! (route, cause, connection id), never from input.

use std::{sync::Arc, time::Instant};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Log, LogFormat};

/// Upper bounds of duration histograms, in seconds: from a cached page to a slow source.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("log.filter is no filter")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("logging was started twice")]
    Log(#[from] tracing_subscriber::util::TryInitError),
    #[error("metrics were started twice")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// Starts logging to standard error, so that the output of commands stays clean.
pub fn start_log(config: &Log) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&config.filter)?;
    let registry = tracing_subscriber::registry().with(filter);
    match config.format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(std::io::stderr).with_target(false)).try_init()?,
        LogFormat::Json => registry
            .with(fmt::layer().json().flatten_event(true).with_current_span(true).with_writer(std::io::stderr))
            .try_init()?,
    }
    Ok(())
}

/// The metrics of this process, rendered on demand: there is no listener besides the HTTP port.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    started: Arc<Instant>,
}

impl Metrics {
    /// Installs the recorder behind the `metrics` macros, once a process.
    pub fn install() -> Result<Self, TelemetryError> {
        let handle = PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder()?;
        Ok(Self::of(handle))
    }

    /// A recorder of its own that nothing writes to: for tests that start many hubs in a process.
    #[must_use]
    pub fn detached() -> Self {
        Self::of(PrometheusBuilder::new().build_recorder().handle())
    }

    fn of(handle: PrometheusHandle) -> Self {
        Self { handle, started: Arc::new(Instant::now()) }
    }

    /// The text for `/metrics`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "gauges are floats; bytes fit 53 bits")]
    pub fn render(&self) -> String {
        metrics::gauge!("process_uptime_seconds").set(self.started.elapsed().as_secs_f64());
        if let Some(bytes) = resident_bytes() {
            metrics::gauge!("process_resident_memory_bytes").set(bytes as f64);
        }
        metrics::gauge!("musubi_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        self.handle.render()
    }

    /// Folds finished samples into their histograms; call it every few seconds.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Resident memory of this process; `None` where there is no /proc.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn metrics_hold_process_gauges() {
        let metrics = Metrics::install().unwrap();
        metrics::counter!("musubi_test_total", "cause" => "x").increment(2);
        let text = metrics.render();
        for expected in
            ["process_uptime_seconds ", "process_resident_memory_bytes ", "musubi_test_total{cause=\"x\"} 2"]
        {
            assert!(text.contains(expected), "{text}");
        }
        assert!(resident_bytes().unwrap() > 1 << 20);
        assert!(Metrics::detached().render().is_empty());
    }
}
