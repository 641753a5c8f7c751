//! `[sync]`: pace and patience of the engine that pulls.

use serde::{Deserialize, Serialize};

use super::{Invalid, Period};

/// What happens to scheduled runs that were missed while the program was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// One run, however many were missed.
    Once,
    /// Every missed run.
    All,
    /// None; the next planned time.
    Skip,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sync {
    pub workers: usize,
    pub chunk_records: usize,
    pub chunk_time: Period,
    pub lease: Period,
    pub poll: Period,
    pub catch_up: CatchUp,
    pub backoff_first: Period,
    pub backoff_max: Period,
    pub circuit_after: u32,
    pub circuit_pause: Period,
    pub park_limit: Period,
    pub sweep: Period,
    pub sweep_brake: u32,
}

impl Sync {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if !(1..=256).contains(&self.workers) {
            return Err(Invalid::new("sync.workers", "must be between 1 and 256"));
        }
        if !(1..=5_000).contains(&self.chunk_records) {
            return Err(Invalid::new("sync.chunk_records", "must be between 1 and 5000"));
        }
        if self.poll.0.is_zero() || self.poll >= self.lease {
            return Err(Invalid::new("sync.poll", "must be above 0 and shorter than sync.lease"));
        }
        if self.backoff_first.0.is_zero() || self.backoff_first > self.backoff_max {
            return Err(Invalid::new("sync.backoff_first", "must be above 0 and not longer than sync.backoff_max"));
        }
        if self.sweep_brake > 100 {
            return Err(Invalid::new("sync.sweep_brake", "is a percentage: at most 100"));
        }
        if self.circuit_after == 0 {
            return Err(Invalid::new("sync.circuit_after", "must be above 0"));
        }
        Ok(())
    }
}
