//! What people decide about receivers; the console and the command line call the same.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use musubi_sdk::guard::{self, Forbidden, Reach};
use rand::RngExt;
use secrecy::SecretString;
use url::Url;

use super::super::engine::Engine;
use crate::{
    model::{Id, Timestamp, event as kinds, ids::Noun},
    secrets::{Keys, SecretError},
    store::{
        StoreError, Tx,
        event::{self, Again},
        receiver::{self, Row, Wanted},
    },
};

/// A receiver as a person describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    pub name: String,
    pub url: String,
    /// It stands in a private network, and that is meant.
    pub private: bool,
    /// Kinds of events: `order.created`, `order.*`, `*`.
    pub wants: Vec<String>,
    pub in_order: bool,
    pub samples: bool,
}

/// Why a receiver is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// `field` of the draft, and a stable code.
    #[error("{code} {field}: {message}")]
    Field { field: &'static str, code: &'static str, message: String },
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn field(field: &'static str, code: &'static str, message: impl Into<String>) -> Refused {
    Refused::Field { field, code, message: message.into() }
}

/// Checks a description, also whether its address may be spoken to. `proxied`: this process sends through
/// a proxy, which knows names that we need not know.
pub async fn check(draft: Draft, proxied: bool) -> Result<Wanted, Refused> {
    let name = draft.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 100 || name.contains('\0') {
        return Err(field("name", "RECEIVER_NAME", "a name has 1 to 100 characters"));
    }
    let url = draft.url.trim().to_owned();
    check_address(&url, draft.private, proxied).await?;
    let wants: Vec<String> = draft.wants.iter().map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect();
    if wants.is_empty() {
        return Err(field("wants", "RECEIVER_WANTS_NOTHING", "choose at least one kind of event"));
    }
    if let Some(unknown) = wants.iter().find(|wish| !kinds::is_wish(wish)) {
        return Err(field(
            "wants",
            "EVENT_UNKNOWN",
            format!("there is no event {unknown}; for example order.created, order.* or *"),
        ));
    }
    let wants = serde_json::Value::from(wants).to_string();
    Ok(Wanted { name, url, private: draft.private, wants, in_order: draft.in_order, samples: draft.samples })
}

async fn check_address(text: &str, private: bool, proxied: bool) -> Result<(), Refused> {
    let url = Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && text.len() <= 2_000);
    let Some(url) = url else {
        return Err(field("url", "RECEIVER_URL", "an address such as https://hooks.example/musubi is needed"));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(field(
            "url",
            "RECEIVER_URL_PASSWORD",
            "leave user and password out: the signature proves who sends",
        ));
    }
    if url.scheme() == "http" && !private {
        return Err(field(
            "url",
            "RECEIVER_URL_PLAIN",
            "http can be read on its way; use https, or confirm a private network",
        ));
    }
    let reach = if private { Reach::Private } else { Reach::Public };
    guard::judge_url(&url, reach).map_err(forbidden)?;
    let (Some(host), Some(port)) = (url.domain(), url.port_or_known_default()) else { return Ok(()) };
    match tokio::net::lookup_host((host, port)).await {
        Ok(found) => {
            let verdicts: Vec<_> = found.map(|address| guard::judge(address.ip(), reach)).collect();
            match verdicts.iter().find_map(|verdict| verdict.err()) {
                Some(why) if !verdicts.iter().any(Result::is_ok) => Err(forbidden(why)),
                _ => Ok(()),
            }
        }
        Err(_) if proxied => Ok(()),
        Err(_) => Err(field("url", "RECEIVER_HOST_UNKNOWN", format!("the name {host} is not known here"))),
    }
}

fn forbidden(why: Forbidden) -> Refused {
    let code = match why {
        Forbidden::Private => "RECEIVER_PRIVATE",
        Forbidden::Never => "RECEIVER_FORBIDDEN",
    };
    field("url", code, why.to_string())
}

/// Where the secret of a receiver is sealed to.
fn place(id: &str, previous: bool) -> String {
    format!("receiver/{id}/secret{}", if previous { "_previous" } else { "" })
}

/// 256 random bits in the form that Standard Webhooks wants.
fn fresh_secret() -> String {
    format!("whsec_{}", BASE64_STANDARD.encode(rand::rng().random::<[u8; 32]>()))
}

/// Makes a receiver. Returns its id and its secret, which is never shown again.
pub async fn create(tx: &mut Tx, keys: &Keys, wanted: &Wanted, now: Timestamp) -> Result<(String, String), Refused> {
    let id = Id::new(Noun::Receiver).into_string();
    let secret = fresh_secret();
    let sealed = keys.seal(&place(&id, false), secret.as_bytes())?;
    if !receiver::insert(tx, &id, wanted, sealed, now).await? {
        return Err(name_taken());
    }
    Ok((id, secret))
}

pub async fn update(tx: &mut Tx, id: &str, wanted: &Wanted, now: Timestamp) -> Result<(), Refused> {
    if receiver::update(tx, id, wanted, now).await? { Ok(()) } else { Err(name_taken()) }
}

fn name_taken() -> Refused {
    field("name", "RECEIVER_NAME_TAKEN", "another receiver has this name")
}

/// A new secret, returned once. The one before signs as well for `overlap` microseconds.
pub async fn rotate(tx: &mut Tx, keys: &Keys, row: &Row, overlap: i64, now: Timestamp) -> Result<String, Refused> {
    let old = keys.open(&place(&row.id, false), &row.secret)?;
    let secret = fresh_secret();
    let sealed = keys.seal(&place(&row.id, false), secret.as_bytes())?;
    let previous = keys.seal(&place(&row.id, true), &old)?;
    receiver::set_secret(tx, &row.id, sealed, previous, now.plus(overlap), now).await?;
    Ok(secret)
}

/// Stops or goes on. What happened while a receiver was out of service is sent out of the log.
pub async fn set_paused(tx: &mut Tx, row: &Row, paused: bool, now: Timestamp) -> Result<(), StoreError> {
    if paused {
        // Who is out of service stays that: pausing would only hide why.
        if row.state == receiver::ON {
            receiver::set_state(tx, &row.id, receiver::PAUSED, now).await?;
        }
        return Ok(());
    }
    receiver::set_state(tx, &row.id, receiver::ON, now).await?;
    if row.state == receiver::GONE || row.state == receiver::GIVEN_UP {
        let missed = Again::Between(Timestamp(row.updated_at), now.plus(Timestamp::SECOND));
        event::again(tx, row, &missed, now).await?;
    }
    Ok(())
}

/// The secrets to sign with now: the current one first. `None`: they were sealed with another key.
pub(super) fn signing_keys(engine: &Engine, row: &Row) -> Option<Vec<SecretString>> {
    let open = |previous, sealed: &[u8]| {
        let plain = engine.keys.open(&place(&row.id, previous), sealed).ok()?;
        Some(SecretString::from(String::from_utf8_lossy(&plain).into_owned()))
    };
    let mut keys = vec![open(false, &row.secret)?];
    if let (Some(sealed), Some(until)) = (&row.secret_previous, row.rotated_until)
        && engine.clock.now().0 < until
    {
        keys.extend(open(true, sealed));
    }
    Some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_are_checked_before_anything_is_sent_there() {
        for (url, private, code) in [
            ("https://93.184.215.14/hook", false, None),
            ("http://127.0.0.1:9/hook", true, None),
            ("https://127.0.0.1/hook", false, Some("RECEIVER_PRIVATE")),
            ("https://192.168.1.10/hook", false, Some("RECEIVER_PRIVATE")),
            ("https://localhost/hook", false, Some("RECEIVER_PRIVATE")),
            ("https://169.254.169.254/latest", true, Some("RECEIVER_FORBIDDEN")),
            ("http://93.184.215.14/hook", false, Some("RECEIVER_URL_PLAIN")),
            ("https://u:p@hooks.example/", false, Some("RECEIVER_URL_PASSWORD")),
            ("ftp://hooks.example/", false, Some("RECEIVER_URL")),
            ("hooks.example", false, Some("RECEIVER_URL")),
        ] {
            let refused = match check_address(url, private, false).await {
                Ok(()) => None,
                Err(Refused::Field { code, .. }) => Some(code),
                Err(other) => panic!("{other}"),
            };
            assert_eq!(refused, code, "{url} {private}");
        }
    }

    #[tokio::test]
    async fn a_draft_names_what_is_wrong() {
        let good = Draft {
            name: "倉庫".into(),
            url: "https://93.184.215.14/".into(),
            wants: vec!["order.*".into()],
            ..Draft::default()
        };
        assert!(check(good.clone(), false).await.is_ok());
        let cases = [
            (Draft { name: " ".into(), ..good.clone() }, "RECEIVER_NAME"),
            (Draft { wants: vec![], ..good.clone() }, "RECEIVER_WANTS_NOTHING"),
            (Draft { wants: vec!["orders".into()], ..good.clone() }, "EVENT_UNKNOWN"),
        ];
        for (draft, code) in cases {
            assert!(matches!(check(draft, false).await, Err(Refused::Field { code: c, .. }) if c == code), "{code}");
        }
    }
}
