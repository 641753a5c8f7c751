//! `[session]`: when people are signed out.

use serde::{Deserialize, Serialize};

use super::{Invalid, Period};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    pub idle: Period,
    pub absolute: Period,
    pub fresh: Period,
}

impl Session {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if self.idle.0.is_zero() {
            return Err(Invalid::new("session.idle", "must be above 0"));
        }
        if self.idle > self.absolute {
            return Err(Invalid::new("session.idle", "must not be longer than session.absolute"));
        }
        if self.fresh.0.is_zero() {
            return Err(Invalid::new("session.fresh", "must be above 0"));
        }
        Ok(())
    }
}
