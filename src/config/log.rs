//! `[log]`: what the program says about itself.

use serde::{Deserialize, Serialize};

use super::Invalid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
}

impl Log {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        match tracing_subscriber::EnvFilter::try_new(&self.filter) {
            Ok(_) => Ok(()),
            Err(e) => Err(Invalid::new("log.filter", &format!("is no filter: {e}"))),
        }
    }
}
