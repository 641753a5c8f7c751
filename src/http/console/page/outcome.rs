//! What a form just did: a redirect to the page that shows it, with a notice named in the address.

use axum::response::{IntoResponse, Redirect, Response};

use super::ShellOf;
use crate::{
    app::Hub,
    http::console::{Lang, Notice},
    identity::{AuditEntry, Origin, Outcome, Principal, Seen, audit},
    model::Timestamp,
    store::{StoreError, Tx},
};

/// Something a person did to one object.
pub struct Act<'a> {
    me: &'a Principal,
    origin: &'a Origin,
    action: &'static str,
    kind: &'static str,
    id: &'a str,
    detail: serde_json::Value,
}

impl<'a> Act<'a> {
    pub fn on(me: &'a Principal, origin: &'a Origin, action: &'static str, kind: &'static str, id: &'a str) -> Self {
        Self { me, origin, action, kind, id, detail: serde_json::Value::Null }
    }

    /// What else the trail should know: ids, codes and counts, never values.
    #[must_use]
    pub fn detail(self, detail: serde_json::Value) -> Self {
        Self { detail, ..self }
    }
}

/// Writes what a person did into the audit trail, in the transaction of the act.
pub async fn audited(tx: &mut Tx, act: Act<'_>, now: Timestamp) -> Result<(), StoreError> {
    let entry = AuditEntry {
        actor: &act.me.user_id,
        action: act.action,
        object_kind: act.kind,
        object_id: act.id,
        outcome: Outcome::Ok,
        origin: act.origin,
        detail: act.detail,
    };
    audit::record(tx, entry, now).await
}

/// The same at the end of the act: it holds then, and its trail with it.
pub async fn conclude(mut tx: Tx, act: Act<'_>, now: Timestamp) -> Result<(), StoreError> {
    audited(&mut tx, act, now).await?;
    tx.commit().await
}

/// Writes what a person did into the audit trail, where the act has a transaction of its own.
pub async fn audited_alone(hub: &Hub, act: Act<'_>) -> Result<(), StoreError> {
    conclude(hub.db.begin().await?, act, hub.clock.now()).await
}

/// Notes that somebody was shown a customer. A page that refreshes itself shows nothing new to anybody.
pub fn seen(hub: &Hub, of: &ShellOf, origin: &Origin, customer_id: &str) {
    if !of.by_itself {
        let object = ("customer", customer_id);
        let seen = Seen { actor: &of.me.user_id, action: "customer.view", object, outcome: Outcome::Ok, detail: None };
        hub.identity.note(seen, origin);
    }
}

/// What a form just did, from `?done=<word>&n=<number>`: only words of the catalogue are shown.
pub fn notice(lang: Lang, query: &str) -> Option<Notice> {
    let get = |name: &str| url::form_urlencoded::parse(query.as_bytes()).find(|(k, _)| k == name).map(|(_, v)| v);
    let word = get("done")?;
    let key = format!("notice.{word}");
    let number = get("n").and_then(|n| n.parse::<i64>().ok());
    let text = match number {
        Some(n) if lang.find(&key).is_some() => lang.count(&key, n, &[]),
        _ => lang.find(&key)?.to_owned(),
    };
    Some(Notice { tone: if word.ends_with("_failed") { "warn" } else { "ok" }, text })
}

/// Back to a page of this site, with what was done.
pub fn done(to: &str, word: &str, number: Option<i64>) -> Response {
    let to = crate::http::session::safe_next(to).unwrap_or("/");
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    let mut kept = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name != "done" && name != "n" {
            kept.append_pair(&name, &value);
        }
    }
    kept.append_pair("done", word);
    if let Some(number) = number {
        kept.append_pair("n", &number.to_string());
    }
    Redirect::to(&format!("{path}?{}", kept.finish())).into_response()
}
