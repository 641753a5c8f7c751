//! An ID token judged apart from any browser, attempt and network: what it and a key set are worth. The fuzz targets
//! come in here; a sign-in comes through `flow`.

use serde::{Deserialize, Serialize};

use super::{claims, gate, provider, settings::Settings, token};
use crate::model::Timestamp;

/// What a token is held against.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    pub settings: &'a Settings,
    pub nonce: &'a str,
    pub access_token: &'a str,
    pub code: &'a str,
    pub now: Timestamp,
    /// How far the provider's clock may differ, in microseconds.
    pub leeway: i64,
}

/// What a believed token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub subject: String,
    pub name: String,
    pub mail: Option<String>,
    pub mail_verified: bool,
    pub groups: Vec<String>,
    pub sid: Option<String>,
}

/// Judges a token by a key set, as a sign-in at a provider without tenants and userinfo would.
///
/// # Errors
/// The stable code of the check that failed.
pub fn judge(id_token: &str, key_set: &[u8], bench: &Bench<'_>) -> Result<Said, &'static str> {
    let Bench { settings, nonce, access_token, code, now, leeway } = *bench;
    let raw = gate::read(id_token, gate::Kind::Id, &settings.algorithms)?;
    let key = provider::chosen(key_set, &raw.algorithm, raw.key_id.as_deref()).map_err(|error| error.code)?;
    let issuer = &settings.issuer;
    let expected = token::Expected { settings, issuer, nonce, access_token, code, now, leeway };
    let payload = token::verify(id_token, raw, key, &expected)?;
    let claims::Claimed { subject, name, mail, mail_verified, groups, sid, .. } =
        claims::claimed(&payload, None, settings)?;
    Ok(Said { subject, name, mail, mail_verified, groups, sid })
}
