//! `[retention]`: how long operational rows are kept. History and audit are not touched by it.

use serde::{Deserialize, Serialize};

use super::{Invalid, Period};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    pub inbox: Period,
    pub runs: Period,
    pub events: Period,
    pub mails: Period,
    pub sweep: Period,
}

impl Retention {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        // Senders re-deliver for days; a raw row that is gone too early would let one in twice.
        if self.inbox.0.as_secs() < 3 * 86_400 {
            return Err(Invalid::new("retention.inbox", "must be at least 3d: re-deliveries are recognised by it"));
        }
        if self.sweep.0.is_zero() {
            return Err(Invalid::new("retention.sweep", "must be above 0"));
        }
        Ok(())
    }
}
