//! `[health]`: what is expected of connections, and how often it is looked.

use serde::{Deserialize, Serialize};

use super::{Invalid, Percent, Period};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    pub objective: Percent,
    pub every: Period,
}

impl Health {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if self.every.0.is_zero() {
            return Err(Invalid::new("health.every", "must be above 0"));
        }
        Ok(())
    }

    /// The objective of a connection in hundredths of a percent: its own, or what is configured.
    #[must_use]
    pub fn objective_of(&self, own: Option<i64>) -> i64 {
        own.unwrap_or_else(|| self.objective.hundredths())
    }
}
