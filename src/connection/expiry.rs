//! When credentials end, where they say so themselves: a token in the form of a JWT carries its end.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use super::live::opened;
use crate::{model::Timestamp, secrets::Keys, store::connection::Row};

/// So long before the end it is said.
pub const AHEAD: i64 = 14 * Timestamp::DAY;

/// The first end of the secrets of a connection. `None`: none of them tells one, or they cannot be opened.
#[must_use]
pub fn of(keys: &Keys, row: &Row) -> Option<Timestamp> {
    let secrets = opened(keys, row).ok()?;
    secrets.values().filter_map(|secret| end(secret.as_str()?)).min()
}

/// The end that a JWT says, in whole seconds. Its signature is its issuer's affair.
fn end(token: &str) -> Option<Timestamp> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let claims: serde_json::Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    claims.get("exp")?.as_i64().and_then(|at| at.checked_mul(Timestamp::SECOND)).map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_its_end_has_one() {
        let jwt = |claims: &str| format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims));
        for (token, wanted) in [
            (jwt(r#"{"exp":1795137240}"#), Some(1_795_137_240)),
            (jwt(r#"{"exp":"soon"}"#), None),
            (jwt(r#"{"exp":9223372036854775807}"#), None),
            (jwt("{}"), None),
            ("a.b.c".to_owned(), None),
            ("a-plain-token".to_owned(), None),
            ("a.b.c.d".to_owned(), None),
        ] {
            assert_eq!(end(&token).map(|at| at.0 / Timestamp::SECOND), wanted, "{token}");
        }
    }
}
