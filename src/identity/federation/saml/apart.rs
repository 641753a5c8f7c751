//! One document judged apart from any browser, request and data base: what its bytes alone are worth. The fuzz
//! targets and the files for a second opinion come in here; a sign-in comes through `flow`.

use serde::{Deserialize, Serialize};

use super::{
    assertion::Expected,
    certificate::Trusted,
    gate,
    logout_message::{Came, End, Raw, Said as Message},
    metadata, response,
    settings::Settings,
};
use crate::{identity::federation::flow::Refused, model::Timestamp};

/// What a document is held against.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    pub settings: &'a Settings,
    /// Our own key, for what is encrypted. PKCS #8.
    pub key: &'a [u8],
    /// Our own name.
    pub audience: &'a str,
    /// Where answers or logout messages come to.
    pub acs: &'a str,
    pub now: Timestamp,
    /// How far the provider's clock may differ, in microseconds.
    pub leeway: i64,
}

/// What a believed answer says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub assertion_id: String,
    pub in_response_to: Option<String>,
    pub subject: String,
    pub name: String,
    pub mail: Option<String>,
    pub groups: Vec<String>,
    pub sid: Option<String>,
}

/// What a believed logout message says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Parting {
    Request { id: String, name: String, indexes: Vec<String> },
    Response { in_response_to: String, everywhere: bool },
}

impl Bench<'_> {
    /// By the provider's keys, and with ours.
    fn held<T>(
        &self,
        judge: impl FnOnce(&Trusted, &Expected<'_>) -> Result<T, &'static str>,
    ) -> Result<T, &'static str> {
        let Bench { settings, key, audience, acs, now, leeway } = *self;
        let own = [key.to_vec()];
        judge(&settings.trusted(now)?, &Expected { settings, keys: &own, audience, acs, now, leeway })
    }
}

/// Judges an answer's document as a sign-in would, before request and browser are looked at.
///
/// # Errors
/// The stable code of the check that failed.
pub fn judge(bytes: &[u8], bench: &Bench<'_>) -> Result<Said, &'static str> {
    let vouched = bench.held(|keys, expected| {
        response::vouched(bytes, keys, expected).map_err(|refused| match refused {
            Refused::Check { code, .. } => code,
            _ => "RESPONSE_BROKE",
        })
    })?;
    let claimed = vouched.claimed?;
    Ok(Said {
        assertion_id: vouched.assertion_id,
        in_response_to: vouched.in_response_to,
        subject: claimed.subject,
        name: claimed.name,
        mail: claimed.mail,
        groups: claimed.groups,
        sid: claimed.sid,
    })
}

/// Judges a logout message, before any session is looked at and whether it came before.
///
/// # Errors
/// The stable code of the check that failed.
pub fn part(came: Came<'_>, bench: &Bench<'_>) -> Result<Parting, &'static str> {
    let raw = Raw::read(came)?;
    Ok(match bench.held(|keys, expected| raw.open(keys, expected))? {
        Message::Request(asked) => Parting::Request { id: asked.id, name: asked.name, indexes: asked.indexes },
        Message::Response(told) => {
            Parting::Response { in_response_to: told.in_response_to, everywhere: told.end == End::Everywhere }
        }
    })
}

/// What a provider's metadata would set. `pinned`: certificates of which one has to have signed it; empty: it may be
/// unsigned.
///
/// # Errors
/// The stable code of what is wrong with it.
pub fn describe(bytes: &[u8], pinned: &[String], now: Timestamp) -> Result<Settings, &'static str> {
    let provider = metadata::read(bytes, false, now, pinned).map_err(|error| error.code)?;
    Ok(Settings::default().taking(provider, true))
}

/// Whether a document's bytes and shape are let through, whoever signed it.
///
/// # Errors
/// The stable code of what is wrong with it.
pub fn admit(bytes: &[u8]) -> Result<(), &'static str> {
    let doc = gate::document(gate::open(bytes)?)?;
    gate::shape(&doc).map(drop)
}
