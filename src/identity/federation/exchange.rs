//! What a code is exchanged for: a token that holds, and what the provider says beside it.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Federation,
    assertion::{self, OurKey},
    flow::Refused,
    gate,
    overage::Unresolved,
    preset::Preset,
    provider::Metadata,
    settings::{Authentication, Settings},
    token,
};
use crate::model::{Timestamp, time::micros};

/// What a provider said of somebody, by a token that holds.
pub(super) struct Told {
    /// With the groups, also where the provider named them apart.
    pub token: Map<String, Value>,
    pub userinfo: Option<Map<String, Value>>,
    /// Whose word it is: of a provider with many tenants that of the person's own.
    pub issuer: String,
    /// Algorithm, and the key by its id.
    pub signed: String,
    /// The token as it came, for a provider that lets people sign out by it.
    pub hint: Option<String>,
}

impl Told {
    /// When the person proved it to the provider, where it says so (Core section 2).
    pub fn proved_at(&self) -> Option<Timestamp> {
        let seconds = self.token.get("auth_time")?.as_f64().filter(|at| (0.0..9e9).contains(at))?;
        Some(Timestamp((seconds * 1e6) as i64))
    }
}

/// What is sent to the token endpoint.
pub(super) struct Exchange<'a> {
    pub code: &'a str,
    pub verifier: &'a str,
    pub redirect: &'a str,
    pub secret: Option<&'a str>,
}

/// What it answers (RFC 6749 section 5.1, Core section 3.1.3.3).
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    id_token: String,
}

impl Federation {
    /// Exchanges the code and reads who that is, whose word it is, and the word itself.
    pub(super) async fn ask(
        &self,
        (preset, settings): (Preset, &Settings),
        metadata: &Metadata,
        exchange: &Exchange<'_>,
        nonce: &str,
    ) -> Result<Told, Refused> {
        let asking = self.asking(settings);
        let answer = self.exchange(settings, metadata, exchange).await?;
        let raw = gate::read(&answer.id_token, gate::Kind::Id, &settings.algorithms)?;
        let key = self.providers.key(&asking, metadata, &raw.algorithm, raw.key_id.as_deref()).await?;
        let tenant = raw.payload.get("tid").and_then(Value::as_str);
        let issuer = metadata.issuer_of(settings, tenant)?;
        if !settings.tenants.is_empty() && !key.is_of(&issuer, tenant.unwrap_or_default()) {
            return Err("TOKEN_KEY_ISSUER".into());
        }
        let expected = token::Expected {
            settings,
            issuer: &issuer,
            nonce,
            access_token: &answer.access_token,
            code: exchange.code,
            now: self.clock.now(),
            leeway: micros(self.leeway),
        };
        let signed = [Some(raw.algorithm.clone()), raw.key_id.as_ref().map(|id| format!("kid {id}"))];
        let signed = signed.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let mut token = token::verify(&answer.id_token, raw, key, &expected)?;
        let userinfo: Option<Map<String, Value>> = match &metadata.userinfo {
            Some(url) => Some(
                self.wire
                    .get(url, settings.private, Some(&answer.access_token))
                    .await
                    .map_err(|why| Refused::Check { code: "USERINFO", detail: Some(why.to_string()) })?,
            ),
            None => None,
        };
        let unresolved = Unresolved {
            preset,
            userinfo_at: metadata.userinfo.as_ref(),
            userinfo: userinfo.as_ref(),
            access_token: &answer.access_token,
        };
        self.resolve_groups(settings, &mut token, unresolved).await?;
        let hint = metadata.end_session.is_some().then_some(answer.id_token);
        Ok(Told { token, userinfo, issuer, signed, hint })
    }

    async fn exchange(&self, settings: &Settings, metadata: &Metadata, e: &Exchange<'_>) -> Result<Granted, Refused> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", e.code),
            ("redirect_uri", e.redirect),
            ("code_verifier", e.verifier),
        ];
        let secret = e.secret.unwrap_or_default();
        let proof = match settings.authentication {
            Authentication::Key => OurKey::read(secret)
                .and_then(|key| key.prove(&settings.client_id, metadata.token.as_str(), self.clock.now()))
                .ok_or("IDP_SECRET")?,
            _ => String::new(),
        };
        let basic = match settings.authentication {
            Authentication::Basic => Some((settings.client_id.as_str(), secret)),
            Authentication::Post => {
                form.extend([("client_id", settings.client_id.as_str()), ("client_secret", secret)]);
                None
            }
            Authentication::Key => {
                let client = ("client_id", settings.client_id.as_str());
                form.extend([client, ("client_assertion_type", assertion::KIND), ("client_assertion", &proof)]);
                None
            }
            Authentication::None => {
                form.push(("client_id", &settings.client_id));
                None
            }
        };
        let granted: Granted = self
            .wire
            .post(&metadata.token, settings.private, &form, basic)
            .await
            .map_err(|why| Refused::Check { code: "CODE_REFUSED", detail: Some(why.to_string()) })?;
        if !granted.token_type.eq_ignore_ascii_case("bearer") || granted.access_token.is_empty() {
            return Err("TOKEN_KIND".into());
        }
        Ok(granted)
    }
}
