//! Who did what: append only. Rows of changes and sign-ins commit with their act.

use super::{FromRow, On, StoreError, Tx, sql};
use crate::model::{Id, Timestamp, ids::Noun};

/// One entry as it is written.
pub struct NewAudit<'a> {
    pub at: Timestamp,
    pub actor: &'a str,
    pub action: &'a str,
    pub object_kind: &'a str,
    pub object_id: &'a str,
    pub outcome: &'a str,
    pub ip: Option<&'a str>,
    pub request_id: Option<&'a str>,
    /// JSON without secrets and personal data.
    pub detail: &'a str,
}

/// One entry as the audit page lists it.
#[derive(Clone, Debug, FromRow)]
pub struct AuditRow {
    pub id: String,
    pub at: i64,
    pub actor: String,
    pub action: String,
    pub object_kind: String,
    pub object_id: String,
    pub outcome: String,
    pub ip: Option<String>,
    pub request_id: Option<String>,
    pub detail: String,
}

pub async fn insert(tx: &mut Tx, entry: &NewAudit<'_>) -> Result<(), StoreError> {
    let NewAudit { at, actor, action, object_kind, object_id, outcome, ip, request_id, detail } = entry;
    sql("INSERT INTO audit (id, at, actor, action, object_kind, object_id, outcome, ip, request_id, detail) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(Id::new(Noun::Audit))
    .bind(*at)
    .bind(*actor)
    .bind(*action)
    .bind(*object_kind)
    .bind(*object_id)
    .bind(*outcome)
    .bind(*ip)
    .bind(*request_id)
    .bind(*detail)
    .execute(tx)
    .await?;
    Ok(())
}

/// Entries older than `before` (an entry id), newest first. Ids sort by time.
pub async fn list(on: impl Into<On<'_>>, before: Option<&str>, limit: i64) -> Result<Vec<AuditRow>, StoreError> {
    sql("SELECT id, at, actor, action, object_kind, object_id, outcome, ip, request_id, detail FROM audit \
         WHERE id < $1 ORDER BY id DESC LIMIT $2")
    // '~' sorts after every digit and letter an id holds.
    .bind(before.unwrap_or("~"))
    .bind(limit)
    .all(on)
    .await
}
