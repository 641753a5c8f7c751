//! `[inbox]`: webhooks between their arrival and their place in the history.

use serde::{Deserialize, Serialize};

use super::{Invalid, Period};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inbox {
    pub queue: usize,
    pub batch: usize,
    pub workers: usize,
    pub attempts: u32,
    pub retry_first: Period,
    pub retry_max: Period,
}

impl Inbox {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if self.queue == 0 {
            return Err(Invalid::new("inbox.queue", "must be above 0"));
        }
        if self.batch == 0 || self.batch > self.queue {
            return Err(Invalid::new("inbox.batch", "must be above 0 and not larger than inbox.queue"));
        }
        if !(1..=64).contains(&self.workers) {
            return Err(Invalid::new("inbox.workers", "must be between 1 and 64"));
        }
        if self.attempts == 0 {
            return Err(Invalid::new("inbox.attempts", "must be above 0"));
        }
        if self.retry_first.0.is_zero() || self.retry_first > self.retry_max {
            return Err(Invalid::new("inbox.retry_first", "must be above 0 and not longer than inbox.retry_max"));
        }
        Ok(())
    }
}
