//! `[connectors]`: where further manifests are found.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connectors {
    /// May be missing; built-in connectors are always there.
    pub dir: PathBuf,
}
