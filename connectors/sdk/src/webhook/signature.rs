//! Is this delivery from the system that it says?

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::time::Duration;
use subtle::{Choice, ConstantTimeEq};

use super::{Refusal, Secrets};
use crate::manifest::{Encoding, SignatureSpec};

/// Senders disagree about `=` at the end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Checks a delivery over its raw bytes.
///
/// # Errors
/// The [`Refusal`] to record. `SignatureSpec::None` accepts everything; such a manifest is only
/// loaded with `trust: refetch`.
pub fn verify(
    spec: &SignatureSpec,
    secrets: &Secrets<'_>,
    header: &dyn Fn(&str) -> Option<String>,
    body: &[u8],
    now_micros: i64,
) -> Result<(), Refusal> {
    let wanted = |name: &str| {
        header(name)
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Refusal::new("HOOK_SIGNATURE_MISSING", format!("there is no {name} header")))
    };
    match spec {
        SignatureSpec::None => Ok(()),
        SignatureSpec::HmacSha256 { header, prefix, encoding, .. } => {
            let given = signature(wanted(header)?.as_str(), prefix, *encoding)?;
            any_matches(secrets, &[given], &[body], raw_key)
        }
        SignatureSpec::Timestamped { header, timestamp_header: Some(clock), prefix, encoding, tolerance, .. } => {
            let given = signature(wanted(header)?.as_str(), prefix, *encoding)?;
            let time = wanted(clock)?;
            any_matches(secrets, &[given], &[time.as_bytes(), b".", body], raw_key)?;
            in_time(&time, *tolerance, now_micros)
        }
        SignatureSpec::Timestamped { header, timestamp_header: None, encoding, tolerance, .. } => {
            let text = wanted(header)?;
            let (time, given) = stamped(&text, *encoding)?;
            any_matches(secrets, &given, &[time.as_bytes(), b".", body], raw_key)?;
            in_time(time, *tolerance, now_micros)
        }
        SignatureSpec::StandardWebhooks { tolerance, .. } => {
            let (id, time, signatures) =
                (wanted("webhook-id")?, wanted("webhook-timestamp")?, wanted("webhook-signature")?);
            let given: Vec<Vec<u8>> =
                signatures.split(' ').filter_map(|one| BASE64.decode(one.strip_prefix("v1,")?).ok()).collect();
            if given.is_empty() {
                return Err(Refusal::new("HOOK_MALFORMED", "the webhook-signature header holds no v1 signature"));
            }
            any_matches(secrets, &given, &[id.as_bytes(), b".", time.as_bytes(), b".", body], standard_key)?;
            in_time(&time, *tolerance, now_micros)
        }
        SignatureSpec::SharedToken { header, prefix, .. } => {
            let text = wanted(header)?;
            let given = text.strip_prefix(prefix.as_str()).unwrap_or_default().trim();
            token(secrets, given)
        }
    }
}

fn signature(text: &str, prefix: &str, encoding: Encoding) -> Result<Vec<u8>, Refusal> {
    let malformed = || Refusal::new("HOOK_MALFORMED", "the signature header is not in the declared form");
    decode(text.strip_prefix(prefix).ok_or_else(malformed)?.trim(), encoding).ok_or_else(malformed)
}

fn decode(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Hex => hex::decode(text).ok(),
        Encoding::Base64 => BASE64.decode(text).ok(),
    }
}

/// `t=1700000000,v1=…,v1=…`: one time, one or more signatures.
fn stamped(text: &str, encoding: Encoding) -> Result<(&str, Vec<Vec<u8>>), Refusal> {
    let mut time = None;
    let mut given = Vec::new();
    for (name, value) in text.split(',').filter_map(|part| part.trim().split_once('=')) {
        match name {
            "t" if time.is_none() => time = Some(value),
            "v1" => given.extend(decode(value, encoding)),
            _ => {}
        }
    }
    match time {
        Some(time) if !given.is_empty() => Ok((time, given)),
        _ => Err(Refusal::new("HOOK_MALFORMED", "the signature header is not of the form t=…,v1=…")),
    }
}

/// Every secret is tried on every signature, without stopping at the first that fits.
fn any_matches(
    secrets: &Secrets<'_>,
    given: &[Vec<u8>],
    parts: &[&[u8]],
    key: fn(&SecretString) -> Vec<u8>,
) -> Result<(), Refusal> {
    let mut fits = Choice::from(0);
    for secret in secrets {
        let Some(expected) = code(&key(secret), parts) else { continue };
        for one in given {
            fits |= expected.as_slice().ct_eq(one);
        }
    }
    decided(fits)
}

fn token(secrets: &Secrets<'_>, given: &str) -> Result<(), Refusal> {
    // Digests have one length, so that not even the length of the token shows.
    let given = Sha256::digest(given.as_bytes());
    let mut fits = Choice::from(0);
    for secret in secrets.iter().filter(|secret| !secret.expose_secret().is_empty()) {
        fits |= Sha256::digest(secret.expose_secret().as_bytes()).as_slice().ct_eq(given.as_slice());
    }
    decided(fits)
}

fn decided(fits: Choice) -> Result<(), Refusal> {
    let detail = "the signature does not fit the body and our secret";
    bool::from(fits).then_some(()).ok_or_else(|| Refusal::new("HOOK_SIGNATURE_WRONG", detail))
}

/// The HMAC of the parts; `None` for an empty key, which anybody could sign with.
pub(super) fn code(key: &[u8], parts: &[&[u8]]) -> Option<Vec<u8>> {
    if key.is_empty() {
        return None;
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().to_vec())
}

pub(super) fn raw_key(secret: &SecretString) -> Vec<u8> {
    secret.expose_secret().as_bytes().to_vec()
}

/// `whsec_` and Base64; a secret that is not Base64 has no key at all.
pub(super) fn standard_key(secret: &SecretString) -> Vec<u8> {
    let text = secret.expose_secret().trim();
    BASE64.decode(text.strip_prefix("whsec_").unwrap_or(text)).unwrap_or_default()
}

pub(super) fn encode(bytes: &[u8], encoding: Encoding) -> String {
    match encoding {
        Encoding::Hex => hex::encode(bytes),
        Encoding::Base64 => BASE64_STANDARD.encode(bytes),
    }
}

/// Asked only once the signature holds: an outsider learns nothing about our clock.
fn in_time(text: &str, tolerance: Duration, now_micros: i64) -> Result<(), Refusal> {
    let digits = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let seconds: i64 = if digits { text.parse().unwrap_or(-1) } else { -1 };
    if seconds < 0 {
        return Err(Refusal::new("HOOK_MALFORMED", "the time is not in seconds since the epoch"));
    }
    let tolerance = i64::try_from(tolerance.as_micros()).unwrap_or(i64::MAX);
    let age = now_micros.saturating_sub(seconds.saturating_mul(1_000_000));
    if age > tolerance {
        return Err(Refusal::new("HOOK_TOO_OLD", format!("signed {} s ago", age / 1_000_000)));
    }
    if age < tolerance.saturating_neg() {
        return Err(Refusal::new("HOOK_FROM_FUTURE", format!("signed {} s in the future", age / -1_000_000)));
    }
    Ok(())
}
