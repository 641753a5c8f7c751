//! `[files]`: tables that people bring.

use serde::{Deserialize, Serialize};

use super::{Invalid, Size};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Bytes of a file.
    pub max: Size,
}

impl Files {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if !(1024..=500 << 20).contains(&self.max.0) {
            return Err(Invalid::new("files.max", "must be between 1KiB and 500MiB"));
        }
        Ok(())
    }
}
