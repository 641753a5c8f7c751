//! Back-channel logout: a provider says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openidconnect::{JsonWebKey, core::CoreJwsSigningAlgorithm};
use serde_json::{Map, Value};

use super::{
    Federation,
    flow::Refused,
    gate::{self, Kind, Raw},
    manage,
    provider::Key,
    settings::Settings,
};
use crate::{
    identity::{Identity, Origin, token::digest},
    model::Timestamp,
    store::{idp, session},
};

/// The event that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// The oldest token that is heeded, in seconds.
const OLDEST: f64 = 120.0;

/// Whose sessions end.
struct Leaving {
    subject: Option<String>,
    sid: Option<String>,
    token_id: String,
}

impl Federation {
    /// Heeds a logout token: its person's sessions of this provider end. Returns how many did.
    pub async fn sign_out(
        &self,
        identity: &Identity,
        idp_id: &str,
        token: &str,
        origin: &Origin,
    ) -> Result<usize, Refused> {
        let row = self.provider(idp_id, "oidc").await?.filter(|row| row.enabled).ok_or(Refused::Unknown)?;
        let settings = manage::settings(&row).ok_or("IDP_SETTINGS")?;
        let raw = gate::read(token, Kind::Logout, &settings.algorithms)?;
        let asking = self.asking(&settings);
        let metadata = self.providers.metadata(&asking).await?;
        let key = self.providers.key(&asking, &metadata, &raw.algorithm, raw.key_id.as_deref()).await?;
        is_signed(token, &raw, &key)?;
        let now = self.clock.now();
        let leeway = self.leeway.as_secs_f64();
        let leaving = leaving(&raw.payload, &settings, &metadata.issuers(&settings), now, leeway)?;
        let mut tx = self.db.begin().await?;
        let kept = now.plus(Timestamp::HOUR);
        if !idp::heed_logout(&mut tx, idp_id, &digest(&leaving.token_id), kept, now).await? {
            return Err("LOGOUT_TWICE".into());
        }
        let (sid, subject) = (leaving.sid.as_deref(), leaving.subject.as_deref());
        let ended = session::end_federated(&mut tx, idp_id, sid, subject).await?;
        manage::note_ended(&mut tx, &ended, (idp_id, None), origin, self.clock.now()).await?;
        tx.commit().await?;
        for (_, user_id) in &ended {
            identity.forget(user_id);
        }
        Ok(ended.len())
    }
}

/// The signature over the bytes as they came.
fn is_signed(token: &str, raw: &Raw, key: &Key) -> Result<(), &'static str> {
    let algorithm: CoreJwsSigningAlgorithm =
        serde_json::from_value(Value::from(raw.algorithm.as_str())).map_err(|_| "TOKEN_ALGORITHM")?;
    let (signed, signature) = token.rsplit_once('.').ok_or("TOKEN_FORM")?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| "TOKEN_FORM")?;
    key.key.verify_signature(&algorithm, signed.as_bytes(), &signature).map_err(|_| "TOKEN_SIGNATURE")
}

/// Section 2.6 of the specification.
fn leaving(
    payload: &Map<String, Value>,
    settings: &Settings,
    issuers: &[String],
    now: Timestamp,
    leeway: f64,
) -> Result<Leaving, &'static str> {
    let text = |name: &str| payload.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if !text("iss").is_some_and(|named| issuers.iter().any(|issuer| issuer == named)) {
        return Err("TOKEN_ISSUER");
    }
    let meant = match payload.get("aud") {
        Some(Value::String(one)) => *one == settings.client_id,
        Some(Value::Array(many)) => many.iter().any(|one| one == settings.client_id.as_str()),
        _ => false,
    };
    if !meant {
        return Err("TOKEN_AUDIENCE");
    }
    // A nonce is what an ID token has.
    if payload.contains_key("nonce") {
        return Err("LOGOUT_NONCE");
    }
    if !payload.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
        return Err("LOGOUT_EVENT");
    }
    let seconds = now.0 as f64 / 1e6;
    let time = |name: &str| payload.get(name).and_then(Value::as_f64);
    let Some(issued) = time("iat") else { return Err("TOKEN_CLAIMS") };
    if issued > seconds + leeway || issued < seconds - OLDEST - leeway {
        return Err("TOKEN_OLD");
    }
    if payload.contains_key("exp") && !time("exp").is_some_and(|end| end > seconds - leeway) {
        return Err("TOKEN_EXPIRED");
    }
    let token_id = text("jti").filter(|jti| jti.len() <= 512).ok_or("TOKEN_CLAIMS")?.to_owned();
    let (subject, sid) = (text("sub").map(str::to_owned), text("sid").map(str::to_owned));
    if [&subject, &sid].into_iter().flatten().any(|name| name.contains('\0')) {
        return Err("TOKEN_SUBJECT");
    }
    if subject.is_none() && sid.is_none() {
        return Err("TOKEN_SUBJECT");
    }
    Ok(Leaving { subject, sid, token_id })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::identity::federation::Authentication;

    #[test]
    fn only_a_logout_token_signs_out() {
        let settings = Settings {
            issuer: "https://id.example".into(),
            client_id: "us".into(),
            authentication: Authentication::None,
            algorithms: vec![],
            scopes: vec![],
            groups_claim: String::new(),
            roles: Default::default(),
            default_role: None,
            departments: Default::default(),
            private: false,
            max_age: None,
            tenants: vec![],
            unchecked: false,
        };
        let good = json!({"iss": "https://id.example", "aud": "us", "iat": 1000, "exp": 1100, "jti": "j", "sub": "s",
            "events": {EVENT: {}}});
        for (change, code) in [
            (json!({}), None),
            (json!({"aud": ["us", "them"]}), None),
            (json!({"sub": null, "sid": "x"}), None),
            (json!({"iss": "https://other.example"}), Some("TOKEN_ISSUER")),
            (json!({"aud": "them"}), Some("TOKEN_AUDIENCE")),
            (json!({"nonce": "n"}), Some("LOGOUT_NONCE")),
            (json!({"events": {}}), Some("LOGOUT_EVENT")),
            (json!({"events": {EVENT: "x"}}), Some("LOGOUT_EVENT")),
            (json!({"iat": 100}), Some("TOKEN_OLD")),
            (json!({"iat": 9000}), Some("TOKEN_OLD")),
            (json!({"exp": 900}), Some("TOKEN_EXPIRED")),
            (json!({"jti": null}), Some("TOKEN_CLAIMS")),
            (json!({"sub": null}), Some("TOKEN_SUBJECT")),
        ] {
            let (Value::Object(mut payload), Value::Object(change)) = (good.clone(), change) else { unreachable!() };
            for (name, value) in change {
                if value.is_null() {
                    payload.remove(&name)
                } else {
                    payload.insert(name, value)
                };
            }
            let got =
                leaving(&payload, &settings, &["https://id.example".into()], Timestamp(1_010_000_000), 60.0).err();
            assert_eq!(got, code, "{payload:?}");
        }
    }
}
