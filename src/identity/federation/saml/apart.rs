//! One answer judged apart from any browser, request and data base: what its bytes alone are worth. The fuzz
//! targets and the files for a second opinion come in here; a sign-in comes through `flow`.

use serde::{Deserialize, Serialize};

use super::{assertion::Expected, gate, response, settings::Settings};
use crate::{identity::federation::flow::Refused, model::Timestamp};

/// What an answer is held against.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    pub settings: &'a Settings,
    /// Our own key, for what is encrypted. PKCS #8.
    pub key: &'a [u8],
    /// Our own name.
    pub audience: &'a str,
    /// Where answers come to.
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

/// Judges an answer's document as a sign-in would, before request and browser are looked at.
///
/// # Errors
/// The stable code of the check that failed.
pub fn judge(bytes: &[u8], bench: &Bench<'_>) -> Result<Said, &'static str> {
    let Bench { settings, key, audience, acs, now, leeway } = *bench;
    let keys = settings.trusted(now)?;
    let own = [key.to_vec()];
    let expected = Expected { settings, keys: &own, audience, acs, now, leeway };
    let vouched = response::vouched(bytes, &keys, &expected).map_err(|refused| match refused {
        Refused::Check { code, .. } => code,
        _ => "RESPONSE_BROKE",
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

/// Whether a document's bytes and shape are let through, whoever signed it.
///
/// # Errors
/// The stable code of what is wrong with it.
pub fn admit(bytes: &[u8]) -> Result<(), &'static str> {
    let doc = gate::document(gate::open(bytes)?)?;
    gate::shape(&doc).map(drop)
}
