//! What a provider says of itself: its addresses and its keys. Fetched when needed, kept for an hour; an
//! unknown key is looked for again, but not as often as somebody likes to invent one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex as Lock, PoisonError},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openidconnect::core::CoreJsonWebKey;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::{
    assertion,
    settings::Settings,
    wire::{self, Wire, WireError},
};
use crate::model::Timestamp;

/// How long what was read counts.
const FRESH: i64 = Timestamp::HOUR;
/// Unknown keys are looked for at most twice in this time.
const COOLING: i64 = Timestamp::MINUTE;
const BURST: usize = 2;
/// What stands for a tenant in the issuer of a provider that has many.
const TENANT: &str = "{tenantid}";
/// Least bits of an RSA modulus.
const RSA_BITS: usize = 2048;

/// Why a provider cannot be used. The code is stable, the text for administrators.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct ProviderError {
    pub code: &'static str,
    pub detail: String,
}

fn error(code: &'static str, detail: impl Into<String>) -> ProviderError {
    ProviderError { code, detail: detail.into() }
}

/// The parts of OpenID Connect Discovery 1.0 section 3 that are used.
#[derive(Clone, Debug, Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    #[serde(default)]
    id_token_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    scopes_supported: Vec<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
}

/// A provider as it described itself, every address judged.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    /// As it calls itself; with [`TENANT`] in it, if it has many.
    issuer: String,
    pub authorization: Url,
    pub token: Url,
    pub userinfo: Option<Url>,
    /// Where people sign out.
    pub end_session: Option<Url>,
    pub algorithms: Vec<String>,
    pub scopes: Vec<String>,
    proofs: Option<Vec<String>>,
    proof_algorithms: Option<Vec<String>>,
    /// RFC 9207: the callback names the issuer.
    pub names_itself: bool,
    jwks: Url,
}

/// Fetches what a provider says of itself.
pub(super) async fn discover(wire: &Wire, settings: &Settings) -> Result<Metadata, ProviderError> {
    let (issuer, private) = (settings.issuer.as_str(), settings.private);
    let base = Wire::address(issuer, private).map_err(|why| error("IDP_ADDRESS", why.to_string()))?;
    if base.query().is_some() || base.fragment().is_some() {
        return Err(error("IDP_ADDRESS", "an issuer has neither query nor fragment"));
    }
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let address = Wire::address(&address, private).map_err(|why| error("IDP_ADDRESS", why.to_string()))?;
    let document: Document = wire.get(&address, private, None).await.map_err(|why| match why {
        WireError::Shape => error("IDP_DISCOVERY", "what stands there is not a provider's description"),
        other => error(other.code("IDP_DISCOVERY"), other.to_string()),
    })?;
    // Exactly: else one provider could speak for another (Discovery section 4.3).
    let right =
        if settings.tenants.is_empty() { document.issuer == issuer } else { stands_for(&document.issuer, issuer) };
    if !right {
        return Err(error("IDP_ISSUER", format!("it calls itself {}", printable(&document.issuer))));
    }
    let address = |what: &str, text: &str| {
        Wire::address(text, private).map_err(|why| error("IDP_ADDRESS", format!("its {what}: {why}")))
    };
    let optional = |what: &str, text: &Option<String>| text.as_deref().map(|text| address(what, text)).transpose();
    Ok(Metadata {
        issuer: document.issuer,
        authorization: address("authorization_endpoint", &document.authorization_endpoint)?,
        token: address("token_endpoint", &document.token_endpoint)?,
        userinfo: optional("userinfo_endpoint", &document.userinfo_endpoint)?,
        end_session: optional("end_session_endpoint", &document.end_session_endpoint)?,
        jwks: address("jwks_uri", &document.jwks_uri)?,
        algorithms: document.id_token_signing_alg_values_supported,
        scopes: document.scopes_supported,
        proofs: document.token_endpoint_auth_methods_supported,
        proof_algorithms: document.token_endpoint_auth_signing_alg_values_supported,
        names_itself: document.authorization_response_iss_parameter_supported,
    })
}

/// Whether an issuer with a place for tenants is the one that was typed, with any one word in that place.
fn stands_for(template: &str, typed: &str) -> bool {
    let Some((before, after)) = template.split_once(TENANT) else { return false };
    let word = typed.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    !after.contains(TENANT) && word.is_some_and(|word| !word.is_empty() && !word.contains('/'))
}

impl Metadata {
    /// Whether it may understand a signature of ours. Who says nothing of methods has basic alone (Discovery
    /// section 3); who says nothing of algorithms may have any.
    pub fn takes_our_proof(&self) -> bool {
        let has = |list: &Option<Vec<String>>, wanted: &str| list.as_ref().map(|list| list.iter().any(|o| o == wanted));
        has(&self.proofs, "private_key_jwt").unwrap_or(false)
            && has(&self.proof_algorithms, assertion::ALGORITHM).unwrap_or(true)
    }

    /// Every issuer that its tokens may name.
    pub fn issuers(&self, settings: &Settings) -> Vec<String> {
        if settings.tenants.is_empty() {
            return vec![settings.issuer.clone()];
        }
        settings.tenants.iter().map(|tenant| self.issuer.replace(TENANT, tenant)).collect()
    }

    /// Who has to have made a token that says it is of this tenant.
    ///
    /// # Errors
    /// `TOKEN_TENANT`: none whose people get in.
    pub fn issuer_of(&self, settings: &Settings, tenant: Option<&str>) -> Result<String, &'static str> {
        if settings.tenants.is_empty() {
            return Ok(settings.issuer.clone());
        }
        let tenant = tenant.filter(|tenant| settings.tenants.iter().any(|known| known == tenant));
        tenant.map(|tenant| self.issuer.replace(TENANT, tenant)).ok_or("TOKEN_TENANT")
    }
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// A public key that may sign ID tokens.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub id: Option<String>,
    kty: String,
    curve: Option<String>,
    algorithm: Option<String>,
    /// Whose tokens it signs, where the provider has many tenants and says so.
    issuer: Option<String>,
    pub key: CoreJsonWebKey,
}

impl Key {
    /// `None`: not for signatures, not of a kind we know, or too weak.
    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let kty = text("kty")?.to_owned();
        let known = matches!(
            (kty.as_str(), text("crv")),
            ("RSA", _) | ("EC", Some("P-256" | "P-384")) | ("OKP", Some("Ed25519"))
        );
        let signs = text("use").is_none_or(|used| used == "sig")
            && value.get("key_ops").is_none_or(|ops| ops.as_array().is_some_and(|ops| ops.contains(&"verify".into())));
        if !known || !signs || kty == "RSA" && bits(text("n")?)? < RSA_BITS {
            return None;
        }
        let key = serde_json::from_value(value.clone()).ok()?;
        let owned = |name: &str| text(name).map(str::to_owned);
        Some(Self { id: owned("kid"), curve: owned("crv"), algorithm: owned("alg"), issuer: owned("issuer"), kty, key })
    }

    /// Whether it may sign for this issuer, a tenant's.
    pub fn is_of(&self, issuer: &str, tenant: &str) -> bool {
        self.issuer.as_deref().is_none_or(|own| own.replace(TENANT, tenant) == issuer)
    }

    fn fits(&self, algorithm: &str) -> bool {
        let kind = match algorithm {
            "EdDSA" => self.kty == "OKP",
            "ES256" => self.curve.as_deref() == Some("P-256"),
            "ES384" => self.curve.as_deref() == Some("P-384"),
            _ => self.kty == "RSA",
        };
        kind && self.algorithm.as_deref().is_none_or(|own| own == algorithm)
    }
}

/// Bits of an unsigned big-endian number in base64url.
fn bits(text: &str) -> Option<usize> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    Some((bytes.len() - first) * 8 - bytes[first].leading_zeros() as usize)
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl KeySet {
    fn usable(&self) -> Vec<Key> {
        self.keys.iter().filter_map(Key::read).collect()
    }
}

/// What is known of one provider.
#[derive(Default)]
struct Known {
    metadata: Option<(Arc<Metadata>, Timestamp)>,
    keys: Option<(Arc<Vec<Key>>, Timestamp)>,
    /// When keys that nobody knew were looked for.
    looked: Vec<Timestamp>,
}

/// Providers of this process. Each is asked by one at a time; the others wait for that answer.
#[derive(Default)]
pub(super) struct Providers {
    known: Lock<HashMap<String, Arc<Mutex<Known>>>>,
}

/// One provider in use.
pub(super) struct Asking<'a> {
    pub wire: &'a Wire,
    pub settings: &'a Settings,
    pub now: Timestamp,
}

impl Providers {
    fn of(&self, settings: &Settings) -> Arc<Mutex<Known>> {
        let key = format!("{} {} {}", settings.private, settings.tenants.is_empty(), settings.issuer);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone()
    }

    pub async fn metadata(&self, asking: &Asking<'_>) -> Result<Arc<Metadata>, ProviderError> {
        let known = self.of(asking.settings);
        let mut known = known.lock().await;
        if let Some((metadata, at)) = &known.metadata
            && asking.now.since(*at) < FRESH
        {
            return Ok(metadata.clone());
        }
        let metadata = Arc::new(discover(asking.wire, asking.settings).await?);
        known.metadata = Some((metadata.clone(), asking.now));
        Ok(metadata)
    }

    /// The one key that a token of this algorithm and key id can have been signed with.
    pub async fn key(
        &self,
        asking: &Asking<'_>,
        metadata: &Metadata,
        algorithm: &str,
        id: Option<&str>,
    ) -> Result<Key, ProviderError> {
        let known = self.of(asking.settings);
        let mut known = known.lock().await;
        if let Some((keys, at)) = &known.keys
            && asking.now.since(*at) < FRESH
            && let Some(found) = choose(keys, algorithm, id)?
        {
            return Ok(found);
        }
        known.looked.retain(|at| asking.now.since(*at) < COOLING);
        if known.looked.len() >= BURST {
            return Err(error("TOKEN_KEY_UNKNOWN", "no such key, and the provider was asked just now"));
        }
        known.looked.push(asking.now);
        let set: KeySet = asking
            .wire
            .get(&metadata.jwks, asking.settings.private, None)
            .await
            .map_err(|why| error(why.code("IDP_KEYS"), why.to_string()))?;
        let keys = Arc::new(set.usable());
        known.keys = Some((keys.clone(), asking.now));
        choose(&keys, algorithm, id)?.ok_or_else(unknown)
    }
}

fn unknown() -> ProviderError {
    error("TOKEN_KEY_UNKNOWN", "the provider has no such key")
}

/// The one key of a set, as the provider wrote it, that a token of this algorithm and key id can have been signed with.
pub(super) fn chosen(set: &[u8], algorithm: &str, id: Option<&str>) -> Result<Key, ProviderError> {
    let set: KeySet = wire::json(set).map_err(|why| error("IDP_KEYS", why.to_string()))?;
    choose(&set.usable(), algorithm, id)?.ok_or_else(unknown)
}

/// `None`: there is none. With an id the key of this id, without one the only key that fits.
fn choose(keys: &[Key], algorithm: &str, id: Option<&str>) -> Result<Option<Key>, ProviderError> {
    let mut fitting = keys.iter().filter(|key| key.fits(algorithm) && (id.is_none() || key.id.as_deref() == id));
    let found = fitting.next().cloned();
    match fitting.next() {
        Some(_) => Err(error("TOKEN_KEY_AMBIGUOUS", "several keys of the provider could have signed it")),
        None => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rsa(kid: &str, bytes: usize, more: Value) -> Value {
        let mut modulus = vec![0x80; bytes];
        modulus[bytes - 1] = 1;
        let mut key = json!({"kty": "RSA", "n": BASE64_URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB", "kid": kid});
        if let (Value::Object(key), Value::Object(more)) = (&mut key, more) {
            key.extend(more);
        }
        key
    }

    #[test]
    fn only_keys_that_may_sign_are_taken() {
        for (key, taken) in [
            (rsa("a", 256, json!({})), true),
            (rsa("a", 256, json!({"use": "sig", "alg": "RS256"})), true),
            (rsa("a", 128, json!({})), false),
            (rsa("a", 256, json!({"use": "enc"})), false),
            (rsa("a", 256, json!({"key_ops": ["encrypt"]})), false),
            (json!({"kty": "oct", "k": "c2VjcmV0", "kid": "a"}), false),
            (json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}), false),
            (json!({"kty": "quantum"}), false),
        ] {
            assert_eq!(Key::read(&key).is_some(), taken, "{key}");
        }
    }

    #[test]
    fn one_key_is_chosen_or_none() {
        let keys = |ids: &[&str]| ids.iter().filter_map(|id| Key::read(&rsa(id, 256, json!({})))).collect::<Vec<_>>();
        let chosen = |keys: &[Key], alg: &str, id| choose(keys, alg, id).map(|found| found.and_then(|key| key.id));
        assert_eq!(chosen(&keys(&["a", "b"]), "RS256", Some("b")), Ok(Some("b".into())));
        assert_eq!(chosen(&keys(&["a", "b"]), "RS256", Some("c")), Ok(None));
        assert_eq!(chosen(&keys(&["a"]), "RS256", None), Ok(Some("a".into())));
        assert!(chosen(&keys(&["a", "b"]), "RS256", None).is_err());
        assert!(chosen(&keys(&["a", "a"]), "RS256", Some("a")).is_err());
        assert_eq!(chosen(&keys(&["a"]), "ES256", Some("a")), Ok(None));
    }
}
