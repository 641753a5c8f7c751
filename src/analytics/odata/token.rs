//! `$skiptoken`: where a page ended, for the address of the next one. Opaque to clients; what comes back is
//! checked like anything from outside, and its values are only ever bound.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::refusal::Refusal;
use crate::store::feed::{Place, Set};

#[derive(Serialize, Deserialize)]
struct Token {
    /// Of which set and order the place is.
    of: String,
    at: Place,
}

/// What a place is good for.
fn of(set: &Set, order: &str) -> String {
    let digest = Sha256::digest(format!("{}\n{order}", set.name).as_bytes());
    URL_SAFE_NO_PAD.encode(digest.get(..6).unwrap_or_default())
}

pub fn sealed(set: &Set, order: &str, at: &Place) -> String {
    let token = Token { of: of(set, order), at: at.clone() };
    URL_SAFE_NO_PAD.encode(serde_json::to_string(&token).unwrap_or_default())
}

pub fn opened(set: &Set, order: &str, text: &str) -> Result<Place, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad())?;
    let token: Token = serde_json::from_slice(&bytes).map_err(|_| bad())?;
    if token.of == of(set, order) { Ok(token.at) } else { Err(bad()) }
}

pub fn bad() -> Refusal {
    Refusal::wrong("SKIPTOKEN_INVALID", "this $skiptoken is of no page of this address; begin again without it")
        .at("$skiptoken")
}
