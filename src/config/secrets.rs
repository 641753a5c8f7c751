//! `[secrets]`: where the key that seals stored secrets comes from. What the key does is in
//! [`crate::secrets`].

use serde::{Deserialize, Serialize};

use super::Invalid;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    pub key: String,
    pub key_file: String,
    pub previous_key: String,
    pub previous_key_file: String,
}

impl Secrets {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if self.key.is_empty() && self.key_file.is_empty() {
            return Err(Invalid::new("secrets.key_file", "or secrets.key must be set: stored secrets need a key"));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").field("key_file", &self.key_file).finish_non_exhaustive()
    }
}
