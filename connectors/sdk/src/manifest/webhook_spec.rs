//! What a manifest says about the deliveries of a system.

use std::time::Duration;

use indexmap::IndexMap;
use serde::Deserialize;

use super::spec::duration;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSpec {
    pub signature: SignatureSpec,
    pub delivery_id: Option<DeliveryIdSpec>,
    /// Dotted path of the event's name in the body. Absent: the one event of `events` is meant.
    pub event: Option<String>,
    pub events: IndexMap<String, EventSpec>,
    #[serde(default)]
    pub trust: Trust,
}

/// Whether the record in a delivery is taken, or only its key and the record asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    #[default]
    Body,
    Refetch,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryIdSpec {
    Header(String),
    Body(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSpec {
    pub stream: String,
    /// Dotted path of the record in the event. Absent: the event is thin and the record is fetched.
    pub record: Option<String>,
    /// Dotted path of the key in the event. Absent: the stream's key inside the record.
    pub key: Option<String>,
    #[serde(default)]
    pub deleted: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    #[default]
    Hex,
    Base64,
}

/// How a delivery is signed. `secret` names the setting that holds the key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "scheme", rename_all = "snake_case", deny_unknown_fields)]
pub enum SignatureSpec {
    /// HMAC-SHA256 of the body.
    HmacSha256 {
        header: String,
        #[serde(default)]
        prefix: String,
        #[serde(default)]
        encoding: Encoding,
        secret: String,
    },
    /// HMAC-SHA256 of `timestamp.body`. The header reads `t=…,v1=…`, or only the signature when
    /// `timestamp_header` carries the time.
    Timestamped {
        header: String,
        timestamp_header: Option<String>,
        #[serde(default)]
        prefix: String,
        #[serde(default)]
        encoding: Encoding,
        #[serde(default = "five_minutes", deserialize_with = "duration")]
        tolerance: Duration,
        secret: String,
    },
    /// <https://www.standardwebhooks.com>: symmetric `v1` signatures.
    StandardWebhooks {
        #[serde(default = "five_minutes", deserialize_with = "duration")]
        tolerance: Duration,
        secret: String,
    },
    /// The secret itself in a header.
    SharedToken {
        header: String,
        #[serde(default)]
        prefix: String,
        secret: String,
    },
    None,
}

impl SignatureSpec {
    /// The scheme's word in manifests.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::HmacSha256 { .. } => "hmac_sha256",
            Self::Timestamped { .. } => "timestamped",
            Self::StandardWebhooks { .. } => "standard_webhooks",
            Self::SharedToken { .. } => "shared_token",
            Self::None => "none",
        }
    }

    /// The setting that holds the key.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::HmacSha256 { secret, .. }
            | Self::Timestamped { secret, .. }
            | Self::StandardWebhooks { secret, .. }
            | Self::SharedToken { secret, .. } => Some(secret),
            Self::None => None,
        }
    }
}

fn five_minutes() -> Duration {
    Duration::from_secs(300)
}
