//! `[tokens]`: how long tokens of the API live, and how often one may call.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Invalid, Period};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    pub expiry: Period,
    pub longest: Period,
    pub per_minute: u32,
}

impl Tokens {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if self.longest.0 > Duration::from_hours(24 * 366) {
            return Err(Invalid::new("tokens.longest", "must be at most 366d: a forgotten token has to end by itself"));
        }
        if self.longest.0 < Duration::from_hours(24) {
            return Err(Invalid::new("tokens.longest", "must be at least 1d"));
        }
        if self.expiry.0 < Duration::from_hours(24) || self.expiry > self.longest {
            return Err(Invalid::new("tokens.expiry", "must be at least 1d and not longer than tokens.longest"));
        }
        if self.per_minute == 0 {
            return Err(Invalid::new("tokens.per_minute", "must be above 0"));
        }
        Ok(())
    }
}
