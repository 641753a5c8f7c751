//! Proving ourselves to a provider by a signature (OpenID Connect Core 1.0 section 9, `private_key_jwt`; RFC 7523).
//!
//! Each provider gets a key of its own, made here and sealed like a secret; it learns the public half alone. So
//! nothing that a provider keeps can speak for us, and what one is sent means nothing to another.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Federation, flow::Refused, force::as_tried, manage, settings::Authentication};
use crate::{identity::token::fresh, model::Timestamp, store::idp};

/// What every provider that has this kind of proof may be expected to check.
pub(super) const ALGORITHM: &str = "ES256";
/// Form parameter that says what the proof is.
pub(super) const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Seconds that a proof is good for.
const LIFE: i64 = 60;

/// Our key at one provider.
pub(super) struct OurKey(EcdsaKeyPair);

impl OurKey {
    /// A new one, as it is kept. `None`: the machine has no randomness.
    pub fn generate() -> Option<String> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).ok()?;
        Some(BASE64_URL_SAFE_NO_PAD.encode(made.as_ref()))
    }

    /// `None`: that is no key.
    pub fn read(kept: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(kept).ok()?;
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &bytes, &SystemRandom::new()).ok().map(Self)
    }

    /// The public half, as a key set publishes it.
    pub fn jwk(&self) -> Value {
        let (x, y) = self.point();
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": ALGORITHM, "kid": self.id()})
    }

    fn point(&self) -> (String, String) {
        // 0x04, then both coordinates of 32 bytes (SEC 1 section 2.3.3).
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        (BASE64_URL_SAFE_NO_PAD.encode(x), BASE64_URL_SAFE_NO_PAD.encode(y))
    }

    /// Its thumbprint (RFC 7638).
    fn id(&self) -> String {
        let (x, y) = self.point();
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(members))
    }

    /// Says once that we are this client, to whoever answers at `audience`. `None`: the machine has no randomness.
    pub fn prove(&self, client_id: &str, audience: &str, now: Timestamp) -> Option<String> {
        let seconds = now.0.div_euclid(Timestamp::SECOND);
        let header = json!({"alg": ALGORITHM, "kid": self.id(), "typ": "JWT"});
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": audience, "jti": fresh(), "iat": seconds, "exp": seconds + LIFE,
        });
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
        Some(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl Federation {
    /// Our public keys at a provider, for that provider.
    pub async fn our_keys(&self, idp_id: &str) -> Result<Value, Refused> {
        let row = idp::get(&self.db, idp_id).await?.ok_or(Refused::Unknown)?;
        // A key that is only being tried has to be known to the provider, too.
        let changed = as_tried(&self.db, row.clone()).await?;
        let key = |row: &idp::Row| {
            let by_key = manage::settings(row).is_some_and(|s| s.authentication == Authentication::Key);
            let kept = manage::secret(&self.keys, row).ok().flatten().filter(|_| by_key)?;
            Some(OurKey::read(&kept)?.jwk())
        };
        let mut keys: Vec<Value> = [&row, &changed].into_iter().filter_map(key).collect();
        keys.dedup();
        if keys.is_empty() { Err(Refused::Unknown) } else { Ok(json!({"keys": keys})) }
    }
}
