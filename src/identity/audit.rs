//! The audit trail: sign-ins, refusals and changes, written in the transaction of their act; reads of
//! customers and refusals of rights, written together within a second ([`reads`]); and the chain that shows
//! when an entry was changed or taken away ([`chain`]).
//!
//! Invariant: `detail` holds ids, codes and counts; never secrets, names, addresses or mail.

pub mod chain;
pub mod file;
pub mod reads;

use std::net::IpAddr;

use serde_json::Value;

use crate::{
    model::Timestamp,
    store::{Db, StoreError, Tx, audit},
};

/// Where a request came from, as far as the trail wants to know.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub ip: Option<IpAddr>,
    pub agent: Option<String>,
    pub request_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    Refused,
}

impl Outcome {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
        }
    }
}

/// One entry. `actor` is a user id, `system` or `cli`; `action` is dotted: `session.start`.
#[derive(Clone, Debug)]
pub struct AuditEntry<'a> {
    pub actor: &'a str,
    pub action: &'static str,
    pub object_kind: &'static str,
    pub object_id: &'a str,
    pub outcome: Outcome,
    pub origin: &'a Origin,
    pub detail: Value,
}

/// Writes an entry with the act it tells of.
pub async fn record(tx: &mut Tx, entry: AuditEntry<'_>, now: Timestamp) -> Result<(), StoreError> {
    let AuditEntry { actor, action, object_kind, object_id, outcome, origin, detail } = entry;
    let ip = origin.ip.map(|ip| ip.to_string());
    let detail = if detail.is_null() { "{}".to_owned() } else { detail.to_string() };
    let row = audit::NewAudit {
        at: now,
        actor,
        action,
        object_kind,
        object_id,
        outcome: outcome.as_str(),
        ip: ip.as_deref(),
        request_id: origin.request_id.as_deref(),
        detail: &detail,
    };
    audit::insert(tx, &row).await
}

/// Writes an entry on its own: refusals change nothing else.
pub async fn record_alone(db: &Db, entry: AuditEntry<'_>, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    record(&mut tx, entry, now).await?;
    tx.commit().await
}
