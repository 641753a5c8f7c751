//! `[signin]`: patience with identity providers.

use serde::{Deserialize, Serialize};

use super::{Invalid, Period};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signin {
    pub timeout: Period,
    pub attempt: Period,
    pub leeway: Period,
    pub per_address: u32,
    pub metadata_every: Period,
    pub key_overlap: Period,
    /// Name server that is asked for TXT records; empty: those of the machine.
    pub dns: String,
}

impl Signin {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if self.timeout.0.is_zero() {
            return Err(Invalid::new("signin.timeout", "must be above 0"));
        }
        if self.attempt.0.is_zero() {
            return Err(Invalid::new("signin.attempt", "must be above 0"));
        }
        if self.leeway.0.as_secs() > 300 {
            return Err(Invalid::new("signin.leeway", "must be at most 5m: an old proof would be taken for a new one"));
        }
        if self.per_address == 0 {
            return Err(Invalid::new("signin.per_address", "must be above 0"));
        }
        if self.metadata_every.0 < std::time::Duration::from_mins(10) {
            return Err(Invalid::new("signin.metadata_every", "must be at least 10m"));
        }
        if !self.dns.is_empty() && self.dns.parse::<std::net::SocketAddr>().is_err() {
            return Err(Invalid::new("signin.dns", "must be an address with its port, such as 192.0.2.53:53"));
        }
        Ok(())
    }
}
