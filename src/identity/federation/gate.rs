//! An ID token's raw form, before any library reads it: a compact JWS (RFC 7515) with one plain header and one
//! plain payload. What two readers could read differently is not let in.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::{Map, Value};

/// Longest token, in bytes.
const LONGEST: usize = 16 * 1024;

/// Header and payload, read once.
#[derive(Debug)]
pub(super) struct Raw {
    pub algorithm: String,
    pub key_id: Option<String>,
    pub payload: Map<String, Value>,
}

/// A JSON object in which no name stands twice, at the top level.
struct Strict(Map<String, Value>);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Strict;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Strict, A::Error> {
                let mut map = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if map.insert(name, value).is_some() {
                        return Err(de::Error::custom("a name stands twice"));
                    }
                }
                Ok(Strict(map))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

fn part(text: &str) -> Option<Map<String, Value>> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    serde_json::from_slice::<Strict>(&bytes).ok().map(|strict| strict.0)
}

/// What a token has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    /// OpenID Connect Back-Channel Logout 1.0 section 2.4.
    Logout,
}

impl Kind {
    /// An ID token and a logout token must never pass for each other, whoever signed them.
    fn takes(self, typ: Option<&str>) -> bool {
        match (self, typ) {
            (_, None) => true,
            (Self::Id, Some(typ)) => typ.eq_ignore_ascii_case("jwt"),
            (Self::Logout, Some(typ)) => {
                let typ = typ.to_ascii_lowercase();
                ["logout+jwt", "application/logout+jwt", "jwt"].contains(&typ.as_str())
            }
        }
    }
}

/// Reads a token whose algorithm is one of those agreed upon.
///
/// # Errors
/// The stable code of what is wrong with it.
pub(super) fn read(token: &str, kind: Kind, algorithms: &[String]) -> Result<Raw, &'static str> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { return Err("TOKEN_FORM") };
    if token.len() > LONGEST || signature.is_empty() || BASE64_URL_SAFE_NO_PAD.decode(signature).is_err() {
        return Err("TOKEN_FORM");
    }
    let header = part(header).ok_or("TOKEN_FORM")?;
    let payload = part(payload).ok_or("TOKEN_FORM")?;
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    // What we do not understand must not be ignored (RFC 7515 section 4.1.11).
    if header.contains_key("crit") || header.contains_key("b64") {
        return Err("TOKEN_CRITICAL");
    }
    if header.contains_key("typ") && text("typ").is_none() || !kind.takes(text("typ")) {
        return Err("TOKEN_TYPE");
    }
    let algorithm = text("alg").filter(|alg| algorithms.iter().any(|allowed| allowed == alg));
    let algorithm = algorithm.ok_or("TOKEN_ALGORITHM")?.to_owned();
    let key_id = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) if !kid.is_empty() && kid.len() <= 512 => Some(kid.clone()),
        Some(_) => return Err("TOKEN_KEY_ID"),
    };
    Ok(Raw { algorithm, key_id, payload })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, payload: &str) -> String {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(header), part(payload), part("signature"))
    }

    #[test]
    fn only_plain_tokens_get_in() {
        let good = r#"{"alg":"RS256","kid":"1","typ":"JWT"}"#;
        let rs256 = ["RS256".to_owned()];
        assert!(read(&token(good, r#"{"sub":"a"}"#), Kind::Id, &rs256).is_ok());
        for (header, payload, code) in [
            (r#"{"alg":"none"}"#, "{}", "TOKEN_ALGORITHM"),
            (r#"{"alg":"nOnE"}"#, "{}", "TOKEN_ALGORITHM"),
            (r#"{"alg":"HS256"}"#, "{}", "TOKEN_ALGORITHM"),
            (r#"{"kid":"1"}"#, "{}", "TOKEN_ALGORITHM"),
            (r#"{"alg":""}"#, "{}", "TOKEN_ALGORITHM"),
            (r#"{"alg":"RS256","crit":["x"]}"#, "{}", "TOKEN_CRITICAL"),
            (r#"{"alg":"RS256","b64":false}"#, "{}", "TOKEN_CRITICAL"),
            (r#"{"alg":"RS256","typ":"logout+jwt"}"#, "{}", "TOKEN_TYPE"),
            (r#"{"alg":"RS256","kid":7}"#, "{}", "TOKEN_KEY_ID"),
            (r#"{"alg":"RS256","alg":"RS256"}"#, "{}", "TOKEN_FORM"),
            (good, r#"{"sub":"a","sub":"b"}"#, "TOKEN_FORM"),
            (good, "[]", "TOKEN_FORM"),
            (good, "x", "TOKEN_FORM"),
        ] {
            assert_eq!(read(&token(header, payload), Kind::Id, &rs256).err(), Some(code), "{header} {payload}");
        }
        let plain = token(good, "{}");
        for text in [format!("{plain}\n"), format!("{plain}.a.b"), plain.replace('.', ""), "a.b.".into(), String::new()]
        {
            assert_eq!(read(&text, Kind::Id, &rs256).err(), Some("TOKEN_FORM"), "{text:?}");
        }
        assert_eq!(
            read(&token(good, &format!(r#"{{"x":"{}"}}"#, "y".repeat(LONGEST))), Kind::Id, &rs256).err(),
            Some("TOKEN_FORM")
        );
    }
}
