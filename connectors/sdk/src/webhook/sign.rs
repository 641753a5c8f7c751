//! The sender's side: for tests, samples and outgoing deliveries.

use secrecy::{ExposeSecret, SecretString};

use super::signature::{code, encode, raw_key, standard_key};
use crate::manifest::{Encoding, SignatureSpec};

/// The headers that a genuine sender adds to this body. `id` serves schemes that sign one.
#[must_use]
pub fn sign(
    spec: &SignatureSpec,
    secret: &SecretString,
    id: &str,
    body: &[u8],
    now_micros: i64,
) -> Vec<(String, String)> {
    let time = now_micros.div_euclid(1_000_000).to_string();
    let mac = |key: Vec<u8>, parts: &[&[u8]]| code(&key, parts).unwrap_or_default();
    match spec {
        SignatureSpec::None => Vec::new(),
        SignatureSpec::HmacSha256 { header, prefix, encoding, .. } => {
            let signature = encode(&mac(raw_key(secret), &[body]), *encoding);
            vec![(header.clone(), format!("{prefix}{signature}"))]
        }
        SignatureSpec::Timestamped { header, timestamp_header, prefix, encoding, .. } => {
            let signature = encode(&mac(raw_key(secret), &[time.as_bytes(), b".", body]), *encoding);
            match timestamp_header {
                Some(clock) => vec![(clock.clone(), time), (header.clone(), format!("{prefix}{signature}"))],
                None => vec![(header.clone(), format!("t={time},v1={signature}"))],
            }
        }
        SignatureSpec::StandardWebhooks { .. } => {
            let parts: [&[u8]; 5] = [id.as_bytes(), b".", time.as_bytes(), b".", body];
            let signature = encode(&mac(standard_key(secret), &parts), Encoding::Base64);
            vec![
                ("webhook-id".to_owned(), id.to_owned()),
                ("webhook-timestamp".to_owned(), time),
                ("webhook-signature".to_owned(), format!("v1,{signature}")),
            ]
        }
        SignatureSpec::SharedToken { header, prefix, .. } => {
            vec![(header.clone(), format!("{prefix}{}", secret.expose_secret()))]
        }
    }
}
