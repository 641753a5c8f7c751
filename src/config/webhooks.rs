//! `[webhooks]`: patience with those who want to be told what happened.

use serde::{Deserialize, Serialize};

use super::{Invalid, Period};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub ladder: Vec<Period>,
    pub timeout: Period,
    pub parallel: usize,
    pub batch: usize,
    pub circuit_after: u32,
    pub circuit_first: Period,
    pub circuit_max: Period,
    pub give_up: Period,
    pub overlap: Period,
}

impl Webhooks {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if self.ladder.is_empty() || self.ladder.iter().any(|step| step.0.is_zero()) {
            return Err(Invalid::new("webhooks.ladder", "must hold at least one wait, all above 0"));
        }
        if self.timeout.0.is_zero() {
            return Err(Invalid::new("webhooks.timeout", "must be above 0"));
        }
        if !(1..=64).contains(&self.parallel) {
            return Err(Invalid::new("webhooks.parallel", "must be between 1 and 64"));
        }
        if !(1..=5_000).contains(&self.batch) {
            return Err(Invalid::new("webhooks.batch", "must be between 1 and 5000"));
        }
        if self.circuit_after == 0 {
            return Err(Invalid::new("webhooks.circuit_after", "must be above 0"));
        }
        if self.circuit_first.0.is_zero() || self.circuit_first > self.circuit_max {
            return Err(Invalid::new(
                "webhooks.circuit_first",
                "must be above 0 and not longer than webhooks.circuit_max",
            ));
        }
        Ok(())
    }
}
