//! Deliveries that a system sends: genuine or not, and what they carry.
//!
//! The hub calls, in this order: [`verify`] over the raw bytes, [`delivery_id`], and, once stored,
//! [`events`]. Invariant: nothing of a body is looked at before its signature holds. Invariant:
//! signatures and tokens are compared in constant time, and no refusal says what was expected.

mod event;
mod sign;
mod signature;

use secrecy::SecretString;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use event::{Event, events};
pub use sign::sign;
pub use signature::verify;

use crate::{
    manifest::{DeliveryIdSpec, SignatureSpec, WebhookSpec},
    mapping::{Path, plain_text},
};

/// Why a delivery is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Refusal {
    /// `HOOK_SIGNATURE_MISSING`, `HOOK_SIGNATURE_WRONG`, `HOOK_TOO_OLD`, `HOOK_FROM_FUTURE`,
    /// `HOOK_MALFORMED` or `HOOK_EVENT_UNKNOWN`.
    pub code: &'static str,
    pub detail: String,
}

impl Refusal {
    fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// What makes two deliveries the same: what the manifest names, else the digest of the body.
///
/// A named id that is missing also falls back to the digest: a sender that forgets it once must
/// not have all its deliveries taken for one.
#[must_use]
pub fn delivery_id(spec: &WebhookSpec, header: &dyn Fn(&str) -> Option<String>, body: &[u8]) -> String {
    let named = match (&spec.delivery_id, &spec.signature) {
        (Some(DeliveryIdSpec::Header(name)), _) => header(name),
        (Some(DeliveryIdSpec::Body(path)), _) => serde_json::from_slice::<Value>(body)
            .ok()
            .and_then(|body| Path::parse(path).find(&body).and_then(plain_text).map(|text| text.into_owned())),
        (None, SignatureSpec::StandardWebhooks { .. }) => header("webhook-id"),
        (None, _) => None,
    };
    match named.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty() && id.len() <= 255 && !id.contains('\0')) {
        Some(id) => id,
        None => format!("sha256:{}", hex::encode(Sha256::digest(body))),
    }
}

/// The secrets that a delivery may be signed with: the current one and, during a rotation, the one before.
pub type Secrets<'a> = [&'a SecretString];

#[cfg(test)]
mod tests;
