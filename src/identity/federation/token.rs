//! An ID token: signature and claims (OpenID Connect Core 1.0 section 3.1.3.7).
//!
//! `openidconnect` checks signature, issuer, audience, nonce and end; this adds what it leaves to its callers:
//! `azp`, `nbf`, how old it may be, and that it belongs to the access token it came with.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use openidconnect::{
    ClientId, IssuerUrl, JsonWebKeySet, Nonce,
    core::{CoreIdToken, CoreIdTokenVerifier, CoreJwsSigningAlgorithm},
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{gate::Raw, provider::Key, settings::Settings};
use crate::model::Timestamp;

/// The oldest token that is taken, in seconds: it was made for this sign-in.
const OLDEST: f64 = 600.0;
/// Longest subject (Core section 2).
const SUBJECT: usize = 255;

/// What a token is checked against.
pub(super) struct Expected<'a> {
    pub settings: &'a Settings,
    /// Who has to have made it.
    pub issuer: &'a str,
    pub nonce: &'a str,
    pub access_token: &'a str,
    pub code: &'a str,
    pub now: Timestamp,
    /// Microseconds.
    pub leeway: i64,
}

/// Checks a token that came through the gate. Returns its payload.
///
/// # Errors
/// The stable code of the check that failed.
pub(super) fn verify(
    token: &str,
    raw: Raw,
    key: Key,
    expected: &Expected<'_>,
) -> Result<Map<String, Value>, &'static str> {
    policy(&raw, expected)?;
    signature(token, &raw, key, expected)?;
    Ok(raw.payload)
}

fn signature(token: &str, raw: &Raw, key: Key, expected: &Expected<'_>) -> Result<(), &'static str> {
    let algorithm: CoreJwsSigningAlgorithm =
        serde_json::from_value(Value::from(raw.algorithm.as_str())).map_err(|_| "TOKEN_ALGORITHM")?;
    let issuer = IssuerUrl::new(expected.issuer.to_owned()).map_err(|_| "TOKEN_ISSUER")?;
    let client = ClientId::new(expected.settings.client_id.clone());
    let at = micros(expected.now.plus(-expected.leeway));
    let verifier = CoreIdTokenVerifier::new_public_client(client, issuer, JsonWebKeySet::new(vec![key.key]))
        .set_allowed_algs([algorithm])
        // Other audiences are judged by `azp`, above.
        .set_other_audience_verifier_fn(|_| true)
        .set_time_fn(move || at);
    let token: CoreIdToken = token.parse().map_err(|_| "TOKEN_CLAIMS")?;
    token.claims(&verifier, &Nonce::new(expected.nonce.to_owned())).map_err(|error| {
        use openidconnect::ClaimsVerificationError as E;
        match error {
            E::SignatureVerification(_) => "TOKEN_SIGNATURE",
            E::InvalidIssuer(_) => "TOKEN_ISSUER",
            E::InvalidAudience(_) => "TOKEN_AUDIENCE",
            E::InvalidNonce(_) => "TOKEN_NONCE",
            E::Expired(_) => "TOKEN_EXPIRED",
            _ => "TOKEN_CLAIMS",
        }
    })?;
    Ok(())
}

fn micros(time: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time.0).unwrap_or_default()
}

/// What must hold beside the signature. Read from the same bytes that the signature covers.
fn policy(raw: &Raw, expected: &Expected<'_>) -> Result<(), &'static str> {
    let claim = |name: &str| raw.payload.get(name);
    let text = |name: &str| claim(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err("TOKEN_ISSUER");
    }
    if text("nonce") != Some(expected.nonce) {
        return Err("TOKEN_NONCE");
    }
    if !text("sub").is_some_and(|sub| !sub.is_empty() && sub.len() <= SUBJECT && !sub.contains('\0')) {
        return Err("TOKEN_SUBJECT");
    }
    audience(claim("aud"), claim("azp"), &expected.settings.client_id)?;
    let seconds = expected.now.0 as f64 / 1e6;
    let leeway = expected.leeway as f64 / 1e6;
    let time = |name: &str| match claim(name) {
        None => Ok(None),
        // Providers send fractions; beyond 2^53 a number is no time.
        Some(value) => value.as_f64().filter(|t| (0.0..=9e15).contains(t)).map(Some).ok_or("TOKEN_CLAIMS"),
    };
    let (exp, iat, nbf) = (time("exp")?, time("iat")?, time("nbf")?);
    let (Some(exp), Some(iat)) = (exp, iat) else { return Err("TOKEN_CLAIMS") };
    if let (proved, Some(longest)) = (time("auth_time")?, expected.settings.max_age) {
        // Core section 2: who asks for it has to look at it.
        let oldest = seconds - leeway - f64::from(longest);
        proved.filter(|at| (oldest..=seconds + leeway).contains(at)).ok_or("TOKEN_AUTH_TIME")?;
    }
    if exp <= seconds - leeway {
        return Err("TOKEN_EXPIRED");
    }
    if nbf.is_some_and(|nbf| nbf > seconds + leeway) || iat > seconds + leeway {
        return Err("TOKEN_NOT_YET");
    }
    if iat < seconds - OLDEST - leeway {
        return Err("TOKEN_OLD");
    }
    for (name, of, refusal) in
        [("at_hash", expected.access_token, "TOKEN_ACCESS_HASH"), ("c_hash", expected.code, "TOKEN_CODE_HASH")]
    {
        if claim(name).is_some_and(|hash| hash.as_str() != Some(half(&raw.algorithm, of).as_str())) {
            return Err(refusal);
        }
    }
    Ok(())
}

/// We are meant. Where others are as well, it must say that it was made for us.
fn audience(aud: Option<&Value>, azp: Option<&Value>, client: &str) -> Result<(), &'static str> {
    let audiences: Vec<&str> = match aud {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().map(|a| a.as_str().unwrap_or_default()).collect(),
        _ => Vec::new(),
    };
    let party = match azp {
        None => None,
        Some(Value::String(party)) => Some(party.as_str()),
        Some(_) => return Err("TOKEN_PARTY"),
    };
    if !audiences.contains(&client) {
        return Err("TOKEN_AUDIENCE");
    }
    match party {
        Some(party) if party != client => Err("TOKEN_PARTY"),
        None if audiences.len() > 1 => Err("TOKEN_PARTY"),
        _ => Ok(()),
    }
}

/// The left half of the hash that belongs to the algorithm, base64url (Core section 3.1.3.6).
pub(super) fn half(algorithm: &str, text: &str) -> String {
    let whole: Vec<u8> = match &algorithm[algorithm.len().saturating_sub(3)..] {
        "256" => Sha256::digest(text).to_vec(),
        "384" => Sha384::digest(text).to_vec(),
        _ => Sha512::digest(text).to_vec(),
    };
    BASE64_URL_SAFE_NO_PAD.encode(&whole[..whole.len() / 2])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn we_are_meant_and_nobody_else_alone() {
        for (aud, azp, verdict) in [
            (json!("us"), json!(null), Ok(())),
            (json!(["us"]), json!(null), Ok(())),
            (json!(["us", "them"]), json!("us"), Ok(())),
            (json!(["us", "them"]), json!(null), Err("TOKEN_PARTY")),
            (json!(["us", "them"]), json!("them"), Err("TOKEN_PARTY")),
            (json!("us"), json!("them"), Err("TOKEN_PARTY")),
            (json!("us"), json!(7), Err("TOKEN_PARTY")),
            (json!("them"), json!("us"), Err("TOKEN_AUDIENCE")),
            (json!([]), json!(null), Err("TOKEN_AUDIENCE")),
            (json!(null), json!(null), Err("TOKEN_AUDIENCE")),
        ] {
            let azp = Some(&azp).filter(|azp| !azp.is_null());
            assert_eq!(audience(Some(&aud), azp, "us"), verdict, "{aud} {azp:?}");
        }
    }

    #[test]
    fn half_a_hash_as_in_the_specification() {
        // OpenID Connect Core 1.0, appendix A.4: access token and at_hash of the example.
        assert_eq!(half("RS256", "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
